//! Reads the first rows of a version.

mod json;

use arrow::{error::ArrowError, ipc::writer::StreamWriter};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::value::RawValue;
use tundra_core::{
    ColumnType, Control, ErrorKind, Scope, SourceId, VersionNumber, VersionStatus,
    engine::FirstRows,
};

use crate::{
    Failure,
    tasks::{PreviewTask, Workshop},
    wire::{ColumnDocument, JsonRows, Preview, PreviewForm, PreviewRows},
};

/// How long the rows may be as JSON, in bytes, about; what comes behind is left out. It goes through the
/// memory of a service whose other requests need some, too.
const MOST_JSON: usize = 32 << 20;

/// Reads the first rows of a version: of the current one, when the task names none.
pub(super) async fn preview(
    workshop: &Workshop,
    scope: &Scope,
    task: PreviewTask,
    control: &Control,
) -> Result<Preview, Failure> {
    let PreviewTask { source, version, query } = task;
    let runs = &workshop.runs;
    let id: SourceId = source.parse().map_err(|_| missing("source"))?;
    let source = runs.catalog().source(scope, id).await.map_err(|error| Failure::of(&error))?;
    let number = match version {
        Some(number) => VersionNumber::new(number).ok_or_else(|| missing("version"))?,
        None => source.current_version.ok_or_else(|| missing("version"))?,
    };
    let version = runs.catalog().version(&source, number).await;
    let version = version.map_err(|error| Failure::of(&error))?;
    let rows = runs.first_rows(&source, &version, query.limit, control).await;
    let rows = rows.map_err(|error| match version.status {
        VersionStatus::Active => Failure::of(&error),
        VersionStatus::Pending | VersionStatus::Error => Failure::of(&error).version(number.get()),
    })?;
    // A page of JSON of that size takes a tenth of a second, too long for a thread of the runtime.
    let written = tokio::task::spawn_blocking(move || match query.form {
        PreviewForm::Json => as_json(&rows, id, number).map(Preview::Rows),
        PreviewForm::Arrow => as_arrow(&rows).map(Preview::Arrow),
    });
    written.await.map_err(|error| internal(&error))?.map_err(|error| internal(&error))
}

fn as_json(
    rows: &FirstRows,
    source: SourceId,
    version: VersionNumber,
) -> Result<PreviewRows, ArrowError> {
    let columns = rows.schema.fields().iter().map(|field| {
        let kind = field.data_type();
        ColumnDocument {
            name: field.name().clone(),
            column_type: ColumnType::from_arrow(kind)
                .map_or_else(|| kind.to_string(), |kind| kind.to_string()),
        }
    });
    let columns = columns.collect();
    let (text, row_count) = json::rows(&rows.batches, MOST_JSON)?;
    let rows_as_json = RawValue::from_string(text)
        .map_err(|error| ArrowError::JsonError(format!("the rows are no JSON: {error}")))?;
    Ok(PreviewRows {
        source_id: source.to_string(),
        version: version.get(),
        columns,
        rows: JsonRows(rows_as_json),
        row_count,
        total_rows: rows.total_rows,
    })
}

fn as_arrow(rows: &FirstRows) -> Result<String, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema)?;
    for batch in &rows.batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    Ok(BASE64_STANDARD.encode(writer.into_inner()?))
}

fn missing(what: &str) -> Failure {
    Failure::of_kind(ErrorKind::NotFound, format!("there is no such {what}"))
}

fn internal(error: &dyn std::error::Error) -> Failure {
    Failure::of_kind(ErrorKind::Internal, format!("the rows could not be written: {error}"))
}
