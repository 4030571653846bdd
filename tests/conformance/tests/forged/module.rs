//! An importer written by hand, in which each part can be replaced by a broken one.

use std::fmt::Write as _;

use lazaret_conformance::ward;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// Handles in what `ingest` is handed: the offer takes 64 bytes, then come cursor, blob and sink.
pub const CURSOR: &str = "(i32.load offset=64 (local.get 0))";
pub const SINK: &str = "(i32.load offset=76 (local.get 0))";

/// A core module that is a sound importer but for what is replaced.
#[derive(Clone)]
pub struct Module {
    /// Anything.
    pub extra: &'static str,
    pub realloc: &'static str,
    pub describe: &'static str,
    pub probe: &'static str,
    pub ingest: &'static str,
    /// Runs after `ingest` has returned.
    pub post: &'static str,
    /// The description: name at 64.
    pub name: &'static str,
    /// Address and length of the list of media types.
    pub media_types: (u32, u32),
}

pub const SOUND: Module = Module {
    extra: "",
    // Bumps a pointer; the third parameter is the alignment.
    realloc: "(local $at i32)
        (local.set $at (i32.and
            (i32.add (global.get $free) (i32.sub (local.get 2) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get 2))))
        (global.set $free (i32.add (local.get $at) (local.get 3)))
        (local.get $at)",
    describe: "i32.const 16",
    probe: "i32.const 2",
    ingest: "(call $done (local.get 0))",
    post: "",
    name: "forged",
    media_types: (80, 1),
};

impl Module {
    fn text(&self) -> String {
        let word = |value: u32| {
            value
                .to_le_bytes()
                .iter()
                .fold(String::new(), |mut text, byte| {
                    let _ = write!(text, "\\{byte:02x}");
                    text
                })
        };
        let name_length = wat_length(self.name);
        // name, version, media types, needs (one byte, padded), namespaces.
        let descriptor = [
            64,
            name_length,
            112,
            1,
            self.media_types.0,
            self.media_types.1,
            0,
            0,
            0,
        ]
        .map(word)
        .concat();
        let media_type = [120, ward::MEDIA_TYPE.len() as u32].map(word).concat();
        let offer = "i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32";
        let Self {
            extra,
            realloc,
            describe,
            probe,
            ingest,
            post,
            name,
            ..
        } = self;
        format!(
            r#"(module
            (import "lazaret:importer/input@0.1.0" "[method]cursor.position"
                (func $position (param i32) (result i64)))
            (import "lazaret:importer/input@0.1.0" "[method]cursor.read"
                (func $read (param i32 i32 i32)))
            (import "lazaret:importer/input@0.1.0" "[resource-drop]cursor"
                (func $drop (param i32)))
            (import "lazaret:importer/output@0.1.0" "[resource-drop]sink"
                (func $drop_sink (param i32)))
            (import "lazaret:importer/output@0.1.0" "[method]sink.emit"
                (func $emit (param i32 i32 i32) (result i32)))
            (import "lazaret:importer/log@0.1.0" "write"
                (func $log (param i32 i32 i32)))
            (memory (export "memory") 4)
            (global $free (mut i32) (i32.const 65536))
            {extra}
            ;; What was lent is given back; at 256 there is a zero, which is ok.
            (func $done (param i32) (result i32)
                (call $drop {CURSOR})
                (call $drop_sink {SINK})
                i32.const 256)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc})
            (func (export "lazaret:importer/plugin@0.1.0#describe") (result i32) {describe})
            (func (export "lazaret:importer/plugin@0.1.0#probe")
                (param {offer} i32 i32) (result i32) {probe})
            (func (export "lazaret:importer/plugin@0.1.0#ingest") (param i32) (result i32) {ingest})
            (func (export "cabi_post_lazaret:importer/plugin@0.1.0#ingest") (param i32) {post})
            (data (i32.const 16) "{descriptor}")
            (data (i32.const 64) "{name}")
            (data (i32.const 80) "{media_type}")
            (data (i32.const 112) "1")
            (data (i32.const 120) "{}"))"#,
            ward::MEDIA_TYPE
        )
    }

    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let mut module = wat::parse_str(self.text()).unwrap();
        let mut resolve = wit_parser::Resolve::default();
        let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/0.1");
        let (package, _) = resolve.push_path(wit).unwrap();
        let world = resolve.select_world(&[package], Some("importer")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .unwrap();
        ComponentEncoder::default()
            .module(&module)
            .unwrap()
            .encode()
            .unwrap()
    }
}

/// Bytes of a WAT string with two-digit escapes.
fn wat_length(text: &str) -> u32 {
    let escapes = text.matches('\\').count();
    (text.len() - 2 * escapes) as u32
}
