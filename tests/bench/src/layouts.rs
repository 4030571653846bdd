//! The images that are pulled: files of this machine in two layers, once for each compression.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use lazaret_layouts::{Compression, LayerBuilder, LayoutBuilder, pick};

/// Where files are taken from: many small ones first.
const ROOTS: [&str; 4] = ["/usr/share", "/usr/include", "/usr/bin", "/usr/lib"];

/// The layouts, and what is in them.
pub struct Layouts {
    /// Directory of each, by compression.
    pub directories: Vec<(Compression, PathBuf)>,
    /// Files in the image.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Makes the layouts below `directory`.
///
/// # Errors
/// When this machine has too few files to make a fair image.
pub fn make(directory: &Path, bytes: u64) -> Result<Layouts> {
    let roots: Vec<PathBuf> = ROOTS
        .iter()
        .map(PathBuf::from)
        .filter(|root| root.is_dir())
        .collect();
    let picked = pick(&roots, bytes)?;
    ensure!(
        picked.bytes >= 400_000_000.min(bytes) && picked.files >= 10_000.min(bytes / 40_000),
        "this machine has only {} files of {} bytes to pack",
        picked.files,
        picked.bytes
    );
    let split = picked.paths.len() * 4 / 5;
    let mut archives = Vec::new();
    for part in [&picked.paths[..split], &picked.paths[split..]] {
        let mut layer = LayerBuilder::default();
        for path in part {
            layer.add_real(path)?;
        }
        archives.push(layer.finish()?);
    }
    let mut directories = Vec::new();
    for (compression, name) in [
        (Compression::Gzip, "gzip"),
        (Compression::Zstd, "zstd"),
        (Compression::None, "none"),
    ] {
        let to = directory.join(name);
        let mut layout = LayoutBuilder::create(&to)?;
        let layers: Vec<(&[u8], Compression)> = archives
            .iter()
            .map(|archive| (&archive[..], compression))
            .collect();
        layout.image("bench", &layers)?;
        layout.finish()?;
        directories.push((compression, to));
    }
    Ok(Layouts {
        directories,
        files: picked.files,
        bytes: picked.bytes,
    })
}

/// One layer with ten times the files of the first, under ten names; uncompressed.
///
/// # Errors
/// When it cannot be written.
pub fn make_tenfold(directory: &Path, bytes: u64) -> Result<PathBuf> {
    let roots: Vec<PathBuf> = ROOTS
        .iter()
        .map(PathBuf::from)
        .filter(|root| root.is_dir())
        .collect();
    let picked = pick(&roots, bytes)?;
    let mut layer = LayerBuilder::default();
    for copy in 0..10 {
        layer.add_directory(&format!("copy-{copy}"))?;
        for path in &picked.paths {
            layer.add_real_below(&format!("copy-{copy}"), path)?;
        }
    }
    let archive = layer.finish()?;
    let to = directory.join("tenfold");
    let mut layout = LayoutBuilder::create(&to)?;
    layout.image("bench", &[(&archive, Compression::None)])?;
    layout.finish()?;
    Ok(to)
}

/// A layout of one tiny layer, to see what starting costs.
///
/// # Errors
/// When it cannot be written.
pub fn make_tiny(directory: &Path) -> Result<PathBuf> {
    let mut layer = LayerBuilder::default();
    layer.add_file("hello", b"hello\n", 0o644)?;
    let to = directory.join("tiny");
    let mut layout = LayoutBuilder::create(&to)?;
    layout.image("bench", &[(&layer.finish()?, Compression::None)])?;
    layout.finish()?;
    Ok(to)
}
