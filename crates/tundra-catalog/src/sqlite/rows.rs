//! Rows as values, and values as rows. What another program wrote may make no sense; it is said
//! which row that is.

use rusqlite::Row;
use tundra_core::{
    ErrorKind, SchemaRule, Source, SourceType, TableSchema, Version, VersionFacts, VersionNumber,
    VersionStatus,
};
use tundra_sqlite::{Failure, rows::moment};
use uuid::Uuid;

/// Reads a source, whose columns begin at `at`.
pub(super) fn source(row: &Row<'_>, at: usize) -> Result<Source, Failure> {
    let id: String = row.get(at)?;
    let read = || {
        let tenant: String = row.get(at + 1)?;
        let source_type: String = row.get(at + 3)?;
        let schema_rule: String = row.get(at + 8)?;
        Ok(Source {
            id: id.parse().map_err(Failure::senseless)?,
            tenant: tenant.parse().map_err(Failure::senseless)?,
            name: row.get(at + 2)?,
            source_type: match source_type.as_str() {
                "file" => SourceType::File,
                "database" => SourceType::Database,
                "api" => SourceType::Api,
                other => return Err(Failure::senseless(format!("`{other}` is no type of source"))),
            },
            connector_type: row.get(at + 4)?,
            location: row.get(at + 5)?,
            current_version: row.get::<_, Option<i64>>(at + 6)?.map(number).transpose()?,
            extraction_query: row.get(at + 7)?,
            schema_rule: match schema_rule.as_str() {
                "any" => SchemaRule::Any,
                "no_breaking" => SchemaRule::NoBreaking,
                other => {
                    return Err(Failure::senseless(format!("`{other}` is no rule of a schema")));
                }
            },
        })
    };
    read().map_err(|failure: Failure| failure.of_row("source", &id))
}

/// Reads a version, whose columns begin at `at`.
pub(super) fn version(row: &Row<'_>, at: usize) -> Result<Version, Failure> {
    let id: String = row.get(at)?;
    let read = || {
        let source: String = row.get(at + 1)?;
        let status: String = row.get(at + 3)?;
        Ok(Version {
            id: Uuid::try_parse(&id).map_err(Failure::senseless)?,
            source: source.parse().map_err(Failure::senseless)?,
            number: number(row.get(at + 2)?)?,
            status: match status.as_str() {
                "pending" => VersionStatus::Pending,
                "active" => VersionStatus::Active,
                "error" => VersionStatus::Error,
                other => return Err(Failure::senseless(format!("`{other}` is no status"))),
            },
            facts: facts(row, at + 4)?,
            error_message: row.get(at + 10)?,
            created_at: moment(row.get(at + 11)?)?,
        })
    };
    read().map_err(|failure: Failure| failure.of_row("version", &id))
}

/// Reads facts: all of its figures are there, or it has none.
fn facts(row: &Row<'_>, at: usize) -> Result<Option<VersionFacts>, Failure> {
    let figure = |at: usize| -> Result<Option<u64>, Failure> {
        row.get::<_, Option<i64>>(at)?.map(u64::try_from).transpose().map_err(Failure::senseless)
    };
    let (Some(rows), Some(columns), Some(size_bytes), Some(seconds)) =
        (figure(at)?, figure(at + 1)?, figure(at + 2)?, row.get::<_, Option<f64>>(at + 3)?)
    else {
        return Ok(None);
    };
    let schema: Option<String> = row.get(at + 5)?;
    let schema = schema.map(|json| serde_json::from_str::<TableSchema>(&json));
    Ok(Some(VersionFacts {
        rows,
        columns,
        size_bytes,
        seconds,
        receipt_sha256: row.get(at + 4)?,
        schema: schema.transpose().map_err(Failure::senseless)?,
        extraction_query: None,
    }))
}

/// The figures of a version as SQLite takes them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    pub(super) rows: i64,
    pub(super) columns: i64,
    pub(super) size_bytes: i64,
    pub(super) seconds: f64,
    pub(super) schema: Option<String>,
}

impl Figures {
    pub(super) fn of(facts: &VersionFacts) -> Result<Self, Failure> {
        let figure = |what: &str, value: u64| {
            i64::try_from(value).map_err(|_| {
                let reason = format!("{what} is {value}, more than the catalog can hold");
                Failure::refused(ErrorKind::InvalidRequest, reason)
            })
        };
        if !facts.seconds.is_finite() {
            let reason = format!("a run that took {} seconds was none", facts.seconds);
            return Err(Failure::refused(ErrorKind::InvalidRequest, reason));
        }
        let schema = facts.schema.as_ref().map(serde_json::to_string).transpose();
        Ok(Self {
            rows: figure("the number of rows", facts.rows)?,
            columns: figure("the number of columns", facts.columns)?,
            size_bytes: figure("the size", facts.size_bytes)?,
            seconds: facts.seconds,
            schema: schema
                .map_err(|error| Failure::refused(ErrorKind::Internal, error.to_string()))?,
        })
    }
}

fn number(value: i64) -> Result<VersionNumber, Failure> {
    let number = u32::try_from(value).ok().and_then(VersionNumber::new);
    number.ok_or_else(|| Failure::senseless(format!("{value} is no number of a version")))
}
