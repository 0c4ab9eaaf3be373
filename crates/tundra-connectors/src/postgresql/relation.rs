//! What is to be read, as SQL: its columns, how each is had, and what has to be measured for that.
//!
//! Start at [`Relation::prepare`]. Text of a user is parsed by the server, alone and as one statement,
//! before it becomes part of one of ours; names are quoted.

mod catalogue;
mod measure;
mod redshift;
mod window;

use std::{collections::HashSet, fmt::Write, sync::Arc};

use tundra_core::{ColumnPlan, ExtractRequest, TableName};

use crate::{
    identifier::Quoting,
    postgresql::{
        decode::Column,
        failure::{Failure, ServerError},
        partition::Facts,
        relation::window::{Whole, Windowed},
        types::{Cast, Kind, Plan},
        wire::{ResultColumn, Wire},
    },
};

/// The name under which a query stands in our statements.
const ALIAS: &str = "tundra_query";

/// The tables that this transaction holds and of which its snapshot sees another file than there is, or
/// none. Those of the catalogue have no file of their own there.
const REWRITTEN: &str = "
SELECT DISTINCT l.relation::pg_catalog.regclass::pg_catalog.text
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid()
    AND l.database <> 0
    AND (c.oid IS NULL OR c.relfilenode <> 0
        AND c.relfilenode <> pg_catalog.pg_relation_filenode(c.oid))";

/// A relation whose columns are known.
#[derive(Debug)]
pub(super) struct Relation {
    /// The columns as they are decoded.
    pub(super) columns: Arc<[Column]>,
    /// How each came to its type.
    pub(super) plans: Vec<ColumnPlan>,
    /// What stands behind `SELECT`.
    select: String,
    /// What stands behind `FROM`.
    pub(super) from: String,
    /// What stands behind `WHERE`, if anything does.
    pub(super) only: Option<String>,
    limit: Option<u64>,
    /// The table, quoted, if it is one.
    pub(super) table: Option<String>,
    /// Where the next window begins.
    pub(super) watermark: Option<String>,
    /// Every column by its name, and how it is written in a statement.
    known: Vec<(String, String)>,
}

/// A column as it is asked for.
#[derive(Debug)]
struct Wanted {
    name: String,
    /// How it is written in a statement.
    expression: String,
    oid: u32,
    plan: Plan,
}

/// A relation as the server describes it, and which of its columns are wanted.
struct Described {
    /// What stands behind `FROM`.
    from: String,
    /// The table, quoted, if it is one.
    table: Option<String>,
    /// Every column.
    all: Vec<ResultColumn>,
    /// Every column by its name, and how it is written in a statement.
    known: Vec<(String, String)>,
    /// The places of those that are wanted, in their order.
    chosen: Vec<usize>,
}

impl Described {
    async fn find(wire: &mut Wire, request: &ExtractRequest) -> Result<Self, Failure> {
        let (from, table, all) = match &request.relation {
            tundra_core::Relation::Table(name) => described_table(wire, name).await?,
            tundra_core::Relation::Query(text) => described_query(wire, text).await?,
        };
        let known: Vec<(String, String)> = all
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let expression = match table {
                    Some(_) => Quoting::Double.name(&column.name),
                    None => format!("{ALIAS}.{}", alias(at)),
                };
                (column.name.clone(), expression)
            })
            .collect();
        let chosen = match &request.columns {
            None => (0..all.len()).collect(),
            Some(names) => {
                names.iter().map(|name| position(&known, name)).collect::<Result<_, _>>()?
            }
        };
        Ok(Self { from, table, all, known, chosen })
    }
}

/// How a column is had in the end.
#[derive(Debug)]
struct Settled {
    kind: Kind,
    /// What the server makes of it first.
    cast: Cast,
    /// Whether the server is asked for its text instead of its binary form.
    is_text: bool,
    reason: String,
}

impl Relation {
    /// Asks the server about the relation and measures what has to be measured.
    pub(super) async fn prepare(
        wire: &mut Wire,
        request: &ExtractRequest,
    ) -> Result<Self, Failure> {
        let Described { from, table, all, known, chosen } = Described::find(wire, request).await?;
        if let Some(table) = &table {
            let names: Vec<&str> = chosen.iter().map(|at| all[*at].name.as_str()).collect();
            readable(wire, table, &names).await?;
        }
        let oids = chosen.iter().map(|at| all[*at].oid).collect();
        let catalogue = catalogue::load(wire, oids).await?;
        let wanted: Vec<Wanted> = chosen
            .into_iter()
            .map(|at| Wanted {
                name: all[at].name.clone(),
                expression: known[at].1.clone(),
                oid: all[at].oid,
                plan: catalogue.plan(all[at].oid, all[at].modifier),
            })
            .collect();
        let Windowed { only, mark: watermark } = match &request.window {
            None => Windowed::default(),
            Some(window) => {
                let column = match &table {
                    Some(_) if Windowed::is_by_transaction(window) => None,
                    _ => Some(known[position(&known, &window.column)?].1.as_str()),
                };
                let has_xmin = match &table {
                    Some(table) => Facts::load(wire, table).await?.has_xmin(),
                    None => false,
                };
                let whole = Whole { from: &from, column, has_xmin };
                Windowed::prepare(wire, window, &whole).await?
            }
        };
        let settled =
            measure::settle(wire, &wanted, &catalogue, &from, only.as_deref(), request.on_lossy)
                .await?;
        Ok(Self::assembled(wanted, settled, from, only, request.limit, table, watermark, known))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "it is the end of `prepare`, kept apart to be read"
    )]
    fn assembled(
        wanted: Vec<Wanted>,
        settled: Vec<Settled>,
        from: String,
        only: Option<String>,
        limit: Option<u64>,
        table: Option<String>,
        watermark: Option<String>,
        known: Vec<(String, String)>,
    ) -> Self {
        let mut names = HashSet::new();
        let mut select = String::new();
        let mut columns = Vec::new();
        let mut plans = Vec::new();
        for (wanted, settled) in wanted.into_iter().zip(settled) {
            let comma = if select.is_empty() { "" } else { ", " };
            // Writing to a `String` does not fail.
            let _ = write!(select, "{comma}{}", settled.cast.of(&wanted.expression));
            let name = unique(&mut names, &wanted.name);
            plans.push(ColumnPlan {
                name: name.clone(),
                source_name: wanted.name,
                column_type: settled.kind.column_type(),
                format: None,
                reason: settled.reason,
            });
            columns.push(Column { name, kind: settled.kind, is_text: settled.is_text });
        }
        Self { columns: columns.into(), plans, select, from, only, limit, table, watermark, known }
    }

    /// Holds every table that the relation reads, and looks whether the snapshot sees their rows.
    ///
    /// To a snapshot that is older than a rewrite of a table, the table is empty.
    pub(super) async fn hold(&self, wire: &mut Wire) -> Result<(), Failure> {
        // What is planned is locked, the parts of a partitioned table too.
        wire.ask(&format!("EXPLAIN (COSTS OFF) SELECT {} FROM {}", self.select, self.from)).await?;
        let rewritten = wire.ask(REWRITTEN).await?;
        match rewritten.into_iter().flatten().flatten().next() {
            Some(table) => Err(Failure::Rewritten(table)),
            None => Ok(()),
        }
    }

    /// Returns how a column is written in a statement.
    pub(super) fn expression(&self, column: &str) -> Result<&str, Failure> {
        Ok(&self.known[position(&self.known, column)?].1)
    }

    /// Returns whether at most so many rows are asked for.
    pub(super) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Returns the statement that sends the rows which meet the condition.
    pub(super) fn copy(&self, condition: Option<&str>) -> String {
        format!("COPY ({}) TO STDOUT (FORMAT binary)", self.select(condition))
    }

    /// Returns the query for the rows which meet the condition.
    pub(super) fn select(&self, condition: Option<&str>) -> String {
        let conditions: Vec<String> = self
            .only
            .iter()
            .map(String::as_str)
            .chain(condition)
            .map(|it| format!("({it})"))
            .collect();
        let mut sql = format!("SELECT {} FROM {}", self.select, self.from);
        if !conditions.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&conditions.join(" AND "));
        }
        if let Some(limit) = self.limit {
            // Writing to a `String` does not fail.
            let _ = write!(sql, " LIMIT {limit}");
        }
        sql
    }
}

async fn described_table(
    wire: &mut Wire,
    name: &TableName,
) -> Result<(String, Option<String>, Vec<ResultColumn>), Failure> {
    if name.name.contains('\0') || name.schema.as_ref().is_some_and(|it| it.contains('\0')) {
        return Err(Failure::Request("the name of the table has a zero byte".to_owned()));
    }
    let quoted = Quoting::Double.table(name);
    let columns = wire.describe(&format!("SELECT * FROM {quoted}")).await?;
    if columns.is_empty() {
        return Err(Failure::Request(format!("{quoted} has no columns")));
    }
    Ok((quoted.clone(), Some(quoted), columns))
}

/// Fails when one of the columns may not be read. The server names only the table.
async fn readable(wire: &mut Wire, table: &str, columns: &[&str]) -> Result<(), Failure> {
    let rows = wire
        .ask(&format!(
            "SELECT attname FROM pg_catalog.pg_attribute
             WHERE attrelid = {}::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped
                 AND NOT pg_catalog.has_column_privilege(attrelid, attnum, 'SELECT')
             ORDER BY attnum",
            literal(table)
        ))
        .await?;
    let hidden: Vec<String> =
        rows.into_iter().flatten().flatten().filter(|it| columns.contains(&it.as_str())).collect();
    let Some(first) = hidden.first() else { return Ok(()) };
    let refused =
        wire.ask(&format!("SELECT {} FROM {table} LIMIT 0", Quoting::Double.name(first))).await;
    match refused {
        Err(Failure::Server(error)) => {
            let names: Vec<String> = hidden.iter().map(|it| format!("`{it}`")).collect();
            let hidden = format!("the user may not read {}", names.join(", "));
            Err(ServerError { detail: Some(hidden), ..error }.into())
        }
        Err(failure) => Err(failure),
        Ok(_) => Ok(()),
    }
}

async fn described_query(
    wire: &mut Wire,
    text: &str,
) -> Result<(String, Option<String>, Vec<ResultColumn>), Failure> {
    if text.contains('\0') {
        return Err(Failure::Request("the query has a zero byte".to_owned()));
    }
    // Only what the server takes for one whole statement can stand in brackets without breaking out.
    let text = text.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    let columns = wire.describe(text).await?;
    if columns.is_empty() {
        return Err(Failure::Request("the query returns no columns".to_owned()));
    }
    let aliases: Vec<String> = (0..columns.len()).map(alias).collect();
    // The line ends a comment that the query may end with.
    Ok((format!("({text}\n) AS {ALIAS}({})", aliases.join(", ")), None, columns))
}

fn alias(at: usize) -> String {
    format!("c{at}")
}

fn position(known: &[(String, String)], name: &str) -> Result<usize, Failure> {
    known.iter().position(|(known, _)| known == name).ok_or_else(|| {
        const SHOWN: usize = 12;
        let names: Vec<String> =
            known.iter().take(SHOWN).map(|(name, _)| format!("`{name}`")).collect();
        let more = if known.len() > SHOWN { ", …" } else { "" };
        Failure::Request(format!(
            "there is no column `{name}`; the columns are {}{more}",
            names.join(", ")
        ))
    })
}

/// Two columns of a query may have one name; those of a file may not.
fn unique(names: &mut HashSet<String>, name: &str) -> String {
    let mut unique = name.to_owned();
    let mut number = 2;
    while !names.insert(unique.clone()) {
        unique = format!("{name}_{number}");
        number += 1;
    }
    unique
}

/// Returns the text as a literal, whatever `standard_conforming_strings` is.
pub(super) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(only: Option<&str>, limit: Option<u64>) -> Relation {
        let wanted = |name: &str| Wanted {
            name: name.to_owned(),
            expression: Quoting::Double.name(name),
            oid: 23,
            plan: Plan::Known(Kind::Int32),
        };
        let settled = |cast| Settled {
            kind: Kind::Int32,
            cast,
            is_text: false,
            reason: "it is an integer".to_owned(),
        };
        Relation::assembled(
            vec![wanted("a"), wanted("x \"y\""), wanted("a")],
            vec![settled(Cast::Nothing), settled(Cast::Text), settled(Cast::Nothing)],
            "\"s\".\"t\"".to_owned(),
            only.map(str::to_owned),
            limit,
            None,
            None,
            Vec::new(),
        )
    }

    #[test]
    fn a_statement_has_every_condition_in_brackets() {
        assert_eq!(
            relation(None, None).copy(None),
            r#"COPY (SELECT "a", "x ""y"""::text, "a" FROM "s"."t") TO STDOUT (FORMAT binary)"#
        );
        assert_eq!(
            relation(Some("a > E'1' OR b"), Some(7)).copy(Some("c IS NULL")),
            r#"COPY (SELECT "a", "x ""y"""::text, "a" FROM "s"."t" WHERE (a > E'1' OR b) AND (c IS NULL) LIMIT 7) TO STDOUT (FORMAT binary)"#
        );
    }

    #[test]
    fn columns_of_one_name_are_told_apart() {
        let names: Vec<String> =
            relation(None, None).columns.iter().map(|it| it.name.clone()).collect();
        assert_eq!(names, ["a", "x \"y\"", "a_2"]);
    }

    #[test]
    fn a_literal_cannot_be_left() {
        assert_eq!(literal(r"it's"), r"E'it''s'");
        assert_eq!(literal(r"\' OR 1 = 1 --"), r"E'\\'' OR 1 = 1 --'");
    }
}
