//! What an importer has said so far about paths, in constant memory per path.
//!
//! A layer can hold a million names. Their kinds are kept under keyed 120-bit fingerprints, not
//! under the names themselves; two names that share one are refused, which an attacker who does not
//! know the keys cannot bring about and chance will not.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::hash::{BuildHasher, RandomState};

use lazaret_artifact::{EntryKind, EntryPath};

/// What is known of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Named, or implied by a name below it.
    Directory,
    /// Anything a hard link may name.
    Linkable,
    /// A whiteout.
    Hidden,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    check: [u8; 7],
    seen: Seen,
    named: bool,
}

/// Why a path cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    ParentNotDirectory,
    Duplicate,
    Collision,
}

pub(crate) struct Paths {
    first: RandomState,
    second: RandomState,
    known: HashMap<u64, Known, Passthrough>,
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self {
            first: RandomState::new(),
            second: RandomState::new(),
            known: HashMap::default(),
        }
    }

    /// What was said of `path`, if anything.
    pub(crate) fn get(&self, path: &[u8]) -> Option<Seen> {
        let (key, check) = self.fingerprint(path);
        let known = self.known.get(&key)?;
        (known.check == check).then_some(known.seen)
    }

    /// Notes `path`; all directories above it are implied.
    pub(crate) fn insert(
        &mut self,
        path: &EntryPath,
        kind: EntryKind,
        duplicates: bool,
    ) -> Result<(), Conflict> {
        if kind == EntryKind::Part {
            return self.insert_part(path, duplicates);
        }
        self.imply_parents(path.as_bytes())?;
        let seen = match kind {
            EntryKind::Directory | EntryKind::OpaqueDirectory => Seen::Directory,
            EntryKind::Whiteout => Seen::Hidden,
            _ => Seen::Linkable,
        };
        let (key, check) = self.fingerprint(path.as_bytes());
        match self.known.entry(key) {
            Slot::Vacant(slot) => {
                slot.insert(Known {
                    check,
                    seen,
                    named: true,
                });
            }
            Slot::Occupied(mut slot) => {
                let known = slot.get_mut();
                if known.check != check {
                    return Err(Conflict::Collision);
                }
                // A directory may be emptied and described in either order.
                let marker = kind == EntryKind::OpaqueDirectory;
                if known.named && !duplicates && !marker {
                    return Err(Conflict::Duplicate);
                }
                *known = Known {
                    check,
                    seen,
                    named: known.named || !marker,
                };
            }
        }
        Ok(())
    }

    /// Parts are no files: their names form no tree, but none comes twice.
    fn insert_part(&mut self, path: &EntryPath, duplicates: bool) -> Result<(), Conflict> {
        // NUL cannot occur in a path, so this is no file's key.
        let mut name = vec![0];
        name.extend_from_slice(path.as_bytes());
        let (key, check) = self.fingerprint(&name);
        let known = Known {
            check,
            seen: Seen::Hidden,
            named: true,
        };
        match self.known.insert(key, known) {
            Some(earlier) if earlier.check != check => Err(Conflict::Collision),
            Some(_) if !duplicates => Err(Conflict::Duplicate),
            _ => Ok(()),
        }
    }

    fn imply_parents(&mut self, path: &[u8]) -> Result<(), Conflict> {
        let mut end = path.len();
        while let Some(slash) = path[..end].iter().rposition(|&byte| byte == b'/') {
            end = slash;
            let (key, check) = self.fingerprint(&path[..end]);
            match self.known.entry(key) {
                Slot::Vacant(slot) => {
                    slot.insert(Known {
                        check,
                        seen: Seen::Directory,
                        named: false,
                    });
                }
                Slot::Occupied(slot) => {
                    let known = slot.get();
                    if known.check != check {
                        return Err(Conflict::Collision);
                    }
                    if known.seen != Seen::Directory {
                        return Err(Conflict::ParentNotDirectory);
                    }
                    // Further up too: a directory above may have been replaced by a link since.
                }
            }
        }
        Ok(())
    }

    fn fingerprint(&self, path: &[u8]) -> (u64, [u8; 7]) {
        let [check @ .., _] = self.second.hash_one(path).to_le_bytes();
        (self.first.hash_one(path), check)
    }
}

/// The keys are keyed hashes already.
#[derive(Default, Clone)]
struct Passthrough;

impl BuildHasher for Passthrough {
    type Hasher = PassthroughHasher;

    fn build_hasher(&self) -> PassthroughHasher {
        PassthroughHasher(0)
    }
}

struct PassthroughHasher(u64);

impl std::hash::Hasher for PassthroughHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only u64 keys are hashed")
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> EntryPath {
        EntryPath::from_untrusted(text.as_bytes()).unwrap()
    }

    #[test]
    fn parents_must_be_directories() {
        let mut paths = Paths::new();
        paths
            .insert(&path("a/b/c"), EntryKind::Regular, false)
            .unwrap();
        assert_eq!(paths.get(b"a/b"), Some(Seen::Directory));
        paths
            .insert(&path("a/b"), EntryKind::Directory, false)
            .unwrap();
        assert_eq!(
            paths.insert(&path("a/b"), EntryKind::Directory, false),
            Err(Conflict::Duplicate)
        );
        assert_eq!(
            paths.insert(&path("a/b/c/d"), EntryKind::Regular, true),
            Err(Conflict::ParentNotDirectory)
        );
        paths.insert(&path("l"), EntryKind::Symlink, true).unwrap();
        assert_eq!(
            paths.insert(&path("l/passwd"), EntryKind::Regular, true),
            Err(Conflict::ParentNotDirectory)
        );
        paths
            .insert(&path("l"), EntryKind::Directory, true)
            .unwrap();
        paths
            .insert(&path("l/passwd"), EntryKind::Regular, true)
            .unwrap();

        paths
            .insert(&path("x/y/z"), EntryKind::Regular, true)
            .unwrap();
        paths.insert(&path("x"), EntryKind::Symlink, true).unwrap();
        assert_eq!(
            paths.insert(&path("x/y/w"), EntryKind::Regular, true),
            Err(Conflict::ParentNotDirectory)
        );
    }

    #[test]
    fn parts_have_names_of_their_own() {
        let mut paths = Paths::new();
        paths.insert(&path("a/b"), EntryKind::Part, false).unwrap();
        paths.insert(&path("a"), EntryKind::Part, false).unwrap();
        paths.insert(&path("a"), EntryKind::Regular, false).unwrap();
        assert_eq!(
            paths.insert(&path("a"), EntryKind::Part, false),
            Err(Conflict::Duplicate)
        );
        assert_eq!(paths.get(b"a/b"), None);
    }
}
