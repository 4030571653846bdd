//! The names a commit gives, in the order in which it gives them.

use lazaret_artifact::VerityDigest;
use lazaret_store::{Repository, StreamName};

use crate::error::GraphError;
use crate::names::{self, OwnRef, Stream};

/// Links to be made. At every moment while they are made, what is linked refers only to streams
/// that are linked, under one name or another.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Streams that lose their name to another, with what had it. Before anything else happens they
    /// get a second name, for those who refer to them still, and the name a ref, for as long as
    /// nothing refers to what it will lead to. When everything has happened both go.
    pub(super) previous: Vec<(Stream, VerityDigest)>,
    /// What is referred to comes before what refers to it.
    pub(super) links: Vec<(Stream, VerityDigest)>,
    /// Namespace, name, and the stream it is for.
    pub(super) refs: Vec<(String, String, Stream)>,
    /// Whose second names and refs are there from before, and are of no more use in the end.
    pub(super) leftover: Vec<Stream>,
}

/// One change of the repository, which happens wholly or not at all.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Link(StreamName, VerityDigest),
    Ref(String, String, StreamName),
    Unref(String, String),
    Unlink(StreamName),
}

impl Plan {
    /// Gives the names.
    pub(super) fn carry_out(&self, repository: &Repository) -> Result<(), GraphError> {
        for steps in self.stages() {
            apply(repository, &steps)?;
        }
        Ok(())
    }

    /// The steps in their order. What is in one stage is on the disk before the next begins; within
    /// a stage each step can be the last one that happens.
    pub(super) fn stages(&self) -> [Vec<Step>; 3] {
        let replacing = |name| {
            let own = OwnRef::Replacing(name).to_string();
            (names::LAZARET.to_owned(), own)
        };
        let replaced = || self.previous.iter().map(|(name, _)| *name);
        let begin = self.previous.iter();
        let begin = begin.map(|(name, stream)| Step::Link(names::previous(name), *stream));
        let held = replaced().map(|name| {
            let (namespace, own) = replacing(name);
            Step::Ref(namespace, own, name.name())
        });
        let links = self.links.iter();
        let links = links.map(|(name, stream)| Step::Link(name.name(), *stream));
        let refs = self.refs.iter().map(|(namespace, name, stream)| {
            Step::Ref(namespace.clone(), name.clone(), stream.name())
        });
        // The refs first: they are found again through the second names.
        let done = || replaced().chain(self.leftover.iter().copied());
        let unheld = done().map(|name| {
            let (namespace, own) = replacing(name);
            Step::Unref(namespace, own)
        });
        let unlinked = done().map(|name| Step::Unlink(names::previous(&name)));
        [
            begin.chain(held).collect(),
            links.chain(refs).collect(),
            unheld.chain(unlinked).collect(),
        ]
    }
}

/// Takes some steps: all links before all refs.
pub(super) fn apply(repository: &Repository, steps: &[Step]) -> Result<(), GraphError> {
    let mut transaction = repository.transaction();
    let mut given = false;
    for step in steps {
        match step {
            Step::Link(name, stream) => {
                transaction.link_stream(name.clone(), *stream);
                given = true;
            }
            Step::Ref(namespace, name, stream) => {
                transaction.link_ref(namespace, name, stream.clone());
                given = true;
            }
            Step::Unref(..) | Step::Unlink(_) => {}
        }
    }
    if given {
        transaction.commit()?;
    }
    for step in steps {
        match step {
            Step::Unref(namespace, name) => repository.remove_ref(namespace, name)?,
            Step::Unlink(name) => repository.unlink_stream(name)?,
            Step::Link(..) | Step::Ref(..) => continue,
        };
    }
    Ok(())
}
