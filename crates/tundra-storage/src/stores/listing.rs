//! What a location stands for when it is more than one object.

use std::{ffi::OsStr, path::Path, sync::Arc};

use tundra_core::{ObjectInfo, ObjectPath, Storage, StorageError};

use crate::{
    blocking::blocking,
    error::Operation,
    location::{LocationError, local},
    pattern::{Pattern, RULES, is_pattern},
    place::Place,
    stores::{Located, Stores, directory_store, key, prefix},
};

/// An object's store, and what is known of it.
type Known = (Arc<dyn Storage>, ObjectInfo);

impl Stores {
    /// Finds every object that a location stands for, sorted: those that match when it is a pattern,
    /// those below it when it ends in `/`, and else the one that it names, looked for or not.
    ///
    /// In a pattern `*` and `?` stay within one segment, `**` is any number of segments, and `[*]` is
    /// a star. A local name with such characters that is there is taken as it is.
    ///
    /// # Errors
    /// [`LocationError::NoMatch`] when a pattern or a prefix stands for nothing; and as
    /// [`Stores::resolve`].
    pub async fn expand(&self, location: &str) -> Result<Vec<Located>, LocationError> {
        match self.several(location).await? {
            Some(found) => {
                Ok(found.into_iter().map(|(storage, info)| (storage, info.path)).collect())
            }
            None => Ok(vec![self.resolve(location)?]),
        }
    }

    /// Returns what is known of every object that a location stands for, sorted: as
    /// [`Stores::expand`], and a location that names no object stands for what is below it.
    ///
    /// # Errors
    /// [`LocationError::NoMatch`] when a pattern or a prefix stands for nothing,
    /// [`LocationError::List`] when there is nothing of the name; and as [`Stores::resolve`].
    pub async fn list(&self, location: &str) -> Result<Vec<Known>, LocationError> {
        if let Some(found) = self.several(location).await? {
            return Ok(found);
        }
        let (storage, path) = self.resolve(location)?;
        let source = match storage.head(&path).await {
            Ok(info) => return Ok(vec![(storage, info)]),
            Err(source) => source,
        };
        if matches!(source, StorageError::NotFound { .. } | StorageError::IsDirectory { .. }) {
            let below = list(&storage, Some(&path), location, |_| true).await?;
            if !below.is_empty() {
                return Ok(below);
            }
        }
        Err(LocationError::List { pattern: storage.display(&path), source })
    }

    /// Returns the objects that a pattern or a prefix stands for; nothing for a location that names
    /// one object.
    async fn several(&self, location: &str) -> Result<Option<Vec<Known>>, LocationError> {
        let found = match Place::parse(OsStr::new(location))? {
            Place::Cloud(place) if place.key.is_empty() || place.key.ends_with('/') => {
                let storage = self.storage(&place)?;
                list(&storage, prefix(&place)?.as_ref(), location, |_| true).await?
            }
            Place::Cloud(place) if is_pattern(&place.key) => {
                let pattern = Pattern::parse(&place.key, location)?;
                let parent = match pattern.parent() {
                    "" => None,
                    parent => Some(key(&place, parent)?),
                };
                let storage = self.storage(&place)?;
                list(&storage, parent.as_ref(), location, |name| pattern.matches(name)).await?
            }
            Place::Local(file) if names_directory(&file) => {
                let storage = directory_store(&file)?;
                list(&storage, None, location, |_| true).await?
            }
            Place::Local(file) if is_pattern(&file.to_string_lossy()) && !file.exists() => {
                matching_files(&file, location).await?
            }
            Place::Cloud(_) | Place::Local(_) | Place::Url => return Ok(None),
        };
        if found.is_empty() {
            return Err(LocationError::NoMatch { pattern: location.to_owned() });
        }
        Ok(Some(found))
    }
}

/// Returns the objects below a prefix whose names are wanted.
async fn list(
    storage: &Arc<dyn Storage>,
    prefix: Option<&ObjectPath>,
    location: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Known>, LocationError> {
    let listed = storage.list(prefix).await;
    let listed =
        listed.map_err(|source| LocationError::List { pattern: location.to_owned(), source })?;
    let wanted = listed.into_iter().filter(|info| wanted(info.path.as_str()));
    Ok(wanted.map(|info| (Arc::clone(storage), info)).collect())
}

/// Returns whether a path is written like a directory's.
fn names_directory(file: &Path) -> bool {
    let text = file.to_string_lossy();
    text.ends_with('/') || matches!(text.rsplit('/').next(), Some("." | ".."))
}

/// Returns the local files that match a pattern. Only directories that can hold some are read.
async fn matching_files(pattern: &Path, location: &str) -> Result<Vec<Known>, LocationError> {
    let failed = |source| LocationError::List { pattern: location.to_owned(), source };
    let text = pattern.to_string_lossy().into_owned();
    let walked = blocking(Operation::List, location, move || {
        let mut files = Vec::new();
        // Checked by the caller, who has the words for it.
        for entry in glob::glob_with(&text, RULES).into_iter().flatten() {
            let file = entry.map_err(|error| {
                let shown = error.path().to_string_lossy().into_owned();
                Operation::List.io_failed(&shown, error.into())
            })?;
            if file.is_file() {
                files.push(file);
            }
        }
        Ok(files)
    });
    Pattern::parse(&pattern.to_string_lossy(), location)?;
    let mut found = Vec::new();
    for file in walked.await.map_err(failed)? {
        let (storage, path) = local(&file, &file.to_string_lossy())?;
        let info = storage.head(&path).await.map_err(failed)?;
        found.push((storage, info));
    }
    Ok(found)
}
