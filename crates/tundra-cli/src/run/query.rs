//! `tundra query`: asks something of an input.

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use tundra_core::{IfExists, Input, OutputFormat, engine};

use crate::{
    args::{Answer, QueryArgs, values},
    env::{self, Settings},
    failure::Failure,
    places::{Source, Target},
    printer::Printer,
    progress::Bar,
    render,
    session::{self, Session},
};

/// Rows of a table that are shown when nobody says how many: about a screen.
const SHOWN: u64 = 40;

/// Asks and prints the answer, or writes it.
///
/// # Errors
/// Fails when the query is none, when the input cannot be read, or when the answer cannot be written.
pub(crate) fn run(args: QueryArgs, printer: &Printer) -> Result<(), Failure> {
    let QueryArgs {
        sql,
        input,
        output,
        overwrite,
        output_format,
        limit,
        reading,
        writing,
        resources,
    } = args;
    let format = answer_format(output.as_deref(), output_format)?;
    if format.is_some() && limit.is_some() {
        return Err(Failure::usage(
            "`--limit` is for tables, and the answer is written whole",
            "put LIMIT into the query, or ask for a table with `--output-format table`",
        ));
    }
    writing.check(format)?;
    let to = format.unwrap_or_default();
    let options = reading.into_convert_options(to, writing, output.as_deref())?;
    let (resources, timeout) = resources.resolve(Settings::read()?, engine::default_resources())?;
    let if_exists = if overwrite { IfExists::Replace } else { IfExists::Fail };
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let open = async |session: &Session, source| -> Result<Input, Failure> {
        session.open(source, resources.temp_directory.clone(), &bar).await
    };
    let Some(format) = format else {
        let rows = session::run(timeout, async |session| {
            let source = open(session, Source::locate(&input, &stores).await?).await?;
            let control = session.control(&bar);
            let limit = limit.unwrap_or(SHOWN);
            Ok(engine::query(&source, &sql, limit, &options, &resources, &control).await?)
        });
        bar.clear();
        let shown = render::rows(&rows?, render::terminal_width());
        printer.data(&shown.table)?;
        printer.note(&shown.note);
        return Ok(());
    };
    let typed = output.as_deref().unwrap_or("-");
    let written = session::run(timeout, async |session| {
        let source = Source::locate(&input, &stores).await?;
        let shown = source.shown(&input);
        let target = Target::locate(Some(typed), &shown, format, if_exists, &resources, &stores)?;
        let source = open(session, source).await?;
        let control = session.control(&bar);
        let answer =
            engine::query_into(&source, &sql, &target.output, &options, &resources, &control);
        let answer = if target.is_standard {
            tokio::select! {
                answer = answer => answer?,
                why = session.stopped_and_late() => return Err(why),
            }
        } else {
            // Waited for to its end even after a signal: only so is nothing left behind.
            answer.await?
        };
        Ok((answer, shown, target))
    });
    bar.clear();
    let (answer, input, target) = written?;
    if !target.is_standard {
        printer.note(&render::answered(&input, &target.shown, &answer));
    }
    Ok(())
}

/// Returns the format in which the answer is written, or none for a table.
fn answer_format(
    output: Option<&str>,
    said: Option<Answer>,
) -> Result<Option<OutputFormat>, Failure> {
    match (output, said) {
        (Some(_), Some(Answer::Table)) => Err(Failure::usage(
            "a table is to look at and no file",
            "leave `-o` away, or choose another `--output-format`",
        )),
        (_, Some(said)) => Ok(said.format()),
        (Some("-"), None) => Ok(Some(OutputFormat::Csv)),
        (Some(output), None) => Ok(Some(values::format_of(None, Some(output)).unwrap_or_default())),
        (None, None) if io::stdout().is_terminal() => Ok(None),
        (None, None) => Ok(Some(OutputFormat::Csv)),
    }
}
