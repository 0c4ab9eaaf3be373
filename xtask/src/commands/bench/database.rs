//! The databases of the cases that read from one: what makes their tables, and the servers on this
//! machine that have them. A file of SQLite is among the [data](super::data).
//!
//! A table is loaded when a case first needs it, and nothing of that is measured.

use std::path::Path;

use anyhow::{Context, bail};

use super::{
    case::{Rows, Server},
    store::find,
};
use crate::{
    env::{
        TUNDRA_TEST_MARIADB_CLIENT, TUNDRA_TEST_MARIADB_URL, TUNDRA_TEST_POSTGRES_URL,
        TUNDRA_TEST_PSQL,
    },
    process::Cmd,
    progress::step,
    services::{Service, Services},
    workspace::Workspace,
};

/// The table as TPC-H defines it, but that texts have no blanks at their ends; all three databases
/// understand it.
pub(super) const CREATE_LINEITEM: &str = "CREATE TABLE lineitem (
    l_orderkey INTEGER NOT NULL,
    l_partkey INTEGER NOT NULL,
    l_suppkey INTEGER NOT NULL,
    l_linenumber INTEGER NOT NULL,
    l_quantity DECIMAL(15,2) NOT NULL,
    l_extendedprice DECIMAL(15,2) NOT NULL,
    l_discount DECIMAL(15,2) NOT NULL,
    l_tax DECIMAL(15,2) NOT NULL,
    l_returnflag CHAR(1) NOT NULL,
    l_linestatus CHAR(1) NOT NULL,
    l_shipdate DATE NOT NULL,
    l_commitdate DATE NOT NULL,
    l_receiptdate DATE NOT NULL,
    l_shipinstruct VARCHAR(25) NOT NULL,
    l_shipmode VARCHAR(10) NOT NULL,
    l_comment VARCHAR(44) NOT NULL,
    PRIMARY KEY (l_orderkey, l_linenumber)
)";

/// The largest `l_orderkey` at scale factor 1: what is added to it for rows with keys of their own.
const KEYS: u32 = 6_000_000;

/// How MariaDB is told to keep the table in memory, as an administrator would; PostgreSQL leaves that
/// to the system.
const MARIADB_BUFFER: &str = "SET GLOBAL innodb_buffer_pool_size = 1073741824";

/// The database that is made in MariaDB, which has none.
const MARIADB_DATABASE: &str = "bench";

/// Servers that run until this is dropped.
#[derive(Debug)]
pub(super) struct Databases {
    services: Services,
    servers: Vec<Server>,
    /// The tables that are there.
    loaded: Vec<(Server, Rows)>,
}

/// Returns the statement that adds the rows of the CSV file to a table once more, with other keys.
///
/// `from` has them with the keys that they have in the file.
pub(super) fn add_rows(table: &str, from: &str, time: u32) -> String {
    let offset = time * KEYS;
    format!(
        "INSERT INTO {table} SELECT l_orderkey + {offset}, l_partkey, l_suppkey, l_linenumber, \
         l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag, l_linestatus, l_shipdate, \
         l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, l_comment \
         FROM {from} WHERE l_orderkey <= {KEYS}"
    )
}

impl Databases {
    /// Starts servers.
    ///
    /// # Errors
    /// When one cannot be installed or does not start.
    pub(super) fn start(workspace: &Workspace, servers: Vec<Server>) -> anyhow::Result<Self> {
        let chosen: Vec<Service> = servers
            .iter()
            .map(|server| match server {
                Server::Postgresql => Service::Postgres,
                Server::Mariadb => Service::Mariadb,
            })
            .collect();
        let services = Services::start(workspace, &chosen);
        if !services.missing().is_empty() {
            bail!("the cases of databases need PostgreSQL and MariaDB");
        }
        let databases = Self { services, servers, loaded: Vec::new() };
        for server in &databases.servers {
            match server {
                // Nothing but the contenders is to work while they are measured.
                Server::Postgresql => databases.run(
                    *server,
                    &["ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"],
                )?,
                Server::Mariadb => {
                    let database = format!("CREATE DATABASE {MARIADB_DATABASE}");
                    databases.mariadb()?.args(["-e", MARIADB_BUFFER]).read()?;
                    databases.mariadb()?.args(["-e", &database]).read()?;
                }
            }
        }
        Ok(databases)
    }

    /// Returns the URL of the database with a table, after loading the table when it is missing.
    ///
    /// All go there without encryption: what it takes is the same for everybody, and not every peer can
    /// be told.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub(super) fn ensure(
        &mut self,
        server: Server,
        rows: Rows,
        csv: &Path,
    ) -> anyhow::Result<String> {
        if rows == Rows::Tenfold {
            self.ensure(server, Rows::Once, csv)?;
        }
        if !self.loaded.contains(&(server, rows)) {
            step(&format!("load `{}` into {}", table(rows), name(server)), || match rows {
                Rows::Once => self.load(server, csv),
                Rows::Tenfold => self.multiply(server),
            })?;
            self.loaded.push((server, rows));
        }
        self.url(server)
    }

    /// Makes room: removes a table of many rows.
    ///
    /// # Errors
    /// When the server is gone.
    pub(super) fn forget(&mut self, server: Server, rows: Rows) -> anyhow::Result<()> {
        if rows == Rows::Once {
            return Ok(());
        }
        self.loaded.retain(|loaded| *loaded != (server, rows));
        self.run(server, &[&format!("DROP TABLE {}", table(rows))])
    }

    /// Returns the names and versions of the servers, each as one would write it.
    ///
    /// # Errors
    /// When one does not tell.
    pub(super) fn versions(&self) -> anyhow::Result<Vec<String>> {
        self.servers
            .iter()
            .map(|server| {
                let version = match server {
                    Server::Postgresql => self.psql(&["SHOW server_version"])?.arg("-At").read()?,
                    Server::Mariadb => {
                        self.mariadb()?.args(["-N", "-e", "SELECT VERSION()"]).read()?
                    }
                };
                // What the system's package adds says nothing more.
                let version = version.split([' ', '-', '\n']).next().unwrap_or_default();
                Ok(format!("{} {version}", name(*server)))
            })
            .collect()
    }

    fn load(&self, server: Server, csv: &Path) -> anyhow::Result<()> {
        let path = csv.to_str().context("the cache folder has an odd name")?.replace('\'', "''");
        match server {
            Server::Postgresql => {
                let copy = format!("\\copy lineitem FROM '{path}' WITH (FORMAT csv, HEADER)");
                self.run(server, &[CREATE_LINEITEM, &copy])
            }
            Server::Mariadb => {
                let load = format!(
                    "LOAD DATA LOCAL INFILE '{path}' INTO TABLE lineitem CHARACTER SET utf8mb4 \
                     FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES"
                );
                self.run(server, &[CREATE_LINEITEM, &load])
            }
        }?;
        self.settle(server, Rows::Once)
    }

    fn multiply(&self, server: Server) -> anyhow::Result<()> {
        let (table, from) = (table(Rows::Tenfold), table(Rows::Once));
        let create = match server {
            Server::Postgresql => format!("CREATE TABLE {table} (LIKE {from} INCLUDING ALL)"),
            Server::Mariadb => format!("CREATE TABLE {table} LIKE {from}"),
        };
        self.run(server, &[&create])?;
        for time in 0..10 {
            self.run(server, &[&add_rows(table, from, time)])?;
        }
        self.settle(server, Rows::Tenfold)
    }

    /// Has the server do at once what it would do while it is measured.
    fn settle(&self, server: Server, rows: Rows) -> anyhow::Result<()> {
        let table = table(rows);
        match server {
            Server::Postgresql => {
                self.run(server, &[&format!("VACUUM (FREEZE, ANALYZE) {table}"), "CHECKPOINT"])
            }
            Server::Mariadb => self.run(
                server,
                // What is exported is on disk.
                &[
                    &format!("ANALYZE TABLE {table}"),
                    &format!("FLUSH TABLES {table} FOR EXPORT"),
                    "UNLOCK TABLES",
                ],
            ),
        }
    }

    /// Runs statements in one session, up to the first that fails.
    fn run(&self, server: Server, statements: &[&str]) -> anyhow::Result<()> {
        let command = match server {
            Server::Postgresql => self.psql(statements)?,
            Server::Mariadb => {
                // The log would take as much room again.
                let unlogged = ["SET SESSION sql_log_bin = 0", "SET SESSION unique_checks = 0"];
                let all = [unlogged.as_slice(), statements].concat().join(";\n");
                self.mariadb()?.args(["--local-infile=1", "-e", &all, MARIADB_DATABASE])
            }
        };
        command.read().map(drop)
    }

    fn psql(&self, statements: &[&str]) -> anyhow::Result<Cmd> {
        let program = find(&self.services, TUNDRA_TEST_PSQL)?;
        let url = find(&self.services, TUNDRA_TEST_POSTGRES_URL)?;
        let command = Cmd::new(program).args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]);
        Ok(statements.iter().fold(command, |command, statement| command.args(["-c", statement])))
    }

    fn mariadb(&self) -> anyhow::Result<Cmd> {
        let url = find(&self.services, TUNDRA_TEST_MARIADB_URL)?;
        let (user, password, host, port) =
            login(url).with_context(|| format!("`{TUNDRA_TEST_MARIADB_URL}` has an odd form"))?;
        Ok(Cmd::new(find(&self.services, TUNDRA_TEST_MARIADB_CLIENT)?)
            .args(["--no-defaults", "--protocol=tcp", "-h", host, "-P", port, "-u", user])
            .env("MYSQL_PWD", password))
    }

    fn url(&self, server: Server) -> anyhow::Result<String> {
        Ok(match server {
            Server::Postgresql => {
                format!("{}?sslmode=disable", find(&self.services, TUNDRA_TEST_POSTGRES_URL)?)
            }
            Server::Mariadb => {
                let url = find(&self.services, TUNDRA_TEST_MARIADB_URL)?;
                format!("{url}/{MARIADB_DATABASE}?sslmode=disable")
            }
        })
    }
}

/// Returns the name of a table.
fn table(rows: Rows) -> &'static str {
    match rows {
        Rows::Once => "lineitem",
        Rows::Tenfold => "lineitem_10",
    }
}

fn name(server: Server) -> &'static str {
    match server {
        Server::Postgresql => "PostgreSQL",
        Server::Mariadb => "MariaDB",
    }
}

/// Takes a URL of the form `scheme://user:password@host:port` apart.
fn login(url: &str) -> Option<(&str, &str, &str, &str)> {
    let (login, address) = url.split_once("://")?.1.split_once('@')?;
    let (user, password) = login.split_once(':')?;
    let (host, port) = address.split_once(':')?;
    Some((user, password, host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        assert_eq!(
            login("mariadb://tundra:0123@127.0.0.1:3306"),
            Some(("tundra", "0123", "127.0.0.1", "3306"))
        );
        assert_eq!(login("mariadb://127.0.0.1:3306"), None);
    }

    #[test]
    fn rows_are_added_with_all_columns_of_the_table() {
        let added = add_rows("lineitem_10", "lineitem", 2);
        assert!(added.contains("l_orderkey + 12000000,"), "{added}");
        let columns = CREATE_LINEITEM.lines().filter_map(|line| {
            let column = line.trim().split(' ').next()?;
            column.starts_with("l_").then_some(column)
        });
        assert_eq!(columns.clone().count(), 16);
        for column in columns {
            assert!(added.contains(column), "{column}");
        }
    }
}
