//! What the tags of a repository reach, by a walk over its directory; and what there is besides.
//!
//! Tags reach manifests and indexes; those what they refer to. What is kept besides has its reason
//! in something else that is: an import record in its layer, the compressed bytes of a layer in a
//! manifest that names them, a referrer in its subject.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::splitstream::{self, Refers};

/// Names below `streams`, and objects in hexadecimal.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Streams and refs, relative to `streams`.
    pub names: BTreeSet<String>,
    /// Objects.
    pub objects: BTreeSet<String>,
}

impl Holdings {
    /// What is in this and not in the other.
    pub fn without(&self, other: &Self) -> Self {
        Self {
            names: &self.names - &other.names,
            objects: &self.objects - &other.objects,
        }
    }

    /// Bytes of the objects.
    pub fn bytes(&self, repository: &Path) -> u64 {
        let size = |name: &String| fs::metadata(object(repository, name)).unwrap().len();
        self.objects.iter().map(size).sum()
    }
}

/// Everything a repository holds.
#[track_caller]
pub fn all(repository: &Path) -> Holdings {
    let mut objects = BTreeSet::new();
    for folder in fs::read_dir(repository.join("objects")).unwrap() {
        let folder = folder.unwrap();
        let first = folder.file_name().into_string().unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            let rest = file.unwrap().file_name().into_string().unwrap();
            objects.insert(format!("{first}{rest}"));
        }
    }
    Holdings {
        names: Walk::new(repository).links.into_keys().collect(),
        objects,
    }
}

/// What its tags reach.
#[track_caller]
pub fn reachable(repository: &Path) -> Holdings {
    let mut walk = Walk::new(repository);
    let tags: Vec<String> = walk.links.keys().cloned().collect();
    for tag in tags.iter().filter(|name| name.starts_with("refs/oci/")) {
        walk.keep(tag);
    }
    while walk.keep_what_belongs() {}
    walk.kept
}

struct Walk {
    repository: PathBuf,
    /// Names below `streams`, and where their links lead: to an object, or to another name.
    links: BTreeMap<String, Target>,
    /// The names of each object.
    names: BTreeMap<String, Vec<String>>,
    kept: Holdings,
    /// Digests of blobs as they travelled that kept manifests name.
    travelled: BTreeSet<String>,
}

#[derive(Debug, Clone)]
enum Target {
    Object(String),
    Name(String),
}

impl Walk {
    #[track_caller]
    fn new(repository: &Path) -> Self {
        let mut links = BTreeMap::new();
        gather(&repository.join("streams"), "", &mut links);
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, target) in &links {
            if let Target::Object(object) = target {
                names.entry(object.clone()).or_default().push(name.clone());
            }
        }
        Self {
            repository: repository.to_owned(),
            links,
            names,
            kept: Holdings::default(),
            travelled: BTreeSet::new(),
        }
    }

    /// Keeps a name and all that it leads to.
    #[track_caller]
    fn keep(&mut self, name: &str) {
        if !self.kept.names.insert(name.to_owned()) {
            return;
        }
        match self.links[name].clone() {
            Target::Name(name) => self.keep(&name),
            Target::Object(object) => self.keep_stream(name, &object),
        }
    }

    #[track_caller]
    fn keep_stream(&mut self, name: &str, stream: &str) {
        self.kept.objects.insert(stream.to_owned());
        let data = fs::read(object(&self.repository, stream)).unwrap();
        let refers = splitstream::parse(&data).unwrap();
        if name.starts_with("oci-manifest-") {
            self.note_layers(&refers);
        }
        self.kept.objects.extend(refers.objects);
        let named: BTreeSet<&String> = refers.named.values().collect();
        assert_eq!(named, refers.streams.iter().collect(), "{name}");
        for stream in &refers.streams {
            // A stream that is referred to is kept under the names it has.
            let names = self.names.get(stream).cloned().unwrap_or_default();
            assert!(
                !names.is_empty(),
                "{name} refers to {stream}, which has no name"
            );
            for name in names {
                self.keep(&name);
            }
        }
    }

    /// A manifest is one object, and says how its layers travelled.
    #[track_caller]
    fn note_layers(&mut self, manifest: &Refers) {
        let [bytes] = &*manifest.objects else {
            panic!("a manifest of {} objects", manifest.objects.len());
        };
        let bytes = fs::read(object(&self.repository, bytes)).unwrap();
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        for layer in manifest["layers"].as_array().into_iter().flatten() {
            let digest = layer["digest"].as_str().unwrap().to_owned();
            self.travelled.insert(digest);
        }
    }

    /// The stream that a reference leads to.
    #[track_caller]
    fn stream_of(&self, reference: &str) -> String {
        match &self.links[reference] {
            Target::Name(stream) => stream.clone(),
            Target::Object(_) => panic!("{reference} leads to an object"),
        }
    }

    /// Keeps what has its reason in what is kept. Says whether there was any.
    #[track_caller]
    fn keep_what_belongs(&mut self) -> bool {
        let before = self.kept.names.len();
        let names: Vec<String> = self.links.keys().cloned().collect();
        for name in names {
            let holds = |stream: String| self.kept.names.contains(&stream);
            let keep = if let Some(digest) = name.strip_prefix("lazaret-record-") {
                holds(format!("oci-layer-{digest}"))
            } else if let Some(digest) = name.strip_prefix("oci-blob-") {
                self.travelled.contains(digest)
            } else if let Some(rest) = name.strip_prefix("refs/oci-referrers/") {
                // The subject is a reason for the referrer; a referrer that has another reason
                // stays known to a subject that may come.
                let (subject, _) = rest.split_once('/').unwrap();
                holds(format!("oci-manifest-{subject}"))
                    || holds(format!("oci-index-{subject}"))
                    || holds(self.stream_of(&name))
            } else if name.starts_with("refs/lazaret/") {
                holds(self.stream_of(&name))
            } else {
                false
            };
            if keep {
                self.keep(&name);
            }
        }
        self.kept.names.len() > before
    }
}

#[track_caller]
fn gather(folder: &Path, prefix: &str, links: &mut BTreeMap<String, Target>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let last = path.file_name().unwrap().to_str().unwrap();
        let name = format!("{prefix}{last}");
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            gather(&path, &format!("{name}/"), links);
            continue;
        }
        let target = fs::read_link(&path).unwrap();
        let target = target.to_str().unwrap();
        let target = match target.split_once("objects/") {
            Some((_, object)) => Target::Object(object.replace('/', "")),
            None => Target::Name(target.trim_start_matches("../").to_owned()),
        };
        links.insert(name, target);
    }
}

fn object(repository: &Path, name: &str) -> PathBuf {
    repository.join(format!("objects/{}/{}", &name[..2], &name[2..]))
}
