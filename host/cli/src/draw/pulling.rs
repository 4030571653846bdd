//! Progress of a pull.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lazaret_intake::Event;

use super::transfer::Transfer;
use super::{Bars, Way, way};
use crate::amount::{counted, size};
use crate::global::Global;
use crate::output::note;

/// Progress of a pull.
pub struct Pulling {
    way: Way,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    transfer: Transfer,
    names: BTreeMap<usize, String>,
}

impl Pulling {
    /// Nothing is shown yet.
    pub fn new(global: &Global) -> Self {
        Self {
            way: way(global),
            state: Mutex::default(),
        }
    }

    /// Shows what happened.
    pub fn show(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.way {
            Way::Nothing => {}
            Way::Lines => state.print(event),
            Way::Bars(bars) => state.transfer.draw(bars, event),
        }
    }
}

impl State {
    fn print(&mut self, event: Event) {
        match event {
            Event::Referrer { digest, subject } => {
                note(format!("{}: refers to {}", digest.short(), subject.short()));
            }
            Event::Resolved {
                root,
                manifests,
                blobs,
                bytes,
            } => {
                let manifests = counted(manifests as u64, "manifest", "manifests");
                let blobs = counted(blobs as u64, "blob", "blobs");
                note(format!("{root}: {manifests}, {blobs}, {}", size(bytes)));
            }
            Event::Started {
                blob,
                digest,
                size: bytes,
            } => {
                note(format!("{}: reading {}", digest.short(), size(bytes)));
                self.names.insert(blob, digest.short());
            }
            Event::Reused { digest, .. } => note(format!("{}: already there", digest.short())),
            Event::Finished { blob } => {
                if let Some(name) = self.names.remove(&blob) {
                    note(format!("{name}: stored and verified"));
                }
            }
            Event::Committing => note("syncing the disk, then writing names"),
            _ => {}
        }
    }
}

impl Transfer {
    fn draw(&mut self, bars: &Bars, event: Event) {
        match event {
            Event::Resolved { blobs, bytes, .. } => self.expect(bars, blobs as u64, bytes),
            Event::Started { blob, digest, size } => {
                self.start(bars, blob, &digest.short(), size);
            }
            Event::Read { blob, bytes } => self.advance(blob, bytes),
            Event::Reused { size, .. } => self.skip(size),
            Event::Finished { blob } => self.finish(bars, blob),
            Event::Committing => self.say("syncing the disk"),
            _ => {}
        }
    }
}
