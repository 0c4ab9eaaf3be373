//! Several outputs that become visible together.

use tundra_core::{BadRowPolicy, Classify, ConvertOptions, ErrorKind, IfExists, engine::Prepared};

use crate::support::Scene;

const OUTPUTS: [&str; 3] = ["one.parquet", "two.parquet", "three.parquet"];

async fn prepared(scene: &Scene) -> Vec<Prepared> {
    scene.put("a.csv", "id\n1\n2\n").await;
    let mut prepared = Vec::new();
    for output in OUTPUTS {
        prepared.push(scene.prepare("a.csv", output).await);
    }
    prepared
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_become_visible_in_order_with_their_receipts() {
    for scene in [Scene::local(), Scene::memory()] {
        let prepared = prepared(&scene).await;
        let receipts = Prepared::publish_all(prepared).await.unwrap();
        for (receipt, output) in receipts.iter().zip(OUTPUTS) {
            assert!(receipt.outputs[0].location.ends_with(output), "{receipt:?}");
            assert_eq!(scene.table(output).await.column("id"), [Some("1"), Some("2")]);
        }
        assert_eq!(receipts.len(), OUTPUTS.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_before_one_that_fails_are_taken_back() {
    for scene in [Scene::local(), Scene::memory()] {
        let prepared = prepared(&scene).await;
        // Somebody else was faster.
        scene.put("three.parquet", "precious").await;
        let error = Prepared::publish_all(prepared).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
        assert_eq!(scene.names().await, ["a.csv", "three.parquet"]);
        assert_eq!(scene.get("three.parquet").await, "precious");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_are_taken_back_with_their_output() {
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..ConvertOptions::default() };
    for scene in [Scene::local(), Scene::memory()] {
        scene.put("a.csv", "id,name\n1,a\n2,b,c\n3,d\n4,e\n").await;
        scene.put("b.csv", "id\n1\n").await;
        let first = scene.prepare_with("a.csv", "one.parquet", &options).await;
        let second = scene.prepare("b.csv", "two.parquet").await;
        scene.put("two.parquet", "precious").await;
        Prepared::publish_all(vec![first, second]).await.unwrap_err();
        assert_eq!(scene.names().await, ["a.csv", "b.csv", "two.parquet"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_that_replaced_others_stay_when_a_later_one_fails() {
    let scene = Scene { if_exists: IfExists::Replace, ..Scene::local() };
    scene.put("one.parquet", "old").await;
    let prepared = prepared(&scene).await;
    std::fs::create_dir(scene.folder().join("two.parquet")).unwrap();
    Prepared::publish_all(prepared).await.unwrap_err();
    assert_eq!(scene.table("one.parquet").await.column("id"), [Some("1"), Some("2")]);
    assert_eq!(scene.names().await, ["a.csv", "one.parquet", "two.parquet"]);
}
