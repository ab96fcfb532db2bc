//! Addresses of the public internet, by IANA's registries of special-purpose addresses.
//!
//! The most specific row that contains an address decides. The tables have every row of the registries. An IPv6 address
//! that no row contains is not assigned, and not public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block: its first address, the length of its prefix, and true if it is globally reachable.
type Block<A> = (A, u32, bool);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const fn v6(start: [u16; 8]) -> Ipv6Addr {
    let [a, b, c, d, e, f, g, h] = start;
    Ipv6Addr::new(a, b, c, d, e, f, g, h)
}

/// The IPv4 special-purpose address registry, and multicast. "N/A" counts as no.
const V4: &[Block<Ipv4Addr>] = &[
    // All other addresses.
    (v4(0, 0, 0, 0), 0, true),
    // "This network" (RFC 791). Connections to it reach this machine.
    (v4(0, 0, 0, 0), 8, false),
    // Private use (RFC 1918).
    (v4(10, 0, 0, 0), 8, false),
    (v4(172, 16, 0, 0), 12, false),
    (v4(192, 168, 0, 0), 16, false),
    // Shared address space (RFC 6598).
    (v4(100, 64, 0, 0), 10, false),
    // Loopback (RFC 1122).
    (v4(127, 0, 0, 0), 8, false),
    // Link local (RFC 3927), where clouds serve their metadata.
    (v4(169, 254, 0, 0), 16, false),
    // IETF protocol assignments (RFC 6890), and the two of them that are anycast (RFC 7723, RFC 8155).
    (v4(192, 0, 0, 0), 24, false),
    (v4(192, 0, 0, 9), 32, true),
    (v4(192, 0, 0, 10), 32, true),
    // Documentation (RFC 5737).
    (v4(192, 0, 2, 0), 24, false),
    (v4(198, 51, 100, 0), 24, false),
    (v4(203, 0, 113, 0), 24, false),
    // AS112 (RFC 7535), AMT (RFC 7450), AS112 (RFC 7534).
    (v4(192, 31, 196, 0), 24, true),
    (v4(192, 52, 193, 0), 24, true),
    (v4(192, 175, 48, 0), 24, true),
    // 6to4 relays, deprecated (RFC 7526).
    (v4(192, 88, 99, 0), 24, false),
    // Benchmarking (RFC 2544).
    (v4(198, 18, 0, 0), 15, false),
    // Multicast (RFC 5771), reserved (RFC 1112), limited broadcast (RFC 8190).
    (v4(224, 0, 0, 0), 4, false),
    (v4(240, 0, 0, 0), 4, false),
    (v4(255, 255, 255, 255), 32, false),
];

/// The IPv6 special-purpose address registry, and the assigned part of the whole space. "N/A" counts as no.
const V6: &[Block<Ipv6Addr>] = &[
    // Unassigned (RFC 4291), with loopback, the unspecified address and IPv4-compatible addresses.
    (v6([0; 8]), 0, false),
    // Global unicast, the only assigned part.
    (v6([0x2000, 0, 0, 0, 0, 0, 0, 0]), 3, true),
    // IPv4/IPv6 translation for one network (RFC 8215).
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0]), 48, false),
    // Discard only (RFC 6666), dummy prefix (RFC 9780).
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0]), 64, false),
    (v6([0x100, 0, 0, 1, 0, 0, 0, 0]), 64, false),
    // IETF protocol assignments (RFC 2928). Teredo (RFC 4380) reaches any IPv4 address.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 23, false),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 32, false),
    // Port Control Protocol (RFC 7723), TURN (RFC 8155), DNS-SD registration (RFC 9665): anycast.
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 1]), 128, true),
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 2]), 128, true),
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 3]), 128, true),
    // Benchmarking (RFC 5180), AMT (RFC 7450), AS112 (RFC 7535), ORCHID, deprecated (RFC 4843).
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0]), 48, false),
    (v6([0x2001, 3, 0, 0, 0, 0, 0, 0]), 32, true),
    (v6([0x2001, 4, 0x112, 0, 0, 0, 0, 0]), 48, true),
    (v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0]), 28, false),
    // ORCHIDv2 (RFC 7343), drone remote identification (RFC 9374).
    (v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0]), 28, true),
    (v6([0x2001, 0x30, 0, 0, 0, 0, 0, 0]), 28, true),
    // Documentation (RFC 3849, RFC 9637).
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]), 32, false),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0]), 20, false),
    // 6to4 (RFC 3056), which reaches any IPv4 address.
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0]), 16, false),
    // AS112 (RFC 7534).
    (v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0]), 48, true),
    // Segment routing (RFC 9602).
    (v6([0x5f00, 0, 0, 0, 0, 0, 0, 0]), 16, false),
    // Unique local (RFC 4193), link local (RFC 4291), site local, deprecated (RFC 3879), multicast (RFC 4291).
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0]), 7, false),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0]), 10, false),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0]), 10, false),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0]), 8, false),
];

/// True for an address of the public internet.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_public_v4(inner),
            None => most_specific(V6, |start, len| {
                let shift = 128 - len;
                u128::from(ip).checked_shr(shift) == u128::from(start).checked_shr(shift)
            }),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    most_specific(V4, |start, len| {
        let shift = 32 - len;
        u32::from(ip).checked_shr(shift) == u32::from(start).checked_shr(shift)
    })
}

/// The IPv4 address in a mapped (::ffff:0:0/96, RFC 4291) or translated (64:ff9b::/96, RFC 6052) IPv6 address.
/// Connections to these reach that IPv4 address.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

fn most_specific<A: Copy>(blocks: &[Block<A>], holds: impl Fn(A, u32) -> bool) -> bool {
    let holding = blocks.iter().filter(|(start, len, _)| holds(*start, *len));
    holding.max_by_key(|(_, len, _)| *len).is_some_and(|(_, _, is_public)| *is_public)
}

/// Domains without public name servers: reserved ones (RFC 6761, RFC 6762, RFC 8375, `internal` by ICANN), and ones
/// that are common in private networks and not delegated.
const LOCAL: &[&str] =
    &["localhost", "local", "internal", "home.arpa", "lan", "home", "corp", "intranet", "private"];

/// True for host names that are valid on this machine or in its network only. With a proxy, their addresses cannot be
/// checked.
pub(super) fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_below = |domain: &&str| name.strip_suffix(*domain).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || LOCAL.iter().any(|domain| name == **domain || is_below(domain))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// A second copy of IANA's IPv4 and IPv6 special-purpose address registries, with the blocks outside of them that
    /// are not global unicast. It is independent of the tables above, so that a typing error there is found.
    const ROWS: &str = "
        0.0.0.0/8 no, 10.0.0.0/8 no, 100.64.0.0/10 no, 127.0.0.0/8 no, 169.254.0.0/16 no, 172.16.0.0/12 no,
        192.0.0.0/24 no, 192.0.0.0/29 no, 192.0.0.8/32 no, 192.0.0.9/32 yes, 192.0.0.10/32 yes, 192.0.0.170/32 no,
        192.0.0.171/32 no, 192.0.2.0/24 no, 192.31.196.0/24 yes, 192.52.193.0/24 yes, 192.88.99.0/24 no,
        192.88.99.2/32 no, 192.168.0.0/16 no, 192.175.48.0/24 yes, 198.18.0.0/15 no, 198.51.100.0/24 no,
        203.0.113.0/24 no, 224.0.0.0/4 no, 240.0.0.0/4 no, 255.255.255.255/32 no,
        ::1/128 no, ::/128 no, ::/8 no, 64:ff9b:1::/48 no, 100::/64 no, 100:0:0:1::/64 no, 2001::/23 no,
        2001::/32 no, 2001:1::1/128 yes, 2001:1::2/128 yes, 2001:1::3/128 yes, 2001:2::/48 no, 2001:3::/32 yes,
        2001:4:112::/48 yes, 2001:10::/28 no, 2001:20::/28 yes, 2001:30::/28 yes, 2001:db8::/32 no, 2002::/16 no,
        2620:4f:8000::/48 yes, 3fff::/20 no, 5f00::/16 no, fc00::/7 no, fe80::/10 no, fec0::/10 no, ff00::/8 no";

    /// Addresses just outside of blocks, and ordinary ones.
    const PUBLIC: &str = "
        1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
        169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.1.255 192.0.3.0 192.88.98.255
        192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255
        203.0.114.0 223.255.255.255 8.8.8.8 192.31.195.255 192.31.197.0 192.52.192.255 192.175.49.0
        2000:: 2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: 2003:: 2001:4860:4860::8888 2606:4700::1111
        3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:1000:: 2620:4f:7fff:: ::ffff:8.8.8.8 64:ff9b::808:808
        ::ffff:192.0.0.9 64:ff9b::c000:9";

    const OTHER: &str = "
        192.0.0.7 192.0.0.11 192.0.0.255 ::2 ::7f00:1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
        64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::a00:1 64:ff9b:0:0:0:1:808:808 64:ff9b:1::808:808 64:ff9b:2::808:808
        64:ff9a::1 2001:1:: 2001:1::4 2001:2:1:: 2001:4:111:: 2001:4:113:: 2001:40:: 2001:1ff:ffff:: 100:0:0:2:: 1fff::
        4000:: 5eff:: 5f01:: fbff:: 2002:808:808::1 fd00:ec2::254";

    /// The first and the last address of a block.
    fn ends(block: &str) -> [IpAddr; 2] {
        let (start, len) = block.split_once('/').unwrap();
        let len: u32 = len.parse().unwrap();
        match start.parse().unwrap() {
            IpAddr::V4(ip) => {
                let rest = u32::MAX.checked_shr(len).unwrap_or(0);
                [ip.into(), Ipv4Addr::from(u32::from(ip) | rest).into()]
            }
            IpAddr::V6(ip) => {
                let rest = u128::MAX.checked_shr(len).unwrap_or(0);
                [ip.into(), Ipv6Addr::from(u128::from(ip) | rest).into()]
            }
        }
    }

    #[test]
    fn every_row_of_the_registries_counts_from_its_first_to_its_last_address() {
        let rows: Vec<(&str, bool)> = ROWS
            .split(',')
            .map(|row| row.trim().split_once(' ').unwrap())
            .map(|(block, reachable)| (block, reachable == "yes"))
            .collect();
        assert!(rows.len() > 50);
        for (block, reachable) in &rows {
            for ip in ends(block) {
                // This block contains another one with a row of its own.
                let within = |other: &str| other != *block && ends(other).contains(&ip);
                if rows.iter().any(|(other, reach)| within(other) && reach != reachable) {
                    continue;
                }
                assert_eq!(is_public(ip), *reachable, "{ip} of {block}");
            }
        }
        for ip in PUBLIC.split_whitespace() {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in OTHER.split_whitespace() {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn names_of_this_machine_and_its_network_are_known() {
        let local = "localhost LOCALHOST localhost. a.localhost printer.local metadata.google.internal db pictures router.lan nas.home \
                     a.corp x.home.arpa intranet wiki.intranet. home.arpa";
        for name in local.split_whitespace() {
            assert!(is_local_name(name), "{name}");
        }
        for name in [
            "example.com",
            "example.com.",
            "mylocal.com",
            "notlocal.xlocal",
            "a.local.example.com",
            "arpa.home.net",
        ] {
            assert!(!is_local_name(name), "{name}");
        }
    }
}
