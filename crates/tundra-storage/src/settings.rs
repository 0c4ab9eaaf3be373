//! What an environment or an embedding program says of stores.
//!
//! Start at [`StoreSettings`]. It is data: nothing here opens a file or a socket, and nothing reads
//! the environment of the process; whoever wants its variables passes them to
//! [`StoreSettings::from_vars`]. No secret shows in `Debug`.

mod azure;
mod gcs;
mod r2;
mod s3;

use std::{collections::HashMap, num::NonZeroUsize, path::PathBuf, time::Duration};

use tundra_core::Secret;

pub use self::{azure::AzureSettings, gcs::GcsSettings, r2::R2Settings, s3::S3Settings};

/// Everything that stores have to be told, except where the objects are.
///
/// [`StoreSettings::default`] knows no credentials: it reads and writes local files, and what cloud
/// stores allow to a machine by where it runs.
///
/// # Examples
/// ```
/// use tundra_storage::StoreSettings;
///
/// let variables = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_REGION", "eu-west-1")];
/// let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
/// let mut settings = StoreSettings::from_vars(variables);
/// assert_eq!(settings.s3.region.as_deref(), Some("eu-west-1"));
/// settings.s3.endpoint = Some("http://127.0.0.1:3900".to_owned());
/// ```
#[derive(Debug, Clone, Default)]
pub struct StoreSettings {
    /// Amazon S3, and whatever speaks S3 at an endpoint.
    pub s3: S3Settings,
    /// Cloudflare R2.
    pub r2: R2Settings,
    /// Google Cloud Storage.
    pub gcs: GcsSettings,
    /// Azure Blob Storage.
    pub azure: AzureSettings,
    /// Which URLs may be used.
    pub urls: UrlSettings,
    /// How the network is used.
    pub transfer: TransferSettings,
}

/// Which `https://` URLs may be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlSettings {
    /// Hosts that may be asked, each with what is below it: `example.com` allows
    /// `files.example.com`. All of them when it is empty.
    pub hosts: Vec<String>,
    /// Whether addresses may be used that lead into the own network or machine.
    pub allow_private: bool,
}

/// How the network is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferSettings {
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long nothing may be heard: neither a byte taken nor one sent by the other side. A whole
    /// transfer may take as long as it needs.
    pub silence: Duration,
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
    /// How long after the first attempt another one may still begin.
    pub retry_time: Duration,
    /// The size of the parts in which objects are written, in bytes; stores want at least 5 MiB.
    /// An object has at most 10,000 parts.
    pub part_size: NonZeroUsize,
    /// Where an object waits that has to be whole before it can go on: one written to a URL, or read
    /// from a server without ranges. The system's directory for nothing.
    pub temp_directory: Option<PathBuf>,
}

impl Default for TransferSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            // Longer than the pauses that stores make before they answer the completion of a
            // large upload.
            silence: Duration::from_secs(30),
            attempts: 10,
            // Shorter than the 5 minutes for which some temporary credentials are good.
            retry_time: Duration::from_secs(180),
            // 10,000 of them are 160 GB.
            part_size: NonZeroUsize::new(16 << 20).expect("16 MiB is not zero"),
            temp_directory: None,
        }
    }
}

impl StoreSettings {
    /// Takes what the variables say; those that it does not know are left alone, and empty ones
    /// count as not set. The names are those of the clouds' own tools.
    pub fn from_vars(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables = Variables(variables.into_iter().collect());
        Self {
            s3: S3Settings::from_variables(&variables),
            r2: R2Settings::from_variables(&variables),
            gcs: GcsSettings::from_variables(&variables),
            azure: AzureSettings::from_variables(&variables),
            urls: UrlSettings {
                hosts: variables
                    .text("TUNDRA_URL_HOSTS")
                    .map(|hosts| hosts.split(',').map(|host| host.trim().to_owned()).collect())
                    .unwrap_or_default(),
                allow_private: variables.flag("TUNDRA_URL_ALLOW_PRIVATE") == Some(true),
            },
            transfer: TransferSettings::default(),
        }
    }
}

/// Variables by name.
struct Variables(HashMap<String, String>);

impl Variables {
    /// Returns the first of the variables that is set.
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(Into::into)
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    /// Returns whether the variable says yes or no, if it says either.
    fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> StoreSettings {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        StoreSettings::from_vars(variables.iter().map(owned))
    }

    #[test]
    fn no_secret_shows() {
        let settings = from(&[
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "hush-1"),
            ("AWS_SESSION_TOKEN", "hush-2"),
            ("R2_ACCESS_KEY_ID", "RKID"),
            ("R2_SECRET_ACCESS_KEY", "hush-3"),
            ("GOOGLE_SERVICE_ACCOUNT_KEY", "hush-4"),
            ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "hush-5"),
            ("AZURE_STORAGE_SAS_TOKEN", "sig=hush-6"),
            ("AZURE_CLIENT_SECRET", "hush-7"),
        ]);
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hush"), "{shown}");
        assert_eq!(settings.s3.secret_access_key.unwrap().expose(), "hush-1");
        assert_eq!(settings.azure.client_secret.unwrap().expose(), "hush-7");
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let settings = from(&[("AWS_REGION", " "), ("AWS_DEFAULT_REGION", "eu-west-1")]);
        assert_eq!(settings.s3.region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn the_endpoint_of_s3_wins_over_that_of_all_services() {
        let settings =
            from(&[("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_S3", "http://s3")]);
        assert_eq!(settings.s3.endpoint.as_deref(), Some("http://s3"));
    }

    #[test]
    fn hosts_of_urls_are_a_list() {
        let settings =
            from(&[("TUNDRA_URL_HOSTS", "a.com, b.com"), ("TUNDRA_URL_ALLOW_PRIVATE", "1")]);
        assert_eq!(settings.urls.hosts, ["a.com", "b.com"]);
        assert!(settings.urls.allow_private);
    }
}
