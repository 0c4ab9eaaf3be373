//! How the service behaves at its edge: [`Settings`].
//!
//! They are plain values with defaults that suit one machine. Nothing here reads the environment or a
//! file; whoever embeds the service fills them in, and [`Settings::check`] says what cannot be.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    thread::available_parallelism,
    time::Duration,
};

use ipnet::IpNet;
use tundra_core::{Classify, ErrorKind, Retry};

/// The least that the head of a request may be limited to: hyper reads in steps of this size.
pub(crate) const LEAST_HEAD: usize = 8 << 10;

/// How the service behaves at its edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How often one caller may ask.
    pub rates: Rates,
    /// How many runs may go on at once. By default one per processor, and two at least, because a run
    /// waits for stores and databases half of the time.
    pub concurrent_runs: NonZeroUsize,
    /// How many requests may wait for their run; what comes on top is answered with 503.
    pub queue_length: usize,
    /// How many jobs may wait; what comes on top is answered with 503.
    pub queued_jobs: NonZeroU64,
    /// How many of them may be of one organisation; what comes on top is answered with 429.
    pub queued_jobs_per_tenant: NonZeroU64,
    /// How many bytes the JSON body of a request may have. The largest that makes sense is a query of
    /// some length: 1 MiB.
    pub body_limit: usize,
    /// How many bytes a file may have that is sent as a body; unlimited when `None`.
    pub upload_limit: Option<u64>,
    /// How deeply JSON may be nested. No request needs more than five levels; 32 leaves room for
    /// credentials that somebody nests.
    pub json_depth: usize,
    /// Within which time a JSON body must have come.
    pub body_timeout: Duration,
    /// How many bytes of a body must come in a second, on the average and after a few seconds; also for
    /// files, which have no other limit of time.
    pub least_body_rate: NonZeroU32,
    /// How many bytes the head of a request may have: its first line and its headers. Tokens of
    /// organisations with many groups reach 8 KiB. At least 8 KiB.
    pub header_limit: usize,
    /// Within which time the head of a request must have come, counted from its first byte, and from the
    /// connection for the first request.
    pub header_timeout: Duration,
    /// How long a connection may stay open without a request. Longer than that of Google's and Amazon's
    /// balancers (600 and 60 seconds), which would otherwise send requests into connections that close.
    pub idle_timeout: Duration,
    /// How many connections there may be; others wait until one closes.
    pub max_connections: NonZeroUsize,
    /// How many event streams one caller may have open; what comes on top is answered with 429.
    pub event_streams_per_caller: usize,
    /// How many there may be in all, so that connections are left for everything else; what comes on top is
    /// answered with 503.
    pub event_streams: usize,
    /// Whose pages may call the service from a browser.
    pub cors: CorsOrigins,
    /// Which machines in front of the service are believed when they say whose request they pass on.
    pub trusted_proxies: Vec<IpNet>,
    /// In which header they say it. Only one is read: a proxy that writes one of them passes the other on
    /// as the client wrote it.
    pub forwarded_header: ForwardedHeader,
    /// How long the service takes to end. Cloud Run kills what is still there after ten seconds.
    pub shutdown_time: Duration,
    /// Whether everybody who can reach the service may do everything. Without it, a service without
    /// authentication listens on loopback only.
    pub allow_public_without_authentication: bool,
}

/// How often one caller may ask, in a minute. `None` is as often as they want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// To convert a file or a table.
    pub convert: Option<NonZeroU32>,
    /// To infer a schema.
    pub infer: Option<NonZeroU32>,
    /// To try a connection.
    pub test_connection: Option<NonZeroU32>,
}

/// Whose pages may call the service from a browser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Nobody's.
    #[default]
    None,
    /// Everybody's. Credentials are never sent by a browser of its own accord, so this opens nothing to
    /// whoever has none.
    Any,
    /// Those of these origins, such as `https://app.example.com`.
    These(Vec<String>),
}

/// The header by which a proxy says whose request it passes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, as nearly all of them do.
    #[default]
    XForwardedFor,
    /// `Forwarded` of RFC 7239.
    Forwarded,
}

/// Why a service cannot be set up so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Everybody could do everything.
    #[error(
        "the service would listen on {address}, where others reach it, and would ask nobody who they are"
    )]
    Public {
        /// Where it would listen.
        address: SocketAddr,
    },
    /// A value with which nothing would be answered.
    #[error("`{setting}` must be {least} or more, and is {value}")]
    TooSmall {
        /// The field of [`Settings`].
        setting: &'static str,
        /// Its value.
        value: usize,
        /// The least that it may be.
        least: usize,
    },
    /// A time in which nothing can happen.
    #[error("`{setting}` must be longer than no time at all")]
    NoTime {
        /// The field of [`Settings`].
        setting: &'static str,
    },
    /// A text that no browser sends as an origin.
    #[error("`{origin}` is no origin of a page")]
    Origin {
        /// The text.
        origin: String,
    },
}

impl Default for Settings {
    fn default() -> Self {
        let two = const { NonZeroUsize::new(2).unwrap() };
        Self {
            rates: Rates::default(),
            concurrent_runs: available_parallelism().map_or(two, |found| found.max(two)),
            queue_length: 64,
            queued_jobs: const { NonZeroU64::new(1000).unwrap() },
            queued_jobs_per_tenant: const { NonZeroU64::new(100).unwrap() },
            body_limit: 1 << 20,
            upload_limit: None,
            json_depth: 32,
            body_timeout: Duration::from_secs(30),
            least_body_rate: const { NonZeroU32::new(1024).unwrap() },
            header_limit: 32 << 10,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(620),
            max_connections: const { NonZeroUsize::new(4096).unwrap() },
            event_streams_per_caller: 64,
            event_streams: 1024,
            cors: CorsOrigins::None,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            shutdown_time: Duration::from_secs(10),
            allow_public_without_authentication: false,
        }
    }
}

impl Default for Rates {
    /// Those of Tundra 3.0 and 4.0.
    fn default() -> Self {
        Self {
            convert: NonZeroU32::new(10),
            infer: NonZeroU32::new(20),
            test_connection: NonZeroU32::new(20),
        }
    }
}

impl Rates {
    /// No limits.
    pub const UNLIMITED: Self = Self { convert: None, infer: None, test_connection: None };
}

impl Settings {
    /// Checks whether a service with these settings may listen there.
    ///
    /// # Errors
    /// [`SettingsError::Public`] when others can reach that address, nobody is asked who they are, and
    /// [`Settings::allow_public_without_authentication`] is not set; and for values with which nothing would
    /// be answered.
    ///
    /// # Examples
    /// ```
    /// use tundra_server::Settings;
    ///
    /// let settings = Settings::default();
    /// let (here, everywhere) = ("127.0.0.1:8080".parse()?, "0.0.0.0:8080".parse()?);
    /// assert!(settings.check(here, false).is_ok());
    /// assert!(settings.check(everywhere, false).is_err());
    /// assert!(settings.check(everywhere, true).is_ok());
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn check(
        &self,
        listen_address: SocketAddr,
        authentication_is_set_up: bool,
    ) -> Result<(), SettingsError> {
        let is_own = listen_address.ip().to_canonical().is_loopback();
        if !is_own && !authentication_is_set_up && !self.allow_public_without_authentication {
            return Err(SettingsError::Public { address: listen_address });
        }
        for (setting, value, least) in [
            ("body_limit", self.body_limit, 1),
            ("json_depth", self.json_depth, 1),
            ("header_limit", self.header_limit, LEAST_HEAD),
        ] {
            if value < least {
                return Err(SettingsError::TooSmall { setting, value, least });
            }
        }
        for (setting, value) in [
            ("body_timeout", self.body_timeout),
            ("header_timeout", self.header_timeout),
            ("idle_timeout", self.idle_timeout),
            ("shutdown_time", self.shutdown_time),
        ] {
            if value.is_zero() {
                return Err(SettingsError::NoTime { setting });
            }
        }
        if let CorsOrigins::These(origins) = &self.cors {
            for origin in origins {
                check_origin(origin)?;
            }
        }
        Ok(())
    }
}

impl Classify for SettingsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Public { .. } => ErrorKind::PermissionDenied,
            _ => ErrorKind::InvalidRequest,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::Public { .. } => &[
                "set up API keys or tokens, so that the service knows who asks",
                "listen on `127.0.0.1`, where only this machine reaches it",
                "say `--allow-public-without-authentication` if everybody who reaches it may do \
                 everything",
            ],
            Self::Origin { .. } => &[
                "write the scheme and the host, such as `https://app.example.com`, without a path",
            ],
            Self::TooSmall { .. } | Self::NoTime { .. } => &[],
        };
        hints.iter().map(|hint| (*hint).to_owned()).collect()
    }
}

/// Checks that a browser may send this as the origin of a page: what it sends has neither a path nor a
/// slash at its end, and is compared letter by letter.
fn check_origin(origin: &str) -> Result<(), SettingsError> {
    let is_origin = url::Url::parse(origin)
        .is_ok_and(|url| url.has_host() && url.origin().ascii_serialization() == origin);
    if is_origin { Ok(()) } else { Err(SettingsError::Origin { origin: origin.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn without_authentication_only_this_machine_is_listened_to() {
        let settings = Settings::default();
        for own in ["127.0.0.1:80", "127.8.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(settings.check(address(own), false), Ok(()), "{own}");
        }
        for public in ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "192.168.1.2:80", "[fe80::1]:80"] {
            let error = settings.check(address(public), false).unwrap_err();
            assert_eq!(error, SettingsError::Public { address: address(public) });
            assert!(error.hints().iter().any(|hint| hint.contains("127.0.0.1")));
            assert_eq!(settings.check(address(public), true), Ok(()), "{public}");
            let told = Settings { allow_public_without_authentication: true, ..settings.clone() };
            assert_eq!(told.check(address(public), false), Ok(()), "{public}");
        }
    }

    #[test]
    fn values_with_which_nothing_would_work_are_refused() {
        let check = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check(address("127.0.0.1:80"), false).unwrap_err().to_string()
        };
        assert_eq!(
            check(|settings| settings.header_limit = 100),
            "`header_limit` must be 8192 or more, and is 100"
        );
        assert!(check(|settings| settings.json_depth = 0).contains("`json_depth`"));
        assert!(check(|settings| settings.body_limit = 0).contains("`body_limit`"));
        assert!(
            check(|settings| settings.idle_timeout = Duration::ZERO).contains("`idle_timeout`")
        );
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        let with = |origin: &str| Settings {
            cors: CorsOrigins::These(vec![origin.to_owned()]),
            ..Settings::default()
        };
        for origin in ["https://app.example.com", "http://localhost:3000", "http://[::1]:3000"] {
            assert_eq!(with(origin).check(address("[::1]:80"), false), Ok(()), "{origin}");
        }
        for text in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/page",
            "https://App.example.com",
            "https://app.example.com:443",
            "https://user@app.example.com",
            "file:///etc/passwd",
        ] {
            assert!(with(text).check(address("[::1]:80"), false).is_err(), "{text}");
        }
    }
}
