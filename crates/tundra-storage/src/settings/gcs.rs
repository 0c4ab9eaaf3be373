//! What there is to say of Google Cloud Storage.

use std::path::PathBuf;

use tundra_core::Secret;

use super::Variables;

/// Google Cloud Storage.
///
/// Credentials are looked for in this order: the key of a service account here, its file, the
/// application's default credentials, the instance's.
#[derive(Debug, Clone, Default)]
pub struct GcsSettings {
    /// The key of a service account, as JSON. `GOOGLE_SERVICE_ACCOUNT_KEY`.
    pub service_account_key: Option<Secret>,
    /// The file with such a key. `GOOGLE_SERVICE_ACCOUNT`.
    pub service_account_file: Option<PathBuf>,
    /// The file with the application's default credentials. `GOOGLE_APPLICATION_CREDENTIALS`, else
    /// where `gcloud auth application-default login` puts it.
    pub application_credentials: Option<PathBuf>,
    /// The address of an emulator, such as `http://127.0.0.1:4443`, which gets no credentials.
    /// `STORAGE_EMULATOR_HOST`.
    pub emulator: Option<String>,
}

impl GcsSettings {
    pub(super) fn from_variables(variables: &Variables) -> Self {
        let emulator = variables.text("STORAGE_EMULATOR_HOST").map(|host| {
            // Google's own tools take the host with and without a scheme.
            if host.contains("://") { host } else { format!("http://{host}") }
        });
        Self {
            service_account_key: variables.secret("GOOGLE_SERVICE_ACCOUNT_KEY"),
            service_account_file: variables.text("GOOGLE_SERVICE_ACCOUNT").map(PathBuf::from),
            application_credentials: variables
                .text("GOOGLE_APPLICATION_CREDENTIALS")
                .map(PathBuf::from),
            emulator,
        }
    }
}
