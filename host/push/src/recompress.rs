//! A layer compressed anew: unpacked bytes in, a nameless temporary file and its digest out.
//!
//! The same layer at the same level gives the same bytes each time: one thread, no time stamp, no
//! file name, the operating system "unknown" (RFC 1952 section 2.3.1). Another version of the
//! compressor may give others. What goes in is compared with the diff_id. The file is on disk and
//! not in memory, and is read as often as a registry wants it; it is gone when it is closed, even
//! after a kill.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use lazaret_artifact::{ContentDigest, ContentHasher, VerityDigest};
use lazaret_graph::StreamContent;
use lazaret_store::Repository;
use lazaret_transport::BlobSource;

use crate::error::PushError;
use crate::options::Recompress;
use crate::parallel::Stop;

/// Where large temporary files go when `TMPDIR` does not say: `/tmp` is often in memory
/// (file-hierarchy(7)).
const SPOOL_DIRECTORY: &str = "/var/tmp";

/// Bytes read from the layer at once.
const PIECE: usize = 256 * 1024;

/// A layer in its new form.
#[derive(Debug)]
pub(crate) struct Remade {
    /// Of the compressed bytes, by the algorithm of the old digest.
    pub digest: ContentDigest,
    /// Their number.
    pub size: u64,
    file: File,
}

/// Compresses the layer that `stream` rebuilds, known as `old` by its manifest.
///
/// # Errors
/// The layer cannot be read or is not `diff_id`; the file cannot be written; a request to stop.
pub(crate) fn remake(
    repository: &Repository,
    stream: &VerityDigest,
    diff_id: &ContentDigest,
    old: &ContentDigest,
    how: Recompress,
    stop: &Stop,
) -> Result<Remade, PushError> {
    let directory = std::env::var_os("TMPDIR")
        .filter(|text| !text.is_empty())
        .map_or_else(|| PathBuf::from(SPOOL_DIRECTORY), PathBuf::from);
    let failed = |source| PushError::Spool {
        digest: *old,
        directory: directory.clone(),
        source,
    };
    let unreadable = |source| PushError::Read {
        digest: *old,
        source,
    };
    let file = tempfile::tempfile_in(&directory).map_err(failed)?;
    let mut layer = StreamContent::open(repository, stream).map_err(unreadable)?;
    let mut found = ContentHasher::new(diff_id.algorithm());
    let mut encoder = Encoder::new(Spool::new(file, old), how, layer.size()).map_err(failed)?;
    let mut piece = vec![0; PIECE];
    loop {
        stop.check()?;
        let count = layer.fill(&mut piece).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        found.update(&piece[..count]);
        encoder.write_all(&piece[..count]).map_err(failed)?;
    }
    let found = found.finish();
    if found != *diff_id {
        return Err(PushError::Damaged {
            digest: *old,
            what: "diff_id",
            expected: diff_id.to_string().into(),
            found: found.to_string().into(),
        });
    }
    encoder.finish().and_then(Spool::finish).map_err(failed)
}

enum Encoder {
    Gzip(flate2::write::GzEncoder<Spool>),
    Zstd(zstd::stream::write::Encoder<'static, Spool>),
}

impl Encoder {
    fn new(spool: Spool, how: Recompress, size: u64) -> io::Result<Self> {
        match how {
            // The builder's header has no time, no name and no system.
            Recompress::Gzip(level) => Ok(Self::Gzip(
                flate2::GzBuilder::new().write(spool, flate2::Compression::new(level)),
            )),
            Recompress::Zstd(level) => {
                let mut encoder = zstd::stream::write::Encoder::new(spool, level)?;
                encoder.set_pledged_src_size(Some(size))?;
                Ok(Self::Zstd(encoder))
            }
        }
    }

    fn finish(self) -> io::Result<Spool> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl Write for Encoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

/// The file being written, counted and hashed.
struct Spool {
    out: BufWriter<File>,
    hash: ContentHasher,
    size: u64,
}

impl Spool {
    fn new(file: File, old: &ContentDigest) -> Self {
        Self {
            out: BufWriter::with_capacity(PIECE, file),
            hash: ContentHasher::new(old.algorithm()),
            size: 0,
        }
    }

    fn finish(self) -> io::Result<Remade> {
        Ok(Remade {
            digest: self.hash.finish(),
            size: self.size,
            file: self.out.into_inner().map_err(|error| error.into_error())?,
        })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// [`Remade`] on its way out.
pub(crate) struct RemadeBlob<'a> {
    pub remade: &'a Remade,
    pub stop: &'a Stop,
}

impl BlobSource for RemadeBlob<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(FileBytes {
            blob: self,
            offset: 0,
        }))
    }
}

/// Reads the file from its start, without moving its position: others may read it too.
struct FileBytes<'a> {
    blob: &'a RemadeBlob<'a>,
    offset: u64,
}

impl Read for FileBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.blob.stop.check_io()?;
        let count = self.blob.remade.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use lazaret_artifact::VerityAlgorithm;
    use lazaret_store::{ContentType, VerityPolicy};

    use super::*;

    fn compressed(remade: &Remade, stop: &Stop) -> Vec<u8> {
        let mut bytes = Vec::new();
        let blob = RemadeBlob { remade, stop };
        blob.open().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, remade.size);
        assert_eq!(remade.digest.of_same_kind(&bytes), remade.digest);
        bytes
    }

    #[test]
    fn a_layer_is_compressed_to_the_same_bytes_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repo");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Auto).unwrap();
        let content: Vec<u8> = (0..900_000_u32)
            .flat_map(|i| (i / 3).to_le_bytes())
            .collect();
        let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
        writer.inline(&content).unwrap();
        let stream = writer.finish().unwrap().digest;
        let diff_id = ContentDigest::sha256(&content);
        let old: ContentDigest = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
        let stop = Stop::new(Arc::new(AtomicBool::new(false)));
        let make = |how| remake(&repository, &stream, &diff_id, &old, how, &stop).unwrap();

        let gzip = compressed(&make(Recompress::GZIP), &stop);
        assert_eq!(compressed(&make(Recompress::GZIP), &stop), gzip);
        // Deflate, no flags, no time, the level's hint, system unknown.
        assert_eq!(gzip[..4], [0x1f, 0x8b, 8, 0]);
        assert_eq!(gzip[4..8], [0; 4]);
        assert_eq!(gzip[9], 255);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&*gzip)
            .read_to_end(&mut back)
            .unwrap();
        assert!(back == content);

        let zstd = compressed(&make(Recompress::ZSTD), &stop);
        assert_eq!(compressed(&make(Recompress::ZSTD), &stop), zstd);
        assert!(zstd::decode_all(&*zstd).unwrap() == content);
        assert!(compressed(&make(Recompress::Zstd(9)), &stop) != zstd);

        let other = ContentDigest::sha256(b"other");
        let error = remake(&repository, &stream, &other, &old, Recompress::GZIP, &stop);
        assert!(error.unwrap_err().is_damage());
    }
}
