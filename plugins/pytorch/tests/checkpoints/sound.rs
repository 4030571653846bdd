//! Sound files: tensors, where they are, and what is stated of them.

use lazaret_plugin_pytorch::facts::{Value, of};
use lazaret_plugin_pytorch::{Checkpoint, Format, Level, replay};

use crate::pickle::*;
use crate::zip::*;

#[track_caller]
pub fn read(bytes: &[u8]) -> Checkpoint {
    match replay(bytes, 0) {
        Ok(checkpoint) => checkpoint,
        Err((fault, findings)) => panic!("{fault}, {:?}", findings.kept()),
    }
}

/// One line a part.
pub fn lines(checkpoint: &Checkpoint) -> Vec<String> {
    let line = |part: &lazaret_plugin_pytorch::Part| {
        format!(
            "{} {} {:?} {:?} {} {}+{} {:?}",
            part.name,
            part.dtype.name(),
            part.shape,
            part.stride,
            part.storage,
            part.offset,
            part.length,
            part.marks,
        )
    };
    checkpoint.parts.iter().map(line).collect()
}

pub fn facts(checkpoint: &Checkpoint) -> Vec<String> {
    let facts = of(checkpoint).into_iter();
    facts
        .map(|fact| match fact.value {
            Value::Unsigned(number) => format!("{}={number}", fact.key),
            Value::Text(text) => format!("{}={text}", fact.key),
        })
        .collect()
}

#[test]
fn tensors_of_an_archive_are_views_of_its_storages() {
    let view = |offset, size, stride| Tensor {
        elements: 12,
        key: "1",
        offset,
        size,
        stride,
        ..SMALL
    };
    let pickle = Pickle::state(&[
        ("a.weight", SMALL),
        ("all", view(0, &[3, 4], &[4, 1])),
        ("transposed", view(0, &[4, 3], &[1, 4])),
        ("column", view(1, &[3], &[4])),
        ("expanded", view(2, &[5, 2], &[0, 1])),
        ("scalar", view(11, &[], &[])),
        ("empty", view(12, &[0, 4], &[4, 1])),
        ("one", view(5, &[1, 1, 2], &[99, 7, 1])),
    ]);
    let built = checkpoint(pickle, &[("0", vec![1; 24]), ("1", vec![2; 48])]).build();
    let [zero, one] = [built.data[3], built.data[4]];
    assert_eq!((zero % 64, one % 64), (0, 0));
    let checkpoint = read(&built.bytes);
    let at = |offset: usize| one + 4 * offset;
    assert_eq!(
        lines(&checkpoint),
        [
            format!("a.weight float32 [2, 3] None 0 {zero}+24 []"),
            format!("all float32 [3, 4] None 1 {one}+48 []"),
            format!("transposed float32 [4, 3] Some([1, 4]) 1 {one}+48 []"),
            format!("column float32 [3] Some([4]) 1 {}+36 []", at(1)),
            format!("expanded float32 [5, 2] Some([0, 1]) 1 {}+8 []", at(2)),
            format!("scalar float32 [] None 1 {}+4 []", at(11)),
            format!("empty float32 [0, 4] None 1 {}+0 []", at(12)),
            format!("one float32 [1, 1, 2] None 1 {}+8 []", at(5)),
        ]
    );
    assert_eq!(checkpoint.format, Format::Zip);
    assert_eq!(checkpoint.findings.kept(), []);
    assert_eq!(
        facts(&checkpoint),
        [
            "model.format=pytorch",
            "model.format-version=zip 3",
            "model.tensors=8",
            "model.parameters=46",
            "model.dtypes=float32:8",
            "model.byte-order=little",
            "model.pickle-verdict=clean",
        ]
    );
}

#[test]
fn names_are_the_keys_on_the_way() {
    let tensor = |pickle: Pickle| pickle.tensor(&SMALL);
    let mut pickle = Pickle::new().raw(b"}(");
    pickle = pickle.text("epoch").int(7).text("note").text("x");
    pickle = tensor(
        pickle
            .text("state_dict")
            .global(ORDERED)
            .raw(b")R(")
            .text("a.b"),
    );
    // A dictionary's own state, as a state dictionary has: BUILD with `_metadata`.
    pickle = pickle.raw(b"u}").text("_metadata").raw(b"}sb");
    pickle = tensor(pickle.text("optimizer").raw(b"](}").int(0));
    pickle = tensor(pickle.raw(b"sK\x05"));
    // The same tensor again, by the memo; and a name with a slash, which is taken.
    pickle = pickle.raw(b"q\x07e").text("again").raw(b"h\x07");
    pickle = tensor(pickle.text("state_dict/a.b")).raw(b"u");
    let built = checkpoint(pickle.stop(), &[("0", vec![0; 24])]).build();
    let checkpoint = read(&built.bytes);
    let names: Vec<_> = checkpoint
        .parts
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "state_dict/a.b",
            "optimizer/0/0",
            "optimizer/2",
            "again",
            "state_dict/a.b#0",
        ]
    );
    let facts = facts(&checkpoint);
    assert_eq!(
        facts[facts.len() - 2..],
        ["file.metadata.epoch=7", "file.metadata.note=x"]
    );
    assert_eq!(checkpoint.findings.kept(), []);
}

#[test]
fn parameters_subclasses_and_types_are_followed() {
    let parameter = |pickle: Pickle| {
        let inner = pickle
            .global(("torch._utils", "_rebuild_parameter"))
            .raw(b"(");
        let inner = inner.tensor(&SMALL).raw(b"\x88");
        inner.global(ORDERED).raw(b")RtR")
    };
    let mut pickle = parameter(Pickle::new().raw(b"}(").text("parameter"));
    // _rebuild_from_type_v2(_rebuild_tensor_v2, Parameter, (…), {})
    pickle = pickle
        .text("subclass")
        .global(("torch._tensor", "_rebuild_from_type_v2"))
        .raw(b"(")
        .global(REBUILD)
        .global(("torch.nn.parameter", "Parameter"))
        .raw(b"(")
        .storage(FLOAT, "0", 6)
        .int(0)
        .ints(&[6])
        .ints(&[1])
        .raw(b"\x89")
        .global(ORDERED)
        .raw(b")R}")
        .text("conj")
        .raw(b"\x88st}tR");
    // _rebuild_tensor_v3 over bytes.
    pickle = pickle
        .text("eight")
        .global(("torch._utils", "_rebuild_tensor_v3"))
        .raw(b"(")
        .storage(("torch.storage", "UntypedStorage"), "1", 8)
        .int(2)
        .ints(&[3])
        .ints(&[2])
        .raw(b"\x89")
        .global(ORDERED)
        .raw(b")R")
        .global(("torch", "float8_e5m2"))
        .raw(b"NtR");
    // Quantised, four bits to an element.
    pickle = pickle
        .text("quantised")
        .global(("torch._utils", "_rebuild_qtensor"))
        .raw(b"(")
        .storage(("torch", "QUInt4x2Storage"), "2", 3)
        .int(0)
        .ints(&[5])
        .ints(&[1])
        .raw(b"(")
        .global(("torch", "per_tensor_affine"))
        .raw(b"G\x3f\xf0\0\0\0\0\0\0K\0t\x89")
        .global(ORDERED)
        .raw(b")RtR");
    // Sparse: a tensor of indices, one of values.
    pickle = pickle
        .text("sparse")
        .global(("torch._utils", "_rebuild_sparse_tensor"))
        .raw(b"(")
        .global(("torch.serialization", "_get_layout"))
        .text("torch.sparse_coo")
        .raw(b"\x85R(")
        .tensor(&Tensor {
            class: ("torch", "LongStorage"),
            key: "3",
            elements: 2,
            size: &[1, 2],
            stride: &[2, 1],
            offset: 0,
        })
        .tensor(&SMALL)
        .ints(&[9])
        .raw(b"\x89ttR");
    let pickle = pickle.raw(b"u").stop();
    let storages = [
        ("0", vec![0; 24]),
        ("1", vec![0; 8]),
        ("2", vec![0; 3]),
        ("3", vec![0; 16]),
    ];
    let built = checkpoint(pickle, &storages).build();
    let checkpoint = read(&built.bytes);
    let [zero, one, two, three] = [3, 4, 5, 6].map(|place| built.data[place]);
    assert_eq!(
        lines(&checkpoint),
        [
            format!("parameter float32 [2, 3] None 0 {zero}+24 []"),
            format!("subclass float32 [6] None 0 {zero}+24 [\"conjugate\"]"),
            format!("eight float8_e5m2 [3] Some([2]) 1 {}+5 []", one + 2),
            format!("quantised quint4x2 [5] None 2 {two}+3 [\"quantised\"]"),
            format!("sparse/1/0 int64 [1, 2] None 3 {three}+16 []"),
            format!("sparse/1/1 float32 [2, 3] None 0 {zero}+24 []"),
        ]
    );
    assert_eq!(checkpoint.findings.kept(), []);
}

#[test]
fn archives_of_other_writers_are_read() {
    let pickle = Pickle::state(&[("a", SMALL)]);
    let members = || {
        vec![
            Member::plain("m/data.pkl", pickle.clone()),
            Member::plain("m/data/0", vec![0; 24]),
        ]
    };
    let expect = |zip: Zip| {
        let built = zip.build();
        let checkpoint = read(&built.bytes);
        assert_eq!(checkpoint.parts[0].offset, built.data[1] as u64);
        assert_eq!(checkpoint.findings.kept(), []);
        checkpoint
    };
    let mut zip = Zip::new(members());
    expect(zip.clone());
    zip.is_long = false;
    let checkpoint = expect(zip);
    assert_eq!(checkpoint.is_big_endian, None);
    assert_eq!(checkpoint.version, None);
    // 64-bit sizes in both headers, and a descriptor with them.
    let size = (pickle.len() as u64).to_le_bytes();
    let long = [b"\x01\0\x10\0".as_slice(), &size, &size].concat();
    let mut members_long = members();
    members_long[0] = Member::new("m/data.pkl", pickle.clone()).with(|member| {
        let behind = [
            b"PK\x07\x08".as_slice(),
            &member.stated[0].to_le_bytes(),
            &size,
            &size,
        ];
        member.behind = Some(behind.concat());
        member.stated = [member.stated[0], u32::MAX, u32::MAX];
        member.central_extra = long.clone();
        // Beside zeros, as torch's writer leaves them.
        member.local_extra = Some(long.clone());
    });
    expect(Zip::new(members_long));
    let directories = [vec![Member::plain("m/data/", "")], members()].concat();
    let built = Zip::new(directories).build();
    assert_eq!(read(&built.bytes).findings.kept(), []);
}

#[test]
fn a_big_endian_file_says_so() {
    let mut zip = checkpoint(Pickle::state(&[]), &[]);
    zip.members[2] = Member::new("archive/byteorder", "big");
    let checkpoint = read(&zip.build().bytes);
    assert_eq!(checkpoint.is_big_endian, Some(true));
    assert!(facts(&checkpoint).contains(&"model.byte-order=big".to_owned()));
}

/// The five pickles, and the storages behind their lengths.
pub fn legacy(object: &[u8], storages: &[(&str, u64, Vec<u8>)]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let mut file = magic.to_vec();
    file.extend(Pickle::new().raw(b"M\xe9\x03").stop());
    let system = Pickle::new().raw(b"}").text("little_endian");
    file.extend(system.raw(b"\x88s").stop());
    file.extend(object);
    let keys = storages
        .iter()
        .fold(Pickle::new().raw(b"]("), |keys, (key, ..)| keys.text(key));
    file.extend(keys.raw(b"e").stop());
    for (_, elements, data) in storages {
        file.extend(elements.to_le_bytes());
        file.extend(data);
    }
    file
}

#[test]
fn the_format_before_zip_is_read() {
    let old = |pickle: Pickle, view: &[u8]| {
        let inner = pickle
            .global(REBUILD)
            .raw(b"((")
            .text("storage")
            .global(FLOAT);
        let inner = inner.text("941").text("cpu").int(12).raw(view).raw(b"tQ");
        let inner = inner.int(1).ints(&[2]).ints(&[1]).raw(b"\x89");
        inner.global(ORDERED).raw(b")RtR")
    };
    let mut pickle = old(Pickle::new().raw(b"}(").text("whole"), b"N");
    pickle = old(pickle.text("view"), b"(U\x03942K\x04K\x06t");
    let object = pickle.raw(b"u").stop();
    let file = legacy(&object, &[("941", 12, vec![0; 48])]);
    let data = file.len() - 48;
    let checkpoint = read(&file);
    assert_eq!(checkpoint.format, Format::Legacy);
    assert_eq!(checkpoint.findings.worst(), Level::Note);
    assert_eq!(
        lines(&checkpoint),
        [
            format!("whole float32 [2] None 941 {}+8 []", data + 4),
            format!("view float32 [2] None 941 {}+8 []", data + 20),
        ]
    );
    assert_eq!(
        facts(&checkpoint)[..4],
        [
            "model.format=pytorch",
            "model.format-version=legacy 1001",
            "model.tensors=2",
            "model.parameters=4",
        ]
    );
    assert_eq!(checkpoint.storages, [(data as u64, 48)]);
}

#[test]
fn a_tensor_without_elements_lies_nowhere_else() {
    let tensor = Tensor {
        offset: i64::MAX,
        size: &[0],
        stride: &[i64::MAX],
        class: ("torch", "HalfStorage"),
        ..SMALL
    };
    let pickle = Pickle::state(&[("a", tensor)]);
    let built = checkpoint(pickle, &[("0", vec![0; 12])]).build();
    let checkpoint = read(&built.bytes);
    let part = &checkpoint.parts[0];
    assert_eq!((part.offset, part.length), (built.data[3] as u64, 0));
}

#[test]
fn a_bare_pickle_is_walked_and_suspicious() {
    let checkpoint = read(&Pickle::new().raw(b"}").text("a").int(1).raw(b"s").stop());
    assert_eq!(checkpoint.format, Format::Pickle);
    assert_eq!(checkpoint.findings.worst(), Level::Suspicious);
    assert_eq!(
        facts(&checkpoint),
        [
            "model.format=pytorch",
            "model.format-version=bare pickle",
            "model.tensors=0",
            "model.parameters=0",
            "model.pickle-verdict=suspicious",
            "model.pickle-finding=0 STOP - -: suspicious, a pickle that torch did not save",
            "file.metadata.a=1",
        ]
    );
}

#[test]
fn a_pickle_that_nests_itself_ends() {
    // A list in itself; a ladder of lists, each twice in the next, with a tensor at its foot.
    let mut pickle = Pickle::new()
        .raw(b"]q\x00h\x00a")
        .raw(b"0]")
        .tensor(&SMALL)
        .raw(b"a");
    for slot in 1..20_u8 {
        pickle = pickle.raw(&[b'q', slot, b']', b'(', b'h', slot, b'h', slot, b'e']);
    }
    // Only the last list stays: what is below it goes.
    for _ in 1..20 {
        pickle = pickle.raw(b"\x86").raw(b"");
    }
    let built = checkpoint(pickle.stop(), &[("0", vec![0; 24])]).build();
    let checkpoint = read(&built.bytes);
    assert_eq!(checkpoint.parts.len(), 1);
}
