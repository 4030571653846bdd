//! Wherever models come from, what is stored is the same: a directory can be read at any place, an
//! archive and a registry only from the beginning to the end.

use lazaret_layouts::models::{Format, Model};
use lazaret_layouts::{Artifact, Carrier};
use lazaret_registry::{Access, Distribution};

use crate::berth::Berth;
use crate::shelf::{SPLIT, assert_given_back, lay, object_names};

const CARRIERS: [Carrier; 5] = [
    Carrier::ALL[0],
    Carrier::ALL[1],
    Carrier::ALL[2],
    Carrier::ALL[3],
    Carrier::Ollama,
];

fn artifact(carrier: Carrier) -> Artifact {
    let content = Format::Gguf.write(&Model::small(30, 4));
    carrier.pack(&[(Format::Gguf.file(), &content)]).unwrap()
}

/// Objects of a repository into which this was pulled, and nothing else.
fn pulled(source: &str, artifact: &Artifact, more: &[&str]) -> Vec<String> {
    let berth = Berth::new();
    let mut arguments = vec!["pull", source, "--tag", "demo"];
    arguments.extend(more);
    berth.run(arguments).expect(0);
    berth.run(["gc"]).expect(0);
    berth.assert_sound();
    assert_given_back(&berth, "demo", artifact);
    object_names(&berth)
}

#[test]
fn archives_and_registries_leave_the_same_objects_as_directories() {
    let Some(registry) = Distribution::start(&Access::Plain).unwrap() else {
        return;
    };
    for carrier in CARRIERS {
        let (berth, tag, artifact) = (Berth::new(), carrier.tag(), artifact(carrier));
        lay(&berth, "layout", &[(&tag, &artifact)]);
        let directory = format!("oci:{}:{tag}", berth.path("layout").display());
        let archive = format!("oci-archive:{}:{tag}", berth.path("layout.tar").display());
        let remote = format!("docker://{}/{tag}:1", registry.host());
        berth.run(["pull", &directory]).expect(0);
        berth.run(["push", &tag, &archive]).expect(0);
        berth.run(["push", &tag, &remote, "--plain-http"]).expect(0);
        for more in [&[][..], &SPLIT] {
            let wanted = pulled(&directory, &artifact, more);
            assert_eq!(pulled(&archive, &artifact, more), wanted, "{tag} {more:?}");
            let mut plain = more.to_vec();
            plain.push("--plain-http");
            assert_eq!(pulled(&remote, &artifact, &plain), wanted, "{tag} {more:?}");
        }
    }
}
