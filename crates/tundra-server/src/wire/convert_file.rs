//! `POST /convert/file`: what is asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tundra_core::{
    BadRowPolicy, ColumnType, Compression, ConvertOptions, DataError, Format, RejectLimit,
    SourceId, WriteOptions,
};
use utoipa::ToSchema;

use crate::{
    Failure,
    wire::{
        ReadOptions, SignedUrl, Webhook,
        read_options::{short, source_id},
    },
};

/// A file to be converted: a catalogued one by `source_id`, into its next version, or one behind
/// `source_url`, into `output_url`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConvertFile {
    /// The source, of which a new version is made.
    #[schema(format = "uuid")]
    pub source_id: Option<String>,
    /// A signed URL to read from, where there is no source.
    pub source_url: Option<SignedUrl>,
    /// A signed URL to write to by PUT, where there is no source.
    pub output_url: Option<SignedUrl>,
    /// The format of the file; that of the source, or what the file looks like, when not given.
    #[schema(example = "csv")]
    pub format: Option<String>,
    /// How it is read and written.
    #[serde(default, deserialize_with = "crate::wire::object_or_default")]
    #[schema(nullable)]
    pub options: FileOptions,
    /// How the output is compressed: `zstd`, which is the default, `snappy`, `gzip`, `brotli`,
    /// `lz4` or `none`; `zstd:9` with a level.
    #[schema(example = "zstd")]
    pub compression: Option<String>,
    /// Whom to tell when the run has ended; only with `Prefer: respond-async`.
    #[serde(
        default,
        deserialize_with = "crate::wire::object",
        skip_serializing_if = "Option::is_none"
    )]
    pub webhook: Option<Webhook>,
}

/// How a file is read and written. Every field may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct FileOptions {
    /// New names of columns, by their name in the file.
    #[serde(deserialize_with = "crate::wire::or_default")]
    #[schema(nullable)]
    pub column_mapping: BTreeMap<String, String>,
    /// Types of columns, by their name in the file.
    #[serde(deserialize_with = "crate::wire::or_default")]
    #[schema(nullable)]
    pub type_overrides: BTreeMap<String, String>,
    /// Numbers of records that are left out; the first one behind the header is 0.
    #[serde(deserialize_with = "crate::wire::or_default")]
    #[schema(nullable, max_items = 100000)]
    pub skip_rows: Vec<u64>,
    /// What stands between two fields of delimited text.
    #[schema(max_length = 16, example = ",")]
    pub delimiter: Option<String>,
    /// The sheet of a workbook, by its name or its number from 1 on; the first visible one with cells when
    /// it is not given.
    #[schema(max_length = 255)]
    pub sheet_name: Option<String>,
    /// The encoding of a text by its WHATWG label, such as `windows-1252`.
    #[schema(max_length = 64)]
    pub encoding: Option<String>,
    /// The quote of delimited text; empty when there is none.
    #[schema(max_length = 1)]
    pub quote: Option<String>,
    /// Whether delimited text has a header.
    pub header: Option<bool>,
    /// Lines before the header that are no records.
    #[schema(maximum = 1000000)]
    pub preamble: Option<u64>,
    /// Lines at the end that are no records.
    #[schema(maximum = 1000000)]
    pub footer: Option<u64>,
    /// Words that stand for nulls in delimited text.
    #[serde(deserialize_with = "crate::wire::or_default")]
    #[schema(nullable, max_items = 1000)]
    pub null_values: Vec<String>,
    /// Where in a JSON document the records are, such as `data.items`.
    #[schema(max_length = 4096)]
    pub records: Option<String>,
    /// Whether the fields of nested JSON objects become columns of their own.
    #[serde(deserialize_with = "crate::wire::or_default")]
    #[schema(nullable)]
    pub flatten: bool,
    /// The member of an archive, as its name stands there; the only one that holds data when not given.
    #[schema(max_length = 4096)]
    pub member: Option<String>,
    /// What happens to a record that cannot be read: `fail`, which is the default, `reject`, which puts it
    /// into a file beside the output, or `repair`.
    #[schema(example = "fail")]
    pub on_bad_row: Option<String>,
    /// How many rejects fail the run nevertheless: a count such as `10`, or a share such as `0.5%`.
    #[schema(example = "10")]
    pub max_rejects: Option<String>,
}

/// The most columns that are named in one request.
const MOST_COLUMNS: usize = 10_000;

/// The most records that are named in one request.
const MOST_SKIPPED: usize = 100_000;

/// The longest name of a column or of a type, in bytes.
const LONGEST_NAME: usize = 4096;

/// From where to where a file is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilePlaces<'a> {
    /// Into the next version of a source.
    Source(SourceId),
    /// From one URL to another.
    Urls {
        /// What is read.
        source: &'a SignedUrl,
        /// What is written.
        output: &'a SignedUrl,
    },
}

impl ConvertFile {
    /// Returns from where to where it is converted.
    ///
    /// # Errors
    /// When the request is neither one of 4.0, which names a source, nor one of 3.0, which names two URLs.
    pub(crate) fn places(&self) -> Result<FilePlaces<'_>, Failure> {
        match (&self.source_id, &self.source_url, &self.output_url) {
            (Some(id), None, None) => source_id(id).map(FilePlaces::Source),
            (None, Some(source), Some(output)) => {
                source.check("source_url")?;
                output.check("output_url")?;
                Ok(FilePlaces::Urls { source, output })
            }
            (Some(_), _, _) => Err(Failure::invalid(
                "`source_id` stands alone, and a URL is given beside it",
            )
            .hint(
                "leave out `source_id` to convert from URL to URL, or the URLs to make a version",
            )),
            (None, None, None) => Err(Failure::invalid("`source_id` is missing")
                .hint("name a source, or `source_url` and `output_url`")),
            (None, None, Some(_)) => Err(Failure::invalid("`source_url` is missing")),
            (None, Some(_), None) => Err(Failure::invalid("`output_url` is missing")),
        }
    }

    /// Checks everything that can be checked without looking at anything else.
    ///
    /// # Errors
    /// When a field makes no sense.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.places()?;
        self.convert_options().map(drop)
    }

    /// Returns what the engine is told.
    ///
    /// # Errors
    /// When an option makes no sense in itself; what only the file can contradict comes later.
    pub(crate) fn convert_options(&self) -> Result<ConvertOptions, Failure> {
        let FileOptions {
            column_mapping,
            type_overrides,
            skip_rows,
            on_bad_row,
            max_rejects,
            null_values,
            ..
        } = &self.options;
        let format = format(self.format.as_deref())?;
        let reading = self.options.reading();
        let json = reading.json()?;
        if column_mapping.len() > MOST_COLUMNS || type_overrides.len() > MOST_COLUMNS {
            return Err(Failure::invalid(format!(
                "`options.column_mapping` and `options.type_overrides` name at most {MOST_COLUMNS} \
                 columns each"
            )));
        }
        if skip_rows.len() > MOST_SKIPPED {
            return Err(Failure::invalid(format!(
                "`options.skip_rows` has {} numbers, and {MOST_SKIPPED} are the most",
                skip_rows.len()
            )));
        }
        for (from, to) in column_mapping {
            short("options.column_mapping", Some(from), LONGEST_NAME)?;
            short("options.column_mapping", Some(to), LONGEST_NAME)?;
        }
        let type_of = |(column, text): (&String, &String)| {
            short("options.type_overrides", Some(column), LONGEST_NAME)?;
            short("options.type_overrides", Some(text), LONGEST_NAME)?;
            let kind = text.parse::<ColumnType>().map_err(|error| {
                Failure::invalid(format!("`options.type_overrides.{column}`: {error}"))
            })?;
            Ok((column.clone(), kind))
        };
        Ok(ConvertOptions {
            format,
            member: reading.member()?,
            text: reading.text()?,
            json,
            workbook: reading.workbook()?,
            column_mapping: column_mapping.clone().into_iter().collect(),
            type_overrides: type_overrides.iter().map(type_of).collect::<Result<_, Failure>>()?,
            null_words: null_values.clone(),
            skip_rows: skip_rows.iter().copied().collect(),
            on_bad_row: on_bad_row.as_deref().map(bad_row_policy).transpose()?.unwrap_or_default(),
            max_rejects: max_rejects.as_deref().map(reject_limit).transpose()?,
            writing: WriteOptions {
                compression: compression(self.compression.as_deref(), Compression::default())?,
                ..WriteOptions::default()
            },
            ..ConvertOptions::default()
        })
    }
}

impl FileOptions {
    /// Returns what is known of how the file is written.
    fn reading(&self) -> ReadOptions {
        ReadOptions {
            delimiter: self.delimiter.clone(),
            encoding: self.encoding.clone(),
            quote: self.quote.clone(),
            header: self.header,
            preamble: self.preamble,
            footer: self.footer,
            null_values: self.null_values.clone(),
            records: self.records.clone(),
            flatten: self.flatten,
            member: self.member.clone(),
            sheet_name: self.sheet_name.clone(),
        }
    }
}

/// Reads the name of a format; nothing for one that leaves it to be found.
pub(crate) fn format(text: Option<&str>) -> Result<Option<Format>, Failure> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("auto") => Ok(None),
        Some(text) => {
            short("format", Some(text), 64)?;
            text.parse().map(Some).map_err(|error| Failure::invalid(format!("`format`: {error}")))
        }
    }
}

/// Reads the name of a compression.
pub(crate) fn compression(
    text: Option<&str>,
    default: Compression,
) -> Result<Compression, Failure> {
    let Some(text) = text else { return Ok(default) };
    text.trim().parse().map_err(|_| {
        let shown = DataError::shorten(text.as_bytes());
        Failure::invalid(format!(
            "`compression` is `{shown}`, and none of {}",
            Compression::NAMES.join(", ")
        ))
    })
}

fn bad_row_policy(text: &str) -> Result<BadRowPolicy, Failure> {
    match text {
        "fail" => Ok(BadRowPolicy::Fail),
        "reject" => Ok(BadRowPolicy::Reject),
        "repair" => Ok(BadRowPolicy::Repair),
        _ => {
            let shown = DataError::shorten(text.as_bytes());
            Err(Failure::invalid(format!(
                "`options.on_bad_row` is `{shown}`, and none of fail, reject and repair"
            )))
        }
    }
}

fn reject_limit(text: &str) -> Result<RejectLimit, Failure> {
    short("options.max_rejects", Some(text), 32)?;
    text.parse().map_err(|error| Failure::invalid(format!("`options.max_rejects`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn request(text: &str) -> Result<ConvertOptions, Failure> {
        let request: ConvertFile = crate::wire::json::read(text).await?;
        request.convert_options()
    }

    #[tokio::test]
    async fn the_request_of_the_old_api_is_read() {
        let options = request(
            r#"{"source_id": "x", "format": "csv", "unknown": {"a": 1}, "options": {
                "column_mapping": {"old_name": "new_name"}, "type_overrides": {"amount": "DOUBLE"},
                "skip_rows": [0, 1], "delimiter": ","}}"#,
        )
        .await
        .unwrap();
        assert_eq!(options.format, Some(Format::Csv));
        assert_eq!(options.column_mapping, [("old_name".to_owned(), "new_name".to_owned())]);
        assert_eq!(options.type_overrides, [("amount".to_owned(), ColumnType::Double)]);
        assert_eq!(options.skip_rows.into_iter().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(options.text.delimiter.as_deref(), Some(","));
        assert_eq!(options.writing.compression, Compression::Zstd(None));
    }

    #[tokio::test]
    async fn nulls_are_as_good_as_nothing() {
        let text = r#"{"source_id": "x", "format": null, "options": null, "compression": null}"#;
        assert_eq!(request(text).await.unwrap(), ConvertOptions::default());
        let text = r#"{"options": {"column_mapping": null, "type_overrides": null,
                       "skip_rows": null, "delimiter": null, "sheet_name": null}}"#;
        assert_eq!(request(text).await.unwrap(), ConvertOptions::default());
    }

    #[tokio::test]
    async fn a_wrong_option_is_named() {
        for (text, field) in [
            (r#"{"format": "xls'; DROP TABLE x"}"#, "`format`"),
            (r#"{"compression": "lzma"}"#, "`compression`"),
            (r#"{"compression": "zstd:23"}"#, "`compression`"),
            (
                r#"{"options": {"type_overrides": {"a": "DOUBLE); DROP TABLE x"}}}"#,
                "type_overrides.a`",
            ),
            (r#"{"options": {"skip_rows": [-1]}}"#, "`options.skip_rows[0]`"),
            (r#"{"options": {"sheet_name": 1}}"#, "`options.sheet_name`"),
            (r#"{"options": {"on_bad_row": "ignore"}}"#, "`options.on_bad_row`"),
            (r#"{"options": {"max_rejects": "many"}}"#, "`options.max_rejects`"),
            (r#"{"options": {"delimiter": 5}}"#, "`options.delimiter`"),
            (r#"{"options": {"column_mapping": ["a"]}}"#, "`options.column_mapping`"),
        ] {
            let fault = request(text).await.unwrap_err();
            assert!(fault.status == 400 && fault.detail.contains(field), "{text}: {fault}");
        }
    }
}
