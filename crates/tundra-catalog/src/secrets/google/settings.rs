//! What Google Secret Manager has to be told.

use std::path::PathBuf;

use tundra_core::Error;
use url::{Host, Url};

use crate::upstream::UpstreamSettings;

/// Which project's secrets are read, from where and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleSettings {
    /// The project's id or number.
    pub project: String,
    /// The address of the service, when it is not Google's own, `https://secretmanager.googleapis.com`.
    /// Without TLS only this machine may be asked, unless nobody's credentials are sent.
    pub endpoint: Option<String>,
    /// As whom the service is asked.
    pub credentials: GoogleCredentials,
    /// How it is asked. One try is from getting a token to the end of the answer; there is no limit of
    /// its own for connecting, because Google's client has none.
    pub upstream: UpstreamSettings,
}

/// As whom Google is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum GoogleCredentials {
    /// As Google's libraries find out by themselves (application default credentials): the file that
    /// `GOOGLE_APPLICATION_CREDENTIALS` names, else the one that `gcloud auth application-default
    /// login` wrote, else the account that the machine or the workload has. Google's library reads
    /// the variables of the process for that.
    #[default]
    ApplicationDefault,
    /// As a file says: the key of a service account, what `gcloud auth application-default login`
    /// wrote, or the configuration of a workload identity federation.
    File(PathBuf),
    /// As the account of the machine or the workload, asked of the metadata server at this address
    /// (`http://169.254.169.254`). The variable `GCE_METADATA_HOST` of the process goes before it.
    MetadataServer(String),
    /// As nobody, for services that stand in for Google's.
    Anonymous,
}

impl GoogleSettings {
    /// Asks for the secrets of a project, as whoever the process is, at Google.
    pub fn new(project: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            endpoint: None,
            credentials: GoogleCredentials::default(),
            upstream: UpstreamSettings::default(),
        }
    }

    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<(), Error> {
        // Older projects are `example.com:name`.
        let possible = |letter: char| letter.is_ascii_alphanumeric() || "-.:".contains(letter);
        if self.project.is_empty() || !self.project.chars().all(possible) {
            return Err(Error::Request {
                message: format!("`{}` is no Google Cloud project", self.project.escape_debug()),
                hint: Some("set `GCP_PROJECT_ID` to the project's id or number".to_owned()),
            });
        }
        let Some(endpoint) = &self.endpoint else { return Ok(()) };
        let refused = |why: &str, hint: &str| {
            let message =
                format!("the address of Secret Manager, `{}`, {why}", endpoint.escape_debug());
            Err(Error::Request { message, hint: Some(hint.to_owned()) })
        };
        let url = match Url::parse(endpoint) {
            Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => url,
            _ => return refused("is no URL", "write it as `https://HOST`"),
        };
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            let message = "the address of Secret Manager has more than a host and a path";
            return Err(Error::Request {
                message: message.to_owned(),
                hint: Some("write it as `https://HOST`".to_owned()),
            });
        }
        if url.scheme() == "http"
            && self.credentials != GoogleCredentials::Anonymous
            && !is_this_machine(&url)
        {
            return refused(
                "is without TLS, and tokens and secrets would be seen on the way",
                "write it with `https://`",
            );
        }
        Ok(())
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(project: &str, endpoint: &str, credentials: GoogleCredentials) -> Result<(), String> {
        let settings = GoogleSettings {
            endpoint: (!endpoint.is_empty()).then(|| endpoint.to_owned()),
            credentials,
            ..GoogleSettings::new(project)
        };
        settings.check().map_err(|error| error.to_string())
    }

    #[test]
    fn a_project_is_an_id_or_a_number() {
        for project in ["acme-data", "123456789", "example.com:acme"] {
            assert_eq!(check(project, "", GoogleCredentials::default()), Ok(()));
        }
        for project in ["", "a/b", "a b", "a?b", "ä"] {
            assert!(check(project, "", GoogleCredentials::default()).is_err(), "{project:?}");
        }
    }

    #[test]
    fn a_token_is_sent_over_tls_or_within_the_machine() {
        let somebody = || GoogleCredentials::ApplicationDefault;
        for endpoint in [
            "https://secretmanager.europe-west1.rep.googleapis.com",
            "http://127.0.0.1:9090",
            "http://[::1]:9090/",
            "http://localhost:9090",
        ] {
            assert_eq!(check("p", endpoint, somebody()), Ok(()), "{endpoint}");
        }
        for endpoint in ["http://stand-in:9090", "http://127.0.0.1.example.com", "ftp://localhost"]
        {
            assert!(check("p", endpoint, somebody()).is_err(), "{endpoint}");
        }
        assert_eq!(check("p", "http://stand-in:9090", GoogleCredentials::Anonymous), Ok(()));
    }

    #[test]
    fn an_address_with_a_password_is_refused_and_not_shown() {
        let error =
            check("p", "https://user:hunter2@host", GoogleCredentials::default()).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
