//! Progress of a push.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lazaret_push::Event;

use super::transfer::Transfer;
use super::{Bars, Way, way};
use crate::amount::{counted, size};
use crate::global::Global;
use crate::output::{clean, note};

/// Progress of a push.
pub struct Pushing {
    way: Way,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    transfer: Transfer,
    names: BTreeMap<usize, String>,
}

impl Pushing {
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
            Way::Bars(bars) => state.draw(bars, event),
        }
    }
}

impl State {
    fn print(&mut self, event: Event) {
        match event {
            Event::Planned {
                documents,
                blobs,
                bytes,
                present,
            } => note(format!(
                "{}, {} to send, {}, {present} already there",
                counted(documents as u64, "document", "documents"),
                counted(blobs as u64, "blob", "blobs"),
                size(bytes)
            )),
            Event::Present { digest, .. } => note(format!("{}: already there", digest.short())),
            Event::Mounted { digest, from, .. } => {
                note(format!("{}: mounted from {}", digest.short(), clean(&from)));
            }
            Event::Recompressing { digest, .. } => {
                note(format!("{}: compressing", digest.short()));
            }
            Event::Started {
                blob,
                digest,
                size: bytes,
            } => {
                note(format!("{}: sending {}", digest.short(), size(bytes)));
                self.names.insert(blob, digest.short());
            }
            Event::Finished { blob } => {
                if let Some(name) = self.names.remove(&blob) {
                    note(format!("{name}: sent"));
                }
            }
            Event::Document { digest, tag, sent } => {
                let what = match sent {
                    true => "sent",
                    false => "already there",
                };
                let tag = tag.map_or_else(String::new, |tag| format!(" as {}", clean(&tag)));
                note(format!("{}: document {what}{tag}", digest.short()));
            }
            // Shown in the end.
            Event::Renamed { .. } => {}
            Event::Finishing => note("completing the destination"),
            _ => {}
        }
    }

    fn draw(&mut self, bars: &Bars, event: Event) {
        let transfer = &mut self.transfer;
        match event {
            Event::Planned { blobs, bytes, .. } => transfer.expect(bars, blobs as u64, bytes),
            Event::Mounted { size, .. } => transfer.skip(size),
            Event::Recompressing { blob, digest } => {
                transfer.prepare(blob, format!("compressing {}", digest.short()));
            }
            Event::Started { blob, digest, size } => {
                transfer.start(bars, blob, &digest.short(), size);
            }
            Event::Sent { blob, bytes } => transfer.advance(blob, bytes),
            Event::Finished { blob } => transfer.finish(bars, blob),
            Event::Finishing => transfer.say("completing the destination"),
            _ => {}
        }
    }
}
