//! One run of a source that is a file.
//!
//! Start at [`Runs::convert_file`].

use std::time::Instant;

use tundra_core::{
    Control, ConvertOptions, Error, IdempotencyKey, Input, Resources, Source, engine,
};
use tundra_storage::UploadFate;

use crate::{
    RunResult, Runs,
    input::{Found, format_of},
    owner::{Outcome, Owner, Published},
};

/// What is to be converted, and how.
#[derive(Debug, Clone)]
pub struct FileRun {
    /// The source, as the catalog has it now.
    pub source: Source,
    /// What is read; by the source itself when it is not given.
    pub input: Option<Input>,
    /// How it is read and written. A format that is not given is the source's.
    pub options: ConvertOptions,
    /// What the run may use.
    pub resources: Resources,
    /// The caller's name for this request, if it has one.
    pub key: Option<IdempotencyKey>,
    /// What becomes of an upload that was converted and archived.
    pub upload: UploadFate,
}

impl Runs {
    /// Converts a file of a source into a new version, and makes that the current one if no newer is.
    ///
    /// Must be called within a Tokio runtime. A run that fails leaves its version with the status
    /// `error` and the message, and no objects.
    ///
    /// # Errors
    /// Fails when the input cannot be found or converted, when the version was ended by somebody else
    /// meanwhile, when the source's schema rule is broken, and when a store or the catalog fails.
    /// [`crate::RunError::Unsettled`] alone leaves open whether there is a new version.
    ///
    /// # Cancellation
    /// By [`tundra_core::Cancel`] and by the timeout: the version then ends with that message. Dropping
    /// the future leaves a pending version to the sweeper.
    pub async fn convert_file(&self, run: FileRun, control: &Control) -> RunResult<Outcome> {
        let FileRun { source, input, mut options, resources, key, upload } = run;
        options.writing.files.check_single("a version of a source")?;
        options.writing.check_readable("a version of a source")?;
        if options.format.is_none() {
            options.format = match format_of(&source) {
                Ok(format) => format,
                // What is given may be anything, and is looked at.
                Err(_) if input.is_some() => None,
                Err(error) => return Err(error),
            };
        }
        let owner = match Owner::reserve(self, &source, key.as_ref()).await? {
            Ok(owner) => owner,
            Err(earlier) => return Ok(Outcome::Earlier(earlier)),
        };
        let published = match publish(&owner, input, &options, &resources, control).await {
            Ok(published) => published,
            Err(error) => return Err(owner.give_up(error).await),
        };
        owner.settle(published, upload).await.map(Box::new).map(Outcome::Converted)
    }
}

/// Does everything up to the point where only the catalog has to be told.
async fn publish(
    owner: &Owner<'_>,
    input: Option<Input>,
    options: &ConvertOptions,
    resources: &Resources,
    control: &Control,
) -> RunResult<Published> {
    let began = Instant::now();
    let Found { input, is_upload } = match input {
        Some(input) => Found { input, is_upload: false },
        None => {
            let looking = owner.runs.input_of(owner.source, &owner.shelf);
            engine::unless_stopped(control, looking).await??
        }
    };
    let output = owner.output()?;
    let left = control.timeout.map(|all| all.saturating_sub(began.elapsed()));
    let rest = Control { timeout: left, ..control.clone() };
    let prepared = engine::prepare(&input, &output, options, resources, &rest).await;
    let prepared = prepared.map_err(|error| match (error, control.timeout) {
        // The caller knows the whole of its time.
        (Error::Timeout(_), Some(all)) => Error::Timeout(all),
        (error, _) => error,
    })?;
    owner.publish(prepared, None, is_upload).await
}
