//! Whom to tell when a job has ended, and how far that is.
//!
//! Here stands what is kept of it; who sends it is `crate::webhook`.

use std::{fmt, str::FromStr, time::SystemTime};

use url::Url;

/// Where the end of a job is told.
///
/// It is an `http` or `https` URL with a host, without a user name, a password and a fragment. Its path
/// and query may be somebody's secret, so that only the host is ever printed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    /// The longest that is taken, in bytes.
    pub const LONGEST: usize = 2048;

    /// Returns the URL, for whoever connects to it.
    pub const fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        match self.0.port() {
            Some(port) => write!(f, ":{port}/…"),
            None => f.write_str("/…"),
        }
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({self})")
    }
}

impl FromStr for WebhookUrl {
    type Err = WebhookUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::LONGEST {
            return Err(WebhookUrlError("it is longer than 2048 bytes"));
        }
        // The parser drops line breaks and takes `\` for `/`; whoever writes those means to confuse.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(WebhookUrlError("it holds white space or `\\`"));
        }
        let url = Url::parse(text).map_err(|_| WebhookUrlError("it is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookUrlError("it does not begin with `https://`"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(WebhookUrlError("it names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookUrlError("it holds a user name or a password"));
        }
        if url.fragment().is_some() {
            return Err(WebhookUrlError("it holds a fragment, which is never sent"));
        }
        Ok(Self(url))
    }
}

/// A text that is no [`WebhookUrl`]. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL of the webhook cannot be used: {0}")]
pub struct WebhookUrlError(&'static str);

/// Whom to tell when a job has ended, and how far that is.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Where it is told.
    pub url: WebhookUrl,
    /// How often that was tried.
    pub tries: u32,
    /// How far it is.
    pub delivery: Delivery,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// How far the telling of an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The job has not ended.
    Waiting,
    /// It is to be tried, or tried again, from this moment on.
    Due(SystemTime),
    /// It was answered with a success.
    Delivered(SystemTime),
    /// It will not be tried again.
    GivenUp(SystemTime),
}

impl Webhook {
    /// Returns a webhook that was not called yet.
    pub const fn new(url: WebhookUrl) -> Self {
        Self { url, tries: 0, delivery: Delivery::Waiting, last_error: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_its_host_only() {
        let url: WebhookUrl =
            "https://hooks.example:8443/T0/hunter2?token=hunter2".parse().unwrap();
        assert_eq!(url.to_string(), "https://hooks.example:8443/…");
        assert!(!format!("{url:?}").contains("hunter2"));
        assert_eq!(url.expose().path(), "/T0/hunter2");
    }

    #[test]
    fn what_is_no_place_to_tell_something_is_refused_and_not_repeated() {
        let long = format!("https://h.example/{}", "hunter2".repeat(400));
        for text in [
            "",
            "hunter2",
            "/hunter2",
            "ftp://h.example/hunter2",
            "file:///hunter2",
            "https://hunter2@h.example/",
            "https://u:hunter2@h.example/",
            "https://h.example/#hunter2",
            "https://h.example\\hunter2",
            "https://h.example/\nhunter2",
            "https:///hunter2 ",
            &long,
        ] {
            let error = text.parse::<WebhookUrl>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
    }
}
