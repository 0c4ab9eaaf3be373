//! `tundra convert --each-sheet`: a file for each sheet of a workbook.

use std::{sync::Arc, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tundra_core::{
    ConvertOptions, Error, IfExists, Input, Output, Receipt, Resources,
    engine::{self, Prepared},
};
use tundra_storage::Stores;

use crate::{
    args::SchemaRequest,
    failure::Failure,
    places::{self, ReceiptPlace, Source, Target, is_same},
    printer::Printer,
    progress::Bar,
    run::convert,
    session::{self, Session},
};

/// A workbook of which each sheet becomes a file.
#[derive(Debug)]
pub(super) struct EachSheet {
    pub(super) inputs: Vec<String>,
    pub(super) output: Option<String>,
    pub(super) if_exists: IfExists,
    pub(super) receipt: Option<String>,
    pub(super) json: bool,
    pub(super) schema: Option<SchemaRequest>,
    pub(super) options: ConvertOptions,
    pub(super) resources: Resources,
    pub(super) timeout: Option<Duration>,
}

/// What stands behind the name of a sheet in that of its rejects.
const REJECTS: &str = ".rejects";

/// What became of a sheet.
type Done = (Receipt, String);

/// Converts each visible sheet that has cells, and says what was done.
///
/// # Errors
/// Fails when it is no workbook, and as the conversion of one sheet does; there is no output then.
pub(super) fn run(
    mut request: EachSheet,
    stores: &Stores,
    printer: &Printer,
) -> Result<(), Failure> {
    let [text] = request.inputs.as_slice() else {
        return Err(Failure::usage(
            "`--each-sheet` takes one workbook apart, and several inputs are given",
            "convert each by itself, or all sheets as one table with `--sheet '*'`",
        ));
    };
    let text = text.clone();
    if let Some(output) = request.output.as_deref().filter(|output| !output.ends_with('/')) {
        return Err(Failure::usage(
            format!("`--each-sheet` writes several files, and `-o {output}` names one"),
            "name a directory that ends in `/`, or leave `-o` out to write beside the workbook",
        ));
    }
    let bar = Arc::new(Bar::new(printer));
    let done = session::run(request.timeout, async |session| {
        let source = Source::locate(&text, stores).await?;
        let shown = source.shown(&text);
        if let Some(SchemaRequest { file, on_drift }) = &request.schema {
            places::read_schema(file, stores).await?.apply(&mut request.options, *on_drift);
        }
        let directory = request.resources.temp_directory.clone();
        let input = session.open(source, directory, &bar).await?;
        let sheets = sheets(session, &input, &shown, &request, stores, &bar).await?;
        let receipt = match &request.receipt {
            Some(file) => {
                let is_taken = |place: &str| {
                    is_same(place, &shown, stores)
                        || sheets.iter().any(|sheet| is_same(place, &sheet.target.shown, stores))
                };
                Some(ReceiptPlace::locate(file, is_taken, request.if_exists, stores).await?)
            }
            None => None,
        };
        let done = convert_all(session, &input, &shown, sheets, &request, &bar).await?;
        let written = match receipt {
            Some(place) => place.write(text_of(&done)?).await,
            None => Ok(()),
        };
        Ok((done, written, shown))
    });
    bar.clear();
    let (done, written, shown) = done?;
    if request.json {
        let receipts: Vec<&Receipt> = done.iter().map(|(receipt, _)| receipt).collect();
        printer.json(&receipts)?;
    } else {
        for (receipt, output) in &done {
            convert::tell(&shown, output, receipt, &request.options, printer);
        }
    }
    let output = request.output.clone().unwrap_or(shown);
    written.map_err(|source| Failure::Receipt { output, source })
}

/// A sheet, and where it goes.
struct SheetPlace {
    name: String,
    target: Target,
}

/// Finds the visible sheets and their places.
async fn sheets(
    session: &Session,
    input: &Input,
    shown: &str,
    request: &EachSheet,
    stores: &Stores,
    bar: &Arc<Bar>,
) -> Result<Vec<SheetPlace>, Failure> {
    let EachSheet { options, resources, .. } = request;
    let names = engine::sheet_names(input, options, resources, &session.control(bar)).await?;
    let place = |name: String| {
        let target = place_of(&name, shown, request, stores)?;
        Ok(SheetPlace { name, target })
    };
    names.into_iter().map(place).collect()
}

async fn convert_all(
    session: &Session,
    input: &Input,
    shown: &str,
    sheets: Vec<SheetPlace>,
    request: &EachSheet,
    bar: &Arc<Bar>,
) -> Result<Vec<Done>, Failure> {
    let mut prepared = Vec::new();
    let mut outputs = Vec::new();
    let are_several = sheets.len() > 1;
    for SheetPlace { name, target } in sheets {
        match convert_one(session, input, &name, &target.output, request, bar).await {
            Ok(one) => {
                prepared.push(one);
                outputs.push(target.shown);
            }
            Err(Error::EmptyInput { .. }) if are_several => {}
            Err(error) => return Err(error.into()),
        }
    }
    if prepared.is_empty() {
        return Err(Error::EmptyInput { input: shown.to_owned() }.into());
    }
    let receipts = Prepared::publish_all(prepared).await?;
    Ok(receipts.into_iter().zip(outputs).collect())
}

async fn convert_one(
    session: &Session,
    input: &Input,
    sheet: &str,
    output: &Output,
    request: &EachSheet,
    bar: &Arc<Bar>,
) -> Result<Prepared, Error> {
    let mut options = request.options.clone();
    options.workbook.sheet = Some(sheet.to_owned());
    let control = session.control(bar);
    engine::prepare(input, output, &options, &request.resources, &control).await
}

/// Finds the place of the output of a sheet.
fn place_of(
    sheet: &str,
    shown: &str,
    request: &EachSheet,
    stores: &Stores,
) -> Result<Target, Failure> {
    let format = request.options.output_format;
    let sheet = file_part(sheet);
    let output = places::beside_of(shown, &sheet, format.name(), request.output.as_deref())?;
    let (if_exists, resources) = (request.if_exists, &request.resources);
    Target::locate(Some(&output), shown, format, if_exists, resources, stores)
}

/// Returns the part of a file's name that is of a sheet: none leads elsewhere, no two are the same, and none
/// is that of the rejects of another.
fn file_part(sheet: &str) -> String {
    let mut part = String::with_capacity(sheet.len());
    for letter in sheet.chars() {
        if matches!(letter, '/' | '\\' | '%') || letter.is_control() {
            let mut bytes = [0; 4];
            let letter: &str = letter.encode_utf8(&mut bytes);
            part.extend(utf8_percent_encode(letter, NON_ALPHANUMERIC));
        } else {
            part.push(letter);
        }
    }
    match part.strip_suffix(REJECTS) {
        Some(stem) => format!("{stem}%2E{}", &REJECTS[1..]),
        None => part,
    }
}

fn text_of(done: &[Done]) -> Result<String, Failure> {
    let receipts: Vec<&Receipt> = done.iter().map(|(receipt, _)| receipt).collect();
    let mut text = serde_json::to_string_pretty(&receipts)
        .map_err(|error| Error::Internal(format!("the receipts are no JSON: {error}")))?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sheets_have_one_file_and_none_leads_elsewhere() {
        for (sheet, part) in [
            ("Sales", "Sales"),
            ("Année 2024.Q1", "Année 2024.Q1"),
            ("a_b", "a_b"),
            ("a/b", "a%2Fb"),
            ("a%2Fb", "a%252Fb"),
            ("..\\x", "..%5Cx"),
            ("a\nb", "a%0Ab"),
            ("a\u{85}b", "a%C2%85b"),
            ("a.rejects", "a%2Erejects"),
            ("rejects", "rejects"),
        ] {
            assert_eq!(file_part(sheet), part, "{sheet}");
        }
    }
}
