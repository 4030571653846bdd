//! Indexes: what their streams refer to, and how much of what they list is there.

use std::collections::BTreeSet;

use lazaret_artifact::ContentDigest;
use lazaret_store::Repository;

use super::Problems;
use super::finding::Problem;
use super::users::Users;
use crate::error::GraphError;
use crate::names::{Stream, child_key};
use crate::stored::{self, Stored};

/// Checks an index whose bytes are what its name says. Returns what it refers to as its subject.
pub(super) fn check(
    repository: &Repository,
    digest: &ContentDigest,
    stored: &Stored,
    users: &mut Users,
    problems: &mut Problems,
) -> Result<Option<ContentDigest>, GraphError> {
    let name = Stream::Index(*digest);
    let about = Some(name);
    let index = match stored::parse_index(digest, &stored.bytes) {
        Ok(index) => index,
        Err(error) if error.is_damage() => {
            let stream = name;
            problems.push((Problem::Unreadable { stream, error }, about));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let listed: BTreeSet<ContentDigest> = index.manifests.iter().map(|m| m.digest).collect();
    let mut missing = 0;
    for child in &listed {
        let mut linked = None;
        for name in [Stream::Manifest(*child), Stream::Index(*child)] {
            if let Some(stream) = repository.resolve_stream(&name.name())? {
                linked = Some((name, stream));
                break;
            }
        }
        let referred = stored.refs.get(&child_key(child));
        let problem = match (referred, linked) {
            (None, None) => {
                missing += 1;
                None
            }
            (None, Some((target, _))) => Some(Problem::NotReferred {
                stream: name,
                target,
            }),
            (Some(_), None) => Some(Problem::NotLinked {
                stream: name,
                target: Stream::Manifest(*child),
            }),
            (Some(referred), Some((target, linked))) => {
                users.note_object(*referred, target);
                (*referred != linked).then_some(Problem::OtherStream {
                    stream: name,
                    target,
                })
            }
        };
        if let Some((target, _)) = linked {
            users.note(target, name);
        }
        problems.extend(problem.map(|problem| (problem, about)));
    }
    if missing > 0 {
        let listed = listed.len();
        let stream = name;
        problems.push((
            Problem::PartOfIndex {
                stream,
                missing,
                listed,
            },
            about,
        ));
    }
    Ok(index.subject.map(|subject| subject.digest))
}
