//! Who is let in: names and passwords from the command line and from files, tokens, certificates.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use lazaret_layouts::Compression;
use lazaret_registry::{Access, Auth, Bearer, Behaviour, PASSWORD, Registry, USER};
use serde_json::json;

use crate::berth::Berth;
use crate::image::{Image, OCI_MANIFEST};
use crate::program::Ran;
use crate::shelf::{Shelf, assert_sound};
use crate::stock::{self, Stock};

/// `u:p` in base64.
const ENCODED: &str = "dTpw";

fn fill(registry: &Registry) -> Image {
    let image = stock::small(1, Compression::Gzip);
    for layer in &image.layers {
        registry.put_blob("a", &layer.blob);
    }
    registry.put_blob("a", &image.config_bytes());
    registry.put_manifest("a", OCI_MANIFEST, &image.manifest_bytes(), Some("1"));
    image
}

fn kinds() -> [Auth; 3] {
    let account = Some(("u".to_owned(), "p".to_owned()));
    [
        Auth::basic("u", "p"),
        Auth::Bearer(Bearer {
            account: account.clone(),
            ..Bearer::default()
        }),
        Auth::Bearer(Bearer {
            account,
            field: "access_token",
            ..Bearer::default()
        }),
    ]
}

/// Where the program finds the name and the password.
#[derive(Debug, Clone, Copy)]
enum Place {
    Flag,
    AuthFile,
    Containers,
    Docker,
    Helper,
}

const PLACES: [Place; 5] = [
    Place::Flag,
    Place::AuthFile,
    Place::Containers,
    Place::Docker,
    Place::Helper,
];

fn pull(berth: &Berth, host: &str, place: Place) -> Ran {
    let source = format!("docker://{host}/a:1");
    let mut command = berth.lazaret();
    command.args(["pull", "--tag", "it", &source]);
    let file = json!({"auths": {host: {"auth": ENCODED}}}).to_string();
    let write = |name: &str, text: &str| {
        let path = berth.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    match place {
        Place::Flag => {
            command.args(["--creds", "u:p"]);
        }
        Place::AuthFile => {
            command.arg("--authfile").arg(write("auth.json", &file));
        }
        Place::Containers => {
            write("run/containers/auth.json", &file);
            command.env("XDG_RUNTIME_DIR", berth.path("run"));
        }
        Place::Docker => {
            // HOME is the berth's directory.
            write(".docker/config.json", &file);
        }
        Place::Helper => {
            let script = format!(
                "#!/bin/sh\nread -r host\n[ \"$1 $host\" = \"get {host}\" ] || exit 1\n\
                 echo '{{\"ServerURL\":\"{host}\",\"Username\":\"u\",\"Secret\":\"p\"}}'\n"
            );
            let helper = write("bin/docker-credential-berth", &script);
            fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
            let file = json!({"credHelpers": {host: "berth"}}).to_string();
            write(".docker/config.json", &file);
            let path = format!("{}:/usr/bin:/bin", berth.path("bin").display());
            command.env("PATH", path);
        }
    }
    Ran::of(&mut command)
}

#[test]
fn wherever_the_password_is() {
    for auth in kinds() {
        for place in PLACES {
            let registry = Registry::start(Behaviour::with_auth(auth.clone())).unwrap();
            let image = fill(&registry);
            let berth = Berth::with("fsverity-sha256-12");
            let ran = pull(&berth, &registry.host(), place);
            assert_eq!(ran.code, Some(0), "{auth:?} {place:?}: {}", ran.stderr);
            assert_eq!(berth.tags()["it"], image.digest());
        }
    }
}

#[test]
fn without_a_password_or_with_a_wrong_one() {
    for auth in kinds() {
        let registry = Registry::start(Behaviour::with_auth(auth.clone())).unwrap();
        fill(&registry);
        let berth = Berth::with("fsverity-sha256-12");
        let source = format!("docker://{}/a:1", registry.host());
        for more in [&[][..], &["--creds", "u:wrong"]] {
            let ran = berth.run(["pull", &source].iter().chain(more));
            assert_eq!(ran.code, Some(1), "{auth:?}: {}", ran.stderr);
            // Passwords are not for logs.
            assert!(!ran.stderr.contains("wrong"), "{}", ran.stderr);
            ran.says(&[&registry.host(), "hint:"]);
        }
        assert!(registry.log().len() < 20, "{:?}", registry.log());
        assert!(berth.names().is_empty());
    }
}

/// What is for one host is not told to another.
#[test]
fn a_password_for_another_host_stays_here() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    fill(&registry);
    let berth = Berth::with("fsverity-sha256-12");
    let file = berth.path("auth.json");
    let auths = json!({"auths": {
        "registry.example": {"auth": ENCODED},
        registry.other_host(): {"auth": ENCODED},
    }});
    fs::write(&file, auths.to_string()).unwrap();
    let source = format!("docker://{}/a:1", registry.host());
    berth
        .run(["pull", "--authfile", file.to_str().unwrap(), &source])
        .expect(0);
    for request in registry.log() {
        assert_eq!(request.header("authorization"), None);
    }
}

#[test]
fn a_token_that_expires_is_renewed() {
    for uses in [1, 2] {
        let registry = Registry::start(Behaviour::with_auth(Auth::Bearer(Bearer {
            uses,
            ..Bearer::default()
        })))
        .unwrap();
        let image = fill(&registry);
        let berth = Berth::with("fsverity-sha256-12");
        let source = format!("docker://{}/a:1", registry.host());
        berth
            .run(["pull", "--jobs", "1", "--tag", "it", &source])
            .expect(0);
        assert_eq!(berth.tags()["it"], image.digest());
        assert!(registry.count("GET", "/token") >= 2);
        // And while something is pushed.
        let stock = Stock::new(&berth);
        berth.run(["pull", &stock.source("artifact")]).expect(0);
        let to = format!("docker://{}/b:1", registry.host());
        berth
            .run(["push", "--jobs", "1", "artifact", &to])
            .expect(0);
        assert_eq!(
            registry.repository("b").tags["1"],
            stock.digests["artifact"]
        );
    }
}

/// One token does for many requests.
#[test]
fn a_token_is_asked_for_once() {
    let registry = Registry::start(Behaviour::with_auth(Auth::Bearer(Bearer::default()))).unwrap();
    fill(&registry);
    let berth = Berth::with("fsverity-sha256-12");
    let source = format!("docker://{}/a:1", registry.host());
    berth.run(["pull", &source]).expect(0);
    assert_eq!(registry.count("GET", "/token"), 1, "{:?}", registry.log());
}

#[test]
fn certificates() {
    let Some(shelf) = Shelf::new(&Access::Secured) else {
        return;
    };
    let berth = Berth::with("fsverity-sha256-12");
    let stock = Stock::new(&berth);
    if shelf.take(&stock.source("image"), "a:1", &[]).is_none() {
        return;
    }
    let source = shelf.reference("a:1");
    let account = format!("{USER}:{PASSWORD}");
    let ca = shelf.ca().unwrap();
    let ca = ca.to_str().unwrap();
    let told = || shelf.log().matches(&format!(" as {USER}")).count();
    let before = told();
    // An authority that nobody here knows; another one; none at all; and a file that is none.
    let other = lazaret_registry::Authority::new().unwrap();
    let nothing = berth.path("nothing.crt");
    fs::write(&nothing, "nothing").unwrap();
    for more in [
        &[][..],
        &["--ca", other.ca().to_str().unwrap()],
        &["--ca", nothing.to_str().unwrap()],
        &["--ca", "/nowhere/at/all.crt"],
        &["--plain-http"],
    ] {
        let arguments = ["pull", "--retries", "1", "--creds", &account, &source];
        let ran = berth.run(arguments.iter().chain(more));
        assert_eq!(ran.code, Some(1), "{more:?}: {ran:?}");
        assert!(
            ran.stderr.starts_with("error: "),
            "{more:?}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains(PASSWORD));
        assert!(berth.names().is_empty());
    }
    // The password was told to nobody whose certificate is not good.
    assert_eq!(told(), before, "{}", shelf.log());
    for more in [&["--ca", ca][..], &["--tls-verify=false"]] {
        let arguments = ["pull", "--creds", &account, &source];
        berth.run(arguments.iter().chain(more)).expect(0);
    }
    assert_sound(&berth);
}
