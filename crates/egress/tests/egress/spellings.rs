//! Tens of thousands of ways to write an address. The generator knows which address it wrote; the
//! dialer and the listener tell what was reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use egress::{AddressClass, Failure, Limits, Request, SystemDialer, Trust, classify};

use crate::peer::Peer;
use crate::seams::{Names, Network, client, loopback, public};

const SPELLINGS: usize = 40_000;
const REFUSED_FOR_REAL: usize = 10_000;
const REACHED_FOR_REAL: usize = 2_000;

/// SplitMix64: enough for variety, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    /// The seed is `EGRESS_SEED` or a fixed one; it is printed for the failing run's output.
    pub fn from_environment() -> Dice {
        let seed = std::env::var("EGRESS_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(20_261_120);
        println!("EGRESS_SEED={seed}");
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// An address inside one of the blocks that need a name in a policy.
fn inside_v4(dice: &mut Dice) -> Ipv4Addr {
    let random = dice.next() as u32;
    let fixed: [u32; 10] = [
        0x7f00_0001,
        0xa9fe_a9fe,
        0xa9fe_aa02,
        0x6464_64c8,
        0xc000_00c0,
        0xa83f_8110,
        0,
        0xffff_ffff,
        0x0a00_0001,
        0xc0a8_0001,
    ];
    let blocks: [(u32, u32); 14] = [
        (0x7f00_0000, 8),
        (0x0a00_0000, 8),
        (0xac10_0000, 12),
        (0xc0a8_0000, 16),
        (0xa9fe_0000, 16),
        (0x6440_0000, 10),
        (0, 8),
        (0xc000_0000, 24),
        (0xc612_0000, 15),
        (0xe000_0000, 4),
        (0xf000_0000, 4),
        (0xc000_0200, 24),
        (0xc633_6400, 24),
        (0xcb00_7100, 24),
    ];
    let which = usize::try_from(dice.below((fixed.len() + blocks.len()) as u64)).unwrap();
    match fixed.get(which) {
        Some(&bits) => Ipv4Addr::from_bits(bits),
        None => {
            let (base, length) = blocks[which - fixed.len()];
            Ipv4Addr::from_bits(base | random & (u32::MAX >> length))
        }
    }
}

fn inside_v6(dice: &mut Dice) -> Ipv6Addr {
    let random = u128::from(dice.next()) << 64 | u128::from(dice.next());
    let blocks: [(u128, u32); 9] = [
        (0, 128),
        (1, 128),
        (0xfc00 << 112, 7),
        (0xfe80 << 112, 10),
        (0xfec0 << 112, 10),
        (0xff00 << 112, 8),
        (0x2001_0db8 << 96, 32),
        (0x0100 << 112, 64),
        (0xfd00_0ec2_0000_0000_0000_0000_0000_0254, 128),
    ];
    let (base, length) = blocks[usize::try_from(dice.below(9)).unwrap()];
    Ipv6Addr::from_bits(base | random & u128::MAX.checked_shr(length).unwrap_or(0))
}

/// A public address, drawn from blocks that are known to be.
fn outside_v4(dice: &mut Dice) -> Ipv4Addr {
    let first = *dice.pick(&[
        &1, &8, &9, &11, &23, &52, &93, &104, &126, &128, &151, &199, &216, &223,
    ]);
    Ipv4Addr::from_bits(first << 24 | dice.next() as u32 >> 8)
}

fn outside_v6(dice: &mut Dice) -> Ipv6Addr {
    let prefix = *dice.pick(&[&0x2606_4700_u128, &0x2a00_1450, &0x2001_4860, &0x2620_00fe]);
    // The interface identifier's first group is kept off the ISATAP forms.
    let random = u128::from(dice.next()) << 64 | u128::from(dice.next()) | 1 << 56;
    Ipv6Addr::from_bits(prefix << 96 | random >> 32)
}

fn number(dice: &mut Dice, value: u32) -> String {
    let zeros = "0".repeat(usize::try_from(dice.below(4)).unwrap());
    match dice.below(4) {
        0 => format!("0{zeros}{value:o}"),
        1 => format!("0x{zeros}{value:x}"),
        2 => format!("0X{zeros}{value:X}"),
        _ => value.to_string(),
    }
}

/// One of the spellings of the URL standard's IPv4 parser: one to four numbers, each in any radix.
fn numbers(dice: &mut Dice, address: Ipv4Addr) -> String {
    let bits = address.to_bits();
    let parts = u32::try_from(dice.below(4)).unwrap();
    let mut text = String::new();
    for part in 0..parts {
        text += &number(dice, bits >> (24 - 8 * part) & 0xff);
        text.push('.');
    }
    text += &number(
        dice,
        (u64::from(bits) << (32 + 8 * parts) >> (32 + 8 * parts)) as u32,
    );
    text
}

/// Letters, digits and dots in disguises that IDNA or percent-decoding take off again.
fn disguise(dice: &mut Dice, plain: &str) -> String {
    let mut text = String::new();
    for letter in plain.chars() {
        match (letter, dice.below(8)) {
            ('.', 0) => text.push('。'),
            ('.', 1) => text.push('．'),
            ('.', 2) => text.push('｡'),
            ('0'..='9' | 'a'..='z' | 'A'..='Z', 3) => {
                text.push(char::from_u32(letter as u32 - 0x21 + 0xff01).unwrap());
            }
            ('1'..='9', 4) => {
                text.push(char::from_u32('①' as u32 + letter as u32 - '1' as u32).unwrap());
            }
            ('0'..='9', 5) => {
                text.push(char::from_u32('𝟎' as u32 + letter as u32 - '0' as u32).unwrap());
            }
            (_, 6) => text += &format!("%{:02x}", letter as u32),
            _ => text.push(letter),
        }
    }
    if dice.one_in(8) {
        text = text
            .chars()
            .map(|letter| match letter.is_ascii() {
                true => letter.to_string(),
                false => letter
                    .to_string()
                    .bytes()
                    .map(|byte| format!("%{byte:02X}"))
                    .collect(),
            })
            .collect();
    }
    text
}

fn groups(dice: &mut Dice, address: Ipv6Addr) -> String {
    let text = match dice.below(4) {
        0 => address.to_string(),
        1 => address
            .segments()
            .map(|group| format!("{group:x}"))
            .join(":"),
        2 => address
            .segments()
            .map(|group| format!("{group:04x}"))
            .join(":"),
        _ => {
            let [a, b, c, d, e, f, ..] = address.segments();
            let tail = Ipv4Addr::from_bits(address.to_bits() as u32);
            format!("{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}:{tail}")
        }
    };
    match dice.one_in(2) {
        true => format!("[{}]", text.to_ascii_uppercase()),
        false => format!("[{text}]"),
    }
}

/// An IPv6 form around an IPv4 address, and whether it leads to the same place as that address.
fn wrapped(dice: &mut Dice, address: Ipv4Addr) -> (Ipv6Addr, bool) {
    let bits = u128::from(address.to_bits());
    let random = u128::from(dice.next());
    let (form, same) = match dice.below(7) {
        0 => (0xffff << 32 | bits, true),
        1 => (0x0064_ff9b << 96 | bits, true),
        2 => (bits, false),
        3 => (0xffff << 48 | bits, false),
        4 => (0x2002 << 112 | bits << 80 | random, false),
        5 => (
            0x2001_0000 << 96
                | 0x0808_0808 << 64
                | (random & 0xffff_ffff) << 32
                | !bits & 0xffff_ffff,
            false,
        ),
        _ => (
            0x2606_4700 << 96 | (random & 0xffff_ffff) << 64 | 0x5efe << 32 | bits,
            false,
        ),
    };
    (Ipv6Addr::from_bits(form), same)
}

fn spell_v4(dice: &mut Dice, address: Ipv4Addr) -> String {
    let mut text = numbers(dice, address);
    if dice.one_in(6) {
        text.push('.');
    }
    match dice.one_in(2) {
        true => disguise(dice, &text),
        false => text,
    }
}

fn url(dice: &mut Dice, host: &str, port: u16) -> String {
    let scheme = dice.pick(&["http", "HTTP", "hTTp"]);
    let slashes = dice.pick(&["//", "\\\\", "/\\", "///", "/", ""]);
    format!("{scheme}:{slashes}{host}:{port}/latest?q#f")
}

/// Inputs: 40,000 spellings of addresses that need to be named. Oracle: the dialer's list is empty, and
/// no name was resolved.
#[tokio::test]
async fn no_spelling_of_an_inside_address_is_dialled() {
    let mut dice = Dice::from_environment();
    let (names, network) = (Names::default(), Network::default());
    let client = client(&names, &network);
    let mut v6_forms = 0;
    for n in 0..SPELLINGS {
        let host = match n % 4 {
            0 | 1 => {
                let address = inside_v4(&mut dice);
                spell_v4(&mut dice, address)
            }
            2 => {
                let address = inside_v4(&mut dice);
                let form = wrapped(&mut dice, address).0;
                v6_forms += 1;
                groups(&mut dice, form)
            }
            _ => {
                let address = inside_v6(&mut dice);
                v6_forms += 1;
                groups(&mut dice, address)
            }
        };
        let url = url(&mut dice, &host, 8080);
        let request = Request::get(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let error = client
            .fetch(request, &Limits::default(), &public)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "EGRESS_ADDRESS_REFUSED", "{url}");
        assert!(!error.sent(), "{url}");
    }
    assert_eq!(network.dialled(), []);
    assert_eq!(names.asked(), [""; 0]);
    println!("{SPELLINGS} spellings refused ({v6_forms} of them IPv6), 0 dialled");
}

/// The twin. Inputs: 40,000 spellings of public addresses by the same generator. Oracle: the dialer was
/// asked for exactly the address that the generator wrote, once each.
#[tokio::test]
async fn every_spelling_of_a_public_address_is_dialled_as_that_address() {
    let mut dice = Dice::from_environment();
    let (names, network) = (Names::default(), Network::default());
    let client = client(&names, &network);
    let mut expected = Vec::with_capacity(SPELLINGS);
    while expected.len() < SPELLINGS {
        let (host, address) = match expected.len() % 4 {
            0 | 1 => {
                let address = outside_v4(&mut dice);
                (spell_v4(&mut dice, address), IpAddr::V4(address))
            }
            2 => {
                let address = outside_v4(&mut dice);
                match wrapped(&mut dice, address) {
                    (form, true) => (groups(&mut dice, form), IpAddr::V4(address)),
                    (_, false) => continue,
                }
            }
            _ => {
                let address = outside_v6(&mut dice);
                (groups(&mut dice, address), IpAddr::V6(address))
            }
        };
        let url = url(&mut dice, &host, 8080);
        let request = Request::get(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let error = client
            .fetch(request, &Limits::default(), &public)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "EGRESS_CONNECT_FAILED", "{url}");
        expected.push((address, 8080).into());
    }
    assert_eq!(network.dialled(), expected);
    println!("{SPELLINGS} spellings dialled as what they name");
}

/// Inputs: 10,000 spellings of this machine with the port of a listener that is there. Oracle: the
/// kernel handed it no connection. Twin: 2,000 by the same generator with loopback allowed: 2,000.
#[tokio::test]
async fn the_listener_itself_saw_nobody() {
    let mut dice = Dice::from_environment();
    let peer = Peer::hello().await;
    let client = egress::Client::with(Names::default(), SystemDialer, Trust::Only(vec![])).unwrap();
    let limits = Limits::default();
    let port = peer.address.port();
    for n in 0..REFUSED_FOR_REAL {
        let host = match n % 4 {
            0 => spell_v4(&mut dice, Ipv4Addr::UNSPECIFIED),
            1 => {
                let form = wrapped(&mut dice, Ipv4Addr::LOCALHOST).0;
                groups(&mut dice, form)
            }
            _ => spell_v4(&mut dice, Ipv4Addr::LOCALHOST),
        };
        let request = Request::get(&url(&mut dice, &host, port)).unwrap();
        let error = client.fetch(request, &limits, &public).await.unwrap_err();
        assert_eq!(error.code(), "EGRESS_ADDRESS_REFUSED", "{host}");
    }
    assert_eq!(peer.accepted(), 0);
    for n in 0..REACHED_FOR_REAL {
        let host = match n % 2 {
            0 => groups(&mut dice, Ipv4Addr::LOCALHOST.to_ipv6_mapped()),
            _ => spell_v4(&mut dice, Ipv4Addr::LOCALHOST),
        };
        let request = Request::get(&url(&mut dice, &host, port)).unwrap();
        let response = client.fetch(request, &limits, &loopback).await.unwrap();
        assert_eq!(response.body, "hello");
    }
    assert_eq!(peer.accepted(), REACHED_FOR_REAL);
    println!("{REFUSED_FOR_REAL} refused: 0 accepted; {REACHED_FOR_REAL} allowed: all accepted");
}

/// Each class is opened by its own name and by no other. 14 classes × 14 allowances.
#[tokio::test]
async fn a_class_opens_itself_alone() {
    let (names, network) = (Names::default(), Network::default());
    let client = client(&names, &network);
    let samples = [
        "8.8.8.8",
        "127.0.0.1",
        "10.0.0.1",
        "169.254.1.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "240.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "100.64.0.1",
        "[fc00::1]",
        "[2002:808:808::1]",
    ];
    for (sample, class) in samples.iter().zip(AddressClass::ALL) {
        for named in AddressClass::ALL {
            let before = network.dialled().len();
            let request = Request::get(&format!("http://{sample}/")).unwrap();
            assert_eq!(request.target().literal_class(), Some(class));
            let gate = |_: &egress::Hop<'_>| Ok(egress::Allowance::public().and_class(named));
            let error = client
                .fetch(request, &Limits::default(), &gate)
                .await
                .unwrap_err();
            let open = class == AddressClass::Public || class == named;
            assert_eq!(
                network.dialled().len() - before,
                usize::from(open),
                "{class} by {named}"
            );
            assert_eq!(matches!(error.failure(), Failure::Address { .. }), !open);
        }
    }
}

/// What the generator calls inside or outside agrees with the classifier (100,000 addresses).
#[test]
fn the_generator_and_the_classifier_agree() {
    let mut dice = Dice::from_environment();
    for _ in 0..25_000 {
        assert_ne!(classify(inside_v4(&mut dice).into()), AddressClass::Public);
        assert_ne!(classify(inside_v6(&mut dice).into()), AddressClass::Public);
        assert_eq!(classify(outside_v4(&mut dice).into()), AddressClass::Public);
        assert_eq!(classify(outside_v6(&mut dice).into()), AddressClass::Public);
    }
}
