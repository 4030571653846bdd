//! The links that name streams: `streams/<name>` leads to an object, and
//! `streams/refs/<namespace>/<name>` to a stream. A namespace may have several components.

use std::os::fd::OwnedFd;

use lazaret_artifact::VerityDigest;
use rustix::fs::{AtFlags, Dir, FileType, readlinkat, unlinkat};
use rustix::io::Errno;

use crate::beneath;
use crate::error::StoreError;
use crate::layout::{IMAGES, REFS, STREAMS, parse_object_link};
use crate::name::{StreamName, check_component};
use crate::repository::Repository;

/// Directories inside directories of references. composefs allows any number; a repository that
/// has more than this was made to exhaust the stack.
const MAX_REFS_DEPTH: usize = 64;

/// An entry of a directory, with what it contains if it is a link.
pub(crate) struct Listed {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: FileType,
    /// Of a symbolic link.
    pub(crate) target: Vec<u8>,
}

impl Repository {
    /// The splitstream that has a name.
    ///
    /// # Errors
    /// [`StoreError::Link`] when something else has the name.
    pub fn resolve_stream(&self, name: &StreamName) -> Result<Option<VerityDigest>, StoreError> {
        let path = format!("{STREAMS}/{name}");
        let Some(target) = self.read_link(&path)? else {
            return Ok(None);
        };
        self.stream_target(&path, &target).map(Some)
    }

    /// All named streams, by name.
    ///
    /// # Errors
    /// [`StoreError::Link`] when there is anything that is no stream: whoever decides from this
    /// list what may be deleted must not decide from half of it.
    pub fn streams(&self) -> Result<Vec<(StreamName, VerityDigest)>, StoreError> {
        let mut streams = Vec::new();
        for entry in self.list(STREAMS)? {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            let path = format!("{STREAMS}/{name}");
            if name == REFS && entry.kind == FileType::Directory {
                continue;
            }
            require_link(&entry, &path)?;
            let digest = self.stream_target(&path, &entry.target)?;
            let name = String::from_utf8(entry.name).ok().map(StreamName::new);
            let Some(Ok(name)) = name else {
                return Err(bad_link(&path, "not a stream's name"));
            };
            streams.push((name, digest));
        }
        streams.sort_unstable();
        Ok(streams)
    }

    /// All images that composefs may mount, by the digest of their object.
    ///
    /// # Errors
    /// [`StoreError::Link`] when there is anything that is no image.
    pub fn images(&self) -> Result<Vec<VerityDigest>, StoreError> {
        let mut images = Vec::new();
        for entry in self.list(IMAGES)? {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            let path = format!("{IMAGES}/{name}");
            if name == REFS && entry.kind == FileType::Directory {
                continue;
            }
            require_link(&entry, &path)?;
            let digest = self.stream_target(&path, &entry.target)?;
            if digest.hex() != name {
                return Err(bad_link(&path, "its name is not the digest it leads to"));
            }
            images.push(digest);
        }
        images.sort_unstable();
        Ok(images)
    }

    /// The stream that a reference leads to.
    ///
    /// # Errors
    /// [`StoreError::Name`], or [`StoreError::Link`] when something else has the name.
    pub fn resolve_ref(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StreamName>, StoreError> {
        let path = ref_path(namespace, name)?;
        let Some(target) = self.read_link(&path)? else {
            return Ok(None);
        };
        ref_target(&path, ref_depth(namespace), &target).map(Some)
    }

    /// The references of one namespace, by name. Directories inside it are passed over: they are
    /// namespaces of their own. [`Repository::stream_roots`] has them.
    ///
    /// # Errors
    /// [`StoreError::Link`] when there is anything that is no reference.
    pub fn refs(&self, namespace: &str) -> Result<Vec<(String, StreamName)>, StoreError> {
        check_namespace(namespace)?;
        let directory = format!("{STREAMS}/{REFS}/{namespace}");
        let mut refs = Vec::new();
        for entry in self.list(&directory)? {
            if entry.kind == FileType::Directory {
                continue;
            }
            let path = format!("{directory}/{}", String::from_utf8_lossy(&entry.name));
            require_link(&entry, &path)?;
            let stream = ref_target(&path, ref_depth(namespace), &entry.target)?;
            let name = String::from_utf8(entry.name);
            refs.push((name.map_err(|_| bad_link(&path, "not UTF-8"))?, stream));
        }
        refs.sort_unstable();
        Ok(refs)
    }

    /// Every reference below `streams/refs`, at any depth and whoever made it: the path from there,
    /// and the stream it leads to. What is reachable from these must not be deleted.
    ///
    /// # Errors
    /// [`StoreError::Link`] when there is anything that is no reference.
    pub fn stream_roots(&self) -> Result<Vec<(String, StreamName)>, StoreError> {
        self.roots(STREAMS)
    }

    /// Every reference below `images/refs`, in the same form: the names of images are digests.
    ///
    /// # Errors
    /// [`StoreError::Link`] when there is anything that is no reference.
    pub fn image_roots(&self) -> Result<Vec<(String, StreamName)>, StoreError> {
        self.roots(IMAGES)
    }

    /// Removes a reference, and not the stream it leads to. Directories that are empty then are
    /// removed too, up to the namespace's first component. Returns whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Name`], or when the operating system refuses.
    pub fn remove_ref(&self, namespace: &str, name: &str) -> Result<bool, StoreError> {
        self.require_write()?;
        let path = ref_path(namespace, name)?;
        match unlinkat(&self.inner.root, &path, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(StoreError::io("remove", self.at(&path))(error)),
        }
        let mut inside = namespace;
        while let Some((parent, _)) = inside.rsplit_once('/') {
            let path = format!("{STREAMS}/{REFS}/{inside}");
            match unlinkat(&self.inner.root, &path, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => inside = parent,
                Err(Errno::NOTEMPTY | Errno::EXIST) => break,
                Err(error) => return Err(StoreError::io("remove", self.at(&path))(error)),
            }
        }
        Ok(true)
    }

    /// Takes a stream's name away, and not what it consists of. Only for a second name of a stream
    /// whose every user was given another before: names that others rely on go under the exclusive
    /// lock ([`crate::ExclusiveLock::remove_stream`]). Returns whether it was there.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn unlink_stream(&self, name: &StreamName) -> Result<bool, StoreError> {
        self.require_write()?;
        let path = format!("{STREAMS}/{name}");
        match unlinkat(&self.inner.root, &path, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(StoreError::io("remove", self.at(&path))(error)),
        }
    }

    fn roots(&self, category: &str) -> Result<Vec<(String, StreamName)>, StoreError> {
        let mut roots = Vec::new();
        self.walk_refs(category, &mut |path, depth, entry| {
            require_link(&entry, path)?;
            let target = ref_target(path, depth, &entry.target)?;
            let inside = path.split('/').skip(2).collect::<Vec<_>>().join("/");
            roots.push((inside, target));
            Ok(())
        })?;
        roots.sort_unstable();
        Ok(roots)
    }

    /// Calls `visit` with the path, the depth below the category, and the entry, for everything
    /// below `<category>/refs` that is not a directory.
    pub(crate) fn walk_refs(
        &self,
        category: &str,
        visit: &mut dyn FnMut(&str, usize, Listed) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut waiting = vec![(format!("{category}/{REFS}"), 1)];
        while let Some((directory, depth)) = waiting.pop() {
            if depth > MAX_REFS_DEPTH {
                return Err(bad_link(&directory, "too many directories deep"));
            }
            for entry in self.list(&directory)? {
                let Ok(name) = std::str::from_utf8(&entry.name) else {
                    let path = format!("{directory}/{}", String::from_utf8_lossy(&entry.name));
                    return Err(bad_link(&path, "not UTF-8"));
                };
                let path = format!("{directory}/{name}");
                if entry.kind == FileType::Directory {
                    waiting.push((path, depth + 1));
                } else {
                    visit(&path, depth, entry)?;
                }
            }
        }
        Ok(())
    }

    /// The directories in a directory of the repository, none if it is not there.
    pub(crate) fn directories_in(&self, directory: &str) -> Result<Vec<String>, StoreError> {
        let mut entries = self.list(directory)?;
        entries.retain(|entry| entry.kind == FileType::Directory);
        let name = |entry: Listed| {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            String::from_utf8(entry.name)
                .map(|name| format!("{directory}/{name}"))
                .map_err(|_| bad_link(&format!("{directory}/{name}"), "not UTF-8"))
        };
        entries.into_iter().map(name).collect()
    }

    /// The entries of a directory in the repository, none if it is not there.
    pub(crate) fn list(&self, directory: &str) -> Result<Vec<Listed>, StoreError> {
        let opened: OwnedFd = match beneath::open_directory(&self.inner.root, directory) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::io("open", self.at(directory))(error)),
        };
        let failed = |error| StoreError::io("list", self.at(directory))(error);
        let mut entries = Vec::new();
        for entry in Dir::read_from(&opened).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                let status = rustix::fs::statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW);
                kind = FileType::from_raw_mode(status.map_err(failed)?.st_mode);
            }
            let target = match kind {
                FileType::Symlink => match readlinkat(&opened, name, Vec::new()) {
                    Ok(target) => target.into_bytes(),
                    // Removed, or replaced by something else, since it was listed.
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(failed(error)),
                },
                _ => Vec::new(),
            };
            entries.push(Listed {
                name: name.to_bytes().to_vec(),
                kind,
                target,
            });
        }
        Ok(entries)
    }

    fn read_link(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match readlinkat(&self.inner.root, path, Vec::new()) {
            Ok(target) => Ok(Some(target.into_bytes())),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::INVAL) => Err(bad_link(path, "not a symbolic link")),
            Err(error) => Err(StoreError::io("read", self.at(path))(error)),
        }
    }

    fn stream_target(&self, path: &str, target: &[u8]) -> Result<VerityDigest, StoreError> {
        parse_object_link(self.algorithm(), target).ok_or_else(|| leads_astray(path, target))
    }
}

/// What a reference at `depth` directories below its category contains.
pub(crate) fn ref_link(depth: usize, stream: &StreamName) -> String {
    format!("{}{stream}", "../".repeat(depth))
}

/// The reverse of [`ref_link`].
pub(crate) fn ref_target(
    path: &str,
    depth: usize,
    target: &[u8],
) -> Result<StreamName, StoreError> {
    std::str::from_utf8(target)
        .ok()
        .and_then(|target| target.strip_prefix(&"../".repeat(depth)))
        .and_then(|name| StreamName::new(name).ok())
        .ok_or_else(|| leads_astray(path, target))
}

/// How many directories below `streams/` the references of a namespace lie.
pub(crate) fn ref_depth(namespace: &str) -> usize {
    2 + namespace.bytes().filter(|byte| *byte == b'/').count()
}

/// Refuses what is no path of file names, or has more of them than are read again.
fn check_namespace(namespace: &str) -> Result<(), StoreError> {
    if ref_depth(namespace) > MAX_REFS_DEPTH {
        return Err(StoreError::Name {
            text: namespace.chars().take(80).collect(),
            reason: "too many directories deep",
        });
    }
    namespace.split('/').try_for_each(check_component)
}

/// The path of a reference, of validated names.
pub(crate) fn ref_path(namespace: &str, name: &str) -> Result<String, StoreError> {
    check_namespace(namespace)?;
    check_component(name)?;
    Ok(format!("{STREAMS}/{REFS}/{namespace}/{name}"))
}

fn require_link(entry: &Listed, path: &str) -> Result<(), StoreError> {
    match entry.kind {
        FileType::Symlink => Ok(()),
        _ => Err(bad_link(path, "not a symbolic link")),
    }
}

fn leads_astray(path: &str, target: &[u8]) -> StoreError {
    bad_link(
        path,
        &format!("it leads to {:?}", String::from_utf8_lossy(target)),
    )
}

fn bad_link(path: &str, reason: &str) -> StoreError {
    StoreError::Link {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
