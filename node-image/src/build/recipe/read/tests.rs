use super::*;
use common::diag::Look;

const WHOLE: &str = r#"
[image]
name = "x"
time = "2026-11-01T00:00:00Z"

[base]
suite = "bookworm"

[packages]
include = ["iproute2"]

[kernel]

[limits]
disk = "210Mi"
"#;

fn said(text: &str) -> String {
    let (read, diagnostics) = read("images/x.toml", text.as_bytes());
    assert_eq!(read.is_none(), diagnostics.has_errors());
    diagnostics.render(Look { width: 200, ..Look::PLAIN })
}

/// Of [`WHOLE`] with `from` replaced.
fn with(from: &str, to: &str) -> String {
    let text = WHOLE.replacen(from, to, 1);
    assert_ne!(text, WHOLE, "{from}");
    said(&text)
}

#[test]
fn the_shipped_recipes_are_good() {
    for (name, text) in [
        ("small", include_str!("../../../../images/small.toml")),
        ("gpu-inference", include_str!("../../../../images/gpu-inference.toml")),
    ] {
        assert_eq!(said(text), "", "{name}");
    }
}

#[test]
fn comments_and_order_change_no_digest_and_a_package_does() {
    let digest = |text: &str| read("x.toml", text.as_bytes()).0.unwrap().digest;
    let (first, rest) = WHOLE.split_once("\n[packages]").unwrap();
    let other = format!("# other\n\n[packages]{rest}{first}");
    assert_eq!(digest(WHOLE), digest(&other));
    assert_ne!(digest(WHOLE), digest(&WHOLE.replace("iproute2", "nvme-cli")));
}

#[test]
fn every_error_names_its_line_and_what_to_do() {
    for (from, to, line, what) in [
        ("name = \"x\"", "name = \"X\"", 3, "`X` is not a name"),
        ("2026-11-01T00:00:00Z", "yesterday", 4, "`yesterday` is not a time"),
        ("2026-11-01T00:00:00Z", "1970-01-01T00:00:00Z", 4, "every file can bear"),
        ("\"bookworm\"", "\"book worm\"", 7, "not a release of Debian"),
        ("include", "inlcude", 10, "include"),
        ("iproute2", "iproute2-", 10, "not the name of a package"),
        ("iproute2", "--yes", 10, "not the name of a package"),
        ("[kernel]", "[kernel]\narguments = [\"a b\"]", 13, "is not one plain word"),
        (
            "[kernel]",
            "[kernel]\narguments = [\"floodway.verity=0\"]",
            13,
            "cannot stand in the image",
        ),
        ("210Mi", "0", 15, "no disk is that small"),
        ("210Mi", "much", 15, "much"),
        (
            "suite = \"bookworm\"",
            "suite = \"bookworm\"\nmirror = \"https://me:secret@deb.example\"",
            8,
            "not the address of a package archive",
        ),
    ] {
        let said = with(from, to);
        assert!(said.contains(&format!("images/x.toml:{line}:")), "{to}: {said}");
        assert!(said.contains(what), "{to}: {said}");
    }
}

#[test]
fn an_extra_file_has_one_content_and_one_place() {
    let file = |text: &str| said(&format!("{WHOLE}\n[[file]]\n{text}"));
    assert_eq!(file("path = \"/etc/x\"\ntext = \"y\""), "");
    for (text, what) in [
        ("path = \"/etc/x\"", "is not said once"),
        ("path = \"/etc/x\"\ntext = \"\"\nsource = \"x\"", "is not said once"),
        ("path = \"etc/x\"\ntext = \"\"", "is not a path from `/`"),
        ("path = \"/etc/../x\"\ntext = \"\"", "is not a path from `/`"),
        ("path = \"/tmp/x\"\ntext = \"\"", "under /tmp"),
        ("path = \"/etc/x\"\nsource = \"../../../etc/passwd\"", "out of the repository"),
        ("path = \"/etc/x\"\ntext = \"\"\nmode = \"rw\"", "no mode of a file"),
        ("path = \"/etc/x\"\ntext = \"AKIAIOSFODNN7EXAMPLE\"", "a secret cannot stand"),
    ] {
        let said = file(text);
        assert!(said.contains(what), "{text}: {said}");
    }
    let twice = "path = \"/etc/x\"\ntext = \"\"\n[[file]]\npath = \"/etc/x\"\ntext = \"\"";
    assert!(file(twice).contains("put there twice"));
}

#[test]
fn a_driver_names_its_branch_and_an_archive_its_hash() {
    let more = |text: &str| said(&format!("{WHOLE}\n{text}"));
    assert_eq!(more("[gpu]\nflavour = \"open\"\nbranch = \"580\""), "");
    assert!(more("[gpu]\nflavour = \"ajar\"\nbranch = \"580\"").contains("open"));
    assert!(more("[gpu]\nflavour = \"open\"\nbranch = \"R580\"").contains("not a branch"));
    let driver = "[gpu]\nflavour = \"open\"\nbranch = \"580\"\nmodules = [\"nvidia\"]";
    let said = more(driver);
    assert!(said.contains("without nvidia-uvm CUDA finds no GPU"), "{said}");
    assert!(said.contains("images/x.toml:20:"), "{said}");
    let archive = "[repositories.nvidia]\nuri = \"https://deb.example/\"\nsuite = \"./\"\n\
                   key = \"nvidia.asc\"\nsha256 = ";
    assert_eq!(more(&format!("{archive}\"{}\"", "a".repeat(64))), "");
    assert!(more(&format!("{archive}\"abc\"")).contains("this is no SHA-256"));
    let pinned = format!("{archive}\"{}\"", "a".repeat(64));
    let of = |suite: &str, components: &str| {
        more(&format!("{}\n{components}", pinned.replace("./", suite)))
    };
    assert_eq!(of("stable", "components = [\"main\"]"), "");
    assert!(of("./", "components = [\"main\"]").contains("has no components"));
    assert!(of("stable", "").contains("which components of `stable` is not said"));
    // Else it would be one more line of apt's, of an archive that nobody pinned.
    let line = "components = [\"main\\ndeb [trusted=yes] http://x ./\"]";
    assert!(of("stable", line).contains("no component"));
}

#[test]
fn what_is_no_toml_is_said_and_never_panics() {
    for text in ["[image", "\u{0}", "x = ", "[[file]]\n[file]", "image = 3"] {
        assert!(!said(text).is_empty(), "{text}");
    }
    assert!(!said("").is_empty());
}
