//! `tundra run-task`: does one task for a server, which has started this process for it.

use std::{fs, io, os::fd::AsFd, process::ExitCode, time::Duration};

use tokio::{net::unix::pipe, runtime};
use tundra_core::Resources;
use tundra_server::tasks;

use crate::{
    args::RunTaskArgs,
    failure::Failure,
    logging,
    printer::Printer,
    service::{self, Bounds},
};

/// Threads of the runtime. They only wait: what computes runs on threads of the engine.
const RUNTIME_THREADS: usize = 2;

/// How long it is waited until servers of databases were told to end their queries, and stores to drop what
/// was sent to them.
const ORDERS_LEAVE: Duration = Duration::from_millis(500);

/// Does the task that comes on standard input. What comes of it is told on standard output, so that a task
/// that fails is no failure of this command.
///
/// # Errors
/// Fails when there can be no limit of memory, or something that runs need cannot be used. The server sees a
/// process that ended without an answer.
pub(crate) fn run(args: RunTaskArgs, printer: &Printer) -> Result<(), Failure> {
    // Before anything takes memory.
    tasks::confine(args.memory_limit).map_err(|source| Failure::Start { source })?;
    logging::set_up_run(printer)?;
    let RunTaskArgs {
        memory_limit: _,
        memory,
        threads,
        max_temp_size,
        temp_dir,
        data_directory,
        private_databases,
        places,
    } = args;
    let own_directory = temp_dir.clone();
    let resources = Resources { threads, memory, temp_directory: temp_dir, max_temp_size };
    // The server has the limit of time, and says with the task what is left of it.
    let bounds = Bounds { resources, timeout: None, private_databases };
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .enable_all()
        .build()
        .map_err(|source| Failure::Start { source })?;
    let code = runtime.block_on(async {
        let (workshop, _) = service::workshop(&places, &data_directory, bounds).await?;
        let (stdin, stdout) = pipes().map_err(|source| Failure::Start { source })?;
        let code = tasks::serve_task(workshop, stdin, stdout).await;
        if code != ExitCode::SUCCESS {
            tokio::join!(
                tundra_connectors::orders_sent(ORDERS_LEAVE),
                tundra_storage::uploads_aborted(ORDERS_LEAVE),
            );
        }
        Ok(())
    });
    // A thread may still wait for a store that does not answer.
    runtime.shutdown_background();
    // The server removes it with whatever is in it, as long as there is a server.
    let _ = fs::remove_dir(own_directory);
    code
}

/// Returns standard input and standard output, which a server has made pipes of: of pipes it is heard when they
/// are closed, without a thread that waits for it.
fn pipes() -> io::Result<(pipe::Receiver, pipe::Sender)> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((pipe::Receiver::from_owned_fd(stdin)?, pipe::Sender::from_owned_fd(stdout)?))
}
