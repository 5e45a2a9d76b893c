//! Which addresses a target may be dialled at.

use std::net::{IpAddr, SocketAddr};

use crate::address::classify;
use crate::allowance::Allowance;
use crate::error::Failure;
use crate::resolve::Resolve;
use crate::target::{Host, HttpTarget};

/// More addresses than this are no sensible answer of a DNS server.
const ADDRESSES_MAX: usize = 64;

/// The "bad ports" of the Fetch standard (section "Port blocking"): other protocols whose servers can
/// be made to obey what stands in an HTTP request.
const FOREIGN_PORTS: [u16; 82] = [
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10080,
];

/// Resolves the target and returns the addresses, all of which the allowance admits.
///
/// One refused address refuses the target, even beside public ones: see the crate's invariants.
pub(crate) async fn admit(
    resolver: &dyn Resolve,
    target: &HttpTarget,
    allowance: &Allowance,
) -> Result<Vec<SocketAddr>, Failure> {
    let port = target.port();
    if FOREIGN_PORTS.contains(&port) && !allowance.names(target) {
        return Err(Failure::Port {
            origin: target.origin(),
            port,
        });
    }
    let addresses = match target.host() {
        Host::Address(address) => vec![*address],
        Host::Name(name) => resolve(resolver, name).await?,
    };
    for &address in &addresses {
        let class = classify(address);
        if !allowance.admits(target, address, class) {
            return Err(Failure::Address {
                origin: target.origin(),
                address,
                class,
            });
        }
    }
    Ok(addresses
        .into_iter()
        .map(|address| SocketAddr::new(address, port))
        .collect())
}

async fn resolve(resolver: &dyn Resolve, name: &str) -> Result<Vec<IpAddr>, Failure> {
    let failed = || Failure::Dns {
        host: name.to_owned(),
    };
    let addresses = resolver.resolve(name).await.map_err(|_| failed())?;
    if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
        return Err(failed());
    }
    Ok(addresses)
}
