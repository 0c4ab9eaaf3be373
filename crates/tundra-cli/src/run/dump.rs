//! `tundra dump`: reads several tables under one snapshot.

use std::{collections::BTreeSet, fs, sync::Arc};

use serde_json::{Value, json};
use tundra_core::{
    Connector, Error, ExtractRequest, IfExists, Output, Receipt, Relation, Resources,
    Session as Database, StorageError, TableFacts, WriteOptions,
    engine::{self, Prepared},
};
use tundra_storage::Stores;

use crate::{
    args::DumpArgs,
    databases,
    env::{self, Settings},
    failure::Failure,
    printer::Printer,
    progress::Bar,
    render,
    session::{self, Session},
};

/// The file that lists what was written.
const MANIFEST: &str = "manifest.json";

/// What is dumped, and how.
struct Dump<'a> {
    connector: &'a dyn Connector,
    args: &'a DumpArgs,
    if_exists: IfExists,
    resources: &'a Resources,
    stores: &'a Stores,
    bar: &'a Arc<Bar>,
}

/// Reads the tables and says what was done.
///
/// # Errors
/// Fails when no table matches, when one cannot be read, and when one cannot be written; of files that
/// are not to be replaced, none is left then.
pub(crate) fn run(args: DumpArgs, printer: &Printer) -> Result<(), Failure> {
    let (resources, timeout) =
        args.resources.clone().resolve(Settings::read()?, engine::default_resources())?;
    let connector = databases::connector(&args.url, &args.connection)?;
    let if_exists = if args.overwrite { IfExists::Replace } else { IfExists::Fail };
    let stores = env::stores(Some(&resources.temp_directory));
    let bar = Arc::new(Bar::new(printer));
    let done = session::run(timeout, async |session| {
        let dump = Dump {
            connector: &*connector,
            args: &args,
            if_exists,
            resources: &resources,
            stores: &stores,
            bar: &bar,
        };
        dump.run(session).await
    });
    bar.clear();
    let (manifest, dumped) = done?;
    if args.json {
        return printer.json(&manifest);
    }
    printer.note(&render::dumped(&connector.display(), &args.output, &dumped));
    for (_, receipt) in &dumped {
        for warning in render::event_warnings(receipt) {
            printer.warning(&warning);
        }
    }
    Ok(())
}

impl Dump<'_> {
    async fn run(&self, session: &Session) -> Result<(Value, Vec<(String, Receipt)>), Failure> {
        self.bar.begin("connecting");
        let control = session.control(self.bar);
        let mut database = engine::open_session(self.connector, &control).await?;
        let tables = session.unless_stopped(self.tables(&mut *database)).await?;
        check_names(&tables)?;
        make_directory(&self.args.output)?;
        let role = "could not write the manifest";
        let failed = |source| Error::Storage { role, source };
        let place = self.place(MANIFEST)?;
        // Whether it may be written is found out before anything is read.
        let mut writer = place.storage.create(&place.path, self.if_exists).await.map_err(failed)?;
        let prepared = self.prepare(&mut *database, &tables, session).await?;
        // From here on the directory is no longer what an older manifest says.
        match place.storage.delete(&place.path).await {
            Ok(()) | Err(StorageError::NotFound { .. }) => {}
            Err(error) => return Err(failed(error).into()),
        }
        let receipts = Prepared::publish_all(prepared).await?;
        let entries = tables.iter().zip(&receipts).map(|(table, receipt)| entry(table, receipt));
        let entries: Vec<Value> = entries.collect();
        let manifest = json!({
            "format_version": 1,
            "tundra_version": env!("CARGO_PKG_VERSION"),
            "database": self.connector.display(),
            "server": database.server(),
            "position": database.position(),
            "single": database.single(),
            "tables": entries,
        });
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|error| Error::Internal(format!("the manifest is no JSON: {error}")))?;
        writer.write((text + "\n").into()).await.map_err(failed)?;
        writer.publish().await.map_err(failed)?;
        let names = tables.iter().map(|table| table.name.to_string());
        Ok((manifest, names.zip(receipts).collect()))
    }

    /// Returns the tables that match, each once, by schema and name.
    async fn tables(&self, database: &mut dyn Database) -> Result<Vec<TableFacts>, Failure> {
        let mut tables: Vec<TableFacts> = Vec::new();
        for pattern in &self.args.tables {
            let is_named = !pattern.name.contains('*');
            let found = database.tables(pattern).await.map_err(Error::from)?;
            let wanted = found.into_iter().filter(|table| is_named || !table.kind.contains("view"));
            let before = tables.len();
            tables.extend(wanted);
            if tables.len() == before {
                let schema = pattern.schema.as_ref().map_or(String::new(), |it| format!("{it}."));
                return Err(Failure::NoTables { pattern: format!("{schema}{}", pattern.name) });
            }
        }
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        tables.dedup_by(|one, other| one.name == other.name);
        Ok(tables)
    }

    async fn prepare(
        &self,
        database: &mut dyn Database,
        tables: &[TableFacts],
        session: &Session,
    ) -> Result<Vec<Prepared>, Failure> {
        let wanted = tables.iter().map(|table| {
            let request = ExtractRequest {
                partitions: self.args.partitions.map(usize::from),
                on_lossy: self.args.on_lossy.into(),
                ..ExtractRequest::new(Relation::Table(table.name.clone()))
            };
            Ok((request, self.place(&file_of(table))?))
        });
        let wanted = wanted.collect::<Result<Vec<_>, Failure>>()?;
        let options =
            WriteOptions { compression: self.args.compression, ..WriteOptions::default() };
        let from = (self.connector, database);
        let control = session.control(self.bar);
        let connections = usize::from(self.args.connections);
        // All of them stay open until the last one is complete.
        if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
            tracing::debug!(%error, "could not raise the limit of open files");
        }
        let (resources, control) = (self.resources, &control);
        Ok(engine::prepare_extractions(from, wanted, &options, resources, control, connections)
            .await?)
    }

    fn place(&self, file: &str) -> Result<Output, Failure> {
        let directory = self.args.output.trim_end_matches('/');
        databases::check_output(&self.args.url, &format!("{directory}/{file}"), self.stores)?;
        let (storage, path) = self.stores.resolve(format!("{directory}/{file}"))?;
        Ok(Output { storage, path, if_exists: self.if_exists })
    }
}

/// Checks that every table has a file of its own, also where a file system makes no difference between
/// large and small letters.
fn check_names(tables: &[TableFacts]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match tables.iter().find(|table| !seen.insert(file_of(table).to_lowercase())) {
        Some(table) => Err(Failure::usage(
            format!("`{}` and another table would have one file", table.name),
            "dump them one at a time, with `--tables`, into directories of their own",
        )),
        None => Ok(()),
    }
}

/// Returns the name of a table's file.
fn file_of(table: &TableFacts) -> String {
    let name = render::file_stem(&table.name.name);
    match &table.name.schema {
        Some(schema) => format!("{}.{name}.parquet", render::file_stem(schema)),
        None => format!("{name}.parquet"),
    }
}

fn entry(table: &TableFacts, receipt: &Receipt) -> Value {
    let data = receipt.outputs.first();
    json!({
        "schema": table.name.schema,
        "table": table.name.name,
        "kind": table.kind,
        "file": file_of(table),
        "rows": receipt.counts.written,
        "size_bytes": data.map(|data| data.size_bytes),
        "sha256": data.map(|data| data.sha256.clone()),
        "plan_digest": receipt.plan_digest,
        "streams": receipt.plan.source.database.as_ref().map(|it| it.streams),
        "events": receipt.events,
    })
}

/// Makes the directory of the output, which is the dump itself; not those above it.
fn make_directory(directory: &str) -> Result<(), Failure> {
    if directory.contains("://") {
        return Ok(());
    }
    match fs::create_dir(directory) {
        Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Failure::MakeDirectory { directory: directory.to_owned(), source })
        }
        _ => Ok(()),
    }
}
