//! A relation made ready: its columns, what becomes of them, and one statement for each stream.
//!
//! Start at [`prepare`]. SQL is built here and in [`super::partition`] only; a name of a user is quoted
//! by [`Quoting`], a text is written in hexadecimal by [`text_literal`], and a user's query goes to the
//! server as it is once [`query`] has seen that it only reads.

mod bases;
mod query;

use std::{collections::HashSet, sync::Arc, time::Duration};

use arrow_schema::{Field, Schema, SchemaRef};
use tundra_core::{
    ColumnPlan, Decision, ExtractRequest, MAX_DECIMAL_PRECISION, OnLossy, Relation, TableName,
    Window,
};

use super::{
    connect::{Connection, Texts},
    decode::Arriving,
    failure::Failure,
    partition::{self, Split},
    protocol::{ServerError, WireColumn, WireType},
    types::{self, Digits, Measured, Planned},
};
use crate::{batch::data_type, identifier::Quoting};

/// How names are quoted.
pub(super) const QUOTING: Quoting = Quoting::Backtick;

/// Everything that reading takes.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) schema: SchemaRef,
    pub(super) plans: Vec<ColumnPlan>,
    pub(super) decisions: Vec<Decision>,
    /// The columns as they arrive.
    pub(super) arriving: Vec<Arriving>,
    /// What the server said of them, to see that they have not changed.
    pub(super) columns: Vec<WireColumn>,
    /// One statement for each stream.
    pub(super) statements: Vec<String>,
    /// What the server does with texts.
    pub(super) texts: Texts,
    /// How long a statement may take.
    pub(super) within: Option<Duration>,
    pub(super) limit: Option<u64>,
    pub(super) watermark: Option<String>,
}

/// What is known of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct TableState {
    pub(super) schema: String,
    pub(super) is_view: bool,
    /// Its engine has snapshots.
    pub(super) transactional: bool,
    pub(super) engine: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// It is no view, and its texts are kept as UTF-8.
    pub(super) is_utf8: bool,
}

/// Writes a text for SQL in a form that no mode of the server reads in another way.
pub(super) fn text_literal(text: &str) -> String {
    use std::fmt::Write as _;
    let mut literal = "_utf8mb4 0x".to_owned();
    if text.is_empty() {
        return "''".to_owned();
    }
    for byte in text.bytes() {
        // Writing to a string does not fail.
        let _ = write!(literal, "{byte:02X}");
    }
    literal
}

/// Makes a relation ready to be read on up to so many connections.
pub(super) async fn prepare(
    connection: &mut Connection,
    request: &ExtractRequest,
    connections: usize,
) -> Result<Prepared, Failure> {
    // What an earlier stream on this connection was limited to does not hold for our own questions.
    connection.expect(request.statement_timeout, None, Texts::MadeUtf8).await?;
    let mut decisions = Vec::new();
    let (source, state) = match &request.relation {
        Relation::Table(table) => {
            let state = table_state(connection, table).await?;
            (QUOTING.table(table), state)
        }
        Relation::Query(text) => {
            let text = query::only_reads(text)?;
            // What follows needs a name for it; a query alone goes as it is, because a server may
            // write a derived table to its disk first.
            let alone = request.window.is_none() && request.partition_column.is_none();
            let source = if alone { text.to_owned() } else { format!("({text}\n) AS `query`") };
            (source, None)
        }
    };
    let is_query_alone = matches!(request.relation, Relation::Query(_))
        && request.window.is_none()
        && request.partition_column.is_none();

    let base = match (&request.columns, is_query_alone) {
        (_, true) => source.clone(),
        (Some(names), false) => format!("SELECT {} FROM {source}", listed(names)),
        (None, false) => format!("SELECT * FROM {source}"),
    };
    let columns = match (described(connection, &base).await, &state) {
        (Err(Failure::Server(error)), Some(state)) if error.is_denied() => {
            return Err(denied(connection, error, state, &request.relation).await?);
        }
        (columns, _) => columns?,
    };
    if columns.is_empty() {
        return Err(Failure::request("the statement returns no columns"));
    }
    unique(&columns)?;
    let places = places(&columns, request.columns.as_deref())?;
    let dates = request.on_lossy == OnLossy::Text;
    let measured = measure(connection, &columns, &source, is_query_alone, dates).await?;

    let mut fields = vec![None; places.iter().flatten().count()];
    let mut arriving = Vec::with_capacity(columns.len());
    for ((column, place), measured) in columns.iter().zip(&places).zip(measured) {
        let planned = types::plan(column, request.on_lossy, measured);
        match (planned, place) {
            (Ok(planned), place) => {
                arriving.push(Arriving { form: planned.form, place: *place });
                if let Some(slot) = place.and_then(|place| fields.get_mut(place)) {
                    *slot = Some(field(column, planned));
                }
            }
            (Err(unknown), _) => return Err(unknown.into()),
        }
    }
    let (fields, plans): (Vec<Field>, Vec<ColumnPlan>) = fields.into_iter().flatten().unzip();

    let mut conditions = Vec::new();
    let mut watermark = None;
    if let Some(window) = &request.window {
        let kind = window_kind(connection, window, &source, &columns).await?;
        let condition = window_condition(window, kind)?;
        watermark = largest(connection, window, &source, condition.as_deref()).await?;
        conditions.extend(condition);
        if !state.as_ref().is_some_and(|state| state.transactional) {
            conditions.push(window_end(window, kind, watermark.as_deref())?);
        }
    }
    let split = match (&request.relation, &state) {
        _ if request.limit.is_some() => Split::one("a row limit is for all streams together"),
        (Relation::Query(_), _) if is_query_alone => {
            Split::one("a query is one stream unless a partition column is given")
        }
        (_, Some(state)) if !state.transactional && !state.is_view => Split::one(&format!(
            "the engine {} has no snapshots, so that only one statement sees one state",
            state.engine
        )),
        _ => {
            let split = partition::split(
                connection,
                request,
                &source,
                state.as_ref(),
                &columns,
                connections,
            )
            .await?;
            let text = match (&request.relation, &state) {
                (Relation::Query(text), _) => Some(text.as_str()),
                (Relation::Table(table), Some(state)) if state.is_view => Some(table.name.as_str()),
                (Relation::Table(_), _) => None,
            };
            match text {
                Some(text) if split.conditions.len() > 1 => {
                    bases::without_snapshot(connection, text)
                        .await?
                        .map_or(split, |reason| Split::one(&reason))
                }
                _ => split,
            }
        }
    };
    decisions.push(split.decision);

    let columns_sql = request.columns.as_deref().map_or_else(|| "*".to_owned(), listed);
    let statements = split
        .conditions
        .iter()
        .map(|condition| {
            if is_query_alone {
                return source.clone();
            }
            let all: Vec<String> = conditions.iter().chain(condition).cloned().collect();
            let mut sql = format!("SELECT {columns_sql} FROM {source}");
            if !all.is_empty() {
                sql.push_str(" WHERE (");
                sql.push_str(&all.join(") AND ("));
                sql.push(')');
            }
            if let Some(limit) = request.limit {
                sql.push_str(&format!(" LIMIT {limit}"));
            }
            sql
        })
        .collect();
    Ok(Prepared {
        schema: Arc::new(Schema::new(fields)),
        plans,
        decisions,
        arriving,
        columns,
        statements,
        texts: match &state {
            Some(state) if state.is_utf8 => Texts::AsTheyAre,
            _ => Texts::MadeUtf8,
        },
        within: request.statement_timeout,
        limit: request.limit,
        watermark,
    })
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| QUOTING.name(name)).collect::<Vec<_>>().join(", ")
}

async fn described(connection: &mut Connection, sql: &str) -> Result<Vec<WireColumn>, Failure> {
    let statement = connection.prepare(sql).await?;
    let columns = statement.columns.clone();
    connection.close(statement).await?;
    Ok(columns)
}

/// Returns the failure of somebody who may not read a table, with the columns that he may read.
async fn denied(
    connection: &mut Connection,
    error: ServerError,
    state: &TableState,
    relation: &Relation,
) -> Result<Failure, Failure> {
    let Relation::Table(table) = relation else { return Ok(error.into()) };
    let sql = format!(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} AND TABLE_NAME \
         = {} AND FIND_IN_SET('select', PRIVILEGES) ORDER BY ORDINAL_POSITION",
        text_literal(&state.schema),
        text_literal(&table.name)
    );
    let rows = connection.rows(&sql).await?;
    let names: Vec<String> =
        rows.into_iter().flatten().flatten().map(|name| QUOTING.name(&name)).collect();
    Ok(match names.is_empty() {
        true => error.into(),
        false => Failure::Columns { error, readable: names.join(", ") },
    })
}

fn unique(columns: &[WireColumn]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    match columns.iter().find(|column| !seen.insert(column.name.as_str())) {
        None => Ok(()),
        Some(column) => Err(Failure::Request {
            message: format!("two columns are called `{}`", column.name),
            hint: Some("name the columns of the query with AS".to_owned()),
        }),
    }
}

/// Returns where each arriving column goes.
fn places(
    columns: &[WireColumn],
    wanted: Option<&[String]>,
) -> Result<Vec<Option<usize>>, Failure> {
    let Some(wanted) = wanted else { return Ok((0..columns.len()).map(Some).collect()) };
    for name in wanted {
        // The server finds names in any case, and answers with the name as it was asked for.
        if !columns.iter().any(|column| column.name == *name) {
            let known: Vec<String> =
                columns.iter().map(|column| format!("`{}`", column.name)).collect();
            return Err(Failure::Request {
                message: format!("there is no column `{name}`"),
                hint: Some(format!("the columns are {}", known.join(", "))),
            });
        }
    }
    Ok(columns.iter().map(|column| wanted.iter().position(|name| *name == column.name)).collect())
}

fn field(column: &WireColumn, planned: Planned) -> (Field, ColumnPlan) {
    let Planned { kind, reason, .. } = planned;
    let plan = ColumnPlan {
        name: column.name.clone(),
        source_name: column.name.clone(),
        column_type: kind.to_string(),
        format: None,
        reason,
    };
    // A column that is not null in its table can still become null under `--on-lossy null`, and in the
    // outer side of a join.
    (Field::new(&column.name, data_type(&kind), true), plan)
}

/// Asks what cannot be seen of the types: how many digits wide decimals have, and, where `dates` is,
/// which dates and times there are that no type holds.
async fn measure(
    connection: &mut Connection,
    columns: &[WireColumn],
    source: &str,
    is_query: bool,
    dates: bool,
) -> Result<Vec<Measured>, Failure> {
    let questions: Vec<Vec<String>> = columns
        .iter()
        .map(|column| {
            let name = QUOTING.name(&column.name);
            match column.kind {
                // The last day of what is no date is null.
                WireType::Date | WireType::DateTime | WireType::Timestamp if dates => {
                    vec![format!(
                        "{name} IS NOT NULL AND (MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0 OR \
                     LAST_DAY({name}) IS NULL OR DAYOFMONTH({name}) > DAYOFMONTH(LAST_DAY({name})))"
                    )]
                }
                WireType::Time if dates => {
                    vec![format!("{name} < '00:00:00' OR {name} >= '24:00:00'")]
                }
                WireType::Decimal if types::precision(column) > MAX_DECIMAL_PRECISION.into() => {
                    vec![
                        format!("LENGTH(TRUNCATE(ABS({name}), 0))"),
                        format!(
                            "IF(LOCATE('.', {name}) = 0, 0, LENGTH(TRIM(TRAILING '0' FROM \
                         SUBSTRING_INDEX({name}, '.', -1))))"
                        ),
                    ]
                }
                _ => Vec::new(),
            }
        })
        .collect();
    let asked: Vec<String> = questions.iter().flatten().map(|it| format!("MAX({it})")).collect();
    if asked.is_empty() {
        return Ok(vec![Measured::default(); columns.len()]);
    }
    let source = if is_query { format!("({source}\n) AS `query`") } else { source.to_owned() };
    let rows = connection.rows(&format!("SELECT {} FROM {source}", asked.join(", "))).await?;
    let mut answers = rows.into_iter().flatten().map(|answer| {
        // Without a value there is nothing that does not fit.
        answer.and_then(|answer| answer.parse::<u32>().ok()).unwrap_or(0)
    });
    Ok(questions
        .iter()
        .map(|questions| {
            let mut next = || answers.next().unwrap_or(0);
            match questions.len() {
                0 => Measured::default(),
                1 => Measured { has_lossy: next() != 0, ..Measured::default() },
                _ => {
                    let digits = Digits { whole: next(), fraction: next() };
                    Measured { digits, ..Measured::default() }
                }
            }
        })
        .collect())
}

/// Returns the type of a window's column, which need not be among those that are read.
async fn window_kind(
    connection: &mut Connection,
    window: &Window,
    source: &str,
    columns: &[WireColumn],
) -> Result<WireType, Failure> {
    let kind = match columns.iter().find(|it| it.name == window.column) {
        Some(column) => column.kind,
        None => {
            let sql = format!("SELECT {} FROM {source}", QUOTING.name(&window.column));
            let column = described(connection, &sql).await?.into_iter().next();
            let missing = || Failure::request(format!("there is no column `{}`", window.column));
            column.ok_or_else(missing)?.kind
        }
    };
    if kind == WireType::Float {
        return Err(Failure::Request {
            message: format!(
                "no window can end at a FLOAT: the server prints `{}` with fewer digits than it compares",
                window.column
            ),
            hint: Some("take another column, or cast it to DOUBLE in a query".to_owned()),
        });
    }
    Ok(kind)
}

/// Returns the condition of a window; none when everything is wanted.
fn window_condition(window: &Window, kind: WireType) -> Result<Option<String>, Failure> {
    let Some(after) = &window.after else { return Ok(None) };
    let name = QUOTING.name(&window.column);
    Ok(Some(format!("{name} > {}", partition::literal(Some(kind), after)?)))
}

/// Returns the condition that ends a window at its mark. Without a snapshot, what is written between the
/// question for the mark and the rows would be in this window and in the next one.
fn window_end(window: &Window, kind: WireType, mark: Option<&str>) -> Result<String, Failure> {
    let name = QUOTING.name(&window.column);
    let Some(mark) = mark else { return Ok(format!("{name} IS NULL")) };
    let end = format!("{name} <= {}", partition::literal(Some(kind), mark)?);
    // The first window has the nulls.
    Ok(if window.after.is_none() { format!("{end} OR {name} IS NULL") } else { end })
}

/// Returns the largest value of a window's column under the snapshot, as the server prints it.
async fn largest(
    connection: &mut Connection,
    window: &Window,
    source: &str,
    condition: Option<&str>,
) -> Result<Option<String>, Failure> {
    let name = QUOTING.name(&window.column);
    let condition = condition.map(|it| format!(" WHERE {it}")).unwrap_or_default();
    let largest = connection.value(&format!("SELECT MAX({name}) FROM {source}{condition}")).await?;
    // Nothing new leaves the mark where it was.
    Ok(largest.or_else(|| window.after.clone()))
}

/// Returns what the server knows of a table; nothing when it does not know it, which the statement that
/// reads it will say in the server's words.
async fn table_state(
    connection: &mut Connection,
    table: &TableName,
) -> Result<Option<TableState>, Failure> {
    if !connection.agreed.is_mariadb {
        // MySQL 8 tells numbers of rows that may be a day old. Before it there is no such setting.
        match connection.run("SET SESSION information_schema_stats_expiry = 0").await {
            Ok(_) | Err(Failure::Server(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let schema = table.schema.as_deref().map_or_else(|| "DATABASE()".to_owned(), text_literal);
    let name = text_literal(&table.name);
    let sql = format!(
        "SELECT t.TABLE_SCHEMA, t.TABLE_TYPE, t.ENGINE, e.TRANSACTIONS, t.TABLE_ROWS, \
         t.DATA_LENGTH, (SELECT COUNT(*) FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = \
         t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME AND c.CHARACTER_SET_NAME NOT IN ('utf8', \
         'utf8mb3', 'utf8mb4', 'ascii')) FROM information_schema.TABLES t \
         LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE t.TABLE_SCHEMA = {schema} AND t.TABLE_NAME = {name}"
    );
    let Some(row) = connection.rows(&sql).await?.into_iter().next() else { return Ok(None) };
    let get = |at: usize| row.get(at).and_then(Option::as_deref);
    let is_view = get(1).is_some_and(|kind| kind.contains("VIEW"));
    Ok(Some(TableState {
        schema: get(0).unwrap_or_default().to_owned(),
        is_view,
        is_utf8: !is_view && get(6) == Some("0"),
        transactional: get(3) == Some("YES"),
        engine: get(2).unwrap_or_default().to_owned(),
        rows: get(4).and_then(|it| it.parse().ok()).unwrap_or(0),
        bytes: get(5).and_then(|it| it.parse().ok()).unwrap_or(0),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_end_their_literal() {
        assert_eq!(text_literal("a'\\"), "_utf8mb4 0x61275C");
        assert_eq!(text_literal("ö"), "_utf8mb4 0xC3B6");
        assert_eq!(text_literal(""), "''");
    }

    #[test]
    fn a_window_without_a_snapshot_ends_at_its_mark() {
        let end = |after: Option<&str>, mark| {
            let after = after.map(str::to_owned);
            let window = Window { column: "id".to_owned(), after };
            window_end(&window, WireType::Long, mark).expect("they are numbers")
        };
        assert_eq!(end(Some("3"), Some("7")), "`id` <= 7");
        assert_eq!(end(None, Some("7")), "`id` <= 7 OR `id` IS NULL");
        assert_eq!(end(None, None), "`id` IS NULL");
    }
}
