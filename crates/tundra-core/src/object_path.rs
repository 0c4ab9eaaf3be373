//! Names of objects inside a store.
//!
//! Start at [`ObjectPath`]. It knows nothing of buckets, hosts or local directories: a store is
//! chosen first, the path names something in it.

use std::{fmt, str::FromStr};

/// The name of an object in a store: segments separated by `/`.
///
/// - It is never empty and has no leading or trailing `/`.
/// - No segment is empty, `.` or `..`, so no path leaves its store.
/// - No segment holds a control character; every other character is allowed and kept as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectPath(String);

/// Why a text is no [`ObjectPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an object path: {reason}")]
pub struct ObjectPathError {
    text: String,
    reason: &'static str,
}

impl ObjectPath {
    /// Returns the path as text, without a leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns what stands behind the last dot of the last segment, if anything does.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.file_name().rsplit_once('.')?;
        (!stem.is_empty() && !extension.is_empty()).then_some(extension)
    }

    /// Returns the path with its last segment replaced.
    ///
    /// # Errors
    /// Fails when `name` is not one valid segment.
    pub fn sibling(&self, name: &str) -> Result<Self, ObjectPathError> {
        if name.contains('/') {
            return Err(ObjectPathError {
                text: name.to_owned(),
                reason: "a file name has no `/`",
            });
        }
        match self.0.rsplit_once('/') {
            Some((directory, _)) => format!("{directory}/{name}").parse(),
            None => name.parse(),
        }
    }
}

impl FromStr for ObjectPath {
    type Err = ObjectPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| Err(ObjectPathError { text: text.to_owned(), reason });
        if text.is_empty() {
            return error("it is empty");
        }
        for segment in text.split('/') {
            match segment {
                "" => return error("it has an empty segment"),
                "." | ".." => return error("`.` and `..` are not allowed"),
                _ if segment.chars().any(char::is_control) => {
                    return error("it holds a control character");
                }
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_would_leave_the_store() {
        for text in ["", "/", "a//b", "../a", "a/..", "a/./b", "/etc/passwd", "a/", "a\nb", "\0"] {
            assert!(text.parse::<ObjectPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn keeps_awkward_names_as_written() {
        for text in ["a b", "ä/ö.csv", "100%", "a=b&c", "'; DROP TABLE x; --", "a\\b", "*.csv"] {
            assert_eq!(text.parse::<ObjectPath>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn tells_file_name_extension_and_sibling() {
        let path: ObjectPath = "in/data.csv.gz".parse().unwrap();
        assert_eq!(path.file_name(), "data.csv.gz");
        assert_eq!(path.extension(), Some("gz"));
        assert_eq!(path.sibling("x.parquet").unwrap().as_str(), "in/x.parquet");
        assert!(path.sibling("../x").is_err());
        assert_eq!(".hidden".parse::<ObjectPath>().unwrap().extension(), None);
    }
}
