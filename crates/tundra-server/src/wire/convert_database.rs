//! `POST /convert/database`: what is asked for.

use serde::{Deserialize, Serialize};
use tundra_connectors::{DatabaseKind, parse_table};
use tundra_core::{
    Compression, DataError, ExtractRequest, OnLossy, Relation, SourceId, TableName, WriteOptions,
};
use utoipa::ToSchema;

use crate::{
    Failure,
    wire::{
        SignedUrl, Webhook,
        connection::kind,
        convert_file::compression,
        read_options::{short, source_id},
    },
};

/// A table or a query to be extracted: into the next version of a source by `source_id`, or into
/// `output_url`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConvertDatabase {
    /// The source, of which a new version is made.
    #[schema(format = "uuid")]
    pub source_id: Option<String>,
    /// A signed URL to write to by PUT, where there is no source.
    pub output_url: Option<SignedUrl>,
    /// The kind of database, where there is no source that says it.
    #[schema(example = "postgresql")]
    pub connector_type: Option<String>,
    /// The name of the secret that has the credentials. Callers of one organisation name those of their
    /// organisation, whose names begin with `org-`, its id and `_`.
    #[schema(min_length = 1, max_length = 255)]
    pub credentials_id: String,
    /// A query that only reads, in the database's own SQL.
    #[schema(max_length = 1000000)]
    pub query: Option<String>,
    /// A table or view, instead of a query: `table`, `schema.table`, or a form of it in quotes.
    #[schema(max_length = 1024)]
    pub table_name: Option<String>,
    /// How the output is compressed: `zstd`, `snappy`, `gzip`, `brotli`, `lz4` or `none`. `zstd` when nothing is said, and `snappy`
    /// where the output goes to a URL, as in 3.0.
    #[schema(example = "zstd")]
    pub compression: Option<String>,
    /// The column by whose values the table is split; chosen when not given.
    #[schema(max_length = 1024)]
    pub partition_column: Option<String>,
    /// In how many streams it is read; by its size when neither this nor a column is given.
    #[schema(minimum = 1, maximum = 16)]
    pub partition_num: Option<u64>,
    /// Only these columns, in this order.
    #[schema(max_items = 10000)]
    pub columns: Option<Vec<String>>,
    /// What happens to a value that no type holds, such as a zero date: `fail`, which is the default, `text`
    /// or `null`.
    #[schema(example = "fail")]
    pub on_lossy: Option<String>,
    /// Whom to tell when the run has ended; only with `Prefer: respond-async`.
    #[serde(
        default,
        deserialize_with = "crate::wire::object",
        skip_serializing_if = "Option::is_none"
    )]
    pub webhook: Option<Webhook>,
}

/// In how many streams 3.0 reads when only the column is given.
const USUAL_PARTITIONS: usize = 4;

/// The longest query, in bytes; the servers themselves take little more.
const LONGEST_QUERY: usize = 1_000_000;

/// The most columns that are named.
const MOST_COLUMNS: usize = 10_000;

/// The longest name of a table, a column or a secret, in bytes.
const LONGEST_NAME: usize = 1024;

/// From where to where a relation is extracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabasePlace<'a> {
    /// Into the next version of a source.
    Source(SourceId),
    /// To a URL.
    Url {
        /// The kind of database.
        kind: DatabaseKind,
        /// What is written.
        output: &'a SignedUrl,
    },
}

impl ConvertDatabase {
    /// Returns from where to where it is extracted.
    ///
    /// # Errors
    /// When the request is neither one of 4.0, which names a source, nor one of 3.0, which names a URL and the
    /// kind of database.
    pub(crate) fn place(&self) -> Result<DatabasePlace<'_>, Failure> {
        match (&self.source_id, &self.output_url) {
            (Some(id), None) => source_id(id).map(DatabasePlace::Source),
            (None, Some(output)) => {
                output.check("output_url")?;
                let kind = self.kind()?.ok_or_else(|| {
                    Failure::invalid("`connector_type` is missing")
                        .hint("without a source, name the kind of database, such as `postgresql`")
                })?;
                Ok(DatabasePlace::Url { kind, output })
            }
            (Some(_), Some(_)) => {
                Err(Failure::invalid("`source_id` and `output_url` are both given")
                    .hint("leave one of them out"))
            }
            (None, None) => Err(Failure::invalid("`source_id` is missing")
                .hint("name a source, or `output_url` and `connector_type`")),
        }
    }

    /// Returns the kind of database that the request names.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn kind(&self) -> Result<Option<DatabaseKind>, Failure> {
        self.connector_type.as_deref().map(kind).transpose()
    }

    /// Returns how the output is written.
    ///
    /// # Errors
    /// When the compression is none.
    pub(crate) fn extract_options(&self, default: Compression) -> Result<WriteOptions, Failure> {
        let compression = compression(self.compression.as_deref(), default)?;
        Ok(WriteOptions { compression, ..WriteOptions::default() })
    }

    /// Checks everything that can be checked without asking anybody.
    ///
    /// # Errors
    /// When a field makes no sense.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.place()?;
        self.kind()?;
        self.extract_options(Compression::default())?;
        self.extract_request().map(drop)
    }

    /// Returns what the connector is told.
    ///
    /// # Errors
    /// When it makes no sense in itself; what only the database can contradict comes later.
    pub(crate) fn extract_request(&self) -> Result<ExtractRequest, Failure> {
        self.check_lengths()?;
        let relation = match (&self.query, &self.table_name) {
            (Some(_), Some(_)) => {
                return Err(Failure::invalid("`query` and `table_name` are both given")
                    .hint("leave one of them out"));
            }
            (None, None) => {
                return Err(Failure::invalid("neither `query` nor `table_name` is given")
                    .hint("say what is to be read"));
            }
            (Some(query), None) if query.trim().is_empty() => {
                return Err(Failure::invalid("`query` is empty"));
            }
            (Some(query), None) => Relation::Query(query.clone()),
            (None, Some(table)) => Relation::Table(table_name(table)?),
        };
        let mut request = ExtractRequest::new(relation);
        request.columns = self.columns.clone();
        request.partition_column = self.partition_column.clone();
        request.partitions = match (self.partition_num, &self.partition_column) {
            (Some(number), _) => Some(partitions(number)?),
            (None, Some(_)) => Some(USUAL_PARTITIONS),
            (None, None) => None,
        };
        request.on_lossy = self.on_lossy.as_deref().map(on_lossy).transpose()?.unwrap_or_default();
        Ok(request)
    }

    fn check_lengths(&self) -> Result<(), Failure> {
        if self.credentials_id.is_empty() {
            return Err(Failure::invalid("`credentials_id` is empty"));
        }
        short("credentials_id", Some(&self.credentials_id), 255)?;
        short("query", self.query.as_deref(), LONGEST_QUERY)?;
        short("table_name", self.table_name.as_deref(), LONGEST_NAME)?;
        short("partition_column", self.partition_column.as_deref(), LONGEST_NAME)?;
        match &self.columns {
            Some(columns) if columns.is_empty() => {
                Err(Failure::invalid("`columns` is empty").hint("leave it out for all columns"))
            }
            Some(columns) if columns.len() > MOST_COLUMNS => {
                Err(Failure::invalid(format!("`columns` names more than {MOST_COLUMNS} columns")))
            }
            Some(columns) => {
                columns.iter().try_for_each(|name| short("columns", Some(name), LONGEST_NAME))
            }
            None => Ok(()),
        }
    }
}

/// Reads the name of a table, and refuses what is none in the words of 3.0.
fn table_name(text: &str) -> Result<TableName, Failure> {
    parse_table(text).map_err(|_| {
        let shown = DataError::shorten(text.as_bytes());
        Failure::invalid(format!(
            "Invalid table name: '{shown}'. Table names must contain only alphanumeric characters, \
             underscores, and dots."
        ))
        .hint("write other names in quotes: `\"My schema\".\"my table\"`")
    })
}

fn partitions(number: u64) -> Result<usize, Failure> {
    usize::try_from(number)
        .ok()
        .filter(|number| (1..=ExtractRequest::MAX_PARTITIONS).contains(number))
        .ok_or_else(|| {
            let most = ExtractRequest::MAX_PARTITIONS;
            Failure::invalid(format!("`partition_num` is {number}, and not from 1 to {most}"))
        })
}

fn on_lossy(text: &str) -> Result<OnLossy, Failure> {
    match text {
        "fail" => Ok(OnLossy::Fail),
        "text" => Ok(OnLossy::Text),
        "null" => Ok(OnLossy::Null),
        _ => {
            let shown = DataError::shorten(text.as_bytes());
            Err(Failure::invalid(format!(
                "`on_lossy` is `{shown}`, and none of fail, text and null"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn request(text: &str) -> Result<ExtractRequest, Failure> {
        let request: ConvertDatabase = crate::wire::json::read(text).await?;
        request.extract_request()
    }

    #[tokio::test]
    async fn the_requests_of_the_old_apis_are_read() {
        let split = request(
            r#"{"output_url": "https://x/y?z", "connector_type": "postgresql", "credentials_id": "c",
                "table_name": "large_table", "partition_column": "id", "partition_num": 8}"#,
        )
        .await
        .unwrap();
        assert_eq!((split.partitions, split.partition_column.as_deref()), (Some(8), Some("id")));
        let table = TableName { schema: None, name: "large_table".to_owned() };
        assert_eq!(split.relation, Relation::Table(table));
        let query = request(r#"{"credentials_id": "c", "query": "SELECT 1"}"#).await.unwrap();
        assert_eq!((query.partitions, query.partition_column), (None, None));
        let column = r#"{"credentials_id": "c", "table_name": "t", "partition_column": "id"}"#;
        assert_eq!(request(column).await.unwrap().partitions, Some(4));
    }

    #[tokio::test]
    async fn what_is_no_table_is_refused_in_the_words_of_the_old_api() {
        let text = r#"{"credentials_id": "c", "table_name": "users; DROP TABLE users"}"#;
        assert_eq!(
            request(text).await.unwrap_err().detail,
            "Invalid table name: 'users; DROP TABLE users'. Table names must contain only \
             alphanumeric characters, underscores, and dots."
        );
        let text = r#"{"credentials_id": "c", "table_name": "\"users; DROP TABLE users\""}"#;
        let table = TableName { schema: None, name: "users; DROP TABLE users".to_owned() };
        assert_eq!(request(text).await.unwrap().relation, Relation::Table(table));
    }

    #[tokio::test]
    async fn a_wrong_field_is_named() {
        for (text, word) in [
            (r#"{"query": "SELECT 1"}"#, "credentials_id"),
            (r#"{"credentials_id": "", "query": "SELECT 1"}"#, "credentials_id"),
            (r#"{"credentials_id": "c"}"#, "neither `query` nor `table_name`"),
            (r#"{"credentials_id": "c", "query": "SELECT 1", "table_name": "t"}"#, "both"),
            (r#"{"credentials_id": "c", "query": " "}"#, "`query`"),
            (r#"{"credentials_id": "c", "table_name": "t", "partition_num": 0}"#, "partition_num"),
            (r#"{"credentials_id": "c", "table_name": "t", "partition_num": 17}"#, "partition_num"),
            (r#"{"credentials_id": "c", "table_name": "t", "partition_num": -1}"#, "partition_num"),
            (r#"{"credentials_id": "c", "table_name": "t", "columns": []}"#, "`columns`"),
            (r#"{"credentials_id": "c", "table_name": "t", "on_lossy": "x"}"#, "`on_lossy`"),
            (r#"{"credentials_id": "c", "table_name": "a.b.c"}"#, "Invalid table name"),
        ] {
            let fault = request(text).await.unwrap_err();
            assert!(fault.status == 400 && fault.detail.contains(word), "{text}: {fault}");
        }
    }
}
