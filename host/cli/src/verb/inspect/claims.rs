//! What an artifact's config document claims of its model, beside what importers say.

use lazaret_views::Claims;
use serde::Serialize;

use super::card::Card;

/// What an importer says, else what is claimed, with a note of whose word it is.
pub fn or_claimed(said: Option<String>, claimed: &Option<String>) -> Option<String> {
    let noted = |claim: &String| format!("{claim} (from the artifact's config)");
    said.or_else(|| claimed.as_ref().map(noted))
}

/// For people, where nothing but the claims is shown.
pub fn card(claims: &Claims) -> Card {
    let mut card = Card::indented();
    for (title, claim) in [
        ("name", &claims.name),
        ("family", &claims.family),
        ("version", &claims.version),
        ("format", &claims.format),
        ("architecture", &claims.architecture),
        ("parameters", &claims.parameters),
        ("precision", &claims.precision),
        ("quantised", &claims.quantization),
        ("licence", &claims.licence),
    ] {
        if let Some(claim) = claim {
            card.line(title, claim);
        }
    }
    card
}

/// For programs.
#[derive(Serialize)]
pub struct ClaimsDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantization: Option<&'a str>,
}

impl<'a> ClaimsDocument<'a> {
    /// All that is claimed.
    pub fn of(claims: &'a Claims) -> Self {
        Self {
            name: claims.name.as_deref(),
            family: claims.family.as_deref(),
            version: claims.version.as_deref(),
            licence: claims.licence.as_deref(),
            format: claims.format.as_deref(),
            architecture: claims.architecture.as_deref(),
            parameters: claims.parameters.as_deref(),
            precision: claims.precision.as_deref(),
            quantization: claims.quantization.as_deref(),
        }
    }
}
