//! Files that someone made to break the reader: always an error, never a panic,
//! an overflow or a wait.

use super::fixture::{Memory, WHOLE};
use floodway::diag::Look;
use floodway::spec::{MAX_FILE, resolve};
use proptest::prelude::*;

/// What is said about `text`, and whether it was accepted.
fn judged(text: impl Into<Vec<u8>>) -> (bool, String) {
    let memory = Memory::new([("a.toml", text.into())]);
    let (resolved, diagnostics) = resolve("a.toml", &memory);
    let said = diagnostics.render(Look::PLAIN);
    assert!(said.len() < 4 << 20, "{} bytes are more than anyone reads", said.len());
    let _ = diagnostics.to_json();
    assert_eq!(resolved.is_none(), diagnostics.has_errors());
    (resolved.is_some(), said)
}

/// A right environment, but for what is put before it.
fn after(text: impl AsRef<str>) -> String {
    format!("{}\n{WHOLE}", text.as_ref())
}

/// A right environment, but for what is put in the place of a part of it.
fn instead(of: &str, text: impl AsRef<str>) -> String {
    assert!(WHOLE.contains(of), "the fixture has no {of}");
    WHOLE.replace(of, text.as_ref())
}

#[test]
fn deep_wide_and_broken_files_are_errors_for_what_they_are() {
    let key = ["a"; 79].join(".");
    let inline = format!("{key} = {{");
    let (open, close) = (inline.repeat(79), "}".repeat(79));
    let long = "x".repeat(MAX_FILE - 3000);
    let wide: String = (0..60_000).map(|n| format!("k{n}=[1],")).collect();
    let unknown: String = (0..60_000).map(|n| format!("k{n} = 1\n")).collect();
    let budget = "budget = { usd_per_hour = 120, usd_per_month = 30000.5 }";
    let moved = "[[moved]]\nfrom = \"l40s\"\nto = \"g6e\"\n";
    let (deep, twice) = ("nested too deep", "`k` is declared twice");
    assert!(judged(after("")).0);
    for (text, why) in [
        (after(format!("x = {}", "[".repeat(10_000))), deep),
        (after(format!("x = {}{}", "[".repeat(10_000), "]".repeat(10_000))), deep),
        (after("x = {a=".repeat(10_000)), deep),
        (after(format!("{} = 1", ["a"; 10_000].join("."))), deep),
        (after(format!("[{}]", ["a"; 10_000].join("."))), deep),
        (after(format!("{open}1{close}")), deep),
        (after(format!("a=1\n{open}1{close}\n{open}1{close}")), deep),
        (after("\u{1}= [{,".repeat(100_000)), deep),
        (after("'''\"\"\"".repeat(100_000)), "not TOML"),
        (after("=".repeat(1_000_000)), "not TOML"),
        (after("k = 1\n".repeat(100_000)), twice),
        (after("[k]\n".repeat(100_000)), twice),
        (after("[k]\n[k]\n".to_owned() + &"k=1\n".repeat(200_000)), twice),
        (after(unknown), "unknown key `k0` at the top"),
        (after(format!("{long} = 1")), "error: unknown key"),
        (instead(budget, format!("budget = {{{wide}}}")), "unknown key `k0` in `burst.budget`"),
        (instead(moved, "[[moved]]\n".repeat(90_000)), "`moved.0.from` is missing"),
        (instead(moved, format!("moved = [{}]", "1,".repeat(400_000))), "unknown key `moved`"),
        (instead("stages.preprocess", format!("stages.{long}")), "is not a name"),
        (instead("\"prod\"", format!("'{long}'")), "is not a name"),
    ] {
        let begins: String = text.chars().take(40).collect();
        let (accepted, said) = judged(text);
        let told = said.contains(why);
        let said: String = said.chars().take(2000).collect();
        assert!(!accepted && told, "not `{why}` of {begins}: {said}");
    }
    assert!(!judged("").0);
}

#[test]
fn a_file_beyond_the_limit_is_not_even_parsed() {
    let large = |length: usize| WHOLE.to_owned() + &"#".repeat(length - WHOLE.len());
    assert!(judged(large(MAX_FILE)).0);
    for length in [MAX_FILE + 1, 100 << 20] {
        let (accepted, said) = judged(large(length));
        assert!(!accepted);
        assert!(said.starts_with("error: the file is larger than 1024 KiB"), "{said}");
        assert_eq!(said.matches("error").count(), 1, "{said}");
    }
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
        judged(bytes);
    }

    #[test]
    fn no_damage_makes_it_panic(
        at in 0..WHOLE.len(), length in 0..40usize, with in "[\\[\\]{}=.,\"'#\\n a0é%]{0,4}",
    ) {
        let end = (at + length).min(WHOLE.len());
        judged([&WHOLE.as_bytes()[..at], with.as_bytes(), &WHOLE.as_bytes()[end..]].concat());
    }
}
