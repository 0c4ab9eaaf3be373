//! Ranges of rowids that are read side by side.

use std::ops::RangeInclusive;

/// A range of rowids and how many rows were counted in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) rowids: RangeInclusive<i64>,
    pub(super) rows: Option<u64>,
}

/// Rowids at even distances in one range, in ascending order, as they were met when it was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    /// The rowid of every so manieth row, the first one's among them.
    rowids: Vec<i64>,
    every: u64,
    rows: u64,
}

/// The rowids that a sample keeps at most: more than enough to cut a range into 16 equal parts.
const KEPT: usize = 1 << 14;

impl Sample {
    /// Returns the sample of no rows.
    pub(super) const fn new() -> Self {
        Self { rowids: Vec::new(), every: 1, rows: 0 }
    }

    /// Counts the next row.
    #[inline]
    pub(super) fn add(&mut self, rowid: i64) {
        if self.rows.is_multiple_of(self.every) {
            if self.rowids.len() == KEPT {
                // Every second one goes, so that the distances stay even.
                let mut at = 0;
                self.rowids.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.every *= 2;
            }
            if self.rows.is_multiple_of(self.every) {
                self.rowids.push(rowid);
            }
        }
        self.rows += 1;
    }

    /// Returns how many rows were counted.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }
}

/// Returns ranges of equal width from the first to the last rowid; the outer ones reach to the ends of
/// all rowids.
pub(super) fn equal(first: i64, last: i64, count: usize) -> Vec<Part> {
    let (from, width) = (i128::from(first), i128::from(last) - i128::from(first) + 1);
    let count = i128::try_from(count).unwrap_or(1).clamp(1, width.max(1));
    let cuts = (1..count).filter_map(|at| i64::try_from(from + width * at / count).ok());
    between(cuts.map(|cut| (cut, None)), None)
}

/// Returns the ranges that end with these rowids, and the one behind the last of them.
pub(super) fn behind(lasts: &[i64]) -> Vec<Part> {
    let cuts = lasts.iter().filter_map(|last| last.checked_add(1));
    between(cuts.map(|cut| (cut, None)), None)
}

/// Returns ranges with equally many rows, by what was met when all were counted.
pub(super) fn balanced(samples: &[Sample], count: usize) -> Vec<Part> {
    let total: u64 = samples.iter().map(Sample::rows).sum();
    let count = u64::try_from(count).unwrap_or(1).max(1);
    let mut cuts: Vec<(i64, Option<u64>)> = Vec::new();
    let mut next = 1;
    let mut before = 0;
    for sample in samples {
        let mut at = before;
        for &rowid in &sample.rowids {
            // The widening is for tables of more rows than there are on earth.
            while next < count
                && u128::from(at) * u128::from(count) >= u128::from(total) * u128::from(next)
            {
                // Two cuts at one place would leave a range without rows; the first of all rows is none.
                if at > 0 && cuts.last().is_none_or(|last| last.0 < rowid) {
                    cuts.push((rowid, Some(at)));
                }
                next += 1;
            }
            at += sample.every;
        }
        before += sample.rows;
    }
    between(cuts.into_iter(), Some(total))
}

/// Returns the ranges that the cuts make, each cut being the first rowid of a range and the number of
/// rows before it.
fn between(cuts: impl Iterator<Item = (i64, Option<u64>)>, total: Option<u64>) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut from, mut before) = (i64::MIN, Some(0));
    for (cut, rows) in cuts {
        parts.push(Part { rowids: from..=cut - 1, rows: difference(rows, before) });
        (from, before) = (cut, rows);
    }
    parts.push(Part { rowids: from..=i64::MAX, rows: difference(total, before) });
    parts
}

fn difference(rows: Option<u64>, before: Option<u64>) -> Option<u64> {
    Some(rows? - before?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(rowids: impl Iterator<Item = i64>) -> Sample {
        let mut sample = Sample::new();
        rowids.for_each(|rowid| sample.add(rowid));
        sample
    }

    #[track_caller]
    fn covers_everything_once(parts: &[Part]) {
        assert_eq!(*parts[0].rowids.start(), i64::MIN);
        assert_eq!(*parts[parts.len() - 1].rowids.end(), i64::MAX);
        for pair in parts.windows(2) {
            assert_eq!(*pair[0].rowids.end() + 1, *pair[1].rowids.start());
        }
    }

    #[test]
    fn equal_ranges_reach_over_all_rowids() {
        for (first, last, count) in
            [(1, 100, 4), (i64::MIN, i64::MAX, 16), (5, 5, 8), (-3, -1, 2), (i64::MAX, i64::MAX, 3)]
        {
            let parts = equal(first, last, count);
            covers_everything_once(&parts);
            assert!(parts.len() <= count);
        }
        assert_eq!(equal(1, 100, 4)[1].rowids, 26..=50);
    }

    #[test]
    fn balanced_ranges_follow_the_rows_and_not_the_rowids() {
        let parts = balanced(&[sampled(0..1000), sampled([i64::MAX].into_iter())], 4);
        covers_everything_once(&parts);
        assert_eq!(parts.len(), 4);
        for part in &parts {
            assert!((249..=252).contains(&part.rows.expect("counted")), "{part:?}");
        }
        assert_eq!(parts.iter().filter_map(|part| part.rows).sum::<u64>(), 1001);
    }

    #[test]
    fn large_samples_stay_small_and_exact() {
        let rows = 5 * KEPT as i64 + 7;
        let sample = sampled((0..rows).map(|row| row * 3 - 1_000_000));
        assert!(sample.rowids.len() <= KEPT);
        let parts = balanced(std::slice::from_ref(&sample), 16);
        covers_everything_once(&parts);
        for part in &parts {
            let counted =
                (0..rows).filter(|row| part.rowids.contains(&(row * 3 - 1_000_000))).count();
            assert_eq!(part.rows, u64::try_from(counted).ok(), "{part:?}");
        }
    }

    #[test]
    fn no_rows_are_one_range() {
        let parts = balanced(&[Sample::new(), Sample::new()], 4);
        assert_eq!(parts, [Part { rowids: i64::MIN..=i64::MAX, rows: Some(0) }]);
    }

    #[test]
    fn fewer_rows_than_ranges_leave_none_empty() {
        let parts = balanced(&[sampled([1, 9].into_iter())], 16);
        covers_everything_once(&parts);
        assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [Some(1), Some(1)]);
    }
}
