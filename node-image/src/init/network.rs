//! A first address by DHCP, while the root is opened: what starts next asks the
//! metadata service at once, and does not wait until udev and networkd have come up.
//!
//! It is a first try and no more. Where no answer comes before systemd takes over,
//! networkd does what it would have done, and removes what was begun here. Where one
//! came, networkd asks as the same client, gets the same address, and keeps it.

use super::console;
use super::dhcp::{Client, Lease, Said, datagram};
use super::netlink::Link;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, eth, recv, socket_with};
use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the kernel tells of its cards.
const CARDS: &str = "/sys/class/net";
/// `ARPHRD_ETHER`
const ETHERNET: u32 = 1;
const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
/// A message may be lost, and a card hears nothing before its link is there.
const AGAIN: Duration = Duration::from_millis(100);

/// A card.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Card {
    index: u32,
    name: String,
    address: [u8; 6],
}

/// Begins, beside everything else. It ends when this program becomes another.
pub(super) fn begin() {
    let Some(card) = first(Path::new(CARDS)) else { return };
    // networkd takes what routers announce; the kernel is not to do it before.
    let announced = format!("/proc/sys/net/ipv6/conf/{}/accept_ra", card.name);
    let _ = fs::write(announced, "0");
    std::thread::spawn(move || match address(&card) {
        Ok(lease) => console::note(&format!("{} has {}", card.name, lease.address)),
        Err(why) => console::note(&format!("{} has no address yet: {why}", card.name)),
    });
}

/// The first card that the kernel found: an instance's primary one.
fn first(cards: &Path) -> Option<Card> {
    let found = fs::read_dir(cards).ok()?.flatten().filter_map(|entry| {
        let says = |file: &str| {
            let text = fs::read_to_string(entry.path().join(file)).ok()?;
            Some(text.trim().to_owned())
        };
        let is_ethernet = says("type")?.parse() == Ok(ETHERNET);
        // What no driver has made is no card.
        if !is_ethernet || !entry.path().join("device").exists() {
            return None;
        }
        let address = mac(&says("address")?)?;
        let name = entry.file_name().into_string().ok()?;
        Some(Card { index: says("ifindex")?.parse().ok()?, name, address })
    });
    found.min_by_key(|card| card.index)
}

/// `02:00:00:00:00:07`
fn mac(text: &str) -> Option<[u8; 6]> {
    let parts: Option<Vec<u8>> =
        text.split(':').map(|part| u8::from_str_radix(part, 16).ok()).collect();
    parts?.try_into().ok()
}

/// Asks until there is one, and gives it to the card.
fn address(card: &Card) -> io::Result<Lease> {
    let link = Link::of(card.index)?;
    link.up()?;
    link.speak_to_all(true)?;
    let asked = ask(card);
    link.speak_to_all(false)?;
    let lease = asked?;
    link.take(&lease)?;
    Ok(lease)
}

fn ask(card: &Card) -> io::Result<Lease> {
    let mouth = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, CLIENT_PORT))?;
    mouth.set_broadcast(true)?;
    // A server may answer to the address that it offers, which nobody has yet.
    let (family, close) = (AddressFamily::PACKET, SocketFlags::CLOEXEC);
    let ear = socket_with(family, SocketType::DGRAM, close, Some(eth::IP))?;
    let [.., a, b, c, d] = card.address;
    // Cards differ in it, and no secret is kept by it.
    let client = Client { transaction: u32::from_be_bytes([a, b, c, d]), card: card.address };
    let mut message = client.discover();
    loop {
        // A link that is not up yet takes nothing.
        let _ = mouth.send_to(&message, (Ipv4Addr::BROADCAST, SERVER_PORT));
        match hear(&ear, &client)? {
            Some(Said::Offer(offer)) => message = client.request(&offer),
            Some(Said::Yes(lease)) => return Ok(lease),
            Some(Said::No) => message = client.discover(),
            None => {}
        }
    }
}

/// What is said to this client soon; none: nothing.
fn hear(ear: &OwnedFd, client: &Client) -> io::Result<Option<Said>> {
    let until = Instant::now() + AGAIN;
    let mut bytes = [0; 1500];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        set_socket_timeout(ear, Timeout::Recv, Some(left))?;
        let Ok((length, _)) = recv(ear, &mut bytes[..], RecvFlags::empty()) else { continue };
        let said = datagram(&bytes[..length], CLIENT_PORT).and_then(|text| client.read(text));
        if said.is_some() {
            return Ok(said);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_card_is_one_with_a_driver() {
        let cards = tempfile::tempdir().unwrap();
        let card = |name: &str, index: &str, kind: &str, address: &str, device: bool| {
            let folder = cards.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            for (file, text) in [("ifindex", index), ("type", kind), ("address", address)] {
                fs::write(folder.join(file), format!("{text}\n")).unwrap();
            }
            if device {
                fs::create_dir(folder.join("device")).unwrap();
            }
        };
        assert_eq!(first(cards.path()), None);
        card("lo", "1", "772", "00:00:00:00:00:00", false);
        card("dummy0", "2", "1", "02:00:00:00:00:02", false);
        card("eth1", "4", "1", "02:00:00:00:00:04", true);
        card("eth0", "3", "1", "02:00:00:00:00:0a", true);
        let found = first(cards.path()).unwrap();
        assert_eq!((found.index, found.name.as_str()), (3, "eth0"));
        assert_eq!(found.address, [2, 0, 0, 0, 0, 10]);
    }

    #[test]
    fn an_address_of_a_card_has_six_parts() {
        assert_eq!(mac("02:00:00:00:00:ff"), Some([2, 0, 0, 0, 0, 255]));
        for wrong in ["", "02", "02:00:00:00:00:00:00", "02:00:00:00:00:xx"] {
            assert_eq!(mac(wrong), None, "{wrong}");
        }
    }
}
