//! The schema of an input as a file that a person edits: how the input is written, and what its
//! columns are to be.
//!
//! Start at [`SchemaFile`]. It is made of an [`Inspection`], printed as YAML with comments that say
//! why, read back, and applied to [`ConvertOptions`]; then an input that does not fit fails with a
//! [`Drift`]. Nothing in here opens a file.

mod document;
mod drift;
mod print;
mod text_form;

use std::{fmt, str::FromStr};

#[cfg(feature = "engine")]
pub(crate) use self::drift::{Seen, by_name, by_type};
pub(crate) use self::text_form::contradiction;
pub use self::{
    document::SchemaFileError,
    drift::{Difference, Drift},
    text_form::{TextForm, TextFormError},
};
use crate::{
    ColumnType, ConvertOptions, Expected, Format, Inspection, JsonHints, OnDrift, TextHints,
};

/// The version of the form that is printed.
///
/// Keys are only ever added, and a reader refuses those that it does not know, because a misspelt
/// key would otherwise change nothing and say nothing. A change of meaning is a new version. A
/// sample of each version is in `tests/schemas/` and is read by the tests.
pub const SCHEMA_FILE_VERSION: u32 = 1;

/// What an input is expected to be.
///
/// ```
/// use tundra_core::{ConvertOptions, OnDrift, SchemaFile};
///
/// let schema: SchemaFile = "
/// tundra_schema: 1
/// columns:
///   - name: zip
///     type: VARCHAR
///   - name: Amount (EUR)
///     rename: amount
///     type: DECIMAL(12,2)
///     nullable: false
/// "
/// .parse()?;
/// let mut options = ConvertOptions::default();
/// schema.apply(&mut options, OnDrift::Fail);
/// # Ok::<(), tundra_core::SchemaFileError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFile {
    /// The format; found when it is not given.
    pub format: Option<Format>,
    /// How a text is written.
    pub text: TextHints,
    /// Words that stand for nulls in delimited text; see [`ConvertOptions::null_words`].
    pub null_words: Vec<String>,
    /// Where the records of a JSON input are.
    pub json: JsonHints,
    /// The columns, in the order of the output; at least one.
    pub columns: Vec<SchemaColumn>,
}

/// What a column is expected to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaColumn {
    /// Its name in the input, made unique.
    pub name: String,
    /// Its name in the output, when that is another.
    pub rename: Option<String>,
    /// Its type; by its values when it is not given.
    pub column_type: Option<ColumnType>,
    /// How its values are written; see [`ConvertOptions::column_formats`]. The usual way when it is
    /// not given and there is a type.
    pub format: Option<String>,
    /// Whether it may have nulls.
    pub nullable: bool,
    /// Whether whatever a person would accept is a value of the type, as when a type is forced by
    /// [`ConvertOptions::type_overrides`]. Else a value must keep every digit and sign: `00713` is no
    /// integer.
    pub force: bool,
}

impl SchemaColumn {
    /// Returns a column that may have nulls, without a type.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            rename: None,
            column_type: None,
            format: None,
            nullable: true,
            force: false,
        }
    }

    /// Returns the name in the output.
    pub fn output_name(&self) -> &str {
        self.rename.as_deref().unwrap_or(&self.name)
    }
}

impl SchemaFile {
    /// Makes a schema that an input fits which is like the one that was looked at.
    ///
    /// All columns may have nulls, because that none was seen promises nothing. A column of a
    /// Parquet file whose type has no name here gets none.
    pub fn from_inspection(found: &Inspection) -> Self {
        let columns = found.columns.iter().map(|column| SchemaColumn {
            column_type: column.column_type.parse().ok(),
            format: column.format.clone(),
            ..SchemaColumn::new(&column.name)
        });
        let text = found.text.as_ref().and_then(|form| form.to_hints().ok());
        Self {
            format: found.source.format.parse().ok(),
            text: text.unwrap_or_default(),
            null_words: found.text.as_ref().map_or_else(Vec::new, |form| form.nulls.clone()),
            json: found.json.clone().unwrap_or_default(),
            columns: columns.collect(),
        }
    }

    /// Fills in what the options leave open: what they say already goes before the schema, for the
    /// way in which the input is written as well as for single columns.
    pub fn apply(&self, options: &mut ConvertOptions, on_drift: OnDrift) {
        let Self { format, text, null_words, json, columns } = self;
        options.format = options.format.or(*format);
        fill_in(&mut options.text, text);
        if options.null_words.is_empty() {
            options.null_words.clone_from(null_words);
        }
        if options.json.records.is_none() {
            options.json.records.clone_from(&json.records);
        }
        options.json.flatten |= json.flatten;
        options.expected = Some(Expected { columns: columns.clone(), on_drift });
    }

    /// Returns how an inspected input differs from the schema, by the types of its columns.
    ///
    /// A conversion looks at every value instead, so that it accepts more: a `DOUBLE` whose values
    /// all fit is no difference to a `DECIMAL(12,2)` then.
    pub fn differences(&self, found: &Inspection) -> Vec<Difference> {
        let columns: Vec<drift::Seen<'_>> = found
            .columns
            .iter()
            .map(|column| drift::Seen {
                name: &column.name,
                column_type: &column.column_type,
                reason: &column.reason,
                nulls: column.null_count,
                is_empty: column.null_count == Some(found.rows_inspected),
            })
            .collect();
        drift::by_type(&self.columns, &columns)
    }

    /// Returns the schema as YAML with comments that say why each column is what it is. `found` is
    /// what the schema was made of.
    pub fn explained(&self, found: &Inspection) -> String {
        print::yaml(self, Some(found))
    }
}

/// Takes over each hint that is not given.
fn fill_in(hints: &mut TextHints, from: &TextHints) {
    // Taken apart, so that a new hint is not forgotten here.
    let TextHints {
        encoding,
        delimiter,
        quote,
        escape,
        header,
        header_rows,
        preamble,
        footer,
        one_table,
        comment,
    } = from.clone();
    // The escape belongs to the quote: with another quote than that of the schema, it is open again.
    if hints.quote.is_none() {
        hints.escape = hints.escape.or(escape);
    }
    // Either says how many records the header has.
    if hints.header.is_none() && hints.header_rows.is_none() {
        hints.header = header;
        hints.header_rows = header_rows;
    }
    // Either says where the table ends.
    if hints.footer.is_none() && !hints.one_table {
        hints.footer = footer;
        hints.one_table = one_table;
    }
    hints.encoding = hints.encoding.take().or(encoding);
    hints.delimiter = hints.delimiter.take().or(delimiter);
    hints.quote = hints.quote.or(quote);
    hints.preamble = hints.preamble.or(preamble);
    hints.comment = hints.comment.take().or(comment);
}

impl fmt::Display for SchemaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::yaml(self, None))
    }
}

impl FromStr for SchemaFile {
    type Err = SchemaFileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        document::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnInspection, Decision, SourceFacts};

    fn column(name: &str, column_type: &str, reason: &str, nulls: u64) -> ColumnInspection {
        ColumnInspection {
            name: name.to_owned(),
            column_type: column_type.to_owned(),
            format: (column_type == "DATE").then(|| "%d.%m.%Y".to_owned()),
            reason: reason.to_owned(),
            nullable: nulls > 0,
            null_count: Some(nulls),
            distinct_count: None,
            min: None,
            max: None,
            samples: Vec::new(),
        }
    }

    fn found() -> Inspection {
        let decision = |what: &str, value: &str, reason: &str| Decision {
            what: what.to_owned(),
            value: value.to_owned(),
            confidence: 1.0,
            reason: reason.to_owned(),
        };
        Inspection {
            source: SourceFacts {
                location: "data/sales.csv".to_owned(),
                format: "csv".to_owned(),
                size_bytes: 50,
                etag: None,
                database: None,
                inputs: None,
            },
            text: Some(TextForm {
                encoding: Some("UTF-8".to_owned()),
                delimiter: Some(";".to_owned()),
                quote: Some("\"".to_owned()),
                escape: Some("doubled".to_owned()),
                header: Some(true),
                comment: Some("none".to_owned()),
                nulls: vec!["NULL".to_owned(), "-".to_owned()],
                ..TextForm::default()
            }),
            json: None,
            decisions: vec![
                decision("encoding", "UTF-8", "the sample is ASCII"),
                decision("delimiter", ";", "3 fields in most records"),
            ],
            columns: vec![
                column("id", "BIGINT", "all 3 values are integers of 64 bits", 0),
                column("zip: code", "VARCHAR", "record 3 has `00713`,\nwhich is no integer", 1),
                column("no", "DOUBLE", "all 3 values are numbers that a double holds", 2),
                column("day", "DATE", "all 3 values are dates, day first", 0),
            ],
            rows_inspected: 3,
            complete: true,
            sample_rows: Vec::new(),
            warnings: Vec::new(),
            parquet: None,
        }
    }

    #[test]
    fn what_is_made_of_an_inspection_is_printed_with_reasons_and_read_back() {
        let found = found();
        let schema = SchemaFile::from_inspection(&found);
        let text = schema.explained(&found);
        let body = text.split_once("\ntundra_schema").expect("a heading and a body").1;
        assert_eq!(
            body,
            ": 1
format: csv

text:
  encoding: UTF-8  # the sample is ASCII
  delimiter: \";\"  # 3 fields in most records
  quote: '\"'
  escape: doubled
  header: true
  comment: none
  nulls: [\"NULL\", \"-\"]

columns:
  # all 3 values are integers of 64 bits; no nulls
  - name: id
    type: BIGINT

  # record 3 has `00713`, which is no integer; 1 null
  - name: \"zip: code\"
    type: VARCHAR

  # all 3 values are numbers that a double holds; 2 nulls
  - name: \"no\"
    type: DOUBLE

  # all 3 values are dates, day first; no nulls
  - name: day
    type: DATE
    format: \"%d.%m.%Y\"
"
        );
        assert!(text.starts_with("# "), "{text}");
        assert_eq!(text.parse::<SchemaFile>().unwrap(), schema);
        assert_eq!(schema.to_string().parse::<SchemaFile>().unwrap(), schema);
    }

    #[test]
    fn options_go_before_the_schema() {
        let schema = SchemaFile::from_inspection(&found());
        let mut options = ConvertOptions {
            format: Some(Format::Tsv),
            text: TextHints {
                delimiter: Some("\t".to_owned()),
                quote: Some(None),
                ..TextHints::default()
            },
            ..ConvertOptions::default()
        };
        schema.apply(&mut options, OnDrift::Accept);
        assert_eq!(options.format, Some(Format::Tsv));
        assert_eq!(options.text.delimiter.as_deref(), Some("\t"));
        assert_eq!((options.text.quote, options.text.escape), (Some(None), None));
        assert_eq!(options.text.encoding.as_deref(), Some("UTF-8"));
        assert_eq!(options.text.header, Some(true));
        let expected = options.expected.unwrap();
        assert_eq!((expected.columns.len(), expected.on_drift), (4, OnDrift::Accept));
        assert_eq!(options.null_words, ["NULL", "-"]);
    }

    #[test]
    fn an_inspection_is_compared_by_types() {
        let mut schema = SchemaFile::from_inspection(&found());
        assert_eq!(schema.differences(&found()), []);
        schema.columns[0].column_type = Some("DECIMAL(38,0)".parse().unwrap());
        assert_eq!(schema.differences(&found()), [], "every integer of 64 bits fits");
        schema.columns[0].column_type = Some("DATE".parse().unwrap());
        schema.columns[1].nullable = false;
        schema.columns[2].name = "gone".to_owned();
        let differences = schema.differences(&found());
        let kinds: Vec<&str> = differences.iter().map(Difference::kind).collect();
        assert_eq!(kinds, ["added", "missing", "retyped", "nulls"]);
    }
}
