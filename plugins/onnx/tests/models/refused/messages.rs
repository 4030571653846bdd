//! Models, attributes and sparse tensors that contradict themselves.

use lazaret_plugin_onnx::Rule;

use super::Case;
use crate::write::*;

pub fn cases() -> Vec<Case> {
    let attribute = |attribute: Message| model(new().message(1, node("", attribute)));
    let constant = |name: &str| new().bytes(1, name).message(5, bytes("", b"x"));
    let sparse = |values: Message, indices: Message, dims: &[u64]| {
        let tensor = new().message(1, values).message(2, indices);
        let tensor = dims
            .iter()
            .fold(tensor, |tensor, &dim| tensor.varint(3, dim));
        model(new().message(15, tensor))
    };
    let indices = |data_type: u64, shape: &[u64]| {
        let count = shape.iter().product::<u64>() as usize;
        head("", data_type, shape).bytes(9, vec![0; count * if data_type == 7 { 8 } else { 4 }])
    };
    let nested = |levels: usize| {
        let graph = (0..levels).fold(new(), |graph, _| {
            new().message(1, node("If", new().bytes(1, "b").message(6, graph)))
        });
        model(graph)
    };
    let opset = |domain: &str| new().bytes(1, domain).varint(2, 17);
    let entry = |key: &[u8]| new().bytes(1, key).bytes(2, "x");
    vec![
        ("an empty file", new(), Rule::MissingIrVersion, 0, 0),
        (
            "no version",
            new().message(7, new()),
            Rule::MissingIrVersion,
            2,
            0,
        ),
        ("no graph", new().varint(1, 8), Rule::MissingGraph, 2, 0),
        (
            "version 0",
            new().varint(1, 0).message(7, new()),
            Rule::IrVersion,
            0,
            2,
        ),
        (
            "version 15",
            new().varint(1, 15).message(7, new()),
            Rule::IrVersion,
            0,
            2,
        ),
        (
            "version -1",
            new().varint(1, u64::MAX).message(7, new()),
            Rule::IrVersion,
            0,
            11,
        ),
        (
            "an operator set twice",
            model(new()).message(8, opset("x")).message(8, opset("x")),
            Rule::OpsetTwice,
            13,
            5,
        ),
        (
            "the default operator set by both names",
            model(new())
                .message(8, opset(""))
                .message(8, opset("ai.onnx")),
            Rule::OpsetTwice,
            12,
            11,
        ),
        (
            "a metadata key twice",
            model(new())
                .message(14, entry(b"k"))
                .message(14, entry(b"k")),
            Rule::MetadataTwice,
            14,
            6,
        ),
        (
            "a metadata key that is not UTF-8",
            model(new()).message(14, entry(b"\xff")),
            Rule::NotUtf8,
            8,
            1,
        ),
        (
            "a metadata key of 1025 bytes",
            model(new()).message(14, entry(&[b'k'; 1025])),
            Rule::TextTooLong,
            10,
            1025,
        ),
        (
            "an attribute of type 15",
            attribute(new().varint(20, 15)),
            Rule::AttributeType,
            10,
            3,
        ),
        (
            "an attribute of a negative type",
            attribute(new().varint(20, u64::MAX)),
            Rule::AttributeType,
            10,
            12,
        ),
        (
            "an attribute with a number and a tensor",
            attribute(constant("v").varint(3, 1)),
            Rule::AttributeContent,
            24,
            2,
        ),
        (
            "a tensor in an attribute that says it is a number",
            attribute(constant("v").varint(20, 2)),
            Rule::AttributeContent,
            10,
            17,
        ),
        (
            "a graph in an attribute that says it is a tensor",
            attribute(new().bytes(1, "v").message(6, new()).varint(20, 4)),
            Rule::AttributeContent,
            10,
            8,
        ),
        (
            "a reference with a value",
            attribute(constant("v").bytes(21, "w")),
            Rule::AttributeContent,
            10,
            18,
        ),
        (
            "a constant without a name",
            attribute(constant("")),
            Rule::AttributeName,
            10,
            13,
        ),
        (
            "a constant with a long name",
            attribute(constant(&"x".repeat(257))),
            Rule::AttributeName,
            13,
            271,
        ),
        (
            "two constants of one name in one node",
            model(new().message(1, node("", constant("v")).message(5, constant("v")))),
            Rule::NameTwice,
            37,
            0,
        ),
        (
            "an initialiser that is called as a constant is",
            model(
                new()
                    .message(1, node("", constant("v")))
                    .message(5, bytes("node-0/v", b"x")),
            ),
            Rule::NameTwice,
            32,
            8,
        ),
        (
            "tensors of one name in one subgraph",
            attribute(
                new().bytes(1, "g").message(
                    6,
                    new()
                        .message(5, bytes("a", b"x"))
                        .message(5, bytes("a", b"y")),
                ),
            ),
            Rule::NameTwice,
            35,
            1,
        ),
        ("graphs within graphs", nested(34), Rule::TooDeep, 507, 13),
        (
            "a sparse tensor without values",
            model(new().message(15, new().varint(3, 4))),
            Rule::SparseShape,
            6,
            2,
        ),
        (
            "a sparse tensor without a shape",
            sparse(bytes("a", b"x"), indices(7, &[1]), &[]),
            Rule::SparseShape,
            6,
            30,
        ),
        (
            "a sparse tensor with a dimension of zero",
            sparse(bytes("a", b"x"), indices(7, &[1]), &[4, 0]),
            Rule::SparseShape,
            6,
            34,
        ),
        (
            "more values than places",
            sparse(bytes("a", b"xyz"), indices(7, &[3]), &[2]),
            Rule::SparseShape,
            6,
            50,
        ),
        (
            "a sparse tensor with a negative dimension",
            sparse(bytes("a", b"x"), indices(7, &[1]), &[u64::MAX]),
            Rule::NegativeDimension,
            36,
            11,
        ),
        (
            "a sparse shape that wraps",
            sparse(bytes("a", b"x"), indices(7, &[1]), &[1 << 32, 1 << 32]),
            Rule::SparseShape,
            6,
            42,
        ),
        (
            "values that are a table",
            sparse(head("a", 2, &[1, 1]).bytes(9, "x"), indices(7, &[1]), &[2]),
            Rule::SparseShape,
            6,
            34,
        ),
        (
            "values without indices",
            model(new().message(15, new().message(1, bytes("a", b"x")).varint(3, 2))),
            Rule::SparseIndices,
            6,
            14,
        ),
        (
            "indices of four bytes",
            sparse(bytes("a", b"x"), indices(6, &[1]), &[2]),
            Rule::SparseIndices,
            20,
            12,
        ),
        (
            "fewer indices than values",
            sparse(bytes("a", b"xy"), indices(7, &[1]), &[2]),
            Rule::SparseIndices,
            21,
            16,
        ),
        (
            "indices of another rank",
            sparse(bytes("a", b"x"), indices(7, &[1, 3]), &[2, 2]),
            Rule::SparseIndices,
            20,
            34,
        ),
        (
            "a sparse tensor without a name",
            sparse(bytes("", b"x"), indices(7, &[1]), &[2]),
            Rule::EmptyName,
            8,
            9,
        ),
    ]
}
