//! From a member's header and the extension headers in front of it to an entry.
//!
//! Where two sources speak of one property, either all readers agree which one wins, or the
//! archive is refused.

use crate::entry::{Entry, EntryKind, Names, Posix, Timestamp};
use crate::error::{Fault, Rule, Span};
use crate::header::{Format, Header};
use crate::limits::OCTAL_SIZE_MAX;
use crate::pax::{Records, Sourced};
use crate::probe;
use crate::sparse::{self, Plan, Region};
use crate::whiteout::{self, Meaning};

/// What the extension headers since the last member said.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The first of them.
    pub(crate) first: Option<Span>,
    /// Bytes of their data so far.
    pub(crate) bytes: usize,
    /// From an `x` header.
    pub(crate) records: Option<Records>,
    /// From an `L` header.
    pub(crate) long_name: Option<Sourced<Vec<u8>>>,
    /// From a `K` header.
    pub(crate) long_link: Option<Sourced<Vec<u8>>>,
}

/// A member whose header has been understood.
#[derive(Debug)]
pub(crate) struct Member {
    /// Without content; none for what is no file (aufs' bookkeeping).
    pub(crate) entry: Option<Entry>,
    /// Bytes that follow the header, without padding.
    pub(crate) stored: u64,
    /// What they are.
    pub(crate) data: Data,
}

/// How a member's stored bytes make up its content.
#[derive(Debug)]
pub(crate) enum Data {
    /// They are the content; there may be none.
    Plain,
    /// They are the regions of a map that is known.
    Regions {
        regions: Vec<Region>,
        real_size: u64,
        at: Span,
    },
    /// They are the regions of a map that goes on in blocks behind the header.
    Slots {
        regions: Vec<Region>,
        real_size: u64,
        at: Span,
    },
    /// They begin with the map.
    TextMap { real_size: u64 },
}

/// What a type flag stands for.
pub(crate) fn kind_of(flag: u8) -> Option<EntryKind> {
    Some(match flag {
        b'0' | b'7' | b'S' | 0 => EntryKind::Regular,
        b'1' => EntryKind::Hardlink,
        b'2' => EntryKind::Symlink,
        b'3' => EntryKind::CharacterDevice,
        b'4' => EntryKind::BlockDevice,
        b'5' => EntryKind::Directory,
        b'6' => EntryKind::Fifo,
        _ => return None,
    })
}

/// Puts a member together.
pub(crate) fn resolve(
    header: &Header<'_>,
    kind: EntryKind,
    pending: Pending,
    names: Names,
) -> Result<Member, Fault> {
    let mut records = pending.records.unwrap_or_default();
    let sparse_name = records.sparse.name.take();
    let path = path(header, sparse_name, records.path, pending.long_name)?;
    let kind = kind_by_name(header, kind, &path)?;
    let stored = stored_size(header, records.size.as_ref())?;
    let plan = records.sparse.plan()?;
    check_size(header, kind, stored, plan.as_ref())?;

    let posix = Posix {
        mode: header.mode()?,
        uid: owner(header.uid()?, records.uid)?,
        gid: owner(header.gid()?, records.gid)?,
        mtime: mtime(header, records.mtime)?,
        device: device(header, kind, records.device_major, records.device_minor)?,
        xattrs: records.xattrs.finish()?,
    };
    let target = target(header, kind, records.link, pending.long_link)?;
    let data = data(header, plan)?;
    let has_content = stored != 0 || !matches!(data, Data::Plain);

    let meaning = match names {
        Names::Layer => whiteout::meaning(&path.value).map_err(|rule| path.at.breaks(rule))?,
        Names::Plain => Meaning::Name,
    };
    let deletion = |path, kind| {
        if has_content {
            return Err(header.size_at().breaks(Rule::WhiteoutWithContent));
        }
        Ok(Some(Entry {
            path,
            kind,
            content: Vec::new(),
            target: None,
            posix: None,
            media_type: None,
        }))
    };
    let entry = match meaning {
        Meaning::Name => Some(Entry {
            media_type: match kind {
                EntryKind::Regular if has_content => {
                    // One with holes is nobody's, and not worth a warning.
                    let is_plain = matches!(data, Data::Plain);
                    let configuration = || probe::configuration(&path.value, names);
                    probe::by_name(&path.value).or_else(|| is_plain.then(configuration).flatten())
                }
                // Another name for content that may have none that says what it is.
                EntryKind::Hardlink | EntryKind::Symlink => probe::by_name(&path.value),
                _ => None,
            },
            path: path.value,
            kind,
            content: Vec::new(),
            target,
            posix: Some(posix),
        }),
        Meaning::Whiteout(path) => deletion(path, EntryKind::Whiteout)?,
        Meaning::Opaque(path) => deletion(path, EntryKind::OpaqueDirectory)?,
        Meaning::Metadata => None,
    };
    Ok(Member {
        entry,
        stored,
        data,
    })
}

/// The sparse name beats the PAX path (GNU tar, Go), either beats the header's name.
fn path(
    header: &Header<'_>,
    sparse_name: Option<Sourced<Vec<u8>>>,
    pax_path: Option<Sourced<Vec<u8>>>,
    long_name: Option<Sourced<Vec<u8>>>,
) -> Result<Sourced<Vec<u8>>, Fault> {
    let path = match (sparse_name.or(pax_path), long_name) {
        (Some(_), Some(long)) => return Err(long.at.breaks(Rule::PathTwice)),
        (Some(path), None) | (None, Some(path)) => path,
        (None, None) => Sourced {
            value: header.path(),
            at: header.path_at(),
        },
    };
    if path.value.is_empty() {
        return Err(path.at.breaks(Rule::EmptyPath));
    }
    Ok(path)
}

/// Archives older than POSIX have no type for directories, only a slash behind the name; GNU tar,
/// Go and Python agree on that for the type NUL, and on no other.
fn kind_by_name(
    header: &Header<'_>,
    kind: EntryKind,
    path: &Sourced<Vec<u8>>,
) -> Result<EntryKind, Fault> {
    match (kind, header.kind()) {
        (EntryKind::Regular, flag) if path.value.ends_with(b"/") => {
            if flag == 0 {
                Ok(EntryKind::Directory)
            } else {
                Err(path.at.breaks(Rule::FileNameSlash))
            }
        }
        _ => Ok(kind),
    }
}

/// A size in a record must repeat the header's, but for one that the header cannot hold: GNU tar,
/// Go and Python then leave zero there, which no reader takes for the size.
fn stored_size(header: &Header<'_>, record: Option<&Sourced<u64>>) -> Result<u64, Fault> {
    let size = header.size()?;
    match record {
        Some(record) if record.value != size => {
            if size == 0 && record.value > OCTAL_SIZE_MAX {
                Ok(record.value)
            } else {
                Err(record.at.breaks(Rule::SizesDiffer))
            }
        }
        _ => Ok(size),
    }
}

fn check_size(
    header: &Header<'_>,
    kind: EntryKind,
    stored: u64,
    plan: Option<&Plan>,
) -> Result<(), Fault> {
    if kind == EntryKind::Regular {
        return Ok(());
    }
    if let Some(plan) = plan {
        return Err(plan.at.breaks(Rule::SparseNonRegular));
    }
    if stored != 0 {
        return Err(header.size_at().breaks(Rule::SizeOnNonRegular));
    }
    Ok(())
}

fn owner(field: (i64, Span), record: Option<Sourced<u64>>) -> Result<u32, Fault> {
    match record {
        Some(record) => u32::try_from(record.value).map_err(|_| record.at.breaks(Rule::OwnerRange)),
        None => u32::try_from(field.0).map_err(|_| field.1.breaks(Rule::OwnerRange)),
    }
}

fn mtime(header: &Header<'_>, record: Option<Sourced<Timestamp>>) -> Result<Timestamp, Fault> {
    // Read in any case: garbage in the field is refused also where a record overrides it.
    let seconds = header.mtime()?;
    Ok(record.map_or(
        Timestamp {
            seconds,
            nanoseconds: 0,
        },
        |record| record.value,
    ))
}

/// libarchive prefers the records, others know only the header: they must agree.
fn device(
    header: &Header<'_>,
    kind: EntryKind,
    major: Option<Sourced<u64>>,
    minor: Option<Sourced<u64>>,
) -> Result<Option<(u32, u32)>, Fault> {
    if !matches!(kind, EntryKind::CharacterDevice | EntryKind::BlockDevice) {
        return Ok(None);
    }
    let (numbers, _) = header.device()?;
    for (record, number) in [(major, numbers.0), (minor, numbers.1)] {
        if let Some(record) = record
            && record.value != u64::from(number)
        {
            return Err(record.at.breaks(Rule::DeviceNumbers));
        }
    }
    Ok(Some(numbers))
}

fn target(
    header: &Header<'_>,
    kind: EntryKind,
    pax_link: Option<Sourced<Vec<u8>>>,
    long_link: Option<Sourced<Vec<u8>>>,
) -> Result<Option<Vec<u8>>, Fault> {
    let target = match (pax_link, long_link) {
        (Some(_), Some(long)) => return Err(long.at.breaks(Rule::LinkTwice)),
        (Some(link), None) | (None, Some(link)) => Some(link.value),
        (None, None) => None,
    };
    if !matches!(kind, EntryKind::Symlink | EntryKind::Hardlink) {
        return Ok(None);
    }
    let target = target.unwrap_or_else(|| header.link().to_vec());
    if target.is_empty() {
        return Err(header.link_at().breaks(Rule::EmptyLink));
    }
    Ok(Some(target))
}

fn data(header: &Header<'_>, plan: Option<Plan>) -> Result<Data, Fault> {
    if header.kind() == b'S' {
        if let Some(plan) = plan {
            return Err(plan.at.breaks(Rule::SparseKind));
        }
        return old_gnu(header);
    }
    Ok(match plan {
        None => Data::Plain,
        Some(Plan {
            real_size,
            regions: Some(regions),
            at,
        }) => Data::Regions {
            regions,
            real_size,
            at,
        },
        Some(Plan {
            real_size,
            regions: None,
            ..
        }) => Data::TextMap { real_size },
    })
}

fn old_gnu(header: &Header<'_>) -> Result<Data, Fault> {
    if header.format != Format::Gnu {
        return Err(header.kind_at().breaks(Rule::SparseMagic));
    }
    let real_size = header.real_size()?;
    let gnu = header.gnu();
    let at = header.sparse_at();
    let mut area = [0; 96];
    for (slot, from) in area.chunks_exact_mut(24).zip(&gnu.sparse) {
        slot[..12].copy_from_slice(&from.offset);
        slot[12..].copy_from_slice(&from.numbytes);
    }
    let mut regions = Vec::new();
    let flag = (gnu.isextended[0], header.extended_at());
    if sparse::slots(&area, at.offset, flag, &mut regions)? {
        Ok(Data::Slots {
            regions,
            real_size,
            at,
        })
    } else {
        Ok(Data::Regions {
            regions,
            real_size,
            at,
        })
    }
}
