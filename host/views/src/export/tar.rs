//! Export as a tar archive.
//!
//! The archive is a function of the tree alone: members in the order of a walk, the root as `./`, a
//! file with several names under the first of them and as hard links under the others. It ends
//! with two blocks of zeros and no further padding.

use std::collections::HashMap;
use std::io::{BufWriter, Write};

use lazaret_artifact::Posix;
use lazaret_artifact::text::escape;
use lazaret_store::Repository;

use super::header::{BLOCK, Member, flag, is_xattr_name};
use super::map::SparseMap;
use super::{ExportOptions, Exported, Progress, Warning};
use crate::content::{Contents, Sink};
use crate::error::ViewError;
use crate::read::{Plain, write_zeros};
use crate::tree::{Content, NodeId, NodeKind, Tree};
use crate::walk::Visit;

/// Bytes gathered before they are written.
const BUFFER: usize = 256 * 1024;

/// Writes `tree` to `out` as a PAX archive.
///
/// Owners, modes, times and extended attributes are the image's. Holes of a file are kept as a map
/// in GNU's format 1.0 where they come to 4096 bytes or more. Every object is compared with its
/// digest while it is read; the end of an archive whose export failed is missing.
///
/// # Errors
/// [`ViewError::Output`] when `out` fails; [`ViewError::Unrepresentable`],
/// [`ViewError::Interrupted`]; damage.
pub fn tar(
    repository: &Repository,
    tree: &Tree,
    out: &mut dyn Write,
    options: &ExportOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Exported, ViewError> {
    let contents = Contents::locate(repository, tree, tree.files())?;
    let mut archive = Archive {
        contents,
        out: BufWriter::with_capacity(BUFFER, out),
        options,
        progress,
        first: HashMap::new(),
        warnings: Vec::new(),
    };
    for visit in tree.walk() {
        options.check_cancel()?;
        archive.member(&visit)?;
        progress(Progress::Entry);
    }
    write_zeros(&mut archive.out, 2 * BLOCK as u64)
        .and_then(|()| archive.out.flush())
        .map_err(output)?;
    let totals = tree.totals();
    Ok(Exported {
        entries: totals.entries,
        bytes: totals.bytes,
        warnings: archive.warnings,
    })
}

struct Archive<'a> {
    contents: Contents,
    out: BufWriter<&'a mut dyn Write>,
    options: &'a ExportOptions,
    progress: &'a (dyn Fn(Progress) + Sync),
    /// The first names of nodes that have several.
    first: HashMap<NodeId, Vec<u8>>,
    warnings: Vec<Warning>,
}

impl Archive<'_> {
    fn member(&mut self, visit: &Visit<'_>) -> Result<(), ViewError> {
        let node = visit.node;
        let path = member_path(visit);
        let posix = &node.posix;
        if let Some(first) = self.first.get(&visit.id) {
            let flag = flag::HARD_LINK;
            let header = encode(&Member {
                flag,
                link: first,
                ..describe(&path, posix)
            })?;
            return self.write(&header);
        }
        if !node.is_directory() && node.links() > 1 {
            self.first.insert(visit.id, path.clone());
        }
        let mut member = describe(&path, posix);
        for xattr in &posix.xattrs {
            if is_xattr_name(&xattr.name) {
                member.xattrs.push((&xattr.name, &xattr.value));
            } else {
                self.warnings
                    .push(Warning::xattr(&visit.path, &xattr.name, None));
            }
        }
        match &node.kind {
            NodeKind::Directory(_) => member.flag = flag::DIRECTORY,
            NodeKind::Regular(content) => {
                member.flag = flag::REGULAR;
                return self.file(member, content);
            }
            NodeKind::Symlink(target) => {
                member.flag = flag::SYMBOLIC_LINK;
                member.link = target;
            }
            NodeKind::CharacterDevice(major, minor) => {
                member.flag = flag::CHARACTER_DEVICE;
                member.device = (*major, *minor);
            }
            NodeKind::BlockDevice(major, minor) => {
                member.flag = flag::BLOCK_DEVICE;
                member.device = (*major, *minor);
            }
            NodeKind::Fifo => member.flag = flag::FIFO,
        }
        let header = encode(&member)?;
        self.write(&header)
    }

    fn file(&mut self, mut member: Member<'_>, content: &Content) -> Result<(), ViewError> {
        let Some(map) = SparseMap::of(&content.extents, content.size) else {
            member.size = content.size;
            let header = encode(&member)?;
            self.write(&header)?;
            return self.data(content, &[(0, content.size)], content.size);
        };
        let text = map.encode();
        member.sparse = Some(content.size);
        member.size = map.data_size() + text.len() as u64;
        let header = encode(&member)?;
        self.write(&header)?;
        self.write(&text)?;
        self.data(content, map.regions(), map.data_size())
    }

    /// The bytes of a file in `regions`, and padding.
    fn data(
        &mut self,
        content: &Content,
        regions: &[(u64, u64)],
        size: u64,
    ) -> Result<(), ViewError> {
        let mut sink = Regions {
            out: Plain(&mut self.out),
            options: self.options,
            progress: self.progress,
            regions,
            position: 0,
        };
        self.contents
            .copy(content.layer, &content.extents, &mut sink)?;
        let block = BLOCK as u64;
        write_zeros(&mut self.out, size.next_multiple_of(block) - size).map_err(output)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ViewError> {
        self.out.write_all(bytes).map_err(output)
    }
}

/// Passes on what lies in regions. What does not is a hole, or it would be in one.
struct Regions<'a> {
    out: Plain<'a>,
    options: &'a ExportOptions,
    progress: &'a (dyn Fn(Progress) + Sync),
    /// Those that do not end before `position`.
    regions: &'a [(u64, u64)],
    position: u64,
}

impl Sink for Regions<'_> {
    fn data(&mut self, bytes: &[u8]) -> Result<(), ViewError> {
        self.options.check_cancel()?;
        self.position += bytes.len() as u64;
        (self.progress)(Progress::Bytes(bytes.len() as u64));
        self.out.data(bytes)
    }

    fn hole(&mut self, length: u64) -> Result<(), ViewError> {
        let (start, end) = (self.position, self.position + length);
        self.position = end;
        while let [(from, to), rest @ ..] = self.regions {
            let (from, to) = ((*from).max(start), (*to).min(end));
            if from < to {
                self.out.hole(to - from)?;
            }
            if self.regions[0].1 > end {
                break;
            }
            self.regions = rest;
        }
        Ok(())
    }
}

/// The path as it stands in the archive: directories end in a slash, the root is `./`.
fn member_path(visit: &Visit<'_>) -> Vec<u8> {
    let mut path = visit.path.as_bytes().to_vec();
    if visit.path.is_root() {
        path.push(b'.');
    }
    if visit.node.is_directory() {
        path.push(b'/');
    }
    path
}

fn describe<'a>(path: &'a [u8], posix: &Posix) -> Member<'a> {
    Member {
        path,
        mode: posix.mode,
        uid: posix.uid,
        gid: posix.gid,
        mtime: posix.mtime,
        ..Member::default()
    }
}

fn encode(member: &Member<'_>) -> Result<Vec<u8>, ViewError> {
    member
        .encode()
        .map_err(|reason| ViewError::Unrepresentable {
            path: escape(member.path),
            reason,
        })
}

fn output(source: std::io::Error) -> ViewError {
    ViewError::Output { source }
}
