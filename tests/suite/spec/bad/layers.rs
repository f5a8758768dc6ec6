//! Files that are laid upon each other, and go wrong there.

use super::{said, snapshot};
use crate::spec::fixture::{Memory, WHOLE};
use floodway::diag::Look;
use floodway::spec::resolve;

#[test]
fn extends() {
    snapshot(
        [
            said([
                ("e/a.toml", b"extends = \"b.toml\"\n"),
                ("e/b.toml", b"extends = [\"c.toml\"]"),
                ("e/c.toml", b"extends = \"../e/a.toml\""),
            ]),
            said([(
                "e/a.toml",
                b"extends = [\"../../x.toml\", \"/etc/passwd\", \"none.toml\", 3]",
            )]),
            said([("a.toml", b"extends = \"b.toml\"\n"), ("b.toml", b"x = \n")]),
            said([("empty.toml", b"")]),
            resolve("none.toml", &Memory::new([("a.toml", "")])).1.render(Look::PLAIN),
            resolve("e/prd.toml", &Memory::new([("e/prod.toml", "")])).1.render(Look::PLAIN),
            said([
                ("e/a.toml", b"extends = [\"bse.toml\", \"base\", \"../e/Base.toml\"]"),
                ("e/base.toml", b""),
            ]),
            chain(20),
            said([
                ("a.toml", b"extends = \"b.toml\"\nslo = 3\nservice.stages.inference.gpus.x = 2\n"),
                ("b.toml", WHOLE.as_bytes()),
            ]),
        ]
        .join("\n"),
    );
}

#[test]
fn unset() {
    let base = ("base.toml", WHOLE.as_bytes());
    let with = |text: &'static str| said([("a.toml", text.as_bytes()), base]);
    snapshot(
        [
            with("unset = [\"slo\"]\n"),
            with("extends = \"base.toml\"\nunset = [\"onprem.pool.h100\", \"slo.tpot\", \"slo.x.y\"]\n"),
            with("extends = \"base.toml\"\nunset = [3, \"a..b\"]\n"),
            with("extends = \"base.toml\"\nunset = \"slo\"\n"),
            with("extends = \"base.toml\"\n[slo]\nunset = [\"slo.error_rate\"]\n"),
            with("extends = \"base.toml\"\nunset = [\"service\"]\n"),
        ]
        .join("\n"),
    );
}

/// Files that extend each other in a row of `length`.
fn chain(length: usize) -> String {
    let names: Vec<&'static str> =
        (0..=length).map(|at| &*Box::leak(format!("f{at}.toml").into_boxed_str())).collect();
    let text = |at: usize| format!("extends = \"f{}.toml\"\n", at + 1);
    let files = (0..length).map(|at| (names[at], text(at)));
    let (_, diagnostics) = resolve("f0.toml", &Memory::new(files));
    diagnostics.render(Look::PLAIN)
}
