//! What there is to say of Amazon S3 and its like.

use std::path::PathBuf;

use tundra_core::Secret;

use super::Variables;

/// Amazon S3, and whatever speaks S3 at an endpoint.
///
/// Credentials are looked for in this order: the keys here, a token file with a role, the profile
/// in the shared files, the container's, the instance's.
#[derive(Debug, Clone, Default)]
pub struct S3Settings {
    /// The name of the access key. `AWS_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// The secret of the access key. `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<Secret>,
    /// What goes with temporary keys. `AWS_SESSION_TOKEN`.
    pub session_token: Option<Secret>,
    /// The region of the buckets; `us-east-1` when nobody says. `AWS_REGION`,
    /// `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
    /// The address of a store that is not Amazon's, such as `http://127.0.0.1:3900`. Buckets are
    /// named in the path. `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`.
    pub endpoint: Option<String>,
    /// `false` refuses an endpoint without TLS; otherwise an endpoint that says `http://` gets what
    /// it says. `AWS_ALLOW_HTTP`.
    pub allow_http: Option<bool>,
    /// Requests are not signed, for public buckets. `AWS_SKIP_SIGNATURE`.
    pub anonymous: bool,
    /// The role that a token file is good for. `AWS_ROLE_ARN`.
    pub role_arn: Option<String>,
    /// What the role's sessions are called. `AWS_ROLE_SESSION_NAME`.
    pub role_session_name: Option<String>,
    /// The file with a token of an identity provider. `AWS_WEB_IDENTITY_TOKEN_FILE`.
    pub web_identity_token_file: Option<PathBuf>,
    /// Where a container asks for credentials. `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`.
    pub container_credentials_relative_uri: Option<String>,
    /// Where a container asks for credentials. `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub container_credentials_full_uri: Option<String>,
    /// What a container shows for it. `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
    pub container_authorization_token_file: Option<PathBuf>,
    /// The instance is not asked for credentials. `AWS_EC2_METADATA_DISABLED`.
    pub instance_disabled: bool,
    /// The profile in the shared files; `default` when nobody says, and then it need not exist.
    /// `AWS_PROFILE`.
    pub profile: Option<String>,
    /// The shared file of keys. `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
    pub credentials_file: Option<PathBuf>,
    /// The shared file of everything else. `AWS_CONFIG_FILE`, else `~/.aws/config`.
    pub config_file: Option<PathBuf>,
}

impl S3Settings {
    pub(super) fn from_variables(variables: &Variables) -> Self {
        let home = variables.text("HOME").map(PathBuf::from);
        let file = |name: &str, below_home: &str| {
            let given = variables.text(name).map(PathBuf::from);
            given.or_else(|| home.as_ref().map(|home| home.join(below_home)))
        };
        Self {
            access_key_id: variables.text("AWS_ACCESS_KEY_ID"),
            secret_access_key: variables.secret("AWS_SECRET_ACCESS_KEY"),
            session_token: variables.secret("AWS_SESSION_TOKEN"),
            region: variables.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
            endpoint: variables.first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
            allow_http: variables.flag("AWS_ALLOW_HTTP"),
            anonymous: variables.flag("AWS_SKIP_SIGNATURE") == Some(true),
            role_arn: variables.text("AWS_ROLE_ARN"),
            role_session_name: variables.text("AWS_ROLE_SESSION_NAME"),
            web_identity_token_file: variables
                .text("AWS_WEB_IDENTITY_TOKEN_FILE")
                .map(PathBuf::from),
            container_credentials_relative_uri: variables
                .text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            container_credentials_full_uri: variables.text("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
            container_authorization_token_file: variables
                .text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
                .map(PathBuf::from),
            instance_disabled: variables.flag("AWS_EC2_METADATA_DISABLED") == Some(true),
            profile: variables.text("AWS_PROFILE"),
            credentials_file: file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
            config_file: file("AWS_CONFIG_FILE", ".aws/config"),
        }
    }
}
