//! What holds for every archive, random ones included.

use lazaret_plugin_tar::limits::INLINE_CONTENT_MAX;
use lazaret_plugin_tar::{Entry, EntryKind, Extent, Names, Replay, Storage, replay};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::archive::*;

#[derive(Debug, Clone)]
struct Item {
    name: String,
    kind: u8,
    size: usize,
    extension: Extension,
}

#[derive(Debug, Clone)]
enum Extension {
    None,
    Pax { mtime: u32, value: Vec<u8> },
    LongName(usize),
    Global,
    Sparse { count: usize, version: u8 },
}

fn item() -> impl Strategy<Value = Item> {
    let size = prop_oneof![0..130_usize, 500..1100_usize, 0..5000_usize];
    let extension = prop_oneof![
        4 => Just(Extension::None),
        2 => (any::<u32>(), vec(any::<u8>(), 0..700)).prop_map(|(mtime, value)| Extension::Pax { mtime, value }),
        1 => (1..700_usize).prop_map(Extension::LongName),
        1 => Just(Extension::Global),
        2 => (0..60_usize, 0..3_u8).prop_map(|(count, version)| Extension::Sparse { count, version }),
    ];
    let kind = prop_oneof![4 => Just(b'0'), 1 => Just(b'5'), 1 => Just(b'2'), 1 => Just(0)];
    ("[a-z]{1,8}(/[a-z]{1,8}){0,4}", kind, size, extension).prop_map(
        |(name, kind, size, extension)| Item {
            name,
            kind,
            size,
            extension,
        },
    )
}

/// Region lengths that add up to `size`.
fn lengths(size: usize, count: usize) -> Vec<usize> {
    (0..count)
        .map(|index| size / count + usize::from(index < size % count))
        .collect()
}

fn sparse(archive: Archive, item: &Item, count: usize, version: u8) -> Archive {
    let count = count.max(1);
    let lengths = lengths(item.size, count);
    let mut pairs = Vec::new();
    let mut offset = 7;
    for length in &lengths {
        pairs.push((offset, *length));
        offset += length + 3;
    }
    let data = vec![b's'; item.size];
    let size = (offset + 11).to_string();
    let number = count.to_string();
    let comma: Vec<_> = pairs
        .iter()
        .map(|(offset, length)| format!("{offset},{length}"))
        .collect();
    match version {
        0 => {
            let map = comma.join(",");
            archive
                .pax(&[
                    ("GNU.sparse.size", size.as_bytes()),
                    ("GNU.sparse.numblocks", number.as_bytes()),
                    ("GNU.sparse.map", map.as_bytes()),
                ])
                .file(&item.name, data)
        }
        1 => {
            let mut map = format!("{number}\n");
            for (offset, length) in pairs {
                map += &format!("{offset}\n{length}\n");
            }
            let mut map = map.into_bytes();
            map.resize(map.len().next_multiple_of(512), 0);
            map.extend_from_slice(&data);
            archive
                .pax(&[
                    ("GNU.sparse.major", b"1"),
                    ("GNU.sparse.minor", b"0"),
                    ("GNU.sparse.realsize", size.as_bytes()),
                ])
                .file(&item.name, map)
        }
        _ => {
            let slots: Vec<_> = pairs
                .iter()
                .map(|(offset, length)| format!("{offset:011o}\0{length:011o}\0").into_bytes())
                .collect();
            let (first, rest) = slots.split_at(slots.len().min(4));
            let head = Head::gnu(b'S', &item.name, item.size as u64)
                .set(GNU_SPARSE, &first.concat())
                .set(GNU_EXTENDED, &[u8::from(!rest.is_empty())])
                .octal(GNU_REAL_SIZE, offset as u64 + 11);
            let mut archive = archive.head(head);
            let mut blocks = rest.chunks(21).peekable();
            while let Some(chunk) = blocks.next() {
                let mut block = chunk.concat();
                block.resize(504, 0);
                block.push(u8::from(blocks.peek().is_some()));
                archive = archive.data(block);
            }
            archive.data(data)
        }
    }
}

fn add(archive: Archive, item: &Item) -> Archive {
    let archive = match &item.extension {
        Extension::None => archive,
        Extension::Pax { mtime, value } => {
            let time = format!("{mtime}.{mtime}");
            archive.pax(&[("mtime", time.as_bytes()), ("SCHILY.xattr.user.x", value)])
        }
        Extension::LongName(length) => {
            archive.long(b'L', format!("{}{}", item.name, "x".repeat(*length)))
        }
        Extension::Global => archive.global(&[("comment", b"hello")]),
        Extension::Sparse { count, version } => return sparse(archive, item, *count, *version),
    };
    match item.kind {
        b'0' | 0 => archive.member(Head::ustar(item.kind, &item.name, 0), vec![b'd'; item.size]),
        kind => archive.head(Head::ustar(kind, &item.name, 0).target(b"target")),
    }
}

fn archive() -> impl Strategy<Value = (Vec<Item>, Archive)> {
    (vec(item(), 0..12), 0..5_usize).prop_map(|(items, zeros)| {
        let archive = items
            .iter()
            .fold(Archive::new(), add)
            .raw(vec![0; zeros * 512]);
        (items, archive)
    })
}

/// What must hold whatever the input.
fn check(bytes: &[u8], seeds: &[u64]) -> Result<Replay, TestCaseError> {
    let whole = replay(bytes, Names::Layer, 0);
    for &seed in seeds {
        prop_assert_eq!(&replay(bytes, Names::Layer, seed), &whole);
    }
    let kept: u64 = whole.cuts.iter().map(|cut| cut.length).sum();
    prop_assert!(kept <= bytes.len() as u64);
    if whole.ending.is_ok() {
        prop_assert_eq!(kept, bytes.len() as u64);
        for entry in &whole.entries {
            check_content(entry, &whole, bytes.len() as u64)?;
        }
    }
    if let Err(fault) = whole.ending {
        prop_assert!(fault.at.offset + fault.at.length <= bytes.len() as u64);
    }
    Ok(whole)
}

/// A file's stored bytes lie in the input, and are one object exactly if they are more than 64.
fn check_content(entry: &Entry, replay: &Replay, length: u64) -> Result<(), TestCaseError> {
    let stored: Vec<_> = entry
        .content
        .iter()
        .filter_map(|extent| match *extent {
            Extent::Input { offset, length } => Some((offset, length)),
            Extent::Hole(_) => None,
        })
        .collect();
    let Some(&(start, _)) = stored.first() else {
        return Ok(());
    };
    prop_assert_eq!(entry.kind, EntryKind::Regular);
    let mut end = start;
    for (offset, length) in stored {
        prop_assert_eq!(offset, end);
        prop_assert!(length > 0);
        end += length;
    }
    prop_assert!(end <= length);
    let mut position = 0;
    let mut is_object = false;
    for cut in &replay.cuts {
        is_object |=
            cut.storage == Storage::Object && (position, cut.length) == (start, end - start);
        position += cut.length;
    }
    prop_assert_eq!(is_object, end - start > INLINE_CONTENT_MAX);
    Ok(())
}

/// Puts a header's checksum right, so that a change in it gets past the first check.
fn mend(bytes: &mut [u8], header: usize) {
    if let Some(block) = bytes[header..].first_chunk_mut::<512>() {
        *block = Head(*block).block();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn chunking_makes_no_difference((items, archive) in archive(), seeds: [u64; 3]) {
        let replay = check(&archive.bytes, &seeds)?;
        prop_assert!(replay.ending.is_ok(), "{:?}", replay.ending);
        prop_assert_eq!(replay.entries.len(), items.len());
        for (entry, item) in replay.entries.iter().zip(&items) {
            prop_assert!(entry.path.starts_with(item.name.as_bytes()));
            let stored: u64 = entry.content.iter().map(|extent| match extent {
                Extent::Input { length, .. } => *length,
                Extent::Hole(_) => 0,
            }).sum();
            if entry.kind == EntryKind::Regular {
                prop_assert_eq!(stored, item.size as u64);
            }
        }
    }

    #[test]
    fn a_changed_archive_is_read_alike_or_refused_alike(
        (_, archive) in archive(),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Option<Index>>(),
        seed: u64,
    ) {
        let mut bytes = archive.bytes;
        for (place, value) in changes {
            if bytes.is_empty() {
                break;
            }
            // Mostly into headers, where it hurts.
            let place = place.index(2 * bytes.len());
            let place = match archive.headers.get(place % archive.headers.len().max(1)) {
                Some(&header) if place < bytes.len() => header + place % 512,
                _ => place % bytes.len(),
            };
            bytes[place] = value;
        }
        for &header in &archive.headers {
            mend(&mut bytes, header);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        check(&bytes, &[seed])?;
    }

    #[test]
    fn random_fields_are_read_alike_or_refused_alike(
        fields in vec((0..500_usize, vec(prop_oneof![Just(0), Just(b' '), b'0'..=b'9', any::<u8>()], 1..13)), 1..6),
        kind in prop_oneof![Just(b'0'), Just(b'x'), Just(b'g'), Just(b'L'), Just(b'S'), Just(b'1'), any::<u8>()],
        magic in prop_oneof![Just(&b"ustar\x0000"[..]), Just(&b"ustar  \0"[..]), Just(&b""[..])],
        data in vec(any::<u8>(), 0..1500),
        seed: u64,
    ) {
        let mut head = Head::ustar(kind, "name", data.len() as u64).set(MAGIC, magic);
        for (place, bytes) in fields {
            let bytes = &bytes[..bytes.len().min(512 - place)];
            head.0[place..place + bytes.len()].copy_from_slice(bytes);
        }
        check(&Archive::new().head(head).data(data).file("next", "x").end(), &[seed])?;
    }

    #[test]
    fn random_records_are_read_alike_or_refused_alike(
        records in vec((
            "(path|size|uid|mtime|linkpath|GNU\\.sparse\\.(major|minor|map|size|realsize|name|offset|numbytes|numblocks)|SCHILY\\.xattr\\.[a-b]|LIBARCHIVE\\.xattr\\.[a-b%]{1,3})",
            prop_oneof!["[0-9,.\\-]{0,6}".prop_map(String::into_bytes), vec(any::<u8>(), 0..9)],
        ), 0..7),
        kind in prop_oneof![Just(b'x'), Just(b'g')],
        size in 0..1100_usize,
        seed: u64,
    ) {
        let records: Vec<_> = records.iter().map(|(key, value)| (key.as_str(), &value[..])).collect();
        let bytes = Archive::new()
            .member(Head::ustar(kind, "pax", 0), pax_records(&records))
            .file("a", vec![b'\n'; size])
            .end();
        check(&bytes, &[seed])?;
    }

    #[test]
    fn noise_is_refused(bytes in vec(any::<u8>(), 0..3000), seed: u64) {
        check(&bytes, &[seed])?;
    }
}
