//! How a table is split into ranges that hold about as many rows each.
//!
//! Start at [`split`]. Whatever the bounds are, the ranges are complete and have nothing in common: each
//! begins where the one before ends, and the first has the nulls. Only their balance depends on what is
//! known of the values: for integers with an index, the server's estimates for ranges of it, which are
//! looked up and not counted; for everything else a sample.

mod histogram;

use tundra_core::{Decision, ExtractRequest};

use self::histogram::Histogram;
use super::{
    connect::Connection,
    failure::Failure,
    protocol::{BINARY, WireColumn, WireType},
    relation::{QUOTING, TableState, text_literal},
};
use crate::streams::{MOST, decided};

/// The bytes of a table for which one more stream is worth its connection.
const BYTES_PER_STREAM: u64 = 16 * 1024 * 1024;

/// The values that a sample has for each range. With 400 a range has with near certainty no more than
/// a sixth more rows than another.
const SAMPLE_PER_RANGE: u64 = 400;

/// How many times more values than wanted a sample may have, where the table has more rows than it is
/// said to have.
const SAMPLE_EXCESS: u64 = 16;

/// How a relation is split.
#[derive(Debug)]
pub(super) struct Split {
    /// The condition of each stream; none for all rows.
    pub(super) conditions: Vec<Option<String>>,
    pub(super) decision: Decision,
}

impl Split {
    /// One stream, and why.
    pub(super) fn one(reason: &str) -> Self {
        Self { conditions: vec![None], decision: decided(1, reason) }
    }
}

/// The column by which a table is split.
#[derive(Debug)]
struct Key {
    name: String,
    /// What is compared and put in order.
    expression: String,
    kind: WireType,
    is_binary: bool,
    nullable: bool,
    /// The index that begins with it.
    index: Option<String>,
}

/// Splits a relation for up to so many connections.
pub(super) async fn split(
    connection: &mut Connection,
    request: &ExtractRequest,
    source: &str,
    state: Option<&TableState>,
    columns: &[WireColumn],
    connections: usize,
) -> Result<Split, Failure> {
    let wanted = match request.partitions {
        Some(wanted) if !(1..=MOST).contains(&wanted) => {
            return Err(Failure::request(format!(
                "`--partitions {wanted}` is not between 1 and {MOST}"
            )));
        }
        Some(wanted) => wanted,
        None => {
            let bytes = state.map_or(u64::MAX, |state| state.bytes);
            usize::try_from(bytes / BYTES_PER_STREAM).unwrap_or(MOST).clamp(1, MOST)
        }
    };
    let streams = wanted.min(connections);
    let Some(key) = find_key(connection, request, source, state, columns).await? else {
        return Ok(Split::one("there is no primary key and no partition column"));
    };
    if streams == 1 {
        return Ok(Split::one(match (connections, request.partitions) {
            (1, _) => "the session has one connection",
            (_, Some(_)) => "one was asked for",
            (_, None) => "the table is small",
        }));
    }
    let (bounds, how) = match &key.index {
        Some(index) if is_integer(key.kind) => {
            (integer_bounds(connection, source, &key, index, streams).await?, "its index")
        }
        _ => (sampled_bounds(connection, source, state, &key, streams).await?, "a sample"),
    };
    let conditions = conditions(&key, &bounds);
    let count = conditions.len();
    let fewer = if wanted > connections {
        format!("; {wanted} were asked for and there are {connections} connections")
    } else {
        String::new()
    };
    let reason = format!("ranges of `{}`, balanced by {how}{fewer}", key.name);
    Ok(Split { conditions, decision: decided(count, &reason) })
}

const fn is_integer(kind: WireType) -> bool {
    matches!(
        kind,
        WireType::Tiny
            | WireType::Short
            | WireType::Int24
            | WireType::Long
            | WireType::LongLong
            | WireType::Year
    )
}

/// Returns the column that is asked for, or the first one of the primary key.
async fn find_key(
    connection: &mut Connection,
    request: &ExtractRequest,
    source: &str,
    state: Option<&TableState>,
    columns: &[WireColumn],
) -> Result<Option<Key>, Failure> {
    let indexes = match (state, &request.relation) {
        (Some(state), tundra_core::Relation::Table(table)) => {
            let sql = format!(
                "SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE \
                 TABLE_SCHEMA = {} AND TABLE_NAME = {} AND SEQ_IN_INDEX = 1 AND SUB_PART IS NULL AND \
                 INDEX_TYPE = 'BTREE' ORDER BY INDEX_NAME = 'PRIMARY' DESC, INDEX_NAME",
                text_literal(&state.schema),
                text_literal(&table.name)
            );
            connection.rows(&sql).await?
        }
        _ => Vec::new(),
    };
    let named = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten();
    let name = match &request.partition_column {
        Some(column) => column.clone(),
        None => match indexes.first() {
            Some(row) if named(row, 0).as_deref() == Some("PRIMARY") => {
                named(row, 1).unwrap_or_default()
            }
            _ => return Ok(None),
        },
    };
    // The key need not be among the columns that are read.
    let column = match columns.iter().find(|column| column.name == name) {
        Some(column) => column.clone(),
        None => {
            let sql = format!("SELECT {} FROM {source}", QUOTING.name(&name));
            let statement = connection.prepare(&sql).await?;
            let column = statement.columns.first().cloned();
            connection.close(statement).await?;
            column.ok_or_else(|| Failure::request(format!("there is no column `{name}`")))?
        }
    };
    if matches!(column.kind, WireType::Json | WireType::Geometry | WireType::Vector) {
        return Err(Failure::request(format!("`{name}` has a type that has no order")));
    }
    // The server puts labels in the order of their numbers, and compares them as texts.
    let is_numbered = column.is_enum
        || column.is_set
        || matches!(column.kind, WireType::Bit | WireType::Enum | WireType::Set);
    let index = indexes
        .iter()
        .find(|row| named(row, 1).is_some_and(|it| it.eq_ignore_ascii_case(&name)))
        .and_then(|row| named(row, 0))
        // An index is of no use for what is computed.
        .filter(|_| !is_numbered);
    let quoted = QUOTING.name(&name);
    Ok(Some(Key {
        name,
        expression: if is_numbered { format!("({quoted} + 0)") } else { quoted },
        kind: if is_numbered { WireType::LongLong } else { column.kind },
        is_binary: !is_numbered
            && column.kind == WireType::String
            && column.charset == BINARY
            && column.extended.is_none(),
        nullable: !column.not_null,
        index,
    }))
}

/// Writes the conditions between bounds, each of which is a literal.
fn conditions(key: &Key, bounds: &[String]) -> Vec<Option<String>> {
    let name = &key.expression;
    let Some((first, last)) = bounds.first().zip(bounds.last()) else { return vec![None] };
    let nulls = if key.nullable { format!(" OR {name} IS NULL") } else { String::new() };
    let mut conditions = vec![Some(format!("{name} < {first}{nulls}"))];
    for pair in bounds.windows(2) {
        if let [from, to] = pair {
            conditions.push(Some(format!("{name} >= {from} AND {name} < {to}")));
        }
    }
    conditions.push(Some(format!("{name} >= {last}")));
    conditions
}

/// Finds bounds by the server's estimates for ranges of an index.
async fn integer_bounds(
    connection: &mut Connection,
    source: &str,
    key: &Key,
    index: &str,
    streams: usize,
) -> Result<Vec<String>, Failure> {
    let name = QUOTING.name(&key.name);
    let rows = connection.rows(&format!("SELECT MIN({name}), MAX({name}) FROM {source}")).await?;
    // No integer of the server is outside of this, whatever it says.
    let integers = i128::from(i64::MIN)..=i128::from(u64::MAX);
    let number = |at: usize| -> Option<i128> {
        let number: i128 = rows.first()?.get(at)?.as_deref()?.parse().ok()?;
        integers.contains(&number).then_some(number)
    };
    // Nothing but nulls, or nothing at all.
    let Some((low, high)) = number(0).zip(number(1)) else { return Ok(Vec::new()) };
    let mut histogram = Histogram::new(low, high);
    while let Some((from, to)) = histogram.unknown() {
        let sql = format!(
            "EXPLAIN SELECT {name} FROM {source} FORCE INDEX ({}) WHERE {name} >= {from} AND {name} \
             < {to}",
            QUOTING.name(index)
        );
        let rows = connection.rows(&sql).await?;
        histogram.tell(estimate(rows.first().map(Vec::as_slice).unwrap_or_default()));
        histogram.refine(streams);
    }
    Ok(histogram.bounds(streams).iter().map(ToString::to_string).collect())
}

/// Reads how many rows a plan expects. The plan of MySQL has two columns more than that of MariaDB.
fn estimate(plan: &[Option<String>]) -> u64 {
    /// More rows than any table has, of which many can be added up.
    const MOST: u64 = 1 << 44;
    let at = if plan.len() >= 12 { 9 } else { 8 };
    let rows: Option<u64> = plan.get(at).and_then(Option::as_deref).and_then(|it| it.parse().ok());
    rows.unwrap_or(0).min(MOST)
}

/// Finds bounds in a sample of the values, in the server's own order.
async fn sampled_bounds(
    connection: &mut Connection,
    source: &str,
    state: Option<&TableState>,
    key: &Key,
    streams: usize,
) -> Result<Vec<String>, Failure> {
    let (name, shown) = (&key.expression, if key.is_binary { "HEX(`key`)" } else { "`key`" });
    let size = SAMPLE_PER_RANGE * streams as u64;
    let most = size * SAMPLE_EXCESS;
    let mut estimated = state.filter(|state| !state.is_view).map(|state| state.rows);
    let values: Vec<String> = loop {
        let rows = match estimated {
            Some(rows) => rows,
            None => connection
                .value(&format!("SELECT COUNT(*) FROM {source}"))
                .await?
                .and_then(|it| it.parse().ok())
                .unwrap_or(0),
        };
        // An estimate may be half of the truth; twice the sample is no harm.
        let share = (size as f64 / rows.max(1) as f64).min(1.0);
        let sql = format!(
            "SELECT {shown} FROM (SELECT {name} AS `key` FROM {source} WHERE {name} IS NOT NULL AND \
             RAND() < {share} LIMIT {most}) AS `sample` ORDER BY `key`"
        );
        let rows = connection.rows(&sql).await?;
        if estimated.take().is_some() && rows.len() as u64 == most {
            // The estimate is of another time, and these are the first rows and not any: they are counted.
            continue;
        }
        break rows.into_iter().filter_map(|row| row.into_iter().next()?).collect();
    };
    let mut bounds: Vec<&String> =
        (1..streams).filter_map(|part| values.get(part * values.len() / streams)).collect();
    // A value that is more than one range's share gives the same bound twice.
    bounds.dedup();
    bounds
        .into_iter()
        .map(|value| match key.is_binary {
            true => Ok(format!("0x{value}")),
            false => literal(Some(key.kind), value),
        })
        .collect()
}

/// Writes a value as the server prints it for a comparison with its column.
///
/// A number must not be a text here: the server would compare both as doubles, which are not exact.
pub(super) fn literal(kind: Option<WireType>, value: &str) -> Result<String, Failure> {
    let is_number = kind.is_some_and(|kind| {
        is_integer(kind) || matches!(kind, WireType::Decimal | WireType::Float | WireType::Double)
    });
    if !is_number {
        return Ok(text_literal(value));
    }
    let plain = value.bytes().all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it));
    if plain && value.parse::<f64>().is_ok_and(f64::is_finite) {
        Ok(value.to_owned())
    } else {
        Err(Failure::request(format!("`{value}` is no number, which its column is")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(nullable: bool) -> Key {
        Key {
            name: "id".to_owned(),
            expression: "`id`".to_owned(),
            kind: WireType::Long,
            is_binary: false,
            nullable,
            index: None,
        }
    }

    #[test]
    fn ranges_are_complete_and_have_the_nulls_once() {
        let bounds = ["-5".to_owned(), "10".to_owned()];
        let conditions = conditions(&key(true), &bounds);
        let texts: Vec<&str> = conditions.iter().flatten().map(String::as_str).collect();
        assert_eq!(texts, ["`id` < -5 OR `id` IS NULL", "`id` >= -5 AND `id` < 10", "`id` >= 10"]);
        assert_eq!(super::conditions(&key(false), &bounds[..1])[0].as_deref(), Some("`id` < -5"));
        assert_eq!(super::conditions(&key(true), &[]), [None]);
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let of = |kind, text| literal(Some(kind), text).ok();
        let largest = "18446744073709551615";
        assert_eq!(of(WireType::LongLong, largest).as_deref(), Some(largest));
        assert_eq!(of(WireType::Decimal, "-1.50").as_deref(), Some("-1.50"));
        assert_eq!(of(WireType::Long, "1 OR 1=1"), None);
        assert_eq!(of(WireType::Long, "e"), None);
        assert_eq!(of(WireType::Long, ""), None);
        assert_eq!(of(WireType::String, "1' OR"), Some(text_literal("1' OR")));
    }

    #[test]
    fn plans_of_both_servers_are_read() {
        let plan = |cells: &[&str]| -> Vec<Option<String>> {
            cells.iter().map(|it| Some((*it).to_owned())).collect()
        };
        let mariadb =
            ["1", "SIMPLE", "t", "range", "PRIMARY", "PRIMARY", "4", "", "1234", "Using where"];
        let mysql =
            ["1", "SIMPLE", "t", "", "range", "PRIMARY", "PRIMARY", "4", "", "1234", "100.00", "x"];
        assert_eq!(estimate(&plan(&mariadb)), 1234);
        assert_eq!(estimate(&plan(&mysql)), 1234);
        assert_eq!(estimate(&[]), 0);
    }
}
