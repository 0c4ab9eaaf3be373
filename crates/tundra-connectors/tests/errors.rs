//! What an error must be, and must not show.

use std::error::Error;

use tundra_core::{ConnectorError, ErrorKind};

/// A password that opens nothing, and is not to be seen either.
pub(crate) const WRONG: &str = "a-password-that-is-wrong";

/// Fails unless the error is of the kind, has the words, and shows none of the secrets: not in its text, its
/// hints, its causes, nor to a debugger.
#[track_caller]
pub(crate) fn expect(error: &ConnectorError, kind: ErrorKind, words: &[&str], secrets: &[&str]) {
    let mut shown = format!("{error} {error:?} {}", error.hints.join(" "));
    let mut cause = error.source();
    while let Some(it) = cause {
        shown.push_str(&format!(" {it} {it:?}"));
        cause = it.source();
    }
    assert_eq!(error.kind, kind, "{shown}");
    for words in words {
        assert!(shown.contains(words), "`{words}` is not in {shown}");
    }
    for secret in secrets {
        assert!(!shown.contains(secret), "{shown}");
    }
}
