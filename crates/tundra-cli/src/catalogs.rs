//! The catalog and the warehouse of a command, as options and environment say.
//!
//! Start at [`open`]. Options win over variables; without either there is a file and a directory of the
//! user's own, so that nothing has to be set up.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tundra_catalog::{SqliteCatalog, SupabaseCatalog};
use tundra_core::{Catalog, ErrorKind, Scope, Source, TenantId};
use tundra_runs::{RunError, Runs, Warehouse};
use tundra_storage::{Layout, Stores};

use crate::{
    args::{CatalogArgs, PlaceArgs},
    env::{self, CatalogSettings},
    failure::Failure,
};

/// What is said for the project of SUPABASE_URL.
const SUPABASE: &str = "supabase";

/// Whose sources are those of a machine on which nobody said anything else.
pub(crate) const OWN_TENANT: &str = "local";

/// A catalog with its warehouse, and whose sources are meant.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) runs: Runs,
    pub(crate) scope: Scope,
    pub(crate) settings: CatalogSettings,
    /// The catalog is a file of this machine, which no service looks after.
    pub(crate) is_file: bool,
    /// The warehouse, as it was named.
    pub(crate) place: String,
}

impl Opened {
    /// Returns who owns a source that is added.
    pub(crate) fn tenant(&self) -> TenantId {
        match &self.scope {
            Scope::Tenant(tenant) => tenant.clone(),
            Scope::All => OWN_TENANT.parse().expect("the name is a constant and an id"),
        }
    }

    /// Ends what dead runs left, where nobody else does: a catalog in a file has no service beside it.
    pub(crate) async fn sweep(&self) {
        if !self.is_file {
            return;
        }
        if let Err(error) = self.runs.sweep(self.settings.stale_after).await {
            tracing::warn!(%error, "could not look for versions that dead runs left");
        }
    }

    /// Finds the source that was named.
    ///
    /// # Errors
    /// Fails when there is none.
    pub(crate) async fn source(&self, text: &str) -> Result<Source, Failure> {
        self.runs.find(&self.scope, text).await.map_err(|error| match error {
            RunError::Catalog(error) if error.kind == ErrorKind::NotFound => {
                error.hint("see which there are with `tundra source list`").into()
            }
            error => error.into(),
        })
    }
}

/// Opens the catalog and the warehouse that the options and the environment name.
///
/// # Errors
/// Fails when either cannot be used.
pub(crate) async fn open(args: &CatalogArgs, stores: Stores) -> Result<Opened, Failure> {
    let settings = CatalogSettings::read()?;
    let scope = match args.org.as_ref().or(settings.org.as_ref()) {
        Some(org) => Scope::Tenant(org.parse().map_err(|source| Failure::Organisation { source })?),
        None => Scope::All,
    };
    open_places(&args.places, settings, scope, None, stores).await
}

/// Opens the catalog and the warehouse, which are in the directory where nothing else is said for them.
///
/// # Errors
/// Fails when either cannot be used.
pub(crate) async fn open_places(
    places: &PlaceArgs,
    settings: CatalogSettings,
    scope: Scope,
    directory: Option<&Path>,
    stores: Stores,
) -> Result<Opened, Failure> {
    let default_directory = || directory.map_or_else(own_directory, |it| Ok(it.to_path_buf()));
    let named = places.catalog.clone().or_else(|| settings.catalog.clone());
    let remote = match &named {
        Some(name) if name != SUPABASE => None,
        _ => env::supabase()?,
    };
    if named.as_deref() == Some(SUPABASE) && remote.is_none() {
        return Err(Failure::usage(
            "`supabase` is the project of SUPABASE_URL, which is not set",
            "set SUPABASE_URL and SUPABASE_SECRET_KEY",
        ));
    }
    let is_file = remote.is_none();
    let catalog: Arc<dyn Catalog> = match remote {
        Some(settings) => Arc::new(SupabaseCatalog::new(&settings)?),
        None => {
            let file = match named {
                Some(name) => PathBuf::from(name),
                None => default_directory()?.join("catalog.db"),
            };
            Arc::new(SqliteCatalog::open(&file).await?)
        }
    };
    let place = match places.warehouse.as_ref().or(settings.warehouse.as_ref()) {
        Some(place) => place.clone(),
        None if !is_file && stores.settings().r2.account_id.is_some() => "r2://".to_owned(),
        None => made(&default_directory()?.join("warehouse"))?,
    };
    let warehouse = Warehouse::new(&place, Layout::standard(), stores)
        .map_err(|source| Failure::Warehouse { source })?;
    Ok(Opened { runs: Runs::new(catalog, warehouse), scope, settings, is_file, place })
}

/// Returns the directory of what belongs to the user alone, as the XDG base directory specification has
/// it.
pub(crate) fn own_directory() -> Result<PathBuf, Failure> {
    env::data_directory().ok_or_else(|| {
        Failure::usage(
            "there is no home directory for a catalog",
            "name a file with `--catalog` and a directory with `--warehouse`, or one for everything with \
             TUNDRA_DATA_DIRECTORY",
        )
    })
}

/// Makes a directory if it is not there, and returns it as text.
fn made(directory: &Path) -> Result<String, Failure> {
    let shown = directory.to_string_lossy().into_owned();
    match fs::create_dir_all(directory) {
        Ok(()) => Ok(shown),
        Err(source) => Err(Failure::MakeDirectory { directory: shown, source }),
    }
}
