//! Domain types, traits and the conversion engine of Tundra.
//!
//! Start at [`engine::convert`], which turns one input into one Parquet file and returns a
//! [`Receipt`]. What it reads from and writes to is a [`Storage`]; what it reports to is a
//! [`Reporter`]; why it failed is an [`Error`] with an [`ErrorKind`].
//!
//! This crate knows no HTTP, no terminal and no particular store, database or catalog. Without the
//! features it is types and traits only. `read` adds the readers of text, and `engine` the engine with
//! DuckDB.

mod catalog;
mod column_type;
mod connector;
mod data_error;
mod encryption_key;
mod error;
mod format;
mod geometry;
mod identity;
mod inspection;
mod many;
mod object_path;
mod options;
#[cfg_attr(not(feature = "engine"), allow(dead_code, unused_imports))]
mod readers;
mod receipt;
mod records_path;
mod reporter;
mod schema_file;
mod secret;
mod storage;
mod unpack_limit;
mod writing;

#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "read")]
#[cfg_attr(not(feature = "engine"), allow(dead_code, unused_imports))]
mod read;
#[cfg(feature = "read")]
#[cfg_attr(not(feature = "engine"), allow(dead_code, unused_imports))]
mod value;
#[cfg(feature = "read")]
#[cfg_attr(not(feature = "engine"), allow(dead_code, unused_imports))]
mod write;

#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    catalog::{
        BreakerState, Catalog, CatalogError, CatalogStanding, IdempotencyKey, IdempotencyKeyError,
        NewSource, RequestDigest, RequestDigestError, Reserved, SchemaChange, SchemaDifference,
        SchemaRule, Scope, Source, SourceType, TableColumn, TableSchema, Version, VersionFacts,
        VersionStatus,
    },
    column_type::{ColumnType, ColumnTypeError, MAX_DECIMAL_PRECISION},
    connector::{
        BatchStream, Connector, ConnectorError, ExtractRequest, Extraction, OnLossy, Relation,
        ServerFacts, Session, StreamEnd, TableFacts, TableName, TablePattern, Window,
    },
    data_error::{DataCode, DataError},
    encryption_key::{EncryptionKey, EncryptionKeyError},
    error::{BoxError, Classify, Error, ErrorKind, NoCommonType, Result, Retry},
    format::{Compression, Format, OutputFormat, UnknownName},
    geometry::{GeometryEncoding, GeometryFacts, GeometryOptions, ReferenceSystem},
    identity::{IdentityError, RunId, SourceId, TenantId, VersionNumber},
    inspection::{ColumnInspection, Inspection, ParquetFacts, RowGroupFacts, Warning},
    many::{BadFilePolicy, ManyInputs, NamePattern},
    object_path::{ObjectPath, ObjectPathError},
    options::{
        BadRowPolicy, Cancel, Control, ConvertOptions, ErrorCells, Expected, Input, InspectOptions,
        JsonHints, OnDrift, Output, RejectLimit, RejectsName, Resources, TextHints, TypePolicy,
        WorkbookHints,
    },
    readers::{Basis, Finding, Reader, Severity, readers_page},
    receipt::{
        ColumnCounts, ColumnPlan, Counts, DatabaseFacts, Decision, EventSample, FORMAT_VERSION,
        InputColumn, InputFacts, InputsFacts, LossEvent, OutputFacts, PLAN_DIGEST_METADATA_KEY,
        PLAN_METADATA_KEY, Plan, Receipt, SourceFacts, Timings, WindowFacts,
    },
    records_path::{RecordsPath, RecordsPathError},
    reporter::{Progress, Reporter, Silent, Stage},
    schema_file::{
        Difference, Drift, SCHEMA_FILE_VERSION, SchemaColumn, SchemaFile, SchemaFileError,
        TextForm, TextFormError,
    },
    secret::{Secret, SecretError, SecretStore, secret_owner},
    storage::{
        IfExists, ObjectInfo, ObjectReader, ObjectWriter, Storage, StorageCapabilities,
        StorageError, copy_through,
    },
    unpack_limit::UnpackLimit,
    writing::{BloomFilters, BloomFiltersError, FilesOptions, SortKey, SortKeyError, WriteOptions},
};
