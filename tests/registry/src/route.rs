//! Which part of the distribution specification a request is about.

mod blobs;
mod lists;
mod manifests;
mod uploads;

use crate::http::{Head, Response};
use crate::registry::{Shared, lock};
use crate::token::Need;

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    Base,
    Token,
    Tags(&'a str),
    Referrers(&'a str, &'a str),
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    Uploads(&'a str),
    Upload(&'a str, u64),
}

fn place(path: &str) -> Option<Place<'_>> {
    if path == "/token" {
        return Some(Place::Token);
    }
    let rest = path.strip_prefix("/v2")?;
    if rest.is_empty() || rest == "/" {
        return Some(Place::Base);
    }
    let rest = rest.strip_prefix('/')?;
    if let Some(name) = rest.strip_suffix("/tags/list") {
        return Some(Place::Tags(name));
    }
    if let Some(name) = rest.strip_suffix("/blobs/uploads/") {
        return Some(Place::Uploads(name));
    }
    if let Some((name, number)) = rest.rsplit_once("/blobs/uploads/") {
        return Some(Place::Upload(name, number.parse().ok()?));
    }
    let (head, last) = rest.rsplit_once('/')?;
    let (name, what) = head.rsplit_once('/')?;
    match what {
        "referrers" => Some(Place::Referrers(name, last)),
        "manifests" => Some(Place::Manifest(name, last)),
        "blobs" => Some(Place::Blob(name, last)),
        _ => None,
    }
}

/// Carries the request out.
pub fn answer(shared: &Shared, head: &Head, body: Vec<u8>) -> Response {
    let Some(place) = place(&head.path) else {
        return Response::error(404, "UNSUPPORTED", "no such place");
    };
    let behaviour = lock(&shared.behaviour).clone();
    if place == Place::Token {
        return lock(&shared.tokens).give(&behaviour.auth, head);
    }
    let need = need(&place, head);
    let admitted = lock(&shared.tokens).admit(&behaviour.auth, head, &need);
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(response) => return response,
    };
    let mut contents = lock(&shared.contents);
    let contents = &mut *contents;
    match (place, &*head.method) {
        (Place::Base, "GET" | "HEAD") => Response::json(200, &serde_json::json!({})),
        (Place::Tags(name), "GET") => lists::tags(contents, &behaviour, head, name),
        (Place::Referrers(name, subject), "GET") => {
            lists::referrers(contents, &behaviour, head, name, subject)
        }
        (Place::Manifest(name, reference), "GET" | "HEAD") => {
            manifests::get(contents, name, reference)
        }
        (Place::Manifest(name, reference), "PUT") => {
            manifests::put(contents, &behaviour, head, name, reference, body)
        }
        (Place::Blob(name, digest), "GET" | "HEAD") => {
            blobs::get(contents, &behaviour, head, name, digest)
        }
        (Place::Uploads(name), "POST") => {
            let mount = behaviour.mount && admitted.all;
            uploads::begin(contents, &behaviour, head, name, body, mount)
        }
        (Place::Upload(name, number), "GET") => {
            uploads::status(contents, &behaviour, head, name, number)
        }
        (Place::Upload(name, number), "PATCH") => {
            uploads::append(contents, &behaviour, head, name, number, &body)
        }
        (Place::Upload(name, number), "PUT") => {
            uploads::finish(contents, head, name, number, &body)
        }
        (Place::Upload(name, number), "DELETE") => {
            let key = (name.to_owned(), number);
            match contents.uploads.remove(&key) {
                Some(_) => Response::new(204),
                None => Response::error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload"),
            }
        }
        _ => Response::error(405, "UNSUPPORTED", "not done here"),
    }
}

fn need(place: &Place<'_>, head: &Head) -> Need {
    let name = match place {
        Place::Base | Place::Token => return Need { scopes: vec![] },
        Place::Tags(name)
        | Place::Referrers(name, _)
        | Place::Manifest(name, _)
        | Place::Blob(name, _)
        | Place::Uploads(name)
        | Place::Upload(name, _) => name,
    };
    let writes = matches!(place, Place::Uploads(_) | Place::Upload(..)) || head.method == "PUT";
    let actions = match writes {
        true => "pull,push",
        false => "pull",
    };
    let mut scopes = vec![format!("repository:{name}:{actions}")];
    if let (Place::Uploads(_), Some(from)) = (place, head.asked("from")) {
        scopes.push(format!("repository:{from}:pull"));
    }
    Need { scopes }
}
