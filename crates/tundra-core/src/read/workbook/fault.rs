//! Why a workbook cannot be read.
//!
//! A fault knows no input: whoever knows the input's name makes an [`Error`] of it.

use std::io;

use crate::{Error, StorageError, read::source::read_error};

/// Why a workbook, or a part of it, cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// Its bytes are not what they should be.
    Damaged(String),
    /// It asks for more than may be used.
    TooLarge(String),
    /// What was asked for is not in it.
    Request {
        /// What is not there.
        message: String,
        /// What there is.
        hint: Option<String>,
    },
    /// It is encrypted.
    Encrypted,
    /// The store failed.
    Read(io::Error),
}

impl Fault {
    /// Returns the fault of bytes that are not what they should be.
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    /// Returns the error for the input of this name.
    pub(super) fn of(self, input: &str) -> Error {
        let input = input.to_owned();
        match self {
            Self::Damaged(what) => Error::BadWorkbook { input, what },
            Self::TooLarge(what) => Error::WorkbookTooLarge { input, what },
            Self::Encrypted => Error::EncryptedWorkbook { input },
            Self::Request { message, hint } => Error::Request { message, hint },
            Self::Read(error) => read_error(error, &input),
        }
    }
}

impl From<io::Error> for Fault {
    /// What a store said is the store's failure, and everything else is what inflating says of bytes.
    fn from(error: io::Error) -> Self {
        if is_of_store(&error) { Self::Read(error) } else { Self::Damaged(error.to_string()) }
    }
}

/// Returns whether a store or a file failed, and not what is in it.
pub(super) fn is_of_store(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|source| source.is::<StorageError>() || source.is::<OfFile>())
}

/// A failure of the file itself, so that it is not taken for damage.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct OfFile(#[source] pub(super) io::Error);
