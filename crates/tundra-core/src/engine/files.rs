//! What DuckDB sees of a run: its inputs and the outputs that it was given, and nothing else.
//!
//! An output that DuckDB has finished is not published here. It waits as [`Written`] until the
//! engine has compared it with the input.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tundra_duckdb::{BoxError, FileSystem, ReadFile, WriteFile};

use crate::{Error, ObjectReader, ObjectWriter, StorageError, engine::copy::Stop};

/// Bytes that are collected before they are handed to the store: DuckDB writes pages of a few
/// kilobytes one by one.
const WRITE_BYTES: usize = 1 << 20;

/// How long the removal of an unfinished output may take. A store that does not answer then has its own
/// rules for what is left.
const ABORT_WITHIN: Duration = Duration::from_secs(5);

/// Inputs that are opened when DuckDB asks for them, each as long as it is read, so that there may be many.
#[async_trait]
pub(crate) trait LateInputs: Send + Sync {
    /// Returns which input has this name, if there is one.
    fn find(&self, name: &str) -> Option<usize>;

    /// Opens an input.
    async fn open(&self, number: usize) -> Result<Arc<dyn ObjectReader>, Error>;
}

/// The files of one run.
pub(crate) struct RunFiles {
    store: Waiting,
    inputs: Vec<(&'static str, Arc<dyn ObjectReader>)>,
    late: Option<Arc<dyn LateInputs>>,
    shared: Arc<Outputs>,
}

#[derive(Default)]
struct Outputs {
    /// Writers that DuckDB has not asked for yet.
    waiting: Mutex<HashMap<&'static str, Box<dyn ObjectWriter>>>,
    written: Mutex<HashMap<&'static str, Written>>,
}

/// An output that is complete but not visible.
#[derive(Debug)]
pub(crate) struct Written {
    /// The writer, to be published or aborted.
    pub(crate) writer: Box<dyn ObjectWriter>,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) sha256: String,
}

impl Written {
    /// Removes it, because it will not be published.
    pub(crate) async fn abort(self) {
        remove(self.writer).await;
    }
}

impl RunFiles {
    /// Makes files that consist of `inputs`, if any. Readers and writers are driven by `runtime`, and a store
    /// that keeps them waiting is waited for until the run is to stop.
    pub(crate) fn new(
        runtime: Handle,
        stop: &Stop,
        inputs: impl IntoIterator<Item = (&'static str, Arc<dyn ObjectReader>)>,
    ) -> Self {
        let store = Waiting { runtime, stop: stop.clone() };
        Self { store, inputs: inputs.into_iter().collect(), late: None, shared: Arc::default() }
    }

    /// Adds inputs that are opened when they are asked for.
    pub(crate) fn with_late(self, late: Option<Arc<dyn LateInputs>>) -> Self {
        Self { late, ..self }
    }

    fn input(&self, path: &str) -> Option<&Arc<dyn ObjectReader>> {
        self.inputs.iter().find(|(name, _)| *name == path).map(|(_, object)| object)
    }

    fn late_input(&self, path: &str) -> Option<(&Arc<dyn LateInputs>, usize)> {
        let late = self.late.as_ref()?;
        Some((late, late.find(path)?))
    }

    /// Lets DuckDB write the file `name` with this writer, once.
    pub(crate) fn offer(&self, name: &'static str, writer: Box<dyn ObjectWriter>) {
        lock(&self.shared.waiting).insert(name, writer);
    }

    /// Takes the file that DuckDB finished.
    pub(crate) fn take_written(&self, name: &'static str) -> Option<Written> {
        lock(&self.shared.written).remove(name)
    }
}

/// A file or a name that is none of the run's.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no file of this run")]
struct NoSuchFile(String);

impl FileSystem for RunFiles {
    fn open(&self, path: &str) -> Result<Arc<dyn ReadFile>, BoxError> {
        let object = match (self.input(path), self.late_input(path)) {
            (Some(object), _) => Arc::clone(object),
            (None, Some((late, number))) => self.store.wait(late.open(number))?,
            (None, None) => return Err(Box::new(NoSuchFile(path.to_owned()))),
        };
        Ok(Arc::new(InputFile { object, store: self.store.clone() }))
    }

    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, BoxError> {
        let (name, writer) = lock(&self.shared.waiting)
            .remove_entry(path)
            .ok_or_else(|| Box::new(NoSuchFile(path.to_owned())))?;
        let outputs = Arc::clone(&self.shared);
        Ok(Box::new(OutputFile::new(name, writer, self.store.clone(), outputs)))
    }

    fn exists(&self, path: &str) -> Result<bool, BoxError> {
        Ok(self.input(path).is_some() || self.late_input(path).is_some())
    }

    fn remove(&self, path: &str) -> Result<(), BoxError> {
        Err(Box::new(NoSuchFile(path.to_owned())))
    }
}

/// Waits for a store on a thread of DuckDB, which no interrupt reaches there.
#[derive(Clone)]
struct Waiting {
    runtime: Handle,
    stop: Stop,
}

/// An output that is written without DuckDB, and watched and measured like its files.
pub(crate) struct Outgoing {
    file: OutputFile,
}

impl Outgoing {
    /// Begins to write with this writer.
    pub(crate) fn new(runtime: Handle, stop: &Stop, writer: Box<dyn ObjectWriter>) -> Self {
        let store = Waiting { runtime, stop: stop.clone() };
        Self { file: OutputFile::new(NAMELESS, writer, store, Arc::default()) }
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write(bytes).map_err(not_written)
    }

    /// Ends the output.
    pub(crate) fn finish(self) -> Result<Written, Error> {
        let outputs = Arc::clone(&self.file.outputs);
        Box::new(self.file).close().map_err(not_written)?;
        let written = lock(&outputs.written).remove(NAMELESS);
        written.ok_or_else(|| Error::Internal("an output was not finished".to_owned()))
    }

    /// Gives the output up.
    pub(crate) fn abort(self) {
        Box::new(self.file).abort();
    }
}

/// What an output is called that DuckDB does not see.
const NAMELESS: &str = "";

fn not_written(error: BoxError) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    match error.downcast::<StorageError>() {
        Ok(source) => Error::Storage { role: "could not write the output", source: *source },
        Err(error) => Error::Internal(format!("could not write the output: {error}")),
    }
}

impl Waiting {
    fn wait<T, E: Into<BoxError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, BoxError> {
        let done: Result<_, Error> = self.runtime.block_on(self.stop.unless_stopped(work));
        done?.map_err(Into::into)
    }
}

struct InputFile {
    object: Arc<dyn ObjectReader>,
    store: Waiting,
}

impl ReadFile for InputFile {
    fn len(&self) -> u64 {
        self.object.info().size
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, BoxError> {
        if let Some(file) = self.object.as_file() {
            use std::os::unix::fs::FileExt;
            return Ok(file.read_at(buffer, offset)?);
        }
        let end = self.len().min(offset.saturating_add(buffer.len() as u64));
        if offset >= end {
            return Ok(0);
        }
        let bytes = self.store.wait(self.object.read(offset..end))?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn version(&self) -> Option<&str> {
        self.object.info().etag.as_deref()
    }

    fn modified(&self) -> Option<SystemTime> {
        self.object.info().modified
    }
}

struct OutputFile {
    name: &'static str,
    writer: Box<dyn ObjectWriter>,
    store: Waiting,
    outputs: Arc<Outputs>,
    pending: BytesMut,
    size: u64,
    digest: Sha256,
}

impl OutputFile {
    fn new(
        name: &'static str,
        writer: Box<dyn ObjectWriter>,
        store: Waiting,
        outputs: Arc<Outputs>,
    ) -> Self {
        Self {
            name,
            writer,
            store,
            outputs,
            pending: BytesMut::with_capacity(WRITE_BYTES),
            size: 0,
            digest: Sha256::new(),
        }
    }

    fn send(&mut self, bytes: Bytes) -> Result<(), BoxError> {
        self.digest.update(&bytes);
        self.store.wait(self.writer.write(bytes))
    }
}

impl WriteFile for OutputFile {
    fn write(&mut self, data: &[u8]) -> Result<(), BoxError> {
        self.size += data.len() as u64;
        self.pending.extend_from_slice(data);
        if self.pending.len() >= WRITE_BYTES {
            let bytes = self.pending.split().freeze();
            self.send(bytes)?;
        }
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(), BoxError> {
        if !self.pending.is_empty() {
            let bytes = self.pending.split().freeze();
            self.send(bytes)?;
        }
        let Self { name, writer, outputs, size, digest, .. } = *self;
        let sha256 = hexadecimal(&digest.finalize());
        lock(&outputs.written).insert(name, Written { writer, size, sha256 });
        Ok(())
    }

    fn abort(self: Box<Self>) {
        // The statement has failed already, and that is the error that counts.
        self.store.runtime.block_on(remove(self.writer));
    }
}

/// Removes an output that will not be published, as far as that is possible in time.
async fn remove(writer: Box<dyn ObjectWriter>) {
    match tokio::time::timeout(ABORT_WITHIN, writer.abort()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "could not remove an unfinished output");
        }
        Err(_) => tracing::warn!("gave up to remove an unfinished output"),
    }
}

/// Returns bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
