//! What lies in a directory, a line for each name.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use lazaret_artifact::text::escape;

/// Type, mode, owner, time, content and extended attributes of everything, sorted by path.
pub(super) fn snapshot(root: &Path) -> Vec<String> {
    let mut paths = vec![Vec::new()];
    let mut next = 0;
    while next < paths.len() {
        let at = root.join(OsStr::from_bytes(&paths[next]));
        if fs::symlink_metadata(&at).unwrap().is_dir() {
            for entry in fs::read_dir(&at).unwrap() {
                let mut path = paths[next].clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(entry.unwrap().file_name().as_bytes());
                paths.push(path);
            }
        }
        next += 1;
    }
    paths.sort();
    let mut first = HashMap::new();
    paths
        .iter()
        .map(|path| line(root, path, &mut first))
        .collect()
}

fn line(root: &Path, path: &[u8], first: &mut HashMap<u64, String>) -> String {
    let at = if path.is_empty() {
        root.to_owned()
    } else {
        root.join(OsStr::from_bytes(path))
    };
    let status = fs::symlink_metadata(&at).unwrap();
    let shown = if path.is_empty() {
        ".".to_owned()
    } else {
        escape(path)
    };
    if !status.is_dir() {
        if let Some(first) = first.get(&status.ino()) {
            return format!("{shown} same as {first}");
        }
        first.insert(status.ino(), shown.clone());
    }
    let (major, minor) = (
        rustix::fs::major(status.rdev()),
        rustix::fs::minor(status.rdev()),
    );
    let kind = match status.file_type() {
        kind if kind.is_dir() => "directory".to_owned(),
        kind if kind.is_file() => "file".to_owned(),
        kind if kind.is_symlink() => "link".to_owned(),
        kind if kind.is_fifo() => "pipe".to_owned(),
        kind if kind.is_char_device() => format!("character {major}:{minor}"),
        kind if kind.is_block_device() => format!("block {major}:{minor}"),
        kind => panic!("{kind:?}"),
    };
    let mut line = format!(
        "{shown} {kind} {:o} {}:{} {}.{}",
        status.mode() & 0o7777,
        status.uid(),
        status.gid(),
        status.mtime(),
        status.mtime_nsec(),
    );
    if status.is_symlink() {
        let target = fs::read_link(&at).unwrap();
        write!(line, " -> {}", escape(target.as_os_str().as_bytes())).unwrap();
    }
    if status.is_file() {
        write!(
            line,
            " size {} sum {}",
            status.size(),
            sum(&at, status.size())
        )
        .unwrap();
    }
    for (name, value) in xattrs(&at) {
        let value: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(line, " {name}={value}").unwrap();
    }
    line
}

/// A sum that takes account of positions for small files; a plain one for huge ones of holes.
fn sum(at: &Path, size: u64) -> u64 {
    if size > 1 << 30 {
        return 0;
    }
    let mut content = Vec::new();
    File::open(at).unwrap().read_to_end(&mut content).unwrap();
    (1..).zip(&content).fold(0, |sum: u64, (position, byte)| {
        sum.wrapping_add(u64::from(*byte).wrapping_mul(position))
    })
}

fn xattrs(at: &Path) -> Vec<(String, Vec<u8>)> {
    let mut names = vec![0; 65_536];
    let length = rustix::fs::llistxattr(at, &mut names[..]).unwrap_or(0);
    let mut all: Vec<(String, Vec<u8>)> = names[..length]
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let mut value = vec![0; 65_536];
            let length = rustix::fs::lgetxattr(at, name, &mut value[..]).unwrap();
            value.truncate(length);
            (String::from_utf8(name.to_vec()).unwrap(), value)
        })
        .collect();
    all.sort();
    all
}
