//! What there is to say of Cloudflare R2.

use tundra_core::Secret;

use super::Variables;

/// Cloudflare R2.
#[derive(Debug, Clone, Default)]
pub struct R2Settings {
    /// The account, which is a part of the address. `CLOUDFLARE_ACCOUNT_ID`.
    pub account_id: Option<String>,
    /// The name of the access key. `R2_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// The secret of the access key. `R2_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<Secret>,
    /// What goes with temporary keys. `R2_SESSION_TOKEN`.
    pub session_token: Option<Secret>,
    /// Another address than the account's, such as that of a jurisdiction. `R2_ENDPOINT_URL`.
    pub endpoint: Option<String>,
}

impl R2Settings {
    pub(super) fn from_variables(variables: &Variables) -> Self {
        Self {
            account_id: variables.text("CLOUDFLARE_ACCOUNT_ID"),
            access_key_id: variables.text("R2_ACCESS_KEY_ID"),
            secret_access_key: variables.secret("R2_SECRET_ACCESS_KEY"),
            session_token: variables.secret("R2_SESSION_TOKEN"),
            endpoint: variables.text("R2_ENDPOINT_URL"),
        }
    }
}
