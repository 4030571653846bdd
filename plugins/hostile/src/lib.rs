//! What every misbehaving importer in `examples/` shares: an [`Attack`] says only what it does
//! differently from an importer that claims [`MEDIA_TYPE`], answers yes and returns at once.
//!
//! Natively the examples are empty: an importer's exports mean nothing to a native linker.

pub use lazaret_guest::{
    Access, Attribute, Blob, ByteRange, Cursor, Derived, DerivedSlice, Descriptor, Device, Digest,
    Entry, EntryKind, Extent, Fact, Failure, Fault, Importer, Offer, Posix, Segment, Sink, Storage,
    Timestamp, Value, Verdict, Xattr, log,
};

/// What every attack claims to be for, unless that is the attack.
pub const MEDIA_TYPE: &str = "application/vnd.lazaret.hostile";

/// The fact namespace every attack asks for, and is granted.
pub const NAMESPACE: &str = "hostile";

/// What `ingest` was given.
pub struct Run<'a> {
    /// The offer.
    pub offer: Offer,
    /// The input.
    pub cursor: &'a Cursor,
    /// The input at random, for those that declared it.
    pub blob: Option<&'a Blob>,
    /// Where output goes.
    pub sink: &'a Sink,
}

/// How `ingest` ends.
pub type Outcome = Result<(), Failure>;

/// An importer that misbehaves in one way.
pub trait Attack {
    /// What it declares.
    const NEEDS: Access = Access::empty();

    /// `plugin.describe`
    #[must_use]
    fn describe() -> Descriptor {
        descriptor(Self::NEEDS)
    }

    /// `plugin.probe`
    #[must_use]
    fn probe() -> Verdict {
        Verdict::Yes
    }

    /// `plugin.ingest`
    ///
    /// # Errors
    /// When the attack is in the failure.
    fn ingest(run: Run<'_>) -> Outcome {
        let _ = run;
        Ok(())
    }
}

/// A description with nothing wrong in it.
#[must_use]
pub fn descriptor(needs: Access) -> Descriptor {
    Descriptor {
        name: "hostile".to_owned(),
        version: "0.1.0".to_owned(),
        media_types: vec![MEDIA_TYPE.to_owned()],
        needs,
        fact_namespaces: vec![NAMESPACE.to_owned()],
    }
}

/// An [`Attack`] as the interface wants it.
pub struct Guest<A>(core::marker::PhantomData<A>);

impl<A: Attack> Importer for Guest<A> {
    fn describe() -> Descriptor {
        A::describe()
    }

    fn probe(_offer: Offer, _head: Vec<u8>) -> Verdict {
        A::probe()
    }

    fn ingest(offer: Offer, cursor: &Cursor, blob: Option<&Blob>, sink: &Sink) -> Outcome {
        A::ingest(Run {
            offer,
            cursor,
            blob,
            sink,
        })
    }
}

/// Exports an [`Attack`] as the component's importer.
#[macro_export]
macro_rules! attack {
    ($attack:ident) => {
        type Component = $crate::Guest<$attack>;
        $crate::export_importer!(Component with_types_in $crate::bindings);
    };
}

pub use lazaret_guest::bindings::{self, export_importer};

/// An entry with nothing wrong in it, and nothing in it.
#[must_use]
pub fn entry(kind: EntryKind, path: &str) -> Entry {
    Entry {
        path: path.as_bytes().to_vec(),
        kind,
        content: Vec::new(),
        target: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    }
}

/// An empty file.
#[must_use]
pub fn file(path: &str) -> Entry {
    entry(EntryKind::Regular, path)
}

/// A file with this content.
#[must_use]
pub fn file_of(path: &str, content: Vec<Extent>) -> Entry {
    Entry {
        content,
        ..file(path)
    }
}

/// A link of either kind.
#[must_use]
pub fn link(kind: EntryKind, path: &str, target: &str) -> Entry {
    Entry {
        target: Some(target.as_bytes().to_vec()),
        ..entry(kind, path)
    }
}

/// The entry with this mode and nothing else of note.
#[must_use]
pub fn with_mode(entry: Entry, mode: u32) -> Entry {
    Entry {
        posix: Some(Posix {
            mode,
            uid: 0,
            gid: 0,
            mtime: Timestamp {
                seconds: 0,
                nanoseconds: 0,
            },
            device: None,
            xattrs: Vec::new(),
        }),
        ..entry
    }
}

/// The entry with this extended attribute.
#[must_use]
pub fn with_xattr(entry: Entry, name: &str, value: Vec<u8>) -> Entry {
    let mut entry = with_mode(entry, 0o644);
    if let Some(posix) = entry.posix.as_mut() {
        posix.xattrs.push(Xattr {
            name: name.as_bytes().to_vec(),
            value,
        });
    }
    entry
}

/// A fact about the blob.
#[must_use]
pub fn fact(key: &str, value: Value) -> Fact {
    Fact {
        subject: None,
        key: key.to_owned(),
        value,
    }
}

/// A stretch of the input.
#[must_use]
pub const fn input(offset: u64, length: u64) -> Extent {
    Extent::Input(ByteRange { offset, length })
}
