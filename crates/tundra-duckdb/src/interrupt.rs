//! Stopping a database from another thread.

use std::sync::Arc;

use crate::desk::Desk;

/// Stops the statement of a [`Database`](crate::Database), for good.
///
/// It may be cloned and sent anywhere, and outlive the database, which it does not keep open.
#[derive(Debug, Clone)]
pub struct Interrupter {
    desk: Arc<Desk>,
}

impl Interrupter {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// Makes the statement that runs fail with [`Error::Interrupted`](crate::Error::Interrupted)
    /// within a second, and every later statement of the database at once.
    ///
    /// DuckDB usually ends within 50 ms. Where it does not, because it compresses a large row group
    /// or waits for a call of the file system, the statement returns without it: its files are given
    /// up, whatever DuckDB still does comes to nothing, and its memory and spill files are released
    /// when it has noticed.
    ///
    /// Returns at once and never fails: a database that is gone or idle is no reason to.
    pub fn interrupt(&self) {
        self.desk.interrupt();
    }
}
