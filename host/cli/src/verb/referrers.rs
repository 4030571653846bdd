//! `lazaret referrers`

mod tree;

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::referrer::is_attestation;
use lazaret_artifact::{ContentDigest, Platform};
use lazaret_graph::images::resolve;
use lazaret_graph::names::Stream;
use lazaret_graph::referrers::{ReferrerNode, referrer_tree};
use lazaret_graph::{GraphError, Kind, Name, load_index, load_platform};
use lazaret_store::{Access, Repository};
use serde::Serialize;

use crate::exit::Code;
use crate::global::Global;
use crate::output::{Output, note};
use crate::verb::parse_name;

/// Show what refers to an image, artifact or index, as a tree
///
/// Of an index, also what refers to the images in it. Referrers are signatures, attestations, SBOMs
/// and whatever else names a subject; they are fetched with `pull --referrers` and kept as long as
/// what they refer to.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Referrers {
    /// A tag, or @sha256:…
    name: String,

    /// Only those of this type, and what leads to them
    #[arg(long, value_name = "TYPE")]
    artifact_type: Option<String>,

    /// Only what refers to the image for this platform, where NAME is an index
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
}

const JSON: &str = "\
JSON: name, digest, kind (manifest or index), referrers, each with digest, kind, artifactType,
relation (subject, attestation, or cosign's tag), size (with config and blobs), annotations,
referrers; and of an index manifests, each with digest, platform, referrers.";

/// What is referred to.
struct Subject {
    digest: ContentDigest,
    is_index: bool,
    referrers: Vec<ReferrerNode>,
    /// Of an index.
    manifests: Vec<Member>,
}

/// A manifest or index that an index names.
struct Member {
    digest: ContentDigest,
    platform: Option<Platform>,
    referrers: Vec<ReferrerNode>,
}

impl Referrers {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let repository = global.open(Access::Read)?;
        let mut subject = self
            .find(&repository, &name)
            .with_context(|| format!("looking for what refers to {name}"))?;
        if let Some(wanted) = &self.artifact_type {
            subject.keep(wanted);
        }
        let mut output = Output::new();
        match global.json {
            true => output.document(&Document::of(&name, &subject))?,
            false => output.text(tree::render(&name, &subject))?,
        }
        output.finish()?;
        if subject.is_alone() && !global.quiet && !global.json {
            note("nothing here refers to it; `lazaret pull --referrers` gets what does");
        }
        Ok(Code::Done)
    }

    fn find(&self, repository: &Repository, name: &Name) -> Result<Subject, GraphError> {
        let stream = match &self.platform {
            Some(wanted) => {
                let image = load_platform(repository, name, Some(wanted))?;
                Stream::Manifest(image.manifest.digest)
            }
            None => resolve(repository, name)?,
        };
        let digest = *stream.digest();
        let is_index = matches!(stream, Stream::Index(_));
        let referrers = referrer_tree(repository, &digest)?;
        let mut manifests = Vec::new();
        if is_index {
            for child in load_index(repository, &digest)?.children {
                let descriptor = child.descriptor;
                // An attestation is listed below what it is about.
                let is_listed =
                    is_attestation(&descriptor) || contains(&referrers, &descriptor.digest);
                if !child.stored || is_listed {
                    continue;
                }
                manifests.push(Member {
                    referrers: referrer_tree(repository, &descriptor.digest)?,
                    digest: descriptor.digest,
                    platform: descriptor.platform,
                });
            }
        }
        Ok(Subject {
            digest,
            is_index,
            referrers,
            manifests,
        })
    }
}

impl Subject {
    fn is_alone(&self) -> bool {
        let mut members = self.manifests.iter();
        self.referrers.is_empty() && members.all(|member| member.referrers.is_empty())
    }

    /// Drops what is not of type `wanted` and leads to nothing that is.
    fn keep(&mut self, wanted: &str) {
        keep(&mut self.referrers, wanted);
        for member in &mut self.manifests {
            keep(&mut member.referrers, wanted);
        }
    }
}

fn keep(nodes: &mut Vec<ReferrerNode>, wanted: &str) {
    nodes.retain_mut(|node| {
        keep(&mut node.referrers, wanted);
        let kind = node.row.artifact_type.as_ref();
        !node.referrers.is_empty() || kind.is_some_and(|kind| kind.as_str() == wanted)
    });
}

fn contains(nodes: &[ReferrerNode], digest: &ContentDigest) -> bool {
    nodes
        .iter()
        .any(|node| node.row.digest == *digest || contains(&node.referrers, digest))
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a Name,
    digest: &'a ContentDigest,
    kind: &'static str,
    referrers: Vec<Node<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    manifests: Vec<MemberDocument<'a>>,
}

#[derive(Serialize)]
struct MemberDocument<'a> {
    digest: &'a ContentDigest,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a Platform>,
    referrers: Vec<Node<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'a> {
    digest: &'a ContentDigest,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    relation: String,
    size: u64,
    annotations: &'a BTreeMap<String, String>,
    referrers: Vec<Self>,
}

impl<'a> Document<'a> {
    fn of(name: &'a Name, subject: &'a Subject) -> Self {
        Self {
            name,
            digest: &subject.digest,
            kind: subject.kind(),
            referrers: nodes(&subject.referrers),
            manifests: subject
                .manifests
                .iter()
                .map(|member| MemberDocument {
                    digest: &member.digest,
                    platform: member.platform.as_ref(),
                    referrers: nodes(&member.referrers),
                })
                .collect(),
        }
    }
}

impl Subject {
    fn kind(&self) -> &'static str {
        match self.is_index {
            true => "index",
            false => "manifest",
        }
    }
}

impl<'a> Node<'a> {
    fn of(node: &'a ReferrerNode) -> Self {
        let row = &node.row;
        Self {
            digest: &row.digest,
            kind: row.kind,
            artifact_type: row.artifact_type.as_ref().map(|kind| kind.as_str()),
            relation: row.relation.to_string(),
            size: row.size,
            annotations: &row.annotations,
            referrers: nodes(&node.referrers),
        }
    }
}

fn nodes(nodes: &[ReferrerNode]) -> Vec<Node<'_>> {
    nodes.iter().map(Node::of).collect()
}
