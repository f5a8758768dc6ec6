//! What the kernel is told of the network, over its own socket.
//! <https://www.kernel.org/doc/html/latest/userspace-api/netlink/intro.html>

use super::dhcp::Lease;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

/// Bytes of `struct nlmsghdr`.
const HEAD: usize = 16;
/// Messages of `linux/rtnetlink.h`.
const ERROR: u16 = 2;
const SET_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const DELETE_ROUTE: u16 = 25;
/// `NLM_F_REQUEST`, `NLM_F_ACK`; and `NLM_F_CREATE`.
const ASK: u16 = 1 | 4;
const CREATE: u16 = 0x400;
/// `AF_INET`
const IPV4: u8 = 2;
/// `IFF_UP`
const UP: u32 = 1;
/// `RT_TABLE_MAIN`, `RTN_UNICAST`
const MAIN: u8 = 254;
const UNICAST: u8 = 1;
/// Who made a route: `RTPROT_BOOT`, `RTPROT_DHCP`.
const BOOT: u8 = 3;
const DHCP: u8 = 16;
/// `RT_SCOPE_UNIVERSE`, `RT_SCOPE_LINK`
const UNIVERSE: u8 = 0;
const LINK: u8 = 253;
/// What networkd gives its own routes by DHCP: it is the same route.
const METRIC: u32 = 1024;

/// A card, as the kernel knows it.
pub(super) struct Link {
    socket: OwnedFd,
    index: u32,
}

/// An attribute: its type and its value.
type Attribute<'a> = (u16, &'a [u8]);

impl Link {
    /// # Errors
    /// The kernel gives no socket.
    pub(super) fn of(index: u32) -> io::Result<Self> {
        let close = SocketFlags::CLOEXEC;
        // Without a protocol it is the one for links, addresses and routes.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, close, None)?;
        Ok(Self { socket, index })
    }

    /// Switches it on.
    pub(super) fn up(&self) -> io::Result<()> {
        // `struct ifinfomsg`
        let index = self.index.to_ne_bytes();
        let body = [[0; 4], index, UP.to_ne_bytes(), UP.to_ne_bytes()].concat();
        self.tell(SET_LINK, 0, &body, &[])
    }

    /// Gives it the address for as long as it is lent, and the way out.
    pub(super) fn take(&self, lease: &Lease) -> io::Result<()> {
        let address = lease.address.octets();
        let host = u32::MAX.checked_shr(lease.prefix.into()).unwrap_or_default();
        let all = (u32::from(lease.address) | host).to_be_bytes();
        // `struct ifa_cacheinfo`: preferred, valid, and two times that the kernel fills.
        let seconds = lease.seconds.to_ne_bytes();
        let life = [seconds, seconds, [0; 4], [0; 4]].concat();
        // `struct ifaddrmsg`
        let body = [[IPV4, lease.prefix, 0, UNIVERSE], self.index.to_ne_bytes()].concat();
        let attributes: [Attribute<'_>; 4] = [(1, &address), (2, &address), (4, &all), (6, &life)];
        self.tell(NEW_ADDRESS, CREATE, &body, &attributes)?;
        let Some(router) = lease.router else { return Ok(()) };
        let (router, metric) = (router.octets(), METRIC.to_ne_bytes());
        let more: [Attribute<'_>; 3] = [(5, &router), (6, &metric), (7, &address)];
        self.route(NEW_ROUTE, CREATE, [0, DHCP, UNIVERSE], &more)
    }

    /// Lets what is for everybody go out here, while there is no address.
    pub(super) fn speak_to_all(&self, may: bool) -> io::Result<()> {
        let (kind, flags) = if may { (NEW_ROUTE, CREATE) } else { (DELETE_ROUTE, 0) };
        self.route(kind, flags, [32, BOOT, LINK], &[(1, &Ipv4Addr::BROADCAST.octets())])
    }

    fn route(
        &self,
        kind: u16,
        flags: u16,
        [prefix, protocol, scope]: [u8; 3],
        more: &[Attribute<'_>],
    ) -> io::Result<()> {
        // `struct rtmsg`
        let body = [IPV4, prefix, 0, 0, MAIN, protocol, scope, UNICAST, 0, 0, 0, 0];
        let index = self.index.to_ne_bytes();
        self.tell(kind, flags, &body, &[more, &[(4, &index)]].concat())
    }

    fn tell(
        &self,
        kind: u16,
        flags: u16,
        body: &[u8],
        attributes: &[Attribute<'_>],
    ) -> io::Result<()> {
        let message = message(kind, flags, body, attributes);
        sendto(&self.socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut answer = [0; 1024];
        let (_, length) = recv(&self.socket, &mut answer[..], RecvFlags::empty())?;
        outcome(&answer[..length])
    }
}

fn message(kind: u16, flags: u16, body: &[u8], attributes: &[Attribute<'_>]) -> Vec<u8> {
    let mut message = vec![0; HEAD];
    message[4..6].copy_from_slice(&kind.to_ne_bytes());
    message[6..8].copy_from_slice(&(ASK | flags).to_ne_bytes());
    message.extend_from_slice(body);
    for (kind, value) in attributes {
        let length = u16::try_from(4 + value.len()).unwrap_or_default();
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend_from_slice(value);
        message.resize(message.len().next_multiple_of(4), 0);
    }
    let length = u32::try_from(message.len()).unwrap_or_default();
    message[..4].copy_from_slice(&length.to_ne_bytes());
    message
}

/// What came of it, by the kernel's answer.
fn outcome(answer: &[u8]) -> io::Result<()> {
    let kind = answer.get(4..6).and_then(|bytes| bytes.first_chunk());
    let code = answer.get(HEAD..).and_then(|bytes| bytes.first_chunk());
    match (kind.map(|kind| u16::from_ne_bytes(*kind)), code.map(|code| i32::from_ne_bytes(*code))) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(code)) => Err(io::Error::from_raw_os_error(-code)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_how_long_it_and_its_attributes_are() {
        let message = message(NEW_ROUTE, CREATE, &[1; 12], &[(4, &[7, 0, 0]), (5, &[9; 4])]);
        assert_eq!(message.len(), HEAD + 12 + 8 + 8);
        assert_eq!(message[..4], 44_u32.to_ne_bytes());
        assert_eq!(message[28..30], 7_u16.to_ne_bytes(), "without what fills it up");
        assert_eq!(message[36..40], [8_u16.to_ne_bytes(), 5_u16.to_ne_bytes()].concat());
    }

    #[test]
    fn the_kernel_says_what_it_did() {
        let answer = |kind: u16, code: i32| {
            let mut answer = message(kind, 0, &code.to_ne_bytes(), &[]);
            answer.resize(36, 0);
            outcome(&answer)
        };
        assert!(answer(ERROR, 0).is_ok());
        assert_eq!(answer(ERROR, -1).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(answer(NEW_ROUTE, 0).is_err() && outcome(&[]).is_err());
    }

    #[test]
    fn a_card_that_is_not_there_cannot_be_switched_on() {
        // Whoever runs this may not, or the kernel knows no such card.
        assert!(Link::of(i32::MAX.cast_unsigned()).unwrap().up().is_err());
    }
}
