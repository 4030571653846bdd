//! A large blob from a registry takes time and no memory. A program of its own, as the measure is
//! the whole process's.

#![expect(clippy::unwrap_used, reason = "all of this file is tests")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use lazaret_artifact::{ContentHasher, Descriptor, DigestAlgorithm};
use lazaret_transport::{Reference, RegistryOptions, Source};

/// Bytes of the blob.
const SIZE: usize = 300 << 20;

/// Bytes of the pieces it is made of.
const PIECE: usize = 1 << 20;

/// How often the connection breaks.
const BREAKS: usize = 3;

/// What reading may add to the process: queues, buffers, threads' stacks, certificates.
const ALLOWED: u64 = 32 << 20;

/// The most memory the process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

/// Serves a blob of zeroes, and breaks off several times.
fn serve(listener: &TcpListener) {
    let piece = vec![0; PIECE];
    for attempt in 0..=BREAKS {
        let (stream, _) = listener.accept().unwrap();
        let mut output = stream.try_clone().unwrap();
        let mut from = 0;
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap().to_ascii_lowercase();
            if let Some(range) = line.strip_prefix("range: bytes=") {
                from = range.trim_end_matches('-').parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let status = match from {
            0 => "200 OK".to_owned(),
            from => format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-{}/{SIZE}",
                SIZE - 1
            ),
        };
        write!(
            output,
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
            SIZE - from
        )
        .unwrap();
        let until = match attempt {
            BREAKS => SIZE,
            attempt => SIZE / (BREAKS + 1) * (attempt + 1),
        };
        while from < until {
            let count = PIECE.min(until - from);
            output.write_all(&piece[..count]).unwrap();
            from += count;
        }
    }
}

#[test]
fn a_blob_of_300_mib_takes_no_memory() {
    let mut hasher = ContentHasher::new(DigestAlgorithm::Sha256);
    let piece = vec![0; PIECE];
    for _ in 0..SIZE / PIECE {
        hasher.update(&piece);
    }
    let wanted = Descriptor {
        media_type: "application/octet-stream".parse().unwrap(),
        digest: hasher.finish(),
        size: SIZE as u64,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: BTreeMap::new(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let reference: Reference = format!("docker://{address}/a/b:c").parse().unwrap();
    let options = RegistryOptions {
        plain_http: true,
        ..RegistryOptions::default()
    };
    let before = peak();
    let begin = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| serve(&listener));
        let source = Source::open(&reference, &options).unwrap();
        let mut blob = source.open_blob(&wanted).unwrap();
        let mut buffer = vec![0; 64 << 10];
        let mut seen = 0;
        loop {
            match blob.read(&mut buffer).unwrap() {
                0 => break,
                count => seen += count,
            }
        }
        assert_eq!(seen, SIZE);
        assert!(blob.is_verified());
    });
    let grown = peak() - before;
    println!("{grown} bytes more, {:?}", begin.elapsed());
    assert!(grown < ALLOWED, "{grown} bytes");
}
