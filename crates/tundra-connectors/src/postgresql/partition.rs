//! Into which streams a relation is split, as one condition per stream.
//!
//! Start at [`plan`]. Every row meets exactly one of the conditions: under one snapshot they are ranges
//! without gaps, open at both ends, and null belongs to the first. How even they are is a question of
//! time and never of what is read.

use std::thread::available_parallelism;

use tundra_core::{Decision, ExtractRequest};

use crate::{
    postgresql::{
        failure::Failure,
        relation::{Relation, literal},
        wire::Wire,
    },
    streams::{MOST, decided},
};

/// The bytes of a table that make a stream of its own worth a connection.
const BYTES_PER_PARTITION: u64 = 16 * 1024 * 1024;

/// The bytes of a table that are looked at to find the borders of a column's ranges.
const SAMPLE_BYTES: u64 = 64 * 1024 * 1024;

/// The version from which on a range of `ctid` reads only its own blocks.
const CTID_RANGES: u32 = 140_000;

/// The streams of a relation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Partitions {
    /// One condition each; `None` is everything.
    pub(super) conditions: Vec<Option<String>>,
    /// How it came to this.
    pub(super) decision: Decision,
}

/// Decides how the relation is split. `single` says why there can be one connection only.
pub(super) async fn plan(
    wire: &mut Wire,
    relation: &Relation,
    request: &ExtractRequest,
    single: Option<&str>,
) -> Result<Partitions, Failure> {
    check(relation, request)?;
    let chosen = request.partition_column.as_deref();
    if let Some(reason) = single {
        return Ok(one(reason));
    }
    if request.partitions == Some(1) {
        return Ok(one("as asked"));
    }
    if relation.is_limited() {
        return Ok(one("a number of rows was asked for"));
    }
    let Some(table) = &relation.table else {
        return match chosen {
            None => Ok(one("a query is split only by a column that is named")),
            Some(column) => {
                let count = request.partitions.unwrap_or_else(cores);
                by_column(wire, relation, column, count, None, "as asked").await
            }
        };
    };
    let facts = Facts::load(wire, table).await?;
    let blocks = facts.blocks.iter().copied().fold(0, u64::saturating_add);
    let bytes = blocks.saturating_mul(facts.block_bytes);
    let count = request.partitions.unwrap_or_else(|| {
        // Of a view or a table elsewhere nobody knows the size; who names a column wants it split.
        if chosen.is_some() && !facts.sampled {
            return cores();
        }
        let worth = usize::try_from(bytes / BYTES_PER_PARTITION).unwrap_or(usize::MAX);
        worth.clamp(1, cores().min(MOST))
    });
    // A part of the table, at most all of it.
    let sample = (facts.sampled && bytes > SAMPLE_BYTES)
        .then(|| (SAMPLE_BYTES as f64 / bytes as f64 * 100.0).max(0.001));
    match (chosen, facts.key.as_deref()) {
        (Some(column), _) if request.partitions.is_some() || count > 1 => {
            by_column(wire, relation, column, count, sample, "as asked").await
        }
        _ if count == 1 => Ok(one("the table is small")),
        _ if facts.heap && facts.ranges => Ok(by_block(&facts.blocks, count)),
        (_, Some(key)) => {
            by_column(wire, relation, key, count, sample, "the first column of the primary key")
                .await
        }
        _ => Ok(one("the table has neither blocks of its own nor a primary key")),
    }
}

/// Fails when what is asked for cannot be had from any server.
pub(super) fn check(relation: &Relation, request: &ExtractRequest) -> Result<(), Failure> {
    if let Some(count) = request.partitions.filter(|it| !(1..=MOST).contains(it)) {
        return Err(Failure::Request(format!(
            "`partitions` is {count}, which is not between 1 and {MOST}"
        )));
    }
    match &request.partition_column {
        Some(column) => relation.expression(column).map(|_| ()),
        None => Ok(()),
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from).min(MOST)
}

pub(super) fn one(reason: &str) -> Partitions {
    Partitions { conditions: vec![None], decision: decided(1, reason) }
}

/// What the server says about how a table is stored.
#[derive(Debug)]
pub(super) struct Facts {
    /// The blocks of the table and of those that are parts or heirs of it.
    blocks: Vec<u64>,
    block_bytes: u64,
    /// Whether the server stores all its rows in its own way, and all of it may be read.
    heap: bool,
    /// Whether rows can be had by ranges of blocks.
    ranges: bool,
    /// Whether a sample of it can be had.
    sampled: bool,
    /// The first column of the primary key.
    key: Option<String>,
}

impl Facts {
    pub(super) async fn load(wire: &mut Wire, table: &str) -> Result<Self, Failure> {
        let name = literal(table);
        let parts = wire
            .ask(&format!(
                "WITH RECURSIVE tree(oid) AS (
                     SELECT {name}::pg_catalog.regclass::pg_catalog.oid
                     UNION
                     SELECT i.inhrelid
                     FROM pg_catalog.pg_inherits AS i
                     JOIN tree ON i.inhparent = tree.oid
                 )
                 SELECT c.relkind, am.amname,
                     CASE WHEN c.relkind IN ('r', 'm')
                         THEN coalesce(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 END,
                     pg_catalog.current_setting('block_size'),
                     pg_catalog.current_setting('server_version_num'),
                     pg_catalog.has_table_privilege({name}::pg_catalog.regclass, 'SELECT')
                 FROM tree
                 JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid
                 LEFT JOIN pg_catalog.pg_am AS am ON am.oid = c.relam"
            ))
            .await?;
        let key = wire
            .ask(&format!(
                "SELECT a.attname
                 FROM pg_catalog.pg_index AS i
                 JOIN pg_catalog.pg_attribute AS a
                     ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                 WHERE i.indrelid = {name}::pg_catalog.regclass AND i.indisprimary
                     AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')"
            ))
            .await?;
        let mut facts = Self {
            blocks: Vec::new(),
            block_bytes: 8192,
            heap: true,
            ranges: true,
            sampled: true,
            key: key.into_iter().flatten().flatten().next(),
        };
        for row in &parts {
            let text = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
            let number = |at: usize| text(at).parse::<u64>().unwrap_or(0);
            facts.block_bytes = number(3).max(1);
            facts.ranges &= number(4) >= u64::from(CTID_RANGES);
            // Who may read some columns only may not read where a row stands, or who wrote it.
            facts.heap &= text(5) == "t";
            match text(0) {
                "r" | "m" => {
                    facts.heap &= text(1) == "heap";
                    facts.blocks.push(number(2).div_ceil(facts.block_bytes));
                }
                "p" => {}
                // Views, and tables of other servers, whose rows have no place of their own here.
                _ => (facts.heap, facts.sampled) = (false, false),
            }
        }
        Ok(facts)
    }

    /// Returns whether the rows say which transaction wrote them.
    pub(super) fn has_xmin(&self) -> bool {
        self.heap
    }
}

/// Splits by ranges of blocks, which are the same for every part of the table.
fn by_block(blocks: &[u64], count: usize) -> Partitions {
    let borders = block_borders(blocks, count);
    let conditions = ranges(&borders, |border| format!("'({border},0)'"), "ctid", None);
    let decision = decided(conditions.len(), "by ranges of the table's blocks");
    Partitions { conditions, decision }
}

/// Returns the blocks at which the ranges begin, but the first one: so that below each are as many
/// blocks as its share of all of them.
fn block_borders(blocks: &[u64], count: usize) -> Vec<u64> {
    let below = |border: u64| blocks.iter().map(|it| u128::from((*it).min(border))).sum::<u128>();
    let all = below(u64::MAX);
    let largest = blocks.iter().copied().max().unwrap_or(0);
    let mut borders = Vec::new();
    for share in 1..count {
        let wanted = all * share as u128 / count as u128;
        let (mut low, mut high) = (0, largest);
        while low < high {
            let middle = low + (high - low) / 2;
            if below(middle) < wanted { low = middle + 1 } else { high = middle }
        }
        if low > borders.last().copied().unwrap_or(0) && low < largest {
            borders.push(low);
        }
    }
    borders
}

/// Splits by ranges of a column's values, with as many values in each as a sample says.
async fn by_column(
    wire: &mut Wire,
    relation: &Relation,
    column: &str,
    count: usize,
    sample: Option<f64>,
    why: &str,
) -> Result<Partitions, Failure> {
    let x = relation.expression(column)?;
    let mut borders = match sample {
        Some(percent) => {
            let sampled = format!(" TABLESAMPLE SYSTEM ({percent:.3}) REPEATABLE (1)");
            column_borders(wire, relation, x, count, &sampled).await?
        }
        None => Vec::new(),
    };
    if borders.is_empty() {
        borders = column_borders(wire, relation, x, count, "").await?;
    }
    let conditions = ranges(&borders, |border| literal(border), x, Some(x));
    let reason = format!("by ranges of `{}`, {why}", column.replace('`', "``"));
    let decision = decided(conditions.len(), reason);
    Ok(Partitions { conditions, decision })
}

async fn column_borders(
    wire: &mut Wire,
    relation: &Relation,
    x: &str,
    count: usize,
    sampled: &str,
) -> Result<Vec<String>, Failure> {
    let shares: Vec<String> =
        (1..count).map(|share| format!("{share}::float8 / {count}")).collect();
    if shares.is_empty() {
        return Ok(Vec::new());
    }
    let only = relation.only.as_ref().map(|it| format!(" AND ({it})")).unwrap_or_default();
    // Equal borders are one: more rows of one value than fit into a share go into one stream.
    let rows = wire
        .ask(&format!(
            "SELECT border::text FROM (
                 SELECT DISTINCT border FROM pg_catalog.unnest((
                     SELECT pg_catalog.percentile_disc(ARRAY[{}]) WITHIN GROUP (ORDER BY {x})
                     FROM {}{sampled} WHERE {x} IS NOT NULL{only}
                 )) AS border
             ) AS borders ORDER BY borders.border",
            shares.join(", "),
            relation.from
        ))
        .await?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// Returns the conditions of the ranges between the borders: `..a`, `a..b`, `b..`. Nulls, if there can be
/// any, are in the first.
fn ranges<T>(
    borders: &[T],
    literal: impl Fn(&T) -> String,
    x: &str,
    nulls: Option<&str>,
) -> Vec<Option<String>> {
    let (Some(first), Some(last)) = (borders.first(), borders.last()) else { return vec![None] };
    let mut conditions = Vec::with_capacity(borders.len() + 1);
    let nulls = nulls.map(|x| format!(" OR {x} IS NULL")).unwrap_or_default();
    conditions.push(Some(format!("{x} < {}{nulls}", literal(first))));
    for pair in borders.windows(2) {
        let [low, high] = pair else { continue };
        conditions.push(Some(format!("{x} >= {} AND {x} < {}", literal(low), literal(high))));
    }
    conditions.push(Some(format!("{x} >= {}", literal(last))));
    conditions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identifier::Quoting;

    #[test]
    fn blocks_are_split_into_equal_shares() {
        assert_eq!(block_borders(&[1000], 4), [250, 500, 750]);
        assert_eq!(block_borders(&[1000, 1000], 2), [500]);
        assert_eq!(block_borders(&[1000, 10], 2), [495]);
        assert_eq!(block_borders(&[3], 16), [1, 2]);
        assert_eq!(block_borders(&[1], 4), [0; 0]);
        assert_eq!(block_borders(&[], 4), [0; 0]);
    }

    #[test]
    fn ranges_are_open_at_both_ends_and_null_is_in_the_first() {
        let x = Quoting::Double.name("x");
        let conditions: Vec<String> =
            ranges(&["a'", "b"], |it| literal(it), &x, Some(&x)).into_iter().flatten().collect();
        assert_eq!(
            conditions,
            [r#""x" < E'a''' OR "x" IS NULL"#, r#""x" >= E'a''' AND "x" < E'b'"#, r#""x" >= E'b'"#,]
        );
        assert_eq!(ranges::<u64>(&[], u64::to_string, "ctid", None), [None]);
    }

    proptest! {
        #[test]
        fn borders_rise_and_leave_no_share_twice_as_large_as_it_should_be(
            blocks in proptest::collection::vec(0_u64..100_000, 1..6),
            count in 1_usize..16,
        ) {
            let borders = block_borders(&blocks, count);
            prop_assert!(borders.is_sorted_by(|a, b| a < b));
            prop_assert!(borders.len() < count);
            let mut edges = vec![0];
            edges.extend(&borders);
            edges.push(u64::MAX);
            let all: u64 = blocks.iter().sum();
            for pair in edges.windows(2) {
                let share: u64 =
                    blocks.iter().map(|it| (*it).min(pair[1]) - (*it).min(pair[0])).sum();
                let fair = all / count as u64;
                prop_assert!(share <= 2 * fair + 2 * blocks.len() as u64, "{share} of {all}");
            }
        }
    }
}
