//! How failures read, and that no chain says a thing twice.

use std::io;

use lazaret_artifact::{ContentDigest, ImageConfig, Manifest, VerityAlgorithm, VerityDigest};
use lazaret_engine::{Fault, FaultKind};
use lazaret_intake::BlobFault;
use lazaret_store::StoreError;
use lazaret_views::ViewError;

use super::*;
use crate::exit::Code;

fn digest(data: &str) -> ContentDigest {
    ContentDigest::sha256(data.as_bytes())
}

fn layer(fault: BlobFault) -> anyhow::Error {
    let error = IntakeError::Blob {
        kind: "layer",
        digest: digest("layer"),
        fault,
    };
    anyhow::Error::from(error).context("pulling oci:demo:latest")
}

fn io_error(code: i32) -> StoreError {
    StoreError::Io {
        operation: "write",
        path: "/repo/objects".into(),
        source: io::Error::from_raw_os_error(code),
    }
}

#[test]
fn a_mismatch_has_its_values_on_lines_of_their_own() {
    let error = layer(BlobFault::Mismatch {
        what: "diff_id",
        expected: digest("a"),
        found: digest("b"),
    });
    assert_eq!(
        render(&error, false),
        format!(
            "error: pulling oci:demo:latest: layer {}: diff_id mismatch\n  expected {}\n  found    {}",
            digest("layer"),
            digest("a"),
            digest("b")
        )
    );
    assert_eq!(exit::sort(&error), Code::Refused);
}

#[test]
fn a_policy_ends_with_a_code_of_its_own_and_a_line_for_each_reason() {
    let refused = |findings: &[&str]| {
        let findings = findings.iter().map(|text| (*text).to_owned()).collect();
        anyhow::Error::from(IntakeError::Refused { findings }).context("pulling oci:demo")
    };
    let one = refused(&["blob x is dangerous\u{7}"]);
    assert_eq!(
        render(&one, false),
        "error: pulling oci:demo: refused: blob x is dangerous\\u{7}\n\
         hint: --policy store keeps it, with what was found on record"
    );
    assert_eq!(exit::sort(&one), Code::Policy);
    assert_eq!(
        render(&refused(&["one", "two\n"]), false),
        "error: pulling oci:demo: refused\n  one\n  two\\n\n\
         hint: --policy store keeps it, with what was found on record"
    );
    let many = ["x"; 30];
    assert!(render(&refused(&many), false).contains("\n  x\n  and 10 more\nhint: "));
}

#[test]
fn a_full_disk_is_told_as_such_however_deep_it_lies() {
    let inner = IntakeError::Store(io_error(28));
    let error = layer(BlobFault::Host(Box::new(inner)));
    assert_eq!(
        render(&error, false),
        format!(
            "error: pulling oci:demo:latest: layer {}: cannot write /repo/objects: No space left on \
             device (os error 28)\nhint: the disk is full; what was stored is kept, and a second \
             run goes on from there",
            digest("layer")
        )
    );
    assert_eq!(exit::sort(&error), Code::Failed);
}

#[test]
fn a_registry_that_refuses_is_met_with_advice_on_credentials() {
    let error = TransportError::Unauthorized {
        registry: "registry.test".to_owned(),
        what: "manifest demo:latest".to_owned(),
        presented: "without credentials".to_owned(),
        message: "authentication required".to_owned(),
    };
    let error = anyhow::Error::from(IntakeError::from(error)).context("pulling docker://demo");
    assert_eq!(
        render(&error, false),
        "error: pulling docker://demo: registry.test refused access to manifest demo:latest \
         without credentials: authentication required\nhint: `podman login` or `docker login` \
         writes credentials where they are found; --authfile FILE names another file"
    );
    assert_eq!(exit::sort(&error), Code::Failed);
}

#[test]
fn what_a_push_lacks_can_be_had_in_two_ways() {
    let error = anyhow::Error::from(PushError::BytesNotKept { layers: Vec::new() });
    let text = render(&error, false);
    assert!(text.contains("pull --keep-compressed") && text.contains("--recompress"));
}

#[test]
fn only_labels_are_coloured() {
    let error = anyhow::Error::from("x y".parse::<lazaret_transport::Reference>().unwrap_err());
    assert!(
        render(&error, true).starts_with("\u{1b}[1;31merror:\u{1b}[0m invalid reference \"x y\": ")
    );
}

/// One of each shape, with the code it ends with.
fn samples() -> Vec<(anyhow::Error, Code)> {
    let object = VerityDigest::from_bytes(VerityAlgorithm::Sha256, &[7; 32]).unwrap();
    let corrupt = || StoreError::Corrupt {
        digest: object,
        reason: "its digest differs".to_owned(),
    };
    let config = || ImageConfig::parse(b"{}").unwrap_err();
    let manifest = || Manifest::parse(b"{\"schemaVersion\":", None).unwrap_err();
    let fault = || Fault::new(FaultKind::Fuel, "all of its own fuel");
    let no_tag = || GraphError::NoSuchTag {
        tag: "demo".parse().unwrap(),
    };
    let refused = || TransportError::Unauthorized {
        registry: "registry.test".to_owned(),
        what: "manifest demo:latest".to_owned(),
        presented: "without credentials".to_owned(),
        message: String::new(),
    };
    vec![
        (io_error(28).into(), Code::Failed),
        (GraphError::from(corrupt()).into(), Code::Damage),
        (
            IntakeError::Graph(GraphError::from(corrupt())).into(),
            Code::Damage,
        ),
        (no_tag().into(), Code::NotFound),
        (ViewError::Graph(no_tag()).into(), Code::NotFound),
        (ViewError::from(io_error(5)).into(), Code::Failed),
        (
            "@x".parse::<lazaret_graph::Name>().unwrap_err().into(),
            Code::Usage,
        ),
        (
            "demo"
                .parse::<lazaret_transport::Reference>()
                .unwrap_err()
                .into(),
            Code::Usage,
        ),
        (
            IntakeError::from(TransportError::Document(config())).into(),
            Code::Refused,
        ),
        (
            IntakeError::from(TransportError::Document(manifest())).into(),
            Code::Refused,
        ),
        (
            GraphError::Stored {
                stream: lazaret_graph::names::Stream::Config(digest("c")),
                source: Box::new(config()),
            }
            .into(),
            Code::Damage,
        ),
        (
            layer(BlobFault::Importer {
                importer: "tar 0.1.0".to_owned(),
                fault: fault(),
            }),
            Code::Refused,
        ),
        (
            layer(BlobFault::Decompress {
                format: "gzip",
                source: io::Error::other("corrupt deflate stream"),
            }),
            Code::Refused,
        ),
        (
            layer(BlobFault::Host(Box::new(
                TransportError::MissingBlob {
                    digest: digest("b"),
                    path: "/layout".into(),
                }
                .into(),
            ))),
            Code::NotFound,
        ),
        (IntakeError::Interrupted.into(), Code::Interrupted),
        (
            IntakeError::from(TransportError::Cancelled).into(),
            Code::Interrupted,
        ),
        (PushError::Interrupted.into(), Code::Interrupted),
        (PushError::Graph(no_tag()).into(), Code::NotFound),
        (
            PushError::BytesNotKept { layers: Vec::new() }.into(),
            Code::NotFound,
        ),
        (PushError::AllAndPlatform.into(), Code::Usage),
        (
            PushError::Send {
                what: "blob",
                digest: digest("b"),
                source: refused(),
            }
            .into(),
            Code::Failed,
        ),
        (
            PushError::Read {
                digest: digest("b"),
                source: corrupt().into(),
            }
            .into(),
            Code::Damage,
        ),
        (IntakeError::from(refused()).into(), Code::Failed),
        (
            anyhow::Error::from(StoreError::Output {
                source: io::ErrorKind::BrokenPipe.into(),
            })
            .context("rebuilding"),
            Code::ClosedPipe,
        ),
        (
            // Somebody else's error that repeats its source.
            anyhow::Error::from(io::Error::other(io_error(5))).context("reading the whole"),
            Code::Failed,
        ),
    ]
}

#[test]
fn no_part_of_a_chain_is_said_twice() {
    for (error, _) in samples() {
        let text = render(&error, false);
        for cause in error.chain() {
            let part = cause.to_string();
            assert_eq!(text.matches(&*part).count(), 1, "{part:?} in {text:?}");
        }
        assert!(!text.contains(": :"), "{text:?}");
    }
}

#[test]
fn every_error_ends_with_its_code() {
    for (error, code) in samples() {
        assert_eq!(exit::sort(&error), code, "{error:#}");
    }
}

#[test]
fn nothing_in_a_message_reaches_the_terminal_as_a_command() {
    let error = TransportError::NoDirectory {
        path: "/a\u{1b}[2J\nhint: run this".into(),
    };
    let text = render(&error.into(), false);
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert_eq!(text.lines().count(), 2, "{text:?}");
    let error = anyhow::anyhow!("from\u{202e}elsewhere\n");
    assert_eq!(render(&error, false), "error: from\\u{202e}elsewhere\\n");
}
