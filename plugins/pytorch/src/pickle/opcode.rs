//! The opcodes of protocols 0 to 5, and what follows each (CPython, `Lib/pickletools.py`).

/// What follows an opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument {
    /// Nothing.
    Nothing,
    /// An unsigned number of so many bytes, the lowest first.
    Unsigned(u8),
    /// A signed number of four bytes, the lowest first.
    Signed,
    /// A double, the highest byte first.
    Double,
    /// A line: a number in digits, `00` and `01` for booleans.
    IntLine,
    /// A line: a number in digits, with or without `L`.
    LongLine,
    /// A line: a floating-point number.
    FloatLine,
    /// A line: a string of Python 2 in quotes, with escapes.
    StringLine,
    /// A line: text in Latin-1 with `\u` escapes.
    UnicodeLine,
    /// A line as it stands.
    Line,
    /// Two lines: module and name.
    Pair,
    /// So many bytes of length, then a number in two's complement, the lowest byte first.
    Long(u8),
    /// So many bytes of length, then UTF-8.
    Text(u8),
    /// So many bytes of length (four: signed), then a string of Python 2.
    OldText(u8),
    /// So many bytes of length, then bytes.
    Bytes(u8),
}

macro_rules! opcodes {
    ($($name:ident $text:literal = $code:literal $argument:expr,)*) => {
        /// An instruction of the pickle machine.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Opcode {
            $(
                #[doc = $text]
                $name,
            )*
        }

        impl Opcode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What the byte stands for.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// As in Python's `pickletools`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub(crate) const fn argument(self) -> Argument {
                use Argument::*;
                match self {
                    $(Self::$name => $argument,)*
                }
            }
        }
    };
}

opcodes! {
    Int "INT" = b'I' IntLine,
    BinInt "BININT" = b'J' Signed,
    BinInt1 "BININT1" = b'K' Unsigned(1),
    BinInt2 "BININT2" = b'M' Unsigned(2),
    Long "LONG" = b'L' LongLine,
    Long1 "LONG1" = 0x8a Argument::Long(1),
    Long4 "LONG4" = 0x8b Argument::Long(4),
    String "STRING" = b'S' StringLine,
    BinString "BINSTRING" = b'T' OldText(4),
    ShortBinString "SHORT_BINSTRING" = b'U' OldText(1),
    BinBytes "BINBYTES" = b'B' Bytes(4),
    ShortBinBytes "SHORT_BINBYTES" = b'C' Bytes(1),
    BinBytes8 "BINBYTES8" = 0x8e Bytes(8),
    ByteArray8 "BYTEARRAY8" = 0x96 Bytes(8),
    NextBuffer "NEXT_BUFFER" = 0x97 Nothing,
    ReadonlyBuffer "READONLY_BUFFER" = 0x98 Nothing,
    None "NONE" = b'N' Nothing,
    NewTrue "NEWTRUE" = 0x88 Nothing,
    NewFalse "NEWFALSE" = 0x89 Nothing,
    Unicode "UNICODE" = b'V' UnicodeLine,
    ShortBinUnicode "SHORT_BINUNICODE" = 0x8c Text(1),
    BinUnicode "BINUNICODE" = b'X' Text(4),
    BinUnicode8 "BINUNICODE8" = 0x8d Text(8),
    Float "FLOAT" = b'F' FloatLine,
    BinFloat "BINFLOAT" = b'G' Double,
    EmptyList "EMPTY_LIST" = b']' Nothing,
    Append "APPEND" = b'a' Nothing,
    Appends "APPENDS" = b'e' Nothing,
    List "LIST" = b'l' Nothing,
    EmptyTuple "EMPTY_TUPLE" = b')' Nothing,
    Tuple "TUPLE" = b't' Nothing,
    Tuple1 "TUPLE1" = 0x85 Nothing,
    Tuple2 "TUPLE2" = 0x86 Nothing,
    Tuple3 "TUPLE3" = 0x87 Nothing,
    EmptyDict "EMPTY_DICT" = b'}' Nothing,
    Dict "DICT" = b'd' Nothing,
    SetItem "SETITEM" = b's' Nothing,
    SetItems "SETITEMS" = b'u' Nothing,
    EmptySet "EMPTY_SET" = 0x8f Nothing,
    AddItems "ADDITEMS" = 0x90 Nothing,
    FrozenSet "FROZENSET" = 0x91 Nothing,
    Pop "POP" = b'0' Nothing,
    Dup "DUP" = b'2' Nothing,
    Mark "MARK" = b'(' Nothing,
    PopMark "POP_MARK" = b'1' Nothing,
    Get "GET" = b'g' IntLine,
    BinGet "BINGET" = b'h' Unsigned(1),
    LongBinGet "LONG_BINGET" = b'j' Unsigned(4),
    Put "PUT" = b'p' IntLine,
    BinPut "BINPUT" = b'q' Unsigned(1),
    LongBinPut "LONG_BINPUT" = b'r' Unsigned(4),
    Memoize "MEMOIZE" = 0x94 Nothing,
    Ext1 "EXT1" = 0x82 Unsigned(1),
    Ext2 "EXT2" = 0x83 Unsigned(2),
    Ext4 "EXT4" = 0x84 Signed,
    Global "GLOBAL" = b'c' Pair,
    StackGlobal "STACK_GLOBAL" = 0x93 Nothing,
    Reduce "REDUCE" = b'R' Nothing,
    Build "BUILD" = b'b' Nothing,
    Inst "INST" = b'i' Pair,
    Obj "OBJ" = b'o' Nothing,
    NewObj "NEWOBJ" = 0x81 Nothing,
    NewObjEx "NEWOBJ_EX" = 0x92 Nothing,
    Proto "PROTO" = 0x80 Unsigned(1),
    Stop "STOP" = b'.' Nothing,
    Frame "FRAME" = 0x95 Unsigned(8),
    PersId "PERSID" = b'P' Line,
    BinPersId "BINPERSID" = b'Q' Nothing,
}
