//! The names a commit gives, in the order in which it gives them.

use lazaret_artifact::VerityDigest;
use lazaret_store::{Repository, StreamName};

use crate::error::GraphError;
use crate::names::{self, Stream};

/// Links to be made. At every moment while they are made, what is linked refers only to streams
/// that are linked, under one name or another.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Streams that lose their name to another, with what had it; they get a second name before
    /// anything else happens, and lose it when everything has.
    pub(super) previous: Vec<(Stream, VerityDigest)>,
    /// What is referred to comes before what refers to it.
    pub(super) links: Vec<(Stream, VerityDigest)>,
    /// Namespace, name, and the stream it is for.
    pub(super) refs: Vec<(String, String, Stream)>,
    /// Second names that are of no more use in the end.
    pub(super) leftover: Vec<StreamName>,
}

/// One change of the repository, which happens wholly or not at all.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Link(StreamName, VerityDigest),
    Ref(String, String, StreamName),
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
        let second =
            |(name, stream): &(Stream, VerityDigest)| Step::Link(names::previous(name), *stream);
        let link = |(name, stream): &(Stream, VerityDigest)| Step::Link(name.name(), *stream);
        let name = |(namespace, name, stream): &(String, String, Stream)| {
            Step::Ref(namespace.clone(), name.clone(), stream.name())
        };
        let links = self.links.iter().map(link);
        let done = self.previous.iter().map(|(name, _)| names::previous(name));
        let done = done.chain(self.leftover.iter().cloned());
        [
            self.previous.iter().map(second).collect(),
            links.chain(self.refs.iter().map(name)).collect(),
            done.map(Step::Unlink).collect(),
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
            Step::Unlink(_) => {}
        }
    }
    if given {
        transaction.commit()?;
    }
    for step in steps {
        if let Step::Unlink(name) = step {
            repository.unlink_stream(name)?;
        }
    }
    Ok(())
}
