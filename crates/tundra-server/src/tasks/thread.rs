//! Does tasks in this process: [`ThreadExecutor`].

use std::sync::Arc;

use async_trait::async_trait;
use tundra_core::Control;

use crate::{
    Failure,
    tasks::{Answer, Executor, Task, Workshop},
};

/// Does tasks in this process, on its threads. What a task does to the process it does to all of them: for
/// a program that embeds the service and trusts what is sent to it.
#[derive(Debug, Clone)]
pub struct ThreadExecutor(Arc<Workshop>);

impl ThreadExecutor {
    /// Makes an executor that works with this.
    pub const fn new(workshop: Arc<Workshop>) -> Self {
        Self(workshop)
    }
}

#[async_trait]
impl Executor for ThreadExecutor {
    async fn run(&self, task: Task, control: Control) -> Result<Answer, Failure> {
        self.0.perform(task, control).await
    }
}
