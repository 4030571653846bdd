//! Checking names: what links lead to, and what the streams behind them refer to.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use lazaret_artifact::VerityDigest;
use rustix::fs::FileType;

use super::{Check, CheckReport, Damage, chain};
use crate::error::{StoreError, StreamFault};
use crate::layout::{IMAGES, REFS, STREAMS, parse_object_link};
use crate::name::StreamName;
use crate::names::{Listed, ref_target};
use crate::splitstream::Chunk;

impl Check<'_> {
    pub(super) fn all_streams(&self, report: &mut CheckReport) -> Result<(), StoreError> {
        let damaged = self.damaged_objects();
        // Several names may lead to one stream; it is examined once.
        let mut known: HashMap<VerityDigest, Vec<Damage>> = HashMap::new();
        for entry in self.repository.list(STREAMS)? {
            let path = format!("{STREAMS}/{}", String::from_utf8_lossy(&entry.name));
            if is_refs(&entry) {
                continue;
            }
            let valid_name =
                std::str::from_utf8(&entry.name).is_ok_and(|name| StreamName::new(name).is_ok());
            if !valid_name {
                self.report(Damage::LinkTarget {
                    path: path.clone(),
                    target: "a name that no stream can have".to_owned(),
                });
            }
            if let Some(digest) = self.link(&entry, &path)? {
                let found = known
                    .entry(digest)
                    .or_insert_with(|| self.stream(&path, &digest, &damaged));
                for damage in found.drain(..) {
                    self.report(damage);
                }
            }
            self.streams.fetch_add(1, Ordering::Relaxed);
            self.show_progress();
        }
        report.refs += self.refs(STREAMS)?;
        Ok(())
    }

    pub(super) fn all_images(&self, report: &mut CheckReport) -> Result<(), StoreError> {
        for entry in self.repository.list(IMAGES)? {
            if is_refs(&entry) {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.name);
            let path = format!("{IMAGES}/{name}");
            if let Some(digest) = self.link(&entry, &path)?
                && digest.hex() != name
            {
                self.report(Damage::ImageName { path });
            }
            report.images += 1;
        }
        report.refs += self.refs(IMAGES)?;
        Ok(())
    }

    /// A link to an object; returns the object if it is there.
    fn link(&self, entry: &Listed, path: &str) -> Result<Option<VerityDigest>, StoreError> {
        if entry.kind != FileType::Symlink {
            self.report(Damage::NotALink {
                path: path.to_owned(),
            });
            return Ok(None);
        }
        let target = String::from_utf8_lossy(&entry.target).into_owned();
        let path = path.to_owned();
        let Some(digest) = parse_object_link(self.repository.algorithm(), &entry.target) else {
            self.report(Damage::LinkTarget { path, target });
            return Ok(None);
        };
        if self.is_there(&digest)? {
            return Ok(Some(digest));
        }
        self.report(Damage::DanglingLink { path, target });
        Ok(None)
    }

    /// The references below a category. Returns how many there are.
    fn refs(&self, category: &str) -> Result<u64, StoreError> {
        let mut count = 0;
        let walked = self
            .repository
            .walk_refs(category, &mut |path, depth, entry| {
                count += 1;
                let path = path.to_owned();
                if entry.kind != FileType::Symlink {
                    self.report(Damage::NotALink { path });
                    return Ok(());
                }
                let target = String::from_utf8_lossy(&entry.target).into_owned();
                let Ok(name) = ref_target(&path, depth, &entry.target) else {
                    self.report(Damage::LinkTarget { path, target });
                    return Ok(());
                };
                // What the named entry leads to is checked where it lies.
                let leads_on = rustix::fs::readlinkat(
                    &self.repository.inner.root,
                    format!("{category}/{name}"),
                    Vec::new(),
                );
                if leads_on.is_err() {
                    self.report(Damage::DanglingLink { path, target });
                }
                Ok(())
            });
        match walked {
            // A directory that cannot be walked is damage to report, not a reason to stop.
            Err(StoreError::Link { path, reason }) => {
                self.report(Damage::LinkTarget {
                    path,
                    target: reason,
                });
                Ok(count)
            }
            walked => walked.map(|()| count),
        }
    }

    /// All that is wrong with a stream: its structure, what it refers to, its size.
    fn stream(
        &self,
        path: &str,
        digest: &VerityDigest,
        damaged: &HashSet<VerityDigest>,
    ) -> Vec<Damage> {
        let mut damage = Vec::new();
        if let Err(error) = self.walk_stream(path, digest, damaged, &mut damage) {
            damage.push(Damage::Stream {
                path: path.to_owned(),
                reason: chain(&error),
            });
        }
        damage
    }

    fn walk_stream(
        &self,
        path: &str,
        digest: &VerityDigest,
        damaged: &HashSet<VerityDigest>,
        damage: &mut Vec<Damage>,
    ) -> Result<(), StoreError> {
        let mut reader = self.repository.open_stream_unverified(digest)?;
        let mut sizes = HashMap::new();
        for object in reader.object_refs() {
            match self.repository.has_object(object) {
                Ok(Some(size)) if !damaged.contains(object) => {
                    sizes.insert(*object, size);
                }
                // What is wrong with the object itself is reported already.
                Ok(Some(_)) | Err(StoreError::Corrupt { .. }) => {}
                Ok(None) => damage.push(Damage::MissingObject {
                    path: path.to_owned(),
                    object: *object,
                }),
                Err(error) => return Err(error),
            }
        }
        for (name, stream) in reader.stream_refs() {
            if !self.is_there(stream)? {
                damage.push(Damage::MissingStream {
                    path: path.to_owned(),
                    name: name.clone(),
                    stream: *stream,
                });
            }
        }
        let mut found = 0_u64;
        let mut all_known = true;
        while let Some(chunk) = reader.next_chunk()? {
            let size = match chunk {
                Chunk::Inline(bytes) => Some(bytes.len() as u64),
                Chunk::Object(object) => sizes.get(&object).copied(),
            };
            all_known &= size.is_some();
            found = found.saturating_add(size.unwrap_or(0));
        }
        let size = reader.total_size();
        let fault = if found > size {
            StreamFault::TooLong(size)
        } else if found < size && all_known {
            StreamFault::TooShort { found, size }
        } else {
            return Ok(());
        };
        Err(StoreError::Stream {
            digest: *digest,
            source: fault,
        })
    }

    /// The objects that are known not to be what their names say: their sizes say nothing.
    fn damaged_objects(&self) -> HashSet<VerityDigest> {
        let damage = self.damage.lock();
        let damage = damage.unwrap_or_else(std::sync::PoisonError::into_inner);
        damage
            .iter()
            .filter_map(|damage| match damage {
                Damage::ObjectDigest { digest, .. } | Damage::ObjectUnreadable { digest, .. } => {
                    Some(*digest)
                }
                _ => None,
            })
            .collect()
    }

    fn is_there(&self, digest: &VerityDigest) -> Result<bool, StoreError> {
        match self.repository.has_object(digest) {
            Ok(size) => Ok(size.is_some()),
            // Something is, and is reported with the objects.
            Err(StoreError::Corrupt { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn is_refs(entry: &Listed) -> bool {
    entry.name == REFS.as_bytes() && entry.kind == FileType::Directory
}
