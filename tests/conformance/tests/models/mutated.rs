//! Models damaged at random: whatever importers make of them, they are kept and given back, and what
//! is not damaged beside them is read.

use lazaret_layouts::Carrier;
use lazaret_layouts::models::{Format, Model};

use crate::berth::Berth;
use crate::chance::Chance;
use crate::listing::{found, written};
use crate::shelf::{SPLIT, assert_files, assert_given_back, lay, pull};

/// Damaged files of each format in an artifact.
const FILES: usize = 6;

/// Artifacts of each carrier.
const ROUNDS: usize = 3;

const CARRIERS: [Carrier; 3] = [Carrier::ALL[0], Carrier::ALL[1], Carrier::ALL[3]];

/// A few bytes changed, taken out or put in; most of them where formats say something.
fn damage(content: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = content.to_vec();
    for _ in 0..=chance.below(3) {
        let length = bytes.len() as u64;
        let limit = match chance.below(4) {
            0 => length,
            1 => 64.min(length),
            _ => 2048.min(length),
        };
        let mut at = chance.below(limit) as usize;
        // PyTorch's directory is at the end.
        if chance.below(4) == 0 {
            at = bytes.len() - 1 - at;
        }
        match chance.below(5) {
            0 => bytes.truncate(at.max(1)),
            1 => bytes.insert(at, chance.any() as u8),
            2 => drop(bytes.remove(at)),
            _ => bytes[at] = chance.any() as u8,
        }
        if bytes.len() < 2 {
            break;
        }
    }
    bytes
}

#[test]
fn damaged_files_are_kept_and_their_neighbours_read() {
    let mut chance = Chance::fresh("damaged_files_are_kept_and_their_neighbours_read");
    let model = Model::small(40, 1);
    let sound = Format::ALL.map(|format| (format.file().to_owned(), format.write(&model)));
    for round in 0..ROUNDS {
        let mut files = sound.to_vec();
        for at in 0..FILES {
            for (name, content) in &sound {
                files.push((format!("{at}/{name}"), damage(content, &mut chance)));
            }
        }
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(path, content)| (&**path, &content[..]))
            .collect();
        for carrier in CARRIERS {
            let (berth, tag) = (Berth::new(), carrier.tag());
            let artifact = carrier.pack(&files).unwrap();
            lay(&berth, "layout", &[(&tag, &artifact)]);
            for more in [&[][..], &SPLIT] {
                println!("round {round}, {tag} {more:?}");
                pull(&berth, "layout", &tag, more).expect(0);
                berth.assert_sound();
                assert_given_back(&berth, &tag, &artifact);
                for format in Format::ALL {
                    let listed = found(&berth, &tag, Some(format.file()));
                    assert_eq!(listed, written(&model, format), "{tag} {more:?}");
                }
            }
            assert_files(&berth, &tag, &artifact);
        }
    }
}
