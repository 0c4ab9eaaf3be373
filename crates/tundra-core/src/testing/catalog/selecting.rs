//! Which version readers see, on purpose, and what becomes of those that they no longer see.

use futures::future::{join, join_all};

use super::harness::Test;
use crate::{
    catalog::{Catalog, Version, VersionStatus},
    error::ErrorKind,
    identity::VersionNumber,
};

/// A person moves the current version back and forward; what becomes active later is newer again.
pub async fn selects_forward_and_back(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "selects_forward_and_back");
    let mut source = test.source().await;
    for _ in 0..3 {
        test.activated(&source).await;
    }
    source = test.again(&source).await;
    for number in [1, 2, 3, 1] {
        let reason = "because \"it\" was wrong: 100 % \\ ä 😀\nreally";
        let number = test.number(number);
        source = test.ok("select", catalog.select(&source, number, reason).await);
        test.same("the current version", &source.current_version, &Some(number));
        test.same("the source", &test.again(&source).await, &source);
    }
    // It stays where it was put until there is a new version.
    let versions = test.versions(&source).await;
    let all_active = versions.iter().all(|version| version.status == VersionStatus::Active);
    test.same("whether all versions stay active", &all_active, &true);
    let fourth = test.reserve(&source).await;
    test.same("the next number", &fourth.number.get(), &4);
    test.current_is(&source, Some(1)).await;
    test.activate(&fourth).await;
    test.current_is(&source, Some(4)).await;
}

/// What is not active, not there, or chosen by someone who saw an older state is not selected.
pub async fn refuses_to_select_what_is_not_active(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "refuses_to_select_what_is_not_active");
    let before = test.source().await;
    let (first, second) = (test.activated(&before).await, test.activated(&before).await);
    let source = test.again(&before).await;
    let failed = test.reserve(&source).await;
    test.ok("fail it", catalog.fail(&failed, "no").await);
    let pending = test.reserve(&source).await;
    for version in [&failed, &pending] {
        let selected = catalog.select(&source, version.number, "why not").await;
        test.refused("selecting what is not active", selected, ErrorKind::Conflict);
    }
    let selected = catalog.select(&source, test.number(9), "why not").await;
    test.refused("selecting what is not there", selected, ErrorKind::NotFound);
    // Who saw no current version at all is late, too.
    let selected = catalog.select(&before, first.number, "late").await;
    test.refused("selecting after others moved on", selected, ErrorKind::Conflict);
    let back = test.ok("select", catalog.select(&source, first.number, "back").await);
    let selected = catalog.select(&source, second.number, "late").await;
    test.refused("selecting after others selected", selected, ErrorKind::Conflict);
    test.same("the source", &test.again(&source).await, &back);
}

/// Of two that select at once from what they saw, one succeeds.
pub async fn one_of_two_selections_wins(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "one_of_two_selections_wins");
    let mut source = test.source().await;
    for _ in 0..3 {
        test.activated(&source).await;
    }
    for round in 0..8 {
        source = test.again(&source).await;
        let others: Vec<VersionNumber> = (1..=3)
            .map(|number| test.number(number))
            .filter(|&number| Some(number) != source.current_version)
            .collect();
        let reason = format!("round {round}");
        let selected =
            join_all(others.iter().map(|&number| catalog.select(&source, number, &reason))).await;
        let now = test.again(&source).await;
        for (number, result) in others.into_iter().zip(selected) {
            if now.current_version == Some(number) {
                test.same("the one that won", &test.ok("select", result), &now);
            } else {
                test.refused("selecting second", result, ErrorKind::Conflict);
            }
        }
    }
}

/// Whoever comes first, a version that becomes active while another is selected is current in the end.
pub async fn loses_no_activation_to_a_selection(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "loses_no_activation_to_a_selection");
    let source = test.source().await;
    let first = test.activated(&source).await;
    for round in 0..8 {
        let before = test.activated(&source).await;
        let pending = test.reserve(&source).await;
        let seen = test.again(&source).await;
        test.same("the current version", &seen.current_version, &Some(before.number));
        let selected = if round % 2 == 0 {
            join(test.activate(&pending), catalog.select(&seen, first.number, "back")).await.1
        } else {
            join(catalog.select(&seen, first.number, "back"), test.activate(&pending)).await.0
        };
        if selected.is_err() {
            test.refused("selecting too late", selected, ErrorKind::Conflict);
        }
        test.current_is(&source, Some(pending.number.get())).await;
    }
}

/// A version that readers do not see ends, once, and its row can then go; the current one stays.
pub async fn retires_what_is_not_current(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "retires_what_is_not_current");
    let source = test.source().await;
    let (first, second) = (test.activated(&source).await, test.activated(&source).await);
    let pending = test.reserve(&source).await;
    let failed = test.reserve(&source).await;
    test.ok("fail it", catalog.fail(&failed, "no").await);
    for (what, version) in [("current", &second), ("pending", &pending), ("failed", &failed)] {
        let retired = catalog.retire(version, "old").await;
        test.refused(&format!("retiring a {what} version"), retired, ErrorKind::Conflict);
    }
    let removed = catalog.remove_version(&first).await;
    test.refused("removing an active version", removed, ErrorKind::Conflict);

    let message = "removed by gc: ä 😀 \"x\"";
    test.ok("retire it", catalog.retire(&first, message).await);
    let retired = test.version(&source, first.number).await;
    let expected = Version {
        status: VersionStatus::Error,
        error_message: Some(message.to_owned()),
        // Whether it still says what it held is the catalog's own business.
        facts: retired.facts.clone(),
        ..first.clone()
    };
    test.same("the retired version", &retired, &expected);
    let again = catalog.retire(&first, "again").await;
    test.refused("retiring it again", again, ErrorKind::Conflict);
    let seen = test.again(&source).await;
    let selected = catalog.select(&seen, first.number, "back").await;
    test.refused("selecting a retired version", selected, ErrorKind::Conflict);
    test.ok("remove its row", catalog.remove_version(&first).await);
    let read = catalog.version(&source, first.number).await;
    test.refused("reading its row", read, ErrorKind::NotFound);

    // Which is the current one is what was selected, not what is newest.
    let third = test.activated(&source).await;
    let seen = test.again(&source).await;
    test.ok("select", catalog.select(&seen, second.number, "back").await);
    let retired = catalog.retire(&second, "old").await;
    test.refused("retiring the selected version", retired, ErrorKind::Conflict);
    test.ok("retire the newest", catalog.retire(&third, "bad").await);
    test.current_is(&source, Some(2)).await;
}
