//! A pull that waits for a registry can be interrupted at once, and leaves nothing.

use std::process::Stdio;
use std::time::{Duration, Instant};

use lazaret_layouts::Compression;
use lazaret_registry::{Behaviour, Fault, Misdeed, Registry, RetryAfter};
use rustix::process::{Pid, Signal, kill_process};

use crate::berth::Berth;
use crate::image::OCI_MANIFEST;
use crate::program::Ran;
use crate::shelf::assert_sound;
use crate::stock;

/// How long it may take to end, on a busy machine.
const PROMPT: Duration = Duration::from_secs(5);

#[test]
fn whatever_it_waits_for() {
    for (path, misdeed) in [
        ("*/manifests/*", Misdeed::Stall(10)),
        ("*/blobs/*", Misdeed::Stall(10)),
        ("*/blobs/*", Misdeed::Drip(1, Duration::from_millis(50))),
        (
            "*/manifests/*",
            Misdeed::Later(503, RetryAfter::Seconds(1_000_000)),
        ),
    ] {
        let fault = Fault::new("GET", path, misdeed.clone()).always();
        let registry = Registry::start(Behaviour::with_fault(fault)).unwrap();
        let image = stock::small(1, Compression::None);
        for layer in &image.layers {
            registry.put_blob("a", &layer.blob);
        }
        registry.put_blob("a", &image.config_bytes());
        registry.put_manifest("a", OCI_MANIFEST, &image.manifest_bytes(), Some("1"));
        let berth = Berth::with("fsverity-sha256-12");
        let child = berth
            .lazaret()
            .args(["pull", &format!("docker://{}/a:1", registry.host())])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while registry.faults_seen() == 0 {
            assert!(Instant::now() < deadline, "{misdeed:?}: nobody came");
            std::thread::yield_now();
        }
        let asked = Instant::now();
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        let took = asked.elapsed();
        println!("{misdeed:?}: {:?} after {took:?}", ran.code);
        assert_eq!(ran.code, Some(130), "{misdeed:?}: {}", ran.stderr);
        assert!(took < PROMPT, "{misdeed:?}: {took:?}");
        assert!(berth.names().is_empty());
        assert_sound(&berth);
    }
}
