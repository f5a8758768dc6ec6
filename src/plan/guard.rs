//! What forbids applying a plan. A plan is shown all the same.

use super::{Action, Change, PlanInput, Refusal, elsewhere, kinds, parent, shrinking};
use crate::desired::Missing;
use crate::observe::{Gap, Live, Location, Lookup, Mark, Ownership, ResourceId, Side, Sought};
use crate::spec::Environment;
use crate::spec::model::OnPremProvider;
use std::collections::BTreeSet;

impl Refusal {
    pub(super) fn new(guard: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { guard: guard.to_owned(), message: message.into(), help: help.into() }
    }

    /// It carries somebody else's marks.
    pub(super) fn owned_by_other(id: &ResourceId, owner: &str) -> Self {
        Self::new(
            "ownership",
            format!("{id} belongs to {owner}"),
            "rename the pool or the environment, or remove it there first: Floodway never \
             takes over what carries somebody else's marks",
        )
    }

    /// It carries the marks of this environment, as another file of this repository
    /// has applied it; none: it does not.
    pub(super) fn of_another_file(mark: &Mark, live: &Live) -> Option<Self> {
        let is = |key: &str, value: &str| live.marks.get(key).is_some_and(|is| is == value);
        let file = live.marks.get("file").filter(|_| {
            is("environment", &mark.environment) && is("repository", &mark.repository)
        })?;
        Some(Self::new(
            "ownership",
            format!("{} belongs to environment {}, applied from {file}", live.id, mark.environment),
            format!(
                "plan from there; if {} has taken its place (it was moved or renamed), apply with \
                 --adopt ConfigMap/{}; else give this environment a name of its own",
                mark.file,
                mark.parent_name()
            ),
        ))
    }

    /// It is there without marks.
    pub(super) fn not_adopted(id: &ResourceId) -> Self {
        Self::new(
            "ownership",
            format!("{id} exists and Floodway did not make it"),
            format!(
                "to make it part of this environment, plan with --adopt {thing}, or look at it \
                 alone first: floodway import ENV {thing} --dry-run",
                thing = kinds::written(id)
            ),
        )
    }

    /// Another manager owns fields of it.
    pub(super) fn conflict(id: &ResourceId, owned: &str) -> Self {
        Self::new(
            "conflict",
            format!("{id}: {owned}"),
            "to take these fields over, repeat with --force-conflicts; to leave them to their \
             manager, take them out of the environment",
        )
    }

    /// It would have to be made anew under the same name.
    pub(super) fn immutable(id: &ResourceId, fields: &[String]) -> Self {
        Self::new(
            "immutable",
            format!("{} of {id} cannot change in place, and its name is taken", fields.join(", ")),
            "put the old value back, or delete it yourself when nothing uses it and plan again",
        )
    }

    /// It would be destroyed, and destroying asks for the name.
    fn protected(environment: &str, what: &str) -> Self {
        Self::new(
            "protected",
            format!("environment {environment} is protected, and this plan destroys {what}"),
            format!("read the plan again; if that is meant, repeat with --confirm {environment}"),
        )
    }

    /// The account has not what something needs to start.
    fn missing(missing: &Missing) -> Self {
        let at = missing.reason.at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
        let (lookup, why) = (&missing.lookup, &missing.reason.text);
        match missing.asked {
            true => Self::new(
                "lookup",
                format!("there is no {lookup} {why}{at}"),
                match &lookup.sought {
                    Sought::Image { name, channel, .. } => no_image(lookup, name, channel),
                    Sought::Parameter(_) => "make the parameter, or correct its name".to_owned(),
                    Sought::Subnets(_) | Sought::SubnetIds(_) | Sought::SecurityGroups(_) => {
                        "tag one that is there, or name it by `ids`".to_owned()
                    }
                    Sought::InstanceTypes(_) => {
                        "ask for less in `requirements`, or name `instance_types`".to_owned()
                    }
                    Sought::Reservation(_) => {
                        "name one of that account and region; one that has ended is forgotten: \
                         take its pool out of the file"
                            .to_owned()
                    }
                },
            ),
            false => Self::new(
                "lookup",
                format!("it is not known which {lookup} is meant {why}{at}"),
                "mend what keeps it from being read, above, and plan again",
            ),
        }
    }

    fn location(message: String, help: &str) -> Self {
        Self::new("location", message, help)
    }
}

/// How an image gets to where it is looked for.
fn no_image(lookup: &Lookup, name: &str, channel: &str) -> String {
    let (parameter, region) = (Lookup::channel_parameter(name, channel), &lookup.region);
    format!(
        "SSM parameter {parameter} of {region} says which one it is: `floodway image publish` \
         puts a build into channel candidate, and `floodway image promote {name} --from candidate \
         --to {channel} --region {region}` brings it there; or name an image by `id` or `ssm`"
    )
}

/// What the pools of `changes` need to start anything and is not there.
pub(super) fn missing(input: &PlanInput<'_>, changes: &[Change]) -> Vec<Refusal> {
    let planned = |missing: &&Missing| {
        changes.iter().any(|change| {
            change.id.side == Side::Aws && change.pool.as_deref() == Some(missing.pool.as_str())
        })
    };
    input.desired.missing.iter().filter(planned).map(Refusal::missing).collect()
}

/// Are these the places and the things that the environment means (law 12)?
pub(super) fn places(input: &PlanInput<'_>) -> Vec<Refusal> {
    let mut refusals = right_place(input);
    refusals.extend(nothing_found(input));
    refusals
}

/// The declared cluster and account, and no other environment's set.
pub(super) fn right_place(input: &PlanInput<'_>) -> Vec<Refusal> {
    let mut refusals = identities(input);
    refusals.extend(nameless_members(input));
    refusals.extend(other_file(input));
    refusals.extend(left_region(input));
    refusals
}

/// Something was left in a region that is not looked in any more: what runs
/// there would be forgotten.
fn left_region(input: &PlanInput<'_>) -> Option<Refusal> {
    let aws = input.environment.aws.as_ref();
    let looked_in = aws.map(|aws| aws.all_regions()).unwrap_or_default();
    let last = input.inventory.last_apply.as_ref();
    let noted = last.map(|last| last.regions.as_slice()).unwrap_or_default();
    let all: BTreeSet<&str> =
        noted.iter().chain(&input.inventory.strays).map(String::as_str).collect();
    let left: Vec<&str> = all.into_iter().filter(|region| !looked_in.contains(region)).collect();
    let list = left.join(", ");
    let help = match aws {
        Some(_) => format!(
            "add aws.regions = [\"{}\"] until what is there is gone: an apply then drains and \
             deletes it",
            left.join("\", \"")
        ),
        None => "put [aws] back without its pools until what is there is gone: an apply then \
                 drains and deletes it"
            .to_owned(),
    };
    (!left.is_empty()).then(|| {
        Refusal::location(
            format!("the last apply left groups in {list}, and the file does not look there: what runs there is in no sum of this plan"),
            &help,
        )
    })
}

/// Is what is there this file's at all: the declared places, the file that was
/// applied, the namespace that it says? What was deleted is for drift to tell.
pub(super) fn comparable(input: &PlanInput<'_>) -> Vec<Refusal> {
    let mut refusals = identities(input);
    refusals.extend(other_file(input));
    let live = input.inventory.resources.values();
    refusals.extend(live.filter_map(|live| elsewhere::refusal(input, live)));
    refusals
}

/// Another file of this name has applied here: a copy, unless the operator says
/// that it has only moved.
fn other_file(input: &PlanInput<'_>) -> Option<Refusal> {
    let last = input.inventory.last_apply.as_ref()?;
    let (theirs, ours) = (&last.mark, input.mark);
    (theirs != ours && !parent_is_adopted(input)).then(|| {
        Refusal::new(
            "ownership",
            format!(
                "environment {} is applied from {} of {}, and this is {} of {}",
                theirs.environment, theirs.file, theirs.repository, ours.file, ours.repository
            ),
            format!(
                "plan from there; if this file has taken its place (it was moved or renamed), \
                 apply with --adopt ConfigMap/{}; else give this environment a name or a namespace \
                 of its own",
                ours.parent_name()
            ),
        )
    })
}

/// `--adopt ConfigMap/floodway-ENV`: what was applied here is this file's.
fn parent_is_adopted(input: &PlanInput<'_>) -> bool {
    input.options.adopt.iter().any(|id| parent::is_parent(input.mark, id))
}

/// Nothing, where the last apply left something: an empty place is more likely
/// the wrong one than a new one.
fn nothing_found(input: &PlanInput<'_>) -> Option<Refusal> {
    let inventory = input.inventory;
    let last = inventory.last_apply.as_ref().filter(|last| last.members > 0)?;
    let found = inventory
        .resources
        .values()
        .any(|live| live.ownership == Ownership::Ours && !parent::is_parent(input.mark, &live.id));
    let hidden = inventory.gaps.iter().any(|gap| gap.hides_members);
    (!found && !hidden).then(|| {
        Refusal::location(
            format!("the last apply left {} things here, and none of them is there", last.members),
            "check the context, account and region; if all of it was deleted on purpose, delete \
             the ConfigMap that records it too and plan again",
        )
    })
}

/// Members without their parent: it alone says from which file they come, so
/// any file of that name could take them.
fn nameless_members(input: &PlanInput<'_>) -> Option<Refusal> {
    let parent = input.mark.parent_name();
    let inventory = input.inventory;
    let members = inventory.resources.values().filter(|live| {
        live.id.side == Side::Kubernetes
            && live.ownership == Ownership::Ours
            && !parent::is_parent(input.mark, &live.id)
    });
    let (count, adopted) = (members.count(), parent_is_adopted(input));
    let hidden = inventory.gaps.iter().any(|gap| gap.hides_members);
    (count > 0 && inventory.last_apply.is_none() && !hidden && !adopted).then(|| {
        Refusal::new(
            "ownership",
            format!(
                "{count} things here carry the marks of environment {}, and ConfigMap {parent}, \
                 which says from which file they were applied, is gone",
                input.mark.environment
            ),
            format!("if they are this file's, apply with --adopt ConfigMap/{parent}"),
        )
    })
}

/// Why `place` is not the one that `environment` means, if it is not: to be
/// asked before anything there is read.
pub fn wrong_place(environment: &Environment, place: &Location) -> Option<Refusal> {
    let (what, declared, same): (_, &str, bool) = match place.side {
        Side::Kubernetes => {
            let uid = environment.onprem.as_ref()?.cluster_uid.as_ref()?;
            ("cluster", uid, place.identity == *uid)
        }
        Side::Aws => {
            let account = environment.aws.as_ref()?.account.as_ref()?;
            ("account", account, place.identity.split(['/', ':']).any(|part| part == account))
        }
    };
    let (title, identity) = (&place.title, &place.identity);
    (!same).then(|| {
        let message = format!("{title} is {what} {identity}, not {declared} as declared");
        Refusal::location(message, help_to_find(place.side))
    })
}

fn help_to_find(side: Side) -> &'static str {
    match side {
        Side::Kubernetes => {
            "check the context in [onprem] and in the kubeconfig; for a cluster that was made \
             anew, change onprem.cluster_uid"
        }
        Side::Aws => "check the AWS profile and role, or aws.account",
    }
}

fn identities(input: &PlanInput<'_>) -> Vec<Refusal> {
    let environment = input.environment;
    let mut refusals = Vec::new();
    if let Some(uid) = environment.onprem.as_ref().and_then(|onprem| onprem.cluster_uid.as_ref()) {
        refusals.extend(other_place(input, Side::Kubernetes, "cluster", uid));
    }
    if let Some(account) = environment.aws.as_ref().and_then(|aws| aws.account.as_ref()) {
        refusals.extend(other_place(input, Side::Aws, "account", account));
    }
    refusals
}

/// Whether anything of `side` is wanted or seen: a side that is not connected
/// is not planned for.
fn is_about(input: &PlanInput<'_>, side: Side) -> bool {
    input.desired.resources.iter().any(|want| want.id.side == side)
        || input.inventory.resources.keys().any(|id| id.side == side)
}

fn other_place(input: &PlanInput<'_>, side: Side, what: &str, declared: &str) -> Option<Refusal> {
    match input.inventory.locations.iter().find(|place| place.side == side) {
        Some(place) => wrong_place(input.environment, place),
        None if !is_about(input, side) => None,
        None => Some(Refusal::location(
            format!("it is not known whether this is {what} {declared} as declared"),
            help_to_find(side),
        )),
    }
}

/// A cluster that is known by nothing but a context's name.
pub(super) fn unknown_cluster(input: &PlanInput<'_>) -> Option<String> {
    let onprem = input.environment.onprem.as_ref()?;
    let place = input.inventory.locations.iter().find(|place| place.side == Side::Kubernetes)?;
    let nameless = onprem.provider == OnPremProvider::Kubernetes && onprem.cluster_uid.is_none();
    nameless.then(|| {
        format!(
            "onprem.cluster_uid is not set: another cluster under this context's name would not be \
             noticed; add cluster_uid = \"{}\"",
            place.identity
        )
    })
}

/// Holds back what a gap forbids (law 6): nothing is made that may be there
/// unseen, nothing is taken away while something is unseen.
pub(super) fn hold_back(gaps: &[Gap], changes: &mut Vec<Change>) -> Option<Refusal> {
    let gap = gaps.iter().find(|gap| gap.hides_members)?;
    let held = changes.extract_if(.., |change| {
        matches!(change.action, Action::Create | Action::Replace | Action::Delete)
            || shrinking::takes_units(change)
    });
    let held = held.count();
    (held > 0).then(|| {
        Refusal::new(
            "gap",
            format!(
                "{} could not be seen ({}): {held} things that would be created, replaced, \
                 drained or deleted are held back",
                gap.what, gap.why
            ),
            "mend that and plan again; updates of what is seen can be applied with --target",
        )
    })
}

/// Things that carry capacity and that `changes` destroy: Deployments and
/// groups, deleted or replaced. What only stands around them is not counted.
pub(super) fn destroyed(changes: &[Change]) -> Vec<&ResourceId> {
    changes
        .iter()
        .filter_map(|change| match change.action {
            Action::Delete => Some(&change.id),
            Action::Replace => change.replaces.as_ref(),
            _ => None,
        })
        .filter(|id| kinds::is_workload(id))
        .collect()
}

/// `max_destroy` and `protected`.
pub(super) fn destruction(
    environment: &Environment,
    confirm: Option<&str>,
    changes: &[Change],
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let (destroyed, units) = (destroyed(changes), shrinking::destroyed_units(changes));
    let most = environment.environment.max_destroy;
    let count = destroyed.len();
    if count + units > most as usize {
        let what = match (count, units) {
            (count, 0) => format!("{count} workloads"),
            (0, units) => format!("{units} instances"),
            (count, units) => format!("{count} workloads and {units} instances"),
        };
        refusals.push(Refusal::new(
            "max_destroy",
            format!("this plan destroys {what}, and max_destroy is {most}"),
            "apply it in parts with --target, or raise environment.max_destroy",
        ));
    }
    let drained = (units > 0).then(|| format!("{units} instances, for a lower max"));
    refusals.extend(protection(environment, confirm, &destroyed, drained));
    refusals
}

/// Destroying in a protected environment asks for its name.
pub(super) fn protection(
    environment: &Environment,
    confirm: Option<&str>,
    destroyed: &[&ResourceId],
    drained: Option<String>,
) -> Option<Refusal> {
    let identity = &environment.environment;
    let what = match destroyed {
        [] => drained?,
        [first] => first.to_string(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    };
    (identity.protected && confirm != Some(identity.name.as_str()))
        .then(|| Refusal::protected(identity.name.as_str(), &what))
}

/// Autoscalers of others that move what is the environment's: two owners of one
/// number (law 3).
pub(super) fn foreign_autoscalers(input: &PlanInput<'_>, changes: &[Change]) -> Vec<Refusal> {
    let workload = |name: &str, scope: &Option<String>| {
        changes
            .iter()
            .flat_map(|change| [Some(&change.id), change.replaces.as_ref()])
            .flatten()
            .any(|id| id.kind == kinds::DEPLOYMENT && id.name == name && id.scope == *scope)
    };
    let others = input.inventory.resources.values().filter(|live| {
        let wanted = || changes.iter().any(|change| change.id == live.id);
        live.id.kind == kinds::HPA && live.ownership != Ownership::Ours && !wanted()
    });
    others
        .filter_map(|live| {
            let target = live.fields.at("/spec/scaleTargetRef")?;
            let text = |key: &str| target.get(key).and_then(serde_json::Value::as_str);
            let name = text("name").filter(|_| text("kind") == Some(kinds::DEPLOYMENT))?;
            workload(name, &live.id.scope).then(|| {
                Refusal::new(
                    "autoscaler",
                    format!("{} scales Deployment {name}, and is not this environment's", live.id),
                    "delete it, and give the pool `hpa` if an autoscaler shall move it: two of them \
                     would fight",
                )
            })
        })
        .collect()
}
