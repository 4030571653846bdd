//! The importer as a component: the parser's plain types to the interface's, nothing else.

use std::convert::Infallible;

use lazaret_guest::claim::verdict;
use lazaret_guest::log::{self, Level};
use lazaret_guest::{
    Access, Batch, Blob, ByteRange, Cursor, Descriptor, Device, Failure, Importer, Offer, Sink,
    Verdict, declined,
};

use crate::drive::{Passed, Steer, Stop, import};
use crate::entry::{Entry, EntryKind, Extent, Posix, Segment, Storage, Timestamp, Xattr};
use crate::probe::{media_types, names};

struct Tar;

lazaret_guest::export_importer!(Tar);

impl Importer for Tar {
    fn describe() -> Descriptor {
        Descriptor {
            name: "tar".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            media_types: media_types().map(str::to_owned).collect(),
            needs: Access::empty(),
            fact_namespaces: Vec::new(),
        }
    }

    fn probe(offer: Offer, _head: Vec<u8>) -> Verdict {
        verdict(names(&offer.media_type).is_some(), false)
    }

    fn ingest(
        offer: Offer,
        cursor: &Cursor,
        _blob: Option<&Blob>,
        sink: &Sink,
    ) -> Result<(), Failure> {
        let Some(names) = names(&offer.media_type) else {
            return Err(declined("not declared as an archive"));
        };
        let mut host = Host {
            cursor,
            batch: Batch::new(sink),
        };
        match import(&mut host, names) {
            Ok(ending) => {
                host.batch.finish();
                if ending.garbage.is_some() {
                    log::write(
                        Level::Warn,
                        "data behind the end of the archive, which readers ignore",
                    );
                }
                Ok(())
            }
            Err(Stop::Fault(fault)) => Err(fault.into()),
            Err(Stop::Steer(never)) => match never {},
        }
    }
}

struct Host<'a> {
    cursor: &'a Cursor,
    batch: Batch<'a, Sink>,
}

impl Steer for Host<'_> {
    type Error = Infallible;

    fn read(&mut self, max: u32) -> Result<impl AsRef<[u8]>, Infallible> {
        Ok(self.cursor.read(max))
    }

    fn cut(&mut self, plan: &[Segment]) -> Result<Passed, Infallible> {
        let plan: Vec<_> = plan.iter().copied().map(Into::into).collect();
        Ok(match self.cursor.cut(&plan) {
            Ok(()) => Passed::All,
            Err(_) => Passed::Until(self.cursor.position()),
        })
    }

    fn emit(&mut self, entry: Entry) -> Result<(), Infallible> {
        let is_handed_on = entry.media_type.is_some();
        self.batch.push(entry.into());
        // The host must know before the content is cut.
        if is_handed_on {
            self.batch.flush();
        }
        Ok(())
    }
}

impl From<Segment> for lazaret_guest::Segment {
    fn from(segment: Segment) -> Self {
        let storage = match segment.storage {
            Storage::Inline => lazaret_guest::Storage::Inline,
            Storage::Object => lazaret_guest::Storage::Object,
        };
        Self {
            length: segment.length,
            storage,
        }
    }
}

impl From<Entry> for lazaret_guest::Entry {
    fn from(entry: Entry) -> Self {
        Self {
            path: entry.path,
            kind: entry.kind.into(),
            content: entry.content.into_iter().map(Into::into).collect(),
            target: entry.target,
            posix: entry.posix.map(Into::into),
            media_type: entry.media_type.map(str::to_owned),
            attributes: Vec::new(),
        }
    }
}

impl From<EntryKind> for lazaret_guest::EntryKind {
    fn from(kind: EntryKind) -> Self {
        match kind {
            EntryKind::Directory => Self::Directory,
            EntryKind::Regular => Self::Regular,
            EntryKind::Symlink => Self::Symlink,
            EntryKind::Hardlink => Self::Hardlink,
            EntryKind::CharacterDevice => Self::CharacterDevice,
            EntryKind::BlockDevice => Self::BlockDevice,
            EntryKind::Fifo => Self::Fifo,
            EntryKind::Whiteout => Self::Whiteout,
            EntryKind::OpaqueDirectory => Self::OpaqueDirectory,
        }
    }
}

impl From<Extent> for lazaret_guest::Extent {
    fn from(extent: Extent) -> Self {
        match extent {
            Extent::Input { offset, length } => Self::Input(ByteRange { offset, length }),
            Extent::Hole(length) => Self::Hole(length),
        }
    }
}

impl From<Posix> for lazaret_guest::Posix {
    fn from(posix: Posix) -> Self {
        Self {
            mode: posix.mode,
            uid: posix.uid,
            gid: posix.gid,
            mtime: posix.mtime.into(),
            device: posix.device.map(|(major, minor)| Device { major, minor }),
            xattrs: posix.xattrs.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Timestamp> for lazaret_guest::Timestamp {
    fn from(time: Timestamp) -> Self {
        Self {
            seconds: time.seconds,
            nanoseconds: time.nanoseconds,
        }
    }
}

impl From<Xattr> for lazaret_guest::Xattr {
    fn from(xattr: Xattr) -> Self {
        Self {
            name: xattr.name,
            value: xattr.value,
        }
    }
}
