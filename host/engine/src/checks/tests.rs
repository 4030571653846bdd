//! Entries and facts, each with the fault it gets.

use super::*;

fn budget() -> Budget {
    Budget {
        entries: 40,
        facts: 3,
        extents: 4,
        ..Budget::default()
    }
}

fn checks(policy: Policy) -> Checks {
    let mut checks = Checks::new(&budget(), policy, vec!["tar".to_owned(), "a.b".to_owned()]);
    checks.add_derived(10).unwrap();
    checks
        .entry(named(wit::EntryKind::Regular, "old/file"))
        .unwrap();
    checks
        .entry(named(wit::EntryKind::Directory, "old/dir"))
        .unwrap();
    checks
        .entry(linked(wit::EntryKind::Symlink, "old/link", "/etc"))
        .unwrap();
    checks
        .entry(named(wit::EntryKind::Whiteout, "old/gone"))
        .unwrap();
    checks
}

fn named(kind: wit::EntryKind, path: &str) -> wit::Entry {
    wit::Entry {
        path: path.as_bytes().to_vec(),
        kind,
        content: Vec::new(),
        target: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    }
}

fn linked(kind: wit::EntryKind, path: &str, target: &str) -> wit::Entry {
    wit::Entry {
        target: Some(target.as_bytes().to_vec()),
        ..named(kind, path)
    }
}

fn file(content: Vec<wit::Extent>) -> wit::Entry {
    wit::Entry {
        content,
        ..named(wit::EntryKind::Regular, "f")
    }
}

fn input(offset: u64, length: u64) -> wit::Extent {
    wit::Extent::Input(wit::ByteRange { offset, length })
}

fn derived(id: u32, offset: u64, length: u64) -> wit::Extent {
    wit::Extent::Derived(wit::DerivedSlice {
        id,
        range: wit::ByteRange { offset, length },
    })
}

const fn hole(length: u64) -> wit::Extent {
    wit::Extent::Hole(length)
}

fn literal(length: usize) -> wit::Extent {
    wit::Extent::Literal(vec![0; length])
}

const fn yes() -> wit::Value {
    wit::Value::Boolean(true)
}

fn posix() -> wit::Posix {
    wit::Posix {
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: wit::Timestamp {
            seconds: -1,
            nanoseconds: 999_999_999,
        },
        device: None,
        xattrs: Vec::new(),
    }
}

fn owned(kind: wit::EntryKind, change: impl FnOnce(&mut wit::Posix)) -> wit::Entry {
    let mut posix = posix();
    change(&mut posix);
    wit::Entry {
        posix: Some(posix),
        ..named(kind, "f")
    }
}

fn xattr(name: &[u8], value: usize) -> wit::Xattr {
    wit::Xattr {
        name: name.to_vec(),
        value: vec![0; value],
    }
}

fn xattrs(xattrs: Vec<wit::Xattr>) -> wit::Entry {
    owned(wit::EntryKind::Regular, |posix| posix.xattrs = xattrs)
}

fn attributes(attributes: Vec<(&str, wit::Value)>) -> wit::Entry {
    wit::Entry {
        attributes: attributes
            .into_iter()
            .map(|(key, value)| wit::Attribute {
                key: key.to_owned(),
                value,
            })
            .collect(),
        ..named(wit::EntryKind::Part, "f")
    }
}

fn typed(media_type: &str) -> wit::Entry {
    wit::Entry {
        media_type: Some(media_type.to_owned()),
        ..named(wit::EntryKind::Part, "f")
    }
}

fn kind_of<T>(result: Result<T, Fault>) -> Option<FaultKind> {
    result.err().map(|fault| fault.kind)
}

#[test]
fn entries_pass_or_get_their_fault() {
    use FaultKind::{Argument, Extent, Link, Output, Path, Policy as Refused};
    use wit::EntryKind as K;
    // What the strict policy and the one for layers make of it.
    #[rustfmt::skip]
    let cases: Vec<(&str, wit::Entry, Option<FaultKind>, Option<FaultKind>)> = vec![
        // Paths.
        ("plain", named(K::Regular, "new"), None, None),
        ("absolute", named(K::Regular, "/new"), None, None),
        ("control characters", named(K::Regular, "\x1b[2J"), None, None),
        ("empty", named(K::Regular, ""), Some(Path), Some(Path)),
        ("upwards", named(K::Regular, "a/../b"), Some(Path), Some(Path)),
        ("NUL", named(K::Regular, "a\0b"), Some(Path), Some(Path)),
        ("long component", named(K::Regular, &"x".repeat(256)), Some(Path), Some(Path)),
        ("root", named(K::Directory, "/"), None, None),
        ("emptied root", named(K::OpaqueDirectory, "."), None, None),
        ("root as a file", named(K::Regular, "./"), Some(Path), Some(Path)),
        ("root as a part", named(K::Part, "."), Some(Path), Some(Path)),
        ("root hidden", named(K::Whiteout, "."), Some(Path), Some(Path)),
        ("again", named(K::Regular, "old/file"), Some(Path), None),
        ("again, as a directory", named(K::Directory, "old/file"), Some(Path), None),
        ("directory named at last", named(K::Directory, "old"), None, None),
        ("directory as a file", named(K::Regular, "old"), Some(Path), Some(Path)),
        ("directory emptied", named(K::OpaqueDirectory, "old/dir"), None, None),
        ("file emptied", named(K::OpaqueDirectory, "old/file"), Some(Path), Some(Path)),
        ("link emptied", named(K::OpaqueDirectory, "old/link"), Some(Path), Some(Path)),
        ("below a file", named(K::Regular, "old/file/x"), Some(Path), Some(Path)),
        ("through a link", named(K::Regular, "old/link/passwd"), Some(Path), Some(Path)),
        ("hidden below a link", named(K::Whiteout, "old/link/x"), Some(Path), Some(Path)),
        ("part of a file's name", named(K::Part, "old/file"), None, None),
        // Links.
        ("hard link", linked(K::Hardlink, "l", "./old//file"), None, None),
        ("hard link to a symlink", linked(K::Hardlink, "l", "old/link"), None, None),
        ("hard link to nothing", linked(K::Hardlink, "l", "x"), Some(Link), Some(Link)),
        ("hard link to itself", linked(K::Hardlink, "l", "l"), Some(Link), Some(Link)),
        ("hard link out", linked(K::Hardlink, "l", "../old/file"), Some(Link), Some(Link)),
        ("hard link to a directory", linked(K::Hardlink, "l", "old"), Some(Link), Some(Link)),
        ("hard link to the root", linked(K::Hardlink, "l", "/"), Some(Link), Some(Link)),
        ("hard link to a whiteout", linked(K::Hardlink, "l", "old/gone"), Some(Link), Some(Link)),
        ("hard link without target", named(K::Hardlink, "l"), Some(Link), Some(Link)),
        ("symlink", linked(K::Symlink, "l", "../../../etc/shadow"), None, None),
        ("symlink to nothing", linked(K::Symlink, "l", ""), Some(Link), Some(Link)),
        ("symlink with NUL", linked(K::Symlink, "l", "a\0b"), Some(Link), Some(Link)),
        ("long symlink", linked(K::Symlink, "l", &"x".repeat(4096)), Some(Link), Some(Link)),
        ("symlink without target", named(K::Symlink, "l"), Some(Link), Some(Link)),
        ("file with a target", linked(K::Regular, "l", "old/file"), Some(Link), Some(Link)),
        // Content.
        ("input", file(vec![input(5, 10)]), None, None),
        ("all there could be", file(vec![input(0, i64::MAX as u64)]), None, None),
        ("overflow", file(vec![input(u64::MAX, 1)]), Some(Extent), Some(Extent)),
        ("larger than a file", file(vec![hole(1 << 63)]), Some(Extent), Some(Extent)),
        ("larger in sum", file(vec![hole(u64::MAX / 2); 2]), Some(Extent), Some(Extent)),
        ("too many extents", file(vec![input(0, 1); 5]), Some(Output), Some(Output)),
        ("derived", file(vec![derived(0, 3, 7)]), None, None),
        ("beyond derived", file(vec![derived(0, 3, 8)]), Some(Extent), Some(Extent)),
        ("far beyond derived", file(vec![derived(0, u64::MAX, 1)]), Some(Extent), Some(Extent)),
        ("not derived", file(vec![derived(1, 0, 1)]), Some(Extent), Some(Extent)),
        ("literal", file(vec![literal(MAX_LITERAL)]), None, None),
        ("literals", file(vec![literal(MAX_LITERAL / 2 + 1); 2]), Some(Extent), Some(Extent)),
        ("directory with content", wit::Entry { kind: K::Directory, ..file(vec![hole(1)]) },
            Some(Extent), Some(Extent)),
        // Metadata.
        ("mode", owned(K::Regular, |p| p.mode = 0o1777), None, None),
        ("type in mode", owned(K::Regular, |p| p.mode = 0o100_644), Some(Argument), Some(Argument)),
        ("set-uid", owned(K::Regular, |p| p.mode = 0o4755), Some(Refused), None),
        ("set-gid", owned(K::Fifo, |p| p.mode = 0o2755), Some(Refused), None),
        ("set-gid directory", owned(K::Directory, |p| p.mode = 0o2755), None, None),
        ("nanoseconds", owned(K::Regular, |p| p.mtime.nanoseconds = 1_000_000_000),
            Some(Argument), Some(Argument)),
        ("device", owned(K::BlockDevice, |p| p.device = Some(wit::Device { major: 8, minor: 0 })),
            Some(Refused), None),
        ("unnumbered device", owned(K::CharacterDevice, |_| ()), Some(Refused), Some(Argument)),
        ("device without metadata", named(K::BlockDevice, "d"), Some(Refused), Some(Argument)),
        ("xattr", xattrs(vec![xattr(b"user.x", 1), xattr(b"user.\xff", 0)]), None, None),
        ("nameless xattr", xattrs(vec![xattr(b"", 1)]), Some(Argument), Some(Argument)),
        ("xattr with NUL", xattrs(vec![xattr(b"user.\0", 1)]), Some(Argument), Some(Argument)),
        ("long xattr name", xattrs(vec![xattr(&[b'x'; 256], 1)]), Some(Argument), Some(Argument)),
        ("xattr twice", xattrs(vec![xattr(b"user.x", 1); 2]), Some(Argument), Some(Argument)),
        ("capability", xattrs(vec![xattr(b"security.capability", 20)]), Some(Refused), None),
        ("trusted", xattrs(vec![xattr(b"trusted.overlay.opaque", 1)]), Some(Refused), None),
        ("large xattr", xattrs(vec![xattr(b"user.x", MAX_XATTR_BYTES)]), Some(Output), Some(Output)),
        ("many xattrs", xattrs((0..=MAX_XATTRS).map(|n| xattr(n.to_string().as_bytes(), 0)).collect()),
            Some(Output), Some(Output)),
        // The rest.
        ("media type", typed("application/json"), None, None),
        ("no media type", typed("application/json\n"), Some(Argument), Some(Argument)),
        ("key", attributes(vec![("tensor.dtype", wit::Value::Text("\x1b".to_owned()))]), None, None),
        ("no key", attributes(vec![("", yes())]), Some(Argument), Some(Argument)),
        ("key with a space", attributes(vec![("a b", yes())]), Some(Argument), Some(Argument)),
        ("long key", attributes(vec![(&"x".repeat(MAX_KEY_LENGTH + 1), yes())]),
            Some(Argument), Some(Argument)),
        ("many attributes", attributes(vec![("x", yes()); MAX_ATTRIBUTES + 1]),
            Some(Output), Some(Output)),
        ("long value", attributes(vec![("x", wit::Value::Bytes(vec![0; MAX_VALUE_LENGTH + 1]))]),
            Some(Output), Some(Output)),
    ];
    for (what, entry, strict, layer) in cases {
        for (policy, expected) in [(Policy::STRICT, strict), (Policy::LAYER, layer)] {
            let mut checks = checks(policy);
            let before = checks.entries;
            let result = checks.entry(entry.clone());
            let passed = result.is_ok();
            assert_eq!(kind_of(result), expected, "{what}, {policy:?}");
            assert_eq!(checks.entries, before + u64::from(passed), "{what}");
        }
    }
}

#[test]
fn an_entry_comes_out_clean() {
    let mut checks = checks(Policy::LAYER);
    let entry = checks
        .entry(wit::Entry {
            content: vec![
                input(1, 2),
                wit::Extent::Hole(0),
                input(u64::MAX - 5, 0),
                wit::Extent::Literal(vec![7]),
            ],
            ..xattrs(vec![xattr(b"user.b", 0), xattr(b"user.a", 0)])
        })
        .unwrap();
    assert_eq!(
        entry.content,
        [
            Extent::Input {
                offset: 1,
                length: 2
            },
            Extent::Literal(vec![7])
        ]
    );
    let names: Vec<_> = entry
        .posix
        .unwrap()
        .xattrs
        .into_iter()
        .map(|x| x.name)
        .collect();
    assert_eq!(names, [b"user.a", b"user.b"]);

    let link = checks
        .entry(linked(wit::EntryKind::Hardlink, "l", "./old//file"))
        .unwrap();
    assert_eq!(link.link.unwrap().as_bytes(), b"old/file");

    // Numbers on what is no device are dropped.
    let numbered = |posix: &mut wit::Posix| posix.device = Some(wit::Device { major: 1, minor: 2 });
    let entry = checks
        .entry(wit::Entry {
            path: b"g".to_vec(),
            ..owned(wit::EntryKind::Regular, numbered)
        })
        .unwrap();
    assert_eq!(entry.posix.unwrap().device, None);
}

#[test]
fn extents_are_held_against_the_size_the_input_had() {
    for (extents, size, expected) in [
        (vec![], 0, None),
        (vec![input(0, 10)], 10, None),
        (vec![input(3, 8)], 10, Some(FaultKind::Extent)),
        // Even one without bytes names a place.
        (vec![input(11, 0)], 10, Some(FaultKind::Extent)),
        (vec![wit::Extent::Hole(1 << 40)], 10, None),
    ] {
        let mut checks = checks(Policy::STRICT);
        checks.entry(file(extents.clone())).unwrap();
        assert_eq!(kind_of(checks.finish(size)), expected, "{extents:?}");
    }
}

#[test]
fn entries_and_implied_directories_are_counted_together() {
    let mut checks = checks(Policy::STRICT);
    // Four entries and `old` are there already.
    for number in 0..35 {
        checks
            .entry(named(wit::EntryKind::Part, &number.to_string()))
            .unwrap();
    }
    assert_eq!(
        kind_of(checks.entry(named(wit::EntryKind::Part, "one more"))),
        Some(FaultKind::Output)
    );
    let mut checks = self::checks(Policy::STRICT);
    assert_eq!(
        kind_of(checks.entry(named(wit::EntryKind::Regular, &"d/".repeat(36)))),
        Some(FaultKind::Output)
    );
}

#[test]
fn facts_pass_or_get_their_fault() {
    use FaultKind::{Argument, Namespace, Output};
    let digest = |algorithm: &str, length| {
        wit::Value::Digest(wit::Digest {
            algorithm: algorithm.to_owned(),
            value: vec![0; length],
        })
    };
    for (subject, key, value, expected) in [
        (None, "tar.x", yes(), None),
        (Some(3), "tar.x", yes(), None),
        (None, "tar", yes(), None),
        (None, "a.b.c.d", yes(), None),
        (Some(4), "tar.x", yes(), Some(Argument)),
        (Some(u32::MAX), "tar.x", yes(), Some(Argument)),
        (None, "a.bc", yes(), Some(Namespace)),
        (None, "a", yes(), Some(Namespace)),
        (None, "tarx", yes(), Some(Namespace)),
        (None, "scan.tar", yes(), Some(Namespace)),
        (None, "", yes(), Some(Argument)),
        (None, "tar.\x1b", yes(), Some(Argument)),
        (
            None,
            "tar.x",
            wit::Value::Text("x".repeat(MAX_VALUE_LENGTH)),
            None,
        ),
        (
            None,
            "tar.x",
            wit::Value::Text("x".repeat(MAX_VALUE_LENGTH + 1)),
            Some(Output),
        ),
        (None, "tar.x", digest("sha256", 32), None),
        (None, "tar.x", digest("sha512", 64), None),
        (None, "tar.x", digest("sha256", 31), Some(Argument)),
        (None, "tar.x", digest("md5", 16), Some(Argument)),
    ] {
        let mut checks = checks(Policy::STRICT);
        let fact = wit::Fact {
            subject,
            key: key.to_owned(),
            value,
        };
        assert_eq!(kind_of(checks.fact(fact)), expected, "{key}");
    }
    let mut checks = checks(Policy::STRICT);
    let fact = || wit::Fact {
        subject: None,
        key: "tar.x".to_owned(),
        value: yes(),
    };
    for _ in 0..3 {
        checks.fact(fact()).unwrap();
    }
    assert_eq!(kind_of(checks.fact(fact())), Some(Output));
}

#[test]
fn without_a_grant_there_are_no_facts() {
    let mut checks = Checks::new(&budget(), Policy::LAYER, Vec::new());
    let fact = wit::Fact {
        subject: None,
        key: "x".to_owned(),
        value: yes(),
    };
    assert_eq!(kind_of(checks.fact(fact)), Some(FaultKind::Namespace));
}
