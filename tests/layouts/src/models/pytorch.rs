//! What `torch.save` writes: a zip of stored members, data aligned to 64 bytes, and a pickle that says
//! which tensor lies where; also one that would run a command.

use crate::models::Tensor;
use crate::models::pickle::Pickle;
use crate::models::zip::{ALIGNMENT, zip};

/// A checkpoint of these tensors, each with a storage of its own.
#[must_use]
pub fn pytorch(tensors: &[Tensor]) -> Vec<u8> {
    let mut pickle = Pickle::new(2);
    pickle.raw(b"}(");
    state(&mut pickle, tensors);
    pickle.raw(b"u");
    archive(pickle.stop(), tensors)
}

/// A checkpoint that runs `true` when it is loaded by a reader that believes pickles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malicious {
    /// The file.
    pub bytes: Vec<u8>,
    /// Offset of the opcode `STACK_GLOBAL` in the file.
    pub offset: usize,
}

/// The tensors, and between them `posix.system("true")`, found by way of the stack.
#[must_use]
pub fn malicious(tensors: &[Tensor]) -> Malicious {
    let mut pickle = Pickle::new(4);
    pickle.raw(b"}(").text("payload");
    pickle.text("posix").text("system");
    let offset = pickle.position();
    // STACK_GLOBAL, the arguments, REDUCE.
    pickle.raw(b"\x93(").text("true").raw(b"tR");
    state(&mut pickle, tensors);
    pickle.raw(b"u");
    Malicious {
        bytes: archive(pickle.stop(), tensors),
        // The pickle is the first member.
        offset: ALIGNMENT + offset,
    }
}

fn state(pickle: &mut Pickle, tensors: &[Tensor]) {
    for (at, tensor) in tensors.iter().enumerate() {
        pickle.text(&tensor.name).tensor(tensor, &at.to_string());
    }
}

fn archive(pickle: Vec<u8>, tensors: &[Tensor]) -> Vec<u8> {
    let mut members = vec![
        ("archive/data.pkl".to_owned(), pickle),
        ("archive/byteorder".to_owned(), b"little".to_vec()),
    ];
    for (at, tensor) in tensors.iter().enumerate() {
        members.push((format!("archive/data/{at}"), tensor.data.clone()));
    }
    members.push(("archive/version".to_owned(), b"3\n".to_vec()));
    zip(&members)
}
