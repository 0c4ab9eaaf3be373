//! `tundra extract`: wires a database, an output and the engine together.

use std::{fs, io::Read, sync::Arc};

use tundra_core::{ExtractRequest, IfExists, OutputFormat, Receipt, Relation, engine};
use tundra_runs::DatabaseRun;

use crate::{
    args::{ExtractArgs, ExtractCommand, SourceVersion, Wanted},
    catalogs, databases,
    env::{self, Settings},
    failure::Failure,
    places::{ReceiptPlace, Target, is_same},
    printer::Printer,
    progress::Bar,
    render,
    run::{convert, versions},
    session,
};

/// Reads a relation of a database and says what was done.
///
/// # Errors
/// Fails when the options make no sense, when the database refuses, and when the output or the receipt
/// cannot be written. Unless it is the receipt that failed, there is no output then.
pub(crate) fn run(args: ExtractArgs, printer: &Printer) -> Result<(), Failure> {
    let mut command = args.into_command()?;
    if let Wanted::QueryIn(file) = &command.relation {
        command.request.relation = Relation::Query(query_in(file)?);
    }
    match command.version.take() {
        Some(version) => into_version(command, version, printer),
        None => into_file(command, printer),
    }
}

fn into_file(command: ExtractCommand, printer: &Printer) -> Result<(), Failure> {
    let ExtractCommand { url, request, options, output, overwrite, receipt, json, .. } = command;
    let (resources, timeout) =
        command.resources.resolve(Settings::read()?, engine::default_resources())?;
    let Some(url) = url else {
        return Err(Failure::usage("there is no database", "give its URL"));
    };
    let output = match output {
        Some(output) => output,
        None => default_output(&request)?,
    };
    let if_exists = if overwrite { IfExists::Replace } else { IfExists::Fail };
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let done = session::run(timeout, async |session| {
        let (engine, driver) = (command.engine, command.adbc_driver.as_deref());
        let chosen = databases::with_engine(&url, &command.connection, engine, driver, printer);
        let connector = session.unless_stopped(chosen).await?;
        let shown = connector.display();
        for written in [Some(&output), receipt.as_ref()].into_iter().flatten() {
            databases::check_output(&url, written, &stores)?;
        }
        let target = Target::locate(
            Some(&output),
            &shown,
            OutputFormat::Parquet,
            if_exists,
            &resources,
            &stores,
        )?;
        target.check_files(&shown, &options.files, &stores)?;
        if target.is_standard && json {
            return Err(Failure::usage(
                "`--json` and the Parquet output would both go to standard output",
                "write the receipt to a file with `--receipt`, or the data with `-o`",
            ));
        }
        let place = match &receipt {
            Some(text) => {
                let is_taken = |place: &str| {
                    is_same(place, &shown, &stores)
                        || target.is_written(place, &options.files, &stores)
                };
                Some(ReceiptPlace::locate(text, is_taken, if_exists, &stores).await?)
            }
            None => None,
        };
        bar.begin("connecting");
        let mut database = engine::open_session(&*connector, &session.control(&bar)).await?;
        // What is left of the time.
        let control = session.control(&bar);
        let from = (&*connector, &mut *database);
        let extraction =
            engine::extract(from, &request, &target.output, &options, &resources, &control);
        let proof = if target.is_standard {
            tokio::select! {
                receipt = extraction => receipt?,
                why = session.stopped_and_late() => return Err(why),
            }
        } else {
            extraction.await?
        };
        let written = match place {
            Some(place) => place.write(convert::proof_text(&proof)?).await,
            None => Ok(()),
        };
        Ok((proof, written, target.shown))
    });
    bar.clear();
    let (proof, written, output) = done?;
    let shown = &proof.plan.source.location;
    // The data is there whatever became of its receipt, so it is told in any case.
    if json {
        printer.json(&proof)?;
    } else {
        tell(shown, &output, &proof, printer);
    }
    written.map_err(|source| Failure::Receipt { output, source })
}

fn into_version(
    command: ExtractCommand,
    version: SourceVersion,
    printer: &Printer,
) -> Result<(), Failure> {
    let ExtractCommand { url, request, options, json, connection, engine, adbc_driver, .. } =
        command;
    let SourceVersion { source, key, catalog } = version;
    let (resources, timeout) =
        command.resources.resolve(Settings::read()?, tundra_core::engine::default_resources())?;
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let done = session::run(timeout, async |session| {
        let opened = catalogs::open(&catalog, stores.clone()).await?;
        opened.sweep().await;
        let source = opened.source(&source).await?;
        let Some(url) = url.as_ref().or(source.location.as_ref()) else {
            return Err(Failure::usage(
                format!("the source `{}` has no location", source.label()),
                "give the URL of its database",
            ));
        };
        let driver = adbc_driver.as_deref();
        let chosen = databases::with_engine(url, &connection, engine, driver, printer);
        let connector = session.unless_stopped(chosen).await?;
        bar.begin("connecting");
        let run = DatabaseRun {
            source: source.clone(),
            connector,
            request: request.clone(),
            options,
            resources: resources.clone(),
            key: key.clone(),
        };
        let outcome = opened.runs.extract(run, &session.control(&bar)).await?;
        Ok((source, outcome))
    });
    bar.clear();
    let (source, outcome) = done?;
    if json {
        return printer.json(&versions::outcome_document(&outcome));
    }
    if let tundra_runs::Outcome::Converted(conversion) = &outcome {
        let receipt = &conversion.receipt;
        tell(&receipt.plan.source.location, &conversion.location, receipt, printer);
    }
    printer.note(&render::outcome(&source, &outcome));
    Ok(())
}

/// Says what was done, and what to look at.
fn tell(database: &str, output: &str, proof: &Receipt, printer: &Printer) {
    printer.note(&render::extracted(database, output, proof));
    for note in render::reader_notes(proof) {
        printer.note(&format!("{note}\n"));
    }
    for warning in render::event_warnings(proof) {
        printer.warning(&warning);
    }
}

/// Returns the name of the output when none was given: that of the table.
fn default_output(request: &ExtractRequest) -> Result<String, Failure> {
    match &request.relation {
        Relation::Table(table) => Ok(format!("{}.parquet", render::file_stem(&table.name))),
        Relation::Query(_) => Err(Failure::usage(
            "a query has no name that the output could have",
            "say where to write with `-o`",
        )),
    }
}

/// Reads a query.
fn query_in(file: &str) -> Result<String, Failure> {
    let read = match file {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        file => fs::read_to_string(file),
    };
    read.map_err(|source| {
        let input = if file == "-" { "standard input".to_owned() } else { format!("`{file}`") };
        Failure::Pipe { input, source }
    })
}
