//! What a conversion did, for a person.

use tundra_core::{Expected, InputFacts, LossEvent, Receipt, engine};

use crate::render::{counted, grouped, one_line, size, table::pairs};

/// Returns a few lines on what was converted. `input` and `output` are as the user typed them.
pub(crate) fn summary(input: &str, output: &str, receipt: &Receipt) -> String {
    let counts = receipt.counts;
    let mut lines = Vec::new();
    if let Some(inputs) = &receipt.plan.source.inputs {
        let left_out = match inputs.left_out {
            0 => String::new(),
            count => format!(", {} left out", grouped(count)),
        };
        lines.push(("inputs", format!("{} read{left_out}", grouped(inputs.count))));
    }
    let columns = counted(receipt.columns.len() as u64, "column");
    lines.push(("rows", format!("{}{}, {columns}", grouped(counts.written), groups(receipt))));
    if let Some(written) = written_bytes(receipt) {
        lines.push(("size", sizes(receipt.plan.source.size_bytes, written)));
    }
    lines.push(("time", time(receipt)));
    if counts.repaired > 0 {
        lines.push(("repaired", format!("{} made to fit", counted(counts.repaired, "record"))));
    }
    if counts.rejected > 0 {
        let place = receipt.outputs.iter().find(|output| output.role == "rejects");
        let place = place.map_or(String::new(), |place| format!(" -> {}", place.location));
        lines.push(("rejected", format!("{}{place}", counted(counts.rejected, "record"))));
    }
    if counts.left_out_lines > 0 {
        let what = counted(counts.left_out_lines, "line");
        let bytes = size(counts.left_out_bytes);
        lines.push(("left out", format!("{what} ({bytes}) that belong to no record")));
    }
    lines.push(("proof", proof(receipt)));
    format!("converted {} -> {}\n{}", one_line(input, None), one_line(output, None), pairs(&lines))
}

/// Returns in what the rows are, with a space before it; nothing when there is no data.
pub(super) fn groups(receipt: &Receipt) -> String {
    let data = || receipt.outputs.iter().filter(|output| output.role == "data");
    let Some(first) = data().next() else { return String::new() };
    if let Some(format) = &first.format {
        return format!(" as {format}");
    }
    let groups = counted(data().map(|data| data.row_groups).sum(), "row group");
    match data().count() {
        1 => format!(" in {groups}"),
        files => format!(" in {} with {groups}", counted(files as u64, "file")),
    }
}

/// Returns how large all data is; `None` when there is none.
pub(super) fn written_bytes(receipt: &Receipt) -> Option<u64> {
    let data = receipt.outputs.iter().filter(|output| output.role == "data");
    data.map(|data| data.size_bytes).reduce(|sum, size| sum + size)
}

fn sizes(from: u64, to: u64) -> String {
    let share = if from == 0 {
        String::new()
    } else {
        #[expect(clippy::cast_precision_loss, reason = "a share is shown to three digits")]
        let percent = to as f64 / from as f64 * 100.0;
        let digits = usize::from(percent < 10.0);
        format!(" ({percent:.digits$} %)")
    };
    format!("{} -> {}{share}", size(from), size(to))
}

pub(super) fn time(receipt: &Receipt) -> String {
    let seconds = receipt.timings.total_seconds;
    let digits = if seconds < 10.0 { 2 } else { 1 };
    let memory = receipt
        .peak_memory_bytes
        .map_or(String::new(), |bytes| format!(", {} of memory at most", size(bytes)));
    format!("{seconds:.digits$} s{memory}")
}

/// Returns what was compared. The engine has done so: were it not equal there would be no receipt.
fn proof(receipt: &Receipt) -> String {
    let counts = receipt.counts;
    let mut parts = vec![format!("{} written", grouped(counts.written))];
    for (count, what) in [(counts.rejected, "rejected"), (counts.skipped, "skipped")] {
        if count > 0 {
            parts.push(format!("{} {what}", grouped(count)));
        }
    }
    format!(
        "{} counted = {}; nulls agree in every column",
        counted(counts.records, "record"),
        parts.join(" + ")
    )
}

/// Returns a line for each thing that makes it doubtful that the input was understood.
pub(crate) fn doubt_warnings(receipt: &Receipt) -> Vec<String> {
    let unsure = engine::unsure_decisions(&receipt.plan.decisions).into_iter();
    let unsure =
        unsure.map(|warning| one_line(&format!("{}: {}", warning.code, warning.message), None));
    let counts = receipt.counts;
    let bad = counts.rejected + counts.repaired;
    // A reading that fits less than half of the records is probably the wrong one.
    let is_most = bad > counts.decoded / 2;
    let most = is_most.then(|| {
        format!(
            "most_records_bad: {} of {} were rejected or made to fit; look at what was concluded \
             with `tundra inspect`",
            grouped(bad),
            counted(counts.decoded, "record")
        )
    });
    unsure.chain(most).collect()
}

/// Returns a line for each difference to a schema that was accepted.
pub(crate) fn drift_warnings(receipt: &Receipt, expected: Option<&Expected>) -> Vec<String> {
    let Some(expected) = expected else { return Vec::new() };
    // Nulls are told below, by what was written.
    let decisions = receipt.plan.decisions.iter();
    let decisions = decisions.filter(|it| it.what == "drift" && !it.value.starts_with("nulls "));
    let drift = decisions
        .map(|decision| format!("drift: {} ({})", decision.value, decision.reason))
        .map(|line| one_line(&line, None));
    // Columns of the schema come first.
    let nulls = expected.columns.iter().zip(&receipt.columns).filter_map(|(column, counts)| {
        let nulls = counts.nulls.filter(|nulls| *nulls > 0 && !column.nullable)?;
        let name = one_line(&counts.name, None);
        Some(format!("drift: nulls `{name}` (accepted: {})", counted(nulls, "null")))
    });
    drift.chain(nulls).collect()
}

/// Returns a line for each name and each type that is another one for somebody who is to read the output.
pub(crate) fn reader_notes(receipt: &Receipt) -> Vec<String> {
    let is_for_readers = receipt.plan.decisions.iter().any(|it| it.what == "readers");
    let decisions = receipt.plan.decisions.iter().filter(|_| is_for_readers);
    decisions
        .filter(|decision| decision.what == "type" || decision.what == "name")
        .map(|it| one_line(&format!("{} {} ({})", it.what, it.value, it.reason), None))
        .collect()
}

/// Returns a line for each sort of thing that was not kept as it was.
pub(crate) fn event_warnings(receipt: &Receipt) -> Vec<String> {
    receipt.events.iter().map(|event| event_warning(event, &receipt.inputs)).collect()
}

/// Returns a line for each input that was left out, of many for the first.
pub(crate) fn left_out_warnings(receipt: &Receipt) -> Vec<String> {
    const SHOWN: usize = 10;
    let reasons = receipt.inputs.iter().filter_map(|input| input.left_out.as_ref());
    let mut warnings: Vec<String> =
        reasons.clone().take(SHOWN).map(|it| one_line(&format!("left_out: {it}"), None)).collect();
    if let Some(more) = reasons.count().checked_sub(SHOWN).filter(|more| *more > 0) {
        let inputs = counted(more as u64, "more input");
        warnings.push(format!("left_out: {inputs}; the receipt names all of them"));
    }
    warnings
}

/// Says how often something happened, and where first: of several inputs, in which.
fn event_warning(event: &LossEvent, inputs: &[InputFacts]) -> String {
    /// A line of a terminal holds this much besides the place.
    const SHOWN: usize = 40;
    let mut text = format!("{}: {}", event.code, counted(event.count, "time"));
    let in_inputs = inputs.iter().find_map(|input| {
        let events = input.events.iter().filter(|other| other.code == event.code);
        Some((input, events.flat_map(|event| &event.samples).next()?))
    });
    if let Some((input, _)) = in_inputs {
        text.push_str(&format!(", first in `{}`", one_line(&name_of(input), None)));
    }
    if let Some(first) = event.samples.first().or(in_inputs.map(|(_, sample)| sample)) {
        // What is not there has no place.
        if first.line > 0 {
            let first_or = if in_inputs.is_some() { "" } else { ", first" };
            text.push_str(&format!("{first_or} on line {} (byte {})", first.line, first.byte));
        }
        if let Some(column) = &first.column {
            text.push_str(&format!(", column `{}`", one_line(column, None)));
        }
        if !first.text.is_empty() {
            text.push_str(&format!(": `{}`", one_line(&first.text, Some(SHOWN))));
        }
    }
    text
}

/// Returns what messages call an input.
fn name_of(input: &InputFacts) -> String {
    let member = input.member.iter().map(|member| format!(" ({member})"));
    let sheet = input.sheet.iter().map(|sheet| format!(" (sheet {sheet})"));
    member.chain(sheet).fold(input.location.clone(), |name, more| name + &more)
}

#[cfg(test)]
mod tests {
    use tundra_core::{Counts, EventSample, OutputFacts, Plan, SourceFacts, Timings};

    use super::*;

    fn output(role: &str, location: &str, size_bytes: u64, rows: u64) -> OutputFacts {
        OutputFacts {
            role: role.to_owned(),
            location: location.to_owned(),
            size_bytes,
            sha256: String::new(),
            rows,
            row_groups: 49,
            format: None,
        }
    }

    fn receipt() -> Receipt {
        Receipt {
            format_version: 1,
            run: serde_json::from_str("\"00000000-0000-0000-0000-000000000000\"").unwrap(),
            plan: Plan {
                tundra_version: "5.0.0".to_owned(),
                duckdb_version: "2.0.0".to_owned(),
                source: SourceFacts {
                    location: "/data/sales.csv".to_owned(),
                    format: "csv".to_owned(),
                    size_bytes: 773_000_000,
                    etag: None,
                    database: None,
                    inputs: None,
                },
                decisions: Vec::new(),
                columns: Vec::new(),
            },
            plan_digest: String::new(),
            counts: Counts {
                records: 6_001_218,
                sent: None,
                decoded: 6_001_218,
                skipped: 1,
                rejected: 2,
                repaired: 4,
                written: 6_001_215,
                left_out_lines: 0,
                left_out_bytes: 0,
            },
            columns: Vec::new(),
            events: vec![LossEvent {
                code: "too_few_fields".to_owned(),
                count: 2,
                samples: vec![EventSample {
                    record: 3,
                    line: 4,
                    byte: 31,
                    column: None,
                    text: "1,\u{1b}[31m".to_owned(),
                }],
            }],
            window: None,
            inputs: Vec::new(),
            outputs: vec![
                output("data", "/data/sales.parquet", 146_000_000, 6_001_215),
                output("rejects", "/data/rejects.parquet", 900, 2),
            ],
            timings: Timings { total_seconds: 3.1, ..Timings::default() },
            peak_memory_bytes: Some(640_000_000),
        }
    }

    #[test]
    fn a_summary_tells_what_a_person_wants_to_know() {
        insta::assert_snapshot!(summary("sales.csv", "sales.parquet", &receipt()), @"
        converted sales.csv -> sales.parquet
          rows      6,001,215 in 49 row groups, 0 columns
          size      737.2 MiB -> 139.2 MiB (19 %)
          time      3.10 s, 610.4 MiB of memory at most
          repaired  4 records made to fit
          rejected  2 records -> /data/rejects.parquet
          proof     6,001,218 records counted = 6,001,215 written + 2 rejected + 1 skipped; nulls agree in every column
        ");
    }

    #[test]
    fn several_files_are_told_as_one() {
        let mut receipt = receipt();
        receipt.outputs.insert(1, output("data", "/data/sales-00002.parquet", 4_000_000, 15));
        let summary = summary("sales.csv", "sales.parquet", &receipt);
        assert!(summary.contains("6,001,215 in 2 files with 98 row groups"), "{summary}");
        assert!(summary.contains("737.2 MiB -> 143.1 MiB"), "{summary}");
    }

    #[test]
    fn what_was_lost_is_told_with_its_place() {
        assert_eq!(
            event_warnings(&receipt()),
            ["too_few_fields: 2 times, first on line 4 (byte 31): `1,\\u{1b}[31m`"]
        );
    }
}
