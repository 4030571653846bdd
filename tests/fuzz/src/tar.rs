//! The tar importer over any bytes.
//!
//! 1. It does not panic.
//! 2. It says the same however its reads are cut up.
//! 3. The cuts of a sound archive add up to its length; none is empty, and no two inline ones are
//!    neighbours.
//! 4. No extent of an entry is empty, and all lie within the input, but for the last entry of an
//!    archive that is cut off; extents of a sound archive do not overlap, and each lies in one object
//!    or one inline stretch.
//! 5. A fault lies within the input.
//! 6. Names and targets are not empty and hold no NUL; times are in range; attributes are sorted.
//! 7. Whether an archive is a layer changes only which names are deletions, never the cuts of one
//!    that is sound both ways.

use lazaret_plugin_tar::{Entry, EntryKind, Extent, Names, Replay, Segment, Storage, replay};

/// Reads are cut up according to these; zero is not at all.
const SEEDS: [u64; 3] = [0, 1, 0x9e37_79b9_7f4a_7c15];

/// Holds the importer to the invariants.
pub fn check(data: &[u8]) {
    let [plain, layer] = [Names::Plain, Names::Layer].map(|names| check_as(data, names));
    if plain.ending.is_ok() && layer.ending.is_ok() {
        assert_eq!(plain.cuts, layer.cuts);
        assert_eq!(plain.ending, layer.ending);
    }
}

fn check_as(data: &[u8], names: Names) -> Replay {
    let first = replay(data, names, SEEDS[0]);
    for seed in &SEEDS[1..] {
        let other = replay(data, names, *seed);
        assert_eq!(other.entries, first.entries, "seed {seed}");
        assert_eq!(other.ending, first.ending, "seed {seed}");
        // What was kept before a fault depends on how far it had read.
        if first.ending.is_ok() {
            assert_eq!(other.cuts, first.cuts, "seed {seed}");
        }
    }
    let length = data.len() as u64;
    check_cuts(&first.cuts, length, first.ending.is_ok());
    match &first.ending {
        Ok(ending) => {
            assert!(ending.offset + ending.trailing <= length);
            check_content(&first);
        }
        Err(fault) => assert!(fault.at.offset + fault.at.length <= length, "{fault:?}"),
    }
    for (index, entry) in first.entries.iter().enumerate() {
        // It comes before its content, which may turn out to be cut off.
        let is_cut_off = first.ending.is_err() && index + 1 == first.entries.len();
        let room = if is_cut_off { u64::MAX } else { length };
        check_entry(entry, names, room);
    }
    first
}

fn check_cuts(cuts: &[Segment], length: u64, sound: bool) {
    let sum: u64 = cuts.iter().map(|cut| cut.length).sum();
    assert!(sum <= length);
    assert!(!sound || sum == length, "{sum} bytes of {length}");
    assert!(cuts.iter().all(|cut| cut.length > 0));
    let inline = |cut: &Segment| cut.storage == Storage::Inline;
    assert!(
        cuts.windows(2)
            .all(|pair| !(inline(&pair[0]) && inline(&pair[1])))
    );
}

/// Invariant 4, for a sound archive.
fn check_content(replay: &Replay) {
    let mut extents: Vec<(u64, u64)> = Vec::new();
    for extent in replay.entries.iter().flat_map(|entry| &entry.content) {
        if let Extent::Input { offset, length } = extent {
            extents.push((*offset, offset + length));
        }
    }
    extents.sort_unstable();
    assert!(
        extents.windows(2).all(|pair| pair[0].1 <= pair[1].0),
        "they overlap"
    );
    let mut cuts = replay.cuts.iter();
    let mut cut = (0, 0);
    for (start, end) in extents {
        while cut.1 <= start {
            let next = cuts.next().expect("the cuts add up to the length");
            cut = (cut.1, cut.1 + next.length);
        }
        assert!(
            cut.0 <= start && end <= cut.1,
            "{start}..{end} is not within {cut:?}"
        );
    }
}

/// An entry whose content ends within the first `room` bytes of the input.
fn check_entry(entry: &Entry, names: Names, room: u64) {
    let is_text = |bytes: &[u8]| !bytes.is_empty() && !bytes.contains(&0);
    assert!(is_text(&entry.path), "{entry:?}");
    assert!(entry.target.as_deref().is_none_or(is_text), "{entry:?}");
    let has_target = matches!(entry.kind, EntryKind::Symlink | EntryKind::Hardlink);
    assert_eq!(entry.target.is_some(), has_target, "{entry:?}");
    assert!(
        entry.content.is_empty() || entry.kind == EntryKind::Regular,
        "{entry:?}"
    );
    let is_deletion = matches!(entry.kind, EntryKind::Whiteout | EntryKind::OpaqueDirectory);
    assert!(!is_deletion || names == Names::Layer, "{entry:?}");
    assert_eq!(entry.posix.is_none(), is_deletion, "{entry:?}");
    for extent in &entry.content {
        match extent {
            Extent::Input { offset, length } => {
                let end = offset.checked_add(*length);
                assert!(
                    *length > 0 && end.is_some_and(|end| end <= room),
                    "{entry:?}"
                );
            }
            Extent::Hole(size) => assert!(*size > 0, "{entry:?}"),
        }
    }
    if let Some(posix) = &entry.posix {
        assert_eq!(posix.mode & !0o7777, 0, "{entry:?}");
        assert!(posix.mtime.nanoseconds < 1_000_000_000, "{entry:?}");
        assert!(
            posix
                .xattrs
                .windows(2)
                .all(|pair| pair[0].name < pair[1].name),
            "{entry:?}"
        );
    }
}
