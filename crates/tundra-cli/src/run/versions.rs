//! `tundra versions` and `tundra rollback`: looks at versions and chooses among them.

use serde_json::{Value, json};
use tundra_core::Version;
use tundra_runs::{Outcome, VersionHistory};

use crate::{
    args::{CatalogArgs, RollbackArgs, VersionsArgs},
    catalogs::{self, Opened},
    env,
    failure::Failure,
    printer::Printer,
    render,
    run::source,
    session,
};

/// Lists the versions of a source.
///
/// # Errors
/// Fails when there is no such source, and when the catalog cannot be used.
pub(crate) fn versions(args: VersionsArgs, printer: &Printer) -> Result<(), Failure> {
    let VersionsArgs { source, limit, json, catalog } = args;
    let history = with_catalog(&catalog, async |opened| {
        let source = opened.source(&source).await?;
        Ok(opened.runs.history(&source, None, limit as usize).await?)
    })?;
    if json {
        return printer.json(&history.iter().map(history_document).collect::<Vec<_>>());
    }
    if history.is_empty() {
        printer.note("there are no versions; `tundra convert --source` makes one\n");
    }
    printer.data(&render::versions(&history, render::terminal_width()))
}

/// Makes an active version the current one.
///
/// # Errors
/// Fails when there is no such source or version, when the version is not active, and when somebody else
/// moved the current version meanwhile.
pub(crate) fn rollback(args: RollbackArgs, printer: &Printer) -> Result<(), Failure> {
    let RollbackArgs { source, version, reason, json, catalog } = args;
    let (before, after) = with_catalog(&catalog, async |opened| {
        let before = opened.source(&source).await?;
        let after = opened.runs.catalog().select(&before, version, &reason).await?;
        Ok((before, after))
    })?;
    if json {
        return printer.json(&source::document(&after));
    }
    printer.note(&render::rolled_back(&before, version));
    Ok(())
}

/// Does something with the catalog, which may be given up at any moment.
pub(super) fn with_catalog<T>(
    catalog: &CatalogArgs,
    work: impl AsyncFnOnce(&Opened) -> Result<T, Failure>,
) -> Result<T, Failure> {
    session::run(None, async |session| {
        let work = async {
            let opened = catalogs::open(catalog, env::stores(None)).await?;
            work(&opened).await
        };
        session.unless_stopped(work).await
    })
}

/// Returns a version as programs see it, with the names of the catalog of Tundra 4.0.
pub(super) fn version_document(version: &Version) -> Value {
    let facts = version.facts.as_ref();
    json!({
        "id": version.id.to_string(),
        "version": version.number.get(),
        "status": version.status.name(),
        "row_count": facts.map(|it| it.rows),
        "column_count": facts.map(|it| it.columns),
        "file_size_bytes": facts.map(|it| it.size_bytes),
        "processing_time_seconds": facts.map(|it| it.seconds),
        "receipt_sha256": facts.and_then(|it| it.receipt_sha256.clone()),
        "error_message": version.error_message,
        "created_at": render::moment(version.created_at),
    })
}

fn history_document(history: &VersionHistory) -> Value {
    let mut document = version_document(&history.version);
    document["is_current"] = history.is_current.into();
    document["differences"] = json!(history.differences);
    document
}

/// Returns what came of a run as JSON.
pub(super) fn outcome_document(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Earlier(version) => json!({
            "version": version_document(version),
            "is_new": false,
        }),
        Outcome::Converted(conversion) => json!({
            "version": version_document(&conversion.version),
            "is_new": true,
            "location": conversion.location,
            "differences": conversion.differences,
            "receipt": conversion.receipt,
        }),
    }
}
