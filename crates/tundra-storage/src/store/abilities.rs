//! What a store can do beyond the trait of `object_store`.

use std::sync::Arc;

use object_store::{GetOptions, ObjectStore, path::Path};

/// What is known of a store.
pub(crate) struct Abilities {
    /// The same store, whose completion of an upload refuses to replace.
    pub(crate) creating: Option<Arc<dyn ObjectStore>>,
    /// Of two writers that may not replace, exactly one succeeds, whatever the size.
    pub(crate) atomic_create: bool,
    /// Objects can carry a mark, by which a writer knows his own again.
    pub(crate) marks: bool,
    /// It copies onto a free name only, if asked.
    pub(crate) copies_create: bool,
    /// The largest object that it copies.
    pub(crate) largest_copy: u64,
    /// It takes `\` in a name for `/`, so that such an object would come to stand elsewhere.
    pub(crate) folds_backslash: bool,
    /// It says why it refuses, but not to those who only look.
    pub(crate) explains: bool,
}

impl Abilities {
    /// What can be said of any store.
    pub(crate) const fn unknown() -> Self {
        Self {
            creating: None,
            atomic_create: false,
            marks: false,
            // It says so when it does not.
            copies_create: true,
            largest_copy: u64::MAX,
            folds_backslash: false,
            explains: false,
        }
    }

    /// Returns the error that says why looking at an object failed. An answer to `HEAD` has a status
    /// and nothing else, so the first byte is asked for to hear the rest: whether the bucket or the
    /// key is missing, whether it is the key's rights or the key.
    pub(super) async fn explain(
        &self,
        store: &Arc<dyn ObjectStore>,
        key: &Path,
        error: object_store::Error,
    ) -> object_store::Error {
        if !self.explains || !is_mute(&error) {
            return error;
        }
        let first = GetOptions::new().with_range(Some(0..1));
        match store.get_opts(key, first).await {
            Err(explained) if is_failure(&explained) => explained,
            _ => error,
        }
    }
}

#[cfg(feature = "cloud")]
fn is_mute(error: &object_store::Error) -> bool {
    crate::cloud::failure::Failure::of(error).is_some_and(|failure| failure.is_mute())
}

#[cfg(feature = "cloud")]
fn is_failure(error: &object_store::Error) -> bool {
    crate::cloud::failure::Failure::of(error).is_some()
}

#[cfg(not(feature = "cloud"))]
fn is_mute(_: &object_store::Error) -> bool {
    false
}

#[cfg(not(feature = "cloud"))]
fn is_failure(_: &object_store::Error) -> bool {
    false
}
