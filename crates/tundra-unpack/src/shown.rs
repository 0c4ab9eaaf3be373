//! Names of members as a person may safely see them.

use std::fmt::Write as _;

/// Characters of a name that are shown.
const SHOWN: usize = 100;

/// Returns a name with what a terminal would act on, and what is no UTF-8, written as an escape, and
/// shortened. Names are whatever somebody put into an archive.
pub fn shown(name: &[u8]) -> String {
    let mut text = escaped(name);
    if let Some((end, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Returns a name as [`shown`], in full.
pub(crate) fn escaped(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            // Characters that change the direction of what stands beside them hide what a name is.
            let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if character.is_control() || turns || character == '`' {
                text.extend(character.escape_unicode());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Lists names, at most ten of them.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a [u8]>) -> String {
    const LISTED: usize = 10;
    let mut text = String::new();
    let mut left = 0;
    for (number, name) in names.enumerate() {
        if number >= LISTED {
            left += 1;
            continue;
        }
        let _ = write!(text, "{}`{}`", if number > 0 { ", " } else { "" }, shown(name));
    }
    if left > 0 {
        let _ = write!(text, " and {left} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_reaches_a_terminal_as_a_command() {
        assert_eq!(shown(b"a\x1b[2J\n.csv"), "a\\u{1b}[2J\\u{a}.csv");
        assert_eq!(shown("a\u{202e}vsc.exe".as_bytes()), "a\\u{202e}vsc.exe");
        assert_eq!(shown(b"\xff`.csv"), "\\xff\\u{60}.csv");
        assert_eq!(shown(&[b'x'; 70_000]).chars().count(), SHOWN + 1);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<Vec<u8>> = (0..13).map(|n| format!("{n}").into_bytes()).collect();
        assert!(listed(names.iter().map(Vec::as_slice)).ends_with("`9` and 3 more"));
    }
}
