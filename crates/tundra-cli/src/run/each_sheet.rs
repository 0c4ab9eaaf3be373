//! `tundra convert --each-sheet`: a file for each sheet of a workbook.

use std::{path::PathBuf, sync::Arc, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tundra_core::{
    ConvertOptions, Error, IfExists, Input, Output, Receipt, Resources,
    engine::{self, Prepared},
};
use tundra_storage::Stores;

use crate::{
    failure::Failure,
    places::{self, ReceiptPlace, Source, Target},
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
    pub(super) options: ConvertOptions,
    pub(super) resources: Resources,
    pub(super) timeout: Option<Duration>,
}

/// What became of a sheet.
type Done = (Receipt, String);

/// Converts each visible sheet that has cells, and says what was done.
///
/// # Errors
/// Fails when it is no workbook, and as the conversion of one sheet does; there is no output then.
pub(super) fn run(request: EachSheet, stores: &Stores, printer: &Printer) -> Result<(), Failure> {
    let [text] = request.inputs.as_slice() else {
        return Err(Failure::usage(
            "`--each-sheet` takes one workbook apart, and several inputs are given",
            "convert each by itself, or all sheets as one table with `--sheet '*'`",
        ));
    };
    if let Some(output) = request.output.as_deref().filter(|output| !output.ends_with('/')) {
        return Err(Failure::usage(
            format!("`--each-sheet` writes several files, and `-o {output}` names one"),
            "name a directory that ends in `/`, or leave `-o` out to write beside the workbook",
        ));
    }
    let bar = Arc::new(Bar::new(printer));
    let done = session::run(request.timeout, async |session| {
        let source = Source::locate(text, stores).await?;
        let shown = source.shown(text);
        let receipt = match &request.receipt {
            Some(file) => {
                let place =
                    ReceiptPlace::locate(file, &shown, &shown, request.if_exists, stores).await?;
                Some(place)
            }
            None => None,
        };
        let directory = request.resources.temp_directory.clone();
        let done =
            convert_all(session, source, &shown, &request, stores, (directory, &bar)).await?;
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

async fn convert_all(
    session: &Session,
    source: Source,
    shown: &str,
    request: &EachSheet,
    stores: &Stores,
    (directory, bar): (PathBuf, &Arc<Bar>),
) -> Result<Vec<Done>, Failure> {
    let EachSheet { options, resources, .. } = request;
    let input = session.open(source, directory, bar).await?;
    let names = engine::sheet_names(&input, options, resources, &session.control(bar)).await?;
    let mut prepared = Vec::new();
    let mut outputs = Vec::new();
    for name in &names {
        let target = place_of(name, shown, request, stores)?;
        match convert_one(session, &input, name, &target.output, request, bar).await {
            Ok(one) => {
                prepared.push(one);
                outputs.push(target.shown);
            }
            Err(Error::EmptyInput { .. }) if names.len() > 1 => {}
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

/// Returns the part of a file's name that is of a sheet: none leads elsewhere, and no two are the same.
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
    part
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
        ] {
            assert_eq!(file_part(sheet), part, "{sheet}");
        }
    }
}
