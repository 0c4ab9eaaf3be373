//! Runs system calls that may wait away from the runtime's own threads.
//!
//! Nothing in this crate touches a file outside [`blocking`], except that dropping a writer removes
//! its temporary file where it is dropped.

use std::panic;

use tundra_core::StorageError;

use crate::error::Operation;

/// Runs `work` on a blocking thread. A panic in it goes on here.
///
/// `work` runs to its end even when the returned future is dropped.
pub(crate) async fn blocking<T, F>(
    operation: Operation,
    location: &str,
    work: F,
) -> Result<T, StorageError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, StorageError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => panic::resume_unwind(payload),
            // Only a runtime that is being shut down cancels a blocking task.
            Err(error) => Err(operation.failed(location, error)),
        },
    }
}
