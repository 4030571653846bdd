//! How projects put files of models into registries: the manifest, media types and names of each, as
//! its own tools write them.

use anyhow::Result;
use serde_json::json;

use crate::artifact::{Artifact, Blob, DOCKER_MANIFEST, OCI_MANIFEST};
use crate::digest;
use crate::layer::{Compression, LayerBuilder};

/// The empty config (image-spec, "Guidance for an empty descriptor").
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Where ORAS puts the name of a file.
pub const TITLE: &str = "org.opencontainers.image.title";

/// Permissions of packed files, and when they were last modified.
pub const MODE: u32 = 0o640;
/// See [`MODE`]: 2023-11-14T22:13:20Z, as [`LayerBuilder`] has it.
pub const MTIME: &str = "2023-11-14T22:13:20Z";

/// Who packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A CNCF ModelPack, a blob a file.
    ModelPack {
        /// `cncf`, or the older `cnai`.
        prefix: &'static str,
        /// As the file is; otherwise a tar archive of it.
        archive: Option<Compression>,
    },
    /// Docker Model Runner.
    ModelRunner,
    /// A ModelKit of KitOps, a tar archive a file.
    KitOps(Compression),
    /// Ollama: only GGUF, and no names.
    Ollama,
    /// `oras push` of files with their types given.
    Oras,
    /// `oras push` of files without types: said to be tar layers.
    OrasUntyped,
    /// `oras push` of a directory.
    OrasDirectory,
}

impl Carrier {
    /// Every way.
    pub const ALL: [Self; 15] = [
        Self::ModelPack {
            prefix: "cncf",
            archive: None,
        },
        Self::ModelPack {
            prefix: "cncf",
            archive: Some(Compression::None),
        },
        Self::ModelPack {
            prefix: "cncf",
            archive: Some(Compression::Gzip),
        },
        Self::ModelPack {
            prefix: "cncf",
            archive: Some(Compression::Zstd),
        },
        Self::ModelPack {
            prefix: "cnai",
            archive: None,
        },
        Self::ModelPack {
            prefix: "cnai",
            archive: Some(Compression::None),
        },
        Self::ModelPack {
            prefix: "cnai",
            archive: Some(Compression::Gzip),
        },
        Self::ModelPack {
            prefix: "cnai",
            archive: Some(Compression::Zstd),
        },
        Self::ModelRunner,
        Self::KitOps(Compression::None),
        Self::KitOps(Compression::Gzip),
        Self::Ollama,
        Self::Oras,
        Self::OrasUntyped,
        Self::OrasDirectory,
    ];

    /// As a tag.
    #[must_use]
    pub fn tag(self) -> String {
        let form = |compression| match compression {
            Compression::None => "tar",
            Compression::Gzip => "tar-gzip",
            Compression::Zstd => "tar-zstd",
        };
        match self {
            Self::ModelPack { prefix, archive } => {
                format!("modelpack-{prefix}-{}", archive.map_or("raw", form))
            }
            Self::ModelRunner => "model-runner".to_owned(),
            Self::KitOps(compression) => format!("kitops-{}", form(compression)),
            Self::Ollama => "ollama".to_owned(),
            Self::Oras => "oras".to_owned(),
            Self::OrasUntyped => "oras-untyped".to_owned(),
            Self::OrasDirectory => "oras-directory".to_owned(),
        }
    }

    /// An artifact of these files, by path and content.
    ///
    /// # Errors
    /// When a path does not fit a tar header.
    pub fn pack(self, files: &[(&str, &[u8])]) -> Result<Artifact> {
        let blobs = match self {
            Self::OrasDirectory => vec![directory(files)?],
            _ => files
                .iter()
                .map(|(path, content)| self.blob(path, content))
                .collect::<Result<_>>()?,
        };
        let (media_type, artifact_type, config) = match self {
            Self::ModelPack { prefix, .. } => {
                let manifest = format!("application/vnd.{prefix}.model.manifest.v1+json");
                let config = format!("application/vnd.{prefix}.model.config.v1+json");
                let said = json!({"descriptor": {"name": "test"}, "config": {"format": "any"},
                    "modelfs": {"type": "layers", "diffIds":
                        blobs.iter().map(Blob::digest).collect::<Vec<_>>()}});
                (
                    OCI_MANIFEST,
                    Some(manifest),
                    Blob::new(&config, said.to_string().into_bytes()),
                )
            }
            Self::ModelRunner => {
                let said = json!({"config": {"format": "gguf"}, "rootfs": {"type": "rootfs",
                    "diff_ids": blobs.iter().map(Blob::digest).collect::<Vec<_>>()}});
                let config = "application/vnd.docker.ai.model.config.v0.1+json";
                (
                    OCI_MANIFEST,
                    None,
                    Blob::new(config, said.to_string().into_bytes()),
                )
            }
            Self::KitOps(_) => {
                let said = json!({"manifestVersion": "1.0.0", "package": {"name": "test"}});
                let config = "application/vnd.kitops.modelkit.config.v1+json";
                (
                    OCI_MANIFEST,
                    None,
                    Blob::new(config, said.to_string().into_bytes()),
                )
            }
            Self::Ollama => (DOCKER_MANIFEST, None, ollama_config(&blobs)),
            Self::Oras | Self::OrasUntyped | Self::OrasDirectory => {
                let artifact_type = "application/vnd.unknown.artifact.v1".to_owned();
                (
                    OCI_MANIFEST,
                    Some(artifact_type),
                    Blob::new(EMPTY, b"{}".to_vec()),
                )
            }
        };
        Ok(Artifact {
            media_type,
            artifact_type,
            config,
            blobs,
        })
    }

    fn blob(self, path: &str, content: &[u8]) -> Result<Blob> {
        let kind = Kind::of(path);
        let raw = |media_type: &str| Blob::new(media_type, content.to_vec());
        let blob = match self {
            Self::ModelPack { prefix, archive } => {
                let (form, data) = match archive {
                    None => ("raw".to_owned(), content.to_vec()),
                    Some(compression) => (
                        format!("tar{}", suffix(compression)),
                        packed(path, content, compression)?,
                    ),
                };
                let kind = match kind {
                    Kind::Weights(_) => "weight",
                    Kind::Config => "weight.config",
                    Kind::Document => "doc",
                };
                let metadata = json!({"name": path, "mode": MODE, "uid": 1000, "gid": 100,
                    "size": content.len(), "mtime": MTIME, "typeflag": 48});
                Blob::new(
                    &format!("application/vnd.{prefix}.model.{kind}.v1.{form}"),
                    data,
                )
                .annotated(&format!("org.{prefix}.model.filepath"), path)
                .annotated(
                    &format!("org.{prefix}.model.file.metadata+json"),
                    metadata.to_string(),
                )
            }
            Self::ModelRunner => {
                let media_type = match kind {
                    Kind::Weights(".gguf") => "gguf.v3",
                    Kind::Weights(".safetensors") => "safetensors",
                    Kind::Document => "license",
                    Kind::Weights(_) | Kind::Config => "model.file",
                };
                raw(&format!("application/vnd.docker.ai.{media_type}"))
                    .annotated("org.cncf.model.filepath", path)
            }
            Self::KitOps(compression) => {
                let kind = match kind {
                    Kind::Weights(_) => "model",
                    Kind::Config => "modelpart",
                    Kind::Document => "docs",
                };
                let form = suffix(compression);
                let media_type = format!("application/vnd.kitops.modelkit.{kind}.v1.tar{form}");
                Blob::new(&media_type, packed(path, content, compression)?)
            }
            Self::Ollama => {
                let kind = match kind {
                    Kind::Weights(_) => "model",
                    Kind::Config => "params",
                    Kind::Document => "license",
                };
                let from = format!(
                    "/root/.ollama/models/blobs/{}",
                    digest(content).replace(':', "-")
                );
                let blob = raw(&format!("application/vnd.ollama.image.{kind}"));
                return Ok(blob.field("from", from).holding("", content));
            }
            Self::Oras => raw("application/octet-stream").annotated(TITLE, path),
            Self::OrasUntyped | Self::OrasDirectory => {
                raw(Compression::None.media_type()).annotated(TITLE, path)
            }
        };
        Ok(blob.holding(path, content))
    }
}

/// Ollama's config for these blobs.
#[must_use]
pub fn ollama_config(blobs: &[Blob]) -> Blob {
    let digests: Vec<String> = blobs.iter().map(Blob::digest).collect();
    let said = json!({"model_format": "gguf", "model_family": "llama", "architecture": "amd64",
        "os": "linux", "rootfs": {"type": "layers", "diff_ids": digests}});
    let config = "application/vnd.docker.container.image.v1+json";
    Blob::new(config, said.to_string().into_bytes())
}

/// What a file is to a carrier.
enum Kind<'a> {
    Weights(&'a str),
    Config,
    Document,
}

impl<'a> Kind<'a> {
    fn of(path: &'a str) -> Self {
        let suffix = path.rfind('.').map_or("", |dot| &path[dot..]);
        match suffix {
            ".json" => Self::Config,
            ".md" | ".txt" | "" => Self::Document,
            _ => Self::Weights(suffix),
        }
    }
}

const fn suffix(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Gzip => "+gzip",
        Compression::Zstd => "+zstd",
    }
}

fn packed(path: &str, content: &[u8], compression: Compression) -> Result<Vec<u8>> {
    let mut archive = LayerBuilder::default();
    archive.add_file(path, content, MODE)?;
    compression.apply(&archive.finish()?)
}

/// A directory as ORAS packs one, `files` in it.
fn directory(files: &[(&str, &[u8])]) -> Result<Blob> {
    let mut archive = LayerBuilder::default();
    archive.add_directory("weights")?;
    for (path, content) in files {
        archive.add_file(&format!("weights/{path}"), content, MODE)?;
    }
    let archive = archive.finish()?;
    let blob = Blob::new(
        Compression::Gzip.media_type(),
        Compression::Gzip.apply(&archive)?,
    )
    .annotated(TITLE, "weights")
    .annotated("io.deis.oras.content.unpack", "true")
    .annotated("io.deis.oras.content.digest", digest(&archive));
    Ok(files.iter().fold(blob, |blob, (path, content)| {
        blob.holding(&format!("weights/{path}"), content)
    }))
}
