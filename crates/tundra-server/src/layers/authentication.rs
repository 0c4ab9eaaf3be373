//! Who asks: [`authenticate`] finds it out, and a handler takes it as its [`Caller`].
//!
//! Credentials are the authenticator's to judge. This module reads them from headers, and answers for it
//! with 401, 403 or 503. It knows no paths: a route to which it is not added is open to everybody. What a
//! caller may do, the handler asks.

mod guesses;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
        request::Parts,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use tundra_access::{AccessError, Action, Authenticator, Credentials, Principal, Standing};
use tundra_core::{Classify, Scope};

use self::guesses::{Guesses, Shown};
use crate::{
    Failure,
    layers::{access_log::Noted, client::Client, rates::Key},
};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// For which organisation a request is, of those that its caller acts for.
pub(crate) const X_ORGANISATION: HeaderName = HeaderName::from_static("x-organisation");

/// After which time it may be asked again whether somebody is let in, when that could not be found out: as
/// long as the keys of an issuer are not asked for again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is asked whether somebody is let in.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    authenticator: Option<Arc<Authenticator>>,
    guesses: Arc<Guesses>,
}

/// Who asks, as it was proven.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Principal);

impl Door {
    /// Lets in whom the authenticator lets in; everybody as the one user of this machine, when there is none.
    pub(crate) fn new(authenticator: Option<Arc<Authenticator>>) -> Self {
        Self { authenticator, guesses: Arc::default() }
    }

    /// Returns what a request shows and from where; nothing when it shows nothing, did not come by a
    /// connection, or nobody is asked.
    fn guess(&self, request: &Request) -> Option<(Shown, Key)> {
        self.authenticator.as_ref().filter(|authenticator| authenticator.asking().is_on())?;
        request.extensions().get::<Client>()?;
        let shown = self.guesses.shown(request.headers())?;
        Some((shown, Key::of_address(request.extensions())))
    }

    async fn principal(&self, headers: &HeaderMap) -> Result<Principal, AccessError> {
        let for_organisation = |shown: Credentials| match only(headers, &X_ORGANISATION) {
            Ok(None) => Ok(shown),
            Ok(Some(value)) => shown.for_organisation(&String::from_utf8_lossy(value.as_bytes())),
            Err(_) => Err(AccessError::NotMember),
        };
        match &self.authenticator {
            // What somebody shows who is not asked cannot be wrong.
            Some(authenticator) if !authenticator.asking().is_on() => {
                let shown = credentials(headers).unwrap_or_default();
                authenticator.authenticate(&for_organisation(shown)?).await
            }
            Some(authenticator) => {
                authenticator.authenticate(&for_organisation(credentials(headers)?)?).await
            }
            None => {
                let shown = for_organisation(Credentials::none())?;
                Principal::local().acting_for(shown.organisation.as_ref())
            }
        }
    }
}

impl Caller {
    /// Asks whether the caller may do this.
    ///
    /// # Errors
    /// 403 when not.
    pub(crate) fn may(&self, action: Action) -> Result<(), Failure> {
        self.0.may(action).map_err(|denied| Failure::of(&denied))
    }

    /// Returns whose sources the caller sees.
    pub(crate) fn scope(&self) -> Scope {
        self.0.scope()
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    /// Takes whom [`authenticate`] let in. A route that asks for a caller and is not behind it lets nobody
    /// in.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a route asks for its caller, and nobody was asked who they are");
            let code = Standing::Unauthenticated.code();
            Failure::new(StatusCode::UNAUTHORIZED, code, "it is not known who asks")
        })
    }
}

/// Finds out who asks, or answers why they are not let in.
pub(crate) async fn authenticate(
    State(door): State<Door>,
    mut request: Request,
    next: Next,
) -> Response {
    let guess = door.guess(&request);
    if let Some((shown, from)) = &guess
        && let Err(refused) = door.guesses.check(from, *shown)
    {
        return refused.into_response();
    }
    match door.principal(request.headers()).await {
        Ok(principal) => {
            if let Some((shown, _)) = guess {
                door.guesses.was_right(shown);
            }
            if let Some(noted) = request.extensions().get::<Noted>() {
                noted.caller(&principal);
            }
            request.extensions_mut().insert(Caller(principal));
            next.run(request).await
        }
        Err(error) => {
            // What could not be found out was no guess.
            if let Some((_, from)) = guess
                && error.standing() == Standing::Unauthenticated
            {
                door.guesses.was_wrong(from);
            }
            refusal(&error)
        }
    }
}

/// Reads what is shown. A header that comes twice is two credentials, of which none is chosen.
fn credentials(headers: &HeaderMap) -> Result<Credentials, AccessError> {
    let authorization = only(headers, &AUTHORIZATION)?;
    let api_key = only(headers, &X_API_KEY)?;
    // What is no text is no credential either, and is refused as such.
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let (authorization, api_key) = (authorization.map(text), api_key.map(text));
    Credentials::read(authorization.as_deref(), api_key.as_deref())
}

fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, AccessError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(AccessError::Ambiguous),
    }
}

/// Answers who is not let in.
fn refusal(error: &AccessError) -> Response {
    let standing = error.standing();
    let status = StatusCode::from_u16(standing.http_status()).unwrap_or(StatusCode::UNAUTHORIZED);
    // The causes are the operator's: a store of keys says where its file is.
    let mut failure = Failure::new(status, standing.code(), error.to_string());
    failure.hints = error.hints();
    if standing == Standing::Unavailable {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(%error, cause, "could not find out who asks");
        failure = failure.retry_after(PATIENCE);
    }
    let mut response = failure.into_response();
    if let Some(challenge) = challenge(error) {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// Returns what RFC 6750, section 3, wants to be said. What is wrong with a credential stands in the body,
/// and here only what programs act on.
fn challenge(error: &AccessError) -> Option<&'static str> {
    match (error.standing(), error) {
        // Who showed nothing is told no error.
        (Standing::Unauthenticated, AccessError::Missing { .. }) => {
            Some(r#"Bearer realm="tundra""#)
        }
        (Standing::Unauthenticated, AccessError::Scheme | AccessError::Ambiguous) => {
            Some(r#"Bearer realm="tundra", error="invalid_request""#)
        }
        (Standing::Unauthenticated, _) => Some(r#"Bearer realm="tundra", error="invalid_token""#),
        (Standing::Forbidden, _) => Some(r#"Bearer realm="tundra", error="insufficient_scope""#),
        (Standing::Unavailable, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use async_trait::async_trait;
    use axum::{
        Router,
        body::{Body, to_bytes},
        middleware::from_fn_with_state,
        routing::get,
    };
    use serde_json::{Value, json};
    use tower::ServiceExt as _;
    use tundra_access::{KeyId, KeyRecord, KeyStore, KeyStoreError, MemoryKeys, NewKey, issue};
    use tundra_core::ErrorKind;

    use super::*;

    fn router(door: Door) -> Router {
        let who = async |caller: Caller| -> Result<String, Failure> {
            caller.may(Action::Convert)?;
            Ok(format!("{}/{:?}", caller.0.via.name(), caller.scope()))
        };
        Router::new()
            .route("/closed", get(who))
            .route_layer(from_fn_with_state(door, authenticate))
            .route("/open", get(async || "open"))
            .route("/forgotten", get(who))
    }

    async fn ask(door: &Door, path: &str, headers: &[(&'static str, &str)]) -> (Response, Value) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = router(door.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::String(text));
        (Response::from_parts(parts, Body::empty()), body)
    }

    async fn key(keys: &MemoryKeys, actions: &str, valid: Duration) -> String {
        let now = SystemTime::now();
        let new = NewKey {
            name: "x".to_owned(),
            tenant: Some("acme".parse().unwrap()),
            actions: actions.parse().unwrap(),
            expires_at: Some(now + valid),
        };
        issue(keys, &new, now).await.unwrap().0.reveal().expose().to_owned()
    }

    #[tokio::test]
    async fn a_key_lets_in_by_either_header_and_says_whose_sources_are_seen() {
        let keys = Arc::new(MemoryKeys::default());
        let key = key(&keys, "convert", Duration::from_secs(60)).await;
        let door = Door::new(Some(Arc::new(Authenticator::new().with_keys(keys))));
        let bearer = format!("Bearer {key}");
        for header in [("x-api-key", key.as_str()), ("authorization", bearer.as_str())] {
            let (response, body) = ask(&door, "/closed", &[header]).await;
            assert_eq!(response.status(), 200, "{body}");
            assert!(body.as_str().unwrap().starts_with("api_key/Tenant("), "{body}");
        }
    }

    #[tokio::test]
    async fn who_is_not_let_in_learns_why_and_nothing_is_repeated() {
        let keys = Arc::new(MemoryKeys::default());
        let mut wrong = key(&keys, "convert", Duration::from_secs(60)).await;
        wrong.truncate(wrong.len() - 1);
        let door = Door::new(Some(Arc::new(Authenticator::new().with_keys(keys))));
        let (none, bad) = ("Bearer realm=\"tundra\"", "invalid_token");
        let bearer = format!("Bearer {wrong}");
        for (headers, challenge) in [
            (&[][..], none),
            (&[("x-api-key", "")], none),
            (&[("x-api-key", wrong.as_str())], bad),
            (&[("authorization", bearer.as_str())], bad),
            (&[("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.")], bad),
            (&[("authorization", "Basic dTpw")], "invalid_request"),
            (&[("authorization", "Bearer \u{e4}")], bad),
            (&[("x-api-key", wrong.as_str()), ("x-api-key", wrong.as_str())], "invalid_request"),
            (&[("x-api-key", wrong.as_str()), ("authorization", &bearer)], "invalid_request"),
        ] {
            let (response, body) = ask(&door, "/closed", headers).await;
            assert_eq!(response.status(), 401, "{headers:?}");
            let told = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
            assert!(told.starts_with(none) && told.contains(challenge), "{headers:?}: {told}");
            assert_eq!(told.contains("error"), challenge != none, "{told}");
            assert_eq!(body["code"], "unauthenticated");
            assert!(!body["hints"].as_array().unwrap().is_empty());
            assert!(!body.to_string().contains(&wrong), "{body}");
        }
    }

    #[tokio::test]
    async fn who_may_not_do_it_is_known_and_refused() {
        let keys = Arc::new(MemoryKeys::default());
        let key = key(&keys, "read", Duration::from_secs(60)).await;
        let door = Door::new(Some(Arc::new(Authenticator::new().with_keys(keys))));
        let (response, body) = ask(&door, "/closed", &[("x-api-key", &key)]).await;
        assert_eq!(response.status(), 403);
        assert_eq!(body["code"], "permission_denied");
        assert_eq!(body["hints"], json!(["use a key that has the action `convert`"]));
    }

    #[tokio::test]
    async fn without_an_authenticator_everybody_is_at_this_machine() {
        let (response, body) = ask(&Door::new(None), "/closed", &[]).await;
        assert_eq!((response.status(), body), (StatusCode::OK, json!("local/All")));
    }

    #[tokio::test]
    async fn a_request_is_for_the_organisation_that_it_names() {
        let asks_nobody = Door::new(None);
        let (_, body) = ask(&asks_nobody, "/closed", &[("x-organisation", "globex")]).await;
        assert_eq!(body, json!("local/Tenant(TenantId(\"globex\"))"));
        let keys = Arc::new(MemoryKeys::default());
        let authenticator = Arc::new(Authenticator::new().with_keys(keys.clone()));
        let door = Door::new(Some(authenticator));
        let key = key(&keys, "convert", Duration::from_secs(60)).await;
        let own = ("x-api-key", key.as_str());
        for (headers, status) in [
            (&[own, ("x-organisation", "acme")][..], 200),
            (&[own, ("x-organisation", " ")], 200),
            (&[own, ("x-organisation", "globex")], 403),
            (&[own, ("x-organisation", "../acme")], 403),
            (&[own, ("x-organisation", "acme"), ("x-organisation", "acme")], 403),
        ] {
            let (response, body) = ask(&door, "/closed", headers).await;
            assert_eq!(response.status(), status, "{headers:?}: {body}");
        }
    }

    #[tokio::test]
    async fn before_the_first_key_everybody_is_at_this_machine_whatever_they_show() {
        let keys = Arc::new(MemoryKeys::default());
        let authenticator =
            Arc::new(Authenticator::new().with_keys(keys.clone()).from_the_first_key());
        let door = Door::new(Some(authenticator));
        for headers in
            [&[][..], &[("authorization", "Basic dTpw")], &[("x-api-key", "a"), ("x-api-key", "b")]]
        {
            let (response, body) = ask(&door, "/closed", headers).await;
            assert_eq!((response.status(), body), (StatusCode::OK, json!("local/All")));
        }
        // Who has made the first key shows it, and from then on everybody must.
        let key = key(&keys, "convert", Duration::from_secs(60)).await;
        let (response, _) = ask(&door, "/closed", &[("x-api-key", &key)]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(ask(&door, "/closed", &[]).await.0.status(), 401);
    }

    #[tokio::test]
    async fn open_paths_ask_nobody_and_a_forgotten_layer_lets_nobody_in() {
        let door = Door::new(Some(Arc::new(Authenticator::new())));
        let (response, _) = ask(&door, "/open", &[("authorization", "Basic dTpw")]).await;
        assert_eq!(response.status(), 200);
        for door in [door, Door::new(None)] {
            let (response, _) = ask(&door, "/forgotten", &[]).await;
            assert_eq!(response.status(), 401);
        }
    }

    #[derive(Debug)]
    struct Broken;

    fn broken<T>() -> Result<T, KeyStoreError> {
        Err(KeyStoreError::new("find a key", ErrorKind::Corrupt, "`/data/keys` is damaged"))
    }

    #[async_trait]
    impl KeyStore for Broken {
        fn display(&self) -> String {
            "a store that is broken".to_owned()
        }

        async fn add(&self, _: &KeyRecord) -> Result<(), KeyStoreError> {
            broken()
        }

        async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, KeyStoreError> {
            broken()
        }

        async fn list(
            &self,
            _: &Scope,
            _: Option<&KeyId>,
            _: usize,
        ) -> Result<Vec<KeyRecord>, KeyStoreError> {
            broken()
        }

        async fn revoke(
            &self,
            _: &Scope,
            _: &KeyId,
            _: SystemTime,
        ) -> Result<KeyRecord, KeyStoreError> {
            broken()
        }

        async fn touch(&self, _: &KeyId, _: SystemTime) -> Result<(), KeyStoreError> {
            broken()
        }
    }

    #[tokio::test]
    async fn a_store_that_fails_is_ours_to_mend_and_says_nothing_of_itself() {
        let key = key(&MemoryKeys::default(), "convert", Duration::from_secs(60)).await;
        let door = Door::new(Some(Arc::new(Authenticator::new().with_keys(Arc::new(Broken)))));
        let (response, body) = ask(&door, "/closed", &[("x-api-key", &key)]).await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "10");
        assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
        assert!(!body.to_string().contains("/data/keys"), "{body}");
    }
}
