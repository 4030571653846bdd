//! What an importer has said so far about paths, in constant memory per path.
//!
//! A layer can hold a million names. Their kinds are kept under keyed 120-bit fingerprints, not
//! under the names themselves; two names that share one are refused, which an attacker who does not
//! know the keys cannot bring about and chance will not.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

use lazaret_artifact::{EntryKind, EntryPath};

/// Before the names of parts and whiteouts: NUL cannot occur in a path, so neither is a file's key.
const PART: &[u8] = b"\0part\0";
const WHITEOUT: &[u8] = b"\0whiteout\0";

/// What is known of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Named, or implied by a name below it.
    Directory,
    /// Anything a hard link may name.
    Linkable,
    /// A part or a whiteout: no file of this blob.
    Apart,
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
    ReplacesDirectory,
    Duplicate,
    Collision,
}

pub(crate) struct Paths {
    first: RandomState,
    second: RandomState,
    known: HashMap<u64, Known, Passthrough>,
    /// Directories that were implied and never named.
    implied: u64,
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self {
            first: RandomState::new(),
            second: RandomState::new(),
            known: HashMap::default(),
            implied: 0,
        }
    }

    /// Directories that names below them imply and that have no entry: one name can imply two
    /// thousand.
    pub(crate) const fn implied(&self) -> u64 {
        self.implied
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
            return self.insert_apart(PART, path, duplicates);
        }
        let (key, check) = self.imply_parents(path.as_bytes())?;
        let seen = match kind {
            EntryKind::Directory | EntryKind::OpaqueDirectory => Seen::Directory,
            // It hides what other layers have there and says nothing of its own (image-spec,
            // layer.md, "Whiteouts").
            EntryKind::Whiteout => return self.insert_apart(WHITEOUT, path, duplicates),
            _ => Seen::Linkable,
        };
        // A directory may be emptied and described in either order.
        let marker = kind == EntryKind::OpaqueDirectory;
        match self.known.entry(key) {
            Slot::Vacant(slot) => {
                slot.insert(Known {
                    check,
                    seen,
                    named: !marker,
                });
                self.implied += u64::from(marker);
            }
            Slot::Occupied(mut slot) => {
                let known = slot.get_mut();
                if known.check != check {
                    return Err(Conflict::Collision);
                }
                if marker && known.seen != Seen::Directory {
                    return Err(Conflict::ParentNotDirectory);
                }
                // What lies below would hang in the air, and links to it would name nothing.
                if duplicates && known.seen == Seen::Directory && seen != Seen::Directory {
                    return Err(Conflict::ReplacesDirectory);
                }
                // What was only implied may be named once, as the directory it was taken for.
                let repeats = known.named || seen != Seen::Directory;
                if repeats && !duplicates && !marker {
                    return Err(Conflict::Duplicate);
                }
                let named = known.named || !marker;
                self.implied -= u64::from(named && !known.named);
                *known = Known { check, seen, named };
            }
        }
        Ok(())
    }

    /// Parts and whiteouts are no files: their names form no tree, but none comes twice.
    fn insert_apart(
        &mut self,
        prefix: &[u8],
        path: &EntryPath,
        duplicates: bool,
    ) -> Result<(), Conflict> {
        let mut name = prefix.to_vec();
        name.extend_from_slice(path.as_bytes());
        let (key, check) = self.fingerprint(&name);
        let known = Known {
            check,
            seen: Seen::Apart,
            named: true,
        };
        match self.known.insert(key, known) {
            Some(earlier) if earlier.check != check => Err(Conflict::Collision),
            Some(_) if !duplicates => Err(Conflict::Duplicate),
            _ => Ok(()),
        }
    }

    /// Notes every directory above `path` and returns the fingerprint of `path` itself. Each byte is
    /// hashed once, however many directories there are.
    fn imply_parents(&mut self, path: &[u8]) -> Result<Fingerprint, Conflict> {
        let mut hasher = self.hasher();
        let mut components = path.split(|&byte| byte == b'/').peekable();
        // From the top, all the way down: a directory far above may have been replaced by a link
        // since.
        while let Some(component) = components.next() {
            hasher.descend(component);
            if components.peek().is_none() {
                break;
            }
            let (key, check) = hasher.fingerprint();
            match self.known.entry(key) {
                Slot::Vacant(slot) => {
                    slot.insert(Known {
                        check,
                        seen: Seen::Directory,
                        named: false,
                    });
                    self.implied += 1;
                }
                Slot::Occupied(slot) => {
                    let known = slot.get();
                    if known.check != check {
                        return Err(Conflict::Collision);
                    }
                    if known.seen != Seen::Directory {
                        return Err(Conflict::ParentNotDirectory);
                    }
                }
            }
        }
        Ok(hasher.fingerprint())
    }

    fn fingerprint(&self, path: &[u8]) -> Fingerprint {
        let mut hasher = self.hasher();
        for component in path.split(|&byte| byte == b'/') {
            hasher.descend(component);
        }
        hasher.fingerprint()
    }

    fn hasher(&self) -> PathHasher {
        PathHasher(self.first.build_hasher(), self.second.build_hasher())
    }
}

type Fingerprint = (u64, [u8; 7]);

/// Hashes a path from the root down, with a fingerprint on each level.
struct PathHasher(DefaultHasher, DefaultHasher);

impl PathHasher {
    fn descend(&mut self, component: &[u8]) {
        for hasher in [&mut self.0, &mut self.1] {
            hasher.write(component);
            hasher.write_u8(b'/');
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        let [check @ .., _] = self.1.finish().to_le_bytes();
        (self.0.finish(), check)
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

impl Hasher for PassthroughHasher {
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
        assert_eq!(
            paths.insert(&path("x"), EntryKind::Symlink, true),
            Err(Conflict::ReplacesDirectory)
        );
    }

    #[test]
    fn a_path_is_what_it_was_even_without_duplicates() {
        let mut paths = Paths::new();
        for (text, kind, expected) in [
            ("a/b", EntryKind::Regular, Ok(())),
            ("a", EntryKind::Symlink, Err(Conflict::Duplicate)),
            ("a", EntryKind::OpaqueDirectory, Ok(())),
            ("a", EntryKind::Directory, Ok(())),
            ("a", EntryKind::OpaqueDirectory, Ok(())),
            ("a", EntryKind::Directory, Err(Conflict::Duplicate)),
            (
                "a/b",
                EntryKind::OpaqueDirectory,
                Err(Conflict::ParentNotDirectory),
            ),
            (
                "a/b/c",
                EntryKind::Regular,
                Err(Conflict::ParentNotDirectory),
            ),
        ] {
            assert_eq!(
                paths.insert(&path(text), kind, false),
                expected,
                "{text} {kind:?}"
            );
        }
    }

    #[test]
    fn implied_directories_are_counted_until_they_are_named() {
        let mut paths = Paths::new();
        paths
            .insert(&path("a/b/c/d"), EntryKind::Regular, false)
            .unwrap();
        paths
            .insert(&path("a/b/e"), EntryKind::Regular, false)
            .unwrap();
        assert_eq!(paths.implied(), 3);
        paths
            .insert(&path("a/b"), EntryKind::Directory, false)
            .unwrap();
        assert_eq!(paths.implied(), 2);
        paths
            .insert(&path("a/b"), EntryKind::OpaqueDirectory, false)
            .unwrap();
        paths
            .insert(&path("a/b"), EntryKind::Directory, true)
            .unwrap();
        assert_eq!(paths.implied(), 2);
    }

    #[test]
    fn components_are_told_apart() {
        let mut paths = Paths::new();
        paths
            .insert(&path("ab/c"), EntryKind::Regular, false)
            .unwrap();
        for absent in [&b"a/bc"[..], b"abc", b"a", b"ab/", b"", b"ab/c/"] {
            assert_eq!(paths.get(absent), None, "{absent:?}");
        }
        assert_eq!(paths.get(b"ab/c"), Some(Seen::Linkable));
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

    #[test]
    fn a_whiteout_says_nothing_of_its_own_layer() {
        let mut paths = Paths::new();
        paths
            .insert(&path("c"), EntryKind::Directory, true)
            .unwrap();
        paths.insert(&path("c"), EntryKind::Whiteout, true).unwrap();
        paths
            .insert(&path("c/x"), EntryKind::Regular, true)
            .unwrap();
        paths
            .insert(&path("c/x"), EntryKind::Whiteout, true)
            .unwrap();
        assert_eq!(paths.get(b"c/x"), Some(Seen::Linkable));
        paths.insert(&path("d"), EntryKind::Whiteout, true).unwrap();
        assert_eq!(paths.get(b"d"), None);
        paths.insert(&path("e"), EntryKind::Regular, false).unwrap();
        paths
            .insert(&path("e"), EntryKind::Whiteout, false)
            .unwrap();
        assert_eq!(
            paths.insert(&path("e"), EntryKind::Whiteout, false),
            Err(Conflict::Duplicate)
        );
    }
}
