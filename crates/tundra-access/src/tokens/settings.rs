//! Which tokens are taken: [`TokenSettings`]. Nothing here opens a connection or reads the environment.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tundra_core::{BoxError, Classify, ErrorKind, Retry, Secret};
use url::Url;

use super::{
    memberships::{MembershipSettings, Memberships},
    tenant::{ClaimPath, TenantSource},
};
use crate::principal::Actions;

/// Which tokens are taken, and what their holders may do.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Who issues them, as their claim `iss` says.
    pub issuer: String,
    /// For whom they are: one of these must be in their claim `aud`.
    pub audiences: Vec<String>,
    /// Where the issuer publishes its keys, for tokens signed with RS256, ES256 or EdDSA. Without it, none
    /// of those are taken.
    pub keys: Option<KeySetSettings>,
    /// The secret that the issuer signs with by HS256, as Supabase did for all tokens once. Without it,
    /// none of those are taken. It has at least 32 bytes.
    pub shared_secret: Option<Secret>,
    /// How far the clocks of the issuer and of this machine may be apart.
    pub leeway: Duration,
    /// Of which organisation the holder is.
    pub tenant: TenantSource,
    /// What the holder may do there.
    pub actions: Actions,
    /// What becomes of tokens of the role `service_role`.
    pub service_role: ServiceRole,
}

/// What becomes of tokens of the role `service_role`, which passes by row-level security.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServiceRole {
    /// They are not let in: whoever has that key to the database need not have one to this service.
    #[default]
    Refused,
    /// Their holder is an operator, who may do everything for all organisations.
    Operator,
}

/// Where an issuer publishes its keys, and how long they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetSettings {
    /// The address of a JSON web key set.
    pub url: String,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for all of the answer.
    pub timeout: Duration,
    /// For how long they are used without asking again.
    pub fresh_for: Duration,
    /// For how long they are used at most, where the issuer does not answer.
    pub stale_for: Duration,
    /// How long after it was asked the issuer is not asked again, even for a key that is not known.
    pub min_interval: Duration,
}

/// Why tokens cannot be checked as the settings say.
#[derive(Debug, thiserror::Error)]
#[error("tokens cannot be checked: {reason}")]
pub struct TokenSettingsError {
    /// What is wrong, without secrets.
    pub reason: String,
    /// The way out.
    pub hint: String,
    /// The cause.
    pub source: Option<BoxError>,
}

impl TokenSettings {
    /// Returns the settings for the users of a project at Supabase, such as `https://abcdef.supabase.co`:
    /// tokens that are signed with a published key, for the audience `authenticated`, of the organisation
    /// in the claim `app_metadata.org_id`.
    pub fn supabase(project_url: &str) -> Self {
        let project = project_url.trim().trim_end_matches('/');
        // The address of the catalog is also understood.
        let project = project.strip_suffix("/rest/v1").unwrap_or(project);
        let issuer = format!("{project}/auth/v1");
        let keys = KeySetSettings::new(format!("{issuer}/.well-known/jwks.json"));
        Self { keys: Some(keys), ..Self::bare(issuer, "authenticated") }
    }

    /// Returns the settings for tokens of any issuer for one audience. A key is still to be given.
    pub fn bare(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            keys: None,
            shared_secret: None,
            leeway: Duration::from_secs(60),
            tenant: TenantSource::Claim(ClaimPath::default()),
            actions: Actions::MEMBER,
            service_role: ServiceRole::default(),
        }
    }

    /// Takes what the variables say: `SUPABASE_URL`, `SUPABASE_JWT_SECRET`, `TUNDRA_JWT_ISSUER`,
    /// `TUNDRA_JWT_AUDIENCE` (several with commas between them), `TUNDRA_JWT_KEYS_URL`,
    /// `TUNDRA_JWT_TENANT` (`claim` or `row-level-security`), `TUNDRA_JWT_TENANT_CLAIM`,
    /// `SUPABASE_PUBLISHABLE_KEY` (or `SUPABASE_ANON_KEY`), `TUNDRA_JWT_ACTIONS` and
    /// `TUNDRA_JWT_SERVICE_ROLE` (`refused` or `operator`). Empty ones count as not set. Returns `None` with
    /// neither a project nor an issuer.
    ///
    /// # Errors
    /// When one of them makes no sense.
    pub fn from_vars(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Option<Self>, TokenSettingsError> {
        let variables: HashMap<String, String> = variables.into_iter().collect();
        let text = |name: &str| {
            let value = variables.get(name).map(|value| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let mut settings = match (text("SUPABASE_URL"), text("TUNDRA_JWT_ISSUER")) {
            (None, None) => return Ok(None),
            (Some(project), None) => Self::supabase(project),
            (None, Some(issuer)) => Self::bare(issuer, "authenticated"),
            (Some(project), Some(issuer)) => {
                Self { issuer: issuer.to_owned(), ..Self::supabase(project) }
            }
        };
        if let Some(url) = text("TUNDRA_JWT_KEYS_URL") {
            settings.keys = Some(KeySetSettings::new(url));
        }
        settings.shared_secret = text("SUPABASE_JWT_SECRET").map(Secret::new);
        if let Some(audiences) = text("TUNDRA_JWT_AUDIENCE") {
            settings.audiences = audiences.split(',').map(|it| it.trim().to_owned()).collect();
        }
        if let Some(path) = text("TUNDRA_JWT_TENANT_CLAIM") {
            let path = path.parse().map_err(|error| of("TUNDRA_JWT_TENANT_CLAIM", error))?;
            settings.tenant = TenantSource::Claim(path);
        }
        match text("TUNDRA_JWT_TENANT") {
            None | Some("claim") => {}
            Some("row-level-security") if text("TUNDRA_JWT_TENANT_CLAIM").is_some() => {
                let reason = "`TUNDRA_JWT_TENANT` says that the database knows the organisation, and \
                              `TUNDRA_JWT_TENANT_CLAIM` that a claim does";
                return Err(TokenSettingsError::new(reason, "leave one of them out"));
            }
            Some("row-level-security") => {
                let Some(project) = text("SUPABASE_URL") else {
                    let reason =
                        "`TUNDRA_JWT_TENANT` is `row-level-security`, and there is no database";
                    return Err(TokenSettingsError::new(reason, "set `SUPABASE_URL`"));
                };
                let key = text("SUPABASE_PUBLISHABLE_KEY").or_else(|| text("SUPABASE_ANON_KEY"));
                let asked = MembershipSettings::supabase(project, key.map(Secret::new));
                let memberships = Arc::new(Memberships::new(&asked)?);
                settings.tenant = TenantSource::RowLevelSecurity(memberships);
            }
            Some(_) => {
                let reason = "`TUNDRA_JWT_TENANT` says something else than what there is";
                let hint = "set it to `claim` or `row-level-security`";
                return Err(TokenSettingsError::new(reason, hint));
            }
        }
        if let Some(actions) = text("TUNDRA_JWT_ACTIONS") {
            settings.actions = actions.parse().map_err(|error| of("TUNDRA_JWT_ACTIONS", error))?;
        }
        settings.service_role = match text("TUNDRA_JWT_SERVICE_ROLE") {
            None | Some("refused") => ServiceRole::Refused,
            Some("operator") => ServiceRole::Operator,
            Some(_) => {
                let reason = "`TUNDRA_JWT_SERVICE_ROLE` says something else than what there is";
                return Err(TokenSettingsError::new(reason, "set it to `refused` or `operator`"));
            }
        };
        settings.check()?;
        Ok(Some(settings))
    }

    /// Refuses what would let in nobody or everybody.
    pub(super) fn check(&self) -> Result<(), TokenSettingsError> {
        /// As many as the signature has (RFC 7518, section 3.2).
        const SHORTEST_SECRET: usize = 32;
        let refused = |reason: &str, hint: &str| Err(TokenSettingsError::new(reason, hint));
        if self.issuer.trim().is_empty() {
            return refused("no issuer is named", "name it as the claim `iss` does");
        }
        if self.audiences.is_empty() || self.audiences.iter().any(|it| it.trim().is_empty()) {
            return refused(
                "no audience is named, or an empty one",
                "name it as the claim `aud` does; Supabase has `authenticated` there",
            );
        }
        if let Some(secret) = &self.shared_secret
            && secret.expose().len() < SHORTEST_SECRET
        {
            return refused(
                "the shared secret has less than 32 bytes, which can be guessed",
                "take the JWT secret of the project as it is",
            );
        }
        match &self.keys {
            Some(keys) => drop(keys.checked_url()?),
            None if self.shared_secret.is_none() => {
                return refused(
                    "there is no key to check them with",
                    "say where the issuer publishes its keys with `TUNDRA_JWT_KEYS_URL`, or set \
                     `SUPABASE_JWT_SECRET`",
                );
            }
            None => {}
        }
        Ok(())
    }
}

impl KeySetSettings {
    /// Returns the settings for the keys at this address. They are used for ten minutes, which is how long
    /// Supabase has them kept, and for a day at most while it does not answer.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(5),
            fresh_for: Duration::from_secs(600),
            stale_for: Duration::from_secs(24 * 3600),
            min_interval: Duration::from_secs(10),
        }
    }

    /// Returns the address, which has nothing in it that is not to be seen.
    pub(super) fn checked_url(&self) -> Result<Url, TokenSettingsError> {
        let hint = "name it as `https://HOST/….json`, without a user";
        plain_url(&self.url, "the address of the keys", hint)
    }
}

/// Reads an address that is only an address.
///
/// # Errors
/// When it is none of the web, or has something in it that may be a password.
pub(super) fn plain_url(text: &str, what: &str, hint: &str) -> Result<Url, TokenSettingsError> {
    // What is not shown is what may be a password.
    let refused = |reason: &str| TokenSettingsError::new(&format!("{what} {reason}"), hint);
    let url = Url::parse(text.trim()).map_err(|error| refused("is no URL").with_cause(error))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused("does not begin with `https://`"));
    }
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_plain {
        return Err(refused("has a user, a query or a fragment"));
    }
    Ok(url)
}

impl TokenSettingsError {
    pub(super) fn new(reason: &str, hint: &str) -> Self {
        Self { reason: reason.to_owned(), hint: hint.to_owned(), source: None }
    }

    pub(super) fn with_cause(self, cause: impl Into<BoxError>) -> Self {
        Self { source: Some(cause.into()), ..self }
    }
}

impl Classify for TokenSettingsError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidRequest
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        vec![self.hint.clone()]
    }
}

/// Returns the error of a variable whose value makes no sense.
fn of(variable: &str, error: impl Into<BoxError>) -> TokenSettingsError {
    let reason = format!("`{variable}` makes no sense");
    TokenSettingsError::new(&reason, "correct it, or leave it out").with_cause(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::TokenVerifier;

    const SECRET: &str = "hush-hush-hush-hush-hush-hush-hush";

    fn read(variables: &[(&str, &str)]) -> Result<Option<TokenSettings>, TokenSettingsError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        TokenSettings::from_vars(variables.iter().map(owned))
    }

    #[test]
    fn a_project_is_enough() {
        assert!(read(&[("SUPABASE_URL", " "), ("TUNDRA_JWT_AUDIENCE", "x")]).unwrap().is_none());
        for url in ["https://x.supabase.co/", "https://x.supabase.co/rest/v1"] {
            let settings = read(&[("SUPABASE_URL", url)]).unwrap().unwrap();
            assert_eq!(settings.issuer, "https://x.supabase.co/auth/v1");
            assert_eq!(settings.audiences, ["authenticated"]);
            let keys = settings.keys.unwrap();
            assert_eq!(keys.url, "https://x.supabase.co/auth/v1/.well-known/jwks.json");
            assert_eq!(settings.service_role, ServiceRole::Refused);
            assert_eq!(settings.actions, Actions::MEMBER);
        }
    }

    #[test]
    fn every_variable_is_understood() {
        let settings = read(&[
            ("SUPABASE_URL", "https://x.supabase.co"),
            ("SUPABASE_JWT_SECRET", SECRET),
            ("TUNDRA_JWT_ISSUER", "https://auth.acme.example"),
            ("TUNDRA_JWT_AUDIENCE", "tundra, authenticated"),
            ("TUNDRA_JWT_KEYS_URL", "https://auth.acme.example/keys.json"),
            ("TUNDRA_JWT_TENANT_CLAIM", "org.id"),
            ("TUNDRA_JWT_ACTIONS", "read,convert"),
            ("TUNDRA_JWT_SERVICE_ROLE", "operator"),
        ]);
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.issuer, "https://auth.acme.example");
        assert_eq!(settings.audiences, ["tundra", "authenticated"]);
        assert_eq!(settings.keys.as_ref().unwrap().url, "https://auth.acme.example/keys.json");
        assert_eq!(settings.actions.to_string(), "convert,read");
        assert_eq!(settings.service_role, ServiceRole::Operator);
        let TenantSource::Claim(path) = &settings.tenant else { panic!("no claim") };
        assert_eq!(path.to_string(), "org.id");
        assert!(!format!("{settings:?}").contains("hush"));
        assert!(!format!("{:?}", TokenVerifier::new(settings).unwrap()).contains("hush"));
    }

    #[test]
    fn what_would_let_in_nobody_or_everybody_is_refused() {
        let project = ("SUPABASE_URL", "https://x.supabase.co");
        for variables in [
            &[("TUNDRA_JWT_ISSUER", "https://a")][..],
            &[project, ("SUPABASE_JWT_SECRET", "hush")],
            &[project, ("TUNDRA_JWT_AUDIENCE", ",")],
            &[project, ("TUNDRA_JWT_TENANT_CLAIM", "user_metadata.org")],
            &[project, ("TUNDRA_JWT_TENANT", "header")],
            &[
                project,
                ("TUNDRA_JWT_TENANT", "row-level-security"),
                ("TUNDRA_JWT_TENANT_CLAIM", "org.id"),
            ],
            &[
                ("TUNDRA_JWT_ISSUER", "https://a"),
                ("SUPABASE_JWT_SECRET", SECRET),
                ("TUNDRA_JWT_TENANT", "row-level-security"),
            ],
            &[
                project,
                ("TUNDRA_JWT_TENANT", "row-level-security"),
                ("SUPABASE_PUBLISHABLE_KEY", "hush\n"),
                ("SUPABASE_ANON_KEY", "hush"),
                ("TUNDRA_JWT_ACTIONS", "everything"),
            ],
            &[project, ("TUNDRA_JWT_ACTIONS", "everything")],
            &[project, ("TUNDRA_JWT_SERVICE_ROLE", "yes")],
            &[project, ("TUNDRA_JWT_KEYS_URL", "keys.json")],
            &[project, ("TUNDRA_JWT_KEYS_URL", "file:///etc/keys.json")],
            &[project, ("TUNDRA_JWT_KEYS_URL", "https://u:hush@a/keys.json")],
            &[project, ("TUNDRA_JWT_KEYS_URL", "https://a/keys.json?key=hush")],
            &[("SUPABASE_URL", "x.supabase.co")],
        ] {
            let error = read(variables).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{variables:?}");
            assert!(!error.hint.is_empty() && !format!("{error} {error:?}").contains("hush"));
        }
        read(&[("TUNDRA_JWT_ISSUER", "https://a"), ("SUPABASE_JWT_SECRET", SECRET)]).unwrap();
    }

    #[test]
    fn the_database_may_know_the_organisation() {
        let settings = read(&[
            ("SUPABASE_URL", "https://x.supabase.co"),
            ("TUNDRA_JWT_TENANT", "row-level-security"),
            ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_hush"),
        ]);
        let settings = settings.unwrap().unwrap();
        assert!(matches!(&settings.tenant, TenantSource::RowLevelSecurity(_)));
        assert!(!format!("{settings:?}").contains("hush"));
        let claim = read(&[("SUPABASE_URL", "https://x"), ("TUNDRA_JWT_TENANT", "claim")]);
        assert!(matches!(claim.unwrap().unwrap().tenant, TenantSource::Claim(_)));
    }
}
