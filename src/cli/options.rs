//! Options that planning commands share.

use super::exit::Failure;
use crate::observe::ResourceId;
use crate::plan::{PlanOptions, Target, resource_named};
use crate::spec::Environment;
use std::path::PathBuf;

/// The thing that a person names; of what is in AWS without its region, where the
/// environment has one only.
pub(super) fn thing(text: &str, environment: &Environment) -> Result<ResourceId, Failure> {
    const FORM: &str = "write it like Deployment/NAME, or AutoScalingGroup/REGION/NAME";
    let named = |text: &str| resource_named(text, environment.service.namespace.as_str());
    let in_region = |region: &str| {
        let (kind, name) = text.split_once('/').filter(|(_, name)| !name.contains('/'))?;
        named(&format!("{kind}/{region}/{name}"))
    };
    let regions = environment.aws.as_ref().map(|aws| aws.all_regions()).unwrap_or_default();
    match (named(text), regions.first()) {
        (Some(id), _) => Ok(id),
        (None, Some(region)) if in_region(region).is_some() => {
            let one = in_region(region).filter(|_| regions.len() == 1);
            let regions: Vec<&str> = regions.iter().copied().collect();
            one.ok_or_else(|| {
                Failure::usage(format!("`{text}` does not say in which region it is"))
                    .help(format!("{FORM}; the regions are {}", regions.join(", ")))
            })
        }
        (None, _) => {
            let message = format!("`{text}` names no kind that an environment owns");
            Err(Failure::usage(message).help(FORM))
        }
    }
}

/// What to plan.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Planning {
    /// Only this pool (`h100`) or thing (`Deployment/NAME`), with what it needs
    #[arg(long, value_name = "POOL|KIND/NAME")]
    target: Vec<String>,
    /// Make an existing thing that Floodway did not make part of the environment
    #[arg(long, value_name = "KIND/NAME")]
    adopt: Vec<String>,
    /// The environment's name: needed to destroy in a protected environment
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Take over fields that other managers own
    #[arg(long)]
    force_conflicts: bool,
    /// How much to read: `full` asks AWS also for what it tells only group by
    /// group, such as lifecycle hooks
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Depth::Usual)]
    refresh: Depth,
}

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Depth {
    /// What comes in pages
    Usual,
    /// All of it
    Full,
}

/// What to print beside the text.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Events {
    /// Also write events as NDJSON (see `floodway schema events`)
    #[arg(long, value_name = "FILE")]
    pub(super) json_into: Option<PathBuf>,
}

impl Planning {
    /// What a saved plan can still be told: all else was decided when it was made.
    pub(super) fn for_saved(&self) -> Result<Option<&str>, Failure> {
        let given = [
            ("--target", !self.target.is_empty()),
            ("--adopt", !self.adopt.is_empty()),
            ("--force-conflicts", self.force_conflicts),
            ("--refresh full", self.refresh == Depth::Full),
        ];
        match given.iter().find(|(_, given)| *given) {
            None => Ok(self.confirm.as_deref()),
            Some((flag, _)) => Err(Failure::usage(format!("a saved plan takes no {flag}"))
                .help(format!("pass it to `floodway plan ENV --out FILE {flag} …`"))),
        }
    }

    pub(super) fn options(&self, environment: &Environment) -> Result<PlanOptions, Failure> {
        let adopt = self.adopt.iter().map(|text| thing(text, environment));
        let parse = |text: &String| match text.parse::<Target>() {
            Ok(target) => target,
            Err(never) => match never {},
        };
        Ok(PlanOptions {
            adopt: adopt.collect::<Result<_, _>>()?,
            targets: self.target.iter().map(parse).collect(),
            confirm: self.confirm.clone(),
            force_conflicts: self.force_conflicts,
            force_instances: false,
            full: self.refresh == Depth::Full,
        })
    }
}
