//! A database of MariaDB of its own for each test.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::Mutex,
};

use anyhow::{Context, bail, ensure};

use crate::{
    database::unique_name,
    env::{self, Mariadb},
};

/// A database of the MariaDB that `cargo xtask test` starts; it is dropped with this, and so are the
/// users that were made for it.
#[derive(Debug)]
pub struct MariadbDatabase {
    server: Mariadb,
    name: String,
    users: Mutex<Vec<String>>,
}

impl MariadbDatabase {
    /// Makes an empty database.
    ///
    /// # Errors
    /// When the tests were not started by `cargo xtask test`.
    pub fn create() -> anyhow::Result<Self> {
        let server = env::mariadb()?;
        let name = unique_name()?;
        let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
        run(&server, "mysql", create.as_bytes())?;
        Ok(Self { server, name, users: Mutex::default() })
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where it is, as a URL of a user who may do everything.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{}", self.server.url, self.name)
    }

    /// Makes a user without any right, whose name begins like this, and returns where the database is
    /// as his URL, and his name.
    ///
    /// # Errors
    /// When the password has a quote or MariaDB does not take it.
    pub fn user(&self, prefix: &str, password: &str) -> anyhow::Result<(String, String)> {
        ensure!(!password.contains(['\'', '\\']), "the password has a quote or a backslash");
        let user = format!("{prefix}_{}", unique_name()?);
        self.run(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'"))?;
        let (_, _, place) = parts(&self.server.url)?;
        let url = format!("mariadb://{user}:{password}@{place}/{}", self.name);
        self.users.lock().unwrap_or_else(|held| held.into_inner()).push(user.clone());
        Ok((url, user))
    }

    /// Runs SQL in UTF-8 and returns its rows, one a line, with tabs between the values and `NULL` for
    /// none. Nothing in the values is escaped.
    ///
    /// # Errors
    /// When MariaDB refuses it, with what it said.
    pub fn run(&self, sql: &str) -> anyhow::Result<String> {
        let output = self.run_bytes(sql.as_bytes())?;
        Ok(String::from_utf8(output)?.trim_end_matches('\n').to_owned())
    }

    /// As [`run`](Self::run), but neither side has to be UTF-8.
    ///
    /// # Errors
    /// When MariaDB refuses it, with what it said.
    pub fn run_bytes(&self, sql: &[u8]) -> anyhow::Result<Vec<u8>> {
        run(&self.server, &self.name, sql)
    }
}

impl Drop for MariadbDatabase {
    fn drop(&mut self) {
        let mut drop = format!("DROP DATABASE IF EXISTS {};", self.name);
        for user in self.users.get_mut().unwrap_or_else(|held| held.into_inner()) {
            drop.push_str(&format!("DROP USER IF EXISTS '{user}'@'%';"));
        }
        // What is left goes with the server.
        let _ = run(&self.server, "mysql", drop.as_bytes());
    }
}

fn run(server: &Mariadb, database: &str, sql: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (user, password, place) = parts(&server.url)?;
    let (host, port) = place.rsplit_once(':').context("MariaDB's URL has no port")?;
    let mut child = Command::new(&server.client)
        .args(["--no-defaults", "--protocol=tcp", "-h", host, "-P", port, "-u", user])
        .args(["--batch", "--raw", "--skip-column-names", "--default-character-set=utf8mb4"])
        .args(["--binary-mode", "-D", database])
        .env("MYSQL_PWD", password)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{}`", server.client))?;
    let mut stdin = child.stdin.take().context("it has no standard input")?;
    // It may have ended with an error, which says more than that it read no further.
    let written = stdin.write_all(sql);
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    written?;
    Ok(output.stdout)
}

/// Takes a URL without a database apart: user, password, and host with port.
fn parts(url: &str) -> anyhow::Result<(&str, &str, &str)> {
    let parts = || {
        let (who, place) = url.split_once("://")?.1.rsplit_once('@')?;
        let (user, password) = who.split_once(':')?;
        Some((user, password, place))
    };
    parts().context("the URL of MariaDB has another form than `mariadb://user:password@host:port`")
}
