//! A text input as a table: its columns are known, and its rows can be read again and again.
//!
//! Start at [`Table`]. Delimited text and JSON implement it; whoever writes an output needs nothing
//! else of them.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use arrow::datatypes::SchemaRef;

use crate::{
    Cancel, ColumnPlan, ColumnType, ConvertOptions, Decision, Error, Expected, LossEvent, Reader,
    Reporter, TextHints,
    read::{
        chunk::{DecodeError, Decoded},
        unite::{Seen, United},
    },
    readers::{name_fault, usable_for},
    value::format::ValueFormat,
};

/// The rows of a table, in order, as they are decoded.
pub(crate) type Batches = Box<dyn Iterator<Item = Result<Decoded, DecodeError>> + Send>;

/// What reading may use and whom it tells.
#[derive(Clone)]
pub(crate) struct ReadContext {
    /// The input's name, for errors.
    pub(crate) name: String,
    /// Threads that decode.
    pub(crate) threads: usize,
    /// Ends the reading.
    pub(crate) cancel: Cancel,
    /// Hears about progress.
    pub(crate) reporter: Arc<dyn Reporter>,
    /// Bytes of the whole input, when they are known.
    pub(crate) total_bytes: Option<u64>,
    /// Bytes of memory that what must be held of an input may take.
    pub(crate) memory: u64,
    /// Bytes at the beginning of delimited text by which types are found, where that is less than what is
    /// looked at; every later value is checked against them.
    pub(crate) types_by: Option<usize>,
}

impl fmt::Debug for ReadContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadContext").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the values of a column say about it, whatever is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The name in the input, made unique.
    pub(crate) name: String,
    /// The type that holds every value that was looked at, as [`ColumnType`] prints it.
    pub(crate) column_type: String,
    /// Why, as a sentence fragment.
    pub(crate) reason: String,
}

/// A text input whose columns are known.
pub(crate) trait Table: Send {
    /// Returns how the input is written, and why that was concluded.
    fn decisions(&self) -> &[Decision];

    /// Returns hints that lead to the same decisions. The encoding is not among them.
    fn hints(&self) -> TextHints;

    /// Returns the columns of the output.
    fn columns(&self) -> &[ColumnPlan];

    /// Returns what the values say about each column of the input.
    fn found(&self) -> &[Found];

    /// Returns the schema of the batches; its fields are named as in the output.
    fn schema(&self) -> SchemaRef;

    /// Returns whether the types were inferred from all records, so that none can contradict them.
    fn is_complete(&self) -> bool;

    /// Returns about how many bytes a row takes in memory.
    fn row_bytes(&self) -> u64;

    /// Returns what of the input belongs to no record, where that is more than a header.
    fn left_out(&self) -> LeftOut {
        LeftOut::default()
    }

    /// Looks at all records, so that the types hold all of them.
    fn infer_whole(&mut self) -> Result<(), Error>;

    /// Begins a pass over the rows.
    fn rows(&self) -> Result<Batches, Error>;

    /// Hands over what was seen of the columns, for a table of several inputs. Afterwards there are rows
    /// only once more was said by [`Table::join`].
    fn take_seen(&mut self) -> Seen;

    /// Reads the columns as those of a table of several inputs.
    ///
    /// # Errors
    /// Fails when the columns are those of another sort of input.
    fn join(&mut self, united: &United) -> Result<(), Error>;
}

/// What of an input belongs to no record and is not the header.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LeftOut {
    /// What it is, one for each sort of thing.
    pub(crate) events: Vec<LossEvent>,
    /// Its lines.
    pub(crate) lines: u64,
    /// Its bytes, as UTF-8.
    pub(crate) bytes: u64,
}

/// A type that a column is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The type.
    pub(crate) column_type: ColumnType,
    /// How its values are written, if that is said.
    pub(crate) format: Option<ValueFormat>,
    /// Who wants it.
    pub(crate) by: WantedBy,
}

/// Who wants a column to have a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WantedBy {
    /// An option.
    Option,
    /// A schema, which takes only values that keep every digit.
    Schema,
    /// A schema that takes what an option would.
    ForcingSchema,
}

impl Wanted {
    /// Returns whether values must keep every digit.
    pub(crate) fn exact(&self) -> bool {
        self.by == WantedBy::Schema
    }

    /// Returns whether the type and the format that the values say are wanted, so that nothing has to
    /// be forced. Where a schema says no format, the usual one is wanted.
    pub(crate) fn is_met_by(&self, found: &ColumnType, format: Option<ValueFormat>) -> bool {
        self.by == WantedBy::Schema && self.column_type == *found && self.format == format
    }

    /// Returns the reason for the type of a column that is read as it. `found` is what its values
    /// say.
    pub(crate) fn reason(&self, found: &ColumnType, why: &str) -> String {
        match self.by {
            WantedBy::Option => "given".to_owned(),
            _ if self.column_type == *found => format!("as the schema says: {why}"),
            _ => format!("as the schema says; by the values it would be {found}: {why}"),
        }
    }
}

/// Returns the types that are wanted, by the names of columns in the input.
///
/// # Errors
/// Fails when a format is none of its type, or is given without a type.
pub(crate) fn wanted_types(options: &ConvertOptions) -> Result<HashMap<String, Wanted>, Error> {
    let mut wanted = HashMap::new();
    for column in options.expected.iter().flat_map(|expected| &expected.columns) {
        let by = if column.force { WantedBy::ForcingSchema } else { WantedBy::Schema };
        let Some(column_type) = column.column_type.clone() else { continue };
        let format = column.format.as_deref();
        let format =
            format.map(|text| parse_format(&column.name, text, &column_type)).transpose()?;
        wanted.insert(column.name.clone(), Wanted { column_type, format, by });
    }
    // What stands on the command line goes before what stands in a file.
    for (name, column_type) in &options.type_overrides {
        let format = options.column_formats.iter().find(|(column, _)| column == name);
        let format = format.map(|(_, text)| parse_format(name, text, column_type)).transpose()?;
        let column_type = column_type.clone();
        wanted.insert(name.clone(), Wanted { column_type, format, by: WantedBy::Option });
    }
    let has_type = |name: &String| options.type_overrides.iter().any(|(typed, _)| typed == name);
    match options.column_formats.iter().find(|(name, _)| !has_type(name)) {
        Some((name, format)) => Err(Error::request(format!(
            "column `{name}` is given the format `{format}`, but no type"
        ))),
        None => Ok(wanted),
    }
}

fn parse_format(name: &str, text: &str, column_type: &ColumnType) -> Result<ValueFormat, Error> {
    ValueFormat::parse(text, column_type).ok_or_else(|| Error::Request {
        message: format!("`{text}` is no format that column `{name}` could have as {column_type}"),
        hint: Some(ValueFormat::possible(column_type).to_owned()),
    })
}

/// What the options say about the columns, checked against those that there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnOptions {
    renames: HashMap<String, String>,
    types: HashMap<String, Wanted>,
}

impl ColumnOptions {
    /// Checks the options against the names of the columns of `input`. What a schema says of columns
    /// that are not there is left out: whether that is wrong is decided elsewhere.
    ///
    /// # Errors
    /// Fails when an option names a column that is not there or names one twice, or when two
    /// columns would have the same name.
    pub(crate) fn new(
        options: &ConvertOptions,
        names: &[String],
        input: &str,
    ) -> Result<Self, Error> {
        let known: HashSet<&str> = names.iter().map(String::as_str).collect();
        let check = |option: &'static str, column: &String| {
            if known.contains(column.as_str()) {
                return Ok(());
            }
            Err(Error::UnknownColumn {
                option,
                column: column.clone(),
                input: input.to_owned(),
                known: names.to_vec(),
            })
        };
        let mut renames = HashMap::new();
        for (old, new) in &options.column_mapping {
            check("`--rename`", old)?;
            if new.is_empty() {
                return Err(Error::request(format!("the new name of column `{old}` is empty")));
            }
            if renames.insert(old.clone(), new.clone()).is_some() {
                return Err(Error::request(format!("column `{old}` is renamed twice")));
            }
        }
        let mut given = HashSet::new();
        for (name, _) in &options.type_overrides {
            check("`--type`", name)?;
            if !given.insert(name) {
                return Err(Error::request(format!("column `{name}` is given two types")));
            }
        }
        if let Some(expected) = &options.expected {
            add_renames(expected, &known, &mut renames);
            keep_apart(expected, names, &mut renames);
        }
        fit_names(&options.writing.readers, names, &mut renames)?;
        let found = Self { renames, types: wanted_types(options)? };
        check_names(names.iter().map(|name| (name.as_str(), found.name_of(name))))?;
        Ok(found)
    }

    /// Returns the name in the output.
    pub(crate) fn name_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.renames.get(name).map_or(name, String::as_str)
    }

    /// Returns the type that is wanted.
    pub(crate) fn wanted(&self, name: &str) -> Option<&Wanted> {
        self.types.get(name)
    }
}

/// Adds the new names that a schema gives to columns that are there and have no other new name.
fn add_renames(expected: &Expected, known: &HashSet<&str>, renames: &mut HashMap<String, String>) {
    for column in &expected.columns {
        if let Some(new) = &column.rename
            && known.contains(column.name.as_str())
        {
            renames.entry(column.name.clone()).or_insert_with(|| new.clone());
        }
    }
}

/// Gives columns that a schema does not know another name where theirs is one that the schema gives:
/// whether such columns are accepted at all is decided elsewhere.
fn keep_apart(expected: &Expected, names: &[String], renames: &mut HashMap<String, String>) {
    let known: HashSet<&str> = expected.columns.iter().map(|column| column.name.as_str()).collect();
    let outputs = expected.columns.iter().map(|column| {
        renames.get(&column.name).map_or(column.output_name(), String::as_str).to_lowercase()
    });
    let mut taken: HashSet<String> = outputs.collect();
    let written: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    for name in names.iter().filter(|name| !known.contains(name.as_str())) {
        // What somebody said is checked, and not changed.
        if renames.contains_key(name) || taken.insert(name.to_lowercase()) {
            continue;
        }
        let mut candidates = (1..).map(|number: u64| format!("{name}_{number}"));
        let candidate = candidates.find(|candidate| {
            let candidate = candidate.to_lowercase();
            !written.contains(&candidate) && taken.insert(candidate)
        });
        renames.extend(candidate.map(|candidate| (name.clone(), candidate)));
    }
}

/// Gives columns another name whose own one of the readers does not take.
///
/// # Errors
/// Fails when such a name was given.
fn fit_names(
    readers: &[Reader],
    names: &[String],
    renames: &mut HashMap<String, String>,
) -> Result<(), Error> {
    let fault = |name: &str| {
        let mut faults = readers.iter();
        faults.find_map(|reader| Some((*reader, name_fault(*reader, name, false)?)))
    };
    for new in renames.values() {
        if let Some((reader, fault)) = fault(new) {
            return Err(Error::Request {
                message: format!("the new name `{new}` does not do for `--for {reader}`: {fault}"),
                hint: Some("give another name, or none: then one that does is found".to_owned()),
            });
        }
    }
    let (minded, kept): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| !renames.contains_key(*name) && fault(name).is_some());
    let kept = kept.into_iter().map(|name| renames.get(name).unwrap_or(name).to_lowercase());
    let mut taken: HashSet<String> = kept.collect();
    for name in minded {
        let usable = usable_for(readers, name, &taken);
        taken.insert(usable.to_lowercase());
        renames.insert(name.clone(), usable);
    }
    Ok(())
}

/// Checks that no two columns have one name in the output, of pairs of the name in the input and
/// the one in the output.
///
/// # Errors
/// Fails and names both.
pub(crate) fn check_names<'a>(
    names: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), Error> {
    let mut taken: HashMap<String, &str> = HashMap::new();
    for (name, output) in names {
        // The engine compares names without regard to case.
        if let Some(other) = taken.insert(output.to_lowercase(), name) {
            return Err(Error::Request {
                message: format!("columns `{other}` and `{name}` would both be named `{output}`"),
                hint: Some("names are compared without regard to case".to_owned()),
            });
        }
    }
    Ok(())
}
