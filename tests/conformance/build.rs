//! Compiles every hostile importer to a component and writes the table of them, so that tests can
//! be exhaustive: a guest without an expectation does not compile.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use lazaret_componentize::{Artifact, Built, build};

const PACKAGE: &str = "lazaret-plugin-hostile";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let workspace = manifest.join("../..");
    for watched in ["Cargo.toml", "wit", "plugins/hostile"] {
        println!("cargo::rerun-if-changed=../../{watched}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let built = match build(
        &workspace,
        &out.join("importers"),
        &Artifact::Examples(PACKAGE),
    ) {
        Ok(built) => built,
        Err(error) => {
            println!(
                "cargo::error={}",
                error.to_string().replace('\n', "\ncargo::error=")
            );
            return;
        }
    };
    for source in built.iter().flat_map(|guest| &guest.sources) {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    let names: BTreeSet<&str> = built.iter().map(|guest| guest.name.as_str()).collect();
    for name in in_folder(&workspace.join("plugins/hostile/examples")) {
        if !names.contains(name.as_str()) {
            println!("cargo::error=plugins/hostile/examples/{name}.rs gave no component");
        }
    }
    for Built {
        name, component, ..
    } in &built
    {
        fs::write(out.join(format!("{name}.wasm")), component).expect("OUT_DIR can be written");
    }
    fs::write(out.join("guests.rs"), table(&names)).expect("OUT_DIR can be written");
}

fn in_folder(folder: &Path) -> Vec<String> {
    fs::read_dir(folder)
        .expect("the guests are there")
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|file| Some(file.strip_suffix(".rs")?.to_owned()))
        .collect()
}

/// The enum of all guests, and a macro that is given all of them.
fn table(names: &BTreeSet<&str>) -> String {
    let mut variants = String::new();
    let mut components = String::new();
    let mut pairs = String::new();
    for name in names {
        let variant = camel(name);
        let _ = writeln!(variants, "    /// `examples/{name}.rs`\n    {variant},");
        let _ = writeln!(
            components,
            "            Self::{variant} => include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.wasm\")),"
        );
        let _ = write!(pairs, " {name} {variant}");
    }
    format!(
        "/// Every hostile importer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guest {{
{variants}}}

impl Guest {{
    /// The component.
    #[must_use]
    pub const fn component(self) -> &'static [u8] {{
        match self {{
{components}        }}
    }}
}}

/// Calls the macro it is given with the name and the variant of every guest.
#[macro_export]
macro_rules! for_each_guest {{
    ($macro:ident) => {{ $macro! {{{pairs} }} }};
}}
"
    )
}

fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| word[..1].to_ascii_uppercase() + &word[1..])
        .collect()
}
