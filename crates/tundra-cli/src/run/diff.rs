//! `tundra diff`: says how two files differ, or two versions of a source.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tundra_core::{
    Input, InspectOptions, Resources, VersionNumber,
    engine::{self, ColumnChange, Diff, DiffOptions, DiffSide, RowsDiff, ShownRows},
};
use tundra_runs::VersionDiff;

use crate::{
    args::{CatalogArgs, DiffArgs},
    catalogs,
    env::{self, Settings},
    failure::Failure,
    places::Source,
    printer::Printer,
    progress::Bar,
    render,
    run::versions::{version_document, with_catalog},
    session::{self, Session},
};

/// Compares two inputs, or two versions of a source.
///
/// # Errors
/// Fails with [`Failure::Different`] when they differ, and otherwise when they cannot be read or compared.
pub(crate) fn run(args: DiffArgs, printer: &Printer) -> Result<(), Failure> {
    let DiffArgs { a, b, to, key, columns, ignore, limit, json, reading, resources, catalog } =
        args;
    let wants_rows = !(key.is_empty() && columns.is_empty() && ignore.is_empty());
    let versions = match to {
        Some(to) => Some(Versions { source: a.clone(), from: version(&b)?, to, catalog }),
        None => None,
    };
    if let Some(versions) = versions.as_ref().filter(|_| !wants_rows) {
        return versions.by_catalog(json, printer);
    }
    if a == "-" && b == "-" {
        return Err(Failure::usage(
            "standard input can be one of the two files only",
            "name the other one",
        ));
    }
    let comparing = Comparing {
        reading: reading.into_inspect_options(None),
        options: DiffOptions { key, columns, ignored: ignore, limit },
    };
    let (resources, timeout) = resources.resolve(Settings::read()?, engine::default_resources())?;
    let bar = Arc::new(Bar::new(printer));
    let found = session::run(timeout, async |session| {
        let stores = env::stores(Some(&resources.temp_directory));
        let [a, b] = match &versions {
            Some(versions) => session.unless_stopped(versions.places()).await?,
            None => [a.clone(), b.clone()],
        };
        let a = Source::locate(&a, &stores).await?;
        let b = Source::locate(&b, &stores).await?;
        comparing.inputs([a, b], session, &resources, &bar).await
    });
    bar.clear();
    let found = found?;
    if json {
        printer.json(&document(&found))?;
    } else {
        let shown = render::diff(&found, render::terminal_width());
        printer.data(&shown.table)?;
        printer.note(&shown.note);
    }
    if found.is_same() { Ok(()) } else { Err(Failure::Different) }
}

/// How two inputs are compared.
struct Comparing {
    reading: InspectOptions,
    options: DiffOptions,
}

impl Comparing {
    async fn inputs(
        &self,
        sources: [Source; 2],
        session: &Session,
        resources: &Resources,
        bar: &Arc<Bar>,
    ) -> Result<Diff, Failure> {
        let [a, b] = sources;
        let directory = &resources.temp_directory;
        let a: Input = session.open(a, directory.clone(), bar).await?;
        let b: Input = session.open(b, directory.clone(), bar).await?;
        let control = session.control(bar);
        let inputs = [&a, &b];
        Ok(engine::diff(inputs, &self.reading, &self.options, resources, &control).await?)
    }
}

/// Two versions of a source.
struct Versions {
    source: String,
    from: VersionNumber,
    to: VersionNumber,
    catalog: CatalogArgs,
}

impl Versions {
    /// Compares them by what the catalog knows.
    fn by_catalog(&self, json: bool, printer: &Printer) -> Result<(), Failure> {
        let diff = with_catalog(&self.catalog, async |opened| {
            let source = opened.source(&self.source).await?;
            Ok(opened.runs.diff(&source, self.from, self.to).await?)
        })?;
        if json {
            printer.json(&versions_document(&diff))?;
        } else {
            printer.data(&render::version_diff(&diff, render::terminal_width()))?;
        }
        let rows = |version: &tundra_core::Version| version.facts.as_ref().map(|facts| facts.rows);
        let is_same = diff.differences.is_empty() && rows(&diff.from) == rows(&diff.to);
        if is_same { Ok(()) } else { Err(Failure::Different) }
    }

    /// Returns where their data is.
    async fn places(&self) -> Result<[String; 2], Failure> {
        let opened = catalogs::open(&self.catalog, env::stores(None)).await?;
        let source = opened.source(&self.source).await?;
        // Both are there and have data, or it fails.
        opened.runs.diff(&source, self.from, self.to).await?;
        let warehouse = opened.runs.warehouse();
        let place = |version| warehouse.location(&source, version);
        Ok([place(self.from)?, place(self.to)?])
    }
}

fn version(text: &str) -> Result<VersionNumber, Failure> {
    text.parse().map_err(|_| {
        Failure::usage(
            format!("`{text}` is no version, and two files are compared at a time"),
            "compare files with `tundra diff A B`, and versions with `tundra diff SOURCE V1 V2`",
        )
    })
}

fn versions_document(diff: &VersionDiff) -> Value {
    let is_breaking = diff.differences.iter().any(|it| it.change.is_breaking());
    json!({
        "from": version_document(&diff.from),
        "to": version_document(&diff.to),
        "differences": diff.differences,
        "is_breaking": is_breaking,
    })
}

/// Returns a comparison as programs see it.
fn document(diff: &Diff) -> Value {
    json!({
        "same": diff.is_same(),
        "a": side_document(&diff.a),
        "b": side_document(&diff.b),
        "columns": diff.columns.iter().map(change_document).collect::<Vec<_>>(),
        "compared": diff.compared,
        "rows": rows_document(&diff.rows),
    })
}

fn side_document(side: &DiffSide) -> Value {
    let columns = side.columns.iter();
    let columns: Vec<Value> =
        columns.map(|it| json!({ "name": it.name, "type": it.column_type })).collect();
    json!({
        "location": side.location,
        "format": side.format.name(),
        "rows": side.rows,
        "columns": columns,
    })
}

fn change_document(change: &ColumnChange) -> Value {
    let mut object = json!({ "change": change.name(), "column": change.column() });
    match change {
        ColumnChange::Removed { column_type, .. } => object["from"] = column_type.clone().into(),
        ColumnChange::Added { column_type, .. } => object["to"] = column_type.clone().into(),
        ColumnChange::Retyped { from, to, compared_as, .. } => {
            object["from"] = from.clone().into();
            object["to"] = to.clone().into();
            object["compared_as"] = compared_as.clone().into();
        }
        ColumnChange::Moved { from, to, .. } => {
            object["from"] = (*from).into();
            object["to"] = (*to).into();
        }
        // What a later version adds has its name and its column.
        _ => {}
    }
    object
}

fn rows_document(rows: &RowsDiff) -> Value {
    match rows {
        RowsDiff::Keyed(rows) => {
            let key: Vec<&str> = rows.key.iter().map(|column| &*column.name).collect();
            let changes = rows.changes.iter().map(|change| {
                let values = change.values.iter().map(
                    |value| json!({ "column": value.column, "from": value.from, "to": value.to }),
                );
                json!({
                    "key": object(&key, &change.key),
                    "values": values.collect::<Vec<_>>(),
                })
            });
            let changed_values = rows
                .changed_values
                .iter()
                .map(|(column, rows)| json!({ "column": column, "rows": rows }));
            json!({
                "matched": "by_key",
                "key": key,
                "same": rows.same,
                "changed": rows.changed,
                "removed": rows.removed,
                "added": rows.added,
                "changed_values": changed_values.collect::<Vec<_>>(),
                "changes": changes.collect::<Vec<_>>(),
                "removed_rows": shown_document(&rows.removed_rows),
                "added_rows": shown_document(&rows.added_rows),
            })
        }
        RowsDiff::Whole(rows) => json!({
            "matched": "as_wholes",
            "same": rows.same,
            "removed": rows.removed,
            "added": rows.added,
            "removed_rows": shown_document(&rows.removed_rows),
            "added_rows": shown_document(&rows.added_rows),
            "possible_key": rows.possible_key,
        }),
        _ => json!({ "matched": "not_at_all" }),
    }
}

fn shown_document(rows: &ShownRows) -> Value {
    let names: Vec<&str> = rows.columns.iter().map(|column| &*column.name).collect();
    let all = rows.cells.iter().zip(&rows.times);
    all.map(|(cells, times)| json!({ "times": times, "values": object(&names, cells) })).collect()
}

fn object(names: &[&str], values: &[Option<String>]) -> Value {
    let pairs = names.iter().zip(values);
    let pairs = pairs.map(|(name, value)| ((*name).to_owned(), value.clone().into()));
    Value::Object(pairs.collect::<Map<_, _>>())
}
