//! `lazaret ls`

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::text::escape;
use lazaret_artifact::{EntryKind, EntryPath, record};
use lazaret_store::Access;
use lazaret_views::{Follow, Found, Node, NodeKind, Tree, Visit};
use serde::Serialize;

use crate::exit::Code;
use crate::global::Global;
use crate::output::Output;
use crate::table::{Align, Table};
use crate::time;
use crate::verb::{Choice, parse_name};

/// List the files of an image, its layers merged
///
/// Of a directory, lists what is in it; with -R everything below, as paths from there. Control
/// characters are escaped; --json is exact, and has paths from the root of the image.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Ls {
    /// A tag, or @sha256:…
    name: String,

    /// Where to look; symbolic links lead nowhere outside the image
    #[arg(default_value = "/")]
    path: OsString,

    /// With type and permissions, links, owner and group, size (for devices: major, minor), time of
    /// modification in UTC, and symbolic links' targets
    #[arg(short)]
    long: bool,

    /// Everything below, too
    #[arg(short = 'R', long)]
    recursive: bool,

    #[command(flatten)]
    choice: Choice,
}

const JSON: &str = "\
JSON, a line for each entry: path, kind (directory, regular, symlink, character-device,
block-device or fifo), mode, uid, gid, mtime, links, and where they apply size, target, device
(major, minor). A path or target that is not UTF-8 is {\"base64\": …}.";

impl Ls {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let repository = global.open(Access::Read)?;
        let doing = || format!("listing {name}");
        let image = self.choice.load(&repository, &name).with_context(doing)?;
        let tree = Tree::merge(&repository, &image).with_context(doing)?;
        // Like `ls`: a link that is named is shown with -l, and followed without.
        let follow = match self.long {
            true => Follow::No,
            false => Follow::Yes,
        };
        let found = tree
            .lookup(self.path.as_bytes(), follow)
            .with_context(doing)?;
        let below = entries(&tree, &found, self.recursive);
        let mut output = Output::new();
        if global.json {
            for visit in below {
                output.json_line(&Line::of(&visit))?;
            }
        } else if self.long {
            let mut table = Table::headless(COLUMNS);
            for visit in below {
                table.row(row(&visit, &shown(&visit, &self.path, &found)));
            }
            output.text(table.render())?;
        } else {
            for visit in below {
                output.line(shown(&visit, &self.path, &found))?;
            }
        }
        output.finish()?;
        Ok(Code::Done)
    }
}

type Entries<'a> = Box<dyn Iterator<Item = Visit<'a>> + 'a>;

fn entries<'a>(tree: &'a Tree, found: &'a Found, recursive: bool) -> Entries<'a> {
    if !tree.node(found.id).is_directory() {
        let node = tree.node(found.id);
        return Box::new(std::iter::once(Visit {
            path: found.path.clone(),
            id: found.id,
            node,
        }));
    }
    if recursive {
        return Box::new(tree.walk_from(found.path.clone(), found.id).skip(1));
    }
    Box::new(tree.children(found.id).map(|(name, id)| {
        Visit {
            path: found
                .path
                .join(name)
                .expect("names were taken from valid paths"),
            id,
            node: tree.node(id),
        }
    }))
}

/// The path from the directory that was asked for; anything else goes by the name it was asked for.
fn shown(visit: &Visit<'_>, asked: &OsStr, found: &Found) -> String {
    if visit.path == found.path {
        return escape(asked.as_bytes());
    }
    let below = &visit.path.as_bytes()[found.path.as_bytes().len()..];
    escape(below.strip_prefix(b"/").unwrap_or(below))
}

/// Mode, links, owner, group, size, time, path.
const COLUMNS: [Align; 7] = [
    Align::Left,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Left,
    Align::Left,
];

fn row(visit: &Visit<'_>, path: &str) -> [String; 7] {
    let node = visit.node;
    let posix = node.posix();
    [
        mode(node),
        node.links().to_string(),
        posix.uid.to_string(),
        posix.gid.to_string(),
        match node.kind() {
            NodeKind::CharacterDevice(major, minor) | NodeKind::BlockDevice(major, minor) => {
                format!("{major}, {minor}")
            }
            _ => node.size().to_string(),
        },
        time::short(posix.mtime),
        match node.kind() {
            NodeKind::Symlink(target) => format!("{path} -> {}", escape(target)),
            _ => path.to_owned(),
        },
    ]
}

/// Type and permissions as `ls -l` writes them.
fn mode(node: &Node) -> String {
    let kind = match node.kind() {
        NodeKind::Directory(_) => 'd',
        NodeKind::Regular(_) => '-',
        NodeKind::Symlink(_) => 'l',
        NodeKind::CharacterDevice(..) => 'c',
        NodeKind::BlockDevice(..) => 'b',
        NodeKind::Fifo => 'p',
    };
    format!("{kind}{}", permissions(node.posix().mode))
}

fn permissions(mode: u32) -> String {
    let mut text = String::with_capacity(9);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
        });
    }
    text
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a EntryPath,
    kind: EntryKind,
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: String,
    links: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<(u32, u32)>,
}

#[derive(Serialize)]
struct Target<'a>(#[serde(serialize_with = "record::raw::serialize")] &'a [u8]);

impl<'a> Line<'a> {
    fn of(visit: &'a Visit<'_>) -> Self {
        let node = visit.node;
        let posix = node.posix();
        let mut line = Self {
            path: &visit.path,
            kind: EntryKind::Directory,
            mode: posix.mode,
            uid: posix.uid,
            gid: posix.gid,
            mtime: time::rfc3339(posix.mtime),
            links: node.links(),
            size: None,
            target: None,
            device: None,
        };
        match node.kind() {
            NodeKind::Directory(_) => {}
            NodeKind::Regular(content) => {
                line.kind = EntryKind::Regular;
                line.size = Some(content.size());
            }
            NodeKind::Symlink(target) => {
                line.kind = EntryKind::Symlink;
                line.target = Some(Target(target));
            }
            NodeKind::CharacterDevice(major, minor) => {
                line.kind = EntryKind::CharacterDevice;
                line.device = Some((*major, *minor));
            }
            NodeKind::BlockDevice(major, minor) => {
                line.kind = EntryKind::BlockDevice;
                line.device = Some((*major, *minor));
            }
            NodeKind::Fifo => line.kind = EntryKind::Fifo,
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_written_as_ls_does() {
        for (mode, text) in [
            (0o755, "rwxr-xr-x"),
            (0o644, "rw-r--r--"),
            (0o4755, "rwsr-xr-x"),
            (0o4644, "rwSr--r--"),
            (0o2710, "rwx--s---"),
            (0o1777, "rwxrwxrwt"),
            (0o1776, "rwxrwxrwT"),
            (0, "---------"),
        ] {
            assert_eq!(permissions(mode), text);
        }
    }
}
