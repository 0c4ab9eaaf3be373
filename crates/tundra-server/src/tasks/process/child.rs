//! The side of a run: a process that does one task and ends. Start at [`serve_task`].
//!
//! Whoever started it is heard and told over the two ends of a pipe, and nothing else: it listens on no port
//! and asks nobody for work.

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, BufReader},
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tundra_core::{Cancel, Control, Progress, Reporter, Stage};

use super::protocol::{self, Assignment, Event, LONGEST_LINE};
use crate::{
    Failure,
    tasks::{Answer, Workshop},
};

/// How often progress is told, at most. Nobody reads faster.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// How long the task may go on after it was to stop. Whoever started this process has ended it before that,
/// if it is still there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads one task, does it, and tells how far it is and what came of it. Must be called within a Tokio
/// runtime with I/O and time.
///
/// The task is cancelled when the input ends, which is also how a service that is gone is noticed, and by
/// SIGTERM. What is returned says whether the task was heard, done and told, which only people look at.
pub async fn serve_task(
    workshop: Workshop,
    stdin: impl AsyncRead + Send + Unpin + 'static,
    mut stdout: impl AsyncWrite + Unpin,
) -> ExitCode {
    let mut stdin = BufReader::new(stdin);
    let told = match assignment(&mut stdin).await {
        Ok(assignment) => {
            let cancel = Cancel::default();
            let listening = tokio::spawn(listen(stdin, cancel.clone()));
            let told = do_and_tell(&workshop, assignment, &cancel, &mut stdout).await;
            listening.abort();
            told
        }
        Err(failure) => {
            let told = protocol::write(&mut stdout, &Event::Failure(Box::new(failure))).await;
            told.is_ok().then_some(ExitCode::FAILURE)
        }
    };
    told.unwrap_or(ExitCode::FAILURE)
}

/// Reads what is to be done.
async fn assignment(stdin: &mut (impl AsyncBufRead + Unpin)) -> Result<Assignment, Failure> {
    let mut line = Vec::new();
    let read = stdin.take(LONGEST_LINE as u64).read_until(b'\n', &mut line).await;
    if let Err(error) = read {
        return Err(internal(format!("could not read the task of the run: {error}")));
    }
    // What is wrong with it would repeat what it holds.
    serde_json::from_slice(&line).map_err(|error| {
        internal(format!("the task of the run makes no sense at byte {}", error.column()))
    })
}

/// Throws the switch when the input ends, and when the system wants this process to end.
async fn listen(mut stdin: impl AsyncRead + Unpin, cancel: Cancel) {
    let input_ends = async {
        let mut nothing = [0; 64];
        while matches!(stdin.read(&mut nothing).await, Ok(read) if read > 0) {}
    };
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            // Without a handler the signal ends the process, and the service sees that.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = input_ends => {}
        () = terminated => {}
    }
    cancel.cancel();
}

/// Does the task; `None` when there was nobody to tell, and when it did not stop.
async fn do_and_tell(
    workshop: &Workshop,
    assignment: Assignment,
    cancel: &Cancel,
    stdout: &mut (impl AsyncWrite + Unpin),
) -> Option<ExitCode> {
    let (teller, mut news) = Teller::new();
    let timeout = assignment.timeout();
    let control = Control { reporter: Arc::new(teller), cancel: cancel.clone(), timeout };
    let mut work = Box::pin(workshop.perform(assignment.task, control));
    let mut looks = interval(TELL_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut patience = PATIENCE;
    let done: Result<Answer, Failure> = loop {
        let event = tokio::select! {
            done = &mut work => break done,
            Some(stage) = news.stages.recv() => Event::stage(stage),
            _ = looks.tick() => {
                if cancel.is_cancelled() {
                    patience = patience.checked_sub(TELL_EVERY)?;
                }
                match news.progress() {
                    Some(progress) => Event::Progress(progress.into()),
                    None => continue,
                }
            }
        };
        if protocol::write(stdout, &event).await.is_err() {
            // Nobody is there any more. The task is not dropped, so that it clears away what it began.
            cancel.cancel();
        }
    };
    let (event, code) = match done {
        Ok(answer) => (Event::Answer(Box::new(answer)), ExitCode::SUCCESS),
        Err(failure) => (Event::Failure(Box::new(failure)), ExitCode::FAILURE),
    };
    protocol::write(stdout, &event).await.ok()?;
    Some(code)
}

fn internal(detail: String) -> Failure {
    Failure::of_kind(tundra_core::ErrorKind::Internal, detail)
}

/// Takes in what the engine reports, from any thread and at once.
#[derive(Debug)]
struct Teller {
    stages: mpsc::UnboundedSender<Stage>,
    progress: watch::Sender<Progress>,
}

/// What was reported and is to be told.
struct News {
    stages: mpsc::UnboundedReceiver<Stage>,
    progress: watch::Receiver<Progress>,
}

impl Teller {
    fn new() -> (Self, News) {
        // A run has a handful of stages.
        let (stages, new_stages) = mpsc::unbounded_channel();
        let (progress, new_progress) = watch::channel(Progress::default());
        (Self { stages, progress }, News { stages: new_stages, progress: new_progress })
    }
}

impl News {
    /// Returns how far the stage is, unless that was told.
    fn progress(&mut self) -> Option<Progress> {
        match self.progress.has_changed() {
            Ok(true) => Some(*self.progress.borrow_and_update()),
            Ok(false) | Err(_) => None,
        }
    }
}

impl Reporter for Teller {
    fn stage(&self, stage: Stage) {
        // Nobody hears it any more once the task is done.
        let _ = self.stages.send(stage);
    }

    fn progress(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }
}
