//! Databases as streams of Arrow record batches. There is nothing in this crate yet.
//!
//! It will hold one module per database (PostgreSQL, MySQL and MariaDB, SQLite, Redshift), each a
//! feature of its own and each with the same files, and the table that says what becomes of every
//! type of that database. The trait that they implement stands in `tundra-core`:
//! `tundra_core::Connector`, whose contract is read-only, lossless and one snapshot for all
//! partitions.
//!
//! It must know no engine, no store and no catalog: it depends on `tundra-core` without that crate's
//! feature `engine`, so that it builds and is tested without DuckDB.
