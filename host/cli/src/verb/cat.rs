//! `lazaret cat`

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt as _;

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::ContentDigest;
use lazaret_graph::names::Stream;
use lazaret_graph::rebuild;
use lazaret_store::{Access, Repository};
use lazaret_views::{Follow, Tree, read_file};

use crate::exit::Code;
use crate::global::Global;
use crate::output::Output;
use crate::verb::{Choice, NoBlob, parse_name};

/// Print one file of an image, or a stored blob bit for bit
#[derive(Debug, Args)]
pub struct Cat {
    /// A tag, or @sha256:…
    #[arg(required_unless_present = "blob")]
    name: Option<String>,

    /// The file; symbolic links are followed and lead nowhere outside the image
    #[arg(required_unless_present = "blob")]
    path: Option<OsString>,

    /// Print what is stored under a digest instead: a layer by its diff_id (decompressed), or by its
    /// own digest if it was kept as it travelled; an artifact's blob, a config, a manifest, an index
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["name", "path", "platform"])]
    blob: Option<ContentDigest>,

    #[command(flatten)]
    choice: Choice,
}

impl Cat {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let mut output = Output::new();
        match (self.blob, &self.name, &self.path) {
            (Some(digest), _, _) => {
                let repository = global.open(Access::Read)?;
                blob(&repository, &digest, output.writer())
                    .with_context(|| format!("rebuilding {digest}"))?;
            }
            (None, Some(name), Some(path)) => {
                let name = parse_name(name)?;
                let repository = global.open(Access::Read)?;
                let doing = || format!("reading {name}");
                let image = self.choice.load(&repository, &name).with_context(doing)?;
                let tree = Tree::merge(&repository, &image).with_context(doing)?;
                let found = tree
                    .lookup(path.as_bytes(), Follow::Yes)
                    .with_context(doing)?;
                read_file(&repository, &tree, found.id, output.writer())
                    .with_context(|| format!("reading {} of {name}", found.path))?;
            }
            (None, _, _) => unreachable!("clap wants both unless --blob is there"),
        }
        output.finish()?;
        Ok(Code::Done)
    }
}

/// Rebuilds whatever is stored under `digest`.
fn blob(
    repository: &Repository,
    digest: &ContentDigest,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let kinds = [
        Stream::Layer,
        Stream::Blob,
        Stream::Config,
        Stream::Manifest,
        Stream::Index,
    ];
    for kind in kinds {
        if rebuild(repository, kind(*digest), out)? {
            return Ok(());
        }
    }
    Err(NoBlob.into())
}
