//! Words that stand for nulls because somebody said so.

use std::sync::Arc;

use crate::read::csv::tokenize::Span;

/// The words. A field is one of them only as a whole, in the same case, and without quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NullWords {
    words: Arc<[Box<[u8]>]>,
    /// A bit for each length that a word has, the last one for all that are longer.
    lengths: u64,
}

impl NullWords {
    /// Makes them of words as they stand in the decoded text.
    pub(crate) fn new(words: &[String]) -> Self {
        let lengths = words.iter().fold(0, |bits, word| bits | length_bit(word.len()));
        let words = words.iter().map(|word| word.as_bytes().into()).collect();
        Self { words, lengths }
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Returns whether a field is one of them.
    #[inline]
    pub(crate) fn has(&self, span: Span, bytes: &[u8]) -> bool {
        if self.lengths == 0 || span.is_quoted() {
            return false;
        }
        let text = span.of(bytes);
        self.lengths & length_bit(text.len()) != 0 && self.words.iter().any(|word| **word == *text)
    }
}

fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_null_word_as_a_whole_and_without_quotes() {
        let words = NullWords::new(&["NA".to_owned(), "-999".to_owned(), "x".repeat(80)]);
        let bytes = format!("NA -999 {}", "x".repeat(80));
        let bytes = bytes.as_bytes();
        assert!(words.has(Span::plain(0, 2), bytes));
        assert!(words.has(Span::plain(3, 7), bytes));
        assert!(words.has(Span::plain(8, 88), bytes));
        assert!(!words.has(Span::plain(8, 87), bytes));
        assert!(!words.has(Span::plain(4, 7), bytes));
        assert!(!words.has(Span::quoted(0, 2, false), bytes));
        assert!(!NullWords::default().has(Span::plain(0, 2), bytes));
    }
}
