//! Outputs that keep to what readers take.
//!
//! Start at [`Fitted::of_stream`] for rows that we hand over and at [`fitted_kind`] for columns that the
//! engine reads. A type that a reader minds becomes one that holds the same values, which the engine proves
//! value by value; a name that it minds becomes the next one that it takes; and what was said by an option or
//! a schema is not changed: then the run fails. What no type and no name can mend, such as a date of the year
//! 12000, shows in the footer of the output, which is checked before it is published
//! ([`check_written`]).

use std::collections::HashSet;

use parquet::file::metadata::ParquetMetaData;
use tokio::runtime::Handle;

use crate::{
    ColumnPlan, ColumnType, ConvertOptions, Decision, Error, OutputFormat, Reader, Result,
    engine::{
        check::findings,
        files::Written,
        sql,
        verify::{FooterError, read_footer},
    },
    readers::{Kind, TypeFact, listed, name_fault, usable_for},
};

/// What somebody said of columns, by their names in the input, and what is therefore not changed.
#[derive(Debug, Default)]
pub(crate) struct Given {
    types: HashSet<String>,
    names: HashSet<String>,
}

impl Given {
    /// Returns what options and a schema say.
    pub(crate) fn of(options: &ConvertOptions) -> Self {
        let expected = options.expected.iter().flat_map(|expected| &expected.columns);
        let (mut types, mut names) = (HashSet::new(), HashSet::new());
        for column in expected {
            if column.column_type.is_some() {
                types.insert(column.name.clone());
            }
            if column.rename.is_some() {
                names.insert(column.name.clone());
            }
        }
        types.extend(options.type_overrides.iter().map(|(name, _)| name.clone()));
        names.extend(options.column_mapping.iter().map(|(name, _)| name.clone()));
        Self { types, names }
    }
}

/// A type that was changed, and for whom.
#[derive(Debug)]
struct Change {
    from: Kind,
    to: Kind,
    reader: Reader,
    fact: &'static TypeFact,
}

/// What becomes of a column.
#[derive(Debug)]
pub(crate) struct FittedColumn {
    /// The type that is written, in the words of the engine.
    pub(crate) column_type: String,
    /// The type that it was.
    pub(crate) from: String,
    /// Why it has another one.
    pub(crate) reason: String,
    pub(crate) decisions: Vec<Decision>,
}

/// Returns what becomes of a column of this type, or nothing when all of the readers take it as it is.
///
/// # Errors
/// Fails when no type would do, when the type was given, and when a field has a name that will not do.
pub(crate) fn fitted_kind(
    readers: &[Reader],
    (source_name, name): (&str, &str),
    kind: &Kind,
    given: &Given,
) -> Result<Option<FittedColumn>> {
    let mut fault = None;
    kind.field_names(&mut |field| {
        let faults =
            || readers.iter().find_map(|reader| Some((*reader, name_fault(*reader, field, true)?)));
        if fault.is_none() {
            fault = faults().map(|(reader, why)| (reader, field.to_owned(), why));
        }
    });
    if let Some((reader, field, why)) = fault {
        return Err(Error::Unportable {
            reader,
            column: Some(name.to_owned()),
            what: format!("its field `{field}`: {why}"),
            hint: "give the field another name where the data is made, or leave this reader out"
                .to_owned(),
        });
    }
    let mut changes: Vec<Change> = Vec::new();
    let fitted = kind.mapped(&mut |part| fitted_part(readers, part, &mut changes));
    let mut unfit = None;
    fitted.walk(name, &mut |_, node| {
        let bad = readers.iter().find_map(|reader| {
            let mut facts = reader.facts().types.iter();
            let fact = facts.find(|fact| fact.severity.is_bad() && fact.pattern.is(node.kind))?;
            Some((*reader, fact))
        });
        if unfit.is_none() {
            unfit = bad.map(|(reader, fact)| (reader, fact, node.kind.to_string()));
        }
    });
    if let Some((reader, fact, what)) = unfit {
        return Err(Error::Unportable {
            reader,
            column: Some(name.to_owned()),
            what: format!("{what}: {}", fact.reason),
            hint: format!("{}, or leave this reader out", fact.way_out),
        });
    }
    let Some(first) = changes.first() else { return Ok(None) };
    let what = format!("{} {} {}", first.reader.title(), first.fact.severity, first.from);
    if given.types.contains(source_name) {
        return Err(Error::Request {
            message: format!(
                "column `{source_name}` is given a type that does not do for {}: {what}, as {}",
                first.reader.title(),
                first.fact.reason
            ),
            hint: Some(format!(
                "leave the type away, which makes it {}, or leave `--for {}` away",
                first.to, first.reader
            )),
        });
    }
    let (Some(from), Some(column_type)) = (kind.sql(), fitted.sql()) else {
        return Err(Error::Unportable {
            reader: first.reader,
            column: Some(name.to_owned()),
            what: format!("{}: {}", first.from, first.fact.reason),
            hint: "write the column with another type where the file is made".to_owned(),
        });
    };
    let decisions = changes.iter().map(|change| Decision {
        what: "type".to_owned(),
        value: format!("`{name}`: {} -> {}", change.from, change.to),
        confidence: 1.0,
        reason: format!(
            "{} {} it: {}",
            change.reader.title(),
            change.fact.severity,
            change.fact.reason
        ),
    });
    Ok(Some(FittedColumn {
        reason: format!("as {column_type} for {}", first.reader.title()),
        decisions: decisions.collect(),
        column_type,
        from,
    }))
}

fn fitted_part(readers: &[Reader], mut part: Kind, changes: &mut Vec<Change>) -> Kind {
    // What one reader takes another may mind. Each step ends at a type that is plainer.
    while let Some((reader, fact, to)) = readers.iter().find_map(|reader| {
        let facts = reader.facts().types.iter();
        facts.filter(|fact| fact.pattern.is(&part)).find_map(|fact| {
            let to = fact.instead?.of(&part);
            (to != part).then_some((*reader, fact, to))
        })
    }) {
        changes.push(Change { from: part, to: to.clone(), reader, fact });
        part = to;
    }
    part
}

/// The columns of an output whose rows we hand over.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) columns: Vec<ColumnPlan>,
    /// The query for them, if it is not for all columns as they are.
    pub(crate) select: Option<String>,
    pub(crate) decisions: Vec<Decision>,
}

impl Fitted {
    /// Fits columns that we hand over under their names to the readers.
    ///
    /// # Errors
    /// As [`fitted_kind`].
    pub(crate) fn of_stream(
        readers: &[Reader],
        columns: Vec<ColumnPlan>,
        given: &Given,
    ) -> Result<Self> {
        if readers.is_empty() {
            return Ok(Self { columns, select: None, decisions: Vec::new() });
        }
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let of_stream = |column: &ColumnPlan| {
            let kind = column.column_type.parse::<ColumnType>();
            let kind = kind.map_or(Kind::Unknown, |kind| Kind::of_stream(&kind));
            (kind, sql::named(&column.name))
        };
        let values = columns.iter().map(of_stream).collect();
        let fitted = FittedValues::of(readers, columns, values, given)?;
        let FittedValues { columns, selected, changed, decisions } = fitted;
        let is_renamed = columns.iter().zip(&names).any(|(column, name)| column.name != *name);
        let select = (changed || is_renamed).then(|| sql::select_of_stream(&selected));
        Ok(Self { columns, select, decisions })
    }
}

/// The columns of an output that are made of values.
#[derive(Debug)]
pub(crate) struct FittedValues {
    pub(crate) columns: Vec<ColumnPlan>,
    /// Each under its name.
    pub(crate) selected: Vec<String>,
    /// One of them has another type.
    changed: bool,
    pub(crate) decisions: Vec<Decision>,
}

impl FittedValues {
    /// Fits columns of these types, which these expressions yield, to the readers.
    ///
    /// # Errors
    /// As [`fitted_kind`].
    pub(crate) fn of(
        readers: &[Reader],
        mut columns: Vec<ColumnPlan>,
        values: Vec<(Kind, String)>,
        given: &Given,
    ) -> Result<Self> {
        let names = fitted_names(readers, &columns);
        let mut decisions = Vec::new();
        if !readers.is_empty() {
            decisions.push(for_readers(readers));
        }
        let mut selected = Vec::with_capacity(columns.len());
        let mut changed = false;
        for ((column, name), (kind, value)) in columns.iter_mut().zip(names).zip(values) {
            column.name = name;
            decisions.extend(renamed(readers, column, given));
            let names = (column.source_name.as_str(), column.name.as_str());
            match fitted_kind(readers, names, &kind, given)? {
                Some(fitted) => {
                    changed = true;
                    selected.push(sql::fitted_column(
                        &value,
                        &column.name,
                        &fitted.column_type,
                        &fitted.from,
                    ));
                    apply(column, fitted, &mut decisions);
                }
                None => selected.push(sql::renamed_column(&value, &column.name)),
            }
        }
        Ok(Self { columns, selected, changed, decisions })
    }
}

/// Says in the plan of a column what became of it.
pub(crate) fn apply(column: &mut ColumnPlan, fitted: FittedColumn, decisions: &mut Vec<Decision>) {
    column.column_type = fitted.column_type;
    column.reason = format!("{}; {}", column.reason, fitted.reason);
    decisions.extend(fitted.decisions);
}

/// Returns the names of the columns, with others for those that a reader does not take.
fn fitted_names(readers: &[Reader], columns: &[ColumnPlan]) -> Vec<String> {
    let minded =
        |name: &str| readers.iter().any(|reader| name_fault(*reader, name, false).is_some());
    let kept = columns.iter().filter(|column| !minded(&column.name));
    let mut taken: HashSet<String> = kept.map(|column| column.name.to_lowercase()).collect();
    let mut names = Vec::with_capacity(columns.len());
    for column in columns {
        if !minded(&column.name) {
            names.push(column.name.clone());
            continue;
        }
        let name = usable_for(readers, &column.name, &taken);
        taken.insert(name.to_lowercase());
        names.push(name);
    }
    names
}

/// Returns the decision that names the readers.
pub(crate) fn for_readers(readers: &[Reader]) -> Decision {
    Decision {
        what: "readers".to_owned(),
        value: listed(readers),
        confidence: 1.0,
        reason: "given".to_owned(),
    }
}

/// Returns the decision that a column got another name, if it did so for a reader.
pub(crate) fn renamed(readers: &[Reader], column: &ColumnPlan, given: &Given) -> Option<Decision> {
    if column.name == column.source_name || given.names.contains(&column.source_name) {
        return None;
    }
    let reason =
        readers.iter().find_map(|reader| name_fault(*reader, &column.source_name, false))?;
    Some(Decision {
        what: "name".to_owned(),
        value: format!("`{}` -> `{}`", column.source_name, column.name),
        confidence: 1.0,
        reason,
    })
}

/// Refuses readers where the output is no Parquet.
///
/// # Errors
/// Fails then.
pub(crate) fn check_format(readers: &[Reader], format: OutputFormat) -> Result<()> {
    if readers.is_empty() || format == OutputFormat::Parquet {
        return Ok(());
    }
    Err(Error::Request {
        message: format!(
            "the output is to be {format}, and `--for {}` is about Parquet",
            listed(readers)
        ),
        hint: Some("leave one of the two away".to_owned()),
    })
}

/// Checks what was written, before anybody sees it.
///
/// # Errors
/// Fails with [`Error::Unportable`] when a reader would refuse or lose something of it.
pub(crate) fn check_written(
    written: &mut Written,
    readers: &[Reader],
    runtime: &Handle,
) -> Result<()> {
    if readers.is_empty() {
        return Ok(());
    }
    let writer = &mut written.writer;
    let footer = read_footer(written.size, |range| runtime.block_on(writer.read_back(range)));
    let footer: ParquetMetaData = footer.map_err(|error| match error {
        FooterError::Storage(source) => {
            Error::Storage { role: "could not read the output back", source }
        }
        FooterError::Malformed(error) => {
            Error::Internal(format!("the footer of the output does not read back: {error}"))
        }
    })?;
    let found = findings(&footer, readers);
    match found.into_iter().find(|finding| finding.severity.is_bad()) {
        Some(finding) => Err(Error::Unportable {
            reader: finding.reader,
            column: finding.column,
            what: format!("{}: {}", finding.what, finding.reason),
            hint: format!("{}, or leave this reader out", finding.way_out),
        }),
        None => Ok(()),
    }
}
