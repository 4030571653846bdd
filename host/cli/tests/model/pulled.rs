//! Models that are pulled, cut, and made whole again.

use lazaret_layouts::artifact::OCI_MANIFEST;
use lazaret_layouts::carrier::TITLE;
use lazaret_layouts::models::{Format, Model, malicious};
use lazaret_layouts::{Artifact, Blob, LayoutBuilder};

use crate::shelf::Home;

const WEIGHT: &str = "application/vnd.cncf.model.weight.v1.raw";

/// Writes an artifact of one file.
fn layout(home: &Home, name: &str, file: &str, data: Vec<u8>) {
    let mut layout = LayoutBuilder::create(&home.directory.path().join(name)).unwrap();
    let artifact = Artifact {
        media_type: OCI_MANIFEST,
        artifact_type: Some("application/vnd.cncf.model.manifest.v1+json".to_owned()),
        config: Blob::new("application/vnd.oci.empty.v1+json", b"{}".to_vec()),
        blobs: vec![Blob::new(WEIGHT, data).annotated(TITLE, file)],
    };
    artifact.write(&mut layout, "x").unwrap();
    layout.finish().unwrap();
}

#[test]
fn a_model_is_split_and_joined_and_stays_the_same() {
    let home = Home::new();
    let model = Model::small(1, 3);
    let data = Format::Safetensors.write(&model);
    layout(&home, "one", "model.safetensors", data.clone());
    let (root, _) = home.run(&["pull", "oci:one:x", "--tag", "one"]);
    let objects = || {
        let parts = home.json(&["parts", "one"]);
        let large = parts
            .iter()
            .filter(|part| part["size"].as_u64() >= Some(4096));
        let cut = parts.iter().filter(|part| part.get("object").is_some());
        (large.count(), cut.count())
    };
    let (large, cut) = objects();
    assert!(large > 3);
    assert_eq!(cut, 0);
    let before = home.json(&["parts", "one", "--digests"]);
    let (stdout, stderr) = home.run(&["split", "one"]);
    assert_eq!(stdout, root);
    assert!(stderr.starts_with("one: 1 blob, "), "{stderr}");
    assert_eq!(objects(), (large, large));
    let (stdout, _) = home.run(&["diff", "one", "one"]);
    assert!(stdout.ends_with("; no difference\n"), "{stdout}");
    let after = home.json(&["parts", "one", "--digests"]);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before["digest"], after["digest"]);
    }
    let document = &home.json(&["join", "one"])[0];
    assert_eq!(document["name"], "one");
    assert_eq!(document.get("source"), None);
    assert_eq!(objects(), (large, 0));
    let file = home.command(&["cat", "one", "model.safetensors"]).stdout;
    assert_eq!(file, data);
}

#[test]
fn what_runs_code_is_told_and_refused_by_a_strict_policy() {
    let home = Home::new();
    let tensors = Model::small(1, 1).tensors;
    layout(
        &home,
        "evil",
        "pytorch_model.bin",
        malicious(&tensors).bytes,
    );
    let pull = ["pull", "oci:evil:x", "--tag", "evil"];
    let output = home.command(&[&pull[..], &["--policy", "strict"]].concat());
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: pulling oci:evil:x: refused: blob sha256:"),
        "{stderr}"
    );
    assert!(
        stderr.contains(" (pytorch_model.bin) is dangerous\nhint: "),
        "{stderr}"
    );
    assert_eq!(home.json(&["images"]).len(), 0);

    let (_, stderr) = home.run(&pull);
    let warnings: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("warning: "))
        .collect();
    assert_eq!(warnings.len(), 1, "{stderr}");
    assert!(
        warnings[0].ends_with(" (pytorch_model.bin) is dangerous"),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("\n`lazaret inspect evil` has the details\n"),
        "{stderr}"
    );
    let document = &home.json(&pull)[0];
    assert_eq!(document["layers"][0]["severity"], "dangerous");
    assert_eq!(document["findings"].as_array().unwrap().len(), 1);
    let (stdout, _) = home.run(&["inspect", "evil"]);
    assert!(
        stdout.contains("  verdict     dangerous: 1 finding; `lazaret facts evil --key "),
        "{stdout}"
    );
}
