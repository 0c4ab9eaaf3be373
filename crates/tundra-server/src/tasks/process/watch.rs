//! One run in a process of its own, from its start to its end: [`run`].
//!
//! The process is listened to, its memory is looked at, and it is stopped when it is to stop. What becomes of
//! the version that it had reserved is not decided here.

use std::{
    io,
    pin::pin,
    time::{Duration, Instant},
};

use futures::StreamExt;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::oneshot,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tundra_core::Control;

use super::{
    ProcessLimits,
    death::{Death, Stop},
    log::{self, Clues},
    memory::resident,
    protocol::{self, Assignment, Event, LONGEST_LINE, stage_named},
    sum::{Part, Sum},
};
use crate::{Failure, tasks::Answer};

/// How often the memory of a run is looked at, and whether it is to stop. A run fills some hundred megabytes
/// in this time.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long what a dead run wrote last is waited for.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// What came of it.
    pub(super) end: End,
    /// A stage had begun, which none does before there is a version.
    pub(super) had_begun: bool,
}

/// What came of a run.
#[derive(Debug)]
pub(super) enum End {
    /// It did what it was asked.
    Answered(Box<Answer>),
    /// It says why it did not, and has cleared away what it had begun.
    Failed(Box<Failure>),
    /// It ended without saying anything.
    Died(Death),
}

/// Starts a process, has it do its assignment, and returns how it ended. The process is gone then.
///
/// # Errors
/// Fails when there can be no process.
pub(super) async fn run(
    command: &mut Command,
    assignment: &Assignment,
    control: &Control,
    limits: ProcessLimits,
    sum: &Sum,
) -> io::Result<Ended> {
    let line = protocol::line(assignment)?;
    let mut child = command.spawn()?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(io::Error::other("the process has no pipes"));
    };
    let process = child.id().unwrap_or_default();
    tracing::debug!(process, kind = assignment.task.kind(), "a run begins");
    let clues = Clues::default();
    let (close, closed) = oneshot::channel();
    let mut watch = Watch {
        child,
        process,
        close: Some(close),
        stop: None,
        began: Instant::now(),
        had_begun: false,
        most: 0,
        part: sum.add(),
        control,
        limits,
    };
    let mut beside = pin!(async {
        tokio::join!(feed(stdin, line, closed), log::pass_on(stderr, process, &clues))
    });
    let mut is_alone = false;
    let end = {
        let mut watching = pin!(watch.until_the_end(stdout));
        tokio::select! {
            end = &mut watching => end,
            _ = &mut beside => {
                is_alone = true;
                watching.await
            }
        }
    };
    if !is_alone {
        // Whoever inherited its standard error could keep it open for ever.
        let _ = timeout(LAST_WORDS, beside).await;
    }
    let end = match end {
        End::Died(Death::Ended(_)) if clues.out_of_memory() => End::Died(Death::RefusedMemory),
        end => end,
    };
    tracing::debug!(process, most_memory = watch.most, "a run has ended");
    Ok(Ended { end, had_begun: watch.had_begun })
}

/// Writes the assignment, and keeps the pipe open until it is to be closed, by which the run is told to stop.
async fn feed(mut stdin: ChildStdin, line: Vec<u8>, mut closed: oneshot::Receiver<()>) {
    let writing = async {
        // A run that dies before it has read this is known by its end.
        if stdin.write_all(&line).await.is_ok() {
            let _ = stdin.flush().await;
        }
    };
    tokio::select! {
        () = writing => {}
        _ = &mut closed => return,
    }
    let _ = closed.await;
}

/// A process that is watched.
struct Watch<'a> {
    child: Child,
    process: u32,
    /// Closes its standard input when it is dropped.
    close: Option<oneshot::Sender<()>>,
    /// Why it is to stop, and until when it has time for that.
    stop: Option<(Stop, Instant)>,
    began: Instant,
    had_begun: bool,
    /// The most memory that it was seen to take.
    most: u64,
    /// What it takes, as a part of what all do.
    part: Part,
    control: &'a Control,
    limits: ProcessLimits,
}

impl Watch<'_> {
    /// Listens until there is an end, and sees to it that the process is gone.
    async fn until_the_end(&mut self, stdout: ChildStdout) -> End {
        let codec = LinesCodec::new_with_max_length(LONGEST_LINE);
        let mut lines = FramedRead::new(stdout, codec);
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            let end = tokio::select! {
                line = lines.next() => self.hear(line).await,
                _ = looks.tick() => self.look().map(End::Died),
            };
            if let Some(end) = end {
                break end;
            }
        };
        // Dropped, so that a process that waits for whatever reason does not.
        self.close = None;
        let has_time = !matches!(end, End::Died(_));
        if has_time && timeout(self.limits.grace, self.child.wait()).await.is_ok() {
            return end;
        }
        self.kill().await;
        end
    }

    /// Takes in a line, or that there are no more.
    async fn hear(&mut self, line: Option<Result<String, LinesCodecError>>) -> Option<End> {
        let line = match line {
            Some(Ok(line)) => line,
            Some(Err(LinesCodecError::Io(error))) if error.kind() != io::ErrorKind::InvalidData => {
                return Some(self.silent().await);
            }
            Some(Err(_)) => return Some(self.nonsense()),
            None => return Some(self.silent().await),
        };
        match serde_json::from_str(&line) {
            Ok(Event::Stage(name)) => {
                self.had_begun = true;
                if let Some(stage) = stage_named(&name) {
                    self.control.reporter.stage(stage);
                }
                None
            }
            Ok(Event::Progress(so_far)) => {
                self.control.reporter.progress(so_far.into());
                None
            }
            Ok(Event::Answer(answer)) => Some(End::Answered(answer)),
            Ok(Event::Failure(failure)) => Some(End::Failed(failure)),
            // What it said may be anything, and is not told.
            Err(_) => Some(self.nonsense()),
        }
    }

    fn nonsense(&self) -> End {
        tracing::error!(process = self.process, "a run wrote what no run writes");
        End::Died(Death::Nonsense)
    }

    /// Finds out why there is nothing more to hear.
    async fn silent(&mut self) -> End {
        let ended = timeout(self.limits.grace, self.child.wait()).await;
        End::Died(match (self.stop, ended) {
            (Some((stop, _)), _) => Death::Stopped(stop),
            (None, Ok(Ok(status))) => Death::of(status, self.most, self.limits.memory_per_run),
            // It lives on and has nothing to say, which no run does.
            (None, _) => Death::Nonsense,
        })
    }

    /// Looks whether the process may go on, and returns why it may not.
    fn look(&mut self) -> Option<Death> {
        let taken = resident(self.process).unwrap_or_default();
        self.most = self.most.max(taken);
        self.part.takes(taken);
        if taken > self.limits.memory_per_run {
            return Some(Death::Memory { taken });
        }
        let now = Instant::now();
        if self.control.cancel.is_cancelled() && self.close.take().is_some() {
            self.stop.get_or_insert((Stop::Cancelled, now + self.limits.grace));
        }
        if let Some(limit) = self.control.timeout
            && now.duration_since(self.began) >= limit
        {
            // It knows by itself that its time is over.
            self.stop.get_or_insert((Stop::Late(limit), now + self.limits.grace));
        }
        match self.stop {
            Some((stop, until)) if now >= until => Some(Death::Stopped(stop)),
            _ => None,
        }
    }

    async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::error!(process = self.process, %error, "could not end the process of a run");
        }
    }
}
