//! Where the rows of a table are, by estimates for ranges of integers that become finer where the rows
//! are many.
//!
//! Nothing here asks anybody: [`Histogram::unknown`] says what is to be asked next, and
//! [`Histogram::tell`] takes the answer.

/// The ranges of the first round. InnoDB estimates no range at more than half of the table, so that few
/// and wide ones would say little.
const FIRST: i128 = 32;

/// The ranges into which one that has too many rows is split.
const FINER: i128 = 8;

/// How often ranges are split: enough to come from all integers of 64 bits to single ones. Only ranges
/// with too many rows are, so that a lump costs a few estimates in each round.
const ROUNDS: usize = 21;

/// A range has too many rows when it has more than this part of a stream's share.
const TOO_MANY: u64 = 4;

/// Ranges of integers, in order, with how many rows each has.
#[derive(Debug)]
pub(super) struct Histogram {
    ranges: Vec<Range>,
    rounds: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: i128,
    /// The first value behind it.
    to: i128,
    rows: Option<u64>,
}

impl Histogram {
    /// Begins with the values from `low` to `high`, both included.
    pub(super) fn new(low: i128, high: i128) -> Self {
        let whole = Range { from: low, to: high.max(low) + 1, rows: None };
        Self { ranges: pieces(whole, FIRST).collect(), rounds: 0 }
    }

    /// Returns the next range that nothing is known of: its first value, and the first one behind it.
    pub(super) fn unknown(&self) -> Option<(i128, i128)> {
        self.ranges.iter().find(|it| it.rows.is_none()).map(|it| (it.from, it.to))
    }

    /// Takes the number of rows of the range that [`Histogram::unknown`] returned.
    pub(super) fn tell(&mut self, rows: u64) {
        if let Some(range) = self.ranges.iter_mut().find(|it| it.rows.is_none()) {
            range.rows = Some(rows);
        }
    }

    /// Splits ranges that have too many rows, once everything is known.
    pub(super) fn refine(&mut self, streams: usize) {
        if self.unknown().is_some() || self.rounds >= ROUNDS {
            return;
        }
        self.rounds += 1;
        let limit = (self.total() / streams.max(1) as u64 / TOO_MANY).max(1);
        self.ranges = self
            .ranges
            .iter()
            .flat_map(|range| {
                let many = range.rows.unwrap_or(0) > limit && range.to - range.from > 1;
                let count = if many { FINER } else { 1 };
                pieces(*range, count).map(move |piece| if many { piece } else { *range })
            })
            .collect();
    }

    /// Returns where the second stream begins, the third, and so on; fewer where a value has more than
    /// one stream's share.
    pub(super) fn bounds(&self, streams: usize) -> Vec<i128> {
        let total = self.total();
        let mut bounds: Vec<i128> = Vec::new();
        let mut before = 0_u64;
        let mut part = 1_u64;
        for range in &self.ranges {
            let rows = range.rows.unwrap_or(0);
            while part < streams as u64 {
                let target = total * part / streams as u64;
                if before + rows < target || rows == 0 {
                    break;
                }
                // Evenly spread within the range, as far as is known.
                let width = range.to - range.from;
                let inside = width * i128::from(target - before) / i128::from(rows);
                let bound = range.from + inside;
                if bounds.last().is_none_or(|last| *last < bound)
                    && self.ranges.first().is_some_and(|first| first.from < bound)
                {
                    bounds.push(bound);
                }
                part += 1;
            }
            before += rows;
        }
        bounds
    }

    fn total(&self) -> u64 {
        self.ranges.iter().filter_map(|it| it.rows).sum()
    }
}

/// Splits a range into so many pieces, or as many as it has values.
fn pieces(range: Range, count: i128) -> impl Iterator<Item = Range> {
    let width = range.to - range.from;
    let count = count.min(width).max(1);
    (0..count).map(move |piece| Range {
        from: range.from + width * piece / count,
        to: range.from + width * (piece + 1) / count,
        rows: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits values whose numbers in a range are known exactly, and returns the rows of each stream.
    fn shares(values: &[i128], streams: usize) -> Vec<usize> {
        let low = *values.iter().min().expect("some");
        let high = *values.iter().max().expect("some");
        let mut histogram = Histogram::new(low, high);
        let mut asked = 0;
        while let Some((from, to)) = histogram.unknown() {
            asked += 1;
            assert!(asked < 3000, "it asks for ever");
            let rows = values.iter().filter(|it| (from..to).contains(*it)).count();
            histogram.tell(rows as u64);
            histogram.refine(streams);
        }
        let mut bounds = histogram.bounds(streams);
        assert!(bounds.is_sorted() && bounds.len() < streams);
        bounds.insert(0, i128::MIN);
        bounds.push(i128::MAX);
        bounds
            .windows(2)
            .map(|pair| values.iter().filter(|it| (pair[0]..pair[1]).contains(*it)).count())
            .collect()
    }

    #[track_caller]
    fn balanced(values: &[i128], streams: usize) {
        let shares = shares(values, streams);
        assert_eq!(shares.iter().sum::<usize>(), values.len());
        assert_eq!(shares.len(), streams, "{shares:?}");
        let fair = values.len() / streams;
        assert!(shares.iter().all(|it| *it <= fair + fair / 3 + 1), "{shares:?}");
    }

    #[test]
    fn even_keys_are_split_evenly() {
        balanced(&(1..=10_000).collect::<Vec<i128>>(), 4);
        balanced(&(-5_000..5_000).collect::<Vec<i128>>(), 3);
        balanced(&(0..16).collect::<Vec<i128>>(), 16);
    }

    #[test]
    fn skewed_keys_are_split_evenly() {
        // Most rows at the very end of a wide range, as after a change of the key's generator.
        let mut values: Vec<i128> = (0..1_000).collect();
        values.extend((0..9_000).map(|it| (1_i128 << 62) + it));
        balanced(&values, 4);
        // More and more distant from each other.
        balanced(&(0..3_000_i128).map(|it| it * it * it).collect::<Vec<_>>(), 8);
    }

    #[test]
    fn extremes_of_the_types_are_no_trouble() {
        let mut values = vec![i128::from(i64::MIN), i128::from(u64::MAX)];
        values.extend(0..1_000);
        let shares = shares(&values, 4);
        assert_eq!(shares.iter().sum::<usize>(), values.len());
    }

    #[test]
    fn one_value_is_one_stream() {
        assert_eq!(shares(&[7; 100], 4), [100]);
        assert_eq!(Histogram::new(0, 100).bounds(4), Vec::<i128>::new());
    }
}
