//! The name of a file with external data, relative to the model's folder.

use crate::error::Rule;
use crate::limits::{COMPONENT_MAX, LOCATION_MAX};

/// How ONNX Runtime marks a tensor whose location is an address in its own memory.
const MEMORY: &str = "*/_ORT_";

/// The same file's one name: without components that are a dot.
///
/// # Errors
/// The location is not a relative path downwards, on Linux as on Windows.
pub fn clean(location: &str) -> Result<String, Rule> {
    if location.contains('\0') {
        return Err(Rule::LocationNul);
    }
    if location.contains('\\') {
        return Err(Rule::LocationBackslash);
    }
    if location.starts_with('/') {
        return Err(Rule::LocationAbsolute);
    }
    if let [letter, b':', ..] = location.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Err(Rule::LocationDrive);
    }
    if location.starts_with(MEMORY) {
        return Err(Rule::LocationMemory);
    }
    if location.is_empty() {
        return Err(Rule::LocationEmpty);
    }
    let mut clean = String::with_capacity(location.len());
    for component in location.split('/') {
        match component {
            "" => return Err(Rule::LocationComponent),
            ".." => return Err(Rule::LocationParent),
            "." => continue,
            long if long.len() > COMPONENT_MAX => return Err(Rule::LocationTooLong),
            _ => {}
        }
        if !clean.is_empty() {
            clean.push('/');
        }
        clean.push_str(component);
    }
    if clean.is_empty() {
        Err(Rule::LocationEmpty)
    } else if clean.len() > LOCATION_MAX {
        Err(Rule::LocationTooLong)
    } else {
        Ok(clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_lead_downwards() {
        for (location, expected) in [
            ("weights.bin", Ok("weights.bin")),
            ("./weights.bin", Ok("weights.bin")),
            ("data/./a", Ok("data/a")),
            ("a..b", Ok("a..b")),
            ("...", Ok("...")),
            ("ü b", Ok("ü b")),
            ("", Err(Rule::LocationEmpty)),
            (".", Err(Rule::LocationEmpty)),
            ("./.", Err(Rule::LocationEmpty)),
            ("..", Err(Rule::LocationParent)),
            ("a/../b", Err(Rule::LocationParent)),
            ("../../etc/passwd", Err(Rule::LocationParent)),
            ("/etc/passwd", Err(Rule::LocationAbsolute)),
            ("//host/share", Err(Rule::LocationAbsolute)),
            ("C:weights", Err(Rule::LocationDrive)),
            ("c:/weights", Err(Rule::LocationDrive)),
            ("a\\b", Err(Rule::LocationBackslash)),
            ("\\\\host\\share", Err(Rule::LocationBackslash)),
            ("a\0b", Err(Rule::LocationNul)),
            ("a//b", Err(Rule::LocationComponent)),
            ("a/", Err(Rule::LocationComponent)),
            ("file:///etc", Err(Rule::LocationComponent)),
            ("*/_ORT_MEM_ADDR_/*", Err(Rule::LocationMemory)),
        ] {
            assert_eq!(clean(location), expected.map(str::to_owned), "{location:?}");
        }
        let long = "x".repeat(COMPONENT_MAX);
        assert_eq!(clean(&long), Ok(long.clone()));
        assert_eq!(clean(&format!("{long}x")), Err(Rule::LocationTooLong));
        let deep = "x/".repeat(2047) + "x";
        assert_eq!(clean(&deep), Ok(deep.clone()));
        assert_eq!(clean(&format!("{deep}/x")), Err(Rule::LocationTooLong));
    }
}
