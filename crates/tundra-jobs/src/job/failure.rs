//! Why a job failed, as its owner is told.

use std::error::Error as StdError;

use tundra_core::{Classify, DataCode, DataError, ErrorKind, Version};

/// Why a job failed. Everything in it may be shown to the job's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// What sort of failure it is; [`ErrorKind::code`] is the code that programs see.
    pub kind: ErrorKind,
    /// What happened, with its causes.
    pub message: String,
    /// What can be done about it, one fragment per way out.
    pub hints: Vec<String>,
    /// Where in the input it is, when it is about the input.
    pub place: Option<Place>,
}

/// Where in an input something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What is wrong there: the name of a [`DataCode`].
    pub code: String,
    /// The line on which the record begins, counted from 1.
    pub line: u64,
    /// The offset of the record's first byte.
    pub byte: u64,
    /// The record, counted from 1 behind the header; 0 for the header itself.
    pub record: u64,
    /// The column's name, when it is about one.
    pub column: Option<String>,
}

impl JobFailure {
    /// Makes a failure of this kind, without hints. A message is kept as [`Version::message`] makes it.
    pub fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        let message = Version::message(message.as_ref()).into_owned();
        Self { kind, message, hints: Vec::new(), place: None }
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns what the error tells: its text with those of its causes, its kind, its hints, and the
    /// place of a [`DataError`] among the causes.
    pub fn from_error<E: Classify + 'static>(error: &E) -> Self {
        let mut message = error.to_string();
        let mut place = None;
        let mut cause: Option<&(dyn StdError + 'static)> = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            place = place.or_else(|| Place::of(error));
            cause = error.source();
        }
        let message = Version::message(&message).into_owned();
        Self { kind: error.kind(), message, hints: error.hints(), place }
    }

    /// Returns what a job fails with whose process ended, and which may not be run again.
    pub(crate) fn interrupted(attempts: u32) -> Self {
        let tries = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
        let message = format!(
            "the service ended while the job ran; it was begun {tries}, as often as it may be"
        );
        Self::new(ErrorKind::Unavailable, message).hint("ask for the same again")
    }
}

impl Place {
    fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        let boxed = || error.downcast_ref::<Box<DataError>>().map(|error| &**error);
        let error = error.downcast_ref::<DataError>().or_else(boxed)?;
        Some(Self {
            code: DataCode::as_str(error.code).to_owned(),
            line: error.line,
            byte: error.byte,
            record: error.record,
            column: error.column.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use tundra_core::Error;

    use super::*;

    #[test]
    fn an_error_of_the_engine_tells_its_causes_and_its_place() {
        let data = DataError {
            code: DataCode::BadValue,
            record: 7,
            line: 9,
            byte: 120,
            column: Some("price".to_owned()),
            text: "1,50".to_owned(),
            message: "no number".to_owned(),
        };
        let error = Error::Data { input: "orders.csv".to_owned(), source: Box::new(data) };
        let failure = JobFailure::from_error(&error);
        assert_eq!(failure.kind, ErrorKind::InvalidData);
        assert_eq!(
            failure.message,
            "could not read `orders.csv`: line 9 (byte 120, record 7), column `price`: no number: \
             `1,50`"
        );
        let place = failure.place.unwrap();
        assert_eq!((place.code.as_str(), place.line, place.byte), ("bad_value", 9, 120));
        assert_eq!((place.record, place.column.as_deref()), (7, Some("price")));
    }

    #[test]
    fn a_message_has_an_end() {
        let failure = JobFailure::new(ErrorKind::Internal, "x".repeat(10_000));
        assert_eq!(failure.message.len(), Version::LONGEST_MESSAGE);
    }
}
