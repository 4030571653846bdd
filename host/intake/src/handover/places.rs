//! Where in a blob what was found in one of its files belongs, and what links in it lead to.

use lazaret_artifact::{Attribute, ContentDigest, Entry, EntryPath, Extent, Value};

use super::{FILE, NAME, Waiting};

/// What a symbolic link leads to inside the same archive, by its text alone; none if it leads out.
pub(super) fn resolve(link: &EntryPath, target: &[u8]) -> Option<EntryPath> {
    let mut components: Vec<&[u8]> = match target.starts_with(b"/") {
        true => Vec::new(),
        false => link.components().collect(),
    };
    components.pop();
    for component in target.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                components.pop()?;
            }
            _ => components.push(component),
        }
    }
    EntryPath::from_untrusted(&components.join(&b'/')).ok()
}

/// A part of a file as a part of the blob; none if its path cannot be.
pub(super) fn filed(file: &Waiting, part: Entry) -> Option<Entry> {
    let mut attributes = part.attributes;
    let within = attributes.iter().position(|found| found.key == FILE);
    let place = match within.map(|at| attributes.swap_remove(at).value) {
        // A file in a file.
        Some(Value::Text(inner)) => join(file, inner.as_bytes()),
        Some(Value::Bytes(inner)) => join(file, &inner),
        _ => file.path.as_bytes().to_vec(),
    };
    attributes.push(Attribute {
        key: FILE.to_owned(),
        value: text(&place),
    });
    let path = match EntryPath::from_untrusted(&join(file, part.path.as_bytes())) {
        Ok(path) => path,
        Err(_) => {
            if attributes.iter().all(|attribute| attribute.key != NAME) {
                attributes.push(Attribute {
                    key: NAME.to_owned(),
                    value: text(part.path.as_bytes()),
                });
            }
            let digest = ContentDigest::sha256(part.path.as_bytes()).hex();
            file.path
                .join(format!("%~{}", &digest[..16]).as_bytes())
                .ok()?
        }
    };
    let content = part.content.into_iter().map(|extent| match extent {
        Extent::Input { offset, length } => Extent::Input {
            offset: file.offset.saturating_add(offset),
            length,
        },
        other => other,
    });
    Some(Entry {
        path,
        content: content.collect(),
        attributes,
        ..part
    })
}

fn join(file: &Waiting, inner: &[u8]) -> Vec<u8> {
    [file.path.as_bytes(), b"/", inner].concat()
}

pub(super) fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(text.to_owned()),
        Err(_) => Value::Bytes(bytes.to_vec()),
    }
}
