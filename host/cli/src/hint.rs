//! What to try next, for errors where something is known to help.

use std::error::Error;
use std::io;

use lazaret_engine::{EngineError, Fault, FaultKind};
use lazaret_graph::GraphError;
use lazaret_intake::{BlobFault, IntakeError};
use lazaret_push::PushError;
use lazaret_store::StoreError;
use lazaret_transport::{Reference, TransportError};
use lazaret_views::ViewError;

use crate::exit;
use crate::global::NoRepository;
use crate::place::Homeless;
use crate::verb::NoBlob;

/// Linux's "no space left on device" and "disk quota exceeded".
const FULL: [i32; 2] = [28, 122];

/// The hint for the first cause that has one, the innermost first: it knows best.
pub fn hint(error: &anyhow::Error) -> Option<String> {
    let causes = exit::causes(error);
    let is_loading = causes.iter().any(|cause| cause.is::<EngineError>());
    causes
        .into_iter()
        .rev()
        .find_map(|cause| match cause.downcast_ref() {
            Some(fault) => of_fault(fault, is_loading),
            None => of(cause),
        })
}

fn of(cause: &(dyn Error + 'static)) -> Option<String> {
    let fixed = |text: &str| Some(text.to_owned());
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return match error.raw_os_error() {
            Some(code) if FULL.contains(&code) => fixed(
                "the disk is full; what was stored is kept, and a second run goes on from there",
            ),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<TransportError>() {
        return of_transport(error);
    }
    if let Some(error) = cause.downcast_ref::<PushError>() {
        return match error {
            PushError::BytesNotKept { .. } => fixed(
                "`lazaret pull --keep-compressed` from where it came keeps them from now on; \
                 --recompress compresses anew, which gives new digests",
            ),
            PushError::Incomplete { .. } => fixed(
                "`lazaret pull --all-platforms` gets the rest; without --all, one image is pushed",
            ),
            PushError::RecompressReferrers => fixed(
                "`lazaret pull --keep-compressed` keeps what lets both be pushed as they came",
            ),
            PushError::NoMediaType { .. } => fixed("--recompress gzip is known to all"),
            PushError::Spool { .. } => fixed("TMPDIR names a directory with more room"),
            PushError::Damaged { .. } => fixed("`lazaret fsck --deep` lists all damage"),
            _ => None,
        };
    }
    if let Some(IntakeError::Refused { .. }) = cause.downcast_ref() {
        return fixed("--policy store keeps it, with what was found on record");
    }
    if let Some(error) = cause.downcast_ref::<BlobFault>() {
        return match error {
            BlobFault::TooLarge { .. } => fixed("--max-layer-size allows more"),
            BlobFault::Bomb { .. } => fixed("--max-ratio allows more, if you trust the source"),
            BlobFault::Unclaimed { .. } => fixed("--on-fault opaque keeps it whole"),
            BlobFault::Rebuild => fixed("this should not happen: check the disk, and report it"),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<GraphError>() {
        return match error {
            GraphError::Name { .. } => fixed("a name is a tag, or @sha256:…"),
            GraphError::NoSuchTag { .. } | GraphError::NoSuchImage { .. } => {
                fixed("`lazaret images` lists what there is")
            }
            GraphError::NoPlatform { .. } => fixed(
                "--platform OS/ARCH[/VARIANT] chooses one that is there; \
                 `lazaret pull --platform` gets another",
            ),
            GraphError::Refused { .. } => {
                fixed("`lazaret fsck` lists all damage; pulling again repairs it")
            }
            error if error.is_damage() => {
                fixed("`lazaret fsck` lists all damage; pulling again repairs it")
            }
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return match error {
            StoreError::ReadOnly { .. } => {
                fixed("--repo DIR or LAZARET_REPO names another repository")
            }
            StoreError::NotARepository { .. } => fixed("`lazaret init` makes one"),
            StoreError::OtherConfiguration { .. } => {
                fixed("--repo DIR names another place; a repository's settings cannot be changed")
            }
            StoreError::VerityUnsupported { .. } => {
                fixed("`lazaret init --insecure` does without; ext4, btrfs and f2fs can have it")
            }
            StoreError::Locked { .. } => fixed("try again when the other process is done"),
            _ => None,
        };
    }
    if let Some(ViewError::NotEmpty { .. }) = cause.downcast_ref() {
        return fixed("name a directory that is empty or does not exist yet");
    }
    if cause.is::<NoBlob>() {
        return fixed(
            "layers are stored decompressed, under the diff_id that `lazaret inspect` shows, unless \
             `pull --keep-compressed` kept them",
        );
    }
    if cause.is::<NoRepository>() {
        return fixed(
            "`lazaret init` makes one, and so does the first `lazaret pull`; \
             --repo DIR or LAZARET_REPO names another",
        );
    }
    if cause.is::<Homeless>() {
        return fixed("--repo DIR or LAZARET_REPO says where the repository is");
    }
    None
}

fn of_transport(error: &TransportError) -> Option<String> {
    let text = match error {
        TransportError::Reference { text, .. } => return of_reference(text),
        TransportError::NoDirectory { .. } | TransportError::NotALayout { .. } => {
            "`skopeo copy SOURCE oci:DIR:TAG` makes an OCI layout"
        }
        TransportError::NoFile { .. } | TransportError::NotAnArchive { .. } => {
            "`skopeo copy SOURCE oci-archive:FILE:TAG` makes an OCI archive"
        }
        TransportError::CompressedArchive { path, program } => {
            return Some(format!("`{program} -dk {path:?}` decompresses it"));
        }
        TransportError::NoSuchTag { .. }
        | TransportError::NoSuchDigest { .. }
        | TransportError::Ambiguous { .. } => "say which with :TAG or @DIGEST at the end",
        TransportError::NoPlatform { .. } => {
            "--platform OS/ARCH[/VARIANT] chooses one, --all-platforms takes all"
        }
        TransportError::DefaultTag { .. } => "--tag NAME gives it a name",
        TransportError::Unauthorized { presented, .. } if !presented.starts_with("without") => {
            "check the user's name and password, and what that user may do"
        }
        TransportError::Unauthorized { .. } => {
            "`podman login` or `docker login` writes credentials where they are found; \
             --authfile FILE names another file"
        }
        TransportError::NotInRegistry { .. } => "check the name and the tag",
        TransportError::ServerTrouble { status: 429, .. } => {
            "the registry wants fewer requests: wait, log in, or allow more --retries"
        }
        TransportError::ServerTrouble { .. } => {
            "what was stored is kept; try again later, or with more --retries"
        }
        TransportError::Connection { .. } => {
            "check the host's name and port; --plain-http is for registries without TLS"
        }
        TransportError::TimedOut { .. } => "--timeout allows for more time",
        TransportError::Tls { .. } => {
            "--ca FILE trusts a certificate, --plain-http does without TLS, and \
             --tls-verify=false trusts anybody"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Other tools' names of sources that `skopeo` can turn into a layout, and names without their
/// transport.
fn of_reference(text: &str) -> Option<String> {
    const FOREIGN: [&str; 5] = [
        "docker-daemon:",
        "docker-archive:",
        "containers-storage:",
        "dir:",
        "ostree:",
    ];
    if FOREIGN.iter().any(|transport| text.starts_with(transport)) {
        return Some(format!(
            "`skopeo copy {text} oci:DIR:TAG` makes an OCI layout of it, and the other way round"
        ));
    }
    let path = std::path::Path::new(text);
    if path.is_dir() {
        return Some(format!("for the OCI layout there, say oci:{text}"));
    }
    if path.is_file() {
        return Some(format!("for the archive there, say oci-archive:{text}"));
    }
    let looks_remote = !text.starts_with(['.', '/', '-']) && !text.contains(' ');
    (looks_remote && is_registry_name(text))
        .then(|| format!("for a repository in a registry, say docker://{text}"))
}

/// Whether somebody may have left `docker://` out.
fn is_registry_name(text: &str) -> bool {
    format!("docker://{text}").parse::<Reference>().is_ok()
}

/// `is_loading` when the importer failed before it saw a layer that could be kept whole.
fn of_fault(fault: &Fault, is_loading: bool) -> Option<String> {
    let flag = match fault.kind {
        FaultKind::Fuel => Some("--fuel"),
        FaultKind::Memory => Some("--max-memory"),
        FaultKind::Stalled => Some("--stall-timeout"),
        FaultKind::Output if fault.reason.contains("entries") => Some("--max-entries"),
        _ => None,
    };
    let more = flag.map(|flag| format!("{flag} allows more"));
    let opaque = (!is_loading)
        .then(|| "--on-fault opaque keeps such a layer whole, without its entries".to_owned());
    let parts: Vec<String> = more.into_iter().chain(opaque).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
