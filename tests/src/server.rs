//! `tundra serve` as a process, and what asks it by HTTP.
//!
//! Start at [`Server::start`]; [`Asker`] sends requests and [`Answer`] is what came back. Nothing here knows
//! the server from within.

mod asker;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use anyhow::{Context, bail, ensure};

pub use self::asker::{Answer, Asker};

/// How the line begins in which a server says that it listens.
const LISTENING: &str = "listening on http://";

/// A server that listens. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    asker: Asker,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a command, which is one of `tundra serve` with a free port, and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started or ends before it listens: then with what it said.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("the server cannot be started")?;
        let stderr = process.stderr.take().context("the server has no standard error")?;
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let mut said = String::new();
        let address = loop {
            let Some(line) = lines.next() else {
                bail!("the server ended with {}: {said}", process.wait()?);
            };
            match line.strip_prefix(LISTENING) {
                Some(address) => break address.to_owned(),
                None => said.push_str(&(line + "\n")),
            }
        };
        let log = Arc::new(Mutex::new(said));
        let shared = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in lines {
                shared.lock().unwrap_or_else(PoisonError::into_inner).push_str(&(line + "\n"));
            }
        });
        Ok(Self { process, asker: Asker::new(&address), log, reader: Some(reader) })
    }

    /// Returns what sends requests to it, without credentials.
    #[must_use]
    pub fn asker(&self) -> &Asker {
        &self.asker
    }

    /// Returns what it wrote so far, but for the line with its address.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status()?;
        ensure!(sent.success(), "there is no process {id} any more");
        Ok(())
    }

    /// Waits until it has ended, and returns how, and everything that it wrote.
    ///
    /// # Errors
    /// When it is not known how it ended.
    pub fn wait(&mut self) -> anyhow::Result<(ExitStatus, String)> {
        let status = self.process.wait()?;
        if let Some(reader) = self.reader.take() {
            // It ends with the server and the processes of its runs, which end with it.
            let _ = reader.join();
        }
        Ok((status, self.log()))
    }

    /// Ends it by a signal, and waits.
    ///
    /// # Errors
    /// As [`signal`](Self::signal) and [`wait`](Self::wait).
    pub fn stop(mut self, signal: &str) -> anyhow::Result<(ExitStatus, String)> {
        self.signal(signal)?;
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, as a rule.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
