//! Stored credentials: a flat JSON object of text and numbers.

use serde_json::{Map, Value};

use crate::settings::{
    ConnectionSettings, DatabaseKind, SettingsError, SshSettings, complete, set,
};

/// Reads the credentials of a database of this kind.
pub(super) fn parse(kind: DatabaseKind, text: &str) -> Result<ConnectionSettings, SettingsError> {
    let object: Map<String, Value> = match serde_json::from_str(text) {
        Ok(object) => object,
        // The reader's message quotes what it read, which may be the password.
        Err(error) => {
            return Err(SettingsError::Json {
                reason: format!("fault at line {}, column {}", error.line(), error.column()),
            });
        }
    };
    let mut settings = ConnectionSettings::new(kind);
    if let Some(Value::String(url)) = object.get("connection_string") {
        if object.len() > 1 {
            return Err(SettingsError::Json {
                reason: "`connection_string` stands alone".to_owned(),
            });
        }
        settings = ConnectionSettings::from_url(url)?;
        if settings.kind != kind {
            return Err(SettingsError::Json {
                reason: format!("`connection_string` is of {}, not of {kind}", settings.kind),
            });
        }
        if [&settings.ca, &settings.client_certificate, &settings.client_key]
            .iter()
            .any(|pem| matches!(pem, Some(crate::settings::Pem::File(_))))
            || settings.ssh.as_ref().is_some_and(SshSettings::names_files)
        {
            return Err(SettingsError::Json {
                reason:
                    "stored credentials have certificates, keys and known hosts as text, not as \
                         files"
                        .to_owned(),
            });
        }
        return Ok(settings);
    }
    for (name, value) in object {
        // What the forms of the web store beside the credentials.
        if matches!(name.as_str(), "type" | "connector_type") {
            continue;
        }
        let value = match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() && name != "password" => continue,
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                return Err(SettingsError::Json {
                    reason: format!("`{name}` is neither text nor a number"),
                });
            }
        };
        set(&mut settings, &name, value, false)?;
    }
    complete(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SslMode;

    #[test]
    fn the_credentials_of_the_old_api_are_read() {
        let settings = parse(
            DatabaseKind::Postgresql,
            r#"{"host": "db.example.com", "port": 5432, "database": "production",
                "username": "readonly", "password": "temp \"@/ password", "ssl_mode": "prefer"}"#,
        )
        .unwrap();
        assert_eq!(settings.to_string(), "postgresql://readonly@db.example.com:5432/production");
        assert_eq!(settings.password.unwrap().expose(), "temp \"@/ password");
        assert_eq!(settings.ssl_mode, SslMode::Prefer);
    }

    #[test]
    fn a_port_may_be_text() {
        let settings =
            parse(DatabaseKind::Mysql, r#"{"host": "h", "port": "3307", "database": null}"#)
                .unwrap();
        assert_eq!((settings.port(), settings.database), (3307, None));
    }

    #[test]
    fn stored_credentials_name_no_file_and_show_no_password() {
        for text in [
            r#"{"host": "h", "ssl_ca": "/etc/passwd", "password": "hunter2"}"#,
            r#"{"connection_string": "postgresql://u:hunter2@h/d?sslkey=/etc/passwd"}"#,
            r#"{"connection_string": "mysql://u:hunter2@h/d"}"#,
            r#"{"host": "h", "password": "hunter2", "ssh_host": "b", "ssh_key": "/root/.ssh/id_rsa"}"#,
            r#"{"host": "h", "password": "hunter2", "ssh_host": "b", "ssh_known_hosts": "/etc/passwd"}"#,
            r#"{"host": "h", "ssh_passphrase": "hunter2"}"#,
            r#"{"connection_string": "postgresql://u:hunter2@h/d?ssh_host=b&ssh_key=/etc/passwd"}"#,
            r#"{"connection_string": "postgresql://u:hunter2@h/d?ssh_host=b&ssh_known_hosts=/a"}"#,
            r#"{"password": "hunter2", "hosts": "h"}"#,
            r#"{"password": ["hunter2"]}"#,
            r#"{"host": "h", "password": "hunter2\u0000"}"#,
            r#"["hunter2"]"#,
            r#"{"password": "hunter2"#,
        ] {
            let error = parse(DatabaseKind::Postgresql, text).expect_err(text);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
