//! Files that are accepted, and what is said about them.

use lazaret_plugin_gguf::limits::METADATA_FACTS_MAX;
use lazaret_plugin_gguf::{Dtype, Rule, Statement};
use sha2::{Digest as _, Sha256};

use crate::file::*;

fn fact(bytes: &[u8], key: &str) -> Option<Statement> {
    let facts = sound(bytes).facts;
    let mut found = facts.into_iter().filter(|fact| fact.key == key);
    let value = found.next().map(|fact| fact.value);
    assert_eq!(found.next(), None, "{key} is stated twice");
    value
}

fn text(text: &str) -> Option<Statement> {
    Some(Statement::Text(text.to_owned()))
}

const fn unsigned(number: u64) -> Option<Statement> {
    Some(Statement::Unsigned(number))
}

#[test]
fn tensors_have_their_places_and_shapes() {
    for version in [2, 3] {
        let mut file = File::new()
            .tensor("token_embd.weight", Q4_K, &[512, 3])
            .tensor("a.bias", F32, &[5])
            .tensor("empty", F16, &[0, 7])
            .tensor("scalar", F32, &[])
            .tensor("deep", I8, &[1, 2, 3, 4]);
        file.version = version;
        let bytes = file.bytes();
        let replay = sound(&bytes);
        let index = file.index().len() as u64;
        let data = index.next_multiple_of(32);
        assert_eq!(replay.model.version, version);
        assert_eq!(replay.model.index, index);
        let tensors: Vec<_> = replay
            .model
            .tensors
            .iter()
            .map(|tensor| {
                let name = &*tensor.name;
                let shape = tensor.shape_text();
                let place = (tensor.offset - data, tensor.length);
                (name, tensor.dtype.name(), shape, tensor.elements(), place)
            })
            .collect();
        let row = |name, dtype, shape: &str, elements, place| {
            (name, dtype, shape.to_owned(), elements, place)
        };
        assert_eq!(
            tensors,
            [
                row("token_embd.weight", "Q4_K", "[3,512]", 1536, (0, 864)),
                row("a.bias", "F32", "[5]", 5, (864, 20)),
                row("empty", "F16", "[7,0]", 0, (896, 0)),
                row("scalar", "F32", "[]", 1, (896, 4)),
                row("deep", "I8", "[4,3,2,1]", 24, (928, 24)),
            ]
        );
        for (tensor, described) in replay.model.tensors.iter().zip(&file.tensors) {
            let (start, end) = (tensor.offset, tensor.offset + tensor.length);
            assert_eq!(bytes[start as usize..end as usize], described.data);
        }
    }
}

#[test]
fn every_type_has_its_blocks() {
    let mut file = File::new();
    for dtype in Dtype::all() {
        file = file.tensor(dtype.name(), dtype.number(), &[256, 2]);
    }
    let replay = sound(&file.bytes());
    assert_eq!(replay.model.tensors.len(), 35);
    for (tensor, dtype) in replay.model.tensors.iter().zip(Dtype::all()) {
        assert_eq!(&*tensor.name, tensor.dtype.name());
        let blocks = 512 / dtype.block_elements();
        assert_eq!(tensor.length, blocks * dtype.block_bytes());
    }
}

#[test]
fn the_card_is_filled_from_the_keys() {
    let template = "{% for message in messages %}…{% endfor %}";
    let bytes = File::new()
        .key("qwen2.context_length", &u32_value(1))
        .key("llama.context_length", &u32_value(8192))
        .key(
            "llama.embedding_length",
            &value(10, &4096_u64.to_le_bytes()),
        )
        .key("general.name", &string("Tiny"))
        .key("general.license", &string("apache-2.0"))
        .key("general.file_type", &u32_value(15))
        .key("tokenizer.ggml.model", &string("gpt2"))
        .key("tokenizer.chat_template", &string(template))
        .key("split.no", &value(2, &1_u16.to_le_bytes()))
        .key("split.count", &value(2, &3_u16.to_le_bytes()))
        .key("split.tensors.count", &value(5, &291_i32.to_le_bytes()))
        .tensor("a", F32, &[4, 4])
        .tensor("b", Q4_K, &[256])
        .tensor("c", Q4_K, &[256])
        .bytes();
    let digest = Sha256::digest(template.as_bytes()).into();
    for (key, value) in [
        ("model.format", text("gguf")),
        ("model.format-version", unsigned(3)),
        ("model.tensors", unsigned(3)),
        ("model.parameters", unsigned(16 + 512)),
        ("model.dtypes", text("Q4_K:2,F32:1")),
        ("model.architecture", text("llama")),
        ("model.name", text("Tiny")),
        ("model.licence", text("apache-2.0")),
        ("model.quantization", text("Q4_K_M")),
        ("model.context-length", unsigned(8192)),
        ("model.embedding-length", unsigned(4096)),
        ("model.tokenizer", text("gpt2")),
        (
            "model.chat-template-sha256",
            Some(Statement::Sha256(digest)),
        ),
        ("model.split-number", unsigned(1)),
        ("model.split-count", unsigned(3)),
        ("model.split-tensors", unsigned(291)),
        ("file.metadata.general.name", text("Tiny")),
        ("file.metadata.qwen2.context_length", text("1")),
        ("file.metadata.tokenizer.chat_template", text(template)),
        ("file.metadata-omitted", None),
    ] {
        assert_eq!(fact(&bytes, key), value, "{key}");
    }
}

#[test]
fn the_architecture_may_come_last() {
    let mut file = File::new().key("llama.context_length", &u32_value(7));
    file.keys.reverse();
    assert_eq!(fact(&file.bytes(), "model.context-length"), unsigned(7));
}

#[test]
fn keys_of_other_types_say_nothing() {
    let bytes = File::new()
        .key("general.name", &u32_value(1))
        .key("general.file_type", &string("Q4_0"))
        .key("llama.context_length", &value(5, &(-1_i32).to_le_bytes()))
        .key("tokenizer.chat_template", &strings(&["a"]))
        .bytes();
    for key in [
        "model.name",
        "model.quantization",
        "model.context-length",
        "model.chat-template-sha256",
        "model.dtypes",
    ] {
        assert_eq!(fact(&bytes, key), None, "{key}");
    }
}

#[test]
fn values_are_stated_in_words() {
    let long = "é".repeat(3000);
    let digest = |bytes: &[u8]| -> String {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let numbers: Vec<u8> = (0..65_u16).flat_map(u16::to_le_bytes).collect();
    let tokens = ["tok"; 70];
    let wide = ["y".repeat(2049), "z".repeat(2048)];
    let element = |text: &str| length(text.len() as u64, text.as_bytes());
    let rows: Vec<(&str, Vec<u8>, String)> = vec![
        ("u8", value(0, &[255]), "255".to_owned()),
        ("i8", value(1, &[255]), "-1".to_owned()),
        ("u16", value(2, &[1, 2]), "513".to_owned()),
        ("i16", value(3, &[0, 128]), "-32768".to_owned()),
        ("u32", u32_value(u32::MAX), u32::MAX.to_string()),
        (
            "i32",
            value(5, &i32::MIN.to_le_bytes()),
            i32::MIN.to_string(),
        ),
        (
            "f32",
            value(6, &1e-5_f32.to_le_bytes()),
            "0.00001".to_owned(),
        ),
        ("bool", value(7, &[1]), "true".to_owned()),
        ("string", string("x\u{1b}\n"), "x\u{1b}\n".to_owned()),
        ("empty", string(""), String::new()),
        ("u64", value(10, &[255; 8]), u64::MAX.to_string()),
        ("i64", value(11, &[255; 8]), "-1".to_owned()),
        ("f64", value(12, &0.1_f64.to_le_bytes()), "0.1".to_owned()),
        ("nan", value(6, &f32::NAN.to_le_bytes()), "NaN".to_owned()),
        (
            "latin",
            value(8, &length(2, b"\xe9x")),
            "\u{fffd}x".to_owned(),
        ),
        (
            "long",
            string(&long),
            format!(
                "{}… [cut: 6000 bytes in all, sha256:{}]",
                "é".repeat(2048),
                digest(long.as_bytes())
            ),
        ),
        ("bools", array(7, 2, &[0, 1]), "[false,true]".to_owned()),
        ("nothing", array(8, 0, &[]), "[]".to_owned()),
        (
            "tags",
            strings(&["a\"b", "\\", "\n"]),
            r#"["a\"b","\\","\u000a"]"#.to_owned(),
        ),
        (
            "many",
            array(2, 65, &numbers),
            format!("u16[65] sha256:{}", digest(&numbers)),
        ),
        (
            "tokens",
            strings(&tokens),
            format!("str[70] sha256:{}", digest(&element("tok").repeat(70))),
        ),
        (
            "wide",
            strings(&[&wide[0], &wide[1]]),
            format!(
                "str[2] sha256:{}",
                digest(&[element(&wide[0]), element(&wide[1])].concat())
            ),
        ),
    ];
    let mut file = File::new();
    for (key, value, _) in &rows {
        file = file.key(key, value);
    }
    let bytes = file.bytes();
    for (key, _, expected) in &rows {
        let key = format!("file.metadata.{key}");
        assert_eq!(fact(&bytes, &key), text(expected), "{key}");
    }
}

#[test]
fn strange_keys_are_escaped() {
    let bytes = File::new().key("a b%", &u32_value(1)).bytes();
    assert_eq!(fact(&bytes, "file.metadata.a%20b%25"), text("1"));
}

#[test]
fn more_keys_than_facts_are_counted() {
    let mut file = File::new();
    for number in 0..METADATA_FACTS_MAX + 2 {
        file = file.key(&format!("key{number}"), &value(0, &[0]));
    }
    assert_eq!(fact(&file.bytes(), "file.metadata-omitted"), unsigned(3));
}

#[test]
fn a_file_ends_with_its_last_tensor_or_with_its_padding() {
    let mut file = File::new().tensor("a", F32, &[5]);
    let whole = file.bytes();
    assert_eq!(sound(&whole).model.size, whole.len() as u64);
    file.padded = false;
    let exact = file.bytes();
    assert_eq!(whole.len() - exact.len(), 12);
    for end in exact.len()..=whole.len() {
        sound(&whole[..end]);
    }
    assert_eq!(
        refused(&exact[..exact.len() - 1]).rule,
        Rule::TensorBeyondEnd
    );
    let longer = [whole, vec![0]].concat();
    assert_eq!(refused(&longer).rule, Rule::TrailingData);
}

#[test]
fn files_without_tensors_end_with_their_keys_or_with_padding() {
    let file = File::new();
    let (index, whole) = (file.index(), file.bytes());
    for end in index.len()..=whole.len() {
        let replay = sound(&whole[..end]);
        assert!(replay.model.tensors.is_empty());
    }
    let longer = [whole, vec![0]].concat();
    assert_eq!(refused(&longer).rule, Rule::TrailingData);
}

#[test]
fn alignment_is_obeyed() {
    for alignment in [1, 2, 8, 64, 4096, 1 << 20] {
        let file = File::new()
            .aligned(alignment)
            .tensor("a", I8, &[3])
            .tensor("b", I8, &[5]);
        let model = sound(&file.bytes()).model;
        assert_eq!(model.alignment, alignment);
        let alignment = u64::from(alignment);
        let data = model.index.next_multiple_of(alignment);
        assert_eq!(model.tensors[0].offset, data);
        assert_eq!(
            model.tensors[1].offset,
            data + 3_u64.next_multiple_of(alignment)
        );
    }
}
