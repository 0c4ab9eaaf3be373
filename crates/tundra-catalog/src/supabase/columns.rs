//! Columns and a table of ours that a catalog may have beside those of Tundra 4.0.
//!
//! What there is shows in every row, and in the refusal of what there is not: it is never asked for.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::{
    client::Row,
    failure::{Failure, Problem},
};

/// Those of `sources`.
pub(super) const NAME: &str = "name";
pub(super) const LOCATION: &str = "location";
pub(super) const SCHEMA_RULE: &str = "schema_rule";

/// Those of `source_versions`.
pub(super) const RECEIPT: &str = "receipt_sha256";
pub(super) const SCHEMA: &str = "schema";
pub(super) const KEY: &str = "idempotency_key";
pub(super) const REQUEST: &str = "request_digest";

/// What leads from a version to its source, which the tables of 4.0 have.
pub(super) const FOREIGN_KEY: &str = "foreign key of source_versions.source_id";

/// The table of selections.
pub(super) const SELECTIONS: &str = "source_selections";

/// The columns of ours that a table may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Optional(&'static [&'static str]);

pub(super) const OF_SOURCES: Optional = Optional(&[NAME, LOCATION, SCHEMA_RULE]);
pub(super) const OF_VERSIONS: Optional = Optional(&[RECEIPT, SCHEMA, KEY, REQUEST]);

/// What is known to be missing; it is thought to be there until then.
#[derive(Debug, Default)]
pub(super) struct Columns {
    missing: Mutex<BTreeSet<&'static str>>,
}

impl Columns {
    /// Returns whether this is there, as far as is known.
    pub(super) fn has(&self, name: &str) -> bool {
        !self.lock().contains(name)
    }

    /// Takes note that this is missing.
    pub(super) fn lacks(&self, name: &'static str) {
        if self.lock().insert(name) {
            tracing::info!(name, "the catalog does not have it and goes without");
        }
    }

    /// Learns from a row with all its columns; also of those that were added since.
    pub(super) fn learn(&self, row: &Row, optional: Optional) {
        for name in optional.0 {
            if row.contains_key(*name) {
                self.lock().remove(name);
            } else {
                self.lacks(name);
            }
        }
    }

    /// Returns the values of the columns that are there.
    pub(super) fn kept<const N: usize>(
        &self,
        values: [(&'static str, Option<Value>); N],
    ) -> impl Iterator<Item = (String, Value)> {
        values
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.filter(|_| self.has(name))?)))
    }

    /// Learns from the refusal of a row. Returns whether one with fewer columns may be taken.
    pub(super) fn learn_from(&self, problem: &Problem, row: &Row, optional: Optional) -> bool {
        let Problem::Failed(Failure::Refused(refusal)) = problem else { return false };
        if !matches!(refusal.words.code.as_deref(), Some("PGRST204" | "42703")) {
            return false;
        }
        let message = refusal.words.message.as_deref().unwrap_or_default();
        let sent = || optional.0.iter().filter(|name| row.contains_key(**name));
        // PostgREST quotes the name with `'`, PostgreSQL with `"`.
        let is_named = |name: &str| message.split(['\'', '"']).any(|part| part == name);
        let mut named: Vec<&'static str> = sent().copied().filter(|name| is_named(name)).collect();
        if named.is_empty() {
            named = sent().copied().collect();
        }
        for name in &named {
            self.lacks(name);
        }
        !named.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::supabase::failure::{Refusal, Words};

    fn row(value: Value) -> Row {
        serde_json::from_value(value).unwrap()
    }

    fn refused(code: &str, message: &str) -> Problem {
        let words =
            Words { code: Some(code.to_owned()), message: Some(message.to_owned()), details: None };
        let refusal = Refusal { status: StatusCode::BAD_REQUEST, retry_after: None, words };
        Problem::Failed(Failure::Refused(Box::new(refusal)))
    }

    #[test]
    fn a_row_shows_which_columns_there_are() {
        let columns = Columns::default();
        columns.learn(&row(json!({"id": 1, "name": null})), OF_SOURCES);
        assert!(columns.has(NAME) && !columns.has(LOCATION) && columns.has(RECEIPT));
        columns.learn(&row(json!({"name": 1, "location": 2, "schema_rule": 3})), OF_SOURCES);
        assert!(columns.has(LOCATION) && columns.has(SCHEMA_RULE));
    }

    #[test]
    fn a_refusal_names_the_column_that_is_missing() {
        for (code, message) in [
            ("PGRST204", "Could not find the 'location' column of 'sources' in the schema cache"),
            ("42703", r#"column "location" of relation "sources" does not exist"#),
        ] {
            let columns = Columns::default();
            let sent = row(json!({"id": 1, "name": "name", "location": "x"}));
            assert!(columns.learn_from(&refused(code, message), &sent, OF_SOURCES));
            assert!(columns.has(NAME) && !columns.has(LOCATION), "{message}");
            let kept = columns.kept([(NAME, Some(json!("n"))), (LOCATION, Some(json!("l")))]);
            assert_eq!(kept.collect::<Row>(), row(json!({"name": "n"})));
        }
    }

    #[test]
    fn a_refusal_that_names_none_means_all_of_ours() {
        let columns = Columns::default();
        let sent = row(json!({"id": 1, "name": "name"}));
        assert!(columns.learn_from(&refused("PGRST204", "?"), &sent, OF_SOURCES));
        assert!(!columns.has(NAME) && columns.has(LOCATION));
        let without = row(json!({"id": 1}));
        assert!(!columns.learn_from(&refused("PGRST204", "?"), &without, OF_SOURCES));
        assert!(!columns.learn_from(&refused("23505", "name"), &sent, OF_SOURCES));
    }
}
