//! Checking objects: their names, that they are sealed if they must be, and their content.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicU16, Ordering};

use lazaret_artifact::VerityDigest;

use super::{Check, CheckOptions, Damage, chain};
use crate::error::StoreError;
use crate::layout::OBJECTS;
use crate::object::ListedObject;
use crate::verity::kernel::{self, Measured};
use crate::verity::{self, VerityHasher};

/// Fewest threads: one reads while another hashes.
const MIN_THREADS: usize = 2;

/// Bytes read at once.
const READ_BUFFER: usize = 256 * 1024;

/// Bytes of an object that is hashed together with others, which is several times as fast for one
/// that has few.
const SMALL: u64 = 16 * 1024;

/// Objects that are hashed together.
const TOGETHER: usize = 16;

/// Small objects that were read and not compared yet.
#[derive(Default)]
struct Batch {
    digests: Vec<VerityDigest>,
    contents: Vec<Vec<u8>>,
}

impl Check<'_> {
    /// Goes through the directories of objects, each taken by the next thread that is free.
    pub(super) fn all_objects(&self, options: CheckOptions) -> Result<(), StoreError> {
        self.stray_directories()?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = options.threads.unwrap_or(processors).max(MIN_THREADS);
        let next = AtomicU16::new(0);
        let work = || -> Result<(), StoreError> {
            let mut buffer = vec![0; READ_BUFFER];
            let mut batch = Batch::default();
            while let Ok(directory) = u8::try_from(next.fetch_add(1, Ordering::Relaxed)) {
                self.repository.list_objects(directory, &mut |object| {
                    self.object(&object, options, &mut batch, &mut buffer);
                    Ok(())
                })?;
                self.compare(&mut batch);
                self.directories.fetch_add(1, Ordering::Relaxed);
                self.show_progress();
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| match worker.join() {
                    Ok(result) => result,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
        })
    }

    /// Anything in `objects/` itself that is not one of its 256 directories.
    fn stray_directories(&self) -> Result<(), StoreError> {
        for entry in self.repository.list(OBJECTS)? {
            let is_directory = entry.kind == rustix::fs::FileType::Directory;
            let is_hex = matches!(*entry.name, [high, low] if is_hex(high) && is_hex(low));
            if !is_directory || !is_hex {
                let name = String::from_utf8_lossy(&entry.name);
                self.report(Damage::ObjectName {
                    path: format!("{OBJECTS}/{name}"),
                });
            }
        }
        Ok(())
    }

    fn object(
        &self,
        object: &ListedObject,
        options: CheckOptions,
        batch: &mut Batch,
        buffer: &mut [u8],
    ) {
        let Some(digest) = object.digest else {
            return self.report(Damage::ObjectName {
                path: format!("{OBJECTS}/{}", object.path),
            });
        };
        if !object.is_file {
            return self.report(Damage::ObjectKind { digest });
        }
        if options.content
            && let Err(damage) = self.content(&digest, batch, buffer)
        {
            self.report(*damage);
        }
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(object.size, Ordering::Relaxed);
        self.show_progress();
    }

    /// Compares an object's content with its name, a small one's later. The kernel's word for it is
    /// not taken: reading everything also finds what the disk no longer gives back.
    fn content(
        &self,
        digest: &VerityDigest,
        batch: &mut Batch,
        buffer: &mut [u8],
    ) -> Result<(), Box<Damage>> {
        let digest = *digest;
        let unreadable = |reason| Box::new(Damage::ObjectUnreadable { digest, reason });
        let opened = self.repository.open_file(&digest);
        let (file, size) = opened.map_err(|error| unreadable(chain(&error)))?;
        if self.repository.is_verity_required() {
            let measured = kernel::measure(&file, digest.algorithm());
            match measured.map_err(|error| unreadable(error.to_string()))? {
                Measured::Digest(found) if found == digest => {}
                Measured::Digest(found) => {
                    return Err(Box::new(Damage::ObjectDigest { digest, found }));
                }
                _ => return Err(Box::new(Damage::ObjectUnsealed { digest })),
            }
        }
        if size <= SMALL {
            let mut content = Vec::with_capacity(size as usize);
            // One that grows meanwhile is not read to its end, and is damaged anyway.
            let read = (&file).take(SMALL + 1).read_to_end(&mut content);
            read.map_err(|error| unreadable(error.to_string()))?;
            batch.digests.push(digest);
            batch.contents.push(content);
            if batch.digests.len() == TOGETHER {
                self.compare(batch);
            }
            return Ok(());
        }
        let found = hash(&file, &digest, buffer).map_err(|error| unreadable(error.to_string()))?;
        if found == digest {
            return Ok(());
        }
        Err(Box::new(Damage::ObjectDigest { digest, found }))
    }

    /// Compares what is in a batch, and empties it.
    fn compare(&self, batch: &mut Batch) {
        let contents: Vec<&[u8]> = batch.contents.iter().map(Vec::as_slice).collect();
        let found = verity::digests(self.repository.algorithm(), &contents);
        for (digest, found) in batch.digests.drain(..).zip(found) {
            if digest != found {
                self.report(Damage::ObjectDigest { digest, found });
            }
        }
        batch.contents.clear();
    }
}

fn hash(mut file: &File, digest: &VerityDigest, buffer: &mut [u8]) -> io::Result<VerityDigest> {
    let mut hasher = VerityHasher::new(digest.algorithm());
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

const fn is_hex(digit: u8) -> bool {
    matches!(digit, b'0'..=b'9' | b'a'..=b'f')
}
