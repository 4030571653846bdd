//! Records: written, read, believed and not believed.

use lazaret_artifact::record::Line;
use lazaret_artifact::{ContentDigest, Fact, entry};
use lazaret_graph::names::Stream;
use lazaret_graph::records::MAX_LINE_LENGTH;
use lazaret_graph::{LayerRef, RecordReader, RecordWriter, find_record};
use lazaret_store::ContentType;

use crate::fixture::{Fixture, chain, header, line, summary};

fn fact(key: &str) -> Line {
    Line::Fact(Fact {
        subject: None,
        key: key.to_owned(),
        value: entry::Value::Unsigned(1),
    })
}

#[test]
fn a_record_reads_as_it_was_written() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    let mut lines: Vec<Line> = (0..5000)
        .map(|number| line(&format!("file-{number}")))
        .collect();
    lines.push(fact("a.b"));
    let mut writer = RecordWriter::new(&fixture.repository, &header(&layer.key)).unwrap();
    for line in &lines {
        writer.line(line).unwrap();
    }
    let record = writer.finish(summary(layer.stream)).unwrap();
    assert_eq!(record.content, layer.key);

    let open = || RecordReader::open(&fixture.repository, &layer.key, &record.stream).unwrap();
    let mut reader = open();
    assert_eq!(*reader.header(), header(&layer.key));
    let read: Vec<Line> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(read, lines);
    let last = reader.summary().unwrap();
    assert_eq!(
        (last.entries, last.facts, last.stream),
        (5000, 1, layer.stream)
    );

    let mut partly = open();
    partly.next().unwrap().unwrap();
    for reader in [open(), partly] {
        let (first, last) = reader.into_summary().unwrap();
        assert_eq!(first, header(&layer.key));
        assert_eq!((last.entries, last.facts), (5000, 1));
    }
    // One JSON document a line.
    let mut text = Vec::new();
    let mut stream = fixture
        .repository
        .open_stream(&record.stream, None)
        .unwrap();
    assert_eq!(stream.content_type(), ContentType::RECORD);
    stream.rebuild(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().count(), 5003);
    assert_eq!(
        text.lines().nth(1).unwrap(),
        r#"{"entry":{"path":"file-0","kind":"regular"}}"#
    );
}

/// Stores `text` as if it were a record.
fn forge(fixture: &Fixture, text: &[u8]) -> lazaret_artifact::VerityDigest {
    let mut writer = fixture
        .repository
        .stream_writer(ContentType::RECORD)
        .unwrap();
    writer.inline(text).unwrap();
    writer.finish().unwrap().digest
}

#[test]
fn what_is_no_record_is_refused_with_its_reason() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    let json = |value: &dyn erased::Json| value.text();
    let first = json(&header(&layer.key));
    let mut counted = summary(layer.stream);
    counted.entries = 1;
    let last = json(&counted);
    let entry = json(&line("a"));
    let version = first.replace("\"recordVersion\":1", "\"recordVersion\":9");
    let other = ContentDigest::sha256(b"other");
    let of_other = first.replace(&layer.key.to_string(), &other.to_string());
    for (text, want) in [
        (String::new(), "it has no header".to_owned()),
        (format!("{first}\n"), "it has no summary".to_owned()),
        (
            format!("{first}\n{entry}\n{last}"),
            "it ends inside a line".to_owned(),
        ),
        (
            format!("{first}\n{last}\n"),
            "its summary counts other lines".to_owned(),
        ),
        (
            format!("{first}\n{entry}\n{entry}\n{last}\n"),
            "its summary counts other lines".to_owned(),
        ),
        (
            format!("{version}\n{last}\n"),
            "its version is 9, this program knows 1".to_owned(),
        ),
        (
            format!("{of_other}\n{last}\n"),
            format!("it is a record of {other}"),
        ),
        (
            format!("{{}}\n{last}\n"),
            "its header does not parse: missing field `recordVersion` at line 1 column 2"
                .to_owned(),
        ),
        (
            format!("{first}\n{entry}\n"),
            "its summary does not parse: missing field `stream`".to_owned(),
        ),
    ] {
        let stream = forge(&fixture, text.as_bytes());
        let opened = RecordReader::open(&fixture.repository, &layer.key, &stream);
        let want = format!("import record of {} is unusable: {want}", layer.key);
        let all =
            opened.and_then(|mut reader| reader.by_ref().try_for_each(|line| line.map(|_| ())));
        let error = all.unwrap_err();
        assert!(error.is_damage());
        assert!(
            chain(&error).starts_with(&want),
            "wanted {want}\nfound  {}",
            chain(&error)
        );
        let opened = RecordReader::open(&fixture.repository, &layer.key, &stream);
        let error = opened.and_then(RecordReader::into_summary).unwrap_err();
        assert!(
            chain(&error).starts_with(&want),
            "wanted {want}\nfound  {}",
            chain(&error)
        );
    }
    let broken = forge(
        &fixture,
        format!("{first}\n{{\"entry\":1}}\n{last}\n").as_bytes(),
    );
    let mut reader = RecordReader::open(&fixture.repository, &layer.key, &broken).unwrap();
    assert!(
        reader
            .next()
            .unwrap()
            .unwrap_err()
            .to_string()
            .contains("its line does not parse")
    );
    assert!(reader.next().is_none());
    // Another kind of stream is no record at all.
    let error = RecordReader::open(&fixture.repository, &layer.key, &layer.stream).unwrap_err();
    assert!(error.is_damage());
}

mod erased {
    pub(crate) trait Json {
        fn text(&self) -> String;
    }

    impl<T: serde::Serialize> Json for T {
        fn text(&self) -> String {
            serde_json::to_string(self).unwrap()
        }
    }
}

#[test]
fn a_line_without_end_is_neither_written_nor_read() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    let mut writer = RecordWriter::new(&fixture.repository, &header(&layer.key)).unwrap();
    let error = writer
        .line(&fact(&"x".repeat(MAX_LINE_LENGTH)))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "a line of the import record of {} is longer than 16777216 bytes",
            layer.key
        )
    );
    let stream = forge(&fixture, &vec![b' '; MAX_LINE_LENGTH + 100_000]);
    let error = RecordReader::open(&fixture.repository, &layer.key, &stream).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it has a line of more than 16777216 bytes"),
        "{error}"
    );
}

#[test]
fn a_record_counts_only_for_the_stream_that_is_linked() {
    let fixture = Fixture::new();
    let content = [b'q'; 40];
    let files: [(&str, &[u8]); 1] = [("a", &content)];
    let layer = fixture.layer(&files);
    assert_eq!(find_record(&fixture.repository, &layer.key).unwrap(), None);
    let mut parts = fixture.image(&[layer]);
    let record = fixture.record(&layer, &["a"]);
    parts.records = vec![record];
    fixture.commit(&parts, &["x"]);
    let found = find_record(&fixture.repository, &layer.key)
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.stream, found.summary.stream),
        (record.stream, layer.stream)
    );
    assert_eq!(found.header, header(&layer.key));

    let other: LayerRef = fixture.layer_cut_at(&files, 10);
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(Stream::Layer(layer.key).name(), other.stream);
    transaction.commit().unwrap();
    assert_eq!(find_record(&fixture.repository, &layer.key).unwrap(), None);

    // An unreadable record is no record.
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(Stream::Layer(layer.key).name(), layer.stream);
    transaction.link_stream(
        Stream::Record(layer.key).name(),
        forge(&fixture, b"nonsense\n"),
    );
    transaction.commit().unwrap();
    assert_eq!(find_record(&fixture.repository, &layer.key).unwrap(), None);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn any_text_survives_in_a_record(texts in proptest::collection::vec(".{0,300}", 0..40)) {
        let fixture = Fixture::new();
        let layer = fixture.layer(&[("a", b"one")]);
        let mut writer = RecordWriter::new(&fixture.repository, &header(&layer.key)).unwrap();
        let lines: Vec<Line> = texts.iter().map(|text| fact(&format!("{text}\n\r\0{text}"))).collect();
        for line in &lines {
            writer.line(line).unwrap();
        }
        let record = writer.finish(summary(layer.stream)).unwrap();
        let reader = RecordReader::open(&fixture.repository, &layer.key, &record.stream).unwrap();
        let read: Vec<Line> = reader.map(Result::unwrap).collect();
        proptest::prop_assert_eq!(read, lines);
    }
}
