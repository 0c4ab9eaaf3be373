//! What a server is made of, as options and environment say: what `tundra serve`, its runs and
//! `tundra doctor` share.
//!
//! Start at [`Plan::read`], which decides everything that can be decided without asking anybody, and at
//! [`workshop`], which opens what a run needs. Nothing here listens.

mod defaults;
mod first_key;
mod plan;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tundra_access::{Authenticator, SqliteKeys, TokenVerifier};
use tundra_connectors::{AddressPolicy, AllowedDirectories};
use tundra_core::{Resources, Scope};
use tundra_server::tasks::{DatabaseRules, Workshop};
use tundra_storage::{AllowedHosts, Reach, Stores, UrlPolicy};

pub(crate) use self::{
    defaults::Defaults,
    first_key::UntilAsked,
    plan::{Listen, Plan},
};
use crate::{
    args::{PlaceArgs, Switch},
    catalogs::{self, Opened},
    env::{self, CatalogSettings, TaskSettings},
    failure::Failure,
};

/// The file of the keys in the data directory.
pub(crate) const KEYS: &str = "keys.db";

/// The file of the jobs there.
pub(crate) const JOBS: &str = "jobs.db";

/// The directory of secrets there, where nothing else is said for them.
pub(crate) const SECRETS: &str = "secrets";

/// Whose URLs may be read and written where nobody says: those of Tundra 3.0.
const URL_HOSTS: &str = "r2.cloudflarestorage.com,s3.amazonaws.com,storage.googleapis.com";

/// What a run may use and whom it may ask.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// What one run may use.
    pub(crate) resources: Resources,
    /// How long it may take; no limit for `None`, for somebody else has one.
    pub(crate) timeout: Option<Duration>,
    /// Whether databases may be named that are in private networks.
    pub(crate) private_databases: bool,
}

/// Opens what runs of a server need.
///
/// # Errors
/// Fails when something cannot be used, or a variable makes no sense.
pub(crate) async fn workshop(
    places: &PlaceArgs,
    directory: &Path,
    bounds: Bounds,
) -> Result<(Workshop, Opened), Failure> {
    let Bounds { resources, timeout, private_databases } = bounds;
    let tasks = TaskSettings::read()?;
    let stores = env::stores(Some(&resources.temp_directory));
    let urls = urls(&stores)?;
    let opened = open(places, directory, stores).await?;
    let workshop = Workshop {
        runs: opened.runs.clone(),
        secrets: env::secrets(directory.join(SECRETS))?.store()?,
        databases: DatabaseRules {
            addresses: match private_databases {
                true => AddressPolicy::PrivateAllowed,
                false => AddressPolicy::PublicOnly,
            },
            directories: match tasks.database_directories {
                none if none.is_empty() => AllowedDirectories::Nothing,
                some => AllowedDirectories::Only(some),
            },
            use_adbc: env::wants_adbc()?,
            secrets: tasks.secrets,
        },
        resources,
        row_group_rows: tasks.row_group_rows,
        max_file_size: tasks.max_file_size,
        timeout,
        urls,
    };
    Ok((workshop, opened))
}

/// Opens the catalog and the warehouse of a server, for the sources of everybody: who asks decides which of
/// them are seen.
///
/// # Errors
/// Fails when either cannot be used.
pub(crate) async fn open(
    places: &PlaceArgs,
    directory: &Path,
    stores: Stores,
) -> Result<Opened, Failure> {
    let settings = CatalogSettings::read()?;
    catalogs::open_places(places, settings, Scope::All, Some(directory), stores).await
}

/// Returns who finds out who asks; nobody, when that is said. Where there is nothing to find it out with yet,
/// it is one that asks nobody before there is a key.
///
/// # Errors
/// Fails when a variable makes no sense, and when the keys cannot be used.
pub(crate) async fn authenticator(plan: &Plan) -> Result<Option<Authenticator>, Failure> {
    if plan.authentication == Some(Switch::Off) {
        return Ok(None);
    }
    let tokens = env::tokens()?.map(TokenVerifier::new).transpose()?;
    let keys = SqliteKeys::open(plan.directory.join(KEYS)).await?;
    let authenticator = Authenticator::new().with_keys(Arc::new(keys));
    match (tokens, plan.authentication) {
        (Some(tokens), _) => Ok(Some(authenticator.with_tokens(tokens))),
        (None, Some(_)) => Ok(Some(authenticator)),
        (None, None) => {
            let authenticator = authenticator.from_the_first_key();
            authenticator.look_for_keys(SystemTime::now()).await?;
            Ok(Some(authenticator))
        }
    }
}

/// Returns whether callers are asked who they are at the moment.
pub(crate) fn asks(authenticator: Option<&Authenticator>) -> bool {
    authenticator.is_some_and(|authenticator| authenticator.asking().is_on())
}

/// Returns which URLs callers may name.
fn urls(stores: &Stores) -> Result<UrlPolicy, Failure> {
    let said = &stores.settings().urls;
    let hosts = match said.hosts.is_empty() {
        true => URL_HOSTS.to_owned(),
        false => said.hosts.join(","),
    };
    let parsed = hosts.parse::<AllowedHosts>();
    let hosts = parsed.map_err(|error| env::no_hosts(&hosts, error.to_string()))?;
    let reach = if said.allow_private { Reach::Private } else { Reach::Public };
    Ok(UrlPolicy { reach, ..UrlPolicy::only(hosts) })
}
