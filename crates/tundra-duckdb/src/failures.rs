//! Where an error of Rust waits while DuckDB carries its number.
//!
//! DuckDB's exceptions are text. An error that a callback returns is kept here under a number, the
//! C++ side throws an exception that carries the number, and when DuckDB reports a failure, the error
//! is taken from here with its type intact.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;

/// The errors of one statement.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    kept: HashMap<u64, Kept>,
}

#[derive(Debug)]
struct Kept {
    error: Error,
    /// What DuckDB was told.
    words: String,
}

impl Failures {
    /// Keeps an error and returns its number, which is never 0, and what DuckDB shall say.
    pub(crate) fn keep(&self, error: Error) -> (u64, String) {
        let words = describe(&error);
        let mut state = self.lock();
        state.last += 1;
        let number = state.last;
        state.kept.insert(number, Kept { error, words: words.clone() });
        (number, words)
    }

    /// Takes the error behind a failure that DuckDB reported, if there is one: by its number, or by
    /// its words, since DuckDB drops the number where it wraps one exception into another.
    pub(crate) fn take(&self, number: u64, message: &str) -> Option<Error> {
        let mut state = self.lock();
        if let Some(kept) = state.kept.remove(&number) {
            return Some(kept.error);
        }
        let said = state.kept.iter().filter(|(_, kept)| message.contains(&kept.words));
        let number = *said.map(|(number, _)| number).min()?;
        state.kept.remove(&number).map(|kept| kept.error)
    }

    /// Forgets the errors that did not make the statement fail.
    pub(crate) fn clear(&self) {
        self.lock().kept.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `work` and returns the message of its panic, should it panic.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Whatever the panic left half-done is behind a failed statement; files and streams are given up
    // after a panic.
    catch_unwind(AssertUnwindSafe(work)).map_err(panic_message)
}

fn panic_message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(payload) => {
                // Its destructor is foreign code as well.
                std::mem::forget(payload);
                "no message".to_owned()
            }
        },
    }
}

/// Returns the error and its causes in one line.
fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
