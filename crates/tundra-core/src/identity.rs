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
    /// An organisation; owns everything below it.
    TenantId, "tenant id (a UUID)"
);
uuid_identity!(
    /// A named origin of one logical table.
    SourceId, "source id (a UUID)"
);
uuid_identity!(
    /// One conversion.
    RunId, "run id (a UUID)"
);

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
        assert!("../other".parse::<TenantId>().is_err());
    }

    #[test]
    fn versions_begin_at_one_and_end() {
        assert_eq!(VersionNumber::new(0), None);
        assert_eq!(VersionNumber::FIRST.next(), VersionNumber::new(2));
        assert_eq!(VersionNumber::new(u32::MAX).and_then(VersionNumber::next), None);
        assert_eq!(VersionNumber::FIRST.to_string(), "v1");
    }
}
