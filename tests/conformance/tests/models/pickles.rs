//! Checkpoints whose pickles would run a command.

use lazaret_layouts::models::{Model, malicious};
use lazaret_layouts::{Carrier, digest};

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
