//! Whether a query of a user only reads.
//!
//! The transaction is read-only, and the server refuses what writes to tables, and two statements in
//! one. What is looked for here is what it would do all the same: write a file of its own, read beside
//! the snapshot, or change something that is in no table. The text is read as the server reads it:
//! quotes, and comments that it runs.

use crate::mysql::failure::Failure;

/// The words with which a statement that only reads begins.
const READERS: [&str; 8] =
    ["SELECT", "WITH", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"];

/// Returns the query without what stands behind its end, or refuses it.
pub(super) fn only_reads(text: &str) -> Result<&str, Failure> {
    let words = Words::new(text);
    let mut end = 0;
    let mut has_begun = false;
    let mut before: Option<&str> = None;
    let mut ended = false;
    for word in words {
        let word = word?;
        if ended {
            return Err(Failure::Request {
                message: "there are two statements in the query".to_owned(),
                hint: Some("run one statement at a time".to_owned()),
            });
        }
        if word.text == ";" {
            ended = true;
            continue;
        }
        end = word.end;
        if !has_begun && word.text != "(" {
            has_begun = true;
            if !READERS.iter().any(|it| it.eq_ignore_ascii_case(word.text)) {
                let shown: String = word.text.chars().take(20).collect();
                return Err(refused(&format!("a statement that begins with `{shown}` may write")));
            }
        }
        if word.is_bare {
            let is = |expected: &str| word.keyword().eq_ignore_ascii_case(expected);
            let follows =
                |expected: &str| before.is_some_and(|it| it.eq_ignore_ascii_case(expected));
            if is("INTO") {
                return Err(refused("`INTO` writes to a file or a variable of the server"));
            }
            if follows("FOR") && (is("UPDATE") || is("SHARE")) || follows("LOCK") && is("IN") {
                return Err(refused("rows that are locked are read beside the snapshot"));
            }
        }
        before = word.is_bare.then_some(word.keyword());
    }
    if has_begun {
        Ok(text.get(..end).unwrap_or(text))
    } else {
        Err(Failure::request("the query is empty"))
    }
}

fn refused(why: &str) -> Failure {
    Failure::Request {
        message: format!("the query is refused: {why}"),
        hint: Some("Tundra runs statements that only read, such as SELECT".to_owned()),
    }
}

/// A word, a sign, or a text in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word<'a> {
    text: &'a str,
    /// It is a word without quotes, and no part of a name behind a point.
    is_bare: bool,
    /// Where it ends in the query.
    end: usize,
}

impl<'a> Word<'a> {
    /// Returns what the server may read as a word of SQL: a number needs no blank behind it, so that
    /// `1.5INTO` and `1e5INTO` are two words to it.
    fn keyword(&self) -> &'a str {
        if !self.text.starts_with(|it: char| it.is_ascii_digit()) {
            return self.text;
        }
        self.text.trim_start_matches(|it: char| it.is_ascii_digit() || matches!(it, 'e' | 'E'))
    }
}

/// The words of a query, one after another.
struct Words<'a> {
    text: &'a str,
    at: usize,
    behind_point: bool,
    /// The word before begins with a digit; a point behind it is the number's.
    behind_number: bool,
}

impl<'a> Words<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0, behind_point: false, behind_number: false }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Moves behind blanks and comments.
    fn skip(&mut self) -> Result<(), Failure> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let dashes = trimmed
                .strip_prefix("--")
                .is_some_and(|after| after.chars().next().is_none_or(|it| it <= ' '));
            if trimmed.starts_with('#') || dashes {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                if comment.starts_with('!') || comment.starts_with("M!") {
                    return Err(refused("the server runs what stands in `/*! */`"));
                }
                let length = comment.find("*/").ok_or_else(|| {
                    Failure::request("the query has a comment that is not closed")
                })?;
                self.at += length + 4;
            } else {
                return Ok(());
            }
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Result<Word<'a>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(failure) = self.skip() {
            self.at = self.text.len();
            return Some(Err(failure));
        }
        let rest = self.rest();
        let first = rest.chars().next()?;
        let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
        let length = match first {
            // Of `\NINTO` a server makes `NULL` and `INTO`.
            '\\' => {
                self.at = self.text.len();
                return Some(Err(refused("a backslash outside of quotes is read in two ways")));
            }
            '\'' | '"' | '`' => match quoted(rest, first) {
                Some(length) => length,
                None => {
                    self.at = self.text.len();
                    return Some(Err(Failure::request("the query has a quote that is not closed")));
                }
            },
            _ if is_word(first) => rest.find(|it| !is_word(it)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (text, behind) = rest.split_at_checked(length).unwrap_or_default();
        // With `ANSI_QUOTES` a backslash escapes nothing there, and the name ends at the next quote.
        if first == '"' && text.contains('\\') {
            self.at = self.text.len();
            return Some(Err(refused(
                "a backslash in double quotes is read in two ways; use single quotes",
            )));
        }
        let is_number = first.is_ascii_digit();
        let is_bare = is_word(first) && (is_number || !self.behind_point);
        self.behind_point = match text {
            "." => !self.behind_number,
            // Only what follows at once is the name of a variable.
            "@" => behind.starts_with(|it: char| is_word(it) || matches!(it, '\'' | '"' | '`')),
            _ => false,
        };
        self.behind_number = is_number;
        self.at += length;
        Some(Ok(Word { text, is_bare, end: self.at }))
    }
}

/// Returns the length of a text in quotes. A backslash escapes, because our sessions are without the mode
/// in which it does not.
fn quoted(text: &str, mark: char) -> Option<usize> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && mark != '`' {
            characters.next();
        } else if character == mark {
            match characters.peek() {
                Some((_, next)) if *next == mark => {
                    characters.next();
                }
                _ => return Some(at + mark.len_utf8()),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_read_are_taken_without_their_end() {
        for (text, expected) in [
            ("SELECT 1", "SELECT 1"),
            (" select a from t; ", " select a from t"),
            ("(SELECT 1) UNION (SELECT 2);-- done", "(SELECT 1) UNION (SELECT 2)"),
            ("WITH a AS (SELECT 1) SELECT * FROM a # why", "WITH a AS (SELECT 1) SELECT * FROM a"),
            ("SELECT ';', \"into\", `into`, t.into /* into; */ FROM t", ""),
            ("SELECT 'it''s; \\'; INTO' FROM t", ""),
            ("TABLE t", "TABLE t"),
            ("SELECT 1--1", "SELECT 1--1"),
        ] {
            let expected = if expected.is_empty() { text } else { expected };
            assert_eq!(only_reads(text).expect("it only reads"), expected, "{text}");
        }
    }

    #[test]
    fn what_writes_or_does_two_things_is_refused() {
        for text in [
            "",
            " -- nothing",
            "DELETE FROM t",
            "INSERT INTO t VALUES (1)",
            "CALL p()",
            "SET GLOBAL x = 1",
            "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t",
            "SELECT 1; SELECT 2",
            "SELECT 1; DROP TABLE t",
            "SELECT * FROM t INTO OUTFILE '/tmp/x'",
            "SELECT a INTO @b FROM t",
            "SELECT * FROM t FOR UPDATE",
            "SELECT * FROM t FOR SHARE",
            "SELECT * FROM t LOCK IN SHARE MODE",
            "SELECT 1. INTO OUTFILE '/tmp/x'",
            "SELECT 1.INTO OUTFILE '/tmp/x'",
            "SELECT 1.5INTO OUTFILE '/tmp/x'",
            "SELECT .5INTO OUTFILE '/tmp/x'",
            "SELECT 1e5INTO OUTFILE '/tmp/x'",
            "SELECT \\NINTO OUTFILE '/tmp/x'",
            "SELECT @ INTO OUTFILE '/tmp/x'",
            "SELECT @/**/INTO OUTFILE '/tmp/x'",
            "SELECT 1 AS \"a\\\" INTO OUTFILE '/tmp/x' -- \"",
            "SELECT 1.5FOR UPDATE",
            "SELECT 1 /*! INTO OUTFILE '/tmp/x' */",
            "SELECT 1 /*M!100000 INTO OUTFILE '/tmp/x' */",
            "SELECT 'open",
            "SELECT 1 /* open",
            "ANALYZE SELECT 1",
        ] {
            assert!(only_reads(text).is_err(), "{text}");
        }
    }
}
