//! Rows as values. What another program wrote may make no sense; it is said which row that is.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use tundra_core::{
    ErrorKind, SchemaRule, Source, SourceType, TableSchema, Version, VersionFacts, VersionNumber,
    VersionStatus,
};

use super::{
    client::{Row, id_of},
    columns,
    failure::Problem,
};

/// Reads a row of `sources`.
pub(super) fn source(row: &Row) -> Result<Source, Problem> {
    let read = || {
        let source_type = needed(row, "source_type")?;
        let rule = text(row, columns::SCHEMA_RULE)?;
        Ok(Source {
            id: needed(row, "id")?.parse().map_err(nonsense)?,
            tenant: needed(row, "org_id")?.parse().map_err(nonsense)?,
            name: text(row, columns::NAME)?,
            source_type: match source_type.as_str() {
                "file" => SourceType::File,
                "database" => SourceType::Database,
                "api" => SourceType::Api,
                other => return Err(format!("`{other}` is no type of source")),
            },
            connector_type: needed(row, "connector_type")?,
            location: text(row, columns::LOCATION)?,
            // 0 is how it begins.
            current_version: whole(row, "current_version")?
                .filter(|n| *n > 0)
                .map(number)
                .transpose()?,
            extraction_query: text(row, "extraction_query")?,
            schema_rule: match rule.as_deref() {
                None | Some("any") => SchemaRule::Any,
                Some("no_breaking") => SchemaRule::NoBreaking,
                Some(other) => return Err(format!("`{other}` is no rule of a schema")),
            },
        })
    };
    read().map_err(|reason| senseless("source", row, &reason))
}

/// Reads the current version from a part of a row of `sources`.
pub(super) fn current_version(part: Option<&Value>) -> Option<VersionNumber> {
    let number = part?.get("current_version")?.as_u64()?;
    VersionNumber::new(u32::try_from(number).ok()?)
}

/// Reads a row of `source_versions`.
pub(super) fn version(row: &Row) -> Result<Version, Problem> {
    let read = || {
        let status = needed(row, "status")?;
        let created_at = needed(row, "created_at")?;
        Ok(Version {
            id: id_of(row).ok_or("its `id` is no UUID")?,
            source: needed(row, "source_id")?.parse().map_err(nonsense)?,
            number: number(whole(row, "version")?.ok_or("its `version` is null")?)?,
            status: match status.as_str() {
                "pending" => VersionStatus::Pending,
                "active" => VersionStatus::Active,
                "error" => VersionStatus::Error,
                other => return Err(format!("`{other}` is no status")),
            },
            facts: facts(row)?,
            error_message: text(row, "error_message")?,
            created_at: moment(&created_at)
                .ok_or_else(|| format!("`{created_at}` is no moment"))?,
        })
    };
    read().map_err(|reason| senseless("version", row, &reason))
}

/// Reads facts: all of its figures are there, or it has none.
fn facts(row: &Row) -> Result<Option<VersionFacts>, String> {
    let (Some(rows), Some(columns), Some(size_bytes), Some(seconds)) = (
        whole(row, "row_count")?,
        whole(row, "column_count")?,
        whole(row, "file_size_bytes")?,
        row.get("processing_time_seconds").and_then(Value::as_f64),
    ) else {
        return Ok(None);
    };
    let schema = row.get(columns::SCHEMA).filter(|schema| !schema.is_null());
    let schema = schema.map(|schema| serde_json::from_value::<TableSchema>(schema.clone()));
    let schema = schema.transpose();
    Ok(Some(VersionFacts {
        rows,
        columns,
        size_bytes,
        seconds,
        receipt_sha256: text(row, columns::RECEIPT)?,
        schema: schema.map_err(|error| format!("its `schema` is no list of columns: {error}"))?,
        extraction_query: None,
    }))
}

/// Returns a moment as PostgreSQL reads it.
pub(super) fn written(moment: SystemTime) -> String {
    /// The last second of the year 9999, behind which there is no such form.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let last = SystemTime::UNIX_EPOCH + LAST;
    humantime::format_rfc3339_micros(moment.clamp(SystemTime::UNIX_EPOCH, last)).to_string()
}

/// Reads a moment as PostgREST writes it: with an offset for `timestamptz`, without one, and then in
/// UTC, for `timestamp`.
fn moment(text: &str) -> Option<SystemTime> {
    const DATE: usize = "2026-01-01".len();
    let clock = text.get(DATE..)?;
    let (local, offset) = match clock.rfind(['+', '-']) {
        Some(at) => text.split_at(DATE + at),
        None => (text.trim_end_matches('Z'), ""),
    };
    let local = humantime::parse_rfc3339_weak(local).ok()?;
    if offset.is_empty() {
        return Some(local);
    }
    let (sign, digits) = offset.split_at(1);
    let mut parts = digits.split(':').map(|part| part.parse::<u64>().ok());
    let hours = parts.next()??;
    let minutes = parts.next().unwrap_or(Some(0))?;
    let offset = Duration::from_secs(hours * 3600 + minutes * 60);
    if sign == "+" { local.checked_sub(offset) } else { local.checked_add(offset) }
}

/// Returns a text that PostgreSQL takes, which has no NUL.
pub(super) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn number(value: u64) -> Result<VersionNumber, String> {
    let number = u32::try_from(value).ok().and_then(VersionNumber::new);
    number.ok_or_else(|| format!("{value} is no number of a version"))
}

fn whole(row: &Row, column: &str) -> Result<Option<u64>, String> {
    match row.get(column) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_u64();
            number.map(Some).ok_or_else(|| format!("its `{column}` is no whole number"))
        }
    }
}

/// Returns a text, or a number as one: in some catalogs an organisation has a number.
fn text(row: &Row, column: &str) -> Result<Option<String>, String> {
    match row.get(column) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("its `{column}` is no text")),
    }
}

fn needed(row: &Row, column: &str) -> Result<String, String> {
    text(row, column)?.ok_or_else(|| format!("its `{column}` is null"))
}

fn nonsense(error: impl ToString) -> String {
    error.to_string()
}

fn senseless(what: &str, row: &Row, reason: &str) -> Problem {
    let id = id_of(row).map_or_else(|| "?".to_owned(), |id| id.to_string());
    let reason = format!("the row of the {what} `{id}` makes no sense: {reason}");
    Problem::stated(ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn row(value: Value) -> Row {
        serde_json::from_value(value).unwrap()
    }

    fn reason(problem: Problem) -> String {
        let error = problem.during("x", "y");
        assert_eq!(error.kind, ErrorKind::InvalidData);
        error.reason
    }

    fn plain_source() -> Row {
        row(json!({
            "id": ID, "org_id": "acme", "source_type": "file", "connector_type": "csv",
            "current_version": 0, "extraction_query": null, "created_by": "others' business",
        }))
    }

    #[test]
    fn a_source_of_tundra_four_is_read() {
        let read = source(&plain_source()).unwrap();
        assert_eq!(
            (read.current_version, read.name, read.schema_rule),
            (None, None, SchemaRule::Any)
        );
        let mut of_number = plain_source();
        of_number.insert("org_id".to_owned(), json!(42));
        of_number.insert("connector_type".to_owned(), json!("holographic"));
        let read = source(&of_number).unwrap();
        assert_eq!((read.tenant.as_str(), &*read.connector_type), ("42", "holographic"));
    }

    #[test]
    fn a_source_that_makes_no_sense_is_named() {
        for (column, value, expected) in [
            ("org_id", json!(null), "its `org_id` is null"),
            ("org_id", json!("../x"), "`../x` is no id of an organisation"),
            ("source_type", json!("stream"), "`stream` is no type of source"),
            ("connector_type", json!(null), "its `connector_type` is null"),
            ("current_version", json!(-1), "its `current_version` is no whole number"),
            ("schema_rule", json!("none"), "`none` is no rule of a schema"),
            ("name", json!({}), "its `name` is no text"),
        ] {
            let mut row = plain_source();
            row.insert(column.to_owned(), value);
            let reason = reason(source(&row).unwrap_err());
            assert!(reason.contains(ID) && reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn a_version_without_all_its_figures_has_none() {
        let mut plain = row(json!({
            "id": ID, "source_id": ID, "version": 3, "status": "active", "row_count": 5,
            "column_count": 2, "file_size_bytes": 99, "processing_time_seconds": 1.5,
            "error_message": null, "created_at": "2026-01-02T03:04:05.6+00:00",
        }));
        let read = version(&plain).unwrap();
        assert_eq!(read.number.get(), 3);
        assert_eq!(read.facts.unwrap().seconds, 1.5);
        plain.insert("file_size_bytes".to_owned(), Value::Null);
        assert_eq!(version(&plain).unwrap().facts, None);
        plain.insert("created_at".to_owned(), json!("yesterday"));
        assert!(reason(version(&plain).unwrap_err()).ends_with("`yesterday` is no moment"));
    }

    #[test]
    fn moments_are_read_in_every_zone_and_written_in_ours() {
        let expected = "2026-01-02T03:04:05.600000Z";
        for text in [
            "2026-01-02T03:04:05.6+00:00",
            "2026-01-02T03:04:05.6Z",
            "2026-01-02T03:04:05.6",
            "2026-01-02T08:34:05.6+05:30",
            "2026-01-01T23:04:05.6-04",
        ] {
            assert_eq!(written(moment(text).unwrap()), expected, "{text}");
        }
        for text in ["", "infinity", "2026-01-02", "2026-01-02T03:04:05+x"] {
            assert_eq!(moment(text), None, "{text}");
        }
        assert!(written(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).starts_with("1970-"));
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert!(written(far).starts_with("9999-"));
    }
}
