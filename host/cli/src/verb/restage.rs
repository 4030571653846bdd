//! `split` and `join`: what is stored, cut otherwise.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use lazaret_builtins::BUILTINS;
use lazaret_engine::Registry;
use lazaret_graph::Name;
use lazaret_intake::{Importers, PullOptions, Split, restage};
use lazaret_store::Access;

use crate::amount::span;
use crate::draw::Pulling;
use crate::exit::Code;
use crate::global::Global;
use crate::interrupt;
use crate::output::{Output, note};
use crate::verb::bounds::Bounds;
use crate::verb::pull::{Told, document, summary};

/// What both verbs are told.
#[derive(Debug, Args)]
pub struct Restage {
    /// Layers and objects to handle at once [default: one for each processor]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Keep no compiled importers [default: keep them in $XDG_CACHE_HOME/lazaret/code]
    #[arg(long)]
    no_cache: bool,

    #[command(flatten)]
    bounds: Bounds,
}

/// What `--json` prints.
pub const JSON: &str = "\
JSON: as of `lazaret pull`, with name in place of source; reused says that a layer or blob is as it
was.";

impl Restage {
    /// Cuts what `name` stands for as `split` says; makes it whole where that is none.
    pub fn run(self, global: &Global, name: &Name, split: Option<Split>) -> anyhow::Result<Code> {
        let repository = global.open(Access::Write)?;
        let defaults = PullOptions::default();
        let options = PullOptions {
            limits: self.bounds.unpacking(),
            jobs: self.jobs,
            ..defaults
        };
        interrupt::watch(options.cancel.clone()).context("listening for signals")?;
        let sandbox = self.bounds.sandbox(repository.path(), !self.no_cache);
        let importers = Importers::Registry(Arc::new(Registry::new(sandbox, BUILTINS)));
        let started = Instant::now();
        let progress = Pulling::new(global);
        let done = restage(&repository, name, split, &importers, &options, &|event| {
            progress.show(event);
        });
        drop(progress);
        let done = done.with_context(|| match split {
            Some(_) => format!("splitting {name}"),
            None => format!("joining {name}"),
        })?;
        let elapsed = started.elapsed();
        let told = Told::Restaged(name);
        if !global.quiet {
            for line in summary::lines(&told, &done, &span(elapsed)) {
                note(line);
            }
        }
        let mut output = Output::new();
        match global.json {
            true => {
                let path = repository.path();
                output.document(&document::of(&told, path, &done, elapsed))?;
            }
            false => output.line(done.root)?,
        }
        output.finish()?;
        Ok(Code::Done)
    }
}
