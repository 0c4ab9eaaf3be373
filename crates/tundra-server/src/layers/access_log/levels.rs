//! What is logged, and how that is changed while the service runs: [`LogLevels`] and [`LogHandle`].

use std::{fmt, str::FromStr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Registry, filter::Targets, reload};

/// Which events are logged: a level, and other levels for parts of the program.
///
/// # Examples
/// ```
/// use tundra_server::LogLevels;
///
/// let levels: LogLevels = "info,tundra_core=debug".parse()?;
/// assert_eq!(levels.to_string(), "tundra_core=debug,info");
/// assert!("dbug".parse::<LogLevels>().is_err());
/// # Ok::<(), tundra_server::LogLevelsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LogLevels(Targets);

/// A text that does not say what is logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{directive}` does not say what is logged: it must be {form}", form = LogLevels::FORM)]
pub struct LogLevelsError {
    directive: String,
}

/// Changes what is logged, while the service runs.
#[derive(Debug, Clone)]
pub struct LogHandle(reload::Handle<Targets, Registry>);

impl LogLevels {
    /// What a text may be that says it, for whoever has to write one.
    pub const FORM: &str = "a level (`off`, `error`, `warn`, `info`, `debug` or `trace`), or levels of parts \
                            of the program such as `tundra_core=trace,warn`";

    /// Everything up to a level.
    pub fn up_to(level: LevelFilter) -> Self {
        Self(Targets::new().with_default(level))
    }
}

impl FromStr for LogLevels {
    type Err = LogLevelsError;

    /// Reads levels with commas between them. The parser of the library takes every word for the name of a
    /// part of the program, so that a misspelt level would show nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |directive: &str| LogLevelsError { directive: directive.to_owned() };
        let mut targets = Targets::new();
        let mut is_empty = true;
        for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            let level = |text: &str| text.parse::<LevelFilter>().map_err(|_| wrong(directive));
            targets = match directive.split_once('=') {
                None => targets.with_default(level(directive)?),
                // The library takes no text at all for a level.
                Some((target, text)) if is_path(target) && !text.is_empty() => {
                    targets.with_target(target, level(text)?)
                }
                Some(_) => return Err(wrong(directive)),
            };
            is_empty = false;
        }
        if is_empty { Err(wrong(text)) } else { Ok(Self(targets)) }
    }
}

impl fmt::Display for LogLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<LogLevels> for Targets {
    /// Returns the filter of a log whose levels stay as they are.
    fn from(levels: LogLevels) -> Self {
        levels.0
    }
}

impl LogHandle {
    /// Makes the filter that stands under all layers of the log, and the handle that changes it.
    pub fn new(levels: LogLevels) -> (reload::Layer<Targets, Registry>, Self) {
        let (layer, handle) = reload::Layer::new(levels.0);
        (layer, Self(handle))
    }

    /// Returns what is logged; nothing when the log is not there any more.
    pub fn levels(&self) -> Option<LogLevels> {
        self.0.clone_current().map(LogLevels)
    }

    /// Logs this from now on. Returns whether that could be done: not when the log is not there any more.
    pub fn set(&self, levels: LogLevels) -> bool {
        self.0.reload(levels.0).is_ok()
    }
}

/// Returns whether it could name a module.
fn is_path(target: &str) -> bool {
    target.split("::").all(|part| {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !part.is_empty() && part.bytes().all(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_a_level_and_those_of_parts_of_the_program() {
        for text in ["debug", "INFO", "off", "3", "tundra_core=trace,warn", " a::b=off , error ,"] {
            let levels: LogLevels = text.parse().unwrap();
            assert_eq!(levels.to_string().parse(), Ok(levels), "{text}");
        }
        for text in
            ["", ",", "!!", "dbug", "tundra_core", "a=b=c", "a=", "=info", "a-b=info", "a:b=info"]
        {
            assert!(text.parse::<LogLevels>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_handle_changes_what_is_logged_as_long_as_there_is_a_log() {
        let (layer, handle) = LogHandle::new(LogLevels::up_to(LevelFilter::WARN));
        assert_eq!(handle.levels().unwrap().to_string(), "warn");
        assert!(handle.set("tundra_core=debug,info".parse().unwrap()));
        assert_eq!(handle.levels().unwrap().to_string(), "tundra_core=debug,info");
        drop(layer);
        assert!(handle.levels().is_none());
        assert!(!handle.set(LogLevels::up_to(LevelFilter::WARN)));
    }
}
