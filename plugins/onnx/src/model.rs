//! `ModelProto`: the walk through a whole file.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::error::{Rule, Span, Stop};
use crate::external::Files;
use crate::graph::Place;
use crate::input::Input;
use crate::limits::{
    FACT_TEXT_MAX, IR_VERSION_MAX, METADATA_FACTS_MAX, METADATA_KEY_MAX, METADATA_MAX,
    OPERATOR_NAME_MAX, OPSETS_MAX, TENSORS_MAX,
};
use crate::part::{Data, Part, Role};
use crate::reader::{Reader, Reads};
use crate::schema::MODEL;
use crate::summary::{Summary, Text};
use crate::tensor::Tensor;
use crate::wire::{Walk, Wire};

/// Field numbers of `ModelProto`.
const IR_VERSION: u32 = 1;
const PRODUCER_NAME: u32 = 2;
const PRODUCER_VERSION: u32 = 3;
const DOMAIN: u32 = 4;
const MODEL_VERSION: u32 = 5;
const DOC_STRING: u32 = 6;
const GRAPH: u32 = 7;
const OPSET_IMPORT: u32 = 8;
const METADATA_PROPS: u32 = 14;
const TRAINING_INFO: u32 = 20;
const FUNCTIONS: u32 = 25;

/// What the default domain is called, which may be left out.
pub(crate) const DEFAULT_DOMAIN: &str = "ai.onnx";

/// The first half of a SHA-256: nobody finds two names for it.
type NameDigest = [u8; 16];

/// Reads a model. `parts` is given each tensor as soon as it was read, in the order of the file; what
/// it was given is worth nothing if the model is refused after all.
///
/// # Errors
/// The model breaks a rule, or a read failed.
pub fn parse<I: Input>(input: &mut I, parts: impl FnMut(Part)) -> Result<Summary, Stop<I::Error>> {
    let mut parser = Parser {
        wire: Wire::new(Reader::new(input)),
        parts,
        scope: String::new(),
        names: BTreeSet::new(),
        files: Files::default(),
        summary: Summary::default(),
    };
    parser.model()?;
    let mut summary = parser.summary;
    summary.external = parser.files.finish()?;
    Ok(summary)
}

pub(crate) struct Parser<'a, I, P> {
    pub(crate) wire: Wire<'a, I>,
    parts: P,
    /// What stands before the names of tensors here: empty, or ending in a slash.
    pub(crate) scope: String,
    names: BTreeSet<NameDigest>,
    files: Files,
    pub(crate) summary: Summary,
}

impl<I: Input, P: FnMut(Part)> Parser<'_, I, P> {
    fn model(&mut self) -> Reads<(), I> {
        let size = self.wire.reader.size();
        let mut walk = Walk::root(&MODEL, size);
        let (mut ir_version, mut has_graph, mut trainings) = (None, false, 0);
        let mut keys = BTreeSet::new();
        while let Some(field) = self.wire.next(&mut walk)? {
            match field.number {
                IR_VERSION => ir_version = Some((field.number(), field.span)),
                PRODUCER_NAME => self.summary.producer_name = self.long_text(field.bytes())?,
                PRODUCER_VERSION => {
                    self.summary.producer_version = self.long_text(field.bytes())?
                }
                DOMAIN => self.summary.domain = self.long_text(field.bytes())?,
                MODEL_VERSION => {
                    let version = Some(field.number());
                    self.summary.model_version =
                        version.filter(|&number| number.cast_signed() >= 0);
                }
                DOC_STRING => self.summary.description = self.long_text(field.bytes())?,
                GRAPH => {
                    has_graph = true;
                    self.graph(walk.enter(&field)?, Place::Model)?;
                }
                OPSET_IMPORT => self.opset(walk.enter(&field)?)?,
                METADATA_PROPS => self.metadata(walk.enter(&field)?, &mut keys)?,
                TRAINING_INFO => {
                    self.training(walk.enter(&field)?, trainings)?;
                    trainings += 1;
                }
                FUNCTIONS => self.function(walk.enter(&field)?)?,
                _ => self.wire.pass(&walk, &field)?,
            }
        }
        let end = Span::new(size, 0);
        let (version, place) = ir_version.ok_or_else(|| end.breaks(Rule::MissingIrVersion))?;
        if version == 0 || version > IR_VERSION_MAX {
            return Err(place.breaks(Rule::IrVersion).into());
        }
        self.summary.ir_version = version;
        if !has_graph {
            return Err(end.breaks(Rule::MissingGraph).into());
        }
        Ok(())
    }

    /// A text that becomes a fact.
    pub(crate) fn long_text(&mut self, span: Span) -> Reads<Text, I> {
        let beginning = self.wire.reader.beginning(span, FACT_TEXT_MAX)?;
        Ok(Text {
            text: beginning.text,
            length: beginning.length,
        })
    }

    /// `OperatorSetIdProto`
    fn opset(&mut self, mut walk: Walk) -> Reads<(), I> {
        let place = walk.span;
        let (mut domain, mut version) = (Span::new(place.end(), 0), 0);
        while let Some(field) = self.wire.next(&mut walk)? {
            match field.number {
                1 => domain = field.bytes(),
                2 => version = field.number().cast_signed(),
                _ => self.wire.pass(&walk, &field)?,
            }
        }
        let mut domain = self.wire.reader.text(domain, OPERATOR_NAME_MAX)?;
        if domain.is_empty() {
            domain.push_str(DEFAULT_DOMAIN);
        }
        let opsets = &mut self.summary.opsets;
        if opsets.iter().any(|(known, _)| *known == domain) {
            return Err(place.breaks(Rule::OpsetTwice).into());
        }
        if opsets.len() == OPSETS_MAX {
            return Err(place.breaks(Rule::TooManyOpsets).into());
        }
        opsets.push((domain, version));
        Ok(())
    }

    /// `StringStringEntryProto`
    fn metadata(&mut self, mut walk: Walk, keys: &mut BTreeSet<NameDigest>) -> Reads<(), I> {
        let place = walk.span;
        let missing = Span::new(place.end(), 0);
        let (mut key, mut value) = (missing, missing);
        while let Some(field) = self.wire.next(&mut walk)? {
            match field.number {
                1 => key = field.bytes(),
                2 => value = field.bytes(),
                _ => self.wire.pass(&walk, &field)?,
            }
        }
        let key = self.wire.reader.text(key, METADATA_KEY_MAX)?;
        if !keys.insert(digest(&key)) {
            return Err(place.breaks(Rule::MetadataTwice).into());
        }
        if keys.len() > METADATA_MAX {
            return Err(place.breaks(Rule::TooManyMetadata).into());
        }
        let value = self.long_text(value)?;
        if self.summary.metadata.len() < METADATA_FACTS_MAX {
            self.summary.metadata.push((key, value));
        } else {
            self.summary.metadata_omitted += 1;
        }
        Ok(())
    }

    /// `TrainingInfoProto`
    fn training(&mut self, mut walk: Walk, number: u64) -> Reads<(), I> {
        while let Some(field) = self.wire.next(&mut walk)? {
            let name = match field.number {
                1 => "initialization",
                2 => "algorithm",
                _ => {
                    self.wire.pass(&walk, &field)?;
                    continue;
                }
            };
            let graph = walk.enter(&field)?;
            self.within(&format!("training-{number}/{name}/"), |parser| {
                parser.graph(graph, Place::Elsewhere)
            })?;
        }
        Ok(())
    }

    /// Goes on with a longer scope.
    pub(crate) fn within<T>(&mut self, place: &str, inner: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.scope.len();
        self.scope.push_str(place);
        let result = inner(self);
        self.scope.truncate(length);
        result
    }

    /// Hands a tensor on, as `name` in this scope.
    pub(crate) fn emit(
        &mut self,
        tensor: Tensor,
        name: &str,
        role: Role,
        dense_shape: Option<Vec<u64>>,
    ) -> Reads<(), I> {
        let name = format!("{}{name}", self.scope);
        if !self.names.insert(digest(&name)) {
            return Err(tensor.name_place.breaks(Rule::NameTwice).into());
        }
        if self.summary.tensors == TENSORS_MAX {
            return Err(tensor.place.breaks(Rule::TooManyTensors).into());
        }
        self.summary.tensors += 1;
        *self.summary.dtypes.entry(tensor.dtype).or_default() += 1;
        if role != Role::SparseIndices {
            self.summary.parameters += u128::from(tensor.elements);
        }
        if let Data::External(external) = &tensor.data {
            self.files.note(external, tensor.place)?;
            self.summary.external_bytes += u128::from(external.length);
        }
        (self.parts)(Part {
            name,
            dtype: tensor.dtype,
            shape: tensor.shape,
            dense_shape,
            role,
            data: tensor.data,
        });
        Ok(())
    }
}

fn digest(name: &str) -> NameDigest {
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    let [half, _] = *digest.as_chunks().0 else {
        unreachable!("32 bytes are twice 16")
    };
    half
}
