//! What an inspection found, for a person.

mod parquet;

use tundra_core::{ColumnInspection, Decision, Inspection};

use crate::render::{
    counted, grouped, one_line, size,
    table::{Head, table},
};

/// How much is shown, and on how wide a screen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// The width of the terminal, if there is one.
    pub(crate) width: Option<u16>,
    /// Whether long lists are shown to their end.
    pub(crate) everything: bool,
}

impl View {
    /// Characters of a value that are shown in a cell. Without a terminal nothing is cut off.
    fn value_limit(self) -> Option<usize> {
        (self.width.is_some() && !self.everything).then_some(24)
    }
}

/// Returns the text for an inspection of `input`, as the user typed it.
pub(crate) fn inspection(input: &str, found: &Inspection, view: View) -> String {
    let mut text = headline(input, found);
    if !found.decisions.is_empty() {
        text.push_str("\nHow it is written\n");
        text.push_str(&decisions(&found.decisions, view));
    }
    if !found.columns.is_empty() {
        text.push_str("\nColumns\n");
        text.push_str(&columns(&found.columns, view));
        text.push_str("\nWhy these types\n");
        text.push_str(&reasons(&found.columns, view));
    }
    if let Some(facts) = &found.parquet {
        text.push_str(&parquet::facts(facts, view));
    }
    if !found.warnings.is_empty() {
        text.push_str("\nWarnings\n");
        for warning in &found.warnings {
            text.push_str(&format!("  {}: {}\n", warning.code, one_line(&warning.message, None)));
        }
    }
    text
}

/// Returns a few lines on a schema of `input` that was written to `output`, both as typed.
pub(crate) fn schema_written(input: &str, output: &str, found: &Inspection) -> String {
    let name = if input == "-" { "standard input" } else { input };
    format!(
        "wrote {}: {} of {}\nedit it, then: tundra convert --schema {} {}\n",
        one_line(output, None),
        counted(found.columns.len() as u64, "column"),
        one_line(name, None),
        one_line(output, None),
        one_line(input, None),
    )
}

fn headline(input: &str, found: &Inspection) -> String {
    let name = if input == "-" { "standard input" } else { input };
    let mut text = format!(
        "{}: {}, {}, {}, {}\n",
        one_line(name, None),
        format_name(&found.source.format),
        size(found.source.size_bytes),
        if found.complete {
            counted(found.rows_inspected, "row")
        } else {
            format!("the first {}", counted(found.rows_inspected, "row"))
        },
        counted(found.columns.len() as u64, "column"),
    );
    if !found.complete {
        text.push_str("  what comes later was not looked at and may need other types\n");
    }
    text
}

fn format_name(format: &str) -> String {
    match format {
        "parquet" => "Parquet".to_owned(),
        "excel" => "workbook".to_owned(),
        other => other.to_uppercase(),
    }
}

/// Returns the table of decisions.
fn decisions(decisions: &[Decision], view: View) -> String {
    const HEADS: [Head; 4] =
        [Head::Word("what"), Head::Text("is"), Head::Number("sure"), Head::Text("because")];
    let rows = decisions.iter().map(|decision| {
        vec![
            one_line(&decision.what, None),
            quoted_space(&one_line(&decision.value, view.value_limit())),
            format!("{:.0} %", decision.confidence * 100.0),
            one_line(&decision.reason, None),
        ]
    });
    table(&HEADS, rows.collect(), view.width)
}

/// Shows a value that is nothing but space, such as a delimiter, so that it can be seen.
fn quoted_space(value: &str) -> String {
    if value.trim().len() == value.len() && !value.is_empty() {
        value.to_owned()
    } else {
        format!("`{value}`")
    }
}

fn columns(columns: &[ColumnInspection], view: View) -> String {
    const HEADS: [Head; 8] = [
        Head::Number("#"),
        Head::Text("name"),
        Head::Word("type"),
        Head::Word("nullable"),
        Head::Number("nulls"),
        Head::Number("distinct"),
        Head::Text("minimum"),
        Head::Text("maximum"),
    ];
    /// On a narrower terminal `#` and `nullable` give way, so that the values can be read.
    const NARROW: u16 = 76;
    let is_narrow = view.width.is_some_and(|width| width < NARROW);
    let is_shown = |index: usize| !(is_narrow && matches!(index, 0 | 3));
    let bound = |value: &Option<String>| {
        value.as_deref().map_or("-".to_owned(), |value| one_line(value, view.value_limit()))
    };
    let rows = columns.iter().enumerate().map(|(index, column)| {
        let cells = [
            (index + 1).to_string(),
            quoted_space(&one_line(&column.name, None)),
            column.column_type.clone(),
            if column.nullable { "yes" } else { "no" }.to_owned(),
            column.null_count.map_or("-".to_owned(), grouped),
            column.distinct_count.map_or("-".to_owned(), grouped),
            bound(&column.min),
            bound(&column.max),
        ];
        shown(cells, is_shown)
    });
    table(&shown(HEADS, is_shown), rows.collect(), view.width)
}

fn shown<T, const N: usize>(cells: [T; N], is_shown: impl Fn(usize) -> bool) -> Vec<T> {
    let cells = cells.into_iter().enumerate().filter(|(index, _)| is_shown(*index));
    cells.map(|(_, cell)| cell).collect()
}

fn reasons(columns: &[ColumnInspection], view: View) -> String {
    const HEADS: [Head; 3] = [Head::Text("name"), Head::Text("because"), Head::Text("such as")];
    let rows = columns.iter().map(|column| {
        let samples: Vec<String> = column
            .samples
            .iter()
            .take(if view.everything { usize::MAX } else { 3 })
            .map(|sample| quoted_space(&one_line(sample, view.value_limit())))
            .collect();
        vec![
            quoted_space(&one_line(&column.name, None)),
            one_line(&column.reason, None),
            samples.join(", "),
        ]
    });
    table(&HEADS, rows.collect(), view.width)
}

#[cfg(test)]
mod tests {
    use tundra_core::{ParquetFacts, RowGroupFacts, SourceFacts, Warning};

    use super::*;

    fn column(name: &str, column_type: &str, reason: &str) -> ColumnInspection {
        ColumnInspection {
            name: name.to_owned(),
            column_type: column_type.to_owned(),
            format: None,
            reason: reason.to_owned(),
            nullable: column_type == "VARCHAR",
            null_count: Some(if column_type == "VARCHAR" { 7 } else { 0 }),
            distinct_count: Some(1000),
            min: Some("1".to_owned()),
            max: None,
            samples: vec!["1".to_owned(), " 2".to_owned(), "3".to_owned(), "4".to_owned()],
        }
    }

    fn found() -> Inspection {
        Inspection {
            source: SourceFacts {
                location: "/data/sales.csv".to_owned(),
                format: "csv".to_owned(),
                size_bytes: 50_000,
                etag: None,
                database: None,
                inputs: None,
            },
            text: None,
            json: None,
            decisions: vec![Decision {
                what: "delimiter".to_owned(),
                value: "\t".to_owned(),
                confidence: 0.98,
                reason: "every line has two of them".to_owned(),
            }],
            columns: vec![
                column("id", "BIGINT", "every value is an integer"),
                column("zip", "VARCHAR", "row 41 has `00713`"),
            ],
            rows_inspected: 1000,
            complete: true,
            sample_rows: Vec::new(),
            warnings: vec![Warning {
                code: "leading_zeros".to_owned(),
                message: "column `zip`, row 41".to_owned(),
            }],
            parquet: None,
        }
    }

    const PLAIN: View = View { width: None, everything: false };

    #[test]
    fn a_text_file_is_shown_with_its_decisions_and_columns() {
        insta::assert_snapshot!(inspection("sales.csv", &found(), PLAIN), @r"
        sales.csv: CSV, 48.8 KiB, 1,000 rows, 2 columns

        How it is written
          what       is  sure  because
          delimiter  \t  98 %  every line has two of them

        Columns
          #  name  type     nullable  nulls  distinct  minimum  maximum
          1  id    BIGINT   no            0     1,000  1        -
          2  zip   VARCHAR  yes           7     1,000  1        -

        Why these types
          name  because                    such as
          id    every value is an integer  1, ` 2`, 3
          zip   row 41 has `00713`         1, ` 2`, 3

        Warnings
          leading_zeros: column `zip`, row 41
        ");
    }

    #[test]
    fn a_part_is_said_to_be_one() {
        let found = Inspection { complete: false, ..found() };
        let text = inspection("-", &found, PLAIN);
        assert!(text.starts_with("standard input: CSV, 48.8 KiB, the first 1,000 rows"), "{text}");
        assert!(text.contains("may need other types"), "{text}");
    }

    #[test]
    fn a_parquet_file_is_shown_with_its_row_groups() {
        let group = RowGroupFacts {
            rows: 122_880,
            compressed_bytes: 1 << 20,
            uncompressed_bytes: 4 << 20,
            codecs: vec!["ZSTD".to_owned()],
        };
        let found = Inspection {
            source: SourceFacts { format: "parquet".to_owned(), ..found().source },
            decisions: Vec::new(),
            columns: Vec::new(),
            warnings: Vec::new(),
            parquet: Some(ParquetFacts {
                created_by: Some("DuckDB".to_owned()),
                rows: 245_760,
                row_groups: vec![group.clone(), group],
                metadata: vec![("owner".to_owned(), "me\nyou".to_owned())],
                plan: None,
            }),
            ..found()
        };
        insta::assert_snapshot!(inspection("a.parquet", &found, PLAIN), @r"
        a.parquet: Parquet, 48.8 KiB, 1,000 rows, 0 columns

        Parquet
          written by  DuckDB
          rows        245,760 in 2 row groups
          data        2.0 MiB compressed, 8.0 MiB before (25 %)
          codecs      ZSTD

        Row groups
          #     rows  compressed   before  codecs
          1  122,880     1.0 MiB  4.0 MiB  ZSTD
          2  122,880     1.0 MiB  4.0 MiB  ZSTD

        Metadata
          owner  me\nyou
        ");
    }
}
