//! The service as its callers see it: the real router, a real catalog and a real warehouse in a directory,
//! and the real engine.

mod admission;
mod connection;
mod convert_database;
mod convert_file;
mod edge;
mod ending;
mod hostile;
mod infer;
mod jobs;
mod metrics;
mod place;
mod preview;
mod secrets;
mod service;
mod signed_urls;
mod sources;
mod support;
mod tokens;
mod traces;
mod uploads;
