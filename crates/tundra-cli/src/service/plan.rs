//! What a server is to be, before anybody is asked: [`Plan`].

use std::{
    env as system, fs,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    thread,
    time::Duration,
};

use tundra_core::{Compression, Resources};
use tundra_server::{
    Settings as Edge,
    tasks::{Available, Budget, Wishes},
};

use crate::{
    args::{Isolation, PlaceArgs, RunLimitArgs, ServeArgs, ServiceArgs, Switch},
    catalogs,
    env::{ServerSettings, Settings, TaskSettings},
    failure::Failure,
};

/// The port where nobody says.
const PORT: u16 = 8080;

/// How long a run may take where nobody says, as in Tundra 4.0.
const TIMEOUT: Duration = Duration::from_secs(600);

/// What a server is to be.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where it keeps what is its own.
    pub(crate) directory: PathBuf,
    /// Where it listens.
    pub(crate) listen: Listen,
    /// Whether each run is a process of its own.
    pub(crate) isolation: Isolation,
    /// Whether callers have to say who they are, if that was said.
    pub(crate) authentication: Option<Switch>,
    /// Where its catalog and its warehouse are.
    pub(crate) places: PlaceArgs,
    /// Its memory.
    pub(crate) budget: Budget,
    /// What one run may use.
    pub(crate) resources: Resources,
    /// How long one run may take.
    pub(crate) timeout: Duration,
    /// How outputs are compressed where a request does not say.
    pub(crate) compression: Option<Compression>,
    /// Whether databases may be named that are in private networks, if that was said.
    pub(crate) private_databases: Option<bool>,
    /// How it behaves at its edge.
    pub(crate) edge: Edge,
    /// `dev`, `staging` or `production`, if that was said.
    pub(crate) stage: Option<String>,
    /// Variables that are set and mean nothing.
    pub(crate) without_meaning: Vec<&'static str>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    /// An address or a name.
    pub(crate) host: String,
    /// 0 for one that is free.
    pub(crate) port: u16,
}

impl Plan {
    /// Decides what options and environment say.
    ///
    /// # Errors
    /// Fails when an option or a variable makes no sense.
    pub(crate) fn read(args: ServeArgs) -> Result<Self, Failure> {
        let ServeArgs { service, places, limits } = args;
        let ServiceArgs {
            listen,
            port,
            isolation,
            data_directory,
            authentication,
            allow_public_without_authentication,
        } = service;
        let said = ServerSettings::read()?;
        let tasks = TaskSettings::read()?;
        let usual = Settings::read()?;
        let listen = Listen::read(listen.or(said.listen), port, said.port)?;
        let RunLimitArgs { runs, threads, memory, temp_dir, max_temp_size, timeout } = limits;
        let temp_directory = temp_dir.or(usual.temp_dir).unwrap_or_else(system::temp_dir);
        // Tundra 4.0 made it, and its users name directories that are not there.
        if !temp_directory.is_dir() && fs::create_dir_all(&temp_directory).is_err() {
            let directory = temp_directory.display().to_string();
            return Err(Failure::NoTempDirectory { directory });
        }
        let available = Available::here(&temp_directory, said.files_are_memory);
        let wishes = Wishes {
            memory: said.memory,
            memory_per_run: memory.or(usual.memory),
            runs: runs.or(said.runs),
            temp_per_run: max_temp_size.or(usual.max_temp_size),
        };
        let budget = Budget::share(available, wishes);
        let all = thread::available_parallelism();
        let threads = threads.or(usual.threads).or(all.ok()).map_or(1, NonZeroUsize::get);
        let default = Edge::default();
        let mut edge = Edge {
            rates: said.rates,
            concurrent_runs: budget.runs,
            queue_length: said.queue_length.unwrap_or(default.queue_length),
            queued_jobs: said.queued_jobs.unwrap_or(default.queued_jobs),
            queued_jobs_per_tenant: said
                .queued_jobs_per_tenant
                .unwrap_or(default.queued_jobs_per_tenant),
            upload_limit: tasks.max_file_size,
            max_connections: said.connections.unwrap_or(default.max_connections),
            event_streams: said.event_streams.unwrap_or(default.event_streams),
            event_streams_per_caller: said
                .event_streams_per_caller
                .unwrap_or(default.event_streams_per_caller),
            cors: said.cors,
            forwarded_header: said.forwarded_header,
            allow_public_without_authentication,
            ..default
        };
        for network in said.trusted_proxies {
            match network.parse() {
                Ok(parsed) => edge.trusted_proxies.push(parsed),
                Err(_) => return Err(ServerSettings::no_network(&network)),
            }
        }
        Ok(Self {
            directory: match data_directory {
                Some(directory) => directory,
                None => catalogs::own_directory()?,
            },
            listen,
            isolation: isolation.or(said.isolation).unwrap_or(Isolation::Process),
            authentication: authentication.or(said.authentication),
            places,
            budget,
            resources: Resources {
                threads,
                memory: budget.planned_per_run(),
                temp_directory,
                max_temp_size: budget.temp_per_run,
            },
            timeout: timeout.or(usual.timeout).unwrap_or(TIMEOUT),
            compression: tasks.compression,
            private_databases: tasks.private_databases,
            edge,
            stage: said.stage,
            without_meaning: said.without_meaning,
        })
    }
}

impl Listen {
    /// Reads where to listen: what was typed, which port was typed, and which one the environment has.
    ///
    /// # Errors
    /// Fails when that is no address, or two ports are typed.
    pub(crate) fn read(
        typed: Option<String>,
        port: Option<u16>,
        port_of_environment: Option<u16>,
    ) -> Result<Self, Failure> {
        let typed = typed.unwrap_or_else(|| "127.0.0.1".to_owned());
        let (host, own_port) = split(&typed)?;
        let port = match (own_port, port) {
            (Some(one), Some(other)) if one != other => {
                return Err(Failure::usage(
                    format!("`--listen {typed}` names a port, and `--port {other}` another one"),
                    "leave one of them out",
                ));
            }
            (one, other) => one.or(other).or(port_of_environment).unwrap_or(PORT),
        };
        Ok(Self { host, port })
    }

    /// Returns where somebody on this machine reaches it: every address is one of them, too.
    pub(crate) fn reached(&self) -> Self {
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1".to_owned(),
            Ok(IpAddr::V6(address)) if address.is_unspecified() => "::1".to_owned(),
            _ => self.host.clone(),
        };
        Self { host, port: self.port }
    }

    /// Returns the addresses that the host has.
    ///
    /// # Errors
    /// Fails when it has none.
    pub(crate) async fn address(&self) -> Result<SocketAddr, Failure> {
        let failed = |source| Failure::Listen { address: self.to_string(), source };
        let mut found =
            tokio::net::lookup_host((self.host.as_str(), self.port)).await.map_err(failed)?;
        found.next().ok_or_else(|| failed(std::io::ErrorKind::AddrNotAvailable.into()))
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Splits an address from its port, if it has one.
fn split(text: &str) -> Result<(String, Option<u16>), Failure> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((address.ip().to_string(), Some(address.port())));
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Ok((bare.to_owned(), None));
    }
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-.".contains(&c))
    };
    match text.split_once(':') {
        None if is_name(text) => Ok((text.to_owned(), None)),
        Some((name, port)) if is_name(name) && port.parse::<u16>().is_ok() => {
            Ok((name.to_owned(), port.parse().ok()))
        }
        _ => Err(Failure::usage(
            format!("`{text}` is no address to listen on"),
            "write it as 127.0.0.1, 0.0.0.0:8080, [::]:8080 or a name",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str, port: Option<u16>) -> Option<String> {
        Listen::read(Some(typed.to_owned()), port, Some(9)).ok().map(|listen| listen.to_string())
    }

    #[test]
    fn an_address_may_have_a_port() {
        for (typed, shown) in [
            ("127.0.0.1", "127.0.0.1:9"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::]:80", "[::]:80"),
            ("::1", "[::1]:9"),
            ("[::1]", "[::1]:9"),
            ("localhost", "localhost:9"),
            ("localhost:80", "localhost:80"),
        ] {
            assert_eq!(read(typed, None).as_deref(), Some(shown), "{typed}");
        }
        for typed in ["", ":80", "a b", "http://localhost", "localhost:x", "1.2.3.4:70000"] {
            assert_eq!(read(typed, None), None, "{typed}");
        }
    }

    #[test]
    fn the_port_that_was_typed_wins_over_that_of_the_environment() {
        assert_eq!(read("localhost", Some(80)).as_deref(), Some("localhost:80"));
        assert_eq!(read("localhost:80", Some(80)).as_deref(), Some("localhost:80"));
        assert_eq!(read("localhost:80", Some(81)), None);
        let listen = Listen::read(None, None, None).unwrap();
        assert_eq!(listen.to_string(), "127.0.0.1:8080");
    }
}
