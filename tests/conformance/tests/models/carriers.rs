//! Every project's way to carry models, in every format, whole and cut.

use std::fs;

use lazaret_layouts::carrier::{MODE, MTIME};
use lazaret_layouts::models::{Format, Model};
use lazaret_layouts::{Artifact, Carrier, Compression};

use crate::berth::Berth;
use crate::listing::{found, written};
use crate::python;
use crate::shelf::{
    SPLIT, assert_cfsctl_agrees, assert_files, assert_given_back, format_of, lay, pull,
};

const CONFIG: (&str, &[u8]) = ("config.json", br#"{"architectures": ["Small"]}"#);
const README: (&str, &[u8]) = ("README.md", b"# A model\n");

/// A model in every format that the carrier has.
fn packed(carrier: Carrier, model: &Model) -> Artifact {
    let formats: &[Format] = match carrier {
        Carrier::Ollama => &[Format::Gguf],
        _ => &Format::ALL,
    };
    let written: Vec<(&str, Vec<u8>)> = formats
        .iter()
        .map(|format| (format.file(), format.write(model)))
        .collect();
    let mut files: Vec<(&str, &[u8])> = written
        .iter()
        .map(|(path, content)| (*path, &content[..]))
        .collect();
    files.extend([CONFIG, README]);
    carrier.pack(&files).unwrap()
}

/// Pulls an artifact of every carrier and compares everything.
fn all(more: &[&str]) {
    let model = Model::small(1, 2);
    for carrier in Carrier::ALL {
        // The same blobs are in many: each is read for itself.
        let berth = Berth::new();
        let (tag, artifact) = (carrier.tag(), packed(carrier, &model));
        println!("{tag}");
        lay(&berth, &tag, &[(&tag, &artifact)]);
        pull(&berth, &tag, &tag, more).expect(0);
        assert_given_back(&berth, &tag, &artifact);
        if carrier == Carrier::Ollama {
            assert_eq!(
                found(&berth, &tag, None),
                written(&model, Format::Gguf),
                "{tag}"
            );
        } else {
            assert_files(&berth, &tag, &artifact);
        }
        for (path, _) in artifact.files() {
            let wanted = match format_of(path) {
                // Said to be archives, which they are not: nobody reads them.
                Some(_) if carrier == Carrier::OrasUntyped => Vec::new(),
                Some(format) => written(&model, format),
                None => Vec::new(),
            };
            assert_eq!(found(&berth, &tag, Some(path)), wanted, "{tag}: {path}");
        }
        berth.assert_sound();
        assert_cfsctl_agrees(berth.repository());
    }
}

#[test]
fn every_carrier_is_pulled_listed_and_given_back() {
    all(&[]);
}

#[test]
fn every_carrier_is_cut_by_tensors_listed_and_given_back() {
    all(&SPLIT);
}

#[test]
fn python_reads_the_same_tensors_in_what_is_given_back() {
    let Some(python) = python::python() else {
        return;
    };
    let model = Model::small(2, 3);
    let berth = Berth::new();
    let artifact = packed(Carrier::ALL[0], &model);
    lay(&berth, "layout", &[("demo", &artifact)]);
    for more in [&[][..], &SPLIT] {
        pull(&berth, "layout", "demo", more).expect(0);
        for format in Format::ALL {
            let path = format.file();
            let content = berth.run(["cat", "demo", path]).expect(0).stdout;
            let exported = berth.path(path);
            fs::write(&exported, content).unwrap();
            let theirs = python::list(&python, &exported);
            assert_eq!(found(&berth, "demo", Some(path)), theirs, "{path}");
            assert_eq!(theirs, written(&model, format), "{path}");
        }
    }
}

#[test]
fn annotations_and_archives_give_files_their_modes_and_times() {
    let berth = Berth::new();
    let model = Model::small(3, 1);
    for carrier in Carrier::ALL {
        let (tag, artifact) = (carrier.tag(), packed(carrier, &model));
        let Carrier::ModelPack { archive, .. } = carrier else {
            continue;
        };
        lay(&berth, &tag, &[(&tag, &artifact)]);
        pull(&berth, &tag, &tag, &[]).expect(0);
        let lines = berth.run(["ls", &tag, "--json"]).expect(0).json_lines();
        assert_eq!(lines.len(), 6, "{tag}");
        // The archives say root; the annotations another.
        let (uid, gid) = match archive {
            None => (1000, 100),
            Some(Compression::None | Compression::Gzip | Compression::Zstd) => (0, 0),
        };
        for line in lines {
            assert_eq!(line["mode"], MODE, "{tag}: {line}");
            assert_eq!(line["mtime"], MTIME, "{tag}: {line}");
            assert_eq!(
                (&line["uid"], &line["gid"]),
                (&uid.into(), &gid.into()),
                "{tag}: {line}"
            );
        }
    }
}

#[test]
fn skopeo_takes_what_is_given_back() {
    use std::process::Command;

    use crate::tools::{succeed, tool};

    let berth = Berth::new();
    // Of a layout it takes no manifests of Docker's.
    for carrier in [
        Carrier::ALL[2],
        Carrier::ModelRunner,
        Carrier::OrasDirectory,
    ] {
        let Some(mut skopeo) = tool("skopeo") else {
            return;
        };
        let (tag, artifact) = (carrier.tag(), packed(carrier, &Model::small(4, 1)));
        lay(&berth, &tag, &[(&tag, &artifact)]);
        pull(&berth, &tag, &tag, &SPLIT).expect(0);
        let [out, copy] = ["out", "copy"].map(|name| {
            let path = berth.path(&format!("{name}-{tag}"));
            format!("oci:{}:{tag}", path.display())
        });
        berth.run(["push", &tag, &out]).expect(0);
        let ran = succeed(skopeo.args(["inspect", "--raw", &out]));
        assert_eq!(ran.stdout, artifact.manifest(), "{tag}");
        succeed(Command::new("skopeo").args(["copy", "--preserve-digests", &out, &copy]));
        let copied = format!("{tag}-copied");
        berth.run(["pull", &copy, "--tag", &copied]).expect(0);
        assert_eq!(berth.tags()[&copied], artifact.digest(), "{tag}");
    }
}
