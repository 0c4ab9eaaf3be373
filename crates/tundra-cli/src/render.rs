//! What results look like to a person.
//!
//! Start at [`summary()`] and [`inspection()`]: they make text of what the engine returns and print
//! nothing. Programs get the same as JSON, which is not made here.

mod catalog;
mod database;
mod diff;
mod inspection;
mod listing;
mod readers;
mod reference;
mod rows;
mod server;
mod sql_error;
mod summary;
mod table;

use std::io::{self, IsTerminal};

use bytesize::ByteSize;

pub(crate) use self::{
    catalog::{
        collected, collected_summary, outcome, rolled_back, source, source_removed, sources,
        version_diff, versions,
    },
    database::{Connection, connection, connectors, dumped, extracted, file_stem, tables, types},
    diff::diff,
    inspection::{View, inspection, schema_written},
    listing::{Listed, cleaned, listing, locations, long_listing, moment, signed, uploads},
    readers::checked,
    reference::reference,
    rows::{answered, rows, schema},
    server::{Finding, Serving, findings, key_created, key_revoked, key_state, keys, serving},
    sql_error::{error_width, sql_error},
    summary::{
        doubt_warnings, drift_warnings, event_warnings, left_out_warnings, reader_notes, summary,
    },
};

/// Returns the width of the terminal that shows standard output, if one does.
pub(crate) fn terminal_width() -> Option<u16> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(stdout).map(|(width, _)| width.0)
}

/// Returns the number with a comma between groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the number with what it counts, in the right number.
pub(crate) fn counted(number: u64, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", grouped(number))
}

/// Returns the number of bytes in the unit that fits.
pub(crate) fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// Returns the text on one line, with every control character escaped, and shortened to `limit`
/// characters if there is a limit.
pub(crate) fn one_line(text: &str, limit: Option<usize>) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if limit.is_some_and(|limit| count >= limit) {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits_by_three() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (6_001_215, "6,001,215"),
            (123_456, "123,456"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn counts_in_the_right_number() {
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(counted(1200, "row"), "1,200 rows");
    }

    #[test]
    fn cells_are_on_one_line_and_short() {
        assert_eq!(one_line("a\nb\u{1b}", None), "a\\nb\\u{1b}");
        assert_eq!(one_line("äöüß", Some(3)), "äöü…");
        assert_eq!(one_line("äöü", Some(3)), "äöü");
    }
}
