//! Reading URLs from servers of every sort.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tundra_core::{Classify, ErrorKind, IfExists, ObjectReader, Storage, StorageError};
use tundra_storage::{AllowedHosts, HttpClient, HttpOptions, HttpStorage, Reach, UrlPolicy};

use crate::{
    http_server::{Answer, Manner, Request, Server},
    support::{error, names},
};

/// More than the first request asks for, and no multiple of anything.
const SIZE: usize = 300_007;

pub(crate) fn data() -> Vec<u8> {
    (0..SIZE as u32)
        .flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes())
        .take(SIZE)
        .collect()
}

/// Options for servers on this machine, with waits that no test notices.
pub(crate) fn options(temp: &Path) -> HttpOptions {
    let policy = UrlPolicy { hosts: AllowedHosts::Any, reach: Reach::Private, max_size: None };
    HttpOptions {
        temp_directory: temp.to_path_buf(),
        first_wait: Duration::from_millis(1),
        stall: Duration::from_millis(300),
        ..HttpOptions::new(policy)
    }
}

fn at(url: &str, options: HttpOptions) -> HttpStorage {
    HttpClient::new(options).unwrap().locate(url).unwrap().0
}

async fn open(url: &str, options: HttpOptions) -> Result<Arc<dyn ObjectReader>, StorageError> {
    let (storage, path) = HttpClient::new(options)?.locate(url)?;
    storage.open(&path).await
}

async fn read(url: &str, options: HttpOptions) -> Result<Vec<u8>, StorageError> {
    let reader = open(url, options).await?;
    let bytes = reader.read(0..reader.info().size).await?;
    reader.check_unchanged().await?;
    Ok(bytes.to_vec())
}

async fn good() -> Server {
    Server::start(|request| {
        Answer::object(request, &data(), "\"v1\"")
            .header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
    })
    .await
}

#[tokio::test]
async fn ranges_are_read_without_a_head_request() {
    let (server, temp) = (good().await, tempfile::tempdir().unwrap());
    let reader = open(&server.url("in/a%20b.csv"), options(temp.path())).await.unwrap();
    let info = reader.info();
    assert_eq!((info.path.as_str(), info.size), ("a b.csv", SIZE as u64));
    assert_eq!(info.etag.as_deref(), Some("\"v1\""));
    assert!(info.modified.is_some());
    for range in [0..1, 0..SIZE, 5..70_000, 65_535..65_537, 65_536..65_536, 299_000..SIZE] {
        let bytes = reader.read(range.start as u64..range.end as u64).await.unwrap();
        assert!(bytes == data()[range.clone()], "{range:?}");
    }
    reader.check_unchanged().await.unwrap();
    assert!(reader.read(0..SIZE as u64 + 1).await.is_err());
    let seen = server.seen();
    assert!(seen.iter().all(|request| request.method == "GET" && request.range().is_some()));
    assert_eq!(seen[0].target, "/in/a%20b.csv?X-Amz-Signature=hunter2");
    assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
    assert!(seen[0].header("user-agent").unwrap().starts_with("tundra/"));
    assert!(seen[1..].iter().all(|request| request.header("if-range") == Some("\"v1\"")));
    assert_eq!(names(temp.path()), [""; 0]);
}

#[tokio::test]
async fn a_small_object_is_one_request() {
    let server = Server::start(|request| Answer::object(request, b"id\n1\n", "\"v1\"")).await;
    let temp = tempfile::tempdir().unwrap();
    let reader = open(&server.url("a.csv"), options(temp.path())).await.unwrap();
    assert_eq!(reader.read(0..5).await.unwrap(), "id\n1\n");
    assert_eq!(reader.read(3..4).await.unwrap(), "1");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_empty_object_is_one_whatever_the_server_says() {
    let temp = tempfile::tempdir().unwrap();
    for answer in [Answer::new(416, "").header("Content-Range", "bytes */0"), Answer::new(200, "")]
    {
        let server = Server::scripted([answer]).await;
        assert_eq!(read(&server.url("a"), options(temp.path())).await.unwrap(), b"");
    }
    // S3 refuses the range without a word on the size.
    let server = Server::start(|request| match request.range() {
        Some(_) => Answer::new(416, "<Error><Code>InvalidRange</Code></Error>"),
        None => Answer::new(200, ""),
    })
    .await;
    assert_eq!(read(&server.url("a"), options(temp.path())).await.unwrap(), b"");
}

#[tokio::test]
async fn servers_without_ranges_or_lengths_are_read_once() {
    let temp = tempfile::tempdir().unwrap();
    for manner in [Manner::Whole, Manner::Chunked] {
        let server = Server::start(move |_| {
            Answer::new(200, data()).header("ETag", "W/\"v1\"").manner(manner)
        })
        .await;
        let reader = open(&server.url("a.csv"), options(temp.path())).await.unwrap();
        assert_eq!(reader.info().size, SIZE as u64);
        assert_eq!(reader.info().etag.as_deref(), Some("W/\"v1\""));
        assert!(reader.read(0..SIZE as u64).await.unwrap() == data());
        assert_eq!(reader.read(9..9).await.unwrap(), "");
        assert!(reader.as_file().is_some());
        reader.check_unchanged().await.unwrap();
        assert_eq!(server.seen().len(), 1);
        assert_eq!(names(temp.path()), [""; 0], "the temporary file has a name");
    }
}

#[tokio::test]
async fn a_range_without_the_size_of_the_whole_is_read_once() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::start(|request| match request.range() {
        Some((start, end)) => Answer::new(206, &data()[start..end])
            .header("Content-Range", format!("bytes {start}-{}/*", end - 1)),
        None => Answer::new(200, data()),
    })
    .await;
    assert!(read(&server.url("a.csv"), options(temp.path())).await.unwrap() == data());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_head_tells_the_size_without_reading() {
    let temp = tempfile::tempdir().unwrap();
    let (storage, path) =
        HttpClient::new(options(temp.path())).unwrap().locate(&good().await.url("a.csv")).unwrap();
    assert!(storage.head(&path).await.is_err(), "the server is gone");
    for manner in [Manner::Whole, Manner::Chunked] {
        let server = Server::start(move |_| Answer::new(200, data()).manner(manner)).await;
        let (storage, path) =
            HttpClient::new(options(temp.path())).unwrap().locate(&server.url("a.csv")).unwrap();
        assert_eq!(storage.head(&path).await.unwrap().size, SIZE as u64);
        assert_eq!(storage.list(None).await.unwrap()[0].size, SIZE as u64);
        assert!(storage.list(Some(&path)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_on_where_it_was() {
    let temp = tempfile::tempdir().unwrap();
    let count = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let answer = Answer::object(request, &data(), "\"v1\"");
        match count.fetch_add(1, Ordering::Relaxed) {
            1 => answer.manner(Manner::CutAfter(1000)),
            3 => answer.manner(Manner::SilentAfter(2000)),
            5 => answer.manner(Manner::Nothing),
            _ => answer,
        }
    })
    .await;
    let reader = open(&server.url("a.csv"), options(temp.path())).await.unwrap();
    let range = 100_000..200_000;
    for _ in 0..3 {
        let bytes = reader.read(range.start as u64..range.end as u64).await.unwrap();
        assert!(bytes == data()[range.clone()]);
    }
    let asked: Vec<_> = server.seen().iter().skip(1).map(|it| it.range().unwrap().0).collect();
    assert_eq!(asked, [100_000, 101_000, 100_000, 102_000, 100_000, 100_000]);
}

#[tokio::test]
async fn a_whole_body_that_breaks_off_begins_anew() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::scripted([
        Answer::new(200, data()).manner(Manner::CutAfter(200_000)),
        Answer::new(503, ""),
        Answer::new(200, data()),
    ])
    .await;
    assert!(read(&server.url("a.csv"), options(temp.path())).await.unwrap() == data());
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_server_that_gives_shorter_ranges_is_asked_again() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::start(|request| {
        let (start, end) = request.range().unwrap();
        let end = end.min(start + 10_000);
        Answer::new(206, &data()[start..end])
            .header("ETag", "\"v1\"")
            .header("Content-Range", format!("bytes {start}-{}/{SIZE}", end - 1))
    })
    .await;
    assert!(read(&server.url("a.csv"), options(temp.path())).await.unwrap() == data());
    assert_eq!(server.seen().len(), SIZE.div_ceil(10_000) + 1);
}

#[tokio::test]
async fn a_slow_loris_is_given_up() {
    let temp = tempfile::tempdir().unwrap();
    let options =
        HttpOptions { stall: Duration::from_millis(50), retries: 1, ..options(temp.path()) };
    for manner in [Manner::Dripping, Manner::SilentAfter(10)] {
        let server =
            Server::start(move |request| Answer::object(request, &data(), "\"v1\"").manner(manner))
                .await;
        let failed = error(open(&server.url("a.csv"), options.clone()).await);
        assert!(matches!(failed, StorageError::Unavailable { .. }), "{failed:?}");
        let cause = std::error::Error::source(&failed).unwrap().to_string();
        assert_eq!(cause, "the server sent next to nothing for 50ms");
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn what_can_pass_is_tried_again_and_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    for status in [408, 429, 500, 502, 503, 504] {
        let server = Server::scripted([
            Answer::new(status, ""),
            Answer::new(status, ""),
            Answer::new(200, "x"),
        ])
        .await;
        assert_eq!(read(&server.url("a"), options(temp.path())).await.unwrap(), b"x", "{status}");
    }
    for (status, body, kind) in [
        (400, "", ErrorKind::Unavailable),
        (401, "", ErrorKind::PermissionDenied),
        (403, "<Code>AccessDenied</Code>", ErrorKind::PermissionDenied),
        (
            403,
            "<Code>AccessDenied</Code><Message>Request has expired</Message>",
            ErrorKind::PermissionDenied,
        ),
        (404, "", ErrorKind::NotFound),
        (501, "", ErrorKind::Unavailable),
    ] {
        let server = Server::scripted([Answer::new(status, body)]).await;
        let failed = error(open(&server.url("a"), options(temp.path())).await);
        assert_eq!(failed.kind(), kind, "{status}: {failed:?}");
        assert_eq!(server.seen().len(), 1, "{status}");
        assert!(!format!("{failed} {failed:?}").contains("hunter2"), "{failed:?}");
    }
    let server = Server::scripted([Answer::new(503, "<Code>SlowDown</Code>")]).await;
    let failed = error(open(&server.url("a"), options(temp.path())).await);
    assert!(matches!(failed, StorageError::Unavailable { .. }), "{failed:?}");
    assert_eq!(server.seen().len(), 6, "the first and five more");
    assert!(format!("{failed:?}").contains("SlowDown"), "{failed:?}");
}

#[tokio::test]
async fn retry_after_is_kept_up_to_a_limit() {
    let temp = tempfile::tempdir().unwrap();
    let server =
        Server::scripted([Answer::new(429, "").header("Retry-After", "1"), Answer::new(200, "x")])
            .await;
    let began = std::time::Instant::now();
    assert_eq!(read(&server.url("a"), options(temp.path())).await.unwrap(), b"x");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());

    let server = Server::scripted([Answer::new(503, "").header("Retry-After", "3600")]).await;
    let failed = error(open(&server.url("a"), options(temp.path())).await);
    assert!(matches!(failed, StorageError::Unavailable { .. }), "{failed:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_object_that_changes_midway_is_noticed() {
    let temp = tempfile::tempdir().unwrap();
    type Make = fn(&Request, bool) -> Answer;
    let ways: [(&str, Make); 5] = [
        ("another tag in the range", |request, changed| {
            Answer::object(request, &data(), if changed { "\"v2\"" } else { "\"v1\"" })
        }),
        ("everything because of `If-Range`", |request, changed| match changed {
            true => Answer::new(200, data()).header("ETag", "\"v2\""),
            false => Answer::object(request, &data(), "\"v1\""),
        }),
        ("another size", |request, changed| {
            let data = data();
            let end = if changed { SIZE - 1 } else { SIZE };
            let mut answer = Answer::object(request, &data[..end], "\"v1\"");
            answer.headers.retain(|(name, _)| *name != "ETag");
            answer
        }),
        ("another time", |request, changed| {
            let mut answer = Answer::object(request, &data(), "\"v1\"");
            answer.headers.retain(|(name, _)| *name != "ETag");
            answer.header(
                "Last-Modified",
                if changed {
                    "Sun, 06 Nov 1994 08:49:37 GMT"
                } else {
                    "Sun, 06 Nov 1994 08:49:38 GMT"
                },
            )
        }),
        ("gone", |request, changed| match changed {
            true => Answer::new(404, ""),
            false => Answer::object(request, &data(), "\"v1\""),
        }),
    ];
    for (way, make) in ways {
        let count = AtomicUsize::new(0);
        let server =
            Server::start(move |request| make(request, count.fetch_add(1, Ordering::Relaxed) >= 2))
                .await;
        let reader = open(&server.url("a.csv"), options(temp.path())).await.unwrap();
        reader.read(100_000..100_010).await.unwrap();
        let failed = error(reader.read(100_000..100_010).await);
        assert!(matches!(failed, StorageError::Changed { .. }), "{way}: {failed:?}");
        let failed = error(reader.check_unchanged().await);
        assert!(matches!(failed, StorageError::Changed { .. }), "{way}: {failed:?}");
    }
}

#[tokio::test]
async fn other_bytes_than_those_asked_for_are_an_error() {
    let temp = tempfile::tempdir().unwrap();
    for wrong in ["bytes 0-9/300007", "bytes 100000-200000/300007", "bytes 99999-100008/300007"] {
        let server = Server::start(move |request| match request.range() {
            Some((0, _)) => Answer::object(request, &data(), "\"v1\""),
            _ => Answer::new(206, [0; 10]).header("ETag", "\"v1\"").header("Content-Range", wrong),
        })
        .await;
        let reader = open(&server.url("a.csv"), options(temp.path())).await.unwrap();
        assert!(reader.read(100_000..100_010).await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn the_size_limit_is_enforced_while_bytes_come() {
    let temp = tempfile::tempdir().unwrap();
    let mut options = options(temp.path());
    options.policy.max_size = Some(SIZE as u64 - 1);
    for manner in [Manner::Whole, Manner::Chunked] {
        let server = Server::start(move |_| Answer::new(200, data()).manner(manner)).await;
        let failed = error(open(&server.url("a"), options.clone()).await);
        assert!(
            matches!(failed, StorageError::TooLarge { limit, .. } if limit == SIZE as u64 - 1),
            "{failed:?}"
        );
        assert_eq!(failed.kind(), ErrorKind::LimitExceeded);
    }
    let server = good().await;
    let failed = error(open(&server.url("a"), options.clone()).await);
    assert!(matches!(failed, StorageError::TooLarge { .. }), "{failed:?}");
    options.policy.max_size = Some(SIZE as u64);
    assert!(read(&server.url("a"), options).await.unwrap() == data());
}

#[tokio::test]
async fn redirects_stay_on_the_host() {
    let temp = tempfile::tempdir().unwrap();
    let elsewhere = good().await;
    let other = elsewhere.port();
    let server = Server::start(move |request| {
        let to = |location: String| Answer::new(302, "").header("Location", location);
        match request.target.split('?').next().unwrap() {
            "/moved" => to("/now/here".to_owned()),
            "/now/here" => Answer::object(request, &data(), "\"v1\""),
            "/elsewhere" => to(format!("http://127.0.0.1:{other}/a?secret")),
            "/name" => to(format!("http://localhost:{other}/a")),
            "/metadata" => to("http://169.254.169.254/latest/".to_owned()),
            "/credentials" => {
                to(format!("http://user:secret@{}/a", request.header("host").unwrap()))
            }
            "/file" => to("file:///etc/passwd".to_owned()),
            "/round" => to("/round".to_owned()),
            _ => Answer::new(302, ""),
        }
    })
    .await;
    assert!(read(&server.url("moved"), options(temp.path())).await.unwrap() == data());
    for path in ["elsewhere", "name", "metadata", "credentials", "file", "round", "nowhere"] {
        let failed = error(open(&server.url(path), options(temp.path())).await);
        assert!(matches!(failed, StorageError::Refused { .. }), "{path}: {failed:?}");
        assert_eq!(failed.kind(), ErrorKind::PermissionDenied);
        assert!(!format!("{failed} {failed:?}").contains("secret"), "{failed:?}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn names_of_this_machine_are_refused_after_resolution() {
    let (server, temp) = (good().await, tempfile::tempdir().unwrap());
    let mut options = options(temp.path());
    let url = format!("http://localhost:{}/a.csv", server.port());
    assert!(read(&url, options.clone()).await.unwrap() == data());
    assert!(server.seen()[0].header("host").unwrap().starts_with("localhost:"));

    options.policy.reach = Reach::Public;
    let count = server.seen().len();
    let failed = error(open(&format!("https://localhost:{}/a.csv", server.port()), options).await);
    assert!(matches!(failed, StorageError::Refused { .. }), "{failed:?}");
    assert!(failed.to_string().contains("this machine"), "{failed}");
    assert_eq!(server.seen().len(), count, "nobody was asked");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_unavailable() {
    let temp = tempfile::tempdir().unwrap();
    let options = HttpOptions { retries: 0, ..options(temp.path()) };
    let failed = error(open("https://no-such-host.invalid/a.csv", options).await);
    assert!(matches!(failed, StorageError::Unavailable { .. }), "{failed:?}");
    assert_eq!(failed.retry(), tundra_core::Retry::Later);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let temp = tempfile::tempdir().unwrap();
    let url = good().await.url("a.csv");
    let failed = error(open(&url, options(temp.path())).await);
    assert!(matches!(failed, StorageError::Unavailable { .. }), "{failed:?}");
    assert!(!format!("{failed} {failed:?}").contains("hunter2"), "{failed:?}");
    assert!(failed.to_string().contains("/a.csv`"), "{failed}");
}

#[tokio::test]
async fn a_server_without_tls_is_no_store() {
    use tokio::io::AsyncWriteExt;

    let temp = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        // What a server for plain `http` says to a greeting of TLS.
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let url = format!("https://127.0.0.1:{port}/a.csv?hunter2");
    let failed = error(open(&url, options(temp.path())).await);
    assert!(matches!(failed, StorageError::NotAStore { .. }), "{failed:?}");
    assert!(!format!("{failed} {failed:?}").contains("hunter2"), "{failed:?}");
}

#[tokio::test]
async fn a_url_is_for_one_object() {
    let (server, temp) = (good().await, tempfile::tempdir().unwrap());
    let storage = at(&server.url("in/a.csv"), options(temp.path()));
    let other = "rejects.parquet".parse().unwrap();
    assert!(matches!(storage.head(&other).await, Err(StorageError::NotFound { .. })));
    assert!(matches!(storage.open(&other).await, Err(StorageError::NotFound { .. })));
    let failed = error(storage.create(&other, IfExists::Replace).await);
    let base = format!("http://127.0.0.1:{}/in", server.port());
    assert_eq!(
        failed.to_string(),
        format!(
            "`{base}/rejects.parquet` may not be used: a URL is for one object, and this is another \
             one"
        )
    );
    let own = "a.csv".parse().unwrap();
    assert_eq!(storage.display(&own), format!("{base}/a.csv"));
    assert!(matches!(storage.delete(&own).await, Err(StorageError::Refused { .. })));
    assert!(!format!("{storage:?}").contains("hunter2"));
    assert!(server.seen().is_empty());
}
