//! What was found in a file that need not be there.

use std::fmt::{self, Write as _};

use crate::limits::{FINDING_NAME_MAX, FINDINGS_MAX};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing; loading the file is no worse for it.
    Note,
    /// Nothing a checkpoint needs: a class of its author's, or a stream no pickler writes.
    Suspicious,
    /// Runs code when the file is loaded, or hides what it does.
    Dangerous,
}

impl Level {
    /// The verdict on a file whose worst finding this is.
    #[must_use]
    pub const fn verdict(self) -> &'static str {
        match self {
            Self::Note => "clean",
            Self::Suspicious => "suspicious",
            Self::Dangerous => "dangerous",
        }
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Offset of the opcode, or of the member, in the file.
    pub offset: u64,
    /// As in Python's `pickletools`; `MEMBER` for a member of the archive.
    pub opcode: &'static str,
    /// The module named; empty where there is none.
    pub module: String,
    /// The name in it, or of the member.
    pub name: String,
    /// What is wrong, in lower case.
    pub reason: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Note => "note",
            level => level.verdict(),
        };
        write!(
            f,
            "{} {} {} {}: {level}, {}",
            self.offset,
            self.opcode,
            printable(&self.module),
            printable(&self.name),
            self.reason
        )
    }
}

/// ASCII without blanks, cut; letters that look like others show as what they are.
fn printable(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    let mut printable = String::new();
    for letter in text.chars() {
        if printable.len() >= FINDING_NAME_MAX {
            printable.push('…');
            break;
        }
        if letter.is_ascii_graphic() {
            printable.push(letter);
        } else {
            write!(printable, "{}", letter.escape_unicode()).expect("a string takes any text");
        }
    }
    printable
}

/// All that was found, the worst kept when there are too many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    kept: Vec<Finding>,
    omitted: u64,
    worst: Option<Level>,
    /// Nothing kept is milder than this, so that a flood of findings is not searched each time.
    mildest: Option<Level>,
}

impl Findings {
    pub(crate) fn push(&mut self, mut finding: Finding) {
        self.worst = self.worst.max(Some(finding.level));
        // A thousand names of 64 KiB would fill the sandbox; more than this is not shown.
        for text in [&mut finding.module, &mut finding.name] {
            if let Some((end, _)) = text.char_indices().nth(FINDING_NAME_MAX + 1) {
                text.truncate(end);
                text.shrink_to_fit();
            }
        }
        if self.kept.len() < FINDINGS_MAX {
            self.kept.push(finding);
            return;
        }
        self.omitted += 1;
        if self.mildest >= Some(finding.level) {
            return;
        }
        let milder = self
            .kept
            .iter()
            .rposition(|kept| kept.level < finding.level);
        if let Some(place) = milder {
            self.kept.remove(place);
            self.kept.push(finding);
        } else {
            self.mildest = Some(finding.level);
        }
    }

    /// Those kept, in the order they were found.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many more there were.
    #[must_use]
    pub const fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The worst of all.
    #[must_use]
    pub fn worst(&self) -> Level {
        self.worst.unwrap_or(Level::Note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: Level, offset: u64) -> Finding {
        Finding {
            level,
            offset,
            opcode: "GLOBAL",
            module: "оs".to_owned(),
            name: String::new(),
            reason: "x",
        }
    }

    #[test]
    fn long_names_are_cut() {
        let mut findings = Findings::default();
        let mut long = finding(Level::Suspicious, 0);
        long.module = "é".repeat(1000);
        let whole = long.to_string();
        findings.push(long);
        let kept = &findings.kept()[0];
        assert_eq!(kept.module.chars().count(), FINDING_NAME_MAX + 1);
        assert_eq!(kept.to_string(), whole);
    }

    #[test]
    fn the_worst_are_kept() {
        let mut findings = Findings::default();
        for offset in 0..FINDINGS_MAX as u64 + 5 {
            findings.push(finding(Level::Suspicious, offset));
        }
        assert_eq!(findings.worst(), Level::Suspicious);
        findings.push(finding(Level::Dangerous, 7));
        assert_eq!(findings.worst(), Level::Dangerous);
        assert_eq!((findings.kept().len(), findings.omitted()), (1000, 6));
        let last = findings.kept().last().unwrap();
        assert_eq!(last.to_string(), "7 GLOBAL \\u{43e}s -: dangerous, x");
    }
}
