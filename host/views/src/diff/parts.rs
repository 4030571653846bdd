//! Matching parts and comparing what they hold. Takes some 300 bytes for a part.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use lazaret_artifact::{Extent, VerityDigest};
use lazaret_graph::Image;
use lazaret_store::Repository;

use super::{Changed, DiffProgress, Differences, Outline};
use crate::error::ViewError;
use crate::findings::{Part, Place, each_part};
use crate::part_reader::PartReader;

/// Attributes that say how the bytes are to be read, or where they are if not here.
const MEANING: [&str; 9] = [
    "stride",
    "marks",
    "encoding",
    "dense-shape",
    "location",
    "basepath",
    "offset",
    "length",
    "checksum",
];

/// Compares all parts of two images.
pub(super) fn compare(
    repository: &Repository,
    before: &Image,
    after: &Image,
    reading: &mut dyn FnMut(DiffProgress),
    differences: &mut Differences,
) -> Result<(), ViewError> {
    let mut words = HashSet::new();
    let before = side(repository, before, &mut words)?;
    let after = side(repository, after, &mut words)?;
    let pairs = pairs(&before, &after);
    let to_read: Vec<(usize, usize)> = pairs
        .both
        .iter()
        .copied()
        .filter(|&(b, a)| known(&before[b], &after[a]).is_none())
        .collect();
    let was = PartReader::locate(
        repository,
        to_read.iter().map(|&(b, _)| before[b].stretch()),
    )?;
    let is = PartReader::locate(repository, to_read.iter().map(|&(_, a)| after[a].stretch()))?;
    let sizes = to_read.iter().map(|&(b, _)| before[b].outline.size);
    let mut progress = DiffProgress {
        done: 0,
        total: sizes.fold(0, u64::saturating_add).saturating_mul(2),
    };
    let mut changed = Vec::new();
    for (b, a) in pairs.both {
        let (left, right) = (&before[b], &after[a]);
        let is_equal = match known(left, right) {
            Some(known) => known,
            None => {
                let was = was.sha256(&left.place, &left.extents)?;
                let is = is.sha256(&right.place, &right.extents)?;
                let both = left.outline.size.saturating_mul(2);
                progress.done = progress.done.saturating_add(both);
                reading(progress);
                was == is
            }
        };
        if !is_equal {
            changed.push((b, a));
            continue;
        }
        differences.equal.add(right.outline.size);
        if left.outline.file != right.outline.file {
            differences.elsewhere.add(right.outline.size);
        }
    }
    changed.sort_unstable();
    let outline = |side: &[Known], at: usize| side[at].outline.clone();
    differences.changed = changed
        .into_iter()
        .map(|(b, a)| Changed {
            content_only: looks_alike(&before[b], &after[a]),
            before: outline(&before, b),
            after: outline(&after, a),
        })
        .collect();
    differences.gone = pairs.gone.iter().map(|&at| outline(&before, at)).collect();
    differences.added = pairs.added.iter().map(|&at| outline(&after, at)).collect();
    Ok(())
}

/// What has to be kept of a part to compare it.
struct Known {
    outline: Outline,
    place: Arc<Place>,
    extents: Vec<Extent>,
    object: Option<VerityDigest>,
    meaning: Option<Arc<str>>,
}

impl Known {
    fn stretch(&self) -> (&Place, &[Extent]) {
        (&self.place, &self.extents)
    }
}

fn side(
    repository: &Repository,
    image: &Image,
    words: &mut HashSet<Arc<str>>,
) -> Result<Vec<Known>, ViewError> {
    let mut parts = Vec::new();
    each_part(repository, image, |part| {
        parts.push(Known::of(part, words));
        Ok::<_, ViewError>(())
    })?;
    Ok(parts)
}

impl Known {
    fn of(part: Part, words: &mut HashSet<Arc<str>>) -> Self {
        let mut word = |text: &str| match words.get(text) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = text.into();
                words.insert(Arc::clone(&new));
                new
            }
        };
        let mut meaning = String::new();
        for attribute in &part.attributes {
            if MEANING.contains(&attribute.key.as_str()) {
                meaning.push_str(&format!("{}={:?};", attribute.key, attribute.value));
            }
        }
        Self {
            meaning: (!meaning.is_empty()).then(|| word(&meaning)),
            outline: Outline {
                dtype: part.text("dtype").map(&mut word),
                shape: part.text("shape").map(&mut word),
                file: part.file,
                name: part.name,
                size: part.size,
            },
            place: part.place,
            extents: part.extents,
            object: part.object,
        }
    }
}

/// Whether two parts are equal, where no reading is needed to know.
fn known(before: &Known, after: &Known) -> Option<bool> {
    if !looks_alike(before, after) {
        return Some(false);
    }
    if before.outline.size == 0 {
        return Some(true);
    }
    if before.place.content == after.place.content && before.extents == after.extents {
        return Some(true);
    }
    match (&before.object, &after.object) {
        (Some(before), Some(after)) => Some(before == after),
        _ => None,
    }
}

/// Whether all but the bytes is the same.
fn looks_alike(before: &Known, after: &Known) -> bool {
    let (left, right) = (&before.outline, &after.outline);
    left.size == right.size
        && left.shape == right.shape
        && before.meaning == after.meaning
        && match (&left.dtype, &right.dtype) {
            (Some(left), Some(right)) => left == right || common(left) == common(right),
            (left, right) => left == right,
        }
}

/// The types that formats spell differently and store alike, as safetensors spells them.
fn common(dtype: &str) -> String {
    let lower = dtype.to_ascii_lowercase();
    match lower.as_str() {
        "float64" | "double" => "f64",
        "float32" | "float" => "f32",
        "float16" | "half" => "f16",
        "bfloat16" => "bf16",
        "int64" | "long" => "i64",
        "int32" | "int" => "i32",
        "int16" | "short" => "i16",
        "int8" => "i8",
        "uint64" => "u64",
        "uint32" => "u32",
        "uint16" => "u16",
        "uint8" => "u8",
        "complex64" => "c64",
        _ => return lower,
    }
    .to_owned()
}

/// Numbers of parts on either side.
struct Pairs {
    both: Vec<(usize, usize)>,
    gone: Vec<usize>,
    added: Vec<usize>,
}

fn pairs(before: &[Known], after: &[Known]) -> Pairs {
    let mut both = Vec::new();
    let by_both = |a: &Known, b: &Known| {
        let (a, b) = (&a.outline, &b.outline);
        a.file.cmp(&b.file).then_with(|| a.name.cmp(&b.name))
    };
    let by_name = |a: &Known, b: &Known| a.outline.name.cmp(&b.outline.name);
    let (gone, added) = (0..before.len(), 0..after.len());
    // Names that a format has twice are matched in their order.
    let (gone, added) = join(
        before,
        after,
        gone.collect(),
        added.collect(),
        &by_both,
        |left, right| {
            both.extend(left.iter().copied().zip(right.iter().copied()));
            left.len().min(right.len())
        },
    );
    let (mut gone, mut added) = join(before, after, gone, added, &by_name, |left, right| {
        match (left, right) {
            ([left], [right]) => {
                both.push((*left, *right));
                1
            }
            _ => 0,
        }
    });
    both.sort_unstable();
    gone.sort_unstable();
    added.sort_unstable();
    Pairs { both, gone, added }
}

/// Sorts both sides, hands over the runs of what is equal, and gives back what is left: all of a run
/// but as many of its first as were taken.
fn join(
    before: &[Known],
    after: &[Known],
    mut left: Vec<usize>,
    mut right: Vec<usize>,
    order: &dyn Fn(&Known, &Known) -> Ordering,
    mut take: impl FnMut(&[usize], &[usize]) -> usize,
) -> (Vec<usize>, Vec<usize>) {
    left.sort_by(|&a, &b| order(&before[a], &before[b]).then(a.cmp(&b)));
    right.sort_by(|&a, &b| order(&after[a], &after[b]).then(a.cmp(&b)));
    let (mut gone, mut added) = (Vec::new(), Vec::new());
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        let next = match (left.get(l), right.get(r)) {
            (Some(&a), Some(&b)) => order(&before[a], &after[b]),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        let run = |side: &[Known], numbers: &[usize], from: usize| {
            let first = &side[numbers[from]];
            let rest = numbers[from..].iter();
            rest.take_while(|&&at| order(first, &side[at]).is_eq())
                .count()
        };
        let (mut lefts, mut rights) = (0, 0);
        if next.is_le() {
            lefts = run(before, &left, l);
        }
        if next.is_ge() {
            rights = run(after, &right, r);
        }
        let (run_left, run_right) = (&left[l..l + lefts], &right[r..r + rights]);
        let taken = match next {
            Ordering::Equal => take(run_left, run_right),
            _ => 0,
        };
        gone.extend(run_left.iter().skip(taken));
        added.extend(run_right.iter().skip(taken));
        l += lefts;
        r += rights;
    }
    (gone, added)
}

#[cfg(test)]
mod tests {
    use lazaret_artifact::{ContentDigest, EntryPath, VerityAlgorithm};
    use proptest::prelude::*;

    use super::*;

    fn side(parts: &[(u8, u8)]) -> Vec<Known> {
        let place = Arc::new(Place {
            blob: ContentDigest::sha256(b""),
            content: ContentDigest::sha256(b""),
            stream: VerityDigest::from_bytes(VerityAlgorithm::Sha256, &[0; 32]).unwrap(),
            file: None,
        });
        let known = |(file, name): &(u8, u8)| Known {
            outline: Outline {
                file: Some(Arc::new(EntryPath::from_untrusted(&[b'a' + file]).unwrap())),
                name: name.to_string(),
                dtype: None,
                shape: None,
                size: 0,
            },
            place: Arc::clone(&place),
            extents: Vec::new(),
            object: None,
            meaning: None,
        };
        parts.iter().map(known).collect()
    }

    proptest! {
        /// Every part is in one pair or left, pairs are of one name, and what could be matched is.
        #[test]
        fn parts_are_matched_once(
            before in prop::collection::vec((0..3_u8, 0..6_u8), 0..20),
            after in prop::collection::vec((0..3_u8, 0..6_u8), 0..20),
        ) {
            let (left, right) = (side(&before), side(&after));
            let found = pairs(&left, &right);
            let mut lefts: Vec<usize> = found.both.iter().map(|pair| pair.0).collect();
            let mut rights: Vec<usize> = found.both.iter().map(|pair| pair.1).collect();
            lefts.extend(&found.gone);
            rights.extend(&found.added);
            lefts.sort_unstable();
            rights.sort_unstable();
            prop_assert_eq!(lefts, (0..before.len()).collect::<Vec<_>>());
            prop_assert_eq!(rights, (0..after.len()).collect::<Vec<_>>());
            for (b, a) in &found.both {
                prop_assert_eq!(before[*b].1, after[*a].1);
            }
            for b in &found.gone {
                for a in &found.added {
                    prop_assert_ne!(before[*b], after[*a]);
                }
            }
        }
    }
}
