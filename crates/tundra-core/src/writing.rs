//! How an output is written.
//!
//! Start at [`WriteOptions`]. These are plain values; what they become in a Parquet file is the engine's
//! business.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{
    encryption_key::EncryptionKey,
    error::{Error, Result},
    format::Compression,
    readers::{Reader, codec_fault},
};

/// Keys of the metadata that are ours or that readers give a meaning of their own.
const TAKEN_KEYS: [&str; 3] = ["geo", "ARROW:schema", "pandas"];

/// What our own keys of the metadata begin with.
const OWN_KEYS: &str = "tundra.";

/// How an output is written. What is not given is chosen by the width of the rows or left to the writer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WriteOptions {
    /// How it is compressed.
    pub compression: Compression,
    /// Rows of a row group, which has up to 2,047 more because DuckDB hands rows on in blocks; chosen
    /// by the width of the rows when not given.
    pub row_group_rows: Option<u64>,
    /// Bytes of a row group in memory, before they are encoded and compressed; about. Whichever of the
    /// two is reached first ends a row group.
    pub row_group_bytes: Option<u64>,
    /// How many different values a column of a row group may have and still be written with a dictionary:
    /// a fifth of its rows when not given, and 0 for no dictionaries at all.
    pub dictionary_values: Option<u64>,
    /// Bloom filters of the columns that have a dictionary.
    pub bloom_filters: BloomFilters,
    /// By what the rows are sorted: by the first, then by the next. Rows that are equal in all of them stay
    /// in the order in which they were read. When empty, all rows do.
    pub sort_by: Vec<SortKey>,
    /// Pairs of a key and a value that stand in the metadata of the file.
    pub metadata: Vec<(String, String)>,
    /// Who is to read it: types, names and codec keep to what all of them take, and the run fails where
    /// that cannot be.
    pub readers: Vec<Reader>,
    /// Into which files the rows go.
    pub files: FilesOptions,
    /// The key with which the file is encrypted, footer and all. Such a file has no bloom filters, which would
    /// stand there as they are, and never the same bytes twice, because its random numbers are new each time.
    pub encryption: Option<EncryptionKey>,
}

/// Into which files the rows go: into one, unless one of these says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilesOptions {
    /// Bytes that a file may have; where there are more there are several files. None has more, and all
    /// have a number in their name, also a single one.
    pub max_size: Option<u64>,
    /// Columns, as they are named in the output, by whose values the rows go into directories, by the first,
    /// then by the next. They do not stand in the files.
    pub partition_by: Vec<String>,
    /// How many partitions there may be; [`FilesOptions::USUAL_PARTITIONS`] when not given.
    pub max_partitions: Option<u64>,
    /// The output is a directory, in which the files have names of their own; needed for partitions.
    pub in_directory: bool,
}

/// Whether filters are written that tell readers which row groups certainly lack a value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum BloomFilters {
    /// They are, and err for one in a hundred values that are not there.
    #[default]
    Usual,
    /// They are, and err for this share of the values that are not there; above 0 and below 1.
    Share(f64),
    /// They are not.
    None,
}

/// A column by which rows are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Its name in the output.
    pub column: String,
    /// The largest value comes first.
    pub descending: bool,
    /// Nulls come first, and not last.
    pub nulls_first: bool,
}

/// A text that says no [`SortKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a column to sort by is missing in `{0}`")]
pub struct SortKeyError(String);

/// A text that says no [`BloomFilters`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `off` nor a share above 0 and below 1, such as 0.01")]
pub struct BloomFiltersError(String);

impl WriteOptions {
    /// Checks that they make sense together, whatever is written.
    ///
    /// # Errors
    /// Fails when a key of the metadata is empty, is given twice or is not free, when a column is to be
    /// sorted or partitioned by twice, when the output is a file and has to be a directory, when a reader
    /// does not read the codec, or when something does not go with a key.
    pub fn check(&self) -> Result<()> {
        self.files.check()?;
        self.check_encryption()?;
        for reader in &self.readers {
            if let Some(fault) = codec_fault(*reader, self.compression.in_parquet()) {
                return Err(Error::Request {
                    message: format!(
                        "`--compression {}` does not do for `--for {reader}`: {fault}",
                        self.compression
                    ),
                    hint: Some("leave one of the two away; zstd does for all readers".to_owned()),
                });
            }
        }
        let mut keys = BTreeSet::new();
        for (key, _) in &self.metadata {
            let lower = key.to_lowercase();
            if key.is_empty() || key.contains('\0') {
                return Err(Error::request("a key of the metadata is empty or has a zero byte"));
            }
            if lower.starts_with(OWN_KEYS) || TAKEN_KEYS.iter().any(|it| it.to_lowercase() == lower)
            {
                return Err(Error::Request {
                    message: format!("the key `{key}` of the metadata has a meaning of its own"),
                    hint: Some(format!(
                        "name another; not free are those that begin with `{OWN_KEYS}`, and {}",
                        TAKEN_KEYS.map(|it| format!("`{it}`")).join(", ")
                    )),
                });
            }
            if !keys.insert(lower) {
                return Err(Error::Request {
                    message: format!("the key `{key}` of the metadata is given twice"),
                    hint: Some("they are compared without regard to case".to_owned()),
                });
            }
        }
        let mut columns = BTreeSet::new();
        match self.sort_by.iter().find(|key| !columns.insert(&key.column)) {
            Some(key) => {
                Err(Error::request(format!("the rows are sorted by `{}` twice", key.column)))
            }
            None => Ok(()),
        }
    }
}

impl WriteOptions {
    /// Refuses a key where what is written is read again by who has none. `whose` says what that is.
    ///
    /// # Errors
    /// Fails when there is one.
    pub fn check_readable(&self, whose: &str) -> Result<()> {
        match &self.encryption {
            None => Ok(()),
            Some(_) => Err(Error::Request {
                message: format!("{whose} is not encrypted"),
                hint: Some("leave the key out, and let the store encrypt".to_owned()),
            }),
        }
    }

    fn check_encryption(&self) -> Result<()> {
        if self.encryption.is_none() {
            return Ok(());
        }
        let (what, hint) = if self.files.are_several() || self.files.in_directory {
            ("several files", "leave `--max-file-size` and `--partition-by` out, and name a file")
        } else if let BloomFilters::Share(_) = self.bloom_filters {
            ("`--bloom-filters`", "leave it out; filters tell which values there are")
        } else if self.compression == Compression::Brotli {
            ("`--compression brotli`", "take zstd, snappy, gzip, lz4 or none")
        } else if !self.readers.is_empty() {
            ("`--for`", "leave it out; whom it names reads no file with a key of one's own")
        } else {
            return Ok(());
        };
        Err(Error::Request {
            message: format!("{what} does not go with `--encryption-key-file`"),
            hint: Some(hint.to_owned()),
        })
    }
}

impl FilesOptions {
    /// How many partitions there may be when nobody says. What has more is mostly a column of ids.
    pub const USUAL_PARTITIONS: u64 = 1000;

    /// Returns whether there may be several files.
    pub fn are_several(&self) -> bool {
        self.max_size.is_some() || !self.partition_by.is_empty()
    }

    /// Refuses several files where there is a place for one only. `whose` says of what they would be.
    ///
    /// # Errors
    /// Fails when there may be several, or a directory is named.
    pub fn check_single(&self, whose: &str) -> Result<()> {
        if self.are_several() || self.in_directory {
            return Err(Error::Request {
                message: format!("{whose} is one file"),
                hint: Some(
                    "leave `--max-file-size` and `--partition-by` out, and name a file".to_owned(),
                ),
            });
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let mut columns = BTreeSet::new();
        if let Some(column) = self.partition_by.iter().find(|column| !columns.insert(*column)) {
            return Err(Error::request(format!("the rows are partitioned by `{column}` twice")));
        }
        if self.max_size == Some(0) || self.max_partitions == Some(0) {
            return Err(Error::request("the size of a file or the number of partitions is 0"));
        }
        let (message, hint) = match (self.in_directory, self.partition_by.is_empty()) {
            (true, true) if self.max_size.is_none() => (
                "the output is a directory, and nothing says how the rows go into several files",
                "name a file, or say `--partition-by` or `--max-file-size`",
            ),
            (false, false) => (
                "partitions are directories, and the output is a file",
                "name a directory, with a `/` at its end: `-o sales/`",
            ),
            _ => return Ok(()),
        };
        Err(Error::Request { message: message.to_owned(), hint: Some(hint.to_owned()) })
    }
}

impl fmt::Display for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.column)?;
        if self.descending {
            f.write_str(" desc")?;
        }
        if self.nulls_first {
            f.write_str(" nulls first")?;
        }
        Ok(())
    }
}

impl FromStr for SortKey {
    type Err = SortKeyError;

    /// Reads `COLUMN`, behind which may stand `asc` or `desc` and `nulls first` or `nulls last`. A column
    /// whose own name ends with such a word is written with one more.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (rest, nulls_first) = match without(text, " nulls first") {
            Some(rest) => (rest, true),
            None => (without(text, " nulls last").unwrap_or(text), false),
        };
        let (column, descending) = match without(rest, " desc") {
            Some(column) => (column, true),
            None => (without(rest, " asc").unwrap_or(rest), false),
        };
        if column.trim().is_empty() {
            return Err(SortKeyError(text.to_owned()));
        }
        Ok(Self { column: column.to_owned(), descending, nulls_first })
    }
}

impl FromStr for BloomFilters {
    type Err = BloomFiltersError;

    /// Reads `off` or a share.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::None);
        }
        match text.parse::<f64>() {
            Ok(share) if share > 0.0 && share < 1.0 => Ok(Self::Share(share)),
            _ => Err(BloomFiltersError(text.to_owned())),
        }
    }
}

/// Returns the text without words at its end, in whatever case they are.
fn without<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let text = text.trim_end();
    let at = text.len().checked_sub(words.len())?;
    let end = text.get(at..)?;
    end.eq_ignore_ascii_case(words).then(|| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> (String, bool, bool) {
        let SortKey { column, descending, nulls_first } = text.parse().unwrap();
        (column, descending, nulls_first)
    }

    #[test]
    fn reads_columns_with_and_without_words_behind_them() {
        assert_eq!(key("a"), ("a".to_owned(), false, false));
        assert_eq!(key("a DESC"), ("a".to_owned(), true, false));
        assert_eq!(key("order date asc nulls first"), ("order date".to_owned(), false, true));
        assert_eq!(key("a desc Nulls Last"), ("a".to_owned(), true, false));
        assert_eq!(key("a desc asc"), ("a desc".to_owned(), false, false));
        assert_eq!(key("größe desc"), ("größe".to_owned(), true, false));
        for text in ["", " ", " desc", " nulls first"] {
            assert!(text.parse::<SortKey>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_key_reads_back_as_it_is_shown() {
        for text in ["a", "a desc", "a nulls first", "a desc nulls first"] {
            assert_eq!(text.parse::<SortKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_share_is_between_none_and_all() {
        assert_eq!("OFF".parse(), Ok(BloomFilters::None));
        assert_eq!("0.05".parse(), Ok(BloomFilters::Share(0.05)));
        for text in ["", "0", "1", "-0.1", "nan", "on"] {
            assert!(text.parse::<BloomFilters>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn partitions_need_a_directory_and_a_directory_needs_files() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let files = |in_directory, max_size, names: &[&str]| FilesOptions {
            max_size,
            partition_by: columns(names),
            in_directory,
            ..FilesOptions::default()
        };
        for fitting in [
            files(false, None, &[]),
            files(false, Some(1), &[]),
            files(true, Some(1), &[]),
            files(true, None, &["a", "b"]),
        ] {
            fitting.check().unwrap();
        }
        for unfitting in [
            files(true, None, &[]),
            files(false, None, &["a"]),
            files(false, Some(1), &["a"]),
            files(true, None, &["a", "a"]),
            files(false, Some(0), &[]),
        ] {
            assert!(unfitting.check().is_err(), "{unfitting:?}");
        }
        assert!(files(false, Some(1), &[]).check_single("a version").is_err());
        files(false, None, &[]).check_single("a version").unwrap();
    }

    #[test]
    fn refuses_keys_that_are_not_free_and_columns_twice() {
        let with = |pairs: &[(&str, &str)]| WriteOptions {
            metadata: pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            ..WriteOptions::default()
        };
        with(&[("owner", "acme"), ("note", "")]).check().unwrap();
        for pairs in [
            &[("", "x")][..],
            &[("tundra.plan", "x")],
            &[("GEO", "x")],
            &[("arrow:schema", "x")],
            &[("a", "1"), ("A", "2")],
        ] {
            assert!(with(pairs).check().is_err(), "{pairs:?}");
        }
        let sort_by = vec!["a".parse().unwrap(), "a desc".parse().unwrap()];
        let twice = WriteOptions { sort_by, ..WriteOptions::default() };
        assert!(twice.check().unwrap_err().to_string().contains("`a` twice"));
    }
}
