//! Where webhooks may lead, judged by the address that is connected to.
//!
//! Whoever asks for a job chooses the URL, so that without these rules the service would send requests into
//! its own network for anybody.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tundra_net::address::{Zone, allowed, zone};
use url::Host;

use crate::{JobsError, job::WebhookUrl};

/// Which addresses webhooks may lead to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// Those of the Internet, by `https` only.
    #[default]
    Public,
    /// Those of private networks and of this machine as well, and these also by plain `http`. For a service
    /// whose callers are its owner's own.
    Private,
}

impl Reach {
    /// Checks what can be checked of a URL without resolving its name.
    ///
    /// # Errors
    /// [`JobsError::WebhookRefused`].
    pub fn check(self, url: &WebhookUrl) -> Result<(), JobsError> {
        let refused =
            |reason: String| Err(JobsError::WebhookRefused { host: url.to_string(), reason });
        let is_plain = url.expose().scheme() != "https";
        if is_plain && self == Self::Public {
            return refused("only `https` keeps what is told to itself".to_owned());
        }
        let address: IpAddr = match url.expose().host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        self.check_address(address, is_plain).or_else(refused)
    }

    /// Checks an address. By plain `http` only private ones may be reached.
    fn check_address(self, address: IpAddr, is_plain: bool) -> Result<(), String> {
        match (zone(address), self) {
            (Zone::Public, _) if is_plain => {
                Err("plain `http` is only for private networks".to_owned())
            }
            (Zone::Public, _) | (Zone::Private(_), Self::Private) => Ok(()),
            (Zone::Private(what) | Zone::Never(what), _) => {
                Err(format!("its address `{address}` is {what}"))
            }
        }
    }
}

/// Finds the addresses of a name. Blocks.
type Lookup = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The system's resolver with the rules behind it. The client connects to what comes out of here and
/// resolves nothing a second time.
#[derive(Clone)]
pub(super) struct Resolver {
    reach: Reach,
    is_plain: bool,
    lookup: Arc<Lookup>,
}

/// A name has no address that may be reached. Travels through the client's errors.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct AddressRefused(pub(super) String);

impl Resolver {
    pub(super) fn new(reach: Reach, is_plain: bool) -> Self {
        // The port of the URL takes the place of this one.
        let lookup = Arc::new(|name: &str| (name, 0).to_socket_addrs().map(Iterator::collect));
        Self { reach, is_plain, lookup }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { reach, is_plain, lookup } = self.clone();
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || lookup(name.as_str())).await??;
            let kept = allowed(found, |address| reach.check_address(address, is_plain));
            let addresses: Addrs = Box::new(kept.map_err(AddressRefused)?.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(reach: Reach, url: &str) -> Option<String> {
        reach.check(&url.parse().unwrap()).err().map(|error| error.to_string())
    }

    #[test]
    fn urls_that_lead_into_the_own_network_are_refused_in_every_form() {
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://0.0.0.0/",
            "http://hooks.example/",
        ] {
            assert!(refusal(Reach::Public, url).is_some(), "{url}");
        }
        assert_eq!(refusal(Reach::Public, "https://hooks.example/"), None);
        assert_eq!(refusal(Reach::Public, "https://1.1.1.1/"), None);
    }

    #[test]
    fn metadata_is_out_of_reach_also_where_private_networks_are_not() {
        for url in ["http://127.0.0.1:8080/", "https://10.0.0.1/", "http://hooks.internal/"] {
            assert_eq!(refusal(Reach::Private, url), None, "{url}");
        }
        for url in ["http://169.254.169.254/", "https://[fd00:ec2::254]/", "http://1.1.1.1/"] {
            assert!(refusal(Reach::Private, url).is_some(), "{url}");
        }
    }

    #[tokio::test]
    async fn only_allowed_addresses_of_a_name_come_out() {
        let resolve = async |reach, is_plain, addresses: &[&str]| {
            let found: Vec<_> =
                addresses.iter().map(|it| SocketAddr::new(it.parse().unwrap(), 0)).collect();
            let lookup = Arc::new(move |_: &str| Ok(found.clone()));
            let resolver = Resolver { reach, is_plain, lookup };
            match resolver.resolve("hooks.example".parse().unwrap()).await {
                Ok(found) => Ok(found.map(|address| address.ip().to_string()).collect::<Vec<_>>()),
                Err(error) => Err(error.downcast::<AddressRefused>().unwrap().0),
            }
        };
        let mixed = ["10.0.0.1", "1.1.1.1", "169.254.169.254"];
        assert_eq!(resolve(Reach::Public, false, &mixed).await.unwrap(), ["1.1.1.1"]);
        assert_eq!(resolve(Reach::Private, false, &mixed).await.unwrap(), ["10.0.0.1", "1.1.1.1"]);
        assert_eq!(resolve(Reach::Private, true, &mixed).await.unwrap(), ["10.0.0.1"]);
        let reason = resolve(Reach::Public, false, &["192.168.0.7"]).await.unwrap_err();
        assert_eq!(reason, "its address `192.168.0.7` is in a private network");
    }
}
