//! What stops the reading of a record.

use crate::DataCode;

/// What stopped the reading of a record, and where.
///
/// It is boxed wherever it is returned: a record that is good must not pay for its size.
#[derive(Debug)]
pub(super) struct Fault {
    /// The offset in the chunk.
    pub(super) at: usize,
    /// What sort of fault it is.
    pub(super) kind: FaultKind,
    /// The name of the field that it is about.
    pub(super) field: Option<String>,
    /// The value that it is about, shortened.
    pub(super) text: Option<String>,
    /// What is wrong, as a sentence fragment.
    pub(super) message: String,
}

/// What sort of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The record does not fit.
    Data(DataCode),
    /// The record is good, and the schema is wrong: it came from a sample.
    Contradiction,
}

/// Something that was read, or why it could not be.
pub(super) type Parsed<T> = Result<T, Box<Fault>>;

impl Fault {
    /// Returns a fault of the JSON grammar.
    #[cold]
    pub(super) fn json(at: usize, message: impl Into<String>) -> Box<Self> {
        Self::data(DataCode::BadJson, at, message)
    }

    /// Returns a fault of a record.
    #[cold]
    pub(super) fn data(code: DataCode, at: usize, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            at,
            kind: FaultKind::Data(code),
            field: None,
            text: None,
            message: message.into(),
        })
    }

    /// Returns the code that a record with this fault is set aside under.
    pub(super) fn code(&self) -> DataCode {
        match self.kind {
            FaultKind::Data(code) => code,
            FaultKind::Contradiction => DataCode::BadValue,
        }
    }
}
