//! What only a Parquet file has, for a person.

use tundra_core::{PLAN_METADATA_KEY, ParquetFacts, Plan, RowGroupFacts};

use crate::render::{
    counted, grouped,
    inspection::{View, decisions},
    one_line, size,
    table::{Head, pairs, table},
};

/// Row groups that are shown unless everything is. They are alike as a rule.
const GROUPS: usize = 10;

/// Characters of a metadata value that are shown unless everything is. Values are often documents.
const VALUE: usize = 100;

/// Returns the sections on a Parquet file.
pub(super) fn facts(facts: &ParquetFacts, view: View) -> String {
    let mut text = "\nParquet\n".to_owned();
    text.push_str(&overview(facts));
    if !facts.row_groups.is_empty() {
        text.push_str("\nRow groups\n");
        text.push_str(&row_groups(&facts.row_groups, view));
    }
    if let Some(plan) = &facts.plan {
        text.push_str(&origin(plan, view));
    }
    let limit = if view.everything { None } else { Some(VALUE) };
    let metadata: Vec<(&str, String)> = facts
        .metadata
        .iter()
        // The plan is shown as what it is.
        .filter(|(key, _)| facts.plan.is_none() || key != PLAN_METADATA_KEY)
        .map(|(key, value)| (key.as_str(), one_line(value, limit)))
        .collect();
    if !metadata.is_empty() {
        text.push_str("\nMetadata\n");
        text.push_str(&pairs(&metadata));
    }
    text
}

fn overview(facts: &ParquetFacts) -> String {
    let compressed = facts.row_groups.iter().map(|group| group.compressed_bytes).sum();
    let uncompressed = facts.row_groups.iter().map(|group| group.uncompressed_bytes).sum();
    let mut codecs: Vec<&str> =
        facts.row_groups.iter().flat_map(|group| &group.codecs).map(String::as_str).collect();
    codecs.sort_unstable();
    codecs.dedup();
    let mut lines = Vec::new();
    if let Some(created_by) = &facts.created_by {
        lines.push(("written by", one_line(created_by, None)));
    }
    lines.push((
        "rows",
        format!(
            "{} in {}",
            grouped(facts.rows),
            counted(facts.row_groups.len() as u64, "row group")
        ),
    ));
    lines.push(("data", compression(compressed, uncompressed)));
    if !codecs.is_empty() {
        lines.push(("codecs", codecs.join(", ")));
    }
    pairs(&lines)
}

fn compression(compressed: u64, uncompressed: u64) -> String {
    let mut text = format!("{} compressed, {} before", size(compressed), size(uncompressed));
    if uncompressed > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a share is shown to two digits")]
        let percent = compressed as f64 / uncompressed as f64 * 100.0;
        text.push_str(&format!(" ({percent:.0} %)"));
    }
    text
}

fn row_groups(groups: &[RowGroupFacts], view: View) -> String {
    const HEADS: [Head; 5] = [
        Head::Number("#"),
        Head::Number("rows"),
        Head::Number("compressed"),
        Head::Number("before"),
        Head::Text("codecs"),
    ];
    let shown = if view.everything { groups.len() } else { groups.len().min(GROUPS) };
    let rows = groups[..shown].iter().enumerate().map(|(index, group)| {
        vec![
            (index + 1).to_string(),
            grouped(group.rows),
            size(group.compressed_bytes),
            size(group.uncompressed_bytes),
            group.codecs.join(", "),
        ]
    });
    let mut text = table(&HEADS, rows.collect(), view.width);
    if shown < groups.len() {
        text.push_str(&format!(
            "  and {} more, which `--verbose` shows\n",
            grouped((groups.len() - shown) as u64)
        ));
    }
    text
}

/// Returns the section on what the file was made of, as it says itself.
fn origin(plan: &Plan, view: View) -> String {
    let source = &plan.source;
    let mut lines = vec![
        ("tundra", plan.tundra_version.clone()),
        ("duckdb", plan.duckdb_version.clone()),
        (
            "source",
            format!(
                "{} ({}, {})",
                one_line(&source.location, None),
                one_line(&source.format, None),
                size(source.size_bytes)
            ),
        ),
    ];
    if let Some(etag) = &source.etag {
        lines.push(("tag", one_line(etag, None)));
    }
    let mut text = "\nMade by Tundra\n".to_owned();
    text.push_str(&pairs(&lines));
    if !plan.decisions.is_empty() {
        text.push_str("\nHow the source was written\n");
        text.push_str(&decisions(&plan.decisions, view));
    }
    if !plan.columns.is_empty() {
        const HEADS: [Head; 4] = [
            Head::Text("name"),
            Head::Text("in the source"),
            Head::Word("type"),
            Head::Text("because"),
        ];
        let rows = plan.columns.iter().map(|column| {
            vec![
                one_line(&column.name, None),
                if column.source_name == column.name {
                    String::new()
                } else {
                    one_line(&column.source_name, None)
                },
                column.column_type.clone(),
                one_line(&column.reason, None),
            ]
        });
        text.push_str("\nWhy the columns have their types\n");
        text.push_str(&table(&HEADS, rows.collect(), view.width));
    }
    text
}
