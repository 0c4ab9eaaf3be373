//! Why a run ended without an answer, and what its caller is told: [`Death`].
//!
//! What a dying process wrote is in the log and not told: nobody knows what it holds.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use axum::http::StatusCode;
use tundra_core::{Error, ErrorKind};

use crate::Failure;

/// The code of a run that ended without an answer.
const CRASHED: &str = "run_crashed";

/// The code of a run that took more memory than it may.
const MEMORY: &str = "memory_limit";

/// SIGKILL: nobody can hear it, and the kernel sends it where memory is out.
const KILL: i32 = 9;

/// A share of what a run may take, in percent.
const NEARLY_ALL: u64 = 90;

/// Why a run ended without an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Death {
    /// It took this much memory, and was ended by us.
    Memory {
        /// What it took, in bytes.
        taken: u64,
    },
    /// It was refused memory, and ended itself.
    RefusedMemory,
    /// It was to stop, and did not in time, so that it was ended by us.
    Stopped(Stop),
    /// It said what no run says, and was ended by us.
    Nonsense,
    /// It ended by itself, or somebody else ended it.
    Ended(ExitStatus),
}

/// Why a run was to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody wanted it to.
    Cancelled,
    /// It had taken as long as it may.
    Late(Duration),
}

impl Death {
    /// Returns why a process is dead that ended with this status and took `most` bytes of memory when it was
    /// last looked at.
    pub(super) fn of(status: ExitStatus, most: u64, limit: u64) -> Self {
        // The kernel kills without a word where a container has no memory left; whoever took nearly all that
        // it may is the one it takes.
        if status.signal() == Some(KILL) && most >= limit / 100 * NEARLY_ALL {
            return Self::Memory { taken: most };
        }
        Self::Ended(status)
    }

    /// Returns what the caller is told; `limit` is the memory that the run may take.
    pub(super) fn failure(&self, limit: u64) -> Failure {
        match self {
            Self::Memory { taken } => out_of_memory(format!(
                "the run took {} of memory, and a run may take {}",
                mebibytes(*taken),
                mebibytes(limit)
            )),
            Self::RefusedMemory => out_of_memory(format!(
                "the run wanted more memory than the {} that a run may take",
                mebibytes(limit)
            )),
            Self::Stopped(Stop::Cancelled) => Failure::of(&Error::Cancelled),
            Self::Stopped(Stop::Late(limit)) => Failure::of(&Error::Timeout(*limit)),
            Self::Nonsense => crashed("the run gave an answer that makes no sense"),
            Self::Ended(status) => match (status.signal(), status.code()) {
                (Some(KILL), _) => crashed(
                    "the run was killed from outside, as the system does where memory is out",
                ),
                (Some(signal), _) => {
                    let name = signal_name(signal);
                    crashed(format!("the run crashed with signal {signal} ({name})"))
                }
                (None, code) => {
                    let code = code.map_or_else(|| "unknown".to_owned(), |code| code.to_string());
                    crashed(format!("the run ended with exit code {code} and without an answer"))
                }
            },
        }
    }
}

fn out_of_memory(detail: String) -> Failure {
    let status = StatusCode::from_u16(ErrorKind::LimitExceeded.http_status());
    Failure::new(status.unwrap_or(StatusCode::PAYLOAD_TOO_LARGE), MEMORY, detail)
        .hint(
            "convert a smaller part of the input at a time, or one with fewer and shorter columns",
        )
        .hint(
            "whoever runs the service can give runs more memory: fewer at once with \
             `MAX_CONCURRENT_RUNS`, or a larger machine",
        )
}

fn crashed(detail: impl Into<String>) -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, CRASHED, detail)
        .hint("ask for it again; nothing of the run is visible, and no other run is affected")
        .hint("where it happens again, the service's log has what the run said under this request's id")
}

/// Returns a number of bytes as a person would say it.
fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// Returns what is known of a signal that ends a process.
const fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => "an illegal instruction",
        6 => "aborted",
        7 => "an access to memory that is not there",
        8 => "an impossible calculation",
        11 => "an access to memory that is not its own",
        15 => "terminated",
        24 => "too much time of the processor",
        25 => "too large a file",
        31 => "a forbidden system call",
        _ => "a signal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(death: &Death) -> (u16, String, String) {
        let failure = death.failure(512 << 20);
        (failure.status, failure.code, failure.detail)
    }

    #[test]
    fn a_run_without_memory_is_told_from_one_that_crashed() {
        let (status, code, detail) = told(&Death::Memory { taken: 600 << 20 });
        assert_eq!((status, code.as_str()), (413, "memory_limit"));
        assert_eq!(detail, "the run took 600 MiB of memory, and a run may take 512 MiB");
        assert_eq!(told(&Death::RefusedMemory).1, "memory_limit");

        let segfault = Death::Ended(ExitStatus::from_raw(11));
        let (status, code, detail) = told(&segfault);
        assert_eq!((status, code.as_str()), (500, "run_crashed"));
        assert!(detail.contains("signal 11"), "{detail}");
        let killed = |most: u64| Death::of(ExitStatus::from_raw(KILL), most << 20, 512 << 20);
        assert_eq!(told(&killed(100)).1, "run_crashed");
        assert_eq!(told(&killed(500)).1, "memory_limit");
        let (_, code, detail) = told(&Death::Ended(ExitStatus::from_raw(101 << 8)));
        assert_eq!(code, "run_crashed");
        assert!(detail.contains("exit code 101"), "{detail}");
    }

    #[test]
    fn a_run_that_was_to_stop_is_told_as_if_it_had_stopped() {
        assert_eq!(told(&Death::Stopped(Stop::Cancelled)).1, "cancelled");
        let late = Death::Stopped(Stop::Late(Duration::from_secs(600)));
        assert_eq!((told(&late).0, told(&late).1.as_str()), (504, "timeout"));
    }
}
