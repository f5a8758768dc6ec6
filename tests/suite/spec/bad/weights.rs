//! Weights of forecasters that cannot be read, or may not be named.

use super::super::fixture::{Memory, WHOLE};
use super::{said, snapshot};
use floodway::spec::{LoadError, Loaded, Loader, resolve};

/// The whole fixture with weights named.
fn with(path: &str) -> String {
    WHOLE.replace("[burst]", &format!("[burst]\nforecast = {{ weights = \"{path}\" }}"))
}

struct TooLarge(Memory);

impl Loader for TooLarge {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        if path.ends_with(".safetensors") { Err(LoadError::TooLarge) } else { self.0.load(path) }
    }
}

#[test]
fn weight_files() {
    let alone = |path: &str| said([("e/prod.toml", with(path).as_bytes())]);
    let large = || {
        let text = with("w.safetensors");
        let files = TooLarge(Memory::new([("e/prod.toml", text.as_bytes())]));
        let (_, found) = resolve("e/prod.toml", &files);
        found.render(floodway::diag::Look::PLAIN)
    };
    let two = with("w.safetensors")
        .replace("hpa = { cpu = \"70%\", requests_per_second = 1000 }", "")
        .replace(
            "[signals]",
            "[signals]\ndemand = { inference = 'sum(a)', preprocess = 'sum(b)' }",
        );
    let files: [(&str, &[u8]); 2] =
        [("e/prod.toml", two.as_bytes()), ("e/w.safetensors", &[0xff, 0, 1])];
    let parts = [
        ("out of the folder", alone("../../w.safetensors")),
        ("not relative", alone("/etc/w.safetensors")),
        ("not there", alone("weights/w.safetensors")),
        ("too large", large()),
        ("of one load, where there are two", said(files)),
    ];
    let part = |(title, text): &(&str, String)| format!("## {title}\n{text}");
    snapshot(parts.iter().map(part).collect::<Vec<_>>().join("\n"));
}

#[test]
fn weights_are_a_part_of_what_an_environment_means() {
    let text = with("w.safetensors");
    let digest = |bytes: &[u8]| {
        let files = [("e/prod.toml", text.as_bytes()), ("e/w.safetensors", bytes)];
        let (resolved, found) = resolve("e/prod.toml", &Memory::new(files));
        resolved.unwrap_or_else(|| panic!("{found:?}")).digest
    };
    assert_eq!(digest(b"a"), digest(b"a"));
    assert_ne!(digest(b"a"), digest(b"b"));
}
