//! What the two files say of a model, as far as a card shows it.
//!
//! Members as transformers writes them (`PretrainedConfig.to_dict`,
//! `PreTrainedTokenizerBase.save_pretrained`), with the older names that GPT-2 and its kin have. A
//! member of another type than these have is passed over: it says nothing. In models of text and
//! images the sizes stand in `text_config`.

use sha2::{Digest as _, Sha256};

use crate::error::{Fault, Rule, Span};
use crate::json::{Json, document};

/// Where the number of tokens stands that a model was made to look at, the first that is there.
const CONTEXT: [&str; 4] = [
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_sequence_length",
];

/// Where the size of its embeddings stands.
const EMBEDDING: [&str; 3] = ["hidden_size", "n_embd", "d_model"];

/// What `config.json` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// The class that is to read it (`LlamaForCausalLM`), else the family of networks (`llama`).
    pub architecture: Option<String>,
    /// Tokens that it was made to look at together.
    pub context_length: Option<u64>,
    /// Numbers that stand for one token.
    pub embedding_length: Option<u64>,
    /// How its weights were quantised (`gptq`).
    pub quantization: Option<String>,
}

/// What `tokenizer_config.json` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokenizer {
    /// The class that is to read it (`LlamaTokenizerFast`).
    pub class: Option<String>,
    /// SHA-256 of the template for conversations, where there is one and not a list of them.
    pub chat_template: Option<[u8; 32]>,
}

impl Model {
    /// Reads a whole `config.json`.
    ///
    /// # Errors
    /// It is no JSON, or not a model's.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut is_model = false;
        let (mut class, mut family, mut quantization) = (None, None, None);
        let (mut sizes, mut text) = (Sizes::default(), Sizes::default());
        document(bytes, &mut |json, name| {
            match name {
                "architectures" => {
                    is_model = true;
                    class = json.first()?.into_text();
                }
                "model_type" => {
                    is_model = true;
                    family = json.value()?.into_text();
                }
                "quantization_config" => json.members(&mut |json, name| {
                    let value = json.value()?;
                    if name == "quant_method" {
                        quantization = value.into_text();
                    }
                    Ok(())
                })?,
                "text_config" => json.members(&mut |json, name| text.see(json, name))?,
                _ => sizes.see(json, name)?,
            }
            Ok(())
        })?;
        if !is_model {
            return Err(Span::new(0, bytes.len() as u64).breaks(Rule::NotModel));
        }
        Ok(Self {
            architecture: class.or(family),
            context_length: sizes.context().or(text.context()),
            embedding_length: sizes.embedding().or(text.embedding()),
            quantization,
        })
    }
}

impl Tokenizer {
    /// Reads a whole `tokenizer_config.json`.
    ///
    /// # Errors
    /// It is no JSON, or says nothing of a tokenizer.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut tokenizer = Self::default();
        let mut is_tokenizer = false;
        document(bytes, &mut |json, name| {
            let value = json.value()?;
            match name {
                "tokenizer_class" => {
                    is_tokenizer = true;
                    tokenizer.class = value.into_text();
                }
                "chat_template" => {
                    is_tokenizer = true;
                    tokenizer.chat_template = value
                        .into_text()
                        .map(|template| Sha256::digest(template.as_bytes()).into());
                }
                _ => {}
            }
            Ok(())
        })?;
        if !is_tokenizer {
            return Err(Span::new(0, bytes.len() as u64).breaks(Rule::NotTokenizer));
        }
        Ok(tokenizer)
    }
}

/// The sizes that one object says.
#[derive(Default)]
struct Sizes {
    context: [Option<u64>; CONTEXT.len()],
    embedding: [Option<u64>; EMBEDDING.len()],
}

impl Sizes {
    fn see(&mut self, json: &mut Json<'_>, name: &str) -> Result<(), Fault> {
        let value = json.value()?.unsigned();
        if let Some(at) = CONTEXT.iter().position(|known| *known == name) {
            self.context[at] = value;
        } else if let Some(at) = EMBEDDING.iter().position(|known| *known == name) {
            self.embedding[at] = value;
        }
        Ok(())
    }

    fn context(&self) -> Option<u64> {
        self.context.iter().copied().flatten().next()
    }

    fn embedding(&self) -> Option<u64> {
        self.embedding.iter().copied().flatten().next()
    }
}
