//! Versions: the outputs of a source's runs.

use std::{borrow::Cow, fmt, str::FromStr, time::SystemTime};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    catalog::history::TableSchema,
    identity::{SourceId, VersionNumber},
};

/// Where a version stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionStatus {
    /// Reserved by a run that has not ended.
    Pending,
    /// Complete and checked.
    Active,
    /// Ended without data, or its data was removed since.
    Error,
}

impl VersionStatus {
    /// Returns the name in the catalog.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Error => "error",
        }
    }
}

/// One output of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The row; of two runs that were given one number by accident only one has the row.
    pub id: Uuid,
    /// The source.
    pub source: SourceId,
    /// The number.
    pub number: VersionNumber,
    /// Where it stands.
    pub status: VersionStatus,
    /// What is known of its data; `None` until it is active, and where somebody else wrote the row and
    /// left a figure out.
    pub facts: Option<VersionFacts>,
    /// Why it ended without data.
    pub error_message: Option<String>,
    /// When it was reserved.
    pub created_at: SystemTime,
}

impl Version {
    /// The longest message that a catalog keeps, in bytes of UTF-8.
    pub const LONGEST_MESSAGE: usize = 4096;

    /// Returns a message as every catalog keeps it: cut at the last character that ends within
    /// [`Version::LONGEST_MESSAGE`], and with U+FFFD for the character that databases do not take, NUL.
    pub fn message(text: &str) -> Cow<'_, str> {
        let mut text = Cow::Borrowed(text);
        if text.contains('\0') {
            text = Cow::Owned(text.replace('\0', "\u{fffd}"));
        }
        let end = text.floor_char_boundary(Self::LONGEST_MESSAGE);
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        }
    }
}

/// What is recorded of a version that became active.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionFacts {
    /// Rows written.
    pub rows: u64,
    /// Columns written.
    pub columns: u64,
    /// Size of the data in bytes.
    pub size_bytes: u64,
    /// Seconds from reservation to publication.
    pub seconds: f64,
    /// The SHA-256 of the receipt, in hexadecimal; `None` where the catalog does not keep it.
    pub receipt_sha256: Option<String>,
    /// The columns; `None` where the catalog does not keep them.
    pub schema: Option<TableSchema>,
    /// The query by which a database was read. The catalog keeps it with the source, and a version
    /// that is read does not have it.
    pub extraction_query: Option<String>,
}

/// What a reservation came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reserved {
    /// A new version, pending, of which the caller is the only owner.
    New(Version),
    /// The version that was reserved with this key before, as it is now.
    Earlier(Version),
}

/// A caller's name for one request: requests with the same name are the same request.
///
/// It has 1 to 255 printable characters of ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 printable characters of ASCII")]
pub struct IdempotencyKeyError;

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const LONGEST: usize = 255;
        let is_plain = |c: u8| c == b' ' || c.is_ascii_graphic();
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(is_plain) {
            return Err(IdempotencyKeyError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_at_a_character_and_has_no_nul() {
        for text in ["", "as it is", "ä\n😀"] {
            assert!(matches!(Version::message(text), Cow::Borrowed(same) if same == text));
        }
        assert_eq!(Version::message("a\0b"), "a\u{fffd}b");
        let fits = "ä".repeat(2048);
        assert_eq!(Version::message(&fits), fits);
        assert_eq!(Version::message(&format!("x{fits}")).len(), 4095);
        // Three bytes for one: what is made longer is cut, too.
        assert_eq!(Version::message(&"\0".repeat(4096)), "\u{fffd}".repeat(1365));
    }

    #[test]
    fn a_key_is_short_and_printable() {
        let longest = "k".repeat(255);
        for text in ["a", "run 7", &longest] {
            assert_eq!(text.parse::<IdempotencyKey>().unwrap().as_str(), text);
        }
        for text in ["", "a\nb", "ä", &format!("{longest}k")] {
            assert_eq!(text.parse::<IdempotencyKey>(), Err(IdempotencyKeyError), "{text:?}");
        }
    }
}
