use super::*;
use proptest::prelude::*;

const CLIENT_HERE: Client = Client { transaction: 0x0102_0304, card: [2, 0, 0, 0, 0, 7] };

/// What a server answers, with these options.
fn answer(options: &[&[u8]]) -> Vec<u8> {
    let mut message = CLIENT_HERE.message(&[]);
    message.truncate(FIXED + MAGIC.len());
    message[0] = REPLY;
    message[16..20].copy_from_slice(&[172, 31, 0, 10]);
    for option in options {
        message.extend_from_slice(option);
    }
    message.push(END);
    message
}

const OFFER: [&[u8]; 5] = [
    &[PAD, KIND, 1, 2],
    &[MASK, 4, 255, 255, 240, 0],
    &[ROUTER, 8, 172, 31, 0, 1, 172, 31, 0, 2],
    &[SECONDS, 4, 0, 0, 14, 16],
    &[SERVER, 4, 172, 31, 0, 3],
];

fn lease() -> Lease {
    Lease {
        address: Ipv4Addr::new(172, 31, 0, 10),
        prefix: 20,
        router: Some(Ipv4Addr::new(172, 31, 0, 1)),
        seconds: 3600,
        server: Ipv4Addr::new(172, 31, 0, 3),
    }
}

#[test]
fn an_offer_is_read_and_taken() {
    let offer = answer(&OFFER);
    assert_eq!(CLIENT_HERE.read(&offer), Some(Said::Offer(lease())));
    let taken = CLIENT_HERE.request(&lease());
    let options = &taken[FIXED + MAGIC.len()..];
    assert_eq!(option(options, KIND), Some(&[3][..]));
    assert_eq!(option(options, ADDRESS), Some(&[172, 31, 0, 10][..]));
    assert_eq!(option(options, SERVER), Some(&[172, 31, 0, 3][..]));
    assert_eq!(option(options, CLIENT), Some(&[1, 2, 0, 0, 0, 0, 7][..]));
    assert!(taken.len() >= LEAST);
}

#[test]
fn yes_and_no_are_told_apart() {
    let mut yes = OFFER;
    yes[0] = &[KIND, 1, 5];
    assert_eq!(CLIENT_HERE.read(&answer(&yes)), Some(Said::Yes(lease())));
    assert_eq!(CLIENT_HERE.read(&answer(&[&[KIND, 1, 6]])), Some(Said::No));
}

#[test]
fn what_is_for_others_or_odd_is_not_taken() {
    let offer = answer(&OFFER);
    for at in [0, 4, 28, FIXED] {
        let mut other = offer.clone();
        other[at] ^= 0x10;
        assert_eq!(CLIENT_HERE.read(&other), None, "{at}");
    }
    for missing in [0, 1, 3, 4] {
        let mut options = OFFER.to_vec();
        options.remove(missing);
        assert_eq!(CLIENT_HERE.read(&answer(&options)), None, "{missing}");
    }
    let mut gap = OFFER;
    gap[1] = &[MASK, 4, 255, 0, 255, 0];
    assert_eq!(CLIENT_HERE.read(&answer(&gap)), None);
    let mut nobody = offer;
    nobody[16..20].copy_from_slice(&[0; 4]);
    assert_eq!(CLIENT_HERE.read(&nobody), None);
    assert_eq!(CLIENT_HERE.read(&CLIENT_HERE.discover()), None);
}

#[test]
fn a_datagram_is_what_comes_by_udp_to_the_port() {
    let mut packet = vec![0; 28];
    packet[0] = 0x45;
    packet[9] = 17;
    packet[22..26].copy_from_slice(&[0, 68, 0, 11]);
    packet.extend(b"yes, and what fills it up");
    assert_eq!(datagram(&packet, 68), Some(&b"yes"[..]));
    assert_eq!(datagram(&packet, 67), None);
    for (at, byte) in [(0, 0x65), (0, 0x4f), (9, 6), (6, 0x20), (25, 7), (25, 255)] {
        let mut other = packet.clone();
        other[at] = byte;
        assert_eq!(datagram(&other, 68), None, "{at}: {byte}");
    }
}

proptest! {
    #[test]
    fn no_packet_ends_the_program(packet in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = datagram(&packet, 68);
    }

    #[test]
    fn no_answer_ends_the_program(options in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = CLIENT_HERE.read(&answer(&[&options]));
    }
}
