//! What will be linked when a commit is done, and what has to be written for it.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_artifact::VerityDigest;
use lazaret_store::Repository;

use super::super::plan::Plan;
use crate::error::GraphError;
use crate::listing;
use crate::names::{Stream, child_key, config_key, layer_key};
use crate::stored::{self, Refs};

/// The names of a repository as they will be.
pub(in super::super) struct Documents<'a> {
    repository: &'a Repository,
    /// What the commit itself names.
    own: BTreeSet<Stream>,
    /// New streams by the keys under which others refer to them, where it is not the stream that is
    /// linked now.
    changed: Refs,
    /// The same by the stream that had the name, for refs under other keys: Docker's images go by
    /// the digests of their blobs.
    replaced: BTreeMap<VerityDigest, (Stream, VerityDigest)>,
    /// What names will lead to; those that lead nowhere and will not are noted, too.
    current: BTreeMap<Stream, Option<VerityDigest>>,
    plan: Plan,
}

/// A linked document that others than this commit put there.
struct Other {
    name: Stream,
    object: VerityDigest,
    refs: Refs,
}

impl<'a> Documents<'a> {
    pub(in super::super) const fn new(repository: &'a Repository) -> Self {
        Self {
            repository,
            own: BTreeSet::new(),
            changed: Refs::new(),
            replaced: BTreeMap::new(),
            current: BTreeMap::new(),
            plan: Plan {
                previous: Vec::new(),
                links: Vec::new(),
                refs: Vec::new(),
                leftover: Vec::new(),
            },
        }
    }

    /// What has to be linked, and which of that is not the commit's own.
    pub(in super::super) fn into_plan(self) -> (Plan, Vec<Stream>) {
        let names = self.plan.links.iter().map(|(name, _)| *name);
        let others = names.filter(|name| !self.own.contains(name)).collect();
        (self.plan, others)
    }

    /// The stream that a name will lead to.
    pub(super) fn current(&mut self, name: Stream) -> Result<Option<VerityDigest>, GraphError> {
        if let Some(known) = self.current.get(&name) {
            return Ok(*known);
        }
        let linked = self.repository.resolve_stream(&name.name())?;
        self.current.insert(name, linked);
        Ok(linked)
    }

    /// The same, of a stream that has been staged.
    pub(super) fn require(&mut self, name: Stream) -> Result<VerityDigest, GraphError> {
        self.current(name)?.ok_or_else(|| GraphError::Incomplete {
            stream: name,
            what: "stream".to_owned(),
        })
    }

    /// Names a stream of the commit's own.
    pub(super) fn link(&mut self, name: Stream, stream: VerityDigest) -> Result<(), GraphError> {
        self.own.insert(name);
        self.set(name, stream)
    }

    /// Notes that `name` had the stream `old` before, and others may refer to that still.
    pub(in super::super) fn note_replaced(
        &mut self,
        name: Stream,
        old: VerityDigest,
        new: VerityDigest,
    ) {
        if let Some(key) = key_of(&name) {
            self.changed.insert(key, new);
            self.replaced.insert(old, (name, new));
        }
    }

    /// The commit's own document, with at least these refs: as it is linked if that will do, else
    /// written with all the other refs that it has.
    pub(super) fn stage(
        &mut self,
        name: Stream,
        bytes: &[u8],
        needed: Refs,
    ) -> Result<(), GraphError> {
        self.stage_without(name, bytes, needed, |_| false)
    }

    /// [`Self::stage`], which drops those of the other refs whose keys are `dropped`.
    pub(super) fn stage_without(
        &mut self,
        name: Stream,
        bytes: &[u8],
        needed: Refs,
        dropped: impl Fn(&str) -> bool,
    ) -> Result<(), GraphError> {
        let linked = match self.current(name)? {
            Some(linked) => match stored::read_from(self.repository, name, linked) {
                Ok(stored) => Some((linked, stored.refs)),
                Err(error) if error.is_damage() => {
                    tracing::warn!(stream = %name, %error, "replacing a damaged stream");
                    None
                }
                Err(error) => return Err(error),
            },
            None => None,
        };
        let stream = match linked {
            None => stored::write(self.repository, name, bytes, &needed)?,
            Some((linked, had)) => {
                let mut refs = had.clone();
                refs.retain(|key, _| !dropped(key));
                self.update(&mut refs)?;
                refs.extend(needed);
                match refs == had {
                    true => linked,
                    false => stored::write(self.repository, name, bytes, &refs)?,
                }
            }
        };
        self.link(name, stream)
    }

    /// Another's document with at least these refs, written anew where it lacks some.
    pub(super) fn stage_other(
        &mut self,
        name: Stream,
        stored: &stored::Stored,
        needed: Refs,
    ) -> Result<(), GraphError> {
        let mut refs = stored.refs.clone();
        self.update(&mut refs)?;
        refs.extend(needed);
        if refs == stored.refs {
            return Ok(());
        }
        let stream = stored::write(self.repository, name, &stored.bytes, &refs)?;
        self.set(name, stream)
    }

    /// Writes all linked documents of some kind anew that refer to what has changed, and so on for
    /// those that refer to them: indexes may lie in indexes.
    pub(in super::super) fn rewrite_others(
        &mut self,
        of_kind: impl Fn(&Stream) -> bool,
    ) -> Result<(), GraphError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let mut others = Vec::new();
        for (name, linked) in listing::streams_of(self.repository, &of_kind)? {
            let stream = *self.current.entry(name).or_insert(Some(linked));
            others.extend(self.read_other(name, stream.unwrap_or(linked))?);
        }
        for name in self.own.clone().into_iter().filter(of_kind) {
            if !others.iter().any(|other| other.name == name) {
                let stream = self.require(name)?;
                others.extend(self.read_other(name, stream)?);
            }
        }
        // Each round reaches one level further up; digests do not go round in circles.
        for _ in 0..=others.len() {
            let mut again = false;
            for other in &mut others {
                if !self.update(&mut other.refs)? {
                    continue;
                }
                again = true;
                let (name, refs) = (other.name, &other.refs);
                let Some(size) = self.repository.has_object(&other.object)? else {
                    // As good as a stream that cannot be read: only pulling it again helps, and
                    // that must not be refused for it.
                    tracing::warn!(stream = %name, object = %other.object, "its object is missing");
                    continue;
                };
                let stream = stored::write_refs(self.repository, name, &other.object, size, refs)?;
                self.set(name, stream)?;
            }
            if !again {
                break;
            }
        }
        Ok(())
    }

    fn read_other(&self, name: Stream, stream: VerityDigest) -> Result<Option<Other>, GraphError> {
        let kind = stored::content_type(name);
        match self.repository.single_object(&stream, kind) {
            Ok((object, refs)) => Ok(Some(Other { name, object, refs })),
            Err(error) => match GraphError::from(error) {
                error if error.is_damage() => {
                    tracing::warn!(stream = %name, %error, "cannot update references of this stream");
                    Ok(None)
                }
                error => Err(error),
            },
        }
    }

    /// Replaces refs to what has another stream now; whether there were any.
    fn update(&mut self, refs: &mut Refs) -> Result<bool, GraphError> {
        let mut differs = false;
        for (key, stream) in refs {
            let new = match self.changed.get(key) {
                Some(new) => *new,
                None => match self.replaced.get(stream).copied() {
                    Some((name, new)) if !self.is_another(key, &name, stream)? => new,
                    _ => continue,
                },
            };
            differs |= new != *stream;
            *stream = new;
        }
        Ok(differs)
    }

    /// Whether a ref to a stream that `name` has lost is to something else which has it still: one
    /// content can go by digests of two algorithms.
    fn is_another(
        &mut self,
        key: &str,
        name: &Stream,
        stream: &VerityDigest,
    ) -> Result<bool, GraphError> {
        match key.parse() {
            Ok(digest) if matches!(name, Stream::Layer(_)) => {
                Ok(self.current(Stream::Layer(digest))? == Some(*stream))
            }
            _ => Ok(false),
        }
    }

    fn set(&mut self, name: Stream, stream: VerityDigest) -> Result<(), GraphError> {
        let old = self.current(name)?;
        self.current.insert(name, Some(stream));
        // What refers to it has to come after it.
        self.plan.links.retain(|(linked, _)| *linked != name);
        self.plan.links.push((name, stream));
        if let Some(old) = old.filter(|old| *old != stream) {
            self.note_replaced(name, old, stream);
            let known = self.plan.previous.iter().any(|(known, _)| *known == name);
            if !known
                && key_of(&name).is_some()
                && self.repository.resolve_stream(&name.name())? == Some(old)
                && self.repository.has_object(&old)?.is_some()
            {
                self.plan.previous.push((name, old));
            }
        }
        Ok(())
    }
}

/// The key under which others refer to a stream, if they do.
fn key_of(name: &Stream) -> Option<String> {
    match name {
        Stream::Layer(digest) => Some(layer_key(digest)),
        Stream::Config(digest) => Some(config_key(digest)),
        Stream::Manifest(digest) | Stream::Index(digest) => Some(child_key(digest)),
        Stream::Blob(_) | Stream::Record(_) => None,
    }
}
