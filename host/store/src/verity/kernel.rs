//! The kernel's side of fs-verity: sealing a file and asking for its digest
//! (Linux `include/uapi/linux/fsverity.h`). The only ioctls of this crate.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use lazaret_artifact::{VerityAlgorithm, VerityDigest};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, Updater, ioctl, opcode};

use super::{BLOCK_SIZE, MAX_HASH};

/// What the kernel knows of a file's digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measured {
    /// The file is sealed; the kernel checks every read against this digest.
    Digest(VerityDigest),
    /// The file is sealed by another algorithm.
    OtherAlgorithm,
    /// The file is not sealed.
    Unsealed,
    /// This filesystem or this kernel has no fs-verity.
    Unsupported,
}

/// What became of an attempt to seal a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// It is sealed now.
    Done,
    /// This filesystem or this kernel has no fs-verity.
    Unsupported,
}

/// `struct fsverity_enable_arg`.
#[repr(C)]
struct EnableArg {
    version: u32,
    hash_algorithm: u32,
    block_size: u32,
    salt_size: u32,
    salt_ptr: u64,
    sig_size: u32,
    reserved1: u32,
    sig_ptr: u64,
    reserved2: [u64; 11],
}

/// `struct fsverity_digest` with room for the longest digest.
#[repr(C)]
struct DigestArg {
    algorithm: u16,
    size: u16,
    digest: [u8; MAX_HASH],
}

/// `struct fsverity_digest` as the ioctl's number counts it: a flexible array has no size.
#[repr(C)]
struct DigestHeader {
    algorithm: u16,
    size: u16,
}

const _: () = assert!(size_of::<EnableArg>() == 128 && size_of::<DigestHeader>() == 4);

/// `_IOW('f', 133, struct fsverity_enable_arg)`.
const ENABLE: Opcode = opcode::write::<EnableArg>(b'f', 133);

/// `_IOWR('f', 134, struct fsverity_digest)`.
const MEASURE: Opcode = opcode::read_write::<DigestHeader>(b'f', 134);

/// Attempts at sealing a file that a child process, between its fork and its exec, still has open
/// for writing. With doubling pauses they last a quarter of a second.
const BUSY_ATTEMPTS: u32 = 8;

/// Seals a file that was opened read-only and that nobody has open for writing.
pub(crate) fn seal(file: impl AsFd, algorithm: VerityAlgorithm) -> io::Result<Sealed> {
    let mut pause = Duration::from_millis(1);
    for attempt in 1.. {
        let argument = EnableArg {
            version: 1,
            hash_algorithm: u32::from(algorithm.kernel_id()),
            block_size: BLOCK_SIZE as u32,
            salt_size: 0,
            salt_ptr: 0,
            sig_size: 0,
            reserved1: 0,
            sig_ptr: 0,
            reserved2: [0; 11],
        };
        // SAFETY: `ENABLE` is defined to read one `struct fsverity_enable_arg`, whose layout
        // `EnableArg` has, and nothing else: both its pointers are null with a size of zero.
        let result = unsafe { ioctl(&file, Setter::<ENABLE, EnableArg>::new(argument)) };
        match result {
            Ok(()) | Err(Errno::EXIST) => return Ok(Sealed::Done),
            Err(Errno::NOTTY | Errno::OPNOTSUPP) => return Ok(Sealed::Unsupported),
            Err(Errno::TXTBSY) if attempt < BUSY_ATTEMPTS => {
                std::thread::sleep(pause);
                pause *= 2;
            }
            Err(error) => return Err(error.into()),
        }
    }
    unreachable!("the loop ends with its last attempt")
}

/// Asks for the digest of an open file.
pub(crate) fn measure(file: impl AsFd, algorithm: VerityAlgorithm) -> io::Result<Measured> {
    let mut argument = DigestArg {
        algorithm: 0,
        size: algorithm.size() as u16,
        digest: [0; MAX_HASH],
    };
    // SAFETY: `MEASURE` is defined to read a `struct fsverity_digest` and to write at most `size`
    // bytes of digest after its header; `size` is at most the room that `DigestArg` has for it.
    let result = unsafe { ioctl(&file, Updater::<MEASURE, DigestArg>::new(&mut argument)) };
    match result {
        Ok(()) if argument.algorithm == u16::from(algorithm.kernel_id()) => {
            let raw = argument.digest.get(..usize::from(argument.size));
            Ok(raw
                .and_then(|raw| VerityDigest::from_bytes(algorithm, raw))
                .map_or(Measured::OtherAlgorithm, Measured::Digest))
        }
        Ok(()) | Err(Errno::OVERFLOW) => Ok(Measured::OtherAlgorithm),
        Err(Errno::NODATA) => Ok(Measured::Unsealed),
        Err(Errno::NOTTY | Errno::OPNOTSUPP) => Ok(Measured::Unsupported),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ioctl_numbers_are_the_kernels() {
        // FS_IOC_ENABLE_VERITY and FS_IOC_MEASURE_VERITY on architectures with generic ioctls.
        #[cfg(any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64"
        ))]
        assert_eq!((ENABLE, MEASURE), (0x4080_6685, 0xc004_6686));
    }

    #[test]
    fn a_file_that_was_never_sealed_has_no_digest() {
        let file = tempfile::tempfile().unwrap();
        let measured = measure(&file, VerityAlgorithm::Sha512).unwrap();
        assert!(
            matches!(measured, Measured::Unsealed | Measured::Unsupported),
            "{measured:?}"
        );
    }

    #[test]
    fn sealing_either_works_or_is_unsupported() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"hello world").unwrap();
        let file = std::fs::File::open(&path).unwrap();
        match seal(&file, VerityAlgorithm::Sha256).unwrap() {
            Sealed::Unsupported => {}
            Sealed::Done => assert_eq!(
                measure(&file, VerityAlgorithm::Sha256).unwrap(),
                Measured::Digest(super::super::digest(
                    VerityAlgorithm::Sha256,
                    b"hello world"
                ))
            ),
        }
    }
}
