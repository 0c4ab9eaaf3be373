//! Where the caller of a statement, the thread that runs it and those who stop it meet.
//!
//! A statement runs on a thread of its own, so that its caller need not stay until DuckDB has noticed
//! an interrupt: compressing one large row group at the highest level takes DuckDB most of a minute,
//! and a call of the file system may hang.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::connection::{Answer, Connection};
use crate::error::{Error, Result};

/// How long an interrupted statement may take to end before its caller leaves. DuckDB needs some
/// 50 ms for most of its work, and half of the second within which an interrupt takes effect remains
/// for what comes after.
const GRACE: Duration = Duration::from_millis(500);

/// The meeting place of one database.
#[derive(Debug)]
pub(crate) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Gone once the database is being closed.
    connection: Option<Weak<Connection>>,
    interrupted: Option<Instant>,
    answer: Option<Result<Answer>>,
    /// Whether a caller left while its statement ran.
    abandoned: bool,
}

impl Desk {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        let state = State {
            connection: Some(Arc::downgrade(connection)),
            interrupted: None,
            answer: None,
            abandoned: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Stops what runs and what would run later.
    pub(crate) fn interrupt(&self) {
        let mut state = self.lock();
        // The lock is held meanwhile, so that the database is not closed here, by the last of its
        // owners.
        let Some(connection) = state.connection.as_ref().and_then(Weak::upgrade) else { return };
        connection.interrupt();
        state.interrupted.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// Makes interrupts go nowhere. Waits for one that is under way.
    pub(crate) fn close(&self) {
        self.lock().connection = None;
    }

    /// Puts down what the statement returned.
    pub(crate) fn answer(&self, answer: Result<Answer>) {
        let mut state = self.lock();
        if !state.abandoned {
            state.answer = Some(answer);
            self.changed.notify_all();
        }
    }

    /// Waits for the statement, or after an interrupt until it is clear that it takes too long.
    pub(crate) fn wait(&self) -> Result<Answer> {
        let mut state = self.lock();
        loop {
            if let Some(answer) = state.answer.take() {
                return answer;
            }
            state = match state.interrupted {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at) => {
                    let left = GRACE.saturating_sub(at.elapsed());
                    if left.is_zero() {
                        state.abandoned = true;
                        return Err(Error::Interrupted);
                    }
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Returns whether a statement still runs that nobody waits for.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
