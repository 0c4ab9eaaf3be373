//! The thread that runs a database's statements.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use crate::connection::Connection;
use crate::desk::Desk;
use crate::error::Error;
use crate::failures::catch;

/// DuckDB's own threads have 8 MiB, and the thread that calls it parses, binds and plans: what goes
/// deepest. Memory that is not used costs nothing.
const STACK: usize = 16 << 20;

/// A statement to be run.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) sql: String,
    pub(crate) wants_rows: bool,
}

/// The thread and the way to it. It holds the connection open, and answers at the desk.
#[derive(Debug)]
pub(crate) struct Worker {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

impl Worker {
    pub(crate) fn start(connection: Arc<Connection>, desk: Arc<Desk>) -> io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let thread = thread::Builder::new().name("duckdb".to_owned()).stack_size(STACK).spawn(
            move || {
                for Job { sql, wants_rows } in queue {
                    let outcome = catch(|| connection.run(&sql, wants_rows));
                    desk.answer(outcome.unwrap_or_else(|message| Err(Error::Result { message })));
                }
            },
        )?;
        Ok(Self { jobs, thread })
    }

    /// Has a statement run. The answer comes to the desk, in every case.
    pub(crate) fn run(&self, job: Job) {
        // The thread ends only with the sender.
        let _ = self.jobs.send(job);
    }

    /// Ends the thread, and waits for that.
    pub(crate) fn join(self) {
        drop(self.jobs);
        // It panics in no case, and if it did, there would be nothing left to do.
        let _ = self.thread.join();
    }

    /// Lets the thread end by itself when the statement that it runs is over.
    pub(crate) fn detach(self) {}
}
