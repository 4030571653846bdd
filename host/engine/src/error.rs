//! What can go wrong: with the host ([`EngineError`]), and with an importer ([`Fault`]).

use std::fmt;

use lazaret_artifact::text::escape;

/// The sandbox could not be set up, or a component cannot be used as an importer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// wasmtime refused its configuration.
    #[error("setting up the sandbox")]
    Setup(#[source] WasmError),
    /// Not a component this host runs.
    #[error("loading importer {name}: {reason}")]
    Load {
        /// File name or built-in name.
        name: String,
        /// What is wrong with it.
        reason: LoadFault,
    },
    /// The component's `describe` failed or said something unusable.
    #[error("describing importer {name}")]
    Describe {
        /// File name or built-in name.
        name: String,
        /// What it did.
        #[source]
        source: Fault,
    },
}

impl EngineError {
    /// Whether the component, not the host, is to blame.
    #[must_use]
    pub const fn is_input_fault(&self) -> bool {
        matches!(self, Self::Load { .. } | Self::Describe { .. })
    }
}

/// Why a file is not a usable importer.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadFault {
    /// WebAssembly text; only the binary format is accepted.
    Text,
    /// A core module.
    CoreModule,
    /// Native code that claims to be a compiled component.
    Precompiled,
    /// None of these.
    NotWasm,
    /// Imports or exports that are not the importer world's.
    World(String),
    /// Invalid as WebAssembly, or it uses a proposal that is turned off.
    Invalid(String),
}

impl LoadFault {
    // wasmtime quotes the names in a component, which are whatever its author wanted.
    pub(crate) fn world(error: &wasmtime::Error) -> Self {
        Self::World(escape(format!("{error:#}").as_bytes()))
    }

    pub(crate) fn invalid(error: &wasmtime::Error) -> Self {
        Self::Invalid(escape(format!("{error:#}").as_bytes()))
    }
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("it is WebAssembly text, not binary"),
            Self::CoreModule => f.write_str("it is a core module, not a component"),
            Self::Precompiled => f.write_str("it is precompiled native code, which is never run"),
            Self::NotWasm => f.write_str("it is not WebAssembly"),
            Self::World(reason) => write!(f, "it does not fit the importer world: {reason}"),
            Self::Invalid(reason) => write!(f, "invalid component: {reason}"),
        }
    }
}

/// An importer failed on a blob, or misbehaved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// The blob's bytes it is about, where known: offset and length.
    pub at: Option<(u64, u64)>,
    /// In words, safe to print.
    pub reason: String,
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// The importer says the blob is broken or hostile.
    Malformed,
    /// The importer says the blob is beyond it.
    Unsupported,
    /// A trap in its code.
    Trap,
    /// Fuel, its own or what it made the host spend.
    Fuel,
    /// Linear memory.
    Memory,
    /// Tables.
    Table,
    /// Resource handles.
    Handles,
    /// Too much in one call or too many outputs.
    Output,
    /// It stopped talking to the host.
    Stalled,
    /// A path that is not one.
    Path,
    /// An extent beyond the input, or sizes that do not add up.
    Extent,
    /// A cut that is not one.
    Cut,
    /// A link to nothing.
    Link,
    /// Metadata the policy does not let through.
    Policy,
    /// A fact outside its namespaces.
    Namespace,
    /// An argument that makes no sense.
    Argument,
}

impl FaultKind {
    /// Whether it came to a bound that the operator can raise, and not to anything about the blob.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::Fuel | Self::Memory | Self::Table | Self::Handles | Self::Output | Self::Stalled
        )
    }
}

impl Fault {
    /// A fault without a place. `reason` may hold untrusted text; it is escaped.
    #[must_use]
    pub fn new(kind: FaultKind, reason: impl AsRef<str>) -> Self {
        let mut reason = escape(reason.as_ref().as_bytes());
        const MAX_REASON: usize = 2000;
        if reason.len() > MAX_REASON {
            let end = reason.floor_char_boundary(MAX_REASON);
            reason.truncate(end);
            reason.push('…');
        }
        Self {
            kind,
            at: None,
            reason,
        }
    }

    /// With the bytes it is about.
    #[must_use]
    pub const fn at(mut self, offset: u64, length: u64) -> Self {
        self.at = Some((offset, length));
        self
    }
}

impl FaultKind {
    /// A word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed input",
            Self::Unsupported => "unsupported input",
            Self::Trap => "the importer trapped",
            Self::Fuel => "the importer spent its fuel",
            Self::Memory => "the importer exceeded its memory",
            Self::Table => "the importer exceeded its tables",
            Self::Handles => "the importer exceeded its handles",
            Self::Output => "the importer exceeded its output",
            Self::Stalled => "the importer stalled",
            Self::Path => "invalid entry path",
            Self::Extent => "invalid extent",
            Self::Cut => "invalid cut",
            Self::Link => "invalid link",
            Self::Policy => "metadata refused by policy",
            Self::Namespace => "fact outside the granted namespaces",
            Self::Argument => "invalid argument",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if let Some((offset, _)) = self.at {
            write!(f, " at offset {offset}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for Fault {}

/// `wasmtime::Error` as a standard error; it does not implement the trait itself.
#[derive(Debug)]
pub struct WasmError(pub(crate) wasmtime::Error);

impl fmt::Display for WasmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for WasmError {}
