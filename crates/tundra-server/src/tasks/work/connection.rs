//! Tries connections, and reads the credentials of databases.

use std::time::Duration;

use serde_json::{Map, Value};
use tundra_connectors::{ConnectionSettings, DatabaseKind, SettingsError};
use tundra_core::Error;

use super::{DatabaseRules, Work};
use crate::{
    Failure,
    wire::{Connected, ConnectionMetadata, TestConnection},
};

/// How long a test takes at most, whatever the credentials say: twice what a connection may take by itself,
/// for a database behind an SSH server.
const LONGEST_TEST: Duration = Duration::from_secs(30);

/// Connects to a database and asks it what it is.
pub(super) async fn test(work: &Work<'_>, request: &TestConnection) -> Result<Connected, Failure> {
    let kind = request.kind()?;
    let settings = settings(&request.credentials.expose(), Some(kind), &work.workshop.databases);
    let mut settings = settings.map_err(|fault| fault.of_field("credentials"))?;
    settings.connect_timeout = settings.connect_timeout.min(LONGEST_TEST);
    let connector = tundra_connectors::connector(settings).map_err(|error| Failure::of(&error))?;
    let test = async {
        match tokio::time::timeout(LONGEST_TEST, connector.test()).await {
            Ok(Ok(facts)) => Ok(facts),
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => Err(Failure::of(&Error::Timeout(LONGEST_TEST))),
        }
    };
    let facts = work.unless_stopped(test).await?;
    Ok(Connected {
        success: true,
        message: "Connection successful".to_owned(),
        metadata: ConnectionMetadata {
            database_type: facts.product,
            rows_returned: 1,
            server_version: facts.version,
            // To the microsecond.
            latency_ms: (facts.latency.as_secs_f64() * 1e6).round() / 1e3,
            tls: facts.tls,
            tunnel: facts.tunnel,
            read_only: facts.read_only,
        },
    })
}

/// Why credentials cannot be used.
#[derive(Debug)]
pub(super) enum CredentialFault {
    /// They make no sense.
    Settings(SettingsError),
    /// They are of another kind of database.
    OtherKind { found: DatabaseKind, wanted: DatabaseKind },
    /// Nothing says of which kind of database they are.
    NoKind,
}

impl CredentialFault {
    /// Says where the credentials are from: a field of the request, or the name of a secret.
    pub(super) fn of_field(self, place: &str) -> Failure {
        match self {
            Self::Settings(error) => {
                let mut failure = Failure::of(&error);
                failure.detail = format!("`{place}`: {}", failure.detail);
                failure
            }
            Self::OtherKind { found, wanted } => Failure::invalid(format!(
                "`{place}`: these are credentials of {found}, and {wanted} is to be read"
            )),
            Self::NoKind => Failure::invalid(format!(
                "`{place}`: neither the credentials nor the source say which database it is"
            ))
            .hint("store the credentials with a field `connector_type`, or as a URL"),
        }
    }
}

impl From<SettingsError> for CredentialFault {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

/// Reads credentials, which are a JSON object or a URL, and puts the rules of the service into their place.
///
/// # Errors
/// When they make no sense, or are not of the kind of database that is to be read.
pub(super) fn settings(
    text: &str,
    wanted: Option<DatabaseKind>,
    rules: &DatabaseRules,
) -> Result<ConnectionSettings, CredentialFault> {
    let text = text.trim();
    // What is no object is taken for a URL, and what is neither is told so without being repeated.
    let object: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    let url = match &object {
        Some(object) => object.get("connection_string").and_then(Value::as_str),
        None if text.starts_with('{') => None,
        None => Some(text),
    };
    let declared = match (url, &object) {
        (Some(url), _) => {
            let scheme = url.split(':').next().unwrap_or_default();
            if scheme.parse::<DatabaseKind>().is_err() {
                // The reader would repeat it, and it may be the password.
                let reason = "does not begin with the name of a database";
                return Err(SettingsError::Url { reason }.into());
            }
            Some(ConnectionSettings::from_url(url)?.kind)
        }
        (None, Some(object)) => declared(object),
        (None, None) => None,
    };
    let kind = match (declared, wanted) {
        (Some(found), Some(wanted)) if !is_same_protocol(found, wanted) => {
            return Err(CredentialFault::OtherKind { found, wanted });
        }
        (Some(found), _) => found,
        (None, Some(wanted)) => wanted,
        (None, None) => return Err(CredentialFault::NoKind),
    };
    let mut settings = match (url, &object) {
        // As a field of stored credentials, which may name no file of this machine.
        (Some(url), None) => {
            let wrapped = serde_json::json!({ "connection_string": url }).to_string();
            ConnectionSettings::from_json(kind, &wrapped)?
        }
        _ => ConnectionSettings::from_json(kind, text)?,
    };
    settings.kind = wanted.unwrap_or(kind);
    settings.addresses = rules.addresses;
    settings.allowed_directories = rules.directories.clone();
    settings.sockets_allowed = false;
    Ok(settings)
}

/// Returns the kind of database that stored credentials name, if they name one that there is.
fn declared(object: &Map<String, Value>) -> Option<DatabaseKind> {
    let named = |field: &str| object.get(field)?.as_str()?.parse().ok();
    named("connector_type").or_else(|| named("type"))
}

/// Returns whether one connector speaks to both: MySQL and MariaDB are often taken for each other.
fn is_same_protocol(one: DatabaseKind, other: DatabaseKind) -> bool {
    let is_mysql = |kind| matches!(kind, DatabaseKind::Mysql | DatabaseKind::Mariadb);
    one == other || is_mysql(one) && is_mysql(other)
}

#[cfg(test)]
mod tests {
    use tundra_connectors::{AddressPolicy, AllowedDirectories};

    use super::*;

    fn read(text: &str, wanted: Option<DatabaseKind>) -> Result<ConnectionSettings, Failure> {
        settings(text, wanted, &DatabaseRules::default()).map_err(|fault| fault.of_field("c"))
    }

    #[test]
    fn credentials_are_an_object_or_a_url() {
        let postgresql = Some(DatabaseKind::Postgresql);
        for (text, wanted) in [
            (r#"{"host": "db.example.com", "database": "shop", "username": "u"}"#, postgresql),
            (
                r#"{"type": "postgres", "host": "db.example.com", "database": "shop", "username": "u"}"#,
                None,
            ),
            (r#"{"connection_string": "postgresql://u:p@db.example.com/shop"}"#, None),
            ("postgresql://u:p@db.example.com/shop\n", postgresql),
            (" postgres://u@db.example.com/shop", None),
        ] {
            let settings = read(text, wanted).unwrap();
            assert_eq!(settings.to_string(), "postgresql://u@db.example.com:5432/shop", "{text}");
            assert_eq!(settings.addresses, AddressPolicy::PublicOnly);
            assert_eq!(settings.allowed_directories, AllowedDirectories::Nothing);
        }
    }

    #[test]
    fn credentials_of_another_database_are_refused_and_never_repeated() {
        let kind = Some(DatabaseKind::Postgresql);
        for text in [
            "mysql://u:hunter2@h/d",
            r#"{"connection_string": "mysql://u:hunter2@h/d"}"#,
            r#"{"connector_type": "mysql", "host": "h", "password": "hunter2"}"#,
            "postgresql://u:hunter2@h/d?sslkey=/etc/passwd",
            "hunter2",
            "hunter2://h/d",
            r#"{"connection_string": "hunter2:x"}"#,
            r#"{"password": "hunter2""#,
            r#"["hunter2"]"#,
        ] {
            let fault = read(text, kind).unwrap_err();
            assert!(fault.status == 400 && fault.detail.starts_with("`c`: "), "{fault}");
            assert!(!format!("{fault:?}").contains("hunter2"), "{fault:?}");
        }
        let nobody_says = read(r#"{"host": "h"}"#, None).unwrap_err();
        assert!(nobody_says.detail.contains("which database"), "{nobody_says}");
    }

    #[test]
    fn mysql_and_mariadb_are_taken_for_each_other() {
        let settings = read("mariadb://u@h/d", Some(DatabaseKind::Mysql)).unwrap();
        assert_eq!(settings.kind, DatabaseKind::Mysql);
    }
}
