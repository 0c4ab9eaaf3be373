//! Requests and responses, as JSON.
//!
//! These are the API: a field is never renamed or removed, and its meaning never changes. They are plain
//! data; how they become what the engine and the connectors take, and what comes back from those, is
//! the business of `crate::tasks`. Fields that are not known are ignored, as the service in Python did.

mod connection;
mod convert_database;
mod convert_file;
mod converted;
mod infer;
mod jobs;
mod json;
mod limit;
mod object;
mod preview;
mod read_options;
mod service;
mod signed_url;
mod sources;
mod uploads;

pub use self::{
    connection::{Connected, ConnectionMetadata, Credentials, TestConnection},
    convert_database::ConvertDatabase,
    convert_file::{ConvertFile, FileOptions},
    converted::{ColumnSchema, ConnectionInfo, Conversion, Converted, SchemaField},
    infer::{Infer, Inferred, InferredColumn, InferredSchema, Row},
    jobs::{
        JobDocument, JobErrorDocument, JobPage, JobPlaceDocument, JobProgressDocument, JobsQuery,
        Webhook,
    },
    preview::{JsonRows, Preview, PreviewForm, PreviewParameters, PreviewQuery, PreviewRows},
    read_options::ReadOptions,
    signed_url::SignedUrl,
    sources::{
        ColumnDocument, DifferenceDocument, PageQuery, ReceiptDocument, Rollback, RolledBack,
        SourceDocument, SourcePage, VersionDocument, VersionPage,
    },
    uploads::{UploadRequest, UploadTarget, UploadTicket, Uploaded},
};
pub(crate) use self::{
    convert_database::DatabasePlace,
    convert_file::FilePlaces,
    infer::InferPlace,
    json::Json,
    object::{object, object_or_default},
    service::{
        Connectors, DeepHealth, Features, FileFormat, Health, Index, Info, Limits, Versions,
    },
};

/// Reads a field that may be null, which is as good as not there: what clients in other languages send for
/// an object that they leave empty.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + serde::Deserialize<'de>,
{
    use serde::Deserialize as _;
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
