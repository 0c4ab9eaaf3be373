//! Whose request it is: [`Client`].
//!
//! It is the address at the other end of the connection, unless that is a proxy that is trusted: then it
//! is whoever the proxy says it passes on. Anybody can write such a header, so that it is believed from
//! the right, where the nearest proxy wrote, up to the first machine that is not trusted.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, header::FORWARDED},
};
use ipnet::IpNet;

use crate::settings::{ForwardedHeader, Settings};

/// The address at the other end of the connection, as the accept loop puts it into a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The address of whoever made the request, in the extensions of requests that came by a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client(pub(crate) IpAddr);

/// Which machines are believed about whose requests they pass on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies {
    trusted: Vec<IpNet>,
    header: ForwardedHeader,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Proxies {
    /// Takes them from the settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { trusted: settings.trusted_proxies.clone(), header: settings.forwarded_header }
    }

    /// Returns who made the request; nothing for one that did not come by a connection.
    pub(crate) fn client(&self, request: &Request) -> Option<Client> {
        let Peer(peer) = request.extensions().get::<Peer>()?;
        Some(self.behind(peer.ip().to_canonical(), request.headers()))
    }

    /// Walks from the peer outwards, as long as who stands there is trusted and names another.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        if self.trusted.is_empty() {
            return Client(peer);
        }
        let mut client = peer;
        for hop in self.hops(headers).into_iter().rev() {
            if !self.trusts(client) {
                break;
            }
            // A name in place of an address hides who it was: the machine that says so is the last known.
            let Some(hop) = hop else { break };
            client = hop;
        }
        Client(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Returns the addresses of the header, in its order; `None` for one that is not given as an address.
    fn hops(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ForwardedHeader::XForwardedFor => (X_FORWARDED_FOR, address),
            ForwardedHeader::Forwarded => (FORWARDED, forwarded_for),
        };
        // A line that is no text is one hop that says nothing: it must not vanish from the chain.
        let lines = headers.get_all(name).into_iter();
        let texts = lines.map(|line| line.to_str().unwrap_or_default());
        texts.flat_map(|text| text.split(',')).map(|hop| read(hop.trim())).collect()
    }
}

/// Reads one element of `Forwarded`: pairs with semicolons between them, of which `for` is wanted. What
/// stands in quotes there holds neither commas nor semicolons, when it is an address.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = named.next()?;
    address(value.trim().trim_matches('"'))
}

/// Reads an address with or without a port, in brackets when it is one of IPv6.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let found = text.parse().ok().or_else(bare).or_else(with_port)?;
    Some(found.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::HeaderValue};

    use super::*;

    fn proxies(header: ForwardedHeader) -> Proxies {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec();
        Proxies { trusted, header }
    }

    #[track_caller]
    fn check(proxies: &Proxies, peer: &str, name: &'static str, lines: &[&str], expected: &str) {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        for line in lines {
            request.headers_mut().append(name, HeaderValue::from_str(line).unwrap());
        }
        assert_eq!(proxies.client(&request), Some(Client(expected.parse().unwrap())), "{lines:?}");
    }

    #[test]
    fn nobody_is_believed_unless_somebody_is_trusted() {
        let check = |header, lines| {
            check(&Proxies::default(), "10.0.0.1:5", header, lines, "10.0.0.1");
            check(&proxies(ForwardedHeader::XForwardedFor), "8.8.8.8:5", header, lines, "8.8.8.8");
        };
        check("x-forwarded-for", &["1.1.1.1"]);
        check("forwarded", &["for=1.1.1.1"]);
        check("x-real-ip", &["1.1.1.1"]);
    }

    #[test]
    fn trusted_proxies_are_passed_from_the_right() {
        let check = |lines: &[&str], expected| {
            let proxies = proxies(ForwardedHeader::XForwardedFor);
            check(&proxies, "10.0.0.1:5", "x-forwarded-for", lines, expected);
        };
        check(&[], "10.0.0.1");
        check(&["1.1.1.1"], "1.1.1.1");
        // What stands left of the first that is not trusted, anybody could have written.
        check(&["6.6.6.6, 1.1.1.1"], "1.1.1.1");
        check(&["6.6.6.6, 1.1.1.1, 10.2.3.4"], "1.1.1.1");
        check(&["6.6.6.6, 1.1.1.1", "10.2.3.4,10.5.6.7"], "1.1.1.1");
        check(&["10.9.9.9, 10.2.3.4"], "10.9.9.9");
        check(&["1.1.1.1:4711"], "1.1.1.1");
        check(&["2606:4700::1111"], "2606:4700::1111");
        check(&["[2606:4700::1111]:4711, fd00::7"], "2606:4700::1111");
        check(&["::ffff:1.1.1.1"], "1.1.1.1");
        // Who hides behind a proxy is that proxy.
        check(&["6.6.6.6, unknown, 10.2.3.4"], "10.2.3.4");
        check(&["6.6.6.6,, 10.2.3.4"], "10.2.3.4");
        check(&[""], "10.0.0.1");
    }

    #[test]
    fn only_the_header_that_was_chosen_is_read() {
        let other = ForwardedHeader::Forwarded;
        check(&proxies(other), "10.0.0.1:5", "x-forwarded-for", &["1.1.1.1"], "10.0.0.1");
        let check = |lines: &[&str], expected| {
            check(&proxies(other), "10.0.0.1:5", "forwarded", lines, expected);
        };
        check(&["for=1.1.1.1;proto=https;by=10.0.0.2"], "1.1.1.1");
        check(&["For=\"[2606:4700::1111]:80\""], "2606:4700::1111");
        check(&["for=6.6.6.6, for=1.1.1.1; proto=http", "by=x; for=10.2.3.4"], "1.1.1.1");
        check(&["for=6.6.6.6, for=_hidden"], "10.0.0.1");
        check(&["for=6.6.6.6, proto=http"], "10.0.0.1");
    }

    #[test]
    fn a_peer_in_the_form_of_ipv6_is_the_peer_that_it_is() {
        let proxies = proxies(ForwardedHeader::XForwardedFor);
        check(&proxies, "[::ffff:10.0.0.1]:5", "x-forwarded-for", &["1.1.1.1"], "1.1.1.1");
        assert_eq!(proxies.client(&Request::new(Body::empty())), None);
    }
}
