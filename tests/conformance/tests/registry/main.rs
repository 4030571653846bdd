//! The real `lazaret` program and registries: Debian's docker-registry, plain and with TLS and
//! passwords, with `skopeo` on the other side; and one that misbehaves as told.
//!
//! Everything is on loopback. What was pushed by one program is pulled by the other, and the digests
//! are the same. Whatever a registry does wrong ends in success or in a clear error with a
//! documented exit code, and leaves nothing half-stored.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]
#![expect(
    clippy::print_stdout,
    reason = "seen when a test fails, or when asked for"
)]

#[path = "../program/berth.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod berth;
#[path = "../program/chance.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod chance;
#[path = "../program/goods.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod goods;
#[path = "../program/image.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod image;
#[path = "../program/layout.rs"]
mod layout;
#[path = "../program/program.rs"]
mod program;
#[path = "../program/tools.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod tools;

mod blobs;
mod shelf;
mod stock;

mod archives;
mod cosign;
mod credentials;
mod exchange;
mod interrupted;
mod missing;
mod pull_faults;
mod push_faults;
mod recompress;
mod redirects;
mod referrers;
mod sparing;
