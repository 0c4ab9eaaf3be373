//! What the footer of a Parquet file tells.

use arrow::{
    array::{Array, ArrayRef, BooleanArray},
    compute::{SortOptions, sort_to_indices},
    datatypes::{DataType, Field, Schema},
};
use parquet::{
    arrow::arrow_reader::statistics::StatisticsConverter, file::metadata::ParquetMetaData,
};

use super::show::shown_value;
use crate::{PLAN_METADATA_KEY, ParquetFacts, RowGroupFacts};

/// Returns what only a Parquet file has.
pub(super) fn parquet_facts(footer: &ParquetMetaData) -> ParquetFacts {
    const SHOWN: usize = 1000;
    let file = footer.file_metadata();
    let metadata = file.key_value_metadata().cloned().unwrap_or_default();
    let plan = metadata
        .iter()
        .find(|pair| pair.key == PLAN_METADATA_KEY)
        .and_then(|pair| serde_json::from_str(pair.value.as_deref()?).ok());
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    ParquetFacts {
        created_by: file.created_by().map(str::to_owned),
        rows: unsigned(file.num_rows()),
        row_groups: footer
            .row_groups()
            .iter()
            .map(|group| {
                let mut codecs: Vec<String> =
                    group.columns().iter().map(|column| codec(column.compression())).collect();
                codecs.sort_unstable();
                codecs.dedup();
                RowGroupFacts {
                    rows: unsigned(group.num_rows()),
                    compressed_bytes: unsigned(group.compressed_size()),
                    uncompressed_bytes: unsigned(group.total_byte_size()),
                    codecs,
                }
            })
            .collect(),
        metadata: metadata
            .into_iter()
            .map(|pair| {
                let value = pair.value.unwrap_or_default();
                let shown = value.chars().take(SHOWN).collect();
                (pair.key, shown)
            })
            .collect(),
        plan,
    }
}

/// Names a codec as the options do, without its level, which a file does not tell.
fn codec(compression: parquet::basic::Compression) -> String {
    let name = compression.to_string().to_lowercase();
    let name = name.split('(').next().unwrap_or_default();
    if name == "uncompressed" { "none".to_owned() } else { name.to_owned() }
}

/// Returns the smallest and the largest value of a column as text, where every row group tells them
/// and did not shorten them.
pub(super) fn extremes(
    footer: &ParquetMetaData,
    name: &str,
    kind: &DataType,
) -> (Option<String>, Option<String>) {
    let schema = Schema::new(vec![Field::new(name, kind.clone(), true)]);
    let columns = footer.file_metadata().schema_descr();
    let Ok(converter) = StatisticsConverter::try_new(name, &schema, columns) else {
        return (None, None);
    };
    let groups = || footer.row_groups().iter().filter(|group| group.num_rows() > 0);
    let smallest = converter
        .row_group_mins(groups())
        .and_then(|values| Ok((values, converter.row_group_is_min_value_exact(groups())?)))
        .ok()
        .and_then(|(values, exact)| extreme(&values, &exact, false));
    let largest = converter
        .row_group_maxes(groups())
        .and_then(|values| Ok((values, converter.row_group_is_max_value_exact(groups())?)))
        .ok()
        .and_then(|(values, exact)| extreme(&values, &exact, true));
    (smallest, largest)
}

/// Returns the first value in the order, or none when a value is unknown or was shortened.
fn extreme(values: &ArrayRef, exact: &BooleanArray, descending: bool) -> Option<String> {
    // Writers that do not say whether a value was shortened did not shorten it.
    if values.null_count() > 0 || exact.false_count() > 0 {
        return None;
    }
    let order = SortOptions { descending, nulls_first: false };
    let first = sort_to_indices(values, Some(order), Some(1)).ok()?;
    let row = usize::try_from(*first.values().first()?).ok()?;
    shown_value(values.as_ref(), row)
}
