//! `tundra schema`: shows the columns of an input.

use std::sync::Arc;

use tundra_core::engine;

use crate::{
    args::SchemaArgs,
    env::{self, Settings},
    failure::Failure,
    places::Source,
    printer::Printer,
    progress::Bar,
    render, session,
};

/// Finds out the columns of an input and prints them.
///
/// # Errors
/// Fails when the input cannot be read as asked.
pub(crate) fn run(args: SchemaArgs, printer: &Printer) -> Result<(), Failure> {
    let SchemaArgs { input, quick, json, reading, resources } = args;
    // How much is looked at without it is the engine's to say: about a thousand records.
    let options = reading.into_inspect_options(quick.then_some(1));
    let (resources, timeout) = resources.resolve(Settings::read()?, engine::default_resources())?;
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let found = session::run(timeout, async |session| {
        let source = Source::locate(&input, &stores).await?;
        let source = session.open(source, resources.temp_directory.clone(), &bar).await?;
        let control = session.control(&bar);
        Ok(engine::columns(&source, &options, &resources, &control).await?)
    });
    bar.clear();
    let found = found?;
    if json {
        return printer.json(&found);
    }
    printer.data(&render::schema(&found.columns, render::terminal_width()))?;
    if !found.complete {
        printer.note("the types are of the beginning of the file; what follows may need others\n");
    }
    Ok(())
}
