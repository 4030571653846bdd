//! An error in the words of the house: what was being done, to what, what went wrong, what to try;
//! in that order, each once.

use std::error::Error;

use lazaret_graph::GraphError;
use lazaret_intake::IntakeError;
use lazaret_push::PushError;
use lazaret_transport::TransportError;

use crate::exit;
use crate::hint;
use crate::output::clean;

/// Reasons for which something was refused that have a line; a directory of checkpoints has hundreds.
const MAX_FINDINGS: usize = 20;

/// `error: …`, perhaps with lines for what was expected and found, and a hint.
pub fn render(error: &anyhow::Error, colored: bool) -> String {
    let paint = |code: &str, text: &str| match colored {
        true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    let mut chain = chain(error);
    let mismatch = exit::causes(error).into_iter().find_map(expected_found);
    if let Some((expected, found)) = &mismatch {
        chain = chain.replace(&format!(": expected {expected}, found {found}"), "");
    }
    let findings = exit::causes(error).into_iter().find_map(findings);
    if let Some(findings) = findings {
        chain = chain.replace(&format!(": {}", findings.join("; ")), "");
    }
    let mut text = format!("{} {}", paint("1;31", "error:"), clean(&chain));
    let findings = findings.unwrap_or_default();
    for finding in findings.iter().take(MAX_FINDINGS) {
        text.push_str(&format!("\n  {}", clean(finding)));
    }
    if let Some(more @ 1..) = findings.len().checked_sub(MAX_FINDINGS) {
        text.push_str(&format!("\n  and {more} more"));
    }
    if let Some((expected, found)) = &mismatch {
        text.push_str(&format!(
            "\n  expected {}\n  found    {}",
            clean(expected),
            clean(found)
        ));
    }
    if let Some(hint) = hint::hint(error) {
        text.push_str(&format!("\n{} {}", paint("1;36", "hint:"), clean(&hint)));
    }
    text
}

/// The causes, outermost first. One that the message before it ends with already is left out:
/// some errors, other people's above all, repeat their source.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let part = cause.to_string();
        // A full stop goes; `..` is a name.
        let part = match part.strip_suffix('.') {
            Some(sentence) if !sentence.ends_with('.') => sentence,
            _ => &part,
        };
        if text.is_empty() {
            text.push_str(part);
        } else if !text.ends_with(part) {
            text.push_str(": ");
            text.push_str(part);
        }
    }
    text
}

/// What a policy refused something for, where it is more than a line.
fn findings<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a [String]> {
    match cause.downcast_ref() {
        Some(IntakeError::Refused { findings }) if findings.len() > 1 => Some(findings),
        _ => None,
    }
}

fn expected_found(cause: &(dyn Error + 'static)) -> Option<(String, String)> {
    let owned = |pair: Option<(&str, &str)>| pair.map(|(a, b)| (a.to_owned(), b.to_owned()));
    if let Some(error) = cause.downcast_ref::<IntakeError>() {
        return error.expected_found();
    }
    if let Some(error) = cause.downcast_ref::<TransportError>() {
        return owned(error.expected_found());
    }
    if let Some(error) = cause.downcast_ref::<GraphError>() {
        return owned(error.expected_found());
    }
    if let Some(error) = cause.downcast_ref::<PushError>() {
        return owned(error.expected_found());
    }
    None
}

#[cfg(test)]
mod tests;
