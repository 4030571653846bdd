//! Lists of tags and of referrers, page by page.

use serde_json::{Value, json};

use crate::behaviour::Behaviour;
use crate::contents::Contents;
use crate::http::{Head, Response};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub fn tags(contents: &Contents, behaviour: &Behaviour, head: &Head, name: &str) -> Response {
    let Some(repository) = contents.repositories.get(name) else {
        return Response::error(404, "NAME_UNKNOWN", "no such repository");
    };
    let tags: Vec<(&str, Value)> = repository
        .tags
        .keys()
        .map(|tag| (&**tag, tag.clone().into()))
        .collect();
    let (rows, next) = page(behaviour, head, &tags);
    let response = Response::json(200, &json!({"name": name, "tags": rows}));
    link(response, behaviour, head, next)
}

pub fn referrers(
    contents: &Contents,
    behaviour: &Behaviour,
    head: &Head,
    name: &str,
    subject: &str,
) -> Response {
    if !behaviour.referrers {
        return Response::error(404, "UNSUPPORTED", "no such API");
    }
    let mut found = contents
        .repositories
        .get(name)
        .map(|repository| repository.referrers(subject))
        .unwrap_or_default();
    let filter = head.asked("artifactType").filter(|_| behaviour.filters);
    if let Some(kind) = filter {
        found.retain(|row| row["artifactType"] == kind);
    }
    let keyed: Vec<(&str, Value)> = found
        .iter()
        .map(|row| (row["digest"].as_str().unwrap_or_default(), row.clone()))
        .collect();
    let (rows, next) = page(behaviour, head, &keyed);
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": rows});
    let mut response = Response::json(200, &index).header("Content-Type", INDEX);
    if filter.is_some() {
        response.set("OCI-Filters-Applied", "artifactType".to_owned());
    }
    link(response, behaviour, head, next)
}

/// What comes after the row that was last, and the row to go on after if that is not all.
fn page<'a>(
    behaviour: &Behaviour,
    head: &Head,
    rows: &[(&'a str, Value)],
) -> (Vec<Value>, Option<(usize, &'a str)>) {
    let wanted = head.asked("n").and_then(|n| n.parse().ok());
    let size = wanted.unwrap_or(usize::MAX).min(behaviour.page);
    let last = head.asked("last").unwrap_or_default();
    let mut after = rows.iter().filter(|(key, _)| *key > last).peekable();
    let mut taken = Vec::new();
    let mut end = "";
    while taken.len() < size
        && let Some((key, row)) = after.next()
    {
        taken.push(row.clone());
        end = key;
    }
    let next = after.peek().map(|_| (size, end));
    (taken, next)
}

fn link(
    response: Response,
    behaviour: &Behaviour,
    head: &Head,
    next: Option<(usize, &str)>,
) -> Response {
    let Some((size, last)) = next else {
        return response;
    };
    let mut path = format!("{}?n={size}&last={last}", head.path);
    if let Some(kind) = head.asked("artifactType") {
        path.push_str(&format!("&artifactType={}", kind.replace('+', "%2B")));
    }
    let address = behaviour.links.of(head.host(), &path);
    response.header("Link", format!("<{address}>; rel=\"next\""))
}
