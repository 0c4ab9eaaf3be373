//! The users whom both database servers know, by the same names and with the same password: tests of
//! the two are alike.

/// Who may do everything, with TLS or without.
pub(super) const USER: &str = "tundra";

/// Who gets in with TLS only.
pub(super) const BY_TLS: &str = "tundra_tls";

/// Who gets in with TLS and the client certificate only.
pub(super) const BY_CERTIFICATE: &str = "tundra_certificate";

/// Who gets in without TLS only; PostgreSQL alone can ask for that.
pub(super) const BY_PLAIN: &str = "tundra_plain";

/// For which the servers' certificate is; that `127.0.0.1` is another name is what tests need.
pub(super) const SERVER_NAME: &str = "localhost";
