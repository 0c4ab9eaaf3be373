//! What there is to say of Azure Blob Storage.

use std::path::PathBuf;

use tundra_core::Secret;

use super::Variables;

/// Azure Blob Storage.
///
/// Credentials are looked for in this order: the account's key, an application with a federated
/// token, an application with a secret, a shared access signature, the machine's managed identity.
#[derive(Debug, Clone, Default)]
pub struct AzureSettings {
    /// The storage account. `AZURE_STORAGE_ACCOUNT_NAME`.
    pub account: Option<String>,
    /// The account's key. `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_KEY`.
    pub access_key: Option<Secret>,
    /// A shared access signature. `AZURE_STORAGE_SAS_TOKEN`.
    pub sas_token: Option<Secret>,
    /// The tenant of an application. `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// The application, or the managed identity. `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// The application's secret. `AZURE_CLIENT_SECRET`.
    pub client_secret: Option<Secret>,
    /// The file with a token of an identity provider. `AZURE_FEDERATED_TOKEN_FILE`.
    pub federated_token_file: Option<PathBuf>,
    /// Another address than the account's, such as that of an emulator, with the account in its
    /// path where it wants that. `AZURE_STORAGE_ENDPOINT`.
    pub endpoint: Option<String>,
}

/// The account of every emulator, and its key, which Microsoft publishes.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

impl AzureSettings {
    pub(super) fn from_variables(variables: &Variables) -> Self {
        let mut settings = variables
            .text("AZURE_STORAGE_CONNECTION_STRING")
            .map(|text| Self::from_connection_string(&text))
            .unwrap_or_default();
        let given = variables.first(&["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"]);
        if given.is_some() && given != settings.account {
            // What the connection string says is of another account.
            settings = Self { account: given, ..Self::default() };
        }
        let key = variables.first(&["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY"]);
        Self {
            account: settings.account,
            access_key: key.map(Secret::new).or(settings.access_key),
            sas_token: variables.secret("AZURE_STORAGE_SAS_TOKEN").or(settings.sas_token),
            tenant_id: variables.text("AZURE_TENANT_ID"),
            client_id: variables.text("AZURE_CLIENT_ID"),
            client_secret: variables.secret("AZURE_CLIENT_SECRET"),
            federated_token_file: variables.text("AZURE_FEDERATED_TOKEN_FILE").map(PathBuf::from),
            endpoint: variables.text("AZURE_STORAGE_ENDPOINT").or(settings.endpoint),
        }
    }

    /// Takes what the portal gives out: `Name=value` pairs between semicolons.
    fn from_connection_string(text: &str) -> Self {
        let mut settings = Self::default();
        let mut protocol = "https".to_owned();
        let mut suffix = None;
        for (name, value) in text.split(';').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "accountname" => settings.account = Some(value),
                "accountkey" => settings.access_key = Some(Secret::new(value)),
                "sharedaccesssignature" => settings.sas_token = Some(Secret::new(value)),
                "blobendpoint" => settings.endpoint = Some(value),
                "defaultendpointsprotocol" => protocol = value,
                "endpointsuffix" => suffix = Some(value),
                "usedevelopmentstorage" if value.eq_ignore_ascii_case("true") => {
                    settings.account = Some(EMULATOR_ACCOUNT.to_owned());
                    settings.access_key = Some(Secret::new(EMULATOR_KEY));
                    settings.endpoint = Some(format!("http://127.0.0.1:10000/{EMULATOR_ACCOUNT}"));
                }
                _ => {}
            }
        }
        if let (None, Some(account), Some(suffix)) = (&settings.endpoint, &settings.account, suffix)
        {
            settings.endpoint = Some(format!("{protocol}://{account}.blob.{suffix}"));
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> AzureSettings {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        AzureSettings::from_variables(&Variables(variables.iter().map(owned).collect()))
    }

    #[test]
    fn a_connection_string_says_it_all() {
        let settings = from(&[(
            "AZURE_STORAGE_CONNECTION_STRING",
            "DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=a2V5PT0=;\
             EndpointSuffix=core.windows.net",
        )]);
        assert_eq!(settings.account.as_deref(), Some("mine"));
        assert_eq!(settings.access_key.unwrap().expose(), "a2V5PT0=");
        assert_eq!(settings.endpoint.as_deref(), Some("https://mine.blob.core.windows.net"));
    }

    #[test]
    fn an_emulator_is_known() {
        let settings = from(&[("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true")]);
        assert_eq!(settings.account.as_deref(), Some("devstoreaccount1"));
        assert_eq!(settings.endpoint.as_deref(), Some("http://127.0.0.1:10000/devstoreaccount1"));
    }

    #[test]
    fn the_key_of_another_account_is_not_used() {
        let settings = from(&[
            ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=mine;AccountKey=a2V5"),
            ("AZURE_STORAGE_ACCOUNT_NAME", "other"),
        ]);
        assert_eq!(settings.account.as_deref(), Some("other"));
        assert!(settings.access_key.is_none());
    }
}
