//! Words that stand for yes and no, and words that usually stand for nothing.

/// Pairs of words, the one for yes first. `true` and `false` are not among them, because they say
/// all by themselves what they are.
const PAIRS: [[&str; 2]; 4] = [["yes", "no"], ["y", "n"], ["t", "f"], ["on", "off"]];

/// Words that people and programs write for nulls.
const NULLS: [&[u8]; 12] = [
    b"NULL", b"null", b"Null", b"NA", b"N/A", b"n/a", b"#N/A", b"\\N", b"None", b"none", b"-",
    b"--",
];

/// A pair of words for yes and no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair(u8);

impl Pair {
    /// Returns the pair that a word is of, and whether it means yes. It is written in lower case, in
    /// upper case or with a capital.
    pub(crate) fn of(text: &[u8]) -> Option<(Self, bool)> {
        if text.len() > 3 || !is_of_one_case(text) {
            return None;
        }
        (0..).zip(PAIRS).find_map(|(index, [yes, no])| {
            let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
            (is(yes) || is(no)).then(|| (Self(index), is(yes)))
        })
    }

    /// Reads a word of the pair.
    pub(crate) fn read(self, text: &[u8]) -> Option<bool> {
        let (pair, is_yes) = Self::of(text)?;
        (pair == self).then_some(is_yes)
    }

    /// Returns both words, the one for yes first.
    pub(crate) fn words(self) -> [&'static str; 2] {
        PAIRS[usize::from(self.0)]
    }

    /// Reads a pair as it is printed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (yes, no) = text.split_once('/')?;
        (0..).zip(PAIRS).find(|(_, pair)| *pair == [yes, no]).map(|(index, _)| Self(index))
    }
}

fn is_of_one_case(text: &[u8]) -> bool {
    let behind = &text[text.len().min(1)..];
    text.iter().all(u8::is_ascii_uppercase) || behind.iter().all(u8::is_ascii_lowercase)
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [yes, no] = self.words();
        write!(f, "{yes}/{no}")
    }
}

/// What the words of a column have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    pair: Option<Pair>,
    yes: bool,
    no: bool,
}

impl Words {
    /// Nothing is known.
    pub(crate) const UNKNOWN: Self = Self { pair: None, yes: false, no: false };

    /// Returns what one word says.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let (pair, yes) = Pair::of(text)?;
        Some(Self { pair: Some(pair), yes, no: !yes })
    }

    /// Returns what both have in common, or `None` when they are of two pairs.
    pub(crate) fn join(self, other: Self) -> Option<Self> {
        let pair = match (self.pair, other.pair) {
            (Some(one), Some(two)) if one != two => return None,
            (one, two) => one.or(two),
        };
        Some(Self { pair, yes: self.yes || other.yes, no: self.no || other.no })
    }

    /// Returns the pair, and whether both of its words were seen.
    pub(crate) fn pair(self) -> Option<(Pair, bool)> {
        Some((self.pair?, self.yes && self.no))
    }
}

/// Returns whether the text is a word that usually stands for a null.
pub(crate) fn is_usual_null(text: &[u8]) -> bool {
    text.len() <= 4 && NULLS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_three_cases() {
        for text in ["yes", "YES", "Yes"] {
            assert_eq!(Pair::of(text.as_bytes()).map(|(_, is_yes)| is_yes), Some(true), "{text}");
        }
        for text in ["yES", "yEs", "", "ye", "true", "1", "oui"] {
            assert_eq!(Pair::of(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn pairs_are_printed_and_read_back() {
        for (index, pair) in (0..).zip(PAIRS) {
            let pair_of_words = Pair(index);
            assert_eq!(Pair::parse(&pair_of_words.to_string()), Some(pair_of_words));
            for (word, is_yes) in [(pair[0], true), (pair[1], false)] {
                assert_eq!(pair_of_words.read(word.to_uppercase().as_bytes()), Some(is_yes));
            }
        }
        assert_eq!(Pair::parse("true/false"), None);
    }
}
