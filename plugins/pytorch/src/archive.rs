//! Checkpoints in a zip archive: `<name>/data.pkl`, the storages beside it, and a few small members.

use crate::checkpoint::{Checkpoint, Format, assemble, group};
use crate::error::{Fault, Rule, Span};
use crate::input::{Input, Stream, Window};
use crate::limits::{INLINE_MAX, PICKLES_MAX, SMALL_MEMBER_MAX};
use crate::pickle::decode::Decoder;
use crate::pickle::finding::{Finding, Findings, Level};
use crate::pickle::heap::Value;
use crate::pickle::machine::Machine;
use crate::zip::{Archive, Member};

/// Members of a few bytes that torch's versions write.
const SMALL: [&str; 5] = [
    "version",
    "byteorder",
    ".format_version",
    ".storage_alignment",
    ".data/serialization_id",
];

/// Said of a member whose name says nothing.
const UNEXPECTED: &str = "member that no checkpoint needs";

pub(crate) fn read<I: Input>(input: &mut I, machine: &mut Machine) -> Result<Checkpoint, Fault> {
    let archive = Archive::read(input)?;
    let root = root(&archive)?;
    let path = |name: &str| format!("{root}/{name}");
    if let Some(script) = archive.find(&path("constants.pkl")) {
        return Err(archive.members()[script].span().breaks(Rule::TorchScript));
    }
    let pickle = archive
        .find(&path("data.pkl"))
        .ok_or_else(|| Span::new(archive.directory, 0).breaks(Rule::NoPickle))?;
    let pickle = archive.members()[pickle];
    let version = small(input, &archive, &path("version"))?;
    let is_big_endian = match small(input, &archive, &path("byteorder"))?.as_deref() {
        None => None,
        Some("little") => Some(false),
        Some("big") => Some(true),
        Some(_) => {
            let place = archive.find(&path("byteorder")).unwrap_or(0);
            return Err(archive.members()[place].span().breaks(Rule::ByteOrder));
        }
    };
    let value = walk(input, machine, &pickle)?;
    let used = resolve(machine, &archive, &root)?;
    look_around(input, machine, &archive, &root, &used)?;
    let (parts, metadata) = assemble(machine, value, Span::new(pickle.data, 0));
    let is_storage = |number: &usize| used.get(*number).copied().unwrap_or(false);
    let members = || archive.members().iter().enumerate();
    let extent = |member: &Member| (member.data, member.size);
    let storages = members()
        .filter(|(number, member)| is_storage(number) && member.size > 0)
        .map(|(_, member)| extent(member))
        .collect();
    let size = input.size();
    let mut others: Vec<(u64, u64)> = members()
        .filter(|(number, member)| !is_storage(number) && member.size > INLINE_MAX)
        .map(|(_, member)| extent(member))
        .collect();
    if size - archive.directory > INLINE_MAX {
        others.push((archive.directory, size - archive.directory));
    }
    Ok(Checkpoint {
        format: Format::Zip,
        version: version.map(|version| version.trim_end().to_owned()),
        is_big_endian,
        parts,
        metadata,
        findings: Findings::default(),
        storages,
        others,
        size,
    })
}

/// The directory around everything, which torch takes from the first entry.
fn root(archive: &Archive) -> Result<String, Fault> {
    let Some(first) = archive.first() else {
        return Err(Span::new(archive.directory, 0).breaks(Rule::NoPickle));
    };
    match archive.name(first).split_once('/') {
        Some((root, _)) => Ok(root.to_owned()),
        None => Err(first.span().breaks(Rule::NoRoot)),
    }
}

/// A member of a few bytes, as text.
fn small<I: Input>(input: &mut I, archive: &Archive, name: &str) -> Result<Option<String>, Fault> {
    let Some(number) = archive.find(name) else {
        return Ok(None);
    };
    let member = archive.members()[number];
    if member.size > SMALL_MEMBER_MAX {
        return Ok(Some(String::new()));
    }
    let length = usize::try_from(member.size).unwrap_or(0);
    let bytes = Window::new(input).at(member.data, length, 64)[..].to_vec();
    if crc32fast::hash(&bytes) != member.checksum {
        return Err(member.span().breaks(Rule::Checksum));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The pickle, and what follows it in its member.
fn walk<I: Input>(input: &mut I, machine: &mut Machine, member: &Member) -> Result<Value, Fault> {
    let end = member.data + member.size;
    let stream = Stream::with_checksum(input, member.data, end);
    let mut decoder = Decoder::new(stream);
    let value = machine.walk(&mut decoder)?;
    walk_rest(machine, &mut decoder);
    let checksum = decoder.into_stream().finish();
    if checksum == Ok(member.checksum) {
        Ok(value)
    } else {
        Err(member.span().breaks(Rule::Checksum))
    }
}

/// What stands behind a STOP: nothing, in a sound stream. Other pickles are walked, too.
pub(crate) fn walk_rest<I: Input>(machine: &mut Machine, decoder: &mut Decoder<'_, I>) {
    for _ in 0..PICKLES_MAX {
        if decoder.is_at_end() {
            return;
        }
        let mut say = |reason| {
            machine.findings.push(Finding {
                level: Level::Suspicious,
                offset: decoder.offset(),
                opcode: "STOP",
                module: String::new(),
                name: String::new(),
                reason,
            });
        };
        say("followed by more");
        if machine.walk(decoder).is_err() {
            return;
        }
    }
    if !decoder.is_at_end() {
        machine.findings.push(Finding {
            level: Level::Dangerous,
            offset: decoder.offset(),
            opcode: "STOP",
            module: String::new(),
            name: String::new(),
            reason: "followed by more pickles than are walked",
        });
    }
}

/// Finds the storages' members, and says which members are storages.
fn resolve(machine: &mut Machine, archive: &Archive, root: &str) -> Result<Vec<bool>, Fault> {
    let mut used = vec![false; archive.members().len()];
    for (first, numbers) in group(machine)? {
        let storage = *machine
            .heap
            .storages
            .get(first as usize)
            .expect("a number of one there is");
        let key = machine.heap.text(storage.key);
        let number = archive
            .find(&format!("{root}/data/{key}"))
            .ok_or_else(|| storage.at.breaks(Rule::StorageMissing))?;
        let member = archive.members()[number];
        let is_packed = storage.dtype.is_some_and(|dtype| dtype.is_packed());
        if member.size != storage.bytes() && !(is_packed && member.size == storage.elements) {
            return Err(storage.at.breaks(Rule::StorageSize));
        }
        used[number] = true;
        for number in numbers {
            if let Some(storage) = machine.heap.storages.get_mut(number as usize) {
                storage.data = member.data;
            }
        }
    }
    Ok(used)
}

/// Members that a checkpoint does not have; pickles among them are walked, whatever their names.
fn look_around<I: Input>(
    input: &mut I,
    machine: &mut Machine,
    archive: &Archive,
    root: &str,
    used: &[bool],
) -> Result<(), Fault> {
    for (member, is_used) in archive.members().iter().zip(used) {
        let name = archive.name(member);
        let inner = name
            .strip_prefix(root)
            .and_then(|name| name.strip_prefix('/'));
        let reason = match inner {
            _ if *is_used => continue,
            Some("data.pkl") => continue,
            Some(inner) if SMALL.contains(&inner) && member.size <= SMALL_MEMBER_MAX => continue,
            _ if name.ends_with('/') && member.size == 0 => continue,
            Some(inner) if inner.starts_with("data/") => "storage that no tensor refers to",
            _ => UNEXPECTED,
        };
        machine.findings.push(Finding {
            level: Level::Suspicious,
            offset: member.header,
            opcode: "MEMBER",
            module: String::new(),
            name: name.to_owned(),
            reason,
        });
        let end = member.data + member.size;
        let mut decoder = Decoder::new(Stream::new(input, member.data, end));
        match machine.walk(&mut decoder) {
            Ok(_) => walk_rest(machine, &mut decoder),
            // What it was up to is found; of text and code nothing is.
            Err(fault) if fault.rule == Rule::PickleTooLarge => return Err(fault),
            Err(_) => {}
        }
    }
    Ok(())
}
