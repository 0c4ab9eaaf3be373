//! Connection URLs, read by hand.
//!
//! A general parser of URLs refuses or silently moves what people have in their passwords (`#`, `/`,
//! `@`), and no two tools agree; here the rule is one sentence: the host begins after the last `@`
//! before the first `?`.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tundra_core::Secret;

use crate::settings::{ConnectionSettings, DatabaseKind, SettingsError, complete, set};

/// Reads a URL.
pub(super) fn parse(text: &str) -> Result<ConnectionSettings, SettingsError> {
    let text = text.trim();
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(SettingsError::Url { reason: "has no `://`" });
    };
    let kind: DatabaseKind = scheme.parse()?;
    if kind == DatabaseKind::Sqlite {
        return file(rest);
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(SettingsError::Url { reason: "has no `://`" });
    };
    let mut settings = ConnectionSettings::new(kind);
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, query),
        None => (rest, ""),
    };
    let address = match place.rsplit_once('@') {
        Some((who, address)) => {
            let (user, password) = match who.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (who, None),
            };
            if !user.is_empty() {
                settings.username = Some(decoded("username", user)?);
            }
            if let Some(password) = password {
                settings.password = Some(Secret::new(decoded("password", password)?));
            }
            address
        }
        None => place,
    };
    let (host, database) = match address.split_once('/') {
        Some((host, database)) => (host, database),
        None => (address, ""),
    };
    if !database.is_empty() {
        settings.database = Some(decoded("database", database)?);
    }
    let (host, port) = split_port(host)?;
    if !host.is_empty() {
        settings.host = Some(decoded("host", host)?);
    }
    if let Some(port) = port {
        settings.port = Some(crate::settings::port(port)?);
    }
    parameters(&mut settings, query)?;
    complete(settings)
}

/// `sqlite:relative`, `sqlite:/absolute`, `sqlite://relative` and `sqlite:///absolute`.
fn file(rest: &str) -> Result<ConnectionSettings, SettingsError> {
    let mut settings = ConnectionSettings::new(DatabaseKind::Sqlite);
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err(SettingsError::Url { reason: "names no file" });
    }
    settings.file_path = Some(PathBuf::from(decoded("file_path", path)?));
    Ok(settings)
}

fn split_port(host: &str) -> Result<(&str, Option<&str>), SettingsError> {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return Err(SettingsError::Url { reason: "has a `[` without a `]`" });
        };
        return match port.strip_prefix(':') {
            Some(port) => Ok((address, Some(port))),
            None if port.is_empty() => Ok((address, None)),
            None => Err(SettingsError::Url { reason: "has something between `]` and the port" }),
        };
    }
    if host.contains(',') {
        return Err(SettingsError::Url { reason: "names several hosts; name one" });
    }
    match host.split_once(':') {
        Some((_, port)) if port.contains(':') => {
            Err(SettingsError::Url { reason: "has an IPv6 address without `[` and `]`" })
        }
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((host, None)),
    }
}

fn parameters(settings: &mut ConnectionSettings, query: &str) -> Result<(), SettingsError> {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = match percent_decode_str(name).decode_utf8() {
            Ok(name) => name.into_owned(),
            Err(_) => return Err(SettingsError::Url { reason: "has a name that is not UTF-8" }),
        };
        let Ok(value) = percent_decode_str(value).decode_utf8() else {
            return Err(SettingsError::Url { reason: "has a value that is not UTF-8" });
        };
        match set(settings, &name, value.into_owned(), true) {
            // A piece of a password that has a `?` of its own would be shown as the name of a setting;
            // the `@` behind it need not be in the same piece.
            Err(SettingsError::Unknown { .. }) if query.contains('@') => {
                return Err(SettingsError::Url {
                    reason: "has an `@` behind a `?`, where settings are",
                });
            }
            done => done?,
        }
    }
    Ok(())
}

/// A `%` that is not followed by two hexadecimal digits stands for itself.
fn decoded(name: &'static str, text: &str) -> Result<String, SettingsError> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) if text.contains('\0') => {
            Err(SettingsError::Value { name, reason: "has a zero byte" })
        }
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(SettingsError::Value { name, reason: "is not UTF-8 when it is decoded" }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settings::{Pem, SslMode};

    fn of(text: &str) -> ConnectionSettings {
        parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn every_part_is_read() {
        let settings =
            of("postgres://reader:s%40cret@db.example.com:6432/shop?sslmode=verify-full\
                           &sslrootcert=/etc/ca.pem&connect_timeout=7");
        assert_eq!(settings.kind, DatabaseKind::Postgresql);
        assert_eq!(settings.username.as_deref(), Some("reader"));
        assert_eq!(settings.password.unwrap().expose(), "s@cret");
        assert_eq!(settings.host.as_deref(), Some("db.example.com"));
        assert_eq!(settings.port, Some(6432));
        assert_eq!(settings.database.as_deref(), Some("shop"));
        assert_eq!(settings.ssl_mode, SslMode::VerifyFull);
        assert_eq!(settings.ca, Some(Pem::File(PathBuf::from("/etc/ca.pem"))));
        assert_eq!(settings.connect_timeout.as_secs(), 7);
    }

    #[test]
    fn awkward_characters_of_a_password_need_no_encoding() {
        for (written, password) in [
            ("p@ss", "p@ss"),
            ("a/b#c", "a/b#c"),
            ("100%", "100%"),
            (":colon:", ":colon:"),
            ("a@b/c@d", "a@b/c@d"),
            ("%3F%25", "?%"),
            ("ü ß", "ü ß"),
        ] {
            let settings = of(&format!("mysql://u:{written}@h/d"));
            assert_eq!(settings.password.unwrap().expose(), password);
            assert_eq!(settings.host.as_deref(), Some("h"));
            assert_eq!(settings.database.as_deref(), Some("d"));
        }
    }

    #[test]
    fn a_socket_is_a_host_that_begins_with_a_slash() {
        for text in [
            "postgresql://u@%2Fvar%2Frun%2Fpostgresql/d",
            "postgresql://u@/d?host=/var/run/postgresql",
            "postgresql:///d?host=/var/run/postgresql&user=u",
        ] {
            let settings = of(text);
            assert!(settings.is_socket(), "{text}");
            assert_eq!(settings.username.as_deref(), Some("u"), "{text}");
            assert_eq!(settings.database.as_deref(), Some("d"), "{text}");
        }
    }

    #[test]
    fn a_file_is_absolute_or_relative() {
        for (text, path) in [
            ("sqlite:a.db", "a.db"),
            ("sqlite:/a.db", "/a.db"),
            ("sqlite://a%20b.db", "a b.db"),
            ("sqlite:///a.db", "/a.db"),
        ] {
            assert_eq!(of(text).file_path, Some(PathBuf::from(path)), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_without_showing_the_password() {
        for text in [
            "hunter2",
            "oracle://u:hunter2@h/d",
            "postgresql:u:hunter2@h",
            "postgresql://u:hunter2@h:99999/d",
            "postgresql://u:hunter2@h:0/d",
            "postgresql://u:hunter2@[::1/d",
            "postgresql://u:hunter2@::1/d",
            "postgresql://u:hunter2@a,b/d",
            "postgresql://u:x?hunter2@h/d",
            "postgresql://u:1?hunter2=y@h/d",
            "postgresql://u:1?hunter2&y@h/d",
            "postgresql://u:hunter2@h/d?sslmode=on",
            "postgresql://u:hunter2@h/d?options=-c",
            "postgresql://u:hunter2%00@h/d",
            "postgresql://u:hunter2%ff@h/d",
            "sqlite:",
        ] {
            let error = parse(text).expect_err(text);
            if text.starts_with("postgresql") {
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
        }
    }

    proptest! {
        #[test]
        fn encoded_credentials_come_back(user in "[^\0]{1,12}", password in "[^\0]{0,12}") {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
            };
            let settings =
                of(&format!("postgresql://{}:{}@h/d", encode(&user), encode(&password)));
            prop_assert_eq!(settings.username, Some(user));
            let shown = settings.password.as_ref().map(|it| it.expose().to_owned());
            prop_assert_eq!(shown, Some(password));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(postgresql|mysql|sqlite|x):?/{0,3}.{0,40}") {
            let _ = parse(&text);
        }
    }
}
