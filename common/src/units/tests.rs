use super::*;
use proptest::prelude::*;

#[test]
fn texts_become_whole_numbers_of_the_smallest_unit() {
    assert_eq!("18 req/s".parse::<Rate>().unwrap().millis(), 18_000);
    assert_eq!("0.5req/s".parse::<Rate>().unwrap().millis(), 500);
    assert_eq!("99.95%".parse::<Share>().unwrap().millionths(), 999_500);
    assert_eq!("500ms".parse::<Span>().unwrap().millis(), 500);
    assert_eq!("1.5h".parse::<Span>().unwrap().millis(), 5_400_000);
    assert_eq!("2w".parse::<Span>().unwrap(), Span::from_secs(14 * 86_400));
    assert_eq!("8".parse::<Cpu>().unwrap().millis(), 8000);
    assert_eq!("0.5".parse::<Cpu>().unwrap(), "500m".parse().unwrap());
    assert_eq!("64Gi".parse::<Memory>().unwrap().bytes(), 64 << 30);
    assert_eq!("$10.49/h".parse::<UsdPerHour>().unwrap().micros(), 10_490_000);
}

#[test]
fn what_has_no_unit_or_is_too_much_is_an_error_that_shows_how_to_write_it() {
    let bad = "18".parse::<Rate>().unwrap_err();
    assert_eq!(bad.to_string(), "`18` is not a request rate: write it like \"18 req/s\"");
    for text in ["", "-1s", "1", "s", "1 parsec", "1e3s", "99999999999999999999s", "0.0001ms"] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
    for text in ["1.", ".5%", "1,5%", "٣%", "0.00001%"] {
        assert!(text.parse::<Share>().is_err(), "{text}");
    }
    assert!("18446744073709551615Ti".parse::<Memory>().is_err());
    assert!("99999Ti".parse::<Memory>().is_ok());
    assert!("999999999w".parse::<Span>().is_ok());
}

#[test]
fn quantities_print_as_kubernetes_writes_them() {
    assert_eq!("0.5".parse::<Cpu>().unwrap().to_string(), "500m");
    assert_eq!("1024Mi".parse::<Memory>().unwrap().to_string(), "1Gi");
    assert_eq!("1.5Gi".parse::<Memory>().unwrap().to_string(), "1536Mi");
}

#[test]
fn units_needed_for_a_rate_are_rounded_up() {
    let rate = |text: &str| text.parse::<Rate>().unwrap();
    assert_eq!(rate("220 req/s").div_ceil(rate("18 req/s")), 13);
    assert_eq!(rate("36 req/s").div_ceil(rate("18 req/s")), 2);
    assert_eq!(rate("0 req/s").div_ceil(rate("0 req/s")), 0);
    assert_eq!(rate("1 req/s").div_ceil(rate("0 req/s")), u32::MAX);
}

proptest! {
    #[test]
    fn every_value_prints_a_text_that_parses_back_to_it(value in 0u64..1 << 50) {
        prop_assert_eq!(Rate::from_millis(value).to_string().parse(), Ok(Rate::from_millis(value)));
        let share = Share::from_millionths(value);
        prop_assert_eq!(share.to_string().parse(), Ok(share));
        prop_assert_eq!(Span::from_millis(value).to_string().parse(), Ok(Span::from_millis(value)));
        prop_assert_eq!(Cpu::from_millis(value).to_string().parse(), Ok(Cpu::from_millis(value)));
        prop_assert_eq!(Memory::from_bytes(value).to_string().parse(), Ok(Memory::from_bytes(value)));
        let price = UsdPerHour::from_micros(value);
        prop_assert_eq!(price.to_string().parse(), Ok(price));
        let price = UsdPerMonth::from_micros(value);
        prop_assert_eq!(price.to_string().parse(), Ok(price));
    }

    #[test]
    fn no_text_makes_a_unit_panic(text in ".{0,24}") {
        let _ = text.parse::<Rate>();
        let _ = text.parse::<Share>();
        let _ = text.parse::<Span>();
        let _ = text.parse::<Cpu>();
        let _ = text.parse::<Memory>();
        let _ = text.parse::<UsdPerHour>();
    }
}
