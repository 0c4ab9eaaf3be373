//! Where bytes are: the [`Storage`] trait, its readers and its writers.
//!
//! Nothing here knows a particular store. Implementations live in `tundra-storage`; an embedding
//! program may bring its own and prove it with [`crate::testing::storage`].

use std::{fmt::Debug, fs::File, ops::Range, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    error::{BoxError, Classify, ErrorKind, Retry},
    object_path::ObjectPath,
};

/// What a store knows of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The object's name in its store.
    pub path: ObjectPath,
    /// Its size in bytes.
    pub size: u64,
    /// The store's tag of this very content; two reads with one tag saw the same bytes.
    pub etag: Option<String>,
    /// When it was last written.
    pub modified: Option<SystemTime>,
}

/// What to do when the object to be written is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfExists {
    /// Fail with [`StorageError::AlreadyExists`], and again at publishing if it came since.
    Fail,
    /// Replace it at publishing; until then readers see the old one.
    Replace,
}

/// What a store can do, as data, so that nobody is surprised by a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageCapabilities {
    /// Publishing with [`IfExists::Fail`] is decided by the store in one step, so that of two
    /// writers at once exactly one succeeds.
    pub atomic_create: bool,
    /// Objects survive the process.
    pub durable: bool,
    /// How many of the last bytes written [`ObjectWriter::read_back`] still has; all of them for
    /// `None`. A store that takes parts cannot give back those it has taken.
    pub read_back_window: Option<u64>,
}

/// A place where objects are read and written.
///
/// # Contract
/// - **Atomic.** An object appears under its name complete or not at all, at
///   [`ObjectWriter::publish`]. A crash before leaves nothing under that name.
/// - **Pinned.** A reader sees one version of the object. When it can no longer have it, it fails
///   with [`StorageError::Changed`] and never mixes two.
/// - **Retries** of what is transient are the implementation's own; an error that comes out is
///   final for this call.
/// - **Cancellation** is dropping the future or the writer; nothing visible is left behind.
/// - Paths are names, not patterns: `*` has no meaning here.
#[async_trait]
pub trait Storage: Debug + Send + Sync + 'static {
    /// Returns what this store can do.
    fn capabilities(&self) -> StorageCapabilities;

    /// Returns the object's place as a person would write it, without credentials.
    fn display(&self, path: &ObjectPath) -> String;

    /// Returns what is known of the object.
    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError>;

    /// Opens the object's present version for reading.
    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError>;

    /// Begins a new object. Nothing is visible before [`ObjectWriter::publish`].
    async fn create(
        &self,
        path: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError>;

    /// Returns the objects below `prefix`, sorted by path; all of them for `None`. Below are those
    /// whose path begins with the segments of `prefix` and goes on. Objects that are being written
    /// are not among them.
    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError>;

    /// Makes `to` an object of the same bytes as `from`, complete or not at all, without moving them
    /// through this process where the store can do that.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] with [`IfExists::Fail`] when `to` is there. On any error
    /// nothing new is visible.
    async fn copy(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<ObjectInfo, StorageError> {
        copy_through(self, from, to, if_exists).await
    }

    /// Removes the object. Succeeds when it was not there, so that it may be called twice.
    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError>;
}

/// Copies an object through this process, for stores that cannot do it on their own.
///
/// # Errors
/// As [`Storage::copy`].
pub async fn copy_through<S: Storage + ?Sized>(
    storage: &S,
    from: &ObjectPath,
    to: &ObjectPath,
    if_exists: IfExists,
) -> Result<ObjectInfo, StorageError> {
    /// Bytes that are held at a time.
    const PIECE: u64 = 8 << 20;
    let object = storage.open(from).await?;
    let mut writer = storage.create(to, if_exists).await?;
    let size = object.info().size;
    let mut start = 0;
    while start < size {
        let end = size.min(start + PIECE);
        writer.write(object.read(start..end).await?).await?;
        start = end;
    }
    object.check_unchanged().await?;
    writer.publish().await
}

/// One version of one object, open for reading by several threads at once.
#[async_trait]
pub trait ObjectReader: Debug + Send + Sync + 'static {
    /// Returns what was known of the object when it was opened.
    fn info(&self) -> &ObjectInfo;

    /// Reads exactly the bytes of `range`, which must lie within the object.
    ///
    /// # Errors
    /// [`StorageError::Changed`] when the object is no longer the one that was opened.
    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError>;

    /// Returns the open file when the object is a plain local one, so that it can be read without
    /// a copy and without the runtime.
    fn as_file(&self) -> Option<&File>;

    /// Checks that the object is still the one that was opened. Called after the last read.
    async fn check_unchanged(&self) -> Result<(), StorageError>;
}

/// An object that is being written.
///
/// Dropping it without [`ObjectWriter::publish`] leaves nothing behind that a reader could see,
/// and removes what it has written as far as that is possible without waiting.
#[async_trait]
pub trait ObjectWriter: Debug + Send + 'static {
    /// Appends the bytes.
    async fn write(&mut self, data: Bytes) -> Result<(), StorageError>;

    /// Reads back bytes that were written, before they are published. They must lie within
    /// [`StorageCapabilities::read_back_window`].
    async fn read_back(&mut self, range: Range<u64>) -> Result<Bytes, StorageError>;

    /// Hands the store everything that it takes before the object is visible, so that publishing has
    /// little left to wait for. Called after the last byte was written and read back.
    ///
    /// Unlike publishing it can be given up at any moment, by dropping its future; only aborting is left
    /// then. A writer that has nothing to hand over beforehand does nothing.
    async fn flush(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    /// Makes the object visible, complete and durable, under its name.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] with [`IfExists::Fail`] when the object came into being
    /// since. On any error nothing new is visible.
    async fn publish(self: Box<Self>) -> Result<ObjectInfo, StorageError>;

    /// Removes what was written.
    async fn abort(self: Box<Self>) -> Result<(), StorageError>;
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// There is no such object.
    #[error("no such file or object: `{location}`")]
    NotFound {
        /// Where it should be.
        location: String,
    },

    /// The object is already there.
    #[error("`{location}` already exists")]
    AlreadyExists {
        /// Where it is.
        location: String,
    },

    /// The name is that of a directory.
    #[error("`{location}` is a directory")]
    IsDirectory {
        /// Where it is.
        location: String,
    },

    /// The name is that of something that is neither a file nor a directory.
    #[error("`{location}` is {what}, not a file")]
    NotAFile {
        /// Where it is.
        location: String,
        /// What it is, with its article.
        what: &'static str,
    },

    /// The object would stand in a directory that does not exist.
    #[error("there is no directory `{directory}` to write to")]
    NoDirectory {
        /// The directory.
        directory: String,
    },

    /// The process or the credentials may not do this.
    #[error("no permission to {operation} `{location}`")]
    PermissionDenied {
        /// What was being done.
        operation: &'static str,
        /// To what.
        location: String,
        /// What the store said.
        source: BoxError,
    },

    /// There is no such bucket or container, or it is not this principal's.
    #[error("there is no bucket or container `{container}`")]
    NoContainer {
        /// The bucket or container, as a person would write it.
        container: String,
        /// What the store said.
        source: BoxError,
    },

    /// The credentials are wrong, over or missing.
    #[error("could not {operation} `{location}`: the store does not accept the credentials")]
    Unauthenticated {
        /// What was being done.
        operation: &'static str,
        /// To what.
        location: String,
        /// What the store said.
        source: BoxError,
    },

    /// The signature of a URL is over.
    #[error("the signed URL of `{location}` has expired")]
    Expired {
        /// Where it led, without its query.
        location: String,
    },

    /// The clocks differ by more than the store allows.
    #[error(
        "could not {operation} `{location}`: the clock of this machine and of the store differ"
    )]
    ClockSkew {
        /// What was being done.
        operation: &'static str,
        /// To what.
        location: String,
        /// What the store said.
        source: BoxError,
    },

    /// Somebody answers, but not as a store does.
    #[error("`{endpoint}` does not answer like a store")]
    NotAStore {
        /// The address that answered.
        endpoint: String,
        /// What it said.
        source: BoxError,
    },

    /// A rule of ours forbids to go there.
    #[error("`{location}` may not be used: {reason}")]
    Refused {
        /// Where it leads, without credentials.
        location: String,
        /// The rule.
        reason: String,
        /// What would allow it, if anything.
        hint: Option<&'static str>,
    },

    /// There is more than may be read or written.
    #[error("`{location}` is larger than {limit} bytes, the most that is allowed")]
    TooLarge {
        /// Where it is.
        location: String,
        /// The limit, in bytes.
        limit: u64,
    },

    /// The store has no room, or not for this principal.
    #[error("no space left to write `{location}`")]
    NoSpace {
        /// What was being written.
        location: String,
        /// What the store said.
        source: BoxError,
    },

    /// The object is no longer the one that was opened.
    #[error("`{location}` was changed while it was being read")]
    Changed {
        /// Where it is.
        location: String,
    },

    /// Whoever read our output went away.
    #[error("the reader of `{location}` went away")]
    Closed {
        /// What was being written.
        location: String,
    },

    /// The name cannot be one of an object.
    #[error("`{location}` cannot be used as a name here")]
    InvalidName {
        /// The name as given.
        location: String,
        /// Why not.
        source: BoxError,
    },

    /// The store cannot be reached or answers wrongly, after all retries.
    #[error("could not {operation} `{location}`: the store cannot be reached")]
    Unavailable {
        /// What was being done.
        operation: &'static str,
        /// To what.
        location: String,
        /// What happened.
        source: BoxError,
    },

    /// Anything else.
    #[error("could not {operation} `{location}`")]
    Other {
        /// What was being done.
        operation: &'static str,
        /// To what.
        location: String,
        /// What happened.
        source: BoxError,
    },
}

impl Classify for StorageError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::NoDirectory { .. } | Self::NoContainer { .. } => {
                ErrorKind::NotFound
            }
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::IsDirectory { .. } | Self::NotAFile { .. } | Self::InvalidName { .. } => {
                ErrorKind::InvalidRequest
            }
            Self::PermissionDenied { .. }
            | Self::Unauthenticated { .. }
            | Self::Expired { .. }
            | Self::Refused { .. } => ErrorKind::PermissionDenied,
            Self::NoSpace { .. } | Self::TooLarge { .. } => ErrorKind::LimitExceeded,
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::Closed { .. } => ErrorKind::Cancelled,
            Self::ClockSkew { .. }
            | Self::NotAStore { .. }
            | Self::Unavailable { .. }
            | Self::Other { .. } => ErrorKind::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Changed { .. } | Self::Unavailable { .. } => Retry::Later,
            _ => Retry::Never,
        }
    }

    fn hints(&self) -> Vec<String> {
        let remote = self.location().is_some_and(|location| location.contains("://"));
        let hint = match self {
            Self::NotFound { .. } if remote => "check the spelling of the bucket and of the key",
            Self::NotFound { .. } => "check the spelling and the current directory",
            Self::AlreadyExists { .. } => {
                "use `--overwrite` to replace it, or `-o` to write elsewhere"
            }
            Self::IsDirectory { .. } => "name a file in it",
            Self::NotAFile { .. } => {
                "use `-` to read standard input, or `-o -` to write standard output"
            }
            Self::NoDirectory { .. } => "make it first, or choose another place with `-o`",
            Self::PermissionDenied { .. } if remote => {
                "check what the policy of the bucket and the rights of the key allow"
            }
            Self::PermissionDenied { operation: "read", .. } => {
                "check the permissions of the file and of its directory"
            }
            Self::PermissionDenied { .. } => {
                "choose another place with `-o`, or change its permissions"
            }
            Self::NoContainer { .. } => {
                "check its spelling, its region and the endpoint; Tundra makes no buckets"
            }
            Self::Unauthenticated { .. } => {
                "check the access key, its secret, the region and the endpoint; docs/STORES.md says \
                 which variables are read"
            }
            Self::Expired { .. } => "ask for a new URL",
            Self::ClockSkew { .. } => "set the clock of this machine",
            Self::NotAStore { .. } => "check the endpoint: scheme, host and port",
            Self::Refused { hint: Some(hint), .. } => hint,
            Self::NoSpace { .. } => {
                "free some space, or write elsewhere with `-o`; nothing was left behind"
            }
            Self::Changed { .. } => "run it again when nobody writes to the file",
            Self::Unavailable { .. } if remote => {
                "check the network and the endpoint, and run it again"
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

impl StorageError {
    /// Returns the place that it speaks of, as a person would write it.
    fn location(&self) -> Option<&str> {
        match self {
            Self::NotFound { location }
            | Self::AlreadyExists { location }
            | Self::IsDirectory { location }
            | Self::NotAFile { location, .. }
            | Self::PermissionDenied { location, .. }
            | Self::Unauthenticated { location, .. }
            | Self::Expired { location }
            | Self::ClockSkew { location, .. }
            | Self::Refused { location, .. }
            | Self::TooLarge { location, .. }
            | Self::NoSpace { location, .. }
            | Self::Changed { location }
            | Self::Closed { location }
            | Self::InvalidName { location, .. }
            | Self::Unavailable { location, .. }
            | Self::Other { location, .. } => Some(location),
            Self::NoContainer { container, .. } => Some(container),
            Self::NotAStore { endpoint, .. } => Some(endpoint),
            Self::NoDirectory { .. } => None,
        }
    }
}
