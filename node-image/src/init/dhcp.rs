//! DHCP's messages, as far as a first address takes them.
//! <https://www.rfc-editor.org/rfc/rfc2131>, <https://www.rfc-editor.org/rfc/rfc2132>

use std::net::Ipv4Addr;

/// What marks the options, after the fixed part of a message.
const MAGIC: [u8; 4] = [99, 130, 83, 99];
/// Bytes before it.
const FIXED: usize = 236;
/// The least that a message is long, for servers that know BOOTP.
const LEAST: usize = 300;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: u8 = 1;

/// Options.
const PAD: u8 = 0;
const MASK: u8 = 1;
const ROUTER: u8 = 3;
const ADDRESS: u8 = 50;
const SECONDS: u8 = 51;
const KIND: u8 = 53;
const SERVER: u8 = 54;
const WANTED: u8 = 55;
const CLIENT: u8 = 61;
const END: u8 = 255;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    /// Of this question and its answers.
    pub(super) transaction: u32,
    /// The card's own address.
    pub(super) card: [u8; 6],
}

/// An address, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) address: Ipv4Addr,
    /// Bits of the network's part.
    pub(super) prefix: u8,
    pub(super) router: Option<Ipv4Addr>,
    /// How long it is lent.
    pub(super) seconds: u32,
    server: Ipv4Addr,
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Offer(Lease),
    Yes(Lease),
    No,
}

impl Client {
    /// Asks all servers for an address.
    pub(super) fn discover(&self) -> Vec<u8> {
        self.message(&[&[KIND, 1, 1]])
    }

    /// Takes what one of them offers.
    pub(super) fn request(&self, offer: &Lease) -> Vec<u8> {
        let [address, server] = [offer.address, offer.server].map(|address| address.octets());
        let option = |code, bytes: [u8; 4]| [&[code, 4], &bytes[..]].concat();
        self.message(&[&[KIND, 1, 3], &option(ADDRESS, address), &option(SERVER, server)])
    }

    fn message(&self, options: &[&[u8]]) -> Vec<u8> {
        let mut message = vec![0; FIXED];
        message[..3].copy_from_slice(&[REQUEST, ETHERNET, 6]);
        message[4..8].copy_from_slice(&self.transaction.to_be_bytes());
        message[28..34].copy_from_slice(&self.card);
        message.extend(MAGIC);
        for option in options {
            message.extend_from_slice(option);
        }
        // As networkd names itself later, so that it gets the same address.
        message.extend([CLIENT, 7, ETHERNET]);
        message.extend(self.card);
        message.extend([WANTED, 4, MASK, ROUTER, SECONDS, SERVER, END]);
        message.resize(message.len().max(LEAST), PAD);
        message
    }

    /// What a server says to this client; none: it is something else.
    pub(super) fn read(&self, message: &[u8]) -> Option<Said> {
        let fixed = message.get(..FIXED)?;
        let options = message[FIXED..].strip_prefix(&MAGIC)?;
        let is_mine = fixed[4..8] == self.transaction.to_be_bytes() && fixed[28..34] == self.card;
        if fixed[0] != REPLY || !is_mine {
            return None;
        }
        let [kind] = option(options, KIND)? else { return None };
        if *kind == 6 {
            return Some(Said::No);
        }
        let four = |bytes: &[u8]| bytes.first_chunk::<4>().copied();
        let address_in = |code| option(options, code).and_then(four).map(Ipv4Addr::from);
        let address = Ipv4Addr::from(four(&fixed[16..20])?);
        let mask = u32::from(address_in(MASK)?);
        let odd = address.is_unspecified() || address.is_loopback() || address.is_multicast();
        if odd || address.is_broadcast() || mask.leading_ones() + mask.trailing_zeros() != 32 {
            return None;
        }
        let lease = Lease {
            address,
            prefix: u8::try_from(mask.leading_ones()).ok()?,
            router: address_in(ROUTER).filter(|router| !router.is_unspecified()),
            seconds: u32::from_be_bytes(option(options, SECONDS).and_then(four)?),
            server: address_in(SERVER)?,
        };
        match kind {
            2 => Some(Said::Offer(lease)),
            5 => Some(Said::Yes(lease)),
            _ => None,
        }
    }
}

/// What an IPv4 packet carries by UDP to `port`; none: it carries something else. Its
/// checksum may be the card's work, and is not looked at: what is read is compared with
/// what was asked.
pub(super) fn datagram(packet: &[u8], port: u16) -> Option<&[u8]> {
    const UDP: u8 = 17;
    let number = |at: usize| Some(u16::from_be_bytes(*packet.get(at..)?.first_chunk()?));
    let head = usize::from(packet.first()? & 15) * 4;
    let is_whole = number(6)? & 0x3fff == 0;
    if packet[0] >> 4 != 4 || *packet.get(9)? != UDP || !is_whole || number(head + 2)? != port {
        return None;
    }
    packet.get(head + 8..head + usize::from(number(head + 4)?))
}

/// The first option of this code.
fn option(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        let (code, rest) = options.split_first()?;
        if *code == PAD {
            options = rest;
            continue;
        }
        let (length, rest) = rest.split_first().filter(|_| *code != END)?;
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        if *code == wanted {
            return Some(value);
        }
        options = rest;
    }
}

#[cfg(test)]
mod tests;
