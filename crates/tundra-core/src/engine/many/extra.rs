//! The columns that say where a row comes from: the file, the sheet, and what the directories are called.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::ArrayRef,
    buffer::Buffer,
    datatypes::{Field, FieldRef},
};

use super::part::Part;
use crate::{
    ColumnPlan, ConvertOptions, Error, ManyInputs, Result,
    engine::parts::HIVE_NULL,
    read::{
        csv::{
            Dialect,
            column::{ColumnBuilder, Rows},
            decode::CsvColumn,
            infer::CsvObservation,
            plan::plan_columns,
            tokenize::Span,
        },
        table::{ColumnOptions, check_names},
    },
};

/// Columns that are behind those of the inputs.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub(super) columns: Vec<ColumnPlan>,
    pub(super) fields: Vec<FieldRef>,
    /// The one value of each column in all rows of a part, by its number.
    values: BTreeMap<usize, Vec<ArrayRef>>,
}

/// What a column says of the part that a row is from.
#[derive(Debug)]
enum Source {
    File,
    Sheet,
    /// The value of a name in its directories.
    Directory(Directories),
}

/// The values of one name in the directories of parts, by their numbers.
type Directories = BTreeMap<usize, String>;

impl Source {
    fn value(&self, part: &Part, number: usize) -> Option<String> {
        match self {
            Self::File => Some(part.file()),
            Self::Sheet => part.sheet.clone(),
            Self::Directory(values) => values.get(&number).cloned(),
        }
    }

    /// Returns why the column has its type; `found` is what its values say, or that the type was given.
    fn reason(&self, found: &str, is_given: bool) -> String {
        match self {
            Self::Directory(_) => format!("from the directories: {found}"),
            _ if is_given => found.to_owned(),
            Self::File => "the file that the row is from".to_owned(),
            Self::Sheet => "the sheet that the row is from".to_owned(),
        }
    }
}

/// Returns the names of the columns that are asked for, for parts of these numbers.
pub(super) fn names(inputs: &ManyInputs, parts: &[Part], numbers: &[usize]) -> Vec<String> {
    sources(inputs, parts, numbers).into_iter().map(|(name, _)| name).collect()
}

/// Returns options without what they say of columns of these names, unless `is_other` says that an input has
/// one of the name.
pub(super) fn without(
    options: &ConvertOptions,
    names: &[String],
    is_other: impl Fn(&str) -> bool,
) -> ConvertOptions {
    about(options, |name| is_other(name) || !names.iter().any(|other| other == name))
}

/// Returns options with what they say of some columns only.
fn about(options: &ConvertOptions, is_one: impl Fn(&str) -> bool) -> ConvertOptions {
    let mut options = options.clone();
    options.column_mapping.retain(|(name, _)| is_one(name));
    options.type_overrides.retain(|(name, _)| is_one(name));
    options.column_formats.retain(|(name, _)| is_one(name));
    options
}

/// Returns the columns that are asked for.
fn sources(inputs: &ManyInputs, parts: &[Part], numbers: &[usize]) -> Vec<(String, Source)> {
    let mut sources = Vec::new();
    sources.extend(inputs.file_column.clone().map(|name| (name, Source::File)));
    sources.extend(inputs.sheet_column.clone().map(|name| (name, Source::Sheet)));
    if inputs.hive {
        let found = directories(parts, numbers).into_iter();
        sources.extend(found.map(|(name, values)| (name, Source::Directory(values))));
    }
    sources
}

/// Returns the values of each name in directories such as `year=2024`. Names that differ in case only are one,
/// as those of columns are.
fn directories(parts: &[Part], numbers: &[usize]) -> Vec<(String, Directories)> {
    let mut found: Vec<(String, Directories)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for number in numbers {
        for (name, value) in partitions(&parts[*number].location) {
            let place = *places.entry(name.to_lowercase()).or_insert_with(|| {
                found.push((name, Directories::new()));
                found.len() - 1
            });
            // Of two of one name the inner one counts.
            match value {
                Some(value) => found[place].1.insert(*number, value),
                None => found[place].1.remove(number),
            };
        }
    }
    found
}

impl Extras {
    /// Makes the columns that are asked for, for parts of these numbers.
    ///
    /// # Errors
    /// Fails when one of them has the name of another column, and when a value has not the type that was
    /// given.
    pub(super) fn of(
        inputs: &ManyInputs,
        parts: &[Part],
        numbers: &[usize],
        others: &[ColumnPlan],
        options: &ConvertOptions,
    ) -> Result<Self> {
        let sources = sources(inputs, parts, numbers);
        let names: Vec<String> = sources.iter().map(|(name, _)| name.clone()).collect();
        let is_other = |name: &str| others.iter().any(|column| column.source_name == name);
        let options = about(options, |name| names.iter().any(|it| it == name) && !is_other(name));
        let column_options = ColumnOptions::new(&options, &names, &inputs.name)?;
        let observed = observe(&sources, parts, numbers);
        let planned = plan_columns(&names, &observed, &column_options, &options, true)?;
        let mut extras = Self::default();
        extras.values.extend(numbers.iter().map(|number| (*number, Vec::new())));
        for (((name, source), plan), column) in
            sources.iter().zip(planned.plans).zip(planned.columns)
        {
            let is_given = column_options.wanted(name).is_some();
            let reason = source.reason(&plan.reason, is_given);
            extras.columns.push(ColumnPlan { reason, ..plan });
            let kind = column.column_type.to_arrow();
            extras.fields.push(Arc::new(Field::new(&column.name, kind, true)));
            for (number, values) in &mut extras.values {
                let part = &parts[*number];
                let value = source.value(part, *number).unwrap_or_default();
                values.push(one_value(&column, &value, part)?);
            }
        }
        let all = others.iter().chain(&extras.columns);
        check_names(all.map(|column| (column.source_name.as_str(), column.name.as_str())))?;
        Ok(extras)
    }

    /// Returns the value of each column in the rows of a part.
    pub(super) fn values(&self, number: usize) -> &[ArrayRef] {
        self.values.get(&number).map_or(&[], Vec::as_slice)
    }
}

/// Looks at the values of directories, by which those columns are typed; the others are text.
fn observe(sources: &[(String, Source)], parts: &[Part], numbers: &[usize]) -> CsvObservation {
    let mut observed = CsvObservation::new(sources.len());
    for (record, number) in (1..).zip(numbers) {
        observed.records = record;
        for ((_, source), evidence) in sources.iter().zip(&mut observed.columns) {
            if let Source::Directory(_) = source
                && let Some(value) = source.value(&parts[*number], *number)
            {
                evidence.observe(value.as_bytes(), record);
            }
        }
    }
    observed
}

/// Returns the value as an array of one row; null when it is empty.
fn one_value(column: &CsvColumn, value: &str, part: &Part) -> Result<ArrayRef> {
    let CsvColumn { name, column_type, .. } = column;
    let unfit = || Error::Request {
        message: format!(
            "column `{name}` cannot be {column_type}: it is `{value}` for `{}`",
            part.name()
        ),
        hint: Some("give it another type".to_owned()),
    };
    let chunk = Buffer::from(value.as_bytes());
    let dialect = Dialect::default();
    let spans = [Span::plain(0, value.len())];
    let rows = Rows { bytes: value.as_bytes(), spans: &spans, width: 1, dialect: &dialect };
    let mut builder = ColumnBuilder::new(column, 1).ok_or_else(unfit)?;
    builder.append(rows, 0, |_| Err(unfit()))?;
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
            (unescaped(name), value.filter(|value| !value.is_empty() && value != HIVE_NULL))
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
