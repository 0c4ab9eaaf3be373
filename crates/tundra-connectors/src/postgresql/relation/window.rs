//! What changed since an earlier run, under writers who commit whenever they like.
//!
//! Start at [`Windowed::prepare`]. A window is told by a column that only grows, or by `xmin`, the
//! transaction that wrote a row. What the snapshot of a run does not see is what the next run has to
//! look for: a transaction that was at work then, or began later, may commit rows whose values are not
//! larger than the largest one that was seen. So the mark of a run says from which transaction on a row
//! may be new, and which of those were seen already.
//!
//! Transactions are numbered here with the 64 bits of `txid_current`; a row has the lower 32 of them. A row
//! that nobody touched for more than four thousand million transactions may be taken for a new one, and is
//! then read once more.

use std::fmt::{self, Write};

use tundra_core::Window;

use crate::postgresql::{
    failure::Failure,
    relation::{catalogue::number, literal},
    wire::Wire,
};

/// The name by which the transactions are asked for. No column of a table can have it.
const XMIN: &str = "xmin";

/// The most transactions that a mark remembers. They are those between the oldest one at work and the
/// newest one that has ended.
const MOST_SEEN: usize = 10_000;

/// A window as conditions of SQL.
#[derive(Debug, Default)]
pub(super) struct Windowed {
    /// What a row of the window meets; none when everything is wanted.
    pub(super) only: Option<String>,
    /// Where the next window begins.
    pub(super) mark: Option<String>,
}

/// The relation of which a part is wanted.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    /// What stands behind `FROM`.
    pub(super) from: &'a str,
    /// The column as it is written in a statement; none for `xmin`.
    pub(super) column: Option<&'a str>,
    /// Whether its rows say which transaction wrote them.
    pub(super) has_xmin: bool,
}

/// Where a window ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    late: Option<Late>,
    value: Option<String>,
}

/// Rows that an earlier run could not see.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Late {
    /// They were written by this transaction or a later one.
    from: u64,
    /// But not by one of these.
    seen: Vec<u64>,
}

impl Windowed {
    /// Returns whether a window is told by transactions.
    pub(super) fn is_by_transaction(window: &Window) -> bool {
        window.column == XMIN
    }

    /// Asks the server where the window ends under its snapshot.
    pub(super) async fn prepare(
        wire: &mut Wire,
        window: &Window,
        whole: &Whole<'_>,
    ) -> Result<Self, Failure> {
        let after = match &window.after {
            Some(text) => Mark::parse(text),
            None => Mark { late: None, value: None },
        };
        if let (None, Mark { late: None, value: Some(value) }) = (whole.column, &after) {
            return Err(Failure::Request(format!(
                "`{value}` is not where a window by `{XMIN}` ended"
            )));
        }
        if !whole.has_xmin {
            if whole.column.is_none() {
                return Err(Failure::Request(format!(
                    "a window by `{XMIN}` needs a table whose rows PostgreSQL itself stores, and the \
                     right to read all of it"
                )));
            }
            let only = condition(whole.column, after.value.as_deref(), None);
            let mark = Mark { late: None, value: largest(wire, whole, &only, &after).await? };
            return Ok(Self { only, mark: mark.value });
        }
        let snapshot = Snapshot::load(wire).await?;
        let late = after.late.as_ref().map(|late| late.condition(snapshot.next));
        let only = condition(whole.column, after.value.as_deref(), late.as_deref());
        let value = match whole.column {
            Some(_) => largest(wire, whole, &only, &after).await?,
            None => None,
        };
        // Also when nobody is at work: of a date, of what a client computes or of a sequence with a cache,
        // who comes later may have the same value or a smaller one.
        let late =
            Some(Late { from: snapshot.oldest, seen: snapshot.seen(wire, whole.from).await? });
        Ok(Self { only, mark: Some(Mark { late, value }.to_string()) })
    }
}

/// Returns the condition of a row of the window.
fn condition(column: Option<&str>, value: Option<&str>, late: Option<&str>) -> Option<String> {
    let later = column.zip(value).map(|(column, value)| format!("{column} > {}", literal(value)));
    match (later, late) {
        (Some(later), Some(late)) => Some(format!("{later} OR {late}")),
        (Some(later), None) => Some(later),
        (None, Some(late)) => Some(match column {
            // There were nulls and nothing else.
            Some(column) => format!("{column} IS NOT NULL OR {late}"),
            None => late.to_owned(),
        }),
        (None, None) => None,
    }
}

/// Returns the largest value of the column, as the server prints it.
async fn largest(
    wire: &mut Wire,
    whole: &Whole<'_>,
    only: &Option<String>,
    after: &Mark,
) -> Result<Option<String>, Failure> {
    let Some(column) = whole.column else { return Ok(None) };
    let filter = only.as_ref().map(|it| format!(" WHERE {it}")).unwrap_or_default();
    // Late rows may all have smaller values than were seen before.
    let largest = match &after.value {
        Some(value) => format!("greatest(max({column}), {})", literal(value)),
        None => format!("max({column})"),
    };
    let rows = wire.ask(&format!("SELECT {largest}::text FROM {}{filter}", whole.from)).await?;
    Ok(rows.into_iter().flatten().flatten().next())
}

/// The snapshot of this run.
#[derive(Debug, Clone, Copy)]
struct Snapshot {
    /// The oldest transaction that was at work; all before it had ended.
    oldest: u64,
    /// The first one that had not begun.
    next: u64,
}

impl Snapshot {
    async fn load(wire: &mut Wire) -> Result<Self, Failure> {
        const NO_SNAPSHOT: Failure = Failure::Protocol("a snapshot without its transactions");
        let rows = wire
            .ask(
                "SELECT pg_catalog.txid_snapshot_xmin(s), pg_catalog.txid_snapshot_xmax(s)
                 FROM pg_catalog.txid_current_snapshot() AS s",
            )
            .await?;
        let mut values = rows.into_iter().flatten();
        let mut next = || number(values.next().flatten())?.ok_or(NO_SNAPSHOT);
        Ok(Self { oldest: next()?, next: next()? })
    }

    /// Returns the transactions from the oldest one at work on of which there are rows to be seen. Their
    /// parts have numbers of their own, so that the server's list of those at work would not do.
    async fn seen(self, wire: &mut Wire, from: &str) -> Result<Vec<u64>, Failure> {
        if self.oldest == self.next {
            return Ok(Vec::new());
        }
        let xid = written_by(self.next);
        let rows = wire
            .ask(&format!(
                "SELECT DISTINCT {xid} AS xid FROM {from} WHERE {xid} >= {} ORDER BY xid LIMIT {}",
                self.oldest,
                MOST_SEEN + 1
            ))
            .await?;
        if rows.len() > MOST_SEEN {
            return Err(Failure::Crowded { transactions: MOST_SEEN });
        }
        rows.into_iter()
            .flatten()
            .map(|xid| number(xid)?.ok_or(Failure::Protocol("a row without a transaction")))
            .collect()
    }
}

/// Returns the expression for the number, in 64 bits, of the transaction that wrote a row which is seen
/// when `next` is the next one.
fn written_by(next: u64) -> String {
    format!("({next} - (({next} - {XMIN}::text::bigint) & 4294967295))")
}

impl Late {
    fn condition(&self, next: u64) -> String {
        let xid = written_by(next);
        // The first numbers are not those of transactions but stand for what was always there.
        let mut condition = format!("({XMIN}::text::bigint > 2 AND {xid} >= {}", self.from);
        if !self.seen.is_empty() {
            let seen: Vec<String> = self.seen.iter().map(u64::to_string).collect();
            // Writing to a `String` does not fail.
            let _ = write!(condition, " AND {xid} <> ALL ('{{{}}}'::bigint[])", seen.join(","));
        }
        condition.push(')');
        condition
    }
}

impl Mark {
    /// Reads what [`Mark`] prints. Everything else is a value of the column, such as one that a user
    /// gives.
    fn parse(text: &str) -> Self {
        Self::parse_late(text).unwrap_or_else(|| Self { late: None, value: Some(text.to_owned()) })
    }

    fn parse_late(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("xmin ")?;
        let (late, value) = match rest.split_once("; ") {
            Some((late, value)) => (late, Some(value.to_owned())),
            None => (rest, None),
        };
        let (from, seen) = match late.split_once(" but ") {
            Some((from, seen)) => (from, seen.split(',').map(|it| it.parse().ok()).collect()),
            None => (late, Some(Vec::new())),
        };
        Some(Self { late: Some(Late { from: from.parse().ok()?, seen: seen? }), value })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(late) = &self.late {
            write!(f, "xmin {}", late.from)?;
            for (at, seen) in late.seen.iter().enumerate() {
                write!(f, "{}{seen}", if at == 0 { " but " } else { "," })?;
            }
            if self.value.is_some() {
                f.write_str("; ")?;
            }
        }
        f.write_str(self.value.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_a_value_is_itself() {
        let late = |from, seen: &[u64]| Some(Late { from, seen: seen.to_vec() });
        for (text, late, value) in [
            ("xmin 12", late(12, &[]), None),
            ("xmin 12 but 13,15", late(12, &[13, 15]), None),
            ("xmin 12 but 13; 2020-01-01 00:00:00", late(12, &[13]), Some("2020-01-01 00:00:00")),
            ("xmin 12; ", late(12, &[]), Some("")),
            ("2020-01-01", None, Some("2020-01-01")),
            ("xmin twelve", None, Some("xmin twelve")),
            ("xmin 12 but", None, Some("xmin 12 but")),
        ] {
            let mark = Mark { late, value: value.map(str::to_owned) };
            assert_eq!(Mark::parse(text), mark, "{text}");
            assert_eq!(mark.to_string(), text);
        }
    }

    #[test]
    fn what_came_late_is_added_to_what_is_larger() {
        let late = Late { from: 12, seen: vec![13, 15] };
        let xid = "(20 - ((20 - xmin::text::bigint) & 4294967295))";
        let late = late.condition(20);
        assert_eq!(
            late,
            format!(
                "(xmin::text::bigint > 2 AND {xid} >= 12 AND {xid} <> ALL ('{{13,15}}'::bigint[]))"
            )
        );
        let of = |column, value| condition(column, value, Some("(late)"));
        assert_eq!(of(Some("a"), Some("7")).as_deref(), Some("a > E'7' OR (late)"));
        assert_eq!(of(None, None).as_deref(), Some("(late)"));
        assert_eq!(of(Some("a"), None).as_deref(), Some("a IS NOT NULL OR (late)"));
        assert_eq!(condition(Some("a"), None, None), None);
        assert_eq!(condition(Some("a"), Some("7"), None).as_deref(), Some("a > E'7'"));
    }

    proptest! {
        #[test]
        fn every_mark_comes_back(
            from: u64,
            seen in proptest::collection::vec(any::<u64>(), 0..4),
            value in proptest::option::of(".{0,12}"),
        ) {
            let mark = Mark { late: Some(Late { from, seen }), value };
            prop_assert_eq!(Mark::parse(&mark.to_string()), mark);
        }
    }
}
