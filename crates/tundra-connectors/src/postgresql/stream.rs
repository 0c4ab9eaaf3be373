//! One stream of rows: a task that reads what the server sends, decodes it and hands on batches.
//!
//! Start at [`start`]. The task holds its connection alone; it waits when two batches are not taken yet,
//! and the server then waits for the task. When the consumer is gone, the task ends and the server is
//! asked to cancel.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, task::AbortHandle};
use tundra_core::{BatchStream, StreamEnd};

use crate::{
    batch::{BatchSender, Gone, channel},
    pending::Order,
    postgresql::{
        NAME,
        connect::{Canceller, Connection},
        decode::{Decoder, Step},
        failure::Failure,
    },
};

/// What is done with a connection that has been read to the end.
pub(super) type GiveBack = Box<dyn FnOnce(Connection) + Send>;

/// What is known of a stream from its beginning.
#[derive(Debug)]
pub(super) struct Terms {
    /// Where the next window begins.
    pub(super) watermark: Option<String>,
    /// How long the statement may take.
    pub(super) limit: Option<Duration>,
}

/// Where a stream leaves what it came to.
pub(super) type EndSlot = Arc<Mutex<Option<StreamEnd>>>;

/// Ends the work on the server and here, unless it came to its own end.
#[derive(Debug)]
pub(super) struct Stop(Arc<StopState>);

#[derive(Debug)]
struct StopState {
    runtime: Handle,
    work: Mutex<Work>,
}

#[derive(Debug)]
enum Work {
    Running { canceller: Canceller, task: Option<AbortHandle> },
    Over,
}

impl Stop {
    /// Watches over what is begun on a connection.
    pub(super) fn new(canceller: Canceller) -> Self {
        Self(Arc::new(StopState {
            runtime: Handle::current(),
            work: Mutex::new(Work::Running { canceller, task: None }),
        }))
    }

    /// Ends the watch: what was begun has come to its own end.
    pub(super) fn over(self) {
        self.0.over();
    }
}

impl StopState {
    /// Ends the watch. The connection may be used for something else only if this returns `true`:
    /// otherwise the server is being asked to cancel what runs on it.
    fn over(&self) -> bool {
        matches!(self.swap(Work::Over), Work::Running { .. })
    }

    fn swap(&self, work: Work) -> Work {
        // A poisoned lock has its value all the same: nothing in between can be half done.
        std::mem::replace(&mut *self.work.lock().unwrap_or_else(PoisonError::into_inner), work)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        let Work::Running { canceller, task } = self.0.swap(Work::Over) else { return };
        if let Some(task) = task {
            task.abort();
        }
        let order = Order::begin();
        self.0.runtime.spawn(async move {
            let _order = order;
            if let Err(error) = canceller.cancel().await {
                tracing::warn!(%error, "could not ask the server to cancel");
            }
        });
    }
}

/// Reads the rows of a `COPY` that has begun on the connection.
pub(super) fn start(
    connection: Connection,
    decoder: Decoder,
    stop: Stop,
    terms: Terms,
    end: EndSlot,
    give_back: GiveBack,
) -> BatchStream {
    let state = Arc::clone(&stop.0);
    let runtime = state.runtime.clone();
    // The task is known to the guard before it can end.
    let mut work = stop.0.work.lock().unwrap_or_else(PoisonError::into_inner);
    let (begin, begun) = tokio::sync::oneshot::channel::<BatchSender>();
    let task = runtime.spawn(async move {
        let Ok(sender) = begun.await else { return };
        run(connection, decoder, sender, &state, terms, &end, give_back).await;
    });
    if let Work::Running { task: slot, .. } = &mut *work {
        *slot = Some(task.abort_handle());
    }
    drop(work);
    let (sender, stream) = channel(NAME, stop);
    // The task waits for it; it cannot be gone.
    let _ = begin.send(sender);
    stream
}

async fn run(
    mut connection: Connection,
    mut decoder: Decoder,
    sender: BatchSender,
    state: &StopState,
    terms: Terms,
    end: &EndSlot,
    give_back: GiveBack,
) {
    let result = match read(&mut connection, &mut decoder, &sender).await {
        Ok(Ok(server_rows)) => {
            let facts = StreamEnd {
                server_rows: Some(server_rows),
                events: decoder.events(),
                watermark: terms.watermark,
            };
            *end.lock().unwrap_or_else(PoisonError::into_inner) = Some(facts);
            if state.over() && connection.wire.in_transaction() {
                give_back(connection);
            }
            Ok(())
        }
        // The guard has asked the server to cancel.
        Ok(Err(Gone)) => return,
        Err(failure) => {
            // The server has ended it, or cannot be spoken to any more. After a fault of ours it still
            // sends: closing the connection ends that too.
            state.over();
            Err(failure.within(terms.limit).during("read the rows"))
        }
    };
    sender.finish(result).await;
}

async fn read(
    connection: &mut Connection,
    decoder: &mut Decoder,
    sender: &BatchSender,
) -> Result<Result<u64, Gone>, Failure> {
    let wire = &mut connection.wire;
    loop {
        let (tag, body) = match wire.row(b'd') {
            Some(body) => (b'd', body),
            None => wire.message().await?,
        };
        let step = match tag {
            b'd' => decoder.message(&wire.bytes()[body])?,
            b'c' => break,
            _ => return Err(Failure::Protocol("an unexpected message among the rows")),
        };
        if step == Step::Full
            && let Some(batch) = decoder.take()?
            && sender.send(batch).await.is_err()
        {
            return Ok(Err(Gone));
        }
    }
    let arrived = decoder.rows();
    match wire.copy_end().await? {
        Some(server) if server == arrived => {}
        Some(server) => return Err(Failure::Count { server, arrived }),
        None => return Err(Failure::Protocol("COPY that ends without a count")),
    }
    if !decoder.is_complete() {
        return Err(Failure::Protocol("COPY without its last mark"));
    }
    if let Some(batch) = decoder.take()?
        && sender.send(batch).await.is_err()
    {
        return Ok(Err(Gone));
    }
    Ok(Ok(arrived))
}
