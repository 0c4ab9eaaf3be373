//! What every [`KeyStore`] does, as functions that panic where one does not.
//!
//! Start at [`run_all`]. Each behaviour works on keys and tenants of its own, with random ids, so that
//! the store may hold other things and the suite may run twice; what it added, it leaves. The suite does
//! not try what needs a broken store: damaged files and full disks are for each store's own tests.

use std::{
    error::Error as _,
    fmt::Debug,
    time::{Duration, SystemTime},
};

use futures::future::{join, join_all};
use tundra_core::{ErrorKind, Scope, TenantId};

use crate::{
    keys::{ApiKey, KeyId, KeyRecord, KeyState, KeyStore, KeyStoreError},
    principal::Actions,
};

/// Runs every behaviour of this module in turn.
///
/// # Panics
/// Panics when the store lacks one, and names it.
pub async fn run_all(store: &dyn KeyStore) {
    keeps_what_a_key_is(store).await;
    adds_a_key_once(store).await;
    adds_one_of_twins(store).await;
    finds_nothing_where_nothing_is(store).await;
    lists_keys_by_their_ids(store).await;
    shows_nobody_elses_keys(store).await;
    revokes_for_good(store).await;
    revokes_nobody_elses_keys(store).await;
    remembers_the_last_use(store).await;
    shows_no_digest(store).await;
}

/// Every field of a key is kept, to the microsecond, and names as they are.
pub async fn keeps_what_a_key_is(store: &dyn KeyStore) {
    let test = Test::new(store, "keeps_what_a_key_is");
    let full = KeyRecord {
        name: "Ünïcode 'name' \"quoted\" %_;--".to_owned(),
        actions: Actions::ALL,
        expires_at: Some(moment(9_000_000_000_000_001)),
        last_used_at: Some(moment(1_700_000_000_000_001)),
        revoked_at: Some(moment(1_700_000_000_000_002)),
        ..test.key()
    };
    for key in [test.key(), full, KeyRecord { tenant: None, ..test.key() }] {
        test.ok("add a key", store.add(&key).await);
        test.same("the key", &test.find(&key.id).await, &Some(key));
    }
    let finer = KeyRecord { created_at: moment(5) + Duration::from_nanos(999), ..test.key() };
    test.ok("add a key", store.add(&finer).await);
    let created = test.find(&finer.id).await.map(|key| key.created_at);
    test.same("a moment of nanoseconds", &created, &Some(moment(5)));
}

/// An id is given once, and the key that has it stays as it is.
pub async fn adds_a_key_once(store: &dyn KeyStore) {
    let test = Test::new(store, "adds_a_key_once");
    let key = test.added().await;
    let other = KeyRecord { id: key.id.clone(), name: "other".to_owned(), ..test.key() };
    test.refused("a second key", store.add(&other).await, ErrorKind::AlreadyExists);
    test.same("the key", &test.find(&key.id).await, &Some(key));
}

/// Of two keys with one id that are added at once, one is.
pub async fn adds_one_of_twins(store: &dyn KeyStore) {
    let test = Test::new(store, "adds_one_of_twins");
    let first = test.key();
    let second = KeyRecord { id: first.id.clone(), name: "twin".to_owned(), ..test.key() };
    let (one, other) = join(store.add(&first), store.add(&second)).await;
    let kept = if one.is_ok() { &first } else { &second };
    match (one, other) {
        (Ok(()), refused) | (refused, Ok(())) => {
            test.refused("the second", refused, ErrorKind::AlreadyExists);
        }
        _ => test.fail("neither was added"),
    }
    test.same("the key", &test.find(&first.id).await, &Some(kept.clone()));
}

/// A key that is not there is none, and to remember its use does nothing.
pub async fn finds_nothing_where_nothing_is(store: &dyn KeyStore) {
    let test = Test::new(store, "finds_nothing_where_nothing_is");
    let id = test.key().id;
    test.same("a key", &test.find(&id).await, &None);
    test.ok("touch nothing", store.touch(&id, moment(1)).await);
    test.same("a key", &test.find(&id).await, &None);
    let revoked = store.revoke(&Scope::All, &id, moment(1)).await;
    test.refused("to revoke nothing", revoked, ErrorKind::NotFound);
}

/// Lists are in the order of the ids, begin behind one, and end at the limit.
pub async fn lists_keys_by_their_ids(store: &dyn KeyStore) {
    let test = Test::new(store, "lists_keys_by_their_ids");
    let mut keys = join_all((0..7).map(|_| test.added())).await;
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    let scope = test.scope();
    test.same("all", &test.list(&scope, None, 100).await, &keys);
    test.same("none", &test.list(&scope, None, 0).await, &Vec::new());
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|key: &KeyRecord| key.id.clone());
        let page = test.list(&scope, after.as_ref(), 3).await;
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    test.same("the pages", &paged, &keys);
    let among_all = test.list(&Scope::All, Some(&keys[5].id), 1_000_000).await;
    test.same("whether all has it", &among_all.contains(&keys[6]), &true);
    test.same("whether all has what is before", &among_all.contains(&keys[5]), &false);
}

/// A scope of a tenant has its keys and no others, not even those for all organisations.
pub async fn shows_nobody_elses_keys(store: &dyn KeyStore) {
    let test = Test::new(store, "shows_nobody_elses_keys");
    let (own, other) = (test.added().await, Test::new(store, test.behaviour).added().await);
    let everywhere = KeyRecord { tenant: None, ..test.key() };
    test.ok("add a key", store.add(&everywhere).await);
    test.same("the tenant's", &test.list(&test.scope(), None, 100).await, &vec![own.clone()]);
    let all = test.list(&Scope::All, None, 1_000_000).await;
    for key in [&own, &other, &everywhere] {
        test.same("whether all has it", &all.contains(key), &true);
    }
}

/// A revoked key stays so, as of the first time.
pub async fn revokes_for_good(store: &dyn KeyStore) {
    let test = Test::new(store, "revokes_for_good");
    let key = test.added().await;
    test.same("its state", &key.state(SystemTime::now()), &KeyState::Valid);
    let revoked = KeyRecord { revoked_at: Some(moment(20)), ..key.clone() };
    for (scope, at) in [(test.scope(), 20), (Scope::All, 10), (test.scope(), 30)] {
        let told = test.ok("revoke it", store.revoke(&scope, &key.id, moment(at)).await);
        test.same("what is told", &told, &revoked);
        test.same("what is kept", &test.find(&key.id).await, &Some(revoked.clone()));
    }
    test.same("its state", &revoked.state(moment(0)), &KeyState::Revoked);
}

/// Nobody revokes a key of another tenant, nor one for all organisations.
pub async fn revokes_nobody_elses_keys(store: &dyn KeyStore) {
    let test = Test::new(store, "revokes_nobody_elses_keys");
    let stranger = Test::new(store, test.behaviour).scope();
    let everywhere = KeyRecord { tenant: None, ..test.key() };
    test.ok("add a key", store.add(&everywhere).await);
    for key in [test.added().await, everywhere] {
        let revoked = store.revoke(&stranger, &key.id, moment(1)).await;
        test.refused("to revoke a stranger's key", revoked, ErrorKind::NotFound);
        test.same("the key", &test.find(&key.id).await, &Some(key.clone()));
        test.ok("revoke it", store.revoke(&Scope::All, &key.id, moment(1)).await);
    }
}

/// The latest use counts, in whatever order uses are told.
pub async fn remembers_the_last_use(store: &dyn KeyStore) {
    let test = Test::new(store, "remembers_the_last_use");
    let key = test.added().await;
    for (told, kept) in [(20, 20), (10, 20), (30, 30), (30, 30)] {
        test.ok("touch it", store.touch(&key.id, moment(told)).await);
        let expected = KeyRecord { last_used_at: Some(moment(kept)), ..key.clone() };
        test.same("the key", &test.find(&key.id).await, &Some(expected));
    }
}

/// Neither the store nor a record prints the digest.
pub async fn shows_no_digest(store: &dyn KeyStore) {
    let test = Test::new(store, "shows_no_digest");
    let key = test.added().await;
    let printed = format!("{store:?} {key:?} {:?}", test.find(&key.id).await);
    // Four bytes in a row are there by chance in one of four thousand million runs.
    let bytes = &key.digest.as_bytes()[..4];
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let decimal = format!("{bytes:?}");
    if [hex.as_str(), decimal.trim_matches(['[', ']'])].iter().any(|form| printed.contains(form)) {
        test.fail("the digest is printed");
    }
}

/// One behaviour being tested on one store, by a tenant of its own.
struct Test<'a> {
    store: &'a dyn KeyStore,
    tenant: TenantId,
    behaviour: &'static str,
}

impl<'a> Test<'a> {
    fn new(store: &'a dyn KeyStore, behaviour: &'static str) -> Self {
        let tenant = random_id().as_str().to_ascii_lowercase();
        let Ok(tenant) = tenant.parse() else {
            panic!("key store conformance, `{behaviour}`: `{tenant}` is no tenant")
        };
        Self { store, tenant, behaviour }
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        panic!("key store conformance, `{}`: {what}", self.behaviour)
    }

    #[track_caller]
    fn ok<T>(&self, step: &str, result: Result<T, KeyStoreError>) -> T {
        result.unwrap_or_else(|error| self.fail(&format!("could not {step}: {}", chain(&error))))
    }

    #[track_caller]
    fn same<T: PartialEq + Debug>(&self, what: &str, actual: &T, expected: &T) {
        if actual != expected {
            self.fail(&format!("{what} should be {expected:?} but is {actual:?}"));
        }
    }

    /// Checks that this was refused, and that the refusal is of this kind and says something.
    #[track_caller]
    fn refused<T: Debug>(&self, what: &str, result: Result<T, KeyStoreError>, kind: ErrorKind) {
        match result {
            Ok(done) => self.fail(&format!("{what} was not refused but gave {done:?}")),
            Err(error) if error.kind != kind || error.reason.is_empty() => {
                let chain = chain(&error);
                self.fail(&format!("{what} was not `{kind}` but `{}`: {chain}", error.kind));
            }
            Err(_) => {}
        }
    }

    fn scope(&self) -> Scope {
        Scope::Tenant(self.tenant.clone())
    }

    /// Returns a key of this test's tenant that is not added yet.
    fn key(&self) -> KeyRecord {
        let Ok(key) = ApiKey::generate() else { self.fail("the system gives no random bytes") };
        KeyRecord {
            id: key.id().clone(),
            digest: key.digest(),
            name: "conformance".to_owned(),
            tenant: Some(self.tenant.clone()),
            actions: Actions::MEMBER,
            created_at: moment(1_700_000_000_000_000),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        }
    }

    async fn added(&self) -> KeyRecord {
        let key = self.key();
        self.ok("add a key", self.store.add(&key).await);
        key
    }

    async fn find(&self, id: &KeyId) -> Option<KeyRecord> {
        self.ok("find a key", self.store.find(id).await)
    }

    async fn list(&self, scope: &Scope, after: Option<&KeyId>, limit: usize) -> Vec<KeyRecord> {
        self.ok("list keys", self.store.list(scope, after, limit).await)
    }
}

fn random_id() -> KeyId {
    match ApiKey::generate() {
        Ok(key) => key.id().clone(),
        Err(error) => panic!("key store conformance: {error}"),
    }
}

/// Returns the moment so many microseconds after 1970 began.
fn moment(micros: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

fn chain(error: &KeyStoreError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
