//! Files of these names that are not a model's: each breaks a rule, so that nothing is said of it.

use lazaret_plugin_model_config::{Kind, Rule, replay};

/// The rule, and the offset where it is broken.
fn refused(kind: Kind, file: &[u8]) -> (Rule, u64) {
    let fault = replay(file, kind, 0).unwrap_err();
    assert_eq!(replay(file, kind, 3).unwrap_err(), fault);
    assert!(fault.at.end() <= file.len() as u64, "{fault:?}");
    (fault.rule, fault.at.offset)
}

#[test]
fn other_programs_configurations_are_left_alone() {
    for file in [
        r#"{}"#,
        r#"{"port":8080,"model":{"model_type":"llama"}}"#,
        // A part of a diffusion pipeline.
        r#"{"_class_name":"AutoencoderKL","_diffusers_version":"0.29.2"}"#,
        r#"{"architecture":"amd64","os":"linux"}"#,
    ] {
        assert_eq!(refused(Kind::Model, file.as_bytes()), (Rule::NotModel, 0));
        let tokenizer = refused(Kind::Tokenizer, file.as_bytes());
        assert_eq!(tokenizer, (Rule::NotTokenizer, 0));
    }
}

#[test]
fn what_is_no_sound_object_is_left_alone() {
    for (file, rule, at) in [
        (&b""[..], Rule::Truncated, 0),
        (b"  ", Rule::Truncated, 2),
        (b"[]", Rule::NotObject, 0),
        (b"\"model_type\"", Rule::NotObject, 0),
        (
            b"version https://git-lfs.github.com/spec/v1",
            Rule::NotObject,
            0,
        ),
        (b"// c\n{}", Rule::NotObject, 0),
        (b"\xef\xbb\xbf{}", Rule::NotObject, 0),
        (b"{\"a\":\"\xff\"}", Rule::Utf8, 6),
        (b"{", Rule::Truncated, 1),
        (b"{\"a", Rule::Truncated, 3),
        (b"{\"a\"", Rule::Truncated, 4),
        (b"{\"a\":", Rule::Truncated, 5),
        (b"{\"a\":1", Rule::Truncated, 6),
        (b"{\"a\":1,}", Rule::Syntax, 7),
        (b"{,}", Rule::Syntax, 1),
        (b"{\"a\":[1,]}", Rule::Syntax, 8),
        (b"{\"a\":[1 2]}", Rule::Syntax, 8),
        (b"{\"a\" 1}", Rule::Syntax, 5),
        (b"{a:1}", Rule::Syntax, 1),
        (b"{'a':1}", Rule::Syntax, 1),
        (b"{\"a\":01}", Rule::Syntax, 6),
        (b"{\"a\":+1}", Rule::Syntax, 5),
        (b"{\"a\":.5}", Rule::Syntax, 5),
        (b"{\"a\":1.}", Rule::Syntax, 7),
        (b"{\"a\":1e}", Rule::Syntax, 7),
        (b"{\"a\":-}", Rule::Syntax, 6),
        (b"{\"a\":-NaN}", Rule::Syntax, 6),
        (b"{\"a\":truE}", Rule::Syntax, 8),
        (b"{\"a\":\"\n\"}", Rule::Control, 6),
        (b"{\"a\":\"\\x\"}", Rule::Escape, 7),
        (b"{\"a\":\"\\u00g0\"}", Rule::Escape, 10),
        (b"{\"a\":\"\\ud800\"}", Rule::Surrogate, 6),
        (b"{\"a\":\"\\ud800\\u0041\"}", Rule::Surrogate, 6),
        (b"{\"a\":\"\\udc00\"}", Rule::Surrogate, 6),
        (b"{\"a\":1,\"\\u0061\":2}", Rule::DuplicateName, 7),
        (b"{\"b\":[{\"a\":1,\"a\":1}]}", Rule::DuplicateName, 13),
        (b"{}{}", Rule::Trailing, 2),
        (b"{}\0", Rule::Trailing, 2),
    ] {
        for kind in [Kind::Model, Kind::Tokenizer] {
            let shown = String::from_utf8_lossy(file);
            assert_eq!(refused(kind, file), (rule, at), "{shown}");
        }
    }
}

#[test]
fn whatever_follows_what_is_known_must_be_sound() {
    for file in [
        r#"{"model_type":"llama","model_type":"bert"}"#,
        r#"{"model_type":"llama""#,
        r#"{"model_type":"llama"} x"#,
        r#"{"model_type":"llama","text_config":{"a":1,"a":2}}"#,
        r#"{"architectures":["A",]}"#,
    ] {
        replay(file.as_bytes(), Kind::Model, 0).unwrap_err();
    }
}
