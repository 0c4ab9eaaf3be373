//! Sets up the log, once, on standard error.
//!
//! Libraries emit `tracing` events; this chooses which are shown. It writes nothing by itself. A command logs
//! for whoever typed it, a server for whoever runs it, and the process of a run for its server.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{MakeWriter, time::SystemTime},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};
use tundra_server::{LogHandle, LogLevels, json_log, log_panics};

use crate::{
    env::{self, LogFormat},
    failure::Failure,
    printer::{Level, Printer},
};

/// Shows the events that the flags or the environment ask for.
///
/// # Errors
/// Fails when the environment asks for something that is no filter.
pub(crate) fn set_up(printer: &Printer) -> Result<(), Failure> {
    let filter = Targets::from(levels(printer, "warn")?);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(printer.level() == Level::Debug)
        .with_timer(tracing_subscriber::fmt::time::uptime())
        .with_writer(LogWriter(printer.clone()));
    // Setting it a second time fails, and the first one stays: nothing to tell.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
    Ok(())
}

/// Shows the log of the process of a run as its server takes it: a line begins with its level. Which server,
/// and when, that server knows.
///
/// # Errors
/// As [`set_up`].
pub(crate) fn set_up_run(printer: &Printer) -> Result<(), Failure> {
    let filter = Targets::from(levels(printer, "warn")?);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .without_time()
        .with_writer(LogWriter(printer.clone()));
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
    log_panics();
    Ok(())
}

/// Shows the log of a server, with a line for each request, and returns what changes how much of it is
/// shown.
///
/// # Errors
/// As [`set_up`].
pub(crate) fn set_up_server(printer: &Printer) -> Result<LogHandle, Failure> {
    /// Requests, and what becomes of jobs.
    const USUAL: &str =
        "tundra_access=info,tundra_server=info,tundra_jobs=info,tundra_runs=info,warn";
    let levels = levels(printer, USUAL)?;
    let usual = if io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    let is_json = env::log_format()?.unwrap_or(usual) == LogFormat::Json;
    let writer = || LogWriter(printer.clone());
    let json = is_json.then(|| json_log(env::google_project(), writer()).boxed());
    let text = (!is_json).then(|| {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_timer(SystemTime)
            .with_writer(writer())
    });
    let (filter, handle) = LogHandle::new(levels);
    let _ = tracing_subscriber::registry().with(filter).with(json).with(text).try_init();
    log_panics();
    Ok(handle)
}

/// Returns what the environment or the flags ask for, or what is usual where neither does.
fn levels(printer: &Printer, usual: &str) -> Result<LogLevels, Failure> {
    let text = env::log_filter().unwrap_or_else(|| {
        match printer.level() {
            Level::Quiet => "error",
            Level::Normal => usual,
            Level::Verbose => "info",
            Level::Debug => "debug",
        }
        .to_owned()
    });
    text.parse().map_err(|_| Failure::Environment {
        variable: env::log_variable(),
        value: text,
        reason: format!("it must be {}", LogLevels::FORM),
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
