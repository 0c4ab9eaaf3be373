//! `tundra ls`: lists objects.

use serde_json::{Value, json};
use tundra_storage::LocationError;

use crate::{
    args::LsArgs,
    env,
    failure::Failure,
    printer::Printer,
    render::{self, Listed},
    session,
};

/// Lists what a location stands for.
///
/// # Errors
/// Fails when the location names no place, when there is nothing at it that could have something in
/// it, or when the store does not list.
pub(crate) fn run(args: LsArgs, printer: &Printer) -> Result<(), Failure> {
    let LsArgs { location, long, json } = args;
    let stores = env::stores(None);
    let found = session::run(None, async |session| {
        session.unless_stopped(async { Ok(stores.list(&location).await) }).await
    })?;
    let found = match found {
        Ok(found) => found,
        // An empty place is no failure; whoever asks for one object that is not there meets one.
        Err(LocationError::NoMatch { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let listed: Vec<Listed> = found
        .into_iter()
        .map(|(storage, info)| Listed { location: storage.display(&info.path), info })
        .collect();
    if json {
        return printer.json(&listed.iter().map(document).collect::<Vec<_>>());
    }
    if listed.is_empty() {
        printer.note(&format!("there is nothing at {location}\n"));
    }
    match (long, render::terminal_width()) {
        (false, Some(width)) => printer.data(&render::listing(&listed, width)),
        (false, None) => printer.data(&render::locations(&listed)),
        (true, _) => printer.data(&render::long_listing(&listed)),
    }
}

fn document(listed: &Listed) -> Value {
    json!({
        "location": listed.location,
        "size": listed.info.size,
        "modified": listed.info.modified.map(render::moment),
        "etag": listed.info.etag,
    })
}
