//! Layouts that other programs wrote: taken in, given back bit for bit, and exported to the same
//! tree that other programs make of them.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use lazaret_layouts::{Compression, digest};
use serde_json::{Value, json};

use crate::berth::Berth;
use crate::goods;
use crate::image::{DOCKER_CONFIG, DOCKER_MANIFEST, Image, Layer};
use crate::layout::Layout;
use crate::tools::{succeed, tool};
use crate::walk::{Seen, assert_same, walk};

type Tree = std::collections::BTreeMap<PathBuf, Seen>;

/// What the manifest `digest` of a layout says of its layers.
fn layers_of(layout: &Path, manifest: &str) -> Vec<Value> {
    let path = layout.join("blobs").join(manifest.replace(':', "/"));
    let manifest: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    manifest["layers"].as_array().unwrap().clone()
}

/// Digest of the only manifest of a layout.
fn manifest_of(layout: &Path) -> String {
    let index: Value =
        serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    index["manifests"][0]["digest"].as_str().unwrap().to_owned()
}

/// A layer as gzip and zstd decompress it.
fn decompressed(layout: &Path, layer: &Value) -> Vec<u8> {
    let path = layout
        .join("blobs")
        .join(layer["digest"].as_str().unwrap().replace(':', "/"));
    let media_type = layer["mediaType"].as_str().unwrap();
    let data = fs::read(&path).unwrap();
    if media_type.ends_with("gzip") {
        let name = path.with_extension("gz");
        fs::copy(&path, &name).unwrap();
        let data = succeed(Command::new("gzip").arg("-dc").arg(&name)).stdout;
        fs::remove_file(&name).unwrap();
        data
    } else if media_type.ends_with("zstd") {
        zstd::decode_all(&*data).unwrap()
    } else {
        data
    }
}

/// Asserts that what was pulled as `tag` rebuilds to what the layout holds.
#[track_caller]
fn assert_given_back(berth: &Berth, layout: &Path, tag: &str) {
    let manifest = berth.run(["inspect", tag, "--manifest"]).expect(0).stdout;
    assert_eq!(digest(&manifest), manifest_of(layout));
    for layer in layers_of(layout, &manifest_of(layout)) {
        let archive = decompressed(layout, &layer);
        let rebuilt = berth
            .run(["cat", "--blob", &digest(&archive)])
            .expect(0)
            .stdout;
        assert!(rebuilt == archive, "{layer}: other bytes");
    }
}

/// The tree that `lazaret export` makes.
fn exported(berth: &Berth, tag: &str) -> Tree {
    let ran = berth.run(["export", tag, "exported"]).expect(0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let tree = walk(&berth.path("exported"));
    fs::remove_dir_all(berth.path("exported")).unwrap();
    tree
}

/// Extracts an archive the way GNU tar does it for a backup.
fn extracted(archive: &[u8], to: &Path) -> Tree {
    fs::create_dir(to).unwrap();
    let file = to.with_extension("tar");
    fs::write(&file, archive).unwrap();
    let flags = [
        "--extract",
        "--preserve-permissions",
        "--numeric-owner",
        "--delay-directory-restore",
        "--xattrs",
        "--xattrs-include=*",
    ];
    succeed(
        Command::new("tar")
            .args(flags)
            .arg("--file")
            .arg(&file)
            .arg("--directory")
            .arg(to),
    );
    walk(to)
}

/// A directory with everything that a file system can hold here.
fn rich(root: &Path) {
    let is_root = rustix::process::geteuid().is_root();
    let inside = |name: &str| root.join("usr").join(name);
    fs::create_dir_all(inside("empty directory")).unwrap();
    fs::create_dir_all(inside("deep/er/still")).unwrap();
    let long = "n".repeat(200);
    fs::create_dir_all(inside(&format!("{long}/{long}"))).unwrap();
    let files: [(&str, usize); 7] = [
        ("empty", 0),
        ("deep/64", 64),
        ("deep/65", 65),
        ("deep/er/block", 4096),
        ("deep/er/still/large", 3 << 20),
        ("n\u{e4}me \u{1f980} with\ttab", 100),
        (&format!("{long}/{long}/long"), 5000),
    ];
    let mut chance = crate::chance::Chance::new(7);
    for (name, size) in files {
        fs::write(inside(name), chance.bytes(size)).unwrap();
    }
    fs::hard_link(inside("deep/65"), inside("hard")).unwrap();
    fs::hard_link(inside("deep/65"), inside("zz hard")).unwrap();
    symlink("deep/er", inside("to a directory")).unwrap();
    symlink("/absolute/nowhere", inside("to nowhere")).unwrap();
    symlink("l".repeat(300), inside("long target")).unwrap();
    // Only root gives set-id bits away.
    mode(&inside("deep/64"), if is_root { 0o4751 } else { 0o751 });
    // Only root can read what nobody may.
    mode(&inside("deep/65"), if is_root { 0o000 } else { 0o400 });
    mode(&inside("empty directory"), 0o1777);
    let user = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(inside("empty"), "user.note", b"a\0b\xff", user).unwrap();
    rustix::fs::setxattr(inside("deep"), "user.on a directory", b"v", user).unwrap();
    if is_root {
        use rustix::fs::{FileType, Mode, makedev, mknodat};
        let make = |name: &str, kind, device| {
            mknodat(
                rustix::fs::CWD,
                inside(name),
                kind,
                Mode::from_raw_mode(0o640),
                device,
            )
            .unwrap();
        };
        make("fifo", FileType::Fifo, 0);
        make("character", FileType::CharacterDevice, makedev(1, 3));
        make("block", FileType::BlockDevice, makedev(259, 300_000));
        chown(inside("deep/er"), Some(1000), Some(2_000_000_000)).unwrap();
        chown(inside("deep/64"), Some(3_000_000), Some(7)).unwrap();
        mode(&inside("deep/64"), 0o4751);
        std::os::unix::fs::lchown(inside("to nowhere"), Some(12), Some(34)).unwrap();
        // cap_net_raw, as `setcap` writes it (linux/capability.h, vfs_cap_data).
        let capability = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        rustix::fs::setxattr(
            inside("deep/er/block"),
            "security.capability",
            capability,
            user,
        )
        .unwrap();
        rustix::fs::setxattr(inside("deep/er/block"), "trusted.x", b"y", user).unwrap();
    }
    for (name, seconds) in [
        ("deep/64", 0),
        ("deep/er/block", 1_000_000_000),
        ("to nowhere", 5),
    ] {
        let time = rustix::fs::Timespec {
            tv_sec: seconds,
            tv_nsec: 123_456_789,
        };
        let times = rustix::fs::Timestamps {
            last_access: time,
            last_modification: time,
        };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, inside(name), &times, flags).unwrap();
    }
}

fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// [`rich`] as GNU tar packs it.
fn rich_archive(berth: &Berth, format: &str) -> Vec<u8> {
    let root = berth.path("rich");
    if !root.exists() {
        rich(&root);
    }
    let mut tar = Command::new("tar");
    tar.args([
        "--create",
        "--sort=name",
        "--numeric-owner",
        "--file=-",
        "usr",
    ]);
    tar.arg(format!("--format={format}")).current_dir(root);
    if format == "posix" {
        tar.args(["--xattrs", "--xattrs-include=*"]);
    }
    succeed(&mut tar).stdout
}

#[test]
fn everything_a_file_system_can_hold_comes_back() {
    let Some(_) = tool("tar") else { return };
    let berth = Berth::new();
    for (format, how) in [
        ("posix", Compression::Gzip),
        ("gnu", Compression::Zstd),
        ("posix", Compression::None),
    ] {
        let archive = rich_archive(&berth, format);
        let tag = format!("{format}-{how:?}").to_lowercase();
        let layout = Layout::of(
            berth.path(&tag),
            &tag,
            &Image::new(vec![Layer::new(&archive, how)]),
        );
        berth.run(["pull", &layout.source(&tag)]).expect(0);
        assert_given_back(&berth, layout.path(), &tag);
        let theirs = extracted(&archive, &berth.path(&format!("{tag}-gnu")));
        assert!(theirs.len() > 15);
        assert_same(&exported(&berth, &tag), &theirs);
        // A tar of it holds the same tree.
        let again = berth.run(["export", &tag, "-"]).expect(0).stdout;
        assert_same(
            &extracted(&again, &berth.path(&format!("{tag}-again"))),
            &theirs,
        );
    }
    berth.assert_sound();
}

#[test]
fn files_of_this_machine_come_back() {
    let Some(_) = tool("tar") else { return };
    let berth = Berth::new();
    let archive = goods::real();
    let layout = Layout::of(
        berth.path("layout"),
        "real",
        &Image::new(vec![Layer::new(archive, Compression::Zstd)]),
    );
    berth.run(["pull", &layout.source("real")]).expect(0);
    assert_given_back(&berth, layout.path(), "real");
    let theirs = extracted(archive, &berth.path("gnu"));
    assert!(theirs.len() > 100, "{} files", theirs.len());
    assert_same(&exported(&berth, "real"), &theirs);
    berth.assert_sound();
}

/// Runs skopeo with a policy that trusts everything; it is no test of skopeo's policies.
fn skopeo(arguments: &[&str]) -> Option<()> {
    let mut skopeo = tool("skopeo")?;
    succeed(
        skopeo
            .args(["--insecure-policy", "copy", "--quiet"])
            .args(arguments),
    );
    Some(())
}

#[test]
fn layouts_that_skopeo_wrote() {
    let berth = Berth::new();
    let archives = [goods::real().to_vec(), goods::on_top(1)];
    let from = |how| {
        archives
            .iter()
            .map(|archive| Layer::new(archive, how))
            .collect()
    };
    for (number, (how, flags, suffix)) in [
        (Compression::Gzip, &[][..], "+gzip"),
        (
            Compression::Gzip,
            &["--dest-compress-format", "zstd"],
            "+zstd",
        ),
        (Compression::Zstd, &[], "+zstd"),
        // It compresses what comes uncompressed.
        (Compression::None, &[], "+gzip"),
    ]
    .into_iter()
    .enumerate()
    {
        let layout = Layout::of(
            berth.path(&format!("from{number}")),
            "demo",
            &Image::new(from(how)),
        );
        let to = berth.path(&format!("to{number}"));
        let destination = format!("oci:{}:copy", to.display());
        let source = layout.source("demo");
        let arguments = [&[&*source, &*destination], flags].concat();
        if skopeo(&arguments).is_none() {
            return;
        }
        let tag = format!("copy{number}");
        berth.run(["pull", &destination, "--tag", &tag]).expect(0);
        assert_given_back(&berth, &to, &tag);
        for (layer, archive) in layers_of(&to, &manifest_of(&to)).iter().zip(&archives) {
            assert!(
                layer["mediaType"].as_str().unwrap().ends_with(suffix),
                "{layer}"
            );
            assert!(decompressed(&to, layer) == *archive);
        }
    }
    berth.assert_sound();
}

#[test]
fn dockers_media_types_in_a_layout() {
    let berth = Berth::new();
    let archives = [goods::made_up(1, 30), goods::on_top(1)];
    let layers = archives
        .iter()
        .map(|archive| Layer::new(archive, Compression::Gzip))
        .collect();
    let layout = Layout::of(berth.path("from"), "demo", &Image::new(layers));
    let folder = berth.path("docker");
    let destination = format!("dir:{}", folder.display());
    if skopeo(&["--format", "v2s2", &layout.source("demo"), &destination]).is_none() {
        return;
    }
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    let parsed: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(parsed["mediaType"], DOCKER_MANIFEST);
    assert_eq!(parsed["config"]["mediaType"], DOCKER_CONFIG);
    let mut docker = Layout::new(berth.path("layout"));
    for file in fs::read_dir(&folder).unwrap() {
        docker.blob(&fs::read(file.unwrap().path()).unwrap());
    }
    let entry =
        json!({"mediaType": DOCKER_MANIFEST, "digest": digest(&manifest), "size": manifest.len()});
    docker.enter(Some("docker"), entry);
    docker.write();
    berth.run(["pull", &docker.source("docker")]).expect(0);
    assert_given_back(&berth, docker.path(), "docker");
    let shown = berth.run(["inspect", "docker", "--json"]).expect(0).json();
    assert_eq!(shown["mediaType"], DOCKER_MANIFEST);
    assert_eq!(shown["kind"], "image");
    assert_eq!(shown["layers"][0]["verdict"], "imported");
    berth.assert_sound();
    // The same layers as OCI has them are the same layers.
    berth.run(["pull", &layout.source("demo")]).expect(0);
    berth.assert_sound();
}

/// The tree that umoci makes of an image.
fn unpacked(layout: &Path, tag: &str, to: &Path) -> Option<Tree> {
    let mut umoci = tool("umoci")?;
    umoci
        .arg("unpack")
        .arg("--image")
        .arg(format!("{}:{tag}", layout.display()));
    if !rustix::process::geteuid().is_root() {
        umoci.arg("--rootless");
    }
    succeed(umoci.arg(to));
    let mut tree = walk(&to.join("rootfs"));
    for seen in tree.values_mut() {
        // How it remembers owners it may not give.
        seen.xattrs
            .remove(std::ffi::OsStr::new("user.rootlesscontainers"));
    }
    Some(tree)
}

#[test]
fn an_image_of_several_layers_is_merged_as_umoci_merges_it() {
    let berth = Berth::new();
    let archives = [
        goods::made_up(1, 45),
        goods::on_top(1),
        rich_archive(&berth, "posix"),
    ];
    let layers = archives
        .iter()
        .map(|archive| Layer::new(archive, Compression::Gzip))
        .collect();
    let layout = Layout::of(berth.path("layout"), "demo", &Image::new(layers));
    let Some(theirs) = unpacked(layout.path(), "demo", &berth.path("bundle")) else {
        return;
    };
    assert!(!theirs.contains_key(Path::new("usr/001-000/file 5")));
    assert!(theirs.contains_key(Path::new("usr/001-001/only")));
    berth.run(["pull", &layout.source("demo")]).expect(0);
    let ours = exported(&berth, "demo");
    assert_same(&without_fractions(ours), &without_fractions(theirs));
    berth.assert_sound();
}

/// umoci rounds times of modification to seconds.
fn without_fractions(mut tree: Tree) -> Tree {
    for seen in tree.values_mut() {
        seen.mtime.1 = 0;
    }
    tree
}

#[test]
fn a_layout_that_umoci_wrote() {
    let berth = Berth::new();
    let layout = berth.path("layout");
    let image = format!("{}:demo", layout.display());
    let umoci = |arguments: &[&str]| {
        let mut umoci = tool("umoci")?;
        Some(succeed(umoci.args(arguments)))
    };
    let path = layout.to_str().unwrap();
    if umoci(&["init", "--layout", path]).is_none() {
        return;
    }
    umoci(&["new", "--image", &image]);
    let rootless: &[&str] = match rustix::process::geteuid().is_root() {
        true => &[],
        false => &["--rootless"],
    };
    let tree = berth.path("tree");
    rich(&tree);
    let small = berth.path("small");
    fs::create_dir(&small).unwrap();
    fs::write(small.join("file"), "small").unwrap();
    let [tree, small] = [tree.join("usr"), small].map(|path| path.to_str().unwrap().to_owned());
    let insert = |arguments: &[&str]| {
        umoci(&[&["insert"], rootless, &["--image", &image], arguments].concat());
    };
    insert(&[&tree, "/usr"]);
    insert(&["--whiteout", "/usr/deep/er/still"]);
    insert(&["--opaque", &small, "/usr/deep/er"]);
    insert(&[&small, "/usr/small"]);
    let theirs = unpacked(&layout, "demo", &berth.path("bundle")).unwrap();
    assert!(theirs.contains_key(Path::new("usr/small/file")));
    assert!(!theirs.contains_key(Path::new("usr/deep/er/still")));

    berth.pull("layout:demo").expect(0);
    let manifest = berth
        .run(["inspect", "demo", "--manifest"])
        .expect(0)
        .stdout;
    let layers = layers_of(&layout, &digest(&manifest));
    assert_eq!(layers.len(), 4);
    for layer in &layers {
        let archive = decompressed(&layout, layer);
        let rebuilt = berth
            .run(["cat", "--blob", &digest(&archive)])
            .expect(0)
            .stdout;
        assert!(rebuilt == archive, "{layer}: other bytes");
    }
    let ours = exported(&berth, "demo");
    assert_same(&without_fractions(ours), &without_fractions(theirs));
    berth.assert_sound();
}
