//! What an image is called in AWS: its tags, its AMIs' names, and the tokens by
//! which AWS knows a call again.

use super::error::{Error, Kind};
use super::hash;
use crate::card::{BootMode, Manifest, SCHEMA};
use crate::channel::check_name;

/// The recipe's name.
pub(super) const IMAGE: &str = "floodway.dev/image";
/// The manifest's digest, 64 hex digits.
pub(super) const MANIFEST: &str = "floodway.dev/manifest";
/// How an AMI boots.
pub(super) const BOOT_MODE: &str = "floodway.dev/boot-mode";
/// The snapshot whose blocks a snapshot was built on.
pub(super) const PARENT: &str = "floodway.dev/parent";
/// The region that a snapshot was copied from, on copies alone.
pub(super) const COPIED_FROM: &str = "floodway.dev/copied-from";

/// Which image it is: the same on every machine and in every region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The recipe's name.
    pub name: String,
    /// SHA-256 in hex of `manifest.json`.
    pub manifest: String,
}

impl Identity {
    /// The image of which `bytes` is the `manifest.json`, and what that says.
    ///
    /// # Errors
    /// It is no manifest, or names the image as AWS does not let it.
    pub fn read(bytes: &[u8]) -> Result<(Self, Manifest), Error> {
        let no = |why: String| {
            Error::new(Kind::Invalid, format!("this is no manifest: {why}"))
                .help("give the manifest.json that `floodway image build` has written")
        };
        let manifest: Manifest =
            serde_json::from_slice(bytes).map_err(|error| no(error.to_string()))?;
        if manifest.schema != SCHEMA {
            return Err(no(format!("its schema is {}, not {SCHEMA}", manifest.schema)));
        }
        let name = check_name(&manifest.name).map_err(|error| no(error.to_string()))?;
        if manifest.boot_modes.is_empty() {
            return Err(no("it boots by no means".to_owned()));
        }
        let digest = hash::hex(&hash::sha256(bytes));
        Ok((Self { name, manifest: digest }, manifest))
    }

    /// The first 12 digits of the digest: what names have room for.
    pub fn short(&self) -> &str {
        self.manifest.get(..12).unwrap_or(&self.manifest)
    }

    /// The name of the AMI that boots by `mode`.
    pub fn ami(&self, mode: BootMode) -> String {
        format!("floodway-{}-{}-{}", self.name, self.short(), mode.as_str())
    }

    /// What a snapshot of it is tagged with.
    pub(super) fn tags(&self, parent: Option<&str>) -> Vec<(&'static str, String)> {
        let mut tags = vec![(IMAGE, self.name.clone()), (MANIFEST, self.manifest.clone())];
        tags.extend(parent.map(|parent| (PARENT, parent.to_owned())));
        tags
    }

    /// What a person reads in the console.
    pub(super) fn description(&self) -> String {
        format!("Floodway image {}, manifest {}", self.name, self.short())
    }

    /// The token of a snapshot's start: the same for the same request, and another
    /// where the snapshots `stale`, which AWS would answer with again, are of no use.
    pub(super) fn token(&self, request: &[&str], stale: &[String]) -> String {
        let mut text = format!("floodway snapshot 1\n{}\n{}\n", self.name, self.manifest);
        for part in request.iter().copied().chain(stale.iter().map(String::as_str)) {
            text.push_str(part);
            text.push('\n');
        }
        // All of the 64 characters that a token may have.
        hash::hex(&hash::sha256(text.as_bytes()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An image for tests.
    pub(in crate::publish) fn identity() -> Identity {
        Identity { name: "small".to_owned(), manifest: "ab".repeat(32) }
    }

    /// Its manifest, of no disk.
    pub(in crate::publish) fn manifest() -> Manifest {
        crate::card::small(&"00".repeat(32))
    }

    #[test]
    fn an_ami_is_named_by_what_it_is() {
        assert_eq!(identity().ami(BootMode::Uefi), "floodway-small-abababababab-uefi");
        assert_eq!(identity().ami(BootMode::LegacyBios), "floodway-small-abababababab-legacy-bios");
    }

    #[test]
    fn a_token_differs_with_the_request_and_with_what_is_stale() {
        let one = identity().token(&["1", "none"], &[]);
        assert_eq!(one, identity().token(&["1", "none"], &[]));
        assert_eq!(one.len(), 64);
        assert_ne!(one, identity().token(&["2", "none"], &[]));
        assert_ne!(one, identity().token(&["1", "none"], &["snap-1".to_owned()]));
    }

    #[test]
    fn a_manifest_names_the_image_by_its_bytes() {
        let bytes = serde_json::to_vec(&manifest()).unwrap();
        let (identity, read) = Identity::read(&bytes).unwrap();
        assert_eq!(read, manifest());
        assert_eq!(identity.manifest, hash::hex(&hash::sha256(&bytes)));
        let no = |manifest: Manifest| {
            Identity::read(&serde_json::to_vec(&manifest).unwrap()).unwrap_err().message
        };
        assert!(no(Manifest { schema: 9, ..manifest() }).contains("schema is 9"));
        assert!(no(Manifest { name: "a/b".to_owned(), ..manifest() }).contains("no name"));
        assert!(no(Manifest { boot_modes: vec![], ..manifest() }).contains("boots by no means"));
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for text in ["", "{}", "{\"schema\": 1}"] {
            let error = Identity::read(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind, Kind::Invalid, "{text}");
        }
    }
}
