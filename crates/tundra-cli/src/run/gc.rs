//! `tundra gc`: removes old versions and what dead runs left.

use serde_json::{Value, json};
use tundra_core::Source;
use tundra_runs::{CollectOptions, Collection, Sweep};

use crate::{
    args::GcArgs, catalogs, env, failure::Failure, printer::Printer, render, run::source, session,
};

/// Removes, or says what would be removed.
///
/// # Errors
/// Fails when the source is not there, when the catalog or a store fails, and when the run is stopped.
/// What was removed before that stays removed; the command may be called again.
pub(crate) fn run(args: GcArgs, printer: &Printer) -> Result<(), Failure> {
    let GcArgs { source, keep, yes, json, catalog } = args;
    let (sweep, collections) = session::run(None, async |session| {
        let work = async {
            let opened = catalogs::open(&catalog, env::stores(None)).await?;
            let sources = match &source {
                Some(text) => vec![opened.source(text).await?],
                None => source::all(&opened).await?,
            };
            let stale_after = opened.settings.stale_after;
            let sweep = match yes {
                true => opened.runs.sweep(stale_after).await?,
                false => Sweep::default(),
            };
            let options =
                CollectOptions { keep: keep as usize, min_age: stale_after, dry_run: !yes };
            let mut collections = Vec::with_capacity(sources.len());
            for source in sources {
                let collection = opened.runs.collect(&source, options).await?;
                collections.push((source, collection));
            }
            Ok((sweep, collections))
        };
        session.unless_stopped(work).await
    })?;
    if json {
        return printer.json(&document(&sweep, &collections, yes));
    }
    printer.data(&render::collected(&collections))?;
    printer.note(&render::collected_summary(&sweep, &collections, yes));
    Ok(())
}

fn document(sweep: &Sweep, collections: &[(Source, Collection)], removed: bool) -> Value {
    let swept = sweep.swept.iter().map(|it| {
        json!({
            "source": it.source.id.to_string(),
            "version": it.version.get(),
            "objects": it.objects,
        })
    });
    let sources = collections.iter().map(|(source, collection)| {
        let versions = collection.versions.iter().map(
            |it| json!({ "version": it.version.get(), "objects": it.objects, "bytes": it.bytes }),
        );
        let leftovers = collection.leftovers.iter().map(
            |it| json!({ "version": it.version.get(), "objects": it.objects, "bytes": it.bytes }),
        );
        json!({
            "source": source.id.to_string(),
            "versions": versions.collect::<Vec<_>>(),
            "windows": collection.windows.iter().map(|it| it.get()).collect::<Vec<_>>(),
            "leftovers": leftovers.collect::<Vec<_>>(),
        })
    });
    json!({
        "removed": removed,
        "swept": swept.collect::<Vec<_>>(),
        "sources": sources.collect::<Vec<_>>(),
    })
}
