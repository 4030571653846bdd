//! The binary with models: `parts`, `facts`, `diff`, and what `inspect`, `images` and `info` add.

#![expect(clippy::unwrap_used, reason = "a test may panic where it fails")]

mod pulled;
mod shelf;

use lazaret_artifact::{ContentDigest, Value};
use serde_json::json;

use crate::shelf::{Home, Model, text};

/// What a terminal would obey.
const ESCAPE: &str = "x\u{1b}[31m\n";

fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| {
            seed.wrapping_mul(31)
                .wrapping_add(u8::try_from(at % 251).unwrap())
        })
        .collect()
}

fn model(title: &str) -> Model {
    let mut model = Model::new(title, b"header");
    model.fact("model.format", text("safetensors"));
    model.fact("model.tensors", Value::Unsigned(3));
    model.fact("model.parameters", Value::Unsigned(7_241_732_096));
    model.fact("model.dtypes", text("F32:2,BF16:1"));
    model.fact("file.metadata.format", text("pt"));
    model.tensor("b.weight", "F32", "[2,1024]", &bytes(1, 8192), true);
    model.tensor("a.bias", "BF16", "[8]", &bytes(2, 16), false);
    model.tensor("norm", "F32", "[4]", &bytes(3, 16), false);
    model
}

/// One tensor of other bytes, one new, one gone; other metadata.
fn other(title: &str) -> Model {
    let mut model = Model::new(title, b"longer header");
    model.fact("model.format", text("safetensors"));
    model.fact("model.tensors", Value::Unsigned(3));
    model.fact("model.parameters", Value::Unsigned(7_241_732_096));
    model.fact("model.dtypes", text("F32:2,BF16:1"));
    model.fact("file.metadata.format", text(ESCAPE));
    model.tensor("b.weight", "F32", "[2,1024]", &bytes(1, 8192), true);
    model.tensor("a.bias", "BF16", "[8]", &bytes(9, 16), false);
    model.tensor("new", "F32", "[4]", &bytes(4, 16), false);
    model
}

#[test]
fn tensors_are_listed_sorted_and_filtered() {
    let home = Home::new();
    home.store("demo", &[&model("m.safetensors")]);
    let (stdout, stderr) = home.run(&["parts", "demo"]);
    assert_eq!(
        stdout,
        "NAME      TYPE  SHAPE        SIZE\n\
         b.weight  F32   [2,1024]  8.0 KiB\n\
         a.bias    BF16  [8]          16 B\n\
         norm      F32   [4]          16 B\n"
    );
    assert_eq!(stderr, "3 parts, 8.0 KiB\n");
    let names = |arguments: &[&str]| -> Vec<String> {
        let found = home.json(&[&["parts", "demo"], arguments].concat());
        found
            .iter()
            .map(|part| part["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&["--sort", "name"]), ["a.bias", "b.weight", "norm"]);
    assert_eq!(
        names(&["--sort", "size", "--reverse"]),
        ["norm", "a.bias", "b.weight"]
    );
    assert_eq!(names(&["--dtype", "f32"]), ["b.weight", "norm"]);
    assert_eq!(names(&["?.*"]), ["b.weight", "a.bias"]);
    assert_eq!(names(&["eigh"]), ["b.weight"]);
    assert_eq!(names(&["nothing"]), [""; 0]);
    assert_eq!(home.run(&["parts", "demo", "nothing"]).1, "0 parts, 0 B\n");
    assert_eq!(home.command(&["parts", "nobody"]).status.code(), Some(5));
}

#[test]
fn a_part_is_described_exactly() {
    let home = Home::new();
    home.store("demo", &[&model("m.safetensors")]);
    let found = home.json(&["parts", "demo", "--digests", "b.*"]);
    let [part] = &*found else { panic!("{found:?}") };
    let mut part = part.clone();
    let sha256 = ContentDigest::sha256(&bytes(1, 8192)).to_string();
    assert_eq!(part["digest"], sha256);
    let blob = part.as_object_mut().unwrap().remove("blob").unwrap();
    assert!(blob.as_str().unwrap().starts_with("sha256:"), "{blob}");
    let object = part.as_object_mut().unwrap().remove("object").unwrap();
    assert_eq!(object.as_str().unwrap().len(), 64);
    assert_eq!(
        part,
        json!({
            "name": "b.weight",
            "file": "m.safetensors",
            "offset": 6,
            "size": 8192,
            "digest": sha256,
            "attributes": {"dtype": "F32", "shape": "[2,1024]"},
        })
    );
    let inline = &home.json(&["parts", "demo", "a.bias", "--digests"])[0];
    assert_eq!(
        inline["digest"],
        ContentDigest::sha256(&bytes(2, 16)).to_string()
    );
    assert_eq!(inline.get("object"), None);
    let (stdout, _) = home.run(&["parts", "demo", "norm", "--digests"]);
    let digest = ContentDigest::sha256(&bytes(3, 16));
    assert_eq!(
        stdout,
        format!("NAME  TYPE  SHAPE  SIZE  DIGEST\nnorm  F32   [4]    16 B  {digest}\n")
    );
}

#[test]
fn of_several_files_each_part_says_which_it_is_in() {
    let home = Home::new();
    let mut second = Model::new("second.gguf", b"other");
    second.tensor("norm", "F16", "[2]", &bytes(5, 4), false);
    home.store("demo", &[&model("first.safetensors"), &second]);
    let (stdout, _) = home.run(&["parts", "demo", "norm"]);
    assert_eq!(
        stdout,
        "NAME  TYPE  SHAPE  SIZE  FILE\n\
         norm  F32   [4]    16 B  first.safetensors\n\
         norm  F16   [2]     4 B  second.gguf\n"
    );
}

#[test]
fn facts_are_listed_and_harmless() {
    let home = Home::new();
    home.store("demo", &[&other("m.safetensors")]);
    let (stdout, _) = home.run(&["facts", "demo"]);
    assert_eq!(
        stdout,
        "KEY                   VALUE\n\
         model.format          safetensors\n\
         model.tensors         3\n\
         model.parameters      7241732096\n\
         model.dtypes          F32:2,BF16:1\n\
         file.metadata.format  x\\u{1b}[31m\\n\n"
    );
    let found = home.json(&["facts", "demo", "--key", "file"]);
    let [fact] = &*found else { panic!("{found:?}") };
    assert_eq!(fact["key"], "file.metadata.format");
    assert_eq!(fact["value"], ESCAPE);
    assert_eq!(fact["file"], "m.safetensors");
    assert_eq!(fact.get("part"), None);
}

#[test]
fn two_models_are_compared() {
    let home = Home::new();
    home.store("one", &[&model("m.safetensors")]);
    home.store("two", &[&other("m.safetensors")]);
    let (stdout, _) = home.run(&["diff", "one", "two"]);
    assert_eq!(
        stdout,
        "1 part equal, 8.0 KiB; 1 changed; 1 added; 1 gone; 1 in the metadata\n\
         \n\
         PART     NAME    TYPE  SHAPE  SIZE\n\
         changed  a.bias  BF16  [8]    16 B\n\
         added    new     F32   [4]    16 B\n\
         gone     norm    F32   [4]    16 B\n\
         \n\
         METADATA              BEFORE  AFTER\n\
         file.metadata.format  pt      x\\u{1b}[31m\\n\n"
    );
    let (stdout, _) = home.run(&["diff", "one", "one"]);
    assert_eq!(stdout, "3 parts equal, 8.0 KiB; no difference\n");
    let found = home.json(&["diff", "one", "two"]);
    let [document] = &*found else {
        panic!("{found:?}")
    };
    assert_eq!(document["before"]["name"], "one");
    assert_eq!(
        document["equal"],
        json!({"parts": 1, "bytes": 8192, "elsewhere": 0})
    );
    let looks = json!({"file": "m.safetensors", "dtype": "BF16", "shape": "[8]", "size": 16});
    assert_eq!(
        document["changed"],
        json!([{"name": "a.bias", "contentOnly": true, "before": looks, "after": looks}])
    );
    assert_eq!(document["added"][0]["name"], "new");
    assert_eq!(document["gone"][0]["name"], "norm");
    assert_eq!(
        document["metadata"],
        json!([{
            "file": "m.safetensors",
            "key": "file.metadata.format",
            "before": ["pt"],
            "after": [ESCAPE],
        }])
    );
}

#[test]
fn inspect_shows_a_card_and_images_what_is_shared() {
    let home = Home::new();
    home.store("one", &[&model("m.safetensors")]);
    home.store("two", &[&other("m.safetensors")]);
    let (stdout, _) = home.run(&["inspect", "one"]);
    let card = stdout.split("\n\n").nth(1).unwrap();
    assert_eq!(
        card,
        "Model\n  \
         format      safetensors\n  \
         parameters  7.2 billion in 3 tensors: F32 2, BF16 1\n  \
         size        8.0 KiB\n  \
         file        m.safetensors, 8.0 KiB"
    );
    let document = &home.json(&["inspect", "one"])[0];
    let models = document["models"].as_array().unwrap();
    assert_eq!(models.len(), 1);
    assert_eq!(models[0]["parameters"], 7_241_732_096_u64);
    assert_eq!(
        models[0]["dtypes"][1],
        json!({"dtype": "BF16", "tensors": 1})
    );

    // No blob is the same, and one object is.
    let (stdout, _) = home.run(&["images"]);
    assert!(
        stdout
            .lines()
            .nth(1)
            .unwrap()
            .contains("   0 B  application/"),
        "{stdout}"
    );
    let (stdout, _) = home.run(&["images", "--sharing"]);
    assert_eq!(
        stdout.lines().next().unwrap(),
        "NAME  KIND      DIGEST               CREATED     SIZE   SHARED  OWN  PLATFORM OR TYPE"
    );
    assert!(
        stdout
            .lines()
            .nth(1)
            .unwrap()
            .contains("  8.5 KiB  8.0 KiB  0 B  "),
        "{stdout}"
    );
    let row = &home.json(&["images", "--sharing"])[0];
    assert_eq!(
        row["sharing"],
        json!({"objects": 1, "bytes": 8192, "unique": 8192, "shared": 8192})
    );
    let info = &home.json(&["info"])[0];
    assert_eq!(
        info["sharing"],
        json!({"bytes": 16384, "stored": 8192, "saved": 8192})
    );
    let (stdout, _) = home.run(&["info"]);
    let line = stdout.lines().last().unwrap();
    assert_eq!(
        line,
        "Sharing       16.0 KiB in 8.0 KiB of objects: saves 8.0 KiB, 50.0 %"
    );
}
