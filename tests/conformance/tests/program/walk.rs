//! Everything that can be seen of a directory tree, to compare it with another one.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use lazaret_layouts::digest;

/// One file, directory or other thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub kind: &'static str,
    pub mode: u32,
    pub owner: (u32, u32),
    pub mtime: (i64, i64),
    /// Names and values, but for those that the system's own policies add.
    pub xattrs: BTreeMap<OsString, Vec<u8>>,
    /// Digest of a file, target of a link, number of a device.
    pub content: String,
    /// Of several names of one file, the first.
    pub first_name: PathBuf,
}

/// A tree by paths from its root. The root itself is not in it: an archive may well say nothing
/// about it.
#[track_caller]
pub fn walk(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut paths = Vec::new();
    gather(root, &mut paths);
    paths.sort();
    let mut firsts: HashMap<(u64, u64), PathBuf> = HashMap::new();
    let mut tree = BTreeMap::new();
    for path in paths {
        let name = path.strip_prefix(root).unwrap().to_owned();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let inode = (metadata.dev(), metadata.ino());
        let first_name = match metadata.is_dir() {
            true => name.clone(),
            false => firsts.entry(inode).or_insert_with(|| name.clone()).clone(),
        };
        tree.insert(name, look(&path, &metadata, first_name));
    }
    tree
}

/// Asserts that two trees are the same, naming the first difference.
#[track_caller]
pub fn assert_same(ours: &BTreeMap<PathBuf, Seen>, theirs: &BTreeMap<PathBuf, Seen>) {
    for (path, seen) in theirs {
        assert_eq!(ours.get(path), Some(seen), "{}", path.display());
    }
    for path in ours.keys() {
        assert!(
            theirs.contains_key(path),
            "{} should not be",
            path.display()
        );
    }
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            gather(&path, paths);
        }
        paths.push(path);
    }
}

#[track_caller]
fn look(path: &Path, metadata: &Metadata, first_name: PathBuf) -> Seen {
    let file_type = metadata.file_type();
    let device = || format!("{:#x}", metadata.rdev());
    let (kind, content) = if file_type.is_dir() {
        ("directory", String::new())
    } else if file_type.is_file() {
        ("file", digest(&fs::read(path).unwrap()))
    } else if file_type.is_symlink() {
        ("symlink", format!("{:?}", fs::read_link(path).unwrap()))
    } else if file_type.is_fifo() {
        ("fifo", String::new())
    } else if file_type.is_char_device() {
        ("character device", device())
    } else if file_type.is_block_device() {
        ("block device", device())
    } else {
        panic!("{}: {file_type:?}", path.display())
    };
    Seen {
        kind,
        mode: metadata.mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        mtime: (metadata.mtime(), metadata.mtime_nsec()),
        xattrs: xattrs(path),
        content,
        first_name,
    }
}

fn xattrs(path: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let mut list = vec![0; 64 << 10];
    let length = rustix::fs::llistxattr(path, &mut list[..]).unwrap();
    let names = list[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    let mut xattrs = BTreeMap::new();
    for name in names {
        let name = OsString::from_vec(name.to_vec());
        if name == "security.selinux" {
            continue;
        }
        let mut value = vec![0; 64 << 10];
        let length = rustix::fs::lgetxattr(path, &name, &mut value[..]).unwrap();
        value.truncate(length);
        xattrs.insert(name, value);
    }
    xattrs
}
