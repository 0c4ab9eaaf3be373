//! Sets up the log, once, on standard error.
//!
//! Libraries emit `tracing` events; this chooses which are shown. It writes nothing by itself.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{
    env,
    failure::Failure,
    printer::{Level, Printer},
};

/// Shows the events that the flags or the environment ask for.
///
/// # Errors
/// Fails when the environment asks for something that is no filter.
pub(crate) fn set_up(printer: &Printer) -> Result<(), Failure> {
    let filter = match env::log_filter() {
        Some(text) => targets(&text).ok_or_else(|| Failure::Environment {
            variable: env::log_variable(),
            value: text,
            reason: FORM.to_owned(),
        })?,
        None => Targets::new().with_default(match printer.level() {
            Level::Quiet => LevelFilter::ERROR,
            Level::Normal => LevelFilter::WARN,
            Level::Verbose => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        }),
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(printer.level() == Level::Debug)
        .with_timer(tracing_subscriber::fmt::time::uptime())
        .with_writer(LogWriter(printer.clone()));
    // Setting it a second time fails, and the first one stays: nothing to tell.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
    Ok(())
}

/// What the environment may ask for.
const FORM: &str = "it must be a level (`off`, `error`, `warn`, `info`, `debug` or `trace`), or levels \
                    of parts of the program such as `tundra_core=trace,warn`";

/// Reads which events are shown; `None` when that is no filter. The parser of the library takes every
/// word for the name of a part of the program, so that a misspelt level would show nothing.
fn targets(text: &str) -> Option<Targets> {
    let mut targets = Targets::new();
    for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        targets = match directive.split_once('=') {
            None => targets.with_default(directive.parse::<LevelFilter>().ok()?),
            Some((target, level)) if is_path(target) && !level.is_empty() => {
                targets.with_target(target, level.parse::<LevelFilter>().ok()?)
            }
            Some(_) => return None,
        };
    }
    Some(targets)
}

/// Returns whether it could name a module.
fn is_path(target: &str) -> bool {
    target.split("::").all(|part| {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !part.is_empty() && part.bytes().all(is_word)
    })
}

/// Writes log lines past the progress bar.
#[derive(Debug, Clone)]
struct LogWriter(Printer);

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.stderr(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_parts_of_the_program_with_levels() {
        for text in ["debug", "INFO", "off", "3", "tundra_core=trace,warn", " a::b=off , error ,"] {
            assert!(targets(text).is_some(), "{text}");
        }
        for text in ["!!", "dbug", "tundra_core", "a=b=c", "a=", "=info", "a-b=info", "a:b=info"] {
            assert!(targets(text).is_none(), "{text}");
        }
    }
}
