//! The one place that writes to the terminal.
//!
//! Start at [`Printer`]. Data goes to standard output and everything else to standard error; the
//! flags decide what is said at all. What comes from files and names is shown with its control
//! characters escaped, so that no input can drive the user's terminal. Colour only repeats what the
//! words say.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::Value;

use crate::{args::ConsoleArgs, env, failure::Failure};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Errors only.
    Quiet,
    /// Progress, the summary and warnings.
    Normal,
    /// The log of what is being done, instead of the progress bar.
    Verbose,
    /// The log with details.
    Debug,
}

/// Writes what the user sees.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    level: Level,
    json: bool,
    color: bool,
    progress: bool,
    /// The bar that is on the screen while something else is written; hidden until it is shown.
    bar: ProgressBar,
}

impl Printer {
    /// Returns the printer that the flags ask for. With `json` the command's result and its errors
    /// are JSON.
    pub(crate) fn new(console: ConsoleArgs, json: bool) -> Self {
        let ConsoleArgs { quiet, verbose, no_progress } = console;
        let level = match (quiet, verbose) {
            (true, _) => Level::Quiet,
            (false, 0) => Level::Normal,
            (false, 1) => Level::Verbose,
            (false, _) => Level::Debug,
        };
        let terminal = io::stderr().is_terminal();
        Self {
            level,
            json,
            color: terminal && env::allows_color(),
            // A log between the drawings of a bar is unreadable, so being verbose hides the bar.
            progress: terminal
                && level == Level::Normal
                && !json
                && !no_progress
                && env::allows_progress(),
            bar: ProgressBar::hidden(),
        }
    }

    /// Returns a printer for errors of a command line that could not be read.
    pub(crate) fn for_errors(json: bool) -> Self {
        Self {
            level: Level::Normal,
            json,
            color: io::stderr().is_terminal() && env::allows_color(),
            progress: false,
            bar: ProgressBar::hidden(),
        }
    }

    /// Returns how much is said.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Returns whether results and errors are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Returns the bar, which everything else that is written here knows to make room.
    pub(crate) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Returns where progress is drawn: on standard error, or nowhere.
    pub(crate) fn draw_target(&self) -> ProgressDrawTarget {
        if self.progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
    }

    /// Writes data to standard output.
    ///
    /// When nobody reads it any more that is no failure: `tundra inspect x | head` is a success.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::StandardOutput { source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes a document to standard output, indented.
    pub(crate) fn json(&self, document: &impl serde::Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(document)
            .map_err(|error| Failure::StandardOutput { source: error.into() })?;
        text.push('\n');
        self.data(&text)
    }

    /// Tells the user something that is no data and no error.
    pub(crate) fn note(&self, text: &str) {
        if self.level > Level::Quiet {
            self.stderr(&printable(text));
        }
    }

    /// Tells the user what to look at.
    pub(crate) fn warning(&self, text: &str) {
        if self.level > Level::Quiet {
            self.stderr(&format!("{} {}\n", self.label("warning:", YELLOW), printable(text)));
        }
    }

    /// Tells the user why the command failed, what caused it and what can be done.
    pub(crate) fn error(&self, message: &str, causes: &[String], hints: &[String]) {
        let mut text = format!("{} {}\n", self.label("error:", RED), printable(message));
        for cause in causes {
            text.push_str(&format!("{} {}\n", self.label("caused by:", BOLD), printable(cause)));
        }
        if !hints.is_empty() {
            text.push('\n');
        }
        for hint in hints {
            text.push_str(&format!("{} {}\n", self.label("hint:", CYAN), printable(hint)));
        }
        self.stderr(&text);
    }

    /// Tells a program why the command failed.
    pub(crate) fn error_json(&self, error: &Value) {
        self.stderr(&format!("{error:#}\n"));
    }

    /// Writes to standard error. When that fails there is nobody left to tell.
    pub(crate) fn stderr(&self, text: &str) {
        self.bar.suspend(|| {
            let _ = io::stderr().lock().write_all(text.as_bytes());
        });
    }

    fn label(&self, text: &str, style: &str) -> String {
        if self.color { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const CYAN: &str = "1;36";

/// Returns the text with every control character but the line break escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\tc\nd\u{9b}"), "a\\u{1b}[31mb\\tc\nd\\u{9b}");
    }
}
