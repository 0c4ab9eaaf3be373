//! What can go wrong with MySQL and MariaDB, and what kind of failure it is.
//!
//! Start at [`Failure`]. The words of a server are kept as they are; what is added names the way out.

use tundra_core::{ConnectorError, ErrorKind, Retry};

use super::{decode::DecodeError, protocol::ServerError, types::UnknownType, wire::WireError};
use crate::{
    address::AddressError,
    route::{RouteError, TunnelError},
    tls::TlsError,
};

/// Why something did not work, before it is known what it was for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The server said so.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The server lets the user read some columns only.
    #[error("{error}")]
    Columns {
        /// What the server said.
        error: ServerError,
        /// Those that may be read, quoted, with commas between.
        readable: String,
    },
    /// The connection or the protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// There is no connection.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// There is no tunnel to the host.
    #[error(transparent)]
    Tunnel(TunnelError),
    /// The settings give no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// TLS was asked for, and the server has none.
    #[error("the server has no TLS, which `ssl_mode` asks for")]
    NoTls,
    /// TLS was tried.
    #[error("TLS with the server failed: {0}")]
    Handshake(std::io::Error),
    /// A row does not fit.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A column does not fit.
    #[error(transparent)]
    Type(#[from] UnknownType),
    /// The request makes no sense here.
    #[error("{message}")]
    Request {
        /// What is wrong.
        message: String,
        /// The way out.
        hint: Option<String>,
    },
    /// We refuse for the sake of safety.
    #[error("{message}")]
    Denied {
        /// What is refused.
        message: String,
        /// The way out.
        hint: Option<String>,
    },
    /// The server cannot do what is needed.
    #[error("{0}")]
    Unsupported(String),
    /// What was there is not there any more.
    #[error("{0}")]
    Changed(String),
    /// It took too long.
    #[error("{0}")]
    Timeout(String),
    /// All connections of a session are being read from.
    #[error("every connection of the session is being read from")]
    Busy,
    /// All connections of a session are gone.
    #[error("the session has no connection left; each was lost or ended by a cancellation")]
    NoConnection,
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
    pub(super) fn request(message: impl Into<String>) -> Self {
        Self::Request { message: message.into(), hint: None }
    }

    /// Says what was being done.
    pub(super) fn during(self, connector: &'static str, operation: &'static str) -> ConnectorError {
        let (kind, retry) = self.kind();
        let hints = self.hints();
        let mut reason = self.to_string();
        let source = std::error::Error::source(&self).map(ToString::to_string);
        // The cause of an address or a socket is the system's word, and short.
        if let Some(source) = source.filter(|source| !reason.contains(source.as_str())) {
            reason = format!("{reason}: {source}");
        }
        ConnectorError { connector, operation, reason, kind, retry, hints, source: None }
    }

    /// Tells whether a connection that saw this can be used on.
    pub(super) const fn keeps_connection(&self) -> bool {
        match self {
            Self::Server(error) => !matches!(error.code, 1053 | 1077 | 1152..=1161 | 1927 | 4031),
            Self::Request { .. }
            | Self::Type(_)
            | Self::Unsupported(_)
            | Self::Changed(_)
            | Self::Columns { .. }
            | Self::Decode(DecodeError::Value { .. } | DecodeError::Batch(_)) => true,
            _ => false,
        }
    }

    /// Returns whether a connection may succeed at once where this one failed: nobody listens yet, it was
    /// cut, or the server starts, stops or is full. What took its time is not waited for five times.
    pub(super) fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Address(AddressError::Connect { .. }) => true,
            Self::Tunnel(error) => error.transient,
            Self::Wire(WireError::Closed | WireError::Io(_)) => true,
            Self::Server(error) => {
                error.state.starts_with("08") || matches!(error.code, 1040 | 1053 | 1077 | 1203)
            }
            _ => false,
        }
    }

    fn kind(&self) -> (ErrorKind, Retry) {
        match self {
            Self::Server(error) | Self::Columns { error, .. } => server_kind(error),
            Self::Wire(WireError::Protocol(_)) => (ErrorKind::Corrupt, Retry::Never),
            Self::Wire(WireError::Silent(_)) => (ErrorKind::Timeout, Retry::Later),
            // The system asked the other side whether it is there, and it did not answer.
            Self::Wire(WireError::Io(error)) if error.kind() == std::io::ErrorKind::TimedOut => {
                (ErrorKind::Timeout, Retry::Later)
            }
            Self::Wire(WireError::Io(_) | WireError::Closed) => {
                (ErrorKind::Unavailable, Retry::Later)
            }
            Self::Address(error) => match error {
                AddressError::Name { .. } => (ErrorKind::Unavailable, Retry::Later),
                AddressError::Refused { .. } => (ErrorKind::PermissionDenied, Retry::Never),
                AddressError::Connect { .. } => (ErrorKind::Unavailable, Retry::Later),
                AddressError::Timeout { .. } => (ErrorKind::Timeout, Retry::Later),
            },
            Self::Tunnel(error) => {
                (error.kind, if error.transient { Retry::Later } else { Retry::Never })
            }
            Self::Tls(_) | Self::Request { .. } => (ErrorKind::InvalidRequest, Retry::Never),
            Self::NoTls => (ErrorKind::Unsupported, Retry::Never),
            Self::Handshake(_) => (ErrorKind::Unavailable, Retry::Never),
            Self::Decode(DecodeError::Wire(WireError::Protocol(_))) => {
                (ErrorKind::Corrupt, Retry::Never)
            }
            Self::Decode(DecodeError::Wire(_)) => (ErrorKind::Unavailable, Retry::Later),
            Self::Decode(DecodeError::Value { .. }) => (ErrorKind::InvalidData, Retry::Never),
            Self::Decode(DecodeError::Batch(_)) => (ErrorKind::Internal, Retry::Never),
            Self::Busy => (ErrorKind::Unavailable, Retry::Later),
            Self::Type(_) | Self::Unsupported(_) => (ErrorKind::Unsupported, Retry::Never),
            Self::Denied { .. } => (ErrorKind::PermissionDenied, Retry::Never),
            Self::Changed(_) => (ErrorKind::Conflict, Retry::Later),
            Self::Timeout(_) => (ErrorKind::Timeout, Retry::Later),
            Self::NoConnection => (ErrorKind::Unavailable, Retry::Later),
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Server(error) => server_hint(error.code).map(str::to_owned),
            Self::Columns { readable, .. } => {
                Some(format!("read with `--columns` what you may read: {readable}"))
            }
            Self::Address(AddressError::Refused { private: true, .. }) => {
                Some("allow private networks where Tundra runs, if this one is meant".to_owned())
            }
            Self::Tunnel(error) => error.hint.clone(),
            Self::NoTls => Some("set `ssl_mode` to `prefer` if the network is trusted".to_owned()),
            Self::Handshake(_) => {
                Some("check the host's name and the CA, or ask for less with `ssl_mode`".to_owned())
            }
            Self::Decode(DecodeError::Value { .. }) => Some(
                "read such columns as text with `--on-lossy text`, or such values as null with \
                 `--on-lossy null`"
                    .to_owned(),
            ),
            Self::Busy => Some(
                "one of them was lost, or more streams are started than there are connections: begin \
                 anew, or read a stream to its end first"
                    .to_owned(),
            ),
            Self::Type(_) => Some("cast the column in a query".to_owned()),
            Self::Request { hint, .. } | Self::Denied { hint, .. } => hint.clone(),
            _ => None,
        };
        hint.into_iter().collect()
    }
}

/// Sorts the server's errors: by number where we know it, else by the class of its SQLSTATE.
fn server_kind(error: &ServerError) -> (ErrorKind, Retry) {
    match error.code {
        // Access denied, of whichever sort; unknown host; locked or expired account.
        1044 | 1045 | 1130 | 1142 | 1143 | 1227 | 1370 | 1396 | 1410 | 1698 | 1820 | 1862
        | 3118 | 3159 | 3955 | 4151 => (ErrorKind::PermissionDenied, Retry::Never),
        // No such database, table, or table of an engine.
        1049 | 1051 | 1109 | 1146 | 1305 => (ErrorKind::NotFound, Retry::Never),
        // Interrupted by somebody.
        1317 => (ErrorKind::Cancelled, Retry::Never),
        // Took too long: MySQL's and MariaDB's numbers.
        1969 | 3024 => (ErrorKind::Timeout, Retry::Never),
        // Locks, deadlocks, and a table that was altered under the snapshot.
        1205 | 1213 | 1412 | 1020 | 1637 => (ErrorKind::Conflict, Retry::Later),
        // Too many connections, shutting down, killed, out of memory, network.
        1040
        | 1053
        | 1077
        | 1152
        | 1158..=1161
        | 1203
        | 1037
        | 1038
        | 1041
        | 1135
        | 1927
        | 4031 => (ErrorKind::Unavailable, Retry::Later),
        // The host was blocked after many failures: somebody has to act.
        1129 => (ErrorKind::Unavailable, Retry::Never),
        // The packet, the quota.
        1153 | 1226 | 1301 => (ErrorKind::LimitExceeded, Retry::Never),
        // The protocol of the login.
        1251 | 2059 => (ErrorKind::Unsupported, Retry::Never),
        // A write in a transaction that only reads.
        1792 | 1290 => (ErrorKind::InvalidRequest, Retry::Never),
        // A table or its index is damaged.
        1034 | 1194 | 1195 | 126 | 1712 => (ErrorKind::Corrupt, Retry::Never),
        _ => match error.state.get(..2) {
            Some("42") => (ErrorKind::InvalidRequest, Retry::Never),
            Some("22" | "21" | "23") => (ErrorKind::InvalidData, Retry::Never),
            Some("28") => (ErrorKind::PermissionDenied, Retry::Never),
            Some("08") => (ErrorKind::Unavailable, Retry::Later),
            Some("40") => (ErrorKind::Conflict, Retry::Later),
            Some("70") => (ErrorKind::Cancelled, Retry::Never),
            _ => (ErrorKind::Unavailable, Retry::Never),
        },
    }
}

const fn server_hint(code: u16) -> Option<&'static str> {
    match code {
        1044 | 1045 | 1698 => Some("check the user, the password and from where the user may come"),
        1142 | 1143 => Some("grant SELECT, or leave the column out with `--columns`"),
        1412 => Some("a table was altered after the snapshot was taken; run it again"),
        1969 | 3024 => Some("allow the statement more time, or split the table further"),
        3159 => Some("the server wants TLS: set `ssl_mode` to `require` or more"),
        1792 => Some("Tundra only reads; run what writes with another client"),
        1040 | 1203 => Some("ask for fewer connections, or wait until others are closed"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: u16, state: &str, kind: ErrorKind) {
        let message = "the server's words".to_owned();
        let error = Failure::Server(ServerError { code, state: state.to_owned(), message })
            .during("mysql", "read");
        assert_eq!(error.kind, kind, "{code}");
        let text = error.to_string();
        assert!(text.ends_with("the server's words"), "{text}");
    }

    #[test]
    fn errors_of_the_server_have_kinds() {
        check(1045, "28000", ErrorKind::PermissionDenied);
        check(1143, "42000", ErrorKind::PermissionDenied);
        check(1049, "42000", ErrorKind::NotFound);
        check(1146, "42S02", ErrorKind::NotFound);
        check(1054, "42S22", ErrorKind::InvalidRequest);
        check(1064, "42000", ErrorKind::InvalidRequest);
        check(1792, "25006", ErrorKind::InvalidRequest);
        check(1317, "70100", ErrorKind::Cancelled);
        check(1969, "70100", ErrorKind::Timeout);
        check(3024, "HY000", ErrorKind::Timeout);
        check(1412, "HY000", ErrorKind::Conflict);
        check(1053, "08S01", ErrorKind::Unavailable);
        check(9999, "08004", ErrorKind::Unavailable);
        check(9999, "22003", ErrorKind::InvalidData);
        check(9999, "", ErrorKind::Unavailable);
    }

    #[test]
    fn what_does_not_fit_names_the_ways_out() {
        let error = Failure::Decode(DecodeError::Value {
            row: 7,
            column: "ordered".to_owned(),
            value: "0000-00-00".to_owned(),
            why: "is a date that no calendar has",
        })
        .during("mariadb", "read `shop.orders`");
        assert_eq!(
            error.to_string(),
            "mariadb could not read `shop.orders`: row 7, column `ordered`: `0000-00-00` is a date \
             that no calendar has"
        );
        assert_eq!((error.kind, error.hints.len()), (ErrorKind::InvalidData, 1));
    }
}
