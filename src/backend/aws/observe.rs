//! What is there, in pages.

use super::account::{Account, Region};
use super::error::failed;
use super::group::{self, Group};
use super::instances::gap;
use super::lookup::{self, filter};
use super::tags;
use super::template::{self, Template};
use crate::clock::{Clock, SystemClock};
use crate::observe::{Build, Gap, Inventory, Live, MachineImage, ResourceId, Side, marks};
use crate::plan::PortError;
use crate::port::{Observe, Scope};
use async_trait::async_trait;
use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_ec2::types::{LaunchTemplate, LaunchTemplateVersion};
use futures::future::{join3, try_join_all};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};

/// Groups that AWS answers in one page:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html>
const GROUPS_AT_ONCE: i32 = 100;
/// Templates that EC2 answers in one page.
const TEMPLATES_AT_ONCE: i32 = 200;
/// Calls for single things that may be under way.
const CALLS: usize = 8;
/// From so many templates on, one list of all in the account is cheaper.
const FEW: usize = 8;

/// What a plan relies on without having read it.
const BELIEVED: &str = "lifecycle hooks as last written; --refresh full reads them";

/// A thing, and what is to be known of it beside its fields.
type Seen = (Live, Vec<String>);

#[async_trait]
impl Observe for Account {
    async fn observe(&self, scope: &Scope) -> Result<Inventory, PortError> {
        let mut inventory = Inventory::empty(SystemClock.now());
        let regions = self.regions.values().map(|region| region.observe(scope));
        let (seen, found, market) =
            join3(try_join_all(regions), self.found(scope), self.market(scope)).await;
        inventory.market = market;
        let (seen, gaps): (Vec<_>, Vec<_>) = seen?.into_iter().unzip();
        inventory.gaps.extend(gaps.into_iter().flatten());
        for (live, notes) in seen.into_iter().flatten() {
            let (side, what) = (Side::Aws, live.id.to_string());
            let gap = |why| Gap { side, what: what.clone(), why, hides_members: false };
            inventory.gaps.extend(notes.into_iter().map(gap));
            if live.workload.is_some() && !scope.full {
                inventory.believed.insert(BELIEVED.to_owned());
            }
            inventory.resources.insert(live.id.clone(), live);
        }
        self.search(scope, &mut inventory).await;
        for (lookup, found) in found {
            match found {
                Ok(found) => found.note(lookup, &mut inventory),
                Err(error) => inventory.gaps.push(lookup::gap(&lookup, &error)),
            }
        }
        Ok(inventory)
    }

    async fn builds(&self, images: &BTreeSet<MachineImage>) -> BTreeMap<MachineImage, Build> {
        self.known_builds(images).await
    }
}

impl Account {
    async fn found(
        &self,
        scope: &Scope,
    ) -> Vec<(crate::observe::Lookup, Result<lookup::Found, PortError>)> {
        let one =
            async |lookup: &crate::observe::Lookup| (lookup.clone(), self.look_up(lookup).await);
        stream::iter(&scope.lookups).map(one).buffer_unordered(CALLS).collect().await
    }
}

impl Region {
    async fn observe(&self, scope: &Scope) -> Result<(Vec<Seen>, Vec<Gap>), PortError> {
        let ((mut groups, unexplained), templates) =
            futures::future::try_join(self.groups(scope), self.templates(scope)).await?;
        self.refreshes(scope, &mut groups, &templates).await;
        let mut gaps: Vec<Gap> = unexplained.into_iter().collect();
        if scope.addresses {
            gaps.extend(self.addresses(groups.iter_mut().map(|(live, _)| live)).await);
        }
        if scope.notices {
            gaps.extend(self.notices(groups.iter_mut().map(|(live, _)| live)).await);
        }
        let templates = templates.into_iter().map(|template| (template, Vec::new()));
        Ok((groups.into_iter().chain(templates).collect(), gaps))
    }

    /// The scope's groups: by tag, and by name whose they may be. The gap: why it is not
    /// known of some whether their launches fail.
    async fn groups(&self, scope: &Scope) -> Result<(Vec<Seen>, Option<Gap>), PortError> {
        let (name, value) = by_tag(scope);
        let filter = aws_sdk_autoscaling::types::Filter::builder().name(name).values(value).build();
        let pages = all_pages!(
            self.autoscaling
                .describe_auto_scaling_groups()
                .filters(filter)
                .max_records(GROUPS_AT_ONCE)
        );
        let (groups, schedules) = futures::future::join(pages, self.schedules(None)).await;
        let mut schedules = schedules?;
        let mut groups: BTreeMap<String, AutoScalingGroup> = groups
            .map_err(|error| {
                failed(error, "autoscaling:DescribeAutoScalingGroups", &self.about("groups"))
            })?
            .into_iter()
            .map(|group| (group.auto_scaling_group_name().unwrap_or_default().to_owned(), group))
            .collect();
        let named = self.named(scope, "AutoScalingGroup");
        let unseen: Vec<String> = named.filter(|name| !groups.contains_key(name)).collect();
        for group in self.groups_named(&unseen).await? {
            groups.insert(group.auto_scaling_group_name().unwrap_or_default().to_owned(), group);
        }
        let with_schedules = groups.into_values().map(|group| {
            let name = group.auto_scaling_group_name().unwrap_or_default();
            let own = schedules.remove(name).unwrap_or_default();
            (group, own)
        });
        let seen = async |(group, schedules): (AutoScalingGroup, group::Schedules)| {
            let mut beside = group::Beside { schedules, hooks: None };
            let mut notes = group::notes(&group);
            if scope.full {
                let name = group.auto_scaling_group_name().unwrap_or_default();
                let id = ResourceId::group(&self.name, name);
                let one = Group { region: self, id: &id };
                beside.hooks = Some(one.hooks().await?);
                notes.extend(one.notes().await?);
            }
            let mut live = group::live(&self.name, tags::owner_in(scope), &group, beside);
            let mut unexplained = None;
            if let Some(workload) = live.workload.as_mut().filter(|workload| workload.pending > 0) {
                let explained = self.explain(&live.id.name, workload).await;
                unexplained = explained.err().map(|error| gap(Gap::ACTIVITIES, &error));
            }
            Ok::<_, PortError>(((live, notes), unexplained))
        };
        let all = stream::iter(with_schedules).map(seen).buffer_unordered(CALLS);
        let all: Vec<(Seen, Option<Gap>)> = all.try_collect().await?;
        let (groups, unexplained): (Vec<Seen>, Vec<Option<Gap>>) = all.into_iter().unzip();
        Ok((groups, unexplained.into_iter().flatten().next()))
    }

    /// The refreshes that are under way: of the groups that may have one, for only
    /// calls of their own tell.
    async fn refreshes(&self, scope: &Scope, groups: &mut [Seen], templates: &[Live]) {
        let defaults: BTreeMap<&str, Option<&str>> = templates
            .iter()
            .map(|template| (template.id.name.as_str(), template.version.as_deref()))
            .collect();
        let may_be = |(live, _): &&Seen| {
            let template = live.fields.text_at("/launch_template").unwrap_or_default();
            let default = defaults.get(template.as_str()).copied().flatten();
            scope.full || group::may_be_refreshed(live, default)
        };
        let candidates: Vec<ResourceId> =
            groups.iter().filter(may_be).map(|(live, _)| live.id.clone()).collect();
        let one = async |id: ResourceId| {
            let found = (Group { region: self, id: &id }).refreshing().await;
            (id, found)
        };
        let found = stream::iter(candidates).map(one).buffer_unordered(CALLS);
        let mut found: BTreeMap<ResourceId, _> = found.collect().await;
        for (live, notes) in groups {
            match (found.remove(&live.id), &mut live.workload) {
                (Some(Ok(refresh)), Some(workload)) => workload.refresh = refresh,
                (Some(Err(error)), _) => notes.push(error.to_string()),
                _ => {}
            }
        }
    }

    async fn templates(&self, scope: &Scope) -> Result<Vec<Live>, PortError> {
        let (name, value) = by_tag(scope);
        let mut templates: BTreeMap<String, LaunchTemplate> = all_pages!(
            self.ec2
                .describe_launch_templates()
                .filters(filter(name.as_str(), &value))
                .max_results(TEMPLATES_AT_ONCE)
        )
        .await
        .map_err(|error| {
            failed(error, "ec2:DescribeLaunchTemplates", &self.about("launch templates"))
        })?
        .into_iter()
        .map(|found| (found.launch_template_name().unwrap_or_default().to_owned(), found))
        .collect();
        let named = self.named(scope, "LaunchTemplate");
        let unseen: Vec<String> = named.filter(|name| !templates.contains_key(name)).collect();
        for found in self.templates_named(&unseen).await? {
            templates.insert(found.launch_template_name().unwrap_or_default().to_owned(), found);
        }
        let versions = self.default_versions(&templates).await?;
        let seen = templates.iter().filter_map(|(name, template)| {
            let version = versions.get(name)?;
            Some(template::live(&self.name, tags::owner_in(scope), template, version))
        });
        Ok(seen.collect())
    }

    /// The default version of each template, by the template's name.
    async fn default_versions(
        &self,
        templates: &BTreeMap<String, LaunchTemplate>,
    ) -> Result<BTreeMap<String, LaunchTemplateVersion>, PortError> {
        if templates.len() <= FEW {
            let one = async |name: &String| {
                let id = ResourceId::launch_template(&self.name, name);
                let version = Template { region: self, id: &id }.version("$Default").await?;
                Ok::<_, PortError>(version.map(|version| (name.clone(), version)))
            };
            let found = stream::iter(templates.keys()).map(one).buffer_unordered(CALLS);
            return Ok(found.try_collect::<Vec<_>>().await?.into_iter().flatten().collect());
        }
        let all = all_pages!(
            self.ec2
                .describe_launch_template_versions()
                .versions("$Default")
                .max_results(TEMPLATES_AT_ONCE)
        )
        .await
        .map_err(|error| {
            failed(error, "ec2:DescribeLaunchTemplateVersions", &self.about("launch templates"))
        })?;
        let named = all.into_iter().filter_map(|version| {
            let name = version.launch_template_name()?.to_owned();
            templates.contains_key(&name).then_some((name, version))
        });
        Ok(named.collect())
    }

    /// The names of what the scope asks for by name, of one kind, here.
    fn named(&self, scope: &Scope, kind: &str) -> impl Iterator<Item = String> {
        let here = move |id: &&ResourceId| {
            id.side == Side::Aws && id.kind == kind && id.scope.as_deref() == Some(&self.name)
        };
        scope.named.iter().filter(here).map(|id| id.name.clone())
    }
}

/// The filter that finds the scope's things.
fn by_tag(scope: &Scope) -> (String, String) {
    if scope.any_environment {
        ("tag-key".to_owned(), marks::ENVIRONMENT.to_owned())
    } else {
        (format!("tag:{}", marks::ENVIRONMENT), scope.mark.environment.clone())
    }
}
