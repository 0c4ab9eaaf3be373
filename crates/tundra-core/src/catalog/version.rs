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
    /// The version that was reserved with this key before, for a request that said something else.
    OtherRequest(Version),
}

/// A caller's name for one request: requests with the same name are the same request.
///
/// It has 1 to 255 printable characters of ASCII. It may know what the request says, so that another
/// request under the same name is noticed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    name: String,
    request: Option<RequestDigest>,
}

/// The digest of what a request says, in hexadecimal: two with the same digest say the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestDigest(String);

impl IdempotencyKey {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Adds what the request under this name says.
    #[must_use]
    pub fn of_request(self, request: RequestDigest) -> Self {
        Self { request: Some(request), ..self }
    }

    /// Returns what the request says, where that is known.
    pub fn request(&self) -> Option<&RequestDigest> {
        self.request.as_ref()
    }

    /// Returns whether a request of which this digest was kept may be the same. It may, where one of them
    /// is not known.
    pub fn may_be_of(&self, kept: Option<&str>) -> bool {
        match (&self.request, kept) {
            (Some(request), Some(kept)) => request.as_str() == kept,
            _ => true,
        }
    }
}

impl RequestDigest {
    /// Takes the SHA-256 of what a request says.
    pub fn of_sha256(digest: [u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns the digest in hexadecimal, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no digest of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the digest of a request has 64 hexadecimal digits in lower case")]
pub struct RequestDigestError;

impl FromStr for RequestDigest {
    type Err = RequestDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        match text.len() == 64 && text.bytes().all(is_digit) {
            true => Ok(Self(text.to_owned())),
            false => Err(RequestDigestError),
        }
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
        Ok(Self { name: text.to_owned(), request: None })
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
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

    #[test]
    fn a_key_is_of_one_request_where_both_are_known() {
        let digest = |byte| RequestDigest::of_sha256([byte; 32]);
        let key: IdempotencyKey = "k".parse().unwrap();
        assert!(key.may_be_of(None) && key.may_be_of(Some("x")));
        let known = key.of_request(digest(1));
        assert!(known.may_be_of(None) && known.may_be_of(Some(digest(1).as_str())));
        assert!(!known.may_be_of(Some(digest(2).as_str())));
        assert_eq!(digest(0xab).as_str().parse(), Ok(digest(0xab)));
        for text in ["", "ab", &"AB".repeat(32), &"zz".repeat(32)] {
            assert_eq!(text.parse::<RequestDigest>(), Err(RequestDigestError), "{text}");
        }
    }
}
