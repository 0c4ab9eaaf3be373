//! `tundra convert --source`: makes the next version of a catalogued source.

use std::{sync::Arc, time::Duration};

use tundra_core::{ConvertOptions, Input, Resources};
use tundra_runs::{FileRun, Outcome};

use crate::{
    args::{SchemaRequest, VersionRequest},
    catalogs, env,
    failure::Failure,
    places::{self, Source},
    printer::Printer,
    progress::Bar,
    render,
    run::{convert, versions},
    session::{self, Session},
};

/// A conversion that makes a version.
#[derive(Debug)]
pub(super) struct SourceRun {
    /// The input as typed, if one was.
    pub(super) input: Option<String>,
    pub(super) version: VersionRequest,
    pub(super) schema: Option<SchemaRequest>,
    pub(super) options: ConvertOptions,
    pub(super) resources: Resources,
    pub(super) timeout: Option<Duration>,
    pub(super) json: bool,
}

/// Makes a version and says what was done.
///
/// # Errors
/// Fails when there is no such source, and when the run fails; the version then has the status `error`.
pub(super) fn run(request: SourceRun, printer: &Printer) -> Result<(), Failure> {
    let SourceRun { input, version, schema, mut options, resources, timeout, json } = request;
    let VersionRequest { source, key, upload, catalog } = version;
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let done = session::run(timeout, async |session| {
        let opened = catalogs::open(&catalog, stores.clone()).await?;
        opened.sweep().await;
        let source = opened.source(&source).await?;
        if let Some(SchemaRequest { file, on_drift }) = &schema {
            places::read_schema(file, &stores).await?.apply(&mut options, *on_drift);
        }
        let given = match &input {
            Some(text) => {
                let given = Source::locate(text, &stores).await?;
                Some(open(session, given, &resources, &bar).await?)
            }
            None => None,
        };
        let run = FileRun {
            source: source.clone(),
            input: given,
            options: options.clone(),
            resources: resources.clone(),
            key: key.clone(),
            upload,
        };
        let outcome = opened.runs.convert_file(run, &session.control(&bar)).await?;
        Ok((source, outcome))
    });
    bar.clear();
    let (source, outcome) = done?;
    if json {
        return printer.json(&versions::outcome_document(&outcome));
    }
    if let Outcome::Converted(conversion) = &outcome {
        let input = &conversion.receipt.plan.source.location;
        let receipt = &conversion.receipt;
        convert::tell(input, &conversion.location, receipt, &options, printer);
    }
    printer.note(&render::outcome(&source, &outcome));
    Ok(())
}

async fn open(
    session: &Session,
    source: Source,
    resources: &Resources,
    bar: &Arc<Bar>,
) -> Result<Input, Failure> {
    session.open(source, resources.temp_directory.clone(), bar).await
}
