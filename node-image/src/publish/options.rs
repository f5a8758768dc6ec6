//! What is asked of a publication, and what has come of it.

use super::error::{Error, Kind};
use super::hash;
use super::names::Identity;
use super::snapshot::{Encryption, WINDOW};
use crate::card::{BootMode, Manifest};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// How an image is published.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to. The disk is sent to the first, and copied from there.
    pub regions: Vec<String>,
    /// A snapshot in the first region whose blocks need not be sent again: that of
    /// the image before, as a rule.
    pub parent: Option<String>,
    /// Encrypted in every region: under its key of `keys`, else under the account's
    /// default key.
    pub encrypt: bool,
    /// The ARNs of the keys, by region.
    pub keys: BTreeMap<String, String>,
    /// Accounts that may use it.
    pub share: Vec<String>,
    /// The most blocks on their way at once.
    pub window: usize,
    /// UEFI's store of variables with the keys for secure boot, as it is or in
    /// Base64.
    pub uefi_data: Option<Vec<u8>>,
    /// GiB of an instance's root volume, if more than the disk's.
    pub gib: u64,
    /// The folder of what an upload leaves here: that of the disk, as a rule.
    pub notes: PathBuf,
}

/// What is in AWS now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Which image.
    pub identity: Identity,
    /// Where all of it is.
    pub regions: BTreeMap<String, InRegion>,
    /// Where something is missing, and why; the same command again goes on with it.
    pub failed: BTreeMap<String, Error>,
}

/// An image in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InRegion {
    /// Its snapshot.
    pub snapshot: String,
    /// Its AMIs.
    pub images: BTreeMap<BootMode, String>,
}

impl Options {
    /// To these regions, with nothing special.
    pub const fn new(regions: Vec<String>, notes: PathBuf) -> Self {
        Self {
            regions,
            parent: None,
            encrypt: false,
            keys: BTreeMap::new(),
            share: Vec::new(),
            window: WINDOW,
            uefi_data: None,
            gib: 0,
            notes,
        }
    }

    /// How it is encrypted in `region`.
    pub(super) fn encryption(&self, region: &str) -> Encryption<'_> {
        match self.keys.get(region) {
            Some(key) => Encryption::Key(key),
            None if self.encrypt => Encryption::DefaultKey,
            None => Encryption::Account,
        }
    }

    /// The store of variables as AWS takes it.
    pub(super) fn uefi_text(&self) -> Option<String> {
        let data = self.uefi_data.as_ref()?;
        // Programs break Base64 into lines.
        let text = str::from_utf8(data).ok().map(|text| text.split_whitespace().collect());
        let text = text.filter(|text: &String| !text.is_empty() && hash::unbase64(text).is_some());
        Some(text.unwrap_or_else(|| hash::base64(data)))
    }

    /// Whether it can be done so with this image; nothing is asked of AWS.
    ///
    /// # Errors
    /// It cannot.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<(), Error> {
        let no = |text: String| Err(Error::new(Kind::Invalid, text));
        if self.regions.is_empty() {
            return no("no region is given".to_owned());
        }
        let once: BTreeSet<&String> = self.regions.iter().collect();
        if once.len() < self.regions.len() {
            return no(format!("a region is given twice: {}", self.regions.join(", ")));
        }
        for (region, key) in &self.keys {
            if !once.contains(region) {
                return no(format!("a key is given for {region}, to which nothing is published"));
            }
            let of = key.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2));
            if of != Some(region) {
                return no(format!("{key} is no ARN of a key in {region}"));
            }
        }
        if let Some(missing) = once.iter().find(|region| !self.keys.contains_key(**region))
            && !self.keys.is_empty()
        {
            return no(format!("no key is given for {missing}: a key is of one region"));
        }
        if self.uefi_data.is_some() {
            if !manifest.signed {
                let text = "keys for secure boot are given, and the image is not signed";
                return Err(Error::new(Kind::Invalid, text)
                    .help("it would not boot: build it with a signing key, or leave them out"));
            }
            if !manifest.boot_modes.contains(&BootMode::Uefi) {
                return no(
                    "keys for secure boot are given, and it does not boot by UEFI".to_owned()
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::manifest;
    use super::*;

    fn options(regions: &[&str]) -> Options {
        let regions = regions.iter().map(|region| (*region).to_owned()).collect();
        Options::new(regions, PathBuf::new())
    }

    fn refused(options: &Options) -> String {
        options.check(&manifest()).unwrap_err().message
    }

    #[test]
    fn what_cannot_be_done_is_refused_before_aws_is_asked() {
        assert!(options(&["eu-west-1", "us-east-1"]).check(&manifest()).is_ok());
        assert!(refused(&options(&[])).contains("no region"));
        assert!(refused(&options(&["eu-west-1", "eu-west-1"])).contains("twice"));
        let arn = |region: &str| format!("arn:aws:kms:{region}:123456789012:key/1");
        let mut one = options(&["eu-west-1"]);
        one.keys.insert("us-east-1".to_owned(), arn("us-east-1"));
        assert!(refused(&one).contains("nothing is published"));
        one.keys = BTreeMap::from([("eu-west-1".to_owned(), arn("us-east-1"))]);
        assert!(refused(&one).contains("no ARN of a key in eu-west-1"));
        let mut two = options(&["eu-west-1", "us-east-1"]);
        two.keys.insert("eu-west-1".to_owned(), arn("eu-west-1"));
        assert!(refused(&two).contains("no key is given for us-east-1"));
    }

    #[test]
    fn keys_for_secure_boot_need_a_signed_image() {
        let mut options = options(&["eu-west-1"]);
        options.uefi_data = Some(vec![1]);
        assert!(refused(&options).contains("not signed"));
        let mut signed = Manifest { signed: true, ..manifest() };
        assert!(options.check(&signed).is_ok());
        signed.boot_modes = vec![BootMode::LegacyBios];
        assert!(options.check(&signed).is_err());
    }

    #[test]
    fn the_store_is_given_in_base64_once() {
        let text = |data: &[u8]| {
            let mut options = options(&["eu-west-1"]);
            options.uefi_data = Some(data.to_vec());
            options.uefi_text()
        };
        assert_eq!(text(b"QU1aTlVFRkk=\n").as_deref(), Some("QU1aTlVFRkk="));
        assert_eq!(text(b"QU1aTl\nVFRkk=\n").as_deref(), Some("QU1aTlVFRkk="));
        assert_eq!(text(b"AMZNUEFI\xff").as_deref(), Some("QU1aTlVFRkn/"));
        assert_eq!(options(&[]).uefi_text(), None);
    }

    #[test]
    fn a_key_is_more_than_the_wish_to_encrypt() {
        let mut options = options(&["eu-west-1"]);
        assert_eq!(options.encryption("eu-west-1"), Encryption::Account);
        options.encrypt = true;
        assert_eq!(options.encryption("eu-west-1"), Encryption::DefaultKey);
        options.keys.insert("eu-west-1".to_owned(), "arn".to_owned());
        assert_eq!(options.encryption("eu-west-1"), Encryption::Key("arn"));
    }
}
