//! `tundra tables`, `tundra test-connection` and `tundra connectors`: look at databases.

use std::sync::Arc;

use serde_json::{Value, json};
use tundra_connectors::DatabaseKind;
use tundra_core::{TableFacts, TablePattern, engine};

use crate::{
    args::{ConnectorsArgs, TablesArgs, TestConnectionArgs},
    databases,
    failure::Failure,
    printer::Printer,
    progress::Bar,
    render, session,
};

/// Lists the tables of a database.
///
/// # Errors
/// Fails when the database cannot be reached or refuses.
pub(crate) fn tables(args: TablesArgs, printer: &Printer) -> Result<(), Failure> {
    let TablesArgs { url, pattern, json, timeout, connection } = args;
    let connector = databases::connector(&url, &connection)?;
    let bar = Arc::new(Bar::new(printer));
    let found = session::run(timeout, async |session| {
        bar.begin("connecting");
        let mut database = engine::open_session(&*connector, &session.control(&bar)).await?;
        session.unless_stopped(async { Ok(database.tables(&pattern).await) }).await
    });
    bar.clear();
    let found = found?.map_err(tundra_core::Error::from)?;
    if json {
        return printer.json(&found.iter().map(table_document).collect::<Vec<_>>());
    }
    if found.is_empty() {
        printer.note("there are no such tables that you may read\n");
    }
    printer.data(&render::tables(&found, render::terminal_width()))
}

fn table_document(facts: &TableFacts) -> Value {
    json!({
        "schema": facts.name.schema,
        "table": facts.name.name,
        "kind": facts.kind,
        "estimated_rows": facts.estimated_rows,
        "size_bytes": facts.bytes,
    })
}

/// Connects to a database and says what it is.
///
/// # Errors
/// Fails when the database cannot be reached or refuses.
pub(crate) fn test_connection(args: TestConnectionArgs, printer: &Printer) -> Result<(), Failure> {
    let TestConnectionArgs { url, json, timeout, connection } = args;
    let connector = databases::connector(&url, &connection)?;
    let bar = Arc::new(Bar::new(printer));
    let found = session::run(timeout, async |session| {
        bar.begin("connecting");
        let control = session.control(&bar);
        let work = async {
            let facts = connector.test().await.map_err(tundra_core::Error::from)?;
            let mut database = engine::open_session(&*connector, &control).await?;
            let all = TablePattern { schema: None, name: "*".to_owned() };
            let tables = database.tables(&all).await.map_err(tundra_core::Error::from)?;
            Ok(render::Connection {
                database: connector.display(),
                facts,
                tables: tables.len() as u64,
                position: database.position().map(str::to_owned),
                single: database.single().map(str::to_owned),
            })
        };
        session.unless_stopped(work).await
    });
    bar.clear();
    let found = found?;
    if json {
        return printer.json(&json!({
            "database": found.database,
            "product": found.facts.product,
            "version": found.facts.version,
            "latency_seconds": found.facts.latency.as_secs_f64(),
            "tls": found.facts.tls,
            "tunnel": found.facts.tunnel,
            "read_only": found.facts.read_only,
            "tables": found.tables,
            "position": found.position,
            "single": found.single,
        }));
    }
    printer.data(&render::connection(&found))
}

/// Lists the kinds of database that can be read.
///
/// # Errors
/// Fails when standard output cannot be written.
pub(crate) fn connectors(args: ConnectorsArgs, printer: &Printer) -> Result<(), Failure> {
    let ConnectorsArgs { json } = args;
    let kinds = tundra_connectors::built_in();
    if json {
        return printer.json(&kinds.iter().map(connector_document).collect::<Vec<_>>());
    }
    printer.data(&render::connectors(&kinds, render::terminal_width()))
}

fn connector_document(kind: &DatabaseKind) -> Value {
    json!({ "connector": kind.name(), "url": kind.url_form() })
}
