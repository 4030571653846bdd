//! Each rule of merging as a case, and all of them against a plain model.

use std::collections::BTreeMap;

use lazaret_artifact::record::Verdict;
use lazaret_artifact::{Entry, EntryKind, Extent, Posix};
use proptest::prelude::*;

use super::draft::Draft;
use crate::samples::{Bench, Sketch, entry, noise, path, posix};
use crate::tree::{NodeKind, Tree};

/// `d a`: directory; `f a`: file; `s a`: symbolic link; `h a b`: hard link to b; `w a`: whiteout;
/// `o a`: opaque directory. What describes itself has the number of its layer for a time.
fn parse(line: &str, layer: i64) -> Entry {
    let mut words = line.split(' ');
    let kind = words.next().unwrap();
    let at = path(words.next().unwrap_or(""));
    let kind = match kind {
        "d" => EntryKind::Directory,
        "f" => EntryKind::Regular,
        "s" => EntryKind::Symlink,
        "h" => EntryKind::Hardlink,
        "w" => EntryKind::Whiteout,
        "o" => EntryKind::OpaqueDirectory,
        "p" => EntryKind::Part,
        _ => panic!("{line}"),
    };
    let is_deletion = matches!(kind, EntryKind::Whiteout | EntryKind::OpaqueDirectory);
    Entry {
        target: if kind == EntryKind::Symlink {
            b"target".to_vec()
        } else {
            Vec::new()
        },
        link: words.next().map(path),
        posix: (!is_deletion).then(|| posix(0o700, 1, 1, layer, 0)),
        ..entry(kind, at)
    }
}

fn merge(layers: &[&[&str]]) -> Result<Tree, &'static str> {
    let mut draft = Draft::new();
    for (number, layer) in (1..).zip(layers) {
        draft.begin_layer();
        for line in *layer {
            draft.apply(parse(line, number))?;
        }
    }
    Ok(draft.finish(Vec::new()))
}

/// Kind, layer that describes it (0: none), number of names if there are several.
fn show(tree: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    for visit in tree.walk() {
        let node = visit.node;
        let layer = node.posix.mtime.seconds;
        let default = Posix {
            mode: 0o755,
            ..Posix::default()
        };
        assert_eq!(node.posix == default, layer == 0, "{}", visit.path);
        let kind = match node.kind {
            NodeKind::Directory(_) => "d",
            NodeKind::Regular(_) => "f",
            NodeKind::Symlink(_) => "s",
            _ => panic!(),
        };
        let links = match node.links {
            links if links > 1 && !node.is_directory() => format!("*{links}"),
            _ => String::new(),
        };
        if !(visit.path.is_root() && layer == 0) {
            lines.push(format!("{kind}{layer}{links} {}", visit.path));
        }
    }
    lines
}

#[test]
fn layers_merge_as_the_specification_says() {
    type Layers<'a> = &'a [&'a [&'a str]];
    let cases: &[(&str, Layers<'_>, &[&str])] = &[
        ("nothing", &[], &[]),
        (
            "one layer",
            &[&["d a", "f a/b", "s c"]],
            &["d1 a", "f1 a/b", "s1 c"],
        ),
        (
            "the root can be described",
            &[&["d ."], &["f a"], &["d ."]],
            &["d3 .", "f2 a"],
        ),
        (
            "parents are implied",
            &[&["f a/b/c"]],
            &["d0 a", "d0 a/b", "f1 a/b/c"],
        ),
        (
            "implied parents can be described later",
            &[&["f a/b", "d a"]],
            &["d1 a", "f1 a/b"],
        ),
        (
            "implied parents keep attributes",
            &[&["d a"], &["f a/b"]],
            &["d1 a", "f2 a/b"],
        ),
        ("upper file over lower", &[&["f a"], &["f a"]], &["f2 a"]),
        ("later entry over earlier", &[&["f a", "s a"]], &["s1 a"]),
        (
            "later file over earlier directory",
            &[&["f a/b", "f a"]],
            &["f1 a"],
        ),
        (
            "later directory over earlier file",
            &[&["f a", "d a", "f a/b"]],
            &["d1 a", "f1 a/b"],
        ),
        (
            "directory over directory",
            &[&["d a", "f a/b"], &["d a"]],
            &["d2 a", "f1 a/b"],
        ),
        ("directory over file", &[&["f a"], &["d a"]], &["d2 a"]),
        (
            "file over directory",
            &[&["d a", "f a/b"], &["f a"]],
            &["f2 a"],
        ),
        (
            "link over directory",
            &[&["d a", "f a/b"], &["s a"]],
            &["s2 a"],
        ),
        (
            "directory over link",
            &[&["s a"], &["d a", "f a/b"]],
            &["d2 a", "f2 a/b"],
        ),
        (
            "implied over link",
            &[&["s a"], &["f a/b"]],
            &["d0 a", "f2 a/b"],
        ),
        (
            "implied over file",
            &[&["f a"], &["f a/b/c"]],
            &["d0 a", "d0 a/b", "f2 a/b/c"],
        ),
        (
            "file, directory, file again",
            &[&["f a"], &["f a/b"], &["f a"]],
            &["f3 a"],
        ),
        // Whiteouts.
        (
            "whiteout of a file",
            &[&["f a", "f b"], &["w a"]],
            &["f1 b"],
        ),
        (
            "whiteout of a directory",
            &[&["f a/b", "f c"], &["w a"]],
            &["f1 c"],
        ),
        (
            "whiteout below",
            &[&["d a", "f a/b", "f a/c"], &["w a/b"]],
            &["d1 a", "f1 a/c"],
        ),
        (
            "whiteout of nothing",
            &[&["f a"], &["w b", "w c/d", "w a/b"]],
            &["f1 a"],
        ),
        (
            "whiteout does not follow links",
            &[&["s a", "f target/b"], &["w a/b"]],
            &["s1 a", "d0 target", "f1 target/b"],
        ),
        (
            "whiteout leaves its own layer alone",
            &[&["f a", "w a", "f b"]],
            &["f1 a", "f1 b"],
        ),
        (
            "whiteout before its own layer's entry",
            &[&["d a", "f a/b"], &["w a", "f a/c"]],
            &["d0 a", "f2 a/c"],
        ),
        (
            "whiteout after its own layer's entry",
            &[&["d a", "f a/b"], &["f a/c", "w a"]],
            &["d0 a", "f2 a/c"],
        ),
        (
            "whiteout before a directory",
            &[&["d a", "f a/b"], &["w a", "d a"]],
            &["d2 a"],
        ),
        (
            "whiteout after a directory",
            &[&["d a", "f a/b"], &["d a", "w a"]],
            &["d2 a"],
        ),
        (
            "whiteout after a deep entry",
            &[&["d a", "d a/b", "f a/b/c"], &["f a/b/d", "w a"]],
            &["d0 a", "d0 a/b", "f2 a/b/d"],
        ),
        (
            "whiteout, then a file of the name",
            &[&["f a/b"], &["w a"], &["f a"]],
            &["f3 a"],
        ),
        (
            "two layers up",
            &[&["f a"], &["f b"], &["w a"], &["f a"]],
            &["f4 a", "f2 b"],
        ),
        // Opaque directories.
        (
            "opaque",
            &[&["d a", "f a/b", "f a/c/d", "f e"], &["o a"]],
            &["d1 a", "f1 e"],
        ),
        (
            "opaque first",
            &[&["d a", "f a/b"], &["o a", "d a", "f a/c"]],
            &["d2 a", "f2 a/c"],
        ),
        (
            "opaque last",
            &[&["d a", "f a/b"], &["d a", "f a/c", "o a"]],
            &["d2 a", "f2 a/c"],
        ),
        (
            "opaque in between",
            &[&["d a", "f a/b", "f a/c"], &["f a/b", "o a", "f a/d"]],
            &["d1 a", "f2 a/b", "f2 a/d"],
        ),
        (
            "opaque below what is new",
            &[&["d a", "d a/b", "f a/b/c"], &["f a/b/d", "o a"]],
            &["d1 a", "d0 a/b", "f2 a/b/d"],
        ),
        (
            "opaque root",
            &[&["d .", "f a"], &["f b", "o ."]],
            &["d1 .", "f2 b"],
        ),
        (
            "opaque nothing",
            &[&["f a"], &["o b", "o a", "o a/c"]],
            &["f1 a"],
        ),
        (
            "opaque leaves its own layer alone",
            &[&["f a/b", "o a"]],
            &["d0 a", "f1 a/b"],
        ),
        // Hard links.
        ("hard link", &[&["f a", "h b a"]], &["f1*2 a", "f1*2 b"]),
        (
            "hard link of a hard link",
            &[&["f a", "h b a", "h c/d b"]],
            &["f1*3 a", "f1*3 b", "d0 c", "f1*3 c/d"],
        ),
        (
            "hard link of a symbolic link",
            &[&["s a", "h b a"]],
            &["s1*2 a", "s1*2 b"],
        ),
        (
            "hard link keeps what is replaced",
            &[&["f a", "h b a"], &["f a"]],
            &["f2 a", "f1 b"],
        ),
        (
            "hard link to what is new",
            &[&["f a"], &["f a", "h b a"]],
            &["f2*2 a", "f2*2 b"],
        ),
        (
            "hard link to what is replaced later",
            &[&["f a", "h b a", "f a"]],
            &["f1 a", "f1 b"],
        ),
        (
            "hard link over a directory",
            &[&["f a", "f b/c"], &["f d", "h b d"]],
            &["f1 a", "f2*2 b", "f2*2 d"],
        ),
        ("hard link to itself", &[&["f a", "h a a"]], &["f1 a"]),
        (
            "hard link survives a whiteout of its target",
            &[&["f a", "h b a"], &["w a"]],
            &["f1 b"],
        ),
        // Others.
        ("parts are no files", &[&["f a", "p a/b"]], &["f1 a"]),
        (
            "directories end where paths do",
            &[&["f a-b", "f a/b", "f a.b"]],
            &["d0 a", "f1 a/b", "f1 a-b", "f1 a.b"],
        ),
    ];
    for (name, layers, want) in cases {
        assert_eq!(show(&merge(layers).unwrap()), *want, "{name}");
    }
}

#[test]
fn what_no_import_leaves_is_refused() {
    let cases: &[(&[&[&str]], &str)] = &[
        (&[&["w ."]], "a whiteout of the root"),
        (&[&["f ."]], "the root is not a directory"),
        (
            &[&["s a", "f a/b"]],
            "it lies below something that is not a directory",
        ),
        (
            &[&["f a"], &["s a", "f a/b"]],
            "it lies below something that is not a directory",
        ),
        (&[&["h a b"]], "its hard link's target does not exist"),
        (
            &[&["d b", "h a b"]],
            "its hard link's target is a directory",
        ),
        (&[&["h a"]], "a hard link without target"),
    ];
    for (layers, want) in cases {
        assert_eq!(merge(layers).err(), Some(*want), "{layers:?}");
    }
    let mut draft = Draft::new();
    draft.begin_layer();
    let file = entry(EntryKind::Regular, path("a"));
    for (entry, want) in [
        (
            Entry {
                posix: Some(posix(0o100_644, 0, 0, 0, 0)),
                ..file.clone()
            },
            "a mode with other bits than permissions",
        ),
        (
            Entry {
                posix: Some(posix(0o644, 0, 0, 0, 1_000_000_000)),
                ..file.clone()
            },
            "a time with more nanoseconds than a second has",
        ),
        (
            Entry {
                content: vec![Extent::Hole(u64::MAX), Extent::Hole(1)],
                ..file.clone()
            },
            "it is larger than a file can be",
        ),
        (
            Entry {
                content: vec![Extent::Input {
                    offset: u64::MAX,
                    length: 1,
                }],
                ..file.clone()
            },
            "a range of its content overflows",
        ),
        (
            Entry {
                content: vec![Extent::Derived {
                    id: 0,
                    offset: 0,
                    length: 1,
                }],
                ..file.clone()
            },
            "it has derived bytes, and no record says where they are",
        ),
        (
            entry(EntryKind::Symlink, path("a")),
            "a symbolic link without a usable target",
        ),
        (
            entry(EntryKind::CharacterDevice, path("a")),
            "a device without numbers",
        ),
    ] {
        assert_eq!(draft.apply(entry), Err(want));
    }
}

/// The plain reading of the specification: each layer first deletes from what is below, then adds.
fn model(layers: &[Vec<String>]) -> Vec<String> {
    let mut tree: BTreeMap<String, (char, i64)> = BTreeMap::new();
    fn below(tree: &BTreeMap<String, (char, i64)>, at: &str) -> Vec<String> {
        let prefix = format!("{at}/");
        tree.keys()
            .filter(|key| key.starts_with(&prefix))
            .cloned()
            .collect()
    }
    for (number, layer) in (1..).zip(layers) {
        for line in layer {
            let (kind, at) = (&line[..1], &line[2..]);
            if matches!(kind, "w" | "o") {
                for key in below(&tree, at) {
                    tree.remove(&key);
                }
                if kind == "w" {
                    tree.remove(at);
                }
            }
        }
        for line in layer {
            let (kind, at) = (&line[..1], &line[2..]);
            if matches!(kind, "w" | "o") {
                continue;
            }
            for (end, _) in at.match_indices('/') {
                let parent = tree.entry(at[..end].to_owned()).or_insert(('d', 0));
                if parent.0 != 'd' {
                    *parent = ('d', 0);
                }
            }
            if kind != "d" {
                for key in below(&tree, at) {
                    tree.remove(&key);
                }
            }
            tree.insert(at.to_owned(), (kind.chars().next().unwrap(), number));
        }
    }
    let mut lines: Vec<(Vec<String>, String)> = tree
        .iter()
        .map(|(at, (kind, layer))| {
            (
                at.split('/').map(str::to_owned).collect(),
                format!("{kind}{layer} {at}"),
            )
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_order_of_deletions_reads_as_deletions_first(
        layers in prop::collection::vec(
            prop::collection::vec("[dfswo] [ab](/[ab]){0,2}", 0..8), 1..4),
    ) {
        let lines: Vec<Vec<&str>> =
            layers.iter().map(|layer| layer.iter().map(String::as_str).collect()).collect();
        let slices: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
        if let Ok(tree) = merge(&slices) {
            prop_assert_eq!(show(&tree), model(&layers));
        }
    }
}

#[test]
fn directories_count_their_names() {
    let tree = merge(&[&["d a", "d a/b", "d a/c", "f a/d"]]).unwrap();
    let links: Vec<u32> = tree.walk().map(|visit| visit.node.links()).collect();
    assert_eq!(links, [3, 4, 2, 2, 1]);
    let totals = tree.totals();
    assert_eq!((totals.entries, totals.bytes), (5, 0));
}

#[test]
fn a_layer_without_record_is_named() {
    let bench = Bench::new();
    let mut below = Sketch::new();
    below.file("a", b"x");
    let mut above = Sketch::new();
    above.file("b", b"y");
    let cases = [
        (
            None,
            "has no import record; pulling the image again would make one",
        ),
        (
            Some(Verdict::Opaque),
            "was kept whole (no importer claimed it); pulling the image again with an importer \
             for it would take it apart",
        ),
        (
            Some(Verdict::Faulted("tar 0.1: fault".to_owned())),
            "was kept whole (tar 0.1: fault); pulling the image again with an importer for it \
             would take it apart",
        ),
    ];
    for (number, (verdict, want)) in cases.into_iter().enumerate() {
        above.file(&number.to_string(), b"");
        let image = bench.image_with(&[(&below, Some(Verdict::Imported)), (&above, verdict)]);
        let error = Tree::merge(&bench.repository, &image).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("layer {} {want}", image.layers[1].key)
        );
        assert!(error.is_repaired_by_pull());
        assert!(!error.is_damage() && !error.is_input_fault() && !error.is_not_found());
    }
}

#[test]
fn a_contradiction_is_damage_and_names_layer_and_entry() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer.hardlink("a/b", "c");
    let image = bench.image(&[&layer]);
    let error = Tree::merge(&bench.repository, &image).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "import record of layer {} contradicts itself: a/b: its hard link's target does not \
             exist",
            image.layers[0].key
        )
    );
    assert!(error.is_damage());
}

#[test]
fn files_that_share_too_many_bytes_are_refused() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    let extent = layer.bytes(&noise(1, 1 << 20), true);
    for number in 0..8 {
        layer.extents(
            &number.to_string(),
            vec![extent.clone(), Extent::Hole(1 << 40)],
        );
    }
    assert!(Tree::merge(&bench.repository, &bench.image(&[&layer])).is_ok());
    for number in 8..16 {
        layer.extents(&number.to_string(), vec![extent.clone()]);
    }
    let image = bench.image(&[&layer]);
    let error = Tree::merge(&bench.repository, &image).unwrap_err();
    let size = (1 << 20) + 16 * 512;
    assert_eq!(
        error.to_string(),
        format!(
            "layer {} of {size} bytes claims more than {} bytes of files",
            image.layers[0].key,
            8 * size + (1 << 20)
        )
    );
    assert!(error.is_input_fault());
}
