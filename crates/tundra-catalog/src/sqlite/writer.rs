//! The one thread that writes. Calls that wait for it share a transaction, and with it the one wait
//! for the disk; each is undone alone when it fails.

use std::{fmt, sync::mpsc, thread};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;
use tundra_core::ErrorKind;

use super::failure::Failure;

/// How many calls share a transaction at most, so that the first need not wait long for the last.
const LARGEST_BATCH: usize = 64;

/// A connection that writes, on a thread of its own.
pub(super) struct Writer {
    /// `None` only while it is dropped.
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    /// Begins to write by the connection.
    pub(super) fn start(connection: Connection) -> Result<Self, Failure> {
        let (queue, jobs) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("tundra-catalog".to_owned())
            .spawn(move || serve(&connection, &jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Does the work in a transaction, and returns what it came to when that is on the disk.
    ///
    /// Work that fails is undone. It is also done when nobody waits for it any more.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let call = Call { work: Some(work), result: None, reply };
        let sent = self.queue.as_ref().map(|queue| queue.send(Box::new(call)));
        match (sent, answer.await) {
            (Some(Ok(())), Ok(result)) => result,
            _ => Err(Failure::refused(ErrorKind::Internal, "the thread that writes has ended")),
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Drop for Writer {
    /// Waits until the connection is closed, which tidies the files beside the catalog.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been told to whoever called.
            let _ = thread.join();
        }
    }
}

/// A call with its answer, whatever that is.
trait Job: Send {
    /// Does the work, and returns why it is to be undone, if it is.
    fn work(&mut self, connection: &Connection) -> Result<(), Failure>;

    /// Answers, given what became of the transaction.
    fn answer(self: Box<Self>, transaction: Result<(), Failure>);
}

struct Call<T, F> {
    work: Option<F>,
    result: Option<Result<T, Failure>>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Failure> + Send,
{
    fn work(&mut self, connection: &Connection) -> Result<(), Failure> {
        self.result = self.work.take().map(|work| work(connection));
        match &self.result {
            Some(Err(failure)) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    fn answer(self: Box<Self>, transaction: Result<(), Failure>) {
        let result = match (self.result, transaction) {
            // What failed by itself was undone, whatever became of the others.
            (Some(Err(failure)), _) | (_, Err(failure)) => Err(failure),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Failure::refused(ErrorKind::Internal, "a call was left out")),
        };
        // Nobody may be waiting any more.
        let _ = self.reply.send(result);
    }
}

fn serve(connection: &Connection, jobs: &mpsc::Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(LARGEST_BATCH - 1));
        let done = transact(connection, &mut batch);
        for job in batch {
            job.answer(done.clone());
        }
    }
}

fn transact(connection: &Connection, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for job in batch {
        run(connection, "SAVEPOINT job")?;
        if let Err(failure) = job.work(connection) {
            // SQLite may give up the whole transaction, as on a full disk.
            if connection.is_autocommit() {
                return Err(failure);
            }
            run(connection, "ROLLBACK TO job")?;
        }
        run(connection, "RELEASE job")?;
    }
    Ok(transaction.commit()?)
}

fn run(connection: &Connection, statement: &str) -> Result<(), Failure> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}
