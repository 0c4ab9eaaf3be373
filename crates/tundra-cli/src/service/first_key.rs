//! What is different once callers are asked who they are: [`UntilAsked`].

use std::sync::Arc;

use async_trait::async_trait;
use tundra_access::Asking;
use tundra_core::Control;
use tundra_server::{
    Failure,
    tasks::{Answer, Executor, Task},
};

/// Does tasks as whoever is on this machine may have them, until callers are asked who they are, and from
/// then on as callers may: as a server does that is started with a key.
#[derive(Debug)]
pub(crate) struct UntilAsked {
    /// Whether they are.
    pub(crate) asking: Asking,
    /// Who does tasks until then.
    pub(crate) before: Arc<dyn Executor>,
    /// Who does them from then on.
    pub(crate) after: Arc<dyn Executor>,
}

#[async_trait]
impl Executor for UntilAsked {
    async fn run(&self, task: Task, control: Control) -> Result<Answer, Failure> {
        match self.asking.is_on() {
            false => self.before.run(task, control).await,
            true => self.after.run(task, control).await,
        }
    }
}
