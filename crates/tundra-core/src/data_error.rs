//! Why a record or a value of an input does not fit, and where it stands.
//!
//! Start at [`DataError`]. Its codes are stable: they stand in rejects, receipts and responses.

use std::fmt;

use crate::error::{Classify, ErrorKind, Retry};

/// The sort of a [`DataError`]; stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DataCode {
    /// The record has fewer fields than there are columns.
    TooFewFields,
    /// The record has more fields than there are columns.
    TooManyFields,
    /// The record is the header once more.
    RepeatedHeader,
    /// A quote opens and never closes.
    UnclosedQuote,
    /// A quote stands where none can stand.
    StrayQuote,
    /// The bytes are not text in the encoding of the input.
    UndecodableBytes,
    /// A value does not fit the type of its column.
    BadValue,
    /// A record is longer than the reader accepts.
    RecordTooLong,
    /// The text is not JSON.
    BadJson,
    /// What stands around or between the records of a JSON document is not JSON, so that nobody can
    /// know where the next one begins.
    BadDocument,
    /// A name stands twice in one JSON object.
    DuplicateKey,
    /// The value is nested deeper than the reader accepts.
    TooDeep,
    /// The record is JSON, but not an object where objects are expected.
    NotAnObject,
    /// A cell of a workbook shows an error, such as `#N/A`.
    ErrorCell,
    /// The record is an object, but no feature where features are expected.
    NotAFeature,
    /// What stands for a geometry is none.
    BadGeometry,
}

impl DataCode {
    /// Returns the name that programs see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooFewFields => "too_few_fields",
            Self::TooManyFields => "too_many_fields",
            Self::RepeatedHeader => "repeated_header",
            Self::UnclosedQuote => "unclosed_quote",
            Self::StrayQuote => "stray_quote",
            Self::UndecodableBytes => "undecodable_bytes",
            Self::BadValue => "bad_value",
            Self::RecordTooLong => "record_too_long",
            Self::BadJson => "bad_json",
            Self::BadDocument => "bad_document",
            Self::DuplicateKey => "duplicate_key",
            Self::TooDeep => "too_deep",
            Self::NotAnObject => "not_an_object",
            Self::ErrorCell => "error_cell",
            Self::NotAFeature => "not_a_feature",
            Self::BadGeometry => "bad_geometry",
        }
    }
}

impl fmt::Display for DataCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A record or a value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataError {
    /// What sort of error it is.
    pub code: DataCode,
    /// The record, counted from 1 behind the header; 0 for the header itself.
    pub record: u64,
    /// The line on which the record begins, counted from 1.
    pub line: u64,
    /// The offset of the record's first byte.
    pub byte: u64,
    /// The column's name, when it is about one.
    pub column: Option<String>,
    /// The record or the value as it stands, shortened.
    pub text: String,
    /// What is wrong, as a sentence fragment.
    pub message: String,
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} (byte {}", self.line, self.byte)?;
        if self.record > 0 {
            write!(f, ", record {}", self.record)?;
        }
        f.write_str(")")?;
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        write!(f, ": {}", self.message)?;
        if !self.text.is_empty() {
            write!(f, ": `{}`", self.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for DataError {}

impl DataError {
    /// Shortens a text for a message: at most 120 characters, control characters escaped, what is
    /// no UTF-8 shown as hexadecimal.
    pub fn shorten(text: &[u8]) -> String {
        const SHOWN: usize = 120;
        let mut shown = String::new();
        for chunk in text.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() {
                    shown.extend(character.escape_default());
                } else {
                    shown.push(character);
                }
                if shown.len() >= SHOWN {
                    return shown + "…";
                }
            }
            for byte in chunk.invalid() {
                shown.push_str(&format!("\\x{byte:02x}"));
            }
            if shown.len() >= SHOWN {
                return shown + "…";
            }
        }
        shown
    }
}

impl Classify for DataError {
    fn kind(&self) -> ErrorKind {
        match self.code {
            DataCode::RecordTooLong | DataCode::TooDeep => ErrorKind::LimitExceeded,
            _ => ErrorKind::InvalidData,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self.code {
            DataCode::TooFewFields
            | DataCode::TooManyFields
            | DataCode::UnclosedQuote
            | DataCode::StrayQuote => {
                "mend the line, or use `--on-bad-row reject` to set such rows aside, or \
                 `--on-bad-row repair` to make them fit; a wrong `--delimiter` or `--quote` also \
                 looks like this"
            }
            DataCode::UndecodableBytes => {
                "name the encoding with `--encoding` if the whole file is in another one; if only \
                 some records are, use `--on-bad-row reject` to set them aside"
            }
            DataCode::BadValue => {
                "give the column another `--type`, or use `--on-bad-row reject` to set such rows \
                 aside"
            }
            DataCode::BadJson
            | DataCode::NotAnObject
            | DataCode::NotAFeature
            | DataCode::BadGeometry => {
                "mend the record, or use `--on-bad-row reject` to set such records aside"
            }
            DataCode::BadDocument => {
                return vec![
                    "mend the text there: it stands around or between the records, where no \
                     `--on-bad-row` helps"
                        .to_owned(),
                    "if every line is a record by itself, say so with `--format ndjson`".to_owned(),
                ];
            }
            DataCode::DuplicateKey => {
                "use `--on-bad-row repair` to keep the last value, or `reject` to set it aside"
            }
            DataCode::ErrorCell => {
                "mend the formula, or use `--on-error-cell text` to keep errors as text, or `null` to \
                 make them null"
            }
            DataCode::RepeatedHeader => "say `--no-header` if it is a record like the others",
            DataCode::RecordTooLong | DataCode::TooDeep => {
                "a quote or a bracket that never closes also looks like this"
            }
        };
        vec![hint.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_and_what() {
        let error = DataError {
            code: DataCode::BadValue,
            record: 3,
            line: 4,
            byte: 31,
            column: Some("zip".to_owned()),
            text: DataError::shorten(b"00\x0071\xff3"),
            message: "not a BIGINT".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "line 4 (byte 31, record 3), column `zip`: not a BIGINT: `00\\u{0}71\\xff3`"
        );
    }

    #[test]
    fn shortens_long_texts() {
        assert!(DataError::shorten(&[b'x'; 10_000]).chars().count() <= 121);
    }
}
