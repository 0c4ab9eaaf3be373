//! The organisations of a user, as the database tells them: [`Memberships`].
//!
//! A PostgREST is asked with the user's own token, so that the database decides what the user sees, and no
//! key of the service is needed. Which tables say it, the function in the database knows.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use reqwest::{
    StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tundra_core::{BoxError, Secret, TenantId};
use url::Url;

use super::{
    issuer_keys::{client, is_next_door},
    settings::{TokenSettingsError, plain_url},
    tenant::TenantLookup,
};

/// The function that answers.
const FUNCTION: &str = "tundra_my_organisations";

/// The gateway of Supabase asks for its key here.
const API_KEY: HeaderName = HeaderName::from_static("apikey");

/// The longest answer, which is a list of short texts.
const LONGEST: usize = 256 << 10;

/// How many answers are kept: more than there are users at once.
const MOST_KEPT: usize = 10_000;

/// Where a PostgREST is that knows who is a member of what, and how it is asked.
#[derive(Debug, Clone)]
pub struct MembershipSettings {
    /// Its address: below it is `rpc/tundra_my_organisations`.
    pub rest_url: String,
    /// The key by which Supabase's gateway lets requests pass: a publishable key (`sb_publishable_…`), or the
    /// older anonymous one. A PostgREST that stands alone needs none.
    pub key: Option<Secret>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for all of the answer.
    pub timeout: Duration,
    /// For how long an answer holds.
    pub kept_for: Duration,
}

impl MembershipSettings {
    /// Returns the settings for a project at Supabase, such as `https://abcdef.supabase.co`.
    pub fn supabase(project_url: &str, key: Option<Secret>) -> Self {
        const REST: &str = "/rest/v1";
        let project = project_url.trim().trim_end_matches('/');
        let project = project.strip_suffix(REST).unwrap_or(project);
        Self { key, ..Self::bare(format!("{project}{REST}")) }
    }

    /// Returns the settings for a PostgREST that is not behind Supabase's gateway.
    pub fn bare(rest_url: impl Into<String>) -> Self {
        Self {
            rest_url: rest_url.into(),
            key: None,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(5),
            kept_for: Duration::from_secs(60),
        }
    }
}

/// Asks a PostgREST for the organisations of whoever holds a token, and keeps the answer for a minute.
///
/// An answer is kept for the token and not for its subject: what a session may see can depend on how its user
/// signed in, and who has signed in again after becoming a member sees that at once.
pub struct Memberships {
    http: reqwest::Client,
    url: Url,
    key: Option<HeaderValue>,
    kept_for: Duration,
    /// By the SHA-256 of the token.
    kept: Mutex<HashMap<[u8; 32], Kept>>,
}

struct Kept {
    organisations: Vec<TenantId>,
    asked_at: SystemTime,
}

/// Why the organisations of a user could not be had.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the database did not answer")]
    Lost(#[source] reqwest::Error),
    #[error(
        "the database has no function `tundra_my_organisations`; run `003_organisations.sql` of Tundra"
    )]
    NoFunction,
    #[error(
        "the database, or the gateway before it, takes neither the token nor the key ({0}); set \
         `SUPABASE_PUBLISHABLE_KEY`, and let the database know the keys of the issuer"
    )]
    Refused(StatusCode),
    #[error("the database answered with the status {0}")]
    Status(StatusCode),
    #[error("the database answered with what is no list of organisations")]
    NoList,
}

impl Memberships {
    /// Makes the client. Nothing is asked yet.
    ///
    /// # Errors
    /// When the address or the key cannot be used.
    pub fn new(settings: &MembershipSettings) -> Result<Self, TokenSettingsError> {
        let hint = "name it as `https://HOST`, without a user";
        let what = "the address of the database";
        let rest = settings.rest_url.trim().trim_end_matches('/');
        let url = plain_url(&format!("{rest}/rpc/{FUNCTION}"), what, hint)?;
        if url.scheme() == "http" && !is_next_door(&url) {
            tracing::warn!(
                host = url.host_str(),
                "tokens of users go to the database over an open connection"
            );
        }
        let key = settings.key.as_ref().map(|key| {
            sensitive(key.expose()).ok_or_else(|| {
                let reason = "the publishable key has characters that no key has";
                TokenSettingsError::new(reason, "copy it as it is")
            })
        });
        Ok(Self {
            http: client(&url, settings.connect_timeout, settings.timeout)?,
            url,
            key: key.transpose()?,
            kept_for: settings.kept_for,
            kept: Mutex::default(),
        })
    }

    async fn ask(&self, token: &Secret) -> Result<Vec<TenantId>, Trouble> {
        let lost = |error: reqwest::Error| Trouble::Lost(error.without_url());
        let json = HeaderValue::from_static("application/json");
        // A token that was verified is made of letters, digits and dots.
        let bearer = sensitive(&format!("Bearer {}", token.expose()));
        let bearer = bearer.ok_or(Trouble::Refused(StatusCode::UNAUTHORIZED))?;
        let mut request = self
            .http
            .post(self.url.clone())
            .header(ACCEPT, json.clone())
            .header(CONTENT_TYPE, json)
            .header(AUTHORIZATION, bearer)
            .body("{}");
        if let Some(key) = &self.key {
            request = request.header(API_KEY, key.clone());
        }
        let mut response = request.send().await.map_err(lost)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(Trouble::NoFunction),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                return Err(Trouble::Refused(status));
            }
            status => return Err(Trouble::Status(status)),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LONGEST {
                return Err(Trouble::NoList);
            }
            body.extend_from_slice(&chunk);
        }
        organisations(&body)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Kept>> {
        // Nothing here panics half-way through a change.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_fresh(&self, kept: &Kept, now: SystemTime) -> bool {
        // A clock that was set back makes an answer no fresher than it is.
        now.duration_since(kept.asked_at).is_ok_and(|age| age < self.kept_for)
    }

    fn keep(&self, token: [u8; 32], kept: Kept, now: SystemTime) {
        let mut all = self.lock();
        if all.len() >= MOST_KEPT {
            all.retain(|_, kept| self.is_fresh(kept, now));
        }
        if all.len() < MOST_KEPT {
            all.insert(token, kept);
        }
    }
}

#[async_trait]
impl TenantLookup for Memberships {
    async fn tenants_of(&self, token: &Secret, now: SystemTime) -> Result<Vec<TenantId>, BoxError> {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, token.expose().as_bytes()).as_ref());
        if let Some(kept) = self.lock().get(&key).filter(|kept| self.is_fresh(kept, now)) {
            return Ok(kept.organisations.clone());
        }
        let organisations = self.ask(token).await?;
        let kept = Kept { organisations: organisations.clone(), asked_at: now };
        self.keep(key, kept, now);
        Ok(organisations)
    }
}

impl fmt::Debug for Memberships {
    /// Shows no key and no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memberships").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Reads a list of organisations: texts, or numbers where they have such. PostgREST before its version 7
/// wraps each in an object of one member.
fn organisations(body: &[u8]) -> Result<Vec<TenantId>, Trouble> {
    let rows: Vec<Value> = serde_json::from_slice(body).map_err(|_| Trouble::NoList)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let value = match row {
            Value::Object(members) if members.len() == 1 => {
                members.into_iter().next().map_or(Value::Null, |(_, value)| value)
            }
            value => value,
        };
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Null => continue,
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(Trouble::NoList),
        };
        // One whose name can be none has no sources here.
        match text.parse::<TenantId>() {
            Ok(tenant) if !found.contains(&tenant) => found.push(tenant),
            Ok(_) => {}
            Err(_) => tracing::debug!("an organisation has a name that none can have here"),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<String>> {
        let found = organisations(text.as_bytes()).ok()?;
        Some(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_list_is_read_in_every_form_that_it_comes_in() {
        let two = Some(vec!["acme".to_owned(), "42".to_owned()]);
        for text in [
            r#"["acme", 42]"#,
            r#"[{"tundra_my_organisations": "acme"}, {"tundra_my_organisations": 42}]"#,
            r#"["acme", null, "Not One", "acme", 42]"#,
        ] {
            assert_eq!(read(text), two, "{text}");
        }
        assert_eq!(read("[]"), Some(Vec::new()));
        for text in ["", "{}", "\"acme\"", "null", "[[]]", r#"[{"a": "x", "b": "y"}]"#, "[true]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_plain_address_and_a_key_that_can_be_sent_are_taken() {
        let made = |url: &str, key: &str| {
            let key = Some(Secret::new(key));
            Memberships::new(&MembershipSettings { key, ..MembershipSettings::bare(url) })
        };
        let shown = format!("{:?}", made("https://x.supabase.co/rest/v1/", "hush").unwrap());
        assert!(shown.contains("https://x.supabase.co/rest/v1/rpc/tundra_my_organisations"));
        for (url, key) in [
            ("x", "hush"),
            ("https://u:hush@x", "hush"),
            ("https://x?hush", "hush"),
            ("https://x", "hush\n"),
        ] {
            let error = made(url, key).unwrap_err();
            assert!(!format!("{shown} {error} {error:?}").contains("hush"), "{error:?}");
        }
        let same = MembershipSettings::supabase("https://x.supabase.co/rest/v1/", None);
        assert_eq!(same.rest_url, "https://x.supabase.co/rest/v1");
    }
}
