//! What the columns of a sheet hold, and which types hold all of it.
//!
//! Start at [`Seen`], of one column, and [`Seen::verdict`]. Sorts of values are counted, and where each
//! was seen first. Parts of a sheet are merged and come to the same end wherever they were cut.

use super::{
    cell::{Meaning, Sort},
    reference::At,
    row::Row,
};
use crate::ColumnType;

/// Some sorts of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sorts(u16);

impl Sorts {
    pub(super) const ALL: Self = Self((1 << Sort::COUNT) - 1);
    const NUMBERS: Self = Self::of(&[Sort::Integer, Sort::Number]);

    const fn of(sorts: &[Sort]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < sorts.len() {
            bits |= 1 << sorts[at] as u16;
            at += 1;
        }
        Self(bits)
    }

    /// Returns whether a sort is among them.
    #[inline]
    pub(super) fn has(self, sort: Sort) -> bool {
        self.0 & (1 << sort as u16) != 0
    }

    fn has_all(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    fn or(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

/// What was seen of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// How many values of each sort there are.
    counts: [u64; Sort::COUNT],
    /// The first row of each.
    rows: [u32; Sort::COUNT],
    /// There are errors that are no values.
    has_errors: bool,
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) column_type: ColumnType,
    pub(super) reason: String,
    /// Values that leave the type as it is. Any other contradicts it.
    pub(super) accepts: Sorts,
}

impl Seen {
    #[inline]
    fn observe(&mut self, sort: Sort, row: u32) {
        let at = sort as usize;
        if self.counts[at] == 0 {
            self.rows[at] = row;
        }
        self.counts[at] += 1;
    }

    pub(super) fn merge(&mut self, later: &Self) {
        for at in 0..Sort::COUNT {
            if self.counts[at] == 0 {
                self.rows[at] = later.rows[at];
            }
            self.counts[at] += later.counts[at];
        }
        self.has_errors |= later.has_errors;
    }

    /// Returns the sorts of its values.
    pub(super) fn sorts(&self) -> Sorts {
        let seen = Sort::ALL.into_iter().filter(|sort| self.counts[*sort as usize] > 0);
        Sorts(seen.fold(0, |bits, sort| bits | 1 << sort as u16))
    }

    /// Returns whether nothing is in it. What is an error only is a column all the same, so that what
    /// becomes of it is told.
    pub(super) fn is_empty(&self) -> bool {
        self.sorts() == Sorts::default() && !self.has_errors
    }

    /// Decides what the column of this number in the sheet becomes.
    pub(super) fn verdict(&self, sheet: &str, column: u32) -> Verdict {
        use ColumnType::{BigInt, Boolean, Date, Double, Time, Timestamp};

        let sorts = self.sorts();
        let is = |accepts: Sorts, column_type: ColumnType, reason: &str| {
            let reason = reason.to_owned();
            accepts.has_all(sorts).then_some(Verdict { column_type, reason, accepts })
        };
        let dates = Sorts::of(&[Sort::Day, Sort::Moment]);
        let spans = Sorts::of(&[Sort::Duration, Sort::Clock]);
        let unreal = Sorts::NUMBERS.or(Sorts::of(&[Sort::NoDate]));
        if sorts == Sorts::default() {
            return text("no values", Sorts::default());
        }
        let found = is(Sorts::of(&[Sort::Integer, Sort::Wide]), BigInt, "integers of 64 bits")
            .or_else(|| is(Sorts::NUMBERS, Double, "numbers"))
            .or_else(|| is(Sorts::of(&[Sort::Boolean]), Boolean, "true or false"))
            .or_else(|| is(Sorts::of(&[Sort::Day]), Date, "dates, by their number format"))
            .or_else(|| is(dates, Timestamp, "dates and times, by their number format"))
            .or_else(|| is(Sorts::of(&[Sort::Clock]), Time, "times of day, by their number format"))
            .or_else(|| is(spans, Double, "durations, in days"))
            .or_else(|| is(unreal, Double, "numbers, some shown as dates that there are not"));
        match found {
            Some(verdict) => {
                Verdict { reason: self.told(verdict.reason, sheet, column), ..verdict }
            }
            None if sorts == Sorts::of(&[Sort::Text]) => text("text", Sorts::ALL),
            None => text(&self.mixture(sheet, column), Sorts::ALL),
        }
    }

    /// Adds to a reason where the value is that a reader would not expect.
    fn told(&self, reason: String, sheet: &str, column: u32) -> String {
        let row = self.rows[Sort::NoDate as usize];
        match self.counts[Sort::NoDate as usize] {
            0 => reason,
            _ => format!("{reason}, the first in `{}`", At { sheet, column, row }),
        }
    }

    /// Says what is mixed, most of it first, and where the others begin.
    fn mixture(&self, sheet: &str, column: u32) -> String {
        let mut sorts: Vec<Sort> =
            Sort::ALL.into_iter().filter(|sort| self.counts[*sort as usize] > 0).collect();
        sorts.sort_by_key(|sort| std::cmp::Reverse(self.counts[*sort as usize]));
        let mut parts = sorts.into_iter().map(|sort| (sort.describe(), sort as usize));
        let mut reason = parts.next().map_or("", |(what, _)| what).to_owned();
        for (what, at) in parts {
            let place = At { sheet, column, row: self.rows[at] };
            reason.push_str(&format!(", and {what} in `{place}`"));
            if self.counts[at] > 1 {
                reason.push_str(&format!(" and {} more", self.counts[at] - 1));
            }
        }
        reason
    }
}

fn text(reason: &str, accepts: Sorts) -> Verdict {
    Verdict { column_type: ColumnType::Varchar, reason: reason.to_owned(), accepts }
}

/// What was seen of a part of a sheet, or of all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Observation {
    /// From column A on.
    pub(super) columns: Vec<Seen>,
    /// Records that were looked at.
    pub(super) records: u64,
}

impl Observation {
    /// Takes a row into account, as far as `within` has its columns. Where there are `no_errors`, an
    /// error is no value.
    #[inline]
    pub(super) fn observe(
        &mut self,
        row: &Row<'_>,
        meaning: Meaning<'_>,
        within: (u32, u32),
        no_errors: bool,
    ) {
        self.records += 1;
        if self.columns.len() < row.cells.len() {
            self.columns.resize(row.cells.len(), Seen::default());
        }
        let (first, last) = (within.0 as usize, within.1 as usize);
        let cells = self.columns.iter_mut().zip(&row.cells);
        for (seen, cell) in cells.take(last.saturating_add(1)).skip(first) {
            let Some((sort, _)) = meaning.of(*cell) else { continue };
            match no_errors && sort == Sort::Error {
                true => seen.has_errors = true,
                false => seen.observe(sort, row.number),
            }
        }
    }

    /// Takes into account what was seen in a later part.
    pub(super) fn merge(&mut self, later: &Self) {
        self.records += later.records;
        if self.columns.len() < later.columns.len() {
            self.columns.resize(later.columns.len(), Seen::default());
        }
        for (seen, later) in self.columns.iter_mut().zip(&later.columns) {
            seen.merge(later);
        }
    }

    /// Returns what was seen of a column.
    pub(super) fn column(&self, column: u32) -> Seen {
        self.columns.get(column as usize).copied().unwrap_or_default()
    }

    /// Returns the first and the last column in which something is.
    pub(super) fn extent(&self) -> Option<(u32, u32)> {
        let first = self.columns.iter().position(|seen| !seen.is_empty())?;
        let last = self.columns.iter().rposition(|seen| !seen.is_empty())?;
        // A sheet has 16,384 columns.
        Some((first as u32, last as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sorts: &[Sort]) -> Seen {
        let mut seen = Seen::default();
        for (row, sort) in (2..).zip(sorts) {
            seen.observe(*sort, row);
        }
        seen
    }

    #[track_caller]
    fn check(sorts: &[Sort], column_type: ColumnType, reason: &str) {
        let verdict = seen(sorts).verdict("Sheet1", 2);
        assert_eq!((verdict.column_type, verdict.reason.as_str()), (column_type, reason));
        // Cut anywhere it comes to the same.
        for at in 0..=sorts.len() {
            let mut whole = Seen::default();
            for (row, sort) in (2..).zip(sorts).take(at) {
                whole.observe(*sort, row);
            }
            let mut rest = Seen::default();
            for (row, sort) in (2..).zip(sorts).skip(at) {
                rest.observe(*sort, row);
            }
            whole.merge(&rest);
            assert_eq!(whole, seen(sorts));
        }
    }

    #[test]
    fn a_type_holds_every_sort_or_it_is_text() {
        use ColumnType::{BigInt, Boolean, Date, Double, Time, Timestamp, Varchar};
        use Sort::{Clock, Day, Duration, Error, Integer, Moment, NoDate, Number, Text, Wide};

        check(&[], Varchar, "no values");
        check(&[Integer, Wide], BigInt, "integers of 64 bits");
        check(&[Integer, Number], Double, "numbers");
        check(&[Sort::Boolean], Boolean, "true or false");
        check(&[Day], Date, "dates, by their number format");
        check(&[Day, Moment], Timestamp, "dates and times, by their number format");
        check(&[Clock], Time, "times of day, by their number format");
        check(&[Duration, Clock], Double, "durations, in days");
        check(
            &[Integer, NoDate],
            Double,
            "numbers, some shown as dates that there are not, the first in `Sheet1!C3`",
        );
        check(&[Text, Text], Varchar, "text");
        check(&[Integer, Integer, Text], Varchar, "integers, and text in `Sheet1!C4`");
        check(
            &[Day, Text, Day, Error, Text, Day],
            Varchar,
            "dates, and text in `Sheet1!C3` and 1 more, and errors in `Sheet1!C5`",
        );
        check(
            &[Number, Number, Wide],
            Varchar,
            "numbers, and integers of more than 15 digits in `Sheet1!C4`",
        );
        check(
            &[Day, Day, NoDate],
            Varchar,
            "dates, and numbers that are shown as dates and are none in `Sheet1!C4`",
        );
    }
}
