//! What is found in files that load: payloads, and the ways they have been hidden.

use lazaret_plugin_pytorch::{Checkpoint, Level, replay};

use crate::pickle::*;
use crate::sound::read;
use crate::zip::*;

/// Findings as they are stated, with offsets from the pickle's first byte.
fn found(pickle: &[u8]) -> Vec<String> {
    let built = checkpoint(pickle, &[]).build();
    let start = built.data[0] as u64;
    texts(&read(&built.bytes), start)
}

fn texts(checkpoint: &Checkpoint, start: u64) -> Vec<String> {
    let findings = checkpoint.findings.kept().iter();
    findings
        .map(|finding| {
            let mut finding = finding.clone();
            finding.offset = finding.offset.wrapping_sub(start);
            finding.to_string()
        })
        .collect()
}

const OS: &str = "dangerous, module that can run code or reach out";

#[test]
fn payloads_are_found_however_they_are_named() {
    for (what, body, expected) in [
        ("plain", &b"cos\nsystem\nU\x02id\x85R"[..], format!("2 GLOBAL os system: {OS}")),
        ("INST", b"(S'id'\nios\nsystem\n", format!("9 INST os system: {OS}")),
        ("OBJ", b"(cos\nsystem\nU\x02ido", format!("3 GLOBAL os system: {OS}")),
        ("NEWOBJ", b"csubprocess\nPopen\n)\x81",
            format!("2 GLOBAL subprocess Popen: {OS}")),
        ("NEWOBJ_EX", b"csubprocess\nPopen\n)}\x92",
            format!("2 GLOBAL subprocess Popen: {OS}")),
        ("STACK_GLOBAL", b"\x8c\x02os\x8c\x06system\x93", format!("14 STACK_GLOBAL os system: {OS}")),
        ("STACK_GLOBAL of the memo", b"\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93",
            format!("21 STACK_GLOBAL os system: {OS}")),
        ("STACK_GLOBAL of a far slot", b"\x8c\x02osr\xff\xff\0\0\x8c\x06systemp7\n00j\xff\xff\0\0g7\n\x93",
            format!("32 STACK_GLOBAL os system: {OS}")),
        ("STACK_GLOBAL of old strings", b"U\x02osT\x06\0\0\0system\x93",
            format!("17 STACK_GLOBAL os system: {OS}")),
        ("STACK_GLOBAL of escapes", b"V\\u006f\\u0073\nS'sys\\x74em'\n\x93",
            format!("29 STACK_GLOBAL os system: {OS}")),
        ("slot used twice", b"\x8c\x04jsonq\x01\x8c\x02osq\x0100h\x01\x8c\x06system\x93",
            format!("28 STACK_GLOBAL os system: {OS}")),
        ("Python 2", b"c__builtin__\neval\n",
            "2 GLOBAL __builtin__ eval: dangerous, built-in function that can run code".to_owned()),
        ("through another module", b"\x8c\x0ctorch._utils\x8c\x09os.system\x93",
            "27 STACK_GLOBAL torch._utils os.system: dangerous, name of a function that runs code"
                .to_owned()),
        ("torch's own", b"ctorch.storage\n_load_from_bytes\n",
            "2 GLOBAL torch.storage _load_from_bytes: dangerous, function that can run code or reach \
             out".to_owned()),
        ("look-alike", "c\u{43e}s\nsystem\n".as_bytes(),
            "2 GLOBAL \\u{43e}s system: dangerous, not a name Python code would have".to_owned()),
        ("unknown class", b"cmodels.yolo\nModel\n)R",
            "2 GLOBAL models.yolo Model: suspicious, not on the list of what a checkpoint needs"
                .to_owned()),
    ] {
        let mut pickle = Pickle(vec![0x80, 4]).raw(body);
        pickle = pickle.raw(b"0N");
        let found = found(&pickle.stop());
        assert!(found.contains(&expected), "{what}: {found:?}");
    }
}

#[test]
fn calls_and_states_that_cannot_be_resolved_are_found() {
    let cannot = "dangerous, calls what cannot be resolved";
    for (what, body, expected) in [
        (
            "computed module",
            &b"ccollections\nCounter\n)R\x8c\x06system\x93"[..],
            "33 STACK_GLOBAL - -: dangerous, module or name cannot be resolved".to_owned(),
        ),
        (
            "bytes as a module",
            b"C\x02osC\x06system\x93",
            "14 STACK_GLOBAL - -: dangerous, module or name cannot be resolved".to_owned(),
        ),
        (
            "registry",
            b"\x82\x01)R",
            "2 EXT1 - -: dangerous, name of a registry that is not in the file".to_owned(),
        ),
        (
            "registry of four bytes",
            b"\x84\x01\0\0\0",
            "2 EXT4 - -: dangerous, name of a registry that is not in the file".to_owned(),
        ),
        (
            "call of a result",
            b"ctorch\nSize\n)R)R",
            format!("17 REDUCE - -: {cannot}"),
        ),
        (
            "call of a text",
            b"U\x02os)R",
            format!("7 REDUCE - -: {cannot}"),
        ),
        (
            "class that is none",
            b"U\x02os)\x81",
            format!("7 NEWOBJ - -: {cannot}"),
        ),
        (
            "factory",
            b"ccollections\ndefaultdict\nctorch\nSize\n)R\x85R",
            format!("42 REDUCE - -: {cannot}"),
        ),
        (
            "reconstruction of a result",
            b"ccopy_reg\n_reconstructor\nNNN\x87R",
            format!("31 REDUCE - -: {cannot}"),
        ),
        (
            "state of a function",
            b"ctorch\nTensor\n}b",
            "17 BUILD - -: dangerous, changes a class or function".to_owned(),
        ),
        (
            "items of a class",
            b"ctorch\nTensor\nU\x01aNs",
            "20 SETITEM - -: dangerous, changes a class or function".to_owned(),
        ),
        (
            "__setstate__",
            b"ctorch\nTensor\n)R}U\x0c__setstate__U\x01xsb",
            "37 BUILD - -: dangerous, sets internals of an object".to_owned(),
        ),
        (
            "slots",
            b"ctorch\nTensor\n)RN}U\x09__class__Ns\x86b",
            "34 BUILD - -: dangerous, sets internals of an object".to_owned(),
        ),
        (
            "attributes of bytes",
            b"ctorch\nTensor\n)R}C\x01aNsb",
            "24 BUILD - -: suspicious, sets attributes that cannot be resolved".to_owned(),
        ),
        (
            "state of a number",
            b"K\x01}b",
            "5 BUILD - -: suspicious, gives a state to what has none".to_owned(),
        ),
        (
            "append to a number",
            b"K\x01Na",
            "5 APPEND - -: suspicious, changes what is no container".to_owned(),
        ),
        (
            "buffer from elsewhere",
            b"\x97\x98",
            "2 NEXT_BUFFER - -: suspicious, takes a buffer from elsewhere".to_owned(),
        ),
        (
            "slot filled twice",
            b"Nq\x00\x88q\x00",
            "6 BINPUT - -: suspicious, fills a memo slot twice".to_owned(),
        ),
        (
            "codec",
            b"c_codecs\nencode\nX\x01\0\0\0aU\x05rot13\x86R",
            "32 REDUCE - -: suspicious, unusual codec".to_owned(),
        ),
        (
            "persistent id of text",
            b"Pabc\n",
            "2 PERSID - -: suspicious, persistent id is not a storage's".to_owned(),
        ),
        (
            "persistent id of a number",
            b"K\x01Q",
            "4 BINPERSID - -: suspicious, persistent id is not a storage's".to_owned(),
        ),
        (
            "source of a class",
            b"(U\x06modulectorch\nSize\nU\x01aU\x01btQ",
            "30 BINPERSID - -: suspicious, brings the source of a class along".to_owned(),
        ),
        (
            "nested pickle",
            b"C\x04\x80\x02N.",
            "2 SHORT_BINBYTES - -: note, bytes that look like a pickle".to_owned(),
        ),
        (
            "something below the result",
            b"N",
            "4 STOP - -: suspicious, leaves values behind on its stack".to_owned(),
        ),
        (
            "arguments that are no tuple",
            b"ctorch\nSize\nNR",
            "15 REDUCE - -: suspicious, calls with something other than a tuple".to_owned(),
        ),
        (
            "tensor of unknowns",
            b"ctorch._utils\n_rebuild_tensor_v2\n)R",
            "36 REDUCE - -: suspicious, tensor cannot be resolved".to_owned(),
        ),
    ] {
        let is_left = what == "something below the result";
        let pickle = Pickle::new()
            .raw(body)
            .raw(if is_left { b"N" } else { b"0N" });
        let found = found(&pickle.stop());
        assert!(found.contains(&expected), "{what}: {found:?}");
    }
}

#[test]
fn hooks_are_found() {
    let pickle = Pickle::new()
        .global(REBUILD)
        .raw(b"(")
        .storage(FLOAT, "0", 6)
        .int(0)
        .ints(&[6])
        .ints(&[1])
        .raw(b"\x89}NNstR");
    let call = pickle.0.len() - 1;
    let built = checkpoint(pickle.stop(), &[("0", vec![0; 24])]).build();
    assert_eq!(
        texts(&read(&built.bytes), built.data[0] as u64),
        [format!(
            "{call} REDUCE - -: suspicious, tensor with hooks, which are called"
        )]
    );
}

#[test]
fn what_stands_behind_the_stop_is_walked() {
    let more = b".\x80\x02cos\nsystem\n.rest";
    let found = found(&Pickle::new().raw(b"N").raw(more).0);
    assert_eq!(
        found,
        [
            "4 STOP - -: suspicious, followed by more".to_owned(),
            format!("6 GLOBAL os system: {OS}"),
            "18 STOP - -: suspicious, followed by more".to_owned(),
        ]
    );
    // Garbage, which some take for the end of a scan.
    let found = self::found(b"\x80\x02N.\0\0\0");
    assert_eq!(found, ["4 STOP - -: suspicious, followed by more"]);
}

#[test]
fn members_that_need_not_be_there_are_found_and_walked() {
    let payload = Pickle::new().global(("os", "system")).stop();
    let pickle = Pickle::state(&[("a", SMALL)]);
    let mut zip = checkpoint(pickle, &[("0", vec![0; 24]), ("1", payload.clone())]);
    zip.members
        .push(Member::new("archive/weights.txt", payload.clone()));
    zip.members.push(Member::new("elsewhere/data.pkl", payload));
    zip.members
        .push(Member::new("archive/readme", "nothing to see"));
    zip.members[5] = Member::new("archive/version", "3".repeat(65));
    let built = zip.build();
    let checkpoint = read(&built.bytes);
    let mut expected = Vec::new();
    for (place, name, reason) in [
        (4, "archive/data/1", "storage that no tensor refers to"),
        (5, "archive/version", "member that no checkpoint needs"),
        (7, "archive/weights.txt", "member that no checkpoint needs"),
        (8, "elsewhere/data.pkl", "member that no checkpoint needs"),
        (9, "archive/readme", "member that no checkpoint needs"),
    ] {
        let header = built.headers[place];
        expected.push(format!("{header} MEMBER - {name}: suspicious, {reason}"));
        if ![5, 9].contains(&place) {
            let global = built.data[place] + 2;
            expected.push(format!("{global} GLOBAL os system: {OS}"));
        }
    }
    assert_eq!(texts(&checkpoint, 0), expected);
    assert_eq!(checkpoint.findings.worst(), Level::Dangerous);
}

#[test]
fn old_files_and_bare_pickles_are_walked_in_every_part() {
    let payload = Pickle::new().global(("os", "system")).stop();
    let bare = read(&payload);
    assert_eq!(
        texts(&bare, 0),
        [
            format!("2 GLOBAL os system: {OS}"),
            "0 STOP - -: suspicious, a pickle that torch did not save".to_owned(),
        ]
    );
    assert_eq!(bare.findings.worst(), Level::Dangerous);
    // Protocol 0 begins with no magic byte.
    let old = read(b"cposix\nsystem\np0\n(Vid\np1\ntp2\nRp3\n.");
    assert_eq!(old.findings.worst(), Level::Dangerous);
    let object = Pickle::state(&[("a", SMALL)]);
    let mut file = crate::sound::legacy(&object, &[("0", 6, vec![0; 24])]);
    let end = file.len();
    file.extend(&payload);
    assert_eq!(
        texts(&read(&file), 0),
        [
            format!("{end} STOP - -: suspicious, bytes behind the last storage"),
            format!("{} GLOBAL os system: {OS}", end + 2),
        ]
    );
}

#[test]
fn what_was_found_before_a_stream_breaks_is_told() {
    let broken = b"\x80\x02cos\nsystem\nU\x02id\x85R\xff";
    let (fault, findings) = replay(broken, 0).unwrap_err();
    assert_eq!(fault.at.offset, 19);
    assert_eq!(findings.worst(), Level::Dangerous);
    assert_eq!(
        findings.kept()[0].to_string(),
        format!("2 GLOBAL os system: {OS}")
    );
}

#[test]
fn a_key_set_twice_is_found_and_the_last_counts() {
    let other = Tensor {
        size: &[6],
        stride: &[1],
        ..SMALL
    };
    let pickle = Pickle::state(&[("a", SMALL), ("b", SMALL), ("a", other)]);
    let built = checkpoint(pickle, &[("0", vec![0; 24])]).build();
    let checkpoint = read(&built.bytes);
    let names: Vec<_> = checkpoint
        .parts
        .iter()
        .map(|part| (part.name.as_str(), part.shape.len()))
        .collect();
    assert_eq!(names, [("b", 2), ("a", 1)]);
    assert_eq!(
        checkpoint.findings.kept()[0].reason,
        "dictionary sets a key twice"
    );
}
