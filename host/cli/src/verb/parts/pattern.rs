//! Names by pattern.

/// Whether a name is of a pattern: `*` stands for anything, `?` for one character; a pattern without
/// either may stand anywhere in the name. Takes time for the product of both lengths at the most.
pub fn matches(pattern: &str, name: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return name.contains(pattern);
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Behind the last star, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                star = Some((p, n));
            }
            Some(&wanted) if wanted == '?' || wanted == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((behind, taken)) = star else {
                    return false;
                };
                star = Some((behind, taken + 1));
                (p, n) = (behind, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|&left| left == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_as_in_a_shell() {
        for (pattern, name, want) in [
            ("attn", "blk.0.attn_q.weight", true),
            ("atn", "blk.0.attn_q.weight", false),
            ("blk.*", "blk.0.attn_q.weight", true),
            ("*.weight", "blk.0.attn_q.weight", true),
            ("*.weight", "blk.0.attn_q.weight2", false),
            ("blk.?.attn*t", "blk.0.attn_q.weight", true),
            ("blk.?.attn*t", "blk.10.attn_q.weight", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("*ab", "aab", true),
            ("?", "\u{65e5}", true),
            ("?", "", false),
            ("*", "", true),
            ("", "anything", true),
            ("**", "anything", true),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn a_hostile_name_takes_no_time() {
        let name = "a".repeat(20_000);
        assert!(!matches("*a*a*a*a*a*a*a*a*b", &name));
    }
}
