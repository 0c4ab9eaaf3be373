//! Where the catalog is and how to get in. Nothing here opens a connection or reads the environment.

use std::collections::HashMap;

use tundra_core::{CatalogError, ErrorKind, Secret};
use url::Url;

use crate::upstream::{BreakerSettings, UpstreamSettings};

/// Where a catalog of Supabase is, and how it is asked.
#[derive(Debug, Clone)]
pub struct SupabaseSettings {
    /// The address of PostgREST: below it are the tables.
    pub rest_url: String,
    /// The key: a secret key (`sb_secret_…`), or a JSON web token such as that of the service role.
    pub key: Secret,
    /// The schema of the tables, when it is not the first one that PostgREST serves.
    pub schema: Option<String>,
    /// How it is asked.
    pub upstream: UpstreamSettings,
}

impl SupabaseSettings {
    /// Returns the settings of a project at Supabase, such as `https://abcdef.supabase.co`.
    ///
    /// # Examples
    /// ```
    /// use tundra_catalog::SupabaseSettings;
    /// use tundra_core::Secret;
    ///
    /// let key = Secret::new("sb_secret_of_your_project");
    /// let settings = SupabaseSettings::new("https://abcdef.supabase.co", key);
    /// assert_eq!(settings.rest_url, "https://abcdef.supabase.co/rest/v1");
    /// ```
    pub fn new(project_url: &str, key: Secret) -> Self {
        const REST: &str = "/rest/v1";
        let project = project_url.trim().trim_end_matches('/');
        let project = project.strip_suffix(REST).unwrap_or(project);
        Self::bare(format!("{project}{REST}"), key)
    }

    /// Returns the settings of a PostgREST that is not behind Supabase's gateway.
    pub fn bare(rest_url: impl Into<String>, key: Secret) -> Self {
        let upstream = UpstreamSettings::default();
        Self { rest_url: rest_url.into(), key, schema: None, upstream }
    }

    /// Takes what the variables say: `SUPABASE_URL`, `SUPABASE_SECRET_KEY` (or
    /// `SUPABASE_SERVICE_ROLE_KEY`), `SUPABASE_BREAKER_FAILURE_THRESHOLD` and
    /// `SUPABASE_BREAKER_RECOVERY_TIMEOUT_SECONDS`. Empty ones count as not set. Returns `None` without
    /// `SUPABASE_URL`.
    ///
    /// # Errors
    /// When there is an address but no key, or a threshold is no number above zero.
    pub fn from_vars(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Option<Self>, CatalogError> {
        let variables: HashMap<String, String> = variables.into_iter().collect();
        let text = |name: &str| {
            let value = variables.get(name).map(|value| value.trim());
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let Some(url) = text("SUPABASE_URL") else { return Ok(None) };
        let key = text("SUPABASE_SECRET_KEY").or_else(|| text("SUPABASE_SERVICE_ROLE_KEY"));
        let Some(key) = key else {
            let error = unusable("`SUPABASE_URL` is set, but there is no key");
            return Err(error.hint("set `SUPABASE_SECRET_KEY`"));
        };
        let mut settings = Self::new(&url, Secret::new(key));
        settings.upstream.breaker = BreakerSettings::from_vars("SUPABASE", text)?;
        Ok(Some(settings))
    }

    /// Returns the address without a slash at its end.
    pub(super) fn url(&self) -> Result<Url, CatalogError> {
        let text = self.rest_url.trim().trim_end_matches('/');
        // What is not shown is what may be a password.
        let url = Url::parse(text)
            .map_err(|error| unusable("the address of the catalog is no URL").with_cause(error))?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(unusable("the address of the catalog does not begin with `https://`"));
        }
        if !is_plain {
            let reason = "the address of the catalog has a user, a query or a fragment";
            return Err(unusable(reason).hint("give the key as a key"));
        }
        Ok(url)
    }

    /// Returns whether the key says who it is by itself, and not only to Supabase's gateway.
    pub(super) fn key_is_token(&self) -> bool {
        // A JSON web token is three parts, and the first is a JSON object.
        let key = self.key.expose();
        key.starts_with("eyJ") && key.split('.').count() == 3
    }
}

pub(super) fn unusable(reason: &str) -> CatalogError {
    CatalogError::new("be set up", ErrorKind::InvalidRequest, reason)
}

/// Adds the cause of an error.
pub(super) trait WithCause {
    fn with_cause(self, cause: impl Into<tundra_core::BoxError>) -> Self;
}

impl WithCause for CatalogError {
    fn with_cause(mut self, cause: impl Into<tundra_core::BoxError>) -> Self {
        self.source = Some(cause.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<SupabaseSettings>, CatalogError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        SupabaseSettings::from_vars(variables.iter().map(owned))
    }

    #[test]
    fn the_variables_of_the_service_are_understood() {
        assert!(read(&[("SUPABASE_URL", " ")]).unwrap().is_none());
        let settings = read(&[
            ("SUPABASE_URL", "https://x.supabase.co/"),
            ("SUPABASE_SERVICE_ROLE_KEY", "older"),
            ("SUPABASE_SECRET_KEY", "sb_secret_newer"),
            ("SUPABASE_BREAKER_FAILURE_THRESHOLD", "2"),
        ]);
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.rest_url, "https://x.supabase.co/rest/v1");
        assert_eq!(settings.key.expose(), "sb_secret_newer");
        assert_eq!(settings.upstream.breaker.failure_threshold, 2);
        assert!(!format!("{settings:?}").contains("newer"));
        let older = read(&[("SUPABASE_URL", "x"), ("SUPABASE_SERVICE_ROLE_KEY", "older")]);
        assert_eq!(older.unwrap().unwrap().key.expose(), "older");
    }

    #[test]
    fn an_address_without_a_key_is_refused() {
        let error = read(&[("SUPABASE_URL", "https://x.supabase.co")]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidRequest);
        assert!(error.hints[0].contains("SUPABASE_SECRET_KEY"));
    }

    #[test]
    fn only_a_plain_address_of_the_web_is_taken() {
        let key = || Secret::new("k");
        let same = SupabaseSettings::new("https://x.supabase.co/rest/v1/", key());
        assert_eq!(same.rest_url, "https://x.supabase.co/rest/v1");
        for url in ["http://127.0.0.1:3000", "https://db.example/api/"] {
            let url = SupabaseSettings::bare(url, key()).url().unwrap();
            assert!(url.as_str().starts_with("http"));
        }
        for url in
            ["", "db.example", "ftp://db.example", "https://u:pw@db.example", "https://a/?k=pw"]
        {
            let error = SupabaseSettings::bare(url, key()).url().unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidRequest, "{url}");
            assert!(!format!("{error} {error:?}").contains("pw"), "{error:?}");
        }
    }

    #[test]
    fn a_token_is_told_from_a_key() {
        let is_token = |key: &str| SupabaseSettings::bare("x", Secret::new(key)).key_is_token();
        assert!(is_token("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2ln"));
        assert!(!is_token("sb_secret_abc"));
        assert!(!is_token("eyJhbGciOiJIUzI1NiJ9"));
    }
}
