//! A server under test, and a client that is as simple as one can be.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::Sandbox;

/// What everything here takes much less than.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that listens; it is killed with the test.
pub(super) struct Server {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Server {
    /// Starts a server on a free port of this machine.
    pub(super) fn start(sandbox: &Sandbox, options: &[&str]) -> Self {
        Self::begin(&mut sandbox.tundra(&[&["serve", "--port", "0"], options].concat()))
    }

    /// Starts a server as the command says.
    pub(super) fn begin(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let address = loop {
            let Some(line) = lines.next() else {
                let status = child.wait().unwrap();
                panic!("the server ended with {status}: {}", log.lock().unwrap());
            };
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.to_owned();
            }
            log.lock().unwrap().push_str(&(line + "\n"));
        };
        let shared = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                shared.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { child, address, log, reader: Some(reader) }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// What it wrote so far, but for the line with its address.
    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        ask(&self.address, "GET", path, "", None)
    }

    pub(super) fn get_with(&self, path: &str, headers: &str) -> Answer {
        ask(&self.address, "GET", path, headers, None)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Answer {
        ask(&self.address, "POST", path, "", Some(body))
    }

    pub(super) fn post_with(&self, path: &str, headers: &str, body: &Value) -> Answer {
        ask(&self.address, "POST", path, headers, Some(body))
    }

    /// Posts in a thread of its own. `None` where the connection ended without an answer.
    pub(super) fn begin_post(&self, path: &'static str, body: Value) -> JoinHandle<Option<Answer>> {
        let address = self.address.clone();
        thread::spawn(move || try_ask(&address, "POST", path, "", Some(&body)))
    }

    pub(super) fn signal(&self, signal: &str) {
        send(signal, self.child.id());
    }

    /// Ends it by a signal and returns how it ended and what it wrote.
    pub(super) fn stop(mut self, signal: &str) -> (ExitStatus, String) {
        self.signal(signal);
        self.wait()
    }

    pub(super) fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status, self.log())
    }

    /// The processes of its runs.
    pub(super) fn runs(&self) -> Vec<u32> {
        let is_run = |process: &u32| {
            let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("run-task")
                && parent(*process) == Some(self.child.id())
        };
        processes().into_iter().filter(is_run).collect()
    }

    /// Waits until a run has a process, and returns it.
    pub(super) fn first_run(&self) -> u32 {
        until("a run has a process", || self.runs().first().copied())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until there is something to see.
#[track_caller]
pub(super) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::yield_now();
    }
}

pub(super) fn send(signal: &str, process: u32) {
    let command = format!("kill -{signal} {process}");
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
}

/// Whether a process is there and has not ended.
pub(super) fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

#[track_caller]
fn ask(address: &str, method: &str, path: &str, headers: &str, body: Option<&Value>) -> Answer {
    try_ask(address, method, path, headers, body).expect("the server answers")
}

fn try_ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: Option<&Value>,
) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: serde_json::from_str(body).unwrap_or(Value::Null) })
}
