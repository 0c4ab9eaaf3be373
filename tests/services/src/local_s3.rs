//! An S3 server in this process, over a temporary folder.

use std::{fs, path::Path};

use anyhow::{Context, anyhow};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{S3, background::Background};

/// A server of its own for one test. It checks signatures, and refuses by `If-None-Match` what it has.
///
/// It cannot list multipart uploads; [`LocalS3::unfinished`] looks at its files instead.
#[derive(Debug)]
pub struct LocalS3 {
    store: S3,
    _server: Background,
    folder: TempDir,
}

const BUCKET: &str = "tundra";

impl LocalS3 {
    /// Starts a server with one empty bucket.
    ///
    /// # Errors
    /// When there is no free port or no room for temporary files.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("could not make a temporary folder")?;
        fs::create_dir(folder.path().join(BUCKET))?;
        let files = FileSystem::new(folder.path()).map_err(|error| anyhow!("{error:?}"))?;
        let (key, secret) = ("local-key", "local-secret");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(key, secret));
        let service = service.build();
        let server = Background::start("local-s3", move |listener| async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
                connections.spawn(connection);
                while connections.try_join_next().is_some() {}
            }
        })?;
        let store = S3 {
            endpoint: server.endpoint(),
            region: "us-east-1".to_owned(),
            bucket: BUCKET.to_owned(),
            key: key.to_owned(),
            secret: secret.to_owned(),
        };
        Ok(Self { store, _server: server, folder })
    }

    /// Returns where the server is and how to get in.
    pub fn store(&self) -> &S3 {
        &self.store
    }

    /// Returns the folder in which its buckets are folders.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the names of the files that multipart uploads left, which were neither completed nor
    /// aborted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn unfinished(&self) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.contains("upload") {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}
