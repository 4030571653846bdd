//! Archives that are read, and how.

use lazaret_plugin_tar::limits::{EXTENSION_DATA_MAX, TRAILER_MAX};
use lazaret_plugin_tar::parser::End;
use lazaret_plugin_tar::{Ending, EntryKind, Extent, Names, Posix, Rule, Timestamp, Xattr};

use crate::archive::*;

fn ending(bytes: &[u8]) -> Ending {
    read(bytes).ending.expect("the archive is sound")
}

#[test]
fn an_archive_may_end_in_four_ways() {
    let file = Archive::new().file("a", "b").bytes;
    let zeros = |blocks: usize| [file.clone(), vec![0; blocks * 512]].concat();
    for (bytes, end, offset, trailing) in [
        (vec![], End::Empty, 0, 0),
        (zeros(0), End::Bare, 1024, 0),
        (zeros(1), End::HalfMarker, 1536, 0),
        (zeros(2), End::Marker, 2048, 0),
        (zeros(20), End::Marker, 2048, 18 * 512),
        (vec![0; 512], End::HalfMarker, 512, 0),
        (vec![0; 1024], End::Marker, 1024, 0),
        (vec![0; 10240], End::Marker, 1024, 9216),
    ] {
        let want = Ending {
            end,
            offset,
            trailing,
            garbage: None,
        };
        assert_eq!(ending(&bytes), want, "{} bytes", bytes.len());
    }
}

/// As `umoci insert` 0.4 writes them.
#[test]
fn the_last_files_padding_may_be_missing() {
    for (content, kept) in [
        (5, vec![inline(512 + 5)]),
        (64, vec![inline(512 + 64)]),
        (65, vec![inline(512), object(65)]),
        (600, vec![inline(512), object(600)]),
    ] {
        let whole = Archive::new().file("a", vec![b'x'; content]);
        let found = read(&whole.bytes[..512 + content]);
        assert_eq!(found.entries, read(&whole.bytes).entries);
        assert_eq!(found.cuts, kept, "{content}");
        let ending = found.ending.expect("the archive is sound");
        assert_eq!(
            (ending.end, ending.offset),
            (End::Unpadded, 512 + content as u64)
        );
        assert_eq!(ending.trailing, 0);
        // Some of the padding changes nothing but the place of the end.
        let some = ending.offset + 9;
        let found = read(&whole.bytes[..some as usize]);
        let ending = found.ending.expect("the archive is sound");
        assert_eq!((ending.end, ending.offset), (End::Unpadded, some));
        // Any less is a truncated file.
        let found = read(&whole.bytes[..512 + content - 1]);
        let fault = found.ending.expect_err("the archive is not");
        assert_eq!(fault.rule, Rule::TruncatedContent);
    }
}

#[test]
fn what_follows_the_end_is_kept_inline_up_to_a_bound() {
    let file = Archive::new().file("a", [b'x'; 100]);
    let marked = file.end();
    let cuts = |rest: &[u8]| read(&[&marked[..], rest].concat()).cuts;
    assert_eq!(cuts(&[]), [inline(512), object(100), inline(412 + 1024)]);
    assert_eq!(
        cuts(b"garbage"),
        [inline(512), object(100), inline(412 + 1024 + 7)]
    );
    let most = vec![0; TRAILER_MAX as usize];
    assert_eq!(
        cuts(&most),
        [inline(512), object(100), inline(412 + 1024 + TRAILER_MAX)]
    );
    let more = vec![0; TRAILER_MAX as usize + 3];
    assert_eq!(
        cuts(&more),
        [
            inline(512),
            object(100),
            inline(412 + 1024 + TRAILER_MAX),
            object(3)
        ]
    );

    let start = marked.len() as u64;
    let garbage = |rest: &[u8]| ending(&[&marked[..], rest].concat()).garbage;
    assert_eq!(garbage(&[0; 100]), None);
    assert_eq!(garbage(b"\0\0x\0y"), Some(start + 2));
    // Another archive behind the first is not read: only `tar -i` would.
    let second = Archive::new().file("b", "c").end();
    assert_eq!(garbage(&second), Some(start));
    assert_eq!(entries(&[&marked[..], &second].concat()).len(), 1);
}

#[test]
fn a_file_is_one_object_from_65_bytes_on() {
    for (size, cuts) in [
        (0, vec![inline(512 + 1024)]),
        (1, vec![inline(512 + 512 + 1024)]),
        (64, vec![inline(512 + 512 + 1024)]),
        (65, vec![inline(512), object(65), inline(447 + 1024)]),
        (511, vec![inline(512), object(511), inline(1 + 1024)]),
        (512, vec![inline(512), object(512), inline(1024)]),
        (513, vec![inline(512), object(513), inline(511 + 1024)]),
        (
            100_000,
            vec![inline(512), object(100_000), inline(352 + 1024)],
        ),
    ] {
        let bytes = Archive::new().file("a", vec![b'x'; size]).end();
        assert_eq!(read(&bytes).cuts, cuts, "{size}");
        let want = match size as u64 {
            0 => vec![],
            length => vec![Extent::Input {
                offset: 512,
                length,
            }],
        };
        assert_eq!(entry(&bytes).content, want, "{size}");
    }
}

#[test]
fn types_are_kinds() {
    for (head, kind, target, device) in [
        (Head::ustar(b'0', "x", 0), EntryKind::Regular, None, None),
        (Head::ustar(0, "x", 0), EntryKind::Regular, None, None),
        (Head::ustar(b'7', "x", 0), EntryKind::Regular, None, None),
        (Head::v7(0, "x", 0), EntryKind::Regular, None, None),
        (Head::v7(0, "x/", 0), EntryKind::Directory, None, None),
        (Head::ustar(0, "x/", 0), EntryKind::Directory, None, None),
        (Head::ustar(b'5', "x", 0), EntryKind::Directory, None, None),
        (
            Head::ustar(b'1', "x", 0).target(b"y"),
            EntryKind::Hardlink,
            Some("y"),
            None,
        ),
        (
            Head::v7(b'2', "x", 0).target(b"../y"),
            EntryKind::Symlink,
            Some("../y"),
            None,
        ),
        (
            Head::ustar(b'3', "x", 0).device(1, 3),
            EntryKind::CharacterDevice,
            None,
            Some((1, 3)),
        ),
        (
            Head::gnu(b'4', "x", 0)
                .binary(MAJOR, 4095)
                .binary(MINOR, 0xffff_ffff),
            EntryKind::BlockDevice,
            None,
            Some((4095, 0xffff_ffff)),
        ),
        (Head::ustar(b'6', "x", 0), EntryKind::Fifo, None, None),
        // A link's name on anything else says nothing.
        (
            Head::ustar(b'0', "x", 0).target(b"y"),
            EntryKind::Regular,
            None,
            None,
        ),
    ] {
        let shown = format!("{:?} {kind:?}", head.0[156] as char);
        let entry = entry(&Archive::new().head(head).end());
        assert_eq!(entry.kind, kind, "{shown}");
        assert_eq!(
            entry.target.as_deref(),
            target.map(str::as_bytes),
            "{shown}"
        );
        assert_eq!(entry.posix.unwrap().device, device, "{shown}");
    }
}

#[test]
fn fields_are_read_in_all_their_spellings() {
    let head = || Head::gnu(b'0', "x", 0);
    let posix = |head| entry(&Archive::new().head(head).end()).posix.unwrap();
    let base = Posix {
        mode: 0o644,
        uid: 1000,
        gid: 100,
        mtime: Timestamp {
            seconds: 1_700_000_000,
            nanoseconds: 0,
        },
        device: None,
        xattrs: vec![],
    };
    assert_eq!(posix(head()), base);
    assert_eq!(
        posix(
            head()
                .set(MODE, b"    755 ")
                .set(UID, b" 1750\0 ")
                .set(GID, b"00000144")
        ),
        Posix {
            mode: 0o755,
            ..base.clone()
        }
    );
    assert_eq!(
        posix(head().set(MODE, b"0107755\0")),
        Posix {
            mode: 0o7755,
            ..base.clone()
        }
    );
    assert_eq!(
        posix(head().binary(UID, 0xffff_ffff).binary(GID, 70_000)),
        Posix {
            uid: u32::MAX,
            gid: 70_000,
            ..base.clone()
        }
    );
    assert_eq!(
        posix(
            head()
                .set(MODE, b"")
                .set(UID, b"")
                .set(GID, b"        ")
                .set(MTIME, b"")
        ),
        Posix {
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: Timestamp::default(),
            ..base.clone()
        }
    );
    for seconds in [-1, -5_000_000_000, i64::MIN, i64::MAX] {
        assert_eq!(posix(head().binary(MTIME, seconds)).mtime.seconds, seconds);
    }
    assert_eq!(
        posix(head().set(MTIME, b"777777777777")).mtime.seconds,
        0o777_777_777_777
    );
}

#[test]
fn a_signed_checksum_is_accepted() {
    let head = Head::ustar(b'0', b"caf\xc3\xa9", 0);
    let sum: i64 = head
        .clone()
        .set(CHECKSUM, b"        ")
        .0
        .iter()
        .map(|&byte| i64::from(byte.cast_signed()))
        .sum();
    let mut block = head.block();
    block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(entry(&Archive::new().raw(block).end()).path, b"caf\xc3\xa9");
}

#[test]
fn names_come_from_the_place_all_readers_agree_on() {
    let long = "d/".repeat(60) + "file";
    let file = |name: &str| Head::ustar(b'0', name, 0);
    let path = |archive: Archive| String::from_utf8(entry(&archive.end()).path).unwrap();
    let new = Archive::new;
    assert_eq!(path(new().head(file("a/b").set(PREFIX, b"p/q"))), "p/q/a/b");
    assert_eq!(path(new().head(file(&"n".repeat(100)))), "n".repeat(100));
    assert_eq!(
        path(new().head(file("a").set(PREFIX, &[b'p'; 155]))),
        format!("{}/a", "p".repeat(155))
    );
    // No prefix without POSIX magic.
    assert_eq!(path(new().head(Head::v7(0, "a", 0).set(PREFIX, b"p"))), "a");
    assert_eq!(
        path(new().head(Head::gnu(b'0', "a", 0).octal(GNU_ATIME, 1))),
        "a"
    );
    // star's trailer with a prefix that is short enough for everybody.
    let star = file("a").set(PREFIX, b"p").set(TRAILER, b"tar\0");
    assert_eq!(path(new().head(star)), "p/a");
    // Extensions win over the header.
    assert_eq!(path(new().long(b'L', &long).head(file("short"))), long);
    assert_eq!(
        path(new().pax(&[("path", long.as_bytes())]).head(file("short"))),
        long
    );
    // Without a NUL behind it, or with many.
    let bare = Head::gnu(b'L', "", 0);
    assert_eq!(
        path(new().member(bare.clone(), &long).head(file("x"))),
        long
    );
    assert_eq!(
        path(new().member(bare, format!("{long}\0\0\0")).head(file("x"))),
        long
    );
    // Raw as they are.
    for name in ["/abs", "../up", "./a//b/.", "a\nb", "a b"] {
        assert_eq!(path(new().head(file(name))), name);
    }
}

#[test]
fn links_take_their_targets_from_extensions() {
    let long = "t/".repeat(100);
    for archive in [
        Archive::new().long(b'K', &long).long(b'L', "name"),
        Archive::new().long(b'L', "name").long(b'K', &long),
        Archive::new().pax(&[("linkpath", long.as_bytes()), ("path", b"name")]),
        Archive::new().pax(&[("path", b"name")]).long(b'K', &long),
        Archive::new()
            .long(b'L', "name")
            .pax(&[("linkpath", long.as_bytes())]),
    ] {
        let bytes = archive
            .head(Head::gnu(b'2', "short", 0).target(b"short"))
            .end();
        let entry = entry(&bytes);
        assert_eq!(entry.path, b"name");
        assert_eq!(entry.target.as_deref(), Some(long.as_bytes()));
    }
    // And only for one member.
    let bytes = Archive::new()
        .long(b'L', "one")
        .long(b'K', "two")
        .head(Head::gnu(b'2', "a", 0).target(b"b"))
        .head(Head::gnu(b'2', "c", 0).target(b"d"))
        .end();
    let second = &entries(&bytes)[1];
    assert_eq!(
        (&second.path[..], second.target.as_deref()),
        (&b"c"[..], Some(&b"d"[..]))
    );
}

#[test]
fn pax_records_win_over_the_header() {
    let bytes = Archive::new()
        .pax(&[
            ("uid", b"4294967295"),
            ("gid", b"70000"),
            ("mtime", b"-1.25"),
            ("size", b"3"),
            ("uname", b"root"),
            ("gname", b""),
            ("atime", b"garbage"),
            ("comment", b"a=b\n"),
            ("hdrcharset", b"BINARY"),
            ("charset", b"whatever"),
            ("VENDOR.key", b""),
            ("VENDOR.key", b""),
            ("SCHILY.dev", b"1"),
            ("LIBARCHIVE.creationtime", b"1"),
        ])
        .file("a", "abc")
        .end();
    let entry = entry(&bytes);
    assert_eq!(
        entry.posix,
        Some(Posix {
            mode: 0o644,
            uid: u32::MAX,
            gid: 70_000,
            mtime: Timestamp {
                seconds: -2,
                nanoseconds: 750_000_000
            },
            device: None,
            xattrs: vec![],
        })
    );
    assert_eq!(
        entry.content,
        [Extent::Input {
            offset: 1536,
            length: 3
        }]
    );
}

#[test]
fn a_size_beyond_the_header_stands_in_a_record() {
    let size: u64 = 0o1_0000_0000_0000;
    let text = size.to_string();
    for head in [
        Head::ustar(b'0', "a", 0),
        Head::gnu(b'0', "a", 0).binary(SIZE, size as i64),
    ] {
        let bytes = Archive::new()
            .pax(&[("size", text.as_bytes())])
            .head(head)
            .raw("abc")
            .bytes;
        let replay = read(&bytes);
        let fault = replay.ending.unwrap_err();
        assert_eq!(
            (fault.rule, fault.at.offset, fault.at.length),
            (Rule::TruncatedContent, 1536, 3)
        );
        assert_eq!(
            replay.entries[0].content,
            [Extent::Input {
                offset: 1536,
                length: size
            }]
        );
    }
}

#[test]
fn extended_attributes_are_raw_and_sorted() {
    let bytes = Archive::new()
        .pax(&[
            ("SCHILY.xattr.user.b", b"\0=\n\xff"),
            ("LIBARCHIVE.xattr.user.b", b"AD0K/w"),
            ("SCHILY.xattr.user.a", b""),
            ("LIBARCHIVE.xattr.security.c%25", b"Zm9v"),
        ])
        .file("a", "")
        .end();
    let pair = |name: &[u8], value: &[u8]| Xattr {
        name: name.to_vec(),
        value: value.to_vec(),
    };
    assert_eq!(
        entry(&bytes).posix.unwrap().xattrs,
        [
            pair(b"security.c%", b"foo"),
            pair(b"user.a", b""),
            pair(b"user.b", b"\0=\n\xff")
        ]
    );
}

#[test]
fn global_headers_that_change_nothing_are_passed() {
    let bytes = Archive::new()
        .global(&[("comment", b"0123456789abcdef")])
        .global(&[
            ("atime", b"1"),
            ("ctime", b"1"),
            ("uname", b"x"),
            ("gname", b"y"),
        ])
        .global(&[
            ("hdrcharset", b"ISO-IR 10646 2000 UTF-8"),
            ("VENDOR.x", b"y"),
        ])
        .global(&[("GNU.volume.label", b"backup")])
        .global(&[])
        .file("a", "b")
        .global(&[("comment", b"again")])
        .end();
    assert_eq!(entry(&bytes).path, b"a");
}

#[test]
fn a_volume_label_is_no_member() {
    let bytes = Archive::new()
        .head(Head::gnu(b'V', "backup", 0))
        .file("a", "")
        .end();
    assert_eq!(entry(&bytes).path, b"a");
}

#[test]
fn device_records_may_repeat_the_header() {
    let bytes = Archive::new()
        .pax(&[("SCHILY.devmajor", b"8"), ("SCHILY.devminor", b"1")])
        .head(Head::ustar(b'4', "sda1", 0).device(8, 1))
        .end();
    assert_eq!(entry(&bytes).posix.unwrap().device, Some((8, 1)));
    // On anything else they say nothing: bsdtar writes them for every file.
    let bytes = Archive::new()
        .pax(&[("SCHILY.devmajor", b"8")])
        .file("a", "")
        .end();
    assert_eq!(entry(&bytes).posix.unwrap().device, None);
}

#[test]
fn extension_data_up_to_the_limit_is_read() {
    // `1048576 SCHILY.xattr.user.x=…\n` fills the limit exactly.
    let overhead = "1048576 SCHILY.xattr.user.x=\n".len();
    let value = vec![b'v'; EXTENSION_DATA_MAX - overhead];
    let bytes = Archive::new()
        .pax(&[("SCHILY.xattr.user.x", &value)])
        .file("a", "")
        .end();
    assert_eq!(entry(&bytes).posix.unwrap().xattrs[0].value, value);
}

#[test]
fn outside_layers_a_name_is_a_name() {
    let bytes = Archive::new().file("a/.wh.b", "x").file(".wh.", "").end();
    let replay = read_as(&bytes, Names::Plain);
    assert!(replay.ending.is_ok());
    let paths: Vec<_> = replay
        .entries
        .iter()
        .map(|entry| (&entry.path[..], entry.kind))
        .collect();
    assert_eq!(
        paths,
        [
            (&b"a/.wh.b"[..], EntryKind::Regular),
            (b".wh.", EntryKind::Regular)
        ]
    );
}
