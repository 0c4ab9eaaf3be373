//! `tundra inspect`: shows what the engine finds out about an input.

use std::{num::NonZeroU64, sync::Arc};

use tundra_core::{InspectOptions, engine};

use crate::{
    args::InspectArgs,
    env::Settings,
    failure::Failure,
    places::Source,
    printer::{Level, Printer},
    progress::Bar,
    render::{self, View},
    session,
};

/// Looks at an input and prints what was found.
///
/// # Errors
/// Fails when the input cannot be read as asked, or standard output cannot be written.
pub(crate) fn run(args: InspectArgs, printer: &Printer) -> Result<(), Failure> {
    let InspectArgs { input, sample_size, json, format, types, text, resources } = args;
    let options = InspectOptions {
        format,
        text: text.into_hints(),
        types: types.into(),
        sample_size: sample_size.map(NonZeroU64::get),
    };
    let (resources, timeout) = resources.resolve(Settings::read()?, engine::default_resources())?;
    let source = Source::locate(&input)?;
    let bar = Arc::new(Bar::new(printer));
    let inspection = session::run(timeout, async |session| {
        let input = session.open(source, resources.temp_directory.clone(), &bar).await?;
        let control = session.control(&bar);
        Ok(engine::inspect(&input, &options, &resources, &control).await?)
    });
    bar.clear();
    let inspection = inspection?;
    if json {
        return printer.json(&inspection);
    }
    let view =
        View { width: render::terminal_width(), everything: printer.level() > Level::Normal };
    printer.data(&render::inspection(&input, &inspection, view))
}
