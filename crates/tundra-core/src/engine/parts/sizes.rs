//! How many bytes rows of a spool take, and where to cut them.

use std::ops::Range;

use parquet::file::metadata::ParquetMetaData;

/// Of the size that a file may have, this part is left free: what rows take in a file of their own is known
/// only about.
const FREE: u64 = 20;

/// The sizes of row groups, summed up.
#[derive(Debug)]
pub(super) struct Sizes {
    /// Rows and bytes up to the end of each row group.
    ends: Vec<(u64, u64)>,
}

impl Sizes {
    pub(super) fn of(footer: &ParquetMetaData) -> Self {
        let (mut rows, mut bytes) = (0, 0);
        let groups = footer.row_groups().iter();
        let ends = groups.map(|group| {
            rows += u64::try_from(group.num_rows()).unwrap_or(0);
            bytes += u64::try_from(group.compressed_size()).unwrap_or(0);
            (rows, bytes)
        });
        Self { ends: ends.collect() }
    }

    /// Cuts rows into ranges of about the same size, as few as stay below `max` bytes each.
    pub(super) fn cut(&self, rows: Range<u64>, max: u64) -> Vec<Range<u64>> {
        let (first, last) = (self.bytes_before(rows.start), self.bytes_before(rows.end));
        let room = (max - max / FREE).max(1);
        let count = (last - first).div_ceil(room).clamp(1, (rows.end - rows.start).max(1));
        let mut ranges = Vec::new();
        let mut start = rows.start;
        for part in 1..count {
            // Something is left for the last one.
            let end = self.row_at(first + between(part, count, last - first)).min(rows.end - 1);
            if end > start {
                ranges.push(start..end);
                start = end;
            }
        }
        ranges.push(start..rows.end);
        ranges
    }

    /// Returns about how many bytes the rows before this one take.
    fn bytes_before(&self, row: u64) -> u64 {
        let at = self.ends.partition_point(|(rows, _)| *rows < row);
        let (rows, bytes) = self.start_of(at);
        let Some((next_rows, next_bytes)) = self.ends.get(at) else { return bytes };
        bytes + between(row - rows, next_rows - rows, next_bytes - bytes)
    }

    /// Returns before which row there are about so many bytes.
    fn row_at(&self, wanted: u64) -> u64 {
        let at = self.ends.partition_point(|(_, bytes)| *bytes < wanted);
        let (rows, bytes) = self.start_of(at);
        let Some((next_rows, next_bytes)) = self.ends.get(at) else { return rows };
        rows + between(wanted - bytes, next_bytes - bytes, next_rows - rows)
    }

    fn start_of(&self, group: usize) -> (u64, u64) {
        group.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or((0, 0))
    }
}

/// Returns `share / whole` of `sum`.
fn between(share: u64, whole: u64, sum: u64) -> u64 {
    let part = u128::from(share) * u128::from(sum) / u128::from(whole.max(1));
    u64::try_from(part).unwrap_or(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_by_what_they_take() {
        // The second row group has rows of ten times the size.
        let sizes = Sizes { ends: vec![(1000, 1000), (2000, 11_000)] };
        let (all, some, none) = (0..2000, 500..700, 0..0);
        assert_eq!(sizes.cut(all.clone(), 20_000), [all]);
        let cut = sizes.cut(0..2000, 6000);
        assert_eq!(cut, [0..1450, 1450..2000]);
        assert_eq!(sizes.cut(0..1000, 1000), [0..500, 500..1000]);
        assert_eq!(sizes.cut(some.clone(), 1000), [some]);
        assert_eq!(Sizes { ends: Vec::new() }.cut(none.clone(), 100), [none]);
    }

    #[test]
    fn every_row_is_in_one_range() {
        let sizes = Sizes { ends: vec![(10, 1_000_000), (11, 1_000_001), (500, 1_000_002)] };
        for max in [1, 7, 1000, 300_000, u64::MAX] {
            let cut = sizes.cut(3..499, max);
            assert_eq!((cut[0].start, cut[cut.len() - 1].end), (3, 499));
            assert!(cut.windows(2).all(|pair| pair[0].end == pair[1].start), "{max}: {cut:?}");
            assert!(cut.iter().all(|range| range.start < range.end), "{max}: {cut:?}");
        }
    }
}
