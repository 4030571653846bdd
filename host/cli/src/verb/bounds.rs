//! What one layer or blob may cost: the limits of verbs that run importers.

use std::path::Path;

use clap::Args;
use lazaret_engine::{Budget, SandboxOptions};
use lazaret_intake::UnpackLimits;

use crate::amount::{Bytes, Count, Fuel, Span};
use crate::place::{self, Surroundings};

/// What one layer may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits for one layer or blob")]
pub struct Bounds {
    /// Instructions of its importer, and how many more for each byte
    #[arg(long, value_name = "N[+PER_BYTE]", default_value_t = Fuel(Budget::default().fuel))]
    fuel: Fuel,

    /// Memory of its importer
    #[arg(long, value_name = "SIZE", default_value_t = Bytes(Budget::default().memory as u64))]
    max_memory: Bytes,

    /// Entries in it
    #[arg(long, value_name = "N", default_value_t = Count(Budget::default().entries))]
    max_entries: Count,

    /// Time its importer may go on without asking for anything
    #[arg(long, value_name = "TIME", default_value_t = Span(Budget::default().stall))]
    stall_timeout: Span,

    /// Decompressed size
    #[arg(long, value_name = "SIZE", default_value_t = Bytes(UnpackLimits::default().size))]
    max_layer_size: Bytes,

    /// Decompressed size as a multiple of the compressed size
    #[arg(long, value_name = "N", default_value_t = UnpackLimits::default().ratio)]
    max_ratio: u64,
}

impl Bounds {
    /// The sandbox that importers run in; compiled ones are kept on disk or not.
    pub fn sandbox(&self, repository: &Path, keep_compiled: bool) -> SandboxOptions {
        SandboxOptions {
            budget: Budget {
                fuel: self.fuel.0,
                memory: usize::try_from(self.max_memory.0).unwrap_or(usize::MAX),
                entries: self.max_entries.0,
                stall: self.stall_timeout.0,
                ..Budget::default()
            },
            cache: match keep_compiled {
                false => None,
                true => place::code_cache(&Surroundings::of_process(), repository),
            },
        }
    }

    /// How large a layer may become.
    pub fn unpacking(&self) -> UnpackLimits {
        UnpackLimits {
            size: self.max_layer_size.0,
            ratio: self.max_ratio,
            ..UnpackLimits::default()
        }
    }
}
