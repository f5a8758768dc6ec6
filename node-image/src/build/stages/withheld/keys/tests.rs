use super::*;

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length[..], &content[..]].concat()
}

fn ssh(parts: &[&[u8]]) -> Vec<u8> {
    let one = |part: &&[u8]| {
        let length = u32::try_from(part.len()).unwrap().to_be_bytes();
        [&length[..], *part].concat()
    };
    parts.iter().flat_map(one).collect()
}

fn number(bytes: &[u8]) -> Vec<u8> {
    der(INTEGER, &[bytes])
}

/// As `openssl genpkey -algorithm ed25519 -outform DER` writes it.
fn ed25519() -> Vec<u8> {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    [&head[..], &[7; 32]].concat()
}

fn store(bag: &[u8]) -> Vec<u8> {
    let inner = der(OCTETS, &[bag, &[0; 40]]);
    let safe = der(SEQUENCE, &[STORE, &[1], &inner]);
    der(SEQUENCE, &[&[INTEGER, 1, 3], &safe])
}

#[test]
fn keys_are_known_by_what_they_are() {
    let (zero, one, long) = (number(&[0]), number(&[1]), number(&[9; 64]));
    let eight = [&long[..]; 8].concat();
    let secret = der(OCTETS, &[&[7; 32]]);
    let curve = der(0xa0, &[&[6, 1, 1]]);
    let by = der(SEQUENCE, &[ENCRYPTED_BY[0], &[0x0d]]);
    let mut open = vec![SEQUENCE, 0x80];
    open.extend_from_slice(&store(BAGS[1])[4..]);
    for (what, key) in [
        ("PKCS #8", ed25519()),
        ("encrypted", der(SEQUENCE, &[&by, &secret])),
        ("PKCS #1", der(SEQUENCE, &[&zero, &eight])),
        ("of a curve", der(SEQUENCE, &[&one, &secret, &curve])),
        ("PKCS #12", store(BAGS[1])),
        ("PKCS #12 without lengths", open),
        ("dropbear's RSA", ssh(&[b"ssh-rsa", b"e", b"n", b"d", b"p", b"q"])),
        ("dropbear's Ed25519", ssh(&[b"ssh-ed25519", &[7; 64]])),
        ("dropbear's ECDSA", ssh(&[b"ecdsa-sha2-nistp256", b"nistp256", b"Q", b"d"])),
    ] {
        assert!(is_key(&key), "{what}");
    }
}

#[test]
fn what_only_looks_like_one_is_none() {
    let (zero, one, long) = (number(&[0]), number(&[1]), number(&[9; 64]));
    let behind = [&ed25519()[..], &[0]].concat();
    let cut = ed25519()[..40].to_vec();
    let inner = der(SEQUENCE, &[&[6, 1, 1]]);
    for (what, file) in [
        ("nothing", Vec::new()),
        ("zeros", vec![0; 1 << 20]),
        ("a text", b"0123456789".to_vec()),
        ("a key with something behind it", behind),
        ("a part of a key", cut),
        ("a public key", der(SEQUENCE, &[&inner, &der(3, &[&[0; 33]])])),
        ("RSA's public key", der(SEQUENCE, &[&long, &long])),
        ("numbers", der(SEQUENCE, &[&zero, &long, &long])),
        ("a version and a digest", der(SEQUENCE, &[&one, &der(OCTETS, &[&[7; 32]])])),
        ("a store of certificates", store(&[6, 1, 1])),
        ("SSH's public key", ssh(&[b"ssh-rsa", b"e", b"n"])),
        ("another one", ssh(&[b"ssh-ed25519", &[7; 32]])),
    ] {
        assert!(!is_key(&file), "{what}");
    }
}
