//! `tundra convert`: wires an input, an output and the engine together.

use std::sync::Arc;

use tundra_core::{
    BadRowPolicy, ConvertOptions, Error, IfExists, Receipt, RejectsName, Resources, engine,
};

use crate::{
    args::{ConvertArgs, ConvertRequest, ManyRequest, SchemaRequest},
    env::{self, Settings},
    failure::Failure,
    many::{self, Inputs},
    places::{self, ReceiptPlace, Target, is_same},
    printer::Printer,
    progress::Bar,
    render,
    run::{
        convert_source::{self, SourceRun},
        each_sheet::{self, EachSheet},
    },
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
        inputs,
        many,
        each_sheet,
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
        let input = one_input_of_source(inputs, &many)?;
        let request = SourceRun { input, version, schema, options, resources, timeout, json };
        return convert_source::run(request, printer);
    }
    if inputs.is_empty() {
        return Err(Failure::usage(
            "there is no input",
            "name a file, or a source with `--source`",
        ));
    }
    let if_exists = if overwrite { IfExists::Replace } else { IfExists::Fail };
    let stores = env::stores(Some(&resources.temp_directory));
    if options.on_bad_row == BadRowPolicy::Reject {
        check_receipt_name(receipt.as_deref(), each_sheet)?;
    }
    if each_sheet {
        let files = std::mem::take(&mut options.writing.files);
        if files.are_several() {
            return Err(Failure::usage(
                "`--each-sheet` writes a file for each sheet",
                "leave `--max-file-size` and `--partition-by` out",
            ));
        }
        let request = EachSheet {
            inputs,
            output,
            if_exists,
            receipt,
            json,
            schema,
            options: ConvertOptions { rejects_name: RejectsName::OfOutput, ..options },
            resources,
            timeout,
        };
        return each_sheet::run(request, &stores, printer);
    }
    let bar = Arc::new(Bar::new(printer));
    let done = session::run(timeout, async |session| {
        let located = session.unless_stopped(many::locate(&inputs, &many, &stores)).await?;
        let input = match &located {
            Inputs::One(source) => source.shown(&inputs[0]),
            Inputs::Many(_) if output.is_none() && many::needs_output(&inputs, &many) => {
                return Err(Failure::usage(
                    "several inputs become one table, which has no name yet",
                    "say where to write it with `-o`, also where the last file is meant to be it",
                ));
            }
            Inputs::Many(inputs) => inputs.name.clone(),
        };
        let target = Target::locate(
            output.as_deref(),
            &input,
            options.output_format,
            if_exists,
            &resources,
            &stores,
        )?;
        let files = &options.writing.files;
        match &located {
            Inputs::One(_) => target.check_files(&input, files, &stores)?,
            Inputs::Many(inputs) => {
                many::refuse_input(inputs, &target, &stores)?;
                for one in &inputs.inputs {
                    target.check_files(&one.storage.display(&one.path), files, &stores)?;
                }
            }
        }
        if target.is_standard {
            check_standard_output(json, &options)?;
        }
        let place = match &receipt {
            Some(text) => {
                let is_taken = |place: &str| {
                    let is_input = match &located {
                        Inputs::One(_) => is_same(place, &input, &stores),
                        Inputs::Many(inputs) => many::is_input(inputs, place, &stores),
                    };
                    is_input || target.is_written(place, files, &stores)
                };
                Some(ReceiptPlace::locate(text, is_taken, if_exists, &stores).await?)
            }
            None => None,
        };
        if let Some(SchemaRequest { file, on_drift }) = &schema {
            places::read_schema(file, &stores).await?.apply(&mut options, *on_drift);
        }
        let proof = convert(session, located, &target, &options, &resources, &bar).await?;
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
    for note in render::reader_notes(proof) {
        printer.note(&format!("{note}\n"));
    }
    for warning in render::doubt_warnings(proof) {
        printer.warning(&warning);
    }
    for warning in render::drift_warnings(proof, options.expected.as_ref()) {
        printer.warning(&warning);
    }
    for warning in render::event_warnings(proof) {
        printer.warning(&warning);
    }
    for warning in render::left_out_warnings(proof) {
        printer.warning(&warning);
    }
}

/// Returns the input of a run of a catalogued source, which has one or finds its own.
fn one_input_of_source(
    mut inputs: Vec<String>,
    many: &ManyRequest,
) -> Result<Option<String>, Failure> {
    if inputs.len() > 1 || many.is_for_several() {
        return Err(Failure::usage(
            "a version of a source is made of one input",
            "convert several inputs to one file first, and give that",
        ));
    }
    Ok(inputs.pop())
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
fn check_receipt_name(receipt: Option<&str>, each_sheet: bool) -> Result<(), Failure> {
    let name = receipt.and_then(|text| text.rsplit('/').next()).unwrap_or_default();
    if name == "rejects.parquet" || each_sheet && name.ends_with(".rejects.parquet") {
        return Err(Failure::usage(
            format!("`{name}` is where the rejected records go"),
            "give the receipt another name",
        ));
    }
    Ok(())
}

async fn convert(
    session: &Session,
    inputs: Inputs,
    target: &Target,
    options: &ConvertOptions,
    resources: &Resources,
    bar: &Arc<Bar>,
) -> Result<Receipt, Failure> {
    let inputs = match inputs {
        Inputs::One(source) => {
            Ok(session.open(source, resources.temp_directory.clone(), bar).await?)
        }
        Inputs::Many(inputs) => Err(inputs),
    };
    let control = session.control(bar);
    let conversion = async {
        let output = &target.output;
        match inputs {
            Ok(input) => engine::convert(&input, output, options, resources, &control).await,
            Err(inputs) => {
                engine::convert_many(&inputs, output, options, resources, &control).await
            }
        }
    };
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
