//! Where exports may write, and where never.

use std::os::unix::fs::symlink;

use super::*;

/// A directory that a hostile image tries to get at.
fn outside(bench: &Bench) -> std::path::PathBuf {
    let outside = bench.directory.path().join("outside");
    std::fs::create_dir_all(outside.join("directory")).unwrap();
    std::fs::write(outside.join("passwd"), b"root").unwrap();
    std::fs::set_permissions(
        outside.join("passwd"),
        std::fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    outside
}

#[test]
fn nothing_is_written_through_a_symbolic_link() {
    let bench = Bench::new();
    let outside = outside(&bench);
    let absolute = outside.to_str().unwrap().as_bytes();
    let before = snapshot(&outside);

    let mut first = Sketch::new();
    first
        .symlink("absolute", absolute)
        .symlink("relative", b"../outside")
        .symlink("up", b"..")
        .symlink("file", &[absolute, b"/passwd"].concat())
        .posix(posix(0o777, 1, 1, 1, 1))
        .xattr(b"user.x", b"y")
        .symlink("hard", &[absolute, b"/passwd"].concat())
        .hardlink("hard-too", "hard")
        .symlink("replaced", absolute)
        .directory("swap")
        .directory("swap/directory");
    let mut second = Sketch::new();
    second
        // Below what was a link.
        .file("absolute/passwd", b"evil")
        .file("relative/passwd", b"evil")
        .file("up/outside/passwd", b"evil")
        .file("file", b"evil")
        // A directory in place of a link, and a link in place of a directory.
        .directory("replaced")
        .posix(posix(0o777, 1, 1, 1, 1))
        .file("replaced/directory/x", b"evil")
        .symlink("swap", absolute);
    let mut third = Sketch::new();
    third
        .hardlink("hard-three", "hard-too")
        .file("swap/directory/x", b"evil")
        .symlink("swap/again", b"../../outside");
    third.entries.remove(0);
    let tree = bench.tree(&[&first, &second, &third]);
    let place = bench.directory.path().join("x");
    export(&bench, &tree, &place, &options(Owners::Auto, 2));

    assert_eq!(snapshot(&outside), before);
    for (at, content) in [
        ("absolute/passwd", "evil"),
        ("relative/passwd", "evil"),
        ("up/outside/passwd", "evil"),
        ("file", "evil"),
        ("replaced/directory/x", "evil"),
        ("swap/directory/x", "evil"),
    ] {
        let mut whole = place.clone();
        for component in Path::new(at) {
            whole.push(component);
            assert!(!whole.is_symlink(), "{at}");
        }
        assert_eq!(std::fs::read_to_string(place.join(at)).unwrap(), content);
    }
    assert!(place.join("hard").is_symlink() && place.join("hard-too").is_symlink());
}

#[test]
fn attributes_of_a_link_are_not_its_targets() {
    let bench = Bench::new();
    let outside = outside(&bench);
    let before = snapshot(&outside);
    let mut layer = Sketch::new();
    let target = outside.join("passwd");
    layer
        .symlink("a", target.to_str().unwrap().as_bytes())
        .posix(posix(0o4777, 5, 6, 7, 8))
        .xattr(b"trusted.x", b"y")
        .xattr(b"user.x", b"y")
        .hardlink("b", "a");
    let tree = bench.tree(&[&layer]);
    export(
        &bench,
        &tree,
        &bench.directory.path().join("x"),
        &options(Owners::Auto, 1),
    );
    assert_eq!(snapshot(&outside), before);
}

#[test]
fn the_place_must_be_empty() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer.file("a", b"x");
    let tree = bench.tree(&[&layer]);
    let try_export = |place: &Path| {
        directory(
            &bench.repository,
            &tree,
            place,
            &ExportOptions::default(),
            &|_| (),
        )
    };
    let place = bench.directory.path().join("full");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("b"), b"precious").unwrap();
    let error = try_export(&place).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} is not empty", place.display())
    );
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 1);

    let file = place.join("b");
    let error = try_export(&file).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot open {}", file.display()));

    let empty = bench.directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    // The way to the place is the caller's own.
    let link = bench.directory.path().join("link");
    symlink(&empty, &link).unwrap();
    try_export(&link).unwrap();
    assert_eq!(std::fs::read(empty.join("a")).unwrap(), b"x");
    assert!(matches!(try_export(&link), Err(ViewError::NotEmpty { .. })));
}

#[test]
fn deep_trees_need_no_descriptor_for_each_level() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    let deep = "d/".repeat(2000) + "file";
    layer.file(&deep, b"x").hardlink("link", &deep);
    let tree = bench.tree(&[&layer]);
    let place = bench.directory.path().join("x");
    let exported = export(&bench, &tree, &place, &options(Owners::Auto, 1));
    assert_eq!(exported.entries, 2003);
    assert_eq!(std::fs::read(place.join("link")).unwrap(), b"x");
    assert_eq!(
        tree.lookup(&deep, crate::Follow::Yes).unwrap().path,
        path(&deep)
    );
}
