//! `split` and `join`: from one form to the other without fetching, and as if it had been pulled so.

use lazaret_layouts::models::{Format, Model};
use lazaret_layouts::{Artifact, Carrier, Compression, LayerBuilder};

use crate::berth::Berth;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::listing::{found, written};
use crate::shelf::{SPLIT, assert_cfsctl_agrees, assert_given_back, lay, object_names, pull};
use crate::tools::{succeed, tool};

/// A carrier of files as they are, one of archives, and one of compressed archives.
const CARRIERS: [Carrier; 3] = [Carrier::ALL[0], Carrier::ALL[1], Carrier::ALL[2]];

fn artifact(carrier: Carrier) -> Artifact {
    let model = Model::small(5, 4);
    let files = Format::ALL.map(|format| (format.file(), format.write(&model)));
    let files = files
        .each_ref()
        .map(|(path, content)| (*path, &content[..]));
    carrier.pack(&files).unwrap()
}

/// Objects of a repository into which the layout was pulled, and nothing else.
fn fresh(layout: &str, tag: &str, more: &[&str]) -> Vec<String> {
    let berth = Berth::new();
    let mut arguments = vec!["pull", layout, "--tag", tag];
    arguments.extend(more);
    berth.run(arguments).expect(0);
    // Cutting may have wanted a copy to read from.
    berth.run(["gc"]).expect(0);
    object_names(&berth)
}

/// Splits and joins twice, and compares with fresh pulls each time.
fn to_and_fro(berth: &Berth, source: &str, tag: &str, check: &dyn Fn()) {
    let [whole, cut] = [&[][..], &SPLIT].map(|more| fresh(source, tag, more));
    assert_ne!(whole, cut, "{tag}");
    berth.run(["pull", source, "--tag", tag]).expect(0);
    let digest = berth.tags()[tag].clone();
    for _ in 0..2 {
        for (verb, wanted) in [("split", &cut), ("join", &whole)] {
            berth.run([verb, tag]).expect(0);
            assert_eq!(berth.tags()[tag], digest, "{verb} {tag}");
            check();
            berth.assert_sound();
            berth.run(["gc"]).expect(0);
            assert_eq!(&object_names(berth), wanted, "{verb} {tag}");
            berth.assert_sound();
            check();
            assert_cfsctl_agrees(berth.repository());
        }
    }
}

#[test]
fn artifacts_are_split_and_joined_as_if_they_had_been_pulled_so() {
    for carrier in CARRIERS {
        let (berth, tag, artifact) = (Berth::new(), carrier.tag(), artifact(carrier));
        lay(&berth, "layout", &[(&tag, &artifact)]);
        let source = format!("oci:{}:{tag}", berth.path("layout").display());
        pull(&berth, "layout", &tag, &[]).expect(0);
        let listed: Vec<_> = artifact
            .files()
            .map(|(path, _)| found(&berth, &tag, Some(path)))
            .collect();
        assert_eq!(listed.len(), 4);
        to_and_fro(&berth, &source, &tag, &|| {
            assert_given_back(&berth, &tag, &artifact);
            let again: Vec<_> = artifact
                .files()
                .map(|(path, _)| found(&berth, &tag, Some(path)))
                .collect();
            assert_eq!(again, listed, "{tag}");
        });
    }
}

#[test]
fn images_with_models_in_them_stay_as_cfsctl_reads_them() {
    let berth = Berth::new();
    let model = Model::small(6, 3);
    let content = Format::Safetensors.write(&model);
    let mut layer = LayerBuilder::default();
    layer.add_directory("usr").unwrap();
    layer.add_file("usr/hello", b"hello\n", 0o644).unwrap();
    layer
        .add_file("usr/model.safetensors", &content, 0o644)
        .unwrap();
    let archive = layer.finish().unwrap();
    let image = Image::new(vec![Layer::new(&archive, Compression::Gzip)]);
    let layout = Layout::of(berth.path("layout"), "demo", &image);
    let source = layout.source("demo");
    let whole = fresh(&source, "demo", &[]);
    assert_eq!(fresh(&source, "demo", &SPLIT), whole);
    berth.run(["pull", &source, "--tag", "demo"]).expect(0);
    let image_id = || {
        let mut cfsctl = tool("cfsctl")?;
        let asked = ["oci", "compute-id", "demo"];
        let ran = succeed(cfsctl.arg("--repo").arg(berth.repository()).args(asked));
        Some(ran.text().to_owned())
    };
    let id = image_id();
    for verb in ["split", "join"] {
        berth.run([verb, "demo"]).expect(0);
        assert_eq!(object_names(&berth), whole, "{verb}");
        assert_eq!(image_id(), id, "{verb}");
        let file = berth.run(["cat", "demo", "usr/model.safetensors"]);
        assert!(file.expect(0).stdout == content);
    }
    let diff_id = &image.layers[0].diff_id;
    let blob = berth.run(["cat", "--blob", diff_id]).expect(0).stdout;
    assert!(blob == archive);
    let listed = found(&berth, "demo", Some("usr/model.safetensors"));
    assert_eq!(listed, written(&model, Format::Safetensors));
    berth.assert_sound();
}

#[test]
fn what_is_pulled_again_stays_as_it_is_unless_told_otherwise() {
    let berth = Berth::new();
    let artifact = artifact(CARRIERS[0]);
    lay(&berth, "layout", &[("demo", &artifact)]);
    pull(&berth, "layout", "demo", &SPLIT).expect(0);
    let cut = object_names(&berth);
    let again = pull(&berth, "layout", "demo", &["--json"]).expect(0).json();
    assert_eq!(object_names(&berth), cut);
    for layer in again["layers"].as_array().unwrap() {
        assert_eq!(layer["reused"], true, "{layer}");
    }
    berth.run(["join", "demo"]).expect(0);
    berth.run(["gc"]).expect(0);
    assert_ne!(object_names(&berth), cut);
    pull(&berth, "layout", "demo", &SPLIT).expect(0);
    berth.run(["gc"]).expect(0);
    assert_eq!(object_names(&berth), cut);
    berth.assert_sound();
}

#[test]
fn splitting_one_of_two_names_of_the_same_blobs_leaves_both_whole() {
    let berth = Berth::new();
    let content = Format::Safetensors.write(&Model::small(7, 3));
    let pack = |files: &[(&str, &[u8])]| CARRIERS[0].pack(files).unwrap();
    let alone = pack(&[("model.safetensors", &content)]);
    let beside = pack(&[("model.safetensors", &content), ("README.md", b"# Two")]);
    lay(&berth, "layout", &[("alone", &alone), ("beside", &beside)]);
    for tag in ["alone", "beside"] {
        pull(&berth, "layout", tag, &[]).expect(0);
    }
    berth.run(["split", "alone"]).expect(0);
    berth.run(["gc"]).expect(0);
    berth.assert_sound();
    assert_given_back(&berth, "alone", &alone);
    assert_given_back(&berth, "beside", &beside);
    berth.run(["untag", "alone"]).expect(0);
    berth.run(["gc"]).expect(0);
    berth.assert_sound();
    assert_given_back(&berth, "beside", &beside);
    berth.run(["untag", "beside"]).expect(0);
    berth.run(["gc"]).expect(0);
    assert_eq!(object_names(&berth), Vec::<String>::new());
}
