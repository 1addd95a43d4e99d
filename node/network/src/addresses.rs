//! Which addresses of others are worth a dial.
//!
//! Pure.

use std::net::IpAddr;

use crate::{Multiaddr, PeerId};

#[cfg(test)]
mod tests;

/// Whether to believe that `peer` can be reached at `address`. Without `private`, only the public net counts: else peers could
/// make us knock at the doors of our own network.
pub(crate) fn believable(address: &Multiaddr, peer: &PeerId, private: bool) -> bool {
    if address.peer().is_some_and(|named| named != *peer) {
        return false;
    }
    match address.ip() {
        Some(ip) if ip.is_unspecified() || ip.is_multicast() => false,
        Some(ip) => private || is_public(ip),
        // A DNS name, or what we do not know: dialling it fails, at worst.
        None => address.0.iter().next().is_some(),
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let shared = first == 100 && (64..128).contains(&second);
            let reserved = first == 0 || first >= 240;
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || shared
                || reserved)
        }
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => is_public(mapped.into()),
            None => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
        },
    }
}
