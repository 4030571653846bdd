//! Which entry counts, and what never shows.

use super::*;

fn file(text: &str) -> AuthFile {
    AuthFile::parse(Path::new("auth.json"), text.as_bytes()).unwrap()
}

fn user(text: &str, host: &str, repository: &str) -> Option<String> {
    let found = file(text).find(Path::new("auth.json"), host, repository);
    match found.unwrap()?.credentials {
        Credentials::Password { user, password } => Some(format!("{user}/{}", password.reveal())),
        other => Some(format!("{other:?}")),
    }
}

/// `USER:secret`, as files have it.
fn auth(user: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:secret"))
}

#[test]
fn the_most_specific_entry_wins() {
    let text = format!(
        r#"{{"auths": {{
            "r.example/a/b/c": {{"auth": "{}"}},
            "r.example/a": {{"auth": "{}"}},
            "r.example": {{"auth": "{}"}},
            "r.example:5000": {{"auth": "{}"}}
        }}}}"#,
        auth("abc"),
        auth("a"),
        auth("host"),
        auth("port")
    );
    for (host, repository, expected) in [
        ("r.example", "a/b/c", Some("abc/secret")),
        ("r.example", "a/b/c/d", Some("abc/secret")),
        ("r.example", "a/b/cc", Some("a/secret")),
        ("r.example", "a/b", Some("a/secret")),
        ("r.example", "a", Some("a/secret")),
        ("r.example", "aa", Some("host/secret")),
        ("r.example:5000", "a/b/c", Some("port/secret")),
        ("r.example:5001", "a/b/c", None),
        ("x.example", "a", None),
    ] {
        let found = user(&text, host, repository);
        assert_eq!(found.as_deref(), expected, "{host}/{repository}");
    }
}

#[test]
fn docker_io_has_many_names() {
    for key in [
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "https://index.docker.io/v1/",
        "https://registry-1.docker.io",
        "index.docker.io/v1/",
        "docker.io/library",
        "docker.io/library/busybox",
    ] {
        let text = format!(r#"{{"auths": {{"{key}": {{"auth": "{}"}}}}}}"#, auth("u"));
        let found = user(&text, "docker.io", "library/busybox");
        assert_eq!(found.as_deref(), Some("u/secret"), "{key}");
        assert_eq!(user(&text, "quay.io", "library/busybox"), None, "{key}");
    }
    let both = format!(
        r#"{{"auths": {{
            "https://index.docker.io/v1/": {{"auth": "{}"}},
            "docker.io/library": {{"auth": "{}"}}
        }}}}"#,
        auth("host"),
        auth("library")
    );
    assert_eq!(
        user(&both, "docker.io", "library/busybox").as_deref(),
        Some("library/secret")
    );
    assert_eq!(
        user(&both, "docker.io", "me/busybox").as_deref(),
        Some("host/secret")
    );
}

#[test]
fn addresses_are_keys_too() {
    for key in ["https://r.example/v1/", "http://r.example", "r.example/v2/"] {
        let text = format!(r#"{{"auths": {{"{key}": {{"auth": "{}"}}}}}}"#, auth("u"));
        assert_eq!(
            user(&text, "r.example", "a").as_deref(),
            Some("u/secret"),
            "{key}"
        );
        assert_eq!(user(&text, "example", "a"), None, "{key}");
    }
}

#[test]
fn entries_in_all_their_forms() {
    for (entry, expected) in [
        (r#"{"auth": "dTpw"}"#, Some("u/p")),
        // Without padding; with a colon in the password; with Docker's old padding.
        (r#"{"auth": "dTpwYQ"}"#, Some("u/pa")),
        (r#"{"auth": "dTpwYQ=="}"#, Some("u/pa")),
        (r#"{"auth": "dTpwOnE="}"#, Some("u/p:q")),
        (r#"{"auth": "dTpwAAA="}"#, Some("u/p")),
        (r#"{"auth": " dTpw\n"}"#, Some("u/p")),
        (r#"{"username": "u", "password": "p"}"#, Some("u/p")),
        (
            r#"{"auth": "dTpw", "identitytoken": "x"}"#,
            Some("Identity((secret))"),
        ),
        (r#"{"registrytoken": "x"}"#, Some("Registry((secret))")),
        (r#"{"auth": "", "email": "u@example"}"#, None),
        ("{}", None),
        ("null", None),
    ] {
        let text = format!(r#"{{"auths": {{"r.example": {entry}}}, "HttpHeaders": {{}}}}"#);
        assert_eq!(
            user(&text, "r.example", "a").as_deref(),
            expected,
            "{entry}"
        );
    }
    assert_eq!(user("", "r.example", "a"), None);
    assert_eq!(user("{}", "r.example", "a"), None);
}

#[test]
fn a_broken_file_is_named_and_not_quoted() {
    for (text, expected) in [
        (
            r#"{"auths": {"r.example": {"auth": "hunter2!"}}}"#,
            r#"cannot use "auth.json": entry "r.example": auth is not base64"#,
        ),
        (
            r#"{"auths": {"r.example": {"auth": "aHVudGVyMg=="}}}"#,
            r#"cannot use "auth.json": entry "r.example": auth has no colon"#,
        ),
        (
            r#"{"auths": {"r.example": {"auth": "/////w=="}}}"#,
            r#"cannot use "auth.json": entry "r.example": auth is not text"#,
        ),
        (
            "{\"auths\":\n {\"r.example\": {\"auth\": hunter2}}}",
            r#"cannot use "auth.json": not a file of credentials, line 2 column 25"#,
        ),
        (
            r#"{"auths": "hunter2"}"#,
            r#"cannot use "auth.json": not a file of credentials, line 1 column 19"#,
        ),
    ] {
        let path = Path::new("auth.json");
        let error = AuthFile::parse(path, text.as_bytes())
            .and_then(|file| file.find(path, "r.example", "a"))
            .unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn secrets_do_not_show() {
    let options = RegistryOptions {
        credentials: Some(("user".to_owned(), "hunter2".to_owned())),
        ..RegistryOptions::default()
    };
    let found = find("r.example", "a", &options).unwrap();
    for shown in [format!("{options:?}"), format!("{found:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("user"), "{shown}");
    }
}

#[test]
fn files_are_looked_for_where_other_programs_write_them() {
    let environment = |set: &[(&str, &str)], named: Option<&str>| {
        let variable = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let places = places(named.map(Path::new), 7, variable);
        let show = |place: Place| {
            let mark = if place.named { "!" } else { "" };
            format!("{mark}{}", place.path.display())
        };
        places.into_iter().map(show).collect::<Vec<_>>().join(" ")
    };
    for (set, named, expected) in [
        (&[][..], None, "/run/containers/7/auth.json"),
        (
            &[("HOME", "/h")],
            None,
            "/run/containers/7/auth.json /h/.config/containers/auth.json /h/.docker/config.json",
        ),
        (
            &[
                ("HOME", "/h"),
                ("XDG_RUNTIME_DIR", "/r"),
                ("DOCKER_CONFIG", "/d"),
            ],
            None,
            "/r/containers/auth.json /h/.config/containers/auth.json /d/config.json",
        ),
        (
            &[
                ("HOME", "/h"),
                ("XDG_CONFIG_HOME", "/c"),
                ("XDG_RUNTIME_DIR", ""),
            ],
            None,
            "/run/containers/7/auth.json /c/containers/auth.json /h/.docker/config.json",
        ),
        (&[("HOME", "/h"), ("REGISTRY_AUTH_FILE", "/f")], None, "!/f"),
        (
            &[("HOME", "/h"), ("REGISTRY_AUTH_FILE", "/f")],
            Some("/g"),
            "!/g",
        ),
    ] {
        assert_eq!(environment(set, named), expected, "{set:?} {named:?}");
    }
}

#[test]
fn only_a_file_that_was_named_must_be_there() {
    let absent = |named| Place {
        path: PathBuf::from("/lazaret/absent/auth.json"),
        named,
    };
    assert!(absent(false).read().unwrap().is_none());
    assert!(matches!(
        absent(true).read(),
        Err(TransportError::Io { .. })
    ));
    let options = RegistryOptions {
        auth_file: Some(absent(true).path),
        ..RegistryOptions::default()
    };
    assert!(check(&options).is_err());
}

#[test]
fn helpers_are_asked_before_the_file_and_forgiven_where_it_knows() {
    let path = Path::new("auth.json");
    let text = |auths: &str| {
        format!(r#"{{"credHelpers": {{"r.example": "lazaret-absent"}}, "auths": {auths}}}"#)
    };
    let with = text(r#"{"r.example": {"auth": "dTpw"}}"#);
    assert_eq!(user(&with, "r.example", "a").as_deref(), Some("u/p"));
    let without = text("{}");
    assert!(matches!(
        file(&without).find(path, "r.example", "a"),
        Err(TransportError::CredentialHelper { .. })
    ));
    assert_eq!(user(&without, "x.example", "a"), None);
    let store = file(r#"{"credsStore": "lazaret-absent"}"#);
    assert!(store.find(path, "x.example", "a").is_err());
}
