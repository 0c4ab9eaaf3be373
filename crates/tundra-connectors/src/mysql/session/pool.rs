//! The connections of a session, all of which see the same snapshot.
//!
//! A connection that was lent comes back with nothing of an earlier answer on its way: what nobody waits
//! for any more is ended on the server, and its rest read. One that does not come back is gone: no other
//! can take its place, because it would see another snapshot.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, Either, ready, select};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use crate::mysql::{
    connect::{self, Backend, Connection},
    failure::Failure,
    protocol::ServerError,
    session::Shared,
};
use crate::pending::Order;

/// How long the end of a statement is waited for before the server is told again. It may have been told
/// before the statement began.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the server is told to end a statement before its connection is given up.
const ORDERS: usize = 5;

/// How often who waits for a connection looks whether there can still be one.
const LOOK: Duration = Duration::from_millis(50);

/// What a server says of a statement that was ended.
const INTERRUPTED: u16 = 1317;

/// Connections that wait to be lent.
#[derive(Debug)]
pub(in crate::mysql) struct Pool {
    shared: Arc<Shared>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    /// Those that are not gone.
    alive: AtomicUsize,
    /// Those from which a stream is read by somebody who has not dropped it.
    read: AtomicUsize,
}

/// A stream that is read by somebody, until this is dropped.
#[derive(Debug)]
pub(in crate::mysql) struct Read(Arc<Pool>);

impl Drop for Read {
    fn drop(&mut self) {
        self.0.read.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A connection that is lent.
#[derive(Debug)]
pub(in crate::mysql) struct Lease {
    pub(in crate::mysql) connection: Connection,
    place: Place,
    /// Nothing happened after which the connection could not go on.
    usable: bool,
}

/// The place of a lent connection. When it is dropped without its connection having come back, there is
/// one less, and what the server may still be doing for it is ended there, too.
#[derive(Debug)]
struct Place {
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
    /// The connection, while there may be something to end.
    busy: Option<Backend>,
}

impl Pool {
    pub(in crate::mysql) fn new(shared: Arc<Shared>, connections: Vec<Connection>) -> Arc<Self> {
        let count = connections.len();
        Arc::new(Self {
            shared,
            idle: Mutex::new(connections),
            permits: Arc::new(Semaphore::new(count)),
            alive: AtomicUsize::new(count),
            read: AtomicUsize::new(0),
        })
    }

    /// Returns how many connections there are, lent ones included.
    pub(in crate::mysql) fn len(&self) -> usize {
        self.alive.load(Ordering::Acquire)
    }

    /// Does something on a connection. When nobody waits for it any more, it is ended on the server.
    pub(in crate::mysql) async fn run<T, F>(self: &Arc<Self>, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Connection) -> BoxFuture<'a, Result<T, Failure>> + Send + 'static,
    {
        let mut lease = self.lend().await?;
        let (mut sender, receiver) = oneshot::channel();
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let id = lease.connection.backend;
            let (result, wanted) =
                until_gone(&shared, id, sender.closed(), work(&mut lease.connection)).await;
            if let Err(failure) = &result {
                lease.tell(failure);
            }
            // Before the answer, so that who gets it finds the connection in its place.
            lease.recover(wanted).await;
            let _ = sender.send(result);
        });
        receiver.await.unwrap_or(Err(Failure::NoConnection))
    }

    /// Says that a stream is read from a connection that was lent.
    pub(in crate::mysql) fn is_read(self: &Arc<Self>) -> Read {
        self.read.fetch_add(1, Ordering::AcqRel);
        Read(self.clone())
    }

    /// Lends a connection as soon as there is one. Fails when there is none but those from which streams are
    /// read: whoever reads them may be waiting for this one.
    pub(in crate::mysql) async fn lend(self: &Arc<Self>) -> Result<Lease, Failure> {
        let permit = loop {
            let permit = timeout(LOOK, self.permits.clone().acquire_owned()).await;
            match permit {
                Ok(permit) => break permit.map_err(|_| Failure::NoConnection)?,
                Err(_) if self.read.load(Ordering::Acquire) >= self.len() => {
                    return Err(Failure::Busy);
                }
                // One is being asked something, or is on its way back.
                Err(_) => {}
            }
        };
        let mut place = Place { pool: self.clone(), permit: Some(permit), busy: None };
        let connection = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .ok_or(Failure::NoConnection)?;
        place.busy = Some(connection.backend);
        Ok(Lease { connection, place, usable: true })
    }
}

/// Waits for what a connection does, and tells whether somebody still wanted it then. When nobody does,
/// the server is told to end it.
pub(in crate::mysql) async fn until_gone<T>(
    shared: &Shared,
    id: Backend,
    gone: impl Future<Output = ()>,
    work: impl Future<Output = Result<T, Failure>>,
) -> (Result<T, Failure>, bool) {
    let (gone, mut work) = (pin!(gone), pin!(work));
    if let Either::Right((result, _)) = select(gone, &mut work).await {
        return (result, true);
    }
    let _order = Order::begin();
    for _ in 0..ORDERS {
        if let Err(failure) = connect::kill(&shared.settings, id).await {
            // Not the failure itself: after what a server says in words a connection is used on, and
            // here an answer is on its way that nobody will read.
            let text = format!("a statement could not be ended on the server: {failure}");
            return (Err(Failure::Timeout(text)), false);
        }
        if let Ok(result) = timeout(PATIENCE, &mut work).await {
            return (result, false);
        }
    }
    (Err(Failure::Timeout("the server does not end a statement".to_owned())), false)
}

impl Lease {
    /// Says what happened on the connection.
    pub(in crate::mysql) fn tell(&mut self, failure: &Failure) {
        self.usable &= failure.keeps_connection();
        if matches!(failure, Failure::Wire(_) | Failure::Server(_)) && !self.usable {
            // It is gone on the other side too, with whatever it did.
            self.place.busy = None;
        }
    }

    /// Gives the connection back once nothing is on its way any more, or gives it up. `wanted` is what
    /// [`until_gone`] told.
    pub(in crate::mysql) async fn recover(mut self, wanted: bool) {
        if !self.usable {
            return;
        }
        let has_rows = self.connection.has_rows_pending();
        if has_rows {
            let (shared, id) = (self.place.pool.shared.clone(), self.connection.backend);
            let (result, _) = until_gone(&shared, id, ready(()), self.connection.drain()).await;
            if !is_ended(&result) {
                return;
            }
        }
        if has_rows || !wanted {
            // An order to end that came late hits the next statement.
            let next = timeout(PATIENCE, self.connection.run("DO 0")).await;
            if !next.is_ok_and(|next| is_ended(&next)) {
                return;
            }
        }
        let Self { connection, mut place, .. } = self;
        place.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        // Only now may somebody else take it.
        drop(place.permit.take());
    }
}

fn is_ended<T>(result: &Result<T, Failure>) -> bool {
    matches!(result, Ok(_) | Err(Failure::Server(ServerError { code: INTERRUPTED, .. })))
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        permit.forget();
        if self.pool.alive.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Whoever waits would wait for ever.
            self.pool.permits.close();
        }
        let Some(id) = self.busy.take() else { return };
        // Without a runtime the process is ending, and the server sees that the connection ends.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let shared = self.pool.shared.clone();
        let order = Order::begin();
        runtime.spawn(async move {
            let _order = order;
            if let Err(failure) = connect::kill(&shared.settings, id).await {
                tracing::debug!(error = %failure, "could not end a query on the server");
            }
        });
    }
}
