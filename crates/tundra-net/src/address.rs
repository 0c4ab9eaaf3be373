//! Which IP addresses are public, which are somebody's own, and which nobody has business with.
//!
//! Start at [`zone`], which judges one address, and [`allowed`], which sifts those of a name by a policy.
//! Names are the resolver's, URLs and settings the policy's. An IPv6 address that carries an IPv4 address is judged by what it carries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// On the Internet.
    Public,
    /// In a network of somebody's own; may be allowed.
    Private(&'static str),
    /// Where nobody's server can be, or where a cloud keeps the credentials of its machines; never
    /// allowed.
    Never(&'static str),
}

/// Addresses inside public or private ranges at which clouds answer their own machines, with
/// credentials among other things: Azure's wire server, Alibaba's and Oracle's metadata. Those of
/// Amazon and Google are link-local.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The same in IPv6: Amazon's metadata and pod identity, Google's metadata.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

/// Returns where the address is.
pub fn zone(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(address) => zone_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(carried) => zone_v4(carried),
            None => zone_v6(address),
        },
    }
}

/// Returns those of the addresses of a name that a policy allows, in their order. One that may not be
/// reached does not stand before others; a name without addresses has none here either.
///
/// # Errors
/// The refusal of the first one, when none of them may be reached.
pub fn allowed<R>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    check: impl Fn(IpAddr) -> Result<(), R>,
) -> Result<Vec<SocketAddr>, R> {
    let mut kept = Vec::new();
    let mut refusal = None;
    for address in addresses {
        match check(address.ip()) {
            Ok(()) => kept.push(address),
            Err(refused) => refusal = refusal.or(Some(refused)),
        }
    }
    match refusal {
        Some(refusal) if kept.is_empty() => Err(refusal),
        _ => Ok(kept),
    }
}

fn zone_v4(address: Ipv4Addr) -> Zone {
    if METADATA_V4.contains(&address) {
        return Zone::Never("a metadata service");
    }
    match address.octets() {
        [0, ..] => Zone::Never("no host"),
        [127, ..] => Zone::Private("this machine"),
        [169, 254, ..] => Zone::Never("link-local"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Zone::Private("in a private network"),
        [100, 64..=127, ..] => Zone::Private("behind a provider's address translation"),
        [198, 18 | 19, ..] => Zone::Private("in a network for measurements"),
        [192, 0, 0, _] | [192, 88, 99, _] => Zone::Never("reserved for protocols"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Zone::Never("for documentation"),
        [224..=239, ..] => Zone::Never("multicast"),
        [240..=255, ..] => Zone::Never("reserved"),
        _ => Zone::Public,
    }
}

fn zone_v6(address: Ipv6Addr) -> Zone {
    if METADATA_V6.contains(&address) {
        return Zone::Never("a metadata service");
    }
    if address.is_unspecified() {
        return Zone::Never("no host");
    }
    if address.is_loopback() {
        return Zone::Private("this machine");
    }
    match address.segments() {
        [0xfe80..=0xfebf, ..] => Zone::Never("link-local"),
        [0xfc00..=0xfdff, ..] => Zone::Private("in a private network"),
        [0xff00..=0xffff, ..] => Zone::Never("multicast"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Zone::Never("for documentation"),
        // Teredo, benchmarking, ORCHID: none of them leads to a server that anybody runs.
        [0x2001, 0..=0x01ff, ..] => Zone::Never("reserved for protocols"),
        [0x2000..=0x3fff, ..] => Zone::Public,
        _ => Zone::Never("reserved"),
    }
}

/// Returns the IPv4 address that packets to this one end up at, if it is a form of one.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        // `::` and `::1` are not IPv4-compatible addresses but themselves.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Mapped, compatible and translated (SIIT).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        // NAT64: the well-known prefix. That for local use is reserved, see above.
        | [0x0064, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4.
        | [0x2002, high, low, ..] => from(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Zone {
        zone(text.parse().unwrap())
    }

    #[test]
    fn a_name_is_reached_by_those_of_its_addresses_that_are_allowed() {
        let of = |text: &str| text.parse::<SocketAddr>().unwrap();
        let mixed = [of("10.0.0.1:80"), of("1.1.1.1:80"), of("127.0.0.1:80"), of("9.9.9.9:80")];
        let check = |address| match zone(address) {
            Zone::Public => Ok(()),
            _ => Err(address),
        };
        assert_eq!(allowed(mixed, check), Ok(vec![mixed[1], mixed[3]]));
        assert_eq!(allowed([mixed[2], mixed[0]], check), Err(mixed[2].ip()));
        assert_eq!(allowed([], check), Ok(Vec::new()));
    }

    #[test]
    fn servers_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "52.216.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "169.253.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ] {
            assert_eq!(of(text), Zone::Public, "{text}");
        }
    }

    #[test]
    fn private_networks_are_private_in_every_form() {
        for text in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "198.18.0.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::192.168.0.1",
            "2002:7f00:1::",
            "2002:a00:1::1",
        ] {
            assert!(matches!(of(text), Zone::Private(_)), "{text}: {:?}", of(text));
        }
    }

    #[test]
    fn metadata_link_local_and_reserved_addresses_are_never_allowed() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "2001:db8::1",
            "3fff::1",
            "2001::1",
            "64:ff9b:1::1",
            "100::1",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(matches!(of(text), Zone::Never(_)), "{text}: {:?}", of(text));
        }
    }

    proptest! {
        #[test]
        fn what_carries_an_address_is_judged_like_it(bits: u32, suffix: [u16; 5]) {
            let plain = Ipv4Addr::from(bits);
            let (high, low) = ((bits >> 16) as u16, bits as u16);
            let expected = zone(plain.into());
            let [a, b, c, d, e] = suffix;
            for carrier in [
                plain.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, a, b, c, d, e),
            ] {
                prop_assert_eq!(zone(carrier.into()), expected, "{}", carrier);
            }
        }

        #[test]
        fn a_public_address_is_none_that_the_standard_library_calls_special(bits: u32) {
            let address = Ipv4Addr::from(bits);
            if zone(address.into()) == Zone::Public {
                prop_assert!(!address.is_private());
                prop_assert!(!address.is_loopback());
                prop_assert!(!address.is_link_local());
                prop_assert!(!address.is_broadcast());
                prop_assert!(!address.is_documentation());
                prop_assert!(!address.is_multicast());
                prop_assert!(!address.is_unspecified());
            }
        }

        #[test]
        fn a_public_ipv6_address_is_global_unicast(segments: [u16; 8]) {
            let address = Ipv6Addr::from(segments);
            if carried(address).is_none() && zone(address.into()) == Zone::Public {
                prop_assert!((0x2000..=0x3fff).contains(&segments[0]));
                prop_assert!(!address.is_unique_local() && !address.is_unicast_link_local());
            }
        }
    }
}
