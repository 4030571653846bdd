//! Inline bytes of streams, kept until the files they belong to are written.
//!
//! In tar layers these are the files of at most 64 bytes. Other importers may keep anything inline,
//! so what is too much for memory goes to a file without a name.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use crate::error::ViewError;

/// Bytes of one layer kept in memory. A layer of nothing but inline bytes would otherwise be in
/// memory whole.
const SPOOL_MEMORY: usize = 16 << 20;

pub(super) struct Spool {
    /// What comes after the bytes in `file`.
    memory: Vec<u8>,
    file: Option<File>,
    /// Bytes in `file`.
    filed: u64,
}

impl Spool {
    pub(super) const fn new() -> Self {
        Self {
            memory: Vec::new(),
            file: None,
            filed: 0,
        }
    }

    /// Keeps `bytes` and says where.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<u64, ViewError> {
        if self.memory.len() + bytes.len() > SPOOL_MEMORY {
            self.spill()?;
        }
        let at = self.filed + self.memory.len() as u64;
        self.memory.extend_from_slice(bytes);
        Ok(at)
    }

    fn spill(&mut self) -> Result<(), ViewError> {
        let failed = |source| ViewError::Io {
            operation: "write a temporary file in",
            path: std::env::temp_dir(),
            source,
        };
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile().map_err(failed)?),
        };
        file.write_all_at(&self.memory, self.filed)
            .map_err(failed)?;
        self.filed += self.memory.len() as u64;
        self.memory.clear();
        Ok(())
    }

    /// Fills `buffer` with what was kept from `at` on.
    pub(super) fn read(&self, buffer: &mut [u8], at: u64) -> Result<(), ViewError> {
        let left = usize::try_from(self.filed.saturating_sub(at)).unwrap_or(usize::MAX);
        let (filed, rest) = buffer.split_at_mut(left.min(buffer.len()));
        if let Some(file) = &self.file
            && !filed.is_empty()
        {
            file.read_exact_at(filed, at)
                .map_err(|source| ViewError::Io {
                    operation: "read a temporary file in",
                    path: std::env::temp_dir(),
                    source,
                })?;
        }
        let at = usize::try_from((at + filed.len() as u64).saturating_sub(self.filed))
            .expect("what is not in the file is in memory");
        rest.copy_from_slice(&self.memory[at..at + rest.len()]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_across_the_border_of_memory() {
        let mut spool = Spool::new();
        let byte = |at: u64| u8::try_from(at % 251).unwrap();
        let piece = 1 << 20;
        for number in 0..40_u64 {
            let bytes: Vec<u8> = (0..piece).map(|at| byte(number * piece + at)).collect();
            assert_eq!(spool.append(&bytes).unwrap(), number * piece);
        }
        assert!(spool.file.is_some());
        assert!(!spool.memory.is_empty());
        for (at, length) in [
            (0, 10),
            (spool.filed - 5, 10),
            (spool.filed, 4),
            (40 * piece - 1, 1),
        ] {
            let mut buffer = vec![0; length];
            spool.read(&mut buffer, at).unwrap();
            let want: Vec<u8> = (at..at + length as u64).map(byte).collect();
            assert_eq!(buffer, want, "{at}");
        }
    }
}
