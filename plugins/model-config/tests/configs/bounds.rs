//! Each bound, just kept and just broken.

use lazaret_plugin_model_config::limits::{DEPTH_MAX, FILE_MAX, NAMES_HELD_MAX};
use lazaret_plugin_model_config::{Fault, Kind, Rule, replay};

fn read(file: &str) -> Result<(), Fault> {
    let facts = replay(file.as_bytes(), Kind::Model, 0)?;
    assert_eq!(facts.len(), 1);
    Ok(())
}

#[test]
fn a_file_is_bounded() {
    let file = |size: u64| {
        let mut file = r#"{"model_type":"x"}"#.to_owned();
        file.push_str(&" ".repeat(usize::try_from(size).unwrap() - file.len()));
        file
    };
    assert_eq!(read(&file(FILE_MAX)), Ok(()));
    let fault = read(&file(FILE_MAX + 1)).unwrap_err();
    assert_eq!(fault.rule, Rule::TooLarge);
    assert!(fault.is_unsupported());
}

#[test]
fn nesting_is_bounded() {
    let file = |depth: usize| {
        // The document itself is the first.
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"model_type":"x","a":{open}{close}}}"#)
    };
    assert_eq!(read(&file(DEPTH_MAX as usize)), Ok(()));
    assert_eq!(
        read(&file(DEPTH_MAX as usize + 1)).unwrap_err().rule,
        Rule::TooDeep
    );
    assert_eq!(read(&file(1_000_000)).unwrap_err().rule, Rule::TooDeep);
}

#[test]
fn names_are_bounded_where_they_are_held() {
    let object = |names: usize| {
        let list: Vec<String> = (0..names)
            .map(|number| format!("\"{number:x}\":0"))
            .collect();
        format!("{{{}}}", list.join(","))
    };
    // Two names around them.
    let file = |names| format!(r#"{{"model_type":"x","a":{}}}"#, object(names));
    assert_eq!(read(&file(NAMES_HELD_MAX - 2)), Ok(()));
    assert_eq!(
        read(&file(NAMES_HELD_MAX - 1)).unwrap_err().rule,
        Rule::TooManyNames
    );
    // Beside each other they are not held together.
    let half = object(NAMES_HELD_MAX / 2);
    assert_eq!(
        read(&format!(
            r#"{{"model_type":"x","a":[{half},{half},{half}]}}"#
        )),
        Ok(())
    );
}
