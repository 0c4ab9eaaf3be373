//! Catalogs of sources and versions, and stores of secrets. There is nothing in this crate yet.
//!
//! It will hold an embedded catalog in SQLite and one that is reached through PostgREST, and stores
//! of secrets in files, in the environment and in a cloud's secret manager, each a feature of its
//! own. The traits that they implement stand in `tundra-core`: `tundra_core::Catalog`, in which a
//! version becomes visible once and only forward, and `tundra_core::SecretStore`.
//!
//! It must know no engine and no object store: it depends on `tundra-core` without that crate's
//! feature `engine`, so that it builds and is tested without DuckDB.
