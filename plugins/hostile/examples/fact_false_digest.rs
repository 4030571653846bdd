//! Gives a SHA-256 of five bytes. Fault: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FactFalseDigest;

impl Attack for FactFalseDigest {
    fn ingest(run: Run<'_>) -> Outcome {
        let digest = Digest {
            algorithm: "sha256".to_owned(),
            value: vec![0; 5],
        };
        run.sink
            .add_facts(&[fact("hostile.digest", Value::Digest(digest))]);
        Ok(())
    }
}

attack!(FactFalseDigest);
