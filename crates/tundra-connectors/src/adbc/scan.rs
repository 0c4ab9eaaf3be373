//! Where a statement ends: drivers differ in what they do with what follows, so nothing may.
//!
//! It knows quotes and comments and nothing else of SQL; the database reads the statement.

/// Returns the one statement in a text, without the semicolon and the comments behind it.
///
/// # Errors
/// When there are several, or a quote or a comment is not closed.
pub(super) fn only_statement(sql: &str) -> Result<&str, &'static str> {
    let bytes = sql.as_bytes();
    let mut at = 0;
    // Behind the last character of the statement, and the first semicolon behind it.
    let mut end = 0;
    let mut ended = false;
    while let Some(&byte) = bytes.get(at) {
        let rest = &sql[at..];
        let next = match byte {
            b'-' if rest.starts_with("--") => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            b'/' if rest.starts_with("/*") => {
                at += comment(rest).ok_or("a comment is not closed")?;
                continue;
            }
            b';' => {
                ended = true;
                at += 1;
                continue;
            }
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'\'' | b'"' | b'`' => quoted(rest, byte).ok_or("a quote is not closed")?,
            b'$' => match dollar(rest) {
                Some(tag) => {
                    let body = &rest[tag.len()..];
                    let close = body.find(tag).ok_or("a quote is not closed")?;
                    2 * tag.len() + close
                }
                None => 1,
            },
            // All of a name, so that the `$` within it begins no quote.
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                .unwrap_or(rest.len()),
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        if ended {
            return Err("there is more than one statement");
        }
        at += next;
        end = at;
    }
    Ok(&sql[..end])
}

/// Returns whether a statement is a query by its first word. A name alone would be read as a table where
/// a query stands in brackets.
pub(super) fn is_query(statement: &str) -> bool {
    const FIRST: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];
    let mut rest = statement;
    loop {
        rest = rest.trim_start_matches(|c: char| c == '(' || c.is_ascii_whitespace());
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("/*") {
            let Some(length) = comment(rest) else { return false };
            rest = &rest[length..];
        } else {
            break;
        }
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    FIRST.iter().any(|first| first.eq_ignore_ascii_case(word))
        && !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
}

/// Returns the length of a quoted text. A doubled quote reads as two texts next to each other.
///
/// Where backslashes escape, a text ends too early or too late here. Too early refuses what is right, and
/// too late lets a semicolon through, at which the database refuses the brackets around the statement.
fn quoted(rest: &str, mark: u8) -> Option<usize> {
    let close = rest.bytes().skip(1).position(|byte| byte == mark)?;
    Some(close + 2)
}

/// Returns the length of a comment, in which there may be others.
fn comment(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let here = rest.get(at..)?;
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += here.chars().next()?.len_utf8();
        }
    }
}

/// Returns the mark that begins a quote of PostgreSQL: `$$` or `$name$`.
fn dollar(rest: &str) -> Option<&str> {
    let close = rest.get(1..)?.find('$')? + 1;
    let name = &rest[1..close];
    let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| &rest[..=close])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_follows_a_statement_is_left_out() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("SELECT 1;", "SELECT 1"),
            ("SELECT 1 -- a; b", "SELECT 1"),
            ("SELECT 1 /* a /* b; */ c */ ;\n ; -- d", "SELECT 1"),
            (
                "SELECT ';', \";\", `;`, $$;$$, $a$;$$;$a$",
                "SELECT ';', \";\", `;`, $$;$$, $a$;$$;$a$",
            ),
            ("SELECT 'it''s;'", "SELECT 'it''s;'"),
            ("/* a */ SELECT -- b\n 1", "/* a */ SELECT -- b\n 1"),
            ("SELECT a$b$c FROM d$b$e", "SELECT a$b$c FROM d$b$e"),
            ("SELECT $1", "SELECT $1"),
            ("", ""),
            ("-- nothing", ""),
        ] {
            assert_eq!(only_statement(sql), Ok(expected), "{sql}");
        }
    }

    #[test]
    fn two_statements_are_refused_and_so_is_what_does_not_end() {
        for sql in [
            "SELECT 1; SELECT 2",
            "SELECT 1 /* ; */; -- \n DROP TABLE a",
            ";SELECT 1",
            "SELECT 'open",
            "SELECT \"open",
            "SELECT 1 /* open /* */",
            "SELECT $a$ open $$",
        ] {
            assert!(only_statement(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn a_query_begins_with_one_of_its_words() {
        for sql in
            ["select 1", "(SELECT 1)", "-- a\n /* b */ WITH a AS (SELECT 1) SELECT 1", "VALUES (1)"]
        {
            assert!(is_query(sql), "{sql}");
        }
        for sql in [
            "",
            "ROLLBACK",
            "orders",
            "selected",
            "SELECT_1",
            "select.a",
            "-- SELECT",
            "DELETE FROM a",
        ] {
            assert!(!is_query(sql), "{sql}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(sql in "([a'\"`$;/*\\-\n ä]|--|/\\*|\\*/){0,40}") {
            if let Ok(statement) = only_statement(&sql) {
                prop_assert!(sql.starts_with(statement));
                is_query(statement);
            }
        }
    }
}
