//! The names of jobs.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// The name of a job. Later ones are greater: it begins with the time of its making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// Returns a new one.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns the UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).map_err(|_| JobIdError { text: text.to_owned() })
    }
}

/// A text that is no [`JobId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no job id (a UUID)")]
pub struct JobIdError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_as_it_parses_and_later_ones_are_greater() {
        let (first, second) = (JobId::generate(), JobId::generate());
        assert!(first < second);
        assert!(first.to_string() < second.to_string());
        assert_eq!(first.to_string().parse(), Ok(first));
        assert!("../jobs".parse::<JobId>().is_err());
    }
}
