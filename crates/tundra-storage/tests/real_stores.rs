//! Servers that other people wrote conform, each through the location that a person would write.

mod azurite;
mod fake_gcs;
mod garage;
mod local_s3;
