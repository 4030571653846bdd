//! `lazaret diff`

mod document;
mod text;

use anyhow::Context as _;
use clap::Args;
use lazaret_store::Access;
use lazaret_views::diff;

use crate::draw::Reading;
use crate::exit::Code;
use crate::global::Global;
use crate::output::{Output, columns};
use crate::verb::{Choice, parse_name};

/// Compare two models: which tensors are equal, changed, added, gone, and which metadata changed
///
/// Tensors are matched by file and name, and by name alone where a model is in one file here and in
/// several, or in an archive, there. They are equal if type, shape and bytes are; where the bytes are
/// not objects of their own (see `lazaret split`), both are read. Ends with 0 whether there are
/// differences or not.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Diff {
    /// What was: a tag, or @sha256:…
    before: String,

    /// What is: a tag, or @sha256:…
    after: String,

    #[command(flatten)]
    choice: Choice,
}

const JSON: &str = "\
JSON: before and after (name, digest), equal (parts, bytes, and elsewhere: parts of these in a file
of another name), changed (a list of name, contentOnly, and before and after, each with file, dtype,
shape, size), added and gone (lists of name, file, dtype, shape, size), and metadata (a list of
file, key, and before and after, each a list of values as in `lazaret facts`).";

impl Diff {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let names = (parse_name(&self.before)?, parse_name(&self.after)?);
        let repository = global.open(Access::Read)?;
        let doing = || format!("comparing {} with {}", names.0, names.1);
        let load = |name| self.choice.load(&repository, name);
        let before = load(&names.0).with_context(doing)?;
        let after = load(&names.1).with_context(doing)?;
        let reading = Reading::new(global);
        let found = diff(&repository, &before, &after, &mut |progress| {
            reading.show(progress.done, progress.total);
        })
        .with_context(doing)?;
        drop(reading);
        let mut output = Output::new();
        match global.json {
            true => {
                let digests = (&before.manifest.digest, &after.manifest.digest);
                output.document(&document::of((&names.0, &names.1), digests, &found))?;
            }
            false => output.text(text::of(&found, columns()))?,
        }
        output.finish()?;
        Ok(Code::Done)
    }
}
