//! How much of a table came out: the measures of the Pollock benchmark.
//!
//! A table is lines of cells, of which the first is the header, by its place alone. Neither the order
//! of lines nor that of cells counts. Header and records are compared in a [`normal`] form, and a
//! record as its cells without anything between them; cells are compared as they are, those of the
//! header with them. What the benchmark calls precision is the share of the expected that was
//! loaded, and its recall the share of the loaded that was expected; the names are kept.
//!
//! Start at [`Score::of`]; [`Board`] puts the scores of many files together.

mod normal;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
};

pub use self::normal::normal;

/// The measures of one file, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Whether there is a table at all.
    pub success: f64,
    /// Of the expected names, how many were loaded.
    pub header_precision: f64,
    /// Of the loaded names, how many were expected.
    pub header_recall: f64,
    /// The harmonic mean of both.
    pub header_f1: f64,
    /// Of the expected records, how many were loaded.
    pub record_precision: f64,
    /// Of the loaded records, how many were expected.
    pub record_recall: f64,
    /// The harmonic mean of both.
    pub record_f1: f64,
    /// Of the expected cells, how many were loaded.
    pub cell_precision: f64,
    /// Of the loaded cells, how many were expected.
    pub cell_recall: f64,
    /// The harmonic mean of both.
    pub cell_f1: f64,
}

impl Score {
    /// What a file scores that was not loaded.
    pub const FAILED: Self = Self {
        success: 0.0,
        header_precision: 0.0,
        header_recall: 0.0,
        header_f1: 0.0,
        record_precision: 0.0,
        record_recall: 0.0,
        record_f1: 0.0,
        cell_precision: 0.0,
        cell_recall: 0.0,
        cell_f1: 0.0,
    };

    /// Compares a loaded table with the expected one.
    #[must_use]
    pub fn of(expected: &[&[String]], loaded: &[&[String]]) -> Self {
        let (header, records, cells) = match expected.split_first() {
            // Where nothing is expected, whatever comes is right.
            None => (Shares::FULL, Shares::FULL, Shares::FULL),
            Some((expected_header, expected_rows)) => {
                let (loaded_header, loaded_rows) = match loaded.split_first() {
                    Some((header, rows)) => (*header, rows),
                    None => (&[][..], &[][..]),
                };
                (
                    Shares::of(names(expected_header), names(loaded_header)),
                    Shares::of(records(expected_rows), records(loaded_rows)),
                    Shares::of(cells(expected), cells(loaded)),
                )
            }
        };
        Self {
            success: 1.0,
            header_precision: header.precision,
            header_recall: header.recall,
            header_f1: header.f1(),
            record_precision: records.precision,
            record_recall: records.recall,
            record_f1: records.f1(),
            cell_precision: cells.precision,
            cell_recall: cells.recall,
            cell_f1: cells.f1(),
        }
    }

    /// Returns the sum of the measures, from 0 to 10.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.success
            + self.header_precision
            + self.header_recall
            + self.header_f1
            + self.record_precision
            + self.record_recall
            + self.record_f1
            + self.cell_precision
            + self.cell_recall
            + self.cell_f1
    }
}

fn names(header: &[String]) -> Vec<String> {
    header.iter().map(|name| normal(name).into_owned()).collect()
}

fn records(rows: &[&[String]]) -> Vec<String> {
    rows.iter().map(|row| row.iter().map(|cell| normal(cell)).collect()).collect()
}

fn cells<'a>(lines: &[&'a [String]]) -> Vec<&'a str> {
    lines.iter().copied().flatten().map(String::as_str).collect()
}

/// What two multisets have in common, as a share of either.
#[derive(Debug, Clone, Copy)]
struct Shares {
    precision: f64,
    recall: f64,
}

impl Shares {
    const FULL: Self = Self { precision: 1.0, recall: 1.0 };
    const NONE: Self = Self { precision: 0.0, recall: 0.0 };

    fn of<T: Hash + Eq>(expected: Vec<T>, loaded: Vec<T>) -> Self {
        if expected.is_empty() {
            return Self::FULL;
        }
        let sizes = (expected.len(), loaded.len());
        let mut left: HashMap<T, usize> = HashMap::new();
        for item in expected {
            *left.entry(item).or_default() += 1;
        }
        let mut common = 0;
        for item in loaded {
            if let Some(count @ 1..) = left.get_mut(&item) {
                *count -= 1;
                common += 1;
            }
        }
        match common {
            0 => Self::NONE,
            common => Self { precision: ratio(common, sizes.0), recall: ratio(common, sizes.1) },
        }
    }

    fn f1(self) -> f64 {
        match self.precision + self.recall {
            0.0 => 0.0,
            sum => 2.0 * self.precision * self.recall / sum,
        }
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "tables have fewer than 2^53 cells")]
    let ratio = part as f64 / whole as f64;
    ratio
}

/// The scores of many files.
#[derive(Debug, Clone, Default)]
pub struct Board {
    marks: Vec<Mark>,
}

/// The score of one file.
#[derive(Debug, Clone, Copy)]
struct Mark {
    kind: &'static str,
    weight: f64,
    sum: f64,
}

/// What a kind of damage scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KindScore {
    /// The kind.
    pub kind: &'static str,
    /// How many files are of it.
    pub files: usize,
    /// How many of these lost nothing.
    pub perfect: usize,
    /// The mean of their sums, from 0 to 10.
    pub mean: f64,
    /// What it takes from [`Board::simple`].
    pub simple_loss: f64,
    /// What it takes from [`Board::weighted`].
    pub weighted_loss: f64,
}

impl Board {
    /// Adds the score of a file.
    pub fn add(&mut self, kind: &'static str, weight: f64, score: &Score) {
        self.marks.push(Mark { kind, weight, sum: score.sum() });
    }

    /// Returns the mean over the files, from 0 to 10; 0 without files.
    #[must_use]
    pub fn simple(&self) -> f64 {
        let sum: f64 = self.marks.iter().map(|mark| mark.sum).sum();
        sum / self.files()
    }

    /// Returns the mean by the weights, from 0 to 10; 0 without weights.
    #[must_use]
    pub fn weighted(&self) -> f64 {
        let sum: f64 = self.marks.iter().map(|mark| mark.sum * mark.weight).sum();
        sum / self.weight()
    }

    /// Returns the kinds, those first that take most.
    #[must_use]
    pub fn kinds(&self) -> Vec<KindScore> {
        let mut by_kind: BTreeMap<&str, Vec<&Mark>> = BTreeMap::new();
        for mark in &self.marks {
            by_kind.entry(mark.kind).or_default().push(mark);
        }
        let mut kinds: Vec<KindScore> =
            by_kind.into_values().map(|marks| self.kind(&marks)).collect();
        let loss = |kind: &KindScore| kind.simple_loss + kind.weighted_loss;
        kinds.sort_by(|a, b| loss(b).total_cmp(&loss(a)));
        kinds
    }

    fn kind(&self, marks: &[&Mark]) -> KindScore {
        let lost: f64 = marks.iter().map(|mark| 10.0 - mark.sum).sum();
        KindScore {
            kind: marks[0].kind,
            files: marks.len(),
            perfect: marks.iter().filter(|mark| mark.sum > 10.0 - 1e-9).count(),
            mean: 10.0 - lost / ratio(marks.len(), 1),
            simple_loss: lost / self.files(),
            weighted_loss: marks.iter().map(|mark| (10.0 - mark.sum) * mark.weight).sum::<f64>()
                / self.weight(),
        }
    }

    /// Returns the number of files, and 1 for none.
    fn files(&self) -> f64 {
        ratio(self.marks.len().max(1), 1)
    }

    /// Returns the sum of the weights, and 1 for none.
    fn weight(&self) -> f64 {
        let sum: f64 = self.marks.iter().map(|mark| mark.weight).sum();
        if sum > 0.0 { sum } else { 1.0 }
    }
}

impl fmt::Display for Board {
    /// Writes a table of the kinds, and the totals below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<32} {:>5} {:>7} {:>8} {:>11} {:>13}",
            "kind", "files", "perfect", "mean", "simple loss", "weighted loss"
        )?;
        for kind in self.kinds() {
            writeln!(
                f,
                "{:<32} {:>5} {:>7} {:>8.4} {:>11.4} {:>13.4}",
                kind.kind,
                kind.files,
                kind.perfect,
                kind.mean,
                kind.simple_loss,
                kind.weighted_loss
            )?;
        }
        writeln!(f, "simple {:.4}, weighted {:.4}", self.simple(), self.weighted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    fn score(expected: &str, loaded: &str) -> Score {
        let [expected, loaded] = [table(expected), table(loaded)];
        let [expected, loaded]: [Vec<&[String]>; 2] =
            [&expected, &loaded].map(|table| table.iter().map(Vec::as_slice).collect());
        Score::of(&expected, &loaded)
    }

    #[track_caller]
    fn check(expected: &str, loaded: &str, [header, record, cell]: [[f64; 2]; 3]) {
        let score = score(expected, loaded);
        let found = [
            [score.header_precision, score.header_recall],
            [score.record_precision, score.record_recall],
            [score.cell_precision, score.cell_recall],
        ];
        assert_eq!(found, [header, record, cell]);
        let f1 = |[p, r]: [f64; 2]| if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 };
        assert_eq!(
            [score.header_f1, score.record_f1, score.cell_f1],
            [f1(header), f1(record), f1(cell)]
        );
    }

    #[test]
    fn a_table_in_another_order_is_the_same() {
        assert_eq!(score("a,b\n1,2\n3,4", "b,a\n3,4\n1,2").sum(), 10.0);
    }

    #[test]
    fn a_name_that_was_made_up_costs_the_header_and_a_record() {
        check(
            "1,x\n2,y\n3,z",
            "c0,c1\n1,x\n2,y\n3,z",
            [[0.0, 0.0], [1.0, 2.0 / 3.0], [1.0, 6.0 / 8.0]],
        );
    }

    #[test]
    fn an_empty_cell_too_many_costs_cells_and_no_record() {
        check("a,b\n1,2", "a,b\n1,,2", [[1.0, 1.0], [1.0, 1.0], [1.0, 4.0 / 5.0]]);
    }

    #[test]
    fn cells_that_were_joined_cost_cells_and_no_record_unless_they_are_read_otherwise() {
        check("a,b\nx,y", "a,b\nxy", [[1.0, 1.0], [1.0, 1.0], [0.5, 2.0 / 3.0]]);
        check("a,b\n07,y", "a,b\n07y", [[1.0, 1.0], [0.0, 0.0], [0.5, 2.0 / 3.0]]);
    }

    #[test]
    fn other_spellings_cost_cells_alone() {
        check("A,b\n48.00,1", "a,b\n48.0,1", [[1.0, 1.0], [1.0, 1.0], [0.5, 0.5]]);
    }

    #[test]
    fn a_repeated_record_counts_as_often_as_it_is_there() {
        check("a\nx\nx\ny", "a\nx\ny\ny", [[1.0, 1.0], [2.0 / 3.0, 2.0 / 3.0], [0.75, 0.75]]);
    }

    #[test]
    fn nothing_expected_is_always_met_and_nothing_loaded_never() {
        assert_eq!(score("", "a,b\n1,2").sum(), 10.0);
        assert_eq!(score("a,b", "a,b").sum(), 10.0);
        assert_eq!(score("a,b\n1,2", "").sum(), 1.0);
        assert_eq!(Score::FAILED.sum(), 0.0);
    }

    #[test]
    fn a_board_tells_which_kinds_lose() {
        let mut board = Board::default();
        let full = score("a", "a");
        board.add("good", 3.0, &full);
        board.add("good", 3.0, &full);
        board.add("bad", 2.0, &Score::FAILED);
        board.add("bad", 2.0, &full);

        assert_eq!(board.simple(), 7.5);
        assert_eq!(board.weighted(), 8.0);
        let kinds = board.kinds();
        assert_eq!(
            kinds[0],
            KindScore {
                kind: "bad",
                files: 2,
                perfect: 1,
                mean: 5.0,
                simple_loss: 2.5,
                weighted_loss: 2.0,
            }
        );
        assert_eq!((kinds[1].kind, kinds[1].simple_loss), ("good", 0.0));
    }
}
