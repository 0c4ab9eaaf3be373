//! Several inputs as one table: their columns are united, their rows follow each other, and all of it adds
//! up.

mod bad_files;
mod columns;
mod parquet;
mod parquet_types;
mod parts;

use std::fmt::Write as _;

use tundra_core::{ConvertOptions, Error, InputFacts, ManyInputs, Receipt};

use crate::support::{OUTPUT, Scene, Table, path};

/// Puts objects into a store.
async fn scene_of(scene: Scene, files: &[(&str, &str)]) -> Scene {
    for (name, text) in files {
        scene.put(name, (*text).to_owned()).await;
    }
    scene
}

fn inputs(scene: &Scene, names: &[&str]) -> ManyInputs {
    ManyInputs::new("all", names.iter().map(|name| scene.input(name)).collect())
}

async fn run(
    scene: &Scene,
    inputs: &ManyInputs,
    options: &ConvertOptions,
) -> Result<Receipt, Error> {
    scene.convert_many(inputs, options).await
}

/// Converts files of these names and texts, and reads the output back.
async fn converted(files: &[(&str, &str)]) -> (Receipt, Table) {
    converted_with(files, &ConvertOptions::default(), |inputs| inputs).await
}

async fn converted_with(
    files: &[(&str, &str)],
    options: &ConvertOptions,
    asked: impl FnOnce(ManyInputs) -> ManyInputs,
) -> (Receipt, Table) {
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let scene = scene_of(Scene::memory(), files).await;
    let receipt = run(&scene, &asked(inputs(&scene, &names)), options).await.unwrap();
    let table = scene.table(OUTPUT).await;
    adds_up(&receipt, &table);
    (receipt, table)
}

/// Checks that every record went somewhere, in all inputs together and in each.
#[track_caller]
fn adds_up(receipt: &Receipt, table: &Table) {
    let counts = receipt.counts;
    assert_eq!(counts.records, counts.skipped + counts.rejected + counts.written, "{counts:?}");
    assert_eq!(counts.written, table.rows.len() as u64);
    let sum = |count: fn(&InputFacts) -> u64| receipt.inputs.iter().map(count).sum::<u64>();
    assert_eq!(sum(|it| it.counts.records), counts.records);
    assert_eq!(sum(|it| it.counts.written), counts.written);
    assert_eq!(sum(|it| it.counts.rejected), counts.rejected);
    let read = receipt.inputs.iter().filter(|input| input.left_out.is_none()).count();
    assert_eq!(receipt.plan.source.inputs.as_ref().unwrap().count, read as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_files_are_one_table_in_order() {
    let scene = Scene::local();
    let mut names = Vec::new();
    for file in 0..1000 {
        let mut text = "file,row\n".to_owned();
        for row in 0..20 {
            writeln!(text, "{file},{row}").unwrap();
        }
        let name = format!("{file:04}.csv");
        scene.put(&name, text).await;
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();

    let receipt = run(&scene, &inputs(&scene, &names), &ConvertOptions::default()).await.unwrap();

    let table = scene.table(OUTPUT).await;
    adds_up(&receipt, &table);
    assert_eq!(table.rows.len(), 20_000);
    for (at, row) in table.rows.iter().enumerate() {
        let expected = [(at / 20).to_string(), (at % 20).to_string()];
        assert!(row.iter().flatten().eq(&expected), "{at}: {row:?}");
    }
    assert_eq!(receipt.inputs.len(), 1000);
    assert!(receipt.inputs.iter().all(|input| input.counts.written == 20));
    assert!(receipt.inputs.iter().all(|it| it.decisions.is_empty() && it.columns.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_inputs_are_the_same_bytes() {
    let files = [("a.csv", "x\n1\n"), ("b.csv", "x,y\n2,b\n")];
    let scene = scene_of(Scene::local(), &files).await;
    let asked = inputs(&scene, &["a.csv", "b.csv"]);
    run(&scene, &asked, &ConvertOptions::default()).await.unwrap();
    let first = scene.get(OUTPUT).await;
    scene.storage.delete(&path(OUTPUT)).await.unwrap();
    run(&scene, &asked, &ConvertOptions::default()).await.unwrap();
    assert_eq!(first, scene.get(OUTPUT).await);
    assert_eq!(scene.names().await, ["a.csv", "b.csv", OUTPUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_one_input_is_refused() {
    let scene = scene_of(Scene::memory(), &[("a.csv", "x\n1\n"), ("b.csv", "x\n2\n")]).await;
    let options = ConvertOptions { skip_rows: [0].into(), ..ConvertOptions::default() };
    let error = run(&scene, &inputs(&scene, &["a.csv", "b.csv"]), &options).await.unwrap_err();
    assert!(error.to_string().contains("`--skip-rows` is for one input"), "{error}");
    assert_eq!(scene.names().await, ["a.csv", "b.csv"]);
}
