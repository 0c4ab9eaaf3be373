//! Objects that are files below a local directory.
//!
//! Start at [`LocalStorage`]. It does its own system calls: the local store of `object_store` uses
//! names beside the target that readers see, refuses some names that files may have, and opens a
//! file anew for every range, where an open file is the surest pin there is.

mod listing;
mod reader;
mod temporary;
mod writer;

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use tundra_core::{
    IfExists, ObjectInfo, ObjectPath, ObjectReader, ObjectWriter, Storage, StorageCapabilities,
    StorageError,
};

use self::{reader::LocalReader, writer::LocalWriter};
use crate::{blocking::blocking, error::Operation};

/// A directory whose files are objects.
///
/// - **Publishing.** An object is written to a hidden file beside its place, such as
///   `.NAME.tundra-h5Kq02Xw.tmp`, synced to the disk, and renamed; then the directory is synced.
///   With [`IfExists::Fail`] the rename itself refuses to replace. What a killed process leaves is
///   such a hidden file; it is never listed and may be deleted by anybody.
/// - **Permissions.** A new file gets those that any new file of this process would get. A file
///   that replaces another gets the other's, but not its owner. A file that may not be written to
///   is not replaced.
/// - **Symbolic links** are followed. Replacing what a link names replaces the file that it leads
///   to and keeps the link; deleting removes the link. Links lead out of the directory, too: whoever
///   may make links in it decides what it holds.
/// - **Pipes, devices and sockets** are not objects, neither to read nor to replace.
/// - **Directories** below the root are made when an object needs them, and stay. The root itself
///   must exist.
/// - **In-place changes** of an open file show in its size or its time of modification, and are
///   reported as [`StorageError::Changed`]. On kernels that keep that time only to a few
///   milliseconds, a change within them that keeps the size is not seen.
#[derive(Debug, Clone)]
pub struct LocalStorage {
    /// Absolute, so that a later change of the current directory moves nothing.
    root: PathBuf,
    /// As it was given; what messages show.
    shown: PathBuf,
}

/// One object's place on the disk.
#[derive(Debug, Clone)]
struct Place {
    path: ObjectPath,
    file: PathBuf,
    shown: String,
}

impl LocalStorage {
    /// Makes a store of the directory, which is not looked at yet.
    ///
    /// # Errors
    /// Fails when `root` is relative and there is no current directory.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example() -> Result<(), tundra_core::StorageError> {
    /// use tundra_core::{IfExists, Storage};
    /// use tundra_storage::LocalStorage;
    ///
    /// let storage = LocalStorage::new("/var/lib/tundra")?;
    /// let path = "raw/orders.csv".parse().expect("a valid object path");
    /// let mut writer = storage.create(&path, IfExists::Fail).await?;
    /// writer.write("id\n1\n".into()).await?;
    /// writer.publish().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(root: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let shown = root.into();
        let given = if shown.as_os_str().is_empty() { Path::new(".") } else { &shown };
        match std::path::absolute(given) {
            Ok(root) => Ok(Self { root, shown }),
            Err(error) => Err(Operation::Read.io_failed(&shown.to_string_lossy(), error)),
        }
    }

    /// Returns the root as messages show it.
    fn shown_root(&self) -> String {
        let current = self.shown.as_os_str().is_empty();
        if current { ".".to_owned() } else { self.shown.to_string_lossy().into_owned() }
    }

    fn place(&self, path: &ObjectPath) -> Place {
        Place { path: path.clone(), file: self.root.join(path.as_str()), shown: self.display(path) }
    }
}

#[async_trait]
impl Storage for LocalStorage {
    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities { atomic_create: true, durable: true, read_back_window: None }
    }

    fn display(&self, path: &ObjectPath) -> String {
        self.shown.join(path.as_str()).to_string_lossy().into_owned()
    }

    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        let place = self.place(path);
        let shown = place.shown.clone();
        blocking(Operation::Read, &shown, move || place.info()).await
    }

    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        let place = self.place(path);
        let shown = place.shown.clone();
        blocking(Operation::Read, &shown, move || {
            let reader: Arc<dyn ObjectReader> = Arc::new(LocalReader::open(place)?);
            Ok(reader)
        })
        .await
    }

    async fn create(
        &self,
        path: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        let place = self.place(path);
        let root = self.clone();
        let shown = place.shown.clone();
        blocking(Operation::Write, &shown, move || {
            let writer: Box<dyn ObjectWriter> =
                Box::new(LocalWriter::begin(&root, place, if_exists)?);
            Ok(writer)
        })
        .await
    }

    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        let root = self.clone();
        let prefix = prefix.cloned();
        let shown = match &prefix {
            Some(prefix) => self.display(prefix),
            None => self.shown_root(),
        };
        blocking(Operation::List, &shown, move || listing::list(&root, prefix.as_ref())).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        let place = self.place(path);
        let shown = place.shown.clone();
        blocking(Operation::Delete, &shown, move || match fs::remove_file(&place.file) {
            Err(error) if !is_missing(&error) => {
                Err(Operation::Delete.io_failed(&place.shown, error))
            }
            _ => Ok(()),
        })
        .await
    }
}

impl Place {
    /// Looks at what is at the place now.
    fn info(&self) -> Result<ObjectInfo, StorageError> {
        let metadata = fs::metadata(&self.file)
            .map_err(|error| Operation::Read.io_failed(&self.shown, error))?;
        self.check_file(&metadata)?;
        Ok(self.info_of(&metadata))
    }

    /// Checks that it is a file, before anything is done that would wait for the other end of a
    /// pipe or move a tape.
    fn check_file(&self, metadata: &Metadata) -> Result<(), StorageError> {
        let kind = metadata.file_type();
        let what = if kind.is_file() {
            return Ok(());
        } else if kind.is_dir() {
            return Err(StorageError::IsDirectory { location: self.shown.clone() });
        } else if kind.is_fifo() {
            "a pipe"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        };
        Err(StorageError::NotAFile { location: self.shown.clone(), what })
    }

    fn info_of(&self, metadata: &Metadata) -> ObjectInfo {
        ObjectInfo {
            path: self.path.clone(),
            size: metadata.len(),
            etag: Some(etag(metadata)),
            modified: metadata.modified().ok(),
        }
    }
}

/// Returns a tag that changes with the file, its size or its content.
fn etag(metadata: &Metadata) -> String {
    let modified = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    format!("{:x}-{:x}-{modified:x}-{:x}", metadata.dev(), metadata.ino(), metadata.len())
}

/// Returns whether the error says that there is nothing of that name.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Makes the names in the directory durable. A file system that cannot sync a directory says so
/// with one of two errors, and then its names need none.
fn sync_directory(directory: &File) -> io::Result<()> {
    match directory.sync_all() {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        result => result,
    }
}
