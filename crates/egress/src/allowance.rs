//! What a policy decision allows beyond public addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::address::AddressClass;
use crate::error::{EgressError, Failure, UrlFault};
use crate::target::{Host, HttpTarget, parse_host, split_port};

/// A gate's no. The reason is shown to the caller; it must not hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    reason: String,
}

impl Refusal {
    /// A refusal with its reason.
    pub fn new(reason: impl Into<String>) -> Refusal {
        Refusal {
            reason: reason.into(),
        }
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// A host and a port, canonical, as a policy names them: `intra.example:8080`, `127.0.0.1:9000`,
/// `[::1]:9000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: Host,
    port: u16,
}

impl Endpoint {
    /// The endpoint of a target.
    pub fn of(target: &HttpTarget) -> Endpoint {
        Endpoint {
            host: target.host().clone(),
            port: target.port(),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EgressError;

    /// Reads `host:port`; the host in any spelling that a URL takes. The port must be there.
    fn from_str(text: &str) -> Result<Endpoint, EgressError> {
        let (host, port) = split_port(text).ok_or(Failure::Url(UrlFault::Port))?;
        Ok(Endpoint {
            host: parse_host(host)?,
            port,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What one policy decision allows beyond public addresses. Empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowance {
    classes: u16,
    endpoints: Vec<Endpoint>,
}

impl Allowance {
    /// Public addresses and nothing else.
    pub fn public() -> Allowance {
        Allowance::default()
    }

    /// Also every address of `class`. This alone opens [`AddressClass::Metadata`], multicast,
    /// broadcast and unspecified addresses to a host that is spelt as a name.
    #[must_use]
    pub fn and_class(mut self, class: AddressClass) -> Allowance {
        self.classes |= 1 << class as u16;
        self
    }

    /// Also this endpoint, and its port even if another protocol owns it. An endpoint whose host is an
    /// address opens exactly that address. One whose host is a name opens what the name resolves to,
    /// except metadata, multicast, broadcast and unspecified addresses: whoever owns the name's DNS
    /// zone must not get from it what the policy's author can't have meant.
    #[must_use]
    pub fn and_endpoint(mut self, endpoint: Endpoint) -> Allowance {
        self.endpoints.push(endpoint);
        self
    }

    /// Whether the allowance names exactly this target's host and port.
    pub fn names(&self, target: &HttpTarget) -> bool {
        self.endpoints
            .iter()
            .any(|endpoint| endpoint.port == target.port() && endpoint.host == *target.host())
    }

    /// Whether `address`, of `class`, may be dialled for `target`.
    pub(crate) fn admits(&self, target: &HttpTarget, address: IpAddr, class: AddressClass) -> bool {
        if class == AddressClass::Public || self.classes & (1 << class as u16) != 0 {
            return true;
        }
        if !self.names(target) {
            return false;
        }
        match target.host() {
            Host::Address(literal) => *literal == address,
            Host::Name(_) => opened_by_name(class),
        }
    }
}

/// The classes that naming an endpoint by its host name opens.
fn opened_by_name(class: AddressClass) -> bool {
    match class {
        AddressClass::Public
        | AddressClass::Loopback
        | AddressClass::Private
        | AddressClass::LinkLocal
        | AddressClass::Reserved
        | AddressClass::Documentation
        | AddressClass::Benchmarking
        | AddressClass::SharedCgnat
        | AddressClass::UniqueLocal
        | AddressClass::Tunnelled => true,
        AddressClass::Metadata
        | AddressClass::Multicast
        | AddressClass::Broadcast
        | AddressClass::Unspecified => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_target;

    #[test]
    fn an_endpoint_is_compared_after_canonicalisation() {
        let allowance = Allowance::public().and_endpoint("0x7f.1:8080".parse().unwrap());
        assert!(allowance.names(&parse_target("http://127.0.0.1:8080/").unwrap()));
        assert!(allowance.names(&parse_target("http://[::ffff:7f00:1]:8080/").unwrap()));
        assert!(!allowance.names(&parse_target("http://127.0.0.1:8081/").unwrap()));
        assert!(!allowance.names(&parse_target("http://127.0.0.2:8080/").unwrap()));
        assert!(!allowance.names(&parse_target("http://localhost:8080/").unwrap()));
    }

    #[test]
    fn endpoints_read_and_print() {
        for (text, printed) in [
            ("Intra.Example.:80", "intra.example:80"),
            ("[::1]:9000", "[::1]:9000"),
            ("2130706433:1", "127.0.0.1:1"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), printed);
        }
        for text in [
            "host",
            "host:",
            "host:0",
            "host:65536",
            ":80",
            "a b:80",
            "::1:80",
            "u@h:80",
            "h/p:80",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_does_not_open_metadata() {
        let target = parse_target("http://intra.example/").unwrap();
        let allowance = Allowance::public().and_endpoint(Endpoint::of(&target));
        let admits = |text: &str| {
            let address = text.parse().unwrap();
            allowance.admits(&target, address, crate::classify(address))
        };
        assert!(admits("10.0.0.1"));
        assert!(admits("127.0.0.1"));
        assert!(!admits("169.254.169.254"));
        assert!(!admits("0.0.0.0"));
    }
}
