//! From what a person wrote to a store and a path in it.
//!
//! Start at [`resolve`]. It touches no file: whether something is there is found out by whoever
//! opens or creates it.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tundra_core::{Classify, ErrorKind, ObjectPath, ObjectPathError, Retry, Storage, StorageError};
use url::Url;

use crate::local::LocalStorage;

/// Why a location cannot be used, whatever is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// There is nothing.
    #[error("the location is empty")]
    Empty,

    /// It is in a kind of store that Tundra does not know.
    #[error("`{scheme}://` locations are not supported, only paths and `file://` URLs")]
    Unsupported {
        /// What stands before `://`. The rest may hold credentials.
        scheme: String,
    },

    /// It ends like a directory's.
    #[error("`{location}` names a directory")]
    Directory {
        /// The location as given.
        location: String,
    },

    /// It is a URL with something in it that a file's cannot have.
    #[error("`{location}` does not name a local file: {reason}")]
    NotLocal {
        /// The location as given.
        location: String,
        /// Why not.
        reason: &'static str,
    },

    /// The file's name is not text.
    #[error("the file name of `{location}` is not valid UTF-8")]
    NotUtf8 {
        /// The location, with replacement characters.
        location: String,
    },

    /// The file's name cannot be an object's.
    #[error("the file name of `{location}` cannot be used")]
    Name {
        /// The location as given.
        location: String,
        /// Why not.
        source: ObjectPathError,
    },

    /// A relative path has nothing that it is relative to.
    #[error("the current directory cannot be found")]
    CurrentDirectory {
        /// What the system said.
        source: StorageError,
    },
}

impl Classify for LocationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::CurrentDirectory { source } => source.kind(),
            _ => ErrorKind::InvalidRequest,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unsupported { .. } => {
                "copy the object to a local disk first, or pipe it in and read `-`"
            }
            Self::Directory { .. } => "name a file in it",
            Self::NotUtf8 { .. } | Self::Name { .. } => {
                "rename the file, or use `-` for standard input and `-o -` for standard output"
            }
            Self::NotLocal { .. } => "write it as a path",
            Self::Empty | Self::CurrentDirectory { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Finds the store that a location is in, and its path there.
///
/// A location is a path, relative or absolute, or a `file://` URL. A path may hold any character
/// and lead through `..`; the store is the directory that the file is in. A location that begins
/// like a URL is one: write `./s3://x` for a file below a directory called `s3:`.
///
/// # Errors
/// Fails when no file can be meant. Whether there is one is not looked at.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), tundra_storage::LocationError> {
/// let (storage, path) = tundra_storage::resolve("../data/orders 2026.csv")?;
/// assert_eq!(path.as_str(), "orders 2026.csv");
/// assert_eq!(storage.display(&path), "../data/orders 2026.csv");
/// # Ok(())
/// # }
/// ```
pub fn resolve(
    location: impl AsRef<OsStr>,
) -> Result<(Arc<dyn Storage>, ObjectPath), LocationError> {
    let location = location.as_ref();
    if location.is_empty() {
        return Err(LocationError::Empty);
    }
    let shown = location.to_string_lossy();
    // A scheme is ASCII, so that replacement characters elsewhere do not matter here.
    match scheme(&shown) {
        None => local(Path::new(location), &shown),
        Some(scheme) if scheme == "file" => local(&file_of_url(&shown)?, &shown),
        Some(scheme) => Err(LocationError::Unsupported { scheme }),
    }
}

/// Returns what stands before `://` in lower case, if it can be a scheme.
fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once("://")?;
    let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_scheme_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (begins && scheme.chars().all(is_scheme_character)).then(|| scheme.to_ascii_lowercase())
}

fn file_of_url(text: &str) -> Result<PathBuf, LocationError> {
    let not_local = |reason| LocationError::NotLocal { location: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|_| not_local("it is not a valid URL"))?;
    if url.query().is_some() {
        return Err(not_local("it has a query; a `?` in a name is written `%3F`"));
    }
    if url.fragment().is_some() {
        return Err(not_local("it has a fragment; a `#` in a name is written `%23`"));
    }
    // Knows that `localhost` is here, and that nothing else is.
    url.to_file_path().map_err(|()| not_local("it names another host"))
}

fn local(file: &Path, shown: &str) -> Result<(Arc<dyn Storage>, ObjectPath), LocationError> {
    // `Path` leaves out a final `/` and `/.`, but who writes them means a directory.
    let last = file.as_os_str().as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if matches!(last, b"" | b"." | b"..") {
        return Err(LocationError::Directory { location: shown.to_owned() });
    }
    let name = std::str::from_utf8(last)
        .map_err(|_| LocationError::NotUtf8 { location: shown.to_owned() })?;
    let path = name
        .parse()
        .map_err(|source| LocationError::Name { location: shown.to_owned(), source })?;
    let directory = file.parent().unwrap_or(Path::new(""));
    let storage = LocalStorage::new(directory)
        .map_err(|source| LocationError::CurrentDirectory { source })?;
    Ok((Arc::new(storage), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shows(location: &str, expected: &str) {
        let (storage, path) = resolve(location).unwrap();
        assert_eq!(storage.display(&path), expected);
    }

    #[test]
    fn paths_are_shown_as_written() {
        for text in [
            "a.csv",
            "./a.csv",
            "../a.csv",
            "a/../b/c d.csv",
            "/tmp/ä#?%41.csv",
            "C:\\data.csv",
            "a:b",
            "-",
        ] {
            shows(text, text);
        }
        shows("./s3://bucket/a", "./s3://bucket/a");
    }

    #[test]
    fn file_urls_are_decoded() {
        shows("file:///tmp/a%20b.csv", "/tmp/a b.csv");
        shows("file:///tmp/a b.csv", "/tmp/a b.csv");
        shows("FILE://localhost/tmp/%23.csv", "/tmp/#.csv");
        shows("file:///tmp/x/../a.csv", "/tmp/a.csv");
    }

    #[test]
    fn other_stores_are_refused_without_repeating_credentials() {
        for text in ["s3://key:secret@b/x", "R2://b/x", "gs://b", "az://c/x", "https://h/secret"] {
            let error = resolve(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
        assert_eq!(
            resolve("r2://b/x").unwrap_err().to_string(),
            "`r2://` locations are not supported, only paths and `file://` URLs"
        );
    }

    #[test]
    fn what_names_no_file_is_refused() {
        assert!(matches!(resolve(""), Err(LocationError::Empty)));
        for text in ["/", ".", "..", "a/", "a/.", "a/..", "file:///", "file:///a/"] {
            assert!(matches!(resolve(text), Err(LocationError::Directory { .. })), "{text}");
        }
        for text in ["file://host/a.csv", "file:///a.csv?x", "file:///a.csv#x", "file://[/a"] {
            assert!(matches!(resolve(text), Err(LocationError::NotLocal { .. })), "{text}");
        }
        assert!(matches!(resolve("a\nb.csv"), Err(LocationError::Name { .. })));
    }

    #[test]
    fn only_the_file_name_must_be_text() {
        let (_, path) = resolve(OsStr::from_bytes(b"caf\xe9/a.csv")).unwrap();
        assert_eq!(path.as_str(), "a.csv");
        let error = resolve(OsStr::from_bytes(b"/tmp/caf\xe9.csv")).unwrap_err();
        assert_eq!(error.to_string(), "the file name of `/tmp/caf\u{fffd}.csv` is not valid UTF-8");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}
