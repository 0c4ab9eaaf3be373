//! Whose a token is: [`TenantSource`].

use std::{fmt, fmt::Debug, str::FromStr, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use serde_json::Value;
use tundra_core::{BoxError, Secret, TenantId};

use super::claims::Claims;
use crate::error::AccessError;

/// Where it is found out of which organisation the holder of a token is.
///
/// Sources, jobs and the names of buckets belong to an organisation, so a user without one can do nothing
/// here.
#[derive(Debug, Clone)]
pub enum TenantSource {
    /// In a claim, which the issuer puts there and users cannot change.
    Claim(ClaimPath),
    /// In the database, by what row-level security lets the holder see.
    RowLevelSecurity(Arc<dyn TenantLookup>),
}

/// Finds out of which organisations somebody is, where no claim says so.
///
/// # Contract
/// - The token was verified before, and is only to be handed on to the database that it is for.
/// - What is found holds for this request. An implementation may remember it for a while, by the token.
#[async_trait]
pub trait TenantLookup: Debug + Send + Sync + 'static {
    /// Returns every organisation of the token's holder, each once.
    async fn tenants_of(&self, token: &Secret, now: SystemTime) -> Result<Vec<TenantId>, BoxError>;
}

/// Where in a token a claim stands.
///
/// It is written as names with dots between them, such as `app_metadata.org_id`. Where a name has a dot
/// itself, it is written as a JSON pointer (RFC 6901), such as `/https:~1~1acme.example~1org`.
///
/// # Examples
/// ```
/// use tundra_access::ClaimPath;
///
/// let path: ClaimPath = "app_metadata.org_id".parse()?;
/// assert_eq!(path.to_string(), "app_metadata.org_id");
/// assert!("user_metadata.org_id".parse::<ClaimPath>().is_err());
/// # Ok::<(), tundra_access::ClaimPathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    written: String,
    pointer: String,
}

/// A text that says no place of a claim that can be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimPathError {
    /// It is written wrongly.
    #[error("`{text}` is no place of a claim, such as `app_metadata.org_id`")]
    Form {
        /// The text.
        text: String,
    },
    /// Users write there what they like.
    #[error(
        "every user can change `user_metadata` and so choose an organisation; use `app_metadata`"
    )]
    UserMetadata,
}

impl Default for ClaimPath {
    /// Where Supabase keeps what only its service role can change.
    fn default() -> Self {
        Self {
            written: "app_metadata.org_id".to_owned(),
            pointer: "/app_metadata/org_id".to_owned(),
        }
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for ClaimPath {
    type Err = ClaimPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let pointer = if text.starts_with('/') {
            text.to_owned()
        } else {
            format!("/{}", text.replace('~', "~0").replace('/', "~1").replace('.', "/"))
        };
        let mut names = pointer.split('/').skip(1);
        if names.clone().any(str::is_empty) || text.chars().any(char::is_control) {
            return Err(ClaimPathError::Form { text: text.to_owned() });
        }
        if names.next().is_some_and(|name| matches!(name, "user_metadata" | "raw_user_meta_data")) {
            return Err(ClaimPathError::UserMetadata);
        }
        Ok(Self { written: text.to_owned(), pointer })
    }
}

impl ClaimPath {
    /// Returns the organisation that the claim names.
    pub(super) fn tenant_of(&self, claims: &Claims) -> Result<TenantId, AccessError> {
        let without = |reason: String| AccessError::NoTenant { reason };
        let named = match claims.at(&self.pointer) {
            None | Some(Value::Null) => return Err(without(format!("it has no claim `{self}`"))),
            Some(Value::String(text)) => text.parse(),
            Some(Value::Number(number)) if number.is_u64() => number.to_string().parse(),
            Some(_) => return Err(without(format!("its claim `{self}` is no text"))),
        };
        // What it says instead is the user's own affair.
        named.map_err(|_| without(format!("its claim `{self}` is no id of an organisation")))
    }
}

/// Asks for the organisations of a user, and returns the one that is wanted, or the only one.
pub(super) async fn look_up(
    lookup: &dyn TenantLookup,
    token: &Secret,
    wanted: Option<&TenantId>,
    now: SystemTime,
) -> Result<TenantId, AccessError> {
    let found = lookup.tenants_of(token, now).await.map_err(|error| AccessError::Issuer {
        reason: "it could not be found out of which organisations its holder is".to_owned(),
        source: Some(error),
    })?;
    match (wanted, found.as_slice()) {
        (Some(wanted), found) if found.contains(wanted) => Ok(wanted.clone()),
        (Some(_), _) => Err(AccessError::NotMember),
        (None, [only]) => Ok(only.clone()),
        (None, []) => {
            let reason = "its holder is a member of none".to_owned();
            Err(AccessError::NoTenant { reason })
        }
        (None, _) => Err(AccessError::SeveralTenants),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    use serde_json::json;

    use super::*;

    fn tenant(path: &str, claims: &Value) -> Result<String, String> {
        let claims = Claims::read(&BASE64.encode(claims.to_string())).unwrap();
        let path: ClaimPath = path.parse().unwrap();
        let found = path.tenant_of(&claims);
        found.map(|tenant| tenant.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_claim_is_found_where_the_path_says() {
        assert_eq!(ClaimPath::default(), "app_metadata.org_id".parse().unwrap());
        let claims = json!({
            "app_metadata": {"org_id": "acme", "orgs": ["first", "second"]},
            "https://acme.example/org": "dotted",
            "org": 42,
            "a~b": "tilde",
        });
        for (path, expected) in [
            ("app_metadata.org_id", "acme"),
            ("/app_metadata/org_id", "acme"),
            ("app_metadata.orgs.1", "second"),
            ("/https:~1~1acme.example~1org", "dotted"),
            ("org", "42"),
            ("a~b", "tilde"),
        ] {
            assert_eq!(tenant(path, &claims).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn a_claim_that_names_no_organisation_is_told_without_its_value() {
        for value in
            [json!("../hush"), json!("Hush"), json!(""), json!(["hush"]), json!(-1), json!(1.5)]
        {
            let told = tenant("org", &json!({ "org": value })).unwrap_err();
            assert!(told.contains("`org`") && !told.to_lowercase().contains("hush"), "{told}");
        }
        for claims in [json!({}), json!({"org": null}), json!({"app_metadata": "org"})] {
            let told = tenant("app_metadata.org_id", &claims).unwrap_err();
            assert!(told.ends_with("it has no claim `app_metadata.org_id`"), "{told}");
        }
    }

    #[test]
    fn a_path_that_users_can_write_to_is_refused() {
        for text in ["user_metadata.org_id", "/user_metadata/org_id", "user_metadata"] {
            assert_eq!(text.parse::<ClaimPath>(), Err(ClaimPathError::UserMetadata), "{text}");
        }
        for text in ["", ".", "a.", "a..b", "/", "//a", "a\nb"] {
            assert!(
                matches!(text.parse::<ClaimPath>(), Err(ClaimPathError::Form { .. })),
                "{text}"
            );
        }
    }
}
