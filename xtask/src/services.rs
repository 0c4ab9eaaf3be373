//! The servers that tests and benchmarks talk to: started on free ports of this machine, each in a
//! temporary folder, and ended with xtask, however that ends.
//!
//! Start at [`Services::start`]. What is missing is installed once, at a pinned version, into the
//! cache folder. Nothing outside of this machine is ever asked for an object.

mod account;
mod azurite;
mod certificates;
mod garage;
mod gcs;
mod http;
mod mariadb;
mod postgres;
mod postgrest;
mod program;
mod random;
mod server;
mod ssh;
mod users;

use std::{panic, thread};

use clap::ValueEnum;

use self::server::Server;
use crate::{
    env::Variables,
    progress::{complain, say},
    workspace::Workspace,
};

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Garage, for the protocol of S3.
    Garage,
    /// Azurite, for Azure Blob Storage.
    Azurite,
    /// fake-gcs-server, for Google Cloud Storage.
    FakeGcs,
    /// PostgreSQL.
    Postgres,
    /// What PostgreSQL knows of geometry. It is looked for and not installed.
    Postgis,
    /// MariaDB.
    Mariadb,
    /// OpenSSH's server, through which tests reach the databases.
    Ssh,
    /// What serves a PostgreSQL database as PostgREST does: a program that tests start themselves,
    /// each on a database of its own.
    Postgrest,
}

/// What a service came to: its servers, of which a mere program has none.
type Started = (Option<Server>, Variables);

/// Servers that run until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Services {
    servers: Vec<Server>,
    variables: Variables,
    missing: Vec<Service>,
}

/// The port that was free may be taken when the server comes to it.
const TRIES: usize = 3;

impl Service {
    /// Returns the name of the modules whose tests need it. A test that needs two stands in both.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::Garage => "garage",
            Self::Azurite => "azurite",
            Self::FakeGcs => "fake_gcs",
            Self::Postgres => "postgresql",
            Self::Postgis => "postgis",
            Self::Mariadb => "mariadb",
            Self::Ssh => "ssh",
            Self::Postgrest => "postgrest",
        }
    }

    /// Returns whether a run that nobody watches may do without it: not every system has a package of
    /// it for the version that it has of the server.
    pub(crate) fn is_optional(self) -> bool {
        matches!(self, Self::Postgis)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Garage => garage::NAME,
            Self::Azurite => azurite::NAME,
            Self::FakeGcs => gcs::NAME,
            Self::Postgres => postgres::NAME,
            Self::Postgis => postgres::POSTGIS,
            Self::Mariadb => mariadb::NAME,
            Self::Ssh => ssh::NAME,
            Self::Postgrest => postgrest::NAME,
        }
    }

    fn start(self, workspace: &Workspace) -> anyhow::Result<Started> {
        let start = match self {
            Self::Garage => garage::start,
            Self::Azurite => azurite::start,
            Self::FakeGcs => gcs::start,
            Self::Postgres => postgres::start,
            Self::Mariadb => mariadb::start,
            Self::Ssh => ssh::start,
            Self::Postgis => return Ok((None, postgres::find_postgis()?)),
            Self::Postgrest => return Ok((None, postgrest::prepare(workspace)?)),
        };
        let mut tried = start(workspace);
        for _ in 1..TRIES {
            if tried.is_ok() {
                break;
            }
            tried = start(workspace);
        }
        let (server, variables) = tried?;
        Ok((Some(server), variables))
    }
}

impl Services {
    /// Starts these, at the same time. One that cannot be installed or does not start is
    /// [missing](Self::missing), which is said at once.
    pub(crate) fn start(workspace: &Workspace, chosen: &[Service]) -> Self {
        let mut services = Self::default();
        let started = thread::scope(|scope| {
            let threads: Vec<_> = chosen
                .iter()
                .map(|service| scope.spawn(|| (*service, service.start(workspace))))
                .collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
            };
            threads.into_iter().map(join).collect::<Vec<_>>()
        });
        for (service, started) in started {
            match started {
                Ok((server, variables)) => {
                    services.servers.extend(server);
                    for (name, value) in variables {
                        // Several servers have the same certificates, each in its folder.
                        if services.variables.iter().all(|(known, _)| *known != name) {
                            services.variables.push((name, value));
                        }
                    }
                }
                Err(error) => {
                    say(format_args!("WARNING: {} COULD NOT BE STARTED", service.name()));
                    complain(&error);
                    services.missing.push(service);
                }
            }
        }
        services
    }

    /// Returns the environment variables that say where the servers are and how to get in.
    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Returns what could not be started.
    pub(crate) fn missing(&self) -> &[Service] {
        &self.missing
    }

    /// Returns the name of a server that ended by itself, and how.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.servers.iter_mut().find_map(|server| {
            let status = server.ended()?;
            Some(format!("{} ended by itself ({status})", server.name()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_a_module_that_is_no_part_of_another_ones() {
        let services = Service::value_variants();
        for service in services {
            let others = services.iter().filter(|other| *other != service);
            for other in others {
                assert!(!other.module().contains(service.module()));
            }
        }
    }
}
