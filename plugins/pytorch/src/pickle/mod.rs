//! Pickles, walked and never run: [`decode`] reads opcodes, [`machine`] keeps stack and memo as
//! CPython's unpickler does, with values that only say what they are; [`globals`] knows which names a
//! checkpoint needs.

pub(crate) mod call;
pub(crate) mod decode;
pub mod finding;
pub(crate) mod globals;
pub(crate) mod heap;
pub(crate) mod machine;
pub(crate) mod opcode;
mod text;
