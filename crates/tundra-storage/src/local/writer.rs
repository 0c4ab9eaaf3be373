//! Writing a file under a hidden name, and giving it its own when it is complete.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    ops::Range,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tempfile::TempPath;
use tokio::task::JoinHandle;
use tundra_core::{IfExists, ObjectInfo, ObjectWriter, StorageError};

use crate::{
    blocking::blocking,
    error::{Operation, range_length},
    local::{LocalStorage, Place, is_missing, sync_directory, temporary},
};

/// Smaller writes are gathered up to this: handing work to another thread costs some 10 µs, which
/// a megabyte outweighs.
const GATHERED: usize = 1 << 20;

/// After this many bytes the disk is asked to take what it has got, while more is computed.
/// Otherwise all of it waits for the end: syncing 150 MB there took 65 ms, and 10 ms this way.
const SYNCED: u64 = 32 << 20;

/// The permissions that are carried over to a replacement: not set-user-id and the like.
const ORDINARY_MODE: u32 = 0o777;

/// A file that is being written.
#[derive(Debug)]
pub(super) struct LocalWriter {
    target: Target,
    temporary: TempPath,
    file: Arc<File>,
    /// Bytes that the file does not have yet.
    gathered: BytesMut,
    /// Bytes that the file has, or that `writing` gives it.
    handed_over: u64,
    writing: Option<JoinHandle<io::Result<()>>>,
    syncing: Option<JoinHandle<io::Result<()>>>,
    unsynced: u64,
    /// A write failed or was abandoned, so that bytes may be missing.
    broken: bool,
}

/// Where the file goes.
#[derive(Debug)]
struct Target {
    place: Place,
    /// The final name, behind any symbolic link.
    file: PathBuf,
    if_exists: IfExists,
    /// The directory, to sync it.
    directory: Option<File>,
}

impl LocalWriter {
    /// Finds whatever would prevent publishing, and begins the file. Blocks.
    pub(super) fn begin(
        storage: &LocalStorage,
        place: Place,
        if_exists: IfExists,
    ) -> Result<Self, StorageError> {
        let failed = |error| Operation::Write.io_failed(&place.shown, error);
        if temporary::is_temporary(place.path.file_name().as_ref()) {
            return Err(StorageError::InvalidName {
                location: place.shown,
                source: "names of this form are for files that are being written".into(),
            });
        }
        let existing = Existing::look(&place, if_exists)?;
        let file = existing.as_ref().map_or_else(|| place.file.clone(), |old| old.file.clone());
        let directory = file.parent().unwrap_or(&storage.root).to_path_buf();
        if existing.is_none() {
            make_directories(storage, &directory, &place)?;
        }
        let name = file.file_name().and_then(|name| name.to_str());
        let (opened, temporary) =
            temporary::create(&directory, name.unwrap_or(place.path.file_name()))
                .map_err(failed)?;
        if let Some(old) = existing {
            opened.set_permissions(old.permissions).map_err(failed)?;
        }
        let directory = open_directory(&directory).map_err(failed)?;
        Ok(Self {
            target: Target { place, file, if_exists, directory },
            temporary,
            file: Arc::new(opened),
            gathered: BytesMut::new(),
            handed_over: 0,
            writing: None,
            syncing: None,
            unsynced: 0,
            broken: false,
        })
    }

    fn failed(&self, error: io::Error) -> StorageError {
        Operation::Write.io_failed(&self.target.place.shown, error)
    }

    fn check_whole(&self) -> Result<(), StorageError> {
        if self.broken {
            let shown = &self.target.place.shown;
            return Err(Operation::Write.failed(shown, "an earlier write failed"));
        }
        Ok(())
    }

    /// Waits until the file has what was handed over.
    async fn written(&mut self) -> Result<(), StorageError> {
        join(&mut self.writing).await.map_err(|error| self.failed(error))
    }

    /// Hands the gathered bytes and `more` to the file, when it is done with those before.
    async fn hand_over(&mut self, more: Bytes) -> Result<(), StorageError> {
        self.written().await?;
        let gathered = self.gathered.split().freeze();
        let mut offset = self.handed_over;
        let length = (gathered.len() + more.len()) as u64;
        let file = Arc::clone(&self.file);
        self.writing = Some(tokio::task::spawn_blocking(move || {
            for bytes in [gathered, more] {
                file.write_all_at(&bytes, offset)?;
                offset += bytes.len() as u64;
            }
            Ok(())
        }));
        self.handed_over += length;
        self.unsynced += length;
        if self.unsynced >= SYNCED && self.syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            self.synced().await?;
            let file = Arc::clone(&self.file);
            self.syncing = Some(tokio::task::spawn_blocking(move || file.sync_data()));
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Waits for the sync that runs. Its error must not be lost: the system reports it only once.
    async fn synced(&mut self) -> Result<(), StorageError> {
        join(&mut self.syncing).await.map_err(|error| self.failed(error))
    }

    /// Gives the file every byte that was written.
    async fn flush(&mut self) -> Result<(), StorageError> {
        self.check_whole()?;
        self.broken = true;
        if !self.gathered.is_empty() {
            self.hand_over(Bytes::new()).await?;
        }
        self.written().await?;
        self.broken = false;
        Ok(())
    }
}

#[async_trait]
impl ObjectWriter for LocalWriter {
    async fn write(&mut self, data: Bytes) -> Result<(), StorageError> {
        self.check_whole()?;
        if self.gathered.len() + data.len() < GATHERED {
            self.gathered.extend_from_slice(&data);
            return Ok(());
        }
        // Stays so when the future is dropped at the next line, because `data` is lost then.
        self.broken = true;
        self.hand_over(data).await?;
        self.broken = false;
        Ok(())
    }

    async fn read_back(&mut self, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.flush().await?;
        let shown = self.target.place.shown.clone();
        let length = range_length(Operation::ReadBack, &shown, &range, self.handed_over)?;
        let file = Arc::clone(&self.file);
        blocking(Operation::ReadBack, &shown.clone(), move || {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, range.start)
                .map_err(|error| Operation::ReadBack.io_failed(&shown, error))?;
            Ok(Bytes::from(bytes))
        })
        .await
    }

    async fn publish(mut self: Box<Self>) -> Result<ObjectInfo, StorageError> {
        self.flush().await?;
        self.synced().await?;
        let Self { target, temporary, file, handed_over, .. } = *self;
        let shown = target.place.shown.clone();
        let syncing = target.place.shown.clone();
        let info = target.place.clone();
        // Two steps, so that whoever gives up during the long one finds nothing published.
        let info = blocking(Operation::Write, &shown, move || {
            let failed = |error| Operation::Write.io_failed(&syncing, error);
            file.sync_all().map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            if metadata.len() != handed_over {
                let source = "somebody else changed the file while it was being written";
                return Err(Operation::Write.failed(&syncing, source));
            }
            Ok(info.info_of(&metadata))
        })
        .await?;
        blocking(Operation::Write, &shown, move || {
            target.publish(temporary)?;
            Ok(info)
        })
        .await
    }

    async fn abort(mut self: Box<Self>) -> Result<(), StorageError> {
        // What it was about to write does not matter any more, and neither does whether it could.
        let _ = self.written().await;
        let _ = self.synced().await;
        let shown = self.target.place.shown.clone();
        let temporary = self.temporary;
        blocking(Operation::Delete, &shown.clone(), move || match temporary.close() {
            Err(error) if !is_missing(&error) => Err(Operation::Delete.io_failed(&shown, error)),
            _ => Ok(()),
        })
        .await
    }
}

impl Target {
    /// Gives the complete file its name. Blocks.
    fn publish(self, temporary: TempPath) -> Result<(), StorageError> {
        let failed = |error| Operation::Write.io_failed(&self.place.shown, error);
        match self.if_exists {
            // Fails when there is such a name: by one system call, or by a hard link where the file
            // system has no such call.
            IfExists::Fail => temporary.persist_noclobber(&self.file),
            IfExists::Replace => temporary.persist(&self.file),
        }
        .map_err(|error| failed(error.error))?;
        match self.directory.as_ref().map_or(Ok(()), sync_directory) {
            Ok(()) => Ok(()),
            Err(error) => {
                // The name might be gone after a power failure. What was replaced cannot be had
                // back, but a name that was not there before can be taken away again.
                if self.if_exists == IfExists::Fail {
                    let _ = fs::remove_file(&self.file);
                }
                Err(failed(error))
            }
        }
    }
}

/// A file that is to be replaced.
struct Existing {
    /// Its own name, behind any symbolic link.
    file: PathBuf,
    permissions: Permissions,
}

impl Existing {
    /// Looks at what is at the place now, and refuses what may not be replaced.
    fn look(place: &Place, if_exists: IfExists) -> Result<Option<Self>, StorageError> {
        let failed = |error| Operation::Write.io_failed(&place.shown, error);
        let link = match fs::symlink_metadata(&place.file) {
            Ok(metadata) => metadata.is_symlink(),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let metadata = match fs::metadata(&place.file) {
            Ok(metadata) => metadata,
            Err(error) if link && is_missing(&error) => {
                return Err(StorageError::NotAFile {
                    location: place.shown.clone(),
                    what: "a symbolic link that leads nowhere",
                });
            }
            Err(error) => return Err(failed(error)),
        };
        place.check_file(&metadata)?;
        if if_exists == IfExists::Fail {
            return Err(StorageError::AlreadyExists { location: place.shown.clone() });
        }
        // A rename asks only the directory. Somebody who made the file read-only meant the file.
        OpenOptions::new().write(true).open(&place.file).map_err(failed)?;
        let file =
            if link { fs::canonicalize(&place.file).map_err(failed)? } else { place.file.clone() };
        let mode = metadata.permissions().mode() & ORDINARY_MODE;
        Ok(Some(Self { file, permissions: Permissions::from_mode(mode) }))
    }
}

/// Makes the directories between the root, which must exist, and the file.
fn make_directories(
    storage: &LocalStorage,
    directory: &Path,
    place: &Place,
) -> Result<(), StorageError> {
    let failed = |error| Operation::Write.io_failed(&place.shown, error);
    let no_directory = |directory: &Path| StorageError::NoDirectory {
        directory: match directory.strip_prefix(&storage.root) {
            Ok(below) if below != Path::new("") => {
                storage.shown.join(below).to_string_lossy().into_owned()
            }
            _ => storage.shown_root(),
        },
    };
    match fs::metadata(&storage.root) {
        Ok(metadata) if metadata.is_dir() => {}
        Err(error) if !is_missing(&error) => return Err(failed(error)),
        _ => return Err(no_directory(&storage.root)),
    }
    let missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|ancestor| *ancestor != storage.root && !ancestor.is_dir())
        .collect();
    for directory in missing.into_iter().rev() {
        match fs::create_dir(directory) {
            Ok(()) => {
                let parent = directory.parent().map_or(Ok(None), open_directory).map_err(failed)?;
                parent.as_ref().map_or(Ok(()), sync_directory).map_err(failed)?;
            }
            // Another writer was faster, or a file has the name that the directory should have.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory
                ) =>
            {
                return Err(no_directory(directory));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

/// Opens a directory to sync it, unless it may be written to but not read: then it cannot be.
fn open_directory(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(directory) => Ok(Some(directory)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for the task, if there is one. Dropping the future leaves it in place.
async fn join(task: &mut Option<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    let Some(running) = task else { return Ok(()) };
    let result = running.await;
    *task = None;
    match result {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(error) => Err(io::Error::other(error)),
        },
    }
}
