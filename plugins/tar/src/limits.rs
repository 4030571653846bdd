//! Bounds, each with the attack or accident it stops.

/// Bytes of a header, and what everything in an archive is padded to.
pub const BLOCK: usize = 512;

/// A regular file of at most this many bytes stays inline, a longer one is one object. Not a
/// choice: composefs 0.9 cuts layers so (`INLINE_CONTENT_MAX_V0`), and object sets must agree.
pub const INLINE_CONTENT_MAX: u64 = 64;

/// Bytes of extension headers' data (`x`, `L`, `K`) for one member, and of one `g` header: they are
/// held in memory, so a header that announces a gigabyte of attributes is refused before the first
/// byte of it. Linux itself stops at 64 KiB for one attribute's value.
pub const EXTENSION_DATA_MAX: usize = 1024 * 1024;

/// Regions of one sparse file: a map of a million one-byte regions would cost more than the file.
/// With the holes between them these are 65,535 extents, what the host takes for one entry.
pub const SPARSE_REGIONS_MAX: usize = 32_767;

/// Digits of one number in a PAX record or a sparse map: `u64::MAX` has twenty. More would be
/// leading zeros to hide a difference in.
pub const DECIMAL_DIGITS_MAX: usize = 20;

/// Bytes after the end marker that are read and kept inline, as composefs does with all of them.
/// GNU tar pads with less than 10 KiB; what comes after a mebibyte is left to the host, which keeps
/// it as one object, so a gigabyte of padding does not pass through the sandbox.
pub const TRAILER_MAX: u64 = 1024 * 1024;

/// Bytes asked for in one read: the interface's limit.
pub const READ_MAX: usize = 64 * 1024;

/// Sizes and offsets above this cannot exist on Linux (`off_t`), and stay clear of overflow.
pub const FILE_SIZE_MAX: u64 = i64::MAX as u64;

/// What eleven octal digits can say. A larger size is zero in the header of a PAX archive, and
/// stands in a record.
pub const OCTAL_SIZE_MAX: u64 = 0o777_7777_7777;
