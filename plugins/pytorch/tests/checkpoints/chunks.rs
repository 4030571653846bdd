//! What holds for every file, random ones included.

use lazaret_plugin_pytorch::split::cuts;
use lazaret_plugin_pytorch::{Checkpoint, Fault, Findings, replay};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::pickle::*;
use crate::sound::legacy;
use crate::zip::*;

type Outcome = Result<Checkpoint, (Fault, Findings)>;

fn summary(outcome: &Outcome) -> String {
    format!("{outcome:?}")
}

/// Files of every kind.
pub fn files() -> Vec<Vec<u8>> {
    let tensors = [
        ("a", SMALL),
        (
            "b.weight",
            Tensor {
                size: &[3],
                stride: &[2],
                ..SMALL
            },
        ),
    ];
    let pickle = Pickle::state(&tensors);
    let storages = [("0", vec![7; 24])];
    let torch = checkpoint(pickle.clone(), &storages);
    let mut plain = torch.clone();
    plain.is_long = false;
    for member in &mut plain.members {
        member.flags = 0;
    }
    vec![
        torch.build().bytes,
        plain.build().bytes,
        legacy(&pickle, &[("0", 6, vec![0; 24])]),
        pickle,
        b"cposix\nsystem\np0\n(Vid\np1\ntp2\nRp3\n.".to_vec(),
        b"\x80\x04\x95\x11\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94.".to_vec(),
    ]
}

/// What a sound file must be like.
fn check(outcome: &Outcome, size: u64) {
    match outcome {
        Ok(checkpoint) => {
            for part in &checkpoint.parts {
                assert!(part.offset + part.length <= size, "{part:?}");
            }
            let cuts = cuts(checkpoint);
            assert_eq!(cuts.iter().map(|cut| cut.length).sum::<u64>(), size);
            assert!(cuts.iter().all(|cut| cut.length > 0));
        }
        Err((fault, _)) => assert!(fault.at.offset + fault.at.length <= size, "{fault:?}"),
    }
}

proptest! {
    #[test]
    fn reads_of_any_length_say_the_same(
        place in any::<Index>(),
        seed in 1..u64::MAX,
        changes in vec((any::<Index>(), any::<u8>()), 0..4),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let files = files();
        let mut file = files[place.index(files.len())].clone();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        let whole = replay(&file, 0);
        check(&whole, file.len() as u64);
        prop_assert_eq!(summary(&replay(&file, seed)), summary(&whole));
    }

    #[test]
    fn any_opcodes_come_to_an_end(bytes in vec(any::<u8>(), 0..400)) {
        let file = [b"\x80\x04", bytes.as_slice()].concat();
        check(&replay(&file, 0), file.len() as u64);
    }
}
