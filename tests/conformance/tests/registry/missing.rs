//! What is not all there cannot be pushed as a whole.

use lazaret_registry::{Behaviour, Registry};

use crate::berth::Berth;
use crate::shelf::assert_undamaged;
use crate::stock::Stock;

#[test]
fn all_of_an_index_of_which_one_platform_was_pulled() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    berth
        .run(["pull", "--keep-compressed", &stock.source("multi")])
        .expect(0);
    let to = format!("docker://{}/a:1", registry.host());
    let ran = berth.run(["push", "--all", "multi", &to]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    ran.says(&["hint:", "--all-platforms"]);
    assert_eq!(registry.count("PUT", "*"), 0);
    // The one that is there, as skopeo copies it: its manifest.
    berth.run(["push", "multi", &to]).expect(0);
    assert_eq!(registry.repository("a").tags["1"], stock.digests["image"]);
    assert_undamaged(&berth);
    berth.run(["push", "nothing", &to]).expect(5);
}
