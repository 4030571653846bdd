//! What is stored together: cases where cutting by tensors pays, and some where it does not.

use anyhow::Result;
use lazaret_layouts::models::{Dtype, Format, Model, Tensor, shards};
use lazaret_layouts::{Artifact, Carrier};

/// Tensors of a model, of equal size.
const TENSORS: usize = 64;

/// Bytes of a tensor too small to be an object.
const TINY: u64 = 1 << 10;

/// Artifacts that a repository has one after another.
pub struct Case {
    /// What they are to each other.
    pub what: &'static str,
    /// The artifacts, by tag.
    pub artifacts: Vec<(String, Artifact)>,
}

impl Case {
    fn new(what: &'static str, artifacts: impl IntoIterator<Item = Artifact>) -> Self {
        let artifacts = artifacts.into_iter().enumerate();
        Self {
            what,
            artifacts: artifacts
                .map(|(at, artifact)| (format!("v{at}"), artifact))
                .collect(),
        }
    }
}

/// Makes a case when it is its turn: all at once would take gigabytes.
pub type Make = Box<dyn FnOnce() -> Result<Case>>;

/// All of them, of models of `bytes` bytes.
///
/// # Errors
/// When something cannot be packed.
pub fn cases(bytes: u64) -> Result<Vec<Make>> {
    let base = move || Model::uniform(1, TENSORS, bytes / TENSORS as u64);
    let cases: Vec<Make> = vec![
        Box::new(move || {
            let longer = "a line that was not there before, so that all data lie elsewhere";
            let changed = base().with_metadata("general.description", longer);
            let artifacts = [file(Format::Gguf, &base())?, file(Format::Gguf, &changed)?];
            Ok(Case::new("GGUF, one line of metadata more", artifacts))
        }),
        Box::new(move || {
            let raw = file(Format::Safetensors, &base())?;
            let content = Format::Safetensors.write(&base());
            let tar = Carrier::ALL[1].pack(&[("model.safetensors", &content)])?;
            Ok(Case::new(
                "same tensors: safetensors, tar, 4 shards",
                [raw, tar, sharded(&base())?],
            ))
        }),
        Box::new(move || {
            let artifacts = [
                file(Format::Safetensors, &base())?,
                file(Format::Gguf, &base())?,
            ];
            Ok(Case::new("same tensors: safetensors, GGUF", artifacts))
        }),
        Box::new(move || {
            let tuned = base().with_other(2, |at| at % 8 == 0);
            let artifacts = [
                file(Format::Safetensors, &base())?,
                file(Format::Safetensors, &tuned)?,
            ];
            Ok(Case::new("fine-tune, 7 of 8 tensors frozen", artifacts))
        }),
        Box::new(move || {
            let artifacts = [Ok(base()), Ok(base().with_other(3, |at| at % 8 != 0))]
                .map(|model: Result<Model>| file(Format::Gguf, &model?));
            let artifacts: Vec<Artifact> = artifacts.into_iter().collect::<Result<_>>()?;
            Ok(Case::new(
                "two that share 1 of 8 tensors, as quantisations do",
                artifacts,
            ))
        }),
        Box::new(move || {
            let content = Format::Safetensors.write(&base());
            let adapter = Model::uniform(4, TENSORS, (bytes / TENSORS as u64 / 64).max(4096));
            let adapter = Format::Safetensors.write(&adapter);
            let both = Carrier::ALL[0].pack(&[
                ("model.safetensors", &content),
                ("adapter_model.safetensors", &adapter),
            ])?;
            Ok(Case::new(
                "base, base with adapter",
                [file(Format::Safetensors, &base())?, both],
            ))
        }),
        Box::new(move || {
            let other = base().with_other(5, |_| true);
            let artifacts = [
                file(Format::Safetensors, &base())?,
                file(Format::Safetensors, &other)?,
            ];
            Ok(Case::new("full fine-tune: nothing equal", artifacts))
        }),
        Box::new(move || {
            let changed = tiny(bytes).with_metadata("note", "a line, and another behind it");
            let artifacts = [&tiny(bytes), &changed].map(|model| file(Format::Safetensors, model));
            let artifacts: Vec<Artifact> = artifacts.into_iter().collect::<Result<_>>()?;
            Ok(Case::new(
                "tensors of 1 KiB, one line of metadata more",
                artifacts,
            ))
        }),
        Box::new(move || {
            let count = usize::try_from(bytes / 4096)?;
            let model = Model::uniform(7, count, 4096);
            Ok(Case::new(
                "tensors of 4 KiB, nothing equal",
                [file(Format::Safetensors, &model)?],
            ))
        }),
    ];
    Ok(cases)
}

fn file(format: Format, model: &Model) -> Result<Artifact> {
    Carrier::ALL[0].pack(&[(format.file(), &format.write(model))])
}

fn sharded(model: &Model) -> Result<Artifact> {
    let parts = shards(model, 4);
    let mut files: Vec<(&str, &[u8])> = parts
        .files
        .iter()
        .map(|(path, content)| (&**path, &content[..]))
        .collect();
    files.push(("model.safetensors.index.json", &parts.index));
    Carrier::ALL[0].pack(&files)
}

fn tiny(bytes: u64) -> Model {
    let tensors = (0..bytes / TINY)
        .map(|at| Tensor::noise(&format!("layers.{at}.bias"), Dtype::F32, &[TINY / 4], 6))
        .collect();
    Model {
        tensors,
        metadata: vec![("note".to_owned(), "a line".to_owned())],
    }
}
