//! Bounds, each with the attack or accident it stops.
//!
//! Together they keep the importer far below the 64 MiB a sandbox has: the file 4 MiB, one string
//! decoded 4 MiB, names 5 MiB.

/// Bytes of a file, which is held in memory. The largest published list some thousand added tokens
/// and have about one mebibyte.
pub const FILE_MAX: u64 = 4 << 20;

/// Bytes asked for in one read: the interface's limit.
pub const READ_MAX: u32 = 64 * 1024;

/// Lists and objects in each other: deep recursion ends the sandbox. Published files have five.
pub const DEPTH_MAX: u32 = 32;

/// Names that are held at once to see which comes twice: those of an object and of all around it.
pub const NAMES_HELD_MAX: usize = 100_000;
