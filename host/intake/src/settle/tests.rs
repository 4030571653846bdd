//! What is there, what comes, and which of the two stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use lazaret_artifact::record::{Header, Line, RECORD_VERSION, Severity};
use lazaret_artifact::{
    Compression, Descriptor, Entry, EntryKind, EntryPath, Fact, Value, VerityAlgorithm,
};
use lazaret_store::{ContentType, VerityPolicy};

use super::*;
use crate::plan::{Kind, Setting, Wanted};
use crate::recorder::ObjectCounts;

const BYTES: &[u8] = b"some bytes that are cut in several ways";
const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What has the name of the content.
#[derive(Debug, Clone, Copy)]
enum Named {
    Nothing,
    /// A stream that rebuilds it.
    Good(Form, Said),
    /// One that rebuilds other bytes.
    Lie(Said),
}

/// How a stream is cut, and of what kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    Cut,
    /// Of a layer's kind.
    Layer,
    LayerCut,
}

/// What the record says.
#[derive(Debug, Clone, Copy)]
enum Said {
    NoRecord,
    Of(Rank),
    /// Of a stream that has not the name.
    OfAnother(Rank),
}

use Form::{Cut, Layer, LayerCut, Whole};
use Named::{Good, Lie, Nothing};
use Said::{NoRecord, Of, OfAnother};

/// What stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stays {
    Old,
    New,
}

fn repository() -> (tempfile::TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("repository");
    let repository =
        Repository::init(&path, VerityAlgorithm::Sha256, VerityPolicy::Insecure).unwrap();
    (directory, repository)
}

fn stream(repository: &Repository, form: Form, bytes: &[u8]) -> VerityDigest {
    let content_type = match form {
        Whole | Cut => ContentType::BLOB,
        Layer | LayerCut => ContentType::LAYER,
    };
    let mut writer = repository.stream_writer(content_type).unwrap();
    let inline = match form {
        Whole | Layer => 0,
        Cut | LayerCut => 7,
    };
    if inline > 0 {
        writer.inline(&bytes[..inline]).unwrap();
    }
    let object = repository.put(&bytes[inline..]).unwrap();
    writer.object(&object.digest, object.size).unwrap();
    writer.finish().unwrap().digest
}

const fn parts(rank: Rank) -> (Role, Verdict) {
    match rank {
        Rank::Blob => (Role::Blob, Verdict::Opaque),
        Rank::Layer => (Role::Layer, Verdict::Opaque),
        Rank::ImportedBlob => (Role::Blob, Verdict::Imported),
        Rank::ImportedLayer => (Role::Layer, Verdict::Imported),
    }
}

fn summary(stream: VerityDigest, verdict: Verdict) -> Summary {
    Summary {
        stream,
        size: BYTES.len() as u64,
        blobs: vec![blob()],
        entries: 0,
        facts: 0,
        fuel: 5,
        verdict,
        severity: None,
        handed_on: BTreeMap::new(),
        faults: 0,
        unread: 0,
        limited: false,
    }
}

/// The blob that the record names.
fn blob() -> ContentDigest {
    ContentDigest::sha256(b"as it travelled")
}

fn lines() -> Vec<Line> {
    let entry = Entry {
        path: EntryPath::from_untrusted(b"a").unwrap(),
        kind: EntryKind::Directory,
        content: Vec::new(),
        target: Vec::new(),
        link: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    };
    let fact = |subject, key: &str| {
        Line::Fact(Fact {
            subject,
            key: key.to_owned(),
            value: Value::Unsigned(7),
        })
    };
    vec![fact(None, "a.b"), Line::Entry(entry), fact(Some(0), "c.d")]
}

fn write_record(
    repository: &Repository,
    content: ContentDigest,
    stream: VerityDigest,
    rank: Rank,
) -> VerityDigest {
    let (role, verdict) = parts(rank);
    let header = Header {
        record_version: RECORD_VERSION,
        content,
        role,
        media_type: "application/x".parse().unwrap(),
        importer: None,
        parameters: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
    };
    let mut writer = RecordWriter::new(repository, &header).unwrap();
    for line in lines() {
        writer.line(&line).unwrap();
    }
    writer.finish(summary(stream, verdict)).unwrap().stream
}

fn wanted(role: Role, content: ContentDigest) -> Wanted {
    let kind = match role {
        Role::Blob => Kind::Blob,
        Role::Layer => Kind::Layer {
            compression: Compression::Gzip,
            diff_id: content,
        },
    };
    Wanted {
        descriptor: Descriptor {
            media_type: GZIP.parse().unwrap(),
            digest: content,
            size: BYTES.len() as u64,
            artifact_type: None,
            from: None,
            name: None,
            platform: None,
            annotations: BTreeMap::new(),
        },
        kind,
        setting: Arc::new(Setting {
            artifact_type: None,
            config_media_type: "application/x".parse().unwrap(),
        }),
        others: Vec::new(),
        has_too_many_names: false,
    }
}

/// Which stream keeps the name, the rank of the record that stays, and whether the blobs that the
/// record names are still known.
fn come_to(named: Named, (form, rank): (Form, Rank), renew: bool) -> (Stays, Option<Rank>, bool) {
    let (_directory, repository) = repository();
    let content = ContentDigest::sha256(BYTES);
    let (old, said) = match named {
        Nothing => (None, NoRecord),
        Good(form, said) => (Some(stream(&repository, form, BYTES)), said),
        Lie(said) => {
            let lie = stream(&repository, Whole, b"some bytes that are no such thing");
            (Some(lie), said)
        }
    };
    let mut written = None;
    let mut names = repository.transaction();
    if let Some(old) = old {
        names.link_stream(Stream::Layer(content).name(), old);
        let about = match said {
            NoRecord => None,
            Of(rank) => Some((old, rank)),
            OfAnother(rank) => Some((stream(&repository, Whole, b"whatever else"), rank)),
        };
        if let Some((about, rank)) = about {
            let record = write_record(&repository, content, about, rank);
            names.link_stream(Stream::Record(content).name(), record);
            written = Some(record);
        }
    }
    names.commit().unwrap();

    let new = stream(&repository, form, BYTES);
    let recorded = Recorded {
        stream: new,
        digest: content,
        size: BYTES.len() as u64,
        counts: ObjectCounts::default(),
    };
    let (role, verdict) = parts(rank);
    let wanted = wanted(role, content);
    let task = Task::fetch(&wanted, BTreeMap::new());
    let settled = settle(&repository, &task, &content, &recorded, &verdict, renew).unwrap();
    let stays = match settled.stream {
        stream if Some(stream) == old => Stays::Old,
        stream if stream == new => Stays::New,
        stream => panic!("{stream} is neither"),
    };
    let better = settled.better_record.map(|(record, rank)| {
        assert_eq!(Some(record), written);
        rank
    });
    let knows = match &*settled.blobs {
        [] => false,
        blobs => {
            assert_eq!(blobs, [blob()]);
            true
        }
    };
    (stays, better, knows)
}

#[test]
fn what_was_there_stays_unless_it_lies_or_says_less() {
    use Rank::{Blob, ImportedBlob, ImportedLayer, Layer as KeptLayer};
    use Stays::{New, Old};
    for (named, new, renew, expected) in [
        // There is nothing, or only another tool's stream.
        (Nothing, (Whole, Blob), false, (New, None, false)),
        (
            Good(Whole, NoRecord),
            (Whole, Blob),
            false,
            (Old, None, false),
        ),
        (
            Good(Whole, NoRecord),
            (Cut, ImportedBlob),
            false,
            (Old, None, false),
        ),
        (
            Good(Whole, NoRecord),
            (Cut, ImportedBlob),
            true,
            (New, None, false),
        ),
        (
            Good(Layer, NoRecord),
            (LayerCut, ImportedLayer),
            false,
            (Old, None, false),
        ),
        (
            Good(Layer, NoRecord),
            (Whole, Blob),
            false,
            (Old, None, false),
        ),
        // A layer needs a stream of a layer's kind.
        (
            Good(Whole, NoRecord),
            (Layer, KeptLayer),
            false,
            (New, None, false),
        ),
        (
            Good(Cut, Of(ImportedBlob)),
            (LayerCut, ImportedLayer),
            false,
            (New, None, true),
        ),
        (
            Good(Cut, Of(ImportedBlob)),
            (Layer, KeptLayer),
            false,
            (New, None, true),
        ),
        // What lies loses its name, and what its record says with it.
        (Lie(NoRecord), (Whole, Blob), false, (New, None, false)),
        (
            Lie(Of(ImportedBlob)),
            (Cut, ImportedBlob),
            false,
            (New, None, false),
        ),
        (
            Lie(Of(ImportedBlob)),
            (Whole, Blob),
            false,
            (New, None, false),
        ),
        (
            Lie(Of(ImportedBlob)),
            (Whole, Blob),
            true,
            (New, None, false),
        ),
        // Kept whole, and whole again.
        (
            Good(Whole, Of(Blob)),
            (Whole, Blob),
            false,
            (Old, None, true),
        ),
        (
            Good(Layer, Of(KeptLayer)),
            (Layer, KeptLayer),
            false,
            (Old, None, true),
        ),
        // Kept whole, and read now: a blob's stream stays, a layer's has no files in it.
        (
            Good(Whole, Of(Blob)),
            (Cut, ImportedBlob),
            false,
            (Old, None, true),
        ),
        (
            Good(Whole, Of(Blob)),
            (Cut, ImportedBlob),
            true,
            (New, None, true),
        ),
        (
            Good(Layer, Of(KeptLayer)),
            (LayerCut, ImportedLayer),
            false,
            (New, None, true),
        ),
        // Read, and kept whole now: the record of entries stays, whatever is wished.
        (
            Good(Cut, Of(ImportedBlob)),
            (Whole, Blob),
            false,
            (Old, Some(ImportedBlob), true),
        ),
        (
            Good(Cut, Of(ImportedBlob)),
            (Whole, Blob),
            true,
            (Old, Some(ImportedBlob), true),
        ),
        (
            Good(Whole, Of(ImportedBlob)),
            (Whole, Blob),
            false,
            (Old, Some(ImportedBlob), true),
        ),
        (
            Good(LayerCut, Of(ImportedLayer)),
            (Layer, KeptLayer),
            false,
            (Old, Some(ImportedLayer), true),
        ),
        (
            Good(LayerCut, Of(ImportedLayer)),
            (Whole, Blob),
            false,
            (Old, Some(ImportedLayer), true),
        ),
        // Read, and read again: the new record takes the place, the stream only when it is to.
        (
            Good(Whole, Of(ImportedBlob)),
            (Cut, ImportedBlob),
            false,
            (Old, None, true),
        ),
        (
            Good(Whole, Of(ImportedBlob)),
            (Cut, ImportedBlob),
            true,
            (New, None, true),
        ),
        (
            Good(Cut, Of(ImportedBlob)),
            (Cut, ImportedBlob),
            true,
            (Old, None, true),
        ),
        (
            Good(Layer, Of(ImportedLayer)),
            (LayerCut, ImportedLayer),
            false,
            (Old, None, true),
        ),
        (
            Good(Layer, Of(ImportedLayer)),
            (LayerCut, ImportedLayer),
            true,
            (New, None, true),
        ),
        // A layer's entries do for a blob.
        (
            Good(LayerCut, Of(ImportedLayer)),
            (Cut, ImportedBlob),
            false,
            (Old, Some(ImportedLayer), true),
        ),
        (
            Good(LayerCut, Of(ImportedLayer)),
            (Cut, ImportedBlob),
            true,
            (Old, Some(ImportedLayer), true),
        ),
        // A record of another stream is none.
        (
            Good(Whole, OfAnother(ImportedBlob)),
            (Whole, Blob),
            false,
            (Old, None, false),
        ),
        (
            Good(Cut, OfAnother(ImportedBlob)),
            (Whole, Blob),
            false,
            (Old, None, false),
        ),
        (
            Good(LayerCut, OfAnother(ImportedLayer)),
            (Layer, KeptLayer),
            true,
            (New, None, false),
        ),
    ] {
        assert_eq!(
            come_to(named, new, renew),
            expected,
            "{named:?}, {new:?}, {renew}"
        );
    }
}

#[test]
fn what_is_found_is_added_to_a_record_and_nothing_is_taken_from_it() {
    let (_directory, repository) = repository();
    let content = ContentDigest::sha256(BYTES);
    let stream = stream(&repository, Whole, BYTES);
    let first = write_record(&repository, content, stream, Rank::ImportedLayer);
    let noted = |severity, faults, unread| Noted {
        severity,
        faults,
        unread,
        ..Noted::default()
    };
    let mut record = first;
    for (severity, faults, unread, is_new, after) in [
        (None, 0, 0, false, (None, 0, 0)),
        (
            Some(Severity::Clean),
            0,
            0,
            true,
            (Some(Severity::Clean), 0, 0),
        ),
        (
            Some(Severity::Dangerous),
            2,
            0,
            true,
            (Some(Severity::Dangerous), 2, 0),
        ),
        (
            Some(Severity::Suspicious),
            1,
            0,
            false,
            (Some(Severity::Dangerous), 2, 0),
        ),
        (None, 0, 3, true, (Some(Severity::Dangerous), 2, 3)),
        (None, 0, 0, false, (Some(Severity::Dangerous), 2, 3)),
    ] {
        let noted = noted(severity, faults, unread);
        let next = add_findings(&repository, &content, record, &noted).unwrap();
        assert_eq!(next != record, is_new);
        record = next;
        let mut reader = RecordReader::open(&repository, &content, &record).unwrap();
        let read: Vec<Line> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(read, lines());
        let before = RecordReader::open(&repository, &content, &first).unwrap();
        assert_eq!(reader.header(), before.header());
        let (severity, faults, unread) = after;
        let expected = Summary {
            entries: 1,
            facts: 2,
            severity,
            faults,
            unread,
            ..summary(stream, Verdict::Imported)
        };
        assert_eq!(reader.summary(), Some(&expected));
    }
}

#[test]
fn a_record_is_rewritten_only_as_one_of_the_same_content() {
    let (_directory, repository) = repository();
    let content = ContentDigest::sha256(BYTES);
    let stream = stream(&repository, Whole, BYTES);
    let record = write_record(&repository, content, stream, Rank::ImportedBlob);
    let other = ContentDigest::sha256(b"other");
    let add = |content: &ContentDigest| {
        rewrite(&repository, content, &record, |summary| {
            summary.blobs.push(other);
        })
    };
    let rewritten = add(&content).unwrap();
    let open = RecordReader::open(&repository, &content, &rewritten);
    let (_, summary) = open.unwrap().into_summary().unwrap();
    assert_eq!(summary.blobs, [blob(), other]);
    assert_eq!((summary.entries, summary.facts), (1, 2));
    // The same again is the same record.
    assert_eq!(add(&content).unwrap(), rewritten);
    assert!(add(&other).is_err());
    // Neither is a stream of a blob a record, nor what is not there.
    for stream in [stream, stream_of_nothing(&repository)] {
        assert!(rewrite(&repository, &content, &stream, |_| {}).is_err());
    }
}

fn stream_of_nothing(repository: &Repository) -> VerityDigest {
    let (_directory, elsewhere) = self::repository();
    assert_ne!(elsewhere.path(), repository.path());
    stream(&elsewhere, Cut, b"that is not in the other repository")
}
