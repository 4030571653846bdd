//! Whether a blob is this importer's, and what its names mean: by what it was declared as, never by its
//! looks. What it hands on: by the names of its files.

use crate::entry::Names;

/// The media type of a container layer, and what the host offers a layer of any family as, once it
/// is decompressed.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Types of archives that are no layers: `ModelPack` with both prefixes, Docker Model Runner, `KitOps`.
/// Their names are names, also those that hide others in a layer.
pub const PLAIN: [&str; 18] = [
    "application/x-tar",
    "application/vnd.cnai.model.code.v1.tar",
    "application/vnd.cnai.model.dataset.v1.tar",
    "application/vnd.cnai.model.doc.v1.tar",
    "application/vnd.cnai.model.weight.config.v1.tar",
    "application/vnd.cnai.model.weight.v1.tar",
    "application/vnd.cncf.model.code.v1.tar",
    "application/vnd.cncf.model.dataset.v1.tar",
    "application/vnd.cncf.model.doc.v1.tar",
    "application/vnd.cncf.model.weight.config.v1.tar",
    "application/vnd.cncf.model.weight.v1.tar",
    "application/vnd.docker.ai.dir.tar",
    "application/vnd.docker.ai.vllm.config.tar",
    "application/vnd.kitops.modelkit.code.v1.tar",
    "application/vnd.kitops.modelkit.dataset.v1.tar",
    "application/vnd.kitops.modelkit.docs.v1.tar",
    "application/vnd.kitops.modelkit.model.v1.tar",
    "application/vnd.kitops.modelkit.modelpart.v1.tar",
];

/// All types that are asked about.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    [LAYER].into_iter().chain(PLAIN)
}

/// What the names of a blob of this type mean; none if it is another's.
///
/// A declared archive is claimed whatever it begins with, and refused as malformed if it turns out to
/// be none: guessing a format never overrules a declared one, so the first bytes are not asked. For
/// the same reason nothing else is claimed because it looks like an archive.
#[must_use]
pub fn names(media_type: &str) -> Option<Names> {
    if media_type == LAYER {
        Some(Names::Layer)
    } else if PLAIN.contains(&media_type) {
        Some(Names::Plain)
    } else {
        None
    }
}

/// The media type of a file's content, where its name says that another importer knows it. The name
/// is taken as the host cleans it, and in any case of letters.
///
/// `.bin` only with the names that transformers and its kin give. `.pth` not where Python itself looks
/// for path configuration files, which are text: every image with Python has some.
#[must_use]
pub fn by_name(path: &[u8]) -> Option<&'static str> {
    let path = cleaned(path);
    let ends = |suffix: &[u8]| {
        let start = path.len().checked_sub(suffix.len());
        start.is_some_and(|start| path[start..].eq_ignore_ascii_case(suffix))
    };
    // Of most names in a layer only the last letter is looked at.
    match path.last()?.to_ascii_lowercase() {
        b's' if ends(b".safetensors") => Some("application/x-safetensors"),
        b'n' if ends(b".safetensors.index.json") => Some("application/x-safetensors-index+json"),
        b'f' if ends(b".gguf") => Some("application/x-gguf"),
        b'x' if ends(b".onnx") => Some("application/x-onnx"),
        b't' if ends(b".pt") || ends(b".ckpt") => Some(PYTORCH),
        b'h' if ends(b".pth") && !is_path_configuration(path) => Some(PYTORCH),
        b'n' if ends(b".bin") && is_checkpoint(path) => Some(PYTORCH),
        b'l' if ends(b".pkl") => Some(PYTORCH),
        _ => None,
    }
}

const PYTORCH: &str = "application/x-pytorch";

/// The media type of a regular file that is called as what describes a model beside its weights. In a
/// container layer a `config.json` is any program's, so there it has none.
#[must_use]
pub fn configuration(path: &[u8], names: Names) -> Option<&'static str> {
    let name = cleaned(path).rsplit(|&byte| byte == b'/').next()?;
    match (names, name) {
        (Names::Plain, b"config.json") => Some("application/x-model-config+json"),
        (Names::Plain, b"tokenizer_config.json") => Some("application/x-tokenizer-config+json"),
        _ => None,
    }
}

/// Without what the host takes away at the end of a name.
fn cleaned(mut path: &[u8]) -> &[u8] {
    loop {
        path = match path {
            [rest @ .., b'/'] => rest,
            [rest @ .., b'/', b'.'] => rest,
            _ => return path,
        };
    }
}

fn is_checkpoint(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let starts: [&[u8]; 4] = [
        b"pytorch_model",
        b"diffusion_pytorch_model",
        b"adapter_model",
        b"training_args",
    ];
    let begins = |start: &&[u8]| {
        let beginning = name.get(..start.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
    };
    starts.iter().any(begins)
}

fn is_path_configuration(path: &[u8]) -> bool {
    let folder = path.rsplit(|&byte| byte == b'/').nth(1);
    folder.is_some_and(|folder| folder == b"site-packages" || folder == b"dist-packages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_type_decides() {
        assert_eq!(names(LAYER), Some(Names::Layer));
        for plain in PLAIN {
            assert_eq!(names(plain), Some(Names::Plain), "{plain}");
        }
        for other in [
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.cncf.model.weight.v1.raw",
            "application/octet-stream",
            "",
        ] {
            assert_eq!(names(other), None, "{other}");
        }
    }

    #[test]
    fn a_files_name_says_who_knows_it() {
        for (path, expected) in [
            ("model.safetensors", Some("application/x-safetensors")),
            ("./a/b.safetensors", Some("application/x-safetensors")),
            (
                "model.safetensors.index.json",
                Some("application/x-safetensors-index+json"),
            ),
            ("q4.gguf", Some("application/x-gguf")),
            ("a.onnx", Some("application/x-onnx")),
            ("a.pt", Some(PYTORCH)),
            ("a.pth", Some(PYTORCH)),
            ("a.ckpt", Some(PYTORCH)),
            ("x/pytorch_model-00001-of-00002.bin", Some(PYTORCH)),
            ("diffusion_pytorch_model.bin", Some(PYTORCH)),
            ("adapter_model.bin", Some(PYTORCH)),
            ("usr/lib/python3/dist-packages/a.pth", None),
            ("lib/site-packages/x-nspkg.pth", None),
            ("site-packages/lpips/vgg.pth", Some(PYTORCH)),
            ("pytorch_model.bin/x.bin", None),
            ("model.bin", None),
            ("pytorch_model.bin.index.json", None),
            ("index.json", None),
            ("a.SAFETENSORS", Some("application/x-safetensors")),
            ("Training_Args.BIN", Some(PYTORCH)),
            ("a.pkl", Some(PYTORCH)),
            ("x.pt/", Some(PYTORCH)),
            ("x.pt/././/", Some(PYTORCH)),
            ("x.pt/..", None),
            ("a.onnx_data", None),
            ("pt", None),
            ("", None),
        ] {
            assert_eq!(by_name(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn configurations_are_known_where_no_container_is() {
        let model = Some("application/x-model-config+json");
        let tokenizer = Some("application/x-tokenizer-config+json");
        for (path, expected) in [
            ("config.json", model),
            ("./m/config.json", model),
            ("m/config.json/.", model),
            ("m/tokenizer_config.json", tokenizer),
            ("adapter_config.json", None),
            ("config.json/readme.json", None),
            ("Config.json", None),
            ("package.json", None),
            ("", None),
        ] {
            let path_bytes = path.as_bytes();
            assert_eq!(configuration(path_bytes, Names::Plain), expected, "{path}");
            assert_eq!(configuration(path_bytes, Names::Layer), None, "{path}");
            assert_eq!(by_name(path_bytes), None, "{path}");
        }
    }
}
