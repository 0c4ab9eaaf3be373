//! A database of its own for each test.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};

use crate::env::{self, Postgres};

/// A database of the PostgreSQL that `cargo xtask test` starts; it is dropped with this.
#[derive(Debug)]
pub struct Database {
    server: Postgres,
    name: String,
}

impl Database {
    /// Makes an empty database.
    ///
    /// # Errors
    /// When the tests were not started by `cargo xtask test`.
    pub fn create() -> anyhow::Result<Self> {
        let server = env::postgres()?;
        let name = unique_name()?;
        run(&server, &server.url, &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(Self { server, name })
    }

    /// Returns where it is, as a URL of a user who may do everything.
    #[must_use]
    pub fn url(&self) -> String {
        let server = self.server.url.rsplit_once('/').map_or("", |(server, _)| server);
        format!("{server}/{}", self.name)
    }

    /// Runs SQL and returns its rows, one a line, with `|` between the values.
    ///
    /// # Errors
    /// When PostgreSQL refuses it, with what it said.
    pub fn run(&self, sql: &str) -> anyhow::Result<String> {
        run(&self.server, &self.url(), sql)
    }
}

/// Returns a name that no other database has.
pub(crate) fn unique_name() -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let unique = folder.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name: String = unique.chars().filter(char::is_ascii_alphanumeric).collect();
    Ok(format!("tundra_{}_{}", name.to_lowercase(), std::process::id()))
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // What is left goes with the server.
        let _ = run(&self.server, &self.server.url, &drop);
    }
}

fn run(server: &Postgres, url: &str, sql: &str) -> anyhow::Result<String> {
    let mut child = Command::new(&server.psql)
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-v",
            "VERBOSITY=verbose",
            "-f",
            "-",
        ])
        .arg(url)
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{}`", server.psql))?;
    let mut stdin = child.stdin.take().context("it has no standard input")?;
    stdin.write_all(sql.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    ensure!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
