//! A text input as a table: its columns are known, and its rows can be read again and again.
//!
//! Start at [`Table`]. Delimited text and JSON implement it; whoever writes an output needs nothing
//! else of them.

use std::{collections::HashMap, fmt, sync::Arc};

use arrow::datatypes::SchemaRef;

use crate::{
    Cancel, ColumnPlan, ColumnType, ConvertOptions, Decision, Error, LossEvent, Reporter,
    read::chunk::{DecodeError, Decoded},
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
}

impl fmt::Debug for ReadContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadContext").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A text input whose columns are known.
pub(crate) trait Table: Send {
    /// Returns how the input is written, and why that was concluded.
    fn decisions(&self) -> &[Decision];

    /// Returns the columns of the output.
    fn columns(&self) -> &[ColumnPlan];

    /// Returns the schema of the batches; its fields are named as in the output.
    fn schema(&self) -> SchemaRef;

    /// Returns whether the types were inferred from all records, so that none can contradict them.
    fn is_complete(&self) -> bool;

    /// Returns about how many bytes a row takes in memory.
    fn row_bytes(&self) -> u64;

    /// Returns what of the input belongs to no record, where that is more than a header.
    fn left_out(&self) -> Vec<LossEvent> {
        Vec::new()
    }

    /// Looks at all records, so that the types hold all of them.
    fn infer_whole(&mut self) -> Result<(), Error>;

    /// Begins a pass over the rows.
    fn rows(&self) -> Result<Batches, Error>;
}

/// What the options say about the columns, checked against those that there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnOptions {
    renames: HashMap<String, String>,
    types: HashMap<String, ColumnType>,
}

impl ColumnOptions {
    /// Checks the options against the names of the columns of `input`.
    ///
    /// # Errors
    /// Fails when an option names a column that is not there or names one twice, or when two
    /// columns would have the same name.
    pub(crate) fn new(
        options: &ConvertOptions,
        names: &[String],
        input: &str,
    ) -> Result<Self, Error> {
        let known = |option: &'static str, column: &String| {
            if names.contains(column) {
                return Ok(());
            }
            Err(Error::UnknownColumn {
                option,
                column: column.clone(),
                input: input.to_owned(),
                known: names.to_vec(),
            })
        };
        let mut found = Self::default();
        for (old, new) in &options.column_mapping {
            known("`--rename`", old)?;
            if new.is_empty() {
                return Err(Error::request(format!("the new name of column `{old}` is empty")));
            }
            if found.renames.insert(old.clone(), new.clone()).is_some() {
                return Err(Error::request(format!("column `{old}` is renamed twice")));
            }
        }
        for (name, column_type) in &options.type_overrides {
            known("`--type`", name)?;
            if found.types.insert(name.clone(), column_type.clone()).is_some() {
                return Err(Error::request(format!("column `{name}` is given two types")));
            }
        }
        let mut taken: HashMap<String, &String> = HashMap::new();
        for name in names {
            let output = found.name_of(name);
            // The engine compares names without regard to case.
            if let Some(other) = taken.insert(output.to_lowercase(), name) {
                return Err(Error::Request {
                    message: format!(
                        "columns `{other}` and `{name}` would both be named `{output}`"
                    ),
                    hint: Some("names are compared without regard to case".to_owned()),
                });
            }
        }
        Ok(found)
    }

    /// Returns the name in the output.
    pub(crate) fn name_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.renames.get(name).map_or(name, String::as_str)
    }

    /// Returns the type that the user asked for.
    pub(crate) fn type_of(&self, name: &str) -> Option<&ColumnType> {
        self.types.get(name)
    }
}
