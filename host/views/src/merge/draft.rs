//! The tree while layers are being added to it.

use std::collections::BTreeMap;

use lazaret_artifact::limits::MAX_LOGICAL_SIZE;
use lazaret_artifact::{Entry, EntryKind, EntryPath, Extent, Posix};

use crate::tree::{Content, Layer, Node, NodeId, NodeKind, Tree};

/// A rule of records that an entry breaks.
type Broken = &'static str;

type Names = BTreeMap<Box<[u8]>, Name>;

const ROOT: usize = 0;

pub(super) struct Draft {
    nodes: Vec<Inode>,
    /// Layers are counted from 1; the root is from layer 0.
    layer: u32,
}

struct Inode {
    /// The layer whose entry `posix` is from; 0 when no entry describes it.
    described: u32,
    posix: Posix,
    kind: Kind,
}

enum Kind {
    Directory(Names),
    /// Never a [`NodeKind::Directory`].
    Leaf(NodeKind),
}

#[derive(Clone, Copy)]
struct Name {
    node: usize,
    /// The last layer that has something of this name, or below it.
    layer: u32,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![implied()],
            layer: 0,
        }
    }

    pub(super) fn begin_layer(&mut self) {
        self.layer += 1;
    }

    pub(super) fn apply(&mut self, entry: Entry) -> Result<(), Broken> {
        match entry.kind {
            // Parts are named stretches, not files.
            EntryKind::Part => Ok(()),
            EntryKind::Whiteout => self.whiteout(&entry.path),
            EntryKind::OpaqueDirectory => {
                if let Some(directory) = self.find(&entry.path) {
                    self.purge(directory);
                }
                Ok(())
            }
            EntryKind::Directory => self.directory(&entry.path, entry.posix),
            EntryKind::Hardlink => {
                let link = entry.link.as_ref().ok_or("a hard link without target")?;
                let target = self
                    .find(link)
                    .ok_or("its hard link's target does not exist")?;
                if matches!(self.nodes[target].kind, Kind::Directory(_)) {
                    return Err("its hard link's target is a directory");
                }
                self.place(&entry.path, target)
            }
            _ => self.leaf(entry),
        }
    }

    fn whiteout(&mut self, path: &EntryPath) -> Result<(), Broken> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Err("a whiteout of the root");
        };
        let Some(parent) = self.find(&parent) else {
            return Ok(());
        };
        let layer = self.layer;
        let Kind::Directory(names) = &mut self.nodes[parent].kind else {
            return Ok(());
        };
        match names.get(name) {
            None => {}
            Some(hidden) if hidden.layer < layer => {
                names.remove(name);
            }
            Some(&Name { node, .. }) => {
                self.undescribe(node);
                self.purge(node);
            }
        }
        Ok(())
    }

    /// Removes what lower layers have in a directory. What this layer has stays, and the
    /// directories leading to it lose what lower layers said of them.
    fn purge(&mut self, directory: usize) {
        let layer = self.layer;
        let mut todo = vec![directory];
        while let Some(node) = todo.pop() {
            let Kind::Directory(names) = &mut self.nodes[node].kind else {
                continue;
            };
            names.retain(|_, name| name.layer == layer);
            let kept: Vec<usize> = names.values().map(|name| name.node).collect();
            for node in kept {
                self.undescribe(node);
                todo.push(node);
            }
        }
    }

    /// Takes away attributes that are from below, of a directory that this layer only implies.
    fn undescribe(&mut self, node: usize) {
        let inode = &mut self.nodes[node];
        if matches!(inode.kind, Kind::Directory(_)) && inode.described < self.layer {
            inode.posix = implied().posix;
            inode.described = 0;
        }
    }

    fn directory(&mut self, path: &EntryPath, posix: Option<Posix>) -> Result<(), Broken> {
        let posix = posix.unwrap_or_else(|| implied().posix);
        check(&posix)?;
        let existing = self.find(path);
        let existing = existing.filter(|node| matches!(self.nodes[*node].kind, Kind::Directory(_)));
        let node = match existing {
            Some(node) => node,
            None => self.push(implied())?,
        };
        if !path.is_root() {
            self.place(path, node)?;
        }
        self.nodes[node].posix = posix;
        self.nodes[node].described = self.layer;
        Ok(())
    }

    fn leaf(&mut self, entry: Entry) -> Result<(), Broken> {
        let Entry {
            path,
            kind,
            content,
            target,
            posix,
            ..
        } = entry;
        let mut posix = posix.unwrap_or_else(|| Posix {
            mode: if kind == EntryKind::Symlink {
                0o777
            } else {
                0o644
            },
            ..Posix::default()
        });
        check(&posix)?;
        let device = posix.device.take().ok_or("a device without numbers");
        let kind = match kind {
            EntryKind::Regular => NodeKind::Regular(self.content(content)?),
            EntryKind::Symlink if target.is_empty() || target.contains(&0) => {
                return Err("a symbolic link without a usable target");
            }
            EntryKind::Symlink => NodeKind::Symlink(target.into()),
            EntryKind::CharacterDevice => {
                device.map(|(major, minor)| NodeKind::CharacterDevice(major, minor))?
            }
            EntryKind::BlockDevice => {
                device.map(|(major, minor)| NodeKind::BlockDevice(major, minor))?
            }
            EntryKind::Fifo => NodeKind::Fifo,
            _ => return Err("not a file"),
        };
        let inode = Inode {
            described: self.layer,
            posix,
            kind: Kind::Leaf(kind),
        };
        let node = self.push(inode)?;
        self.place(&path, node)
    }

    fn content(&self, extents: Vec<Extent>) -> Result<Content, Broken> {
        let mut size: u64 = 0;
        for extent in &extents {
            if let Extent::Derived { .. } = extent {
                return Err("it has derived bytes, and no record says where they are");
            }
            if let Extent::Input { offset, length } = extent
                && offset.checked_add(*length).is_none()
            {
                return Err("a range of its content overflows");
            }
            size = size
                .checked_add(extent.length())
                .filter(|size| *size <= MAX_LOGICAL_SIZE)
                .ok_or("it is larger than a file can be")?;
        }
        Ok(Content {
            layer: self.layer - 1,
            extents: extents.into(),
            size,
        })
    }

    fn push(&mut self, inode: Inode) -> Result<usize, Broken> {
        if self.nodes.len() >= u32::MAX as usize {
            return Err("more files than any tree can have");
        }
        self.nodes.push(inode);
        Ok(self.nodes.len() - 1)
    }

    /// What a path leads to, symbolic links being files like any other.
    fn find(&self, path: &EntryPath) -> Option<usize> {
        path.components()
            .try_fold(ROOT, |node, component| match &self.nodes[node].kind {
                Kind::Directory(names) => names.get(component).map(|name| name.node),
                Kind::Leaf(_) => None,
            })
    }

    /// Gives `node` the name `path`, in place of what has that name, and makes the directories
    /// above that are missing.
    fn place(&mut self, path: &EntryPath, node: usize) -> Result<(), Broken> {
        let layer = self.layer;
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Err("the root is not a directory");
        };
        let mut here = ROOT;
        for component in parent.components() {
            let found = self.names(here).get(component).copied();
            let is_directory =
                |name: &Name| matches!(self.nodes[name.node].kind, Kind::Directory(_));
            let next = match found {
                Some(name) if is_directory(&name) => name.node,
                Some(name) if name.layer == layer => {
                    return Err("it lies below something that is not a directory");
                }
                _ => self.push(implied())?,
            };
            self.names(here)
                .insert(component.into(), Name { node: next, layer });
            here = next;
        }
        self.names(here).insert(name.into(), Name { node, layer });
        Ok(())
    }

    fn names(&mut self, directory: usize) -> &mut Names {
        match &mut self.nodes[directory].kind {
            Kind::Directory(names) => names,
            Kind::Leaf(_) => unreachable!("only directories are descended into"),
        }
    }

    /// Numbers what is left in the order of a walk and counts names.
    pub(super) fn finish(mut self, layers: Vec<Layer>) -> Tree {
        let mut numbers: Vec<Option<NodeId>> = vec![None; self.nodes.len()];
        let mut links: Vec<u32> = Vec::new();
        let mut order: Vec<usize> = Vec::new();
        let mut todo = vec![ROOT];
        while let Some(node) = todo.pop() {
            if let Some(number) = numbers[node] {
                links[number.0 as usize] += 1;
                continue;
            }
            let number = u32::try_from(order.len()).expect("`push` counts");
            numbers[node] = Some(NodeId(number));
            order.push(node);
            match &self.nodes[node].kind {
                Kind::Leaf(_) => links.push(1),
                Kind::Directory(names) => {
                    let directories = names
                        .values()
                        .filter(|name| matches!(self.nodes[name.node].kind, Kind::Directory(_)));
                    let directories = u32::try_from(directories.count()).unwrap_or(u32::MAX);
                    links.push(directories.saturating_add(2));
                    todo.extend(names.values().rev().map(|name| name.node));
                }
            }
        }
        let nodes = order.iter().zip(links).map(|(old, links)| {
            let inode = std::mem::replace(&mut self.nodes[*old], implied());
            let kind = match inode.kind {
                Kind::Leaf(kind) => kind,
                Kind::Directory(names) => NodeKind::Directory(
                    names
                        .into_iter()
                        .map(|(name, child)| {
                            (
                                name,
                                numbers[child.node].expect("all that has a name was numbered"),
                            )
                        })
                        .collect(),
                ),
            };
            Node {
                kind,
                posix: inode.posix,
                links,
            }
        });
        Tree {
            nodes: nodes.collect(),
            layers,
        }
    }
}

/// A directory that nobody describes: mode 0755, root's, as old as can be. The specification says
/// nothing of it; a fixed time keeps the tree a function of the layers.
fn implied() -> Inode {
    Inode {
        described: 0,
        posix: Posix {
            mode: 0o755,
            ..Posix::default()
        },
        kind: Kind::Directory(Names::new()),
    }
}

/// What importing never lets through and the kernel would stumble over.
fn check(posix: &Posix) -> Result<(), Broken> {
    if posix.mode & !0o7777 != 0 {
        return Err("a mode with other bits than permissions");
    }
    if posix.mtime.nanoseconds >= 1_000_000_000 {
        return Err("a time with more nanoseconds than a second has");
    }
    if posix
        .xattrs
        .iter()
        .any(|xattr| xattr.name.is_empty() || xattr.name.contains(&0))
    {
        return Err("an extended attribute without a usable name");
    }
    Ok(())
}
