//! Private keys that are no text: in DER, as dropbear keeps them, and in PKCS #12 stores.
//! What is no store is a key only where all of it is one, from its first byte to its last.

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// With what the names begin, each with its tag and length, of all that keys are encrypted
/// by: of PKCS #5 and of PKCS #12. <https://www.rfc-editor.org/rfc/rfc8018#appendix-C>,
/// <https://www.rfc-editor.org/rfc/rfc7292#appendix-C>
const ENCRYPTED_BY: [&[u8]; 2] = [
    &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05],
    &[0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01],
];
/// What a PKCS #12 store is in: data, or data that are signed.
const STORE: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
/// A key in it, and one that is encrypted: beside them others hold certificates alone.
const BAGS: [&[u8]; 2] = [
    &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x01],
    &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02],
];

/// Whether a file is a private key, or a store with one in it.
pub(super) fn is_key(file: &[u8]) -> bool {
    match file.first() {
        Some(&SEQUENCE) => is_store(file) || is_der(file).unwrap_or(false),
        // What dropbear writes begins with the length of a short name.
        Some(0) => is_dropbear(file).unwrap_or(false),
        _ => false,
    }
}

/// Whether it is a key in DER; none: it is no DER.
fn is_der(file: &[u8]) -> Option<bool> {
    let whole = elements(file)?;
    let [(SEQUENCE, body)] = whole.as_slice() else { return Some(false) };
    let parts = elements(body)?;
    Some(match parts.as_slice() {
        // PKCS #8: <https://www.rfc-editor.org/rfc/rfc5958#section-2>
        [(INTEGER, [0 | 1]), (SEQUENCE, [0x06, ..]), (OCTETS, _), more @ ..] => {
            more.iter().all(|(tag, _)| matches!(tag, 0xa0 | 0xa1 | 0x81))
        }
        // The same, encrypted.
        [(SEQUENCE, by), (OCTETS, _)] => ENCRYPTED_BY.iter().any(|name| by.starts_with(name)),
        // Of an elliptic curve: <https://www.rfc-editor.org/rfc/rfc5915#section-3>
        [(INTEGER, [1]), (OCTETS, secret), more @ ..] => {
            let optional = more.iter().all(|(tag, _)| matches!(tag, 0xa0 | 0xa1));
            !more.is_empty() && optional && (20..=66).contains(&secret.len())
        }
        // RSA's, PKCS #1: <https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.2>
        [(INTEGER, [0 | 1]), numbers @ ..] => {
            let (eight, more) = numbers.split_at_checked(8)?;
            eight.iter().all(|(tag, _)| *tag == INTEGER) && matches!(more, [] | [(SEQUENCE, _)])
        }
        _ => false,
    })
}

/// Whether it is a PKCS #12 store with a key in it, also one whose outer lengths are left
/// open: <https://www.rfc-editor.org/rfc/rfc7292#section-4>
fn is_store(file: &[u8]) -> bool {
    let [_, length, rest @ ..] = file else { return false };
    let further = usize::from(length.saturating_sub(0x80));
    // Version 3, and behind it what it is in.
    let version = rest.get(further..).and_then(|rest| rest.strip_prefix(&[INTEGER, 1, 3]));
    let has = |name: &[u8]| file.windows(name.len()).any(|part| part == name);
    version.is_some_and(|rest| rest.first() == Some(&SEQUENCE))
        && has(STORE)
        && BAGS.into_iter().any(has)
}

/// The elements of DER, each with its tag; none: it is none, or something is left over.
fn elements(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let [tag, first, rest @ ..] = bytes {
        let further = usize::from(first.saturating_sub(0x80));
        let (length, rest) = rest.split_at_checked(further)?;
        let length = match (*first, further) {
            (short @ ..0x80, _) => usize::from(short),
            (_, 1..=4) => length.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte)),
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        found.push((*tag, content));
        bytes = rest;
    }
    bytes.is_empty().then_some(found)
}

/// Whether it is a key as dropbear keeps it, of which a public one is the beginning; none:
/// it is something else. <https://www.rfc-editor.org/rfc/rfc4253#section-6.6>
fn is_dropbear(file: &[u8]) -> Option<bool> {
    /// The most parts that one has: DSA's.
    const MOST: usize = 6;
    let (mut parts, mut bytes) = (Vec::new(), file);
    while !bytes.is_empty() && parts.len() <= MOST {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        parts.push(part);
        bytes = rest;
    }
    let (name, numbers) = parts.split_first().filter(|_| bytes.is_empty())?;
    Some(match *name {
        b"ssh-rsa" => numbers.len() > 2,
        b"ssh-dss" => numbers.len() > 4,
        b"ssh-ed25519" => matches!(numbers, [both] if both.len() == 64),
        name => name.starts_with(b"ecdsa-sha2-") && numbers.len() == 3,
    })
}

#[cfg(test)]
mod tests;
