//! The log of a run, which becomes a part of the service's.
//!
//! What a run writes to standard error is passed on line by line in the span of its request, so that it has
//! that request's id. None of it is told to a caller.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tracing::Level;

/// The longest line that is passed on whole, in bytes.
const LONGEST: u64 = 8 << 10;

/// What Rust says before it aborts because there is no memory.
const OUT_OF_MEMORY: &str = "memory allocation of ";

/// What was seen in the log of a run that tells why it died.
#[derive(Debug, Default)]
pub(super) struct Clues {
    out_of_memory: AtomicBool,
}

impl Clues {
    /// Returns whether the run said that it was refused memory.
    pub(super) fn out_of_memory(&self) -> bool {
        self.out_of_memory.load(Ordering::Relaxed)
    }

    fn look(&self, line: &str) {
        if line.starts_with(OUT_OF_MEMORY) {
            self.out_of_memory.store(true, Ordering::Relaxed);
        }
    }
}

/// Passes on every line until the run closes its end.
pub(super) async fn pass_on(from: impl AsyncRead + Unpin, process: u32, clues: &Clues) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        // What is longer becomes several lines.
        match (&mut from).take(LONGEST).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        clues.look(text);
        tell(text, process);
    }
}

/// Passes on one line at the level with which it begins. What has none was written by something that dies.
fn tell(text: &str, process: u32) {
    match split(text) {
        (Level::ERROR, text) => tracing::error!(process, text, "a run says"),
        (Level::WARN, text) => tracing::warn!(process, text, "a run says"),
        (Level::INFO, text) => tracing::info!(process, text, "a run says"),
        (Level::DEBUG, text) => tracing::debug!(process, text, "a run says"),
        (_, text) => tracing::trace!(process, text, "a run says"),
    }
}

fn split(text: &str) -> (Level, &str) {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    match levels.into_iter().find(|level| level.as_str() == first) {
        Some(level) => (level, rest.trim_start()),
        None => (Level::WARN, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_level_with_which_it_begins() {
        assert_eq!(split("INFO tundra: stage begins"), (Level::INFO, "tundra: stage begins"));
        assert_eq!(split("ERROR"), (Level::ERROR, ""));
        let panicked = "thread 'main' panicked at src/x.rs";
        assert_eq!(split(panicked), (Level::WARN, panicked));
    }

    #[tokio::test]
    async fn a_run_without_memory_is_known_by_what_it_says() {
        let clues = Clues::default();
        pass_on(&b"INFO a\n\xff\n"[..], 1, &clues).await;
        assert!(!clues.out_of_memory());
        pass_on(&b"memory allocation of 4096 bytes failed"[..], 1, &clues).await;
        assert!(clues.out_of_memory());
    }
}
