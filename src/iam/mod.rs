//! What an environment may be allowed on AWS: the least IAM policy with which
//! each command does its work. The calls that Floodway makes stand in `calls` and, for
//! images, in `publish`, what AWS asks for behind them in `behind`; a test holds the first to what is
//! really sent.

mod behind;
mod calls;
mod document;
mod place;
mod publish;

pub use document::{Policy, Statement};

use crate::observe::Mark;
use crate::spec::Environment;
use crate::spec::model::AwsProvider;
use document::Scene;
use place::Place;

/// What the policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To look and to plan: reads only.
    Plan,
    /// To make, change and destroy.
    Apply,
    /// To scale what is there.
    Run,
    /// To publish the images that the environment names, to promote and to prune them.
    Publish,
}

/// What the environment's file does not tell.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The names of the roles in the instance profiles; none: each is called as
    /// its profile.
    pub node_roles: Vec<String>,
}

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPolicy {
    /// Without `[aws]`.
    #[error("environment {0} has no [aws], and needs no rights there")]
    NoAws(String),
    /// With the simulator in place of an account.
    #[error("the AWS side of environment {0} is simulated, and needs no rights")]
    Simulated(String),
    /// An account is needed to name what is in it.
    #[error("environment {0} does not say which AWS account it is in")]
    NoAccount(String),
    /// There is nothing to publish for it.
    #[error("no pool of environment {0} names its image by `name`, so nothing is published for it")]
    NoImages(String),
}

/// The least policy of `environment`, and what a person must know beside it.
///
/// # Errors
/// The environment has nothing on AWS.
pub fn policy(
    environment: &Environment,
    mark: &Mark,
    purpose: Purpose,
    known: &Known,
) -> Result<Policy, NoPolicy> {
    let name = || mark.environment.clone();
    let aws = environment.aws.as_ref().ok_or_else(|| NoPolicy::NoAws(name()))?;
    if aws.provider == AwsProvider::Sim {
        return Err(NoPolicy::Simulated(name()));
    }
    let account = aws.account.as_deref().ok_or_else(|| NoPolicy::NoAccount(name()))?;
    let place = Place::new(account, aws.all_regions());
    let scene = Scene { environment, aws, mark, known, place };
    let mut policy = Policy::default();
    if purpose == Purpose::Publish {
        if publish::images(&scene).is_empty() {
            return Err(NoPolicy::NoImages(name()));
        }
        publish::all(&scene, &mut policy);
        policy.measure();
        return Ok(policy);
    }
    calls::reads(&scene, purpose, &mut policy);
    match purpose {
        Purpose::Plan => calls::hands(&scene, purpose, &mut policy),
        Purpose::Publish => {}
        Purpose::Apply => {
            calls::writes(&scene, &mut policy);
            calls::lock(&scene, purpose, &mut policy);
            calls::hands(&scene, purpose, &mut policy);
            behind::all(&scene, &mut policy);
        }
        Purpose::Run => {
            calls::scaling(&scene, &mut policy);
            calls::lock(&scene, purpose, &mut policy);
        }
    }
    policy.measure();
    if let Some(role) = &aws.role {
        policy.notes.push(format!(
            "it is for the role {role}; whoever assumes that needs sts:AssumeRole on it"
        ));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests;
