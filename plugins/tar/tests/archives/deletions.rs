//! Whiteouts of container layers.

use lazaret_plugin_tar::{Entry, EntryKind};

use crate::archive::*;

fn deletion(path: &str, kind: EntryKind) -> Entry {
    Entry {
        path: path.as_bytes().to_vec(),
        kind,
        content: vec![],
        target: None,
        posix: None,
        media_type: None,
    }
}

#[test]
fn whiteouts_name_what_they_hide() {
    let bytes = Archive::new()
        .file("etc/.wh.passwd", "")
        .file("var/.wh..wh..opq", "")
        .file(".wh..wh..opq", "")
        .head(Head::ustar(b'5', "dir/.wh.sub/", 0))
        // aufs made one whiteout and linked the others to it.
        .head(Head::ustar(b'1', ".wh.linked", 0).target(b"etc/.wh.passwd"))
        .head(Head::ustar(b'3', ".wh.node", 0).device(0, 0))
        .end();
    assert_eq!(
        entries(&bytes),
        [
            deletion("etc/passwd", EntryKind::Whiteout),
            deletion("var/", EntryKind::OpaqueDirectory),
            deletion(".", EntryKind::OpaqueDirectory),
            deletion("dir/sub", EntryKind::Whiteout),
            deletion("linked", EntryKind::Whiteout),
            deletion("node", EntryKind::Whiteout),
        ]
    );
}

#[test]
fn whiteouts_may_have_long_names() {
    let name = format!("{}/.wh.x", "d".repeat(150));
    let bytes = Archive::new()
        .pax(&[("path", name.as_bytes())])
        .file("short", "")
        .end();
    assert_eq!(
        entry(&bytes).path,
        format!("{}/x", "d".repeat(150)).as_bytes()
    );
}

#[test]
fn the_bookkeeping_of_aufs_is_kept_and_not_listed() {
    let bytes = Archive::new()
        .file(".wh..wh.aufs", "")
        .head(Head::ustar(b'5', ".wh..wh.plnk/", 0))
        .file(".wh..wh.plnk/12.34", [b'x'; 100])
        .file("a", "")
        .end();
    assert_eq!(entry(&bytes).path, b"a");
    assert_eq!(
        read(&bytes).cuts,
        [inline(1536), object(100), inline(412 + 512 + 1024)]
    );
}
