//! What readers would choke on, for a person.

use tundra_core::engine::Checked;

use crate::render::{
    counted, one_line,
    table::{Head, table},
};

/// Returns what was found out about a file.
pub(crate) fn checked(input: &str, checked: &Checked, width: Option<u16>) -> String {
    let titles: Vec<&str> = checked.readers.iter().map(|reader| reader.title()).collect();
    let head = format!(
        "checked {}: {}, {}, for {}\n",
        one_line(input, None),
        counted(checked.columns, "column"),
        counted(checked.rows, "row"),
        titles.join(", ")
    );
    if checked.findings.is_empty() {
        return format!("{head}all of it is taken as it is\n");
    }
    let rows = checked.findings.iter().map(|finding| {
        let column = finding.column.as_deref().unwrap_or("-");
        vec![
            finding.reader.title().to_owned(),
            finding.severity.name().to_owned(),
            one_line(column, None),
            one_line(&finding.what, None),
            one_line(&format!("{}; {}", finding.reason, finding.way_out), None),
        ]
    });
    let heads = [
        Head::Word("reader"),
        Head::Word(""),
        Head::Text("column"),
        Head::Text("what"),
        Head::Text("why, and the way out"),
    ];
    format!("{head}{}", table(&heads, rows.collect(), width))
}
