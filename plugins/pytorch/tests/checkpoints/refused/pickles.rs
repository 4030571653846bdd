//! Streams at which Python's unpickler would stop.

use lazaret_plugin_pytorch::Rule;

use super::{Case, check};
use crate::pickle::*;

/// A pickle with a stop, and the rule's place in it.
fn case(what: &'static str, bytes: &[u8], rule: Rule, offset: usize, length: usize) -> Case {
    let pickle = Pickle::new().raw(bytes).stop();
    (what, pickle, rule, offset, length)
}

pub fn cases() -> Vec<Case> {
    let mut cases = decoding();
    cases.extend(working());
    cases.extend(bounds());
    cases
}

fn decoding() -> Vec<Case> {
    let frame = |length: u64, rest: &[u8]| [b"\x95", &length.to_le_bytes()[..], rest].concat();
    let long_line = vec![b'1'; 64 * 1024 + 1];
    vec![
        case("no opcode", b"N\xff", Rule::UnknownOpcode, 3, 1),
        // What is run before the stream breaks is run.
        case(
            "after a payload",
            b"cos\nsystem\nU\x02id\x85R\0",
            Rule::UnknownOpcode,
            19,
            1,
        ),
        (
            "no stop",
            b"\x80\x02N".to_vec(),
            Rule::TruncatedPickle,
            3,
            0,
        ),
        case(
            "text without end",
            b"X\xff\0\0\0abc",
            Rule::TruncatedPickle,
            2,
            9,
        ),
        case(
            "bytes without end",
            b"C\x10abc",
            Rule::TruncatedPickle,
            2,
            6,
        ),
        case("line without end", b"cos", Rule::TruncatedPickle, 2, 4),
        ("protocol", b"\x80\x06N.".to_vec(), Rule::Protocol, 0, 2),
        case("number", b"I1x\n", Rule::Number, 2, 4),
        case("no number", b"I\n", Rule::Number, 2, 2),
        case("long number", b"L0x1L\n", Rule::Number, 2, 6),
        case("float", b"F1,5\n", Rule::Number, 2, 5),
        case("string without quotes", b"Sabc\n", Rule::Text, 2, 5),
        case("escape", b"S'\\x1'\n", Rule::Text, 2, 7),
        case("unicode escape", b"V\\u12\n", Rule::Text, 2, 6),
        case("not UTF-8", b"X\x01\0\0\0\xff", Rule::Text, 2, 6),
        case("module not UTF-8", b"c\xff\nx\n", Rule::Text, 2, 3),
        case(
            "negative string",
            b"T\xff\xff\xff\xff",
            Rule::NegativeLength,
            2,
            5,
        ),
        case(
            "negative number",
            b"\x8b\0\0\0\x80",
            Rule::NegativeLength,
            2,
            5,
        ),
        case(
            "number of 64 KiB",
            &[b"I", long_line.as_slice(), b"\n"].concat(),
            Rule::StringTooLong,
            2,
            2 + 64 * 1024,
        ),
        (
            "text of 8 MiB",
            Pickle::new().text(&"x".repeat(8 * 1024 * 1024 + 1)).stop(),
            Rule::StringTooLong,
            2,
            5,
        ),
        case("frame beyond the end", &frame(100, b"N"), Rule::Frame, 2, 9),
        case(
            "frame in a frame",
            &frame(11, &frame(1, b"N")),
            Rule::Frame,
            11,
            9,
        ),
        case(
            "frame ends in an opcode",
            &frame(2, b"K\x01K\x02"),
            Rule::Frame,
            2,
            9,
        )
        .moved(&frame(1, b"K\x01"), 11, 2),
        case("stop within a frame", &frame(2, b"."), Rule::Frame, 11, 1),
    ]
}

trait Moved {
    fn moved(self, bytes: &[u8], offset: usize, length: usize) -> Self;
}

impl Moved for Case {
    /// The same rule, of another pickle.
    fn moved(self, bytes: &[u8], offset: usize, length: usize) -> Self {
        case(self.0, bytes, self.2, offset, length)
    }
}

fn working() -> Vec<Case> {
    vec![
        case("nothing to stop with", b"", Rule::StackUnderflow, 2, 1),
        case("call of nothing", b"R", Rule::StackUnderflow, 2, 1),
        case("call without a function", b")R", Rule::StackUnderflow, 3, 1),
        case("below a mark", b"N(\x85", Rule::StackUnderflow, 4, 1),
        case("copy below a mark", b"N(2", Rule::StackUnderflow, 4, 1),
        case("put below a mark", b"N(q\0", Rule::StackUnderflow, 4, 2),
        case("append below a mark", b"](Na", Rule::StackUnderflow, 5, 1),
        case("object without a class", b"(o", Rule::StackUnderflow, 3, 1),
        case("state of nothing", b"}b", Rule::StackUnderflow, 3, 1),
        case("append to nothing", b"Na", Rule::StackUnderflow, 3, 1),
        case(
            "append nothing to nothing",
            b"(e",
            Rule::StackUnderflow,
            3,
            1,
        ),
        case("no mark", b"t", Rule::NoMark, 2, 1),
        case("no mark any more", b"(0t", Rule::NoMark, 4, 1),
        case("odd", b"}(Nu", Rule::OddItems, 5, 1),
        case("odd at once", b"(Nd", Rule::OddItems, 4, 1),
        case("slot that is empty", b"h\x05", Rule::MemoMissing, 2, 2),
        case(
            "slot between others",
            b"Nr\x05\0\0\0h\x03",
            Rule::MemoMissing,
            8,
            2,
        ),
        case(
            "slot far away",
            b"Nr\xff\xff\xff\xffj\xfe\xff\xff\xff",
            Rule::MemoMissing,
            8,
            5,
        ),
        case("negative slot", b"Np-1\n", Rule::MemoIndex, 3, 4),
        case("slot of 2^32", b"Np4294967296\n", Rule::MemoIndex, 3, 12),
    ]
}

fn bounds() -> Vec<Case> {
    let many = |bytes: &[u8], times: usize| bytes.repeat(times);
    // A list costs more than its opcode; a tuple of two makes one of the stack's top.
    let lists = many(b"]0", 3_000_000);
    vec![
        case(
            "stack",
            &many(b"N", 500_001),
            Rule::StackTooLarge,
            2 + 500_000,
            1,
        ),
        case(
            "marks",
            &many(b"(", 100_001),
            Rule::StackTooLarge,
            2 + 100_000,
            1,
        ),
        case("heap", &lists, Rule::PickleTooLarge, 2 + 2 * 2_097_152, 1),
    ]
}

#[test]
fn a_pickle_that_breaks_off_is_refused() {
    check(&cases());
}
