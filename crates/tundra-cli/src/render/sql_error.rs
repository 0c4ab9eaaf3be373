//! What is wrong with a query, with a mark under the place.
//!
//! Start at [`sql_error`]. The engine shows the line and marks the place below it; here both are fitted to the
//! terminal, so that the mark stands where it belongs whatever the line holds.

use std::io::{self, IsTerminal};

use unicode_width::UnicodeWidthChar;

use crate::{printer::printable, render::table::INDENT};

/// What stands before the line and its mark.
const LINE: &str = "\n\nLINE ";

/// Columns of a line where there is no terminal to say how many.
const WIDE: usize = 120;

/// The fewest columns that a line is cut to.
const NARROW: usize = 24;

/// Marks what is cut.
const CUT: char = '…';

/// Returns the columns of the terminal that shows errors.
pub(crate) fn error_width() -> usize {
    let stderr = io::stderr();
    if !stderr.is_terminal() {
        return WIDE;
    }
    terminal_size::terminal_size_of(stderr).map_or(WIDE, |(width, _)| width.0.into())
}

/// Returns the engine's words about a query, line by line, with the place as it is seen.
pub(crate) fn sql_error(message: &str, width: usize) -> String {
    let (said, place) = match message.rsplit_once(LINE) {
        Some((said, shown)) => match Place::read(shown) {
            Some(place) => (said, Some(place)),
            None => (message, None),
        },
        None => (message, None),
    };
    let mut lines = said.trim_end().lines().map(|line| printable(&line.replace('\t', INDENT)));
    let mut text = lines.next().unwrap_or_default();
    for line in lines {
        let indent = if line.is_empty() { "" } else { INDENT };
        text.push_str(&format!("\n{indent}{line}"));
    }
    if let Some(place) = place {
        text.push_str(&format!("\n\n{}", place.drawn(width)));
    }
    text
}

/// A line of a query and the characters of it that are marked.
struct Place {
    number: String,
    line: Vec<char>,
    marked: std::ops::Range<usize>,
}

impl Place {
    /// Reads `1: SELECT x` with a mark of `^` on the next line.
    fn read(shown: &str) -> Option<Self> {
        let (number, rest) = shown.split_once(": ")?;
        let (line, mark) = rest.split_once('\n')?;
        let before = "LINE ".len() + number.len() + ": ".len();
        let mark = mark.trim_end();
        let from = mark.find('^')?.checked_sub(before)?;
        let until = mark.len().checked_sub(before)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit())
            || !mark.trim_start_matches(' ').bytes().all(|byte| byte == b'^')
        {
            return None;
        }
        let line: Vec<char> = line.chars().collect();
        // The engine counts columns, and takes none for a control character.
        let mut column = 0;
        let mut columns = Vec::with_capacity(line.len() + 1);
        for character in &line {
            columns.push(column);
            column += character.width().unwrap_or(0);
        }
        columns.push(column);
        // Nothing that is wrong begins with a blank.
        let is_blank = |at: usize| line.get(at).is_some_and(|it| it.is_whitespace());
        let mut begin = columns.iter().position(|column| *column >= from)?;
        while is_blank(begin) && columns.get(begin + 1) == Some(&columns[begin]) {
            begin += 1;
        }
        let end = columns.iter().position(|column| *column >= until).unwrap_or(line.len());
        Some(Self { number: number.to_owned(), marked: begin..end.max(begin + 1), line })
    }

    /// Returns the line, as much of it as there is room for, and the mark.
    fn drawn(&self, width: usize) -> String {
        let label = format!("{INDENT}LINE {}: ", self.number);
        let room = width.saturating_sub(label.len()).max(NARROW);
        let cells: Vec<String> = self.line.iter().map(|character| seen(*character)).collect();
        let widths: Vec<usize> = cells.iter().map(|cell| columns_of(cell)).collect();
        let sum = |range: std::ops::Range<usize>| -> usize {
            widths.get(range).map_or(0, |widths| widths.iter().sum())
        };
        let end = self.line.len();
        let begin = self.marked.start.min(end);
        let (mut from, mut until) = (0, end);
        if sum(0..end) > room {
            // About half of the room is for what stands before the mark.
            while sum(from..begin) > room / 2 {
                from += 1;
            }
            while sum(from..until) + 2 > room && until > begin + 1 {
                until -= 1;
            }
        }
        let cut = |is_cut: bool| if is_cut { CUT.to_string() } else { String::new() };
        let (left, right) = (cut(from > 0), cut(until < end));
        let before = label.len() + usize::from(from > 0) + sum(from..begin);
        let marks = sum(begin..self.marked.end.min(until)).max(1);
        format!(
            "{label}{left}{}{right}\n{}{}",
            cells[from..until].concat(),
            " ".repeat(before),
            "^".repeat(marks),
        )
    }
}

/// Returns a character as it is shown: a tab is a blank, and other control characters are escaped.
fn seen(character: char) -> String {
    match character {
        '\t' => " ".to_owned(),
        other => printable(&other.to_string()),
    }
}

fn columns_of(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_the_place() {
        let said =
            "no \"nam\"!\nCandidates: \"name\"\n\nLINE 1: SELECT nam FROM x\n               ^^^";
        insta::assert_snapshot!(sql_error(said, 80), @r#"
        no "nam"!
          Candidates: "name"

          LINE 1: SELECT nam FROM x
                         ^^^
        "#);
    }

    #[test]
    fn tabs_and_wide_characters_do_not_move_it() {
        let said = "no\n\nLINE 3: WHERE\tnam = 3\n             ^^^";
        assert_eq!(sql_error(said, 80), "no\n\n  LINE 3: WHERE nam = 3\n                ^^^");
        let said = "no\n\nLINE 1: '日本', nam\n                ^^^";
        assert_eq!(sql_error(said, 80), "no\n\n  LINE 1: '日本', nam\n                  ^^^");
    }

    #[test]
    fn long_lines_are_cut_around_it() {
        let line = format!("{}nam{}", "a, ".repeat(40), " b".repeat(40));
        let said = format!("no\n\nLINE 1: {line}\n{}^^^", " ".repeat(8 + 120));
        for width in [1, 40, 60, 80, 400] {
            let shown = sql_error(&said, width);
            let lines: Vec<&str> = shown.lines().collect();
            let (line, mark) = (lines[2], lines[3]);
            let at = mark.find('^').unwrap();
            let marked: String = line.chars().skip(at).take(mark.len() - at).collect();
            assert_eq!(marked, "nam", "{shown}");
            assert!(columns_of(line) <= width.max(NARROW + 10), "{width}:\n{shown}");
        }
    }

    #[test]
    fn what_is_no_place_is_shown_line_by_line() {
        assert_eq!(sql_error("a\n\tb\u{1b}", 80), "a\n    b\\u{1b}");
        assert_eq!(sql_error("a\n\nLINE x", 80), "a\n\n  LINE x");
    }
}
