//! What is told of a pull, word for word.

use std::collections::BTreeMap;

use lazaret_artifact::media_type::{OCI_CONFIG, OCI_EMPTY, OCI_MANIFEST};
use lazaret_artifact::record::{Header, RECORD_VERSION, Role, Summary, Verdict};
use lazaret_artifact::{
    Descriptor, Entry, EntryKind, Fact, ImageConfig, Manifest, Value, VerityAlgorithm, VerityDigest,
};
use lazaret_graph::RecordWriter;
use lazaret_store::{ContentType, VerityPolicy};

use super::*;
use crate::desk::Imported;
use crate::lines::Noted;
use crate::recorder::ObjectCounts;
use crate::reuse::{Known, Rank};

const TITLE: &str = FILE_NAMES[0];
const PATH: &str = FILE_NAMES[1];
const CNAI_PATH: &str = FILE_NAMES[2];

fn digest(name: &str) -> ContentDigest {
    ContentDigest::sha256(name.as_bytes())
}

fn short(name: &str) -> String {
    digest(name).short()
}

fn repository() -> (tempfile::TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("repository");
    let repository =
        Repository::init(&path, VerityAlgorithm::Sha256, VerityPolicy::Insecure).unwrap();
    (directory, repository)
}

/// A blob, with what it is called.
fn descriptor(name: &str, names: &[(&str, &str)]) -> Descriptor {
    let names = names.iter();
    Descriptor {
        media_type: "application/x-y".parse().unwrap(),
        digest: digest(name),
        size: 1,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: names
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn document(layers: Vec<Descriptor>, is_image: bool) -> ManifestDocument {
    let config = Descriptor {
        media_type: if is_image { OCI_CONFIG } else { OCI_EMPTY }
            .parse()
            .unwrap(),
        ..descriptor("config", &[])
    };
    ManifestDocument {
        descriptor: descriptor("manifest", &[]),
        bytes: Vec::new(),
        image: is_image.then(|| ImageConfig {
            platform: "linux/amd64".parse().unwrap(),
            created: None,
            diff_ids: layers.iter().map(|layer| layer.digest).collect(),
        }),
        manifest: Manifest {
            digest: digest("manifest"),
            media_type: OCI_MANIFEST.parse().unwrap(),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        },
        config: Vec::new(),
    }
}

fn stream(repository: &Repository) -> VerityDigest {
    let writer = repository.stream_writer(ContentType::BLOB).unwrap();
    writer.finish().unwrap().digest
}

fn imported(repository: &Repository, noted: Noted, opaque: Option<&str>) -> Found {
    let stream = stream(repository);
    Found::Imported(Box::new(Imported {
        content: digest("content"),
        stream,
        record: stream,
        blobs: Vec::new(),
        rank: Rank::ImportedBlob,
        kept: None,
        size: 1,
        fuel: 0,
        counts: ObjectCounts::default(),
        noted,
        opaque: opaque.map(str::to_owned),
    }))
}

/// What a record of that summary says, with these lines.
fn known(
    repository: &Repository,
    content: ContentDigest,
    lines: &[Line],
    change: impl FnOnce(&mut Known),
) -> Found {
    let stream = stream(repository);
    let mut summary = Summary {
        stream,
        size: 1,
        blobs: Vec::new(),
        entries: 0,
        facts: 0,
        fuel: 0,
        verdict: Verdict::Imported,
        severity: None,
        handed_on: BTreeMap::new(),
        faults: 0,
        unread: 0,
        limited: false,
    };
    let header = Header {
        record_version: RECORD_VERSION,
        content,
        role: Role::Blob,
        media_type: "application/x-y".parse().unwrap(),
        importer: None,
        parameters: BTreeMap::new(),
    };
    let mut writer = RecordWriter::new(repository, &header).unwrap();
    for line in lines {
        writer.line(line).unwrap();
        summary.facts += u64::from(matches!(line, Line::Fact(_)));
    }
    let record = writer.finish(summary.clone()).unwrap().stream;
    let mut known = Known {
        stream,
        record,
        parameters: BTreeMap::new(),
        importer: None,
        summary,
        rank: Rank::ImportedBlob,
        is_disputed: false,
    };
    change(&mut known);
    Found::Known(Box::new(known))
}

fn fetched(found: Found) -> Fetched {
    Fetched {
        found,
        inside: None,
        kept: None,
        repaired: false,
    }
}

/// Of one blob, called `a`.
fn of(repository: &Repository, found: Found) -> Vec<String> {
    let documents = [document(vec![descriptor("a", &[])], false)];
    let plan = Plan::new(&documents).unwrap();
    all(repository, &documents, &plan, &[fetched(found)]).unwrap()
}

#[test]
fn a_file_that_is_called_two_things_is_told_of() {
    let (_directory, repository) = repository();
    let a = short("a");
    let differ = |one: &str, other: &str| format!("blob {a} is called {one} and {other}");
    for (names, expected) in [
        (&[&[][..]][..], vec![]),
        (&[&[(TITLE, "m.bin")]], vec![]),
        // A directory more is no other name, and neither is what another manifest calls it.
        (&[&[(TITLE, "m.bin"), (PATH, "w/m.bin")]], vec![]),
        (&[&[(TITLE, "m.bin")], &[(TITLE, "n.bin")]], vec![]),
        (&[&[(TITLE, "./m.bin/"), (PATH, "m.bin")]], vec![]),
        (
            &[&[(TITLE, "m.bin"), (PATH, "w/m.gguf")]],
            vec![differ("m.bin", "m.gguf")],
        ),
        (
            &[&[(PATH, "m.bin"), (CNAI_PATH, "M.bin")]],
            vec![differ("m.bin", "M.bin")],
        ),
        // The first that differs, and in whichever manifest; what cannot be a name is told as that.
        (
            &[&[], &[(TITLE, "m"), (PATH, "m"), (CNAI_PATH, "\u{1b}[2J")]],
            vec![differ("m", "\\u{1b}[2J")],
        ),
        (
            &[&[(TITLE, "../m.bin"), (PATH, "m.gguf")]],
            vec![format!("blob {a}: invalid path \"../m.bin\": contains ..")],
        ),
    ] {
        let documents: Vec<ManifestDocument> = names
            .iter()
            .map(|names| document(vec![descriptor("a", names)], false))
            .collect();
        let plan = Plan::new(&documents).unwrap();
        let found = imported(&repository, Noted::default(), None);
        let found = all(&repository, &documents, &plan, &[fetched(found)]).unwrap();
        assert_eq!(found, expected, "{names:?}");
    }
}

#[test]
fn a_blob_with_more_names_than_are_looked_at_is_told_of() {
    let (_directory, repository) = repository();
    for (names, expected) in [
        (MAX_NAMES + 1, vec![]),
        (
            MAX_NAMES + 2,
            vec![format!(
                "blob {} has more than 16 types and names",
                short("a")
            )],
        ),
    ] {
        let names: Vec<String> = (0..names).map(|number| format!("{number}.bin")).collect();
        let layers = names.iter().map(|name| descriptor("a", &[(TITLE, name)]));
        let documents = [document(layers.collect(), false)];
        let plan = Plan::new(&documents).unwrap();
        let found = imported(&repository, Noted::default(), None);
        let found = all(&repository, &documents, &plan, &[fetched(found)]).unwrap();
        assert_eq!(found, expected);
    }
}

#[test]
fn each_thing_that_was_found_is_told_in_one_sentence() {
    let (_directory, repository) = repository();
    let a = short("a");
    let noted = |faults: u64, unread: u64| {
        let mut noted = Noted::default();
        for number in 0..faults {
            noted.add_fault(format!("f{number}: broken"));
        }
        noted.unread = unread;
        noted
    };
    let told = |faults: u64| (0..faults).map(|number| format!("blob {a}: f{number}: broken"));
    let one = |text: &str| vec![format!("blob {a}{text}")];
    let new = |noted| imported(&repository, noted, None);
    let before = |change: fn(&mut Known)| known(&repository, digest("a"), &[], change);
    let severe = |severity| Noted {
        severity: Some(severity),
        ..Noted::default()
    };
    let mut eight_more = told(8).collect::<Vec<_>>();
    eight_more.extend(one(": an importer failed on one more file in it"));
    let mut many_more = told(8).collect::<Vec<_>>();
    many_more.extend(one(": importers failed on 92 more files in it"));
    for (found, expected) in [
        (new(noted(0, 0)), vec![]),
        (new(noted(8, 0)), told(8).collect()),
        (new(noted(9, 0)), eight_more),
        (new(noted(100, 0)), many_more),
        (new(noted(0, 1)), one(": a file in it was not looked into")),
        (
            new(noted(0, 2)),
            one(": 2 files in it were not looked into"),
        ),
        (new(severe(Severity::Clean)), vec![]),
        (new(severe(Severity::Suspicious)), one(" is suspicious")),
        (new(severe(Severity::Dangerous)), one(" is dangerous")),
        (
            imported(&repository, Noted::default(), Some("x 1: malformed")),
            one(": x 1: malformed"),
        ),
        (
            new(Noted {
                is_disputed: true,
                ..Noted::default()
            }),
            one(
                ": its type and its names, or what several manifests call it, are of different \
                 formats",
            ),
        ),
        // The same of what was there: which files failed is in the record.
        (before(|_| {}), vec![]),
        (
            before(|known| known.summary.verdict = Verdict::Opaque),
            vec![],
        ),
        (
            before(|known| known.summary.verdict = Verdict::Faulted("x 1: malformed".to_owned())),
            one(": x 1: malformed"),
        ),
        (
            before(|known| known.summary.faults = 1),
            one(": an importer failed on one file in it"),
        ),
        (
            before(|known| known.summary.faults = 2),
            one(": importers failed on 2 files in it"),
        ),
        (
            before(|known| known.summary.unread = 1),
            one(": a file in it was not looked into"),
        ),
        (
            before(|known| known.summary.severity = Some(Severity::Dangerous)),
            one(" is dangerous"),
        ),
        (
            before(|known| known.is_disputed = true),
            one(
                ": its type and its names, or what several manifests call it, are of different \
                 formats",
            ),
        ),
    ] {
        assert_eq!(of(&repository, found), expected);
    }
}

#[test]
fn what_a_blob_decompresses_to_is_told_of_beside_it_and_nothing_twice() {
    let (_directory, repository) = repository();
    let names = &[(TITLE, "w/m.bin")];
    let documents = [
        document(vec![descriptor("a", names)], false),
        document(vec![descriptor("a", names)], true),
    ];
    let plan = Plan::new(&documents).unwrap();
    let dangerous = || Noted {
        severity: Some(Severity::Dangerous),
        unread: 1,
        ..Noted::default()
    };
    let outer = Noted {
        severity: Some(Severity::Dangerous),
        ..Noted::default()
    };
    let fetched = [Fetched {
        inside: Some((digest("content"), imported(&repository, dangerous(), None))),
        ..fetched(imported(&repository, outer, None))
    }];
    let a = short("a");
    assert_eq!(
        all(&repository, &documents, &plan, &fetched).unwrap(),
        [
            format!("blob {a} (w/m.bin) is dangerous"),
            format!("blob {a} (w/m.bin): a file in it was not looked into"),
        ]
    );
}

fn fact(subject: Option<u32>, key: &str, tensors: u64) -> Line {
    Line::Fact(Fact {
        subject,
        key: key.to_owned(),
        value: Value::Unsigned(tensors),
    })
}

fn file(path: &str) -> Line {
    Line::Entry(Entry {
        path: EntryPath::from_untrusted(path.as_bytes()).unwrap(),
        kind: EntryKind::Regular,
        content: Vec::new(),
        target: Vec::new(),
        link: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    })
}

/// What is noted of such lines while they are recorded.
fn noted(lines: &[Line]) -> Noted {
    let mut noted = Noted::default();
    let mut files: BTreeMap<u32, ShardFacts> = BTreeMap::new();
    let mut paths = Vec::new();
    for line in lines {
        match line {
            Line::Entry(entry) => paths.push(entry.path.clone()),
            Line::Fact(fact) => match fact.subject {
                None => noted.own.see(&fact.key, &fact.value),
                Some(file) => files.entry(file).or_default().see(&fact.key, &fact.value),
            },
        }
    }
    for (file, facts) in files {
        noted.files.push((paths[file as usize].clone(), facts));
    }
    noted
}

#[test]
fn an_index_is_compared_with_files_of_all_blobs_read_now_or_before() {
    let (_directory, repository) = repository();
    let index = [
        fact(None, "model.shard.1.bin", 3),
        fact(None, "model.shard.2.bin", 4),
        fact(None, "model.shard.3.bin", 5),
    ];
    let first = [fact(None, "model.tensors", 3)];
    // Facts about entries come before, between and behind them.
    let archive = [
        file("w"),
        file("w/2.bin"),
        fact(Some(1), "model.tensors", 44),
        fact(Some(0), "x.other", 1),
        file("w/4.bin"),
        fact(Some(2), "model.tensors", 9),
    ];
    let blobs = [
        ("i", "w/index.json", &index[..]),
        ("1", "w/1.bin", &first),
        ("t", "ignored.tar", &archive),
    ];
    let layers = blobs.map(|(name, path, _)| descriptor(name, &[(PATH, path)]));
    let documents = [document(layers.to_vec(), false)];
    let images = [document(layers.to_vec(), true)];
    for were_there in 0..1 << blobs.len() {
        let fetched: Vec<Fetched> = blobs
            .iter()
            .enumerate()
            .map(|(place, (name, _, lines))| {
                fetched(match were_there >> place & 1 {
                    0 => imported(&repository, noted(lines), None),
                    _ => known(&repository, digest(name), lines, |_| {}),
                })
            })
            .collect();
        let plan = Plan::new(&documents).unwrap();
        assert_eq!(
            all(&repository, &documents, &plan, &fetched).unwrap(),
            [
                "w/index.json names 2.bin, which has 44 tensors, not 4",
                "w/index.json names 3.bin, which is not there",
            ],
            "{were_there:b}"
        );
        // Layers of an image hide each other's files.
        let plan = Plan::new(&images).unwrap();
        let found = all(&repository, &images, &plan, &fetched).unwrap();
        assert_eq!(found, Vec::<String>::new());
    }
}

#[test]
fn a_shard_goes_by_the_name_that_its_own_manifest_gives_it() {
    let (_directory, repository) = repository();
    let index = [fact(None, "model.shard.b.bin", 3)];
    let shard = [fact(None, "model.tensors", 3)];
    let first = document(vec![descriptor("s", &[(PATH, "a.bin")])], false);
    let second = document(
        vec![
            descriptor("i", &[(PATH, "index.json")]),
            descriptor("s", &[(PATH, "b.bin")]),
        ],
        false,
    );
    let documents = [first, second];
    let plan = Plan::new(&documents).unwrap();
    let fetched: Vec<Fetched> = plan
        .wanted
        .iter()
        .map(|wanted| {
            let lines = match wanted.descriptor.digest == digest("s") {
                true => &shard[..],
                false => &index[..],
            };
            fetched(imported(&repository, noted(lines), None))
        })
        .collect();
    let found = all(&repository, &documents, &plan, &fetched).unwrap();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn files_that_cannot_be_or_would_be_in_one_place_are_told_of() {
    let (_directory, repository) = repository();
    let found = |blobs: Vec<lazaret_artifact::Descriptor>| {
        let documents = [document(blobs, false)];
        let plan = Plan::new(&documents).unwrap();
        let fetched: Vec<Fetched> = plan
            .wanted
            .iter()
            .map(|_| fetched(imported(&repository, noted(&[]), None)))
            .collect();
        all(&repository, &documents, &plan, &fetched).unwrap()
    };
    let (one, other) = (digest("one").short(), digest("other").short());
    let clash = vec![
        descriptor("one", &[(PATH, "a/x")]),
        descriptor("other", &[(PATH, "./a/x")]),
        descriptor("one", &[(PATH, "a/x")]),
    ];
    assert_eq!(
        found(clash),
        [format!("blobs {one} and {other} are both called a/x")]
    );
    let outside = vec![descriptor("one", &[(PATH, "../x")])];
    assert_eq!(
        found(outside),
        [format!("blob {one}: invalid path \"../x\": contains ..")]
    );
}
