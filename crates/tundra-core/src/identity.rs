//! Names of tenants, sources, runs and versions.
//!
//! Each is a type of its own, so that one cannot be passed for another.

use std::{fmt, num::NonZeroU32, str::FromStr};

use uuid::Uuid;

/// A text that is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}")]
pub struct IdentityError {
    text: String,
    what: &'static str,
}

macro_rules! uuid_identity {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Returns a new one, sortable by the time of its making.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Returns the UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdentityError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| IdentityError { text: text.to_owned(), what: $what })
            }
        }
    };
}

uuid_identity!(
    /// A named origin of one logical table.
    SourceId, "source id (a UUID)"
);
uuid_identity!(
    /// One conversion.
    RunId, "run id (a UUID)"
);

/// The id of an organisation, which owns everything below it; it stands in the names of buckets.
///
/// - It has 1 to 63 characters, each one of `a` to `z`, `0` to `9` and `-`. A UUID is one.
/// - It begins and ends with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(String);

impl TenantId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TenantId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        /// The longest name of a bucket.
        const LONGEST: usize = 63;
        let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let bytes = text.as_bytes();
        let ends_plain = |c: Option<&u8>| c.is_some_and(|&c| is_plain(c));
        if bytes.len() <= LONGEST
            && ends_plain(bytes.first())
            && ends_plain(bytes.last())
            && bytes.iter().all(|&c| is_plain(c) || c == b'-')
        {
            return Ok(Self(text.to_owned()));
        }
        Err(IdentityError {
            text: text.to_owned(),
            what: "id of an organisation: 1 to 63 of `a` to `z`, `0` to `9` and `-`, with a letter or \
                   a digit at both ends",
        })
    }
}

/// The number of a version of a source; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionNumber(NonZeroU32);

impl VersionNumber {
    /// The first version of a source.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Returns the version with this number; `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Returns the next version; `None` after the last.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl FromStr for VersionNumber {
    type Err = IdentityError;

    /// Reads what is printed, with or without the `v`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        let is_plain = digits.bytes().all(|c| c.is_ascii_digit());
        digits.parse().ok().filter(|_| is_plain).and_then(Self::new).ok_or_else(|| IdentityError {
            text: text.to_owned(),
            what: "number of a version, such as 3 or v3",
        })
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_as_it_parses() {
        let id = SourceId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("../other".parse::<SourceId>().is_err());
    }

    #[test]
    fn an_organisation_cannot_lead_out_of_its_bucket() {
        let (uuid, longest) = (SourceId::generate().to_string(), "a".repeat(63));
        for text in ["acme", "a", "0-9", &uuid, &longest] {
            assert_eq!(text.parse::<TenantId>().unwrap().as_str(), text);
        }
        let long = format!("{longest}a");
        for text in ["", ".", "..", "a/b", "-a", "a-", "A", "a_b", "a.b", "a\nb", "ä", "a b", &long]
        {
            assert!(text.parse::<TenantId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn versions_begin_at_one_and_end() {
        assert_eq!(VersionNumber::new(0), None);
        assert_eq!(VersionNumber::FIRST.next(), VersionNumber::new(2));
        assert_eq!(VersionNumber::new(u32::MAX).and_then(VersionNumber::next), None);
        assert_eq!(VersionNumber::FIRST.to_string(), "v1");
    }

    #[test]
    fn a_version_is_read_with_and_without_its_letter() {
        for text in ["3", "v3"] {
            assert_eq!(text.parse(), Ok(VersionNumber::new(3).unwrap()));
        }
        for text in ["", "v", "0", "v0", "+3", "3.0", "V3", "4294967296"] {
            assert!(text.parse::<VersionNumber>().is_err(), "{text:?}");
        }
    }
}
