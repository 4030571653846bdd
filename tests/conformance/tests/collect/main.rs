//! `gc` frees what nothing needs, exactly that, and nothing tagged is ever damaged by it: counted by
//! a walk of the repository that shares no code with the program, seen by `cfsctl`, and with kills
//! at any moment.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]
#![expect(
    clippy::print_stdout,
    reason = "seen when a test fails, or when asked for"
)]

#[path = "../program/berth.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod berth;
#[path = "../program/chance.rs"]
mod chance;
#[path = "../program/goods.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod goods;
#[path = "../program/image.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod image;
#[path = "../program/layout.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod layout;
#[path = "../program/program.rs"]
mod program;
#[path = "../program/tools.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod tools;

mod reach;
mod splitstream;
mod stock;

mod at_once;
mod exact;
mod family;
mod killed;
