//! What is read: a table, a view or a query, its columns, and the SQL that reads it.

use std::fmt::Write;

use rusqlite::{Connection, OptionalExtension};
use tundra_core::{ConnectorError, ErrorKind, ExtractRequest, Relation, TableName};

use super::{
    connect,
    failure::{failed, refused},
    pages::{Slot, Stored, StoredColumn},
    types::{Class, is_real},
};
use crate::identifier::Quoting;

const PREPARE: &str = "prepare to read";

/// What is read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The columns that were asked for, in that order.
    pub(super) columns: Vec<SourceColumn>,
    /// How the rows are reached.
    pub(super) access: Access,
    /// What stands behind `FROM`.
    from: String,
    /// The column of the window, quoted.
    window: Option<String>,
    /// What says why it has a single stream; `None` for a table with rowids.
    pub(super) single: Option<&'static str>,
    /// The page at the top of its tree, where its pages can be read.
    root: Option<u32>,
}

/// How the rows are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// By rowid, which is the name of a column.
    Rowid(&'static str),
    /// In the order in which SQLite returns them.
    Scan,
    /// As the user wrote it, with the numbers of the columns that were asked for.
    Query(String, Vec<usize>),
}

/// A column of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceColumn {
    pub(super) name: String,
    /// The declared type, empty without one.
    pub(super) declared: String,
    /// The class that all of its values have, where SQLite sees to it.
    pub(super) certain: Option<Class>,
    /// Where it stands in the records of its table, if it does.
    slot: Option<Slot>,
}

impl SourceColumn {
    /// Returns whether texts in it may be dates.
    pub(super) fn is_date(&self) -> bool {
        self.declared.eq_ignore_ascii_case("DATE")
    }

    /// Returns a column of which nothing is known but its name and what was declared.
    pub(super) const fn new(name: String, declared: String) -> Self {
        Self { name, declared, certain: None, slot: None }
    }
}

impl Source {
    /// Looks up what the request asks for. Pages are read where that is possible and wanted.
    pub(super) fn resolve(
        connection: &Connection,
        request: &ExtractRequest,
        pages: bool,
    ) -> Result<Self, ConnectorError> {
        match &request.relation {
            Relation::Table(name) => table(connection, name, request, pages),
            Relation::Query(sql) => {
                connect::as_user(connection, || query(connection, sql, request))
            }
        }
    }

    /// Returns how these columns are read from the pages; `None` where rows must be asked for.
    pub(super) fn stored(&self, columns: &[usize], is_windowed: bool) -> Option<Stored> {
        let root = self.root.filter(|_| !is_windowed)?;
        let stored = |&at: &usize| {
            let slot = self.columns[at].slot?;
            let is_date = self.columns[at].is_date();
            Some(StoredColumn { slot, is_date, sql: self.select(&[at], false) })
        };
        Some(Stored { root, columns: columns.iter().map(stored).collect::<Option<_>>()? })
    }

    /// Returns the SQL that reads these columns, of the rows between two rowids where they are reached by
    /// rowid, which then stands behind the columns. Parameters are `?1` and `?2` for the rowids and `?3`
    /// for where the window begins.
    pub(super) fn select(&self, columns: &[usize], is_windowed: bool) -> String {
        if let (Access::Query(sql, _), None) = (&self.access, &self.window) {
            return sql.clone();
        }
        let mut sql = String::from("SELECT ");
        for &column in columns {
            let name = Quoting::Double.name(&self.columns[column].name);
            // Writing to a `String` does not fail.
            let _ = write!(sql, "{name}, ");
        }
        match &self.access {
            Access::Rowid(rowid) => sql.push_str(rowid),
            // Something must stand behind the last comma, and also where there are no columns.
            Access::Scan | Access::Query(..) => sql.push_str("NULL"),
        }
        let _ = write!(sql, " FROM {}", self.from);
        let mut word = "WHERE";
        if let Access::Rowid(rowid) = &self.access {
            let _ = write!(sql, " WHERE {rowid} BETWEEN ?1 AND ?2");
            word = "AND";
        }
        if let (true, Some(column)) = (is_windowed, &self.window) {
            let _ = write!(sql, " {word} {column} > ?3");
        }
        sql
    }

    /// Returns where a column stands in what [`Source::select`] returns for these columns.
    pub(super) fn position(&self, at: usize, column: usize) -> usize {
        match (&self.access, &self.window) {
            (Access::Query(_, numbers), None) => numbers[column],
            _ => at,
        }
    }

    /// Returns the SQL of the least and the greatest value of the window's
    /// column.
    pub(super) fn window_ends(&self) -> Option<String> {
        let column = self.window.as_ref()?;
        let from = &self.from;
        Some(format!(
            "SELECT (SELECT min({column}) FROM {from}), (SELECT max({column}) FROM {from})"
        ))
    }

    /// Returns the SQL of the first and the last rowid.
    pub(super) fn rowid_ends(&self) -> Option<String> {
        let Access::Rowid(rowid) = &self.access else { return None };
        let from = &self.from;
        // Two questions: asked together, SQLite would read the whole table.
        Some(format!("SELECT (SELECT min({rowid}) FROM {from}), (SELECT max({rowid}) FROM {from})"))
    }
}

fn table(
    connection: &Connection,
    name: &TableName,
    request: &ExtractRequest,
    pages: bool,
) -> Result<Source, ConnectorError> {
    let absent = || {
        refused(
            PREPARE,
            ErrorKind::NotFound,
            format!("there is no table or view `{}`", name.name),
            &["`tundra tables` lists what there is"],
        )
    };
    if name.schema.as_deref().is_some_and(|schema| !schema.eq_ignore_ascii_case("main")) {
        return Err(refused(
            PREPARE,
            ErrorKind::NotFound,
            "a SQLite database has one schema, `main`",
            &["leave the schema out"],
        ));
    }
    let found: Option<(String, String, bool, bool)> = connection
        .query_row(
            "SELECT name, type, wr, strict FROM pragma_table_list \
             WHERE schema = 'main' AND name = ?1 COLLATE NOCASE",
            [&name.name],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()
        .map_err(|error| failed(PREPARE, error))?;
    let (name, kind, without_rowid, strict) = found.ok_or_else(absent)?;
    let declared = declared(connection, &name, strict).map_err(|error| failed(PREPARE, error))?;
    let names: Vec<&str> = declared.iter().map(|column| column.name.as_str()).collect();
    let shadows = |rowid: &&str| !names.iter().any(|name| name.eq_ignore_ascii_case(rowid));
    let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(shadows);
    let (access, single) = match (kind.as_str(), rowid) {
        ("view", _) => (Access::Scan, Some("a view has no rowid to split it by")),
        ("virtual", _) => (Access::Scan, Some("a virtual table cannot be split safely")),
        _ if without_rowid => (Access::Scan, Some("the table is `WITHOUT ROWID`")),
        (_, Some(rowid)) => (Access::Rowid(rowid), None),
        (_, None) => (Access::Scan, Some("its columns hide the rowid")),
    };
    let chosen = choose(&names, request.columns.as_deref())?;
    let window = window(&names, request)?;
    check_partition_column(&names, request)?;
    let root = match access {
        Access::Rowid(_) if pages => {
            root(connection, &name).map_err(|error| failed(PREPARE, error))?
        }
        _ => None,
    };
    Ok(Source {
        columns: chosen.iter().map(|&at| declared[at].clone()).collect(),
        access,
        from: format!("main.{}", Quoting::Double.name(&name)),
        window,
        single,
        root,
    })
}

/// Returns the page at the top of the table's tree; `None` where its pages cannot be read, because SQLite
/// was built without that or because the texts are UTF-16.
fn root(connection: &Connection, table: &str) -> rusqlite::Result<Option<u32>> {
    connection
        .query_row(
            "SELECT rootpage FROM sqlite_schema, pragma_encoding \
             WHERE type = 'table' AND name = ?1 AND encoding = 'UTF-8' \
             AND sqlite_compileoption_used('ENABLE_DBPAGE_VTAB')",
            [table],
            |row| row.get(0),
        )
        .optional()
}

fn declared(
    connection: &Connection,
    table: &str,
    strict: bool,
) -> rusqlite::Result<Vec<SourceColumn>> {
    // An `INTEGER PRIMARY KEY` is the rowid itself unless it has an index of its own, as with `DESC`.
    let keys: i64 = connection.query_row(
        "SELECT count(*) FROM pragma_index_list(?1) WHERE origin = 'pk'",
        [table],
        |row| row.get(0),
    )?;
    let mut statement =
        connection.prepare("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1)")?;
    let mut rows = statement.query([table])?;
    let mut columns = Vec::new();
    let mut parts_of_key = Vec::new();
    // Hidden columns are those of virtual tables, whose pages are not read.
    let mut stored = 0;
    while let Some(row) = rows.next()? {
        let (name, declared): (String, String) = (row.get(0)?, row.get(1)?);
        let (part_of_key, hidden): (i64, i64) = (row.get(2)?, row.get(3)?);
        if hidden == 1 {
            // An argument of a virtual table, and no data.
            continue;
        }
        if part_of_key > 0 {
            parts_of_key.push(columns.len());
        }
        // What is computed when it is read is not checked when it is written.
        let certain = (strict && hidden != 2).then(|| Class::of_strict(&declared)).flatten();
        let slot = (hidden != 2).then(|| {
            stored += 1;
            Slot::Field { at: stored - 1, is_real: is_real(&declared) }
        });
        columns.push(SourceColumn { name, declared, certain, slot });
    }
    if let ([alias], 0) = (parts_of_key.as_slice(), keys)
        && columns[*alias].declared.eq_ignore_ascii_case("INTEGER")
    {
        columns[*alias].certain = Some(Class::Integer);
        columns[*alias].slot = Some(Slot::Rowid);
    }
    Ok(columns)
}

fn query(
    connection: &Connection,
    sql: &str,
    request: &ExtractRequest,
) -> Result<Source, ConnectorError> {
    let statement = connection.prepare(sql).map_err(|error| failed(PREPARE, error))?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(refused(
            PREPARE,
            ErrorKind::InvalidRequest,
            "the query does not read: it returns no columns, or it writes",
            &["ask with one `SELECT`"],
        ));
    }
    if statement.parameter_count() > 0 {
        return Err(refused(
            PREPARE,
            ErrorKind::InvalidRequest,
            "the query has a parameter, and there is no value for it",
            &["write the value in its place"],
        ));
    }
    let names = statement.column_names();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(refused(
            PREPARE,
            ErrorKind::InvalidRequest,
            format!("the query returns two columns named `{}`", twice[0]),
            &["name one of them otherwise with `AS`"],
        ));
    }
    let chosen = choose(&names, request.columns.as_deref())?;
    let window = window(&names, request)?;
    check_partition_column(&names, request)?;
    let columns =
        chosen.iter().map(|&at| SourceColumn::new(names[at].to_owned(), String::new())).collect();
    // On a line of its own, so that a comment at the end does not take the parenthesis with it.
    let from = format!("(\n{}\n)", sql.trim_end().trim_end_matches(';'));
    let single = Some("SQLite cannot read parts of a query");
    let access = Access::Query(sql.to_owned(), chosen);
    Ok(Source { columns, access, from, window, single, root: None })
}

/// Returns where the columns stand that are asked for.
fn choose(names: &[&str], asked: Option<&[String]>) -> Result<Vec<usize>, ConnectorError> {
    let Some(asked) = asked else { return Ok((0..names.len()).collect()) };
    let mut chosen = Vec::with_capacity(asked.len());
    for name in asked {
        let at = find(names, name)?;
        if chosen.contains(&at) {
            return Err(refused(
                PREPARE,
                ErrorKind::InvalidRequest,
                format!("the column `{name}` is asked for twice"),
                &[],
            ));
        }
        chosen.push(at);
    }
    Ok(chosen)
}

/// Returns where the column stands, in whatever case it is written, as in SQLite itself.
fn find(names: &[&str], asked: &str) -> Result<usize, ConnectorError> {
    names
        .iter()
        .position(|name| *name == asked)
        .or_else(|| names.iter().position(|name| name.eq_ignore_ascii_case(asked)))
        .ok_or_else(|| {
            let known: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let hint = format!("the columns are {}", known.join(", "));
            refused(
                PREPARE,
                ErrorKind::InvalidRequest,
                format!("there is no column `{asked}`"),
                &[&hint],
            )
        })
}

fn window(names: &[&str], request: &ExtractRequest) -> Result<Option<String>, ConnectorError> {
    let Some(window) = &request.window else { return Ok(None) };
    let at = find(names, &window.column)?;
    Ok(Some(Quoting::Double.name(names[at])))
}

/// The column is not used, because nothing splits a table of SQLite as well as its rowid does; but a name
/// that is not there is a mistake.
fn check_partition_column(names: &[&str], request: &ExtractRequest) -> Result<(), ConnectorError> {
    match &request.partition_column {
        Some(column) => find(names, column).map(|_| ()),
        None => Ok(()),
    }
}
