//! The rows of two tables, compared by DuckDB: by a key, or as wholes.

use arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch},
    datatypes::Int64Type,
};

use crate::{
    Error, Result,
    engine::{
        copy::Stop,
        diff::{
            DiffOptions,
            columns::{Column, Pair},
            open::{LoadedPair, number},
            possible_key::possible_key,
            report::{ChangedRow, ChangedValue, KeyedRows, RowsDiff, ShownRows, WholeRows},
        },
        rows::RowColumn,
        sql::compare::{self, Paired, Side, Slice, Told},
    },
    write::value::cells,
};

/// Two tables whose rows are to be compared.
pub(super) struct Comparison<'a> {
    loaded: &'a LoadedPair,
    key: Vec<&'a Pair>,
    values: Vec<&'a Pair>,
    limit: u64,
    stop: &'a Stop,
}

impl<'a> Comparison<'a> {
    /// Takes the columns apart: those of the key, and those that are compared.
    pub(super) fn new(
        loaded: &'a LoadedPair,
        options: &DiffOptions,
        pairs: &'a [Pair],
        stop: &'a Stop,
    ) -> Result<Self> {
        let mut key: Vec<&Pair> = Vec::new();
        for name in &options.key {
            let pair = pairs.iter().find(|pair| pair.name() == name);
            let pair = pair.ok_or_else(|| Error::Internal(format!("no column `{name}`")))?;
            if !key.iter().any(|other| other.name() == name) {
                key.push(pair);
            }
        }
        let is_value = |pair: &&Pair| key.iter().all(|other| other.name() != pair.name());
        let values = pairs.iter().filter(is_value).collect();
        Ok(Self { loaded, key, values, limit: options.limit, stop })
    }

    /// Returns the names of the columns whose values are compared, without the key.
    pub(super) fn compared(&self) -> Vec<String> {
        self.values.iter().map(|pair| pair.name().to_owned()).collect()
    }

    /// Compares the rows.
    pub(super) fn rows(&self) -> Result<RowsDiff> {
        if !self.key.is_empty() {
            return Ok(RowsDiff::Keyed(self.keyed()?));
        }
        if self.values.is_empty() {
            return Ok(RowsDiff::Incomparable);
        }
        Ok(RowsDiff::Whole(self.whole()?))
    }

    fn keyed(&self) -> Result<KeyedRows> {
        let (key, values) = (paired(&self.key), paired(&self.values));
        for side in Side::BOTH {
            self.check_key(side, &key)?;
        }
        let found = self.query(&compare::matched(&key, &values, self.limit))?;
        let [removed, added, both, changed] = [0, 1, 2, 3].map(|at| count(&found, at));
        let (removed, added, changed) = (removed?, added?, changed?);
        let changed_values = self
            .values
            .iter()
            .enumerate()
            .map(|(at, pair)| Ok((pair.name().to_owned(), count(&found, 4 + at)?)))
            .collect::<Result<Vec<_>>>()?;
        let lists = 4 + values.len();
        let [removed_rows, added_rows, from, to] = [0, 1, 2, 3].map(|at| list(&found, lists + at));
        let pairs: Vec<(i64, i64)> = from.into_iter().zip(to).collect();
        Ok(KeyedRows {
            key: self.key.iter().map(|pair| pair.columns[0].row_column()).collect(),
            same: both?.saturating_sub(changed),
            changed,
            changed_values: changed_values.into_iter().filter(|(_, rows)| *rows > 0).collect(),
            changes: self.changes(&pairs, &values)?,
            removed,
            removed_rows: self.shown(Side::A, &removed_rows, None)?,
            added,
            added_rows: self.shown(Side::B, &added_rows, None)?,
        })
    }

    fn whole(&self) -> Result<WholeRows> {
        let values = paired(&self.values);
        let (mut removed, mut added) = (Only::default(), Only::default());
        for slice in Slice::all(self.loaded.slices) {
            let found = self.query(&compare::unmatched(&values, self.limit, slice))?;
            removed.add(count(&found, 0)?, &list(&found, 2), &list(&found, 3));
            added.add(count(&found, 1)?, &list(&found, 4), &list(&found, 5));
        }
        let possible_key = match removed.count > 0 && added.count > 0 {
            true => possible_key(self.loaded, &self.values, self.stop)?,
            false => None,
        };
        let (gone, come) = (removed.count, added.count);
        let (rows, times) = removed.first(self.limit);
        let (others, other_times) = added.first(self.limit);
        Ok(WholeRows {
            same: self.loaded.rows[0].saturating_sub(gone),
            removed: gone,
            removed_rows: self.shown(Side::A, &rows, Some(&times))?,
            added: come,
            added_rows: self.shown(Side::B, &others, Some(&other_times))?,
            possible_key,
        })
    }

    /// Fails when a key is that of several rows.
    fn check_key(&self, side: Side, key: &[Paired]) -> Result<()> {
        let Repeated { keys, rows, first } = repeated(self.loaded, side, key, self.stop)?;
        if keys == 0 {
            return Ok(());
        }
        let columns: Vec<&Column> =
            self.key.iter().map(|pair| &pair.columns[side as usize]).collect();
        let told: Vec<Told> = columns.iter().map(|column| column.told()).collect();
        let example = self.cells(&compare::rows_of(side, &[first], &told))?;
        let example = example.into_iter().next().unwrap_or_default();
        Err(Error::RepeatedKey {
            input: self.loaded.location(side).to_owned(),
            key: columns.iter().map(|column| column.name.clone()).collect(),
            keys,
            rows,
            example,
        })
    }

    /// Returns what changed in these pairs of rows.
    fn changes(&self, pairs: &[(i64, i64)], values: &[Paired]) -> Result<Vec<ChangedRow>> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let (keys, width) = (self.key.len(), self.values.len());
        let told = |side: Side| -> Vec<Told> {
            let keys = self.key.iter().filter(|_| side == Side::A);
            keys.chain(&self.values).map(|pair| pair.columns[side as usize].told()).collect()
        };
        let (a, b) = (told(Side::A), told(Side::B));
        let found = self.query(&compare::changed_pairs(pairs, [&a, &b], values))?;
        let mut changes = Vec::with_capacity(pairs.len());
        for batch in &found {
            let rows = cells(&told_part(batch, keys + 2 * width), &[]);
            let flags: Vec<&BooleanArray> = (0..width)
                .filter_map(|at| batch.columns().get(keys + 2 * width + at)?.as_boolean_opt())
                .collect();
            for (row, mut cells) in rows.into_iter().enumerate() {
                let mut to = cells.split_off(keys + width);
                let mut from = cells.split_off(keys);
                let changed = self.values.iter().zip(&flags).enumerate();
                let changed = changed.filter(|(_, (_, flags))| flags.value(row));
                let values = changed.map(|(at, (pair, _))| ChangedValue {
                    column: pair.name().to_owned(),
                    from: from[at].take(),
                    to: to[at].take(),
                });
                changes.push(ChangedRow { values: values.collect(), key: cells });
            }
        }
        Ok(changes)
    }

    /// Returns rows of an input by their numbers.
    fn shown(&self, side: Side, rows: &[i64], times: Option<&[i64]>) -> Result<ShownRows> {
        let columns = &self.loaded.columns[side as usize];
        let shown: Vec<RowColumn> = columns.iter().map(Column::row_column).collect();
        if rows.is_empty() || columns.is_empty() {
            return Ok(ShownRows { columns: shown, ..ShownRows::default() });
        }
        let told: Vec<Told> = columns.iter().map(Column::told).collect();
        let cells = self.cells(&compare::rows_of(side, rows, &told))?;
        let times = match times {
            Some(times) => times.iter().map(|times| u64::try_from(*times).unwrap_or(1)).collect(),
            None => vec![1; cells.len()],
        };
        Ok(ShownRows { columns: shown, cells, times })
    }

    fn cells(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        Ok(self.query(sql)?.iter().flat_map(|batch| cells(batch, &[])).collect())
    }

    fn query(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.loaded.query(sql, self.stop)
    }
}

/// Keys that stand in more than one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repeated {
    /// How many there are.
    pub(super) keys: u64,
    /// In how many rows.
    rows: u64,
    /// The first of these rows.
    first: i64,
}

/// Looks for keys that stand in more than one row.
pub(super) fn repeated(
    loaded: &LoadedPair,
    side: Side,
    key: &[Paired],
    stop: &Stop,
) -> Result<Repeated> {
    let mut all = Repeated { keys: 0, rows: 0, first: i64::MAX };
    for slice in Slice::all(loaded.slices) {
        let found = loaded.query(&compare::repeated_keys(side, key, slice), stop)?;
        let keys = count(&found, 0)?;
        if keys > 0 {
            all.keys += keys;
            all.rows += count(&found, 1)?;
            all.first = all.first.min(i64::try_from(count(&found, 2)?).unwrap_or(i64::MAX));
        }
    }
    Ok(all)
}

/// Rows that are in one table only.
#[derive(Debug, Default)]
struct Only {
    count: u64,
    /// The first of them, and how often each is there.
    rows: Vec<(i64, i64)>,
}

impl Only {
    fn add(&mut self, count: u64, rows: &[i64], times: &[i64]) {
        self.count += count;
        self.rows.extend(rows.iter().copied().zip(times.iter().copied()));
    }

    /// Returns the first rows of all, and how often each is there.
    fn first(mut self, limit: u64) -> (Vec<i64>, Vec<i64>) {
        self.rows.sort_unstable();
        self.rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        self.rows.into_iter().unzip()
    }
}

pub(super) fn paired(pairs: &[&Pair]) -> Vec<Paired> {
    pairs.iter().map(|pair| pair.paired.clone()).collect()
}

/// Returns a count of the only row of an answer.
pub(super) fn count(answer: &[RecordBatch], column: usize) -> Result<u64> {
    number(answer, column)
        .ok_or_else(|| Error::Internal("DuckDB returned no count of rows".to_owned()))
}

/// Returns a list of numbers of the only row of an answer; a null is an empty one.
fn list(answer: &[RecordBatch], column: usize) -> Vec<i64> {
    let numbers = || {
        let batch = answer.iter().find(|batch| batch.num_rows() > 0)?;
        let lists = batch.columns().get(column)?;
        let values = match lists.as_list_opt::<i32>() {
            Some(lists) if lists.is_valid(0) => lists.value(0),
            Some(_) => return None,
            None => {
                let lists = lists.as_list_opt::<i64>().filter(|lists| lists.is_valid(0))?;
                lists.value(0)
            }
        };
        Some(values.as_primitive_opt::<Int64Type>()?.values().to_vec())
    };
    numbers().unwrap_or_default()
}

/// Returns the first columns of a batch.
fn told_part(batch: &RecordBatch, columns: usize) -> RecordBatch {
    let columns: Vec<usize> = (0..columns.min(batch.num_columns())).collect();
    batch.project(&columns).unwrap_or_else(|_| batch.clone())
}
