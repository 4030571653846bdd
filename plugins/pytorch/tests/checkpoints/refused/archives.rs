//! Which format, the archive's end, and what stands around its members.

use lazaret_plugin_pytorch::Rule;

use super::{Case, check};
use crate::pickle::*;
use crate::zip::*;

/// A sound archive.
fn sound() -> Zip {
    checkpoint(Pickle::state(&[("a", SMALL)]), &[("0", vec![7; 24])])
}

/// A sound archive with other bytes at an offset.
fn patched(at: impl Fn(&Built) -> usize, bytes: &[u8]) -> (Vec<u8>, Built) {
    let built = sound().build();
    let at = at(&built);
    let mut patched = built.bytes.clone();
    patched[at..at + bytes.len()].copy_from_slice(bytes);
    (patched, built)
}

pub fn cases() -> Vec<Case> {
    let mut cases = formats();
    cases.extend(ends());
    cases.extend(layout());
    cases
}

fn formats() -> Vec<Case> {
    let mut tar = vec![b'a'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let mut script = sound();
    script
        .members
        .push(Member::new("archive/constants.pkl", "\u{80}."));
    let script = script.build();
    let header = script.headers[6];
    let span = script.data[6] + 3 - header;
    vec![
        ("nothing", Vec::new(), Rule::NotCheckpoint, 0, 0),
        ("text", b"<html>".to_vec(), Rule::NotCheckpoint, 0, 1),
        ("zeros", vec![0; 1000], Rule::NotCheckpoint, 0, 1),
        (
            "7z",
            b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(),
            Rule::SevenZip,
            0,
            8,
        ),
        ("tar", tar, Rule::TarFormat, 257, 5),
        (
            "preview",
            b"PYTORCH1rest".to_vec(),
            Rule::PreviewFormat,
            0,
            8,
        ),
        (
            "torch script",
            script.bytes,
            Rule::TorchScript,
            header,
            span,
        ),
    ]
}

fn ends() -> Vec<Case> {
    let built = sound().build();
    let whole = built.bytes.len();
    let end = built.end;
    let with = |behind: &[u8]| [&built.bytes, behind].concat();
    let mut comment = with(b"hello");
    comment[end + 20] = 5;
    // A second end record in the comment of the first.
    let mut second = with(&built.bytes[end..]);
    second[end + 20] = 22;
    let disk = patched(|built| built.end + 4, &[1, 0]).0;
    let short = patched(|built| built.end + 8, &[9, 0, 9, 0]).0;
    let full = patched(|built| built.end + 8, &[0xff; 12]).0;
    let locator = built.end - 20;
    let record = built.end - 76;
    let moved = patched(|built| built.end - 12, &[0]).0;
    let other = patched(|built| built.end - 76 + 4, &[45]).0;
    let disks = patched(|built| built.end - 4, &[2]).0;
    let record_disk = patched(|built| built.end - 76 + 16, &[1]).0;
    let unequal = patched(|built| built.end + 10, &[7, 0]).0;
    let mut plain = sound();
    plain.is_long = false;
    let plain = plain.build();
    let plain_with = |at: usize, bytes: &[u8]| {
        let mut file = plain.bytes.clone();
        file[plain.end + at..plain.end + at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let (large, many) = (70_000_000_u32.to_le_bytes(), 200_001_u64.to_le_bytes());
    let mut huge = sound().build().bytes;
    huge[record + 24..record + 32].copy_from_slice(&many);
    huge[record + 32..record + 40].copy_from_slice(&many);
    huge[end + 8..end + 12].fill(0xff);
    let mut wide = vec![0_u8; 70_000_000];
    wide[..4].copy_from_slice(b"PK\x03\x04");
    wide.extend(&plain.bytes[plain.end..]);
    let wide_end = wide.len() - 22;
    wide[wide_end + 12..wide_end + 16].copy_from_slice(&large);
    wide[wide_end + 16..wide_end + 20].fill(0);
    vec![
        (
            "no end",
            b"PK\x03\x04 and no more".to_vec(),
            Rule::NoEndRecord,
            0,
            16,
        ),
        (
            "half an end",
            built.bytes[..end + 10].to_vec(),
            Rule::NoEndRecord,
            end - 12,
            22,
        ),
        ("a byte behind", with(b"x"), Rule::TrailingBytes, whole, 1),
        (
            "a shell script behind",
            with(b"\n#!/bin/sh\n"),
            Rule::TrailingBytes,
            whole,
            11,
        ),
        ("comment", comment, Rule::ArchiveComment, whole, 5),
        (
            "an end in a comment",
            second,
            Rule::DirectoryPlace,
            whole,
            22,
        ),
        ("another disk", disk, Rule::MultiDisk, end, 22),
        (
            "another disk in the record",
            record_disk,
            Rule::MultiDisk,
            record,
            56,
        ),
        ("two disks", disks, Rule::MultiDisk, locator, 20),
        ("counts differ", unequal, Rule::EndsDisagree, end, 22),
        ("ends disagree", short, Rule::EndsDisagree, end, 22),
        (
            "fields are full, no record",
            plain_with(8, &[0xff; 4]),
            Rule::Zip64Locator,
            plain.end,
            22,
        ),
        (
            "way leads elsewhere",
            moved,
            Rule::Zip64Locator,
            locator,
            20,
        ),
        (
            "record of another size",
            other,
            Rule::Zip64Record,
            record,
            56,
        ),
        (
            "directory shorter",
            plain_with(12, &[1]),
            Rule::DirectoryPlace,
            plain.end,
            22,
        ),
        (
            "directory elsewhere",
            plain_with(16, &[1]),
            Rule::DirectoryPlace,
            plain.end,
            22,
        ),
        (
            "directory of 70 MB",
            wide,
            Rule::DirectoryTooLarge,
            0,
            70_000_000,
        ),
        ("too many members", huge, Rule::TooManyMembers, end, 22),
        // All fields of the short record say: see the long one. That is sound.
        (
            "truncated in the long form",
            full[..whole - 1].to_vec(),
            Rule::NoEndRecord,
            whole - 23,
            22,
        ),
        (
            "no record where it should be",
            {
                let mut file = built.bytes.clone();
                file[record] = b'Q';
                file
            },
            Rule::Zip64Locator,
            locator,
            20,
        ),
    ]
}

fn layout() -> Vec<Case> {
    let built = sound().build();
    let mut prefixed = b"#!/bin/sh\n".to_vec();
    prefixed.extend(&built.bytes);
    // The same with offsets that fit: a polyglot for readers that only look at the end.
    let mut shifted = sound();
    shifted.is_long = false;
    let shifted_by = 15;
    let plain = shifted.build();
    for (member, header) in shifted.members.iter_mut().zip(&plain.headers) {
        member.offset = Some((header + shifted_by) as u32);
    }
    let fitting = shifted.build();
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let mut polyglot = magic.to_vec();
    polyglot.extend(&fitting.bytes);
    let offset = (fitting.directory + shifted_by) as u32;
    let end = polyglot.len() - 22;
    polyglot[end + 16..end + 20].copy_from_slice(&offset.to_le_bytes());
    // A member between members that the directory does not list, and one at the front.
    let mut hidden = sound();
    hidden.members[1].behind = Some(
        [
            b"PK\x07\x08".as_slice(),
            &hidden.members[1].stated.map(u32::to_le_bytes).concat(),
            b"PK\x03\x04 a member that only some readers find",
        ]
        .concat(),
    );
    let hidden = hidden.build();
    let behind = hidden.data[1] + 1;
    let mut gap = sound();
    gap.members[1] = Member::plain("archive/.format_version", "1").with(|member| {
        member.behind = Some(b"xyz".to_vec());
    });
    let gap = gap.build();
    let mut front = sound();
    front.members.swap(0, 1);
    let mut first = front.build();
    let removed = first.headers[1];
    // The first entry goes, and counts and offsets with it.
    let entry = first.entries[0]..first.entries[1];
    let cut = entry.len();
    first.bytes.drain(entry);
    let end = first.bytes.len() - 22;
    let record = end - 76;
    for at in [record + 24, record + 32, end + 8, end + 10] {
        first.bytes[at] -= 1;
    }
    let size = (first.end - 76 - first.directory - cut) as u32;
    for at in [record + 40, end + 12] {
        first.bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
    }
    let place = record as u32;
    let locator = end - 20;
    first.bytes[locator + 8..locator + 12].copy_from_slice(&place.to_le_bytes());
    // Two entries for one member, and one member within another's data.
    let mut twice = sound();
    twice.members[4].offset = Some(built.headers[3] as u32);
    let twice = twice.build();
    let mut nested = sound();
    let inner = Member::plain("archive/evil", "x");
    let inner_zip = Zip::new(vec![inner.clone()]).build();
    let mut data = vec![0; 60];
    data[..inner_zip.directory].copy_from_slice(&inner_zip.bytes[..inner_zip.directory]);
    nested.members[5] = Member::new("archive/.data/serialization_id", data);
    let probe = nested.build();
    nested
        .members
        .push(inner.with(|member| member.offset = Some(probe.data[5] as u32)));
    let nested = nested.build();
    let overlap = (probe.data[5], 60);
    vec![
        ("script before it", prefixed, Rule::PrefixBytes, 0, 8),
        (
            "polyglot with the old format",
            polyglot,
            Rule::PrefixBytes,
            0,
            15,
        ),
        (
            "member hidden behind a descriptor",
            hidden.bytes.clone(),
            Rule::Descriptor,
            behind,
            hidden.headers[2] - behind,
        ),
        ("gap", gap.bytes.clone(), Rule::Gap, gap.data[1] + 1, 3),
        (
            "first member not listed",
            first.bytes.clone(),
            Rule::PrefixBytes,
            0,
            removed,
        ),
        (
            "two entries for one member",
            twice.bytes.clone(),
            Rule::Overlap,
            twice.headers[3],
            twice.data[3] + 24 - twice.headers[3],
        ),
        (
            "member in a member",
            nested.bytes.clone(),
            Rule::Overlap,
            overlap.0,
            overlap.1,
        ),
        (
            "empty archive",
            Zip::default().build().bytes,
            Rule::NoPickle,
            0,
            0,
        ),
    ]
}

#[test]
fn an_archive_that_readers_could_take_for_another_is_refused() {
    check(&cases());
}
