//! Checkpoints whose pickles would run a command.

use lazaret_layouts::models::{Format, Model, malicious};
use lazaret_layouts::{Blob, Carrier, LayerBuilder, digest};

use crate::berth::Berth;
use crate::listing::facts;
use crate::shelf::{SPLIT, assert_given_back, lay, pull};

/// Carriers by which such a file is read at once, in an archive, and in a compressed one.
const CARRIERS: [Carrier; 5] = [
    Carrier::ALL[0],
    Carrier::ALL[1],
    Carrier::ALL[2],
    Carrier::ModelRunner,
    Carrier::Oras,
];

#[test]
fn a_checkpoint_that_runs_a_command_is_stored_with_the_verdict() {
    let evil = malicious(&Model::small(10, 1).tensors);
    for carrier in CARRIERS {
        for more in [&[][..], &SPLIT] {
            let (berth, tag) = (Berth::new(), carrier.tag());
            let artifact = carrier.pack(&[("pytorch_model.bin", &evil.bytes)]).unwrap();
            lay(&berth, "layout", &[(&tag, &artifact)]);
            let ran = pull(&berth, "layout", &tag, more).expect(0);
            ran.says(&["warning", "dangerous"]);
            assert_eq!(
                facts(&berth, &tag, "model.pickle-verdict"),
                ["dangerous"],
                "{tag}"
            );
            let findings = facts(&berth, &tag, "model.pickle-finding");
            let begin = format!("{} STACK_GLOBAL posix system", evil.offset);
            assert!(
                findings
                    .iter()
                    .any(|said| said.as_str().unwrap().starts_with(&begin)),
                "{tag}: {findings:?}, not {begin}"
            );
            let shown = berth.run(["inspect", &tag]).expect(0);
            assert!(
                shown.text().contains("dangerous"),
                "{tag}: {}",
                shown.text()
            );
            assert_given_back(&berth, &tag, &artifact);
            let given = berth.run(["cat", &tag, "pytorch_model.bin"]).expect(0);
            assert_eq!(digest(&given.stdout), digest(&evil.bytes));
            // It is there, and pulled again it is as dangerous.
            pull(&berth, "layout", &tag, more)
                .expect(0)
                .says(&["dangerous"]);
            pull(&berth, "layout", &tag, &["--policy", "strict"]).expect(4);
            berth.assert_sound();
        }
    }
}

#[test]
fn a_strict_policy_names_nothing_of_it() {
    let evil = malicious(&Model::small(11, 1).tensors);
    for carrier in CARRIERS {
        let (berth, tag) = (Berth::new(), carrier.tag());
        let artifact = carrier.pack(&[("pytorch_model.bin", &evil.bytes)]).unwrap();
        lay(&berth, "layout", &[(&tag, &artifact)]);
        let ran = pull(&berth, "layout", &tag, &["--policy", "strict"]).expect(4);
        ran.says(&["dangerous"]);
        assert!(berth.names().is_empty(), "{tag}: {:?}", berth.names());
    }
}

/// A pickle that runs `true`, in fewer bytes than a file has that stays in the stream.
const TINY: &[u8] = b"cposix\nsystem\n(S'true'\ntR.";

/// The same, in more.
fn short() -> Vec<u8> {
    [TINY, &[b'0'; 100]].concat()
}

/// Pulls an archive of these files and of one that would run a command; neither the file's size nor what
/// is beside it may keep it from being noticed.
fn noticed(files: &[(String, Vec<u8>)], evil: &[u8]) {
    let mut archive = LayerBuilder::default();
    for (name, content) in files {
        archive.add_file(name, content, 0o644).unwrap();
    }
    archive.add_file("x.pt", evil, 0o644).unwrap();
    let archive = archive.finish().unwrap();
    let mut artifact = Carrier::ALL[1].pack(&[]).unwrap();
    artifact.blobs = vec![Blob::new(
        "application/vnd.cncf.model.weight.v1.tar",
        archive,
    )];
    for more in [&[][..], &SPLIT] {
        let berth = Berth::new();
        lay(&berth, "layout", &[("demo", &artifact)]);
        let mut strict = more.to_vec();
        strict.extend(["--policy", "strict"]);
        pull(&berth, "layout", "demo", &strict).expect(4);
        assert!(berth.names().is_empty());
        pull(&berth, "layout", "demo", more)
            .expect(0)
            .says(&["warning"]);
        assert_given_back(&berth, "demo", &artifact);
    }
}

#[test]
fn the_smallest_dangerous_pickle_in_an_archive_is_noticed() {
    noticed(&[], TINY);
    noticed(&[], &short());
}

#[test]
fn a_dangerous_pickle_behind_more_files_than_are_looked_at_is_noticed() {
    let model = Model::uniform(42, 1, 16);
    let sound = Format::Safetensors.write(&model);
    let many: Vec<(String, Vec<u8>)> = (0..4200)
        .map(|at| (format!("{at}.safetensors"), sound.clone()))
        .collect();
    noticed(&many, &short());
}
