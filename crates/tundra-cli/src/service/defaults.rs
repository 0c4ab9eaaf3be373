//! What the environment says of outputs where a request says nothing: [`Defaults`].

use std::sync::Arc;

use async_trait::async_trait;
use tundra_core::{Compression, Control};
use tundra_server::{
    Failure,
    tasks::{Answer, Executor, Processes, Request, Task},
};

/// Completes tasks before somebody else does them.
#[derive(Debug)]
pub(crate) struct Defaults {
    executor: Arc<dyn Executor>,
    compression: Compression,
}

impl Defaults {
    /// Returns who does tasks, with this compression where a request names none.
    pub(crate) fn before(
        executor: Arc<dyn Executor>,
        compression: Option<Compression>,
    ) -> Arc<dyn Executor> {
        match compression {
            Some(compression) => Arc::new(Self { executor, compression }),
            None => executor,
        }
    }
}

#[async_trait]
impl Executor for Defaults {
    fn processes(&self) -> Option<Processes> {
        self.executor.processes()
    }

    async fn run(&self, mut task: Task, control: Control) -> Result<Answer, Failure> {
        let compression = match &mut task.request {
            Request::ConvertFile(request) => Some(&mut request.compression),
            Request::ConvertDatabase(request) => Some(&mut request.compression),
            Request::Infer(_) | Request::TestConnection(_) | Request::Preview(_) => None,
        };
        if let Some(compression) = compression {
            compression.get_or_insert_with(|| self.compression.to_string());
        }
        self.executor.run(task, control).await
    }
}
