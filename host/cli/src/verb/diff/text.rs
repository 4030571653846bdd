//! What `diff` tells people.

use std::collections::HashSet;

use lazaret_artifact::{EntryPath, Value};
use lazaret_views::{Differences, MetadataChange, Outline};

use crate::amount::{counted, size};
use crate::table::{Align, Table};
use crate::verb::shown;

/// A line of counts, the parts that differ, the metadata that does.
pub fn of(found: &Differences, columns: Option<usize>) -> String {
    let mut text = format!("{}\n", head(found));
    if !(found.changed.is_empty() && found.added.is_empty() && found.gone.is_empty()) {
        text.push('\n');
        text.push_str(&parts(found, columns));
    }
    if !found.metadata.is_empty() {
        text.push('\n');
        text.push_str(&metadata(&found.metadata, columns));
    }
    text
}

fn head(found: &Differences) -> String {
    let equal = &found.equal;
    let parts = counted(equal.parts, "part", "parts");
    let mut text = match equal.parts {
        0 => "no part is equal".to_owned(),
        _ => format!("{parts} equal, {}", size(equal.bytes)),
    };
    match found.elsewhere.parts {
        0 => {}
        all if all == equal.parts => text.push_str(" (in files of other names)"),
        some => text.push_str(&format!(" ({some} of them in files of other names)")),
    }
    if found.is_empty() {
        return match equal.parts {
            0 => "nothing to compare: no parts, no metadata".to_owned(),
            _ => format!("{text}; no difference"),
        };
    }
    for (number, what) in [
        (found.changed.len(), "changed"),
        (found.added.len(), "added"),
        (found.gone.len(), "gone"),
        (found.metadata.len(), "in the metadata"),
    ] {
        if number > 0 {
            text.push_str(&format!("; {number} {what}"));
        }
    }
    text
}

/// Changed ones in their place, then what is new, then what is gone.
fn parts(found: &Differences, columns: Option<usize>) -> String {
    let outlines = || {
        let changed = found.changed.iter().map(|changed| &changed.after);
        changed.chain(&found.added).chain(&found.gone)
    };
    let files: HashSet<_> = outlines().map(|outline| outline.file.as_deref()).collect();
    let with_files = files.len() > 1;
    let mut titles = vec![
        ("PART", Align::Left),
        ("NAME", Align::Left),
        ("TYPE", Align::Left),
        ("SHAPE", Align::Left),
        ("SIZE", Align::Right),
    ];
    if with_files {
        titles.push(("FILE", Align::Left));
    }
    let mut table = Table::with_columns(&titles);
    let mut row = |what: &str, before: &Outline, after: &Outline| {
        let of = |text: fn(&Outline) -> String| turned(text(before), text(after));
        let mut cells = vec![
            what.to_owned(),
            after.name.clone(),
            of(|side| side.dtype.as_deref().unwrap_or("-").to_owned()),
            of(|side| side.shape.as_deref().unwrap_or("-").to_owned()),
            of(|side| size(side.size)),
        ];
        if with_files {
            cells.push(of(|side| {
                let file = side.file.as_deref();
                file.map_or_else(|| "-".to_owned(), EntryPath::to_string)
            }));
        }
        table.cells(&cells);
    };
    for changed in &found.changed {
        row("changed", &changed.before, &changed.after);
    }
    for added in &found.added {
        row("added", added, added);
    }
    for gone in &found.gone {
        row("gone", gone, gone);
    }
    if with_files {
        table.fit(5, columns);
    }
    table.fit(1, columns);
    table.render()
}

/// From one to the other, where they are not the same.
fn turned(before: String, after: String) -> String {
    match before == after {
        true => after,
        false => format!("{before} -> {after}"),
    }
}

fn metadata(changes: &[MetadataChange], columns: Option<usize>) -> String {
    let files: HashSet<_> = changes.iter().map(|change| &change.file).collect();
    let with_files = files.len() > 1;
    let mut titles = vec![
        ("METADATA", Align::Left),
        ("BEFORE", Align::Left),
        ("AFTER", Align::Left),
    ];
    if with_files {
        titles.push(("FILE", Align::Left));
    }
    let mut table = Table::with_columns(&titles);
    for change in changes {
        let mut cells = vec![
            change.key.clone(),
            values(&change.before),
            values(&change.after),
        ];
        if with_files {
            let file = change.file.as_ref();
            cells.push(file.map_or_else(|| "-".to_owned(), EntryPath::to_string));
        }
        table.cells(&cells);
    }
    // The widest that is left gives way first.
    for column in [2, 1, 0] {
        table.fit(column, columns);
    }
    table.render()
}

fn values(values: &[Value]) -> String {
    match values {
        [] => "-".to_owned(),
        [one] => shown(one),
        [first, rest @ ..] => format!("{} and {} more", shown(first), rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lazaret_views::{Changed, Tally};

    use super::*;

    fn outline(name: &str, dtype: &str, size: u64) -> Outline {
        Outline {
            file: Some(Arc::new(EntryPath::from_untrusted(b"m.gguf").unwrap())),
            name: name.to_owned(),
            dtype: Some(dtype.into()),
            shape: Some("[32,64]".into()),
            size,
        }
    }

    #[test]
    fn differences_are_told_in_tables() {
        let mut found = Differences {
            equal: Tally {
                parts: 3,
                bytes: 4096,
            },
            ..Differences::default()
        };
        assert_eq!(of(&found, None), "3 parts equal, 4.0 KiB; no difference\n");
        found.changed.push(Changed {
            before: outline("a\u{1b}[1m", "F32", 8192),
            after: outline("a\u{1b}[1m", "F16", 4096),
            content_only: false,
        });
        found.added.push(outline("b", "F32", 10));
        found.metadata.push(MetadataChange {
            file: None,
            key: "model.name".to_owned(),
            before: vec![],
            after: vec![Value::Text("x\ny".to_owned()), Value::Unsigned(7)],
        });
        assert_eq!(
            of(&found, None),
            "3 parts equal, 4.0 KiB; 1 changed; 1 added; 1 in the metadata\n\
             \n\
             PART     NAME        TYPE        SHAPE                  SIZE\n\
             changed  a\\u{1b}[1m  F32 -> F16  [32,64]  8.0 KiB -> 4.0 KiB\n\
             added    b           F32         [32,64]                10 B\n\
             \n\
             METADATA    BEFORE  AFTER\n\
             model.name  -       x\\ny and 1 more\n"
        );
    }

    #[test]
    fn nothing_is_not_taken_for_equal() {
        let text = of(&Differences::default(), None);
        assert_eq!(text, "nothing to compare: no parts, no metadata\n");
    }
}
