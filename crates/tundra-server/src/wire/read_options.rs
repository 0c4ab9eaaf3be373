//! What is known of how a file is written.

use serde::{Deserialize, Serialize};
use tundra_core::{DataError, JsonHints, SourceId, TextHints, WorkbookHints};
use utoipa::ToSchema;

use crate::Failure;

/// What is known of how a file is written; whatever is not given is found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReadOptions {
    /// What stands between two fields of delimited text.
    #[schema(max_length = 16, example = ",")]
    pub delimiter: Option<String>,
    /// The encoding of a text by its WHATWG label, such as `windows-1252`.
    #[schema(max_length = 64)]
    pub encoding: Option<String>,
    /// The quote of delimited text; empty when there is none.
    #[schema(max_length = 1)]
    pub quote: Option<String>,
    /// Whether delimited text has a header.
    pub header: Option<bool>,
    /// Lines before the header that are no records.
    #[schema(maximum = 1000000)]
    pub preamble: Option<u64>,
    /// Lines at the end that are no records.
    #[schema(maximum = 1000000)]
    pub footer: Option<u64>,
    /// Words that stand for nulls in delimited text.
    #[serde(deserialize_with = "crate::wire::or_default")]
    #[schema(nullable, max_items = 1000)]
    pub null_values: Vec<String>,
    /// Where in a JSON document the records are, such as `data.items`.
    #[schema(max_length = 4096)]
    pub records: Option<String>,
    /// Whether the fields of nested JSON objects become columns of their own.
    #[serde(deserialize_with = "crate::wire::or_default")]
    #[schema(nullable)]
    pub flatten: bool,
    /// The member of an archive, as its name stands there; the only one that holds data when not given.
    #[schema(max_length = 4096)]
    pub member: Option<String>,
    /// The sheet of a workbook, by its name or its number from 1 on; the first visible one with cells when
    /// it is not given.
    #[schema(max_length = 255)]
    pub sheet_name: Option<String>,
}

/// The longest that one text of the options may be, in bytes.
const LONGEST_TEXT: usize = 4096;

/// The longest that the name of a sheet may be, in bytes: Excel has 31 characters, others more.
const LONGEST_SHEET: usize = 255;

/// More lines around a table are no preamble but another file.
const MOST_LINES: u64 = 1_000_000;

/// More words than this are not words for nothing.
const MOST_WORDS: usize = 1000;

impl ReadOptions {
    /// Returns what the reader of text is told.
    ///
    /// # Errors
    /// When an option makes no sense in itself.
    pub(crate) fn text(&self) -> Result<TextHints, Failure> {
        let Self { delimiter, encoding, quote, header, preamble, footer, null_values, .. } = self;
        short("options.delimiter", delimiter.as_deref(), 16)?;
        short("options.encoding", encoding.as_deref(), 64)?;
        if delimiter.as_deref() == Some("") {
            return Err(Failure::invalid("`options.delimiter` is empty"));
        }
        let few = |field: &str, lines: Option<u64>| match lines {
            Some(lines) if lines > MOST_LINES => Err(Failure::invalid(format!(
                "`{field}` is {lines}, and {MOST_LINES} lines are the most"
            ))),
            _ => Ok(()),
        };
        few("options.preamble", *preamble)?;
        few("options.footer", *footer)?;
        if null_values.len() > MOST_WORDS {
            let detail = format!("`options.null_values` has more than {MOST_WORDS} words");
            return Err(Failure::invalid(detail));
        }
        for word in null_values {
            short("options.null_values", Some(word), LONGEST_TEXT)?;
        }
        Ok(TextHints {
            encoding: encoding.clone(),
            delimiter: delimiter.clone(),
            quote: quote.as_deref().map(one_character).transpose()?,
            header: *header,
            preamble: *preamble,
            footer: *footer,
            ..TextHints::default()
        })
    }

    /// Returns the member of the archive that is read.
    ///
    /// # Errors
    /// When the name is too long.
    pub(crate) fn member(&self) -> Result<Option<String>, Failure> {
        short("options.member", self.member.as_deref(), LONGEST_TEXT)?;
        Ok(self.member.clone())
    }

    /// Returns what the reader of JSON is told.
    ///
    /// # Errors
    /// When the path is none.
    pub(crate) fn json(&self) -> Result<JsonHints, Failure> {
        short("options.records", self.records.as_deref(), LONGEST_TEXT)?;
        let records = self.records.as_deref().map(str::parse).transpose();
        let records = records.map_err(|error: tundra_core::RecordsPathError| {
            Failure::invalid(format!("`options.records`: {error}"))
        })?;
        Ok(JsonHints { records, flatten: self.flatten })
    }

    /// Returns what the reader of workbooks is told.
    ///
    /// # Errors
    /// When the name of the sheet is none.
    pub(crate) fn workbook(&self) -> Result<WorkbookHints, Failure> {
        short("options.sheet_name", self.sheet_name.as_deref(), LONGEST_SHEET)?;
        Ok(WorkbookHints { sheet: self.sheet_name.clone(), ..WorkbookHints::default() })
    }
}

/// Checks the length of a text.
pub(crate) fn short(field: &str, text: Option<&str>, longest: usize) -> Result<(), Failure> {
    match text {
        Some(text) if text.len() > longest => {
            Err(Failure::invalid(format!("`{field}` is longer than {longest} bytes")))
        }
        _ => Ok(()),
    }
}

/// Reads the id of a source.
pub(crate) fn source_id(text: &str) -> Result<SourceId, Failure> {
    text.parse().map_err(|_| {
        let shown = DataError::shorten(text.as_bytes());
        Failure::invalid(format!("`source_id`: `{shown}` is no source id (a UUID)"))
    })
}

/// Returns the one character; nothing for the empty text.
fn one_character(text: &str) -> Result<Option<char>, Failure> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (first, None) => Ok(first),
        _ => Err(Failure::invalid("`options.quote` is more than one character")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_what_the_reader_is_told() {
        let options = ReadOptions {
            delimiter: Some(";".to_owned()),
            quote: Some(String::new()),
            header: Some(false),
            records: Some("data.items".to_owned()),
            ..ReadOptions::default()
        };
        let text = options.text().unwrap();
        assert_eq!(
            (text.delimiter.as_deref(), text.quote, text.header),
            (Some(";"), Some(None), Some(false))
        );
        assert!(options.json().unwrap().records.is_some());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let default = ReadOptions::default;
        let faults = [
            ReadOptions { delimiter: Some(String::new()), ..default() },
            ReadOptions { delimiter: Some("x".repeat(17)), ..default() },
            ReadOptions { quote: Some("''".to_owned()), ..default() },
            ReadOptions { preamble: Some(u64::MAX), ..default() },
            ReadOptions { null_values: vec![String::new(); 1001], ..default() },
        ];
        for options in faults {
            let fault = options.text().unwrap_err();
            assert!(fault.status == 400 && fault.detail.contains("`options."), "{fault}");
        }
        let fault =
            ReadOptions { records: Some("a..b".to_owned()), ..default() }.json().unwrap_err();
        assert!(fault.detail.starts_with("`options.records`: "), "{fault}");
    }
}
