//! A Tundra that serves, to be measured or worn: started, asked, looked at and ended.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::process::Cmd;

/// More than anything that is asked here may take, also on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// More than a server takes to end.
const END: Duration = Duration::from_secs(20);

/// Where conversions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    Thread,
    Process,
}

impl Isolation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Process => "process",
        }
    }
}

/// A server with a data directory. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// From the start of the process to the first answer of `/health`.
    pub(crate) first_answer: Duration,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns the body as JSON.
    ///
    /// # Errors
    /// When it is none, or the status is another than `status`.
    pub(crate) fn json(&self, status: u16) -> anyhow::Result<Value> {
        if self.status != status {
            let said = String::from_utf8_lossy(&self.body);
            bail!("{} instead of {status}: {said}", self.status);
        }
        serde_json::from_slice(&self.body).context("the answer is no JSON")
    }
}

impl Served {
    /// Starts a server on a free port, without limits of rates, and waits until it answers. Beside the
    /// directory are its log and what it keeps for a moment, with the endings `log` and `tmp`.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(
        program: &Path,
        isolation: Isolation,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(directory.with_extension("log"))
            .context("no room for a log")?;
        let temporary = directory.with_extension("tmp");
        fs::create_dir_all(&temporary).context("no room for temporary files")?;
        let began = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--port", "0", "--isolation", isolation.name(), "--data-directory"])
            .arg(directory)
            .env_clear()
            .env("TMPDIR", temporary)
            .env("TUNDRA_LOG", "warn")
            .env("TUNDRA_LOG_FORMAT", "json")
            .env("TUNDRA_RATE_CONVERT", "0")
            .env("TUNDRA_RATE_INFER", "0")
            .env("TUNDRA_RATE_TEST_CONNECTION", "0")
            .env("TUNDRA_DATABASE_DIRECTORIES", directory)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start `{}`", program.display()))?;
        let stderr = child.stderr.take().context("the server has no standard error")?;
        let mut served = Self { child, address: String::new(), first_answer: Duration::ZERO };
        let mut lines = BufReader::new(stderr);
        let mut first = String::new();
        lines.read_line(&mut first).context("the server says nothing")?;
        let address = first.trim_end().strip_prefix("listening on http://");
        served.address = address.with_context(|| format!("the server said `{first}`"))?.to_owned();
        served.get("/health")?.json(200)?;
        served.first_answer = began.elapsed();
        // A pipe that nobody reads would hold the server up.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut &log));
        Ok(served)
    }

    /// Makes a source of a file that is uploaded, and returns its id.
    ///
    /// # Errors
    /// When the server does not do it.
    pub(crate) fn source(&self, name: &str, file: &str, data: &[u8]) -> anyhow::Result<String> {
        let format = file.rsplit_once('.').map_or("auto", |(_, extension)| extension);
        let request = json!({ "file_name": file, "name": name, "format": format });
        let ticket = self.post("/uploads", &request)?.json(201)?;
        let source = ticket["source_id"].as_str().context("the upload has no source")?.to_owned();
        self.upload(&source, file, data)?;
        Ok(source)
    }

    /// Sends the next file of a source.
    ///
    /// # Errors
    /// When the server does not take it.
    pub(crate) fn upload(&self, source: &str, file: &str, data: &[u8]) -> anyhow::Result<()> {
        let path = format!("/uploads/{source}/{file}");
        ask(&self.address, "PUT", &path, "Content-Type: application/octet-stream\r\n", data)?
            .json(201)?;
        Ok(())
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Answer> {
        ask(&self.address, "GET", path, "", b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.post_with(path, "", body)
    }

    /// Posts with further headers, each with its end of line.
    pub(crate) fn post_with(
        &self,
        path: &str,
        headers: &str,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let headers = format!("Content-Type: application/json\r\n{headers}");
        ask(&self.address, "POST", path, &headers, body.to_string().as_bytes())
    }

    pub(crate) fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        ask(&self.address, "DELETE", path, "", b"")
    }

    /// Returns the id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Returns its resident memory in bytes, without that of its runs.
    ///
    /// # Errors
    /// When the process is gone.
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).with_context(|| format!("no `{path}`"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|text| text.trim().strip_suffix(" kB"));
        let kilobytes: f64 = kilobytes.context("no resident memory")?.trim().parse()?;
        Ok(kilobytes * 1024.0)
    }

    /// Ends it by SIGTERM.
    ///
    /// # Errors
    /// When it does not end in order and in time.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        Cmd::new("kill").arg("-TERM").arg(self.child.id().to_string()).run()?;
        let until = Instant::now() + END;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server did not end within {} seconds", END.as_secs())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks once, on a connection of its own.
fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> anyhow::Result<Answer> {
    let context = || format!("`{method} {path}` was not answered");
    let mut stream = TcpStream::connect(address).with_context(context)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // By HTTP/1.0 an answer has one piece, which ends with the connection.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).with_context(context)?;
    // Whoever refuses a request need not read it to its end.
    let sent = stream.write_all(body);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n");
    let Some(end) = end else {
        sent.with_context(context)?;
        read.with_context(context)?;
        bail!(context());
    };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("`{head}` is no head of an answer"))?;
    Ok(Answer { status, body: answer.split_off(end + 4) })
}
