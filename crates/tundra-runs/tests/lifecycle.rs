//! From an upload to the version that readers see.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, stream};
use tundra_core::{Catalog, ConvertOptions};
use tundra_core::{
    Classify, ErrorKind, Format, NewSource, Receipt, SchemaChange, SchemaRule, Scope, VersionStatus,
};
use tundra_runs::{FileRun, Outcome, RunError};
use tundra_storage::UploadFate;

use crate::support::{Place, control, convert, new_source, run_of, version};

const TWO_ROWS: &str = "id,name\n1,Ann\n2,Bob\n";

#[tokio::test]
async fn an_upload_becomes_a_version_with_everything_beside_it() {
    let place = Place::new().await;
    let source = place.uploaded("people", TWO_ROWS).await;
    let conversion = convert(&place.runs, &source).await;

    assert_eq!(
        place.objects(&source),
        [
            "processed/ID/v1/_manifest.json",
            "processed/ID/v1/data.parquet",
            "raw/ID/v1/_manifest.json",
            "raw/ID/v1/data.csv",
        ]
    );
    let version = conversion.version;
    assert_eq!(version.status, VersionStatus::Active);
    let facts = version.facts.unwrap();
    assert_eq!((facts.rows, facts.columns), (2, 2));
    assert!(facts.seconds > 0.0);
    assert_eq!(place.again(&source).await.current_version, Some(version.number));
    let data = place.bucket(&source).join(format!("processed/{}/v1", source.id));
    assert_eq!(std::fs::metadata(data.join("data.parquet")).unwrap().len(), facts.size_bytes);
    assert_eq!(conversion.location, data.join("data.parquet").to_str().unwrap());
    let manifest = std::fs::read(data.join("_manifest.json")).unwrap();
    let receipt: Receipt = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(receipt, conversion.receipt);
    // The upload stays unless it is said otherwise.
    assert!(place.bucket(&source).join(format!("uploads/{}/in.csv", source.id)).exists());
}

#[tokio::test]
async fn an_upload_is_removed_only_when_told_so_and_after_its_archive() {
    let place = Place::new().await;
    let source = place.uploaded("people", TWO_ROWS).await;
    let run = FileRun { upload: UploadFate::Remove, ..run_of(&source) };
    place.runs.convert_file(run, &control()).await.unwrap();
    let bucket = place.bucket(&source);
    assert!(!bucket.join(format!("uploads/{}/in.csv", source.id)).exists());
    let raw = bucket.join(format!("raw/{}/v1/data.csv", source.id));
    assert_eq!(std::fs::read_to_string(raw).unwrap(), TWO_ROWS);
}

#[tokio::test]
async fn an_upload_without_a_file_name_is_found_and_archived_by_its_format() {
    let place = Place::new().await;
    let source = place.catalog.add_source(&new_source("bare")).await.unwrap();
    let uploads = place.bucket(&source).join("uploads");
    std::fs::create_dir_all(&uploads).unwrap();
    std::fs::write(uploads.join(source.id.to_string()), TWO_ROWS).unwrap();
    convert(&place.runs, &source).await;
    assert!(place.objects(&source).contains(&"raw/ID/v1/data.csv".to_owned()));
}

#[tokio::test]
async fn the_newest_upload_is_read() {
    let place = Place::new().await;
    let source = place.uploaded("people", TWO_ROWS).await;
    let uploads = place.bucket(&source).join(format!("uploads/{}", source.id));
    let old = std::fs::File::options().append(true).open(uploads.join("in.csv")).unwrap();
    old.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    place.upload(&source, "a.csv", "id\n1\n");
    let conversion = convert(&place.runs, &source).await;
    assert_eq!(conversion.version.facts.unwrap().rows, 1);
}

#[tokio::test]
async fn a_source_without_an_upload_says_where_one_would_be() {
    let place = Place::new().await;
    let source = place.catalog.add_source(&new_source("empty")).await.unwrap();
    let error = place.runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    assert!(matches!(error, RunError::NoUpload { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(&format!("uploads/{}", source.id)), "{error}");
    let versions = place.versions(&source).await;
    assert_eq!(versions[0].status, VersionStatus::Error);
    assert_eq!(versions[0].error_message.as_deref(), Some(&*error.to_string()));
}

#[tokio::test]
async fn a_file_that_cannot_be_converted_leaves_a_failed_version_and_nothing_else() {
    let place = Place::new().await;
    let source = place.uploaded("broken", "id,name\n1,Ann\n2,Bob,Oslo\n3,Cy\n4,Di\n").await;
    let error = place.runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(place.objects(&source), [""; 0]);
    let versions = place.versions(&source).await;
    assert_eq!(versions[0].status, VersionStatus::Error);
    let message = versions[0].error_message.as_deref().unwrap();
    assert!(message.contains("line 3"), "{message}");
    assert_eq!(place.again(&source).await.current_version, None);

    // The next run has the next number, and does not stumble.
    place.upload(&source, "in.csv", TWO_ROWS);
    let conversion = convert(&place.runs, &source).await;
    assert_eq!(conversion.version.number, version(2));
}

#[tokio::test]
async fn a_connector_type_that_is_no_format_is_refused_before_anything_is_written() {
    let place = Place::new().await;
    let source = NewSource { connector_type: "salesforce".to_owned(), ..new_source("odd") };
    let source = place.catalog.add_source(&source).await.unwrap();
    let error = place.runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    assert!(matches!(error, RunError::NotAFile { .. }), "{error}");
    assert!(place.versions(&source).await.is_empty());

    // The caller may know better.
    place.upload(&source, "in.txt", TWO_ROWS);
    let options = ConvertOptions { format: Some(Format::Csv), ..ConvertOptions::default() };
    let run = FileRun { options, ..run_of(&source) };
    place.runs.convert_file(run, &control()).await.unwrap();
}

#[tokio::test]
async fn a_run_that_is_cancelled_says_so_in_its_version() {
    let place = Place::new().await;
    let source = place.uploaded("people", TWO_ROWS).await;
    let control = control();
    control.cancel.cancel();
    let error = place.runs.convert_file(run_of(&source), &control).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let versions = place.versions(&source).await;
    assert_eq!(versions[0].error_message.as_deref(), Some("cancelled"));
    assert_eq!(place.objects(&source), [""; 0]);
}

#[tokio::test]
async fn a_key_that_was_used_gives_the_first_version() {
    let place = Place::new().await;
    let source = place.uploaded("people", TWO_ROWS).await;
    let key = Some("request 7".parse().unwrap());
    let run = FileRun { key: key.clone(), ..run_of(&source) };
    let first = place.runs.convert_file(run.clone(), &control()).await.unwrap();
    let Outcome::Converted(first) = first else { panic!("{first:?}") };
    let second = place.runs.convert_file(run, &control()).await.unwrap();
    let Outcome::Earlier(second) = second else { panic!("{second:?}") };
    assert_eq!(second, first.version);
    assert_eq!(place.versions(&source).await.len(), 1);

    // Another request is another version.
    let run = FileRun { key: Some("request 8".parse().unwrap()), ..run_of(&source) };
    let third = place.runs.convert_file(run, &control()).await.unwrap();
    assert!(matches!(third, Outcome::Converted(it) if it.version.number == version(2)));
}

#[tokio::test]
async fn breaking_changes_are_refused_where_the_source_says_so() {
    let place = Place::new().await;
    let source = NewSource { schema_rule: SchemaRule::NoBreaking, ..new_source("strict") };
    let source = place.catalog.add_source(&source).await.unwrap();
    place.upload(&source, "in.csv", "id,zip\n1,100\n");
    assert_eq!(convert(&place.runs, &source).await.differences, None);

    // A wider type and a new column break nobody.
    place.upload(&source, "in.csv", "id,zip,more\n1,10000000000,x\n");
    let source = place.again(&source).await;
    let differences = convert(&place.runs, &source).await.differences.unwrap();
    let changes: Vec<SchemaChange> = differences.iter().map(|it| it.change).collect();
    assert!(changes.iter().all(|change| !change.is_breaking()), "{differences:?}");
    assert!(changes.contains(&SchemaChange::Added), "{differences:?}");

    place.upload(&source, "in.csv", "id,zip\n1,00713\n");
    let source = place.again(&source).await;
    let error = place.runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    assert!(matches!(error, RunError::BreakingSchema { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let message = error.to_string();
    assert!(message.contains("`more`") && message.contains("`zip`"), "{message}");
    assert_eq!(place.again(&source).await.current_version, Some(version(2)));
    assert!(!place.objects(&source).iter().any(|it| it.contains("/v3/")));
}

#[tokio::test]
async fn a_version_without_a_receipt_is_compared_by_its_data() {
    let place = Place::new().await;
    let source = place.uploaded("old", "id,zip\n1,100\n").await;
    convert(&place.runs, &source).await;
    let v1 = place.bucket(&source).join(format!("processed/{}/v1", source.id));
    std::fs::remove_file(v1.join("_manifest.json")).unwrap();
    place.upload(&source, "in.csv", "id\n1\n");
    let source = place.again(&source).await;
    let differences = convert(&place.runs, &source).await.differences.unwrap();
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(differences[0].change, SchemaChange::Removed);
}

#[tokio::test]
async fn two_runs_at_once_get_two_numbers_and_both_end_right() {
    let place = Place::new().await;
    let source = place.uploaded("people", TWO_ROWS).await;
    let (one, other) = Box::pin(futures::future::join(
        convert(&place.runs, &source),
        convert(&place.runs, &source),
    ))
    .await;
    let numbers: BTreeSet<u32> = [one, other].iter().map(|it| it.version.number.get()).collect();
    assert_eq!(numbers, BTreeSet::from([1, 2]));
    assert_eq!(place.again(&source).await.current_version, Some(version(2)));
    assert_eq!(place.objects(&source).len(), 8);
}

/// Enough that writers of the catalog meet all the time.
const MANY: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_runs_sixteen_at_once_meet_no_lock() {
    let place = Arc::new(Place::new().await);
    let text: String =
        "id,name,amount\n".chars().chain("1,Ann,1.50\n".repeat(900).chars()).collect();
    let mut sources = Vec::new();
    for name in 0..20 {
        sources.push(place.uploaded(&format!("s{name}"), &text).await);
    }
    let sources = Arc::new(sources);
    let runs = stream::iter(0..MANY).map(|at| {
        let (place, sources) = (Arc::clone(&place), Arc::clone(&sources));
        async move { convert(&place.runs, &sources[at % sources.len()]).await }
    });
    let done: Vec<_> = runs.buffer_unordered(16).collect().await;
    assert_eq!(done.len(), MANY);
    for source in sources.iter() {
        let versions = place.versions(source).await;
        assert_eq!(versions.len(), MANY / sources.len());
        assert!(versions.iter().all(|it| it.status == VersionStatus::Active));
        let newest = versions.last().map(|it| it.number);
        assert_eq!(
            place.catalog.source(&Scope::All, source.id).await.unwrap().current_version,
            newest
        );
    }
}
