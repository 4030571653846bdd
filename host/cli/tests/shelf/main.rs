//! The binary with indexes, artifacts and what refers to them.

#![expect(clippy::unwrap_used, reason = "a test may panic where it fails")]

mod layout;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::layout::{OTHER, Shelf};

/// A home with a shelf and an empty repository.
struct Bench {
    home: TempDir,
    shelf: Shelf,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::make(home.path());
        let bench = Self { home, shelf };
        bench.run(&["init", "--insecure"]);
        bench
    }

    fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lazaret"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            // Compiled once for all tests.
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("LAZARET_REPO", self.home.path().join("repo"))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Standard output and standard error of what must succeed.
    #[track_caller]
    fn both(&self, arguments: &[&str]) -> (String, String) {
        let output = self.command(arguments);
        let text = |bytes| self.shelf.named(std::str::from_utf8(bytes).unwrap());
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        (stdout, stderr)
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        self.both(arguments).0
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Standard error of what must end with `code`.
    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.command(arguments);
        let stderr = self
            .shelf
            .named(std::str::from_utf8(&output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        stderr
    }

    fn pull(&self, flags: &[&str]) -> (String, String) {
        self.both(&[&["pull", &self.shelf.demo()], flags].concat())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }
}

/// `text` up to the time that something took.
fn without_time(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rfind(" in ") {
        Some(at) if line.ends_with(" s") => &line[..at],
        _ => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn of_an_index_the_image_for_this_machine_is_pulled_and_the_rest_is_known_to_be_missing() {
    let bench = Bench::new();
    let (stdout, stderr) = bench.pull(&[]);
    assert_eq!(stdout, "INDEX\n");
    assert!(
        stderr.starts_with("demo, HOST/PLATFORM: 2 layers, "),
        "{stderr}"
    );
    let images = bench.run(&["images"]);
    let row = images.lines().nth(1).unwrap();
    assert!(
        row.starts_with("demo  index  sha256:INDEX_______  -  "),
        "{images}"
    );
    assert!(
        row.ends_with("     0 B  HOST/PLATFORM (1 of 3 stored)"),
        "{images}"
    );
    assert_eq!(bench.run(&["cat", "demo", "/etc/arch"]), "here\n");
    assert_eq!(
        bench.refused(&["cat", "demo", "/etc/arch", "--platform", OTHER], 5),
        "error: reading demo: INDEX has nothing stored for linux/s390x, only for HOST/PLATFORM\n\
         hint: --platform OS/ARCH[/VARIANT] chooses one that is there; `lazaret pull --platform` \
         gets another\n"
    );
    let document = bench.json(&["pull", &bench.shelf.demo()]);
    assert_eq!(document["digest"], *bench.shelf.index);
    assert_eq!(document["kind"], "index");
    assert_eq!(document["manifest"], *bench.shelf.here);
    assert_eq!(document["layers"], document["manifests"][0]["layers"]);
    assert_eq!(document["layers"][0]["reused"], true);
    assert_eq!(document["indexes"], json!([bench.shelf.index]));
}

#[test]
fn platforms_are_chosen_where_an_image_is_meant() {
    let bench = Bench::new();
    let host = lazaret_artifact::Platform::host().to_string();
    let (_, stderr) = bench.pull(&["--platform", OTHER, "--platform", &host]);
    assert_eq!(stderr.lines().count(), 3, "{stderr}");
    assert!(
        stderr.starts_with("demo, 2 manifests: 3 layers, "),
        "{stderr}"
    );
    assert!(
        stderr.contains("\n  linux/s390x sha256:THERE_______: 2 layers"),
        "{stderr}"
    );
    assert_eq!(bench.run(&["cat", "demo", "/etc/arch"]), "here\n");
    assert_eq!(
        bench.run(&["cat", "--platform", OTHER, "demo", "/etc/arch"]),
        "there\n"
    );
    assert_eq!(
        bench.run(&["ls", "--platform", OTHER, "demo", "etc"]),
        "arch\nshared\n"
    );
    let inspected = bench.json(&["inspect", "demo", "--platform", OTHER]);
    assert_eq!(inspected["digest"], *bench.shelf.there);
    assert_eq!(
        bench.json(&["inspect", "demo"])["digest"],
        *bench.shelf.index
    );
    let raw = bench.command(&["inspect", "demo", "--raw"]).stdout;
    assert_eq!(lazaret_layouts::digest(&raw), bench.shelf.index);
    let manifest = bench.command(&["inspect", "demo", "--manifest"]).stdout;
    assert_eq!(lazaret_layouts::digest(&manifest), bench.shelf.here);
    bench.run(&["export", "demo", "tree", "--platform", OTHER]);
    assert_eq!(fs::read(bench.path("tree/etc/arch")).unwrap(), b"there\n");
}

#[test]
fn an_index_is_shown_with_what_of_it_is_stored() {
    let bench = Bench::new();
    bench.pull(&[]);
    let card = bench.run(&["inspect", "demo"]);
    let expected = "\
Digest      INDEX
Media type  application/vnd.oci.image.index.v1+json
Size        806 B
Entries     3, 1 stored
Tags        demo

Entry 1 of 2
  platform     HOST/PLATFORM
  digest       HERE
  media type   application/vnd.oci.image.manifest.v1+json
  stored       yes
  attestation  ATTESTATION (not stored)

Entry 2 of 2
  platform    linux/s390x
  digest      THERE
  media type  application/vnd.oci.image.manifest.v1+json
  stored      no
";
    let without_size = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("Size"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(without_size(&card), without_size(expected));
    let document = bench.json(&["inspect", "demo"]);
    assert_eq!(document["kind"], "index");
    assert_eq!(document["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(
        document["manifests"][0]["attestations"],
        json!([{"digest": bench.shelf.attestation, "stored": false}])
    );
}

#[test]
fn referrers_are_drawn_as_a_tree() {
    let bench = Bench::new();
    let (_, stderr) = bench.pull(&["--all-platforms", "--referrers"]);
    assert!(stderr.starts_with("demo, "), "{stderr}");
    let tree = bench.run(&["referrers", "demo"]);
    // Sizes depend on how JSON is written.
    let lines: Vec<String> = tree
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let expect = [
        "demo index INDEX",
        "├── sha256:COSIGNED____ application/vnd.dev.cosign.artifact.sig.v1+json cosign .sig",
        "└── sha256:HERE________ HOST/PLATFORM",
        "├── sha256:SBOM________ application/spdx+json subject",
        "│ └── sha256:SIGNATURE___ application/vnd.example.signature subject",
        "└── sha256:ATTESTATION_ application/vnd.in-toto+json attestation",
    ];
    assert_eq!(lines.len(), expect.len(), "{tree}");
    for (line, expected) in lines.iter().zip(expect) {
        assert!(line.starts_with(expected), "{tree}");
    }
    assert!(lines[1].ends_with("2026-02-03"), "{tree}");
    let filtered = bench.run(&[
        "referrers",
        "demo",
        "--artifact-type",
        "application/vnd.example.signature",
    ]);
    assert_eq!(filtered.lines().count(), 4, "{filtered}");
    let of_image = bench.json(&["referrers", &format!("@{}", bench.shelf.here)]);
    assert_eq!(of_image["kind"], "manifest");
    assert_eq!(of_image["referrers"][0]["relation"], "subject");
    assert_eq!(
        of_image["referrers"][0]["referrers"][0]["digest"],
        *bench.shelf.signature
    );
    assert_eq!(bench.run(&["fsck", "--deep", "-q"]), "");
}

#[test]
fn everything_is_given_back_bit_for_bit() {
    let bench = Bench::new();
    bench.pull(&["--all-platforms", "--referrers", "--keep-compressed"]);
    let (stdout, stderr) = bench.both(&["push", "demo", "oci:back:demo", "--all", "--referrers"]);
    assert_eq!(stdout, "INDEX\n");
    assert!(stderr.starts_with("demo: 1 index, "), "{stderr}");
    let sent = Shelf::blobs(&bench.path("back"));
    let mut wanted = Shelf::blobs(&bench.shelf.path);
    // The other artifact was not pulled.
    let other = Bench::new();
    let files = format!("oci:{}:files", other.shelf.path.display());
    other.run(&["pull", &files]);
    other.run(&["push", "files", "oci:back"]);
    let others = Shelf::blobs(&other.path("back"));
    wanted.retain(|blob| sent.contains(blob) || !others.contains(blob));
    assert_eq!(sent.len(), wanted.len());
    assert!(sent == wanted);
    let (_, again) = bench.both(&["push", "demo", "oci:back:demo", "--all", "--referrers"]);
    assert!(
        again.contains(" referrers; ") && again.contains(" blobs already there in "),
        "{again}"
    );
    let document = bench.json(&["push", "demo", "oci-archive:back.tar:demo", "--all"]);
    assert_eq!(document["digest"], *bench.shelf.index);
    assert_eq!(document["renamed"], json!([]));
    assert!(bench.path("back.tar").exists());
}

#[test]
fn bytes_that_were_not_kept_are_asked_for_or_made_anew() {
    let bench = Bench::new();
    bench.pull(&[]);
    assert_eq!(
        bench.refused(&["push", "demo", "oci:back:demo"], 5),
        "error: pushing demo to oci:back:demo: the compressed bytes were not kept of layer \
         SHARED\n\
         hint: `lazaret pull --keep-compressed` from where it came keeps them from now on; \
         --recompress compresses anew, which gives new digests\n"
    );
    assert_eq!(
        bench.refused(&["push", "demo", "oci:back:demo", "--all"], 5),
        "error: pushing demo to oci:back:demo: not stored: 2 manifests: THERE (linux/s390x), \
         ATTESTATION (unknown/unknown)\n\
         hint: `lazaret pull --all-platforms` gets the rest; without --all, one image is pushed\n"
    );
    let (stdout, stderr) = bench.both(&["push", "demo", "oci:back:demo", "--recompress", "zstd"]);
    let pushed = stdout.trim();
    assert!(
        stderr.contains(&format!("HERE is now {pushed}\n")),
        "{stderr}"
    );
    assert!(stderr.contains("SHARED is now sha256:"), "{stderr}");
    bench.run(&["pull", "oci:back:demo", "--tag", "again"]);
    assert_eq!(bench.run(&["cat", "again", "/etc/arch"]), "here\n");
}

#[test]
fn what_has_no_tag_is_collected_as_announced() {
    let bench = Bench::new();
    bench.pull(&["--all-platforms", "--referrers"]);
    assert_eq!(
        bench.run(&["gc"]),
        "nothing to delete\n",
        "what is tagged, and what refers to it, stays"
    );
    bench.run(&["untag", "demo"]);
    let announced = bench.run(&["gc", "--dry-run"]);
    assert!(announced.starts_with("index INDEX\n"), "{announced}");
    for line in [
        "manifest SIGNATURE application/vnd.example.signature\n",
        "manifest THERE linux/s390x, created 2026-01-01\n",
    ] {
        assert!(announced.contains(line), "{announced}");
    }
    let planned = bench.json(&["gc", "--dry-run"]);
    assert_eq!(planned["manifests"].as_array().unwrap().len(), 6);
    let done = bench.json(&["gc"]);
    for part in ["bytes", "objects", "manifests", "layers", "references"] {
        assert_eq!(planned[part], done[part], "{part}");
    }
    assert_eq!(
        (&planned["dryRun"], &done["dryRun"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(bench.run(&["gc"]), "nothing to delete\n");
    let info = bench.json(&["info"]);
    for part in ["objects", "streams", "references", "manifests", "referrers"] {
        assert_eq!(info[part], 0, "{part}");
    }
}

#[test]
fn an_artifact_is_its_files() {
    let bench = Bench::new();
    let files = format!("oci:{}:files", bench.shelf.path.display());
    let (stdout, stderr) = bench.both(&["pull", &files]);
    assert_eq!(stdout, "FILES\n");
    assert!(
        without_time(&stderr).starts_with("files: 2 blobs, 17 B (17 B "),
        "{stderr}"
    );
    assert_eq!(
        bench.run(&["ls", "-R", "files"]),
        "README.md\nweights\nweights/one.bin\n"
    );
    assert_eq!(
        bench.run(&["cat", "files", "weights/one.bin"]),
        "0123456789"
    );
    let card = bench.run(&["inspect", "files"]);
    assert!(card.contains("  file        weights/one.bin\n"), "{card}");
    let (_, again) = bench.both(&["pull", &files]);
    assert_eq!(
        without_time(&again),
        "files: 2 blobs (already there), 17 B\n"
    );
}

#[test]
fn a_tag_that_moves_is_told() {
    let bench = Bench::new();
    bench.pull(&["--tag", "one"]);
    let files = format!("oci:{}:files", bench.shelf.path.display());
    let (_, stderr) = bench.both(&["pull", &files, "--tag", "one"]);
    assert!(
        stderr.starts_with("tag one named sha256:INDEX_______ before\none: 2 blobs"),
        "{stderr}"
    );
    let (_, stderr) = bench.both(&["pull", &files, "--tag", "one"]);
    assert!(stderr.starts_with("one: 2 blobs"), "{stderr}");
    let (stdout, stderr) = bench.both(&["referrers", "one"]);
    assert_eq!(stdout, "one  manifest FILES\n");
    assert_eq!(
        stderr,
        "nothing here refers to it; `lazaret pull --referrers` gets what does\n"
    );
}

#[test]
fn a_layer_that_was_kept_as_it_travelled_can_be_read_so() {
    let bench = Bench::new();
    let cat = ["cat", "--blob", &bench.shelf.shared];
    bench.pull(&[]);
    assert_eq!(
        bench.refused(&cat, 5),
        "error: rebuilding SHARED: nothing is stored under this digest\n\
         hint: layers are stored decompressed, under the diff_id that `lazaret inspect` shows, \
         unless `pull --keep-compressed` kept them\n"
    );
    bench.pull(&["--keep-compressed"]);
    let bytes = bench.command(&cat).stdout;
    assert_eq!(lazaret_layouts::digest(&bytes), bench.shelf.shared);
}

#[test]
fn counts_tell_what_is_there() {
    let bench = Bench::new();
    bench.pull(&["--all-platforms", "--referrers", "--keep-compressed"]);
    let info = bench.json(&["info"]);
    for (part, number) in [
        ("tags", 1),
        ("images", 0),
        ("artifacts", 0),
        ("manifests", 6),
        ("indexes", 1),
        ("referrers", 4),
        ("keptBlobs", 2),
    ] {
        assert_eq!(info[part], number, "{part} in {info:#}");
    }
}

/// Never read: nothing listens there.
#[test]
fn a_registry_that_is_not_there_is_told_as_such() {
    let bench = Bench::new();
    let stderr = bench.refused(&["pull", "docker://127.0.0.1:1/demo", "--retries", "0"], 1);
    assert!(
        stderr.starts_with(
            "error: pulling docker://127.0.0.1:1/demo:latest: no connection to 127.0.0.1:1"
        ),
        "{stderr}"
    );
    assert!(
        stderr.contains("\nhint: check the host's name and port"),
        "{stderr}"
    );
    assert!(!Path::new(&bench.path("auth.json")).exists());
}
