//! What a run came to, in the words of the API.

use tundra_core::{ErrorKind, LossEvent, Receipt, Version, engine};
use tundra_runs as runs;

use crate::{
    Failure,
    failure::translated,
    wire::{ColumnSchema, Conversion, Converted, SchemaField},
};

/// Describes a new version.
pub(super) fn conversion(made: &runs::Conversion, source_type: &str) -> Result<Converted, Failure> {
    let mut converted = receipt(&made.receipt, source_type)?;
    let metadata = &mut converted.metadata;
    metadata.version = Some(made.version.number.get());
    metadata.location = Some(made.location.clone());
    if let Some(facts) = &made.version.facts {
        metadata.processing_time_seconds = Conversion::seconds(facts.seconds);
    }
    Ok(converted)
}

/// Describes an output by its receipt.
pub(super) fn receipt(receipt: &Receipt, source_type: &str) -> Result<Converted, Failure> {
    let output = receipt.outputs.first().ok_or_else(|| missing("output"))?;
    let fields: Vec<_> = receipt
        .plan
        .columns
        .iter()
        .map(|column| field(&column.name, &column.column_type))
        .collect();
    let unsure = engine::unsure_decisions(&receipt.plan.decisions);
    let warnings = unsure.into_iter().map(|warning| translated(&warning.message));
    Ok(Converted {
        success: true,
        metadata: Conversion {
            version: None,
            rows: output.rows,
            columns: fields.len() as u64,
            column_schema: ColumnSchema { fields },
            file_size_mb: Conversion::megabytes(output.size_bytes),
            processing_time_seconds: Conversion::seconds(receipt.timings.total_seconds),
            source_type: source_type.to_owned(),
            connection_info: None,
            file_size_bytes: output.size_bytes,
            location: Some(output.location.clone()),
            sha256: Some(output.sha256.clone()),
            rejected_rows: Some(receipt.counts.rejected),
            warnings: warnings.chain(receipt.events.iter().map(event)).collect(),
        },
    })
}

/// Describes a version that an earlier request made, as far as the catalog knows it.
pub(super) fn earlier(
    version: &Version,
    location: Option<String>,
    source_type: &str,
) -> Result<Converted, Failure> {
    let facts = version.facts.as_ref().ok_or_else(|| missing("record of its data"))?;
    let columns = facts.schema.iter().flat_map(|schema| &schema.columns);
    let fields = columns.map(|column| field(&column.name, &column.column_type)).collect();
    Ok(Converted {
        success: true,
        metadata: Conversion {
            version: Some(version.number.get()),
            rows: facts.rows,
            columns: facts.columns,
            column_schema: ColumnSchema { fields },
            file_size_mb: Conversion::megabytes(facts.size_bytes),
            processing_time_seconds: Conversion::seconds(facts.seconds),
            source_type: source_type.to_owned(),
            connection_info: None,
            file_size_bytes: facts.size_bytes,
            location,
            sha256: None,
            rejected_rows: None,
            warnings: Vec::new(),
        },
    })
}

/// Describes a column. Every column of an output may hold nulls, as Parquet says of it.
fn field(name: &str, column_type: &str) -> SchemaField {
    SchemaField { name: name.to_owned(), column_type: column_type.to_owned(), nullable: true }
}

/// Says what was not kept as it was, how often, and where first.
fn event(event: &LossEvent) -> String {
    let times = if event.count == 1 { "time" } else { "times" };
    let mut text = format!("{}: {} {times}", event.code, event.count);
    if let Some(first) = event.samples.first() {
        // What is not there has no place.
        if first.line > 0 {
            text.push_str(&format!(", first on line {} (byte {})", first.line, first.byte));
        }
        if let Some(column) = &first.column {
            text.push_str(&format!(", column `{column}`"));
        }
    }
    text
}

fn missing(what: &str) -> Failure {
    Failure::of_kind(ErrorKind::Internal, format!("the version has no {what}"))
}

#[cfg(test)]
mod tests {
    use tundra_core::EventSample;

    use super::*;

    #[test]
    fn an_event_is_told_with_its_first_place_and_without_the_value() {
        let sample = EventSample {
            record: 3,
            line: 4,
            byte: 31,
            column: Some("zip".to_owned()),
            text: "hunter2".to_owned(),
        };
        let code = "repaired_value".to_owned();
        let text = event(&LossEvent { code, count: 2, samples: vec![sample] });
        assert_eq!(text, "repaired_value: 2 times, first on line 4 (byte 31), column `zip`");
    }
}
