//! What every [`Catalog`] does, as functions that panic where one does not.
//!
//! Start at [`run_all`]. Each behaviour works on sources and tenants of its own, with random ids, so
//! that the catalog may hold other things and the suite may run twice; what it added, it leaves. The
//! suite does not try what needs a broken catalog: lost connections and answers, damaged files and
//! killed processes are for each catalog's own tests.

mod harness;
mod selecting;
mod sources;
mod transitions;
mod versions;

pub use self::{
    selecting::{
        loses_no_activation_to_a_selection, one_of_two_selections_wins,
        refuses_to_select_what_is_not_active, retires_what_is_not_current,
        selects_forward_and_back,
    },
    sources::{
        adds_a_source_once, answers_a_ping, keeps_what_a_source_is, pages_sources_by_their_ids,
        removes_a_source_with_its_versions, says_how_it_stands, shows_nobody_elses_sources,
    },
    transitions::{
        activates_once, activates_or_fails, fails_once, keeps_facts, keeps_messages,
        keeps_the_extraction_query, moves_forward_only, moves_forward_under_racing_activations,
        refuses_what_was_removed_meanwhile,
    },
    versions::{
        finds_stale_versions, finds_versions_by_their_ids, gives_every_reservation_its_own_number,
        gives_one_version_to_one_key, gives_one_version_to_twins, lists_versions_the_newest_first,
        numbers_versions_from_one, removes_only_what_failed, tells_another_request_under_a_key,
    },
};
use crate::catalog::Catalog;

/// What a catalog keeps beside that which every catalog does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeps {
    /// The names of sources; without them every name is given up when the source is added.
    pub names: bool,
    /// Where sources are read from.
    pub locations: bool,
    /// What the next version of a source may change; without it that is anything.
    pub schema_rules: bool,
    /// The digests of receipts.
    pub receipt_digests: bool,
    /// The columns of versions.
    pub schemas: bool,
    /// What was asked for under a key; without it a key stands for whatever is asked for.
    pub requests: bool,
}

impl Keeps {
    /// All there is.
    pub const EVERYTHING: Self = Self {
        names: true,
        locations: true,
        schema_rules: true,
        receipt_digests: true,
        schemas: true,
        requests: true,
    };
    /// No more than the columns of Tundra 4.0.
    pub const ESSENTIALS: Self = Self {
        names: false,
        locations: false,
        schema_rules: false,
        receipt_digests: false,
        schemas: false,
        requests: false,
    };
}

/// Runs every behaviour of this module in turn.
///
/// # Panics
/// Panics when the catalog lacks one, and names it.
pub async fn run_all(catalog: &dyn Catalog, keeps: Keeps) {
    answers_a_ping(catalog).await;
    says_how_it_stands(catalog).await;
    keeps_what_a_source_is(catalog, keeps).await;
    adds_a_source_once(catalog, keeps).await;
    shows_nobody_elses_sources(catalog, keeps).await;
    pages_sources_by_their_ids(catalog).await;
    removes_a_source_with_its_versions(catalog).await;

    numbers_versions_from_one(catalog).await;
    gives_every_reservation_its_own_number(catalog).await;
    gives_one_version_to_one_key(catalog).await;
    tells_another_request_under_a_key(catalog, keeps).await;
    gives_one_version_to_twins(catalog).await;
    lists_versions_the_newest_first(catalog).await;
    finds_versions_by_their_ids(catalog).await;
    finds_stale_versions(catalog).await;
    removes_only_what_failed(catalog).await;

    activates_once(catalog).await;
    fails_once(catalog).await;
    activates_or_fails(catalog).await;
    moves_forward_only(catalog).await;
    moves_forward_under_racing_activations(catalog).await;
    keeps_facts(catalog, keeps).await;
    keeps_messages(catalog).await;
    keeps_the_extraction_query(catalog).await;
    refuses_what_was_removed_meanwhile(catalog).await;

    selects_forward_and_back(catalog).await;
    refuses_to_select_what_is_not_active(catalog).await;
    one_of_two_selections_wins(catalog).await;
    loses_no_activation_to_a_selection(catalog).await;
    retires_what_is_not_current(catalog).await;
}
