use super::*;
use crate::plan::tests::world::World;
use proptest::prelude::*;

#[test]
fn what_is_read_is_what_was_written() {
    let empty = World::empty().plan();
    assert_eq!(decode(&encode(&empty)), Ok(empty));
    let mut world = World::applied();
    world.environment.onprem.as_mut().unwrap().pools.remove("h100");
    let plan = world.plan();
    assert!(!plan.is_empty());
    assert_eq!(encode(&plan), encode(&world.plan()), "the same plan, the same bytes");
    assert_eq!(decode(&encode(&plan)), Ok(plan));
}

#[test]
fn other_files_and_cut_off_ones_are_told_apart() {
    let bytes = encode(&World::empty().plan());
    for foreign in [&b"PK\x03\x04"[..], b"{}", b"floodway plan", b"\xff\xfe"] {
        assert_eq!(decode(foreign), Err(SavedError::Foreign));
    }
    for length in [0, 5, 14, 17, 40, 60, 110, 200, bytes.len() - 1] {
        let found = decode(&bytes[..length]);
        assert!(
            matches!(
                found,
                Err(SavedError::NoHeader { found } | SavedError::Truncated { found, .. })
                    if found == length
            ),
            "{length}: {found:?}"
        );
    }
    let mut longer = bytes;
    longer.push(b' ');
    assert_eq!(decode(&longer), Err(SavedError::Damaged));
}

#[test]
fn a_newer_minor_is_read_on_and_a_newer_major_is_not() {
    let plan = World::empty().plan();
    let mut value: serde_json::Value = serde_json::from_slice(&payload(&plan)).unwrap();
    value["added_later"] = "ignored".into();
    value["changes"][0]["added_later"] = 1.into();
    let text = serde_json::to_vec(&value).unwrap();
    assert_eq!(decode(&envelope(1, 7, "1.4.0", &text)), Ok(plan));
    let newer = SavedError::Newer { major: 3, writer: "2.0.0".into() };
    assert_eq!(decode(&envelope(3, 0, "2.0.0", b"whatever it is")), Err(newer.clone()));
    assert_eq!(decode(b"floodway-plan 3.0\nfloodway 2.0.0\n"), Err(newer));
    assert!(matches!(decode(&envelope(0, 9, "0.0.1", &text)), Err(SavedError::Unreadable(_))));
    assert!(matches!(decode(&envelope(1, 0, "0.1.0", b"{}")), Err(SavedError::Unreadable(_))));
}

#[test]
fn what_was_written_on_purpose_to_mislead_is_an_error_too() {
    let long = b"floodway-plan 1.0\nfloodway 0.1.0\nsha256 x 18446744073709551615\n{}";
    assert!(matches!(decode(long), Err(SavedError::Truncated { .. })));
    let plan = World::empty().plan();
    for after in [0, 999_999] {
        let mut circular = plan.clone();
        circular.changes[0].after = vec![after];
        assert!(matches!(decode(&encode(&circular)), Err(SavedError::Unreadable(_))), "{after}");
    }
}

proptest! {
    #[test]
    fn any_flipped_bit_is_detected(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        thread_local!(static BYTES: Vec<u8> = encode(&World::empty().plan()));
        let mut bytes = BYTES.with(Clone::clone);
        // The header is short and has the more to go wrong: try it as often.
        let at = if bit % 2 == 0 { at.index(bytes.len()) } else { at.index(120) };
        bytes[at] ^= 1 << bit;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(tail in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut bytes = MAGIC.as_bytes().to_vec();
        bytes.extend(tail);
        prop_assert!(decode(&bytes).is_err());
    }
}
