//! `tundra check`: says what readers would choke on of a Parquet file.

use std::sync::Arc;

use tundra_core::engine;

use crate::{
    args::CheckArgs,
    env::{self, Settings},
    failure::Failure,
    places::Source,
    printer::Printer,
    progress::Bar,
    render, session,
};

/// Checks a file and prints what was found.
///
/// # Errors
/// Fails when the file cannot be read or is not Parquet, and with [`Failure::Unportable`] when a reader would
/// refuse or lose something of it.
pub(crate) fn run(args: CheckArgs, printer: &Printer) -> Result<(), Failure> {
    let CheckArgs { input, readers, json, resources } = args;
    let (resources, timeout) = resources.resolve(Settings::read()?, engine::default_resources())?;
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let checked = session::run(timeout, async |session| {
        let source = Source::locate(&input, &stores).await?;
        let shown = source.shown(&input);
        let source = session.open(source, resources.temp_directory.clone(), &bar).await?;
        let control = session.control(&bar);
        Ok((engine::check(&source, &readers, &resources, &control).await?, shown))
    });
    bar.clear();
    let (checked, shown) = checked?;
    if json {
        printer.json(&checked)?;
    } else {
        printer.data(&render::checked(&shown, &checked, render::terminal_width()))?;
    }
    let bad = checked.bad().count() as u64;
    if bad == 0 {
        return Ok(());
    }
    let mut readers: Vec<&str> = checked.bad().map(|finding| finding.reader.title()).collect();
    readers.dedup();
    Err(Failure::Unportable { input: shown, bad, readers: readers.join(", ") })
}
