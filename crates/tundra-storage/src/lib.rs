//! Places where Tundra reads and writes: local disk, memory, and any object store.
//!
//! Start at [`resolve`], which turns what a person wrote into a [`tundra_core::Storage`] and a path
//! in it. [`LocalStorage`] is a directory, [`MemoryStorage`] lives and dies with the process, and
//! [`ObjectStoreStorage`] is whatever implements [`object_store::ObjectStore`], an embedding
//! program's own included.
//!
//! This crate knows no formats, no engine and no catalog. Its stores need a running Tokio runtime:
//! system calls that may wait run on its blocking threads.

mod blocking;
mod error;
mod local;
mod location;
mod memory;
mod store;

pub use self::{
    local::LocalStorage,
    location::{LocationError, resolve},
    memory::MemoryStorage,
    store::{ObjectStoreOptions, ObjectStoreStorage, Upload},
};
