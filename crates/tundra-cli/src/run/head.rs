//! `tundra head`: shows the first rows of an input.

use std::sync::Arc;

use tundra_core::{OutputFormat, engine};

use crate::{
    args::HeadArgs,
    env::{self, Settings},
    failure::Failure,
    places::Source,
    printer::Printer,
    progress::Bar,
    render, session,
};

/// Reads the first rows of an input and prints them.
///
/// # Errors
/// Fails when the input cannot be read as asked.
pub(crate) fn run(args: HeadArgs, printer: &Printer) -> Result<(), Failure> {
    let HeadArgs { input, rows, json, reading, resources } = args;
    let options = reading.into_inspect_options(None);
    let (resources, timeout) = resources.resolve(Settings::read()?, engine::default_resources())?;
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let head = session::run(timeout, async |session| {
        let source = Source::locate(&input, &stores).await?;
        let source = session.open(source, resources.temp_directory.clone(), &bar).await?;
        let control = session.control(&bar);
        Ok(engine::head(&source, &options, rows, &resources, &control).await?)
    });
    bar.clear();
    let head = head?;
    if head.left_out > 0 {
        let records = render::counted(head.left_out, "record");
        printer.warning(&format!(
            "{records} cannot be read and are left out; `tundra inspect` says why"
        ));
    }
    if json {
        let lines = head.rows.encode(OutputFormat::Ndjson)?;
        // JSON is UTF-8.
        return printer.data(&String::from_utf8_lossy(&lines));
    }
    let shown = render::rows(&head.rows, render::terminal_width());
    printer.data(&shown.table)?;
    printer.note(&shown.note);
    Ok(())
}
