//! What a conversion is asked to do.
//!
//! Start at [`ConvertOptions`]. These are plain values: parsing them from a command line or a
//! request is the business of whoever reads those.

use std::{
    collections::BTreeSet,
    fmt,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    column_type::ColumnType,
    error::{Error, Result},
    format::{Format, OutputFormat, UnknownName},
    geometry::GeometryOptions,
    object_path::ObjectPath,
    records_path::RecordsPath,
    reporter::Reporter,
    schema_file::{SchemaColumn, contradiction},
    storage::{IfExists, Storage},
    unpack_limit::UnpackLimit,
    writing::WriteOptions,
};

/// An input: an object in a store.
#[derive(Debug, Clone)]
pub struct Input {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The object.
    pub path: ObjectPath,
}

/// An output: a name in a store.
#[derive(Debug, Clone)]
pub struct Output {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The name.
    pub path: ObjectPath,
    /// What to do when there is such an object.
    pub if_exists: IfExists,
}

/// How columns get their types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TypePolicy {
    /// By their values, losslessly.
    #[default]
    Infer,
    /// Every column is text.
    Text,
}

/// What happens to a record that cannot be read, or a value that does not fit a forced type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadRowPolicy {
    /// The run fails and says where.
    #[default]
    Fail,
    /// The record is written to `rejects.parquet` beside the output.
    Reject,
    /// The record is made to fit by documented rules, and counted.
    Repair,
}

/// What the rejected records beside an output are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RejectsName {
    /// `rejects.parquet`, whatever the output is called.
    #[default]
    Usual,
    /// As the output, with `.rejects.parquet` for its extension: for a run with several outputs in one place.
    OfOutput,
}

/// How many rejects are too many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RejectLimit {
    /// More than this many records.
    Count(u64),
    /// More than this share of all records, from 0 to 1.
    Ratio(f64),
}

impl RejectLimit {
    /// Returns whether the numbers are beyond the limit.
    pub fn is_exceeded(self, rejected: u64, records: u64) -> bool {
        match self {
            Self::Count(limit) => rejected > limit,
            #[expect(clippy::cast_precision_loss, reason = "a ratio of counts is approximate")]
            Self::Ratio(limit) => rejected as f64 > limit * records as f64,
        }
    }
}

impl fmt::Display for RejectLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Ratio(ratio) => write!(f, "{}%", ratio * 100.0),
        }
    }
}

impl FromStr for RejectLimit {
    type Err = UnknownName;

    /// Reads a count (`10`) or a percentage (`0.5%`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownName {
            text: text.to_owned(),
            what: "limit of rejects",
            known: &["a count such as 10", "a percentage such as 0.5%"],
        };
        match text.strip_suffix('%') {
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Ratio(percent / 100.0)),
                _ => Err(unknown()),
            },
            None => text.parse().map(Self::Count).map_err(|_| unknown()),
        }
    }
}

/// What is known beforehand about how a text input is written. `None` means: find out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextHints {
    /// The encoding by its WHATWG label, such as `windows-1252`.
    pub encoding: Option<String>,
    /// What stands between two fields; not empty.
    pub delimiter: Option<String>,
    /// The quote; `Some(None)` says that there is none.
    pub quote: Option<Option<char>>,
    /// The character before a quote that does not end a field; the quote itself for doubling.
    pub escape: Option<Option<char>>,
    /// Whether there is a header.
    pub header: Option<bool>,
    /// How many records the header has; 0 for none. Goes before [`TextHints::header`].
    pub header_rows: Option<u32>,
    /// Lines before the header that are no records.
    pub preamble: Option<u64>,
    /// Lines at the end of the input that are no records.
    pub footer: Option<u64>,
    /// Everything behind the header is one table, whatever it looks like.
    pub one_table: bool,
    /// Lines that begin with this are no records.
    pub comment: Option<Option<String>>,
}

impl TextHints {
    /// Checks that they do not contradict each other, and that there are none of delimited text
    /// unless the input is such; neither are `null_words`. `input` is its name.
    ///
    /// # Errors
    /// Fails and names the option.
    pub fn check(&self, null_words: &[String], format: Format, input: &str) -> Result<()> {
        if let Some(error) = contradiction(self) {
            return Err(Error::request(error.to_string()));
        }
        // Taken apart, so that a new hint is not forgotten here.
        let Self {
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
        } = self;
        if matches!(format, Format::Csv | Format::Tsv) {
            return Ok(());
        }
        let name = format.name();
        // A sheet has a header as well, and lines above it.
        let is_sheet = format == Format::Excel;
        let given = [
            ("--delimiter", delimiter.is_some()),
            ("--quote", quote.is_some()),
            ("--escape", escape.is_some()),
            ("--header", header.is_some() && !is_sheet),
            ("--header-rows", header_rows.is_some() && !is_sheet),
            ("--preamble", preamble.is_some() && !is_sheet),
            ("--footer", footer.is_some()),
            ("--one-table", *one_table),
            ("--comment", comment.is_some()),
            ("--null", !null_words.is_empty()),
        ];
        let what = if let Some((option, _)) = given.iter().find(|(_, is_given)| *is_given) {
            format!("`{option}` is for delimited text")
        } else if matches!(format, Format::Parquet | Format::Excel) && encoding.is_some() {
            "`--encoding` is for text".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::Request {
            message: format!("{what}, and `{input}` is read as {name}"),
            hint: Some("if it is delimited text, say so with `--format csv`".to_owned()),
        })
    }
}

/// Where the records of a JSON input are, and what becomes of their nested values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonHints {
    /// The way from each document to its records; the documents themselves when it is not given.
    #[serde(default)]
    pub records: Option<RecordsPath>,
    /// Whether the fields of nested objects become columns of their own, named by the names of the
    /// objects around them with dots between.
    #[serde(default)]
    pub flatten: bool,
}

impl JsonHints {
    /// Checks that there are none unless the input is JSON. `input` is its name.
    ///
    /// # Errors
    /// Fails and names the option.
    pub fn check(&self, format: Format, input: &str) -> Result<()> {
        let option = match (&self.records, self.flatten) {
            _ if matches!(format, Format::Json | Format::Ndjson) => return Ok(()),
            // The records of GeoJSON are its features.
            (None, _) if format == Format::GeoJson => return Ok(()),
            (Some(_), _) => "--records",
            (None, true) => "--flatten",
            (None, false) => return Ok(()),
        };
        let name = format.name();
        Err(Error::Request {
            message: format!("`{option}` is for JSON, and `{input}` is read as {name}"),
            hint: Some("if it is JSON nevertheless, say so with `--format json`".to_owned()),
        })
    }
}

/// Which part of a workbook is read, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkbookHints {
    /// The sheet, by its name or its number from 1 on; the first visible one with cells when it is not
    /// given.
    pub sheet: Option<String>,
    /// The range of cells (`A1:F100`, `Sheet2!A:F`), or the name of a range or a table; all cells when it
    /// is not given.
    pub range: Option<String>,
    /// Whether every cell of those that are merged has the value of the first of them.
    pub fill_merged: bool,
    /// Whether hidden rows and columns are left out.
    pub skip_hidden: bool,
    /// What becomes of cells with an error.
    pub error_cells: ErrorCells,
}

/// What becomes of cells that show an error, such as `#N/A`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorCells {
    /// The error is text, and so is its column.
    #[default]
    Text,
    /// It is a null, which is counted.
    Null,
    /// Its record is a bad one.
    Fail,
}

impl ErrorCells {
    /// The names of all.
    pub const NAMES: &'static [&'static str] = &["text", "null", "fail"];

    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Null => "null",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for ErrorCells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ErrorCells {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "null" => Ok(Self::Null),
            "fail" => Ok(Self::Fail),
            _ => Err(UnknownName {
                text: text.to_owned(),
                what: "way to treat error cells",
                known: Self::NAMES,
            }),
        }
    }
}

impl WorkbookHints {
    /// Checks that there are none unless the input is a workbook. `input` is its name.
    ///
    /// # Errors
    /// Fails and names the option.
    pub fn check(&self, format: Format, input: &str) -> Result<()> {
        let Self { sheet, range, fill_merged, skip_hidden, error_cells } = self;
        let given = [
            ("--sheet", sheet.is_some()),
            ("--range", range.is_some()),
            ("--fill-merged", *fill_merged),
            ("--skip-hidden", *skip_hidden),
            ("--on-error-cell", *error_cells != ErrorCells::default()),
        ];
        let found = given.iter().find(|(_, is_given)| *is_given);
        let Some((option, _)) = found.filter(|_| format != Format::Excel) else { return Ok(()) };
        Err(Error::Request {
            message: format!("`{option}` is for workbooks, and `{input}` is read as {format}"),
            hint: None,
        })
    }
}

/// What the columns of an input are expected to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The columns, in the order of the output.
    pub columns: Vec<SchemaColumn>,
    /// What happens when the input has others.
    pub on_drift: OnDrift,
}

/// What happens to an input that is not as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// The run fails and lists the differences.
    #[default]
    Fail,
    /// The input is taken as it is: a column that is not expected comes behind the others, one that
    /// is missing is null in every row, and one whose values do not fit gets the type that holds
    /// them. All of it stands in the receipt.
    Accept,
}

/// How an input is read and an output is written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConvertOptions {
    /// The format of the input; found when it is not given.
    pub format: Option<Format>,
    /// The member of an archive, by its name in the archive; the only one that holds data when it is not
    /// given.
    pub member: Option<String>,
    /// Bytes that may come out of a compressed input or of an archive.
    pub max_unpacked: UnpackLimit,
    /// How a text input is written.
    pub text: TextHints,
    /// Where the records of a JSON input are.
    pub json: JsonHints,
    /// Which part of a workbook is read.
    pub workbook: WorkbookHints,
    /// What the columns are expected to be, if anything is; see [`crate::SchemaFile::apply`].
    pub expected: Option<Expected>,
    /// New names of columns, as pairs of the name in the input and the name in the output.
    pub column_mapping: Vec<(String, String)>,
    /// Types of columns, by their name in the input.
    pub type_overrides: Vec<(String, ColumnType)>,
    /// How the values of columns in `type_overrides` are written in delimited text, by their name in
    /// the input: `%d/%m/%Y`, `#.##0,00 €`. By the values themselves where it is not given.
    pub column_formats: Vec<(String, String)>,
    /// Words that stand for nulls in delimited text, in every column and as a whole field without
    /// quotes. An empty field without quotes is a null in any case.
    pub null_words: Vec<String>,
    /// Numbers of records that are left out; the first record behind the header is 0.
    pub skip_rows: BTreeSet<u64>,
    /// How the other columns get their types.
    pub types: TypePolicy,
    /// What happens to records that do not fit.
    pub on_bad_row: BadRowPolicy,
    /// How many rejects fail the run nevertheless; no limit when not given.
    pub max_rejects: Option<RejectLimit>,
    /// What the rejects beside the output are called.
    pub rejects_name: RejectsName,
    /// The format of the output.
    pub output_format: OutputFormat,
    /// How geometries are written, and whether they are put in order.
    pub geometry: GeometryOptions,
    /// How the output is written; of another format than Parquet only in what order.
    pub writing: WriteOptions,
}

/// How an input is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InspectOptions {
    /// The format of the input; found when it is not given.
    pub format: Option<Format>,
    /// The member of an archive, by its name in the archive; the only one that holds data when it is not
    /// given.
    pub member: Option<String>,
    /// Bytes that may come out of a compressed input or of an archive.
    pub max_unpacked: UnpackLimit,
    /// How a text input is written.
    pub text: TextHints,
    /// Where the records of a JSON input are.
    pub json: JsonHints,
    /// Which part of a workbook is read.
    pub workbook: WorkbookHints,
    /// How the columns get their types.
    pub types: TypePolicy,
    /// Words that stand for nulls in delimited text; see [`ConvertOptions::null_words`].
    pub null_words: Vec<String>,
    /// Look at this many records only; at all of them when not given.
    pub sample_size: Option<u64>,
}

/// What a run may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// Threads that compute; at least 1.
    pub threads: usize,
    /// Memory of the whole process in bytes.
    pub memory: u64,
    /// Where the engine puts what does not fit into memory.
    pub temp_directory: PathBuf,
    /// Bytes that it may put there.
    pub max_temp_size: u64,
}

/// How a run is watched and stopped.
#[derive(Clone)]
pub struct Control {
    /// Hears about progress.
    pub reporter: Arc<dyn Reporter>,
    /// Ends the run when it is cancelled.
    pub cancel: Cancel,
    /// Ends the run when it takes longer.
    pub timeout: Option<Duration>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// A switch that stops a run; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    own: Arc<AtomicBool>,
    /// The switch above it.
    above: Option<Arc<Self>>,
}

impl Cancel {
    /// Returns a switch of its own that this one throws too.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { own: Arc::default(), above: Some(Arc::new(self.clone())) }
    }

    /// Asks the run to stop. It ends with [`crate::Error::Cancelled`] within a second.
    pub fn cancel(&self) {
        self.own.store(true, Ordering::Release);
    }

    /// Returns whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::Acquire)
            || self.above.as_ref().is_some_and(|above| above.is_cancelled())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_counts_and_percentages() {
        assert_eq!("10".parse(), Ok(RejectLimit::Count(10)));
        assert_eq!("0.5%".parse(), Ok(RejectLimit::Ratio(0.005)));
        for text in ["", "-1", "101%", "%", "x", "1.5"] {
            assert!(text.parse::<RejectLimit>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_switch_throws_those_below_it_and_not_the_one_above() {
        let above = Cancel::default();
        let (one, other) = (above.child(), above.child());
        let same = one.clone();
        same.cancel();
        assert!(one.is_cancelled() && !other.is_cancelled() && !above.is_cancelled());
        above.cancel();
        assert!(other.is_cancelled() && above.child().is_cancelled());
    }

    #[test]
    fn a_limit_is_exceeded_only_beyond_it() {
        assert!(!RejectLimit::Count(2).is_exceeded(2, 100));
        assert!(RejectLimit::Count(2).is_exceeded(3, 100));
        assert!(!RejectLimit::Ratio(0.01).is_exceeded(1, 100));
        assert!(RejectLimit::Ratio(0.0).is_exceeded(1, 100));
    }
}
