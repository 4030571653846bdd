//! Entries of the directory, local headers, and what they say about each other.

use lazaret_plugin_pytorch::Rule;

use super::{Case, check};
use crate::pickle::*;
use crate::zip::*;

fn sound() -> Zip {
    checkpoint(Pickle::state(&[("a", SMALL)]), &[("0", vec![7; 24])])
}

/// The storage bent; the fault covers its entry.
fn entry(what: &'static str, rule: Rule, change: impl FnOnce(&mut Member)) -> Case {
    let mut zip = sound();
    change(&mut zip.members[3]);
    let built = zip.build();
    let (from, to) = (built.entries[3], built.entries[4]);
    (what, built.bytes, rule, from, to - from)
}

/// The storage bent; the fault covers its local header.
fn header(what: &'static str, rule: Rule, change: impl FnOnce(&mut Member)) -> Case {
    let mut zip = sound();
    change(&mut zip.members[3]);
    let built = zip.build();
    let (from, to) = (built.headers[3], built.data[3]);
    (what, built.bytes, rule, from, to - from)
}

/// The storage bent; the fault covers what is behind its data.
fn behind(what: &'static str, rule: Rule, change: impl FnOnce(&mut Member)) -> Case {
    let mut zip = sound();
    change(&mut zip.members[3]);
    let built = zip.build();
    let (from, to) = (built.data[3] + 24, built.headers[4]);
    (what, built.bytes, rule, from, to - from)
}

/// A member more; the fault covers it all.
fn member(what: &'static str, rule: Rule, added: Member) -> Case {
    let mut zip = sound();
    let size = added.data.len();
    zip.members.push(added);
    let built = zip.build();
    let from = built.headers[6];
    (what, built.bytes, rule, from, built.data[6] + size - from)
}

pub fn cases() -> Vec<Case> {
    let mut cases = entries();
    cases.extend(headers());
    cases.extend(contents());
    cases
}

fn entries() -> Vec<Case> {
    let built = sound().build();
    let patch = |at: usize, bytes: &[u8]| {
        let mut file = built.bytes.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let last = built.entries[5];
    let until = built.end - 76;
    let count = |number: u8| {
        let mut file = built.bytes.clone();
        let record = built.end - 76;
        for at in [record + 24, record + 32, built.end + 8, built.end + 10] {
            file[at] = number;
        }
        file
    };
    let unicode = [b"\x75\x70\x09\0\x01".as_slice(), &[0; 4], b"evil"].concat();
    let many = {
        let members = (0..130_u32).map(|number| {
            let name = format!("a/{number}{}", "x".repeat(65_000));
            Member::plain(&name, "")
        });
        Zip::new(members.collect()).build()
    };
    let overflow = 8 * 1024 * 1024 / 65_003;
    vec![
        (
            "length of a name",
            patch(last + 28, &[0xff, 0xff]),
            Rule::DirectoryLength,
            last,
            until - last,
        ),
        (
            "count too low",
            count(5),
            Rule::DirectoryCount,
            last,
            until - last,
        ),
        ("count too high", count(7), Rule::DirectoryCount, until, 0),
        (
            "signature",
            patch(built.entries[2], b"PK\x03\x04"),
            Rule::DirectorySignature,
            built.entries[2],
            4,
        ),
        entry("half an extra field", Rule::ExtraField, |member| {
            member.central_extra = b"FB\x05\0abc".to_vec();
        }),
        entry(
            "long sizes that nobody asked for",
            Rule::Zip64Field,
            |member| {
                member.central_extra = b"\x01\0\x08\0\x18\0\0\0\0\0\0\0".to_vec();
            },
        ),
        entry("long sizes that are missing", Rule::Zip64Field, |member| {
            member.stated[1] = u32::MAX;
        }),
        entry("second name", Rule::UnicodePath, |member| {
            member.central_extra = unicode.clone()
        }),
        entry("comment", Rule::MemberComment, |member| {
            member.comment = b"x".to_vec()
        }),
        // Python's zipfile refuses to read it, torch does not look: scanners have been passed so.
        entry("flag: encrypted", Rule::Encrypted, |member| {
            member.flags |= 1
        }),
        entry("flag: masked", Rule::Encrypted, |member| {
            member.flags |= 1 << 13
        }),
        entry("AES", Rule::Encrypted, |member| {
            member.central_extra = b"\x01\x99\x07\0\x02\0AE\x03\0\0".to_vec();
        }),
        entry("flag: patched data", Rule::FlagBits, |member| {
            member.flags |= 1 << 5
        }),
        entry("deflated", Rule::Compressed, |member| member.method = 8),
        entry("two sizes", Rule::StoredSizes, |member| {
            member.stated[1] = 23
        }),
        entry("name not marked as UTF-8", Rule::NameEncoding, |member| {
            member.flags = 8;
            member.name = "archive/é".as_bytes().to_vec();
        }),
        entry("name not UTF-8", Rule::NameEncoding, |member| {
            member.name = b"archive/\xff".to_vec();
        }),
        entry("no name", Rule::NameSyntax, |member| {
            member.name = Vec::new()
        }),
        entry("NUL", Rule::NameSyntax, |member| {
            member.name = b"archive/data.pkl\0x".to_vec()
        }),
        entry("backslash", Rule::NameSyntax, |member| {
            member.name = b"archive\\data.pkl".to_vec();
        }),
        entry("absolute", Rule::NameSyntax, |member| {
            member.name = b"/archive/a".to_vec()
        }),
        entry("upwards", Rule::NameSyntax, |member| {
            member.name = b"archive/../../etc/x".to_vec();
        }),
        entry("beyond the directory", Rule::MemberBeyond, |member| {
            member.offset = Some(1 << 30)
        }),
        entry("on another disk", Rule::MultiDisk, |_| {}).patched(34, 1),
        (
            "names of 8 MB",
            many.bytes.clone(),
            Rule::NamesTooLarge,
            many.entries[overflow],
            many.entries[1] - many.entries[0] + 2,
        ),
    ]
}

trait Patched {
    fn patched(self, at: usize, byte: u8) -> Self;
}

impl Patched for Case {
    fn patched(mut self, at: usize, byte: u8) -> Self {
        self.1[self.3 + at] = byte;
        self
    }
}

fn headers() -> Vec<Case> {
    let mut nowhere = header("directory points into data", Rule::LocalSignature, |_| {});
    let at = nowhere.3;
    nowhere.1[at] = b'Q';
    nowhere.4 = 30;
    let mut beyond = sound();
    beyond.members[5].stated = [beyond.members[5].stated[0], 4000, 4000];
    let beyond = beyond.build();
    vec![
        nowhere,
        header("another name", Rule::LocalName, |member| {
            member.local_name = Some(b"archive/data/1".to_vec());
        }),
        header("a longer name", Rule::LocalName, |member| {
            member.local_name = Some(b"archive/data/0.py".to_vec());
        }),
        header("another flag", Rule::LocalFlags, |member| {
            member.local_flags = Some(0x0809)
        }),
        header("another method", Rule::LocalMethod, |member| {
            member.local_method = Some(8)
        }),
        header("another checksum", Rule::LocalChecksum, |member| {
            member.local_stated = Some([1, 0, 0]);
        }),
        header("another size", Rule::LocalSize, |member| {
            member.local_stated = Some([0, 23, 23])
        }),
        header("another unpacked size", Rule::LocalSize, |member| {
            member.local_stated = Some([0, 24, 23]);
        }),
        header("zero without a descriptor", Rule::LocalSize, |member| {
            member.flags = 0x0800;
            member.local_stated = Some([member.stated[0], 0, 0]);
        }),
        header("long sizes of another member", Rule::Zip64Field, |member| {
            member.local_extra = Some(b"\x01\0\x08\0\x17\0\0\0\0\0\0\0".to_vec());
        }),
        header("half an extra field, locally", Rule::ExtraField, |member| {
            member.local_extra = Some(b"FBx".to_vec());
        }),
        (
            "longer than the file",
            beyond.bytes.clone(),
            Rule::MemberBeyond,
            beyond.headers[5],
            beyond.data[5] - beyond.headers[5],
        ),
        behind("descriptor without signature", Rule::Descriptor, |member| {
            member.behind = Some(vec![0; 12]);
        }),
        behind("descriptor of other sizes", Rule::Descriptor, |member| {
            let mut bytes = b"PK\x07\x08".to_vec();
            bytes.extend(member.stated[0].to_le_bytes());
            bytes.extend([23, 0, 0, 0, 23, 0, 0, 0]);
            member.behind = Some(bytes);
        }),
        behind("no descriptor", Rule::Descriptor, |member| {
            member.behind = Some(Vec::new())
        }),
    ]
}

fn contents() -> Vec<Case> {
    let wrong = |place: usize, what| {
        let mut zip = sound();
        zip.members[place].stated[0] ^= 1;
        let built = zip.build();
        let from = built.headers[place];
        let to = built.data[place] + zip.members[place].data.len();
        (what, built.bytes, Rule::Checksum, from, to - from)
    };
    let mut flat = sound();
    flat.members.insert(0, Member::new("data.pkl", "\u{80}"));
    let flat = flat.build();
    let mut none = sound();
    none.members[0] = Member::new("archive/DATA.PKL", none.members[0].data.clone());
    let none = none.build();
    let mut order = sound();
    order.members[2] = Member::new("archive/byteorder", "middle");
    let order = order.build();
    vec![
        wrong(0, "checksum of the pickle"),
        wrong(2, "checksum of the byte order"),
        wrong(4, "checksum of the version"),
        member(
            "a name twice",
            Rule::DuplicateMember,
            Member::new("archive/data.pkl", "x"),
        ),
        member(
            "a name in another case",
            Rule::DuplicateMember,
            Member::new("archive/Data.PKL", "x"),
        ),
        (
            "no directory around it",
            flat.bytes.clone(),
            Rule::NoRoot,
            0,
            flat.data[0] + 2,
        ),
        (
            "no pickle",
            none.bytes.clone(),
            Rule::NoPickle,
            none.directory,
            0,
        ),
        (
            "byte order",
            order.bytes.clone(),
            Rule::ByteOrder,
            order.headers[2],
            order.data[2] + 6 - order.headers[2],
        ),
    ]
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    check(&cases());
}
