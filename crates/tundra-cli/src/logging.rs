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
        Some(text) => text.parse::<Targets>().map_err(|error| Failure::Environment {
            variable: env::log_variable(),
            value: text,
            reason: error.to_string(),
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
