//! Every kind of path, resolved and refused.

use super::*;
use crate::samples::{Bench, Sketch};

#[test]
fn paths_lead_where_a_process_in_the_tree_would_get() {
    use PathFault::{Loop, NotADirectory, NotFound};
    let mut layer = Sketch::new();
    layer
        .file("etc/passwd", b"")
        .file("usr/lib/x", b"")
        .symlink("lib", b"usr/lib")
        .symlink("absolute", b"/etc/passwd")
        .symlink("usr/up", b"../etc")
        .symlink("usr/out", b"../../../../etc/passwd")
        .symlink("chain", b"lib/../up/passwd")
        .symlink("slash", b"etc/")
        .symlink("file-slash", b"etc/passwd/")
        .symlink("dangling", b"nothing")
        .symlink("self", b"self")
        .symlink("ping", b"usr/pong")
        .symlink("usr/pong", b"../ping")
        .symlink("root", b"/");
    let bench = Bench::new();
    let tree = bench.tree(&[&layer]);
    let no_last = "";
    for (path, no, yes) in [
        ("", Ok(no_last), Ok("")),
        ("/", Ok(""), Ok("")),
        (".", Ok(""), Ok("")),
        ("..", Ok(""), Ok("")),
        ("/../..//./", Ok(""), Ok("")),
        ("etc", Ok("etc"), Ok("etc")),
        ("/etc/", Ok("etc"), Ok("etc")),
        ("//etc/./passwd", Ok("etc/passwd"), Ok("etc/passwd")),
        ("etc/../usr", Ok("usr"), Ok("usr")),
        ("../etc/passwd", Ok("etc/passwd"), Ok("etc/passwd")),
        ("etc/passwd/", Err(NotADirectory), Err(NotADirectory)),
        ("etc/passwd/.", Err(NotADirectory), Err(NotADirectory)),
        ("etc/passwd/..", Err(NotADirectory), Err(NotADirectory)),
        ("etc/passwd/x", Err(NotADirectory), Err(NotADirectory)),
        ("etc/x", Err(NotFound), Err(NotFound)),
        ("x/..", Err(NotFound), Err(NotFound)),
        ("lib", Ok("lib"), Ok("usr/lib")),
        ("lib/", Ok("usr/lib"), Ok("usr/lib")),
        ("lib/x", Ok("usr/lib/x"), Ok("usr/lib/x")),
        ("lib/..", Ok("usr"), Ok("usr")),
        ("absolute", Ok("absolute"), Ok("etc/passwd")),
        ("absolute/", Err(NotADirectory), Err(NotADirectory)),
        ("usr/up/passwd", Ok("etc/passwd"), Ok("etc/passwd")),
        ("usr/out", Ok("usr/out"), Ok("etc/passwd")),
        ("chain", Ok("chain"), Ok("etc/passwd")),
        ("slash", Ok("slash"), Ok("etc")),
        ("file-slash", Ok("file-slash"), Err(NotADirectory)),
        ("dangling", Ok("dangling"), Err(NotFound)),
        ("self", Ok("self"), Err(Loop)),
        ("self/x", Err(Loop), Err(Loop)),
        ("ping", Ok("ping"), Err(Loop)),
        ("root/root/etc", Ok("etc"), Ok("etc")),
    ] {
        for (follow, want) in [(Follow::No, no), (Follow::Yes, yes)] {
            let found = match tree.lookup(path, follow) {
                Ok(found) => {
                    let direct = found.path.components().fold(NodeId::ROOT, |node, name| {
                        tree.children(node)
                            .find(|(child, _)| *child == name)
                            .unwrap()
                            .1
                    });
                    assert_eq!(direct, found.id, "{path}");
                    Ok(found.path)
                }
                Err(ViewError::Path { fault, .. }) => Err(fault),
                Err(error) => panic!("{error}"),
            };
            let want = want.map(crate::samples::path);
            assert_eq!(found, want, "{path} {follow:?}");
        }
    }
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let mut layer = Sketch::new();
    layer.file("0", b"");
    for number in 1..=41 {
        layer.symlink(&number.to_string(), (number - 1).to_string().as_bytes());
    }
    let bench = Bench::new();
    let tree = bench.tree(&[&layer]);
    assert!(tree.lookup("40", Follow::Yes).is_ok());
    let error = tree.lookup("41", Follow::Yes).unwrap_err();
    assert_eq!(error.to_string(), "41: too many levels of symbolic links");
    assert!(!error.is_not_found());
}

#[test]
fn a_path_in_a_message_is_escaped() {
    let tree = Bench::new().tree(&[&Sketch::new()]);
    let error = tree.lookup(b"a\x1b[2J\xff", Follow::No).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a\\u{1b}[2J\\xff: no such file or directory in the image"
    );
    assert!(error.is_not_found());
}
