//! Files that someone made to break the reader: always an error, never a panic,
//! an overflow or a wait.

use super::fixture::{Memory, WHOLE};
use floodway::diag::Look;
use floodway::spec::{MAX_FILE, resolve};
use proptest::prelude::*;

/// Reads `text` and renders all that is said about it; whether it was accepted.
fn accepted(text: impl Into<Vec<u8>>) -> bool {
    let memory = Memory::new([("a.toml", text.into())]);
    let (resolved, diagnostics) = resolve("a.toml", &memory);
    let said = diagnostics.render(Look::PLAIN);
    assert!(said.len() < 4 << 20, "{} bytes are more than anyone reads", said.len());
    let _ = diagnostics.to_json();
    assert_eq!(resolved.is_none(), diagnostics.has_errors());
    resolved.is_some()
}

#[test]
fn deep_wide_and_broken_files_are_errors() {
    let key = ["a"; 79].join(".");
    let inline = format!("{key} = {{");
    let wide: String = (0..60_000).map(|n| format!("k{n}=[1],")).collect();
    for (what, text) in [
        ("arrays", format!("x = {}", "[".repeat(10_000))),
        ("closed arrays", format!("x = {}{}", "[".repeat(10_000), "]".repeat(10_000))),
        ("inline tables", "x = {a=".repeat(10_000)),
        ("a dotted key", format!("{} = 1", ["a"; 10_000].join("."))),
        ("a dotted header", format!("[{}]", ["a"; 10_000].join("."))),
        ("dots times brackets", format!("{}1{}", inline.repeat(79), "}".repeat(79))),
        ("the same twice", format!("a=1\n{0}1{1}\n{0}1{1}", inline.repeat(79), "}".repeat(79))),
        ("a giant array", format!("slo = [{}]", "1,".repeat(400_000))),
        ("unknown keys on one line", format!("service = {{{wide}}}")),
        ("unknown keys", (0..60_000).map(|n| format!("k{n} = 1\n")).collect()),
        ("one key again and again", "k = 1\n".repeat(100_000)),
        ("tables of an array", "[[moved]]\n".repeat(90_000)),
        ("quotes", "'''\"\"\"".repeat(100_000)),
        ("junk", "\u{1}= [{,".repeat(100_000)),
        ("a key of a megabyte", format!("[slo]\n{} = 1", "x".repeat(MAX_FILE - 100))),
        ("a name of a megabyte", format!("[environment]\nname = '{}'", "x".repeat(MAX_FILE - 100))),
        ("nothing", String::new()),
    ] {
        assert!(!accepted(text), "{what}");
    }
}

#[test]
fn a_file_beyond_the_limit_is_not_even_parsed() {
    assert!(!accepted(vec![b'['; 100 << 20]));
    assert!(!accepted(WHOLE.to_owned() + &"#".repeat(MAX_FILE)));
}

#[test]
fn many_pools_with_one_mistake_each_are_cut_short() {
    let pools: String = (0..5_000)
        .map(|n| format!("[onprem.pools.p{n}]\nstage='infrence'\nreplicas=1\ncapacity='1 req/s'\n"))
        .collect();
    let memory = Memory::new([("a.toml", WHOLE.to_owned() + &pools)]);
    let (_, diagnostics) = resolve("a.toml", &memory);
    assert_eq!(diagnostics.counts(), (5_000, 0));
    assert!(diagnostics.render(Look::PLAIN).ends_with("\n... and 4900 more\n"));
}

#[test]
fn a_file_that_is_extended_twice_by_each_other_is_read_once() {
    let names: Vec<&'static str> =
        (0..16).map(|at| &*Box::leak(format!("f{at}.toml").into_boxed_str())).collect();
    let files = names.iter().enumerate().map(|(at, name)| match names.get(at + 1) {
        Some(next) => (*name, format!("extends = [\"{next}\", \"./{next}\"]\n")),
        None => (*name, WHOLE.to_owned()),
    });
    let (resolved, diagnostics) = resolve("f0.toml", &Memory::new(files));
    assert!(resolved.is_some(), "{}", diagnostics.render(Look::PLAIN));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        accepted(bytes);
    }

    #[test]
    fn no_damage_makes_it_panic(
        at in 0..WHOLE.len(), length in 0..40usize, with in "[\\[\\]{}=.,\"'#\\n a0é%]{0,4}",
    ) {
        let end = (at + length).min(WHOLE.len());
        accepted([&WHOLE.as_bytes()[..at], with.as_bytes(), &WHOLE.as_bytes()[end..]].concat());
    }
}
