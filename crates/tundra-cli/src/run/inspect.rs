//! `tundra inspect`: shows what the engine finds out about an input.

use std::{num::NonZeroU64, sync::Arc};

use tundra_core::{IfExists, InspectOptions, Inspection, SchemaFile, engine};

use crate::{
    args::InspectArgs,
    env::{self, Settings},
    failure::Failure,
    places::{self, SchemaPlace, Source},
    printer::{Level, Printer},
    progress::Bar,
    render::{self, View},
    session,
};

/// Looks at an input and prints what was found, or writes a schema of it.
///
/// # Errors
/// Fails when the input cannot be read as asked, or what is to be written cannot be.
pub(crate) fn run(args: InspectArgs, printer: &Printer) -> Result<(), Failure> {
    let InspectArgs {
        input,
        output,
        overwrite,
        sample_size,
        json,
        format,
        member,
        types,
        text,
        nulls,
        json_hints,
        workbook,
        unpacking,
        resources,
    } = args;
    let options = InspectOptions {
        format,
        member,
        max_unpacked: unpacking.into_limit(),
        text: text.into_hints(),
        json: json_hints.into_hints(),
        workbook: workbook.into_hints(),
        types: types.into(),
        null_words: nulls.into_words(),
        sample_size: sample_size.map(NonZeroU64::get),
    };
    if json && output.as_deref() == Some("-") {
        return Err(Failure::usage(
            "`--json` and the schema would both go to standard output",
            "name a file for the schema with `-o`",
        ));
    }
    let (resources, timeout) = resources.resolve(Settings::read()?, engine::default_resources())?;
    let if_exists = if overwrite { IfExists::Replace } else { IfExists::Fail };
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let inspection = session::run(timeout, async |session| {
        let source = Source::locate(&input, &stores).await?;
        let input = source.shown(&input);
        let place = match &output {
            Some(output) => Some(SchemaPlace::locate(output, &input, if_exists, &stores).await?),
            None => None,
        };
        let source = session.open(source, resources.temp_directory.clone(), &bar).await?;
        let control = session.control(&bar);
        let found = engine::inspect(&source, &options, &resources, &control).await?;
        let file = match place {
            Some(place) => write_schema(place, &found, &bar, printer).await?,
            None => None,
        };
        Ok((found, input, file))
    });
    bar.clear();
    let (inspection, input, file) = inspection?;
    if json {
        return printer.json(&inspection);
    }
    if output.is_some() {
        for warning in &inspection.warnings {
            printer.warning(&format!("{}: {}", warning.code, warning.message));
        }
        if let Some(file) = file {
            printer.note(&render::schema_written(&input, &file, &inspection));
        }
        return Ok(());
    }
    let view =
        View { width: render::terminal_width(), everything: printer.level() > Level::Normal };
    printer.data(&render::inspection(&input, &inspection, view))
}

/// Writes the schema, and returns the name of the file that it went to.
async fn write_schema(
    place: SchemaPlace,
    found: &Inspection,
    bar: &Bar,
    printer: &Printer,
) -> Result<Option<String>, Failure> {
    let text = SchemaFile::from_inspection(found).explained(found);
    match place {
        SchemaPlace::StandardOutput => {
            bar.clear();
            printer.data(&text)?;
            Ok(None)
        }
        SchemaPlace::File { output, shown } => {
            let written = places::write(output, text).await;
            written.map_err(|source| Failure::SchemaPlace { source })?;
            Ok(Some(shown))
        }
    }
}
