//! An issuer that publishes its keys by HTTP, and can be away.

use std::time::Duration;

use serde_json::json;
use tundra_access::{KeySetSettings, TokenSettings};
use tundra_test_services::{
    FaultProxy,
    proxy::{Fault, Reply, Rule},
};

use super::Signer;

/// Nobody stands behind the first server: all that it answers is said here. The second one stands before
/// it, and answers late or in part.
pub(super) struct Issuer {
    answers: FaultProxy,
    faults: FaultProxy,
}

impl Issuer {
    pub(super) fn start() -> Self {
        let answers = FaultProxy::start("http://127.0.0.1:1").unwrap();
        let faults = FaultProxy::start(&answers.endpoint()).unwrap();
        Self { answers, faults }
    }

    /// Returns what its tokens have in `iss`.
    pub(super) fn name(&self) -> String {
        format!("{}/auth/v1", self.faults.endpoint())
    }

    /// Returns the settings of a project that it stands for.
    pub(super) fn settings(&self) -> TokenSettings {
        let mut settings = TokenSettings::supabase(&self.faults.endpoint());
        let keys = settings.keys.as_mut().unwrap();
        assert_eq!(keys.fresh_for, KeySetSettings::new("x").fresh_for);
        // The servers here are near, and a machine that is busy is slow.
        keys.timeout = Duration::from_secs(30);
        settings
    }

    /// Publishes the keys of these, and no others.
    pub(super) fn publish(&self, signers: &[&Signer]) {
        let keys: Vec<_> = signers.iter().map(|signer| signer.published()).collect();
        self.answer(Reply::text(200, "application/json", &json!({ "keys": keys }).to_string()));
    }

    /// Answers with this from now on.
    pub(super) fn answer(&self, reply: Reply) {
        self.answers.clear();
        self.answers.add(Rule::new(Fault::Reply(reply)));
    }

    /// Has this happen to every request, before there is an answer.
    pub(super) fn fault(&self, fault: Fault) {
        self.faults.clear();
        self.faults.add(Rule::new(fault));
    }

    /// Answers as usual again.
    pub(super) fn mend(&self) {
        self.faults.clear();
    }

    /// Returns how often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.faults.seen().len()
    }

    pub(super) fn faults(&self) -> &FaultProxy {
        &self.faults
    }
}
