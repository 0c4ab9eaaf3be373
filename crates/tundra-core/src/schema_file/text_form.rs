//! How a text is written, in the words of the command line.

use serde::{Deserialize, Serialize};

use crate::TextHints;

/// The word for what there is not.
const NONE: &str = "none";

/// How a text is written, in the words of the command line: `none`, `doubled`, `tab`.
///
/// The same as [`TextHints`] in a form that can be stored, and that people can edit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextForm {
    /// The encoding, by its WHATWG label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What stands between two fields, or `comma`, `semicolon`, `tab`, `pipe`, `space`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// The quote, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// What stands before a quote that does not end a field: a character, `doubled`, `backslash` or
    /// `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<String>,
    /// Whether the first record names the columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// How many records the header has; goes before `header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_rows: Option<u32>,
    /// Lines before the header that are no records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preamble: Option<u64>,
    /// Lines at the end that are no records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<u64>,
    /// Everything behind the header is one table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_table: bool,
    /// What comments begin with, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Words that stand for nulls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nulls: Vec<String>,
}

/// A form that says nothing that makes sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is `{value}`, and must be {wanted}")]
pub struct TextFormError {
    key: &'static str,
    value: String,
    wanted: &'static str,
}

/// Returns what of some hints contradicts each other.
pub(crate) fn contradiction(hints: &TextHints) -> Option<TextFormError> {
    let TextHints { delimiter, quote, escape, footer, one_table, .. } = hints;
    let delimiter = delimiter.as_deref().unwrap_or_default();
    let is_delimiter = |mark: &Option<Option<char>>| {
        mark.flatten().is_some_and(|mark| delimiter.chars().eq([mark]))
    };
    let wanted = "something else than the delimiter";
    let error = |key, wanted, value: &str| TextFormError { key, value: value.to_owned(), wanted };
    if is_delimiter(quote) {
        Some(error("quote", wanted, delimiter))
    } else if is_delimiter(escape) {
        Some(error("escape", wanted, delimiter))
    } else if *one_table && footer.is_some() {
        Some(error("one_table", "left out where `footer` says where the table ends", "true"))
    } else {
        None
    }
}

impl TextForm {
    /// Returns the form of some hints and of words that stand for nulls.
    pub fn of(hints: &TextHints, null_words: &[String]) -> Self {
        // Taken apart, so that a new hint is not forgotten here.
        let TextHints {
            encoding,
            delimiter,
            quote,
            escape,
            header,
            header_rows,
            preamble,
            footer,
            one_table,
            comment,
        } = hints;
        let own_quote = quote.flatten();
        Self {
            encoding: encoding.clone(),
            delimiter: delimiter.as_deref().map(|delimiter| match delimiter {
                "\t" => "tab".to_owned(),
                " " => "space".to_owned(),
                other => other.to_owned(),
            }),
            quote: quote.map(|quote| quote.map_or(NONE.to_owned(), String::from)),
            escape: escape.map(|escape| match escape {
                None => NONE.to_owned(),
                Some(_) if escape == Some(own_quote.unwrap_or('"')) => "doubled".to_owned(),
                Some('\\') => "backslash".to_owned(),
                Some(other) => other.to_string(),
            }),
            header: *header,
            header_rows: *header_rows,
            preamble: *preamble,
            footer: *footer,
            one_table: *one_table,
            nulls: null_words.to_vec(),
            comment: comment
                .as_ref()
                .map(|comment| comment.clone().unwrap_or_else(|| NONE.to_owned())),
        }
    }

    /// Returns the hints, of which the words for nulls are none.
    ///
    /// # Errors
    /// Fails when a quote or an escape is neither a character nor one of the words, when something is
    /// empty, and when two things contradict each other.
    pub fn to_hints(&self) -> Result<TextHints, TextFormError> {
        let Self { encoding, delimiter, quote, escape, comment, .. } = self;
        let error =
            |key, value: &str, wanted| TextFormError { key, value: value.to_owned(), wanted };
        let one_of = |key, value: &str| {
            let mut characters = value.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) if !matches!(character, '\n' | '\r') => Ok(character),
                _ => Err(error(key, value, "one character or one of the words for it")),
            }
        };
        let delimiter = match delimiter.as_deref() {
            Some(value) if value.is_empty() || value.contains(['\n', '\r']) => {
                return Err(error("delimiter", value, "at least one character and no line break"));
            }
            Some(value) => Some(
                match value.to_ascii_lowercase().as_str() {
                    "comma" => ",",
                    "semicolon" => ";",
                    "tab" | "\\t" => "\t",
                    "pipe" => "|",
                    "space" => " ",
                    _ => value,
                }
                .to_owned(),
            ),
            None => None,
        };
        let quote = match quote.as_deref() {
            None => None,
            Some(value) if value.eq_ignore_ascii_case(NONE) => Some(None),
            Some(value) => Some(Some(one_of("quote", value)?)),
        };
        let escape = match escape.as_deref() {
            None => None,
            Some(value) => Some(match value.to_ascii_lowercase().as_str() {
                NONE => None,
                "doubled" => Some(quote.flatten().unwrap_or('"')),
                "backslash" => Some('\\'),
                _ => Some(one_of("escape", value)?),
            }),
        };
        let comment = match comment.as_deref() {
            None => None,
            Some("") => return Err(error("comment", "", "at least one character, or none")),
            Some(value) if value.eq_ignore_ascii_case(NONE) => Some(None),
            Some(value) => Some(Some(value.to_owned())),
        };
        let hints = TextHints {
            encoding: encoding.clone(),
            delimiter,
            quote,
            escape,
            header: self.header,
            header_rows: self.header_rows,
            preamble: self.preamble,
            footer: self.footer,
            one_table: self.one_table,
            comment,
        };
        contradiction(&hints).map_or(Ok(hints), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_survive_the_trip() {
        for (delimiter, quote, escape) in [
            (",", Some('"'), Some('"')),
            ("\t", Some('\''), Some('\'')),
            (" ", Some('"'), Some('\\')),
            (", ", Some('"'), Some('^')),
            ("||", Some('"'), None),
            (";", None, None),
        ] {
            let hints = TextHints {
                encoding: Some("windows-1252".to_owned()),
                delimiter: Some(delimiter.to_owned()),
                quote: Some(quote),
                escape: Some(escape),
                header: Some(false),
                header_rows: Some(2),
                preamble: Some(3),
                footer: Some(1),
                one_table: false,
                comment: Some(Some("--".to_owned())),
            };
            assert_eq!(TextForm::of(&hints, &[]).to_hints(), Ok(hints));
        }
        let nothing = TextHints::default();
        assert_eq!(TextForm::of(&nothing, &[]), TextForm::default());
        assert_eq!(TextForm::default().to_hints(), Ok(nothing));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let quote = TextForm { quote: Some("ab".to_owned()), ..TextForm::default() };
        let error = quote.to_hints().unwrap_err().to_string();
        assert_eq!(error, "`quote` is `ab`, and must be one character or one of the words for it");
        for form in [
            TextForm { delimiter: Some(String::new()), ..TextForm::default() },
            TextForm { delimiter: Some("\n".to_owned()), ..TextForm::default() },
            TextForm { escape: Some(String::new()), ..TextForm::default() },
            TextForm { comment: Some(String::new()), ..TextForm::default() },
            TextForm { footer: Some(0), one_table: true, ..TextForm::default() },
            TextForm {
                delimiter: Some(";".to_owned()),
                quote: Some(";".to_owned()),
                ..TextForm::default()
            },
        ] {
            assert!(form.to_hints().is_err(), "{form:?}");
        }
    }
}
