//! Secrets in files: one JSON file with all of them, or a directory with a file for each.

use std::{
    collections::HashMap,
    fmt,
    fs::{File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tundra_core::{ErrorKind, Retry, Secret, SecretError, SecretStore};
use zeroize::Zeroizing;

use crate::secrets::{
    LONGEST_VALUE, check_name, checked,
    document::{self, Entry},
    failed, too_long,
};

/// Where deployments put the file with all secrets.
pub const DEFAULT_SECRETS_FILE: &str = "/secrets/credentials.json";

/// The longest file with all secrets: as long as 256 of the longest, and many times what there is.
const LONGEST_FILE: usize = 16 << 20;

/// A file that changed so shortly before it was read may change again within one tick of the clock of
/// its file system, which is two seconds on the coarsest.
const TICK: Duration = Duration::from_secs(2);

/// Secrets in files.
///
/// Either all of them are in one JSON file, `{"warehouse-main": {"host": …}, "token": "…"}`, where a
/// secret is an object, given as the text that stands there, or a text. Or each is a file of its own
/// in a directory, named as the secret or as the secret with `.json` behind it, as orchestrators mount
/// them; one line end at its end does not count. Files may be links and may change while a program
/// runs: what is asked for is what stands there then. A file that every user of the machine may read
/// is read, and is warned of once.
#[derive(Clone)]
pub struct FileSecrets {
    place: Arc<Place>,
}

enum Place {
    File { path: PathBuf, kept: Mutex<Option<Kept>>, warned: AtomicBool },
    Directory { path: PathBuf, warned: AtomicBool },
}

/// What a file held when it was read.
struct Kept {
    stamp: Stamp,
    /// Whether a later change must show in the stamp.
    settled: bool,
    entries: HashMap<String, Entry>,
}

/// By what a file that changed or was replaced differs.
#[derive(PartialEq, Eq)]
struct Stamp {
    length: u64,
    changed: Option<SystemTime>,
    /// Device and number, where files have them.
    identity: (u64, u64),
}

impl FileSecrets {
    /// Reads all secrets from one JSON file. It is looked for when a secret is.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::at(Place::File { path, kept: Mutex::default(), warned: AtomicBool::default() })
    }

    /// Reads each secret from a file of its own in a directory.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self::at(Place::Directory { path: path.into(), warned: AtomicBool::default() })
    }

    fn at(place: Place) -> Self {
        Self { place: Arc::new(place) }
    }
}

#[async_trait]
impl SecretStore for FileSecrets {
    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        check_name(name)?;
        let (place, wanted) = (Arc::clone(&self.place), name.to_owned());
        let read = tokio::task::spawn_blocking(move || place.get(&wanted)).await;
        read.unwrap_or_else(|_| {
            Err(failed(name, ErrorKind::Internal, "the reading of its file was broken off"))
        })
    }

    async fn forget(&self, _name: &str) {
        if let Place::File { kept, .. } = &*self.place {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl fmt::Debug for FileSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, path) = match &*self.place {
            Place::File { path, .. } => ("FileSecrets::File", path),
            Place::Directory { path, .. } => ("FileSecrets::Directory", path),
        };
        f.debug_tuple(kind).field(path).finish()
    }
}

impl Place {
    fn get(&self, name: &str) -> Result<Secret, SecretError> {
        match self {
            Self::File { path, kept, warned } => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let current = inspect(name, path)?;
                let known = kept.take().filter(|known| known.settled && known.stamp == current);
                let known = match known {
                    Some(known) => known,
                    None => Kept::read(name, path, warned)?,
                };
                get_from(name, path, &kept.insert(known).entries)
            }
            Self::Directory { path, warned } => {
                let plain = path.join(name);
                match read_value(name, &plain, warned) {
                    Err(error) if error.kind == ErrorKind::NotFound => {
                        let json = path.join(format!("{name}.json"));
                        match read_value(name, &json, warned) {
                            Err(other) if other.kind == ErrorKind::NotFound => Err(error),
                            answer => answer,
                        }
                    }
                    answer => answer,
                }
            }
        }
    }
}

impl Kept {
    fn read(name: &str, path: &Path, warned: &AtomicBool) -> Result<Self, SecretError> {
        let now = SystemTime::now();
        let (bytes, metadata) = read(name, path, LONGEST_FILE, warned)?;
        if bytes.len() > LONGEST_FILE {
            let reason =
                format!("the file `{}` is longer than {} MiB", path.display(), LONGEST_FILE >> 20);
            return Err(failed(name, ErrorKind::LimitExceeded, reason));
        }
        let entries = document::parse(&bytes).map_err(|fault| {
            let reason = format!("the file `{}` {fault}", path.display());
            let mut error = failed(name, ErrorKind::InvalidData, reason);
            error.hints.push(
                "make it one JSON object from names to secrets, each an object or a text: \
                 `{\"warehouse\": {\"host\": …}, \"token\": \"…\"}`"
                    .to_owned(),
            );
            error
        })?;
        let stamp = Stamp::of(&metadata);
        let settled = stamp.changed.is_some_and(|changed| changed + TICK < now);
        tracing::debug!(path = %path.display(), secrets = entries.len(), "read the file of secrets");
        Ok(Self { stamp, settled, entries })
    }
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        // Unlike the time of the content, nobody can set this one.
        let changed = u64::try_from(metadata.ctime()).ok().and_then(|seconds| {
            let nanoseconds = u32::try_from(metadata.ctime_nsec()).ok()?;
            SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
        });
        Self { length: metadata.len(), changed, identity: (metadata.dev(), metadata.ino()) }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), changed: metadata.modified().ok(), identity: (0, 0) }
    }
}

fn get_from(
    name: &str,
    path: &Path,
    entries: &HashMap<String, Entry>,
) -> Result<Secret, SecretError> {
    match entries.get(name) {
        Some(Entry::Secret(secret)) => {
            checked(name, Zeroizing::new(secret.expose().as_bytes().to_vec()))
        }
        Some(Entry::Other(what)) => {
            let reason = format!(
                "in the file `{}` it is {what}, and must be an object or a text",
                path.display()
            );
            Err(failed(name, ErrorKind::InvalidData, reason))
        }
        None => {
            let reason = format!("the file `{}` does not have it", path.display());
            Err(failed(name, ErrorKind::NotFound, reason))
        }
    }
}

/// Reads the file of one secret.
fn read_value(name: &str, path: &Path, warned: &AtomicBool) -> Result<Secret, SecretError> {
    inspect(name, path)?;
    // Two more than the limit, for the line end that does not count.
    let (mut bytes, _) = read(name, path, LONGEST_VALUE + 2, warned)?;
    if bytes.len() > LONGEST_VALUE + 2 {
        return Err(too_long(name));
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    checked(name, bytes)
}

/// Returns the stamp of a file. Nothing is opened, since opening a pipe can take for ever.
fn inspect(name: &str, path: &Path) -> Result<Stamp, SecretError> {
    let metadata = path.metadata().map_err(|error| unreadable(name, path, error))?;
    if !metadata.is_file() {
        let reason = format!("`{}` is no file", path.display());
        return Err(failed(name, ErrorKind::InvalidData, reason));
    }
    Ok(Stamp::of(&metadata))
}

/// Returns what a file holds, of one that is longer than `most` a byte more than that.
fn read(
    name: &str,
    path: &Path,
    most: usize,
    warned: &AtomicBool,
) -> Result<(Zeroizing<Vec<u8>>, Metadata), SecretError> {
    let read = || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let expected = usize::try_from(metadata.len()).unwrap_or(usize::MAX).min(most);
        // With a byte to spare, so that a file which does not grow meanwhile fits: what a vector
        // leaves behind when it grows is not wiped.
        let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 1));
        file.take(most as u64 + 1).read_to_end(&mut bytes)?;
        Ok((bytes, metadata))
    };
    let (bytes, metadata) = read().map_err(|error| unreadable(name, path, error))?;
    warn_if_open_to_all(path, &metadata, warned);
    Ok((bytes, metadata))
}

#[cfg(unix)]
fn warn_if_open_to_all(path: &Path, metadata: &Metadata, warned: &AtomicBool) {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o004 != 0 && !warned.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            path = %path.display(),
            mode = %format_args!("{mode:04o}"),
            "every user of this machine may read a file with secrets; take the right away with \
             `chmod o-r`, or with `defaultMode: 0440` of a mounted volume"
        );
    }
}

#[cfg(not(unix))]
fn warn_if_open_to_all(_path: &Path, _metadata: &Metadata, _warned: &AtomicBool) {}

fn unreadable(name: &str, path: &Path, error: io::Error) -> SecretError {
    let shown = path.display();
    let mut failure = match error.kind() {
        // A name may be longer than those of files, with what is put behind it.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            return failed(name, ErrorKind::NotFound, format!("there is no file `{shown}`"));
        }
        io::ErrorKind::PermissionDenied => {
            let reason = format!("this process may not read the file `{shown}`");
            let mut failure = failed(name, ErrorKind::PermissionDenied, reason);
            failure.hints.push(
                "let the user that Tundra runs as read the file and search the directories above it"
                    .to_owned(),
            );
            failure
        }
        _ => {
            let reason = format!("the file `{shown}` cannot be read");
            let mut failure = failed(name, ErrorKind::Unavailable, reason);
            failure.retry = Retry::Later;
            failure
        }
    };
    failure.source = Some(error.into());
    failure
}
