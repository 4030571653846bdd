//! The same pull twice: once with the tar parser compiled natively, once with it in the sandbox.
//! Both go through the same pipeline and the same checks.

use std::sync::Arc;

use anyhow::Result;
use lazaret_artifact::digest::ContentDigest;
use lazaret_artifact::record::ImporterIdentity;
use lazaret_engine::bindings::types as wit;
use lazaret_engine::error::{Fault, FaultKind};
use lazaret_engine::steering::Stop;
use lazaret_engine::{
    Budget, Ended, Offer, Registry, Run, SandboxOptions, Session, Steer, Steering,
};
use lazaret_intake::{Importers, PullOptions, pull};
use lazaret_plugin_tar::drive::{self, Passed};
use lazaret_plugin_tar::entry::{Entry, EntryKind, Extent, Names, Segment, Storage};
use lazaret_store::{Access, Repository};

use crate::Pull;

/// Entries given to the host at once, as the component's batches have them.
const BATCH: usize = 64;

/// Pulls natively.
///
/// # Errors
/// The pull's.
pub fn pull_native(arguments: &Pull) -> Result<()> {
    let identity = ImporterIdentity {
        name: "tar".to_owned(),
        version: "native".to_owned(),
        digest: ContentDigest::sha256(b"native"),
        wit: lazaret_engine::WIT_VERSION.to_owned(),
    };
    run(arguments, &Importers::One(Arc::new(Native { identity })))
}

/// Pulls with the built-in component.
///
/// # Errors
/// The pull's.
pub fn pull_sandboxed(arguments: &Pull) -> Result<()> {
    let options = SandboxOptions {
        cache: arguments.cache.clone(),
        ..SandboxOptions::default()
    };
    let registry = Registry::new(options, lazaret_builtins::BUILTINS);
    run(arguments, &Importers::Registry(Arc::new(registry)))
}

fn run(arguments: &Pull, importers: &Importers) -> Result<()> {
    let repository = Repository::open(&arguments.repository, Access::Write)?;
    let options = PullOptions {
        tags: vec!["bench".parse()?],
        ..PullOptions::default()
    };
    pull(
        &repository,
        &arguments.source.parse()?,
        importers,
        &options,
        &|_| {},
    )?;
    Ok(())
}

struct Native {
    identity: ImporterIdentity,
}

impl Steer for Native {
    fn identity(&self) -> &ImporterIdentity {
        &self.identity
    }

    fn ingest(&self, offer: &Offer, session: Box<dyn Session>) -> Run {
        let mut host = Host {
            steering: Steering::new(session, offer, &Budget::default()),
            batch: Vec::new(),
        };
        let result = drive::import(&mut host, Names::Layer)
            .map_err(|stop| match stop {
                drive::Stop::Steer(stop) => stop,
                drive::Stop::Fault(fault) => {
                    Stop::Fault(Fault::new(FaultKind::Malformed, fault.rule.reason()))
                }
            })
            .and_then(|_| host.flush())
            .and_then(|()| host.steering.finish())
            .map_err(|stop| match stop {
                Stop::Fault(fault) => Ended::Fault(fault),
                Stop::Session(error) => Ended::Session(error),
            });
        Run {
            fuel: host.steering.work(),
            session: host.steering.into_session(),
            result,
        }
    }
}

struct Host {
    steering: Steering,
    batch: Vec<wit::Entry>,
}

impl Host {
    fn flush(&mut self) -> Result<(), Stop> {
        if !self.batch.is_empty() {
            self.steering.emit(std::mem::take(&mut self.batch))?;
        }
        Ok(())
    }
}

impl drive::Steer for Host {
    type Error = Stop;

    fn read(&mut self, max: u32) -> Result<impl AsRef<[u8]>, Stop> {
        self.steering.read(max)
    }

    fn cut(&mut self, plan: &[Segment]) -> Result<Passed, Stop> {
        let plan = plan.iter().map(|segment| {
            let storage = match segment.storage {
                Storage::Inline => lazaret_engine::Storage::Inline,
                Storage::Object => lazaret_engine::Storage::Object,
            };
            (segment.length, storage)
        });
        match self.steering.cut(plan)? {
            Ok(()) => Ok(Passed::All),
            Err(_) => Ok(Passed::Until(self.steering.position()?)),
        }
    }

    fn emit(&mut self, entry: Entry) -> Result<(), Stop> {
        self.batch.push(convert(entry));
        if self.batch.len() >= BATCH {
            self.flush()?;
        }
        Ok(())
    }
}

fn convert(entry: Entry) -> wit::Entry {
    wit::Entry {
        path: entry.path,
        kind: match entry.kind {
            EntryKind::Directory => wit::EntryKind::Directory,
            EntryKind::Regular => wit::EntryKind::Regular,
            EntryKind::Symlink => wit::EntryKind::Symlink,
            EntryKind::Hardlink => wit::EntryKind::Hardlink,
            EntryKind::CharacterDevice => wit::EntryKind::CharacterDevice,
            EntryKind::BlockDevice => wit::EntryKind::BlockDevice,
            EntryKind::Fifo => wit::EntryKind::Fifo,
            EntryKind::Whiteout => wit::EntryKind::Whiteout,
            EntryKind::OpaqueDirectory => wit::EntryKind::OpaqueDirectory,
        },
        content: entry
            .content
            .into_iter()
            .map(|extent| match extent {
                Extent::Input { offset, length } => {
                    wit::Extent::Input(wit::ByteRange { offset, length })
                }
                Extent::Hole(length) => wit::Extent::Hole(length),
            })
            .collect(),
        target: entry.target,
        posix: entry.posix.map(|posix| wit::Posix {
            mode: posix.mode,
            uid: posix.uid,
            gid: posix.gid,
            mtime: wit::Timestamp {
                seconds: posix.mtime.seconds,
                nanoseconds: posix.mtime.nanoseconds,
            },
            device: posix
                .device
                .map(|(major, minor)| wit::Device { major, minor }),
            xattrs: posix
                .xattrs
                .into_iter()
                .map(|xattr| wit::Xattr {
                    name: xattr.name,
                    value: xattr.value,
                })
                .collect(),
        }),
        media_type: entry.media_type.map(str::to_owned),
        attributes: Vec::new(),
    }
}
