//! A catalog that answers late, twice, with something else or not at all: what was done is found out by
//! reading, and done once.

use std::time::Duration;

use tundra_core::{
    Catalog, CatalogError, Classify, ErrorKind, IdempotencyKey, Reserved, Retry, Version,
    VersionStatus,
};
use tundra_test_services::{
    FaultProxy, PostgRest,
    proxy::{Fault, Reply, Rule},
};

use super::{add, again, behind, catalog, essential, facts, new_source, number, whole};

const METHODS: [&str; 3] = ["POST", "PATCH", "DELETE"];

/// A life with every change that there is, and its end: nothing is left, and everything was as told.
async fn live(catalog: &dyn Catalog) -> Result<(), CatalogError> {
    let new = new_source();
    let source = catalog.add_source(&new).await?;
    let key: IdempotencyKey = "key".parse().unwrap();
    let mut versions: Vec<Version> = Vec::new();
    for key in [None, Some(&key), None] {
        let (Reserved::New(version) | Reserved::Earlier(version) | Reserved::OtherRequest(version)) =
            catalog.reserve(&source, key).await?;
        assert_eq!(version.number.get() as usize, versions.len() + 1);
        assert_eq!(version.status, VersionStatus::Pending);
        catalog.check_pending(&version).await?;
        versions.push(version);
    }
    catalog.fail(&versions[2], "no").await?;
    for version in &versions[..2] {
        let active = catalog.activate(version, &facts(7)).await?;
        assert_eq!((active.id, active.facts.unwrap().rows), (version.id, 7));
    }
    let seen = again(catalog, &source).await;
    assert_eq!(seen.current_version, Some(number(2)));
    let selected = catalog.select(&seen, number(1), "back").await?;
    assert_eq!(selected.current_version, Some(number(1)));
    catalog.retire(&versions[1], "old").await?;
    catalog.remove_version(&versions[1]).await?;
    let left: Vec<(u32, VersionStatus)> = catalog
        .versions(&source, None, 10)
        .await?
        .into_iter()
        .map(|version| (version.number.get(), version.status))
        .collect();
    assert_eq!(left, [(3, VersionStatus::Error), (1, VersionStatus::Active)]);
    catalog.remove_source(&selected).await
}

/// Lives once for each change, which this happens to.
async fn survives(server: &PostgRest, fault: Fault, spared: &[(&str, u64)]) {
    let proxy = FaultProxy::start(&server.endpoint()).unwrap();
    for method in METHODS {
        for skip in 0.. {
            if spared.contains(&(method, skip)) {
                continue;
            }
            proxy.clear();
            proxy.forget();
            proxy.add(Rule::new(fault.clone()).method(method).skip(skip).times(1));
            let lived = live(&behind(&proxy, server)).await;
            lived.unwrap_or_else(|error| panic!("{fault:?} {method} {skip}: {error:?}"));
            let left =
                "SELECT (SELECT count(*) FROM sources), (SELECT count(*) FROM source_versions)";
            assert_eq!(server.database().run(left).unwrap(), "0|0", "{fault:?} {method} {skip}");
            if !proxy.seen().iter().any(|seen| seen.faulted) {
                assert!(skip >= 2, "{method} was hardly asked");
                break;
            }
        }
    }
}

fn html() -> Reply {
    Reply::text(200, "text/html", "<!doctype html><title>Just a moment...</title>")
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_out() {
    survives(&whole(), Fault::LoseAnswer, &[]).await;
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_out_without_our_columns() {
    survives(&essential(), Fault::LoseAnswer, &[]).await;
}

#[tokio::test]
async fn a_request_that_is_lost_is_sent_again() {
    survives(&whole(), Fault::Reset, &[]).await;
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_found_out() {
    let server = whole();
    survives(&server, Fault::Truncate(1), &[]).await;
    survives(&server, Fault::Shorten(1), &[]).await;
}

#[tokio::test]
async fn a_page_of_html_is_no_answer() {
    let server = whole();
    survives(&server, Fault::ReplaceAnswer(html()), &[]).await;
    survives(&server, Fault::Reply(html()), &[]).await;
}

#[tokio::test]
async fn other_json_is_no_answer() {
    let server = whole();
    for body in ["", "{}", "[1]", "null", r#"[{"id":"00000000-0000-4000-8000-00000000000a"}]"#] {
        let reply = Reply::text(200, "application/json", body);
        survives(&server, Fault::ReplaceAnswer(reply), &[]).await;
    }
}

#[tokio::test]
async fn a_change_that_is_made_twice_is_made_once() {
    // Who adds a source and is told the second time only cannot know whose the first one was.
    survives(&whole(), Fault::Twice, &[("POST", 0)]).await;
    survives(&essential(), Fault::Twice, &[("POST", 0)]).await;
}

#[tokio::test]
async fn an_answer_that_is_late_is_found_out() {
    // Later than the limit of the client: the change is made when it has been looked for.
    survives(&whole(), Fault::Delay(Duration::from_millis(900)), &[]).await;
}

#[tokio::test]
async fn a_server_that_is_busy_for_once_is_asked_again() {
    let server = whole();
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let reply = Reply::text(status, "text/plain", "busy");
        survives(&server, Fault::Reply(reply), &[]).await;
    }
}

#[tokio::test]
async fn reads_are_asked_again() {
    let server = whole();
    let proxy = FaultProxy::start(&server.endpoint()).unwrap();
    let source = add(&catalog(&server)).await;
    for fault in [
        Fault::Reset,
        Fault::LoseAnswer,
        Fault::Truncate(3),
        Fault::Delay(Duration::from_millis(900)),
        Fault::Reply(html()),
        Fault::Reply(Reply::text(503, "text/plain", "").with("Retry-After", "1")),
    ] {
        proxy.clear();
        proxy.add(Rule::new(fault).times(2));
        let catalog = behind(&proxy, &server);
        assert_eq!(again(&catalog, &source).await, source);
    }
}

#[tokio::test]
async fn what_cannot_even_be_looked_up_is_said_to_be_unknown() {
    let server = whole();
    let direct = catalog(&server);
    let source = add(&direct).await;
    let proxy = FaultProxy::start(&server.endpoint()).unwrap();
    let Reserved::New(version) = direct.reserve(&source, None).await.unwrap() else { panic!() };
    proxy.add(Rule::new(Fault::LoseAnswer).method("PATCH"));
    proxy.add(Rule::new(Fault::Reset).method("GET"));
    let through = behind(&proxy, &server);
    let error = through.activate(&version, &facts(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.hints[0].contains("not known"), "{error:?}");
    // It was done, and who asks again is told so.
    proxy.clear();
    let through = behind(&proxy, &server);
    let active = through.activate(&version, &facts(1)).await.unwrap();
    assert_eq!(active.status, VersionStatus::Active);
    assert_eq!(again(&direct, &source).await.current_version, Some(number(1)));
    assert_eq!(direct.versions(&source, None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_that_was_swept_in_the_middle_does_not_publish() {
    let server = whole();
    let catalog = catalog(&server);
    let source = add(&catalog).await;
    let Reserved::New(version) = catalog.reserve(&source, None).await.unwrap() else { panic!() };
    catalog.fail(&version, "swept").await.unwrap();
    let error = catalog.activate(&version, &facts(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    catalog.remove_version(&version).await.unwrap();
    let error = catalog.activate(&version, &facts(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(again(&catalog, &source).await.current_version, None);
}

#[tokio::test]
async fn a_catalog_that_is_down_is_unavailable_and_may_be_asked_later() {
    let server = whole();
    let direct = catalog(&server);
    let source = add(&direct).await;
    let Reserved::New(version) = direct.reserve(&source, None).await.unwrap() else { panic!() };
    let proxy = FaultProxy::start(&server.endpoint()).unwrap();
    proxy.add(Rule::new(Fault::Reset));
    let down = || behind(&proxy, &server);
    let errors = [
        down().ping().await.unwrap_err(),
        down().reserve(&source, None).await.unwrap_err(),
        down().check_pending(&version).await.unwrap_err(),
        down().activate(&version, &facts(1)).await.unwrap_err(),
        down().fail(&version, "x").await.unwrap_err(),
        down().add_source(&new_source()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
        assert_eq!(error.retry(), Retry::Later, "{error:?}");
        assert!(error.reason.contains(&proxy.endpoint()), "{error}");
    }
    assert_eq!(direct.sources(&tundra_core::Scope::All, None, 9).await.unwrap(), [source]);
}
