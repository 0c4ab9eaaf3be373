//! Where a database is, who asks, and how the way there is secured.
//!
//! Start at [`ConnectionSettings`]. They are read from a URL or from the JSON of stored credentials, or
//! filled in by an embedding program. This module opens nothing: files that are named stay names until
//! a connector connects. What it reads and does not know it refuses, and a password is in none of its
//! messages.

mod json;
mod tunnel;
mod url;

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use tundra_core::{Classify, ErrorKind, Retry, Secret};

pub use self::tunnel::{HostKey, KnownHosts, SshSettings};

/// How long a connection may take when nothing is said.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// A database that a connector speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatabaseKind {
    /// PostgreSQL.
    Postgresql,
    /// Amazon Redshift.
    Redshift,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// A file of SQLite.
    Sqlite,
}

impl DatabaseKind {
    /// Returns the name of the connector; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Redshift => "redshift",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
        }
    }

    /// Returns the form of its URLs.
    pub const fn url_form(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql://user@host:5432/database",
            Self::Redshift => "redshift://user@host:5439/database",
            Self::Mysql => "mysql://user@host:3306/database",
            Self::Mariadb => "mariadb://user@host:3306/database",
            Self::Sqlite => "sqlite:file.db",
        }
    }

    /// Returns the port that servers of this kind listen on when nothing is said; 0 for files.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Postgresql => 5432,
            Self::Redshift => 5439,
            Self::Mysql | Self::Mariadb => 3306,
            Self::Sqlite => 0,
        }
    }
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DatabaseKind {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => Self::Postgresql,
            "redshift" => Self::Redshift,
            "mysql" => Self::Mysql,
            "mariadb" => Self::Mariadb,
            "sqlite" => Self::Sqlite,
            _ => return Err(SettingsError::Kind { text: text.to_owned() }),
        })
    }
}

/// What is asked of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS only if the server refuses a connection without.
    Allow,
    /// TLS if the server has it; its certificate is not checked.
    #[default]
    Prefer,
    /// TLS; the certificate is checked only where a CA is given.
    Require,
    /// TLS with a certificate that the CA, or the system, vouches for, whatever its name.
    VerifyCa,
    /// TLS with such a certificate for this host.
    VerifyFull,
}

impl FromStr for SslMode {
    type Err = SettingsError;

    /// Reads the names of PostgreSQL and those of MySQL, in any case and with `-` or `_`.
    fn from_str(text: &str) -> Result<Self, SettingsError> {
        Ok(match text.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" | "preferred" => Self::Prefer,
            "require" | "required" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" | "verify-identity" => Self::VerifyFull,
            _ => {
                return Err(SettingsError::Value {
                    name: "ssl_mode",
                    reason: "is none of disable, allow, prefer, require, verify-ca, verify-full",
                });
            }
        })
    }
}

/// Certificates or a key in the form of PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pem {
    /// The text itself.
    Text(Secret),
    /// A file of it, read when the connection is made.
    File(PathBuf),
}

/// To which networks connections may go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Only to addresses of the Internet: what a server grants its callers.
    #[default]
    PublicOnly,
    /// To private networks and this machine too: what somebody at a terminal may do.
    PrivateAllowed,
}

/// A directory from which files may be read, or all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedDirectories {
    /// None: what a server grants when nothing is configured.
    #[default]
    Nothing,
    /// These and what is below them.
    Only(Vec<PathBuf>),
    /// Every one that the process can read: what somebody at a terminal may do.
    Everything,
}

/// How to reach a database. Any combination is legal; the connector says what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Which database it is.
    pub kind: DatabaseKind,
    /// The host's name or address, or for a Unix socket the directory or file, which begins with `/`.
    pub host: Option<String>,
    /// The port; that of the kind when not given.
    pub port: Option<u16>,
    /// The database.
    pub database: Option<String>,
    /// Who asks.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// What is asked of TLS.
    pub ssl_mode: SslMode,
    /// The authorities that are believed; those of the system when not given.
    pub ca: Option<Pem>,
    /// The client's certificate and those between it and its authority.
    pub client_certificate: Option<Pem>,
    /// The key of the client's certificate.
    pub client_key: Option<Pem>,
    /// The file of a SQLite database.
    pub file_path: Option<PathBuf>,
    /// Where files may be read; nobody's credentials decide this.
    pub allowed_directories: AllowedDirectories,
    /// To which networks connections may go; nobody's credentials decide this.
    pub addresses: AddressPolicy,
    /// Whether a Unix socket may be used; nobody's credentials decide this.
    pub sockets_allowed: bool,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// The SSH server through which the database is reached; directly when not given.
    pub ssh: Option<SshSettings>,
}

impl ConnectionSettings {
    /// Returns settings that name nothing but the kind and allow nothing that has to be allowed.
    pub fn new(kind: DatabaseKind) -> Self {
        Self {
            kind,
            host: None,
            port: None,
            database: None,
            username: None,
            password: None,
            ssl_mode: SslMode::default(),
            ca: None,
            client_certificate: None,
            client_key: None,
            file_path: None,
            allowed_directories: AllowedDirectories::default(),
            addresses: AddressPolicy::default(),
            sockets_allowed: false,
            connect_timeout: CONNECT_TIMEOUT,
            ssh: None,
        }
    }

    /// Reads a URL such as `postgresql://user:password@host:5432/database?sslmode=require`.
    ///
    /// User, password, host and database may be percent-encoded. A password may also have `@`, `/`, `:`
    /// and `#` as they are: the host begins after the last `@` before the `?`.
    ///
    /// # Errors
    /// When a part makes no sense or a parameter is not known.
    pub fn from_url(text: &str) -> Result<Self, SettingsError> {
        url::parse(text)
    }

    /// Reads the JSON of stored credentials, whose fields are `host`, `port`, `database`, `username`,
    /// `password`, `ssl_mode`, `ssl_ca`, `ssl_cert`, `ssl_key`, `file_path`, `connect_timeout`,
    /// `ssh_host`, `ssh_port`, `ssh_user`, `ssh_key`, `ssh_passphrase`, `ssh_known_hosts` and
    /// `ssh_host_key`, or `connection_string` alone.
    ///
    /// Certificates, keys and known hosts are their text here: stored credentials name no file of this
    /// machine.
    ///
    /// # Errors
    /// When it is no such JSON, or a field is not known.
    pub fn from_json(kind: DatabaseKind, text: &str) -> Result<Self, SettingsError> {
        json::parse(kind, text)
    }

    /// Returns the port that is connected to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.kind.default_port())
    }

    /// Returns whether the host is a Unix socket.
    pub fn is_socket(&self) -> bool {
        self.host.as_deref().is_some_and(|host| host.starts_with('/'))
    }
}

/// The database's place, without credentials: `postgresql://reader@db.example.com:5432/shop`.
impl fmt::Display for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.file_path {
            return write!(f, "{}:{}", self.kind, path.display());
        }
        write!(f, "{}://", self.kind)?;
        if let Some(user) = &self.username {
            write!(f, "{user}@")?;
        }
        match self.host.as_deref() {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port())?,
            Some(host) if self.is_socket() => f.write_str(host)?,
            Some(host) => write!(f, "{host}:{}", self.port())?,
            None => {}
        }
        match &self.database {
            Some(database) => write!(f, "/{database}"),
            None => Ok(()),
        }
    }
}

/// Why settings cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no such database.
    #[error(
        "`{text}` is no database that Tundra reads; they are postgresql, redshift, mysql, mariadb and \
         sqlite"
    )]
    Kind {
        /// What stands there.
        text: String,
    },

    /// This build has no connector for it.
    #[error("this build of Tundra does not read {kind}")]
    NotBuilt {
        /// The kind of database.
        kind: &'static str,
    },

    /// The text is no connection URL.
    #[error("the connection URL {reason}")]
    Url {
        /// Why not.
        reason: &'static str,
    },

    /// The credentials are no JSON object.
    #[error("the credentials are not a JSON object of text and numbers: {reason}")]
    Json {
        /// What the reader said, without what it read.
        reason: String,
    },

    /// A parameter or field is not known.
    #[error("the connection has no setting `{name}`; the settings are {known}")]
    Unknown {
        /// Its name.
        name: String,
        /// Those there are.
        known: &'static str,
    },

    /// A value makes no sense.
    #[error("the connection's `{name}` {reason}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Why not.
        reason: &'static str,
    },
}

impl Classify for SettingsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotBuilt { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::InvalidRequest,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Url { .. } | Self::Unknown { .. } => vec![
                "a URL is `postgresql://user:password@host:port/database?sslmode=require`; write `?` in \
                 a password as `%3F` and `%` as `%25`"
                    .to_owned(),
            ],
            Self::Kind { .. } | Self::NotBuilt { .. } | Self::Json { .. } | Self::Value { .. } => {
                Vec::new()
            }
        }
    }
}

/// The names under which settings are known in URLs and in stored credentials.
const KNOWN: &str = "host, port, database, username, password, ssl_mode, ssl_ca, ssl_cert, ssl_key, \
                     file_path, connect_timeout, ssh_host, ssh_port, ssh_user, ssh_key, \
                     ssh_passphrase, ssh_known_hosts, ssh_host_key";

/// Takes one named setting. Files of certificates are allowed where `files` is.
fn set(
    settings: &mut ConnectionSettings,
    name: &str,
    value: String,
    files: bool,
) -> Result<(), SettingsError> {
    if value.contains('\0') {
        return Err(SettingsError::Value { name: "settings", reason: "have a zero byte" });
    }
    match name.to_ascii_lowercase().replace('-', "_").as_str() {
        name if tunnel::is_known(name) => {
            tunnel::set(settings.ssh.get_or_insert_default(), name, value, files)?;
        }
        "host" | "hostname" | "hostaddr" | "socket" => settings.host = Some(value),
        "port" => settings.port = Some(port(&value)?),
        "database" | "dbname" | "db" => settings.database = Some(value),
        "username" | "user" => settings.username = Some(value),
        "password" => settings.password = Some(Secret::new(value)),
        "ssl_mode" | "sslmode" => settings.ssl_mode = value.parse()?,
        "ssl_ca" | "sslrootcert" | "ssl_root_cert" | "ca" => {
            settings.ca = Some(pem("ssl_ca", value, files)?);
        }
        "ssl_cert" | "sslcert" => {
            settings.client_certificate = Some(pem("ssl_cert", value, files)?);
        }
        "ssl_key" | "sslkey" => settings.client_key = Some(pem("ssl_key", value, files)?),
        "file_path" => settings.file_path = Some(PathBuf::from(value)),
        "connect_timeout" => {
            let seconds = value.parse::<u64>().ok().filter(|it| (1..=600).contains(it));
            settings.connect_timeout =
                Duration::from_secs(seconds.ok_or(SettingsError::Value {
                    name: "connect_timeout",
                    reason: "is not a number of seconds from 1 to 600",
                })?);
        }
        _ => return Err(SettingsError::Unknown { name: name.to_owned(), known: KNOWN }),
    }
    Ok(())
}

fn port(text: &str) -> Result<u16, SettingsError> {
    port_of("port", text)
}

fn port_of(name: &'static str, text: &str) -> Result<u16, SettingsError> {
    text.parse::<u16>()
        .ok()
        .filter(|port| *port != 0)
        .ok_or(SettingsError::Value { name, reason: "is not a number from 1 to 65535" })
}

/// Looks at settings that only make sense together, once all of them are known.
pub(crate) fn complete(settings: ConnectionSettings) -> Result<ConnectionSettings, SettingsError> {
    let Some(ssh) = &settings.ssh else { return Ok(settings) };
    let refused = |reason| Err(SettingsError::Value { name: "ssh_host", reason });
    if settings.kind == DatabaseKind::Sqlite {
        return refused("is of no use for a file");
    }
    if settings.is_socket() {
        return refused("leads to a host, and the database's host is a Unix socket");
    }
    if ssh.host.is_empty() {
        return refused("is missing, and there are other settings of SSH");
    }
    Ok(settings)
}

fn pem(name: &'static str, value: String, files: bool) -> Result<Pem, SettingsError> {
    if value.trim_start().starts_with("-----BEGIN") {
        return Ok(Pem::Text(Secret::new(value)));
    }
    if files {
        return Ok(Pem::File(PathBuf::from(value)));
    }
    Err(SettingsError::Value { name, reason: "is not the text of a PEM file" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_database_shows_no_password() {
        let settings =
            ConnectionSettings::from_url("mysql://reader:hunter2@[2001:db8::1]/shop").unwrap();
        assert_eq!(settings.to_string(), "mysql://reader@[2001:db8::1]:3306/shop");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn modes_of_tls_are_known_by_the_names_of_both_databases() {
        for (text, mode) in [
            ("disable", SslMode::Disable),
            ("DISABLED", SslMode::Disable),
            ("allow", SslMode::Allow),
            ("PREFERRED", SslMode::Prefer),
            ("require", SslMode::Require),
            ("VERIFY_CA", SslMode::VerifyCa),
            ("verify-full", SslMode::VerifyFull),
            ("VERIFY_IDENTITY", SslMode::VerifyFull),
        ] {
            assert_eq!(text.parse(), Ok(mode), "{text}");
        }
        assert!("on".parse::<SslMode>().is_err());
    }
}
