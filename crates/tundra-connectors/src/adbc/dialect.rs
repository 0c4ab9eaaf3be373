//! What SQL a database speaks, as far as we write any: names, limits, transactions, catalogues.
//!
//! A database that is not known here gets the SQL of the standard, and no promise of a snapshot.

use tundra_core::{ExtractRequest, Relation, TableName, TablePattern};

use crate::{identifier::Quoting, settings::DatabaseKind};

/// The answer to [`Dialect::names`].
pub(super) const NAMED: &str = "named";

/// What a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgresql,
    Redshift,
    Sqlite,
    /// Any other.
    Other,
}

impl Dialect {
    /// Returns that of a database whose settings we turn into options of a driver.
    pub(super) const fn of(kind: DatabaseKind) -> Option<Self> {
        match kind {
            DatabaseKind::Postgresql => Some(Self::Postgresql),
            DatabaseKind::Redshift => Some(Self::Redshift),
            DatabaseKind::Mysql | DatabaseKind::Mariadb | DatabaseKind::Sqlite => None,
        }
    }

    /// Returns that of the product that a driver says it speaks to.
    pub(super) fn of_product(product: &str) -> Self {
        let product = product.to_ascii_lowercase();
        if product.contains("redshift") {
            Self::Redshift
        } else if product.contains("postgres") {
            Self::Postgresql
        } else if product.contains("sqlite") {
            Self::Sqlite
        } else {
            Self::Other
        }
    }

    /// Returns what begins a transaction that reads one state and writes nothing; the driver's own way
    /// where it is not known.
    pub(super) const fn begin(self) -> &'static [&'static str] {
        match self {
            Self::Postgresql => &[
                "SET TIME ZONE 'UTC'",
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                // The first statement takes the snapshot.
                "SELECT 1",
            ],
            Self::Redshift => &["BEGIN READ ONLY", "SELECT 1"],
            // A transaction reads the state that its first statement finds.
            Self::Sqlite => &["PRAGMA query_only = 1", "SELECT COUNT(*) FROM sqlite_master"],
            Self::Other => &[],
        }
    }

    /// Returns whether a transaction goes on after a statement that was cancelled or refused, when it
    /// went to a mark.
    pub(super) const fn has_marks(self) -> bool {
        matches!(self, Self::Postgresql | Self::Sqlite)
    }

    /// Returns whether a statement is described without being run, and as it is when it is run.
    pub(super) const fn describes(self) -> bool {
        matches!(self, Self::Postgresql)
    }

    /// Returns the query for the version, one text.
    pub(super) const fn version(self) -> Option<&'static str> {
        match self {
            Self::Postgresql => Some("SELECT current_setting('server_version')"),
            Self::Redshift => Some("SELECT version()"),
            Self::Sqlite => Some("SELECT sqlite_version()"),
            Self::Other => None,
        }
    }

    /// Returns the query for the version of TLS and the cipher, one text or null.
    pub(super) const fn tls(self) -> Option<&'static str> {
        match self {
            Self::Postgresql => Some(
                "SELECT version || ' ' || cipher FROM pg_catalog.pg_stat_ssl \
                 WHERE pid = pg_backend_pid() AND ssl",
            ),
            _ => None,
        }
    }

    /// Returns the query for the place in the server's log, one text. It is asked before the snapshot:
    /// who follows the log from there sees twice rather than never.
    pub(super) const fn position(self) -> Option<&'static str> {
        match self {
            Self::Postgresql => Some(
                "SELECT 'lsn ' || CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
                 ELSE pg_current_wal_insert_lsn() END",
            ),
            _ => None,
        }
    }

    /// Returns the most bytes of a name. A longer one would be cut off, and be another name.
    pub(super) const fn longest_name(self) -> usize {
        match self {
            Self::Postgresql => 63,
            Self::Redshift => 127,
            Self::Sqlite | Self::Other => usize::MAX,
        }
    }

    /// Returns a name as it stands in SQL.
    pub(super) fn name(self, name: &str) -> String {
        Quoting::Double.name(name)
    }

    fn table(self, table: &TableName) -> String {
        Quoting::Double.table(table)
    }

    /// Returns a text as it stands in SQL, or why it cannot stand there.
    fn text(self, text: &str) -> Result<String, &'static str> {
        let quoted = text.replace('\'', "''");
        match self {
            // There a setting decides whether a backslash escapes, unless it is said.
            Self::Postgresql => Ok(format!("E'{}'", quoted.replace('\\', "\\\\"))),
            Self::Redshift | Self::Other if text.contains('\\') => Err(
                "a backslash may be read as an escape by this database, and no value or pattern \
                     may have one",
            ),
            Self::Redshift | Self::Sqlite | Self::Other => Ok(format!("'{quoted}'")),
        }
    }

    /// Returns a query that tells whether names may stand in `"`, by the answer [`NAMED`]: elsewhere `"` is
    /// around a text, which would be read in place of the column in every row.
    pub(super) const fn names(self) -> Option<&'static str> {
        match self {
            Self::Postgresql | Self::Redshift | Self::Sqlite => None,
            Self::Other => Some("SELECT \"x\" FROM (SELECT 'named' AS \"x\") AS t"),
        }
    }

    /// Returns what stands behind `FROM`. `query` is one statement.
    pub(super) fn source(self, relation: &Relation, query: &str) -> String {
        match relation {
            Relation::Table(table) => self.table(table),
            Relation::Query(_) => format!("(\n{query}\n) AS tundra_query"),
        }
    }

    /// Returns a value of a column as text.
    pub(super) fn as_text(self, column: &str) -> String {
        let kind = match self {
            Self::Postgresql | Self::Sqlite => "TEXT",
            Self::Redshift | Self::Other => "VARCHAR",
        };
        format!("CAST({} AS {kind})", self.name(column))
    }

    /// Returns the statement that reads what is asked for. `items` are its columns.
    pub(super) fn select(
        self,
        items: &str,
        source: &str,
        request: &ExtractRequest,
    ) -> Result<String, &'static str> {
        let mut sql = format!("SELECT {items} FROM {source}");
        if let Some(window) = &request.window
            && let Some(after) = &window.after
        {
            sql = format!("{sql} WHERE {} > {}", self.name(&window.column), self.text(after)?);
        }
        if let Some(limit) = request.limit {
            sql = format!("{sql} LIMIT {limit}");
        }
        Ok(sql)
    }

    /// Returns the query for the tables and views that match: schema, name, kind, and the rows as they
    /// are estimated; all of them texts.
    pub(super) fn tables(self, pattern: &TablePattern) -> Result<String, &'static str> {
        let like = |column: &str, pattern: &str| {
            let escaped = pattern.replace('!', "!!").replace('%', "!%").replace('_', "!_");
            let pattern = self.text(&escaped.replace('*', "%"))?;
            Ok::<_, &'static str>(format!("{column} LIKE {pattern} ESCAPE '!'"))
        };
        Ok(match self {
            Self::Sqlite => format!(
                "SELECT CAST(NULL AS TEXT), name, type, CAST(NULL AS TEXT) FROM sqlite_master \
                 WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!' \
                 AND name GLOB {} ORDER BY name",
                // `LIKE` does not look at case there.
                self.text(&glob(&pattern.name))?
            ),
            Self::Postgresql => {
                let schema = pattern.schema.as_deref().map_or_else(
                    || {
                        Ok("n.nspname NOT LIKE 'pg!_%' ESCAPE '!' AND n.nspname <> \
                            'information_schema'"
                            .to_owned())
                    },
                    |schema| like("n.nspname", schema),
                )?;
                format!(
                    "SELECT CAST(n.nspname AS TEXT), CAST(c.relname AS TEXT), CASE c.relkind \
                     WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' \
                     WHEN 'p' THEN 'partitioned table' ELSE 'foreign table' END, \
                     CASE WHEN c.reltuples >= 0 THEN CAST(CAST(c.reltuples AS BIGINT) AS TEXT) END \
                     FROM pg_catalog.pg_class AS c \
                     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                     WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {schema} AND {} ORDER BY 1, 2",
                    like("c.relname", &pattern.name)?
                )
            }
            Self::Redshift | Self::Other => {
                let schema = pattern.schema.as_deref().map_or_else(
                    || Ok("table_schema NOT IN ('pg_catalog', 'information_schema')".to_owned()),
                    |schema| like("table_schema", schema),
                )?;
                format!(
                    "SELECT CAST(table_schema AS VARCHAR), CAST(table_name AS VARCHAR), \
                     CASE WHEN table_type = 'VIEW' THEN 'view' ELSE 'table' END, CAST(NULL AS VARCHAR) \
                     FROM information_schema.tables WHERE {schema} AND {} ORDER BY 1, 2",
                    like("table_name", &pattern.name)?
                )
            }
        })
    }
}

/// Returns the pattern in the form of `GLOB`, in which only `*` is special.
fn glob(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        match character {
            '?' | '[' => {
                text.push('[');
                text.push(character);
                text.push(']');
            }
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_be_left_however_the_database_reads_it() {
        for (dialect, text) in [
            (Dialect::Postgresql, Some(r"E'\\'' OR 1=1 --'")),
            (Dialect::Redshift, None),
            (Dialect::Sqlite, Some(r"'\'' OR 1=1 --'")),
            (Dialect::Other, None),
        ] {
            assert_eq!(dialect.text(r"\' OR 1=1 --").ok().as_deref(), text, "{dialect:?}");
            let pattern = TablePattern { schema: None, name: r"a\b".to_owned() };
            assert_eq!(dialect.tables(&pattern).is_ok(), text.is_some(), "{dialect:?}");
            assert!(dialect.text("it's").is_ok_and(|text| text.ends_with("'it''s'")));
        }
    }
}
