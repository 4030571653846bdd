//! Archives to import.

use std::path::PathBuf;
use std::sync::OnceLock;

use lazaret_layouts::{LayerBuilder, pick};

use crate::chance::Chance;

/// Sizes around everything that is decided by size: 64 bytes stay inline, 4096 are a block, 1 MiB
/// is gathered in memory.
const SIZES: [usize; 9] = [0, 1, 64, 65, 511, 4096, 4097, 20_000, (1 << 20) + 1];

/// A layer of `files` files below `usr`, different for each `seed`, with a file of every interesting
/// size and a link of each kind if there are enough.
pub fn made_up(seed: u64, files: usize) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let mut layer = LayerBuilder::default();
    // cfsctl makes no image of a tree without it.
    layer.add_directory("usr").unwrap();
    for folder in 0..files.div_ceil(20) {
        layer
            .add_directory(&format!("usr/{seed:03}-{folder:03}"))
            .unwrap();
    }
    for file in 0..files {
        let size = match SIZES.get(file) {
            Some(size) => *size,
            None => chance.below(6000) as usize,
        };
        let name = format!("usr/{seed:03}-{:03}/file {file}", file / 20);
        let mode = [0o644, 0o600, 0o755][file % 3];
        layer.add_file(&name, &chance.bytes(size), mode).unwrap();
    }
    if files > 3 {
        let target = format!("usr/{seed:03}-000/file 3");
        layer
            .add_hardlink(&format!("usr/{seed:03}-hard"), &target)
            .unwrap();
        layer
            .add_symlink(&format!("usr/{seed:03}-soft"), &target)
            .unwrap();
    }
    layer.finish().unwrap()
}

/// Some hundred files of this machine, up to about 3 MiB.
pub fn real() -> &'static [u8] {
    static REAL: OnceLock<Vec<u8>> = OnceLock::new();
    REAL.get_or_init(|| {
        let roots = ["/usr/share/doc", "/usr/share/misc", "/etc/ssl", "/usr/bin"];
        let roots = roots.map(PathBuf::from);
        let present: Vec<PathBuf> = roots.into_iter().filter(|root| root.exists()).collect();
        let picked = pick(&present, 3 << 20).unwrap();
        let mut layer = LayerBuilder::default();
        // What an archive does not say is up to who extracts it.
        for folder in ["usr", "usr/share", "etc"] {
            layer.add_directory(folder).unwrap();
        }
        for path in picked.paths.iter().take(600) {
            layer.add_real(path).unwrap();
        }
        layer.finish().unwrap()
    })
}

/// A layer over [`made_up`] with the seed `below`: deletes a file and a directory's contents,
/// replaces a file, adds one.
pub fn on_top(below: u64) -> Vec<u8> {
    let mut layer = LayerBuilder::default();
    layer.add_directory("usr").unwrap();
    layer.add_directory(&format!("usr/{below:03}-000")).unwrap();
    layer
        .add_file(&format!("usr/{below:03}-000/.wh.file 5"), b"", 0o644)
        .unwrap();
    layer
        .add_file(&format!("usr/{below:03}-000/file 4"), b"replaced\n", 0o640)
        .unwrap();
    layer.add_directory(&format!("usr/{below:03}-001")).unwrap();
    layer
        .add_file(&format!("usr/{below:03}-001/.wh..wh..opq"), b"", 0o644)
        .unwrap();
    layer
        .add_file(
            &format!("usr/{below:03}-001/only"),
            b"the only one\n",
            0o644,
        )
        .unwrap();
    layer.finish().unwrap()
}

/// A layer of one member that an honest tool would not write: a file, or a hard link to `target`.
pub fn with_member(name: &str, target: Option<&str>) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    for field in [108, 116] {
        header[field..field + 7].copy_from_slice(b"0000000");
    }
    for field in [124, 136] {
        header[field..field + 11].copy_from_slice(b"00000000000");
    }
    header[156] = b'0';
    if let Some(target) = target {
        header[156] = b'1';
        header[157..157 + target.len()].copy_from_slice(target.as_bytes());
    }
    header[257..265].copy_from_slice(b"ustar\x0000");
    // Its own field counts as spaces (POSIX pax, ustar interchange format).
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.resize(512 + 1024, 0);
    archive
}
