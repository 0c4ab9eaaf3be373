//! Which URLs may be used.
//!
//! Start at [`UrlPolicy`]. It judges the URL as it was parsed, never as it was written: what a
//! reader takes for the host need not be it. The addresses behind a name are judged when it is
//! resolved, by the same policy.

use std::{fmt, net::IpAddr, str::FromStr};

use tundra_core::StorageError;
use tundra_net::address::{Zone, zone};
use url::{Host, Url};

/// Which URLs may be used, how far they may lead, and how much may come through them.
///
/// There is no default: a program that acts for others and one that acts for whoever started it
/// need different ones, see [`UrlPolicy::only`] and [`UrlPolicy::any_public_host`].
///
/// Whatever the policy: no credentials in a URL, no redirects to another host, and no link-local,
/// metadata, multicast, documentation or reserved addresses.
///
/// # Examples
/// ```
/// use tundra_storage::{AllowedHosts, UrlPolicy};
///
/// let policy = UrlPolicy::only("r2.cloudflarestorage.com".parse()?);
/// assert!(policy.check("https://x.r2.cloudflarestorage.com/b/a.csv?X-Amz-Signature=0").is_ok());
/// assert!(policy.check("https://evilr2.cloudflarestorage.com/b/a.csv").is_err());
/// assert!(policy.check("http://x.r2.cloudflarestorage.com/b/a.csv").is_err());
/// # Ok::<(), tundra_storage::HostSuffixError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPolicy {
    /// Which hosts may be named.
    pub hosts: AllowedHosts,
    /// Which addresses they may have.
    pub reach: Reach,
    /// The most bytes that one object may have, read or written; no limit for `None`. It is
    /// enforced while they come, whatever the server says of the size.
    pub max_size: Option<u64>,
}

/// Which hosts a URL may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedHosts {
    /// Any that [`Reach`] allows: for a person who types the URL.
    Any,
    /// Those that end with one of these, none for an empty list: for a program that is given URLs
    /// by others.
    Only(Vec<HostSuffix>),
}

/// Which addresses a host may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Addresses of the Internet, by `https` only.
    Public,
    /// Those of private networks and of this machine as well, and these also by plain `http`.
    Private,
}

/// A host, and every host below it.
///
/// - It is a name in lower case and in ASCII (punycode), without a final dot, or an IP address.
/// - It matches on the borders of labels: `example.org` matches `a.example.org` and not
///   `badexample.org`. An address matches itself only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostSuffix(Host);

/// A text that is no [`HostSuffix`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a host: {reason}")]
pub struct HostSuffixError {
    text: String,
    reason: &'static str,
}

/// Why a URL may not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) hint: Option<&'static str>,
}

const ALLOW_PRIVATE: &str = "set TUNDRA_URL_ALLOW_PRIVATE=1 if this network may be reached";

impl UrlPolicy {
    /// Returns the policy of a program that acts for whoever started it: any host with public
    /// addresses, any size.
    pub const fn any_public_host() -> Self {
        Self { hosts: AllowedHosts::Any, reach: Reach::Public, max_size: None }
    }

    /// Returns the policy of a program that is given URLs by others: these hosts with public
    /// addresses, any size.
    pub const fn only(hosts: AllowedHosts) -> Self {
        Self { hosts, reach: Reach::Public, max_size: None }
    }

    /// Parses a URL and checks what can be checked without resolving its name.
    ///
    /// # Errors
    /// [`StorageError::InvalidName`] for what is no URL, [`StorageError::Refused`] for one that may
    /// not be used. Neither repeats a query or credentials.
    pub fn check(&self, text: &str) -> Result<Url, StorageError> {
        let location = shown_text(text);
        let invalid = |source: &str| StorageError::InvalidName {
            location: location.clone(),
            source: source.to_owned().into(),
        };
        // The parser would drop line breaks and take `\` for `/`; whoever wrote those meant to
        // confuse somebody.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid("a URL holds no white space; write `%20` for a space"));
        }
        let (before_query, _) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
        if before_query.contains('\\') {
            return Err(invalid("a URL holds no `\\`; write `%5C`"));
        }
        let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        // The parser forgets an empty user name.
        let authority = before_query.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        let refused = if authority.contains('@') {
            Err(Refusal::plain("it holds a user name or a password"))
        } else {
            self.check_parsed(&url)
        };
        match refused {
            Ok(()) => Ok(url),
            Err(refusal) => Err(refusal.at(location)),
        }
    }

    /// Checks a parsed URL, such as that of a redirect.
    pub(super) fn check_parsed(&self, url: &Url) -> Result<(), Refusal> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::plain("it holds a user name or a password"));
        }
        let Some(host) = url.host() else { return Err(Refusal::plain("it names no host")) };
        let host = host.to_owned();
        match (url.scheme(), self.reach) {
            ("https", _) | ("http", Reach::Private) => {}
            ("http", Reach::Public) => {
                return Err(Refusal {
                    reason: "only `https` keeps what is read and the signature to itself"
                        .to_owned(),
                    hint: Some("write `https://` if the server knows it"),
                });
            }
            (scheme, _) => return Err(Refusal::plain(format!("`{scheme}` is not `https`"))),
        }
        if let AllowedHosts::Only(suffixes) = &self.hosts
            && !suffixes.iter().any(|suffix| suffix.matches(&host))
        {
            return Err(Refusal {
                reason: format!("its host `{host}` is not on the list of those allowed"),
                hint: Some("add the host, or what it ends with, to TUNDRA_URL_HOSTS"),
            });
        }
        match host {
            Host::Domain(name) if name.trim_end_matches('.').split('.').any(str::is_empty) => {
                Err(Refusal::plain(format!("`{name}` is not the name of a host")))
            }
            Host::Domain(_) => Ok(()),
            Host::Ipv4(address) => self.check_address(address.into(), is_plain(url)),
            Host::Ipv6(address) => self.check_address(address.into(), is_plain(url)),
        }
    }

    /// Checks an address that a host has. By plain `http` only private ones may be reached.
    pub(super) fn check_address(&self, address: IpAddr, plain: bool) -> Result<(), Refusal> {
        match (zone(address), self.reach) {
            (Zone::Public, _) if plain => {
                Err(Refusal::plain("plain `http` is only for private networks"))
            }
            (Zone::Public, _) | (Zone::Private(_), Reach::Private) => Ok(()),
            (Zone::Private(what), Reach::Public) => Err(Refusal {
                reason: format!("its address `{address}` is {what}"),
                hint: Some(ALLOW_PRIVATE),
            }),
            (Zone::Never(what), _) => {
                Err(Refusal::plain(format!("its address `{address}` is {what}")))
            }
        }
    }
}

impl Refusal {
    pub(super) fn plain(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None }
    }

    pub(super) fn at(self, location: impl Into<String>) -> StorageError {
        StorageError::Refused { location: location.into(), reason: self.reason, hint: self.hint }
    }
}

impl HostSuffix {
    fn matches(&self, host: &Host) -> bool {
        match (&self.0, host) {
            (Host::Domain(suffix), Host::Domain(name)) => {
                // A final dot says that the name is complete, and it is the same name.
                let name = name.strip_suffix('.').unwrap_or(name);
                name.strip_suffix(suffix.as_str())
                    .is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
            (suffix, host) => suffix == host,
        }
    }
}

impl FromStr for HostSuffix {
    type Err = HostSuffixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason| Err(HostSuffixError { text: text.to_owned(), reason });
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return wrong("it is empty");
        }
        if name.starts_with(['.', '*']) {
            return wrong("write it without `*` and `.` in front; hosts below it are included");
        }
        if name.contains(['/', '@', '?', '#', '%']) || name.chars().any(char::is_whitespace) {
            return wrong("it is more than a host");
        }
        match Host::parse(name) {
            Ok(Host::Domain(name)) if name.split('.').any(str::is_empty) => {
                wrong("it has an empty label")
            }
            Ok(host) => Ok(Self(host)),
            Err(_) if name.contains(':') => {
                wrong("ports are not part of it, and IPv6 addresses stand in `[]`")
            }
            Err(_) => wrong("it is not a name and not an address"),
        }
    }
}

impl fmt::Display for HostSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AllowedHosts {
    type Err = HostSuffixError;

    /// Reads suffixes with commas or white space between them. An empty text allows none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(|c: char| c == ',' || c.is_whitespace())
            .filter(|host| !host.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self::Only)
    }
}

/// Returns the URL as it may be seen: without query, fragment and credentials.
pub(super) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// Returns what may be seen of a text that need not be a URL.
fn shown_text(text: &str) -> String {
    if let Ok(url) = Url::parse(text)
        && url.has_host()
    {
        return shown(&url);
    }
    let (before_query, _) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    match before_query.rsplit_once('@') {
        // Whatever stands before it may be a password.
        Some((before, rest)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://{rest}")
        }
        None => before_query.to_owned(),
    }
}

fn is_plain(url: &Url) -> bool {
    url.scheme() == "http"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tundra_core::{Classify, ErrorKind};

    use super::*;

    fn seeds() -> UrlPolicy {
        let hosts = "r2.cloudflarestorage.com, s3.amazonaws.com storage.googleapis.com";
        UrlPolicy::only(hosts.parse().unwrap())
    }

    #[track_caller]
    fn refused(policy: &UrlPolicy, text: &str) -> StorageError {
        let error = policy.check(text).expect_err(text);
        let kind = error.kind();
        assert!(
            matches!(kind, ErrorKind::PermissionDenied | ErrorKind::InvalidRequest),
            "{text}: {error:?}"
        );
        error
    }

    #[test]
    fn hosts_match_on_the_borders_of_labels() {
        for text in [
            "https://r2.cloudflarestorage.com/b/k",
            "https://x.r2.cloudflarestorage.com/b/k?X-Amz-Signature=1",
            "https://a.b.r2.cloudflarestorage.com/b/k",
            "https://X.R2.CloudFlareStorage.COM/b/k",
            "https://x.r2.cloudflarestorage.com./b/k",
            "https://x.r2.cloudflarestorage.com:443/b/k",
            "HTTPS://storage.googleapis.com/b/k",
            // The parser makes these the ASCII name.
            "https://x.r2\u{3002}cloudflarestorage\u{3002}com/b/k",
            "https://x.r2.cloudflarestorage.%63om/b/k",
        ] {
            assert!(seeds().check(text).is_ok(), "{text}");
        }
        for text in [
            "https://evilr2.cloudflarestorage.com/b/k",
            "https://r2.cloudflarestorage.com.evil.org/b/k",
            "https://cloudflarestorage.com/b/k",
            "https://xn--r2-cloudflarestorage-com.evil.org/",
            "https://r2.cloudflarestorage.com..evil.org/",
            "https://x..r2.cloudflarestorage.com/",
            "https://.r2.cloudflarestorage.com/",
            "https://r2.cloudflarestorage.com../",
            "https://evil.org/r2.cloudflarestorage.com",
            "https://evil.org/?r2.cloudflarestorage.com",
            "https://evil.org#.r2.cloudflarestorage.com",
            "https://evil.org?.r2.cloudflarestorage.com/",
            // A Cyrillic letter that looks like a Latin one is another name.
            "https://r2.\u{441}loudflarestorage.com/",
        ] {
            refused(&seeds(), text);
        }
    }

    #[test]
    fn credentials_and_their_tricks_are_refused() {
        for text in [
            "https://user:secret@r2.cloudflarestorage.com/b/k",
            "https://secret@r2.cloudflarestorage.com/b/k",
            "https://@r2.cloudflarestorage.com/b/k",
            "https://:@r2.cloudflarestorage.com/b/k",
            "https://r2.cloudflarestorage.com@evil.org/b/k",
            "https://r2.cloudflarestorage.com:secret@evil.org/b/k",
            "https://r2.cloudflarestorage.com\\@evil.org/b/k",
            "https://evil.org\\@r2.cloudflarestorage.com/b/k",
            "https:\\\\r2.cloudflarestorage.com/b/k",
        ] {
            for policy in [seeds(), UrlPolicy::any_public_host()] {
                let error = refused(&policy, text);
                assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
            }
        }
        // Behind the path begins it is a character like others.
        assert!(seeds().check("https://r2.cloudflarestorage.com/b/k@v?x=a@b").is_ok());
    }

    #[test]
    fn only_https_is_allowed_on_the_internet() {
        for text in ["http://r2.cloudflarestorage.com/b", "ftp://r2.cloudflarestorage.com/b"] {
            refused(&seeds(), text);
        }
        for text in ["file:///etc/passwd", "data:text/csv,a", "javascript:1", "https:", "https://"]
        {
            refused(&UrlPolicy::any_public_host(), text);
        }
    }

    #[test]
    fn addresses_in_every_spelling_are_recognised() {
        for text in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://0x7f.0.0.0x1/",
            "https://127.0.0.1./",
            "https://%31%32%37.0.0.1/",
            "https://\u{ff11}27.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://2852039166/",
            "https://10.0.0.1/",
            "https://0/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[::ffff:7f00:1]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
        ] {
            refused(&UrlPolicy::any_public_host(), text);
        }
        let private = UrlPolicy { reach: Reach::Private, ..UrlPolicy::any_public_host() };
        for text in ["http://127.0.0.1:9000/b", "https://[::1]/b", "http://10.1.2.3/b"] {
            assert!(private.check(text).is_ok(), "{text}");
        }
        for text in
            ["http://169.254.169.254/", "https://[fd00:ec2::254]/", "http://1.1.1.1/", "http://0/"]
        {
            refused(&private, text);
        }
    }

    #[test]
    fn an_empty_list_allows_no_host_and_no_list_any() {
        let none = UrlPolicy::only("".parse().unwrap());
        refused(&none, "https://example.org/a.csv");
        assert!(UrlPolicy::any_public_host().check("https://example.org/a.csv").is_ok());
    }

    #[test]
    fn an_address_on_the_list_is_allowed_by_itself() {
        let policy = UrlPolicy {
            reach: Reach::Private,
            ..UrlPolicy::only("127.0.0.1,[::1]".parse().unwrap())
        };
        assert!(policy.check("http://127.0.0.1:1/a").is_ok());
        assert!(policy.check("http://[::1]:1/a").is_ok());
        refused(&policy, "http://127.0.0.2:1/a");
        refused(&policy, "http://a.127.0.0.1.evil.org/a");
    }

    #[test]
    fn a_list_with_something_else_in_it_is_an_error() {
        for text in ["*.example.org", ".example.org", "https://example.org", "a b/c", "a..b", "h:1"]
        {
            assert!(text.parse::<AllowedHosts>().is_err(), "{text}");
        }
        assert_eq!("EXAMPLE.org.".parse::<HostSuffix>().unwrap().to_string(), "example.org");
        assert_eq!("bücher.de".parse::<HostSuffix>().unwrap().to_string(), "xn--bcher-kva.de");
    }

    #[test]
    fn a_refusal_says_why_and_shows_no_query() {
        let error = refused(&seeds(), "https://evil.org/a.csv?X-Amz-Signature=secret#secret");
        assert_eq!(
            error.to_string(),
            "`https://evil.org/a.csv` may not be used: its host `evil.org` is not on the list of \
             those allowed"
        );
        assert!(error.hints()[0].contains("TUNDRA_URL_HOSTS"));
        assert!(!format!("{error:?}").contains("secret"));
        let error = refused(&seeds(), "https://a b?secret");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }

    proptest! {
        #[test]
        fn what_is_allowed_names_a_host_below_one_of_the_list(
            text in "https?://[a-z0-9.@:\\\\/?#%\\[\\]_-]{0,40}(r2\\.cloudflarestorage\\.com)?[a-z0-9.@:\\\\/?#%_-]{0,20}"
        ) {
            if let Ok(url) = seeds().check(&text) {
                let host = url.host_str().unwrap().trim_end_matches('.').to_owned();
                let known = ["r2.cloudflarestorage.com", "s3.amazonaws.com", "storage.googleapis.com"];
                prop_assert!(
                    known.iter().any(|known| host == *known || host.ends_with(&format!(".{known}"))),
                    "{} has the host {}", text, host
                );
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(url.username().is_empty() && url.password().is_none());
            }
        }

        #[test]
        fn a_label_in_front_is_allowed_and_letters_in_front_are_not(label in "[a-z]([a-z0-9]{0,10})") {
            let below = format!("https://{label}.s3.amazonaws.com/k");
            let beside = format!("https://{label}s3.amazonaws.com/k");
            let behind = format!("https://s3.amazonaws.com.{label}/k");
            prop_assert!(seeds().check(&below).is_ok());
            prop_assert!(seeds().check(&beside).is_err());
            prop_assert!(seeds().check(&behind).is_err());
        }

        #[test]
        fn an_address_is_judged_the_same_in_every_spelling(bits: u32) {
            let [a, b, c, d] = bits.to_be_bytes();
            let policy = UrlPolicy::any_public_host();
            let expected = policy.check(&format!("https://{a}.{b}.{c}.{d}/")).is_ok();
            for text in [
                format!("https://{bits}/"),
                format!("https://0x{bits:x}/"),
                format!("https://0{a:o}.0x{b:x}.{}/", u32::from(c) * 256 + u32::from(d)),
                format!("https://[::ffff:{a}.{b}.{c}.{d}]/"),
            ] {
                prop_assert_eq!(policy.check(&text).is_ok(), expected, "{}", text);
            }
        }

        #[test]
        fn no_error_repeats_a_query(text in "\\PC{0,30}", before in "(https://)?[a-z@:]{0,10}") {
            let text = format!("{before}{text}?sig=hunter2");
            if let Err(error) = UrlPolicy::any_public_host().check(&text) {
                prop_assert!(!format!("{error} {error:?}").contains("hunter2"), "{:?}", error);
            }
        }
    }
}
