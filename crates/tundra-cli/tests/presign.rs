//! `tundra presign`, and what its URLs can be used for.

use std::{fs, process::Command};

use tundra_test_services::{LocalS3, S3};

use crate::support::{Ran, SALES, Sandbox, shows};

/// The program with the address of a store and its keys.
pub(crate) fn with_keys(mut command: Command, store: &S3) -> Command {
    command
        .env("AWS_ENDPOINT_URL", &store.endpoint)
        .env("AWS_REGION", &store.region)
        .env("AWS_ACCESS_KEY_ID", &store.key)
        .env("AWS_SECRET_ACCESS_KEY", &store.secret);
    command
}

/// The program with keys of a store that nobody asks.
fn offline(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut command = sandbox.tundra(arguments);
    command
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "hunter2");
    sandbox.finish(&mut command)
}

#[test]
fn the_url_is_the_only_data() {
    let sandbox = Sandbox::new();
    let ran = offline(&sandbox, &["presign", "s3://bucket/in/sales 1.csv"]).succeeds();
    let url = ran.stdout();
    assert!(
        url.starts_with("https://") && url.ends_with('\n') && url.lines().count() == 1,
        "{ran}"
    );
    for part in ["/in/sales%201.csv?", "X-Amz-Expires=3600", "X-Amz-SignedHeaders=host&"] {
        assert!(url.contains(part), "`{part}` is missing: {ran}");
    }
    assert_eq!(ran.stderr, "good for 1 hour, for one object by GET\n");
    assert!(!ran.to_string().contains("hunter2"));
    let quiet = offline(&sandbox, &["presign", "-q", "s3://bucket/in/sales.csv"]).succeeds();
    assert!(quiet.stderr.is_empty(), "{quiet}");
}

#[test]
fn a_put_binds_its_content_type_and_says_so() {
    let sandbox = Sandbox::new();
    let put = ["presign", "s3://bucket/a.csv", "--put", "--expires", "7d"];
    let ran = offline(&sandbox, &put).succeeds();
    assert!(ran.stdout().contains("X-Amz-Expires=604800"), "{ran}");
    assert_eq!(ran.stderr, "good for 7 days, for one object by PUT\n");
    let typed = [&put[..], &["--content-type", "text/csv"]].concat();
    let ran = offline(&sandbox, &typed).succeeds();
    assert!(ran.stdout().contains("X-Amz-SignedHeaders=content-type%3Bhost"), "{ran}");
    assert!(ran.stderr.ends_with("send it with the header `Content-Type: text/csv`\n"), "{ran}");

    let document = offline(&sandbox, &[&typed[..], &["--json"]].concat()).succeeds().json();
    assert_eq!(document["method"], "PUT");
    assert_eq!(document["location"], "s3://bucket/a.csv");
    assert_eq!(document["expires_in_seconds"], 604_800);
    assert_eq!(document["headers"]["Content-Type"], "text/csv");
    assert!(document["url"].as_str().unwrap().contains("X-Amz-Signature="));
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let sandbox = Sandbox::new();
    for (arguments, code, says) in [
        (vec!["presign", "s3://bucket/a", "--expires", "8d"], 2, "7 days"),
        (vec!["presign", "s3://bucket/a", "--expires", "1ms"], 2, "1 second"),
        (vec!["presign", "s3://bucket/a", "--expires", "soon"], 2, "--expires"),
        (vec!["presign", "s3://bucket/a", "--content-type", "text/csv"], 2, "--put"),
        (vec!["presign", "s3://bucket/a", "--put", "--content-type", "csv"], 2, "content type"),
        (vec!["presign", "s3://bucket/in/"], 2, "`s3://bucket/in/`"),
        (vec!["presign", "a.csv"], 2, "in a bucket"),
        (vec!["presign", "https://example.org/a.csv?sig=hush"], 2, "in a bucket"),
    ] {
        let ran = offline(&sandbox, &arguments).fails(code, &[says]);
        assert!(!ran.stderr.contains("hush"), "{ran}");
    }
}

#[test]
fn its_urls_are_read_and_written_without_any_keys() {
    let (server, sandbox) = (LocalS3::start().unwrap(), Sandbox::new());
    let bucket = server.folder().join(&server.store().bucket);
    fs::write(bucket.join("sales.csv"), SALES).unwrap();
    let sign = |arguments: &[&str]| {
        let arguments = [&["presign", "-q"], arguments].concat();
        let ran = sandbox.finish(&mut with_keys(sandbox.tundra(&arguments), server.store()));
        ran.succeeds().stdout().trim_end().to_owned()
    };
    let get = sign(&["s3://tundra/sales.csv"]);
    let put = sign(&["s3://tundra/sales.parquet", "--put"]);
    let typed = sign(&[
        "s3://tundra/typed.parquet",
        "--put",
        "--content-type",
        "application/vnd.apache.parquet",
    ]);
    for (to, name) in [(&put, "sales.parquet"), (&typed, "typed.parquet")] {
        let mut command = sandbox.tundra(&["convert", &get, "-o", to]);
        let ran = sandbox.finish(command.env("TUNDRA_URL_ALLOW_PRIVATE", "1")).succeeds();
        assert!(!ran.stderr.contains("Signature"), "{ran}");
        assert!(ran.stderr.contains(&format!("/tundra/{name}\n")), "{ran}");
        fs::copy(bucket.join(name), sandbox.path("back.parquet")).unwrap();
        assert_eq!(sandbox.rows("back.parquet").len(), 3);
        fs::remove_file(sandbox.path("back.parquet")).unwrap();
    }
    sandbox.holds_only(&[]);

    // A signature for reading is none for writing, and one for one object none for another.
    let other = get.replace("sales.csv", "other.csv");
    for arguments in [vec!["convert", &other, "-o", "x.parquet"], vec!["convert", &get, "-o", &get]]
    {
        let mut command = sandbox.tundra(&arguments);
        let ran = sandbox.finish(command.env("TUNDRA_URL_ALLOW_PRIVATE", "1"));
        assert_ne!(ran.code, Some(0), "{ran}");
        assert!(!ran.stderr.contains("Signature="), "{ran}");
        sandbox.holds_only(&[]);
    }
}

#[test]
fn its_help_lists_the_options() {
    shows!(Sandbox::new().run(&["presign", "-h"]), @r#"
    exit code: 0
    ----- stdout -----
    Sign a URL that lets somebody without credentials read or write one object

    Usage: tundra presign [OPTIONS] <LOCATION>

    Arguments:
      <LOCATION>  The object: s3://, r2://, gs:// or az://

    Options:
          --put                  Allow to write the object instead of reading it
          --expires <TIME>       How long the URL can be used, such as 15m, 1h or 7d, which is the most
                                 [default: 1h]
          --content-type <TYPE>  The content type that the object must be written with [default: any]
          --json                 Print the URL, its method and the headers that it needs as a JSON
                                 object
      -h, --help                 Print help (see more with '--help')

    Messages:
      -q, --quiet        Say nothing but errors
      -v, --verbose...   Say what is being done; twice for details
          --no-progress  Draw no progress bar

    Examples:
      tundra presign r2://bucket/in/sales.csv
      tundra presign s3://bucket/out/sales.parquet --put --expires 15m
      curl -T sales.csv -H 'Content-Type: text/csv' \
          "$(tundra presign --put --content-type text/csv s3://bucket/in/sales.csv)"
      tundra convert sales.csv -o "$(tundra presign --put s3://bucket/out/sales.parquet)"
    ----- stderr -----
    "#);
}
