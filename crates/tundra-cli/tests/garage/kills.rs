//! Programs that are killed without warning, at random moments.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{process::Command, task::JoinSet, time::sleep};
use tundra_core::Secret;
use tundra_storage::{StoreSettings, Stores};

use super::{Setup, csv};
use crate::support::rows_of;

const KILLS: u64 = 100;

/// Conversions at once.
const AT_ONCE: usize = 4;

/// Three parts of an upload.
const ROWS: u64 = 600_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_conversion_never_shows_a_part_of_an_object() {
    let setup = Setup::new().await;
    setup.sandbox.write("in.csv", csv(ROWS));
    let start = |key: &str| {
        let to = setup.at(key);
        let mut command = setup.tundra(&setup.bucket, &["convert", "in.csv", "-o", &to]);
        // Small row groups, so that parts are sent from early on.
        command
            .args(["--compression", "none", "--row-group-size", "50000"])
            .args(["--threads", "1", "--memory", "1GiB"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Command::from(command).kill_on_drop(true).spawn().unwrap()
    };

    // How long it takes when as many run at once as will.
    let began = Instant::now();
    let mut whole = JoinSet::new();
    for number in 0..AT_ONCE {
        let mut child = start(&format!("whole/{number}"));
        whole.spawn(async move { child.wait().await.unwrap().success() });
    }
    assert!(whole.join_all().await.into_iter().all(|succeeded| succeeded));
    let takes = began.elapsed();
    let expected = setup.get("whole/0").await.unwrap();
    assert_eq!(rows_of(expected.to_vec()).len() as u64, ROWS);
    assert_eq!(setup.bucket.uploads("").await.unwrap(), [""; 0]);

    let mut running = JoinSet::new();
    for number in 0..KILLS {
        if running.len() == AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
        let mut child = start(&format!("killed/{number}"));
        let moment = takes.mul_f64(1.05 * spread(number));
        running.spawn(async move {
            // Not to wait for something, but to strike at that moment.
            sleep(moment).await;
            // One that is done already cannot be killed.
            let _ = child.kill().await;
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }

    let mut visible = 0;
    for number in 0..KILLS {
        if let Some(bytes) = setup.get(&format!("killed/{number}")).await {
            assert!(bytes == expected, "{number} is there with {} bytes", bytes.len());
            visible += 1;
        }
    }
    let left = setup.bucket.uploads("").await.unwrap();
    assert!(left.len() > 10, "only {} of {KILLS} were killed while they sent", left.len());
    assert!(visible < KILLS as usize - left.len() + 1, "{visible} visible, {} left", left.len());

    let mut settings = StoreSettings::default();
    settings.s3.endpoint = Some(setup.bucket.endpoint.clone());
    settings.s3.region = Some(setup.bucket.region.clone());
    settings.s3.access_key_id = Some(setup.bucket.key.clone());
    settings.s3.secret_access_key = Some(Secret::new(setup.bucket.secret.clone()));
    let janitor = Stores::new(settings).janitor(&setup.at("")).unwrap();
    let found = janitor.find(Duration::ZERO).await.unwrap();
    assert_eq!(found.len(), left.len());
    for upload in found {
        janitor.abort(&upload).await.unwrap();
    }
    assert_eq!(setup.bucket.uploads("").await.unwrap(), [""; 0]);
}

/// Returns numbers from 0 to 1 that lie evenly, and in no order.
fn spread(number: u64) -> f64 {
    // The golden ratio: each number falls into the largest gap of those before.
    (number as f64 * 0.618_033_988_749_895).fract()
}
