//! What is there may stand for a blob exactly when an import would come to the same.

use std::sync::Arc;

use lazaret_artifact::record::{Header, ImporterIdentity, RECORD_VERSION};
use lazaret_artifact::{Descriptor, VerityAlgorithm};
use lazaret_engine::{Offer, Run, Session, Steer};
use lazaret_graph::RecordWriter;
use lazaret_store::{ContentType, VerityPolicy};

use super::*;
use crate::options::Split;
use crate::plan::Setting;

const BYTES: &[u8] = b"more bytes than are kept inline in any stream of this test, by far";

struct Anyone(ImporterIdentity);

impl Steer for Anyone {
    fn identity(&self) -> &ImporterIdentity {
        &self.0
    }

    fn ingest(&self, _offer: &Offer, _session: Box<dyn Session>) -> Run {
        unreachable!("nobody is run here")
    }
}

fn identity(name: &str) -> ImporterIdentity {
    ImporterIdentity {
        name: name.to_owned(),
        version: "1".to_owned(),
        digest: ContentDigest::sha256(name.as_bytes()),
        wit: "0.1".to_owned(),
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// All that there is of a content, to be changed before it is stored and looked for.
struct Case {
    bytes: &'static [u8],
    is_named: bool,
    has_record: bool,
    header: Header,
    summary: Summary,
    kind: Kind,
    parameters: BTreeMap<String, String>,
    wish: Wish,
    trust: Trust,
    loses_object: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Known,
    Other,
    Missing { named: bool, damaged: bool },
}

const UNKNOWN: Found = Found::Missing {
    named: true,
    damaged: false,
};
const DAMAGED: Found = Found::Missing {
    named: true,
    damaged: true,
};

impl Case {
    /// What was imported by whoever would be asked now.
    fn new() -> Self {
        let content = ContentDigest::sha256(BYTES);
        let stream = lazaret_store::verity::digest(VerityAlgorithm::Sha256, b"not yet known");
        Self {
            bytes: BYTES,
            is_named: true,
            has_record: true,
            header: Header {
                record_version: RECORD_VERSION,
                content,
                role: Role::Blob,
                media_type: "application/x".parse().unwrap(),
                importer: Some(identity("anyone")),
                parameters: map(&[("k", "v")]),
            },
            summary: Summary {
                stream,
                size: BYTES.len() as u64,
                blobs: vec![content],
                entries: 0,
                facts: 0,
                fuel: 0,
                verdict: Verdict::Imported,
                severity: None,
                handed_on: BTreeMap::new(),
                faults: 0,
                unread: 0,
                limited: false,
            },
            kind: Kind::Blob,
            parameters: map(&[("k", "v")]),
            wish: Wish::AsIs,
            trust: Trust::Unchanged,
            loses_object: false,
        }
    }

    fn look(mut self) -> Found {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha256, VerityPolicy::Insecure).unwrap();
        let content = ContentDigest::sha256(BYTES);
        let object = repository.put(self.bytes).unwrap();
        let content_type = match self.header.role {
            Role::Layer => ContentType::LAYER,
            Role::Blob => ContentType::BLOB,
        };
        let mut writer = repository.stream_writer(content_type).unwrap();
        writer.object(&object.digest, object.size).unwrap();
        let stream = writer.finish().unwrap().digest;
        let mut names = repository.transaction();
        if self.is_named {
            names.link_stream(Stream::Layer(content).name(), stream);
        }
        if self.has_record {
            self.summary.stream = stream;
            let writer = RecordWriter::new(&repository, &self.header).unwrap();
            let record = writer.finish(self.summary).unwrap();
            names.link_stream(Stream::Record(content).name(), record.stream);
        }
        names.commit().unwrap();
        if self.loses_object {
            let name = object.digest.hex();
            let file = path.join("objects").join(&name[..2]).join(&name[2..]);
            std::fs::remove_file(file).unwrap();
        }
        let wanted = Wanted {
            descriptor: Descriptor {
                media_type: "application/x".parse().unwrap(),
                digest: content,
                size: BYTES.len() as u64,
                artifact_type: None,
                from: None,
                name: None,
                platform: None,
                annotations: BTreeMap::new(),
            },
            kind: self.kind,
            setting: Arc::new(Setting {
                artifact_type: None,
                config_media_type: "application/x".parse().unwrap(),
            }),
            others: Vec::new(),
            has_too_many_names: false,
        };
        let search = Search {
            repository: &repository,
            importers: &Importers::One(Arc::new(Anyone(identity("anyone")))),
            parameters: &self.parameters,
            wish: self.wish,
            trust: self.trust,
            limits: UnpackLimits::default(),
        };
        match search.blob(&wanted).unwrap() {
            Looked::Known(known) => {
                assert_eq!(known.stream, stream);
                Found::Known
            }
            Looked::Other(known) => {
                assert_eq!(known.stream, stream);
                Found::Other
            }
            Looked::Missing { named, damaged } => Found::Missing { named, damaged },
        }
    }
}

#[test]
fn what_is_there_counts_when_an_import_would_come_to_the_same() {
    const NOTHING: Found = Found::Missing {
        named: false,
        damaged: false,
    };
    type Change = fn(&mut Case);
    let layer = |case: &mut Case| {
        case.kind = Kind::Layer {
            compression: Compression::None,
            diff_id: ContentDigest::sha256(BYTES),
        };
    };
    let cases: &[(&str, Change, Found)] = &[
        ("as it is", |_| {}, Found::Known),
        ("no name", |case| case.is_named = false, NOTHING),
        ("no record", |case| case.has_record = false, UNKNOWN),
        // The record does not speak of this blob.
        ("blobs", |case| case.summary.blobs.clear(), UNKNOWN),
        ("size", |case| case.summary.size += 1, UNKNOWN),
        (
            "content",
            |case| case.header.content = ContentDigest::sha256(b"other"),
            UNKNOWN,
        ),
        // Another import would come to something else.
        (
            "importer",
            |case| case.header.importer = Some(identity("other")),
            Found::Other,
        ),
        ("nobody", |case| case.header.importer = None, Found::Other),
        ("parameters", |case| case.parameters.clear(), Found::Other),
        ("limited", |case| case.summary.limited = true, Found::Other),
        (
            "handed on",
            |case| {
                let claimants = vec![ContentDigest::sha256(b"gone")];
                let handed_on = &mut case.summary.handed_on;
                handed_on.insert("application/x".to_owned(), claimants);
            },
            Found::Other,
        ),
        (
            "handed on to nobody",
            |case| {
                let handed_on = &mut case.summary.handed_on;
                handed_on.insert("application/x".to_owned(), Vec::new());
            },
            Found::Known,
        ),
        // A fault of the same importer is what it would come to again.
        (
            "fault",
            |case| case.summary.verdict = Verdict::Faulted("x".to_owned()),
            Found::Known,
        ),
        // Cut otherwise, where nothing in it could be cut.
        (
            "split before",
            |case| {
                let split = Split::Tensors.value().to_owned();
                let parameters = &mut case.header.parameters;
                parameters.insert(Split::PARAMETER.to_owned(), split);
            },
            Found::Known,
        ),
        (
            "split",
            |case| case.wish = Wish::Split(Split::Tensors),
            Found::Known,
        ),
        ("whole", |case| case.wish = Wish::Whole, Found::Known),
        // Taken for something else: a layer's entries do for a blob, and nothing else does.
        (
            "layer's entries",
            |case| case.header.role = Role::Layer,
            Found::Known,
        ),
        (
            "layer without entries",
            |case| {
                case.header.role = Role::Layer;
                case.summary.verdict = Verdict::Opaque;
            },
            Found::Other,
        ),
        // Damage.
        ("object", |case| case.loses_object = true, DAMAGED),
        (
            "object, without record",
            |case| {
                case.loses_object = true;
                case.has_record = false;
            },
            DAMAGED,
        ),
        ("verified", |case| case.trust = Trust::Nothing, Found::Known),
        (
            "a lie",
            |case| {
                case.bytes = b"other bytes, which is noticed only by whoever reads them again now";
                case.trust = Trust::Nothing;
            },
            DAMAGED,
        ),
    ];
    for (what, change, expected) in cases {
        let mut case = Case::new();
        change(&mut case);
        assert_eq!(case.look(), *expected, "{what}");
    }
    let mut case = Case::new();
    layer(&mut case);
    assert_eq!(case.look(), Found::Other, "a blob's entries for a layer");
    let mut case = Case::new();
    layer(&mut case);
    case.header.role = Role::Layer;
    assert_eq!(case.look(), Found::Known, "a layer's entries for a layer");
}

#[test]
fn what_says_more_is_greater() {
    let ranks = [
        (Role::Blob, Verdict::Opaque),
        (Role::Layer, Verdict::Faulted("x".to_owned())),
        (Role::Blob, Verdict::Imported),
        (Role::Layer, Verdict::Imported),
    ];
    let ranks = ranks.map(|(role, verdict)| Rank::of(role, &verdict));
    assert!(ranks.is_sorted_by(|one, other| one < other));
}
