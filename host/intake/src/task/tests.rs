//! How files are to be cut, and as what importers are offered a blob.

use std::sync::Arc;

use lazaret_artifact::Descriptor;
use lazaret_artifact::record::ImporterIdentity;
use lazaret_engine::{Builtin, Registry, Run, SandboxOptions, Session, Steer};

use super::*;
use crate::plan::Setting;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn what_is_there_is_cut_anew_only_when_somebody_wants_it() {
    let (whole, split) = (map(&[("k", "v")]), map(&[("k", "v"), ("split", "tensors")]));
    let operators = map(&[("k", "v")]);
    let tensors = Wish::Split(Split::Tensors);
    for (wish, before, matters, met) in [
        (Wish::AsIs, &whole, true, true),
        (Wish::AsIs, &split, true, true),
        (tensors, &whole, true, false),
        (tensors, &whole, false, true),
        (tensors, &split, true, true),
        (Wish::Whole, &split, true, false),
        (Wish::Whole, &split, false, true),
        (Wish::Whole, &whole, true, true),
    ] {
        assert_eq!(wish.is_met(&operators, before, matters), met, "{wish:?}");
        assert!(!wish.is_met(&map(&[]), before, matters));
    }
    assert_eq!(Wish::AsIs.parameters(&operators, Some(&split)), split);
    assert_eq!(Wish::AsIs.parameters(&operators, None), whole);
    assert_eq!(Wish::Whole.parameters(&operators, Some(&split)), whole);
    assert_eq!(tensors.parameters(&operators, Some(&whole)), split);
}

const TITLE: &str = FILE_NAMES[0];
const PATH: &str = FILE_NAMES[1];

/// Claims an archive and what has a name; it is never loaded.
fn registry() -> Importers {
    let builtin = Builtin {
        name: "x",
        component: b"",
        media_types: &["application/x.tar", ANYTHING],
    };
    let registry = Registry::new(SandboxOptions::default(), &[builtin]);
    Importers::Registry(Arc::new(registry))
}

/// Claims no types, and is asked about everything.
struct Anyone(ImporterIdentity);

impl Steer for Anyone {
    fn identity(&self) -> &ImporterIdentity {
        &self.0
    }

    fn ingest(&self, _offer: &Offer, _session: Box<dyn Session>) -> Run {
        unreachable!("nobody is run here")
    }
}

fn one() -> Importers {
    Importers::One(Arc::new(Anyone(ImporterIdentity {
        name: "anyone".to_owned(),
        version: "1".to_owned(),
        digest: digest(),
        wit: "0.1".to_owned(),
    })))
}

fn digest() -> ContentDigest {
    ContentDigest::sha256(b"blob")
}

fn wanted(descriptors: &[(&str, &[(&str, &str)])]) -> Wanted {
    let descriptors = descriptors.iter().map(|(media_type, names)| Descriptor {
        media_type: media_type.parse().unwrap(),
        digest: digest(),
        size: 9,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: map(names),
    });
    let mut descriptors = descriptors.collect::<Vec<_>>().into_iter();
    Wanted {
        descriptor: descriptors.next().unwrap(),
        kind: Kind::Blob,
        setting: Arc::new(Setting {
            artifact_type: Some("application/x-model".parse().unwrap()),
            config_media_type: "application/x-config".parse().unwrap(),
        }),
        others: descriptors.collect(),
        has_too_many_names: false,
    }
}

/// Types of all offers, each with the names that importers see.
fn shown(task: &Task<'_>, importers: &Importers) -> Vec<String> {
    let offers = task.offers(importers);
    let shown = offers.iter().map(|offer| {
        let names = FILE_NAMES
            .iter()
            .filter_map(|key| offer.annotations.get(*key));
        let names: Vec<&str> = names.map(String::as_str).collect();
        format!("{} {}", offer.media_type.as_str(), names.join(","))
    });
    shown.collect()
}

#[test]
fn each_type_is_asked_by_and_then_the_name_whatever_the_type() {
    for (descriptors, expected) in [
        // Without a name, by its type alone, however it is written.
        (
            &[("application/X-Y", &[][..])][..],
            &["application/x-y "][..],
        ),
        (
            &[("application/x-y", &[(TITLE, "a.gguf")])],
            &["application/x-y a.gguf", "application/octet-stream a.gguf"],
        ),
        // What other manifests call it, after that, in order.
        (
            &[
                ("application/x-y", &[]),
                ("application/x-y", &[(TITLE, "a.gguf")]),
                ("application/X-z", &[(PATH, "b.gguf")]),
            ],
            &[
                "application/x-y ",
                "application/x-y a.gguf",
                "application/octet-stream a.gguf",
                "application/x-z b.gguf",
                "application/octet-stream b.gguf",
            ],
        ),
        // Names as the file will have them; one that it cannot have stays what it is.
        (
            &[(
                "application/x-y",
                &[(TITLE, "./w//a.gguf/"), (PATH, "../a.gguf")],
            )],
            &[
                "application/x-y w/a.gguf,../a.gguf",
                "application/octet-stream w/a.gguf,../a.gguf",
            ],
        ),
        // An archive's name is that of what is in it.
        (
            &[
                ("application/x.tar", &[(TITLE, "a.gguf")]),
                ("application/x-tar", &[(TITLE, "a.gguf")]),
            ],
            &["application/x.tar a.gguf", "application/x-tar a.gguf"],
        ),
    ] {
        let wanted = wanted(descriptors);
        let task = Task::fetch(&wanted, BTreeMap::new());
        for importers in [registry(), one()] {
            assert_eq!(shown(&task, &importers), expected);
        }
    }
}

#[test]
fn what_is_compressed_is_asked_about_by_name_only_where_nobody_looks_into_it() {
    const NAMED: &[(&str, &str)] = &[(TITLE, "a.gguf")];
    let claimed = wanted(&[("application/x.tar+gzip", NAMED)]);
    let task = Task::fetch(&claimed, BTreeMap::new());
    assert_eq!(shown(&task, &registry()), ["application/x.tar+gzip a.gguf"]);
    // A single parser claims no type, so nobody would look into it.
    let by_name = [
        "application/x.tar+gzip a.gguf",
        "application/octet-stream a.gguf",
    ];
    assert_eq!(shown(&task, &one()), by_name);

    let unknown = wanted(&[("application/y+zstd", NAMED)]);
    let task = Task::fetch(&unknown, BTreeMap::new());
    let by_name = [
        "application/y+zstd a.gguf",
        "application/octet-stream a.gguf",
    ];
    assert_eq!(shown(&task, &registry()), by_name);
}

#[test]
fn what_it_decompresses_to_is_offered_as_every_type_that_says_so() {
    let wanted = wanted(&[
        ("application/y+gzip", &[(TITLE, "a.gguf")]),
        ("application/x.tar+gzip", &[(TITLE, "b")]),
        ("application/x-y", &[(TITLE, "c")]),
    ]);
    let stream = lazaret_artifact::VerityAlgorithm::Sha256;
    let stream = lazaret_store::verity::digest(stream, b"stream");
    let inside = ("application/y".parse().unwrap(), Compression::Gzip);
    let task = Task::inside(&wanted, stream, inside, BTreeMap::new());
    let expected = [
        "application/y a.gguf",
        "application/octet-stream a.gguf",
        "application/x.tar b",
    ];
    assert_eq!(shown(&task, &registry()), expected);
    assert_eq!(task.offers(&registry())[0].size, None);
}

#[test]
fn a_layer_is_an_archive_whatever_it_is_called() {
    let mut wanted = wanted(&[(
        "application/vnd.oci.image.layer.v1.tar+gzip",
        &[(TITLE, "a.gguf")],
    )]);
    wanted.kind = Kind::Layer {
        compression: Compression::Gzip,
        diff_id: digest(),
    };
    let parameters = map(&[("k", "v")]);
    let task = Task::fetch(&wanted, parameters.clone());
    let offers = task.offers(&registry());
    let [offer] = &offers[..] else {
        panic!("{offers:?}");
    };
    assert_eq!(
        offer.media_type.as_str(),
        lazaret_artifact::media_type::OCI_TAR
    );
    assert_eq!((offer.size, offer.travelling_size), (None, 9));
    assert_eq!(
        (offer.policy, &offer.parameters),
        (Policy::LAYER, &parameters)
    );
    let told = offer.artifact_type.as_ref().map(MediaType::as_str);
    assert_eq!(told, Some("application/x-model"));
    wanted.kind = Kind::Blob;
    let task = Task::fetch(&wanted, parameters);
    let offer = task.offers(&registry()).swap_remove(0);
    assert_eq!((offer.size, offer.policy), (Some(9), Policy::STRICT));
}
