//! `tundra convert`: wires an input, an output and the engine together.

use std::sync::Arc;

use tundra_core::{BadRowPolicy, ConvertOptions, Error, IfExists, Receipt, Resources, engine};

use crate::{
    args::{ConvertArgs, ConvertRequest, SchemaRequest},
    env::{self, Settings},
    failure::Failure,
    places::{self, ReceiptPlace, Source, Target},
    printer::Printer,
    progress::Bar,
    render,
    run::convert_source::{self, SourceRun},
    session::{self, Session},
};

/// Converts an input and says what was done.
///
/// # Errors
/// Fails when the options make no sense, when the engine fails, or when the receipt cannot be
/// written. Unless it is the receipt that failed, there is no output then.
pub(crate) fn run(args: ConvertArgs, printer: &Printer) -> Result<(), Failure> {
    let request = args.into_request()?;
    let ConvertRequest {
        input,
        version,
        output,
        overwrite,
        receipt,
        json,
        schema,
        mut options,
        resources,
    } = request;
    let (resources, timeout) = resources.resolve(Settings::read()?, engine::default_resources())?;
    if let Some(version) = version {
        let request = SourceRun { input, version, schema, options, resources, timeout, json };
        return convert_source::run(request, printer);
    }
    let Some(input) = input else {
        return Err(Failure::usage(
            "there is no input",
            "name a file, or a source with `--source`",
        ));
    };
    let if_exists = if overwrite { IfExists::Replace } else { IfExists::Fail };
    let stores = env::stores(Some(&resources.temp_directory));
    if options.on_bad_row == BadRowPolicy::Reject {
        check_receipt_name(receipt.as_deref())?;
    }
    let bar = Arc::new(Bar::new(printer));
    let done = session::run(timeout, async |session| {
        let source = Source::locate(&input, &stores).await?;
        let input = source.shown(&input);
        let target = Target::locate(
            output.as_deref(),
            &input,
            options.output_format,
            if_exists,
            &resources,
            &stores,
        )?;
        target.check_files(&input, &options.writing.files, &stores)?;
        if target.is_standard {
            check_standard_output(json, &options)?;
        }
        let place = match &receipt {
            Some(text) => {
                let output = &target.shown;
                Some(ReceiptPlace::locate(text, &input, output, if_exists, &stores).await?)
            }
            None => None,
        };
        if let Some(SchemaRequest { file, on_drift }) = &schema {
            places::read_schema(file, &stores).await?.apply(&mut options, *on_drift);
        }
        let proof = convert(session, source, &target, &options, &resources, &bar).await?;
        let written = match place {
            Some(place) => place.write(proof_text(&proof)?).await,
            None => Ok(()),
        };
        Ok((proof, written, input, target.shown))
    });
    bar.clear();
    let (proof, written, input, output) = done?;
    // The data is there whatever became of its receipt, so it is told in any case.
    if json {
        printer.json(&proof)?;
    } else {
        let source = if input == "-" { "standard input" } else { &input };
        tell(source, &output, &proof, &options, printer);
    }
    written.map_err(|source| Failure::Receipt { output, source })
}

/// Says what was done, and what to look at.
pub(super) fn tell(
    source: &str,
    output: &str,
    proof: &Receipt,
    options: &ConvertOptions,
    printer: &Printer,
) {
    printer.note(&render::summary(source, output, proof));
    for warning in render::doubt_warnings(proof) {
        printer.warning(&warning);
    }
    for warning in render::drift_warnings(proof, options.expected.as_ref()) {
        printer.warning(&warning);
    }
    for warning in render::event_warnings(proof) {
        printer.warning(&warning);
    }
}

/// Refuses what cannot be together with the data on standard output.
fn check_standard_output(json: bool, options: &ConvertOptions) -> Result<(), Failure> {
    if json {
        return Err(Failure::usage(
            "`--json` and the output would both go to standard output",
            "write the receipt to a file with `--receipt`, or the data with `-o`",
        ));
    }
    if options.on_bad_row == BadRowPolicy::Reject {
        return Err(Failure::usage(
            "`--on-bad-row reject` writes rejects.parquet beside the output, and beside standard \
             output there is no place",
            "name a file with `-o`",
        ));
    }
    Ok(())
}

/// Refuses a receipt that would have the name of the rejects, beside the same output or another one.
fn check_receipt_name(receipt: Option<&str>) -> Result<(), Failure> {
    match receipt.and_then(|text| text.rsplit('/').next()) {
        Some(name @ "rejects.parquet") => Err(Failure::usage(
            format!("`{name}` is where the rejected records go"),
            "give the receipt another name",
        )),
        _ => Ok(()),
    }
}

async fn convert(
    session: &Session,
    source: Source,
    target: &Target,
    options: &ConvertOptions,
    resources: &Resources,
    bar: &Arc<Bar>,
) -> Result<Receipt, Failure> {
    let input = session.open(source, resources.temp_directory.clone(), bar).await?;
    let control = session.control(bar);
    let conversion = engine::convert(&input, &target.output, options, resources, &control);
    if !target.is_standard {
        // Waited for to its end even after a signal: only so is nothing left behind.
        return Ok(conversion.await?);
    }
    tokio::select! {
        receipt = conversion => Ok(receipt?),
        why = session.stopped_and_late() => Err(why),
    }
}

pub(super) fn proof_text(receipt: &Receipt) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(receipt)
        .map_err(|error| Error::Internal(format!("the receipt is no JSON: {error}")))?;
    text.push('\n');
    Ok(text)
}
