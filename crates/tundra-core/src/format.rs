//! The formats that are read and written and the compression of what is written, as values.

use std::{fmt, str::FromStr};

/// A format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Delimited text; the delimiter is found unless it is given.
    Csv,
    /// Delimited text with tabs.
    Tsv,
    /// One JSON document: an array of records, or one record.
    Json,
    /// One JSON value a line.
    Ndjson,
    /// GeoJSON: a collection of features, or features or geometries that follow each other.
    GeoJson,
    /// Apache Parquet.
    Parquet,
    /// A workbook of Excel or OpenDocument: xlsx, xlsm, xlsb, xls, ods.
    Excel,
}

/// A text that names no value of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}; there are {}", known.join(", "))]
pub struct UnknownName {
    /// The text as given.
    pub text: String,
    /// What it should have named.
    pub what: &'static str,
    /// The names that there are.
    pub known: &'static [&'static str],
}

impl Format {
    /// The names of all formats.
    pub const NAMES: &'static [&'static str] =
        &["csv", "tsv", "json", "ndjson", "geojson", "parquet", "excel"];

    /// Returns the canonical name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::GeoJson => "geojson",
            Self::Parquet => "parquet",
            Self::Excel => "excel",
        }
    }

    /// Returns the format that a file name's extension stands for, if it is one of ours.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "json" => Self::Json,
            "ndjson" | "jsonl" | "ldjson" => Self::Ndjson,
            "geojson" | "geojsonl" | "geojsons" | "geojsonseq" => Self::GeoJson,
            "parquet" | "pq" | "parq" => Self::Parquet,
            "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" | "xltx" | "xltm" | "xlam" | "ots" => {
                Self::Excel
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "csv" => Ok(Self::Csv),
            "tsv" => Ok(Self::Tsv),
            "json" => Ok(Self::Json),
            "ndjson" | "jsonl" => Ok(Self::Ndjson),
            "geojson" => Ok(Self::GeoJson),
            "parquet" => Ok(Self::Parquet),
            "excel" | "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" => Ok(Self::Excel),
            _ => Err(UnknownName { text: text.to_owned(), what: "format", known: Self::NAMES }),
        }
    }
}

/// A format of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OutputFormat {
    /// Apache Parquet.
    #[default]
    Parquet,
    /// Delimited text by RFC 4180.
    Csv,
    /// One JSON array with an object for each row.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// A file of Apache Arrow IPC.
    Arrow,
}

impl OutputFormat {
    /// The names of all formats.
    pub const NAMES: &'static [&'static str] = &["parquet", "csv", "json", "ndjson", "arrow"];

    /// Returns the canonical name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
        }
    }

    /// Returns the format that a file name's extension stands for, if it is one of ours.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "parquet" | "pq" | "parq" => Self::Parquet,
            "csv" => Self::Csv,
            "json" => Self::Json,
            "ndjson" | "jsonl" | "ldjson" => Self::Ndjson,
            "arrow" | "feather" | "ipc" => Self::Arrow,
            _ => return None,
        })
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OutputFormat {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "parquet" => Ok(Self::Parquet),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "ndjson" | "jsonl" => Ok(Self::Ndjson),
            "arrow" => Ok(Self::Arrow),
            _ => Err(UnknownName {
                text: text.to_owned(),
                what: "format of an output",
                known: Self::NAMES,
            }),
        }
    }
}

/// How the pages of the Parquet output are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard with a level from 1 to 22; `None` is the writer's default, 3.
    Zstd(Option<u8>),
    /// Snappy.
    Snappy,
    /// Deflate with the header of gzip, at the one level that the writer has.
    Gzip,
    /// Brotli, at the one level that the writer has.
    Brotli,
    /// LZ4 without frames, which Parquet calls `LZ4_RAW`.
    Lz4,
    /// None at all.
    None,
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(None)
    }
}

impl Compression {
    /// The names of all codecs.
    pub const NAMES: &'static [&'static str] = &["zstd", "snappy", "gzip", "brotli", "lz4", "none"];

    /// Returns the codec's name, without the level.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zstd(_) => "zstd",
            Self::Snappy => "snappy",
            Self::Gzip => "gzip",
            Self::Brotli => "brotli",
            Self::Lz4 => "lz4",
            Self::None => "none",
        }
    }
}

impl Compression {
    /// Returns the codec's name in Parquet, in lower case.
    pub(crate) fn in_parquet(self) -> &'static str {
        match self.name() {
            "none" => "uncompressed",
            // The other one of that name is given up.
            "lz4" => "lz4_raw",
            name => name,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zstd(Some(level)) => write!(f, "zstd:{level}"),
            _ => f.write_str(self.name()),
        }
    }
}

impl FromStr for Compression {
    type Err = UnknownName;

    /// Reads `zstd`, `zstd:LEVEL`, `snappy`, `gzip`, `brotli`, `lz4` or `none`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownName {
            text: text.to_owned(),
            what: "compression",
            known: &["zstd", "zstd:1 to zstd:22", "snappy", "gzip", "brotli", "lz4", "none"],
        };
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "zstd" => Ok(Self::Zstd(None)),
            "snappy" => Ok(Self::Snappy),
            "gzip" => Ok(Self::Gzip),
            "brotli" => Ok(Self::Brotli),
            "lz4" | "lz4_raw" => Ok(Self::Lz4),
            "none" | "uncompressed" => Ok(Self::None),
            _ => match lower.strip_prefix("zstd:").and_then(|level| level.parse::<u8>().ok()) {
                Some(level @ 1..=22) => Ok(Self::Zstd(Some(level))),
                _ => Err(unknown()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_parsing_agree() {
        for name in Format::NAMES {
            assert_eq!(&name.parse::<Format>().unwrap().name(), name);
        }
        for name in OutputFormat::NAMES {
            assert_eq!(&name.parse::<OutputFormat>().unwrap().name(), name);
            assert_eq!(OutputFormat::from_extension(name), name.parse().ok());
        }
        for name in Compression::NAMES {
            assert_eq!(&name.parse::<Compression>().unwrap().name(), name);
        }
    }

    #[test]
    fn refuses_levels_that_do_not_exist() {
        assert_eq!("zstd:19".parse(), Ok(Compression::Zstd(Some(19))));
        for text in ["zstd:0", "zstd:23", "zstd:", "zstd:x", "gzip:9", "lzo", ""] {
            assert!(text.parse::<Compression>().is_err(), "{text}");
        }
    }
}
