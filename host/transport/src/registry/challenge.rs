//! `WWW-Authenticate`: what a registry wants before it answers (RFC 9110 section 11.6.1; the
//! distribution project's "Token Authentication Specification").

/// Bytes of all challenges of one answer; a list of megabytes is an attack on the parser's time.
const MAX_LENGTH: usize = 8 * 1024;

/// A way to authenticate that this client knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token that `realm` gives out.
    Bearer {
        /// Who gives out tokens; not validated.
        realm: String,
        /// Who the token is for.
        service: Option<String>,
    },
}

impl Challenge {
    /// The best of what the header's values offer: tokens before passwords. `None` when there is
    /// nothing this client can do.
    pub(super) fn choose<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut basic = false;
        for value in values {
            let Ok(text) = std::str::from_utf8(value) else {
                continue;
            };
            if text.len() > MAX_LENGTH {
                continue;
            }
            for (scheme, parameters) in parse(text) {
                if scheme.eq_ignore_ascii_case("basic") {
                    basic = true;
                }
                let find = |name: &str| {
                    let mut found = parameters.iter().filter(|(key, _)| key == name);
                    found.next().map(|(_, value)| value.clone())
                };
                if scheme.eq_ignore_ascii_case("bearer")
                    && let Some(realm) = find("realm")
                {
                    return Some(Self::Bearer {
                        realm,
                        service: find("service"),
                    });
                }
            }
        }
        basic.then_some(Self::Basic)
    }
}

type Parameters = Vec<(String, String)>;

/// Schemes and their parameters, names in lower case. What cannot be read ends the list.
fn parse(text: &str) -> Vec<(String, Parameters)> {
    let mut challenges: Vec<(String, Parameters)> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let word_end = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        if word_end == 0 {
            return challenges;
        }
        let (word, after) = rest.split_at(word_end);
        let behind = after.trim_start_matches([' ', '\t']);
        match (behind.strip_prefix('='), challenges.last_mut()) {
            (Some(value), Some((_, parameters))) => {
                let Some((value, after)) = parse_value(value.trim_start_matches([' ', '\t']))
                else {
                    return challenges;
                };
                parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            // A parameter of no scheme.
            (Some(_), None) => return challenges,
            (None, _) => {
                challenges.push((word.to_owned(), Vec::new()));
                rest = after;
            }
        }
    }
}

/// A token, or a quoted string with backslashes; and what comes after it.
fn parse_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// RFC 9110 section 5.6.2, and the characters of `token68` that occur in bare values.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_as_registries_send_them() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.map(str::to_owned),
            })
        };
        for (values, expected) in [
            // docker.io
            (
                vec![
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull""#,
                ],
                bearer("https://auth.docker.io/token", Some("registry.docker.io")),
            ),
            // docker-registry with htpasswd
            (vec![r#"Basic realm="basic-realm""#], Some(Challenge::Basic)),
            (vec!["basic"], Some(Challenge::Basic)),
            // Several in one value, and in several.
            (
                vec![r#"Basic realm="x, y", bearer realm="https://t" , error="invalid_token""#],
                bearer("https://t", None),
            ),
            (
                vec![r#"Basic realm="x""#, r#"Bearer realm="https://t""#],
                bearer("https://t", None),
            ),
            (
                vec![r#"Negotiate, Basic realm="x""#],
                Some(Challenge::Basic),
            ),
            // Quoting, bare values, space about the equals sign.
            (
                vec![r#"Bearer realm = "https://t/\"q\"" , service=plain"#],
                bearer(r#"https://t/"q""#, Some("plain")),
            ),
            (
                vec!["Bearer realm=https://t/x"],
                bearer("https://t/x", None),
            ),
            // The first of two counts.
            (
                vec![r#"Bearer realm="https://a",realm="https://b""#],
                bearer("https://a", None),
            ),
            // Nothing to be done with these.
            (vec!["Bearer"], None),
            (vec![r#"Bearer service="x""#], None),
            (vec![r#"Bearer realm="https://t"#], None),
            (vec!["Digest realm=x"], None),
            (vec![r#"="x""#], None),
            (vec![""], None),
            (vec![], None),
        ] {
            let found = Challenge::choose(values.iter().map(|value| value.as_bytes()));
            assert_eq!(found, expected, "{values:?}");
        }
        let long = format!("Basic {}", "x".repeat(MAX_LENGTH));
        assert_eq!(Challenge::choose([long.as_bytes()].into_iter()), None);
        assert_eq!(Challenge::choose([b"\xff".as_slice()].into_iter()), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_upsets_the_parser(text in "[ \"\\\\=,a-zA-Z\u{e4}]{0,60}") {
            Challenge::choose([text.as_bytes()].into_iter());
        }
    }
}
