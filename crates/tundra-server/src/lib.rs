//! The HTTP server of Tundra. There is nothing in this crate yet.
//!
//! It will hold wire types, routes, authentication, limits, metrics and the OpenAPI document, and
//! put stores, connectors and a catalog together for the engine. It implements no trait of another
//! crate but `tundra_core::Reporter`, through which a run tells how far it is; the HTTP status of a
//! failure is that of its `tundra_core::ErrorKind`.
//!
//! It must know nothing of how a conversion is done: it calls `tundra_core::engine` and never
//! DuckDB. What a job is and who may do what stay free of HTTP, in modules of their own, so that
//! another front can use them.
