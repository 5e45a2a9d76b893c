//! What an IP address is for, by the IANA special-purpose registries.
//!
//! Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and successors), RFC 6052
//! (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP), and the published addresses of the
//! clouds' metadata services. An IPv6 address that carries an IPv4 address is judged by what it
//! carries, because that is where the packets can end.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What an address is for. Only [`Public`](AddressClass::Public) is reachable without being named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressClass {
    /// Globally reachable unicast.
    Public,
    /// This machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// `10/8`, `172.16/12`, `192.168/16`, and IPv6's old site-local `fec0::/10`.
    Private,
    /// `169.254/16`, `fe80::/10`, without the metadata addresses.
    LinkLocal,
    /// A cloud's instance metadata or credential service.
    Metadata,
    /// `224/4`, `ff00::/8`.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
    /// `0.0.0.0/8`, `::`. Linux dials itself for `0.0.0.0` and `::`.
    Unspecified,
    /// Set aside by the registries for anything else, or not assigned.
    Reserved,
    /// For examples in text: `192.0.2/24`, `198.51.100/24`, `203.0.113/24`, `2001:db8::/32`, `3fff::/20`.
    Documentation,
    /// For benchmarks: `198.18/15`, `2001:2::/48`.
    Benchmarking,
    /// Shared by carriers' NAT: `100.64/10`.
    SharedCgnat,
    /// `fc00::/7`.
    UniqueLocal,
    /// 6to4 or Teredo around a public address: where it comes out can't be seen from here.
    Tunnelled,
}

impl AddressClass {
    /// Every class, in the order of the bits of an allowance.
    pub const ALL: [AddressClass; 14] = [
        AddressClass::Public,
        AddressClass::Loopback,
        AddressClass::Private,
        AddressClass::LinkLocal,
        AddressClass::Metadata,
        AddressClass::Multicast,
        AddressClass::Broadcast,
        AddressClass::Unspecified,
        AddressClass::Reserved,
        AddressClass::Documentation,
        AddressClass::Benchmarking,
        AddressClass::SharedCgnat,
        AddressClass::UniqueLocal,
        AddressClass::Tunnelled,
    ];

    /// The stable name, for policies and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            AddressClass::Public => "public",
            AddressClass::Loopback => "loopback",
            AddressClass::Private => "private",
            AddressClass::LinkLocal => "link_local",
            AddressClass::Metadata => "metadata",
            AddressClass::Multicast => "multicast",
            AddressClass::Broadcast => "broadcast",
            AddressClass::Unspecified => "unspecified",
            AddressClass::Reserved => "reserved",
            AddressClass::Documentation => "documentation",
            AddressClass::Benchmarking => "benchmarking",
            AddressClass::SharedCgnat => "shared_cgnat",
            AddressClass::UniqueLocal => "unique_local",
            AddressClass::Tunnelled => "tunnelled",
        }
    }
}

/// A text that is no class's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a class of addresses")]
pub struct UnknownAddressClass;

impl FromStr for AddressClass {
    type Err = UnknownAddressClass;

    fn from_str(name: &str) -> Result<AddressClass, UnknownAddressClass> {
        AddressClass::ALL
            .into_iter()
            .find(|class| class.as_str() == name)
            .ok_or(UnknownAddressClass)
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Classifies an address, looking inside IPv6 forms that carry an IPv4 address.
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

/// Metadata services inside otherwise public or shared space, and the two link-local blocks that the
/// clouds use: AWS, Google, Azure, Oracle, DigitalOcean and OpenStack (`169.254.169/24`), ECS and EKS
/// (`169.254.170/24`), Scaleway, Tencent, Alibaba, Oracle's second, Azure's wire server.
fn is_metadata_v4(octets: [u8; 4]) -> bool {
    matches!(
        octets,
        [169, 254, 169 | 170, _]
            | [169, 254, 42, 42]
            | [169, 254, 0, 23]
            | [100, 100, 100, 200]
            | [192, 0, 0, 192]
            | [168, 63, 129, 16]
    )
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    let octets = address.octets();
    if is_metadata_v4(octets) {
        return AddressClass::Metadata;
    }
    match octets {
        [0, ..] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [169, 254, ..] => AddressClass::LinkLocal,
        [100, 64..=127, ..] => AddressClass::SharedCgnat,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [198, 18..=19, ..] => AddressClass::Benchmarking,
        // IETF protocol assignments, and the retired 6to4 relays.
        [192, 0, 0, _] | [192, 88, 99, _] => AddressClass::Reserved,
        [224..=239, ..] => AddressClass::Multicast,
        [255, 255, 255, 255] => AddressClass::Broadcast,
        [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

/// AWS (metadata, EKS pod identity), Google, Scaleway, and OpenStack's link-local form.
fn is_metadata_v6(segments: [u16; 8]) -> bool {
    matches!(
        segments,
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254 | 0x0023]
            | [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254]
            | [0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042]
            | [0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
    )
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    let segments = address.segments();
    if address == Ipv6Addr::UNSPECIFIED {
        return AddressClass::Unspecified;
    }
    if address == Ipv6Addr::LOCALHOST {
        return AddressClass::Loopback;
    }
    if is_metadata_v6(segments) {
        return AddressClass::Metadata;
    }
    if let Some(class) = classify_embedded(segments) {
        return class;
    }
    match segments {
        [0xfc00..=0xfdff, ..] => AddressClass::UniqueLocal,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0x0002, 0, ..] => AddressClass::Benchmarking,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressClass::Documentation,
        // IETF protocol assignments, `2001::/23` (Teredo, at its head, is judged above).
        [0x2001, 0..=0x01ff, ..] => AddressClass::Reserved,
        // Global unicast. The rest of the space is not assigned.
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

/// The class by the IPv4 address inside, or `None` if the form carries none.
fn classify_embedded(segments: [u16; 8]) -> Option<AddressClass> {
    let last = join(segments[6], segments[7]);
    match segments {
        // IPv4-mapped and NAT64's well-known prefix: the same place as the IPv4 address.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x0064, 0xff9b, 0, 0, 0, 0, ..] => Some(classify_v4(last)),
        // IPv4-compatible and IPv4-translated: nothing on the Internet uses them.
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => {
            Some(unless_public(last, AddressClass::Reserved))
        }
        [0x2002, high, low, ..] => Some(unless_public(join(high, low), AddressClass::Tunnelled)),
        [0x2001, 0, high, low, ..] => {
            let client = join(!segments[6], !segments[7]);
            let server = unless_public(join(high, low), AddressClass::Tunnelled);
            Some(unless_public(client, server))
        }
        // ISATAP, under any prefix: the interface identifier names an IPv4 address.
        [_, _, _, _, 0 | 0x0200, 0x5efe, ..] => {
            let class = classify_v4(last);
            (class != AddressClass::Public).then_some(class)
        }
        _ => None,
    }
}

fn unless_public(address: Ipv4Addr, otherwise: AddressClass) -> AddressClass {
    match classify_v4(address) {
        AddressClass::Public => otherwise,
        class => class,
    }
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// What a literal address stands for when it is dialled: the kernel turns an IPv4-mapped address into
/// IPv4, and a NAT64 gateway does the same on the way. Policy must see the address at the end.
pub(crate) fn unwrap_literal(address: Ipv6Addr) -> IpAddr {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            IpAddr::V4(join(high, low))
        }
        _ => IpAddr::V6(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_every_block() {
        use AddressClass as C;
        let cases = [
            ("0.0.0.0", C::Unspecified),
            ("0.255.255.255", C::Unspecified),
            ("1.0.0.0", C::Public),
            ("9.255.255.255", C::Public),
            ("10.0.0.0", C::Private),
            ("10.255.255.255", C::Private),
            ("11.0.0.0", C::Public),
            ("100.63.255.255", C::Public),
            ("100.64.0.0", C::SharedCgnat),
            ("100.127.255.255", C::SharedCgnat),
            ("100.128.0.0", C::Public),
            ("100.100.100.200", C::Metadata),
            ("126.255.255.255", C::Public),
            ("127.0.0.0", C::Loopback),
            ("127.255.255.255", C::Loopback),
            ("128.0.0.0", C::Public),
            ("168.63.129.16", C::Metadata),
            ("168.63.129.17", C::Public),
            ("169.253.255.255", C::Public),
            ("169.254.0.0", C::LinkLocal),
            ("169.254.169.254", C::Metadata),
            ("169.254.170.2", C::Metadata),
            ("169.254.171.0", C::LinkLocal),
            ("169.255.0.0", C::Public),
            ("172.15.255.255", C::Public),
            ("172.16.0.0", C::Private),
            ("172.31.255.255", C::Private),
            ("172.32.0.0", C::Public),
            ("192.0.0.0", C::Reserved),
            ("192.0.0.192", C::Metadata),
            ("192.0.1.0", C::Public),
            ("192.0.2.0", C::Documentation),
            ("192.0.3.0", C::Public),
            ("192.88.99.1", C::Reserved),
            ("192.167.255.255", C::Public),
            ("192.168.0.0", C::Private),
            ("192.169.0.0", C::Public),
            ("198.17.255.255", C::Public),
            ("198.18.0.0", C::Benchmarking),
            ("198.19.255.255", C::Benchmarking),
            ("198.20.0.0", C::Public),
            ("198.51.100.7", C::Documentation),
            ("203.0.113.7", C::Documentation),
            ("223.255.255.255", C::Public),
            ("224.0.0.0", C::Multicast),
            ("239.255.255.255", C::Multicast),
            ("240.0.0.0", C::Reserved),
            ("255.255.255.254", C::Reserved),
            ("255.255.255.255", C::Broadcast),
            ("::", C::Unspecified),
            ("::1", C::Loopback),
            ("::2", C::Unspecified),
            ("::7f00:1", C::Loopback),
            ("::8.8.8.8", C::Reserved),
            ("::ffff:127.0.0.1", C::Loopback),
            ("::ffff:8.8.8.8", C::Public),
            ("::ffff:0:10.0.0.1", C::Private),
            ("::ffff:0:8.8.8.8", C::Reserved),
            ("64:ff9b::a9fe:a9fe", C::Metadata),
            ("64:ff9b::8.8.8.8", C::Public),
            ("64:ff9b:1::8.8.8.8", C::Reserved),
            ("100::1", C::Reserved),
            ("2001::1", C::Reserved),
            ("2001:0:4136:e378:8000:63bf:f5ff:fffe", C::Private),
            ("2001:0:a00:1:8000:63bf:f7f7:f7f7", C::Private),
            ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", C::Tunnelled),
            ("2001:1::1", C::Reserved),
            ("2001:2::1", C::Benchmarking),
            ("2001:20::1", C::Reserved),
            ("2001:1ff:ffff::1", C::Reserved),
            ("2001:200::1", C::Public),
            ("2001:db8::1", C::Documentation),
            ("2001:4860:4860::8888", C::Public),
            ("2002:7f00:1::", C::Loopback),
            ("2002:a9fe:a9fe::1", C::Metadata),
            ("2002:808:808::1", C::Tunnelled),
            ("2606:2800:220:1:1:5efe:a00:1", C::Public),
            ("2606:2800:220:1:0:5efe:a00:1", C::Private),
            ("2606:2800:220:1:200:5efe:808:808", C::Public),
            ("3fff::1", C::Documentation),
            ("3fff:1000::1", C::Public),
            ("4000::1", C::Reserved),
            ("5f00::1", C::Reserved),
            ("fc00::1", C::UniqueLocal),
            ("fd00:ec2::254", C::Metadata),
            ("fdff::1", C::UniqueLocal),
            ("fe00::1", C::Reserved),
            ("fe80::1", C::LinkLocal),
            ("fe80::a9fe:a9fe", C::Metadata),
            ("febf::1", C::LinkLocal),
            ("fec0::1", C::Private),
            ("ff02::1", C::Multicast),
        ];
        for (text, class) in cases {
            assert_eq!(classify(text.parse().unwrap()), class, "{text}");
        }
    }

    #[test]
    fn every_class_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = AddressClass::ALL
            .iter()
            .map(|class| class.as_str())
            .collect();
        assert_eq!(names.len(), AddressClass::ALL.len());
        for class in AddressClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        assert!("Public".parse::<AddressClass>().is_err());
    }
}
