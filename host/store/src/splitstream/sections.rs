//! The tables of a splitstream: what it refers to, and where its chunks lie.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};

use lazaret_artifact::{VerityAlgorithm, VerityDigest};

use super::format::{HEADER_SIZE, INFO_SIZE, Info, Range, parse_header, parse_info};
use crate::content_type::ContentType;
use crate::error::StreamFault;

/// Bytes of the named references when decompressed. Four thousand layers need 400 KB; a kilobyte of
/// zstd can decompress to gigabytes.
const MAX_NAMED_REFS: u64 = 16 * 1024 * 1024;

/// Log2 of the largest window a section may ask the decompressor to keep: the 8 MiB that RFC 8878
/// section 3.1.1.1.2 asks decoders for. A frame could ask for gigabytes of memory.
pub(super) const MAX_WINDOW_LOG: u32 = 23;

/// Bytes that can be read from any place.
pub trait ReadAt {
    /// How many there are.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn length(&self) -> io::Result<u64>;

    /// Reads some bytes from `offset` on; none only at the end.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut rest = self.get(offset..).unwrap_or_default();
        rest.read(buffer)
    }
}

impl ReadAt for File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|status| status.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

impl<S: ReadAt + ?Sized> ReadAt for std::sync::Arc<S> {
    fn length(&self) -> io::Result<u64> {
        (**self).length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }
}

impl<S: ReadAt + ?Sized> ReadAt for &S {
    fn length(&self) -> io::Result<u64> {
        (**self).length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }
}

/// A stretch of a source, read from beginning to end.
pub(super) struct Section<S> {
    source: S,
    at: u64,
    end: u64,
}

impl<S: ReadAt> Section<S> {
    pub(super) const fn new(source: S, range: Range) -> Self {
        Self {
            source,
            at: range.start,
            end: range.end,
        }
    }
}

impl<S: ReadAt> Read for Section<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count = self.source.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Everything but the chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sections {
    pub(super) content_type: ContentType,
    pub(super) total_size: u64,
    pub(super) object_refs: Vec<VerityDigest>,
    pub(super) stream_refs: BTreeMap<String, VerityDigest>,
    /// Where the compressed chunks lie; within the source.
    pub(super) stream: Range,
}

impl Sections {
    /// Reads the tables. They take memory in proportion to the source's real length.
    pub(super) fn read(
        source: &impl ReadAt,
        algorithm: VerityAlgorithm,
    ) -> Result<Self, StreamFault> {
        let (info, length) = read_info(source, algorithm)?;
        info.stream.check("stream", length)?;

        let digests = |section, range| read_digests(source, section, range, length, algorithm);
        let object_refs = digests("object references", info.object_refs)?;
        let stream_refs = digests("stream references", info.stream_refs)?;
        let named_refs = read_named_refs(source, info.named_refs, length, &stream_refs)?;
        Ok(Self {
            content_type: ContentType(info.content_type),
            total_size: info.total_size,
            object_refs,
            stream_refs: named_refs,
            stream: info.stream,
        })
    }
}

/// Reads header and info section; also returns the source's length.
pub(super) fn read_info(
    source: &impl ReadAt,
    algorithm: VerityAlgorithm,
) -> Result<(Info, u64), StreamFault> {
    let length = source.length().map_err(fault("header"))?;
    let mut header = [0; HEADER_SIZE];
    let place = Range {
        start: 0,
        end: HEADER_SIZE as u64,
    };
    place.check("header", length)?;
    read_exact(source, "header", place, &mut header)?;
    let place = parse_header(&header, algorithm)?;
    if place.check("info", length)? < INFO_SIZE as u64 {
        return Err(place.fault("info", length));
    }
    let mut info = [0; INFO_SIZE];
    read_exact(source, "info", place, &mut info)?;
    Ok((parse_info(&info), length))
}

fn fault(section: &'static str) -> impl Fn(io::Error) -> StreamFault {
    move |source| StreamFault::Section { section, source }
}

/// Fills `buffer` from the start of `range`.
fn read_exact(
    source: &impl ReadAt,
    section: &'static str,
    range: Range,
    buffer: &mut [u8],
) -> Result<(), StreamFault> {
    Section::new(source, range)
        .read_exact(buffer)
        .map_err(fault(section))
}

/// Reads an array of digests.
pub(super) fn read_digests(
    source: &impl ReadAt,
    section: &'static str,
    range: Range,
    length: u64,
    algorithm: VerityAlgorithm,
) -> Result<Vec<VerityDigest>, StreamFault> {
    let size = range.check(section, length)?;
    if !size.is_multiple_of(algorithm.size() as u64) {
        return Err(range.fault(section, length));
    }
    let mut raw = Vec::new();
    Section::new(source, range)
        .read_to_end(&mut raw)
        .map_err(fault(section))?;
    if raw.len() as u64 != size {
        // The file became shorter since its length was asked for.
        return Err(range.fault(section, raw.len() as u64));
    }
    let digests = raw.chunks_exact(algorithm.size());
    Ok(digests
        .map(|raw| VerityDigest::from_bytes(algorithm, raw).expect("a chunk of its exact size"))
        .collect())
}

/// Reads `index:name` records, each ended by a NUL.
fn read_named_refs(
    source: &impl ReadAt,
    range: Range,
    length: u64,
    stream_refs: &[VerityDigest],
) -> Result<BTreeMap<String, VerityDigest>, StreamFault> {
    const SECTION: &str = "named references";
    range.check(SECTION, length)?;
    let mut names = BTreeMap::new();
    let mut decoder = decompress(Section::new(source, range)).map_err(fault(SECTION))?;
    let mut records = BufReader::new((&mut decoder).take(MAX_NAMED_REFS + 1));
    let mut read = 0;
    let mut record = Vec::new();
    loop {
        record.clear();
        let count = records.read_until(0, &mut record).map_err(fault(SECTION))?;
        read += count as u64;
        if read > MAX_NAMED_REFS {
            return Err(StreamFault::NamedReferences(MAX_NAMED_REFS));
        }
        if count == 0 {
            return Ok(names);
        }
        let parsed = record.strip_suffix(&[0]).and_then(|record| {
            let (index, name) = std::str::from_utf8(record).ok()?.split_once(':')?;
            let digest = stream_refs.get(index.parse::<usize>().ok()?)?;
            Some((name.to_owned(), *digest))
        });
        let Some((name, digest)) = parsed else {
            return Err(StreamFault::NamedReference {
                text: String::from_utf8_lossy(&record).chars().take(80).collect(),
            });
        };
        names.insert(name, digest);
    }
}

pub(super) type Decoder<S> = zstd::stream::read::Decoder<'static, BufReader<Section<S>>>;

pub(super) fn decompress<S: ReadAt>(section: Section<S>) -> io::Result<Decoder<S>> {
    let mut decoder = Decoder::new(section)?;
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    Ok(decoder)
}
