//! `tundra doctor`: looks at everything that a server needs, and says what is wrong.
//!
//! A check that fails does not keep the others. What is written is removed again, and nothing is asked of
//! others than what a server asks of them all the time.

mod checks;

use serde_json::json;

use crate::{
    args::DoctorArgs,
    failure::{self, Failure},
    logging,
    printer::Printer,
    render::{self, Finding},
    service::Plan,
    session,
};

/// Checks everything and says what was found.
///
/// # Errors
/// [`Failure::Unwell`] when anything is wrong.
pub(crate) fn run(args: DoctorArgs, printer: &Printer) -> Result<(), Failure> {
    logging::set_up(printer)?;
    let DoctorArgs { org, json, serve } = args;
    let found = match Plan::read(serve) {
        Ok(plan) => session::run(None, async |session| {
            session.unless_stopped(async { Ok(checks::all(&plan, org).await) }).await
        })?,
        // Without it nothing else is known.
        Err(failure) => vec![wrong("configuration", &failure)],
    };
    let (all, wrong) = (found.len(), found.iter().filter(|it| !it.ok).count());
    if json {
        let checks = found.iter().map(
            |it| json!({ "name": it.name, "ok": it.ok, "detail": it.detail, "hints": it.hints }),
        );
        let checks: Vec<_> = checks.collect();
        printer.json(&json!({ "ok": wrong == 0, "checks": checks }))?;
    } else {
        printer.data(&render::findings(&found))?;
    }
    if wrong > 0 { Err(Failure::Unwell { wrong, all }) } else { Ok(()) }
}

/// Returns what was found when a check failed.
fn wrong(name: &'static str, failure: &Failure) -> Finding {
    let (detail, hints) = failure::told(failure);
    Finding { name, ok: false, detail, hints }
}
