//! Connections to hosts, only to addresses that may be connected to.
//!
//! Start at [`connect`]: it resolves the name once, judges every address it got, and connects to those
//! very addresses, so that no second answer of a name server can lead elsewhere. The judgement is that of
//! `tundra_net`. A network that swallows everything ends a connection within a minute, and an address
//! that is dead leaves the others their share of the time. Nothing here knows a database.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tundra_net::address::{Zone, allowed, zone};

use crate::settings::AddressPolicy;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    /// The name has no address.
    #[error("the name `{host}` could not be resolved")]
    Name {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },

    /// No address of the name may be connected to.
    #[error("`{host}` is {address}, which is {zone}")]
    Refused {
        /// The name.
        host: String,
        /// The first of its addresses.
        address: IpAddr,
        /// Where that is.
        zone: &'static str,
        /// Whether a setting allows it.
        private: bool,
    },

    /// No address answers.
    #[error("no connection to {address}")]
    Connect {
        /// The address that was tried last.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },

    /// The time is over.
    #[error("`{host}` did not answer within {within:?}")]
    Timeout {
        /// The name.
        host: String,
        /// The time allowed.
        within: Duration,
    },
}

/// Connects to the first address of the host that answers.
///
/// # Errors
/// See [`AddressError`].
pub(crate) async fn connect(
    host: &str,
    port: u16,
    policy: AddressPolicy,
    within: Duration,
) -> Result<TcpStream, AddressError> {
    let until = Instant::now() + within;
    let unresolved = |source| AddressError::Name { host: host.to_owned(), source };
    let addresses: Vec<SocketAddr> =
        match timeout_at(until, tokio::net::lookup_host((host, port))).await {
            Ok(found) => found.map_err(unresolved)?.collect(),
            Err(_) => return Err(AddressError::Timeout { host: host.to_owned(), within }),
        };
    if addresses.is_empty() {
        return Err(unresolved(io::Error::new(io::ErrorKind::NotFound, "no address")));
    }
    let addresses = allowed(addresses, |address| check(host, address, policy))?;
    match first_that_answers(&addresses, until).await {
        Some(Ok(stream)) => {
            set_up(&stream);
            Ok(stream)
        }
        Some(Err(error)) => Err(error),
        None => Err(AddressError::Timeout { host: host.to_owned(), within }),
    }
}

/// Connects to one address after the other. Each has its share of the time that is left, so that one
/// which swallows everything does not use up what the others need; nothing when the last of them did so.
async fn first_that_answers(
    addresses: &[SocketAddr],
    until: Instant,
) -> Option<Result<TcpStream, AddressError>> {
    let mut last = None;
    for (left, address) in (1..=addresses.len() as u32).rev().zip(addresses) {
        let share = until.saturating_duration_since(Instant::now()) / left;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Some(Ok(stream)),
            Ok(Err(source)) => last = Some(AddressError::Connect { address: *address, source }),
            Err(_) => last = None,
        }
    }
    last.map(Err)
}

/// How long a connection may be silent before the other side is asked whether it is still there, how
/// long its answer may take, and how often it is asked: a server that works on a query is silent for
/// hours, and its machine answers meanwhile. A network that hangs is noticed within a minute.
const SILENCE: Duration = Duration::from_secs(30);
const QUESTION: Duration = Duration::from_secs(10);
const QUESTIONS: u32 = 3;

/// Sets what the connection is used for. A system that refuses a setting has slower or more patient
/// connections, and works.
fn set_up(stream: &TcpStream) {
    // Requests are few and small, and each is waited for.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let questions =
        TcpKeepalive::new().with_time(SILENCE).with_interval(QUESTION).with_retries(QUESTIONS);
    let _ = socket.set_tcp_keepalive(&questions);
    // What we send and nobody confirms, for which no question is asked.
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(SILENCE + QUESTION * QUESTIONS));
}

/// Refuses an address that may not be connected to.
fn check(host: &str, address: IpAddr, policy: AddressPolicy) -> Result<(), AddressError> {
    let (zone, private) = match (zone(address), policy) {
        (Zone::Public, _) | (Zone::Private(_), AddressPolicy::PrivateAllowed) => return Ok(()),
        (Zone::Private(zone), AddressPolicy::PublicOnly) => (zone, true),
        (Zone::Never(zone), _) => (zone, false),
    };
    Err(AddressError::Refused { host: host.to_owned(), address, zone, private })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_connected_to_only_when_that_is_allowed() {
        let of = |text: &str| text.parse::<IpAddr>().unwrap();
        for policy in [AddressPolicy::PublicOnly, AddressPolicy::PrivateAllowed] {
            check("h", of("1.1.1.1"), policy).unwrap();
            let error = check("h", of("169.254.169.254"), policy).unwrap_err();
            assert_eq!(error.to_string(), "`h` is 169.254.169.254, which is link-local");
        }
        check("h", of("10.0.0.1"), AddressPolicy::PrivateAllowed).unwrap();
        let error = check("h", of("10.0.0.1"), AddressPolicy::PublicOnly).unwrap_err();
        assert_eq!(error.to_string(), "`h` is 10.0.0.1, which is in a private network");
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let second = Duration::from_secs(5);
        for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
            let error = connect(host, 1, AddressPolicy::PublicOnly, second).await.unwrap_err();
            assert!(matches!(error, AddressError::Refused { private: true, .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn an_address_that_swallows_everything_leaves_time_for_the_next() {
        // A listener that takes nobody, once its queue is full, does not answer at all.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let deaf = socket.unwrap();
        deaf.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        deaf.listen(0).unwrap();
        let dead = deaf.local_addr().unwrap().as_socket().unwrap();
        let mut queued = Vec::new();
        while let Ok(Ok(stream)) =
            timeout(Duration::from_millis(300), TcpStream::connect(dead)).await
        {
            queued.push(stream);
        }
        let alive = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [dead, alive.local_addr().unwrap()];
        let begun = Instant::now();
        let stream = first_that_answers(&addresses, begun + Duration::from_secs(4)).await;
        assert_eq!(stream.unwrap().unwrap().peer_addr().unwrap(), addresses[1]);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        let nobody = first_that_answers(&[dead], Instant::now() + Duration::from_millis(300)).await;
        assert!(nobody.is_none(), "{nobody:?}");
    }

    #[tokio::test]
    async fn a_connection_asks_after_a_silent_server() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let second = Duration::from_secs(5);
        let stream =
            connect("127.0.0.1", port, AddressPolicy::PrivateAllowed, second).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), SILENCE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), QUESTION);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), QUESTIONS);
    }
}
