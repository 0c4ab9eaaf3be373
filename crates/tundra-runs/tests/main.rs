//! Runs of catalogued sources: a real catalog in a file, a real directory, the real engine.

mod burying;
mod collecting;
mod extracting;
mod failing;
mod history;
mod lifecycle;
mod support;
mod sweeping;
mod uploading;
