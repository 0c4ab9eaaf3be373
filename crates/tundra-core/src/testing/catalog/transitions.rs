//! What a version becomes, once, and what is recorded of it.

use futures::future::{join, join_all};

use super::{
    Keeps,
    harness::{Test, facts},
};
use crate::{
    catalog::{
        Catalog, NewSource, SourceType, TableColumn, TableSchema, Version, VersionFacts,
        VersionStatus,
    },
    error::ErrorKind,
};

/// A version becomes active once; a second run that ends it, one way or the other, is told.
pub async fn activates_once(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "activates_once");
    let source = test.source().await;
    let version = test.reserve(&source).await;
    let active = test.activate(&version).await;
    test.same("the status", &active.status, &VersionStatus::Active);
    test.same("the row", &active.id, &version.id);
    test.same("the time", &active.created_at, &version.created_at);
    test.same("the facts", &active.facts, &Some(facts(version.number)));
    test.same("what is read", &test.version(&source, version.number).await, &active);

    let check = catalog.check_pending(&version).await;
    test.refused("checking an active version", check, ErrorKind::Conflict);
    let others = VersionFacts { rows: 7, ..facts(version.number) };
    let second = catalog.activate(&version, &others).await;
    test.refused("activating it with other facts", second, ErrorKind::Conflict);
    let failed = catalog.fail(&version, "too late").await;
    test.refused("failing an active version", failed, ErrorKind::Conflict);
    test.same("what is read", &test.version(&source, version.number).await, &active);
    test.current_is(&source, Some(1)).await;
}

/// A version fails once, and may be told so again; it does not become active.
pub async fn fails_once(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "fails_once");
    let source = test.source().await;
    let version = test.reserve(&source).await;
    for message in ["the first reason", "another reason"] {
        test.ok("fail it", catalog.fail(&version, message).await);
        let failed = test.version(&source, version.number).await;
        let expected = Version {
            status: VersionStatus::Error,
            error_message: Some("the first reason".to_owned()),
            ..version.clone()
        };
        test.same("the failed version", &failed, &expected);
    }
    let check = catalog.check_pending(&version).await;
    test.refused("checking a failed version", check, ErrorKind::Conflict);
    let activated = catalog.activate(&version, &facts(version.number)).await;
    test.refused("activating a failed version", activated, ErrorKind::Conflict);
    test.current_is(&source, None).await;
}

/// Of those that end one version at once, one way or the other, one succeeds.
pub async fn activates_or_fails(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "activates_or_fails");
    for round in 0..8 {
        let source = test.source().await;
        let version = test.reserve(&source).await;
        let ours = facts(version.number);
        let theirs = VersionFacts { rows: 7, ..ours.clone() };
        let activations =
            join(catalog.activate(&version, &ours), catalog.activate(&version, &theirs));
        let ((first, second), failed) = if round % 2 == 0 {
            join(activations, catalog.fail(&version, "swept")).await
        } else {
            let (failed, activated) = join(catalog.fail(&version, "swept"), activations).await;
            (activated, failed)
        };
        let done = [first.is_ok(), second.is_ok(), failed.is_ok()];
        let now = test.version(&source, version.number).await;
        let rows = now.facts.as_ref().map(|facts| facts.rows);
        let (expected, current) = match now.status {
            VersionStatus::Active if rows == Some(ours.rows) => ([true, false, false], Some(1)),
            VersionStatus::Active => ([false, true, false], Some(1)),
            VersionStatus::Error => ([false, false, true], None),
            VersionStatus::Pending => test.fail("nobody could end the version"),
        };
        test.same("who succeeded", &done, &expected);
        test.current_is(&source, current).await;
        for refused in [first.map(drop), second.map(drop), failed] {
            if refused.is_err() {
                test.refused("ending it second", refused, ErrorKind::Conflict);
            }
        }
    }
}

/// A version that becomes active late does not take the place of a newer one.
pub async fn moves_forward_only(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "moves_forward_only");
    let source = test.source().await;
    let (first, second, third) =
        (test.reserve(&source).await, test.reserve(&source).await, test.reserve(&source).await);
    for (version, current) in [(&second, 2), (&first, 2), (&third, 3)] {
        let active = test.activate(version).await;
        test.same("the status", &active.status, &VersionStatus::Active);
        test.current_is(&source, Some(current)).await;
    }
}

/// However many become active at once, all are, and the newest is the current one.
pub async fn moves_forward_under_racing_activations(catalog: &dyn Catalog) {
    const RUNS: usize = 12;
    let test = Test::new(catalog, "moves_forward_under_racing_activations");
    for newest_first in [false, true] {
        let source = test.source().await;
        let mut versions = Vec::new();
        for _ in 0..RUNS {
            versions.push(test.reserve(&source).await);
        }
        if newest_first {
            versions.reverse();
        }
        join_all(versions.iter().map(|version| test.activate(version))).await;
        test.current_is(&source, Some(RUNS as u32)).await;
        let active =
            test.versions(&source).await.iter().all(|it| it.status == VersionStatus::Active);
        test.same("whether all are active", &active, &true);
    }
}

/// The facts of a version read as they were told, as far as the catalog keeps them.
pub async fn keeps_facts(catalog: &dyn Catalog, keeps: Keeps) {
    let test = Test::new(catalog, "keeps_facts");
    let source = test.source().await;
    let column = |name: &str, column_type: &str| TableColumn {
        name: name.to_owned(),
        column_type: column_type.to_owned(),
    };
    let schema = TableSchema {
        columns: vec![
            column("id", "BIGINT"),
            column(r#"a "b", {c}: \ 😀"#, "DECIMAL(38,9)"),
            column("", r#"STRUCT("x y" VARCHAR[])"#),
        ],
    };
    let digest = "0123456789abcdef".repeat(4);
    let large = 1 << 53;
    for (number, seconds, receipt_sha256, schema) in [
        (0, 0.0, None, None),
        (1, 0.1 + 0.2, Some(digest.clone()), Some(TableSchema::default())),
        (u64::from(u32::MAX), 1e-7, Some(digest), Some(schema.clone())),
        (large, 12_345.678_901_234, None, Some(schema)),
    ] {
        let told = VersionFacts {
            rows: number,
            columns: number.min(1600),
            size_bytes: number,
            seconds,
            receipt_sha256,
            schema,
            extraction_query: None,
        };
        let version = test.reserve(&source).await;
        let active = test.ok("activate it", catalog.activate(&version, &told).await);
        let kept = VersionFacts {
            receipt_sha256: told.receipt_sha256.filter(|_| keeps.receipt_digests),
            schema: told.schema.filter(|_| keeps.schemas),
            ..told
        };
        test.same("the facts", &active.facts, &Some(kept));
        test.same("what is read", &test.version(&source, version.number).await, &active);
    }
}

/// Messages read as they were told, or as [`Version::message`] makes them.
pub async fn keeps_messages(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "keeps_messages");
    let source = test.source().await;
    let awkward =
        "line 1\r\nline 2\t\"quoted\" \\ 'single' %s {} ä 😀 \u{202e}\u{feff}\u{ffff} null";
    let exact = "ä".repeat(Version::LONGEST_MESSAGE / 2);
    let long = format!("x{}", "ä".repeat(Version::LONGEST_MESSAGE));
    for message in [awkward, "", "null", "cut\0off", &exact, &long] {
        let version = test.reserve(&source).await;
        test.ok("fail it", catalog.fail(&version, message).await);
        let failed = test.version(&source, version.number).await;
        let expected = Version::message(message).into_owned();
        test.same("the message", &failed.error_message, &Some(expected));
        test.same("the status", &failed.status, &VersionStatus::Error);
    }
}

/// The query by which a database was read stays with its source, and the newest version's counts.
pub async fn keeps_the_extraction_query(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "keeps_the_extraction_query");
    let new = NewSource {
        source_type: SourceType::Database,
        connector_type: "postgresql".to_owned(),
        ..test.new_source()
    };
    let source = test.add(&new).await;
    let query = |number: u32| {
        format!("SELECT \"a b\", 'it''s ä 😀'\nFROM x -- {number}\nWHERE a < 5 AND b LIKE '%\\_%'")
    };
    let (first, second, third) =
        (test.reserve(&source).await, test.reserve(&source).await, test.reserve(&source).await);
    // The first comes late, when a newer one is current already; the third was not asked by a query.
    for (version, asked, kept) in [
        (&second, Some(query(2)), query(2)),
        (&first, Some(query(1)), query(2)),
        (&third, None, query(2)),
    ] {
        let facts = VersionFacts { extraction_query: asked, ..facts(version.number) };
        let active = test.ok("activate it", catalog.activate(version, &facts).await);
        let of_version = active.facts.and_then(|facts| facts.extraction_query);
        test.same("the query with the version", &of_version, &None);
        test.same("the query", &test.again(&source).await.extraction_query, &Some(kept));
    }
}

/// A run whose row, or whose source, is gone in the middle changes nothing and is told.
pub async fn refuses_what_was_removed_meanwhile(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "refuses_what_was_removed_meanwhile");
    let source = test.source().await;
    let active = test.activated(&source).await;
    let pending = test.reserve(&source).await;
    let source = test.again(&source).await;
    test.ok("remove the source", catalog.remove_source(&source).await);

    let check = catalog.check_pending(&pending).await;
    test.refused("checking it", check, ErrorKind::Conflict);
    let activated = catalog.activate(&pending, &facts(pending.number)).await;
    test.refused("activating it", activated, ErrorKind::NotFound);
    test.refused("failing it", catalog.fail(&pending, "no").await, ErrorKind::NotFound);
    test.refused("retiring it", catalog.retire(&active, "old").await, ErrorKind::NotFound);
    test.ok("remove it", catalog.remove_version(&pending).await);
    let selected = catalog.select(&source, active.number, "back").await;
    test.refused("selecting it", selected, ErrorKind::NotFound);
    let reserved = catalog.reserve(&source, None).await;
    test.refused("reserving a version", reserved, ErrorKind::NotFound);
    let key = test.key("key");
    let reserved = catalog.reserve(&source, Some(&key)).await;
    test.refused("reserving a version with a key", reserved, ErrorKind::NotFound);
    let read = catalog.source(&test.scope(), source.id).await;
    test.refused("reading the source", read, ErrorKind::NotFound);
}
