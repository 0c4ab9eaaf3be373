//! From what a person wrote to a store and a path in it.
//!
//! Start at [`resolve`], which knows local files and no more; [`crate::Stores`] knows the rest. It
//! touches no file: whether something is there is found out by whoever
//! opens or creates it.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, sync::Arc};

use tundra_core::{
    BoxError, Classify, ErrorKind, ObjectPath, ObjectPathError, Retry, Storage, StorageError,
};

use crate::{
    local::LocalStorage,
    place::{file_of_url, scheme},
};

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

    /// There is no such kind of store, or this program was built without it.
    #[error("there is no kind of store called `{scheme}://` here")]
    NoSuchStore {
        /// What stands before `://`.
        scheme: String,
    },

    /// It holds credentials, or something in their place.
    #[error("a `{scheme}://` location must not hold credentials or other hosts")]
    Credentials {
        /// What stands before `://`. The rest is not repeated.
        scheme: String,
    },

    /// What should be a bucket cannot be one.
    #[error("`{bucket}` in a `{scheme}://` location is not the name of a bucket or container")]
    Bucket {
        /// What stands before `://`.
        scheme: String,
        /// What should be a bucket.
        bucket: String,
    },

    /// It names a bucket, or everything below a prefix, where one object is meant.
    #[error("`{location}` does not name an object")]
    Prefix {
        /// The location as given.
        location: String,
    },

    /// What should be a key cannot be one.
    #[error("the key of `{location}` cannot be used")]
    Key {
        /// The location as given.
        location: String,
        /// Why not.
        source: ObjectPathError,
    },

    /// The settings do not suffice to use its store, or contradict it.
    #[error("`{location}` cannot be used: {reason}")]
    Settings {
        /// The bucket, as a person would write it.
        location: String,
        /// What is missing or wrong. Without secrets.
        reason: String,
    },

    /// It is a URL that may not or cannot be used.
    #[error("the URL cannot be used")]
    Url {
        /// Why not. Without its query.
        source: StorageError,
    },

    /// No client for the network could be made.
    #[error("could not set up the network client")]
    Client {
        /// What it said.
        source: BoxError,
    },

    /// It is a pattern that makes no sense.
    #[error("`{pattern}` is not a pattern: {reason}")]
    Pattern {
        /// The pattern as given.
        pattern: String,
        /// Why not.
        reason: &'static str,
    },

    /// It is a pattern or a prefix, and nothing is there.
    #[error("{}", no_match(.pattern))]
    NoMatch {
        /// The pattern as given.
        pattern: String,
    },

    /// The objects that it stands for could not be listed.
    #[error("could not find out what `{pattern}` stands for")]
    List {
        /// The pattern as given.
        pattern: String,
        /// What the store said.
        source: StorageError,
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
            Self::Unsupported { .. } | Self::NoSuchStore { .. } => ErrorKind::Unsupported,
            Self::CurrentDirectory { source }
            | Self::List { source, .. }
            | Self::Url { source } => source.kind(),
            Self::NoMatch { .. } => ErrorKind::NotFound,
            Self::Client { .. } => ErrorKind::Unavailable,
            _ => ErrorKind::InvalidRequest,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::List { source, .. } | Self::Url { source } => source.retry(),
            _ => Retry::Never,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unsupported { .. } => {
                "copy the object to a local disk first, or pipe it in and read `-`"
            }
            Self::NoSuchStore { .. } => {
                "use `s3://`, `r2://`, `gs://`, `az://`, `abfss://`, `https://`, `file://` or a path"
            }
            Self::Credentials { .. } | Self::Settings { .. } => {
                "credentials and endpoints come from the environment; docs/STORES.md says which \
                 variables are read"
            }
            Self::Prefix { .. } => {
                "name an object: what stands behind the bucket, without a final `/`"
            }
            Self::NoMatch { pattern } if pattern.ends_with('/') => {
                "check the spelling; files whose names begin with `.` or `_` are passed over"
            }
            Self::NoMatch { .. } => {
                "check the spelling; `*` matches within one segment, `**` across"
            }
            Self::List { source, .. } | Self::Url { source } => return source.hints(),
            Self::Directory { .. } => "name a file in it",
            Self::NotUtf8 { .. } | Self::Name { .. } => {
                "rename the file, or use `-` for standard input and `-o -` for standard output"
            }
            Self::NotLocal { .. } => "write it as a path",
            Self::Bucket { .. } => "a location is `s3://BUCKET/KEY`",
            Self::Key { .. } => {
                "a key has no empty, `.` or `..` segments and no control characters"
            }
            Self::Pattern { .. } => "write `[*]` for a `*` that is meant",
            Self::Empty | Self::CurrentDirectory { .. } | Self::Client { .. } => {
                return Vec::new();
            }
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
    let shown = location.to_string_lossy();
    match scheme(&shown) {
        _ if location.is_empty() => Err(LocationError::Empty),
        None => local(Path::new(location), &shown),
        Some((scheme, _)) if scheme == "file" => local(&file_of_url(&shown)?, &shown),
        Some((scheme, _)) => Err(LocationError::Unsupported { scheme }),
    }
}

/// Finds the store that a local file is in.
pub(crate) fn local(
    file: &Path,
    shown: &str,
) -> Result<(Arc<dyn Storage>, ObjectPath), LocationError> {
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

/// Says that nothing is there.
fn no_match(pattern: &str) -> String {
    if pattern.ends_with('/') {
        format!("there is no file in `{pattern}`")
    } else {
        format!("nothing matches `{pattern}`")
    }
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
