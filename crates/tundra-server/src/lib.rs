//! The HTTP server of Tundra: the API of Tundra 4.0 and the requests of 3.0, and what came after them.
//!
//! Start at [`App`], which an [`AppParts`] makes: everything that a request may need, and the router over
//! it. [`serve()`] accepts connections for it and ends in order. What a request asks for is a
//! [`tasks::Task`], and a [`tasks::Executor`] does it, on a thread of this process or in a process of its
//! own; why it was not done is a [`Failure`].
//!
//! This crate reads no environment and opens no catalog: whoever embeds it puts those together. It knows
//! nothing of how a conversion is done, and calls `tundra_core::engine` and `tundra_runs`, never DuckDB.
//! What a job is and who may do what is free of HTTP, in `tundra-jobs` and `tundra-access`.

mod app;
mod failure;
mod layers;
mod openapi;
mod router;
mod routes;
mod serve;
mod settings;
pub mod tasks;
mod traces;
pub mod wire;

pub use self::{
    app::{App, AppParts},
    failure::{Failure, Place},
    layers::{LogHandle, LogLevels, LogLevelsError, json_log, log_panics},
    serve::{Report, listen, serve},
    settings::{CorsOrigins, ForwardedHeader, Rates, Settings, SettingsError},
    traces::{Sampling, TraceSettings, TraceSettingsError, Traces, TracesError},
};
