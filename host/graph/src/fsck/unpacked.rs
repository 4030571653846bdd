//! Compressed blobs of artifacts against what is stored as their content: whether that is there, and
//! on demand whether it is what the blob decompresses to.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use lazaret_artifact::{ContentDigest, ContentHasher, VerityDigest};
use lazaret_store::Repository;

use super::Problems;
use super::finding::Problem;
use super::references;
use super::users::Users;
use crate::error::GraphError;
use crate::names::Stream;
use crate::stream_content::StreamContent;
use crate::unpacked::Unpacked;

/// Log2 of the largest zstd window: 128 MiB, as a pull has it. Stops a frame from asking for more
/// memory than there is.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Bytes decompressed at once.
const PIECE: usize = 128 << 10;

/// How a gzip member begins (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What blobs hold, as far as it is there, by the digest of the blob.
pub(super) type Contents = BTreeMap<ContentDigest, Unpacked>;

/// Finds out which blobs hold what, and notes whose that is.
pub(super) fn check(
    repository: &Repository,
    streams: &[(Stream, VerityDigest)],
    users: &mut Users,
    problems: &mut Problems,
) -> Result<Contents, GraphError> {
    let layers: BTreeMap<ContentDigest, VerityDigest> = streams
        .iter()
        .filter(|(name, _)| matches!(name, Stream::Layer(_)))
        .map(|(name, stream)| (*name.digest(), *stream))
        .collect();
    let mut contents = Contents::new();
    for (blob, target) in references::contents(repository)? {
        let about = Some(Stream::Layer(blob));
        if !layers.contains_key(&blob) {
            problems.push((Problem::StaleContent { blob }, None));
            continue;
        }
        let content = target.map(|target| *target.digest());
        if let Some(content) = content {
            users.note(Stream::Layer(content), Stream::Layer(blob));
            users.note_blob(content, blob);
        }
        let there = content.and_then(|content| {
            let stream = *layers.get(&content)?;
            Some(Unpacked { content, stream })
        });
        match there {
            Some(unpacked) => {
                contents.insert(blob, unpacked);
            }
            None => problems.push((Problem::LostContent { blob, content }, about)),
        }
    }
    Ok(contents)
}

/// Decompresses a blob and compares what comes out with what is stored. That itself is compared with
/// its name elsewhere.
///
/// # Errors
/// Damage of the streams. The store's.
pub(super) fn compare(
    repository: &Repository,
    blob: ContentDigest,
    stream: &VerityDigest,
    unpacked: &Unpacked,
) -> Result<Option<Problem>, GraphError> {
    // Bounds the work, too: no more can be right.
    let size = StreamContent::open(repository, &unpacked.stream)?.size();
    let source = StreamContent::open(repository, stream)?;
    let problem = |reason| Problem::OtherContent {
        blob,
        content: unpacked.content,
        reason,
    };
    match decompress(source, size, &unpacked.content) {
        Ok(None) => Ok(None),
        Ok(Some(reason)) => Ok(Some(problem(reason))),
        Err(error) => match error.downcast::<GraphError>() {
            Ok(error) => Err(error),
            Err(error) => Ok(Some(problem(format!("it does not decompress: {error}")))),
        },
    }
}

/// Why what comes out is not the content with that digest and size, if it is not. The first bytes
/// say how it is compressed: whatever that is, the digest decides.
fn decompress(
    source: StreamContent,
    size: u64,
    content: &ContentDigest,
) -> io::Result<Option<String>> {
    let mut source = BufReader::with_capacity(PIECE, source);
    let mut decoder: Box<dyn Read> = if io::BufRead::fill_buf(&mut source)?.starts_with(&GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(source))
    } else {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        Box::new(decoder)
    };
    let mut hasher = ContentHasher::new(content.algorithm());
    let mut piece = vec![0; PIECE];
    let mut made = 0;
    loop {
        let count = match decoder.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        made += count as u64;
        if made > size {
            return Ok(Some(format!("it decompresses to more than {size} bytes")));
        }
        hasher.update(&piece[..count]);
    }
    let found = hasher.finish();
    Ok((found != *content).then(|| format!("it decompresses to {found}")))
}
