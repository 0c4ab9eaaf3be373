//! Garage: an S3 server that keeps its objects on the disk.

use std::{fs, path::Path};

use anyhow::Context;

use super::{
    random::random_hex,
    server::{End, Server, free_address},
};
use crate::{
    env::{
        TUNDRA_TEST_S3_BUCKET, TUNDRA_TEST_S3_ENDPOINT, TUNDRA_TEST_S3_KEY,
        TUNDRA_TEST_S3_READER_KEY, TUNDRA_TEST_S3_READER_SECRET, TUNDRA_TEST_S3_REGION,
        TUNDRA_TEST_S3_SECRET, Variables,
    },
    process::Cmd,
    tools,
    workspace::Workspace,
};

pub(super) const NAME: &str = "garage";

/// The region that requests must be signed for. Not the one that clients fall back to.
const REGION: &str = "garage";

const BUCKET: &str = "tundra";

/// Starts it with a bucket, a key that may do everything (make buckets, too) and a key that may only
/// read that bucket.
pub(super) fn start(workspace: &Workspace) -> anyhow::Result<(Server, Variables)> {
    let program = tools::GARAGE.ensure(workspace)?;
    let s3 = free_address()?;
    let rpc = free_address()?;
    let (key, secret) = (format!("GK{}", random_hex(12)?), random_hex(32)?);
    let (reader_key, reader_secret) = (format!("GK{}", random_hex(12)?), random_hex(32)?);
    // Uncompressed, so that a benchmark measures the client. Nothing outlives the folder, so nothing
    // needs to reach the disk.
    let config = format!(
        r#"metadata_dir = "metadata"
data_dir = "data"
db_engine = "sqlite"
metadata_fsync = false
data_fsync = false
compression_level = "none"
replication_factor = 1
rpc_bind_addr = "{rpc}"
rpc_public_addr = "{rpc}"
rpc_secret = "{}"

[s3_api]
s3_region = "{REGION}"
api_bind_addr = "{s3}"
"#,
        random_hex(32)?
    );
    let environment = [
        format!("GARAGE_DEFAULT_ACCESS_KEY={key}"),
        format!("GARAGE_DEFAULT_SECRET_KEY={secret}"),
        format!("GARAGE_DEFAULT_BUCKET={BUCKET}"),
        "RUST_LOG=garage=warn".to_owned(),
    ];
    let program_text = program.to_str().context("the cache folder has an odd name")?;
    let mut args: Vec<&str> = environment.iter().map(String::as_str).collect();
    args.extend([program_text, "-c", CONFIG, "server", "--single-node", "--default-bucket"]);
    let mut server = Server::start(NAME, End::Kill, Path::new("env"), args, |folder| {
        fs::write(folder.join(CONFIG), &config).context("could not write its configuration")
    })?;
    let folder = server.folder().to_owned();
    let garage =
        |args: &[&str]| Cmd::new(&program).dir(&folder).args(["-c", CONFIG]).args(args).read();
    server.wait_until(|| garage(&["bucket", "info", BUCKET]))?;
    garage(&["key", "import", "--yes", "-n", "reader", &reader_key, &reader_secret])?;
    garage(&["bucket", "allow", "--read", BUCKET, "--key", &reader_key])?;
    let variables = vec![
        (TUNDRA_TEST_S3_ENDPOINT, format!("http://{s3}")),
        (TUNDRA_TEST_S3_REGION, REGION.to_owned()),
        (TUNDRA_TEST_S3_BUCKET, BUCKET.to_owned()),
        (TUNDRA_TEST_S3_KEY, key),
        (TUNDRA_TEST_S3_SECRET, secret),
        (TUNDRA_TEST_S3_READER_KEY, reader_key),
        (TUNDRA_TEST_S3_READER_SECRET, reader_secret),
    ];
    Ok((server, variables))
}

const CONFIG: &str = "garage.toml";
