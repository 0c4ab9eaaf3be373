//! What callers ask for, and who does it.
//!
//! Start at [`Task`], a request as plain data, and at [`Executor`], which does one. There are two:
//! [`ThreadExecutor`] does it in this process, and [`ProcessExecutor`] in one that is started for it and
//! has limits that nobody can talk it out of. Both end in [`Workshop::perform`].
//!
//! Nothing here knows HTTP but the types of requests and answers, which tasks are made of.

mod gate;
mod ongoing;
mod process;
mod task;
mod thread;
mod work;

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use tundra_core::{Cancel, Control};

pub(crate) use self::{
    gate::{Gate, Load, Pass},
    ongoing::Ongoing,
};
pub use self::{
    process::{Available, Budget, ProcessExecutor, ProcessLimits, Wishes, confine, serve_task},
    task::{Answer, PreviewTask, Request, Task, TaskScope},
    thread::ThreadExecutor,
    work::{DatabaseRules, SecretRule, Workshop},
};
use crate::Failure;

/// The code of a failure for which there was no room.
pub(crate) const QUEUE_FULL: &str = "queue_full";

/// The code of a failure that is met when a key was used for another request before.
pub(crate) const IDEMPOTENCY_CONFLICT: &str = "idempotency_conflict";

/// The code of a failure that is met while the service ends.
pub(crate) const SHUTTING_DOWN: &str = "shutting_down";

/// Does tasks.
///
/// # Contract
/// - A task ends within a second after its [`tundra_core::Cancel`] is set, with a failure of the code
///   `cancelled` unless it was done before that. A version that it reserved has the status `error` then.
/// - Dropping the future may leave a version pending until it is swept: whoever gives a task up cancels it,
///   and waits.
/// - What it returns holds no secrets.
#[async_trait]
pub trait Executor: Debug + Send + Sync + 'static {
    /// Returns what the processes of tasks take; `None` where tasks are done in this process.
    fn processes(&self) -> Option<Processes> {
        None
    }

    /// Does the task, and tells the reporter of `control` how far it is.
    async fn run(&self, task: Task, control: Control) -> Result<Answer, Failure>;
}

/// What the processes of tasks take, all of them together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Processes {
    /// How many there are.
    pub number: usize,
    /// Their resident memory in bytes, as it was seen last.
    pub resident_memory: u64,
}

/// How often it is looked whether somebody asked to stop.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Returns when somebody asks to stop.
pub(crate) async fn cancelled(cancel: &Cancel) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(LOOK_UP).await;
    }
}
