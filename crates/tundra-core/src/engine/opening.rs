//! Inputs that are opened and read as options say, whatever is to become of them.
//!
//! Start at [`open`]. What a run does with the rows, and which of its options make no sense together, is the
//! business of that run.

use std::sync::Arc;

use crate::{
    Control, ConvertOptions, Input, InspectOptions, Resources, Result,
    engine::{copy::Stop, input::OpenInput, unpack::Unpacking},
    read::table::ReadContext,
};

/// Opens an input and finds out its format. A store that does not answer does not keep a run that is to stop.
///
/// # Errors
/// Fails when it cannot be opened, when nobody knows its format, and when the run is to stop.
pub(crate) async fn open(
    input: &Input,
    options: &ConvertOptions,
    resources: &Resources,
    stop: &Stop,
) -> Result<OpenInput> {
    let unpacking = Unpacking::of(options, resources, stop);
    let opening = OpenInput::open(input, options.format, unpacking);
    Ok(stop.unless_stopped(opening).await??.settled(options.format, &options.json))
}

/// Checks that nothing is said of another sort of input than this one.
///
/// # Errors
/// Fails and names the option.
pub(crate) fn check_hints(opened: &OpenInput, options: &ConvertOptions) -> Result<()> {
    options.json.check(opened.format, &opened.location)?;
    options.workbook.check(opened.format, &opened.location)?;
    options.text.check(&options.null_words, opened.format, &opened.location)
}

/// Returns what reading an input may use that a run reads alone.
pub(crate) fn context(
    opened: &OpenInput,
    resources: &Resources,
    control: &Control,
    stop: &Stop,
) -> ReadContext {
    ReadContext {
        name: opened.location.clone(),
        threads: resources.threads,
        cancel: stop.own.clone(),
        reporter: Arc::clone(&control.reporter),
        total_bytes: Some(opened.total_bytes()),
        memory: resources.memory,
        types_by: None,
    }
}

/// Returns how an input is read that is looked at: as it would be converted.
pub(crate) fn looked_at(options: &InspectOptions) -> ConvertOptions {
    // Taken apart, so that a new option is not forgotten here.
    let InspectOptions {
        format,
        member,
        max_unpacked,
        text,
        json,
        workbook,
        types,
        null_words,
        sample_size: _,
    } = options;
    ConvertOptions {
        format: *format,
        member: member.clone(),
        max_unpacked: *max_unpacked,
        text: text.clone(),
        json: json.clone(),
        workbook: workbook.clone(),
        types: *types,
        null_words: null_words.clone(),
        ..ConvertOptions::default()
    }
}
