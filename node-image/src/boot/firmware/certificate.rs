//! A certificate, from the file that a user has.

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// `rsaEncryption`, in DER: what kind of key a certificate is of (RFC 3279, 2.3.1).
const RSA: [u8; 11] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// Whether the certificate in `file` (X.509, PEM or DER) is of an RSA key: signatures of
/// others have something random in them.
///
/// # Errors
/// There is none; the text says what to give.
pub fn is_of_rsa(file: &[u8]) -> Result<bool, &'static str> {
    Ok(der(file)?.windows(RSA.len()).any(|part| part == RSA))
}

/// The certificate in `file`, which is PEM or DER already, as DER (RFC 7468, X.690).
///
/// # Errors
/// There is none; the text says what to give.
pub(super) fn der(file: &[u8]) -> Result<Vec<u8>, &'static str> {
    let text = std::str::from_utf8(file).unwrap_or_default();
    let der = match text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)) {
        Some((body, _)) => base64(body).ok_or("the certificate's base64 cannot be read")?,
        None => file.to_vec(),
    };
    // A sequence whose length is all that there is.
    let whole = match der.as_slice() {
        [0x30, 0x82, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])) + 4,
        [0x30, 0x81, length, ..] => usize::from(*length) + 3,
        _ => 0,
    };
    if whole == 0 || whole != der.len() {
        return Err("this is no certificate: give one in PEM (BEGIN CERTIFICATE) or DER");
    }
    Ok(der)
}

/// Base64 with its line breaks (RFC 4648).
fn base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let length = text.len() - text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let mut bytes = Vec::with_capacity(length * 3 / 4);
    for group in text.get(..length)?.chunks(4) {
        let mut word = 0;
        for byte in group {
            word = word << 6 | sextet(*byte)?;
        }
        let bits = group.len() * 6;
        // Left over are the bits that fill no byte.
        let word = word << (24 - bits);
        bytes.extend_from_slice(&u32::to_be_bytes(word)[1..=bits / 8]);
    }
    Some(bytes)
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    /// A certificate of such a key, signed by itself.
    fn certificate(key: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let (keys, made) = (folder.path().join("key.pem"), folder.path().join("made.pem"));
        let run = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-subj", "/CN=test", "-newkey"])
            .args(key)
            .arg("-keyout")
            .arg(keys)
            .arg("-out")
            .arg(&made)
            .output();
        assert!(run.unwrap().status.success());
        std::fs::read(made).unwrap()
    }

    #[test]
    fn a_certificate_of_an_rsa_key_is_told_from_others() {
        assert_eq!(is_of_rsa(&certificate(&["rsa:2048"])), Ok(true));
        let p256 = certificate(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        assert_eq!(is_of_rsa(&p256), Ok(false));
        assert!(is_of_rsa(b"hello").is_err());
    }

    #[test]
    fn base64_is_read_with_its_line_breaks_and_its_padding() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9v\nYmE=\n", "fooba")]
        {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes(), "{text}");
        }
        assert_eq!(base64("Zm9-"), None);
    }

    #[test]
    fn pem_and_der_give_the_same() {
        let der_file = [&[0x30, 0x81, 0x03][..], b"abc"].concat();
        assert_eq!(der(&der_file).unwrap(), der_file);
        let pem = format!("Subject: x\n{BEGIN}\nMIEDYWJj\n{END}\n");
        assert_eq!(der(pem.as_bytes()).unwrap(), der_file);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for wrong in [&b""[..], b"hello", &[0x30, 0x82, 0xff, 0xff, 1], b"\x30\x81\x02abc"] {
            assert!(der(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_file_ends_the_program(file in proptest::collection::vec(any::<u8>(), 0..80), text in "\\PC{0,40}") {
            let _ = der(&file);
            let _ = base64(&text);
        }
    }
}
