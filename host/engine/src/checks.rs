//! Turns what an importer says of entries and facts into validated values, or into a fault.
//!
//! Defended here: traversal (`..`, absolute names, NUL), a file placed through a symbolic link or
//! below a file, hard links out of the blob, overflowing or endless extents, privileged metadata
//! without permission, facts in somebody else's namespace, and sheer number.

use lazaret_artifact::digest::{ContentDigest, DigestAlgorithm};
use lazaret_artifact::entry::Xattr;
use lazaret_artifact::limits::{MAX_LINK_TARGET_LENGTH, MAX_LOGICAL_SIZE};
use lazaret_artifact::{
    Attribute, Entry, EntryKind, EntryPath, Extent, Fact, Posix, Timestamp, Value,
};

use crate::bindings::types as wit;
use crate::budget::{
    Budget, MAX_ATTRIBUTES, MAX_KEY_LENGTH, MAX_LITERAL, MAX_VALUE_LENGTH, MAX_XATTR_BYTES,
    MAX_XATTRS,
};
use crate::error::{Fault, FaultKind};
use crate::offer::Policy;
use crate::paths::{Conflict, Paths, Seen};

/// What has been said of one blob so far.
pub(crate) struct Checks {
    policy: Policy,
    namespaces: Vec<String>,
    max_entries: u64,
    max_facts: u64,
    max_extents: usize,
    paths: Paths,
    derived: Vec<u64>,
    pub(crate) entries: u64,
    pub(crate) facts: u64,
    input_end: u64,
}

impl Checks {
    pub(crate) fn new(budget: &Budget, policy: Policy, namespaces: Vec<String>) -> Self {
        Self {
            policy,
            namespaces,
            max_entries: budget.entries.min(u64::from(u32::MAX)),
            max_facts: budget.facts,
            max_extents: budget.extents,
            paths: Paths::new(),
            derived: Vec::new(),
            entries: 0,
            facts: 0,
            input_end: 0,
        }
    }

    /// Notes a finished derived object of `length` bytes and names it.
    pub(crate) fn add_derived(&mut self, length: u64) -> Result<u32, Fault> {
        let id = u32::try_from(self.derived.len())
            .map_err(|_| Fault::new(FaultKind::Output, "too many derived objects"))?;
        self.derived.push(length);
        Ok(id)
    }

    /// No entry may name bytes that the input turned out not to have.
    pub(crate) fn finish(&self, input_size: u64) -> Result<(), Fault> {
        if self.input_end > input_size {
            return Err(Fault::new(
                FaultKind::Extent,
                format!(
                    "an entry names bytes up to {}, the input has {input_size}",
                    self.input_end
                ),
            ));
        }
        Ok(())
    }

    /// Directories that only names below them mention.
    pub(crate) const fn implied(&self) -> u64 {
        self.paths.implied()
    }

    /// Validates one entry and remembers its path.
    pub(crate) fn entry(&mut self, source: wit::Entry) -> Result<Entry, Fault> {
        if self.entries >= self.max_entries {
            return Err(Fault::new(
                FaultKind::Output,
                format!("more than {} entries", self.max_entries),
            ));
        }
        let kind = entry_kind(source.kind);
        let path = EntryPath::from_untrusted(&source.path)
            .map_err(|error| Fault::new(FaultKind::Path, error.to_string()))?;
        let name = || path.to_string();
        if path.is_root() && !matches!(kind, EntryKind::Directory | EntryKind::OpaqueDirectory) {
            return Err(Fault::new(
                FaultKind::Path,
                "the root can only be a directory",
            ));
        }
        let content = self.content(source.content, kind, &name)?;
        let (target, link) = self.target(source.target, kind, &name)?;
        let posix = source
            .posix
            .map(|posix| self.posix(posix, kind, &name))
            .transpose()?;
        if matches!(kind, EntryKind::CharacterDevice | EntryKind::BlockDevice) {
            if !self.policy.devices {
                return Err(Fault::new(
                    FaultKind::Policy,
                    format!("device node {}", path),
                ));
            }
            if posix.as_ref().is_none_or(|posix| posix.device.is_none()) {
                return Err(argument(format!("device {path} has no numbers")));
            }
        }
        let media_type = source
            .media_type
            .map(|text| text.parse())
            .transpose()
            .map_err(|error: lazaret_artifact::ArtifactError| argument(error.to_string()))?;
        let attributes = attributes(source.attributes)?;
        self.paths
            .insert(&path, kind, self.policy.duplicate_paths)
            .map_err(|conflict| match conflict {
                Conflict::ParentNotDirectory => Fault::new(
                    FaultKind::Path,
                    format!("{path} lies below something that is not a directory"),
                ),
                Conflict::ReplacesDirectory => Fault::new(
                    FaultKind::Path,
                    format!("{path} takes the place of a directory of the same blob"),
                ),
                Conflict::Duplicate => {
                    Fault::new(FaultKind::Path, format!("{path} comes more than once"))
                }
                Conflict::Collision => Fault::new(
                    FaultKind::Path,
                    format!("{path} cannot be told from another path"),
                ),
            })?;
        self.entries += 1;
        if self.entries + self.paths.implied() > self.max_entries {
            return Err(Fault::new(
                FaultKind::Output,
                format!(
                    "more than {} entries and directories above them",
                    self.max_entries
                ),
            ));
        }
        Ok(Entry {
            path,
            kind,
            content,
            target,
            link,
            posix,
            media_type,
            attributes,
        })
    }

    /// Validates one fact.
    pub(crate) fn fact(&mut self, source: wit::Fact) -> Result<Fact, Fault> {
        if self.facts >= self.max_facts {
            return Err(Fault::new(
                FaultKind::Output,
                format!("more than {} facts", self.max_facts),
            ));
        }
        let key = key(source.key)?;
        let granted = self.namespaces.iter().any(|namespace| {
            key.strip_prefix(namespace.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if !granted {
            return Err(Fault::new(FaultKind::Namespace, key));
        }
        if source
            .subject
            .is_some_and(|id| u64::from(id) >= self.entries)
        {
            return Err(argument(format!(
                "fact {key} is about an entry that does not exist"
            )));
        }
        self.facts += 1;
        Ok(Fact {
            subject: source.subject,
            key,
            value: value(source.value)?,
        })
    }

    fn content(
        &mut self,
        source: Vec<wit::Extent>,
        kind: EntryKind,
        name: &dyn Fn() -> String,
    ) -> Result<Vec<Extent>, Fault> {
        let extent = |reason: &str| Fault::new(FaultKind::Extent, format!("{}: {reason}", name()));
        if !source.is_empty() && !matches!(kind, EntryKind::Regular | EntryKind::Part) {
            return Err(extent("only files and parts have content"));
        }
        if source.len() > self.max_extents {
            return Err(Fault::new(
                FaultKind::Output,
                format!("{}: more than {} extents", name(), self.max_extents),
            ));
        }
        let mut literal = 0;
        let mut logical: u64 = 0;
        let mut content = Vec::with_capacity(source.len());
        for piece in source {
            let piece = match piece {
                wit::Extent::Input(range) => {
                    let end = range
                        .offset
                        .checked_add(range.length)
                        .ok_or_else(|| extent("a range overflows"))?;
                    self.input_end = self.input_end.max(end);
                    Extent::Input {
                        offset: range.offset,
                        length: range.length,
                    }
                }
                wit::Extent::Derived(slice) => {
                    let size = usize::try_from(slice.id)
                        .ok()
                        .and_then(|id| self.derived.get(id))
                        .ok_or_else(|| extent("names a derived object that does not exist"))?;
                    let end = slice.range.offset.checked_add(slice.range.length);
                    if end.is_none_or(|end| end > *size) {
                        return Err(extent("goes beyond a derived object"));
                    }
                    Extent::Derived {
                        id: slice.id,
                        offset: slice.range.offset,
                        length: slice.range.length,
                    }
                }
                wit::Extent::Literal(bytes) => {
                    literal += bytes.len();
                    if literal > MAX_LITERAL {
                        return Err(extent("too many literal bytes"));
                    }
                    Extent::Literal(bytes)
                }
                wit::Extent::Hole(length) => Extent::Hole(length),
            };
            logical = logical
                .checked_add(piece.length())
                .filter(|size| *size <= MAX_LOGICAL_SIZE)
                .ok_or_else(|| extent("is larger than a file can be"))?;
            if piece.length() > 0 {
                content.push(piece);
            }
        }
        Ok(content)
    }

    fn target(
        &self,
        source: Option<Vec<u8>>,
        kind: EntryKind,
        name: &dyn Fn() -> String,
    ) -> Result<(Vec<u8>, Option<EntryPath>), Fault> {
        let link = |reason: &str| Fault::new(FaultKind::Link, format!("{}: {reason}", name()));
        match (kind, source) {
            (EntryKind::Symlink, Some(text)) => {
                if text.is_empty() || text.len() > MAX_LINK_TARGET_LENGTH || text.contains(&0) {
                    return Err(link("target is empty, too long or contains NUL"));
                }
                Ok((text, None))
            }
            (EntryKind::Hardlink, Some(text)) => {
                let target = EntryPath::from_untrusted(&text)
                    .map_err(|error| Fault::new(FaultKind::Link, error.to_string()))?;
                if self.paths.get(target.as_bytes()) != Some(Seen::Linkable) {
                    return Err(link(&format!("no earlier file {target} to link to")));
                }
                Ok((Vec::new(), Some(target)))
            }
            (EntryKind::Symlink | EntryKind::Hardlink, None) => Err(link("has no target")),
            (_, Some(_)) => Err(link("only links have targets")),
            (_, None) => Ok((Vec::new(), None)),
        }
    }

    fn posix(
        &self,
        source: wit::Posix,
        kind: EntryKind,
        name: &dyn Fn() -> String,
    ) -> Result<Posix, Fault> {
        const SET_ID: u32 = 0o6000;
        // On a directory the bits make nothing run as somebody else.
        let is_directory = matches!(kind, EntryKind::Directory | EntryKind::OpaqueDirectory);
        if source.mode & !0o7777 != 0 {
            return Err(argument(format!("{}: mode {:o}", name(), source.mode)));
        }
        if source.mode & SET_ID != 0 && !is_directory && !self.policy.set_id {
            return Err(Fault::new(
                FaultKind::Policy,
                format!("{}: set-id bits", name()),
            ));
        }
        if source.mtime.nanoseconds >= 1_000_000_000 {
            return Err(argument(format!("{}: nanoseconds", name())));
        }
        if source.xattrs.len() > MAX_XATTRS {
            return Err(Fault::new(
                FaultKind::Output,
                format!("{}: more than {MAX_XATTRS} extended attributes", name()),
            ));
        }
        let mut bytes = 0;
        let mut xattrs = Vec::with_capacity(source.xattrs.len());
        for xattr in source.xattrs {
            bytes += xattr.name.len() + xattr.value.len();
            if xattr.name.is_empty() || xattr.name.len() > 255 || xattr.name.contains(&0) {
                return Err(argument(format!(
                    "{}: name of an extended attribute",
                    name()
                )));
            }
            let privileged = [&b"security."[..], b"trusted."]
                .iter()
                .any(|prefix| xattr.name.starts_with(prefix));
            if privileged && !self.policy.privileged_xattrs {
                return Err(Fault::new(
                    FaultKind::Policy,
                    format!("{}: {}", name(), String::from_utf8_lossy(&xattr.name)),
                ));
            }
            xattrs.push(Xattr {
                name: xattr.name,
                value: xattr.value,
            });
        }
        if bytes > MAX_XATTR_BYTES {
            return Err(Fault::new(
                FaultKind::Output,
                format!(
                    "{}: more than {MAX_XATTR_BYTES} bytes of extended attributes",
                    name()
                ),
            ));
        }
        xattrs.sort();
        if xattrs.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return Err(argument(format!(
                "{}: an extended attribute comes twice",
                name()
            )));
        }
        let is_device = matches!(kind, EntryKind::CharacterDevice | EntryKind::BlockDevice);
        Ok(Posix {
            mode: source.mode,
            uid: source.uid,
            gid: source.gid,
            mtime: Timestamp {
                seconds: source.mtime.seconds,
                nanoseconds: source.mtime.nanoseconds,
            },
            device: source
                .device
                .filter(|_| is_device)
                .map(|device| (device.major, device.minor)),
            xattrs,
        })
    }
}

fn argument(reason: String) -> Fault {
    Fault::new(FaultKind::Argument, reason)
}

fn key(text: String) -> Result<String, Fault> {
    let valid = !text.is_empty()
        && text.len() <= MAX_KEY_LENGTH
        && text.bytes().all(|b| b.is_ascii_graphic());
    if valid {
        Ok(text)
    } else {
        Err(argument(
            "a key is empty, too long or not printable ASCII".to_owned(),
        ))
    }
}

fn attributes(source: Vec<wit::Attribute>) -> Result<Vec<Attribute>, Fault> {
    if source.len() > MAX_ATTRIBUTES {
        return Err(Fault::new(
            FaultKind::Output,
            format!("more than {MAX_ATTRIBUTES} attributes of one entry"),
        ));
    }
    source
        .into_iter()
        .map(|attribute| {
            Ok(Attribute {
                key: key(attribute.key)?,
                value: value(attribute.value)?,
            })
        })
        .collect()
}

fn value(source: wit::Value) -> Result<Value, Fault> {
    let bounded = |length: usize| {
        if length > MAX_VALUE_LENGTH {
            Err(Fault::new(
                FaultKind::Output,
                format!("a value of more than {MAX_VALUE_LENGTH} bytes"),
            ))
        } else {
            Ok(())
        }
    };
    Ok(match source {
        wit::Value::Boolean(value) => Value::Boolean(value),
        wit::Value::Unsigned(value) => Value::Unsigned(value),
        wit::Value::Signed(value) => Value::Signed(value),
        wit::Value::Text(text) => {
            bounded(text.len())?;
            Value::Text(text)
        }
        wit::Value::Bytes(bytes) => {
            bounded(bytes.len())?;
            Value::Bytes(bytes)
        }
        wit::Value::Digest(digest) => {
            let algorithm = match digest.algorithm.as_str() {
                "sha256" => DigestAlgorithm::Sha256,
                "sha512" => DigestAlgorithm::Sha512,
                _ => return Err(argument("a digest of an unknown algorithm".to_owned())),
            };
            Value::Digest(
                ContentDigest::from_bytes(algorithm, &digest.value)
                    .map_err(|error| argument(error.to_string()))?,
            )
        }
    })
}

const fn entry_kind(kind: wit::EntryKind) -> EntryKind {
    match kind {
        wit::EntryKind::Directory => EntryKind::Directory,
        wit::EntryKind::Regular => EntryKind::Regular,
        wit::EntryKind::Symlink => EntryKind::Symlink,
        wit::EntryKind::Hardlink => EntryKind::Hardlink,
        wit::EntryKind::CharacterDevice => EntryKind::CharacterDevice,
        wit::EntryKind::BlockDevice => EntryKind::BlockDevice,
        wit::EntryKind::Fifo => EntryKind::Fifo,
        wit::EntryKind::Whiteout => EntryKind::Whiteout,
        wit::EntryKind::OpaqueDirectory => EntryKind::OpaqueDirectory,
        wit::EntryKind::Part => EntryKind::Part,
    }
}

#[cfg(test)]
mod tests;
