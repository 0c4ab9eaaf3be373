//! `tundra presign`: signs a URL.

use serde_json::json;
use tundra_storage::{Access, SignedUrl};

use crate::{args::PresignArgs, env, failure::Failure, printer::Printer, render, session};

/// Signs a URL and prints it.
///
/// # Errors
/// Fails when the location names no object of a store that signs, or when there are no credentials
/// to sign with.
pub(crate) fn run(args: PresignArgs, printer: &Printer) -> Result<(), Failure> {
    let PresignArgs { location, put, expires, content_type, json } = args;
    let access = if put { Access::Put { content_type } } else { Access::Get };
    let stores = env::stores(None);
    let signed = session::run(None, async |session| {
        let (signer, path) = stores.signer(&location)?;
        session
            .unless_stopped(async {
                let signed = signer.sign(&path, &access, expires).await;
                signed.map_err(|source| Failure::Sign { source })
            })
            .await
    })?;
    if json {
        return printer.json(&document(&signed));
    }
    printer.data(&format!("{}\n", signed.url.expose()))?;
    printer.note(&render::signed(&signed));
    Ok(())
}

fn document(signed: &SignedUrl) -> serde_json::Value {
    let headers: serde_json::Map<_, _> =
        signed.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    json!({
        "url": signed.url.expose(),
        "method": signed.method,
        "location": signed.location,
        "expires_in_seconds": signed.lasts.as_secs(),
        "headers": headers,
    })
}
