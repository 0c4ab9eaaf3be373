//! `tundra clean`.

use tundra_test_services::S3;

use crate::{
    presign::with_keys,
    support::{Ran, Sandbox},
};

fn run(sandbox: &Sandbox, store: &S3, arguments: &[&str]) -> Ran {
    sandbox.finish(&mut with_keys(sandbox.tundra(arguments), store))
}

#[test]
fn only_stores_that_keep_uploads_can_be_cleaned() {
    let sandbox = Sandbox::new();
    sandbox.run(&["clean", ".", "--older-than", "1d"]).fails(2, &["keeps no uploads"]);
    let web = ["clean", "https://example.org/a?sig=hush", "--older-than", "1d"];
    let ran = sandbox.run(&web).fails(2, &["keeps no uploads"]);
    assert!(!ran.stderr.contains("hush"), "{ran}");
    sandbox.run(&["clean", "s3://bucket/"]).fails(2, &["--older-than"]);
}

mod garage {
    use tundra_test_services::env;

    use super::run;
    use crate::support::Sandbox;

    #[tokio::test]
    async fn abandoned_uploads_are_found_and_removed_and_objects_are_not() {
        let sandbox = Sandbox::new();
        let store = env::garage().unwrap().new_bucket().await.unwrap();
        for key in ["out/a.parquet", "out/b.parquet", "other/c.parquet"] {
            store
                .request("POST", &format!("{key}?uploads"), &[], "")
                .await
                .unwrap()
                .success()
                .unwrap();
        }
        store.request("PUT", "out/done.parquet", &[], "x").await.unwrap().success().unwrap();
        let all = format!("s3://{}/", store.bucket);
        let out = format!("{all}out/");

        let recent = run(&sandbox, &store, &["clean", &all, "--older-than", "1h"]).succeeds();
        assert!(recent.stdout.is_empty(), "{recent}");
        assert_eq!(recent.stderr, "found no abandoned uploads\n");

        // Older than next to nothing is every one of them.
        let now = ["clean", &out, "--older-than", "1ms"];
        let dry = run(&sandbox, &store, &[&now[..], &["--dry-run"]].concat()).succeeds();
        let keys: Vec<&str> =
            dry.stdout().lines().filter_map(|line| line.split('\t').nth(1)).collect();
        assert_eq!(keys, [format!("{out}a.parquet"), format!("{out}b.parquet")], "{dry}");
        assert_eq!(dry.stderr, "found 2 abandoned uploads; nothing was removed\n");
        assert_eq!(store.uploads("").await.unwrap().len(), 3);

        let ran = run(&sandbox, &store, &[&now[..], &["--json"]].concat()).succeeds();
        let removed = ran.json();
        assert_eq!(removed[0]["location"], format!("{out}a.parquet"));
        assert_eq!(removed[1]["removed"], true);
        assert!(removed[0]["id"].is_string() && removed[0]["begun"].is_string(), "{removed}");
        assert_eq!(store.uploads("").await.unwrap(), ["other/c.parquet"]);

        let rest = run(&sandbox, &store, &["clean", &all, "--older-than", "1ms"]).succeeds();
        assert_eq!(rest.stderr, "removed 1 abandoned upload\n");
        // Objects stay. Without its last `/` a prefix is found as well.
        for location in [&*all, &out, out.trim_end_matches('/')] {
            let left = run(&sandbox, &store, &["ls", location]).succeeds();
            assert_eq!(left.stdout(), format!("{out}done.parquet\n"), "{location}");
        }
    }
}
