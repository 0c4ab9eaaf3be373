//! What a doctor looks at: [`all`].

use std::{
    fmt::Write,
    time::{Duration, SystemTime},
};

use tundra_access::{AccessError, SqliteKeys, TokenVerifier};
use tundra_core::{ErrorKind, Scope, Secret, TenantId};
use tundra_jobs::SqliteJobs;
use tundra_runs::Runs;
use tundra_server::{TraceSettings, Traces};

use crate::{
    args::Isolation,
    catalogs::Opened,
    env,
    failure::Failure,
    render::{self, Finding},
    run::doctor::wrong,
    service::{self, JOBS, KEYS, Plan},
};

/// How long one check may take: longer than every client waits by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A name that no secret has.
const NO_SECRET: &str = "tundra-doctor-asks-for-nothing";

/// A token that nobody has issued: `{"alg":"ES256","kid":"tundra-doctor"}`, `{}` and no signature. Whether it
/// is taken is not asked, but whether the keys can be had by which it is not.
const NO_TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6InR1bmRyYS1kb2N0b3IifQ.e30.AAAA";

/// Checks everything; `org` is whose objects are tried.
pub(super) async fn all(plan: &Plan, org: Option<String>) -> Vec<Finding> {
    let mut found = vec![configuration(plan)];
    let opened = service::open(&plan.places, &plan.directory, env::stores(None)).await;
    match opened {
        Ok(opened) => {
            found.push(check("catalog", catalog(&opened)).await);
            found.push(check("warehouse", warehouse(&opened, org)).await);
        }
        Err(failure) => found.push(wrong("catalog", &failure)),
    }
    found.push(check("secrets", secrets(plan)).await);
    found.push(check("jobs", jobs(plan)).await);
    found.push(check("keys", keys(plan)).await);
    found.push(check("tokens", tokens()).await);
    found.push(check("access", access(plan)).await);
    match env::traces() {
        Ok(Some(settings)) => found.push(check("traces", traces(settings)).await),
        Ok(None) => {}
        Err(error) => found.push(wrong("traces", &error.into())),
    }
    found.push(check("temp", temp(plan)).await);
    found.push(memory(plan));
    found
}

/// Does one check, and gives it up when it takes too long.
async fn check(name: &'static str, work: impl Future<Output = Result<String, Failure>>) -> Finding {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(detail)) => Finding { name, ok: true, detail, hints: Vec::new() },
        Ok(Err(failure)) => wrong(name, &failure),
        Err(_) => Finding {
            name,
            ok: false,
            detail: format!("there was no answer within {} seconds", PATIENCE.as_secs()),
            hints: vec!["look whether it can be reached from this machine".to_owned()],
        },
    }
}

fn configuration(plan: &Plan) -> Finding {
    let mut detail = String::from("every option and variable makes sense");
    if !plan.without_meaning.is_empty() {
        // Writing to a text does not fail.
        let _ = write!(detail, "; without meaning: {}", plan.without_meaning.join(", "));
    }
    Finding { name: "configuration", ok: true, detail, hints: Vec::new() }
}

/// Sends the collector a message without spans.
async fn traces(settings: TraceSettings) -> Result<String, Failure> {
    let host = settings.endpoint.host_str().unwrap_or_default().to_owned();
    Traces::probe(settings).await?;
    Ok(format!("{host} takes them"))
}

async fn catalog(opened: &Opened) -> Result<String, Failure> {
    let catalog = opened.runs.catalog();
    catalog.ping().await?;
    catalog.sources(&Scope::All, None, 1).await?;
    Ok(catalog.display())
}

/// Writes an object where those of an organisation are, reads it and removes it.
async fn warehouse(opened: &Opened, org: Option<String>) -> Result<String, Failure> {
    let place = &opened.place;
    let Some(tenant) = tenant(&opened.runs, org, opened.is_file).await? else {
        opened.runs.warehouse().ping().await?;
        return Ok(format!(
            "{place} answers; nothing was written, because there is no source yet: name an organisation \
             with `--org`"
        ));
    };
    let location = opened.runs.warehouse().probe(&tenant).await?;
    Ok(format!("wrote, read and removed {location}"))
}

/// Returns an organisation that has objects, or will.
async fn tenant(
    runs: &Runs,
    org: Option<String>,
    is_file: bool,
) -> Result<Option<TenantId>, Failure> {
    let parsed = |org: String| org.parse().map_err(|source| Failure::Organisation { source });
    if let Some(org) = org.or_else(env::org) {
        return parsed(org).map(Some);
    }
    let mut sources = runs.catalog().sources(&Scope::All, None, 1).await?;
    match sources.pop() {
        Some(source) => Ok(Some(source.tenant)),
        // That of a machine on which nobody said anything else.
        None if is_file => parsed(crate::catalogs::OWN_TENANT.to_owned()).map(Some),
        None => Ok(None),
    }
}

/// Asks for a secret that is not there: whoever answers that can be asked.
async fn secrets(plan: &Plan) -> Result<String, Failure> {
    let settings = env::secrets(plan.directory.join(service::SECRETS))?;
    match settings.store()?.get(NO_SECRET).await {
        Err(error) if error.kind == ErrorKind::NotFound => {}
        Err(source) => return Err(Failure::Secrets { source }),
        Ok(_) => {}
    }
    let mut places = vec!["variables".to_owned()];
    places.extend(settings.file.iter().map(|file| file.display().to_string()));
    places.extend(settings.directory.iter().map(|directory| directory.display().to_string()));
    places.extend(settings.google.iter().map(|google| format!("Google ({})", google.project)));
    Ok(format!("asked: {}", places.join(", ")))
}

async fn jobs(plan: &Plan) -> Result<String, Failure> {
    let file = plan.directory.join(JOBS);
    SqliteJobs::open(&file).await?;
    Ok(file.display().to_string())
}

async fn keys(plan: &Plan) -> Result<String, Failure> {
    let file = plan.directory.join(KEYS);
    SqliteKeys::open(&file).await?;
    Ok(file.display().to_string())
}

/// Looks whether the keys of the issuer of tokens can be had.
async fn tokens() -> Result<String, Failure> {
    let Some(settings) = env::tokens()? else {
        return Ok(
            "none are accepted; SUPABASE_URL or TUNDRA_JWT_ISSUER names their issuer".to_owned()
        );
    };
    let issuer = settings.issuer.clone();
    let Some(published) = settings.keys.as_ref().map(|keys| keys.url.clone()) else {
        return Ok(format!("those of {issuer} are accepted, by the secret that is shared with it"));
    };
    let verifier = TokenVerifier::new(settings)?;
    match verifier.verify(&Secret::new(NO_TOKEN), None, SystemTime::now()).await {
        Err(source @ AccessError::Issuer { .. }) => Err(Failure::Issuer { source }),
        // Of course it is not.
        Ok(_) | Err(_) => Ok(format!("those of {issuer} are accepted, by the keys at {published}")),
    }
}

/// Looks whether a server may listen where it is to.
async fn access(plan: &Plan) -> Result<String, Failure> {
    let asks = service::asks(service::authenticator(plan).await?.as_ref());
    let address = plan.listen.address().await?;
    plan.edge.check(address, asks)?;
    let who = if asks { "who has a key or a token" } else { "whoever reaches it" };
    Ok(format!("{who} is let in at {}", plan.listen))
}

/// Writes a file where runs keep what does not fit into memory.
async fn temp(plan: &Plan) -> Result<String, Failure> {
    let directory = plan.resources.temp_directory.clone();
    let shown = directory.display().to_string();
    let written = tokio::task::spawn_blocking(move || {
        let mut file = tempfile::tempfile_in(directory)?;
        std::io::Write::write_all(&mut file, &[0; 4096])
    });
    let written = written.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    written.map_err(|source| Failure::TempDirectory { directory: shown.clone(), source })?;
    let most = render::size(plan.budget.temp_per_run);
    let kind = if plan.budget.temp_is_memory { ", which is memory" } else { "" };
    Ok(format!("{shown}{kind}; {most} at most for each run"))
}

fn memory(plan: &Plan) -> Finding {
    let budget = &plan.budget;
    let how = if plan.isolation == Isolation::Process { "at most" } else { "planned" };
    let detail = format!(
        "{} in all, {} for the server, {} {how} for each of {} runs at once",
        render::size(budget.memory),
        render::size(budget.service),
        render::size(budget.memory_per_run),
        budget.runs,
    );
    let hints = match budget.is_too_little() {
        true => vec![
            "let fewer runs go on at once with `--runs`, or give the server more memory".to_owned(),
        ],
        false => Vec::new(),
    };
    Finding { name: "memory", ok: hints.is_empty(), detail, hints }
}
