//! Registries for tests. [`Registry`] speaks the OCI distribution protocol out of memory and
//! misbehaves as told; [`Distribution`] is Debian's docker-registry, plain or with TLS and
//! passwords.
//!
//! Both listen on a port of 127.0.0.1 that the system picks, and end when they are dropped. Nothing
//! here uses any of the code under test. A fault happens as often as it was told to, and the log
//! says which request it hit, so that a test can be sure of what it has seen.

pub mod authority;
pub mod behaviour;
pub mod contents;
pub mod date;
pub mod distribution;
pub mod fault;
pub mod http;
pub mod log;
pub mod pattern;
pub mod registry;
mod route;
mod send;
mod token;

pub use authority::Authority;
pub use behaviour::{Address, Auth, Bearer, Behaviour};
pub use contents::digest;
pub use distribution::{Access, Distribution, PASSWORD, USER};
pub use fault::{Fault, Misdeed, RetryAfter};
pub use log::Request;
pub use registry::Registry;
