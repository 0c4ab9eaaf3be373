//! A table and a copy of it that was changed: exactly the changes are found.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::Index, test_runner::Config};
use tundra_core::{InspectOptions, TextHints, engine::DiffOptions};

use super::{by, keyed, whole};
use crate::support::Scene;

/// The values of a row besides its key: a text, an integer and a share of four.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    text: Option<String>,
    number: Option<i64>,
    quarters: Option<i32>,
}

/// What becomes of a row of the table.
#[derive(Debug, Clone)]
enum Mutation {
    Remove(Index),
    Add(Row),
    Replace(Index, Row),
}

fn a_row() -> impl Strategy<Value = Row> {
    let text = prop_oneof![Just(String::new()), "[a-c ,\"\n]{0,4}", "x[ -~äé日]{0,12}"];
    let number = prop_oneof![0..3_i64, any::<i64>()];
    (prop::option::of(text), prop::option::of(number), prop::option::of(-9..9_i32))
        .prop_map(|(text, number, quarters)| Row { text, number, quarters })
}

fn a_mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        any::<Index>().prop_map(Mutation::Remove),
        a_row().prop_map(Mutation::Add),
        (any::<Index>(), a_row()).prop_map(|(at, row)| Mutation::Replace(at, row)),
    ]
}

fn csv(rows: &[(u32, Row)]) -> String {
    let mut text = String::from("id,text,number,share\n");
    for (id, row) in rows {
        let quoted = row.text.as_ref().map(|it| format!("\"{}\"", it.replace('"', "\"\"")));
        let number = row.number.map(|it| it.to_string());
        let share = row.quarters.map(|it| format!("{:.2}", f64::from(it) / 4.0));
        let [quoted, number, share] = [quoted, number, share].map(Option::unwrap_or_default);
        text.push_str(&format!("{id},{quoted},{number},{share}\n"));
    }
    text
}

fn mutated(rows: &[Row], mutations: &[Mutation]) -> BTreeMap<u32, Row> {
    let mut copy: BTreeMap<u32, Row> = (0..).zip(rows.iter().cloned()).collect();
    let mut next = u32::try_from(rows.len()).unwrap();
    for mutation in mutations {
        let chosen =
            |at: &Index| (!copy.is_empty()).then(|| *at.get(&copy.keys().collect::<Vec<_>>()));
        match mutation {
            Mutation::Remove(at) => {
                if let Some(id) = chosen(at).copied() {
                    copy.remove(&id);
                }
            }
            Mutation::Add(row) => {
                copy.insert(next, row.clone());
                next += 1;
            }
            Mutation::Replace(at, row) => {
                if let Some(id) = chosen(at).copied() {
                    copy.insert(id, row.clone());
                }
            }
        }
    }
    copy
}

/// The columns of two rows that differ.
fn differing(a: &Row, b: &Row) -> Vec<&'static str> {
    let all = [
        ("text", a.text != b.text),
        ("number", a.number != b.number),
        ("share", a.quarters != b.quarters),
    ];
    all.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

async fn check(rows: &[Row], mutations: &[Mutation]) {
    let before: Vec<(u32, Row)> = (0..).zip(rows.iter().cloned()).collect();
    let copy = mutated(rows, mutations);
    // The order of the rows does not matter.
    let now: Vec<(u32, Row)> = copy.iter().rev().map(|(id, row)| (*id, row.clone())).collect();
    let scene = Scene::local();
    scene.put("a.csv", csv(&before)).await;
    scene.put("b.csv", csv(&now)).await;
    let options = DiffOptions { limit: 1000, ..by(&["id"]) };
    let text = TextHints {
        delimiter: Some(",".to_owned()),
        quote: Some(Some('"')),
        header: Some(true),
        ..TextHints::default()
    };
    let reading = InspectOptions { text, ..InspectOptions::default() };
    let diff = scene.diff(["a.csv", "b.csv"], &reading, &options).await.unwrap();
    let found = keyed(&diff);

    let removed: Vec<String> = before
        .iter()
        .filter(|(id, _)| !copy.contains_key(id))
        .map(|(id, _)| id.to_string())
        .collect();
    let added: BTreeSet<String> =
        copy.keys().filter(|id| **id as usize >= rows.len()).map(u32::to_string).collect();
    let changed: Vec<(String, Vec<&str>)> = before
        .iter()
        .filter_map(|(id, row)| Some((id.to_string(), differing(row, copy.get(id)?))))
        .filter(|(_, columns)| !columns.is_empty())
        .collect();
    let first = |cells: &[Vec<Option<String>>]| -> Vec<String> {
        cells.iter().map(|row| row[0].clone().unwrap()).collect()
    };
    assert_eq!(first(&found.removed_rows.cells), removed);
    assert_eq!(first(&found.added_rows.cells).into_iter().collect::<BTreeSet<_>>(), added);
    let told: Vec<(String, Vec<&str>)> = found
        .changes
        .iter()
        .map(|change| {
            let columns = change.values.iter().map(|value| value.column.as_str());
            (change.key[0].clone().unwrap(), columns.collect())
        })
        .collect();
    assert_eq!(told, changed);
    assert_eq!(found.removed, removed.len() as u64);
    assert_eq!(found.added, added.len() as u64);
    assert_eq!(found.changed, changed.len() as u64);
    assert_eq!(found.same, (before.len() - removed.len() - changed.len()) as u64);
    for (column, rows) in &found.changed_values {
        let expected = changed.iter().filter(|(_, columns)| columns.contains(&&**column)).count();
        assert_eq!(*rows, expected as u64, "{column}");
    }
    for change in &found.changes {
        for value in change.values.iter().filter(|value| value.column == "text") {
            let id: u32 = change.key[0].as_deref().unwrap().parse().unwrap();
            assert_eq!(value.from, rows[id as usize].text);
            assert_eq!(value.to, copy[&id].text);
        }
    }

    let ignoring = DiffOptions { key: Vec::new(), ignored: vec!["id".to_owned()], ..options };
    let diff = scene.diff(["a.csv", "b.csv"], &reading, &ignoring).await.unwrap();
    let times = |rows: &mut dyn Iterator<Item = &Row>| {
        let mut times: BTreeMap<Row, u64> = BTreeMap::new();
        rows.for_each(|row| *times.entry(row.clone()).or_default() += 1);
        times
    };
    let (a, b) = (times(&mut rows.iter()), times(&mut copy.values()));
    let more = |a: &BTreeMap<Row, u64>, b: &BTreeMap<Row, u64>| -> u64 {
        a.iter().map(|(row, n)| n.saturating_sub(b.get(row).copied().unwrap_or(0))).sum()
    };
    assert_eq!(whole(&diff).removed, more(&a, &b));
    assert_eq!(whole(&diff).added, more(&b, &a));
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_changed_copy_differs_in_exactly_what_was_changed(
        rows in vec(a_row(), 1..40),
        mutations in vec(a_mutation(), 0..20),
    ) {
        // What is left of the copy has a header at least.
        prop_assume!(!mutated(&rows, &mutations).is_empty());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(check(&rows, &mutations));
    }
}
