//! `tundra source`: adds, lists, shows and removes catalogued sources.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use tundra_connectors::{ConnectionSettings, DatabaseKind, Pem, SshSettings};
use tundra_core::{Format, NewSource, SchemaRule, Source, SourceId, SourceType};
use tundra_runs::SourceRemoval;
use tundra_storage::Stores;

use crate::{
    args::{AddSourceArgs, ListSourcesArgs, RemoveSourceArgs, ShowSourceArgs, SourceCommand},
    catalogs::{self, Opened},
    databases, env,
    failure::Failure,
    printer::Printer,
    render, session,
};

/// Sources that are asked for at once.
const PAGE: usize = 500;

/// Does what was asked with sources.
///
/// # Errors
/// Fails when a source cannot be added or is not there, and when the catalog or the warehouse cannot be
/// used.
pub(crate) fn run(command: SourceCommand, printer: &Printer) -> Result<(), Failure> {
    match command {
        SourceCommand::Add(args) => add(args, printer),
        SourceCommand::List(args) => list(args, printer),
        SourceCommand::Show(args) => show(args, printer),
        SourceCommand::Remove(args) => remove(args, printer),
    }
}

fn add(args: AddSourceArgs, printer: &Printer) -> Result<(), Failure> {
    let AddSourceArgs { name, location, format, refuse_breaking, id, json, ssh, catalog } = args;
    if name.parse::<SourceId>().is_ok() {
        return Err(Failure::usage(
            format!("`{name}` is an id, and sources are found by their ids as well"),
            "give the source a name, and the id with `--id`",
        ));
    }
    let stores = env::stores(None);
    let origin = match location {
        Some(text) if is_database(&text) => {
            Origin::database(&databases::with_tunnel(&text, &ssh)?, format)?
        }
        _ if ssh.ssh.is_some() || ssh.ssh_key.is_some() || ssh.ssh_known_hosts.is_some() => {
            return Err(Failure::usage(
                "only a database is reached through an SSH server",
                "leave `--ssh` and its options out",
            ));
        }
        location => {
            let location = location.map(|text| kept_location(&text, &stores)).transpose()?;
            let connector_type = connector_type(format, location.as_deref());
            Origin { source_type: SourceType::File, connector_type, location }
        }
    };
    let Origin { source_type, connector_type, location } = origin;
    let source = session::run(None, async |session| {
        let work = async {
            let opened = catalogs::open(&catalog, stores).await?;
            let source = NewSource {
                id: id.unwrap_or_else(SourceId::generate),
                tenant: opened.tenant(),
                name: Some(name),
                source_type,
                connector_type,
                location,
                schema_rule: if refuse_breaking { SchemaRule::NoBreaking } else { SchemaRule::Any },
            };
            Ok(opened.runs.catalog().add_source(&source).await?)
        };
        session.unless_stopped(work).await
    })?;
    if json {
        return printer.json(&document(&source));
    }
    printer.data(&format!("{}\n", source.id))
}

/// What stands for something else in the URL of a file.
const NOT_IN_URLS: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// What a source is read from, as the catalog keeps it.
struct Origin {
    source_type: SourceType,
    connector_type: String,
    location: Option<String>,
}

impl Origin {
    /// Takes the URL of a database, as long as it holds no password: a catalog is no place for one.
    fn database(text: &str, format: Option<Format>) -> Result<Self, Failure> {
        if format.is_some() {
            return Err(Failure::usage(
                "a database has no format",
                "leave `--format` out, or name a file",
            ));
        }
        let settings = ConnectionSettings::from_url(text)?;
        if settings.password.is_some() {
            return Err(Failure::usage(
                format!("the URL of {settings} has a password, which is not kept"),
                "leave it out, and give each run the password with `--password-file` or \
                 TUNDRA_DATABASE_PASSWORD",
            ));
        }
        if matches!(settings.client_key, Some(Pem::Text(_))) {
            return Err(Failure::usage(
                format!("the URL of {settings} has a private key, which is not kept"),
                "name the file of the key",
            ));
        }
        if settings.ssh.as_ref().is_some_and(SshSettings::holds_secrets) {
            return Err(Failure::usage(
                format!(
                    "the URL of {settings} has an SSH key or its passphrase, which are not kept"
                ),
                "name the file of the key, and give each run the passphrase with \
                 `--ask-ssh-passphrase` or TUNDRA_SSH_PASSPHRASE",
            ));
        }
        let location = match &settings.file_path {
            // The next run may be started elsewhere.
            Some(path) => std::path::absolute(path).map_or_else(
                |_| text.to_owned(),
                |path| {
                    let path = path.to_string_lossy();
                    format!("sqlite:{}", utf8_percent_encode(&path, NOT_IN_URLS))
                },
            ),
            None => text.to_owned(),
        };
        let connector_type = settings.kind.name().to_owned();
        Ok(Self { source_type: SourceType::Database, connector_type, location: Some(location) })
    }
}

/// Returns whether a location is the URL of a database.
fn is_database(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| scheme.parse::<DatabaseKind>().is_ok())
}

/// Returns a location as it is kept: a path from the root, because the next run may be started
/// elsewhere, and never a signature.
fn kept_location(text: &str, stores: &Stores) -> Result<String, Failure> {
    if text == "-" {
        return Err(Failure::usage(
            "standard input is there only once, and a source is read again",
            "name a file, or give each run its input: `tundra convert - --source NAME`",
        ));
    }
    let (storage, path) = stores.resolve(text)?;
    if !text.contains("://") {
        let absolute = std::path::absolute(Path::new(text));
        return Ok(
            absolute.map_or_else(|_| text.to_owned(), |it| it.to_string_lossy().into_owned())
        );
    }
    if text.contains(['?', '#']) {
        return Err(Failure::usage(
            format!("`{}` has a signature, which ends, and is not kept", storage.display(&path)),
            "name the object itself, or give each run its URL: `tundra convert URL --source NAME`",
        ));
    }
    Ok(text.to_owned())
}

/// Returns what the catalog says that a source is read with.
fn connector_type(format: Option<Format>, location: Option<&str>) -> String {
    let extension = location.and_then(|text| Path::new(text).extension()?.to_str());
    let format = format.or_else(|| extension.and_then(Format::from_extension));
    format.map_or("auto", Format::name).to_owned()
}

fn list(args: ListSourcesArgs, printer: &Printer) -> Result<(), Failure> {
    let ListSourcesArgs { json, catalog } = args;
    let sources = session::run(None, async |session| {
        let work = async {
            let opened = catalogs::open(&catalog, env::stores(None)).await?;
            all(&opened).await
        };
        session.unless_stopped(work).await
    })?;
    if json {
        return printer.json(&sources.iter().map(document).collect::<Vec<_>>());
    }
    if sources.is_empty() {
        printer.note("there are no sources; `tundra source add` adds one\n");
    }
    printer.data(&render::sources(&sources, render::terminal_width()))
}

/// Returns all sources of a scope.
pub(super) async fn all(opened: &Opened) -> Result<Vec<Source>, Failure> {
    let mut all: Vec<Source> = Vec::new();
    loop {
        let after = all.last().map(|source| source.id);
        let page = opened.runs.catalog().sources(&opened.scope, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn show(args: ShowSourceArgs, printer: &Printer) -> Result<(), Failure> {
    let ShowSourceArgs { source, json, catalog } = args;
    let (source, data, catalog) = session::run(None, async |session| {
        let work = async {
            let opened = catalogs::open(&catalog, env::stores(None)).await?;
            let source = opened.source(&source).await?;
            let current = source.current_version;
            let data = current.map(|it| opened.runs.warehouse().location(&source, it)).transpose();
            Ok((source, data?, opened.runs.catalog().display()))
        };
        session.unless_stopped(work).await
    })?;
    if json {
        let mut document = document(&source);
        document["data"] = data.into();
        return printer.json(&document);
    }
    printer.data(&render::source(&source, data.as_deref(), &catalog))
}

fn remove(args: RemoveSourceArgs, printer: &Printer) -> Result<(), Failure> {
    let RemoveSourceArgs { source, purge, keep_data, catalog } = args;
    let (label, objects) = session::run(None, async |session| {
        let work = async {
            let opened = catalogs::open(&catalog, env::stores(None)).await?;
            let source = opened.source(&source).await?;
            let has_versions = source.current_version.is_some();
            if has_versions && !purge && !keep_data {
                return Err(Failure::usage(
                    format!("`{}` has versions, whose data would be lost to it", source.label()),
                    "say `--purge` to remove their data, too, or `--keep-data` to leave it where it \
                     is",
                ));
            }
            let removal = if purge { SourceRemoval::Purge } else { SourceRemoval::KeepData };
            let objects = opened.runs.remove_source(&source, removal).await?;
            Ok((source.label(), objects))
        };
        session.unless_stopped(work).await
    })?;
    printer.note(&render::source_removed(&label, objects));
    Ok(())
}

/// Returns a source as programs see it.
pub(super) fn document(source: &Source) -> Value {
    json!({
        "id": source.id.to_string(),
        "org_id": source.tenant.as_str(),
        "name": source.name,
        "source_type": source.source_type.name(),
        "connector_type": source.connector_type,
        "location": source.location,
        "current_version": source.current_version.map(tundra_core::VersionNumber::get),
        "extraction_query": source.extraction_query,
        "schema_rule": source.schema_rule.name(),
    })
}

#[cfg(test)]
mod tests {
    use tundra_storage::StoreSettings;

    use super::*;

    #[test]
    fn a_location_is_kept_without_what_would_not_last() {
        let stores = Stores::new(StoreSettings::default());
        let kept = kept_location("data/a.csv", &stores).unwrap();
        assert!(Path::new(&kept).is_absolute() && kept.ends_with("/data/a.csv"), "{kept}");
        let signed = "https://example.org/a.csv?X-Amz-Signature=hunter2";
        let error = kept_location(signed, &stores).unwrap_err().to_string();
        assert!(error.contains("signature") && !error.contains("hunter2"), "{error}");
        assert!(kept_location("-", &stores).is_err());
    }

    #[test]
    fn the_extension_says_what_a_source_is_read_with() {
        assert_eq!(connector_type(None, Some("/a/b.CSV")), "csv");
        assert_eq!(connector_type(None, Some("/a/b")), "auto");
        assert_eq!(connector_type(Some(Format::Json), Some("/a/b.csv")), "json");
        assert_eq!(connector_type(None, None), "auto");
    }
}
