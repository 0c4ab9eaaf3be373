//! Extracts tables and queries: into versions of sources, and to URLs.

use tundra_connectors::{
    DatabaseKind,
    adbc::{Choice, Engine, Wish, choose_engine},
};
use tundra_core::{
    Compression, ConnectorError, Control, Error, ErrorKind, ExtractRequest, Output, Source,
    VersionStatus, WriteOptions, engine,
};
use tundra_runs::{DatabaseRun, Outcome, RunError};

use super::{Work, connection, describe, earlier_failure};
use crate::{
    Failure,
    wire::{ConnectionInfo, ConvertDatabase, Converted, DatabasePlace},
};

/// Extracts a table or a query.
pub(super) async fn convert(
    work: &Work<'_>,
    request: &ConvertDatabase,
) -> Result<Converted, Failure> {
    let asked = request.extract_request()?;
    let options = |compression| {
        let options = request.extract_options(compression)?;
        let row_group_rows = work.workshop.row_group_rows;
        Ok::<_, Failure>(WriteOptions { row_group_rows, ..options })
    };
    match request.place()? {
        DatabasePlace::Source(id) => {
            let options = options(Compression::default())?;
            let source = work.source(id).await?;
            into_version(work, request, asked, options, source).await
        }
        DatabasePlace::Url { kind, output } => {
            let options = options(Compression::Snappy)?;
            let output = work.write_url(output)?;
            to_url(work, request, asked, options, kind, &output).await
        }
    }
}

async fn into_version(
    work: &Work<'_>,
    request: &ConvertDatabase,
    asked: ExtractRequest,
    options: WriteOptions,
    source: Source,
) -> Result<Converted, Failure> {
    let kind = kind_of(&source, request)?;
    let choice = connector(work, request, kind).await?;
    let runs = &work.workshop.runs;
    let (key, engine) = (work.run_key(), choice.engine);
    let database = choice.connector.database();
    let run = DatabaseRun {
        source: source.clone(),
        connector: choice.connector,
        request: asked.clone(),
        options: options.clone(),
        resources: work.workshop.resources.clone(),
        key: Some(key.clone()),
    };
    let mut converted = match runs.extract(run, &work.control()).await {
        Ok(Outcome::Converted(conversion)) => {
            let streams = streams(&conversion.receipt);
            let mut converted = describe::conversion(&conversion, "database")?;
            converted.metadata.connection_info =
                Some(info(request, &options, database, engine, streams > 1));
            return Ok(with_warning(converted, choice.warning));
        }
        Ok(Outcome::Earlier(version)) if version.status == VersionStatus::Active => {
            let location = runs.warehouse().location(&source, version.number).ok();
            describe::earlier(&version, location, "database")?
        }
        Ok(Outcome::Earlier(version)) => return Err(earlier_failure(&version)),
        Err(error) => {
            if let RunError::Engine(Error::Database(cause)) = &error {
                forget_refused(work, request, cause).await;
            }
            let failure = work.run_failed(&source, &key, &error).await;
            return Err(match &error {
                RunError::Engine(error) => of_upstream(error, failure),
                _ => failure,
            });
        }
    };
    let partitioned = asked.partitions.is_some_and(|partitions| partitions > 1);
    converted.metadata.connection_info =
        Some(info(request, &options, database, engine, partitioned));
    Ok(converted)
}

async fn to_url(
    work: &Work<'_>,
    request: &ConvertDatabase,
    asked: ExtractRequest,
    options: WriteOptions,
    kind: DatabaseKind,
    output: &Output,
) -> Result<Converted, Failure> {
    let choice = connector(work, request, Some(kind)).await?;
    let connector = &*choice.connector;
    let resources = &work.workshop.resources;
    let control: Control = work.control();
    let extraction = async {
        let mut session = engine::open_session(connector, &control).await?;
        // What is left of the time.
        let control = work.control();
        let from = (connector, &mut *session);
        engine::extract(from, &asked, output, &options, resources, &control).await
    };
    match extraction.await {
        Ok(receipt) => {
            let mut converted = describe::receipt(&receipt, "database")?;
            let partitioned = streams(&receipt) > 1;
            let info = info(request, &options, connector.database(), choice.engine, partitioned);
            converted.metadata.connection_info = Some(info);
            Ok(with_warning(converted, choice.warning))
        }
        Err(error) => {
            if let Error::Database(cause) = &error {
                forget_refused(work, request, cause).await;
            }
            let failure = Failure::of(&error);
            Err(of_upstream(&error, failure))
        }
    }
}

/// Returns the kind of database that a source is read from; `None` where the credentials are to say it.
fn kind_of(source: &Source, request: &ConvertDatabase) -> Result<Option<DatabaseKind>, Failure> {
    let named = source.connector_type.trim();
    let kind = match named {
        "" => None,
        _ if named.eq_ignore_ascii_case("auto") => None,
        _ => Some(named.parse::<DatabaseKind>().map_err(|_| {
            Failure::invalid(format!(
                "the source `{}` is read with `{named}`, which is no database",
                source.label()
            ))
            .hint("convert files with `POST /convert/file`")
        })?),
    };
    match (kind, request.kind()?) {
        (Some(kind), Some(asked)) if kind != asked => Err(Failure::invalid(format!(
            "`connector_type` is {asked}, and the source `{}` is read from {kind}",
            source.label()
        ))
        .hint("leave `connector_type` out; the source says it")),
        (kind, asked) => Ok(kind.or(asked)),
    }
}

/// Finds the credentials and chooses what the database is read with. Nothing is connected yet.
async fn connector(
    work: &Work<'_>,
    request: &ConvertDatabase,
    kind: Option<DatabaseKind>,
) -> Result<Choice, Failure> {
    let (id, rules) = (&request.credentials_id, &work.workshop.databases);
    // Again here, where it is read: a job may have been asked for under another rule.
    rules.secrets.check(&work.scope, id)?;
    let choosing = async {
        let secret = work.workshop.secrets.get(id).await.map_err(|error| Failure::of(&error))?;
        let settings = connection::settings(secret.expose(), kind, rules);
        let settings = match settings {
            Ok(settings) => settings,
            Err(fault) => {
                // Whoever mends them wants them to be read again.
                work.workshop.secrets.forget(id).await;
                return Err(fault.of_field(id));
            }
        };
        let wish = if rules.use_adbc { Wish::AdbcIfThere } else { Wish::Native };
        let choice = choose_engine(settings, wish, None).await;
        choice.map_err(|error| Failure::of(&error))
    };
    work.unless_stopped(choosing).await
}

/// Has the store of secrets forget credentials that the database does not accept: they may have been
/// changed since they were read.
async fn forget_refused(work: &Work<'_>, request: &ConvertDatabase, cause: &ConnectorError) {
    if cause.kind == ErrorKind::PermissionDenied {
        work.workshop.secrets.forget(&request.credentials_id).await;
    }
}

/// Gives a query that took the database too long the status that 3.0 has for it. That the time of the run
/// is over is another thing.
fn of_upstream(error: &Error, mut failure: Failure) -> Failure {
    if let Error::Database(cause) = error
        && cause.kind == ErrorKind::Timeout
    {
        failure.status = ErrorKind::Unavailable.http_status();
    }
    failure
}

fn streams(receipt: &tundra_core::Receipt) -> u64 {
    receipt.plan.source.database.as_ref().map_or(1, |database| database.streams)
}

fn info(
    request: &ConvertDatabase,
    options: &WriteOptions,
    database: &str,
    engine: Engine,
    partitioned: bool,
) -> ConnectionInfo {
    ConnectionInfo {
        connector_type: database.to_owned(),
        query: request.query.clone(),
        table_name: request.table_name.clone(),
        partitioned,
        compression: options.compression.name().to_owned(),
        engine: match engine {
            Engine::Native => "native",
            Engine::Adbc => "adbc",
        }
        .to_owned(),
    }
}

fn with_warning(mut converted: Converted, warning: Option<String>) -> Converted {
    converted.metadata.warnings.extend(warning);
    converted
}
