//! Collections beside readers and writers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lazaret_graph::gc::{self, GcOptions};
use lazaret_graph::names::Stream;
use lazaret_graph::{load, rebuild, untag};
use lazaret_store::{Access, Repository};

use super::{no_images, plan};
use crate::fixture::Fixture;

/// How often the image is replaced.
const ROUNDS: usize = 40;

#[test]
fn readers_and_writers_never_miss_anything() {
    let fixture = Fixture::new();
    fixture.demo("kept");
    let path = fixture.path("");
    // Each opens the repository for itself, as processes do.
    let closed = fixture.closed();
    let over = AtomicBool::new(false);
    let (reads, collected) = (AtomicU64::new(0), AtomicU64::new(0));
    let closed = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let repository = Repository::open(&path, Access::Read).unwrap();
                for name in ["kept", "changing"] {
                    let image = match load(&repository, &name.parse().unwrap()) {
                        Ok(image) => image,
                        Err(error) => {
                            assert!(error.is_not_found(), "{name}: {error}");
                            continue;
                        }
                    };
                    let layer = Stream::Layer(image.layers[0].key);
                    assert!(rebuild(&repository, layer, &mut std::io::sink()).unwrap());
                }
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let repository = Repository::open(&path, Access::Write).unwrap();
                let cancel = AtomicBool::new(false);
                let lock = repository.lock_exclusive(&cancel, &|| {}).unwrap();
                let options = GcOptions {
                    image_objects: &no_images,
                    cancel: &cancel,
                };
                let went = gc::collect(&repository, &lock, &options, &|_| {}).unwrap();
                collected.fetch_add(went.objects.len() as u64, Ordering::Relaxed);
            }
        });
        let mut closed = closed;
        for round in 0..ROUNDS {
            let fixture = closed.reopened();
            let layer = fixture.layer(&[("changing", &vec![round as u8; 3000])]);
            let mut parts = fixture.image(&[layer]);
            parts.records = vec![fixture.record(&layer, &["changing"])];
            fixture.commit(&parts, &["changing"]);
            if round % 5 == 4 {
                untag(&fixture.repository, &"changing".parse().unwrap()).unwrap();
            }
            closed = fixture.closed();
        }
        over.store(true, Ordering::Relaxed);
        closed
    });
    drop(closed);
    assert!(reads.into_inner() > 0);
    assert!(collected.into_inner() > 0);
}

#[test]
fn a_plan_does_not_hinder_who_writes() {
    let fixture = Fixture::new();
    fixture.demo("kept");
    let other = Repository::open(&fixture.path(""), Access::Write).unwrap();
    other.put(&[1; 300]).unwrap();
    let planned = plan(&fixture.repository).unwrap();
    assert_eq!(planned.objects.len(), 1);
    other.put(&[2; 300]).unwrap();
}
