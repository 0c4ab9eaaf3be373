//! The files that the tools of AWS share: `credentials` and `config`.

use std::{collections::HashMap, fs, io, path::Path};

use configparser::ini::{Ini, IniDefault};
use tundra_core::Secret;

use crate::settings::S3Settings;

/// What a profile says.
#[derive(Debug, Default)]
pub(super) struct Profile {
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<Secret>,
    pub(super) session_token: Option<Secret>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

/// What profiles can say that would be needed, and that is not read here.
const NOT_READ: [&str; 5] =
    ["role_arn", "credential_process", "sso_session", "sso_start_url", "web_identity_token_file"];

type Sections = HashMap<String, HashMap<String, Option<String>>>;

impl Profile {
    /// Reads the profile that the settings name; an empty one when they name none and there is no
    /// `default`.
    ///
    /// # Errors
    /// Fails, in words that repeat nothing of the files, when a file cannot be read, when there is
    /// no such profile, and when it has its credentials from somewhere else.
    pub(super) fn read(settings: &S3Settings) -> Result<Self, String> {
        let keys = settings.credentials_file.as_deref().map(sections).transpose()?;
        let config = settings.config_file.as_deref().map(sections).transpose()?;
        let name = settings.profile.as_deref().unwrap_or("default");
        let key_section = keys.as_ref().and_then(|file| file.get(name));
        let config_section = config.as_ref().and_then(|file| {
            let named = file.get(&format!("profile {name}"));
            named.or_else(|| file.get("default").filter(|_| name == "default"))
        });
        if settings.profile.is_some() && key_section.is_none() && config_section.is_none() {
            return Err(format!("there is no profile `{name}` in the shared files"));
        }
        let value = |key: &str| {
            [key_section, config_section].into_iter().flatten().find_map(|section| {
                section.get(key).cloned().flatten().filter(|value| !value.is_empty())
            })
        };
        let profile = Self {
            access_key_id: value("aws_access_key_id"),
            secret_access_key: value("aws_secret_access_key").map(Secret::new),
            session_token: value("aws_session_token").map(Secret::new),
            region: value("region"),
            endpoint: value("endpoint_url"),
        };
        let needed = settings.access_key_id.is_none() && profile.access_key_id.is_none();
        match NOT_READ.iter().find(|key| value(key).is_some()) {
            // Only who named the profile wants its credentials.
            Some(key) if needed && settings.profile.is_some() => Err(format!(
                "the profile `{name}` has its credentials by `{key}`, which is not read here; \
                 `aws configure export-credentials --profile {name} --format env` gives them out"
            )),
            _ => Ok(profile),
        }
    }
}

/// Reads a file; one that is not there is empty.
fn sections(file: &Path) -> Result<Sections, String> {
    let shown = file.display();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sections::new()),
        Err(error) => return Err(format!("could not read `{shown}`: {error}")),
    };
    let mut rules = IniDefault::default();
    rules.case_sensitive = true;
    rules.delimiters = vec!['='];
    rules.comment_symbols = vec!['#', ';'];
    // A secret may hold either.
    rules.inline_comment_symbols = Some(Vec::new());
    // What the parser says repeats the line.
    Ini::new_from_defaults(rules).read(text).map_err(|_| format!("`{shown}` is not well-formed"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(credentials: &str, config: &str, profile: Option<&str>) -> Result<Profile, String> {
        let directory = tempfile::tempdir().unwrap();
        let settings = S3Settings {
            credentials_file: Some(directory.path().join("credentials")),
            config_file: Some(directory.path().join("config")),
            profile: profile.map(Into::into),
            ..S3Settings::default()
        };
        fs::write(settings.credentials_file.as_ref().unwrap(), credentials).unwrap();
        fs::write(settings.config_file.as_ref().unwrap(), config).unwrap();
        Profile::read(&settings)
    }

    const CREDENTIALS: &str = "# mine\n[default]\naws_access_key_id = D\n\
        aws_secret_access_key=a/b+c=#;d\n\n[work]\naws_access_key_id = W\n\
        aws_secret_access_key = w\naws_session_token = t\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\n[profile work]\nregion = us-east-2\n\
        endpoint_url = https://store.example.com\ns3 =\n  addressing_style = path\n\
        [profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = work\n";

    #[test]
    fn the_default_profile_need_not_be_named() {
        let profile = read(CREDENTIALS, CONFIG, None).unwrap();
        assert_eq!(profile.access_key_id.as_deref(), Some("D"));
        assert_eq!(profile.secret_access_key.unwrap().expose(), "a/b+c=#;d");
        assert_eq!(profile.region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn a_named_profile_has_its_own_values() {
        let profile = read(CREDENTIALS, CONFIG, Some("work")).unwrap();
        assert_eq!(profile.access_key_id.as_deref(), Some("W"));
        assert_eq!(profile.session_token.unwrap().expose(), "t");
        assert_eq!(profile.region.as_deref(), Some("us-east-2"));
        assert_eq!(profile.endpoint.as_deref(), Some("https://store.example.com"));
    }

    #[test]
    fn what_is_not_there_or_not_read_is_said() {
        let error = read(CREDENTIALS, CONFIG, Some("other")).unwrap_err();
        assert_eq!(error, "there is no profile `other` in the shared files");
        let error = read(CREDENTIALS, CONFIG, Some("role")).unwrap_err();
        assert!(error.contains("`role_arn`, which is not read"), "{error}");
    }

    #[test]
    fn files_that_are_not_there_say_nothing() {
        let settings =
            S3Settings { credentials_file: Some("/no/such/file".into()), ..S3Settings::default() };
        assert!(Profile::read(&settings).unwrap().access_key_id.is_none());
    }

    #[test]
    fn a_broken_file_is_not_repeated() {
        let error = read("[default\naws_secret_access_key = hush\n", "", None).unwrap_err();
        assert!(error.ends_with("is not well-formed") && !error.contains("hush"), "{error}");
    }
}
