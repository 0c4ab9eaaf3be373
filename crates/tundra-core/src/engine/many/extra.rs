//! The columns that say where a row comes from: the file, the sheet, and what the directories are called.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, StringViewArray},
    buffer::Buffer,
    datatypes::{Field, FieldRef},
};

use super::part::Part;
use crate::{
    ColumnPlan, ColumnType, Error, ManyInputs, Result,
    read::{
        csv::{
            Dialect,
            column::{ColumnBuilder, Reading, Rows},
            decode::CsvColumn,
            tokenize::Span,
        },
        lattice::Evidence,
        table::check_names,
    },
};

/// What Hive writes where a value is missing.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Columns that are behind those of the inputs.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub(super) columns: Vec<ColumnPlan>,
    pub(super) fields: Vec<FieldRef>,
    /// The one value of each column in all rows of a part, by its number.
    values: HashMap<usize, Vec<ArrayRef>>,
}

impl Extras {
    /// Makes the columns that are asked for, for parts of these numbers.
    ///
    /// # Errors
    /// Fails when one of them has the name of another column.
    pub(super) fn of(
        inputs: &ManyInputs,
        parts: &[Part],
        numbers: &[usize],
        others: &[ColumnPlan],
    ) -> Result<Self> {
        let mut extras = Self::default();
        for number in numbers {
            extras.values.insert(*number, Vec::new());
        }
        if let Some(name) = &inputs.file_column {
            extras.add_text(name, "the file that the row is from", |at| Some(parts[at].file()));
        }
        if let Some(name) = &inputs.sheet_column {
            extras.add_text(name, "the sheet that the row is from", |at| parts[at].sheet.clone());
        }
        if inputs.hive {
            extras.add_partitions(parts, numbers)?;
        }
        let all = others.iter().chain(&extras.columns);
        check_names(all.map(|column| (column.source_name.as_str(), column.name.as_str())))?;
        Ok(extras)
    }

    /// Returns the value of each column in the rows of a part.
    pub(super) fn values(&self, number: usize) -> &[ArrayRef] {
        self.values.get(&number).map_or(&[], Vec::as_slice)
    }

    fn add_text(&mut self, name: &str, reason: &str, value: impl Fn(usize) -> Option<String>) {
        let column = CsvColumn {
            name: name.to_owned(),
            column_type: ColumnType::Varchar,
            reading: Reading::Lossless,
            format: None,
            watch: None,
        };
        self.add(&column, reason.to_owned());
        for (number, values) in &mut self.values {
            let array = StringViewArray::from(vec![value(*number)]);
            values.push(Arc::new(array));
        }
    }

    fn add(&mut self, column: &CsvColumn, reason: String) {
        let CsvColumn { name, column_type, format, .. } = column;
        self.columns.push(ColumnPlan {
            name: name.clone(),
            source_name: name.clone(),
            column_type: column_type.to_string(),
            format: format.map(|format| format.to_string()),
            reason,
        });
        self.fields.push(Arc::new(Field::new(name, column_type.to_arrow(), true)));
    }

    /// Adds a column for each name in directories such as `year=2024`, typed by all of its values.
    fn add_partitions(&mut self, parts: &[Part], numbers: &[usize]) -> Result<()> {
        let found: BTreeMap<usize, Vec<(String, Option<String>)>> =
            numbers.iter().map(|at| (*at, partitions(&parts[*at].location))).collect();
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in found.values().flatten() {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        for name in names {
            let value_of = |at: usize| {
                let mut of_part = found.get(&at)?.iter().rev();
                of_part.find(|(other, _)| other == name)?.1.as_deref()
            };
            let mut evidence = Evidence::default();
            for (record, at) in (1..).zip(numbers) {
                if let Some(value) = value_of(*at) {
                    evidence.observe(value.as_bytes(), record);
                }
            }
            let verdict = evidence.verdict();
            let column = CsvColumn {
                name: name.to_owned(),
                column_type: verdict.column_type,
                reading: Reading::Lossless,
                format: verdict.format,
                watch: None,
            };
            self.add(&column, format!("from the directories: {}", verdict.reason));
            for (number, values) in &mut self.values {
                values.push(one_value(&column, value_of(*number).unwrap_or_default())?);
            }
        }
        Ok(())
    }
}

/// Returns the value as an array of one row; null when it is empty.
fn one_value(column: &CsvColumn, value: &str) -> Result<ArrayRef> {
    let internal = || Error::Internal(format!("`{value}` is no {}", column.column_type));
    let chunk = Buffer::from(value.as_bytes());
    let dialect = Dialect::default();
    let spans = [Span::plain(0, value.len())];
    let rows = Rows { bytes: value.as_bytes(), spans: &spans, width: 1, dialect: &dialect };
    let mut builder = ColumnBuilder::new(column, 1).ok_or_else(internal)?;
    builder.append(rows, 0, |_| Err(internal()))?;
    builder.finish(&chunk).map_err(|error| Error::Internal(error.to_string()))
}

/// Returns the names and values in the directories of a place.
fn partitions(location: &str) -> Vec<(String, Option<String>)> {
    let directories = location.rsplit_once('/').map_or("", |(directories, _)| directories);
    let pairs = directories.split('/').filter_map(|segment| segment.split_once('='));
    pairs
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| {
            let value = Some(unescaped(value));
            (unescaped(name), value.filter(|value| !value.is_empty() && value != NO_VALUE))
        })
        .collect()
}

/// Takes the signs back that writers of such directories put in the place of others: `%2F` for `/`.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|it| std::str::from_utf8(it).ok());
        let digits = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    // What is no text then was meant as it stands.
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_taken_apart() {
        let found =
            partitions("s3://b/year=2024/x/name=a%2Fb%20c/k=/n=__HIVE_DEFAULT_PARTITION__/y=1.csv");
        let found: Vec<(&str, Option<&str>)> =
            found.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        assert_eq!(
            found,
            [("year", Some("2024")), ("name", Some("a/b c")), ("k", None), ("n", None)]
        );
        assert_eq!(unescaped("100%"), "100%");
        assert_eq!(unescaped("%zz%4"), "%zz%4");
        assert_eq!(unescaped("%ff"), "%ff");
    }
}
