//! Who waits for calls, by `/proc/net`.

use crate::facts::{Seen, Socket};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How the kernel writes the states of sockets that wait.
const TCP_LISTEN: &str = "0A";
const UDP_UNCONNECTED: &str = "07";

/// All sockets that wait.
pub(super) fn listening() -> Seen<Vec<Socket>> {
    let mut all = Vec::new();
    for (file, protocol, state) in [
        ("tcp", "tcp", TCP_LISTEN),
        ("tcp6", "tcp", TCP_LISTEN),
        ("udp", "udp", UDP_UNCONNECTED),
        ("udp6", "udp", UDP_UNCONNECTED),
    ] {
        let path = format!("/proc/net/{file}");
        match fs::read_to_string(&path) {
            Ok(text) => all.extend(text.lines().skip(1).filter_map(|l| socket(l, protocol, state))),
            // A kernel without IPv6 has no such file.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{path}: {error}")),
        }
    }
    all.sort();
    Ok(all)
}

/// `0: 0100007F:0035 00000000:0000 0A …`
fn socket(line: &str, protocol: &str, state: &str) -> Option<Socket> {
    let mut words = line.split_whitespace().skip(1);
    let (local, _remote, is) = (words.next()?, words.next()?, words.next()?);
    let (host, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address = address(host)?;
    (is == state).then(|| Socket { protocol: protocol.to_owned(), address, port })
}

/// Words of 32 bits, each in the byte order of the machine.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = hex.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    match hex.len() {
        8 => word(0).map(|bytes| Ipv4Addr::from(bytes).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            let bytes: [u8; 16] = words.try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn only_what_waits_is_found() {
        let line = "   1: 3500007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 0 0 1";
        let found = socket(line, "tcp", TCP_LISTEN).unwrap();
        assert_eq!((found.address.to_string(), found.port), ("127.0.0.53".to_owned(), 53));
        assert_eq!(socket(&line.replace(" 0A ", " 01 "), "tcp", TCP_LISTEN), None);
        let six = "0: 00000000000000000000000001000000:24FE 0:0 0A";
        assert_eq!(socket(six, "tcp", TCP_LISTEN).unwrap().address.to_string(), "::1");
        for odd in ["", "0: x:y z 0A", "0: 0100:0035 0 0A"] {
            assert_eq!(socket(odd, "tcp", TCP_LISTEN), None, "{odd}");
        }
    }

    #[test]
    fn a_listener_of_this_machine_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listening().unwrap().iter().any(|s| s.protocol == "tcp" && s.port == port));
    }
}
