//! Bounds, each with the attack or accident it stops.
//!
//! Together they keep the importer below the 64 MiB a sandbox has, which `host/builtins/tests/limits`
//! tries: what pickles build 24 MiB, members of the archive 15 MiB, for 60,000 tensors 15 MiB while they
//! are named. One string takes 8 MiB and the stack 4 MiB while the pickle is walked, and nothing later.

/// Bytes asked for in one read: the interface's limit.
pub const READ_MAX: u32 = 64 * 1024;

/// Bytes asked for around a local header, which with its name and padding is rarely longer.
pub const HEADER_READ: u32 = 1024;

/// Members of one archive. A directory lists 46 bytes each, so a small file could list millions; no
/// more than 60,000 can be storages of tensors that fit.
pub const MEMBERS_MAX: u64 = 100_000;

/// Bytes of a zip's central directory: with names of 64 KiB it could be 13 GiB.
pub const DIRECTORY_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of all members' names together that are held at once.
pub const NAMES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of `version`, `byteorder` and the like, which are read whole.
pub const SMALL_MEMBER_MAX: u64 = 64;

/// Bytes of everything a pickle builds: four bytes of opcodes can duplicate, memoize and nest
/// without end. A tensor costs about 400, so some 60,000 fit.
pub const HEAP_MAX: usize = 24 * 1024 * 1024;

/// Sizes and strides of all tensors together: a tuple of 64 costs a pickle two bytes each time it is
/// used again, and they are held twice in the end.
pub const DIMENSIONS_MAX: usize = 1_000_000;

/// Values on the stack: a byte pushes one.
pub const STACK_MAX: usize = 500_000;

/// Marks on the stack.
pub const MARKS_MAX: usize = 100_000;

/// Bytes of one string that is read whole, to see that it is text.
pub const STRING_MAX: u64 = 8 * 1024 * 1024;

/// Bytes of a string that is remembered: a name, a key. It may become an attribute, which has 64 KiB.
pub const TEXT_MAX: usize = 16 * 1024;

/// Bytes of a line that is a number, a module or a name.
pub const LINE_MAX: u64 = 64 * 1024;

/// A memo slot this far behind the last one is kept aside: memory is for slots that are filled.
pub const MEMO_STEP: usize = 4096;

/// Pickles read from one stream behind the first: a pickle takes two bytes.
pub const PICKLES_MAX: usize = 64;

/// Findings that are stated; the others are counted.
pub const FINDINGS_MAX: usize = 1000;

/// Bytes of a module or name in a finding.
pub const FINDING_NAME_MAX: usize = 256;

/// Dimensions of one tensor: as many as `NumPy` takes. A shape is the value of an attribute.
pub const RANK_MAX: usize = 64;

/// Nesting that is followed in search of tensors' names: a pickle can nest a list in itself.
pub const DEPTH_MAX: usize = 32;

/// Bytes of a tensor's name, which is made of keys.
pub const NAME_MAX: usize = 16 * 1024;

/// Bytes of all parts' names together: a long key stands before all names below it.
pub const NAMES_OF_PARTS_MAX: usize = 8 * 1024 * 1024;

/// Parts of one file: containers are entered once, so only its own length bounds what a pickle lists.
pub const PARTS_MAX: usize = 200_000;

/// Facts about a checkpoint's other entries (epoch, version …).
pub const METADATA_FACTS_MAX: usize = 100;

/// A tensor of fewer bytes stays inline when a file is split: an object costs more than it saves.
pub const SPLIT_MIN: u64 = 4096;

/// What is no tensor, and longer, is an object of its own when a file is split.
pub const INLINE_MAX: u64 = 64 * 1024;
