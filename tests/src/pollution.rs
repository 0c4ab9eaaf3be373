//! Damaged delimited files, each with one fault, and the table that each should become.
//!
//! The kinds of damage are those of the Pollock benchmark (Vitagliano et al., "Pollock: A Data
//! Loading Benchmark", VLDB 2023), with their frequency in real files as weights; the tables are our
//! own. A table is what its author meant: a delimiter that is missing is back, one too many is gone,
//! a row that was written with blanks is a row like the others. Only a stray quote stays, as text.
//! Nothing is random: the same call yields the same bytes.
//!
//! Start at [`files`], or at [`files_of`] with another [`Source`]. [`load`] is what Tundra makes of
//! one file, and [`crate::score`] says how good that is.

mod duckdb;
mod further;
mod load;
mod row;
mod source;
mod whole;
mod write;

use std::{collections::HashMap, sync::Arc};

pub use self::{
    duckdb::{load_all_with_duckdb, made_up_by_duckdb},
    load::{Loaded, load, load_all},
    source::{Cell, Source, prices, shipments},
};

/// A kind of damage, and how often it was met among the files of public data portals.
type Kind = (&'static str, f64);

/// The kinds of the benchmark. The weight of a kind is shared by its files.
const KINDS: [Kind; 26] = [
    ("source", 1.0),
    ("no_payload", 15.0),
    ("no_trailing_newline", 184.0),
    ("double_trailing_newline", 5.0),
    ("no_header", 470.0),
    ("header_multirow_2", 47.0),
    ("header_multirow_3", 47.0),
    ("preamble", 282.0),
    ("multitable_less", 188.0 / 3.0),
    ("multitable_same", 188.0 / 3.0),
    ("multitable_more", 188.0 / 3.0),
    ("header_only", 3.0),
    ("one_data_row", 4.0),
    ("record_delimiter_lf", 1691.0),
    ("record_delimiter_cr", 7.0),
    ("field_delimiter_semicolon", 834.0),
    ("field_delimiter_tab", 4.0),
    ("field_delimiter_comma_blank", 101.0),
    ("field_delimiter_blank", 4.0),
    ("quotation_char_apostrophe", 11.0),
    ("escape_char_backslash", 1.0),
    ("escape_char_none", 7.0),
    // 672, 756, 756 and 84 files of 260 / 707, 260 / 707, 1 / 108 and 1 / 7 each.
    ("row_less_sep", 247.128_713),
    ("row_more_sep", 278.019_802),
    ("row_extra_quote", 7.0),
    ("row_field_delimiter", 12.0),
];

/// A damaged file.
#[derive(Debug, Clone)]
pub struct Polluted {
    /// The kind of damage.
    pub kind: &'static str,
    /// The name of the file, which says where the damage is.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// What it should become.
    pub expected: Arc<Expected>,
    /// How much it counts; 0 for what the benchmark does not have.
    pub weight: f64,
}

/// A table as its author meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The names of the columns; empty when the file does not name them.
    pub header: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Expected {
    /// Returns the table as lines: the names, if there are any, and the rows.
    #[must_use]
    pub fn lines(&self) -> Vec<&[String]> {
        let header = (!self.header.is_empty()).then_some(self.header.as_slice());
        header.into_iter().chain(self.rows.iter().map(Vec::as_slice)).collect()
    }
}

/// Returns every damaged file of the benchmark, made of [`shipments`].
#[must_use]
pub fn files() -> Vec<Polluted> {
    files_of(&shipments())
}

/// Returns every damaged file of the benchmark, made of the given table.
#[must_use]
pub fn files_of(source: &Source) -> Vec<Polluted> {
    let mut files = whole::files(source);
    files.extend(row::files(source));
    let weights = HashMap::from(KINDS);
    let mut counts: HashMap<&str, f64> = HashMap::new();
    for file in &files {
        *counts.entry(file.kind).or_default() += 1.0;
    }
    for file in &mut files {
        file.weight = weights[file.kind] / counts[file.kind];
    }
    files
}

/// Returns files with damage that the benchmark does not have; they weigh nothing.
#[must_use]
pub fn further_files_of(source: &Source) -> Vec<Polluted> {
    further::files(source)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_is_there_with_its_weight() {
        for source in [shipments(), prices()] {
            let files = files_of(&source);

            let lines = source.rows.len() + 1;
            let columns = source.header.len();
            assert_eq!(files.len(), 22 + lines * (columns * 3 - 1) + lines);
            let total: f64 = files.iter().map(|file| file.weight).sum();
            assert!((total - 4_450.148_515).abs() < 1e-6, "{total}");
            for (kind, weight) in KINDS {
                let of_kind: f64 =
                    files.iter().filter(|file| file.kind == kind).map(|file| file.weight).sum();
                assert!((of_kind - weight).abs() < 1e-6, "{kind} weighs {of_kind}");
            }
        }
    }

    #[test]
    fn every_file_has_a_name_and_bytes_of_its_own() {
        for source in [shipments(), prices()] {
            let mut files = files_of(&source);
            files.extend(further_files_of(&source));

            let names: HashSet<_> = files.iter().map(|file| &file.name).collect();
            assert_eq!(names.len(), files.len());
            let bytes: HashSet<_> = files.iter().map(|file| &file.bytes).collect();
            assert_eq!(bytes.len(), files.len());
        }
    }

    #[test]
    fn the_same_call_yields_the_same_bytes() {
        let bytes = |files: Vec<Polluted>| -> Vec<_> {
            files.into_iter().map(|file| (file.name, file.bytes)).collect()
        };

        assert!(bytes(files()) == bytes(files()));
    }
}
