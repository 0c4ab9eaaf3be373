//! Databases and what was read of them, for a person.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tundra_connectors::DatabaseKind;
use tundra_core::{Receipt, ServerFacts, TableFacts};

use crate::render::{
    counted, grouped, one_line, size,
    summary::{groups, time, written_bytes},
    table::{Head, pairs, table},
};

/// What a file's name does not have: what parts a path or a schema from a table, what begins a hidden
/// file, and what stores and shells mind.
const NOT_IN_NAMES: &AsciiSet = &CONTROLS
    .add(b'/')
    .add(b'.')
    .add(b'\\')
    .add(b'%')
    .add(b':')
    .add(b'*')
    .add(b'?')
    .add(b'[')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'|')
    .add(b'#');

/// Returns the name of a file for a table.
pub(crate) fn file_stem(name: &str) -> String {
    utf8_percent_encode(name, NOT_IN_NAMES).to_string()
}

/// Characters of where a window ended that are shown. With many transactions at work it is long.
const MARK: usize = 60;

/// Returns a few lines on what was extracted.
pub(crate) fn extracted(database: &str, output: &str, receipt: &Receipt) -> String {
    let mut lines = Vec::new();
    let columns = counted(receipt.columns.len() as u64, "column");
    let rows = grouped(receipt.counts.written);
    lines.push(("rows", format!("{rows}{}, {columns}", groups(receipt))));
    if let Some(written) = written_bytes(receipt) {
        lines.push(("size", size(written)));
    }
    lines.push(("time", time(receipt)));
    let mut what = String::from("a query");
    if let Some(facts) = &receipt.plan.source.database {
        if let Some(table) = &facts.table {
            what = one_line(table, None);
        }
        let snapshot = facts.position.as_ref().map_or(String::new(), |at| format!(" at {at}"));
        let streams = counted(facts.streams, "stream");
        lines.push(("read", format!("{}, {streams}{snapshot}", facts.server)));
        if let Some(reason) = &facts.single {
            lines.push(("note", one_line(&format!("one connection: {reason}"), None)));
        }
    }
    if let Some(window) = &receipt.window {
        let column = one_line(&window.column, None);
        let mark = |mark: &str| one_line(mark, Some(MARK));
        let from = window.after.as_deref().map_or("the beginning".to_owned(), mark);
        let to = window.until.as_deref().map_or("nothing".to_owned(), mark);
        lines.push(("window", format!("`{column}` from {from} to {to}")));
    }
    if let Some(tunnel) = receipt.plan.decisions.iter().find(|it| it.what == "tunnel") {
        lines.push(("tunnel", one_line(&tunnel.value, None)));
    }
    lines.push(("proof", proof(receipt)));
    let (database, output) = (one_line(database, None), one_line(output, None));
    format!("extracted {what} of {database} -> {output}\n{}", pairs(&lines))
}

/// Returns what was compared. The engine has done so: were it not equal there would be no receipt.
fn proof(receipt: &Receipt) -> String {
    let counts = receipt.counts;
    let read = match counts.sent {
        Some(sent) => format!("{} sent", counted(sent, "row")),
        // Nobody else has counted them.
        None => format!("{} read", counted(counts.records, "row")),
    };
    format!("{read} = {} written; nulls agree in every column", grouped(counts.written))
}

/// Returns a table of what was dumped, with its sums.
pub(crate) fn dumped(database: &str, output: &str, dumped: &[(String, Receipt)]) -> String {
    let bytes = |receipt: &Receipt| receipt.outputs.first().map_or(0, |data| data.size_bytes);
    let rows = dumped
        .iter()
        .map(|(name, receipt)| {
            vec![grouped(receipt.counts.written), size(bytes(receipt)), one_line(name, None)]
        })
        .collect();
    let heads = [Head::Number("rows"), Head::Number("size"), Head::Text("table")];
    let all: u64 = dumped.iter().map(|(_, receipt)| receipt.counts.written).sum();
    let sum: u64 = dumped.iter().map(|(_, receipt)| bytes(receipt)).sum();
    let snapshot = dumped
        .first()
        .and_then(|(_, receipt)| receipt.plan.source.database.as_ref()?.position.clone())
        .map_or(String::new(), |at| format!(" at {at}"));
    format!(
        "dumped {} of {}{snapshot} -> {}: {}, {}\n{}",
        counted(dumped.len() as u64, "table"),
        one_line(database, None),
        one_line(output, None),
        counted(all, "row"),
        size(sum),
        table(&heads, rows, None)
    )
}

/// Returns a table of the tables of a database.
pub(crate) fn tables(found: &[TableFacts], width: Option<u16>) -> String {
    if found.is_empty() {
        return String::new();
    }
    let or_unknown =
        |number: Option<u64>, show: fn(u64) -> String| number.map_or("-".to_owned(), show);
    let rows = found
        .iter()
        .map(|facts| {
            vec![
                or_unknown(facts.estimated_rows, grouped),
                or_unknown(facts.bytes, size),
                facts.kind.clone(),
                one_line(&facts.name.to_string(), None),
            ]
        })
        .collect();
    let heads = [
        Head::Number("rows (about)"),
        Head::Number("size"),
        Head::Word("kind"),
        Head::Text("name"),
    ];
    table(&heads, rows, width)
}

/// What is known of a database that was connected to.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Its place, without credentials.
    pub(crate) database: String,
    pub(crate) facts: ServerFacts,
    /// How many tables and views may be read.
    pub(crate) tables: u64,
    /// The place in the server's log.
    pub(crate) position: Option<String>,
    /// Why there would be one connection only.
    pub(crate) single: Option<String>,
}

/// Returns a few lines on a database.
pub(crate) fn connection(found: &Connection) -> String {
    let Connection { database, facts, tables, position, single } = found;
    let snapshot = match (single, position) {
        (Some(reason), _) => format!("for one connection: {}", one_line(reason, None)),
        (None, Some(position)) => format!("for several connections, at {position}"),
        (None, None) => "for several connections".to_owned(),
    };
    let rights = format!(
        "{} tables and views may be read; {}",
        grouped(*tables),
        if facts.read_only { "read-only" } else { "not read-only by itself" }
    );
    let mut lines = vec![
        ("server", format!("{} {}", facts.product, one_line(&facts.version, None))),
        ("latency", format!("{:.1} ms", facts.latency.as_secs_f64() * 1000.0)),
        ("tls", facts.tls.clone().unwrap_or_else(|| "none".to_owned())),
        ("rights", rights),
        ("snapshot", snapshot),
    ];
    if let Some(tunnel) = &facts.tunnel {
        lines.insert(2, ("tunnel", one_line(tunnel, None)));
    }
    format!("connected to {}\n{}", one_line(database, None), pairs(&lines))
}

/// Returns a table of the kinds of database.
pub(crate) fn connectors(kinds: &[DatabaseKind], width: Option<u16>) -> String {
    let rows =
        kinds.iter().map(|kind| vec![kind.name().to_owned(), kind.url_form().to_owned()]).collect();
    table(&[Head::Word("connector"), Head::Text("URL")], rows, width)
}

/// Returns what becomes of every type of a database, as Markdown.
pub(crate) fn types() -> String {
    let mut text = String::from(
        "# Types of databases\n\n\
         What becomes of every type of a database that Tundra reads.\n\
         This page is made by `tundra generate-docs types`; do not edit it.\n\n\
         \"Lossless\" is every value, exactly.\n\
         Where only some values have no place in the type of the column, `--on-lossy` says what \
         becomes of them: see [DATABASES.md](DATABASES.md#what-is-promised).\n",
    );
    for table in tundra_connectors::type_tables() {
        text.push('\n');
        text.push_str(&table.markdown());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_file() {
        for (name, stem) in [
            ("orders", "orders"),
            ("Order lines", "Order lines"),
            ("a/b", "a%2Fb"),
            ("..", "%2E%2E"),
            ("a.b", "a%2Eb"),
            ("50%", "50%25"),
            ("ä", "%C3%A4"),
        ] {
            assert_eq!(file_stem(name), stem, "{name}");
        }
    }
}
