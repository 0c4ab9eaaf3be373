//! What becomes of every type of a database, as the rows of a table.
//!
//! Each connector lists its rows beside the code that decodes them, and `docs/TYPES.md` is generated
//! from [`type_tables`]. Nothing here decides anything: a row says what the decoder does, and the tests
//! of the decoder hold the two together.

use std::fmt::Write;

/// How a type of a database is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Every value is the same in the output.
    Lossless,
    /// Most values are; the others follow `OnLossy`. Says which those are.
    Policy(&'static str),
    /// As the text that the server prints.
    Text,
}

/// One type of a database and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeRow {
    /// The type as the database names it.
    pub source: &'static str,
    /// The type of the column, as `--type` names it.
    pub target: &'static str,
    /// How it is kept.
    pub kept: Kept,
}

/// The types of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeTable {
    /// The database, as a heading.
    pub database: &'static str,
    /// What holds for all its rows; one sentence per line.
    pub notes: &'static str,
    /// Its types, in the order of its own documentation.
    pub rows: &'static [TypeRow],
}

/// Returns the types of every database that this build has a connector for.
pub const fn type_tables() -> &'static [TypeTable] {
    &[
        #[cfg(feature = "postgresql")]
        crate::postgresql::TYPES,
        #[cfg(feature = "postgresql")]
        crate::postgresql::REDSHIFT_TYPES,
        #[cfg(feature = "mysql")]
        crate::mysql::TYPES,
        #[cfg(feature = "sqlite")]
        crate::sqlite::TABLE,
    ]
}

impl TypeRow {
    /// Returns a row whose values are all the same in the output.
    pub const fn lossless(source: &'static str, target: &'static str) -> Self {
        Self { source, target, kept: Kept::Lossless }
    }

    /// Returns a row of which some values follow `OnLossy`; `values` says which those are.
    pub const fn policy(source: &'static str, target: &'static str, values: &'static str) -> Self {
        Self { source, target, kept: Kept::Policy(values) }
    }

    /// Returns a row whose values are kept as the text that the server prints.
    pub const fn text(source: &'static str) -> Self {
        Self { source, target: "VARCHAR", kept: Kept::Text }
    }
}

impl TypeTable {
    /// Returns the table as a section of Markdown, one sentence per line.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.database);
        if !self.notes.is_empty() {
            text.push_str(self.notes.trim());
            text.push_str("\n\n");
        }
        text.push_str("| Type | Column | Kept |\n| --- | --- | --- |\n");
        for row in self.rows {
            let kept = match row.kept {
                Kept::Lossless => "lossless".to_owned(),
                Kept::Policy(values) => format!("lossless; `--on-lossy` for {values}"),
                Kept::Text => "as the server's text".to_owned(),
            };
            // Writing to a `String` does not fail.
            let _ = writeln!(
                text,
                "| {} | `{}` | {} |",
                cell(row.source),
                cell(row.target),
                cell(&kept)
            );
        }
        text
    }
}

/// Returns the text as one cell: a bar would begin the next one.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_in_a_type_stays_in_its_cell() {
        const ROWS: &[TypeRow] = &[TypeRow::policy("a|b", "BIGINT", "what is too long")];
        let table = TypeTable { database: "Some", notes: "", rows: ROWS };
        assert_eq!(
            table.markdown(),
            "## Some\n\n| Type | Column | Kept |\n| --- | --- | --- |\n\
             | a\\|b | `BIGINT` | lossless; `--on-lossy` for what is too long |\n"
        );
    }
}
