//! What becomes of inputs that cannot be read.

use std::io::{Cursor, Write};

use tundra_core::{
    BadFilePolicy, BadRowPolicy, Classify, ConvertOptions, Error, ErrorKind, ManyInputs, Stage,
};

use super::{adds_up, inputs, run, scene_of};
use crate::support::{CancelAt, OUTPUT, Scene, path};

const GOOD: (&str, &str) = ("a.csv", "id,name\n1,a\n2,b\n");
const BAD: (&str, &str) = ("b.csv", "id,name\n3,c\n4,d,e,f\n5,e\n6,e\n7,e\n");
const EMPTY: (&str, &str) = ("c.csv", "");
const LAST: (&str, &str) = ("d.csv", "id,name\n8,h\n");

fn rejecting(inputs: ManyInputs) -> ManyInputs {
    ManyInputs { on_bad_file: BadFilePolicy::Reject, ..inputs }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_fails_the_run_by_its_name() {
    for (bad, named) in [(BAD, "b.csv"), (EMPTY, "c.csv")] {
        let scene = scene_of(Scene::local(), &[GOOD, bad, LAST]).await;
        let asked = inputs(&scene, &["a.csv", bad.0, "d.csv"]);
        let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(scene.names().await, ["a.csv", bad.0, "d.csv"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_are_left_out_whole_and_told() {
    let files = [GOOD, BAD, EMPTY, LAST];
    for scene in [Scene::local(), Scene::memory()] {
        let scene = scene_of(scene, &files).await;
        let asked = rejecting(inputs(&scene, &["a.csv", "b.csv", "c.csv", "d.csv"]));
        let receipt = run(&scene, &asked, &ConvertOptions::default()).await.unwrap();
        let table = scene.table(OUTPUT).await;
        adds_up(&receipt, &table);
        assert_eq!(table.column("id"), [Some("1"), Some("2"), Some("8")]);
        assert_eq!(receipt.plan.source.inputs.as_ref().unwrap().left_out, 2);
        let reasons: Vec<Option<&str>> =
            receipt.inputs.iter().map(|input| input.left_out.as_deref()).collect();
        assert_eq!((reasons[0], reasons[3]), (None, None));
        let broken = reasons[1].unwrap();
        assert!(broken.contains("b.csv") && broken.contains("line 3"), "{broken}");
        assert!(reasons[2].unwrap().contains("is empty"), "{reasons:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_nothing_of_what_is_asked_is_a_bad_file() {
    let zip = |members: &[&str]| {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in members {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(b"id,name\n9,z\n").unwrap();
        }
        archive.finish().unwrap().into_inner()
    };
    let scene = scene_of(Scene::memory(), &[GOOD]).await;
    scene.put("two.zip", zip(&["a.csv", "b.csv"])).await;
    scene.put("other.zip", zip(&["a.txt"])).await;
    let members = |asked: ManyInputs| ManyInputs { members: "*.csv".parse().ok(), ..asked };
    let member = ConvertOptions { member: Some("a.csv".to_owned()), ..ConvertOptions::default() };
    let names = ["a.csv", "two.zip", "other.zip"];
    let asked = || rejecting(inputs(&scene, &names));
    for (asked, options, says, rows) in [
        (asked(), ConvertOptions::default(), [None, Some("2 members"), None], 3),
        (asked(), member, [Some("no archive"), None, Some("no member `a.csv`")], 1),
        (
            members(asked()),
            ConvertOptions::default(),
            [Some("no archive"), None, Some("matches")],
            2,
        ),
    ] {
        let receipt = run(&scene, &asked, &options).await.unwrap();
        let table = scene.table(OUTPUT).await;
        adds_up(&receipt, &table);
        assert_eq!(table.rows.len(), rows);
        for (name, says) in names.iter().zip(says) {
            let mut of_input = receipt.inputs.iter().filter(|it| it.location.ends_with(name));
            let reason = of_input.next().unwrap().left_out.as_deref();
            assert_eq!(reason.is_some(), says.is_some(), "{name}: {reason:?}");
            assert!(reason.unwrap_or_default().contains(says.unwrap_or_default()), "{reason:?}");
        }
        scene.storage.delete(&path(OUTPUT)).await.unwrap();
        let failing = ManyInputs { on_bad_file: BadFilePolicy::Fail, ..asked };
        let error = run(&scene, &failing, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_left_out_has_no_say_in_the_types() {
    let bad = ("b.csv", "id,name\n00713,c\n4,d,e,f\n5,e\n6,e\n7,e\n");
    let scene = scene_of(Scene::memory(), &[GOOD, bad]).await;
    let asked = rejecting(inputs(&scene, &["a.csv", "b.csv"]));
    run(&scene, &asked, &ConvertOptions::default()).await.unwrap();
    assert_eq!(scene.table(OUTPUT).await.type_of("id"), "BIGINT");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_when_all_files_are_bad() {
    let scene = scene_of(Scene::memory(), &[EMPTY, ("e.csv", "")]).await;
    let asked = rejecting(inputs(&scene, &["c.csv", "e.csv"]));
    let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
    assert!(matches!(error, Error::NothingReadable { inputs: 2, .. }), "{error}");
    assert_eq!(scene.names().await, ["c.csv", "e.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_fails_whatever_the_policy() {
    let scene = scene_of(Scene::memory(), &[GOOD]).await;
    let asked = rejecting(inputs(&scene, &["a.csv", "nowhere.csv"]));
    let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_are_set_aside_with_the_name_of_their_file() {
    let scene = scene_of(Scene::local(), &[GOOD, BAD, LAST]).await;
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..ConvertOptions::default() };
    let asked = inputs(&scene, &["a.csv", "b.csv", "d.csv"]);
    let receipt = run(&scene, &asked, &options).await.unwrap();
    adds_up(&receipt, &scene.table(OUTPUT).await);
    assert_eq!(receipt.counts.rejected, 1);
    assert_eq!(receipt.inputs[1].counts.rejected, 1);
    assert_eq!(receipt.inputs[1].events[0].samples[0].line, 3);
    assert!(receipt.events.iter().all(|event| event.samples.is_empty() && event.count == 1));
    let rejects = scene.table("rejects.parquet").await;
    assert!(rejects.column("input")[0].unwrap().ends_with("b.csv"));
    assert_eq!(rejects.column("raw"), [Some("4,d,e,f")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_leaves_nothing() {
    for stage in [Stage::Inspecting, Stage::Converting, Stage::Verifying] {
        let mut scene = scene_of(Scene::local(), &[GOOD, LAST]).await;
        let cancel = scene.control.cancel.clone();
        scene.control.reporter = std::sync::Arc::new(CancelAt { stage, cancel });
        let asked = inputs(&scene, &["a.csv", "d.csv"]);
        let error = run(&scene, &asked, &ConvertOptions::default()).await.unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
        assert_eq!(scene.names().await, ["a.csv", "d.csv"]);
    }
}
