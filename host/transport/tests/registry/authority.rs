//! Who we are to a registry, and to nobody else.

use lazaret_registry::{Address, Auth, Bearer, Behaviour, Fault, Misdeed, Registry};
use lazaret_transport::{RegistryOptions, TransportError};

use super::fixture::*;

const BLOB: &str = "*/blobs/*";

/// With a password, or without; never with the files of who runs the test.
fn as_user(password: Option<&str>) -> RegistryOptions {
    RegistryOptions {
        auth_file: Some("/dev/null".into()),
        credentials: password.map(|password| ("user".to_owned(), password.to_owned())),
        ..options()
    }
}

fn account() -> Option<(String, String)> {
    Some(("user".to_owned(), "right".to_owned()))
}

fn bearer(change: impl FnOnce(&mut Bearer)) -> Auth {
    let mut bearer = Bearer {
        account: account(),
        ..Bearer::default()
    };
    change(&mut bearer);
    Auth::Bearer(bearer)
}

#[test]
fn passwords_and_tokens_open_what_they_should() {
    let bytes = noise(1_000);
    for (auth, password, admitted) in [
        (Auth::None, None, true),
        (Auth::basic("user", "right"), Some("right"), true),
        (Auth::basic("user", "right"), Some("wrong"), false),
        (Auth::basic("user", "right"), None, false),
        (bearer(|_| ()), Some("right"), true),
        (
            bearer(|bearer| bearer.field = "access_token"),
            Some("right"),
            true,
        ),
        (bearer(|bearer| bearer.account = None), None, true),
        (bearer(|_| ()), Some("wrong"), false),
        (bearer(|_| ()), None, false),
    ] {
        let registry = Registry::start(Behaviour::with_auth(auth.clone())).unwrap();
        registry.put_blob(NAME, &bytes);
        let found = read(&source(&registry, &as_user(password)), &blob(&bytes));
        let name = format!("{auth:?} {password:?}");
        assert_eq!(found.is_ok(), admitted, "{name}");
        if let Err(error) = found {
            let presented = match password {
                Some(_) => "with the given credentials",
                None => "without credentials",
            };
            let what = match auth {
                Auth::Bearer(_) => format!("a token for {NAME} {presented}: a name and a password"),
                _ => format!(
                    "blob {} in {NAME} {presented}: who are you?",
                    blob(&bytes).digest
                ),
            };
            let text = chain(&error, &registry);
            assert!(
                text.starts_with(&format!("HOST refused access to {what}")),
                "{text}"
            );
            assert!(!text.contains("wrong"), "{text}");
        }
    }
}

#[test]
fn one_token_serves_until_it_does_not() {
    let bytes = noise(1_000);
    let read_five = |change: &dyn Fn(&mut Bearer)| {
        let registry = Registry::start(Behaviour::with_auth(bearer(change))).unwrap();
        registry.put_blob(NAME, &bytes);
        let source = source(&registry, &as_user(Some("right")));
        for _ in 0..5 {
            read(&source, &blob(&bytes)).unwrap();
        }
        (registry.count("GET", "/token"), registry.count("GET", BLOB))
    };
    // One challenge, one token, five blobs.
    assert_eq!(read_five(&|_| ()), (1, 6));
    // A token that is good for two requests is asked for anew when it is refused.
    assert_eq!(read_five(&|bearer| bearer.uses = 2), (3, 8));
    // One that does not last is asked for each time.
    assert_eq!(read_five(&|bearer| bearer.expires_in = 0), (5, 6));
}

#[test]
fn many_threads_wait_for_one_token() {
    let bytes = noise(1_000);
    for (asked_before, auth) in [
        (true, bearer(|_| ())),
        (false, bearer(|_| ())),
        (true, Auth::basic("user", "right")),
        (false, Auth::basic("user", "right")),
    ] {
        let tokens = usize::from(matches!(auth, Auth::Bearer(_)));
        let registry = Registry::start(Behaviour::with_auth(auth)).unwrap();
        registry.put_blob(NAME, &bytes);
        let source = source(&registry, &as_user(Some("right")));
        if asked_before {
            read(&source, &blob(&bytes)).unwrap();
        }
        // Whoever is challenged first, all get in.
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(read(&source, &blob(&bytes)).unwrap(), bytes);
                });
            }
        });
        assert_eq!(registry.count("GET", "/token"), tokens);
    }
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_push_is_renewed() {
    let bytes = noise(400_000);
    let auth = bearer(|bearer| bearer.uses = 1);
    let registry = Registry::start(Behaviour::with_auth(auth)).unwrap();
    let destination = destination(&registry, &as_user(Some("right")));
    for number in 0..3 {
        let piece = &bytes[number..];
        assert_eq!(
            put(&destination, &blob(piece), piece).unwrap(),
            piece.len() as u64
        );
        assert!(destination.has_blob(&blob(piece)).unwrap());
    }
}

#[test]
fn credentials_stay_with_their_host() {
    let bytes = noise(1_000);
    for auth in [Auth::basic("user", "right"), bearer(|_| ())] {
        let elsewhere = Registry::start(Behaviour::default()).unwrap();
        elsewhere.put_blob(NAME, &bytes);
        let registry = Registry::start(Behaviour::with_auth(auth)).unwrap();
        registry.put_blob(NAME, &bytes);
        let base = format!("http://{}", elsewhere.host());
        registry.fault(
            Fault::new("GET", BLOB, Misdeed::Redirect(base.clone()))
                .with_header("authorization")
                .always(),
        );
        let source = source(&registry, &as_user(Some("right")));
        assert_eq!(read(&source, &blob(&bytes)).unwrap(), bytes);
        let seen = elsewhere.log();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].header("authorization"), None);

        // A challenge from there is nobody's to answer.
        elsewhere.behave(|behaviour| behaviour.auth = Auth::basic("user", "right"));
        let error = read(&source, &blob(&bytes)).unwrap_err();
        assert!(
            matches!(error, TransportError::Unauthorized { .. }),
            "{error}"
        );
        let seen = elsewhere.log();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1].header("authorization"), None);
    }
}

#[test]
fn an_identity_token_stays_with_who_gives_out_tokens() {
    let bytes = noise(1_000);
    let elsewhere = Registry::start(Behaviour::with_auth(bearer(|_| ()))).unwrap();
    let registry = Registry::start(Behaviour::with_auth(bearer(|_| ()))).unwrap();
    registry.put_blob(NAME, &bytes);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("auth.json");
    let host = registry.host();
    let auth = format!(r#"{{"auths":{{"{host}":{{"identitytoken":"secret"}}}}}}"#);
    std::fs::write(&path, auth).unwrap();
    let options = RegistryOptions {
        auth_file: Some(path),
        ..options()
    };
    let base = format!("http://{}", elsewhere.host());
    registry.fault(Fault::new("POST", "/token", Misdeed::Redirect(base)).always());
    let error = read(&source(&registry, &options), &blob(&bytes)).unwrap_err();
    assert_eq!(
        chain(&error, &registry),
        format!(
            "HOST answered POST of a token for {NAME} with a redirect to another host, 127.0.0.1, \
             which is not to have what was sent"
        )
    );
    assert_eq!(registry.count("POST", "/token"), 1);
    assert!(elsewhere.log().is_empty());
    // To another address of its own it may lead.
    registry.mend();
    registry.fault(Fault::new(
        "POST",
        "/token",
        Misdeed::Redirect(String::new()),
    ));
    let _ = read(&source(&registry, &options), &blob(&bytes));
    assert_eq!(registry.count("POST", "/moved/token"), 1);
}

#[test]
fn an_upload_elsewhere_goes_without_credentials() {
    let bytes = noise(1_000);
    let registry = Registry::start(Behaviour::with_auth(Auth::basic("user", "right"))).unwrap();
    registry.behave(|behaviour| {
        behaviour.uploads = Address::At(format!("http://{}", registry.other_host()));
    });
    let destination = destination(&registry, &as_user(Some("right")));
    // It is the same registry, which wants them: they must not come.
    let error = put(&destination, &blob(&bytes), &bytes).unwrap_err();
    assert!(
        matches!(error, TransportError::Unauthorized { .. }),
        "{error}"
    );
    let log = registry.log();
    let last = log.iter().rev().find(|request| request.method == "PUT");
    assert_eq!(last.unwrap().header("authorization"), None);
}

#[test]
fn a_realm_is_trusted_no_further_than_the_protocol_wants() {
    let bytes = noise(1_000);
    for (realm, expected) in [
        (
            "http://auth.example/token",
            "a realm at an address without TLS on another host, http://auth.example/token",
        ),
        (
            "file:///etc/passwd",
            "a realm at an address that is not HTTP, file:///etc/passwd",
        ),
    ] {
        let auth = bearer(|bearer| bearer.realm = Some(realm.to_owned()));
        let registry = Registry::start(Behaviour::with_auth(auth)).unwrap();
        registry.put_blob(NAME, &bytes);
        let options = RegistryOptions {
            plain_http: false,
            ..as_user(Some("right"))
        };
        let error = read(&source(&registry, &options), &blob(&bytes)).unwrap_err();
        assert_eq!(
            chain(&error, &registry),
            format!("HOST answered a request for a token for {NAME} with {expected}")
        );
    }
}

#[test]
fn a_token_that_is_none_is_refused() {
    let bytes = noise(1_000);
    for (body, expected) in [
        (&b"{}"[..], "with something that is no token"),
        (b"{\"token\":\"\"}", "with something that is no token"),
        (b"<html>", "with something that is no token"),
        (
            b"{\"token\":\"x\\r\\nHost: y\"}",
            "with characters that no token can have",
        ),
    ] {
        let registry = Registry::start(Behaviour::with_auth(bearer(|_| ()))).unwrap();
        registry.put_blob(NAME, &bytes);
        registry.fault(Fault::new("GET", "/token", Misdeed::Body(body.to_vec())).always());
        let error = read(&source(&registry, &as_user(Some("right"))), &blob(&bytes)).unwrap_err();
        let text = chain(&error, &registry);
        assert!(text.ends_with(expected), "{text}");
        assert!(error.is_input_fault());
    }
    let registry = Registry::start(Behaviour::with_auth(bearer(|_| ()))).unwrap();
    registry.fault(Fault::new("GET", "/token", Misdeed::Endless).always());
    let error = read(&source(&registry, &as_user(Some("right"))), &blob(&bytes)).unwrap_err();
    assert!(matches!(error, TransportError::Limit { .. }), "{error}");
}

#[test]
fn who_gives_out_tokens_may_falter_too() {
    let bytes = noise(1_000);
    for misdeed in [Misdeed::Status(503), Misdeed::HangUp, Misdeed::Cut(3)] {
        let registry = Registry::start(Behaviour::with_auth(bearer(|_| ()))).unwrap();
        registry.put_blob(NAME, &bytes);
        registry.fault(Fault::new("GET", "/token", misdeed));
        assert_eq!(
            read(&source(&registry, &as_user(Some("right"))), &blob(&bytes)).unwrap(),
            bytes
        );
    }
}

#[test]
fn a_file_of_credentials_is_used() {
    let bytes = noise(1_000);
    let registry = Registry::start(Behaviour::with_auth(Auth::basic("user", "right"))).unwrap();
    registry.put_blob(NAME, &bytes);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("auth.json");
    let host = registry.host();
    let file = |password: &str| {
        // `user:right` and `user:wrong`.
        let auth = match password {
            "right" => "dXNlcjpyaWdodA==",
            _ => "dXNlcjp3cm9uZw==",
        };
        format!(r#"{{"auths":{{"{host}/team":{{"auth":"{auth}"}}}}}}"#)
    };
    let options = RegistryOptions {
        auth_file: Some(path.clone()),
        ..options()
    };
    std::fs::write(&path, file("right")).unwrap();
    assert_eq!(
        read(&source(&registry, &options), &blob(&bytes)).unwrap(),
        bytes
    );
    std::fs::write(&path, file("wrong")).unwrap();
    let error = read(&source(&registry, &options), &blob(&bytes)).unwrap_err();
    assert_eq!(
        chain(&error, &registry),
        format!(
            "HOST refused access to blob {} in {NAME} with the credentials of {}: who are you? \
             (UNAUTHORIZED)",
            blob(&bytes).digest,
            path.display()
        )
    );
}

/// Set in the process that has a helper in its path.
const INSIDE: &str = "LAZARET_TEST_HELPER";

#[test]
fn a_helper_is_asked() {
    use std::os::unix::fs::PermissionsExt as _;

    if std::env::var_os(INSIDE).is_some() {
        return ask_helper();
    }
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("docker-credential-test");
    // What it is asked for is the registry's name and nothing else.
    let script = "#!/bin/sh\nread host\n\
        test \"$1\" = get && test \"$host\" = \"$LAZARET_TEST_HELPER\" || exit 1\n\
        echo '{\"ServerURL\":\"x\",\"Username\":\"user\",\"Secret\":\"right\"}'\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let registry = Registry::start(Behaviour::with_auth(Auth::basic("user", "right"))).unwrap();
    registry.put_blob(NAME, &noise(1_000));
    let host = registry.host();
    for config in [
        format!(r#"{{"credHelpers":{{"{host}":"test"}}}}"#),
        r#"{"credsStore":"test"}"#.to_owned(),
    ] {
        std::fs::write(directory.path().join("config.json"), config).unwrap();
        let path = std::env::var("PATH").unwrap();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["authority::a_helper_is_asked", "--exact"])
            .env("PATH", format!("{}:{path}", directory.path().display()))
            .env("HOME", directory.path())
            .env("DOCKER_CONFIG", directory.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("REGISTRY_AUTH_FILE")
            .env("XDG_RUNTIME_DIR", directory.path())
            .env(INSIDE, &host)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
    }
}

fn ask_helper() {
    let host = std::env::var(INSIDE).unwrap();
    let source =
        lazaret_transport::Source::open(&reference(&host, Some("v1")), &options()).unwrap();
    let bytes = noise(1_000);
    assert_eq!(read(&source, &blob(&bytes)).unwrap(), bytes);
}
