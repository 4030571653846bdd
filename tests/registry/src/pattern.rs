//! Patterns of methods and paths: `*` stands for any text, also for none.

/// Whether the whole of `text` is like `pattern`.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(first) else {
        return false;
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().any(|at| matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_anything() {
        for (pattern, text, like) in [
            ("GET", "GET", true),
            ("GET", "GETS", false),
            ("*", "", true),
            ("*", "HEAD", true),
            ("*/blobs/*", "/v2/a/b/blobs/sha256:00", true),
            ("*/blobs/*", "/v2/a/b/manifests/sha256:00", false),
            ("/v2/*/tags/list", "/v2/a/tags/list", true),
            ("/v2/*/tags/list", "/v2/a/tags/lists", false),
            ("a*b*c", "abbc", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(matches(pattern, text), like, "{pattern} {text}");
        }
    }
}
