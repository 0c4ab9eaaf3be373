//! Resolves names to addresses that the policy allows, and to no others.
//!
//! The client connects to what comes out of here and resolves nothing a second time, so that the
//! address that was judged is the one that is reached. Addresses that stand in a URL never come
//! here; the policy judges them with the URL.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tundra_net::address::allowed;

use crate::http::policy::{Refusal, UrlPolicy};

/// Finds the addresses of a name. Blocks.
type Lookup = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The system's resolver with the policy behind it.
pub(super) struct PolicyResolver {
    policy: Arc<UrlPolicy>,
    /// Whether it is for plain `http`, which may lead to private networks only.
    plain: bool,
    lookup: Arc<Lookup>,
}

/// A name has no address that may be reached. Travels through the client's errors.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.reason)]
pub(super) struct AddressRefused(pub(super) Refusal);

impl PolicyResolver {
    pub(super) fn new(policy: Arc<UrlPolicy>, plain: bool) -> Self {
        // The port of the URL takes the place of this one.
        let lookup = Arc::new(|name: &str| (name, 0).to_socket_addrs().map(Iterator::collect));
        Self { policy, plain, lookup }
    }
}

impl fmt::Debug for PolicyResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyResolver")
            .field("policy", &self.policy)
            .field("plain", &self.plain)
            .finish_non_exhaustive()
    }
}

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, plain) = (Arc::clone(&self.policy), self.plain);
        let lookup = Arc::clone(&self.lookup);
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || lookup(name.as_str())).await??;
            let kept = allowed(found, |address| policy.check_address(address, plain));
            let addresses: Addrs = Box::new(kept.map_err(AddressRefused)?.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::http::policy::Reach;

    fn resolver(
        reach: Reach,
        plain: bool,
        lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> PolicyResolver {
        let policy = Arc::new(UrlPolicy { reach, ..UrlPolicy::any_public_host() });
        PolicyResolver { policy, plain, lookup: Arc::new(lookup) }
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
    }

    async fn resolve(resolver: &PolicyResolver) -> Result<Vec<String>, String> {
        match resolver.resolve("bucket.example".parse().unwrap()).await {
            Ok(found) => Ok(found.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(error.downcast::<AddressRefused>().unwrap().0.reason),
        }
    }

    #[tokio::test]
    async fn only_allowed_addresses_come_out() {
        let mixed = ["10.0.0.1", "1.1.1.1", "169.254.169.254", "::1", "2606:4700::1111"];
        let public = resolver(Reach::Public, false, move |_| Ok(addresses(&mixed)));
        assert_eq!(resolve(&public).await.unwrap(), ["1.1.1.1", "2606:4700::1111"]);
        let private = resolver(Reach::Private, false, move |_| Ok(addresses(&mixed)));
        assert_eq!(
            resolve(&private).await.unwrap(),
            ["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1111"]
        );
        let plain = resolver(Reach::Private, true, move |_| Ok(addresses(&mixed)));
        assert_eq!(resolve(&plain).await.unwrap(), ["10.0.0.1", "::1"]);
    }

    #[tokio::test]
    async fn a_name_that_leads_into_a_private_network_is_refused() {
        for (address, says) in [
            ("127.0.0.1", "this machine"),
            ("10.9.8.7", "in a private network"),
            ("169.254.169.254", "link-local"),
            ("::ffff:169.254.169.254", "link-local"),
            ("fd00:ec2::254", "a metadata service"),
        ] {
            let resolver = resolver(Reach::Public, false, move |_| Ok(addresses(&[address])));
            let reason = resolve(&resolver).await.unwrap_err();
            assert!(reason.contains(says) && reason.contains(address), "{reason}");
        }
    }

    #[tokio::test]
    async fn the_address_that_was_checked_is_the_one_that_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        // The second answer leads elsewhere, as that of an attacker's name server would.
        let resolver = resolver(Reach::Private, true, move |name| {
            assert_eq!(name, "bucket.example");
            match count.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(addresses(&["127.0.0.1"])),
                _ => Ok(addresses(&["169.254.169.254"])),
            }
        });
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tundra_net::tls::config().unwrap())
            .no_proxy()
            .dns_resolver(resolver)
            .build()
            .unwrap();
        let response = client.get(format!("http://bucket.example:{port}/k")).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "ok");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(server.await.unwrap().to_lowercase().contains("host: bucket.example:"));
    }
}
