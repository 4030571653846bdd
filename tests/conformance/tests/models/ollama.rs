//! What only Ollama has: `from` and `name` in descriptors.

use lazaret_layouts::Carrier;
use lazaret_layouts::models::{Format, Model};

use crate::berth::Berth;
use crate::shelf::{assert_given_back, lay, pull};

#[test]
fn fields_that_oci_does_not_know_are_kept_and_shown() {
    let berth = Berth::new();
    let model = Model::small(34, 1);
    let artifact = Carrier::Ollama
        .pack(&[("model.gguf", &Format::Gguf.write(&model))])
        .unwrap();
    lay(&berth, "layout", &[("demo", &artifact)]);
    pull(&berth, "layout", "demo", &[]).expect(0);
    assert_given_back(&berth, "demo", &artifact);
    let shown = berth.run(["inspect", "demo", "--json"]).expect(0).json();
    let from = &artifact.blobs[0].fields["from"];
    assert_eq!(&shown["layers"][0]["from"], from);
    berth.assert_sound();
}
