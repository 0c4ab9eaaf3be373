//! What a store refuses for good: each the right error, which names the place and no secret.

use std::net::TcpListener;

use tundra_core::{Classify, IfExists, Storage, StorageError};
use tundra_test_services::{
    S3,
    proxy::{Fault, Reply, Rule},
};

use crate::{
    remote::{Broken, chain, s3},
    support::{error, get, path, put},
};

/// Returns what reading, writing and listing end as.
pub(super) async fn errors(storage: &dyn Storage) -> [StorageError; 3] {
    [
        error(get(storage, "a.bin").await),
        error(put(storage, "b.bin", IfExists::Fail, "x").await),
        error(storage.list(None).await),
    ]
}

/// Checks that an error names what it is about, and nothing that only its owner may know.
#[track_caller]
pub(super) fn is_fit_to_show(error: &StorageError, store: &S3) {
    let shown = format!("{} {error:?} {:?}", chain(error), error.hints());
    assert!(!shown.contains(&store.secret), "{shown}");
    assert!(!shown.contains("Signature="), "{shown}");
    assert!(!error.hints().is_empty(), "no hint: {shown}");
    let names = [store.bucket.as_str(), store.endpoint.as_str()];
    assert!(names.iter().any(|name| error.to_string().contains(name)), "{shown}");
}

#[tokio::test]
async fn wrong_credentials_are_told_as_such() {
    let broken = Broken::new();
    let store = broken.server.store();
    let wrong_secret = S3 { secret: "not-the-secret".to_owned(), ..store.clone() };
    let unknown_key = S3 { key: "nobody".to_owned(), ..store.clone() };
    for store in [wrong_secret, unknown_key] {
        for error in errors(s3(&store).as_ref()).await {
            let is_it = matches!(
                error,
                StorageError::Unauthenticated { .. } | StorageError::PermissionDenied { .. }
            );
            assert!(is_it, "{}: {}", store.key, chain(&error));
            is_fit_to_show(&error, &store);
        }
    }
}

#[tokio::test]
async fn what_stores_say_has_its_own_error_each() {
    type Is = fn(&StorageError) -> bool;
    let cases: [(Reply, Is); 6] = [
        (Reply::s3(403, "AccessDenied", "Access Denied"), |error| {
            matches!(error, StorageError::PermissionDenied { .. })
        }),
        (Reply::s3(403, "RequestTimeTooSkewed", "The difference is too large."), |error| {
            matches!(error, StorageError::ClockSkew { .. })
        }),
        (Reply::s3(400, "ExpiredToken", "The provided token has expired."), |error| {
            matches!(error, StorageError::Unauthenticated { .. })
        }),
        (Reply::s3(403, "InvalidAccessKeyId", "There is no such key."), |error| {
            matches!(error, StorageError::Unauthenticated { .. })
        }),
        (Reply::s3(403, "SignatureDoesNotMatch", "Check your key."), |error| {
            matches!(error, StorageError::Unauthenticated { .. })
        }),
        (page(200), |error| matches!(error, StorageError::NotAStore { .. })),
    ];
    for (reply, is_it) in cases {
        let broken = Broken::new();
        broken.proxy.add(Rule::new(reply.clone().into()));
        let store = broken.server.store().at(broken.proxy.endpoint());
        // Opening asks by HEAD, whose answers have no words; the words are asked for then.
        let reading = error(get(broken.storage.as_ref(), "a.bin").await);
        let listing = error(broken.storage.list(None).await);
        for error in [reading, listing] {
            assert!(is_it(&error), "{reply:?}: {}", chain(&error));
            is_fit_to_show(&error, &store);
        }
    }
}

#[tokio::test]
async fn an_address_that_is_no_store_is_told_as_such() {
    let broken = Broken::new();
    let store = broken.server.store();
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let babbling = babbler();
    for endpoint in [nobody, format!("http://{babbling}")] {
        let store = store.at(&endpoint);
        for error in errors(s3(&store).as_ref()).await {
            let is_it = matches!(&error, StorageError::NotAStore { endpoint: named, .. }
                if *named == endpoint);
            assert!(is_it, "{endpoint}: {}", chain(&error));
            is_fit_to_show(&error, &store);
        }
    }
    // Somebody who accepts and never says anything may be a store that is very busy.
    let store = store.at(format!("http://{}", silent.local_addr().unwrap()));
    let unheard = error(s3(&store).head(&path("a.bin")).await);
    assert!(matches!(unheard, StorageError::Unavailable { .. }), "{}", chain(&unheard));
    is_fit_to_show(&unheard, &store);
}

#[tokio::test]
async fn a_store_that_comes_back_is_found_again() {
    let broken = Broken::new();
    put(broken.direct.as_ref(), "a.bin", IfExists::Fail, "x").await.unwrap();
    broken.proxy.add(Rule::new(Fault::Reset));
    error(get(broken.storage.as_ref(), "a.bin").await);
    broken.proxy.clear();
    assert_eq!(get(broken.storage.as_ref(), "a.bin").await.unwrap(), "x");
}

/// A page for people, as a proxy or a wrong host gives it.
fn page(status: u16) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        content_type: "text/html".to_owned(),
        body: "<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>".to_owned(),
    }
}

/// Somebody who speaks, but not HTTP. Ends with the test.
fn babbler() -> std::net::SocketAddr {
    use std::io::Write;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Whoever asked may be gone.
            let _ = stream.and_then(|mut stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"));
        }
    });
    address
}
