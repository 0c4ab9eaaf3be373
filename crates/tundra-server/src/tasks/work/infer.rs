//! Looks at files.

use tundra_core::engine;

use super::Work;
use crate::{
    Failure,
    wire::{Infer, InferPlace, Inferred},
};

/// Looks at a file.
pub(super) async fn infer(work: &Work<'_>, request: &Infer) -> Result<Inferred, Failure> {
    let mut options = request.inspect_options()?;
    options.max_unpacked = work.workshop.unpack_limit();
    let input = match request.place()? {
        InferPlace::Source(id) => {
            let runs = &work.workshop.runs;
            let source = work.source(id).await?;
            if options.format.is_none() {
                options.format = work.format_of(&source)?;
            }
            let input = async { runs.input(&source).await.map_err(|error| Failure::of(&error)) };
            let input = work.unless_stopped(input).await?;
            work.check_size(&input).await?;
            input
        }
        InferPlace::Url(url) => work.read_url(url)?,
    };
    let resources = &work.workshop.resources;
    let found = engine::inspect(&input, &options, resources, &work.control()).await;
    found.map(Inferred::from).map_err(|error| Failure::of(&error))
}
