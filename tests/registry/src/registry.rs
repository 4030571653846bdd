//! The registry itself: connections, each with a thread of its own, and what tests put in and ask.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::behaviour::Behaviour;
use crate::contents::{Contents, Manifest, Repository, digest};
use crate::fault::{Fault, Misdeed};
use crate::http::{Head, Response};
use crate::log::Request;
use crate::route;
use crate::send::{self, After};
use crate::token::Tokens;

/// Connections at once; a client under test that wants more is the fault.
const MAX_CONNECTIONS: usize = 64;

/// Requests that are remembered; a client that tries for ever ends here.
const MAX_LOG: usize = 100_000;

/// A registry on this machine, until it is dropped.
pub struct Registry {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) behaviour: Mutex<Behaviour>,
    pub(crate) contents: Mutex<Contents>,
    pub(crate) tokens: Mutex<Tokens>,
    log: Mutex<Vec<Request>>,
    connections: Mutex<BTreeMap<u64, TcpStream>>,
    ended: AtomicBool,
}

/// A panic in one connection's thread is seen by its client, and no reason to stop the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// Starts an empty one.
    ///
    /// # Errors
    /// When the system has no port.
    pub fn start(behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            contents: Mutex::default(),
            tokens: Mutex::default(),
            log: Mutex::default(),
            connections: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// `127.0.0.1:PORT`, as a reference names it.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `localhost:PORT`: the same registry as another host.
    #[must_use]
    pub fn other_host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes how it behaves from now on; faults under way keep their counts unless changed.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut lock(&self.shared.behaviour));
    }

    /// One fault more.
    pub fn fault(&self, fault: Fault) {
        self.behave(|behaviour| behaviour.faults.push(fault));
    }

    /// Forgets all faults.
    pub fn mend(&self) {
        self.behave(|behaviour| behaviour.faults.clear());
    }

    /// Every request so far, in the order in which their heads were read.
    #[must_use]
    pub fn log(&self) -> Vec<Request> {
        lock(&self.shared.log).clone()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        lock(&self.shared.log).clear();
    }

    /// How many requests had this method and a path like this; see [`Fault::new`].
    #[must_use]
    pub fn count(&self, method: &str, path: &str) -> usize {
        let log = lock(&self.shared.log);
        let like = |request: &&Request| {
            crate::pattern::matches(method, &request.method)
                && crate::pattern::matches(path, &request.path)
        };
        log.iter().filter(like).count()
    }

    /// How many requests a fault hit.
    #[must_use]
    pub fn faults_seen(&self) -> usize {
        let log = lock(&self.shared.log);
        log.iter().filter(|request| request.fault.is_some()).count()
    }

    /// A copy of what a repository holds; an empty one if there is none.
    #[must_use]
    pub fn repository(&self, name: &str) -> Repository {
        let contents = lock(&self.shared.contents);
        contents.repositories.get(name).cloned().unwrap_or_default()
    }

    /// Changes what a repository holds, by no rules at all.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Repository)) {
        let mut contents = lock(&self.shared.contents);
        change(contents.repositories.entry(name.to_owned()).or_default());
    }

    /// Puts a blob in. Returns its digest.
    pub fn put_blob(&self, repository: &str, data: &[u8]) -> String {
        let digest = digest(data);
        self.change(repository, |repository| {
            repository
                .blobs
                .insert(digest.clone(), Arc::new(data.to_vec()));
        });
        digest
    }

    /// Puts a manifest or index in, whatever it says. Returns its digest.
    pub fn put_manifest(
        &self,
        repository: &str,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> String {
        let digest = digest(bytes);
        self.change(repository, |repository| {
            let manifest = Manifest {
                media_type: media_type.to_owned(),
                bytes: Arc::new(bytes.to_vec()),
            };
            repository.manifests.insert(digest.clone(), manifest);
            if let Some(tag) = tag {
                repository.tags.insert(tag.to_owned(), digest.clone());
            }
        });
        digest
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes whoever waits for a connection or for bytes.
        drop(TcpStream::connect(self.address));
        for connection in lock(&self.shared.connections).values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for number in 0.. {
        let Ok((stream, _)) = listener.accept() else {
            continue;
        };
        if shared.ended.load(Ordering::Relaxed) {
            break;
        }
        threads.retain(|thread| !thread.is_finished());
        let Ok(copy) = stream.try_clone() else {
            continue;
        };
        if threads.len() >= MAX_CONNECTIONS {
            continue;
        }
        lock(&shared.connections).insert(number, copy);
        let shared = Arc::clone(shared);
        threads.push(thread::spawn(move || {
            let _ = serve(&stream, &shared);
            // Says so to the client even where a copy of the connection is left.
            let _ = stream.shutdown(Shutdown::Both);
            lock(&shared.connections).remove(&number);
        }));
    }
    // Those that came between the drop's look and the last.
    for connection in lock(&shared.connections).values() {
        let _ = connection.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// One connection, request for request.
fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream.try_clone()?;
    while let Some(mut head) = Head::read(&mut input)? {
        let misdeed = choose(shared, &head);
        let number = note(shared, &head, misdeed.as_ref())?;
        if head
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        {
            output.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let at_most = match misdeed {
            Some(Misdeed::HangUpAfter(bytes)) => bytes,
            _ => u64::MAX,
        };
        let (body, _) = head.body(&mut input, at_most)?;
        if let Some(request) = lock(&shared.log).get_mut(number) {
            request.body_length = body.len() as u64;
        }
        if matches!(misdeed, Some(Misdeed::HangUp | Misdeed::HangUpAfter(_))) {
            break;
        }
        let instead = misdeed
            .as_ref()
            .and_then(|misdeed| send::instead(misdeed, &head));
        let response = match instead {
            Some(response) => response,
            None => carry_out(shared, &mut head, body, misdeed.as_ref()),
        };
        if let Some(request) = lock(&shared.log).get_mut(number) {
            request.status = match misdeed {
                Some(Misdeed::DoneAndHangUp) => 0,
                _ => response.status,
            };
        }
        let after = send::send(
            &mut output,
            &head,
            &response,
            misdeed.as_ref(),
            &shared.ended,
        )?;
        let close = head
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if close || after == After::Close {
            break;
        }
    }
    Ok(())
}

fn carry_out(
    shared: &Shared,
    head: &mut Head,
    body: Vec<u8>,
    misdeed: Option<&Misdeed>,
) -> Response {
    if let Some(path) = head.path.strip_prefix("/moved") {
        head.path = path.to_owned();
    }
    if misdeed == Some(&Misdeed::RangeIgnored) {
        head.headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("range"));
    }
    let mut response = route::answer(shared, head, body);
    if let Some(misdeed) = misdeed {
        send::spoil(misdeed, &mut response);
    }
    response
}

fn choose(shared: &Shared, head: &Head) -> Option<Misdeed> {
    let mut behaviour = lock(&shared.behaviour);
    behaviour
        .faults
        .iter_mut()
        .find_map(|fault| fault.strike(head).then(|| fault.misdeed.clone()))
}

/// Writes the request down, and returns its place in the log.
fn note(shared: &Shared, head: &Head, misdeed: Option<&Misdeed>) -> io::Result<usize> {
    let mut log = lock(&shared.log);
    if log.len() == MAX_LOG {
        return Err(io::ErrorKind::QuotaExceeded.into());
    }
    log.push(Request {
        method: head.method.clone(),
        path: head.path.clone(),
        query: head.raw_query.clone(),
        headers: head.headers.clone(),
        body_length: 0,
        status: 0,
        fault: misdeed.map(|misdeed| format!("{misdeed:?}")),
    });
    Ok(log.len() - 1)
}
