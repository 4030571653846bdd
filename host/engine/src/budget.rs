//! What one run may use. All defaults stand here; the command line can change each.

use std::time::Duration;

/// Bounds on one importer over one blob. Spending any of them is a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Fuel for the importer's own instructions, and again as much for the work it makes the host
    /// do: an endless loop ends here.
    pub fuel: FuelScale,
    /// Bytes of all linear memories together: stops memory bombs.
    pub memory: usize,
    /// Elements of all tables together: stops table bombs.
    pub table_elements: usize,
    /// Live resource handles: stops handle leaks.
    pub handles: usize,
    /// Bytes one call may hand to the host: stops a huge list from being copied out.
    pub call_bytes: usize,
    /// Entries of one blob: stops ten million names from a small archive.
    pub entries: u64,
    /// Facts of one blob.
    pub facts: u64,
    /// Log lines of one blob; more are counted and dropped.
    pub log_lines: u64,
    /// Extents of one entry: stops a sparse map from filling the record.
    pub extents: usize,
    /// Bytes derived from a blob, as a multiple of its size, with 1 MiB free: stops bombs in
    /// formats that compress inside.
    pub derived_ratio: u64,
    /// Wall-clock time without a single call to the host: the backstop behind fuel.
    pub stall: Duration,
}

/// Fuel as a function of the blob's size, so that it does not depend on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuelScale {
    /// For any blob.
    pub base: u64,
    /// For each byte of the blob as it travels.
    pub per_byte: u64,
}

impl FuelScale {
    /// Fuel for a blob of `size` bytes.
    #[must_use]
    pub const fn for_size(self, size: u64) -> u64 {
        self.base.saturating_add(self.per_byte.saturating_mul(size))
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            // A tar header costs about 25,000 and compresses to some fifty bytes.
            fuel: FuelScale {
                base: 2_000_000_000,
                per_byte: 1000,
            },
            memory: 64 << 20,
            table_elements: 20_000,
            handles: 64,
            call_bytes: 4 << 20,
            entries: 2_000_000,
            facts: 100_000,
            log_lines: 1000,
            extents: 1 << 16,
            derived_ratio: 1000,
            stall: Duration::from_secs(30),
        }
    }
}

/// Bytes one `read`, `peek` or `read-at` returns at most.
pub const MAX_READ: u32 = 64 * 1024;

/// Bytes of a fact key, an attribute key or a component's own name.
pub const MAX_KEY_LENGTH: usize = 128;

/// Bytes of a text or byte value.
pub const MAX_VALUE_LENGTH: usize = 64 * 1024;

/// Bytes of a log line; longer ones are cut.
pub const MAX_LOG_LENGTH: usize = 1024;

/// Attributes of one entry.
pub const MAX_ATTRIBUTES: usize = 256;

/// Extended attributes of one entry.
pub const MAX_XATTRS: usize = 1024;

/// Bytes of all extended attributes of one entry: what ext4 and XFS can hold is less.
pub const MAX_XATTR_BYTES: usize = 1 << 20;

/// Bytes of literal content of one entry.
pub const MAX_LITERAL: usize = 64 * 1024;

/// Fuel of `describe` and `probe`, which look at nothing large, and again as much for what they
/// make the host do.
pub const PREPARATION_FUEL: u64 = 100_000_000;

/// Bytes of input `probe` sees.
pub const PROBE_HEAD: usize = 4096;
