//! SIGINT and SIGTERM, for verbs that can stop in an orderly way. All others die of them, as
//! programs do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The first signal that came, or 0.
static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// Sets `cancel` at the first signal; the second one kills, as if nobody had listened.
pub fn watch(cancel: Arc<AtomicBool>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new()
        .name("lazaret-signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                if RECEIVED.swap(signal, Ordering::Relaxed) != 0 {
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
                cancel.store(true, Ordering::Release);
            }
        })?;
    Ok(())
}

/// What a shell reports for a program that died of the signal that came: 130, or 143 for SIGTERM.
pub fn exit_code() -> u8 {
    const SIGNALLED: u8 = 128;
    match RECEIVED.load(Ordering::Relaxed) {
        SIGTERM => SIGNALLED + 15,
        _ => SIGNALLED + 2,
    }
}
