//! `tundra clean`: removes uploads that nobody completed.

use serde_json::{Value, json};
use tundra_storage::AbandonedUpload;

use crate::{args::CleanArgs, env, failure::Failure, printer::Printer, render, session};

/// Removes abandoned uploads, or says which there are.
///
/// # Errors
/// Fails when the location names no place with uploads, and when the store does not list or remove
/// them. Those before the one that failed are removed then.
pub(crate) fn run(args: CleanArgs, printer: &Printer) -> Result<(), Failure> {
    let CleanArgs { location, older_than, dry_run, json } = args;
    let stores = env::stores(None);
    let (base, uploads) = session::run(None, async |session| {
        let janitor = stores.janitor(&location)?;
        let work = async {
            let uploads =
                janitor.find(older_than).await.map_err(|source| Failure::Clean { source })?;
            if !dry_run {
                for upload in &uploads {
                    janitor.abort(upload).await.map_err(|source| Failure::Clean { source })?;
                }
            }
            Ok((janitor.base().to_owned(), uploads))
        };
        session.unless_stopped(work).await
    })?;
    if json {
        let documents: Vec<Value> =
            uploads.iter().map(|upload| document(&base, upload, !dry_run)).collect();
        return printer.json(&documents);
    }
    printer.data(&render::uploads(&base, &uploads))?;
    printer.note(&render::cleaned(uploads.len(), dry_run));
    Ok(())
}

fn document(base: &str, upload: &AbandonedUpload, removed: bool) -> Value {
    json!({
        "location": format!("{base}/{}", upload.key),
        "id": upload.id,
        "begun": render::moment(upload.begun),
        "removed": removed,
    })
}
