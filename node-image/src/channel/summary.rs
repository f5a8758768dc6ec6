//! What is known of a build by AWS alone, small enough for Parameter Store.

use super::ValueError;
use super::names::{is_digest, is_region};
use crate::card::{Driver, Manifest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Read;

/// Characters that one parameter takes:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>
const MOST: usize = 8192;
/// Parameters of one build, beside the first: 60,000 characters hold some 5,000
/// packages.
pub const MOST_PARTS: usize = 7;
/// Bytes of the list of packages, unpacked: what is not ours may claim anything.
const MOST_BYTES: u64 = 1 << 20;

/// A build in short: what tells two of them apart for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The digest of its manifest.
    pub manifest: String,
    /// The release of its kernel.
    pub kernel: String,
    /// The flavour and version of its GPU driver; none: it has none.
    pub driver: Option<String>,
    /// Names and versions of its packages, sorted.
    pub packages: Vec<(String, String)>,
    /// The regions to which it has been published.
    pub regions: BTreeSet<String>,
    /// The regions that its recipe names, in its order.
    pub declared: Vec<String>,
}

/// As it stands in the first parameter.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    manifest: String,
    kernel: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    driver: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    regions: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    declared: Vec<String>,
    /// How many parameters hold the rest of `packages`.
    #[serde(default, skip_serializing_if = "is_none")]
    parts: usize,
    /// Lines of name and version, deflated, in base64.
    packages: String,
}

fn is_none(parts: &usize) -> bool {
    *parts == 0
}

impl Summary {
    /// What is worth to be known of the build with this manifest, whose digest is
    /// `digest`, before it is published anywhere.
    pub fn of(manifest: &Manifest, digest: &str) -> Self {
        let driver = |driver: &Driver| format!("{} {}", driver.flavour, driver.version);
        let named = manifest.packages.iter().map(|one| (one.name.clone(), one.version.clone()));
        let mut packages: Vec<_> = named.collect();
        packages.sort();
        // One of each architecture, say.
        packages.dedup();
        let declared = manifest.regions.iter().filter(|region| is_region(region));
        Self {
            manifest: digest.to_owned(),
            kernel: manifest.kernel.clone(),
            driver: manifest.driver.as_ref().map(driver),
            packages,
            regions: BTreeSet::new(),
            declared: declared.cloned().collect(),
        }
    }

    /// The texts of its parameters, the first first.
    ///
    /// # Errors
    /// It needs more of them than [`MOST_PARTS`].
    pub fn write(&self) -> Result<Vec<String>, ValueError> {
        let lines: String =
            self.packages.iter().map(|(name, version)| format!("{name} {version}\n")).collect();
        let mut packed = Vec::new();
        DeflateEncoder::new(lines.as_bytes(), Compression::best())
            .read_to_end(&mut packed)
            .map_err(|error| ValueError(error.to_string()))?;
        let packed = STANDARD.encode(packed);
        let first = |packages: &str, parts: usize| {
            let wire = Wire {
                manifest: self.manifest.clone(),
                kernel: self.kernel.clone(),
                driver: self.driver.clone(),
                regions: self.regions.clone(),
                declared: self.declared.clone(),
                parts,
                packages: packages.to_owned(),
            };
            serde_json::to_string(&wire).map_err(|error| ValueError(error.to_string()))
        };
        let around = first("", MOST_PARTS)?.len();
        let here = MOST.checked_sub(around).map(|room| room.min(packed.len()));
        let Some((begin, rest)) = here.and_then(|here| packed.split_at_checked(here)) else {
            let why = "its kernel, driver and regions have too long names";
            return Err(ValueError(why.to_owned()));
        };
        let rest: Vec<&str> = rest
            .as_bytes()
            .chunks(MOST)
            .filter_map(|chunk| std::str::from_utf8(chunk).ok())
            .collect();
        if rest.len() > MOST_PARTS {
            return Err(ValueError(format!("it has {} packages", self.packages.len())));
        }
        let mut texts = vec![first(begin, rest.len())?];
        texts.extend(rest.into_iter().map(str::to_owned));
        Ok(texts)
    }

    /// How many parameters there are beside the first, whose text this is.
    ///
    /// # Errors
    /// It is none.
    pub fn parts(first: &str) -> Result<usize, ValueError> {
        match wire(first)?.parts {
            parts @ ..=MOST_PARTS => Ok(parts),
            many => Err(ValueError(format!("{many} parts are too many"))),
        }
    }

    /// The regions to which the build with the manifest of this digest has been published,
    /// by the first parameter, whose text this is.
    ///
    /// # Errors
    /// It is none of that build.
    pub fn regions(first: &str, digest: &str) -> Result<BTreeSet<String>, ValueError> {
        Ok(wire_of(first, digest)?.regions)
    }

    /// The regions that the recipe of the build with the manifest of this digest names, by
    /// the first parameter, whose text this is.
    ///
    /// # Errors
    /// It is none of that build.
    pub fn declared(first: &str, digest: &str) -> Result<Vec<String>, ValueError> {
        Ok(wire_of(first, digest)?.declared)
    }

    /// What the parameters say, the first first.
    ///
    /// # Errors
    /// They are not those of a build.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ValueError> {
        let mut texts = texts.into_iter();
        let first = wire(texts.next().unwrap_or_default())?;
        let packed = texts.fold(first.packages, |all, text| all + text);
        let wrong =
            |what: &dyn std::fmt::Display| ValueError(format!("its packages are garbled: {what}"));
        let packed = STANDARD.decode(packed).map_err(|error| wrong(&error))?;
        let mut lines = String::new();
        let mut unpacked = DeflateDecoder::new(packed.as_slice()).take(MOST_BYTES + 1);
        let bytes = unpacked.read_to_string(&mut lines).map_err(|error| wrong(&error))?;
        if bytes as u64 > MOST_BYTES {
            return Err(wrong(&"there is no end of them"));
        }
        let named = |line: &str| {
            let (name, version) = line.split_once(' ')?;
            Some((name.to_owned(), version.to_owned()))
        };
        let packages: Option<Vec<_>> = lines.lines().map(named).collect();
        let packages = packages.ok_or_else(|| wrong(&"a line has no version"))?;
        let Wire { manifest, kernel, driver, regions, declared, .. } = first;
        Ok(Self { manifest, kernel, driver, packages, regions, declared })
    }
}

fn wire(text: &str) -> Result<Wire, ValueError> {
    let wire: Wire = serde_json::from_str(text)
        .map_err(|error| ValueError(format!("it is no build's summary: {error}")))?;
    if !is_digest(&wire.manifest) {
        return Err(ValueError(format!("`{}` is no manifest's digest", wire.manifest)));
    }
    // They become names of hosts and parts of commands.
    let mut regions = wire.regions.iter().chain(&wire.declared);
    if let Some(other) = regions.find(|region| !is_region(region)) {
        return Err(ValueError(format!("`{other}` is no region")));
    }
    Ok(wire)
}

fn wire_of(text: &str, digest: &str) -> Result<Wire, ValueError> {
    let wire = wire(text)?;
    // The parameter's name is cut: another build's may be the same.
    if wire.manifest != digest {
        return Err(ValueError(format!("it is that of build {}", wire.manifest)));
    }
    Ok(wire)
}
