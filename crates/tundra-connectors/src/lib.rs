//! Databases as streams of Arrow record batches.
//!
//! Start at [`ConnectionSettings`], which says where a database is and who asks, and at the connector
//! of the database: all of them are a `tundra_core::Connector`, whose contract is read-only, lossless
//! and one snapshot for all partitions. What becomes of every type of a database stands in the table of
//! its module `types`.
//!
//! This crate knows no engine, no store and no catalog: it depends on `tundra-core` without that
//! crate's feature `engine`, so that it builds and is tested without DuckDB.

#[cfg(feature = "net")]
mod address;
mod batch;
#[cfg(any(feature = "mysql", feature = "postgresql", feature = "sqlite"))]
mod calendar;
mod identifier;
mod pending;
mod registry;
#[cfg(feature = "net")]
mod route;
mod settings;
#[cfg(any(feature = "mysql", feature = "postgresql"))]
mod shown;
#[cfg(any(feature = "mysql", feature = "postgresql", feature = "sqlite"))]
mod streams;
#[cfg(feature = "net")]
mod tls;
#[cfg(any(feature = "adbc", feature = "net"))]
mod tries;
#[cfg(feature = "ssh")]
mod tunnel;
mod types;

#[cfg(feature = "adbc")]
pub mod adbc;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgresql")]
pub mod postgresql;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use self::{
    identifier::{NameError, parse_table},
    pending::orders_sent,
    registry::{built_in, connector},
    settings::{
        AddressPolicy, AllowedDirectories, CONNECT_TIMEOUT, ConnectionSettings, DatabaseKind,
        HostKey, KnownHosts, Pem, SettingsError, SshSettings, SslMode,
    },
    types::{Kept, TypeRow, TypeTable, type_tables},
};
