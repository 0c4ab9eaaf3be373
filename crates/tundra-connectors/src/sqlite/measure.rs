//! Looking through the cells before the first one is read, on all connections at once.
//!
//! It counts the storage classes of every column of which SQLite does not see to them, and the rows, so
//! that the ranges can be made equally large and the reading be checked against the count.

use std::{
    ops::{ControlFlow, RangeInclusive},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rusqlite::{Connection, params_from_iter, types::Value};
use tundra_core::ConnectorError;

use super::{
    failure::{failed, malformed_record},
    pages::{Stored, Walk, Want},
    partition::{self, Sample},
    relation::{Access, Source},
    session::Snapshot,
    types::Seen,
    watch::{Watch, cancelled},
};

const LOOK_THROUGH: &str = "look through the table";

/// Pieces for each connection, so that one with many rows does not keep the others waiting for long.
const PIECES: usize = 8;

/// The rows between two looks at whether anybody still waits: an interrupted statement says so itself,
/// but rows that come fast are few steps each.
const LOOK_EVERY: u64 = 1 << 12;

/// What the cells are.
#[derive(Debug)]
pub(super) struct Measured {
    /// Of each column.
    pub(super) seen: Vec<Seen>,
    /// Of each range of rowids, in their order; one sample of the row numbers otherwise.
    pub(super) samples: Vec<Sample>,
}

impl Measured {
    /// Returns how many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.samples.iter().map(Sample::rows).sum()
    }
}

/// Looks through the rows that are going to be read.
pub(super) fn measure(
    snapshot: &Snapshot,
    source: &Source,
    limit: Option<u64>,
    after: Option<&Value>,
    watch: &Watch,
) -> Result<Measured, ConnectorError> {
    // Where classes are certain there may be nothing to look at; the rows are counted all the same.
    let columns: Vec<usize> =
        (0..source.columns.len()).filter(|&at| source.columns[at].certain.is_none()).collect();
    let sql = source.select(&columns, after.is_some());
    let stored = source.stored(&columns, after.is_some());
    let workers = snapshot.grow(1)?;
    // A limit takes the first rows, so that somebody has to begin at the front.
    let wanted = if limit.is_some() { 1 } else { workers * PIECES };
    let pieces = pieces(snapshot, source, stored.as_ref(), wanted, watch)?;
    let stored = stored.as_ref();
    let job = Job { source, columns: &columns, sql: &sql, stored, limit, after, watch };
    let results: Vec<_> = pieces.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..workers.min(pieces.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(piece) = pieces.get(at) else { break };
                    let result = snapshot.lease(watch).and_then(|lease| job.run(&lease, piece));
                    if result.is_err() {
                        // The others need not begin what nobody will look at.
                        next.store(pieces.len(), Ordering::Relaxed);
                    }
                    *results[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                }
            });
        }
    });
    let mut measured =
        Measured { seen: source.columns.iter().map(Seen::new).collect(), samples: Vec::new() };
    let mut skipped = false;
    for result in results {
        match result.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(result) => {
                let (seen, sample) = result?;
                for (&column, seen) in columns.iter().zip(&seen) {
                    measured.seen[column].merge(seen);
                }
                measured.samples.push(sample);
            }
            None => skipped = true,
        }
    }
    if skipped {
        // Only behind an error, which is returned above unless it stands behind the gap.
        return Err(cancelled(LOOK_THROUGH));
    }
    Ok(measured)
}

/// Returns the parameters of a statement that [`Source::select`] returned.
pub(super) fn parameters(
    access: &Access,
    rowids: &RangeInclusive<i64>,
    after: Option<&Value>,
) -> Vec<Value> {
    match (access, after) {
        (Access::Rowid(_), after) => [
            Some(Value::Integer(*rowids.start())),
            Some(Value::Integer(*rowids.end())),
            after.cloned(),
        ]
        .into_iter()
        .flatten()
        .collect(),
        (_, None) => Vec::new(),
        // The numbers of the parameters do not change with the access.
        (_, Some(after)) => vec![Value::Null, Value::Null, after.clone()],
    }
}

/// Returns ranges of rowids that are looked through side by side.
fn pieces(
    snapshot: &Snapshot,
    source: &Source,
    stored: Option<&Stored>,
    wanted: usize,
    watch: &Watch,
) -> Result<Vec<RangeInclusive<i64>>, ConnectorError> {
    let connection = snapshot.lease(watch)?;
    let parts = if let Some(stored) = stored {
        let cuts =
            Walk::new(&connection, stored, Want::Shapes, LOOK_THROUGH)?.cuts(wanted, watch)?;
        partition::behind(&cuts)
    } else if let Some(sql) = source.rowid_ends() {
        let ends: (Option<i64>, Option<i64>) = connection
            .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|error| failed(LOOK_THROUGH, error))?;
        match ends {
            (Some(first), Some(last)) => partition::equal(first, last, wanted),
            _ => partition::behind(&[]),
        }
    } else {
        partition::behind(&[])
    };
    Ok(parts.into_iter().map(|part| part.rowids).collect())
}

struct Job<'a> {
    source: &'a Source,
    columns: &'a [usize],
    sql: &'a str,
    stored: Option<&'a Stored>,
    limit: Option<u64>,
    after: Option<&'a Value>,
    watch: &'a Watch,
}

impl Job<'_> {
    fn run(
        &self,
        connection: &Connection,
        piece: &RangeInclusive<i64>,
    ) -> Result<(Vec<Seen>, Sample), ConnectorError> {
        match self.stored {
            Some(stored) => self.run_pages(connection, stored, piece),
            None => self.run_rows(connection, piece),
        }
    }

    fn nothing_seen(&self) -> Vec<Seen> {
        self.columns.iter().map(|&at| Seen::new(&self.source.columns[at])).collect()
    }

    fn run_pages(
        &self,
        connection: &Connection,
        stored: &Stored,
        piece: &RangeInclusive<i64>,
    ) -> Result<(Vec<Seen>, Sample), ConnectorError> {
        let mut seen = self.nothing_seen();
        let mut sample = Sample::new();
        if self.limit == Some(0) {
            return Ok((seen, sample));
        }
        let mut walk = Walk::new(connection, stored, Want::Shapes, LOOK_THROUGH)?;
        walk.rows(piece, self.watch, |record| {
            for (seen, content) in seen.iter_mut().zip(record.contents()) {
                seen.add_content(content, record.bytes, record.rowid)
                    .ok_or_else(|| malformed_record(LOOK_THROUGH, record.rowid))?;
            }
            sample.add(record.rowid);
            Ok(match self.limit {
                Some(limit) if sample.rows() >= limit => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        })?;
        Ok((seen, sample))
    }

    fn run_rows(
        &self,
        connection: &Connection,
        piece: &RangeInclusive<i64>,
    ) -> Result<(Vec<Seen>, Sample), ConnectorError> {
        let unread = |error| failed(LOOK_THROUGH, error);
        let mut seen = self.nothing_seen();
        let mut sample = Sample::new();
        let positions: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, &column)| self.source.position(at, column))
            .collect();
        let has_rowid = matches!(self.source.access, Access::Rowid(_));
        let mut statement = connection.prepare(self.sql).map_err(unread)?;
        let parameters = parameters(&self.source.access, piece, self.after);
        let mut rows = statement.query(params_from_iter(parameters)).map_err(unread)?;
        while self.limit.is_none_or(|limit| sample.rows() < limit) {
            let Some(row) = rows.next().map_err(unread)? else { break };
            let place = if has_rowid {
                row.get(self.columns.len()).map_err(unread)?
            } else {
                i64::try_from(sample.rows() + 1).unwrap_or(i64::MAX)
            };
            for (seen, &position) in seen.iter_mut().zip(&positions) {
                seen.add(row.get_ref(position).map_err(unread)?, place);
            }
            sample.add(place);
            if sample.rows().is_multiple_of(LOOK_EVERY) && self.watch.is_cancelled() {
                return Err(cancelled(LOOK_THROUGH));
            }
        }
        Ok((seen, sample))
    }
}
