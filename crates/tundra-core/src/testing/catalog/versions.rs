//! Versions: their numbers and keys, how they are listed, and how their rows go.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use futures::future::join_all;
use uuid::Uuid;

use super::{
    Keeps,
    harness::{Test, facts},
};
use crate::{
    catalog::{
        Catalog, IdempotencyKey, RequestDigest, Reserved, Scope, Source, Version, VersionStatus,
    },
    error::ErrorKind,
    identity::VersionNumber,
};

/// How many reserve at once: as many as a busy service has conversions.
const CROWD: u32 = 32;

/// The first version is 1, each next one is one more, whatever became of those before, and each is
/// read as it was reserved.
pub async fn numbers_versions_from_one(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "numbers_versions_from_one");
    let source = test.source().await;
    let read = catalog.version(&source, VersionNumber::FIRST).await;
    test.refused("reading a version before there is one", read, ErrorKind::NotFound);
    test.same("the versions", &test.versions(&source).await, &Vec::new());
    for number in 1..=4 {
        let version = test.reserve(&source).await;
        test.same("the number", &version.number.get(), &number);
        test.same("the source", &version.source, &source.id);
        test.same("the status", &version.status, &VersionStatus::Pending);
        test.same("the facts", &version.facts, &None);
        test.same("the message", &version.error_message, &None);
        let read = test.version(&source, version.number).await;
        test.same("the version as it is read", &read, &version);
        test.ok("check that it is pending", catalog.check_pending(&version).await);
        match number {
            1 => drop(test.activate(&version).await),
            2 => test.ok("fail it", catalog.fail(&version, "no").await),
            _ => {}
        }
    }
    test.current_is(&source, Some(1)).await;
    let elsewhere = test.reserve(&test.source().await).await;
    test.same("the first number of another source", &elsewhere.number, &VersionNumber::FIRST);
}

/// However many reserve at once, every number from the first is given to one of them.
pub async fn gives_every_reservation_its_own_number(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "gives_every_reservation_its_own_number");
    let source = test.source().await;
    let versions = join_all((0..CROWD).map(|_| test.reserve(&source))).await;
    let numbers: BTreeSet<u32> = versions.iter().map(|version| version.number.get()).collect();
    test.same("the numbers", &numbers, &(1..=CROWD).collect());
    let ids: BTreeSet<_> = versions.iter().map(|version| version.id).collect();
    test.same("how many rows there are", &ids.len(), &versions.len());
    let mut expected = versions;
    expected.sort_by_key(|version| std::cmp::Reverse(version.number));
    test.same("the versions", &test.versions(&source).await, &expected);
}

/// A key gives the version that it gave before, whatever became of it, and only for its source.
pub async fn gives_one_version_to_one_key(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "gives_one_version_to_one_key");
    let (source, other) = (test.source().await, test.source().await);
    let longest = "k".repeat(255);
    let texts = ["run 7", r#"a,b.(c):"d"\e'&=?#%*"#, &longest];
    for (round, text) in (0..).zip(texts) {
        let key = test.key(text);
        let by_key = async |source: &Source| {
            test.ok("read by a key", catalog.version_by_key(source, &key).await)
        };
        test.same("the version of a key that nobody used", &by_key(&source).await, &None);
        let again = async |source: &Source| {
            test.ok("reserve with a key", catalog.reserve(source, Some(&key)).await)
        };
        let Reserved::New(first) = again(&source).await else {
            test.fail(&format!("the key `{text}` was taken before it was used"))
        };
        test.same("the number", &first.number.get(), &(round + 1));
        test.same("the same key again", &again(&source).await, &Reserved::Earlier(first.clone()));

        let now = match round {
            0 => {
                test.ok("fail it", catalog.fail(&first, "no").await);
                test.version(&source, first.number).await
            }
            _ => test.activate(&first).await,
        };
        let earlier = again(&source).await;
        test.same("the version of the key", &by_key(&source).await, &Some(now.clone()));
        test.same("the same key after its version ended", &earlier, &Reserved::Earlier(now));
        test.same("the version of another source's key", &by_key(&other).await, &None);
        let Reserved::New(_) = again(&other).await else {
            test.fail(&format!("the key `{text}` of one source was taken for another"))
        };
    }
    let without = test.reserve(&source).await;
    test.same("the number without a key", &without.number.get(), &4);
}

/// A key that was used for one request tells another one, where the catalog keeps what was asked for, and
/// never makes a second version.
pub async fn tells_another_request_under_a_key(catalog: &dyn Catalog, keeps: Keeps) {
    let test = Test::new(catalog, "tells_another_request_under_a_key");
    let (source, other) = (test.source().await, test.source().await);
    let key = |name: &str, digest: Option<u8>| {
        let key = test.key(name);
        match digest {
            Some(byte) => key.of_request(RequestDigest::of_sha256([byte; 32])),
            None => key,
        }
    };
    let reserve = async |source: &Source, key: IdempotencyKey| {
        test.ok("reserve with a key", catalog.reserve(source, Some(&key)).await)
    };
    let Reserved::New(first) = reserve(&source, key("one", Some(1))).await else {
        test.fail("a key was taken before it was used")
    };
    let expected = |version: &Version| match keeps.requests {
        true => Reserved::OtherRequest(version.clone()),
        false => Reserved::Earlier(version.clone()),
    };
    let mut version = first;
    for is_active in [false, true] {
        if is_active {
            version = test.activate(&version).await;
        }
        let again = reserve(&source, key("one", Some(1))).await;
        test.same("the same request again", &again, &Reserved::Earlier(version.clone()));
        let another = reserve(&source, key("one", Some(2))).await;
        test.same("another request", &another, &expected(&version));
        // Who does not say what is asked for is believed.
        let unknown = reserve(&source, key("one", None)).await;
        test.same("a request that is not known", &unknown, &Reserved::Earlier(version.clone()));
    }
    let Reserved::New(without) = reserve(&source, key("two", None)).await else {
        test.fail("a key was taken before it was used")
    };
    let known = reserve(&source, key("two", Some(1))).await;
    test.same("a request after one that was not known", &known, &Reserved::Earlier(without));
    let Reserved::New(_) = reserve(&other, key("one", Some(2))).await else {
        test.fail("the key of one source was taken for another")
    };
}

/// Of requests with one key at once, one gets a new version and the others the same.
pub async fn gives_one_version_to_twins(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "gives_one_version_to_twins");
    let source = test.source().await;
    let key = test.key("twins");
    let reserved = join_all((0..CROWD / 2).map(|_| catalog.reserve(&source, Some(&key)))).await;
    let (mut new, mut ids) = (0, BTreeSet::new());
    for result in reserved {
        let version = match test.ok("reserve", result) {
            Reserved::New(version) => {
                new += 1;
                version
            }
            Reserved::Earlier(version) => version,
            Reserved::OtherRequest(version) => {
                test.fail(&format!("{version:?} is of the same request"))
            }
        };
        ids.insert(version.id);
    }
    test.same("how many were told that it is new", &new, &1);
    test.same("how many versions they got", &ids.len(), &1);
    test.same("how many versions there are", &test.versions(&source).await.len(), &1);
}

/// Versions come the newest first, in pages that follow each other without a gap.
pub async fn lists_versions_the_newest_first(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "lists_versions_the_newest_first");
    let source = test.source().await;
    for _ in 0..7 {
        test.reserve(&source).await;
    }
    for limit in [1, 3, 7, 100] {
        let mut seen: Vec<Version> = Vec::new();
        loop {
            let before = seen.last().map(|version| version.number);
            let page = catalog.versions(&source, before, limit).await;
            let page = test.ok("list a page", page);
            test.same("whether the page is too long", &(page.len() > limit), &false);
            let end = page.len() < limit;
            seen.extend(page);
            if end {
                break;
            }
        }
        let numbers: Vec<u32> = seen.iter().map(|version| version.number.get()).collect();
        let expected: Vec<u32> = (1..=7).rev().collect();
        test.same(&format!("the versions in pages of {limit}"), &numbers, &expected);
    }
}

/// A version is found by its id, with its source as it is now, by whoever may see the source.
pub async fn finds_versions_by_their_ids(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "finds_versions_by_their_ids");
    let (source, other) = (test.source().await, test.source().await);
    let (first, second) = (test.activated(&source).await, test.reserve(&source).await);
    let elsewhere = test.reserve(&other).await;
    let (source, other) = (test.again(&source).await, test.again(&other).await);
    for (of, version) in [(&source, &first), (&source, &second), (&other, &elsewhere)] {
        for scope in [test.scope(), Scope::All] {
            let found = catalog.version_by_id(&scope, version.id).await;
            let found = test.ok("read a version by its id", found);
            test.same("the version and its source", &found, &(of.clone(), version.clone()));
        }
    }
    let stranger = Scope::Tenant(super::harness::tenant());
    for (scope, id) in [
        (&stranger, first.id),
        (&stranger, Uuid::new_v4()),
        (&test.scope(), Uuid::new_v4()),
        // The id of a source is none of a version.
        (&Scope::All, source.id.as_uuid()),
    ] {
        let found = catalog.version_by_id(scope, id).await;
        test.refused("reading a version that is not there", found, ErrorKind::NotFound);
    }
}

/// What is pending and was reserved before a moment is found, of whatever tenant, the oldest first.
pub async fn finds_stale_versions(catalog: &dyn Catalog) {
    /// More than can be pending where the suite runs.
    const ALL: usize = 10_000;
    let test = Test::new(catalog, "finds_stale_versions");
    let (one, other) = (test.source().await, Test::new(catalog, "").source().await);
    let mut pending = Vec::new();
    for source in [&one, &other, &one, &other] {
        pending.push((source.clone(), test.reserve(source).await));
    }
    test.activated(&one).await;
    let failed = test.reserve(&other).await;
    test.ok("fail it", catalog.fail(&failed, "no").await);

    let found = async |before: SystemTime| -> Vec<(Source, Version)> {
        let all = test.ok("list stale versions", catalog.stale(before, ALL).await);
        let oldest_first = all.is_sorted_by_key(|(_, version)| version.created_at);
        test.same("whether the oldest come first", &oldest_first, &true);
        let mut ours: Vec<_> =
            all.into_iter().filter(|(source, _)| [one.id, other.id].contains(&source.id)).collect();
        // Two may have been reserved at one moment.
        ours.sort_by_key(|(source, version)| (version.created_at, source.id, version.number));
        ours
    };
    let (first, last) = (pending[0].1.created_at, pending[3].1.created_at);
    test.same("what is older than the oldest", &found(first).await, &Vec::new());
    // The source of the first was given its current version since.
    for (source, _) in &mut pending {
        *source = test.ok("read the source", catalog.source(&Scope::All, source.id).await);
    }
    pending.sort_by_key(|(source, version)| (version.created_at, source.id, version.number));
    let stale = found(last + Duration::from_millis(1)).await;
    test.same("what is pending", &stale, &pending);
    let one_only = catalog.stale(last + Duration::from_millis(1), 1).await;
    test.same("how many come of one", &test.ok("list one", one_only).len(), &1);
    for (_, version) in &pending {
        test.ok("fail it", catalog.fail(version, "no").await);
    }
    let left = found(last + Duration::from_millis(1)).await;
    test.same("what is pending when all have ended", &left, &Vec::new());
}

/// The row of a failed version goes, once and again; that of another stays.
pub async fn removes_only_what_failed(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "removes_only_what_failed");
    let source = test.source().await;
    let failed = test.reserve(&source).await;
    test.ok("fail it", catalog.fail(&failed, "no").await);
    let active = test.activated(&source).await;
    let pending = test.reserve(&source).await;
    for version in [&active, &pending] {
        let removed = catalog.remove_version(version).await;
        let what = format!("removing a version that is {}", version.status.name());
        test.refused(&what, removed, ErrorKind::Conflict);
    }
    for _ in 0..2 {
        test.ok("remove the failed version", catalog.remove_version(&failed).await);
        let read = catalog.version(&source, failed.number).await;
        test.refused("reading a removed version", read, ErrorKind::NotFound);
    }
    test.same("what is left", &test.versions(&source).await, &vec![pending, active]);
    let next = test.reserve(&source).await;
    test.same("the next number", &next.number.get(), &4);

    let check = catalog.check_pending(&failed).await;
    test.refused("checking a removed version", check, ErrorKind::Conflict);
    let activated = catalog.activate(&failed, &facts(failed.number)).await;
    test.refused("activating a removed version", activated, ErrorKind::NotFound);
}
