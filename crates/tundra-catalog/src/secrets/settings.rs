//! Which stores of secrets an environment or an embedding program asks for.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use tundra_core::{Error, SecretStore};

use crate::secrets::{DEFAULT_SECRETS_FILE, EnvironmentSecrets, FileSecrets, SecretChain};
#[cfg(feature = "google")]
use crate::{
    secrets::{CachedSecrets, GoogleCredentials, GoogleSecrets, GoogleSettings},
    upstream::BreakerSettings,
};

/// How long secrets of a remote store are kept, in seconds.
const CACHE_TTL: &str = "SECRET_CACHE_TTL_SECONDS";

/// Which stores of secrets there are.
///
/// [`SecretSettings::default`] is what stands in `/secrets/credentials.json`.
#[derive(Debug, Clone)]
pub struct SecretSettings {
    /// The secrets that stand in variables.
    pub environment: EnvironmentSecrets,
    /// The file with all secrets. It need not exist.
    pub file: Option<PathBuf>,
    /// The directory with a file for each secret.
    pub directory: Option<PathBuf>,
    /// Google Secret Manager.
    #[cfg(feature = "google")]
    pub google: Option<GoogleSettings>,
    /// How long secrets of a remote store are kept. Files are read again when they change.
    pub cache_time: Duration,
}

impl Default for SecretSettings {
    fn default() -> Self {
        Self {
            environment: EnvironmentSecrets::default(),
            file: Some(PathBuf::from(DEFAULT_SECRETS_FILE)),
            directory: None,
            #[cfg(feature = "google")]
            google: None,
            cache_time: Duration::from_secs(3600),
        }
    }
}

impl SecretSettings {
    /// Takes what the variables say; those that it does not know are left alone, and empty ones count
    /// as not set.
    ///
    /// | variable | meaning |
    /// | --- | --- |
    /// | `TUNDRA_SECRET_<NAME>` | the secret of that name, in capitals and with `_` for `-` |
    /// | `TUNDRA_SECRETS_FILE` | the file with all secrets, else `/secrets/credentials.json` |
    /// | `TUNDRA_SECRETS_DIRECTORY` | the directory with a file for each secret |
    /// | `GCP_PROJECT_ID` | the project of Google Secret Manager |
    /// | `GOOGLE_APPLICATION_CREDENTIALS` | the file that says as whom Google is asked |
    /// | `CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER` | the address of Secret Manager |
    /// | `SECRET_CACHE_TTL_SECONDS` | how long secrets of a remote store are kept |
    /// | `EXTERNAL_DEP_BREAKER_FAILURE_THRESHOLD` | failures in a row after which it is left alone |
    /// | `EXTERNAL_DEP_BREAKER_RECOVERY_TIMEOUT_SECONDS` | for how long |
    ///
    /// # Errors
    /// When a number is none, or there is a project and this build has no Google Secret Manager.
    pub fn from_vars(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let variables: HashMap<String, String> =
            variables.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        let text = |name: &str| variables.get(name).map(|value| value.trim().to_owned());
        let mut settings = Self::default();
        if let Some(file) = text("TUNDRA_SECRETS_FILE") {
            settings.file = Some(file.into());
        }
        settings.directory = text("TUNDRA_SECRETS_DIRECTORY").map(PathBuf::from);
        if let Some(seconds) = text(CACHE_TTL) {
            let seconds = seconds.parse().map_err(|_| Error::Request {
                message: format!("`{CACHE_TTL}` is `{seconds}`, which is no number of seconds"),
                hint: Some("set it to a whole number; with 0 nothing is kept".to_owned()),
            })?;
            settings.cache_time = Duration::from_secs(seconds);
        }
        #[cfg(feature = "google")]
        if let Some(project) = text("GCP_PROJECT_ID") {
            let mut google = GoogleSettings::new(project);
            google.endpoint = text("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER");
            if let Some(file) = text("GOOGLE_APPLICATION_CREDENTIALS") {
                google.credentials = GoogleCredentials::File(file.into());
            }
            google.upstream.breaker = BreakerSettings::from_vars("EXTERNAL_DEP", text)
                .map_err(|error| Error::request(error.reason))?;
            settings.google = Some(google);
        }
        #[cfg(not(feature = "google"))]
        if text("GCP_PROJECT_ID").is_some() {
            return Err(Error::Request {
                message: "`GCP_PROJECT_ID` is set, but this build has no Google Secret Manager"
                    .to_owned(),
                hint: Some("build with the feature `google`, or unset the variable".to_owned()),
            });
        }
        settings.environment = EnvironmentSecrets::from_vars(variables);
        Ok(settings)
    }

    /// Builds the store: variables, file, directory and Google Secret Manager, of which the first
    /// that has a secret gives it.
    ///
    /// # Errors
    /// When Google's project or address can be none.
    pub fn store(&self) -> Result<Arc<dyn SecretStore>, Error> {
        let mut stores: Vec<Arc<dyn SecretStore>> = vec![Arc::new(self.environment.clone())];
        if let Some(file) = &self.file {
            stores.push(Arc::new(FileSecrets::file(file)));
        }
        if let Some(directory) = &self.directory {
            stores.push(Arc::new(FileSecrets::directory(directory)));
        }
        #[cfg(feature = "google")]
        if let Some(google) = &self.google {
            let google = Arc::new(GoogleSecrets::new(google.clone())?);
            stores.push(Arc::new(CachedSecrets::new(google, self.cache_time)));
        }
        Ok(Arc::new(SecretChain::new(stores)))
    }
}
