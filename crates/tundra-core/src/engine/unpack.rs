//! Inputs that are compressed or in an archive.
//!
//! Text is unpacked while it is read. What has to be read from several places, such as Parquet or a compressed
//! archive of which [several members](members) are wanted, is unpacked to a temporary file first, within the
//! run's limit for such.

mod members;

use std::{
    fs::File,
    io::{Read, Write},
    ops::Range,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
};

use bytes::Bytes;
use tokio::runtime::Handle;
use tundra_unpack::{Container, Limits, Unpacked};

pub(crate) use self::members::Member;
use crate::{
    Cancel, ConvertOptions, Error, Format, ObjectInfo, ObjectReader, Resources, Result,
    StorageError, UnpackLimit,
    engine::copy::Stop,
    read::source::{Stored, read_error},
};

/// Bytes that are unpacked at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// What is asked for of an input that may be packed, and what its unpacking may use.
#[derive(Debug, Clone)]
pub(crate) struct Unpacking {
    /// The member of the archive.
    pub(crate) member: Option<String>,
    /// The member of the archive, where it was found already.
    pub(crate) found: Option<Member>,
    limits: Limits,
    temp_directory: PathBuf,
    max_temp_size: u64,
    /// How much of that archives take that were unpacked for several members.
    archives_size: Arc<AtomicU64>,
    cancel: Cancel,
}

impl Unpacking {
    /// Unpacks as these options ask for it.
    pub(crate) fn of(options: &ConvertOptions, resources: &Resources, stop: &Stop) -> Self {
        let usual = Limits::default();
        let limits = match options.max_unpacked {
            UnpackLimit::Usual => usual,
            UnpackLimit::AtMost(bytes) => Limits { bytes, ..usual },
            UnpackLimit::Allowed(bytes) => Limits { bytes, free_bytes: bytes, ..usual },
        };
        Self {
            member: options.member.clone(),
            found: None,
            limits,
            temp_directory: resources.temp_directory.clone(),
            max_temp_size: resources.max_temp_size,
            archives_size: Arc::default(),
            cancel: stop.own.clone(),
        }
    }

    /// Returns the object as what is packed, or what it was unpacked to for the member that was found.
    pub(crate) fn stored(&self, object: &Arc<dyn ObjectReader>, runtime: &Handle) -> Stored {
        let unpacked = self.found.as_ref().and_then(Member::unpacked);
        let object = Arc::clone(unpacked.unwrap_or(object));
        Stored { object, runtime: runtime.clone(), cancel: self.cancel.clone() }
    }

    /// Finds out whether an object that begins with `head` is packed, and how to get at what is in it, of
    /// which up to `head_bytes` are looked at.
    ///
    /// # Errors
    /// Fails when there is no way to it.
    pub(crate) async fn find(
        &self,
        object: &Arc<dyn ObjectReader>,
        head: &[u8],
        head_bytes: u64,
        location: &str,
    ) -> Result<Option<Arc<Unpacked>>> {
        if let Some(member) = &self.found {
            member.check_version(object.info(), location)?;
        }
        if self.found.is_none() && self.member.is_none() && Container::find(head).is_none() {
            return Ok(None);
        }
        let (asked, stored, head) =
            (self.clone(), self.stored(object, &Handle::current()), head.to_vec());
        let head_bytes = usize::try_from(head_bytes).unwrap_or(usize::MAX);
        let found = tokio::task::spawn_blocking(move || match &asked.found {
            Some(member) => {
                Unpacked::of_member(&stored, member.way(), head_bytes, asked.limits).map(Some)
            }
            None => {
                Unpacked::find(&stored, &head, head_bytes, asked.member.as_deref(), asked.limits)
            }
        });
        let found = found.await.map_err(panicked)?;
        Ok(found.map_err(|error| read_error(error, location))?.map(Arc::new))
    }

    /// Unpacks to a temporary file, which goes when nobody reads it any more.
    ///
    /// # Errors
    /// Fails when it becomes too large, and when it cannot be unpacked or written.
    pub(crate) async fn to_file(
        &self,
        object: &Arc<dyn ObjectReader>,
        way: &Arc<Unpacked>,
        location: &str,
    ) -> Result<Arc<dyn ObjectReader>> {
        let info = object.info().clone();
        let (asked, stored, way) =
            (self.clone(), self.stored(object, &Handle::current()), Arc::clone(way));
        let location = location.to_owned();
        let limit = self.max_temp_size;
        let unpacked =
            tokio::task::spawn_blocking(move || asked.write(&stored, &way, &location, limit, None));
        let (file, size) = unpacked.await.map_err(panicked)??;
        Ok(Arc::new(TempFile { info: ObjectInfo { size, ..info }, file }))
    }

    /// Unpacks to a temporary file of at most `limit` bytes, up to the byte `end` where not all is wanted.
    fn write(
        &self,
        stored: &Stored,
        way: &Unpacked,
        location: &str,
        limit: u64,
        end: Option<u64>,
    ) -> Result<(File, u64)> {
        let not_read = |error| read_error(error, location);
        let not_written = |error: std::io::Error| Error::Storage {
            role: "could not unpack the input to a temporary file",
            source: match error.kind() {
                std::io::ErrorKind::StorageFull => StorageError::NoSpace {
                    location: self.temp_directory.display().to_string(),
                    source: Box::new(error),
                },
                _ => StorageError::Other {
                    operation: "write to",
                    location: self.temp_directory.display().to_string(),
                    source: Box::new(error),
                },
            },
        };
        let mut file = tempfile::tempfile_in(&self.temp_directory).map_err(not_written)?;
        let mut stream = way.open(stored).map_err(not_read)?.take(end.unwrap_or(u64::MAX));
        let mut block = vec![0; BLOCK_BYTES];
        let mut size = 0_u64;
        loop {
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let count = stream.read(&mut block).map_err(not_read)?;
            if count == 0 {
                return Ok((file, size));
            }
            size += count as u64;
            if size > limit {
                return Err(Error::TooLargeForTemp { input: location.to_owned(), limit });
            }
            file.write_all(&block[..count]).map_err(not_written)?;
        }
    }
}

/// Returns whether a format is read from its beginning to its end only.
pub(crate) fn is_read_in_order(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Tsv | Format::Json | Format::Ndjson | Format::GeoJson)
}

fn panicked(error: tokio::task::JoinError) -> Error {
    Error::Internal(format!("unpacking the input panicked: {error}"))
}

/// What was unpacked, with what is known of the object that it comes from.
#[derive(Debug)]
struct TempFile {
    info: ObjectInfo,
    file: File,
}

#[async_trait::async_trait]
impl ObjectReader for TempFile {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        use std::os::unix::fs::FileExt;

        // A temporary file that was just written is read from memory, as a rule.
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, range.start).map_err(|error| StorageError::Other {
            operation: "read",
            location: "a temporary file".to_owned(),
            source: Box::new(error),
        })?;
        Ok(bytes.into())
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        // Nobody else has it.
        Ok(())
    }
}
