//! Sources and their versions, for a person.

use std::fmt::Write;

use tundra_core::{SchemaChange, SchemaDifference, SchemaRule, Source, VersionNumber};
use tundra_runs::{Collection, Outcome, Sweep, VersionDiff, VersionHistory};

use crate::render::{
    counted, grouped, moment, one_line, size,
    table::{Head, pairs, table},
};

/// Returns a table of sources.
pub(crate) fn sources(sources: &[Source], width: Option<u16>) -> String {
    if sources.is_empty() {
        return String::new();
    }
    let rows = sources.iter().map(|source| {
        vec![
            one_line(source.name.as_deref().unwrap_or("-"), None),
            source.id.to_string(),
            one_line(&source.connector_type, None),
            current(source),
            one_line(source.location.as_deref().unwrap_or("uploads"), None),
        ]
    });
    let heads = [
        Head::Text("name"),
        Head::Text("id"),
        Head::Word("type"),
        Head::Number("current"),
        Head::Text("location"),
    ];
    table(&heads, rows.collect(), width)
}

/// Returns everything about a source.
pub(crate) fn source(source: &Source, data: Option<&str>, catalog: &str) -> String {
    let mut lines = vec![
        ("name", one_line(source.name.as_deref().unwrap_or("-"), None)),
        ("id", source.id.to_string()),
        ("organisation", source.tenant.to_string()),
        ("type", format!("{}, {}", source.source_type.name(), source.connector_type)),
        ("location", one_line(source.location.as_deref().unwrap_or("uploads"), None)),
        ("current", current(source)),
    ];
    if let Some(data) = data {
        lines.push(("data", one_line(data, None)));
    }
    if let Some(query) = &source.extraction_query {
        lines.push(("query", one_line(query, None)));
    }
    let rule = match source.schema_rule {
        SchemaRule::Any => "any change of columns",
        SchemaRule::NoBreaking => "no change of columns that breaks readers",
    };
    lines.push(("allows", rule.to_owned()));
    lines.push(("catalog", one_line(catalog, None)));
    pairs(&lines)
}

fn current(source: &Source) -> String {
    source.current_version.map_or_else(|| "-".to_owned(), |version| version.to_string())
}

/// Returns what was done to a source that was removed.
pub(crate) fn source_removed(label: &str, objects: usize) -> String {
    let label = one_line(label, None);
    match objects {
        0 => format!("removed `{label}`\n"),
        _ => format!("removed `{label}` and {}\n", counted(objects as u64, "object")),
    }
}

/// Returns a table of versions with what changed.
pub(crate) fn versions(history: &[VersionHistory], width: Option<u16>) -> String {
    if history.is_empty() {
        return String::new();
    }
    let rows = history.iter().map(|it| {
        let version = &it.version;
        let facts = version.facts.as_ref();
        let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), grouped);
        let mark = if it.is_current { " *" } else { "" };
        let told = match (&version.error_message, &it.differences) {
            (Some(message), _) => one_line(message, Some(120)),
            (None, Some(differences)) => summary(differences),
            (None, None) => String::new(),
        };
        vec![
            format!("{}{mark}", version.number),
            version.status.name().to_owned(),
            number(facts.map(|it| it.rows)),
            number(facts.map(|it| it.columns)),
            facts.map_or_else(|| "-".to_owned(), |it| size(it.size_bytes)),
            moment(version.created_at),
            told,
        ]
    });
    let heads = [
        Head::Word("version"),
        Head::Word("status"),
        Head::Number("rows"),
        Head::Number("columns"),
        Head::Number("size"),
        Head::Word("made (UTC)"),
        Head::Text("changes"),
    ];
    table(&heads, rows.collect(), width)
}

/// Returns how many columns there are of each kind of difference.
fn summary(differences: &[SchemaDifference]) -> String {
    if differences.is_empty() {
        return "same columns".to_owned();
    }
    let kinds =
        [SchemaChange::Removed, SchemaChange::Breaking, SchemaChange::Widened, SchemaChange::Added];
    let counts = kinds.into_iter().filter_map(|kind| {
        let count = differences.iter().filter(|it| it.change == kind).count();
        (count > 0).then(|| format!("{count} {}", kind.name()))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// Returns what a change of the current version came to.
pub(crate) fn rolled_back(before: &Source, to: VersionNumber) -> String {
    let label = one_line(&before.label(), None);
    match before.current_version {
        Some(from) if from == to => format!("{to} of `{label}` is the current version already\n"),
        Some(from) => format!("readers of `{label}` see {to} now, and no longer {from}\n"),
        None => format!("readers of `{label}` see {to} now\n"),
    }
}

/// Returns how two versions differ.
pub(crate) fn version_diff(diff: &VersionDiff, width: Option<u16>) -> String {
    let VersionDiff { from, to, differences } = diff;
    let facts = |version: &tundra_core::Version| match &version.facts {
        Some(facts) => [grouped(facts.rows), grouped(facts.columns), size(facts.size_bytes)],
        None => ["-".to_owned(), "-".to_owned(), "-".to_owned()],
    };
    let row = |version: &tundra_core::Version| {
        let mut row = vec![version.number.to_string()];
        row.extend(facts(version));
        row.push(moment(version.created_at));
        row
    };
    let heads = [
        Head::Word("version"),
        Head::Number("rows"),
        Head::Number("columns"),
        Head::Number("size"),
        Head::Word("made (UTC)"),
    ];
    let mut text = table(&heads, vec![row(from), row(to)], width);
    text.push('\n');
    if differences.is_empty() {
        text.push_str("  the columns are the same\n");
        return text;
    }
    let rows = differences.iter().map(|it| {
        let cell = |kind: &Option<String>| one_line(kind.as_deref().unwrap_or("-"), None);
        vec![it.change.name().to_owned(), one_line(&it.column, None), cell(&it.from), cell(&it.to)]
    });
    let heads =
        [Head::Word("change"), Head::Text("column"), Head::Text("before"), Head::Text("now")];
    text.push_str(&table(&heads, rows.collect(), width));
    text
}

/// Returns a line for each version and each leftover: its source, its number, why, and its size in
/// bytes, with tabs between them.
pub(crate) fn collected(collections: &[(Source, Collection)]) -> String {
    let mut text = String::new();
    for (source, collection) in collections {
        let label = one_line(&source.label(), None);
        for it in &collection.versions {
            let _ = writeln!(text, "{label}\t{}\told version\t{}", it.version, it.bytes);
        }
        for it in &collection.leftovers {
            let _ = writeln!(text, "{label}\t{}\tleft over\t{}", it.version, it.bytes);
        }
    }
    text
}

/// Returns what all of it came to.
pub(crate) fn collected_summary(
    sweep: &Sweep,
    collections: &[(Source, Collection)],
    removed: bool,
) -> String {
    let all = || collections.iter().map(|(_, collection)| collection);
    let versions: usize = all().map(|it| it.versions.len()).sum();
    let leftovers: usize = all().flat_map(|it| &it.leftovers).map(|it| it.objects).sum();
    let bytes: u64 = all()
        .flat_map(|it| {
            let versions = it.versions.iter().map(|it| it.bytes);
            versions.chain(it.leftovers.iter().map(|it| it.bytes))
        })
        .sum();
    let kept = match all().map(|it| it.windows.len()).sum::<usize>() {
        0 => String::new(),
        count => format!(
            "{} of windows stay: no later version has their rows\n",
            counted(count as u64, "old version")
        ),
    };
    if versions + leftovers + sweep.swept.len() == 0 {
        return format!("there is nothing to remove\n{kept}");
    }
    let swept = match sweep.swept.len() {
        0 => String::new(),
        count => format!(" and ended {} that a dead run left", counted(count as u64, "version")),
    };
    let what = format!(
        "{} and {} left over, {}",
        counted(versions as u64, "old version"),
        counted(leftovers as u64, "object"),
        size(bytes)
    );
    match removed {
        true => format!("removed {what}{swept}\n{kept}"),
        false => format!("would remove {what}; do it with `--yes`\n{kept}"),
    }
}

/// Returns what a run of a source came to, for the end of its summary.
pub(crate) fn outcome(source: &Source, outcome: &Outcome) -> String {
    let label = one_line(&source.label(), None);
    match outcome {
        Outcome::Earlier(version) => format!(
            "an earlier run with the same key made {} of `{label}`, which is {}\n",
            version.number,
            version.status.name()
        ),
        Outcome::Converted(conversion) => {
            let changes = conversion.differences.as_deref().map_or(String::new(), |it| {
                format!("; against the version before: {}", summary(it))
            });
            format!("{} of `{label}`{changes}\n", conversion.version.number)
        }
    }
}
