//! Runs of catalogued sources: versions, their objects, and what becomes of both.
//!
//! Start at [`Runs`], which puts a [`Catalog`] and a [`Warehouse`] together. A run reserves a version,
//! converts, and makes the version visible in an order that leaves nothing half-visible wherever it
//! ends; [`Runs::sweep`] and [`Runs::collect`] clear away what dead runs and old versions left.
//!
//! This crate knows no HTTP, no terminal and no particular catalog: a server and a command line use it
//! alike. Conversions that are in no catalog need none of it: see [`tundra_core::engine::convert`].

mod bury;
mod collect;
mod convert;
mod error;
mod extract;
mod history;
mod input;
mod owner;
mod preview;
mod probe;
mod remove;
mod sweep;
mod upload;
mod warehouse;

use std::sync::Arc;

use tundra_core::{Catalog, Scope, Source, SourceId};

pub use self::{
    collect::{CollectOptions, CollectedVersion, Collection, Leftover},
    convert::FileRun,
    error::{RunError, RunResult},
    extract::DatabaseRun,
    history::{VersionDiff, VersionHistory},
    owner::{Conversion, Outcome},
    remove::SourceRemoval,
    sweep::{Sweep, SweptVersion},
    warehouse::{Warehouse, WarehouseError},
};

/// Runs of the sources of one catalog, with their objects in one warehouse. Clones share both.
#[derive(Debug, Clone)]
pub struct Runs {
    catalog: Arc<dyn Catalog>,
    warehouse: Warehouse,
}

impl Runs {
    /// Puts a catalog and a warehouse together. Nobody is asked yet.
    pub fn new(catalog: Arc<dyn Catalog>, warehouse: Warehouse) -> Self {
        Self { catalog, warehouse }
    }

    /// Returns the catalog.
    pub fn catalog(&self) -> &dyn Catalog {
        &*self.catalog
    }

    /// Returns where the objects are.
    pub fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// Finds a source by its id, or by its name where the text is no id.
    ///
    /// # Errors
    /// Fails when there is no such source in the scope, and when the catalog does.
    pub async fn find(&self, scope: &Scope, text: &str) -> RunResult<Source> {
        Ok(match text.parse::<SourceId>() {
            Ok(id) => self.catalog.source(scope, id).await?,
            Err(_) => self.catalog.source_named(scope, text).await?,
        })
    }
}
