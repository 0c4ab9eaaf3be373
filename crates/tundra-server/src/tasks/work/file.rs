//! Converts files: into versions of sources, and from one URL to another.

use tundra_core::{ConvertOptions, VersionStatus, WriteOptions, engine};
use tundra_runs::{FileRun, Outcome};
use tundra_storage::UploadFate;

use super::{Work, describe, earlier_failure};
use crate::{
    Failure,
    wire::{ConvertFile, Converted, FilePlaces},
};

/// Converts a file.
pub(super) async fn convert(work: &Work<'_>, request: &ConvertFile) -> Result<Converted, Failure> {
    match request.places()? {
        FilePlaces::Source(id) => into_version(work, request, id).await,
        FilePlaces::Urls { source, output } => {
            let options = options(work, request)?;
            let (input, output) = (work.read_url(source)?, work.write_url(output)?);
            let resources = &work.workshop.resources;
            let receipt =
                engine::convert(&input, &output, &options, resources, &work.control()).await;
            let receipt = receipt.map_err(|error| Failure::of(&error))?;
            describe::receipt(&receipt, "file")
        }
    }
}

async fn into_version(
    work: &Work<'_>,
    request: &ConvertFile,
    id: tundra_core::SourceId,
) -> Result<Converted, Failure> {
    let mut options = options(work, request)?;
    let runs = &work.workshop.runs;
    let source = work.source(id).await?;
    if options.format.is_none() {
        options.format = work.format_of(&source)?;
    }
    if work.workshop.max_file_size.is_some() {
        let input = async { runs.input(&source).await.map_err(|error| Failure::of(&error)) };
        let input = work.unless_stopped(input).await?;
        work.check_size(&input).await?;
    }
    let key = work.run_key();
    let run = FileRun {
        source: source.clone(),
        input: None,
        options,
        resources: work.workshop.resources.clone(),
        key: Some(key.clone()),
        // As the service in Python did: the upload may be converted again with other options.
        upload: UploadFate::Keep,
    };
    match runs.convert_file(run, &work.control()).await {
        Ok(Outcome::Converted(conversion)) => describe::conversion(&conversion, "file"),
        Ok(Outcome::Earlier(version)) if version.status == VersionStatus::Active => {
            let location = runs.warehouse().location(&source, version.number).ok();
            describe::earlier(&version, location, "file")
        }
        Ok(Outcome::Earlier(version)) => Err(earlier_failure(&version)),
        Err(error) => Err(work.run_failed(&source, &key, &error).await),
    }
}

/// Returns how the file is converted: what the request says, and what is the service's to say.
fn options(work: &Work<'_>, request: &ConvertFile) -> Result<ConvertOptions, Failure> {
    let row_group_rows = work.workshop.row_group_rows;
    let max_unpacked = work.workshop.unpack_limit();
    let options = request.convert_options()?;
    let writing = WriteOptions { row_group_rows, ..options.writing };
    Ok(ConvertOptions { writing, max_unpacked, ..options })
}
