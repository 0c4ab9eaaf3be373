//! The store of the cases that read from one and write to one: a server on this machine, and a proxy
//! that makes it far away.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, bail};

use super::case::Place;
use crate::{
    env::{
        TUNDRA_TEST_S3_BUCKET, TUNDRA_TEST_S3_ENDPOINT, TUNDRA_TEST_S3_KEY, TUNDRA_TEST_S3_REGION,
        TUNDRA_TEST_S3_SECRET,
    },
    services::{Service, Services},
    workspace::Workspace,
};

/// How long each new connection and each request waits behind the proxy, in milliseconds.
const LATENCY: &str = "30";

/// Bytes per second of each connection behind the proxy.
const BANDWIDTH: &str = "60000000";

/// A running store, with what a client needs to use it.
#[derive(Debug)]
pub(super) struct Store {
    services: Services,
    proxy: Proxy,
}

/// The proxy's process, which ends when its standard input does.
#[derive(Debug)]
struct Proxy {
    process: Child,
    endpoint: String,
}

impl Store {
    /// Starts the server and the proxy.
    ///
    /// # Errors
    /// When one cannot be built or does not start.
    pub(super) fn start(workspace: &Workspace, programs: &Path) -> anyhow::Result<Self> {
        let services = Services::start(workspace, &[Service::Garage]);
        if !services.missing().is_empty() {
            bail!("the cases of stores need Garage");
        }
        workspace
            .cargo()
            .args(["build", "--release", "--package", "tundra-test-services", "--bins"])
            .run()?;
        let endpoint = find(&services, TUNDRA_TEST_S3_ENDPOINT)?;
        let proxy = Proxy::start(&programs.join("fault-proxy"), endpoint)?;
        Ok(Self { services, proxy })
    }

    /// Returns the URL of an object.
    ///
    /// # Errors
    /// When the server has no bucket.
    pub(super) fn url(&self, name: &str) -> anyhow::Result<String> {
        Ok(format!("s3://{}/{name}", find(&self.services, TUNDRA_TEST_S3_BUCKET)?))
    }

    /// Returns the environment variables that lead a client to the store.
    ///
    /// # Errors
    /// When the server did not tell one.
    pub(super) fn variables(&self, place: Place) -> anyhow::Result<Vec<(&'static str, String)>> {
        let of = |name| find(&self.services, name).map(str::to_owned);
        let endpoint = match place {
            Place::FarStore => self.proxy.endpoint.clone(),
            Place::Store | Place::Disk => of(TUNDRA_TEST_S3_ENDPOINT)?,
        };
        Ok(vec![
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", of(TUNDRA_TEST_S3_REGION)?),
            ("AWS_ACCESS_KEY_ID", of(TUNDRA_TEST_S3_KEY)?),
            ("AWS_SECRET_ACCESS_KEY", of(TUNDRA_TEST_S3_SECRET)?),
        ])
    }
}

/// Returns the value of a variable that services set.
///
/// # Errors
/// When they did not.
pub(super) fn find<'a>(services: &'a Services, name: &str) -> anyhow::Result<&'a str> {
    let found = services.variables().iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.as_str()).with_context(|| format!("no `{name}`"))
}

impl Proxy {
    fn start(program: &Path, endpoint: &str) -> anyhow::Result<Self> {
        let mut process = Command::new(program)
            .args([endpoint, "--latency", LATENCY, "--bandwidth", BANDWIDTH])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start `{}`", program.display()))?;
        let mut endpoint = String::new();
        let output = process.stdout.take().context("the proxy has no output")?;
        BufReader::new(output).read_line(&mut endpoint)?;
        Ok(Self { process, endpoint: endpoint.trim_end().to_owned() })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
