//! The two sides of a run: the [`Session`] that holds the bytes and takes the results, and
//! whoever steers it.

use lazaret_artifact::record::ImporterIdentity;
use lazaret_artifact::{Entry, Fact};

use crate::error::Fault;
use crate::offer::Offer;

/// A failure that is not the importer's: reading, verifying or storing went wrong.
pub type SessionError = Box<dyn std::error::Error + Send + Sync>;

/// Where bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In the splitstream.
    Inline,
    /// As an object.
    Object,
}

/// One blob on its way in. All arguments have been checked: lengths of objects are not zero,
/// entries are valid.
pub trait Session: std::any::Any + Send {
    /// Bytes kept so far.
    fn position(&self) -> u64;

    /// Bytes left, where known.
    fn remaining(&self) -> Option<u64>;

    /// The next `max` bytes without moving; fewer only at the end.
    ///
    /// # Errors
    /// When the blob cannot be read or verified.
    fn peek(&mut self, max: usize) -> Result<&[u8], SessionError>;

    /// Keeps the next `length` bytes and moves past them. Returns how many there were.
    ///
    /// # Errors
    /// When the blob cannot be read or verified, or the bytes cannot be kept.
    fn keep(&mut self, length: u64, storage: Storage) -> Result<u64, SessionError>;

    /// The blob's size, for random access.
    ///
    /// # Errors
    /// When the blob cannot be read at random.
    fn size(&mut self) -> Result<u64, SessionError>;

    /// Up to `max` bytes at `offset`, without moving.
    ///
    /// # Errors
    /// When the blob cannot be read at random.
    fn read_at(&mut self, offset: u64, max: usize) -> Result<Vec<u8>, SessionError>;

    /// Takes a validated entry.
    ///
    /// # Errors
    /// When it cannot be recorded.
    fn entry(&mut self, entry: Entry) -> Result<(), SessionError>;

    /// Takes a validated fact.
    ///
    /// # Errors
    /// When it cannot be recorded.
    fn fact(&mut self, fact: Fact) -> Result<(), SessionError>;

    /// Takes the next bytes of the derived object being built; the first call begins it.
    ///
    /// # Errors
    /// When they cannot be stored.
    fn derive(&mut self, bytes: &[u8]) -> Result<(), SessionError>;

    /// Ends the derived object being built; the next `derive` begins another.
    ///
    /// # Errors
    /// When it cannot be stored.
    fn finish_derived(&mut self) -> Result<(), SessionError>;
}

/// A finished run: the session comes back to its owner, whatever happened.
pub struct Run {
    /// The session, to be committed or dropped.
    pub session: Box<dyn Session>,
    /// Fuel that was used, however it ended.
    pub fuel: u64,
    /// How it ended.
    pub result: Result<Report, Ended>,
}

/// What a successful run used and produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Fuel: the importer's instructions and the host's work on its behalf.
    pub fuel: u64,
    /// Entries emitted.
    pub entries: u64,
    /// Facts added.
    pub facts: u64,
}

/// Why a run did not succeed.
#[derive(Debug)]
pub enum Ended {
    /// The importer says the blob is not its own.
    Declined(String),
    /// The importer or the blob is at fault.
    Fault(Fault),
    /// The host could not go on.
    Session(SessionError),
}

/// Whoever can steer a session: an importer in the sandbox, or a parser compiled natively, which
/// is what measurements compare it with.
pub trait Steer: Send + Sync {
    /// Who steers.
    fn identity(&self) -> &ImporterIdentity;

    /// Whether it reads the blob at random, so that [`Session::read_at`] must work.
    fn needs_random(&self) -> bool {
        false
    }

    /// Prefixes of the fact keys it asks for; the host decides what [`Offer::fact_namespaces`] grants.
    fn fact_namespaces(&self) -> &[String] {
        &[]
    }

    /// Steers one session to its end.
    fn ingest(&self, offer: &Offer, session: Box<dyn Session>) -> Run;
}
