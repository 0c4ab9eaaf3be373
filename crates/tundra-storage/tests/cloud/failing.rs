//! What becomes of answers that are no success, and of none.

use std::time::{Duration, Instant};

use tundra_core::{Classify, ErrorKind, StorageError};

use super::{
    at,
    server::{Reply, Server},
    settings, told,
};
use crate::support::{error, get, path};

#[tokio::test]
async fn a_refusal_is_explained_though_a_look_says_nothing() {
    for (status, code, expected, kind) in [
        (404, "NoSuchBucket", "NoContainer", ErrorKind::NotFound),
        (404, "NoSuchKey", "NotFound", ErrorKind::NotFound),
        (403, "AccessDenied", "PermissionDenied", ErrorKind::PermissionDenied),
        (403, "InvalidAccessKeyId", "Unauthenticated", ErrorKind::PermissionDenied),
        (403, "SignatureDoesNotMatch", "Unauthenticated", ErrorKind::PermissionDenied),
        (400, "ExpiredToken", "Unauthenticated", ErrorKind::PermissionDenied),
        (403, "RequestTimeTooSkewed", "ClockSkew", ErrorKind::Unavailable),
        (301, "PermanentRedirect", "NoContainer", ErrorKind::NotFound),
    ] {
        let server = Server::start(move |request, _| match request.method.as_str() {
            "HEAD" => Reply::new(status, ""),
            _ => Reply::error(status, code, "The reason."),
        })
        .await;
        let (storage, key) = at(&server.endpoint, "s3://bucket/in/a.csv");
        let error = error(storage.open(&key).await.map(drop));
        assert!(format!("{error:?}").starts_with(expected), "{code}: {error:?}");
        assert_eq!(error.kind(), kind, "{code}");
        assert!(!error.hints().is_empty(), "{code}");
        let text = told(&error);
        assert!(text.contains("s3://bucket"), "{text}");
        if expected != "NotFound" {
            assert!(text.contains(&format!("answered {status} {code}: The reason")), "{text}");
        }
        assert_eq!(server.log(), ["HEAD /bucket/in/a.csv", "GET /bucket/in/a.csv"]);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let server = Server::start(|request, before| match before {
        0 => Reply::error(503, "SlowDown", "Please reduce your request rate."),
        1 => Reply::hangup(),
        _ => Reply::object(request, b"data"),
    })
    .await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    assert_eq!(storage.head(&key).await.unwrap().size, 4);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_store_that_says_when_to_come_back_is_heard() {
    let server = Server::start(|request, before| match before {
        0 => Reply::new(429, "").with("retry-after", "1"),
        _ => Reply::object(request, b"data"),
    })
    .await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    let begun = Instant::now();
    storage.head(&key).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn giving_up_tells_how_often_and_what_was_last() {
    let server =
        Server::start(|_, _| Reply::error(503, "SlowDown", "Please reduce your rate.")).await;
    let (storage, _) = at(&server.endpoint, "s3://bucket/a");
    let error = error(storage.list(None).await);
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    let text = told(&error);
    assert!(text.contains("answered 503 SlowDown: Please reduce your rate"), "{text}");
    assert!(text.contains("the last of 3 attempts"), "{text}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn silence_ends() {
    let server = Server::start(|_, _| Reply::mute()).await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    let begun = Instant::now();
    let error = error(storage.head(&key).await);
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    assert!(told(&error).contains("was silent for 0.4 s"), "{}", told(&error));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn drops_of_data_end_too() {
    const SIZE: usize = 100_000;
    let server = Server::start(|request, _| {
        let reply = Reply::object(request, &[1; SIZE]);
        if request.method == "GET" { reply.paced(1, Duration::from_millis(50)) } else { reply }
    })
    .await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    let reader = storage.open(&key).await.unwrap();
    let begun = Instant::now();
    let error = error(reader.read(0..SIZE as u64).await);
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    assert!(told(&error).contains("bytes in 0.4 s"), "{}", told(&error));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_long_transfer_is_no_silence() {
    const SIZE: usize = 200_000;
    let server = Server::start(|request, _| {
        let reply = Reply::object(request, &[1; SIZE]);
        let pause = Duration::from_millis(100);
        if request.method == "GET" { reply.paced(SIZE / 12, pause) } else { reply }
    })
    .await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    let begun = Instant::now();
    assert_eq!(get(&*storage, key.as_str()).await.unwrap().len(), SIZE);
    // Three times as long as nothing may be heard.
    assert!(begun.elapsed() > Duration::from_millis(1200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_on_where_it_was() {
    let data: Vec<u8> = (0..50_000_u32).map(|number| number as u8).collect();
    let sent = data.clone();
    let server = Server::start(move |request, before| {
        let reply = Reply::object(request, &sent);
        if before == 1 { reply.cut_after(20_000) } else { reply }
    })
    .await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    assert_eq!(get(&*storage, key.as_str()).await.unwrap(), data);
    let ranges: Vec<_> =
        server.requests().iter().filter_map(|it| it.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes=0-49999", "bytes=20000-49999"]);
}

#[tokio::test]
async fn an_object_that_is_replaced_meanwhile_is_not_mixed() {
    let server = Server::start(|request, before| {
        let reply = Reply::object(request, &[1; 10_000]);
        match before {
            1 => reply.cut_after(4000),
            2 => Reply::error(412, "PreconditionFailed", "It is another one."),
            _ => reply,
        }
    })
    .await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    let error = error(get(&*storage, key.as_str()).await);
    assert!(matches!(error, StorageError::Changed { .. }), "{error:?}");
    assert_eq!(server.requests()[2].header("if-match"), Some("\"tag\""));
}

#[tokio::test]
async fn what_is_no_store_is_told_as_such() {
    let page = Server::start(|_, _| {
        Reply::new(200, "<!DOCTYPE html><html></html>").with("content-type", "text/html")
    })
    .await;
    let wall = Server::start(|_, _| {
        Reply::new(403, "<html>Forbidden</html>").with("content-type", "text/html")
    })
    .await;
    let shell = Server::shouting(b"SSH-2.0-OpenSSH_9.9\r\n").await;
    let tls = page.endpoint.replace("http://", "https://");
    let nobody = {
        let gone = Server::start(|_, _| Reply::hangup()).await;
        gone.endpoint.clone()
    };
    for (endpoint, reason) in [
        (&page.endpoint, "answers with a page for people"),
        (&wall.endpoint, "answered 403 with a page for people"),
        (&shell.endpoint, "it does not speak HTTP"),
        (&tls, "tls handshake"),
        (&nobody, "could not connect to"),
    ] {
        let (storage, _) = at(endpoint, "s3://bucket/a");
        let error = error(storage.list(None).await);
        assert!(matches!(error, StorageError::NotAStore { .. }), "{endpoint}: {error:?}");
        let text = told(&error);
        assert!(text.contains(endpoint.as_str()) && text.contains(reason), "{text}");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_server_without_ranges_is_no_store() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "HEAD" => Reply::object(request, &[1; 10]),
        _ => Reply::new(200, [1; 10]),
    })
    .await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    let error = error(get(&*storage, key.as_str()).await);
    assert!(told(&error).contains("does not give parts of an object"), "{error:?}");
}

#[tokio::test]
async fn an_answer_elsewhere_is_not_followed() {
    let elsewhere = Server::start(|_, _| Reply::hangup()).await;
    let target = format!("{}/bucket/a", elsewhere.endpoint);
    let server = Server::start(move |_, _| Reply::new(307, "").with("location", &target)).await;
    let (storage, key) = at(&server.endpoint, "s3://bucket/a");
    error(storage.head(&key).await);
    assert!(elsewhere.requests().is_empty(), "a signed request went elsewhere");
}

#[tokio::test]
async fn a_clock_and_its_rights_of_google_and_azure_are_understood() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "HEAD" => Reply::new(403, ""),
        _ if request.target.starts_with("/account/") => Reply::error(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized.\nRequestId:1\nTime:2",
        ),
        _ => Reply::error(403, "AccessDenied", "Access denied."),
    })
    .await;
    let mut settings = settings(&server.endpoint);
    settings.gcs.emulator = Some(server.endpoint.clone());
    settings.azure.account = Some("account".to_owned());
    settings.azure.access_key = Some(tundra_core::Secret::new("aHVzaA=="));
    settings.azure.endpoint = Some(format!("{}/account", server.endpoint));
    let stores = tundra_storage::Stores::new(settings);
    for location in ["gs://bucket/a", "az://container/a"] {
        let (storage, _) = stores.resolve(location).unwrap();
        let error = error(storage.head(&path("a")).await);
        assert!(matches!(error, StorageError::PermissionDenied { .. }), "{error:?}");
        assert!(told(&error).contains("answered 403 A"), "{error:?}");
    }
}
