//! One input for each way in which scanners of checkpoints are known to be got past.

use lazaret_plugin_pytorch::Rule;

use super::{legacy, pickle, zip};

/// The bytes, and the rule that they break.
pub type Case = (Vec<u8>, Rule);

/// A sound archive with `from` replaced where it stands first, or last.
fn bent(from: &[u8], to: &[u8], is_last: bool) -> Vec<u8> {
    let mut file = sound();
    let mut places = file.windows(from.len());
    let place = if is_last {
        places.rposition(|window| window == from)
    } else {
        places.position(|window| window == from)
    };
    let place = place.expect("it is there");
    file.splice(place..place + from.len(), to.iter().copied());
    file
}

fn sound() -> Vec<u8> {
    zip(
        &pickle(""),
        &[("0", vec![7; 24]), ("1", vec![9; 16 * 1024])],
        false,
    )
}

/// A sound archive with these bytes at an offset from a signature.
fn patched(signature: &[u8], offset: usize, to: &[u8]) -> Vec<u8> {
    let mut file = sound();
    let place = file
        .windows(4)
        .position(|window| window == signature)
        .expect("it is there")
        + offset;
    file[place..place + to.len()].copy_from_slice(to);
    file
}

/// All of them.
#[must_use]
pub fn malformed() -> Vec<Case> {
    const LOCAL: &[u8] = b"PK\x03\x04";
    const CENTRAL: &[u8] = b"PK\x01\x02";
    const END: &[u8] = b"PK\x05\x06";
    let storages = [("0", vec![7; 24]), ("1", vec![9; 16 * 1024])];
    let whole = sound();
    let mut truncated = legacy(&pickle(""), &storages);
    truncated.truncate(truncated.len() - 1);
    vec![
        // Another format under the name.
        (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), Rule::SevenZip),
        (b"<html>".to_vec(), Rule::NotCheckpoint),
        // Bytes before and behind the archive, where readers look for it elsewhere.
        ([b"cos\nsystem\n.", &whole[..]].concat(), Rule::PrefixBytes),
        ([&whole[..], b"\0"].concat(), Rule::TrailingBytes),
        (
            [&whole[..whole.len() - 2], b"\x04\0evil"].concat(),
            Rule::ArchiveComment,
        ),
        // Flag bits: encrypted (zipfile gives up, torch does not), and unknown ones.
        (patched(CENTRAL, 8, &[1, 0]), Rule::Encrypted),
        (patched(CENTRAL, 8, &[2, 0]), Rule::FlagBits),
        (patched(LOCAL, 6, &[1, 0]), Rule::LocalFlags),
        // Directory against local headers.
        (patched(LOCAL, 30, b"b"), Rule::LocalName),
        (patched(LOCAL, 8, &[8, 0]), Rule::LocalMethod),
        (patched(CENTRAL, 10, &[8, 0]), Rule::Compressed),
        (patched(LOCAL, 14, &[9]), Rule::LocalChecksum),
        (patched(LOCAL, 18, &[9]), Rule::LocalSize),
        (patched(CENTRAL, 42, &[1]), Rule::PrefixBytes),
        (patched(END, 10, &[9]), Rule::MultiDisk),
        (patched(END, 8, &[9, 0, 9, 0]), Rule::DirectoryCount),
        // A bad checksum: zipfile refuses, torch loads.
        (
            bent(b"_rebuild_tensor_v2", b"_rebuild_tensor_v3", false),
            Rule::Checksum,
        ),
        // Members of one name, or of one name in another case.
        (
            bent(b"a/version", b"a/data.pkl", true),
            Rule::DirectoryPlace,
        ),
        (duplicate(), Rule::DuplicateMember),
        // Invalid bytes behind the payload.
        (
            b"\x80\x02cos\nsystem\n(Vid\ntR\xff".to_vec(),
            Rule::UnknownOpcode,
        ),
        (
            b"\x80\x02cos\nsystem\n(Vid\ntR".to_vec(),
            Rule::TruncatedPickle,
        ),
        (b"\x80\x06N.".to_vec(), Rule::Protocol),
        (b"\x80\x04\x95\x09\0\0\0\0\0\0\0N.".to_vec(), Rule::Frame),
        (b"\x80\x02h\x07.".to_vec(), Rule::MemoMissing),
        (b"\x80\x02R.".to_vec(), Rule::StackUnderflow),
        // A tensor outside its storage, and a storage that is not there.
        (
            zip(
                &pickle(""),
                &[("0", vec![7; 23]), ("1", vec![9; 16 * 1024])],
                false,
            ),
            Rule::StorageSize,
        ),
        (
            zip(&pickle(""), &[("0", vec![7; 24])], false),
            Rule::StorageMissing,
        ),
        (truncated, Rule::TruncatedStorage),
    ]
}

/// Two members called alike but for the case, which torch does not tell apart.
fn duplicate() -> Vec<u8> {
    let storages = [
        ("0", vec![7; 24]),
        ("1", vec![9; 16 * 1024]),
        ("X", vec![1; 8]),
        ("x", vec![2; 8]),
    ];
    zip(&pickle(""), &storages, false)
}
