//! Models that are sound, and what is said of them.

use std::convert::Infallible;

use lazaret_plugin_onnx::limits::{INLINE_INDEX_MAX, TENSORS_MAX};
use lazaret_plugin_onnx::{
    Data, Input, Part, Read, Rule, Segment, Stop, Storage, Value, parse, replay,
};

use crate::write::{self, *};

fn parts(model: &Message) -> Vec<Part> {
    let replay = replay(&model.0, 0);
    replay.unwrap_or_else(|fault| panic!("{fault:?}")).parts
}

fn said(model: &Message) -> Vec<String> {
    let line = |part: Part| {
        let mut line = part.path().into_owned();
        for (key, value) in part.attributes() {
            line += &match value {
                Value::Text(text) => format!(" {key}={text}"),
                Value::Unsigned(number) => format!(" {key}={number}"),
            };
        }
        match part.content() {
            Some(span) => format!("{line} @{}+{}", span.offset, span.length),
            None => line,
        }
    };
    parts(model).into_iter().map(line).collect()
}

#[test]
fn values_are_where_their_fields_are() {
    for (tensor, expected) in [
        (
            write::bytes("a", b"xyz"),
            "a dtype=UINT8 shape=[3] role=initializer field=raw_data encoding=little-endian @15+3",
        ),
        (
            head("a", 1, &[]).bytes(4, [0; 4]),
            "a dtype=FLOAT shape=[] role=initializer field=float_data encoding=little-endian @13+4",
        ),
        (
            head("a", 15, &[1]).bytes(10, [0; 16]),
            "a dtype=COMPLEX128 shape=[1] role=initializer field=double_data encoding=little-endian @15+16",
        ),
        (
            head("a", 7, &[2]).bytes(7, b"\x80\x01\x02"),
            "a dtype=INT64 shape=[2] role=initializer field=int64_data encoding=varints @15+3",
        ),
        (
            head("a", 22, &[5]).bytes(5, [1, 2, 3]),
            "a dtype=INT4 shape=[5] role=initializer field=int32_data encoding=varints @15+3",
        ),
        (
            head("a", 25, &[5]).bytes(9, [1, 2]),
            "a dtype=UINT2 shape=[5] role=initializer field=raw_data encoding=little-endian @15+2",
        ),
        (
            head("a", 28, &[5]).bytes(9, [0; 4]),
            "a dtype=FLOAT6E3M2 shape=[5] role=initializer field=raw_data encoding=little-endian @15+4",
        ),
        (
            head("a", 1, &[2]).fixed32(4, [0; 4]).fixed32(4, [1; 4]),
            "a dtype=FLOAT shape=[2] role=initializer field=float_data encoding=fields @13+10",
        ),
        (
            head("a", 7, &[3]).bytes(7, [1, 2]).varint(7, 3),
            "a dtype=INT64 shape=[3] role=initializer field=int64_data encoding=fields @13+6",
        ),
        (
            head("a", 8, &[2]).bytes(6, "").bytes(6, "xy"),
            "a dtype=STRING shape=[2] role=initializer field=string_data encoding=fields @13+6",
        ),
        (
            head("a", 1, &[0, 3]).bytes(9, []),
            "a dtype=FLOAT shape=[0,3] role=initializer",
        ),
        (
            head("a", 1, &[0]),
            "a dtype=FLOAT shape=[0] role=initializer",
        ),
        (
            new()
                .bytes(9, "xy")
                .bytes(8, "a")
                .bytes(1, [2])
                .varint(2, 2),
            "a dtype=UINT8 shape=[2] role=initializer field=raw_data encoding=little-endian @8+2",
        ),
        (
            write::bytes("../a", b"x"),
            "%2E%2E/a dtype=UINT8 shape=[1] role=initializer name=../a field=raw_data encoding=little-endian @18+1",
        ),
        (
            external(
                "a",
                3,
                &[
                    ("location", "./d/w"),
                    ("offset", "4096"),
                    ("length", "3"),
                    ("checksum", "ab"),
                    ("basepath", ""),
                ],
            ),
            "a dtype=UINT8 shape=[3] role=initializer location=d/w offset=4096 length=3 checksum=ab",
        ),
        (
            external("a", 3, &[("location", "w")]).bytes(9, []),
            "a dtype=UINT8 shape=[3] role=initializer location=w offset=0 length=3",
        ),
    ] {
        assert_eq!(said(&initializer(tensor)), [expected]);
    }
}

#[test]
fn tensors_are_found_wherever_they_are() {
    let named =
        |name: &str, number: u64, value: Message| new().bytes(1, name).message(number, value);
    let sparse = |name: &str| {
        new()
            .message(1, write::bytes(name, b"x"))
            .message(2, head("", 7, &[1, 2]).bytes(9, [0; 16]))
            .varint(3, 4)
            .varint(3, 5)
    };
    let inner = new().message(5, write::bytes("w", b"x")).message(
        1,
        node("Constant", named("value", 5, write::bytes("", b"x"))),
    );
    // The name behind the value, and a name that says nothing.
    let behind = new()
        .message(6, inner.clone())
        .bytes(1, "body")
        .varint(20, 5);
    let list = named("list", 10, write::bytes("n", b"x")).message(10, write::bytes("n", b"x"));
    let graphs = named("graphs", 11, inner.clone()).message(11, inner.clone());
    let function = new()
        .message(7, node("Constant", named("v", 5, write::bytes("", b"x"))))
        .message(11, named("default", 5, write::bytes("", b"x")));
    let graph = new()
        .message(1, node("Loop", behind))
        .message(1, node("X", list).message(5, graphs))
        .message(
            1,
            node("Y", named("s", 22, sparse(""))).bytes(7, "com.example"),
        )
        .message(5, write::bytes("w", b"x"))
        .message(15, sparse("s"));
    let training = new().message(1, inner.clone()).message(2, inner);
    let model = model(graph).message(20, training).message(25, function);
    let names: Vec<String> = parts(&model)
        .iter()
        .map(|part| format!("{} {}", part.name, part.role.name()))
        .collect();
    assert_eq!(
        names,
        [
            "node-0/body/w initializer",
            "node-0/body/node-0/value attribute",
            "node-1/list/0 attribute",
            "node-1/list/1 attribute",
            "node-1/graphs/0/w initializer",
            "node-1/graphs/0/node-0/value attribute",
            "node-1/graphs/1/w initializer",
            "node-1/graphs/1/node-0/value attribute",
            "node-2/s sparse-values",
            "node-2/s/indices sparse-indices",
            "w initializer",
            "s sparse-values",
            "s/indices sparse-indices",
            "training-0/initialization/w initializer",
            "training-0/initialization/node-0/value attribute",
            "training-0/algorithm/w initializer",
            "training-0/algorithm/node-0/value attribute",
            "function-0/node-0/v attribute",
            "function-0/attribute/default attribute",
        ]
    );
    let summary = replay(&model.0, 0).unwrap().summary;
    assert_eq!(
        (summary.subgraphs, summary.functions, summary.nodes),
        (3, 1, 9)
    );
    assert_eq!(
        summary.operators.stated(),
        "Constant:6,Loop:1,X:1,com.example.Y:1"
    );
    assert_eq!(summary.domains.stated(), "ai.onnx:8,com.example:1");
    assert_eq!((summary.tensors, summary.parameters), (19, 17));
}

#[test]
fn a_model_says_what_it_is() {
    let graph = new()
        .bytes(2, "main")
        .message(5, external("a", 8, &[("location", "w data%")]))
        .message(
            5,
            external("b", 8, &[("location", "w data%"), ("offset", "8")]),
        )
        .message(
            5,
            external("tied", 8, &[("location", "./w data%"), ("offset", "8")]),
        )
        .message(5, write::bytes("c", b"x"))
        .message(5, head("d", 1, &[1]).bytes(9, [0; 4]))
        .message(11, new().bytes(1, "x"))
        .message(11, new().bytes(1, "y"))
        .message(12, new().bytes(1, "z"));
    let long = "é".repeat(3000);
    let model = model(graph)
        .bytes(2, "pytorch")
        .bytes(3, "2.9")
        .bytes(4, "org.example")
        .varint(5, 3)
        .message(8, new().varint(2, 17))
        .message(8, new().bytes(1, "com.microsoft").varint(2, 1))
        .message(14, new().bytes(1, "license").bytes(2, "MIT"))
        .message(14, new().bytes(1, "a b").bytes(2, &long))
        // A field from the future.
        .bytes(63, "?");
    let facts: Vec<String> = replay(&model.0, 0)
        .unwrap()
        .facts
        .into_iter()
        .map(|fact| match fact.value {
            Value::Text(text) => format!("{}={text}", fact.key),
            Value::Unsigned(number) => format!("{}={number}", fact.key),
        })
        .collect();
    let cut = format!(
        "file.metadata.a%20b={}… [cut: 6000 bytes in all]",
        "é".repeat(2048)
    );
    assert_eq!(
        facts,
        [
            "model.format=onnx",
            "model.format-version=8",
            "model.tensors=5",
            "model.parameters=26",
            "model.dtypes=UINT8:4,FLOAT:1",
            "model.architecture=pytorch",
            "model.name=main",
            "model.producer=pytorch 2.9",
            "model.domain=org.example",
            "model.version=3",
            "model.opsets=ai.onnx:17,com.microsoft:1",
            "model.inputs=2",
            "model.outputs=1",
            "model.nodes=0",
            "model.subgraphs=0",
            "model.functions=0",
            "model.licence=MIT",
            "model.external.w%20data%25=3",
            "model.external-bytes=24",
            "file.metadata.license=MIT",
            &cut,
        ]
    );
}

#[test]
fn a_split_file_has_an_object_for_each_large_tensor() {
    let large = vec![b'x'; 5000];
    let graph = new()
        .message(5, write::bytes("a", &large))
        .message(5, write::bytes("b", b"small"))
        .message(5, write::bytes("c", &large));
    let cuts = |model: &Message| -> Vec<(u64, Storage)> {
        let cuts = replay(&model.0, 0).unwrap().cuts;
        let sum: u64 = cuts.iter().map(|cut| cut.length).sum();
        assert_eq!(sum, model.0.len() as u64);
        let pair = |Segment { length, storage }| (length, storage);
        cuts.into_iter().map(pair).collect()
    };
    use Storage::{Inline, Object};
    let small = model(graph.clone());
    assert_eq!(
        cuts(&small),
        [(19, Inline), (5000, Object), (30, Inline), (5000, Object)]
    );
    // Much that is no tensor: what is large of it is an object, too.
    let text = vec![b'x'; INLINE_INDEX_MAX as usize];
    let talkative = model(graph).bytes(6, &text);
    assert_eq!(
        cuts(&talkative),
        [
            (19, Inline),
            (5000, Object),
            (30, Inline),
            (5000, Object),
            (INLINE_INDEX_MAX + 4, Object)
        ]
    );
}

#[test]
fn values_are_not_read() {
    let value = vec![0x80; 1 << 20];
    let graph = (0..20).fold(new(), |graph, number| {
        graph.message(5, write::bytes(&number.to_string(), &value))
    });
    let model = model(graph);
    let mut input = Read::new(&model.0, 0);
    parse(&mut input, |_| {}).unwrap();
    assert!(input.moved <= 21 * 4096, "{} bytes", input.moved);
}

#[test]
fn tensors_are_bounded() {
    let graph = |count: u64| {
        let mut graph = new();
        for number in 0..count {
            let name = number.to_string();
            graph = graph.message(5, write::bytes(&name, b"x"));
        }
        model(graph)
    };
    assert!(replay(&graph(TENSORS_MAX).0, 0).is_ok());
    let fault = replay(&graph(TENSORS_MAX + 1).0, 0).unwrap_err();
    assert_eq!(fault.rule, Rule::TooManyTensors);
    assert!(fault.is_unsupported());
}

/// Says that it has one byte more than it has.
struct Short<'a>(Read<'a>);

impl Input for Short<'_> {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.0.size() + 1
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Infallible> {
        self.0.read_at(offset, max)
    }
}

#[test]
fn an_input_that_ends_early_is_refused() {
    let model = initializer(write::bytes("a", b"x"));
    let stop = parse(&mut Short(Read::new(&model.0, 0)), |_| {}).unwrap_err();
    let Stop::Fault(fault) = stop;
    assert_eq!((fault.rule, fault.at.offset), (Rule::ShortInput, 16));
}

#[test]
fn a_model_without_tensors_has_no_parts() {
    let replay = replay(&model(new()).0, 0).unwrap();
    assert_eq!(replay.parts, []);
    let is_external = |part: &Part| matches!(part.data, Data::External(_));
    assert!(!replay.parts.iter().any(is_external));
    assert_eq!(replay.cuts.len(), 1);
}
