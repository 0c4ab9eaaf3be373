//! The one thread that writes. Calls that wait for it share a transaction, and with it the one wait
//! for the disk; each is undone alone when it fails.

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::mpsc,
    thread,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;
use tundra_core::ErrorKind;

use crate::Failure;

/// How many calls share a transaction at most, so that the first need not wait long for the last.
const LARGEST_BATCH: usize = 64;

/// A connection that writes, on a thread of its own.
pub(crate) struct Writer {
    /// `None` only while it is dropped.
    queue: Option<mpsc::Sender<Box<dyn Task>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    /// Begins to write by the connection. The name is for the thread.
    pub(crate) fn start(connection: Connection, name: &str) -> Result<Self, Failure> {
        let (queue, tasks) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(format!("tundra-{name}"))
            .spawn(move || serve(&connection, &tasks))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Does the work in a transaction, and returns what it came to when that is on the disk.
    ///
    /// Work that fails is undone. It is also done when nobody waits for it any more.
    ///
    /// # Panics
    /// As the work panics, which is undone too.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let call = Call { work: Some(work), result: None, reply };
        let sent = self.queue.as_ref().map(|queue| queue.send(Box::new(call)));
        match (sent, answer.await) {
            (Some(Ok(())), Ok(Ok(result))) => result,
            (Some(Ok(())), Ok(Err(payload))) => panic::resume_unwind(payload),
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
    /// Waits until the connection is closed, which tidies the files beside it.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been told to whoever called.
            let _ = thread.join();
        }
    }
}

/// A call with its answer, whatever that is.
trait Task: Send {
    /// Does the work, and returns why it is to be undone, if it is.
    fn work(&mut self, connection: &Connection) -> Result<(), Failure>;

    /// Answers, given what became of the transaction.
    fn answer(self: Box<Self>, transaction: Result<(), Failure>);
}

/// What work came to, or what it panicked with.
type Outcome<T> = thread::Result<Result<T, Failure>>;

struct Call<T, F> {
    work: Option<F>,
    result: Option<Outcome<T>>,
    reply: oneshot::Sender<Outcome<T>>,
}

impl<T, F> Task for Call<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Failure> + Send,
{
    fn work(&mut self, connection: &Connection) -> Result<(), Failure> {
        let Some(work) = self.work.take() else { return Ok(()) };
        // The thread lives on for the calls of others: what a panic left half done is undone, and the
        // connection keeps nothing else.
        let result = panic::catch_unwind(AssertUnwindSafe(|| work(connection)));
        let undo = match &result {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failure)) => Err(failure.clone()),
            Err(_) => Err(Failure::refused(ErrorKind::Internal, "another call ended in a panic")),
        };
        self.result = Some(result);
        undo
    }

    fn answer(self: Box<Self>, transaction: Result<(), Failure>) {
        let outcome = match (self.result, transaction) {
            // What failed by itself was undone, whatever became of the others.
            (Some(Ok(Ok(value))), Ok(())) => Ok(Ok(value)),
            (Some(Ok(Ok(_))) | None, Err(failure)) => Ok(Err(failure)),
            (Some(failed), _) => failed,
            (None, Ok(())) => Ok(Err(Failure::refused(ErrorKind::Internal, "a call was left out"))),
        };
        // Nobody may be waiting any more.
        let _ = self.reply.send(outcome);
    }
}

fn serve(connection: &Connection, tasks: &mpsc::Receiver<Box<dyn Task>>) {
    while let Ok(first) = tasks.recv() {
        let mut batch = vec![first];
        batch.extend(tasks.try_iter().take(LARGEST_BATCH - 1));
        let done = transact(connection, &mut batch);
        for task in batch {
            task.answer(done.clone());
        }
    }
}

fn transact(connection: &Connection, batch: &mut [Box<dyn Task>]) -> Result<(), Failure> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for task in batch {
        run(connection, "SAVEPOINT task")?;
        if let Err(failure) = task.work(connection) {
            // SQLite may give up the whole transaction, as on a full disk.
            if connection.is_autocommit() {
                return Err(failure);
            }
            run(connection, "ROLLBACK TO task")?;
        }
        run(connection, "RELEASE task")?;
    }
    Ok(transaction.commit()?)
}

fn run(connection: &Connection, statement: &str) -> Result<(), Failure> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}
