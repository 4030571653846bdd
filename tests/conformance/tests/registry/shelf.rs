//! A docker-registry, and how the program and `skopeo` are told to talk to it.

use std::path::PathBuf;

use lazaret_layouts::digest;
use lazaret_registry::{Access, Distribution, PASSWORD, USER};

use crate::berth::Berth;
use crate::program::Ran;
use crate::tools::{succeed, tool};

/// A registry, and how to be let in.
pub struct Shelf {
    registry: Distribution,
}

impl Shelf {
    /// None where the program is missing.
    pub fn new(access: &Access) -> Option<Self> {
        let registry = Distribution::start(access).unwrap()?;
        Some(Self { registry })
    }

    /// One of each kind that lets anybody in who ought to be.
    pub fn both() -> Option<[Self; 2]> {
        Some([Self::new(&Access::Plain)?, Self::new(&Access::Secured)?])
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.registry.host()
    }

    /// `docker://127.0.0.1:PORT/NAME`.
    pub fn reference(&self, name: &str) -> String {
        format!("docker://{}/{name}", self.host())
    }

    /// Its log.
    pub fn log(&self) -> String {
        self.registry.log()
    }

    /// The authority's certificate.
    pub fn ca(&self) -> Option<PathBuf> {
        self.registry.authority().map(|authority| authority.ca())
    }

    /// What the program is told.
    pub fn flags(&self) -> Vec<String> {
        match self.ca() {
            None => Vec::new(),
            Some(ca) => vec![
                "--ca".to_owned(),
                ca.to_str().unwrap().to_owned(),
                "--creds".to_owned(),
                format!("{USER}:{PASSWORD}"),
            ],
        }
    }

    /// Runs `lazaret` on it with these arguments, and how to be let in.
    pub fn lazaret(&self, berth: &Berth, arguments: &[&str]) -> Ran {
        let flags = self.flags();
        let flags = flags.iter().map(String::as_str);
        berth.run(arguments.iter().copied().chain(flags))
    }

    /// Has `skopeo` copy something to here, as it is unless `more` says otherwise. None where it is
    /// missing.
    pub fn take(&self, from: &str, name: &str, more: &[&str]) -> Option<()> {
        let mut skopeo = tool("skopeo")?;
        skopeo.args(["copy", "--all"]).args(more);
        if more.is_empty() {
            // It would compress layers that are not.
            skopeo.arg("--preserve-digests");
        }
        skopeo.args(self.skopeo_flags("dest-"));
        succeed(skopeo.arg(from).arg(self.reference(name)));
        Some(())
    }

    /// Has `skopeo` copy something from here.
    pub fn give(&self, name: &str, to: &str) -> Option<()> {
        let mut skopeo = tool("skopeo")?;
        skopeo.args(["copy", "--all", "--preserve-digests"]);
        skopeo.args(self.skopeo_flags("src-"));
        succeed(skopeo.arg(self.reference(name)).arg(to));
        Some(())
    }

    /// The digest of what `skopeo` finds there.
    pub fn digest(&self, name: &str) -> Option<String> {
        let mut skopeo = tool("skopeo")?;
        skopeo
            .args(["inspect", "--raw"])
            .args(self.skopeo_flags(""));
        Some(digest(&succeed(skopeo.arg(self.reference(name))).stdout))
    }

    fn skopeo_flags(&self, side: &str) -> Vec<String> {
        match self.registry.authority() {
            None => vec![format!("--{side}tls-verify=false")],
            Some(authority) => vec![
                format!("--{side}cert-dir={}", authority.trusted().display()),
                format!("--{side}creds={USER}:{PASSWORD}"),
            ],
        }
    }
}

/// Asserts that nothing at all is to be said of the repository, and that `cfsctl`, where there is
/// one, thinks so, too.
#[track_caller]
pub fn assert_sound(berth: &Berth) {
    berth.assert_sound();
    assert_cfsctl_content(berth);
}

/// The same of a repository with a part of an index, which is worth knowing.
#[track_caller]
pub fn assert_undamaged(berth: &Berth) {
    berth.assert_undamaged();
    assert_cfsctl_content(berth);
}

#[track_caller]
fn assert_cfsctl_content(berth: &Berth) {
    for check in [&["fsck"][..], &["oci", "fsck"]] {
        let Some(mut cfsctl) = tool("cfsctl") else {
            return;
        };
        cfsctl.arg("--repo").arg(berth.repository()).args(check);
        let said = succeed(&mut cfsctl);
        assert!(said.text().contains("status: ok"), "{}", said.text());
    }
}
