//! What a recipe may say.

use common::id::Name;
use common::shape::{Region, choice, table};
use common::units::Memory;
use std::collections::BTreeMap;

table! {
    /// A node image's recipe.
    pub struct Recipe {
        /// What the image is called, and the time that it bears.
        pub image: Image,
        /// The distribution that it is made of.
        pub base: Base,
        /// Further package archives, each pinned by the hash of its index.
        pub repositories: BTreeMap<Name, Repository>,
        /// What is installed.
        pub packages: Packages,
        /// The kernel.
        pub kernel: Kernel,
        /// The GPU driver; left out: none.
        pub gpu: Option<Gpu>,
        /// What runs the inference engine.
        pub runtime: Runtime = Runtime::Engine,
        /// Floodway's agent.
        pub agent: Agent,
        /// Files that are put into the image.
        pub file: Vec<ExtraFile>,
        /// What the image must not exceed.
        pub limits: Limits,
        /// Where it is published.
        pub regions: Vec<String> as Vec<Region>,
    }
}

table! {
    /// What the image is called, and the time that it bears.
    pub struct Image {
        /// Its name: pools ask for it as `image = { name = "…" }`.
        pub name: Name,
        /// The time that every file bears, like `2026-11-01T00:00:00Z`: a build is
        /// the same on any day.
        pub time: String,
    }
}

table! {
    /// The distribution that the image is made of: a Debian, for amd64.
    pub struct Base {
        /// Its release: `bookworm`.
        pub suite: String,
        /// Where its packages are.
        pub mirror: String = "http://deb.debian.org/debian".to_owned(),
        /// Where its security updates are; an empty text: nowhere.
        pub security: String = "http://deb.debian.org/debian-security".to_owned(),
        /// Which parts of the archive.
        pub components: Vec<String> = vec!["main".to_owned()],
        /// The keys that sign it, on the building machine.
        pub keyring: String = "/usr/share/keyrings/debian-archive-keyring.gpg".to_owned(),
    }
}

table! {
    /// A further package archive.
    pub struct Repository {
        /// Where it is.
        pub uri: String,
        /// Its suite; `./` for a flat one.
        pub suite: String,
        /// Its components; none for a flat one.
        pub components: Vec<String>,
        /// The keys that sign it: a file beside the recipe.
        pub key: String,
        /// SHA-256 in hex of its `InRelease`, when the lock is made anew: what it
        /// offers is what was looked at.
        pub sha256: String,
    }
}

table! {
    /// What is installed.
    pub struct Packages {
        /// Packages by name, with what they depend on and what every Debian has.
        pub include: Vec<String>,
    }
}

table! {
    /// The kernel.
    pub struct Kernel {
        /// Its package.
        pub package: String = "linux-image-cloud-amd64".to_owned(),
        /// What its command line says beside what the image needs.
        pub arguments: Vec<String>,
    }
}

choice! {
    /// Which of NVIDIA's kernel modules: closed for GPUs before Turing, open for
    /// Blackwell and later, either between.
    pub enum Flavour {
        /// The open ones.
        Open = "open",
        /// The proprietary ones.
        Closed = "closed",
    }
}

table! {
    /// The GPU driver.
    pub struct Gpu {
        /// Which modules.
        pub flavour: Flavour,
        /// The driver's branch, `535` or `580`: of the versions that the archives offer,
        /// the newest that begins so is taken.
        pub branch: String,
        /// The package that holds the modules' source; left out: Debian's of this
        /// flavour.
        pub source: Option<String>,
        /// The kernel's headers.
        pub headers: String = "linux-headers-cloud-amd64".to_owned(),
        /// Further packages that building takes.
        pub build: Vec<String>,
        /// Packages with the driver's libraries and tools, installed in the image. The
        /// firmware that the modules load comes without being named.
        pub userspace: Vec<String>,
        /// Modules that are kept of those that are built.
        pub modules: Vec<String> = ["nvidia", "nvidia-uvm"].map(String::from).to_vec(),
    }
}

choice! {
    /// What runs the inference engine.
    pub enum Runtime {
        /// The engine is started as it is.
        Engine = "engine",
        /// Containers, by containerd.
        Containerd = "containerd",
    }
}

table! {
    /// Floodway's agent in the image.
    pub struct Agent {
        /// Options that it is started with, like `--engine-ready=http://127.0.0.1:8000/health`.
        pub options: Vec<String>,
    }
}

table! {
    /// A file that is put into the image.
    pub struct ExtraFile {
        /// Where, from `/`.
        pub path: String,
        /// What it holds.
        pub text: Option<String>,
        /// The file beside the recipe that holds it, instead of `text`.
        pub source: Option<String>,
        /// Its permissions, in octal digits.
        pub mode: String = "0644".to_owned(),
    }
}

table! {
    /// What the image must not exceed.
    pub struct Limits {
        /// Bytes of the raw disk: what every node reads.
        pub disk: Memory,
    }
}
