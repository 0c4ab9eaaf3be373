//! What makes other tools lose delimited text quietly, as their users reported it. docs/FIDELITY.md
//! lists every hazard with the test that covers it; here are those that no other test has in mind.

use std::fmt::Write as _;

use tundra_core::{BadRowPolicy, Classify, ConvertOptions, DataCode, Error, ErrorKind};

use crate::support::{OUTPUT, Scene, convert, converted};

const REJECTS: &str = "rejects.parquet";

fn policy(on_bad_row: BadRowPolicy) -> ConvertOptions {
    ConvertOptions { on_bad_row, ..ConvertOptions::default() }
}

/// A table of three columns that gets a fourth one behind its first records.
fn widening(narrow: usize, wide: usize) -> String {
    let mut text = "a,b,c\n".to_owned();
    for index in 0..narrow {
        writeln!(text, "{index},x{index},y{index}").unwrap();
    }
    for index in narrow..narrow + wide {
        writeln!(text, "{index},x{index},y{index},z{index}").unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn records_before_a_change_of_width_are_never_lost() {
    for (narrow, wide) in [(1, 1), (1_000, 29_000)] {
        let text = widening(narrow, wide);

        let scene = Scene::local();
        scene.put("a.csv", text.clone()).await;
        let error = scene.convert("a.csv", &ConvertOptions::default()).await.unwrap_err();
        let Error::Data { source, .. } = &error else { panic!("{error:?}") };
        assert_eq!(source.code, DataCode::TooManyFields);
        assert_eq!(source.line, narrow as u64 + 2);
        assert_eq!(scene.names().await, ["a.csv"]);

        let done = convert("a.csv", text.clone(), &policy(BadRowPolicy::Reject)).await.unwrap();
        assert_eq!(done.table.names, ["a", "b", "c"]);
        assert_eq!(done.table.rows.len(), narrow);
        assert_eq!(done.scene.table(REJECTS).await.rows.len(), wide);
        let counts = &done.receipt.counts;
        assert_eq!(counts.records, counts.written + counts.rejected);

        let done = convert("a.csv", text, &policy(BadRowPolicy::Repair)).await.unwrap();
        assert_eq!(done.table.rows.len(), narrow + wide);
        assert_eq!(done.receipt.counts.repaired, wide as u64);
        let last = narrow + wide - 1;
        assert_eq!(done.table.row(last)[2], Some(format!("y{last},z{last}").as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_records_aside_takes_no_valid_one_and_changes_none() {
    let mut text = "id,name,note\n".to_owned();
    let mut expected = Vec::new();
    for index in 0..20_000 {
        match index % 7 {
            3 => writeln!(text, "{index},n{index}").unwrap(),
            5 => writeln!(text, "{index},n{index},end{index},{index}").unwrap(),
            _ => {
                writeln!(text, "{index},n{index},end{index}").unwrap();
                let cells = [index.to_string(), format!("n{index}"), format!("end{index}")];
                expected.push(cells.map(Some).to_vec());
            }
        }
    }

    let done = convert("a.csv", text, &policy(BadRowPolicy::Reject)).await.unwrap();

    assert!(done.table.rows == expected, "{} of {}", done.table.rows.len(), expected.len());
    let rejects = done.scene.table(REJECTS).await;
    assert_eq!(rejects.rows.len(), 20_000 - expected.len());
    assert_eq!(done.receipt.counts.records, 20_000);
    assert_eq!(done.receipt.counts.rejected, rejects.rows.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn distant_days_and_instants_stay_where_they_are() {
    let days = ["0001-01-01", "1677-09-20", "1886-07-04", "2262-04-12", "8900-12-31", "9999-12-31"];
    let mut text = "day,at,instant\n".to_owned();
    for day in days {
        writeln!(text, "{day},{day} 23:59:59.999999,{day}T12:00:00Z").unwrap();
    }

    let done = converted("a.csv", text).await;

    assert_eq!(done.table.types, ["DATE", "TIMESTAMP", "TIMESTAMPTZ"]);
    assert_eq!(done.table.column("day"), days.map(Some));
    let at = days.map(|day| format!("{day}T23:59:59.999999"));
    assert_eq!(done.table.column("at"), at.each_ref().map(|at| Some(at.as_str())));
    let instants = days.map(|day| format!("{day}T12:00:00"));
    assert_eq!(done.table.column("instant"), instants.each_ref().map(|at| Some(at.as_str())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_a_date_or_a_number_stays_text() {
    let text = "\
code,sign,version,phone,hour
41_10_1,-nan,1.2.3,+49 30 1234,24:00:00
2_1_3,1.5,2.0,030 1234,12:00:00
40_1_1,2,3.1,112,01:00:00
";
    let done = converted("a.csv", text).await;

    assert_eq!(done.table.types, ["VARCHAR"; 5]);
    assert_eq!(
        done.table.row(0),
        [Some("41_10_1"), Some("-nan"), Some("1.2.3"), Some("+49 30 1234"), Some("24:00:00"),]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_without_values_is_text_and_poisons_no_later_reader() {
    let done = converted("a.csv", "id,gap\n1,\n2,\n").await;

    assert_eq!(done.table.types, ["BIGINT", "VARCHAR"]);
    assert_eq!(done.table.column("gap"), [None, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_fails_breaks_no_other_run_in_the_process() {
    let scene = Scene::local();
    scene.put("bad.csv", "id,name\n1,\"a\n2,b,c\n".to_owned()).await;
    scene.put("good.csv", "id\n1\n2\n").await;

    let error = scene.convert("bad.csv", &ConvertOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
    scene.convert("good.csv", &ConvertOptions::default()).await.unwrap();

    assert_eq!(scene.table(OUTPUT).await.rows.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_cells_in_many_rows_come_back_whole() {
    let cell = |index: usize| format!("{index}-").repeat(50_000 / 4);
    let mut text = "id,text\n".to_owned();
    for index in 0..500 {
        writeln!(text, "{index},\"{}\n\"", cell(index)).unwrap();
    }

    let done = converted("a.csv", text).await;

    assert_eq!(done.table.rows.len(), 500);
    for (index, found) in done.table.column("text").into_iter().enumerate() {
        assert!(found == Some(&(cell(index) + "\n")), "row {index}");
    }
}
