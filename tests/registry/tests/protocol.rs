//! What the registry of our own answers, seen through a client of a few lines; and that a real
//! client finds nothing to complain of.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]
#![expect(clippy::print_stdout, reason = "seen when asked for")]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use lazaret_registry::{
    Access, Address, Auth, Bearer, Behaviour, Distribution, Fault, Misdeed, PASSWORD, Registry,
    RetryAfter, USER, digest,
};
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An answer as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Whether the body had the length that was said.
    complete: bool,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter();
        let found = found.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Asks on a connection of its own.
fn ask(
    registry: &Registry,
    method: &str,
    target: &str,
    headers: &[&str],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(registry.host())?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
        registry.host(),
        body.len()
    );
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)?;
    read(&mut BufReader::new(stream), method)
}

fn read(input: &mut BufReader<TcpStream>, method: &str) -> io::Result<Answer> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    loop {
        line.clear();
        input.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
        complete: true,
    };
    if method == "HEAD" {
        return Ok(answer);
    }
    match answer.header("content-length") {
        Some(length) => {
            let length: u64 = length.parse().unwrap();
            input.take(length).read_to_end(&mut answer.body)?;
            answer.complete = answer.body.len() as u64 == length;
        }
        None => {
            input.read_to_end(&mut answer.body)?;
        }
    }
    Ok(answer)
}

fn get(registry: &Registry, target: &str) -> Answer {
    ask(registry, "GET", target, &[], &[]).unwrap()
}

/// A manifest of one blob; with it, a subject.
fn manifest(config: &str, subject: Option<&str>) -> Vec<u8> {
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "text/x-note",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
        "layers": [{"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2}],
    });
    if let Some(subject) = subject {
        manifest["subject"] = json!({"mediaType": MANIFEST, "digest": subject, "size": 1});
    }
    serde_json::to_vec(&manifest).unwrap()
}

/// A registry with a manifest `a/b:latest` and some tags.
fn filled(behaviour: Behaviour) -> (Registry, String) {
    let registry = Registry::start(behaviour).unwrap();
    let config = registry.put_blob("a/b", b"{}");
    let digest = registry.put_manifest("a/b", MANIFEST, &manifest(&config, None), Some("latest"));
    (registry, digest)
}

#[test]
fn documents_and_blobs_are_given_whole_and_in_part() {
    let (registry, name) = filled(Behaviour::default());
    let blob = registry.put_blob("a/b", b"0123456789");
    for reference in ["latest", &name] {
        let answer = get(&registry, &format!("/v2/a/b/manifests/{reference}"));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some(MANIFEST));
        assert_eq!(
            answer.header("docker-content-digest"),
            Some(digest(&answer.body)).as_deref()
        );
    }
    let target = format!("/v2/a/b/blobs/{blob}");
    let whole = ask(&registry, "HEAD", &target, &[], &[]).unwrap();
    assert_eq!(
        (whole.status, whole.header("content-length")),
        (200, Some("10"))
    );
    for (range, status, said, body) in [
        ("bytes=3-", 206, Some("bytes 3-9/10"), "3456789"),
        ("bytes=3-5", 206, Some("bytes 3-5/10"), "345"),
        ("bytes=10-", 416, Some("bytes */10"), ""),
        ("bytes=-3", 200, None, "0123456789"),
    ] {
        let range = format!("Range: {range}");
        let answer = ask(&registry, "GET", &target, &[&range], &[]).unwrap();
        assert_eq!(
            (answer.status, answer.header("content-range")),
            (status, said)
        );
        if status != 416 {
            assert_eq!(answer.body, body.as_bytes());
        }
    }
    assert_eq!(get(&registry, "/v2/a/b/manifests/none").status, 404);
    assert_eq!(get(&registry, "/v2/a/c/manifests/latest").status, 404);
    assert_eq!(registry.log().len(), 9);
}

#[test]
fn blobs_come_at_once_in_chunks_and_from_next_door() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let (data, name) = (b"some bytes", digest(b"some bytes"));
    let target = format!("/v2/a/blobs/uploads/?digest={name}");
    assert_eq!(
        ask(&registry, "POST", &target, &[], data).unwrap().status,
        201
    );
    let begun = ask(&registry, "POST", "/v2/b/blobs/uploads/", &[], &[]).unwrap();
    assert_eq!(begun.status, 202);
    let place = begun.header("location").unwrap().to_owned();
    for (range, part, status) in [("0-3", &data[..4], 202), ("5-9", &data[5..], 416)] {
        let range = format!("Content-Range: {range}");
        let answer = ask(&registry, "PATCH", &place, &[&range], part).unwrap();
        assert_eq!(
            (answer.status, answer.header("range")),
            (status, Some("0-3"))
        );
    }
    let end = format!("{place}&digest={name}");
    assert_eq!(
        ask(&registry, "PUT", &end, &[], &data[4..]).unwrap().status,
        201
    );
    assert_eq!(**registry.repository("b").blobs[&name], *data);
    // Not what it says, and a place that is no more.
    let target = format!("/v2/a/blobs/uploads/?digest={name}");
    assert_eq!(
        ask(&registry, "POST", &target, &[], b"else")
            .unwrap()
            .status,
        400
    );
    assert_eq!(ask(&registry, "PUT", &end, &[], data).unwrap().status, 404);

    let mount = format!("/v2/c/blobs/uploads/?mount={name}&from=a");
    registry.behave(|behaviour| behaviour.mount = false);
    assert_eq!(
        ask(&registry, "POST", &mount, &[], &[]).unwrap().status,
        202
    );
    registry.behave(|behaviour| behaviour.mount = true);
    assert_eq!(
        ask(&registry, "POST", &mount, &[], &[]).unwrap().status,
        201
    );
    assert_eq!(**registry.repository("c").blobs[&name], *data);
}

#[test]
fn a_manifest_comes_after_what_it_names_and_says_whose_referrer_it_is() {
    let (registry, subject) = filled(Behaviour::default());
    let config = digest(b"{}");
    let put = |repository: &str, reference: &str, bytes: &[u8]| {
        let target = format!("/v2/{repository}/manifests/{reference}");
        let kind = format!("Content-Type: {MANIFEST}");
        ask(&registry, "PUT", &target, &[&kind], bytes).unwrap()
    };
    let note = manifest(&config, Some(&subject));
    assert_eq!(put("empty", "one", &note).status, 400);
    assert_eq!(put("a/b", &digest(b"else"), &note).status, 400);
    let answer = put("a/b", &digest(&note), &note);
    assert_eq!(
        (answer.status, answer.header("oci-subject")),
        (201, Some(&*subject))
    );
    let answer = get(&registry, &format!("/v2/a/b/referrers/{subject}"));
    assert_eq!(answer.header("content-type"), Some(INDEX));
    assert_eq!(
        answer.json()["manifests"],
        json!([{
            "mediaType": MANIFEST,
            "digest": digest(&note),
            "size": note.len(),
            "artifactType": "text/x-note",
        }])
    );
    let other = get(
        &registry,
        &format!("/v2/a/b/referrers/{subject}?artifactType=text/x-other"),
    );
    assert_eq!(other.json()["manifests"], json!([]));
    assert_eq!(other.header("oci-filters-applied"), Some("artifactType"));

    registry.behave(|behaviour| behaviour.referrers = false);
    assert_eq!(put("a/b", "again", &note).header("oci-subject"), None);
    let answer = get(&registry, &format!("/v2/a/b/referrers/{subject}"));
    assert_eq!(answer.status, 404);
}

#[test]
fn lists_go_on_where_their_links_say() {
    let (registry, subject) = filled(Behaviour {
        page: 2,
        ..Behaviour::default()
    });
    let config = digest(b"{}");
    for number in 0..5 {
        let mut note: Value = serde_json::from_slice(&manifest(&config, Some(&subject))).unwrap();
        note["annotations"] = json!({"number": format!("{number}")});
        let note = serde_json::to_vec(&note).unwrap();
        registry.put_manifest("a/b", MANIFEST, &note, Some(&format!("tag{number}")));
    }
    let all = |field: &str, first: &str| {
        let (mut next, mut rows, mut pages) = (first.to_owned(), Vec::new(), 0);
        loop {
            let answer = get(&registry, &next);
            rows.extend(answer.json()[field].as_array().unwrap().clone());
            pages += 1;
            let Some(link) = answer.header("link") else {
                return (rows, pages);
            };
            let link = link.strip_prefix('<').unwrap();
            next = link.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        }
    };
    let (tags, pages) = all("tags", "/v2/a/b/tags/list");
    assert_eq!(tags, ["latest", "tag0", "tag1", "tag2", "tag3", "tag4"]);
    assert_eq!(pages, 3);
    let (referrers, pages) = all("manifests", &format!("/v2/a/b/referrers/{subject}"));
    assert_eq!((referrers.len(), pages), (5, 3));
}

#[test]
fn faults_happen_as_often_as_told_and_are_written_down() {
    let blob = "*/blobs/*";
    let size = 1000;
    /// How an answer looks: its status, whether it was complete, and its body's length.
    type Looks = (u16, bool, usize);
    // What is wrong, and how the answer looks for it; not at all where there is none.
    let table: Vec<(Misdeed, Option<Looks>)> = vec![
        (Misdeed::Status(503), Some((503, true, 64))),
        (Misdeed::HangUp, None),
        (Misdeed::DoneAndHangUp, None),
        (Misdeed::Cut(10), Some((200, false, 10))),
        (Misdeed::LengthTooLong(5), Some((200, false, size))),
        (Misdeed::LengthTooShort(5), Some((200, true, size - 5))),
        (Misdeed::NoLength, Some((200, true, size))),
        (Misdeed::WrongByte(3), Some((200, true, size))),
        (Misdeed::Body(b"<html>".to_vec()), Some((200, true, 6))),
        (Misdeed::Padded(7), Some((200, true, size + 7))),
        (
            Misdeed::Drip(300, Duration::from_millis(1)),
            Some((200, true, size)),
        ),
        (Misdeed::RedirectToItself, Some((307, true, 0))),
    ];
    for (misdeed, wanted) in table {
        let registry = Registry::start(Behaviour::with_fault(
            Fault::new("GET", blob, misdeed.clone()).after(1).times(2),
        ))
        .unwrap();
        let name = registry.put_blob("a", &vec![b'x'; size]);
        let target = format!("/v2/a/blobs/{name}");
        for number in 0..4 {
            let answer = ask(&registry, "GET", &target, &[], &[]);
            if !(1..3).contains(&number) {
                let answer = answer.unwrap();
                assert_eq!((answer.status, digest(&answer.body)), (200, name.clone()));
                continue;
            }
            match (&wanted, answer) {
                (None, Err(_)) => {}
                (Some((status, complete, length)), Ok(answer)) => {
                    assert_eq!(
                        (answer.status, answer.complete),
                        (*status, *complete),
                        "{misdeed:?}"
                    );
                    if *status == 200 {
                        assert_eq!(answer.body.len(), *length, "{misdeed:?}");
                        let whole = answer.body.len() == size && misdeed != Misdeed::WrongByte(3);
                        assert_eq!(digest(&answer.body) == name, whole, "{misdeed:?}");
                    }
                }
                (wanted, answer) => panic!("{misdeed:?}: {wanted:?} {answer:?}"),
            }
        }
        assert_eq!(registry.faults_seen(), 2, "{misdeed:?}");
        assert_eq!(registry.count("GET", blob), 4);
    }
}

#[test]
fn redirects_lead_to_the_same_thing() {
    let (registry, _) = filled(Behaviour::default());
    let target = "/v2/a/b/manifests/latest";
    let bases = [String::new(), format!("http://{}", registry.other_host())];
    for base in bases {
        registry.fault(Fault::new("GET", target, Misdeed::Redirect(base.clone())));
        let answer = get(&registry, target);
        assert_eq!(answer.status, 307);
        let place = answer.header("location").unwrap();
        assert_eq!(place, format!("{base}/moved{target}"));
        assert_eq!(get(&registry, &format!("/moved{target}")).status, 200);
    }
}

#[test]
fn it_says_when_to_come_back() {
    let (registry, _) = filled(Behaviour::default());
    for (when, said) in [
        (RetryAfter::Seconds(7), Some("7")),
        (RetryAfter::Text("soon".to_owned()), Some("soon")),
        (RetryAfter::Date(60), None),
    ] {
        registry.fault(Fault::new("*", "*", Misdeed::Later(429, when)));
        let answer = get(&registry, "/v2/");
        assert_eq!(answer.status, 429);
        let header = answer.header("retry-after").unwrap();
        match said {
            Some(said) => assert_eq!(header, said),
            None => assert!(header.ends_with(" GMT"), "{header}"),
        }
    }
}

#[test]
fn an_endless_body_and_one_that_stops_end_with_the_client_or_the_registry() {
    let (registry, _) = filled(Behaviour::default());
    for misdeed in [Misdeed::Endless, Misdeed::Stall(3)] {
        registry.fault(Fault::new("GET", "*", misdeed));
        let mut stream = TcpStream::connect(registry.host()).unwrap();
        stream
            .write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut some = [0; 20];
        stream.read_exact(&mut some).unwrap();
        assert!(some.starts_with(b"HTTP/1.1 200"));
    }
    // Nothing hangs when it ends.
    drop(registry);
}

#[test]
fn names_passwords_and_tokens() {
    let target = "/v2/a/b/manifests/latest";
    let (registry, _) = filled(Behaviour::with_auth(Auth::basic("u", "p")));
    let answer = get(&registry, target);
    assert_eq!(answer.status, 401);
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .starts_with("Basic ")
    );
    for (given, status) in [("dTpw", 200), ("dTpx", 401)] {
        let header = format!("Authorization: Basic {given}");
        let answer = ask(&registry, "GET", target, &[&header], &[]).unwrap();
        assert_eq!(answer.status, status);
    }

    let (registry, _) = filled(Behaviour::with_auth(Auth::Bearer(Bearer {
        account: Some(("u".to_owned(), "p".to_owned())),
        uses: 2,
        ..Bearer::default()
    })));
    let challenge = get(&registry, target);
    assert_eq!(
        challenge.header("www-authenticate").unwrap(),
        format!(
            "Bearer realm=\"http://{}/token\",service=\"lazaret test\",scope=\"repository:a/b:pull\"",
            registry.host()
        )
    );
    let ask_token = |headers: &[&str]| {
        let target = "/token?service=lazaret%20test&scope=repository:a/b:pull";
        ask(&registry, "GET", target, headers, &[]).unwrap()
    };
    assert_eq!(ask_token(&[]).status, 401);
    let answer = ask_token(&["Authorization: Basic dTpw"]);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let header = format!("Authorization: Bearer {token}");
    let with_token = |method: &str, target: &str| {
        ask(&registry, method, target, &[&header], &[])
            .unwrap()
            .status
    };
    // Not for pushing, twice for pulling, then never again.
    assert_eq!(with_token("POST", "/v2/a/b/blobs/uploads/"), 401);
    assert_eq!(with_token("GET", target), 200);
    assert_eq!(with_token("GET", target), 200);
    assert_eq!(with_token("GET", target), 401);
}

#[test]
fn where_an_upload_goes_on() {
    for (uploads, begins) in [
        (Address::Relative, "/v2/a/".to_owned()),
        (Address::Absolute, "http://127.0.0.1:".to_owned()),
        (
            Address::At("http://localhost:1".to_owned()),
            "http://localhost:1/v2/a/".to_owned(),
        ),
    ] {
        let registry = Registry::start(Behaviour {
            uploads,
            ..Behaviour::default()
        })
        .unwrap();
        let answer = ask(&registry, "POST", "/v2/a/blobs/uploads/", &[], &[]).unwrap();
        assert!(answer.header("location").unwrap().starts_with(&begins));
    }
}

/// skopeo, unless it is missing.
fn skopeo(arguments: &[&str]) -> Option<()> {
    let output = match Command::new("skopeo").args(arguments).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"));
            println!("skipped: skopeo missing");
            return None;
        }
        output => output.unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "skopeo {arguments:?}: {said}");
    Some(())
}

#[test]
fn skopeo_copies_from_one_registry_to_the_others() {
    let (ours, name) = filled(Behaviour::with_auth(Auth::Bearer(Bearer::default())));
    let Some(plain) = Distribution::start(&Access::Plain).unwrap() else {
        return;
    };
    let secured = Distribution::start(&Access::Secured).unwrap().unwrap();
    let trusted = secured.authority().unwrap().trusted();
    let (ours_host, plain_host, secured_host) = (ours.host(), plain.host(), secured.host());
    let copy = |from: &str, to: &str, more: &[&str]| {
        let copy = ["copy", "--all", from, to];
        skopeo(&[&copy[..], more].concat())
    };
    let [first, second, third, fourth] = [
        format!("docker://{ours_host}/a/b:latest"),
        format!("docker://{plain_host}/a/b:latest"),
        format!("docker://{secured_host}/a/b:latest"),
        format!("docker://{ours_host}/c:latest"),
    ];
    let [no_source_tls, no_destination_tls] = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    let trusted = trusted.to_str().unwrap();
    let account = format!("{USER}:{PASSWORD}");
    if copy(&first, &second, &[no_source_tls, no_destination_tls]).is_none() {
        return;
    }
    let [certificates, credentials] = ["--dest-cert-dir", "--dest-creds"];
    copy(
        &second,
        &third,
        &[no_source_tls, certificates, trusted, credentials, &account],
    );
    let [certificates, credentials] = ["--src-cert-dir", "--src-creds"];
    copy(
        &third,
        &fourth,
        &[
            no_destination_tls,
            certificates,
            trusted,
            credentials,
            &account,
        ],
    );
    let held = ours.repository("c");
    assert_eq!(held.tags["latest"], name);
    assert_eq!(
        held.manifests[&name].bytes,
        ours.repository("a/b").manifests[&name].bytes
    );
    assert!(secured.log().contains("/v2/a/b/manifests/latest"));
}
