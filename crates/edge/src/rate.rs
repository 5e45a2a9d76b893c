//! Rate limits: by address where callers are not known yet, by caller elsewhere.
//!
//! Limits are kept by each process for itself (GCRA, one instant a key). What has been idle long
//! enough to be full again is forgotten every so often, so the tables don't grow without bound.

use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::Problem;
use crate::identity::{Caller, Credential};

/// How often a table is cleaned, in checks.
const CLEAN_EVERY: u32 = 10_000;

/// So many requests in a period, in a burst or spread out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many requests.
    pub requests: NonZeroU32,
    /// The period after which all of them may come again.
    pub period: Duration,
}

impl Quota {
    /// So many requests a minute (one, if 0 is asked for).
    #[must_use]
    pub fn per_minute(requests: u32) -> Self {
        let requests = NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN);
        Self {
            requests,
            period: Duration::from_secs(60),
        }
    }
}

/// A limit on how often each key may come.
pub struct Limit<K: Hash + Eq + Clone> {
    limiter: Limiter<K>,
    requests: u32,
    checks: AtomicU32,
}

type Limiter<K> =
    governor::RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// What is left of a quota after a request.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    requests: u32,
    remaining: u32,
    reset: Duration,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// A limit with nobody in it yet; `None` if there is no quota.
    #[must_use]
    pub fn new(quota: Option<Quota>) -> Option<Self> {
        let quota = quota?;
        let requests = quota.requests.get();
        let each = quota.period / requests;
        let cells = governor::Quota::with_period(each)?.allow_burst(quota.requests);
        let limiter = governor::RateLimiter::dashmap(cells).with_middleware();
        Some(Self {
            limiter,
            requests,
            checks: AtomicU32::new(0),
        })
    }

    /// Counts a request.
    ///
    /// # Errors
    /// One too many: the problem to answer with.
    pub fn check(&self, key: &K) -> Result<Left, Problem> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CLEAN_EVERY == CLEAN_EVERY - 1 {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let spent = self.requests.saturating_sub(remaining);
                let reset = state.quota().replenish_interval() * spent;
                Ok(Left {
                    requests: self.requests,
                    remaining,
                    reset,
                })
            }
            Err(until) => Err(Problem::too_many(
                until.wait_time_from(DefaultClock::default().now()),
            )),
        }
    }
}

impl Left {
    /// Says it in the answer's headers.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        let seconds = self.reset.as_secs() + u64::from(self.reset.subsec_nanos() > 0);
        headers.insert("ratelimit-limit", HeaderValue::from(self.requests));
        headers.insert("ratelimit-remaining", HeaderValue::from(self.remaining));
        headers.insert("ratelimit-reset", HeaderValue::from(seconds));
    }
}

/// The address that a request came from, as far as the configured proxies can be believed; IPv6 by
/// its network of 64 bits. Without the edge's layers it is unspecified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let unspecified = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(parts.extensions.get().copied().unwrap_or(unspecified))
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// An address without a valid identity.
    Address(IpAddr),
    /// A person or a key, in one organisation or in none.
    Caller(Uuid, Uuid),
}

impl Who {
    pub(crate) fn caller(caller: &Caller) -> Self {
        let org = caller
            .context()
            .map_or(Uuid::nil(), |context| context.org().uuid());
        let principal = match caller.credential() {
            Credential::Login(_) => caller.user().uuid(),
            Credential::Key(key) => key.uuid(),
        };
        Self::Caller(org, principal)
    }
}

/// The address that a request came from, IPv6 by its network of 64 bits. `proxies` is how many
/// proxies of ours stand in front, each adding to `X-Forwarded-For` what it saw.
pub(crate) fn address(request: &Request, proxies: usize) -> IpAddr {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let found = if proxies == 0 {
        None
    } else {
        forwarded(request.headers(), proxies)
    };
    match found.unwrap_or(peer).to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What the outermost proxy of ours saw: that many entries from the right.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let values = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let seen: Vec<&str> = values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    seen.len()
        .checked_sub(proxies)
        .and_then(|at| seen.get(at)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn from(peer: &str, forwarded: &str, proxies: usize) -> String {
        let mut request = Request::new(Body::empty());
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        request
            .headers_mut()
            .insert("x-forwarded-for", forwarded.parse().unwrap());
        address(&request, proxies).to_string()
    }

    #[test]
    fn only_what_our_own_proxies_saw_is_believed() {
        assert_eq!(from("192.0.2.1", "198.51.100.7", 0), "192.0.2.1");
        assert_eq!(
            from("192.0.2.1", "6.6.6.6, 198.51.100.7", 1),
            "198.51.100.7"
        );
        assert_eq!(
            from("192.0.2.1", "6.6.6.6, 198.51.100.7, 10.0.0.1", 2),
            "198.51.100.7"
        );
        assert_eq!(from("192.0.2.1", "198.51.100.7", 3), "192.0.2.1");
        assert_eq!(from("2001:db8::1:2:3:4", "", 0), "2001:db8::");
        assert_eq!(from("::ffff:192.0.2.1", "", 0), "192.0.2.1");
    }

    #[test]
    fn a_quota_is_spent_by_each_key_for_itself() {
        let limit = Limit::new(Some(Quota::per_minute(3))).unwrap();
        for left in [2, 1, 0] {
            assert_eq!(limit.check(&"a").unwrap().remaining, left);
        }
        assert_eq!(limit.check(&"a").unwrap_err().code(), "RATE_LIMITED");
        assert!(limit.check(&"b").is_ok());
    }
}
