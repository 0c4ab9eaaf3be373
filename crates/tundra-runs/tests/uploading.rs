//! Files that are sent, and what is seen of the versions made of them.

use std::time::{Duration, Instant};

use tundra_core::{Catalog, Classify, Control, Error, ErrorKind, Receipt, Secret, VersionStatus};
use tundra_runs::{RunError, Runs, Warehouse};
use tundra_storage::{Layout, StoreSettings, Stores};

use crate::support::{Place, control, convert, new_source, run_of, version};

#[tokio::test]
async fn a_file_that_is_sent_is_converted_by_the_next_run() {
    let place = Place::new().await;
    let source = place.catalog.add_source(&new_source("people")).await.unwrap();
    let warehouse = place.runs.warehouse();
    assert!(!warehouse.signs());
    for text in ["id\n1\n", "id\n1\n2\n"] {
        let mut writer = warehouse.upload_writer(&source, "in.csv").await.unwrap();
        for byte in text.as_bytes().chunks(1) {
            writer.write(byte.to_vec().into()).await.unwrap();
        }
        writer.publish().await.unwrap();
        let rows = convert(&place.runs, &source).await.version.facts.unwrap().rows;
        assert_eq!(rows, text.lines().count() as u64 - 1);
    }
}

#[tokio::test]
async fn a_file_that_is_given_up_leaves_nothing() {
    let place = Place::new().await;
    let source = place.catalog.add_source(&new_source("people")).await.unwrap();
    let mut writer = place.runs.warehouse().upload_writer(&source, "in.csv").await.unwrap();
    writer.write("id\n1\n".into()).await.unwrap();
    drop(writer);
    let error = place.runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for name in ["", "..", "a/b", "a\\b", "a\nb"] {
        let error = place.runs.warehouse().upload_writer(&source, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{name:?}");
    }
}

#[tokio::test]
async fn a_store_takes_the_bytes_itself_by_a_url_for_one_name() {
    let place = Place::new().await;
    let source = place.catalog.add_source(&new_source("people")).await.unwrap();
    let lasts = Duration::from_secs(60);
    let error = place.runs.warehouse().sign_upload(&source, "in.csv", None, lasts).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidRequest);

    let mut settings = StoreSettings::default();
    settings.r2.account_id = Some("0123456789abcdef0123456789abcdef".to_owned());
    settings.r2.access_key_id = Some("AKID".to_owned());
    settings.r2.secret_access_key = Some(Secret::new("hunter2"));
    let warehouse = Warehouse::new("r2://", Layout::standard(), Stores::new(settings)).unwrap();
    assert!(warehouse.signs());
    let signed = warehouse.sign_upload(&source, "a b.csv", None, lasts).await.unwrap();
    assert_eq!(signed.method, "PUT");
    assert_eq!(signed.location, format!("r2://org-acme/uploads/{}/a b.csv", source.id));
    let url = signed.url.expose();
    assert!(url.contains(&format!("org-acme/uploads/{}/a%20b.csv?", source.id)), "{url}");
    assert!(!url.contains("hunter2"));
    let error = warehouse.sign_upload(&source, "../b.csv", None, lasts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_keeps_no_run_that_is_to_stop() {
    let place = Place::new().await;
    let source = place.catalog.add_source(&new_source("people")).await.unwrap();
    // It takes connections, because the system does, and never answers.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = StoreSettings::default();
    settings.r2.endpoint = Some(format!("http://{}", deaf.local_addr().unwrap()));
    settings.r2.access_key_id = Some("AKID".to_owned());
    settings.r2.secret_access_key = Some(Secret::new("hunter2"));
    let warehouse = Warehouse::new("r2://", Layout::standard(), Stores::new(settings)).unwrap();
    let runs = Runs::new(place.catalog.clone(), warehouse);

    let timeout = Duration::from_millis(100);
    let late = Control { timeout: Some(timeout), ..control() };
    let begun = Instant::now();
    let error = runs.convert_file(run_of(&source), &late).await.unwrap_err();
    let is_whole = matches!(error, RunError::Engine(Error::Timeout(limit)) if limit == timeout);
    assert!(is_whole, "{error:?}");

    let stopped = control();
    let cancel = stopped.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(timeout).await;
        cancel.cancel();
    });
    let error = runs.convert_file(run_of(&source), &stopped).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let versions = place.versions(&source).await;
    assert!(versions.iter().all(|version| version.status == VersionStatus::Error));
}

#[tokio::test]
async fn a_version_shows_its_receipt_and_its_first_rows() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id,name\n1,Ann\n2,Bob\n").await;
    let conversion = convert(&place.runs, &source).await;
    let text = place.runs.receipt_text(&source, &conversion.version).await.unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Receipt>(&text).unwrap(), conversion.receipt);
    let rows = place.runs.first_rows(&source, &conversion.version, 1, &control()).await.unwrap();
    assert_eq!((rows.total_rows, rows.batches[0].num_rows()), (2, 1));

    place.upload(&source, "in.csv", "id,name\n1,2\n3\n4,5,6\n");
    place.runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    let failed = place.catalog.version(&source, version(2)).await.unwrap();
    let error = place.runs.first_rows(&source, &failed, 1, &control()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let error = place.runs.receipt_text(&source, &failed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
