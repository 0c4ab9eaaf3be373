//! Telling Rust code from the text inside it.

use std::iter;

/// Returns `source` with the contents of comments, strings and characters replaced by spaces. Every
/// byte stays where it is, so that a place found in one is a place in the other.
pub(super) fn code_only(source: &str) -> String {
    blank(source, false)
}

/// Like [`code_only`], but string literals stay.
pub(super) fn without_comments(source: &str) -> String {
    blank(source, true)
}

fn blank(source: &str, keep_strings: bool) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, keep) = match token(&chars, at) {
            Token::Code(end) => (end, true),
            Token::Comment(end) => (end, false),
            Token::Literal(end) => (end, keep_strings),
        };
        for &char in &chars[at..end] {
            if keep || char == '\n' {
                out.push(char);
            } else {
                out.extend(iter::repeat_n(' ', char.len_utf8()));
            }
        }
        at = end;
    }
    out
}

/// What starts at a place, with where it ends.
enum Token {
    Code(usize),
    Comment(usize),
    Literal(usize),
}

fn token(chars: &[char], at: usize) -> Token {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => Token::Comment(find(chars, at, |rest| rest[0] == '\n')),
        '/' if next == Some('*') => Token::Comment(block_comment(chars, at)),
        '"' => Token::Literal(quoted(chars, at + 1, '"')),
        'r' if !is_within_word(chars, at) => match raw_string(chars, at + 1) {
            Some(end) => Token::Literal(end),
            None => Token::Code(at + 1),
        },
        'b' if next == Some('r') && !is_within_word(chars, at) => match raw_string(chars, at + 2) {
            Some(end) => Token::Literal(end),
            None => Token::Code(at + 1),
        },
        '\'' => character(chars, at),
        _ => Token::Code(at + 1),
    }
}

fn is_within_word(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

/// Returns where `is_end` first holds, or the end of the text.
fn find(chars: &[char], from: usize, is_end: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|&at| is_end(&chars[at..])).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        if chars[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if chars[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    chars.len()
}

/// Returns the place behind the closing quote.
fn quoted(chars: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            char if char == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Returns the place behind a raw string whose `#` or `"` stands at `from`, if one does.
fn raw_string(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from.min(chars.len())..].iter().take_while(|&&char| char == '#').count();
    if chars.get(from + hashes) != Some(&'"') {
        return None;
    }
    let mut close = vec!['"'];
    close.resize(hashes + 1, '#');
    let text = from + hashes + 1;
    let end = find(chars, text, |rest| rest.starts_with(&close));
    Some((end + close.len()).min(chars.len()))
}

/// A quote begins a character or a lifetime; only a character has a closing quote.
fn character(chars: &[char], at: usize) -> Token {
    let is_escape = chars.get(at + 1) == Some(&'\\');
    if is_escape || chars.get(at + 2) == Some(&'\'') {
        Token::Literal(quoted(chars, at + 1, '\''))
    } else {
        Token::Code(at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, code: &str) {
        assert_eq!(code_only(source), code);
    }

    #[test]
    fn comments_become_spaces_and_lines_stay() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
    }

    #[test]
    fn strings_become_spaces() {
        check(r#"f("a // \" b", c)"#, "f(           , c)");
        check("f(r#\"a \" b\"#, c)", "f(          , c)");
        check("f(br\"a\\\", c)", "f(      , c)");
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        check("f::<'a>('\"', '\\'', b)", "f::<'a>(   ,     , b)");
    }

    #[test]
    fn a_word_that_ends_in_r_begins_no_raw_string() {
        check("for\"x\"", "for   ");
    }

    #[test]
    fn strings_stay_where_only_comments_go() {
        assert_eq!(without_comments("f(\"a // b\") // c"), "f(\"a // b\")     ");
    }

    #[test]
    fn text_that_ends_early_is_no_reason_to_fail() {
        for source in ["\"ä", "/* a", "r#\"a", "'\\", "br", "r"] {
            assert_eq!(code_only(source).len(), source.len(), "{source}");
        }
    }
}
