//! The rejects beside an output: where they go, and whose they are.
//!
//! Outputs of one directory share the name of their rejects, as a rule, so the file says in its metadata which
//! output it belongs to. Rejects of another output are never replaced or removed.

use tokio::runtime::Handle;

use crate::{
    BadRowPolicy, Error, IfExists, ObjectPath, Output, RejectsName, Result, StorageError,
    engine::verify::{FooterError, read_footer},
};

/// The file beside the output that holds the rejected records.
const REJECTS_NAME: &str = "rejects.parquet";

/// The key in the metadata of rejects under which the name of their output stands.
pub(crate) const REJECTS_OF_METADATA_KEY: &str = "tundra.rejects_of";

/// The place of the rejects of one output.
#[derive(Debug, Clone)]
pub(crate) struct RejectsPlace {
    pub(crate) output: Output,
    /// The name of the output that they belong to.
    pub(crate) owner: String,
}

/// What stands at the place.
#[derive(Debug, PartialEq, Eq)]
enum Present {
    Nothing,
    /// Rejects of our output, of an earlier run.
    Ours,
    /// Something else, or rejects of another output: then of this one.
    Others(Option<String>),
}

impl RejectsPlace {
    /// Finds the place beside the output.
    ///
    /// # Errors
    /// When the output itself has the name of the rejects, and there may be some.
    pub(crate) fn beside(output: &Output, policy: BadRowPolicy, name: RejectsName) -> Result<Self> {
        let path = output
            .path
            .sibling(&name_of(&output.path, name))
            .map_err(|error| Error::Internal(error.to_string()))?;
        if path == output.path && policy == BadRowPolicy::Reject {
            return Err(Error::Request {
                message: format!(
                    "the output is named `{REJECTS_NAME}`, as the rejected records are"
                ),
                hint: Some("give the output another name with `-o`".to_owned()),
            });
        }
        let owner = output.path.file_name().to_owned();
        Ok(Self { output: Output { path, ..output.clone() }, owner })
    }

    /// Checks that nothing of somebody else would be replaced. Blocks.
    ///
    /// # Errors
    /// When the file at the place belongs to another output.
    pub(crate) fn check(&self, runtime: &Handle) -> Result<()> {
        if self.output.if_exists == IfExists::Fail {
            // Then nothing is replaced at all.
            return Ok(());
        }
        let present = self.present(runtime).map_err(|source| Error::Storage {
            role: "could not look at the rejects beside the output",
            source,
        })?;
        let Present::Others(owner) = present else { return Ok(()) };
        let location = self.output.storage.display(&self.output.path);
        let whose = owner.map_or_else(
            || "was not written with this output".to_owned(),
            |owner| format!("holds the rejects of `{owner}`"),
        );
        Err(Error::Request {
            message: format!("`{location}` {whose}, and would be replaced"),
            hint: Some(
                "write to another directory with `-o`, or move or remove that file".to_owned(),
            ),
        })
    }

    /// Removes the rejects of an earlier run, which say nothing of the output that replaced it.
    pub(crate) async fn remove_stale(self) {
        if self.output.if_exists == IfExists::Fail || self.output.path.file_name() == self.owner {
            return;
        }
        let place = self.clone();
        let runtime = Handle::current();
        let present = tokio::task::spawn_blocking(move || place.present(&runtime)).await;
        // The data is there and proven; what stands beside it does not make the run a failure.
        match present {
            Ok(Ok(Present::Ours)) => {
                if let Err(error) = self.output.storage.delete(&self.output.path).await {
                    tracing::warn!(%error, "left the rejects of an earlier run behind");
                }
            }
            // Such as standard output and URLs, beside which nothing stands.
            Ok(Err(error)) => tracing::debug!(%error, "did not look for rejects of an earlier run"),
            Ok(Ok(Present::Nothing | Present::Others(_))) | Err(_) => {}
        }
    }

    fn present(&self, runtime: &Handle) -> Result<Present, StorageError> {
        let Output { storage, path, .. } = &self.output;
        let object = match runtime.block_on(storage.open(path)) {
            Ok(object) => object,
            Err(StorageError::NotFound { .. } | StorageError::NoDirectory { .. }) => {
                return Ok(Present::Nothing);
            }
            Err(error) => return Err(error),
        };
        let read = |range| runtime.block_on(object.read(range));
        let footer = match read_footer(object.info().size, read) {
            Ok(footer) => footer,
            Err(FooterError::Storage(error)) => return Err(error),
            Err(FooterError::Malformed(_)) => return Ok(Present::Others(None)),
        };
        let metadata = footer.file_metadata().key_value_metadata();
        let owner = metadata
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == REJECTS_OF_METADATA_KEY))
            .and_then(|pair| pair.value.clone());
        Ok(match owner {
            Some(owner) if owner == self.owner => Present::Ours,
            owner => Present::Others(owner),
        })
    }
}

fn name_of(output: &ObjectPath, name: RejectsName) -> String {
    let file = output.file_name();
    match name {
        RejectsName::Usual => REJECTS_NAME.to_owned(),
        RejectsName::OfOutput => {
            let extension = output.extension().map_or(0, |extension| extension.len() + 1);
            format!("{}.{REJECTS_NAME}", &file[..file.len() - extension])
        }
    }
}
