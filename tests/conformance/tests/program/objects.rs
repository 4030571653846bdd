//! The objects of a repository, read from its directory, and what kind each is by its first bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A splitstream.
    Stream,
    /// An EROFS image.
    Image,
    /// Anything else: a file of a layer, a manifest, a config.
    File,
}

/// Every object by its name in hexadecimal; and that nothing else lies there.
#[track_caller]
pub fn objects(repository: &Path) -> BTreeMap<String, Kind> {
    let mut objects = BTreeMap::new();
    for folder in fs::read_dir(repository.join("objects")).unwrap() {
        let folder = folder.unwrap();
        let first = folder.file_name().into_string().unwrap();
        assert!(first.len() == 2 && is_hex(&first), "objects/{first}");
        for file in fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            let rest = file.file_name().into_string().unwrap();
            assert!(is_hex(&rest), "objects/{first}/{rest}");
            objects.insert(
                format!("{first}{rest}"),
                kind(&fs::read(file.path()).unwrap()),
            );
        }
    }
    objects
}

/// The names of those of one kind.
pub fn of_kind(objects: &BTreeMap<String, Kind>, kind: Kind) -> Vec<&str> {
    let wanted = objects.iter().filter(|(_, found)| **found == kind);
    wanted.map(|(name, _)| &**name).collect()
}

/// The path of an object below the repository.
pub fn path(name: &str) -> String {
    format!("objects/{}/{}", &name[..2], &name[2..])
}

fn kind(data: &[u8]) -> Kind {
    /// Of EROFS, at offset 1024 (Linux, fs/erofs/erofs_fs.h).
    const EROFS: [u8; 4] = 0xe0f5_e1e2_u32.to_le_bytes();
    if data.starts_with(b"SplitStream") {
        Kind::Stream
    } else if data.get(1024..1028) == Some(&EROFS) {
        Kind::Image
    } else {
        Kind::File
    }
}

fn is_hex(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
