//! How every server is asked that can be slow, busy or away: a limit for each try, several tries with
//! growing waits where trying again does no harm, and a circuit breaker.
//!
//! Start at [`Upstream`]. It knows no protocol: whoever asks says what a failure means, as a
//! [`Verdict`]. It never decides whether something may be done twice; that is its caller's to know.

mod breaker;
mod retry;

use std::time::Duration;

use tundra_core::{CatalogError, ErrorKind};

pub(crate) use self::{
    breaker::{Breaker, Open},
    retry::{Failed, Judge, Upstream, Verdict},
};

/// How a server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long one try may take, connection and answer included.
    pub timeout: Duration,
    /// How often to try, the first time included; at least once.
    pub tries: u32,
    /// When to stop asking.
    pub breaker: BreakerSettings,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            tries: 3,
            breaker: BreakerSettings::default(),
        }
    }
}

/// When a server that keeps failing is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// How many failures in a row open the breaker; each try counts.
    pub failure_threshold: u32,
    /// How long it stays open before one request is let through again.
    pub recovery_timeout: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failure_threshold: 5, recovery_timeout: Duration::from_secs(30) }
    }
}

impl BreakerSettings {
    /// Takes what `{prefix}_BREAKER_FAILURE_THRESHOLD` and
    /// `{prefix}_BREAKER_RECOVERY_TIMEOUT_SECONDS` say; what is not set or empty stays as usual.
    ///
    /// # Errors
    /// When one of them is not a number above zero.
    pub fn from_vars(
        prefix: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CatalogError> {
        let number = |name: String, usual: u32| {
            let Some(text) = variable(&name).filter(|text| !text.trim().is_empty()) else {
                return Ok(usual);
            };
            text.trim().parse().ok().filter(|number| *number > 0).ok_or_else(|| {
                let reason = format!("`{name}` is `{text}`, which is no whole number above zero");
                CatalogError::new("be set up", ErrorKind::InvalidRequest, reason)
            })
        };
        let usual = Self::default();
        let seconds = u32::try_from(usual.recovery_timeout.as_secs()).unwrap_or(u32::MAX);
        let threshold = format!("{prefix}_BREAKER_FAILURE_THRESHOLD");
        let recovery = format!("{prefix}_BREAKER_RECOVERY_TIMEOUT_SECONDS");
        Ok(Self {
            failure_threshold: number(threshold, usual.failure_threshold)?,
            recovery_timeout: Duration::from_secs(number(recovery, seconds)?.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<BreakerSettings, CatalogError> {
        BreakerSettings::from_vars("X", |name| {
            let found = variables.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_breaker_is_set_by_variables_with_a_prefix() {
        assert_eq!(read(&[]).unwrap(), BreakerSettings::default());
        let set = [
            ("X_BREAKER_FAILURE_THRESHOLD", " 2 "),
            ("X_BREAKER_RECOVERY_TIMEOUT_SECONDS", "7"),
            ("Y_BREAKER_FAILURE_THRESHOLD", "9"),
        ];
        let expected =
            BreakerSettings { failure_threshold: 2, recovery_timeout: Duration::from_secs(7) };
        assert_eq!(read(&set).unwrap(), expected);
        assert_eq!(read(&[("X_BREAKER_FAILURE_THRESHOLD", "")]).unwrap().failure_threshold, 5);
    }

    #[test]
    fn a_breaker_that_is_always_open_is_refused() {
        for text in ["0", "-1", "many", "1.5"] {
            let error = read(&[("X_BREAKER_FAILURE_THRESHOLD", text)]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidRequest);
            assert!(error.to_string().contains("X_BREAKER_FAILURE_THRESHOLD"), "{error}");
        }
    }
}
