//! Writes a certificate into the variables of OVMF, so that it starts what that
//! certificate's key has signed and nothing else. Sizes and places are those of the
//! UEFI Platform Initialization Specification (firmware volumes) and of EDK II's
//! `VariableFormat.h` (authenticated variables).

/// A GUID as it lies in memory.
type Guid = [u8; 16];

const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> Guid {
    let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

/// `EFI_GLOBAL_VARIABLE`
const GLOBAL: Guid =
    guid(0x8be4_df61, 0x93ca, 0x11d2, [0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c]);
/// `EFI_IMAGE_SECURITY_DATABASE_GUID`
const SECURITY: Guid =
    guid(0xd719_b2cb, 0x3d3a, 0x4596, [0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f]);
/// `EFI_CERT_X509_GUID`
const X509: Guid =
    guid(0xa5c0_59a1, 0x94e4, 0x4aa7, [0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72]);
/// `gEfiAuthenticatedVariableGuid`
const AUTHENTICATED: Guid =
    guid(0xaaf3_2c78, 0x947b, 0x439a, [0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92]);
/// Who enrolled it: any will do.
const OWNER: Guid = *b"floodway-boot-01";

/// The length of the volume's header stands here in it.
const VOLUME_HEADER_LENGTH: usize = 48;
/// The header of the store: its kind, its size, its state.
const STORE_HEADER: usize = 28;
const STORE_SIZE: usize = 16;
/// The header of a variable.
const HEADER: usize = 60;
/// How it starts, and that it is whole.
const START: u16 = 0x55aa;
const ADDED: u8 = 0x3f;
/// Kept, seen at boot and at run time, and changed only by who can sign.
const ATTRIBUTES: u32 = 0x27;
/// Since when it is, `EFI_TIME`: 2020-01-01.
const SINCE: [u8; 16] = [0xe4, 0x07, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// `file` with this certificate, in DER, as platform key, exchange key and the only
/// signer.
///
/// # Errors
/// The file has another form, or no room.
pub(super) fn enrol(file: &[u8], certificate: &[u8]) -> Result<Vec<u8>, &'static str> {
    let other = "these are no empty variables of OVMF; install the package ovmf anew";
    let short = |at: usize| Some(u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?));
    let store = short(VOLUME_HEADER_LENGTH).map(usize::from).ok_or(other)?;
    if file.get(store..store + AUTHENTICATED.len()) != Some(&AUTHENTICATED[..]) {
        return Err(other);
    }
    let size = file.get(store + STORE_SIZE..store + STORE_SIZE + 4).ok_or(other)?;
    let size = u32::from_le_bytes(size.try_into().map_err(|_| other)?);
    let start = store + STORE_HEADER;
    let mut variables = Vec::new();
    let data = signatures(certificate);
    for (name, vendor) in [("PK", GLOBAL), ("KEK", GLOBAL), ("db", SECURITY)] {
        variables.extend(variable(name, &vendor, &data));
    }
    let end = start + variables.len();
    // What is erased is ones.
    let room = file.get(start..end).filter(|_| end <= store.saturating_add(size as usize));
    match room {
        None => Err("the certificate is too long for the variables of OVMF"),
        Some(room) if room.iter().any(|byte| *byte != 0xff) => Err(other),
        Some(_) => {
            let mut file = file.to_vec();
            file[start..end].copy_from_slice(&variables);
            Ok(file)
        }
    }
}

/// `EFI_SIGNATURE_LIST` of one certificate.
fn signatures(certificate: &[u8]) -> Vec<u8> {
    let one = OWNER.len() + certificate.len();
    let list = X509.len() + 12 + one;
    [&X509[..], &length(list), &length(0), &length(one), &OWNER, certificate].concat()
}

/// `AUTHENTICATED_VARIABLE_HEADER`, name and data, up to where the next one starts.
fn variable(name: &str, vendor: &Guid, data: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let mut bytes = Vec::with_capacity(HEADER + name.len() + data.len() + 3);
    bytes.extend(START.to_le_bytes());
    bytes.extend([ADDED, 0]);
    bytes.extend(ATTRIBUTES.to_le_bytes());
    // The count of older, counted variables; then the time instead of it.
    bytes.extend([0; 8]);
    bytes.extend(SINCE);
    bytes.extend([0; 4]);
    bytes.extend(length(name.len()));
    bytes.extend(length(data.len()));
    bytes.extend(vendor);
    bytes.extend(name);
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0xff);
    bytes
}

/// A length that is a certificate's at most, as 32 bits.
fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A volume header of 72 bytes, and an empty store.
    fn empty(room: usize) -> Vec<u8> {
        let mut file = vec![0; 72];
        file[VOLUME_HEADER_LENGTH] = 72;
        file.extend(AUTHENTICATED);
        file.extend(length(STORE_HEADER + room));
        file.extend([0x5a, 0xfe, 0, 0, 0, 0, 0, 0]);
        file.extend(vec![0xff; room]);
        file
    }

    #[test]
    fn each_variable_starts_where_the_one_before_ends() {
        let file = enrol(&empty(4096), b"certificate").unwrap();
        assert_eq!(file.len(), empty(4096).len());
        let mut at = 72 + STORE_HEADER;
        let word = |at: usize| {
            usize::try_from(u32::from_le_bytes(file[at..at + 4].try_into().unwrap())).unwrap()
        };
        for name in ["P\0K\0\0\0", "K\0E\0K\0\0\0", "d\0b\0\0\0"] {
            assert_eq!(file[at..at + 4], [0xaa, 0x55, ADDED, 0], "{name}");
            let (name_size, data_size) = (word(at + 36), word(at + 40));
            let name_at = at + HEADER;
            assert_eq!(&file[name_at..name_at + name_size], name.as_bytes());
            let data = &file[name_at + name_size..name_at + name_size + data_size];
            assert!(data.starts_with(&X509) && data.ends_with(b"certificate"));
            at = (name_at + name_size + data_size).next_multiple_of(4);
        }
        assert!(file[at..].iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn what_is_no_empty_store_is_refused() {
        assert!(enrol(&empty(100), b"certificate").unwrap_err().contains("too long"));
        let full = enrol(&empty(4096), b"certificate").unwrap();
        for other in [&b""[..], &[0; 60], &[0; 4096], &full] {
            assert!(enrol(other, b"certificate").unwrap_err().contains("ovmf"), "{}", other.len());
        }
    }
}
