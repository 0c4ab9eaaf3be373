//! Object stores and databases for tests, and a proxy that breaks what goes through it.
//!
//! [`Database`] is one of PostgreSQL, [`PostgRest`] serves it by HTTP, and [`Supabase`] is the gateway before
//! that. [`MariadbDatabase`] is one of MariaDB.
//! [`env`](mod@env) says where the servers are that `cargo xtask test` starts, [`LocalS3`] is one in
//! this process, [`S3`] asks either what no client of Tundra asks, and [`FaultProxy`] stands between.
//! [`GcsFront`] stands before fake-gcs-server and adds what it lacks. [`scenario`] runs a test binary as
//! another process.
//! Nothing here knows Tundra or DuckDB, so that the tests of every crate may use it.

mod background;
mod database;
pub mod env;
mod gcs_front;
mod local_s3;
mod mariadb;
mod postgrest;
pub mod proxy;
mod s3;
pub mod scenario;
mod supabase;

pub use self::{
    database::Database,
    gcs_front::GcsFront,
    local_s3::LocalS3,
    mariadb::MariadbDatabase,
    postgrest::{MEMBER, PostgRest, STRANGER, TOKEN_SECRET, User},
    proxy::FaultProxy,
    s3::{Answer, S3},
    supabase::Supabase,
};
