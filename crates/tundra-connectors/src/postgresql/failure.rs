//! What goes wrong between us and PostgreSQL, and what it means for a caller.
//!
//! Start at [`Failure`]. The server's own words are kept; which kind they are is read from the SQLSTATE,
//! as the words are in the server's language.

use std::{io, time::Duration};

use tundra_core::{ConnectorError, ErrorKind, Retry};

use crate::{
    address::AddressError,
    postgresql::NAME,
    route::{RouteError, TunnelError},
    tls::TlsError,
};

/// The bytes of a text of the server that are kept: its own are shorter, and nobody reads more.
const MOST_WORDS: usize = 4096;

/// The SQLSTATE of a statement that was cancelled.
const CANCELLED: &str = "57014";

/// What an `ErrorResponse` of the server says.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message} (SQLSTATE {code})")]
pub(super) struct ServerError {
    /// The SQLSTATE.
    pub(super) code: String,
    /// The primary message.
    pub(super) message: String,
    /// More about it.
    pub(super) detail: Option<String>,
    /// What the server advises.
    pub(super) hint: Option<String>,
    /// Where in the statement, in characters from 1.
    pub(super) position: Option<String>,
}

impl ServerError {
    /// Reads the body of an `ErrorResponse`: fields of a letter and a text, each ended by a zero.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut error = Self::default();
        for field in body.split(|byte| *byte == 0) {
            let Some((letter, text)) = field.split_first() else { continue };
            let text = &text[..text.len().min(MOST_WORDS)];
            let text = String::from_utf8_lossy(text).into_owned();
            match letter {
                b'C' => error.code = text,
                b'M' => error.message = text,
                b'D' => error.detail = Some(text),
                b'H' => error.hint = Some(text),
                b'P' => error.position = Some(text),
                _ => {}
            }
        }
        error
    }
}

/// A value that has no place in the column's type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of stream {stream}: column `{column}` is `{value}`, which {reason}")]
pub(super) struct Misfit {
    /// The stream, from 1.
    pub(super) stream: usize,
    /// The row in the stream, from 1.
    pub(super) row: u64,
    /// The column.
    pub(super) column: String,
    /// The value, as the server prints it where that is known.
    pub(super) value: String,
    /// Why it has none.
    pub(super) reason: String,
    /// Whether the value is right and only our type is too narrow.
    pub(super) lossy: bool,
}

/// Why PostgreSQL could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The server says so.
    #[error(transparent)]
    Server(#[from] ServerError),

    /// The host cannot be reached.
    #[error(transparent)]
    Address(#[from] AddressError),

    /// There is no tunnel to the host.
    #[error(transparent)]
    Tunnel(TunnelError),

    /// The connection is broken.
    #[error("the connection to the server broke")]
    Io(#[source] io::Error),

    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,

    /// The connection that holds the snapshot broke off before.
    #[error("the connection that held the snapshot broke off before this; begin anew")]
    Broken,

    /// The time for connecting is over.
    #[error("the server did not answer within {0:?}")]
    Timeout(Duration),

    /// Nothing arrives, on another connection neither.
    #[error(
        "nothing came from the server for twice {silence:?}, and it does not answer new connections \
         within {within:?}"
    )]
    Silent {
        /// How long nothing came.
        silence: Duration,
        /// How long a new connection was waited for.
        within: Duration,
    },

    /// The server sends, and nothing arrives.
    #[error("the server sends, and nothing arrived within {0:?}")]
    Stuck(Duration),

    /// The certificates of the settings are of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),

    /// TLS was asked for, and the server has none.
    #[error("the server has no TLS, which `ssl_mode` asks for")]
    NoTls,

    /// The handshake of TLS failed.
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),

    /// A setting is missing or not allowed.
    #[error("{0}")]
    Setting(&'static str),

    /// The server asks for what we do not do.
    #[error("the server asks for {0}, which is not supported")]
    Authentication(&'static str),

    /// The server asks for the password where others can read it.
    #[error("the server asks for the password as it is, over a connection that is not encrypted")]
    Exposed,

    /// A statement took longer than it may.
    #[error(transparent)]
    Late(ServerError),

    /// The other side does not speak the protocol.
    #[error("the server's answer is not PostgreSQL's protocol: {0}")]
    Protocol(&'static str),

    /// A request that makes no sense.
    #[error("{0}")]
    Request(String),

    /// A value does not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),

    /// The snapshot cannot be taken over.
    #[error("the snapshot of the session is gone: {0}")]
    Snapshot(ServerError),

    /// What the snapshot sees of a table is not there any more.
    #[error(
        "{0} was rewritten or made after the snapshot was taken, which cannot see its rows: by TRUNCATE, \
         ALTER TABLE, CLUSTER or VACUUM FULL"
    )]
    Rewritten(String),

    /// A mark would have to remember too much.
    #[error(
        "more than {transactions} transactions have written to the table since the oldest one that is \
         still at work began"
    )]
    Crowded {
        /// The most that are remembered.
        transactions: usize,
    },

    /// The server counts other rows than those that arrived.
    #[error("the server counted {server} rows and {arrived} arrived")]
    Count {
        /// By the server's command tag.
        server: u64,
        /// Decoded here.
        arrived: u64,
    },

    /// A bug.
    #[error("{0}")]
    Internal(&'static str),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            // What cannot be written as a message, before anything is sent.
            io::ErrorKind::InvalidInput => Self::Setting("a name or a statement has a zero byte"),
            _ => Self::Io(error),
        }
    }
}

impl From<RouteError> for Failure {
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::Address(error) => Self::Address(error),
            RouteError::Tunnel(error) => Self::Tunnel(error),
        }
    }
}

impl Failure {
    /// Returns what sort of failure it is.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Server(error) => server_kind(&error.code),
            Self::Tunnel(error) => error.kind,
            Self::Address(AddressError::Refused { .. }) | Self::Exposed => {
                ErrorKind::PermissionDenied
            }
            Self::Address(AddressError::Timeout { .. })
            | Self::Timeout(_)
            | Self::Late(_)
            | Self::Silent { .. }
            | Self::Stuck(_) => ErrorKind::Timeout,
            Self::Address(_)
            | Self::Io(_)
            | Self::Closed
            | Self::Broken
            | Self::Handshake(_)
            | Self::Protocol(_) => ErrorKind::Unavailable,
            Self::Tls(_) | Self::Setting(_) | Self::Request(_) => ErrorKind::InvalidRequest,
            Self::NoTls | Self::Authentication(_) => ErrorKind::Unsupported,
            Self::Misfit(_) => ErrorKind::InvalidData,
            Self::Snapshot(_) | Self::Rewritten(_) | Self::Crowded { .. } => ErrorKind::Conflict,
            Self::Count { .. } => ErrorKind::Corrupt,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Returns whether the same may work a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Tunnel(error) => error.transient,
            Self::Server(error) => {
                matches!(error.code.get(..2), Some("08" | "40"))
                    || matches!(
                        error.code.as_str(),
                        "53300" | "57P01" | "57P02" | "57P03" | "55P03"
                    )
            }
            Self::Address(
                AddressError::Name { .. }
                | AddressError::Connect { .. }
                | AddressError::Timeout { .. },
            )
            | Self::Io(_)
            | Self::Closed
            | Self::Broken
            | Self::Timeout(_)
            | Self::Silent { .. }
            | Self::Stuck(_)
            | Self::Snapshot(_)
            | Self::Rewritten(_)
            | Self::Crowded { .. } => true,
            _ => false,
        }
    }

    /// Returns whether a connection may succeed at once where this one failed: nobody listens yet, it was
    /// cut, or the server starts, stops or is full. What took its time is not waited for five times.
    pub(super) fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Server(error) => {
                error.code.starts_with("08")
                    || matches!(error.code.as_str(), "53300" | "57P01" | "57P02" | "57P03")
            }
            Self::Address(AddressError::Connect { .. }) | Self::Io(_) | Self::Closed => true,
            _ => false,
        }
    }

    /// Returns the failure of a statement that may take so long: the server says with the same number that
    /// its time is over and that somebody cancelled it.
    pub(super) fn within(self, limit: Option<Duration>) -> Self {
        match self {
            Self::Server(error) if error.code == CANCELLED && limit.is_some() => Self::Late(error),
            other => other,
        }
    }

    /// Returns the failure of taking over a snapshot.
    pub(super) fn of_snapshot(self) -> Self {
        match self {
            // A number that is no snapshot's, or a transaction that is not there.
            Self::Server(error) if matches!(error.code.as_str(), "22023" | "42704" | "55000") => {
                Self::Snapshot(error)
            }
            other => other,
        }
    }

    /// Returns whether nothing more can be said on the connection.
    pub(super) fn breaks_connection(&self) -> bool {
        match self {
            Self::Server(error) => error.code.starts_with("57P"),
            Self::Io(_)
            | Self::Closed
            | Self::Broken
            | Self::Timeout(_)
            | Self::Silent { .. }
            | Self::Stuck(_)
            | Self::Protocol(_) => true,
            _ => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        let own = match self {
            Self::Address(AddressError::Refused { private: true, .. }) => {
                Some("connections to private networks are allowed by whoever runs Tundra, not here")
            }
            Self::Address(AddressError::Name { .. }) => Some("check the host's name"),
            Self::Address(AddressError::Connect { .. }) => {
                Some("check that the server listens on this port and that no firewall is between")
            }
            Self::Crowded { .. } => Some(
                "end the transaction that has been open for so long, on the server or a standby, and try \
                 again",
            ),
            Self::NoTls => {
                Some("set `ssl_mode` to `prefer` or `disable` if this network is trusted")
            }
            Self::Handshake(_) => Some(
                "name the server's CA with `ssl_ca`; with `ssl_mode` `verify-full` the host must be one \
                 of the certificate's names",
            ),
            Self::Misfit(Misfit { lossy: true, .. }) => Some(
                "keep such columns as text with `--on-lossy text`, or such values as null with \
                 `--on-lossy null`",
            ),
            Self::Late(_) => Some("allow more time with `--statement-timeout`, or read less"),
            Self::Exposed => Some("use TLS: set `ssl_mode` to `require` or more"),
            Self::Server(error) => match error.code.as_str() {
                "28P01" | "28000" => {
                    Some("check the user, the password and the server's pg_hba.conf")
                }
                "42501" => Some("grant SELECT on it, or leave columns out with `--columns`"),
                "25006" => Some("Tundra only reads: write a query without side effects"),
                "55P03" => Some("somebody is changing the table: try again when that is done"),
                "42P01" => {
                    Some("names are taken in the case they are written in; give the schema too")
                }
                _ => None,
            },
            _ => None,
        };
        let mut hints = Vec::new();
        if let Self::Server(ServerError { detail, hint, position, .. }) = self {
            hints.extend(detail.iter().map(|it| format!("the server adds: {it}")));
            hints.extend(hint.iter().map(|it| format!("the server advises: {it}")));
            hints.extend(
                position.iter().map(|it| format!("it is at character {it} of the statement")),
            );
        }
        if let Self::Tunnel(error) = self {
            hints.extend(error.hint.clone());
        }
        hints.extend(own.map(str::to_owned));
        hints
    }

    /// Returns the error of the connector, which was doing this.
    pub(super) fn during(self, operation: &'static str) -> ConnectorError {
        self.of(NAME, operation)
    }

    /// Returns the error of this connector, which was doing this.
    pub(super) fn of(self, connector: &'static str, operation: &'static str) -> ConnectorError {
        let retry = if self.is_transient() { Retry::Later } else { Retry::Never };
        ConnectorError {
            connector,
            operation,
            reason: self.to_string(),
            kind: self.kind(),
            retry,
            hints: self.hints(),
            source: match self {
                Self::Io(error) | Self::Handshake(error) => Some(error.into()),
                Self::Address(AddressError::Name { source, .. })
                | Self::Address(AddressError::Connect { source, .. })
                | Self::Tls(TlsError::File { source, .. }) => Some(source.into()),
                _ => None,
            },
        }
    }
}

/// Returns the kind of a SQLSTATE. The classes stand in appendix A of PostgreSQL's manual.
fn server_kind(code: &str) -> ErrorKind {
    match code {
        "42501" => return ErrorKind::PermissionDenied,
        "42P01" | "3D000" | "3F000" => return ErrorKind::NotFound,
        CANCELLED => return ErrorKind::Cancelled,
        "53100" | "53200" => return ErrorKind::LimitExceeded,
        "55P03" => return ErrorKind::Conflict,
        "XX001" | "XX002" => return ErrorKind::Corrupt,
        _ => {}
    }
    match code.get(..2) {
        Some("28") => ErrorKind::PermissionDenied,
        Some("22" | "23") => ErrorKind::InvalidData,
        Some("0A") => ErrorKind::Unsupported,
        Some("40") => ErrorKind::Conflict,
        Some("54") => ErrorKind::LimitExceeded,
        Some("25" | "26" | "34" | "42" | "44" | "55") => ErrorKind::InvalidRequest,
        _ => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_server_are_kept_and_its_state_decides() {
        let body = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"u\"\0\
                     HTry another.\0\0";
        let error = Failure::from(ServerError::parse(body)).during("connect");
        assert_eq!(
            error.to_string(),
            "postgresql could not connect: password authentication failed for user \"u\" \
             (SQLSTATE 28P01)"
        );
        assert_eq!((error.kind, error.retry), (ErrorKind::PermissionDenied, Retry::Never));
        assert_eq!(error.hints[0], "the server advises: Try another.");
    }

    #[test]
    fn what_was_cancelled_took_too_long_only_where_a_time_was_given() {
        let cancelled =
            || Failure::from(ServerError { code: CANCELLED.into(), ..Default::default() });
        assert_eq!(cancelled().within(None).kind(), ErrorKind::Cancelled);
        let late = cancelled().within(Some(Duration::from_secs(1)));
        assert_eq!(late.kind(), ErrorKind::Timeout);
        assert!(late.hints()[0].contains("--statement-timeout"));
        let words = vec![b'x'; 1 << 20];
        let error = ServerError::parse(&[b"M", words.as_slice(), b"\0"].concat());
        assert_eq!(error.message.len(), MOST_WORDS);
    }

    #[test]
    fn every_class_has_its_kind() {
        for (code, kind) in [
            ("42P01", ErrorKind::NotFound),
            ("42703", ErrorKind::InvalidRequest),
            ("42601", ErrorKind::InvalidRequest),
            ("42501", ErrorKind::PermissionDenied),
            ("25006", ErrorKind::InvalidRequest),
            ("3D000", ErrorKind::NotFound),
            ("40001", ErrorKind::Conflict),
            ("53300", ErrorKind::Unavailable),
            ("57014", ErrorKind::Cancelled),
            ("57P01", ErrorKind::Unavailable),
            ("22012", ErrorKind::InvalidData),
            ("0A000", ErrorKind::Unsupported),
            ("XX000", ErrorKind::Unavailable),
            ("", ErrorKind::Unavailable),
            ("é", ErrorKind::Unavailable),
        ] {
            assert_eq!(server_kind(code), kind, "{code}");
        }
    }
}
