//! The importers that come with lazaret: components compiled by `build.rs`, embedded here.
//!
//! No logic. A component's media types are repeated beside it so that the host can route without
//! compiling what it does not use; the host checks that the component agrees, and so does a test.

use lazaret_engine::Builtin;

/// All of them, in the order they are asked.
pub const BUILTINS: &[Builtin] = &[
    Builtin {
        name: "tar",
        component: include_bytes!(concat!(env!("OUT_DIR"), "/tar.wasm")),
        media_types: &[
            "application/vnd.oci.image.layer.v1.tar",
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
        ],
    },
    Builtin {
        name: "safetensors",
        component: include_bytes!(concat!(env!("OUT_DIR"), "/safetensors.wasm")),
        media_types: &[
            "application/vnd.docker.ai.safetensors",
            "application/x-safetensors",
            "application/x-safetensors-index+json",
            "application/octet-stream",
            "application/vnd.cnai.model.weight.v1.raw",
            "application/vnd.cncf.model.weight.v1.raw",
            "application/vnd.docker.ai.model.file",
            "application/vnd.unknown.artifact.v1",
            "application/vnd.unknown.layer.v1+file",
            "application/json",
            "application/vnd.cnai.model.doc.v1.raw",
            "application/vnd.cnai.model.weight.config.v1.raw",
            "application/vnd.cncf.model.doc.v1.raw",
            "application/vnd.cncf.model.weight.config.v1.raw",
        ],
    },
    Builtin {
        name: "gguf",
        component: include_bytes!(concat!(env!("OUT_DIR"), "/gguf.wasm")),
        media_types: &[
            "application/x-gguf",
            "application/vnd.docker.ai.gguf.v3",
            "application/vnd.docker.ai.gguf.v3.lora",
            "application/vnd.docker.ai.gguf.v3.mmproj",
            "application/vnd.docker.ai.mmproj",
            "application/vnd.ollama.image.model",
            "application/vnd.ollama.image.projector",
            "application/vnd.ollama.image.adapter",
            "application/octet-stream",
            "application/vnd.cnai.model.weight.v1.raw",
            "application/vnd.cncf.model.weight.v1.raw",
            "application/vnd.docker.ai.model.file",
            "application/vnd.unknown.artifact.v1",
            "application/vnd.unknown.layer.v1+file",
        ],
    },
    Builtin {
        name: "pytorch",
        component: include_bytes!(concat!(env!("OUT_DIR"), "/pytorch.wasm")),
        media_types: &[
            "application/x-pytorch",
            "application/octet-stream",
            "application/vnd.cnai.model.weight.v1.raw",
            "application/vnd.cncf.model.weight.v1.raw",
            "application/vnd.docker.ai.model.file",
            "application/vnd.unknown.artifact.v1",
            "application/vnd.unknown.layer.v1+file",
        ],
    },
    Builtin {
        name: "onnx",
        component: include_bytes!(concat!(env!("OUT_DIR"), "/onnx.wasm")),
        media_types: &[
            "application/x-onnx",
            "application/octet-stream",
            "application/vnd.cnai.model.weight.v1.raw",
            "application/vnd.cncf.model.weight.v1.raw",
            "application/vnd.docker.ai.model.file",
            "application/vnd.unknown.artifact.v1",
            "application/vnd.unknown.layer.v1+file",
        ],
    },
];
