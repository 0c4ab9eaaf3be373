//! Azurite: Azure Blob Storage as its maker rebuilt it for tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::{
    http,
    server::{End, Server, free_address},
};
use crate::{
    env::{
        TUNDRA_TEST_AZURE_ACCOUNT, TUNDRA_TEST_AZURE_CONTAINER, TUNDRA_TEST_AZURE_ENDPOINT,
        TUNDRA_TEST_AZURE_KEY, Variables,
    },
    process::Cmd,
    progress::step,
    workspace::Workspace,
};

pub(super) const NAME: &str = "azurite";

/// The last version that runs on the Node.js of Debian 12 and 13. Later ones want Node.js 22.
const VERSION: &str = "3.35.0";

const CONTAINER: &str = "tundra";

/// The account that every Azurite has, and its key: published by its maker, and no secret.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A signature of that key which allows to make containers, until the year 2099: what it takes to make
/// one without cryptography in xtask.
const MAY_CREATE: &str = "sv=2018-11-09&ss=b&srt=c&sp=c&se=2099-12-31T00%3A00%3A00Z\
    &spr=https%2Chttp&sig=ipUW6A%2FP3C8gLo5qjzqrjBfhI3AK2Gae0Db%2FteYojZU%3D";

/// Starts it with a container.
pub(super) fn start(workspace: &Workspace) -> anyhow::Result<(Server, Variables)> {
    let program = ensure(workspace)?;
    let address = free_address()?;
    let port = address.port().to_string();
    let program = program.to_str().context("the cache folder has an odd name")?;
    let args = [
        program,
        "--blobPort",
        &port,
        // It knows no version of the API that is younger than itself.
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--silent",
    ];
    let mut server = Server::start(NAME, End::Kill, Path::new("node"), args, |_| Ok(()))?;
    let target = format!("/{ACCOUNT}/{CONTAINER}?restype=container&{MAY_CREATE}");
    server.wait_until(|| http::make(address, "PUT", &target, ""))?;
    let variables = vec![
        (TUNDRA_TEST_AZURE_ENDPOINT, format!("http://{address}/{ACCOUNT}")),
        (TUNDRA_TEST_AZURE_ACCOUNT, ACCOUNT.to_owned()),
        (TUNDRA_TEST_AZURE_KEY, KEY.to_owned()),
        (TUNDRA_TEST_AZURE_CONTAINER, CONTAINER.to_owned()),
    ];
    Ok((server, variables))
}

/// Returns the program, after installing it when it is missing.
fn ensure(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let folder = workspace.cache("tools")?.join(format!("azurite-{VERSION}"));
    let program = "node_modules/azurite/dist/src/blob/main.js";
    if !Cmd::new("node").arg("--version").succeeds() || !Cmd::new("npm").arg("-v").succeeds() {
        bail!("it needs Node.js and npm (Debian and Ubuntu: `apt-get install nodejs npm`)");
    }
    if !folder.join(program).is_file() {
        step(&format!("install azurite {VERSION}, once"), || install(&folder))?;
    }
    Ok(folder.join(program))
}

fn install(folder: &Path) -> anyhow::Result<()> {
    // Under another name, so that an installation that was broken off is not taken for a whole one.
    let unfinished = folder.with_extension("unfinished");
    for path in [folder, &unfinished] {
        if path.exists() {
            fs::remove_dir_all(path)
                .with_context(|| format!("could not remove `{}`", path.display()))?;
        }
    }
    fs::create_dir_all(&unfinished)
        .with_context(|| format!("could not make `{}`", unfinished.display()))?;
    Cmd::new("npm")
        .dir(&unfinished)
        .args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(&unfinished)
        .arg(format!("azurite@{VERSION}"))
        .read()?;
    fs::rename(&unfinished, folder)
        .with_context(|| format!("could not make `{}`", folder.display()))
}
