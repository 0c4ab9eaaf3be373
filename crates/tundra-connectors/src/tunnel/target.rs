//! Where no tunnel leads: to what the clouds and the networks of the far side keep for their own machines.
//!
//! Start at [`check`]. A name is resolved where the SSH server is, so only addresses can be judged here,
//! in all the ways in which they can be written. What else the server lets its user reach is its business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tundra_net::address::{Zone, zone};

use crate::tunnel::SshError;

/// Refuses an address that nobody has business with.
pub(super) fn check(host: &str) -> Result<(), SshError> {
    match address(host).map(zone) {
        Some(Zone::Never(zone)) => Err(SshError::Target { target: host.to_owned(), zone }),
        Some(Zone::Public | Zone::Private(_)) | None => Ok(()),
    }
}

/// Returns the address that a text is to a resolver.
fn address(host: &str) -> Option<IpAddr> {
    if host.contains(':') {
        // Behind the `%` stands through which network, which changes nothing.
        let address = host.split('%').next().unwrap_or_default();
        return address.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    // As `inet_aton` reads it: up to four numbers, decimal, octal or hexadecimal, of which the last one
    // fills what the others leave.
    let host = host.strip_suffix('.').unwrap_or(host);
    let numbers: Vec<u32> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|number| *number > 0xFF) {
        return None;
    }
    let room = 32 - 8 * first.len() as u32;
    if u64::from(*last) >= 1_u64 << room {
        return None;
    }
    let high =
        first.iter().enumerate().fold(0, |sum, (at, number)| sum | number << (24 - 8 * at as u32));
    Some(IpAddr::V4(Ipv4Addr::from(high | last)))
}

fn number(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix("0x") {
        return if digits.is_empty() { Some(0) } else { u32::from_str_radix(digits, 16).ok() };
    }
    if !lower.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match lower.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => u32::from_str_radix(digits, 8).ok(),
        _ => lower.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_refused_however_it_is_written() {
        for host in [
            "169.254.169.254",
            "169.254.169.254.",
            "0xa9.0xfe.0xa9.0xfe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.16689662",
            "2852039166",
            "0xA9FEA9FE",
            "::ffff:169.254.169.254",
            "fd00:ec2::254",
            "fe80::1%eth0",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            assert!(check(host).is_err(), "{host}");
        }
    }

    #[test]
    fn what_the_far_side_may_have_is_let_through() {
        for host in
            ["127.0.0.1", "localhost", "10.0.0.5", "db", "db.internal", "1.1.1.1", "::1", "db1"]
        {
            assert!(check(host).is_ok(), "{host}");
        }
    }
}
