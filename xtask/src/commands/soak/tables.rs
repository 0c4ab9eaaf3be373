//! The tables that are sent. Each follows from its seed, so that whoever reads it back makes it anew: `check.py`
//! has the same rule.

use std::fmt::Write as _;

/// A table of an id, a text and a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) seed: u64,
    pub(super) rows: u64,
}

impl Table {
    /// Returns the table of a seed: mostly small ones, and now and then one of thousands of rows.
    pub(super) fn of(seed: u64) -> Self {
        let rows = if seed % 50 == 49 { 20_000 } else { 1 + seed * 37 % 400 };
        Self { seed, rows }
    }

    fn name(self, id: u64) -> String {
        format!("näme, \"{}\"", (self.seed * 31 + id * 17) % 1000)
    }

    fn day(self, id: u64) -> u64 {
        1 + (self.seed + id) % 28
    }

    pub(super) fn csv(self) -> Vec<u8> {
        let mut text = String::from("id,name,day\n");
        for id in 1..=self.rows {
            let name = self.name(id).replace('"', "\"\"");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{id},\"{name}\",2026-01-{:02}", self.day(id));
        }
        text.into_bytes()
    }

    pub(super) fn ndjson(self) -> Vec<u8> {
        let mut text = String::new();
        for id in 1..=self.rows {
            let name = self.name(id).replace('"', "\\\"");
            let day = self.day(id);
            let _ =
                writeln!(text, "{{\"id\":{id},\"name\":\"{name}\",\"day\":\"2026-01-{day:02}\"}}");
        }
        text.into_bytes()
    }

    /// A CSV with a record in it that has a field too many.
    pub(super) fn broken(self) -> Vec<u8> {
        let mut text = self.csv();
        text.extend_from_slice(b"1,2,3,4,5\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_in_both_forms() {
        let table = Table { seed: 1, rows: 1 };
        assert_eq!(
            String::from_utf8(table.csv()).unwrap(),
            "id,name,day\n1,\"näme, \"\"48\"\"\",2026-01-03\n"
        );
        assert_eq!(
            String::from_utf8(table.ndjson()).unwrap(),
            "{\"id\":1,\"name\":\"näme, \\\"48\\\"\",\"day\":\"2026-01-03\"}\n"
        );
    }
}
