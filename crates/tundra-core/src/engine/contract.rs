//! An input that is held against a schema, if it is not Parquet.
//!
//! Start at [`Held`]. As long as the input fits, it is read in one pass like any other: the columns
//! of the schema are read as its types, and a value that does not fit stops the pass. Only then is
//! the whole input looked at, so that every difference is told at once.

use std::collections::HashMap;

use tokio::runtime::Handle;

use crate::{
    BadRowPolicy, ConvertOptions, DataCode, DataError, Decision, Difference, Drift, Error, OnDrift,
    Result, SchemaColumn, Stage,
    engine::input::OpenInput,
    read::{
        arrange::Arranged,
        chunk::DecodeError,
        table::{Found, ReadContext, Table},
    },
    schema_file::{self, Seen},
};

/// An input, and what is expected of it.
pub(crate) struct Held<'a> {
    opened: &'a OpenInput,
    runtime: &'a Handle,
    context: ReadContext,
    /// The options, without the types of columns that were accepted as retyped.
    options: ConvertOptions,
    table: Arranged,
    encoding: Option<Decision>,
    /// Every difference is known, and all of them were accepted.
    accepted: Option<Drift>,
}

impl<'a> Held<'a> {
    /// Opens the input.
    ///
    /// # Errors
    /// Fails with [`Error::Drift`] when columns are missing or were added and that is not accepted,
    /// and as [`OpenInput::table`] does.
    pub(crate) fn open(
        opened: &'a OpenInput,
        options: &ConvertOptions,
        runtime: &'a Handle,
        context: ReadContext,
    ) -> Result<Self> {
        let (table, encoding) = opened.table(options, runtime, context.clone())?;
        let expected = options.expected.as_ref().map(|expected| expected.columns.as_slice());
        let table = Arranged::new(table, expected)?;
        let mut held = Self {
            opened,
            runtime,
            context,
            options: options.clone(),
            table,
            encoding,
            accepted: None,
        };
        held.compare()?;
        Ok(held)
    }

    /// Returns the rows as the output has them.
    pub(crate) fn table(&self) -> &dyn Table {
        &self.table
    }

    /// Returns everything that was decided about the input.
    pub(crate) fn decisions(&self) -> Vec<Decision> {
        let mut decisions = self.opened.decisions();
        decisions.extend(self.encoding.clone());
        decisions.extend_from_slice(self.table.decisions());
        let Some(expected) = &self.options.expected else { return decisions };
        let columns = expected.columns.len();
        let plural = if columns == 1 { "" } else { "s" };
        decisions.push(sure("schema", format!("{columns} column{plural}"), "given".to_owned()));
        if let Some(drift) = &self.accepted {
            decisions.extend(drift_decisions(drift));
        }
        decisions
    }

    /// Looks at all records, so that the types hold all of them.
    ///
    /// # Errors
    /// Fails with [`Error::Drift`] when there are columns then that are not expected.
    pub(crate) fn infer_whole(&mut self) -> Result<()> {
        self.table.infer_whole()?;
        self.compare()
    }

    /// Decides what becomes of an error that ended a pass: returns it, or the drift behind it, or
    /// takes the input as it is, so that another pass can begin.
    pub(crate) fn refit(&mut self, error: Error) -> Result<()> {
        let is_unfit = matches!(
            &error,
            Error::Data { source, .. } if source.code == DataCode::BadValue && source.column.is_some()
        );
        if !is_unfit || !self.retypes() || self.accepted.is_some() {
            return Err(error);
        }
        let drift = self.survey()?;
        if drift.differences.is_empty() { Err(error) } else { self.settle(drift) }
    }

    /// Checks the nulls of the columns of the output, by name, against the schema.
    ///
    /// # Errors
    /// Fails with [`Error::Drift`] when there are some where there should be none.
    pub(crate) fn check_nulls(&self, nulls: &[(String, Option<u64>)]) -> Result<()> {
        let Some(expected) = &self.options.expected else { return Ok(()) };
        if expected.on_drift == OnDrift::Accept {
            return Ok(());
        }
        // Columns of the schema come first, and all of them are there.
        let pairs = expected.columns.iter().zip(nulls);
        let differences: Vec<Difference> = pairs
            .filter(|(column, (_, nulls))| !column.nullable && nulls.is_some_and(|nulls| nulls > 0))
            .map(|(column, (_, nulls))| Difference::Nulls {
                column: column.name.clone(),
                nulls: *nulls,
            })
            .collect();
        if differences.is_empty() {
            return Ok(());
        }
        let input = self.opened.location.clone();
        Err(Error::Drift { input, drift: Box::new(Drift { differences }) })
    }

    /// Compares the names of the columns with those that are expected.
    fn compare(&mut self) -> Result<()> {
        let Some(expected) = &self.options.expected else { return Ok(()) };
        if self.accepted.is_some() || by_name(&expected.columns, self.table.found()).is_empty() {
            return Ok(());
        }
        let drift = self.survey()?;
        if !drift.differences.is_empty() {
            return self.settle(drift);
        }
        // The columns come behind the sample.
        self.table.infer_whole()
    }

    /// Fails, or takes the input as it is.
    fn settle(&mut self, drift: Drift) -> Result<()> {
        let on_drift = self.options.expected.as_ref().map(|expected| expected.on_drift);
        if on_drift != Some(OnDrift::Accept) {
            let input = self.opened.location.clone();
            return Err(Error::Drift { input, drift: Box::new(drift) });
        }
        if let Some(expected) = &mut self.options.expected {
            for difference in &drift.differences {
                let Difference::Retyped { column, .. } = difference else { continue };
                for other in &mut expected.columns {
                    if other.name == *column {
                        other.column_type = None;
                        other.format = None;
                        other.force = false;
                    }
                }
            }
        }
        let (mut table, _) =
            self.opened.table(&self.options, self.runtime, self.context.clone())?;
        let columns = self.options.expected.as_ref().map(|expected| expected.columns.as_slice());
        let told = |difference: &Difference| {
            drift.differences.iter().any(|other| {
                other.kind() == difference.kind() && other.column() == difference.column()
            })
        };
        if !table.is_complete()
            && !by_name(columns.unwrap_or_default(), table.found()).iter().all(told)
        {
            // Columns come behind the sample.
            table.infer_whole()?;
        }
        self.table = Arranged::new(table, columns)?;
        self.accepted = Some(drift);
        Ok(())
    }

    /// Returns whether a value that does not fit its type is a difference. Where bad records are
    /// rejected or repaired, it is one of those.
    fn retypes(&self) -> bool {
        self.options.on_bad_row == BadRowPolicy::Fail && self.options.expected.is_some()
    }

    /// Looks at every record, and returns every difference.
    fn survey(&self) -> Result<Drift> {
        let Some(expected) = &self.options.expected else {
            return Ok(Drift { differences: Vec::new() });
        };
        self.context.reporter.stage(Stage::Inferring);
        // A value that does not fit is made null and told, and the next one can be looked at.
        let options = match self.retypes() {
            true => ConvertOptions { on_bad_row: BadRowPolicy::Repair, ..self.options.clone() },
            false => self.options.clone(),
        };
        let (mut table, _) = self.opened.table(&options, self.runtime, self.context.clone())?;
        if !table.is_complete() {
            table.infer_whole()?;
        }
        let mut differences = by_name(&expected.columns, table.found());
        if self.retypes() {
            let seen = Survey::of(table.as_ref(), &self.opened.location)?;
            seen.differences(table.as_ref(), &expected.columns, &self.options, &mut differences);
        }
        Ok(Drift { differences })
    }
}

/// What the columns of a table hold.
struct Survey {
    /// Nulls of each column, those included that did not fit; nothing when a record was made to fit
    /// as a whole, which makes nulls.
    nulls: Option<Vec<u64>>,
    /// For each column that has some: how many values do not fit, and the first of them.
    unfit: HashMap<usize, (u64, Box<DataError>)>,
}

impl Survey {
    fn of(table: &dyn Table, input: &str) -> Result<Self> {
        let columns = table.columns();
        let mut survey = Self { nulls: Some(vec![0; columns.len()]), unfit: HashMap::new() };
        let by_name: HashMap<&str, usize> =
            columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect();
        for decoded in table.rows()? {
            let decoded = decoded.map_err(|error| match error {
                DecodeError::Other(error) => error,
                DecodeError::Data(source) => Error::Data { input: input.to_owned(), source },
                DecodeError::Contradiction(_) => Error::contradicted(),
            })?;
            for (sum, nulls) in survey.nulls.iter_mut().flatten().zip(&decoded.nulls) {
                *sum += nulls;
            }
            for repair in decoded.repairs {
                let column = repair.column.as_deref().and_then(|name| by_name.get(name));
                match column.filter(|_| repair.code == DataCode::BadValue) {
                    Some(column) => {
                        survey.unfit.entry(*column).or_insert_with(|| (0, Box::new(repair))).0 += 1;
                    }
                    None => survey.nulls = None,
                }
            }
        }
        Ok(survey)
    }

    fn differences(
        &self,
        table: &dyn Table,
        expected: &[SchemaColumn],
        options: &ConvertOptions,
        differences: &mut Vec<Difference>,
    ) {
        let by_name: HashMap<&str, usize> =
            table.found().iter().enumerate().map(|(at, found)| (found.name.as_str(), at)).collect();
        let pairs: Vec<(&SchemaColumn, usize)> = expected
            .iter()
            .filter_map(|column| Some((column, *by_name.get(column.name.as_str())?)))
            .collect();
        for (column, at) in &pairs {
            let is_given = options.type_overrides.iter().any(|(name, _)| *name == column.name);
            let (Some(expected), Some((values, first)), false) =
                (&column.column_type, self.unfit.get(at), is_given)
            else {
                continue;
            };
            let Found { column_type, reason, .. } = &table.found()[*at];
            differences.push(Difference::Retyped {
                column: column.name.clone(),
                expected: expected.clone(),
                found: column_type.clone(),
                reason: reason.clone(),
                values: Some(*values),
                first: Some(first.clone()),
            });
        }
        for (column, at) in pairs {
            let unfit = self.unfit.get(&at).map_or(0, |(values, _)| *values);
            let nulls = self.nulls.as_ref().map_or(0, |nulls| nulls[at].saturating_sub(unfit));
            if !column.nullable && nulls > 0 {
                differences
                    .push(Difference::Nulls { column: column.name.clone(), nulls: Some(nulls) });
            }
        }
    }
}

/// Returns the decisions that tell what was accepted.
pub(crate) fn drift_decisions(drift: &Drift) -> impl Iterator<Item = Decision> {
    drift.differences.iter().map(|difference| {
        let value = format!("{} `{}`", difference.kind(), difference.column());
        sure("drift", value, format!("accepted: {}", difference.detail()))
    })
}

/// Returns the decision that a schema was given.
fn sure(what: &str, value: String, reason: String) -> Decision {
    Decision { what: what.to_owned(), value, confidence: 1.0, reason }
}

fn by_name(expected: &[SchemaColumn], found: &[Found]) -> Vec<Difference> {
    let seen: Vec<Seen<'_>> = found
        .iter()
        .map(|column| Seen {
            name: &column.name,
            column_type: &column.column_type,
            reason: &column.reason,
            nulls: None,
            is_empty: false,
        })
        .collect();
    schema_file::by_name(expected, &seen)
}
