//! `lazaret-layouts`: packs files of this machine into an OCI layout of two layers.
#![expect(clippy::print_stdout, reason = "a program; what it made is its output")]

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use lazaret_layouts::{Compression, LayerBuilder, LayoutBuilder, pick};

/// Pack files of this machine into an OCI layout of two layers.
///
/// The first layer holds four fifths of the files, the second the rest, a whiteout and an opaque
/// directory.
#[derive(Parser)]
struct Arguments {
    /// Layout to write.
    #[arg(long)]
    out: PathBuf,
    /// Tag to give.
    #[arg(long, default_value = "demo")]
    tag: String,
    /// Compression of the first layer.
    #[arg(long, default_value = "gzip")]
    first: Compression,
    /// Compression of the second layer.
    #[arg(long, default_value = "zstd")]
    second: Compression,
    /// Bytes of files to pack, at most.
    #[arg(long, default_value_t = 64 << 20)]
    bytes: u64,
    /// Where to take them from.
    #[arg(default_value = "/usr")]
    roots: Vec<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let picked = pick(&arguments.roots, arguments.bytes)?;
    let split = picked.paths.len() * 4 / 5;
    let mut first = LayerBuilder::default();
    first.add_file("etc/demo/hidden", b"the second layer hides this\n", 0o644)?;
    first.add_file("etc/demo/emptied/gone", b"and this\n", 0o644)?;
    for path in &picked.paths[..split] {
        first.add_real(path)?;
    }
    let mut second = LayerBuilder::default();
    second.add_file("etc/demo/.wh.hidden", b"", 0o644)?;
    second.add_directory("etc/demo/emptied")?;
    second.add_file("etc/demo/emptied/.wh..wh..opq", b"", 0o644)?;
    second.add_file("etc/demo/message", b"Hello from the second layer.\n", 0o644)?;
    second.add_symlink("etc/demo/link", "message")?;
    for path in &picked.paths[split..] {
        second.add_real(path)?;
    }
    let (first, second) = (first.finish()?, second.finish()?);
    let mut layout = LayoutBuilder::create(&arguments.out)?;
    layout.image(
        &arguments.tag,
        &[(&first, arguments.first), (&second, arguments.second)],
    )?;
    layout.finish()?;
    println!(
        "packed {} files, {} bytes, into {}",
        picked.files,
        picked.bytes,
        arguments.out.display()
    );
    Ok(())
}
