//! Finding the objects below a directory.
//!
//! Follows links to files but not to directories, so that a link upwards does not make it endless.

use std::{fs, path::PathBuf};

use tundra_core::{ObjectInfo, ObjectPath, StorageError};

use crate::{
    error::Operation,
    local::{LocalStorage, Place, is_missing, temporary},
};

/// Returns the objects below `prefix`, sorted by path.
pub(super) fn list(
    storage: &LocalStorage,
    prefix: Option<&ObjectPath>,
) -> Result<Vec<ObjectInfo>, StorageError> {
    let mut found = Vec::new();
    // Directories still to be read, with what their entries' paths begin with.
    let mut pending: Vec<(PathBuf, String)> = match prefix {
        None => vec![(storage.root.clone(), String::new())],
        Some(prefix) => vec![(storage.root.join(prefix.as_str()), format!("{prefix}/"))],
    };
    while let Some((directory, beginning)) = pending.pop() {
        let failed = |error| Operation::List.io_failed(&directory.to_string_lossy(), error);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            // There is nothing below what is not there or went away meanwhile.
            Err(error) if is_missing(&error) && !beginning.is_empty() => continue,
            Err(error) if is_missing(&error) => {
                return Err(StorageError::NotFound { location: storage.shown_root() });
            }
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if temporary::is_temporary(&entry.file_name()) {
                continue;
            }
            let path = entry
                .file_name()
                .to_str()
                .and_then(|name| format!("{beginning}{name}").parse::<ObjectPath>().ok());
            let Some(path) = path else {
                // It cannot be asked for, but it should not make the others unreachable.
                tracing::warn!(file = %entry.path().display(), "left out a file without a usable name");
                continue;
            };
            if entry.file_type().map_err(failed)?.is_dir() {
                pending.push((entry.path(), format!("{path}/")));
                continue;
            }
            let place = Place { file: entry.path(), shown: path.to_string(), path };
            match fs::metadata(&place.file) {
                Ok(metadata) if metadata.is_file() => found.push(place.info_of(&metadata)),
                // Pipes and devices, links to directories.
                Ok(_) => {}
                // Links that lead nowhere, files that went away meanwhile.
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}
