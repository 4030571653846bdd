//! An upload that broke off, to a registry that keeps what came; a download of a version. Servers
//! of this file's own: the first wants a registry which keeps half a request.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use lazaret_transport::{Destination, Source};

use super::fixture::*;

/// Bytes of the first request's body that are kept before the connection ends.
const KEPT: usize = 300_000;

struct Head {
    line: String,
    length: usize,
    range: Option<String>,
    version: Option<String>,
}

fn head(input: &mut BufReader<TcpStream>) -> Option<Head> {
    let mut head = Head {
        line: String::new(),
        length: 0,
        range: None,
        version: None,
    };
    input.read_line(&mut head.line).ok()?;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            return (!head.line.is_empty()).then_some(head);
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => head.length = value.parse().unwrap(),
            "content-range" | "range" => head.range = Some(value.to_owned()),
            "if-range" => head.version = Some(value.to_owned()),
            _ => {}
        }
    }
}

/// Serves until somebody asks it to stop; what came, and what was asked.
fn serve(listener: &TcpListener) -> (Vec<u8>, Vec<String>) {
    let (mut held, mut log) = (Vec::new(), Vec::new());
    loop {
        let (stream, _) = listener.accept().unwrap();
        let mut output = stream.try_clone().unwrap();
        let mut input = BufReader::new(stream);
        while let Some(head) = head(&mut input) {
            let mut words = head.line.split([' ', '?']);
            let (method, path) = (words.next().unwrap(), words.next().unwrap());
            if method == "STOP" {
                return (held, log);
            }
            let range = head
                .range
                .map_or(String::new(), |range| format!(" {range}"));
            log.push(format!("{method} {path}{range}"));
            let place = format!("Location: /upload/{}\r\n", held.len());
            let answer = match method {
                "POST" => format!("202 Accepted\r\n{place}"),
                "GET" => format!("204 No Content\r\n{place}Range: 0-{}\r\n", held.len() - 1),
                "PATCH" => {
                    let mut body = vec![0; head.length];
                    input.read_exact(&mut body).unwrap();
                    held.extend_from_slice(&body);
                    format!("202 Accepted\r\nLocation: /upload/{}\r\n", held.len())
                }
                "PUT" if head.length > 0 => {
                    let mut body = vec![0; KEPT];
                    input.read_exact(&mut body).unwrap();
                    held.extend_from_slice(&body);
                    break;
                }
                "PUT" => "201 Created\r\n".to_owned(),
                _ => "404 Not Found\r\n".to_owned(),
            };
            let end = match method {
                "GET" => "\r\n",
                _ => "Content-Length: 0\r\n\r\n",
            };
            write!(output, "HTTP/1.1 {answer}{end}").unwrap();
        }
    }
}

#[test]
fn the_rest_of_a_blob_is_sent_where_the_registry_kept_the_beginning() {
    let bytes = noise(1_000_000);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (held, log) = std::thread::scope(|scope| {
        let server = scope.spawn(|| serve(&listener));
        let host = address.to_string();
        let destination = Destination::open(&reference(&host, Some("v1")), &options()).unwrap();
        let sent = put(&destination, &blob(&bytes), &bytes).unwrap();
        // Each byte once, though some were sent twice.
        assert_eq!(sent, 1_000_000);
        drop(destination);
        let mut stop = TcpStream::connect(address).unwrap();
        stop.write_all(b"STOP / HTTP/1.1\r\n\r\n").unwrap();
        server.join().unwrap()
    });
    assert!(held == bytes);
    assert_eq!(
        log,
        [
            "POST /v2/team/thing/blobs/uploads/".to_owned(),
            "PUT /upload/0".to_owned(),
            "GET /upload/0".to_owned(),
            format!("PATCH /upload/{KEPT} {KEPT}-999999"),
            "PUT /upload/1000000".to_owned(),
        ]
    );
}

#[test]
fn a_version_is_insisted_on_where_it_is_one_of_bytes() {
    let bytes = noise(1_000);
    for (tag, insisted) in [
        ("ETag: \"one\"\r\n", Some("\"one\"")),
        ("ETag: W/\"one\"\r\n", None),
        ("", None),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let version = std::thread::scope(|scope| {
            let server = scope.spawn(|| {
                let answer = |start: &str, from: usize, to: usize| {
                    let (stream, _) = listener.accept().unwrap();
                    let mut output = stream.try_clone().unwrap();
                    let head = head(&mut BufReader::new(stream)).unwrap();
                    let length = bytes.len() - from;
                    write!(
                        output,
                        "HTTP/1.1 {start}\r\nContent-Length: {length}\r\n\r\n"
                    )
                    .unwrap();
                    output.write_all(&bytes[from..to]).unwrap();
                    head
                };
                answer(&format!("200 OK\r\n{tag}Connection: close"), 0, 400);
                let range = "206 Partial Content\r\nContent-Range: bytes 400-999/1000";
                let head = answer(range, 400, 1_000);
                assert_eq!(head.range.as_deref(), Some("bytes=400-"));
                head.version
            });
            let source = Source::open(&reference(&host, Some("v1")), &options()).unwrap();
            assert_eq!(read(&source, &blob(&bytes)).unwrap(), bytes);
            server.join().unwrap()
        });
        assert_eq!(version.as_deref(), insisted, "{tag}");
    }
}
