//! The environment variables that the program reads, and the one place that reads them.
//!
//! Start at [`all`]; the reference of the command line lists it. A flag always wins over a
//! variable. A variable with a value that makes no sense is an error, never ignored; an empty one
//! counts as not set.

mod server;
mod traces;

use std::{
    env,
    ffi::OsString,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use tundra_catalog::SupabaseSettings;
use tundra_core::{CatalogError, Secret};
use tundra_storage::{StoreSettings, Stores};

pub(crate) use self::server::{
    LogFormat, ServerSettings, TaskSettings, google_project, listens, log_format, of_runs, secrets,
    tokens, webhook_keys, webhooks,
};
pub(crate) use self::traces::traces;
use crate::{args::values, failure::Failure};

/// An environment variable that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does, as a sentence.
    pub(crate) meaning: &'static str,
}

/// Chooses what the log shows.
const TUNDRA_LOG: Variable = Variable {
    name: "TUNDRA_LOG",
    meaning: "What the log on standard error shows, such as `debug` or `tundra_core=trace,warn`; \
              it wins over `--verbose`.",
};

/// Switches colour off.
const NO_COLOR: Variable = Variable { name: "NO_COLOR", meaning: "Any value switches colour off." };

/// Switches the progress bar off.
const CI: Variable = Variable { name: "CI", meaning: "Any value switches the progress bar off." };

/// The default of `--memory`.
const DUCKDB_MEMORY_LIMIT: Variable = Variable {
    name: "DUCKDB_MEMORY_LIMIT",
    meaning: "The default of `--memory`, such as `6GB`. As in Tundra 4.0 in name; it now limits \
              the whole process and not only the engine.",
};

/// The default of `--threads`.
const DUCKDB_THREADS: Variable =
    Variable { name: "DUCKDB_THREADS", meaning: "The default of `--threads`, as in Tundra 4.0." };

/// The default of `--temp-dir`.
const DUCKDB_TEMP_DIR: Variable = Variable {
    name: "DUCKDB_TEMP_DIR",
    meaning: "The default of `--temp-dir`, as in Tundra 4.0. The directory must exist.",
};

/// The default of `--max-temp-size`.
const DUCKDB_MAX_TEMP_DIR_SIZE: Variable = Variable {
    name: "DUCKDB_MAX_TEMP_DIR_SIZE",
    meaning: "The default of `--max-temp-size`, as in Tundra 4.0.",
};

/// The default of `--timeout`.
const MAX_PROCESSING_TIME_MINUTES: Variable = Variable {
    name: "MAX_PROCESSING_TIME_MINUTES",
    meaning: "The default of `--timeout` in minutes, as in Tundra 4.0; without it there is none, but for \
              the server, where it is 10.",
};

/// The password of a database.
const TUNDRA_DATABASE_PASSWORD: Variable = Variable {
    name: "TUNDRA_DATABASE_PASSWORD",
    meaning: "The password of the database, when neither its URL nor an option gives one.",
};

/// Chooses ADBC drivers.
const USE_ADBC_DRIVER: Variable = Variable {
    name: "USE_ADBC_DRIVER",
    meaning: "`true` reads PostgreSQL and Redshift with an ADBC driver where one is installed, as in \
              Tundra 4.0.",
};

/// What the stores read, as `StoreSettings::from_vars` of tundra-storage takes it; docs/STORES.md says
/// more. These names are those of the clouds' own tools, and a value that makes no sense is told when a
/// store is used.
const STORES: [Variable; 39] = [
    Variable { name: "AWS_ACCESS_KEY_ID", meaning: "The access key for `s3://`." },
    Variable { name: "AWS_SECRET_ACCESS_KEY", meaning: "The secret of that key." },
    Variable { name: "AWS_SESSION_TOKEN", meaning: "What goes with temporary keys." },
    Variable {
        name: "AWS_REGION",
        meaning: "The region of the buckets of `s3://`; `us-east-1` when nothing says otherwise.",
    },
    Variable { name: "AWS_DEFAULT_REGION", meaning: "The same, when `AWS_REGION` is not set." },
    Variable {
        name: "AWS_ENDPOINT_URL_S3",
        meaning: "The address of another store that speaks S3. With `http://` it is used without \
                  TLS.",
    },
    Variable {
        name: "AWS_ENDPOINT_URL",
        meaning: "The same, when `AWS_ENDPOINT_URL_S3` is not set.",
    },
    Variable { name: "AWS_ALLOW_HTTP", meaning: "`false` refuses an endpoint without TLS." },
    Variable {
        name: "AWS_SKIP_SIGNATURE",
        meaning: "`true` sends requests for `s3://` without a signature, for public buckets.",
    },
    Variable {
        name: "AWS_PROFILE",
        meaning: "The profile in the shared files of AWS, whose keys, region and endpoint are \
                  read.",
    },
    Variable {
        name: "AWS_SHARED_CREDENTIALS_FILE",
        meaning: "The shared file of keys, instead of `~/.aws/credentials`.",
    },
    Variable {
        name: "AWS_CONFIG_FILE",
        meaning: "The shared file of settings, instead of `~/.aws/config`.",
    },
    Variable {
        name: "AWS_WEB_IDENTITY_TOKEN_FILE",
        meaning: "The file of a token that is exchanged for keys, with `AWS_ROLE_ARN`.",
    },
    Variable { name: "AWS_ROLE_ARN", meaning: "The role whose keys the token gets." },
    Variable {
        name: "AWS_ROLE_SESSION_NAME",
        meaning: "What the sessions of that role are called.",
    },
    Variable {
        name: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        meaning: "Where a container at AWS asks for keys.",
    },
    Variable {
        name: "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        meaning: "The same as a whole address, with `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.",
    },
    Variable {
        name: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        meaning: "The file of what a container shows there.",
    },
    Variable {
        name: "AWS_EC2_METADATA_DISABLED",
        meaning: "`true` does not ask the instance for keys.",
    },
    Variable {
        name: "CLOUDFLARE_ACCOUNT_ID",
        meaning: "The account for `r2://`, which is a part of its address.",
    },
    Variable { name: "R2_ACCESS_KEY_ID", meaning: "The access key for `r2://`." },
    Variable { name: "R2_SECRET_ACCESS_KEY", meaning: "The secret of that key." },
    Variable { name: "R2_SESSION_TOKEN", meaning: "What goes with temporary keys." },
    Variable {
        name: "R2_ENDPOINT_URL",
        meaning: "Another address than the account's, such as that of a jurisdiction.",
    },
    Variable {
        name: "GOOGLE_SERVICE_ACCOUNT_KEY",
        meaning: "The key of a service account for `gs://`, as JSON.",
    },
    Variable { name: "GOOGLE_SERVICE_ACCOUNT", meaning: "The file of such a key." },
    Variable {
        name: "GOOGLE_APPLICATION_CREDENTIALS",
        meaning: "The file of the application's default credentials, instead of that of `gcloud`.",
    },
    Variable {
        name: "STORAGE_EMULATOR_HOST",
        meaning: "The address of an emulator for `gs://`, which gets no credentials.",
    },
    Variable { name: "AZURE_STORAGE_ACCOUNT_NAME", meaning: "The storage account for `az://`." },
    Variable { name: "AZURE_STORAGE_ACCOUNT_KEY", meaning: "The account's key." },
    Variable {
        name: "AZURE_STORAGE_SAS_TOKEN",
        meaning: "A shared access signature of the account.",
    },
    Variable {
        name: "AZURE_STORAGE_CONNECTION_STRING",
        meaning: "Account, key, signature and address in one; the other variables win over it.",
    },
    Variable { name: "AZURE_TENANT_ID", meaning: "The tenant of an application at Microsoft." },
    Variable { name: "AZURE_CLIENT_ID", meaning: "The application, or the managed identity." },
    Variable { name: "AZURE_CLIENT_SECRET", meaning: "The application's secret." },
    Variable {
        name: "AZURE_FEDERATED_TOKEN_FILE",
        meaning: "The file of a token that is exchanged for the application's.",
    },
    Variable {
        name: "AZURE_STORAGE_ENDPOINT",
        meaning: "Another address than the account's, such as that of an emulator.",
    },
    Variable {
        name: "TUNDRA_URL_HOSTS",
        meaning: "Hosts that `https://` inputs and outputs may name, with what is below them, \
                  between commas. Any when it is not set, and for callers of the server \
                  `r2.cloudflarestorage.com`, `s3.amazonaws.com` and `storage.googleapis.com`.",
    },
    Variable {
        name: "TUNDRA_URL_ALLOW_PRIVATE",
        meaning: "`true` allows `https://` inputs and outputs on addresses of private networks \
                  and of this machine.",
    },
];

/// The default of `--catalog`.
const TUNDRA_CATALOG: Variable =
    Variable { name: "TUNDRA_CATALOG", meaning: "The default of `--catalog`." };

/// The default of `--warehouse`.
const TUNDRA_WAREHOUSE: Variable =
    Variable { name: "TUNDRA_WAREHOUSE", meaning: "The default of `--warehouse`." };

/// The default of `--org`.
const TUNDRA_ORG: Variable = Variable { name: "TUNDRA_ORG", meaning: "The default of `--org`." };

/// When a pending version is taken for one that a dead run left.
const TUNDRA_STALE_AFTER_MINUTES: Variable = Variable {
    name: "TUNDRA_STALE_AFTER_MINUTES",
    meaning: "After how many minutes a pending version is taken for what a dead run left; by default \
              twice `MAX_PROCESSING_TIME_MINUTES`, at least 60, or a day where that is not set.",
};

/// What the catalog at Supabase reads, as `SupabaseSettings::from_vars` of tundra-catalog takes it;
/// docs/CATALOG.md says more.
const SUPABASE: [Variable; 5] = [
    Variable {
        name: "SUPABASE_URL",
        meaning: "The project whose tables are the catalog, as in Tundra 4.0.",
    },
    Variable {
        name: "SUPABASE_SECRET_KEY",
        meaning: "A secret key of that project (`sb_secret_...`), or its older service-role key.",
    },
    Variable {
        name: "SUPABASE_SERVICE_ROLE_KEY",
        meaning: "The same, when `SUPABASE_SECRET_KEY` is not set.",
    },
    Variable {
        name: "SUPABASE_BREAKER_FAILURE_THRESHOLD",
        meaning: "After how many failures in a row the catalog is left alone for a while; 5.",
    },
    Variable { name: "SUPABASE_BREAKER_RECOVERY_TIMEOUT_SECONDS", meaning: "For how long; 30." },
];

/// The passphrase of an SSH key.
const TUNDRA_SSH_PASSPHRASE: Variable = Variable {
    name: "TUNDRA_SSH_PASSPHRASE",
    meaning: "What unlocks the key for the SSH server of `--ssh`, when neither the database's URL nor an \
              option gives it.",
};

/// What the program itself reads.
const OWN: [Variable; 16] = [
    TUNDRA_LOG,
    NO_COLOR,
    CI,
    DUCKDB_MEMORY_LIMIT,
    DUCKDB_THREADS,
    DUCKDB_TEMP_DIR,
    DUCKDB_MAX_TEMP_DIR_SIZE,
    TUNDRA_DATABASE_PASSWORD,
    TUNDRA_SSH_PASSPHRASE,
    USE_ADBC_DRIVER,
    MAX_PROCESSING_TIME_MINUTES,
    server::TUNDRA_DATA_DIRECTORY,
    TUNDRA_CATALOG,
    TUNDRA_WAREHOUSE,
    TUNDRA_ORG,
    TUNDRA_STALE_AFTER_MINUTES,
];

/// Returns every variable, in the order of the documentation.
pub(crate) fn all() -> impl Iterator<Item = Variable> {
    OWN.into_iter().chain(server::listed()).chain(SUPABASE).chain(STORES)
}

/// Defaults of flags that the environment sets.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Of `--memory`, in bytes.
    pub(crate) memory: Option<u64>,
    /// Of `--threads`.
    pub(crate) threads: Option<NonZeroUsize>,
    /// Of `--temp-dir`.
    pub(crate) temp_dir: Option<PathBuf>,
    /// Of `--max-temp-size`, in bytes.
    pub(crate) max_temp_size: Option<u64>,
    /// Of `--timeout`.
    pub(crate) timeout: Option<Duration>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// Fails when a variable is set to something that is no value of its flag.
    pub(crate) fn read() -> Result<Self, Failure> {
        Ok(Self {
            memory: parsed(DUCKDB_MEMORY_LIMIT, values::size)?,
            threads: parsed(DUCKDB_THREADS, values::from_one)?,
            temp_dir: env::var_os(DUCKDB_TEMP_DIR.name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from),
            max_temp_size: parsed(DUCKDB_MAX_TEMP_DIR_SIZE, values::size)?,
            timeout: parsed(MAX_PROCESSING_TIME_MINUTES, minutes)?,
        })
    }
}

/// What the environment says of catalogs.
#[derive(Debug)]
pub(crate) struct CatalogSettings {
    /// Of `--catalog`.
    pub(crate) catalog: Option<String>,
    /// Of `--warehouse`.
    pub(crate) warehouse: Option<String>,
    /// Of `--org`.
    pub(crate) org: Option<String>,
    /// When a pending version is taken for one that a dead run left.
    pub(crate) stale_after: Duration,
}

impl CatalogSettings {
    /// Reads the environment.
    ///
    /// # Errors
    /// Fails when a variable is set to something that makes no sense.
    pub(crate) fn read() -> Result<Self, Failure> {
        /// A run may take that long where nothing limits it.
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        /// Shorter limits of time would sweep what only has to wait.
        const LEAST: Duration = Duration::from_secs(60 * 60);
        let text = |variable: Variable| env::var(variable.name).ok().filter(|it| !it.is_empty());
        let timeout = parsed(MAX_PROCESSING_TIME_MINUTES, minutes)?;
        let usual = timeout.map_or(DAY, |timeout| timeout.saturating_mul(2).max(LEAST));
        Ok(Self {
            catalog: text(TUNDRA_CATALOG),
            warehouse: text(TUNDRA_WAREHOUSE),
            org: text(TUNDRA_ORG),
            stale_after: parsed(TUNDRA_STALE_AFTER_MINUTES, minutes)?.unwrap_or(usual),
        })
    }
}

/// Returns the organisation that the environment names, if it does.
pub(crate) fn org() -> Option<String> {
    text(TUNDRA_ORG)
}

/// Returns what the environment says of the catalog at Supabase, if it names one.
///
/// # Errors
/// Fails when a variable is missing or makes no sense.
pub(crate) fn supabase() -> Result<Option<SupabaseSettings>, CatalogError> {
    SupabaseSettings::from_vars(variables())
}

/// Returns the directory for what belongs to the user alone: the one that is named, or that of this program
/// by the XDG base directory specification, if there is one.
pub(crate) fn data_directory() -> Option<PathBuf> {
    let own = env::var_os(server::TUNDRA_DATA_DIRECTORY.name).filter(|path| !path.is_empty());
    if let Some(own) = own {
        return Some(PathBuf::from(own));
    }
    let named = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let shared = named.or_else(|| env::home_dir().map(|home| home.join(".local").join("share")));
    shared.map(|shared| shared.join("tundra"))
}

fn minutes(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>().ok().and_then(|minutes| minutes.checked_mul(60)) {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("it must be a number of minutes from 1 on".to_owned()),
    }
}

/// Returns the variables that are text; one that is not means nothing to a library.
fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Returns the stores that locations lead to, with the credentials that the environment has. What a
/// store has to keep on disk goes to the directory, if there is one.
pub(crate) fn stores(temp_directory: Option<&Path>) -> Stores {
    let mut settings = StoreSettings::from_vars(variables());
    settings.transfer.temp_directory = temp_directory.map(Path::to_path_buf);
    Stores::new(settings)
}

/// Returns the failure of hosts of URLs that are none.
pub(crate) fn no_hosts(value: &str, reason: String) -> Failure {
    Failure::Environment { variable: "TUNDRA_URL_HOSTS", value: value.to_owned(), reason }
}

/// Returns the password of the database, if the environment has one.
pub(crate) fn database_password() -> Option<Secret> {
    let password = env::var(TUNDRA_DATABASE_PASSWORD.name).ok();
    password.filter(|value| !value.is_empty()).map(Secret::new)
}

/// Returns the passphrase of the key for an SSH server, if the environment has one.
pub(crate) fn ssh_passphrase() -> Option<Secret> {
    let passphrase = env::var(TUNDRA_SSH_PASSPHRASE.name).ok();
    passphrase.filter(|value| !value.is_empty()).map(Secret::new)
}

/// Returns the directory in which OpenSSH keeps the user's keys and known hosts, if there is a home.
pub(crate) fn ssh_directory() -> Option<PathBuf> {
    env::home_dir().map(|home| home.join(".ssh"))
}

/// Returns the name of the user who runs this, as the login has set it.
pub(crate) fn user_name() -> Option<String> {
    let name = |variable| env::var(variable).ok().filter(|value: &String| !value.is_empty());
    name("USER").or_else(|| name("LOGNAME"))
}

/// Returns whether databases are to be read with ADBC drivers where there are any.
///
/// # Errors
/// Fails when the variable is neither `true` nor `false`.
pub(crate) fn wants_adbc() -> Result<bool, Failure> {
    Ok(parsed(USE_ADBC_DRIVER, flag)?.unwrap_or(false))
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("it must be `true` or `false`".to_owned()),
    }
}

/// Returns what the log shall show, if the environment says so.
pub(crate) fn log_filter() -> Option<String> {
    env::var(TUNDRA_LOG.name).ok().filter(|value| !value.is_empty())
}

/// Returns whether colour may be used, as far as the environment goes.
pub(crate) fn allows_color() -> bool {
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    !dumb && !is_set(NO_COLOR)
}

/// Returns whether a progress bar may be drawn, as far as the environment goes.
pub(crate) fn allows_progress() -> bool {
    !is_set(CI)
}

/// The name of the variable for the log, for messages about it.
pub(crate) const fn log_variable() -> &'static str {
    TUNDRA_LOG.name
}

/// Returns everything that is set, whatever it is.
fn everything() -> impl Iterator<Item = (OsString, OsString)> {
    env::vars_os()
}

/// Returns the value of a variable that is set to some text.
fn text(variable: Variable) -> Option<String> {
    let value = env::var(variable.name).ok()?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Returns the paths of a variable, which have colons between them.
fn paths(variable: Variable) -> Vec<PathBuf> {
    let value = env::var_os(variable.name).unwrap_or_default();
    env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect()
}

fn is_set(variable: Variable) -> bool {
    env::var_os(variable.name).is_some_and(|value| !value.is_empty())
}

fn parsed<T>(
    variable: Variable,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    let Some(value) = env::var_os(variable.name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value.to_string_lossy();
    match parse(value.trim()) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(reason) => {
            Err(Failure::Environment { variable: variable.name, value: value.into_owned(), reason })
        }
    }
}
