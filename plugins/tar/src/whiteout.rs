//! Names that mean a deletion in a layer (OCI image specification, layer.md, "Whiteouts").

use crate::error::Rule;

const PREFIX: &[u8] = b".wh.";
const METADATA_PREFIX: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What a path stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Itself.
    Name,
    /// The deletion of this path.
    Whiteout(Vec<u8>),
    /// The emptying of this directory.
    Opaque(Vec<u8>),
    /// Bookkeeping of aufs (`.wh..wh.aufs`, `.wh..wh.plnk/…`): no entry. Docker and containerd skip
    /// it; those who take it for a whiteout hide a name that cannot exist.
    Metadata,
}

/// Reads a path as a layer's. Empty and `.` components do not count; the rest is left to the host.
pub(crate) fn meaning(path: &[u8]) -> Result<Meaning, Rule> {
    let mut start = 0;
    let mut last: (usize, &[u8]) = (0, b"");
    let mut metadata = false;
    for component in path.split(|&byte| byte == b'/') {
        if !matches!(component, b"" | b".") {
            if last.1.starts_with(METADATA_PREFIX) {
                metadata = true;
            } else if last.1.starts_with(PREFIX) {
                return Err(Rule::BelowWhiteout);
            }
            last = (start, component);
        }
        start += component.len() + 1;
    }
    let (start, name) = last;
    if metadata {
        return Ok(Meaning::Metadata);
    }
    let Some(hidden) = name.strip_prefix(PREFIX) else {
        return Ok(Meaning::Name);
    };
    let directory = &path[..start];
    if name == OPAQUE {
        let path = if directory.is_empty() {
            b"."
        } else {
            directory
        };
        Ok(Meaning::Opaque(path.to_vec()))
    } else if name.starts_with(METADATA_PREFIX) {
        Ok(Meaning::Metadata)
    } else if matches!(hidden, b"" | b"." | b"..") {
        Err(Rule::WhiteoutName)
    } else {
        Ok(Meaning::Whiteout([directory, hidden].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_specification_says() {
        let whiteout = |path: &str| Ok(Meaning::Whiteout(path.as_bytes().to_vec()));
        let opaque = |path: &str| Ok(Meaning::Opaque(path.as_bytes().to_vec()));
        for (path, want) in [
            ("etc/passwd", Ok(Meaning::Name)),
            ("a.wh.b", Ok(Meaning::Name)),
            (".whx", Ok(Meaning::Name)),
            (".wh.a", whiteout("a")),
            ("/.wh.a", whiteout("/a")),
            ("./x/.wh.a", whiteout("./x/a")),
            ("x/.wh.a/", whiteout("x/a")),
            ("x//.wh.a/./", whiteout("x//a")),
            (".wh..a", whiteout(".a")),
            (".wh....", whiteout("...")),
            ("../.wh.a", whiteout("../a")),
            (".wh..wh..opq", opaque(".")),
            ("./.wh..wh..opq", opaque("./")),
            ("x/y/.wh..wh..opq", opaque("x/y/")),
            (".wh..wh.aufs", Ok(Meaning::Metadata)),
            (".wh..wh.plnk/1.2", Ok(Meaning::Metadata)),
            (".wh..wh.", Ok(Meaning::Metadata)),
            ("x/.wh..wh..opq/y", Ok(Meaning::Metadata)),
            (".wh.", Err(Rule::WhiteoutName)),
            ("x/.wh.", Err(Rule::WhiteoutName)),
            (".wh..", Err(Rule::WhiteoutName)),
            ("x/.wh...", Err(Rule::WhiteoutName)),
            (".wh.a/b", Err(Rule::BelowWhiteout)),
            ("x/.wh.a/..", Err(Rule::BelowWhiteout)),
        ] {
            assert_eq!(meaning(path.as_bytes()), want, "{path}");
        }
    }
}
