//! Whether all that a named stream needs is still there and whole, cheaply.
//!
//! Whoever names a stream has just seen that its objects are good. A file cannot be written, cut
//! off or put in another's place without its status change time moving on, and no ordinary call
//! sets that time: only objects that changed since the name was given are read. When they are good
//! after all, the name's own modification time becomes that of the examination. It is kept by a
//! faithful copy of the repository, in which all objects are newer, so that a copy is read once.
//!
//! What changes behind the kernel's back (a disk that rots, a clock set back) is seen only by
//! reading everything, or by the kernel itself where objects are sealed.

use std::collections::HashMap;
use std::io::Read as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lazaret_artifact::VerityDigest;
use rustix::fs::{AtFlags, FileType, Stat, Timespec, Timestamps};
use rustix::io::Errno;

use crate::error::{StoreError, StreamFault};
use crate::layout::{STREAMS, object_path};
use crate::name::StreamName;
use crate::repository::Repository;
use crate::splitstream::Chunk;

/// Bytes read at once.
const READ_BUFFER: usize = 256 * 1024;

/// The clock that files are dated by lags behind: it ticks a hundred times a second at the least.
const TICK: Duration = Duration::from_millis(20);

/// Which objects are read, and not only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those that changed since the stream got its name.
    Unchanged,
    /// All.
    Nothing,
}

/// Seconds and nanoseconds since 1970.
type Time = (i64, i64);

impl Repository {
    /// Looks at the stream linked as `name` and at every object it refers to: whether they are there,
    /// add up to the stream's size, and hold what their names say, as far as `trust` does not take that
    /// for granted. Where they are good, that is remembered.
    ///
    /// # Errors
    /// What is wrong: [`StoreError::StreamMissing`], [`StoreError::ObjectMissing`],
    /// [`StoreError::Corrupt`], [`StoreError::Stream`], [`StoreError::Link`]; or that the operating
    /// system refused.
    pub fn examine_stream(&self, name: &StreamName, trust: Trust) -> Result<(), StoreError> {
        let missing = || StoreError::StreamMissing {
            name: name.to_string(),
        };
        // What changes from here on is not dated older than this.
        let begun_at = SystemTime::now() - TICK;
        let stream = self.resolve_stream(name)?.ok_or_else(missing)?;
        let good_at = self.good_at(name)?;
        let mut changed = false;
        let mut reader = self.open_stream(&stream, None)?;
        let mut sizes = HashMap::with_capacity(reader.object_refs().len());
        let mut buffer = Vec::new();
        for object in reader.object_refs() {
            let (size, changed_at) = self.look_at(object)?;
            changed |= changed_at >= good_at;
            if trust == Trust::Nothing || changed_at >= good_at {
                self.read_through(object, &mut buffer)?;
            }
            sizes.insert(*object, size);
        }
        let announced = reader.total_size();
        let mut found = 0_u64;
        while let Some(chunk) = reader.next_chunk()? {
            let more = match chunk {
                Chunk::Inline(bytes) => bytes.len() as u64,
                Chunk::Object(digest) => sizes.get(&digest).copied().unwrap_or(0),
            };
            found = found.saturating_add(more);
        }
        let fault = match found.cmp(&announced) {
            std::cmp::Ordering::Equal => {
                if changed && seconds(begun_at) > good_at {
                    self.remember_good(name, begun_at);
                }
                return Ok(());
            }
            std::cmp::Ordering::Greater => StreamFault::TooLong(announced),
            std::cmp::Ordering::Less => StreamFault::TooShort {
                found,
                size: announced,
            },
        };
        Err(StoreError::Stream {
            digest: stream,
            source: fault,
        })
    }

    /// When all that a stream needs was last known to be good.
    fn good_at(&self, name: &StreamName) -> Result<Time, StoreError> {
        let path = format!("{STREAMS}/{name}");
        rustix::fs::statat(&self.inner.root, &path, AtFlags::SYMLINK_NOFOLLOW)
            .map(|status| modified_at(&status))
            .map_err(StoreError::io("examine", self.at(&path)))
    }

    /// Spares the next examination the reading. It is no more than that, so failure is none.
    fn remember_good(&self, name: &StreamName, time: SystemTime) {
        let path = format!("{STREAMS}/{name}");
        let (tv_sec, tv_nsec) = seconds(time);
        let time = Timespec { tv_sec, tv_nsec };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        let root = &self.inner.root;
        if self.require_write().is_ok()
            && let Err(error) =
                rustix::fs::utimensat(root, &path, &times, AtFlags::SYMLINK_NOFOLLOW)
        {
            tracing::debug!(stream = name.as_str(), %error, "cannot remember that it is good");
        }
    }

    /// Size of an object, and when its file changed last.
    fn look_at(&self, digest: &VerityDigest) -> Result<(u64, Time), StoreError> {
        self.require_own(digest)?;
        let missing = StoreError::ObjectMissing { digest: *digest };
        let Some(objects) = self.objects()? else {
            return Err(missing);
        };
        let path = object_path(digest);
        match rustix::fs::statat(objects, &path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) if FileType::from_raw_mode(status.st_mode) == FileType::RegularFile => Ok((
                u64::try_from(status.st_size).unwrap_or(0),
                changed_at(&status),
            )),
            Ok(_) => Err(StoreError::Corrupt {
                digest: *digest,
                reason: "not a regular file".to_owned(),
            }),
            Err(Errno::NOENT) => Err(missing),
            Err(error) => Err(StoreError::io("examine", self.object_at(digest))(error)),
        }
    }

    /// Reads all of an object, which is compared with its name on the way.
    fn read_through(&self, digest: &VerityDigest, buffer: &mut Vec<u8>) -> Result<(), StoreError> {
        buffer.resize(READ_BUFFER, 0);
        let mut reader = self.open_object(digest)?;
        loop {
            match reader.read(buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(digest, error)),
            }
        }
    }

    /// A sealed object whose bytes the disk no longer gives back reads as an input/output error: to
    /// whoever could store it anew it is as damaged as one with other bytes.
    fn unreadable(&self, digest: &VerityDigest, error: std::io::Error) -> StoreError {
        match error.downcast::<StoreError>() {
            Ok(error) => error,
            Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                StoreError::Corrupt {
                    digest: *digest,
                    reason: error.to_string(),
                }
            }
            Err(error) => StoreError::io("read", self.object_at(digest))(error),
        }
    }
}

#[expect(
    clippy::unnecessary_cast,
    reason = "these fields are of other types on other architectures"
)]
fn changed_at(status: &Stat) -> Time {
    (status.st_ctime as i64, status.st_ctime_nsec as i64)
}

#[expect(
    clippy::unnecessary_cast,
    reason = "these fields are of other types on other architectures"
)]
fn modified_at(status: &Stat) -> Time {
    (status.st_mtime as i64, status.st_mtime_nsec as i64)
}

fn seconds(time: SystemTime) -> Time {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(0);
    (seconds, since.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};
    use std::path::PathBuf;

    use lazaret_artifact::VerityAlgorithm;

    use super::*;
    use crate::ContentType;
    use crate::repository::VerityPolicy;

    struct Fixture {
        _directory: tempfile::TempDir,
        repository: Repository,
        name: StreamName,
        objects: Vec<PathBuf>,
    }

    /// A stream of ten objects, the first twice, and inline bytes between them.
    fn fixture() -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha256, VerityPolicy::Insecure).unwrap();
        let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
        let mut objects = Vec::new();
        for number in 0..10_u8 {
            let stored = repository.put(&[number; 5000]).unwrap();
            writer.inline(b"header").unwrap();
            writer.object(&stored.digest, stored.size).unwrap();
            objects.push(path.join("objects").join(object_path(&stored.digest)));
            if number == 0 {
                writer.object(&stored.digest, stored.size).unwrap();
            }
        }
        let stream = writer.finish().unwrap().digest;
        let name: StreamName = "stream".parse().unwrap();
        let mut transaction = repository.transaction();
        transaction.link_stream(name.clone(), stream);
        transaction.commit().unwrap();
        Fixture {
            _directory: directory,
            repository,
            name,
            objects,
        }
    }

    fn examine(fixture: &Fixture, trust: Trust) -> Result<(), StoreError> {
        fixture.repository.examine_stream(&fixture.name, trust)
    }

    #[test]
    fn what_is_whole_is_found_whole() {
        let fixture = fixture();
        examine(&fixture, Trust::Unchanged).unwrap();
        examine(&fixture, Trust::Nothing).unwrap();
    }

    #[test]
    fn every_change_the_kernel_knows_of_is_found() {
        type Change = fn(&PathBuf);
        let changes: [(&str, Change); 5] = [
            ("gone", |path| fs::remove_file(path).unwrap()),
            ("a directory", |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            }),
            ("cut off", |path| {
                let file = fs::OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(4999).unwrap();
            }),
            ("one bit, in place", |path| {
                let file = fs::OpenOptions::new().write(true).open(path).unwrap();
                file.write_all_at(&[0xff], 1234).unwrap();
                // As a careful liar would.
                let before = fs::metadata(path).unwrap().modified().unwrap();
                file.set_modified(before - Duration::from_secs(86_400))
                    .unwrap();
            }),
            ("another file", |path| {
                fs::remove_file(path).unwrap();
                fs::write(path, [0xff; 5000]).unwrap();
            }),
        ];
        for (what, change) in changes {
            for number in [0, 9] {
                let fixture = fixture();
                change(&fixture.objects[number]);
                let error = examine(&fixture, Trust::Unchanged).unwrap_err();
                assert!(error.is_input_fault(), "{what}: {error}");
            }
        }
    }

    /// Modification time of the name.
    fn good_at(fixture: &Fixture) -> Time {
        fixture.repository.good_at(&fixture.name).unwrap()
    }

    #[test]
    fn what_changed_and_is_good_is_read_once() {
        let fixture = fixture();
        // The same bytes in another file.
        let object = &fixture.objects[3];
        let content = fs::read(object).unwrap();
        fs::remove_file(object).unwrap();
        fs::write(object, content).unwrap();
        let status = fs::metadata(object).unwrap();
        // As soon as that was longer ago than a tick of the clock.
        let settled = (0..1_000_000).any(|_| {
            examine(&fixture, Trust::Unchanged).unwrap();
            good_at(&fixture) > (status.ctime(), status.ctime_nsec())
        });
        assert!(settled);
        // A bad one is not forgotten.
        let before = good_at(&fixture);
        fs::write(object, [0xff; 5000]).unwrap();
        for _ in 0..2 {
            examine(&fixture, Trust::Unchanged).unwrap_err();
            assert_eq!(good_at(&fixture), before);
        }
    }

    #[test]
    fn behind_the_back_of_the_kernel_only_reading_everything_helps() {
        let fixture = fixture();
        let object = &fixture.objects[3];
        fs::write(object, [0xff; 5000]).unwrap();
        // As if the change had not moved the file's time: the name's is moved beyond it.
        let later = SystemTime::now() + Duration::from_secs(1);
        fixture.repository.remember_good(&fixture.name, later);
        examine(&fixture, Trust::Unchanged).unwrap();
        let error = examine(&fixture, Trust::Nothing).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }

    #[test]
    fn a_stream_without_a_name_is_missing() {
        let fixture = fixture();
        let other: StreamName = "other".parse().unwrap();
        assert!(matches!(
            fixture.repository.examine_stream(&other, Trust::Unchanged),
            Err(StoreError::StreamMissing { .. })
        ));
    }
}
