//! Values as a person reads them.

use arrow::{
    array::{Array, AsArray, RecordBatch},
    util::display::{ArrayFormatter, FormatOptions},
};

use crate::engine::files::hexadecimal;

/// Values of a column that are shown.
const SAMPLE_VALUES: usize = 5;

/// Bytes of a value that are shown when it is no text.
const SHOWN_BYTES: usize = 32;

/// Returns the first few values of a column that differ.
pub(super) fn samples(first: Option<&RecordBatch>, column: usize) -> Vec<String> {
    let mut samples: Vec<String> = Vec::new();
    let Some(values) = first.and_then(|batch| batch.columns().get(column)) else {
        return samples;
    };
    for row in 0..values.len() {
        if let Some(value) = shown_value(values.as_ref(), row)
            && !samples.contains(&value)
        {
            samples.push(value);
            if samples.len() == SAMPLE_VALUES {
                break;
            }
        }
    }
    samples
}

/// Returns rows as text; `None` is a null.
pub(super) fn shown_rows(batch: &RecordBatch) -> Vec<Vec<Option<String>>> {
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| shown_value(column.as_ref(), row)).collect())
        .collect()
}

/// Returns a value as text; `None` when it is null.
pub(crate) fn shown_value(values: &dyn Array, row: usize) -> Option<String> {
    // An array of the type of nulls does not call them so.
    if values.is_null(row) || values.data_type().is_null() {
        return None;
    }
    if let Some(bytes) = values.as_binary_view_opt().map(|values| values.value(row))
        && bytes.len() > SHOWN_BYTES
    {
        // A geometry may have a million positions, and nobody reads them like this.
        let mut shown = hexadecimal(&bytes[..SHOWN_BYTES]);
        shown.push_str(&format!("… ({} bytes)", bytes.len()));
        return Some(shown);
    }
    let options = FormatOptions::default().with_timestamp_format(None);
    match ArrayFormatter::try_new(values, &options) {
        Ok(formatter) => Some(formatter.value(row).to_string()),
        Err(error) => Some(format!("({error})")),
    }
}
