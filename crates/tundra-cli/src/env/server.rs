//! The variables of the server, and which of all variables its runs are given.
//!
//! Start at [`ServerSettings::read`]. What others read themselves of the variables, such as stores of secrets,
//! is only listed here.

use std::{
    ffi::OsString,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
    sync::Arc,
};

use clap::ValueEnum;
use tundra_access::{TokenSettings, TokenSettingsError};
use tundra_catalog::SecretSettings;
use tundra_core::Compression;
use tundra_jobs::{DerivedKeys, Reach, SigningKey, WebhookSettings};
use tundra_server::{CorsOrigins, ForwardedHeader, Rates, tasks::SecretRule};

use super::{Variable, all, everything, flag, parsed, paths, text, traces::TRACES, variables};
use crate::{
    args::{Isolation, Switch, values},
    failure::Failure,
};

const TUNDRA_LISTEN: Variable =
    Variable { name: "TUNDRA_LISTEN", meaning: "The default of `--listen` of `tundra serve`." };

const PORT: Variable = Variable {
    name: "PORT",
    meaning: "The default of `--port` of `tundra serve`, as Cloud Run sets it.",
};

const TUNDRA_ISOLATION: Variable = Variable {
    name: "TUNDRA_ISOLATION",
    meaning: "The default of `--isolation` of `tundra serve`.",
};

const TUNDRA_AUTHENTICATION: Variable = Variable {
    name: "TUNDRA_AUTHENTICATION",
    meaning: "The default of `--authentication` of `tundra serve`: `on` or `off`.",
};

/// Where the server keeps what is its own.
pub(super) const TUNDRA_DATA_DIRECTORY: Variable = Variable {
    name: "TUNDRA_DATA_DIRECTORY",
    meaning: "Where everything is that nothing else is said for: the catalog, the objects of sources, \
              and the jobs, keys and secrets of the server; by default a directory of your own.",
};

const ENV: Variable = Variable {
    name: "ENV",
    meaning: "`dev`, `staging` or `production`, as in Tundra 4.0: the server says it at its start. It \
              decides nothing.",
};

const TUNDRA_LOG_FORMAT: Variable = Variable {
    name: "TUNDRA_LOG_FORMAT",
    meaning: "How the server logs: `text`, the default on a terminal, or `json`, the default elsewhere: one \
              object a line, in the form of Google Cloud Logging.",
};

const MAX_FILE_SIZE_MB: Variable = Variable {
    name: "MAX_FILE_SIZE_MB",
    meaning: "The largest file that the server reads or takes, in MiB, as in Tundra 3.0; without it \
              there is no limit.",
};

const MAX_MEMORY_USAGE_GB: Variable = Variable {
    name: "MAX_MEMORY_USAGE_GB",
    meaning: "The memory of the server with all of its runs, in GiB, as in Tundra 3.0; without it what \
              the machine or its container has.",
};

const MAX_CONCURRENT_RUNS: Variable = Variable {
    name: "MAX_CONCURRENT_RUNS",
    meaning: "The default of `--runs` of `tundra serve`: how many runs go on at once.",
};

const MAX_QUEUED_REQUESTS: Variable = Variable {
    name: "MAX_QUEUED_REQUESTS",
    meaning: "How many requests may wait for their run before others are answered with 503; 64.",
};

const MAX_QUEUED_JOBS: Variable = Variable {
    name: "MAX_QUEUED_JOBS",
    meaning: "How many jobs may wait before others are answered with 503; 1000.",
};

const MAX_QUEUED_JOBS_PER_ORGANISATION: Variable = Variable {
    name: "MAX_QUEUED_JOBS_PER_ORGANISATION",
    meaning: "How many of them may be of one organisation before others of it are answered with 429; 100.",
};

const MAX_CONNECTIONS: Variable = Variable {
    name: "MAX_CONNECTIONS",
    meaning: "How many connections the server has at once; others wait until one is closed; 4096.",
};

const MAX_EVENT_STREAMS: Variable = Variable {
    name: "MAX_EVENT_STREAMS",
    meaning: "How many event streams of jobs there are at once before others are answered with 503; 1024.",
};

const MAX_EVENT_STREAMS_PER_CALLER: Variable = Variable {
    name: "MAX_EVENT_STREAMS_PER_CALLER",
    meaning: "How many of them one caller may have before it is answered with 429; 64.",
};

const PARQUET_COMPRESSION: Variable = Variable {
    name: "PARQUET_COMPRESSION",
    meaning: "How the server compresses where a request does not say, as in Tundra 3.0: `zstd`, \
              `snappy`, `gzip`, `brotli`, `lz4` or `none`; `zstd` by default, as in Tundra 4.0.",
};

const PARQUET_ROW_GROUP_SIZE: Variable = Variable {
    name: "PARQUET_ROW_GROUP_SIZE",
    meaning: "Rows in a row group of what the server writes, as in Tundra 3.0; by default by the width of \
              the rows and the memory of a run. A group has up to 2,047 more.",
};

const CORS_ORIGINS: Variable = Variable {
    name: "CORS_ORIGINS",
    meaning: "Origins whose pages may call the server from a browser, such as \
              `https://app.example.com`, between commas, or `*` for all; none by default.",
};

const TUNDRA_RATE_CONVERT: Variable = Variable {
    name: "TUNDRA_RATE_CONVERT",
    meaning: "How often a minute one caller may ask the server to convert; 10, as in Tundra 4.0, and 0 \
              for no limit.",
};

const TUNDRA_RATE_INFER: Variable =
    Variable { name: "TUNDRA_RATE_INFER", meaning: "The same for inferring a schema; 20." };

const TUNDRA_RATE_TEST_CONNECTION: Variable = Variable {
    name: "TUNDRA_RATE_TEST_CONNECTION",
    meaning: "The same for testing a connection; 20.",
};

const TUNDRA_TRUSTED_PROXIES: Variable = Variable {
    name: "TUNDRA_TRUSTED_PROXIES",
    meaning: "Networks of the proxies before the server that are believed when they say whose request \
              they pass on, such as `10.0.0.0/8`, between commas; none by default.",
};

const TUNDRA_FORWARDED_HEADER: Variable = Variable {
    name: "TUNDRA_FORWARDED_HEADER",
    meaning: "In which header they say it: `x-forwarded-for`, the default, or `forwarded`.",
};

const TUNDRA_DATABASE_ALLOW_PRIVATE: Variable = Variable {
    name: "TUNDRA_DATABASE_ALLOW_PRIVATE",
    meaning: "`true` lets callers of the server name databases in private networks and on its machine. \
              By default they may where the server listens on its machine only and asks nobody who they \
              are.",
};

const TUNDRA_DATABASE_DIRECTORIES: Variable = Variable {
    name: "TUNDRA_DATABASE_DIRECTORIES",
    meaning: "Directories with SQLite databases that callers of the server may name, with colons \
              between them; none by default.",
};

const TUNDRA_SECRETS_OF_ORGANISATIONS: Variable = Variable {
    name: "TUNDRA_SECRETS_OF_ORGANISATIONS",
    meaning: "Which secrets callers of one organisation may name as `credentials_id`: `prefix`, the \
              default, is those whose names begin with `org-`, the organisation's id and `_`; `any` is \
              all of them, as in Tundra 4.0. Callers of all organisations may always name any.",
};

const TUNDRA_WEBHOOK_KEYS: Variable = Variable {
    name: "TUNDRA_WEBHOOK_KEYS",
    meaning: "What the keys are made of by which organisations know the webhooks of the server, \
              `whsec_` and 24 to 64 bytes in base64; a new one stands before the old one, with a comma \
              between them. Without it no job may have a webhook. `tundra keys webhook` shows the key of \
              an organisation.",
};

const TUNDRA_WEBHOOK_ALLOW_PRIVATE: Variable = Variable {
    name: "TUNDRA_WEBHOOK_ALLOW_PRIVATE",
    meaning: "`true` lets webhooks lead to addresses of private networks and of this machine.",
};

const K_SERVICE: Variable = Variable {
    name: "K_SERVICE",
    meaning: "Set by Cloud Run, where files are memory and counted as such.",
};

/// What was given to the service in Python and means nothing here.
const WITHOUT_MEANING: [Variable; 3] = [
    Variable {
        name: "DB_POOL_SIZE",
        meaning: "Of Tundra 3.0. It is accepted, and has no meaning: each run has connections of its own, \
                  which end with it.",
    },
    Variable { name: "DB_MAX_OVERFLOW", meaning: "The same." },
    Variable { name: "DB_POOL_RECYCLE_SECONDS", meaning: "The same." },
];

/// What the server itself reads.
const OWN: [Variable; 29] = [
    TUNDRA_LISTEN,
    PORT,
    TUNDRA_ISOLATION,
    TUNDRA_AUTHENTICATION,
    ENV,
    TUNDRA_LOG_FORMAT,
    MAX_CONCURRENT_RUNS,
    MAX_QUEUED_REQUESTS,
    MAX_QUEUED_JOBS,
    MAX_QUEUED_JOBS_PER_ORGANISATION,
    MAX_CONNECTIONS,
    MAX_EVENT_STREAMS,
    MAX_EVENT_STREAMS_PER_CALLER,
    MAX_MEMORY_USAGE_GB,
    MAX_FILE_SIZE_MB,
    PARQUET_COMPRESSION,
    PARQUET_ROW_GROUP_SIZE,
    CORS_ORIGINS,
    TUNDRA_RATE_CONVERT,
    TUNDRA_RATE_INFER,
    TUNDRA_RATE_TEST_CONNECTION,
    TUNDRA_TRUSTED_PROXIES,
    TUNDRA_FORWARDED_HEADER,
    TUNDRA_DATABASE_ALLOW_PRIVATE,
    TUNDRA_DATABASE_DIRECTORIES,
    TUNDRA_SECRETS_OF_ORGANISATIONS,
    TUNDRA_WEBHOOK_KEYS,
    TUNDRA_WEBHOOK_ALLOW_PRIVATE,
    K_SERVICE,
];

/// What decides which tokens are taken, as `TokenSettings::from_vars` of tundra-access takes it. `SUPABASE_URL`
/// belongs to it, too.
const TOKENS: [Variable; 10] = [
    Variable {
        name: "SUPABASE_JWT_SECRET",
        meaning: "The secret of the project that SUPABASE_URL names, for tokens signed with it, as they \
                  were once.",
    },
    Variable {
        name: "TUNDRA_JWT_ISSUER",
        meaning: "Who issues the tokens that callers of the server show; the project of SUPABASE_URL by \
                  default.",
    },
    Variable {
        name: "TUNDRA_JWT_AUDIENCE",
        meaning: "For whom they are, several between commas; `authenticated` by default.",
    },
    Variable {
        name: "TUNDRA_JWT_KEYS_URL",
        meaning: "Where the issuer publishes its keys; for Supabase it is known.",
    },
    Variable {
        name: "TUNDRA_JWT_TENANT",
        meaning: "Where it is found of which organisation the holder is: in a `claim`, the default, or by \
                  `row-level-security` in the database that SUPABASE_URL names, by its function \
                  `tundra_my_organisations`.",
    },
    Variable {
        name: "TUNDRA_JWT_TENANT_CLAIM",
        meaning: "The claim that says of which organisation the holder is; `app_metadata.org_id`.",
    },
    Variable {
        name: "SUPABASE_PUBLISHABLE_KEY",
        meaning: "The key by which Supabase lets requests of users pass (`sb_publishable_…`), for \
                  `row-level-security`.",
    },
    Variable { name: "SUPABASE_ANON_KEY", meaning: "The same under its older name." },
    Variable {
        name: "TUNDRA_JWT_ACTIONS",
        meaning: "What the holder may do there; `convert,read,write,test-connection`.",
    },
    Variable {
        name: "TUNDRA_JWT_SERVICE_ROLE",
        meaning: "`operator` lets in tokens of the role `service_role`, for everything; `refused` by \
                  default.",
    },
];

const GCP_PROJECT_ID: Variable = Variable {
    name: "GCP_PROJECT_ID",
    meaning: "The project whose Secret Manager is asked, and whose traces the log tells of, as in Tundra \
              4.0.",
};

/// What decides where secrets are, as `SecretSettings::from_vars` of tundra-catalog takes it.
const SECRETS: [Variable; 8] = [
    Variable {
        name: "TUNDRA_SECRET_<NAME>",
        meaning: "The secret of that name, in capitals and with `_` for `-`, such as the credentials of \
                  a database. One of an organisation is written as it is: \
                  `TUNDRA_SECRET_org-acme_shop`.",
    },
    Variable {
        name: "TUNDRA_SECRETS_FILE",
        meaning: "The file with all secrets; `/secrets/credentials.json`.",
    },
    Variable {
        name: "TUNDRA_SECRETS_DIRECTORY",
        meaning: "The directory with a file for each secret; `secrets` in the data directory.",
    },
    GCP_PROJECT_ID,
    Variable {
        name: "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER",
        meaning: "Another address of Secret Manager.",
    },
    Variable { name: "SECRET_CACHE_TTL_SECONDS", meaning: "How long its secrets are kept; 3600." },
    Variable {
        name: "EXTERNAL_DEP_BREAKER_FAILURE_THRESHOLD",
        meaning: "After how many failures in a row it is left alone for a while; 5.",
    },
    Variable {
        name: "EXTERNAL_DEP_BREAKER_RECOVERY_TIMEOUT_SECONDS",
        meaning: "For how long; 30.",
    },
];

/// What the names of variables with secrets begin with.
const SECRET_PREFIX: &str = "TUNDRA_SECRET_";

/// What programs need that is not ours: where they are, who runs them, which time and certificates, and the way
/// out of the network.
const OF_THE_SYSTEM: [&str; 24] = [
    "ALL_PROXY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "RUST_BACKTRACE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    // Of Google's and of ADBC's libraries.
    "GCE_METADATA_HOST",
    "ADBC_DRIVER_PATH",
];

/// Returns every variable of the server, in the order of the documentation.
pub(super) fn listed() -> impl Iterator<Item = Variable> {
    OWN.into_iter().chain(TRACES).chain(TOKENS).chain(SECRETS).chain(WITHOUT_MEANING)
}

/// What the environment says of the server.
#[derive(Debug)]
pub(crate) struct ServerSettings {
    /// Of `--listen`.
    pub(crate) listen: Option<String>,
    /// Of `--port`.
    pub(crate) port: Option<u16>,
    /// Of `--isolation`.
    pub(crate) isolation: Option<Isolation>,
    /// Of `--authentication`.
    pub(crate) authentication: Option<Switch>,
    /// Of `--runs`.
    pub(crate) runs: Option<NonZeroUsize>,
    /// How many requests may wait.
    pub(crate) queue_length: Option<usize>,
    /// How many jobs may wait.
    pub(crate) queued_jobs: Option<NonZeroU64>,
    /// How many of one organisation.
    pub(crate) queued_jobs_per_tenant: Option<NonZeroU64>,
    /// How many connections there may be.
    pub(crate) connections: Option<NonZeroUsize>,
    /// How many event streams there may be, and how many of one caller.
    pub(crate) event_streams: Option<usize>,
    pub(crate) event_streams_per_caller: Option<usize>,
    /// Memory of all, in bytes.
    pub(crate) memory: Option<u64>,
    /// What is being prepared, tried or relied on, in one word.
    pub(crate) stage: Option<String>,
    /// How often callers may ask.
    pub(crate) rates: Rates,
    /// Whose pages may call.
    pub(crate) cors: CorsOrigins,
    /// Networks of proxies, as they were written.
    pub(crate) trusted_proxies: Vec<String>,
    /// Where those say whose request it is.
    pub(crate) forwarded_header: ForwardedHeader,
    /// Whether all files are memory.
    pub(crate) files_are_memory: bool,
    /// Variables that are set and mean nothing.
    pub(crate) without_meaning: Vec<&'static str>,
}

/// What the environment says of runs that are done for callers.
#[derive(Debug)]
pub(crate) struct TaskSettings {
    /// The largest file, in bytes.
    pub(crate) max_file_size: Option<u64>,
    /// How outputs are compressed where nothing is said.
    pub(crate) compression: Option<Compression>,
    /// Rows of a row group of outputs.
    pub(crate) row_group_rows: Option<u64>,
    /// Whether databases may be named that are in private networks.
    pub(crate) private_databases: Option<bool>,
    /// Where databases may be that are files.
    pub(crate) database_directories: Vec<PathBuf>,
    /// Which secrets callers of one organisation may name.
    pub(crate) secrets: SecretRule,
}

impl ServerSettings {
    /// Reads the environment.
    ///
    /// # Errors
    /// Fails when a variable is set to something that makes no sense.
    pub(crate) fn read() -> Result<Self, Failure> {
        let rate = |variable, default| match parsed(variable, values::from_zero::<u32>)? {
            Some(often) => Ok(NonZeroU32::new(often)),
            None => Ok::<_, Failure>(default),
        };
        let usual = Rates::default();
        let stages = ["dev", "staging", "production"];
        // Shells have a variable of this name for something else.
        let stage = text(ENV).filter(|stage| stages.contains(&stage.as_str()));
        let set = |variable: &Variable| text(*variable).is_some();
        Ok(Self {
            listen: text(TUNDRA_LISTEN),
            port: parsed(PORT, port)?,
            isolation: parsed(TUNDRA_ISOLATION, choice)?,
            authentication: parsed(TUNDRA_AUTHENTICATION, choice)?,
            runs: parsed(MAX_CONCURRENT_RUNS, values::from_one)?,
            queue_length: parsed(MAX_QUEUED_REQUESTS, values::from_zero)?,
            queued_jobs: parsed(MAX_QUEUED_JOBS, values::from_one)?,
            queued_jobs_per_tenant: parsed(MAX_QUEUED_JOBS_PER_ORGANISATION, values::from_one)?,
            connections: parsed(MAX_CONNECTIONS, values::from_one)?,
            event_streams: parsed(MAX_EVENT_STREAMS, values::from_zero)?,
            event_streams_per_caller: parsed(MAX_EVENT_STREAMS_PER_CALLER, values::from_zero)?,
            memory: parsed(MAX_MEMORY_USAGE_GB, gibibytes)?,
            stage,
            rates: Rates {
                convert: rate(TUNDRA_RATE_CONVERT, usual.convert)?,
                infer: rate(TUNDRA_RATE_INFER, usual.infer)?,
                test_connection: rate(TUNDRA_RATE_TEST_CONNECTION, usual.test_connection)?,
            },
            cors: parsed(CORS_ORIGINS, |text| Ok(origins(text)))?.unwrap_or_default(),
            trusted_proxies: text(TUNDRA_TRUSTED_PROXIES).map(|it| list(&it)).unwrap_or_default(),
            forwarded_header: parsed(TUNDRA_FORWARDED_HEADER, forwarded_header)?
                .unwrap_or_default(),
            files_are_memory: text(K_SERVICE).is_some(),
            without_meaning: WITHOUT_MEANING
                .iter()
                .filter(|it| set(it))
                .map(|it| it.name)
                .collect(),
        })
    }

    /// Returns the failure of a network of proxies that is none.
    pub(crate) fn no_network(text: &str) -> Failure {
        Failure::Environment {
            variable: TUNDRA_TRUSTED_PROXIES.name,
            value: text.to_owned(),
            reason: "it must be networks such as 10.0.0.0/8, between commas".to_owned(),
        }
    }
}

impl TaskSettings {
    /// Reads the environment.
    ///
    /// # Errors
    /// Fails when a variable is set to something that makes no sense.
    pub(crate) fn read() -> Result<Self, Failure> {
        let compression = |text: &str| text.parse().map_err(|error| format!("{error}"));
        Ok(Self {
            max_file_size: parsed(MAX_FILE_SIZE_MB, mebibytes)?,
            compression: parsed(PARQUET_COMPRESSION, compression)?,
            row_group_rows: parsed(PARQUET_ROW_GROUP_SIZE, values::from_one::<NonZeroU64>)?
                .map(NonZeroU64::get),
            private_databases: parsed(TUNDRA_DATABASE_ALLOW_PRIVATE, flag)?,
            database_directories: paths(TUNDRA_DATABASE_DIRECTORIES),
            secrets: parsed(TUNDRA_SECRETS_OF_ORGANISATIONS, secret_rule)?.unwrap_or_default(),
        })
    }
}

/// Returns where a server of this machine listens, if that is said: its address and its port.
///
/// # Errors
/// Fails when the port is none.
pub(crate) fn listens() -> Result<(Option<String>, Option<u16>), Failure> {
    Ok((text(TUNDRA_LISTEN), parsed(PORT, port)?))
}

/// How a server logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Returns how a server logs, if that is said.
///
/// # Errors
/// Fails when the variable makes no sense.
pub(crate) fn log_format() -> Result<Option<LogFormat>, Failure> {
    parsed(TUNDRA_LOG_FORMAT, choice)
}

/// Returns the project at Google, as which traces are told.
pub(crate) fn google_project() -> Option<String> {
    text(GCP_PROJECT_ID)
}

/// Returns which tokens callers may show, if any.
///
/// # Errors
/// Fails when a variable makes no sense.
pub(crate) fn tokens() -> Result<Option<TokenSettings>, TokenSettingsError> {
    TokenSettings::from_vars(variables())
}

/// Returns what webhooks are signed with, if anything.
///
/// # Errors
/// Fails when the variable holds something else than keys.
pub(crate) fn webhook_keys() -> Result<Option<DerivedKeys>, Failure> {
    let Some(text) = text(TUNDRA_WEBHOOK_KEYS) else { return Ok(None) };
    let keys = list(&text).iter().map(|key| key.parse()).collect::<Result<Vec<SigningKey>, _>>();
    // What it holds may be a key with a typing error, and is not repeated.
    let keys = keys.map_err(|_| {
        Failure::usage(
            format!("the environment variable `{}` holds no keys", TUNDRA_WEBHOOK_KEYS.name),
            "write each as `whsec_` and 24 to 64 random bytes in base64, such as those of \
             `openssl rand -base64 32`",
        )
    })?;
    Ok(Some(DerivedKeys::new(keys)))
}

/// Returns how webhooks are called, if they are.
///
/// # Errors
/// As [`webhook_keys`], and when another variable makes no sense.
pub(crate) fn webhooks() -> Result<Option<WebhookSettings>, Failure> {
    let is_private = parsed(TUNDRA_WEBHOOK_ALLOW_PRIVATE, flag)?.unwrap_or(false);
    Ok(webhook_keys()?.map(|keys| WebhookSettings {
        reach: if is_private { Reach::Private } else { Reach::Public },
        ..WebhookSettings::new(Arc::new(keys))
    }))
}

/// Returns where secrets are; what is not said is in the directory.
///
/// # Errors
/// Fails when a variable makes no sense.
pub(crate) fn secrets(own_directory: PathBuf) -> Result<SecretSettings, tundra_core::Error> {
    let mut settings = SecretSettings::from_vars(variables())?;
    settings.directory.get_or_insert(own_directory);
    Ok(settings)
}

/// Returns the variables that a run needs: those that are listed, but for what only the server reads, such as
/// the keys for a collector of traces.
pub(crate) fn of_runs() -> Vec<(OsString, OsString)> {
    let needs = |name: &str| {
        let is_listed = all().any(|variable| variable.name == name);
        let mut servers = TOKENS.iter().chain(&TRACES).chain([&TUNDRA_WEBHOOK_KEYS]);
        let is_servers = servers.any(|it| it.name == name);
        is_listed && !is_servers || name.starts_with(SECRET_PREFIX) || OF_THE_SYSTEM.contains(&name)
    };
    everything().filter(|(name, _)| name.to_str().is_some_and(needs)).collect()
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

fn origins(text: &str) -> CorsOrigins {
    match list(text) {
        origins if origins.iter().any(|origin| origin == "*") => CorsOrigins::Any,
        origins => CorsOrigins::These(origins),
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "it must be a port from 0 to 65535".to_owned())
}

fn choice<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, true).map_err(|_| {
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|value| format!("`{}`", value.get_name())).collect();
        format!("it must be {}", names.join(" or "))
    })
}

fn forwarded_header(text: &str) -> Result<ForwardedHeader, String> {
    match text.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => Ok(ForwardedHeader::XForwardedFor),
        "forwarded" => Ok(ForwardedHeader::Forwarded),
        _ => Err("it must be `x-forwarded-for` or `forwarded`".to_owned()),
    }
}

fn secret_rule(text: &str) -> Result<SecretRule, String> {
    match text {
        "prefix" => Ok(SecretRule::OfOrganisation),
        "any" => Ok(SecretRule::Any),
        _ => Err("it must be `prefix` or `any`".to_owned()),
    }
}

fn mebibytes(text: &str) -> Result<u64, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    let bytes = number.and_then(|number| number.checked_mul(1 << 20));
    bytes.ok_or_else(|| "it must be a whole number of MiB from 1 on".to_owned())
}

fn gibibytes(text: &str) -> Result<u64, String> {
    const GIB: f64 = (1_u64 << 30) as f64;
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number < 1e9 => Ok((number * GIB) as u64),
        _ => Err("it must be a number of GiB, such as 2 or 0.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_a_list_or_all() {
        assert_eq!(origins("*"), CorsOrigins::Any);
        let two = ["https://a.example".to_owned(), "https://b.example".to_owned()];
        assert_eq!(
            origins("https://a.example, https://b.example,"),
            CorsOrigins::These(two.into())
        );
    }

    #[test]
    fn sizes_have_the_units_of_their_names() {
        assert_eq!(mebibytes("500"), Ok(500 << 20));
        assert_eq!(gibibytes("2"), Ok(2 << 30));
        assert_eq!(gibibytes("0.5"), Ok(1 << 29));
        for text in ["", "0", "-1", "x", "inf", "NaN"] {
            assert!(mebibytes(text).is_err() && gibibytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn choices_are_those_of_the_options() {
        assert_eq!(choice("Thread"), Ok(Isolation::Thread));
        let error = choice::<Switch>("maybe").unwrap_err();
        assert_eq!(error, "it must be `on` or `off`");
    }

    #[test]
    fn no_variable_is_listed_twice() {
        let mut names: Vec<&str> = all().map(|variable| variable.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
