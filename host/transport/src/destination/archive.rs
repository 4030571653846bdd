//! Writing an OCI layout into a tar archive.
//!
//! Members are written one after the other into a file beside the archive, which takes its place
//! when all is there. The same blobs and documents in the same order make the same archive, byte
//! for byte: there are no times, owners or names of this machine in it.

use std::collections::HashMap;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lazaret_artifact::{ContentDigest, Descriptor};
use ocidir::cap_std::ambient_authority;
use ocidir::cap_std::fs::Dir;
use serde_json::json;
use tar::{EntryType, Header};

use super::BlobSource;
use super::listing::Listing;
use super::outgoing::{copy, require_same};
use super::temporary::{Temporary, sync_directory};
use crate::error::TransportError;
use crate::layout::{INDEX_FILE, LAYOUT_VERSION, VERSION_FILE, io_error};
use crate::reference::ArchiveRef;

/// Bytes of a header, and what members are padded to.
const BLOCK: u64 = 512;

/// Bytes of a name that a header has room for.
const MAX_HEADER_NAME: usize = 100;

/// What GNU tar calls the member that holds a long name.
const LONG_NAME: &str = "././@LongLink";

/// An archive that is being written.
#[derive(Debug)]
pub struct ArchiveWriter {
    reference: ArchiveRef,
    directory: Dir,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    temporary: Temporary,
    /// Where the next byte goes.
    at: u64,
    /// Where the last whole member ends.
    whole: u64,
    /// Whether there may be more than that in the file: a member is being written, or its writer
    /// failed.
    is_amid: bool,
    /// Size of each blob and document that is in it.
    members: HashMap<ContentDigest, u64>,
    listing: Listing,
}

impl ArchiveWriter {
    pub(super) fn open(reference: &ArchiveRef) -> Result<Self, TransportError> {
        let path = &reference.path;
        if reference.digest.is_some() {
            return Err(TransportError::Reference {
                text: reference.to_string(),
                reason: "a destination is named by a tag, not by a digest".to_owned(),
            });
        }
        match path.symlink_metadata() {
            Ok(found) if !found.is_file() && !found.is_symlink() => {
                return Err(TransportError::NotAFile { path: path.clone() });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("examine", path.clone(), error)),
        }
        if path.file_name().is_none() {
            return Err(TransportError::NotAFile { path: path.clone() });
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |operation| move |error| io_error(operation, parent.to_owned(), error);
        let directory =
            Dir::open_ambient_dir(parent, ambient_authority()).map_err(failed("open"))?;
        let temporary = Temporary::create(&directory).map_err(failed("write into"))?;
        let new = Self {
            reference: reference.clone(),
            directory,
            state: Mutex::new(State {
                temporary,
                at: 0,
                whole: 0,
                is_amid: false,
                members: HashMap::new(),
                listing: Listing::default(),
            }),
        };
        let version = json!({"imageLayoutVersion": LAYOUT_VERSION}).to_string();
        new.lock()
            .append(VERSION_FILE, version.as_bytes())
            .map_err(|error| new.failed(error))?;
        Ok(new)
    }

    pub(super) const fn reference(&self) -> &ArchiveRef {
        &self.reference
    }

    pub(super) fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, TransportError> {
        Ok(self.lock().has(descriptor))
    }

    pub(super) fn put_blob(
        &self,
        descriptor: &Descriptor,
        bytes: &dyn BlobSource,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<(), TransportError> {
        let mut state = self.lock();
        if state.has(descriptor) {
            return Ok(());
        }
        let name = blob_name(&descriptor.digest);
        state
            .begin(&name, descriptor.size)
            .map_err(|error| self.failed(error))?;
        // Of what fails here nothing is kept: the next member takes its place.
        copy(descriptor, bytes, sent, |piece| {
            state.write(piece).map_err(|error| self.failed(error))
        })?;
        state.end().map_err(|error| self.failed(error))?;
        state.members.insert(descriptor.digest, descriptor.size);
        Ok(())
    }

    pub(super) fn put_document(
        &self,
        descriptor: &Descriptor,
        bytes: &[u8],
        subject: Option<&ContentDigest>,
        tag: Option<&str>,
    ) -> Result<(), TransportError> {
        require_same(descriptor, bytes)?;
        let mut state = self.lock();
        if !state.has(descriptor) {
            state
                .append(&blob_name(&descriptor.digest), bytes)
                .map_err(|error| self.failed(error))?;
            state.members.insert(descriptor.digest, descriptor.size);
        }
        state.listing.add(descriptor, bytes, subject.is_some(), tag)
    }

    pub(super) fn finish(self) -> Result<(), TransportError> {
        let Self {
            reference,
            directory,
            state,
        } = self;
        let failed = |error| io_error("write", reference.path.clone(), error);
        let mut state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let index = state.listing.merge(None)?;
        state.append(INDEX_FILE, &index).map_err(failed)?;
        // Two blocks of zeros are the end (POSIX.1-1988 ustar).
        state.write(&[0; 2 * BLOCK as usize]).map_err(failed)?;
        let name = reference.path.file_name().map(PathBuf::from);
        let name = name.expect("looked at when it was opened");
        state.temporary.place(&name).map_err(failed)?;
        sync_directory(&directory).map_err(failed)
    }

    /// A poisoned lock means that a thread panicked in the middle of a member, which the next one
    /// replaces.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: io::Error) -> TransportError {
        io_error("write", self.reference.path.clone(), error)
    }
}

impl State {
    fn has(&self, descriptor: &Descriptor) -> bool {
        self.members.get(&descriptor.digest) == Some(&descriptor.size)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.begin(name, bytes.len() as u64)?;
        self.write(bytes)?;
        self.end()
    }

    /// Writes the header of a member of `size` bytes, in place of a member that was not ended.
    fn begin(&mut self, name: &str, size: u64) -> io::Result<()> {
        if self.is_amid {
            let mut file = self.temporary.file();
            file.set_len(self.whole)?;
            file.seek(SeekFrom::Start(self.whole))?;
            self.at = self.whole;
        }
        self.is_amid = true;
        let mut short = name;
        if name.len() > MAX_HEADER_NAME {
            let mut text = name.as_bytes().to_vec();
            text.push(0);
            let header = header(LONG_NAME, EntryType::GNULongName, text.len() as u64);
            self.write(header.as_bytes())?;
            self.write(&text)?;
            self.pad()?;
            short = &name[..MAX_HEADER_NAME];
        }
        self.write(header(short, EntryType::Regular, size).as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.temporary.file().write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn pad(&mut self) -> io::Result<()> {
        let missing = self.at.next_multiple_of(BLOCK) - self.at;
        let zeros = [0; BLOCK as usize];
        self.write(&zeros[..usize::try_from(missing).unwrap_or(0)])
    }

    /// After the last byte of a member.
    fn end(&mut self) -> io::Result<()> {
        self.pad()?;
        self.whole = self.at;
        self.is_amid = false;
        Ok(())
    }
}

/// GNU's, since it has room for any size.
fn header(name: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

fn blob_name(digest: &ContentDigest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}
