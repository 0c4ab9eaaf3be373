//! API keys at the door: which are let in, what is told of those that are not, and what is written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use tundra_access::{
    AccessError, Action, Actions, ApiKey, Authenticator, Credentials, KeyId, KeyRecord, KeyStore,
    KeyStoreError, MemoryKeys, NewKey, Principal, Standing, Via, issue, testing,
};
use tundra_core::{Classify, ErrorKind, Retry, Scope, Secret};

use crate::now;

const MINUTE: Duration = Duration::from_secs(60);

fn new_key() -> NewKey {
    NewKey {
        name: "nightly".to_owned(),
        tenant: Some("acme".parse().unwrap()),
        actions: [Action::Read, Action::Convert].into_iter().collect(),
        expires_at: None,
    }
}

/// A store that counts what is written to it, and can be away.
#[derive(Debug, Default)]
struct Watched {
    keys: MemoryKeys,
    touched: AtomicUsize,
    is_away: AtomicBool,
    is_full: AtomicBool,
}

impl Watched {
    fn touched(&self) -> usize {
        self.touched.load(Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl KeyStore for Watched {
    fn display(&self) -> String {
        self.keys.display()
    }

    async fn add(&self, key: &KeyRecord) -> Result<(), KeyStoreError> {
        self.keys.add(key).await
    }

    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, KeyStoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            let error =
                KeyStoreError::new("find a key", ErrorKind::Timeout, "`/data/keys.db` is locked");
            return Err(KeyStoreError { retry: Retry::Later, ..error });
        }
        self.keys.find(id).await
    }

    async fn list(
        &self,
        scope: &Scope,
        after: Option<&KeyId>,
        limit: usize,
    ) -> Result<Vec<KeyRecord>, KeyStoreError> {
        self.keys.list(scope, after, limit).await
    }

    async fn revoke(
        &self,
        scope: &Scope,
        id: &KeyId,
        at: SystemTime,
    ) -> Result<KeyRecord, KeyStoreError> {
        self.keys.revoke(scope, id, at).await
    }

    async fn touch(&self, id: &KeyId, at: SystemTime) -> Result<(), KeyStoreError> {
        self.touched.fetch_add(1, Ordering::Relaxed);
        if self.is_full.load(Ordering::Relaxed) {
            return Err(KeyStoreError::new("touch a key", ErrorKind::LimitExceeded, "disk full"));
        }
        self.keys.touch(id, at).await
    }
}

struct Door {
    store: Arc<Watched>,
    door: Authenticator,
}

impl Door {
    fn new() -> Self {
        let store = Arc::new(Watched::default());
        let door = Authenticator::new().with_keys(store.clone());
        Self { store, door }
    }

    async fn issue(&self, new: &NewKey) -> ApiKey {
        issue(&*self.store, new, now()).await.unwrap().0
    }

    async fn show(&self, key: Secret, at: SystemTime) -> Result<Principal, AccessError> {
        let shown = Credentials { api_key: Some(key), ..Credentials::none() };
        self.door.authenticate_at(&shown, at).await
    }

    /// Returns why the key is not let in, which must not repeat it.
    async fn refusal(&self, key: &str, at: SystemTime) -> AccessError {
        let error = self.show(Secret::new(key), at).await.unwrap_err();
        let told = format!("{error} {error:?} {:?}", error.hints());
        // The id of a key is no secret.
        let secret = key.rsplit_once('_').map_or(key, |(_, secret)| secret);
        assert!(secret.len() < 8 || !told.contains(&secret[..8]), "{told}");
        error
    }
}

#[tokio::test]
async fn the_keys_in_memory_conform() {
    let keys: Arc<dyn KeyStore> = Arc::new(MemoryKeys::default());
    testing::keys::run_all(&*keys).await;
    // Once more, among what was left.
    testing::keys::run_all(&*keys).await;
}

#[tokio::test]
async fn a_key_lets_in_as_what_it_was_issued_for() {
    let door = Door::new();
    let key = door.issue(&new_key()).await;
    for shown in [
        Credentials { api_key: Some(key.reveal()), ..Credentials::none() },
        Credentials { bearer: Some(key.reveal()), ..Credentials::none() },
    ] {
        let principal = door.door.authenticate_at(&shown, now()).await.unwrap();
        assert_eq!(principal.subject, key.id().as_str());
        assert_eq!(principal.scope(), Scope::Tenant("acme".parse().unwrap()));
        assert_eq!(principal.actions, new_key().actions);
        assert_eq!(principal.via, Via::ApiKey);
    }
    let operator = NewKey { tenant: None, actions: Actions::ALL, ..new_key() };
    let operator = door.issue(&operator).await;
    let principal = door.show(operator.reveal(), now()).await.unwrap();
    assert_eq!(principal.scope(), Scope::All);
    principal.may(Action::Operate).unwrap();
}

#[tokio::test]
async fn a_typing_error_is_told_from_a_key_that_is_not_known() {
    let door = Door::new();
    let key = door.issue(&new_key()).await.reveal();
    let key = key.expose();
    let wrong = if key.ends_with('0') { "1" } else { "0" };
    let typo = format!("{}{wrong}", &key[..key.len() - 1]);
    for text in
        [&typo, &key[..key.len() - 1], &format!("{key}x"), "tnd_", "secret-of-another-service"]
    {
        let error = door.refusal(text, now()).await;
        assert!(matches!(error, AccessError::KeyForm { .. }), "{error:?}");
        assert_eq!(error.standing(), Standing::Unauthenticated);
    }
    let unknown = ApiKey::generate().unwrap();
    let error = door.refusal(unknown.reveal().expose(), now()).await;
    assert!(matches!(error, AccessError::UnknownKey { .. }), "{error:?}");
    assert!(error.to_string().contains(unknown.id().as_str()));
}

#[tokio::test]
async fn who_has_another_secret_learns_nothing_of_the_key() {
    let door = Door::new();
    let expired = NewKey { expires_at: Some(now() + MINUTE), ..new_key() };
    let expired = door.issue(&expired).await;
    // A key of this id with another secret, as somebody makes who has seen the id in a log.
    let forged = |id: &KeyId| {
        let other = ApiKey::generate().unwrap().reveal();
        with_check_code(&format!("tnd_{id}_{}", &other.expose()[17..49]))
    };
    let error = door.refusal(&forged(expired.id()), now() + 2 * MINUTE).await;
    assert!(matches!(error, AccessError::UnknownKey { .. }), "{error:?}");
    let error = door.refusal(expired.reveal().expose(), now() + 2 * MINUTE).await;
    assert!(matches!(error, AccessError::ExpiredKey { .. }), "{error:?}");
    door.show(expired.reveal(), now()).await.unwrap();
}

/// Computes the check code as the documentation says: CRC-32C in base 62, six digits.
fn with_check_code(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = !text.bytes().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 }
        })
    });
    let mut code = String::new();
    for _ in 0..6 {
        code.insert(0, char::from(DIGITS[(rest % 62) as usize]));
        rest /= 62;
    }
    format!("{text}{code}")
}

#[tokio::test]
async fn a_revoked_key_lets_nobody_in_from_then_on() {
    let door = Door::new();
    let key = door.issue(&new_key()).await;
    door.show(key.reveal(), now()).await.unwrap();
    door.store.revoke(&Scope::All, key.id(), now()).await.unwrap();
    let error = door.refusal(key.reveal().expose(), now()).await;
    assert!(matches!(error, AccessError::RevokedKey { .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_and_too_much_are_refused() {
    let door = Door::new();
    let key = door.issue(&new_key()).await;
    let error = door.door.authenticate(&Credentials::none()).await.unwrap_err();
    assert!(matches!(error, AccessError::Missing { keys: true, tokens: false }));
    let both = Credentials {
        bearer: Some(key.reveal()),
        api_key: Some(key.reveal()),
        ..Credentials::none()
    };
    let error = door.door.authenticate(&both).await.unwrap_err();
    assert!(matches!(error, AccessError::Ambiguous));
    let token = Credentials { bearer: Some(Secret::new("eyJ.e.s")), ..Credentials::none() };
    let error = door.door.authenticate(&token).await.unwrap_err();
    assert!(matches!(error, AccessError::NotAccepted { what: "tokens" }));

    let nobody = Authenticator::new();
    assert!(!nobody.is_set_up() && door.door.is_set_up());
    let shown = Credentials { api_key: Some(key.reveal()), ..Credentials::none() };
    let error = nobody.authenticate(&shown).await.unwrap_err();
    assert!(matches!(error, AccessError::NotAccepted { what: "API keys" }));
}

#[tokio::test]
async fn a_store_that_is_away_lets_nobody_in_and_says_so() {
    let door = Door::new();
    let key = door.issue(&new_key()).await;
    door.store.is_away.store(true, Ordering::Relaxed);
    let error = door.refusal(key.reveal().expose(), now()).await;
    assert_eq!(error.standing(), Standing::Unavailable);
    assert_eq!(error.retry(), Retry::Later);
    assert!(!error.to_string().contains("/data"), "paths are for the log: {error}");
}

#[tokio::test]
async fn the_use_of_a_key_is_written_once_in_a_while() {
    let door = Door::new();
    let key = door.issue(&new_key()).await;
    let used = async || door.store.find(key.id()).await.unwrap().unwrap().last_used_at;
    assert_eq!(used().await, None);
    for second in 0..100 {
        let at = now() + Duration::from_secs(second);
        door.show(key.reveal(), at).await.unwrap();
    }
    assert_eq!((door.store.touched(), used().await), (1, Some(now())));
    let later = now() + 5 * MINUTE;
    door.show(key.reveal(), later).await.unwrap();
    assert_eq!((door.store.touched(), used().await), (2, Some(later)));

    // Another server has written it.
    door.store.keys.touch(key.id(), later + 9 * MINUTE).await.unwrap();
    door.show(key.reveal(), later + 10 * MINUTE).await.unwrap();
    assert_eq!(door.store.touched(), 2);
    // Who is not let in does not use the key.
    door.store.revoke(&Scope::All, key.id(), now()).await.unwrap();
    door.refusal(key.reveal().expose(), later + 60 * MINUTE).await;
    assert_eq!(door.store.touched(), 2);
}

#[tokio::test]
async fn a_use_that_cannot_be_written_keeps_nobody_out() {
    let door = Door::new();
    let key = door.issue(&new_key()).await;
    door.store.is_full.store(true, Ordering::Relaxed);
    for second in 0..100 {
        let at = now() + Duration::from_secs(second);
        door.show(key.reveal(), at).await.unwrap();
    }
    assert_eq!(door.store.touched(), 1, "a full disk is not tried with every request");
}

#[tokio::test]
async fn nobody_is_asked_until_there_is_a_key() {
    let store = Arc::new(Watched::default());
    let door = Authenticator::new().with_keys(store.clone()).from_the_first_key();
    let asking = door.asking();
    let ask = async |shown: &Credentials| door.authenticate_at(shown, now()).await;
    // What is shown is not looked at, and a store that is away keeps nobody out.
    let others = Credentials {
        bearer: Some(Secret::new("eyJ.e.s")),
        api_key: Some(Secret::new("x")),
        ..Credentials::none()
    };
    for shown in [&Credentials::none(), &others] {
        assert_eq!(ask(shown).await.unwrap(), Principal::local());
    }
    let expired = NewKey { expires_at: Some(now() + MINUTE), ..new_key() };
    let (expired, _) = issue(&*store, &expired, now() - MINUTE).await.unwrap();
    let later = now() + 2 * MINUTE;
    let shown = Credentials { api_key: Some(expired.reveal()), ..Credentials::none() };
    assert_eq!(door.authenticate_at(&shown, later).await.unwrap(), Principal::local());
    door.look_for_keys(later).await.unwrap();
    assert!(!asking.is_on());

    let (key, record) = issue(&*store, &new_key(), now()).await.unwrap();
    assert_eq!(ask(&Credentials::none()).await.unwrap(), Principal::local());
    door.look_for_keys(now()).await.unwrap();
    assert!(asking.is_on());
    assert!(matches!(ask(&Credentials::none()).await, Err(AccessError::Missing { .. })));
    let shown = Credentials { api_key: Some(key.reveal()), ..Credentials::none() };
    assert_eq!(ask(&shown).await.unwrap().subject, record.id.as_str());
    // It is not forgotten that there was one.
    store.revoke(&Scope::All, &record.id, now()).await.unwrap();
    door.look_for_keys(now()).await.unwrap();
    assert!(ask(&shown).await.is_err() && asking.is_on());
}

#[tokio::test]
async fn the_first_key_is_seen_when_it_is_shown() {
    let store = Arc::new(Watched::default());
    let door = Authenticator::new().with_keys(store.clone()).from_the_first_key();
    let (key, _) = issue(&*store, &new_key(), now()).await.unwrap();
    let shown = Credentials { bearer: Some(key.reveal()), ..Credentials::none() };
    let principal = door.authenticate_at(&shown, now()).await.unwrap();
    assert_eq!(principal.tenant, Some("acme".parse().unwrap()));
    assert!(door.asking().is_on());
    assert!(door.authenticate_at(&Credentials::none(), now()).await.is_err());
}
