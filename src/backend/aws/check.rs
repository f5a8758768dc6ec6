//! What AWS says of changes before they are made: whether names are taken, and,
//! of templates, whether the role may write them. Auto Scaling has no dry run. Who
//! may only read sees what has not been checked, and can plan.

use super::account::{Account, Region};
use super::group;
use super::tags;
use super::template::{self, Template};
use crate::observe::{Live, Mark, Ownership, ResourceId, marks};
use crate::plan::{CheckRequest, FailureKind, PortError, Verdict};
use crate::port::Check;
use async_trait::async_trait;
use futures::future::join_all;
use std::collections::BTreeMap;

#[async_trait]
impl Check for Account {
    async fn check(&self, requests: &[CheckRequest]) -> Vec<Verdict> {
        let answers = join_all(self.regions.values().map(|region| region.ask(requests))).await;
        let one = |request: &CheckRequest| match self.region_of(&request.id) {
            Err(error) => Verdict::Rejected(error),
            Ok(region) => {
                let answer = answers.iter().find(|answer| answer.region == region.name);
                let silent = || Verdict::NotChecked("its region was not asked".to_owned());
                answer.map_or_else(silent, |answer| answer.on(request))
            }
        };
        requests.iter().map(one).collect()
    }
}

/// What one region says to all that is asked of it.
struct Answers {
    region: String,
    /// What has a name that a new thing would have.
    taken: Result<BTreeMap<ResourceId, Live>, PortError>,
    /// Whether a template may be made.
    make: Option<Verdict>,
    /// Whether a template may get a version.
    add: Option<Verdict>,
}

impl Answers {
    fn on(&self, request: &CheckRequest) -> Verdict {
        if !request.exists {
            match &self.taken {
                Err(error) => return Verdict::NotChecked(error.message.clone()),
                Ok(taken) => {
                    let there = taken.get(&request.id);
                    if let Some(live) = there.filter(|live| live.ownership != Ownership::Ours) {
                        return Verdict::Taken(Box::new(live.clone()));
                    }
                }
            }
        }
        let of_templates = if request.exists { &self.add } else { &self.make };
        match request.id.kind.as_str() {
            "LaunchTemplate" => of_templates
                .clone()
                .unwrap_or_else(|| Verdict::NotChecked("EC2 was not asked".to_owned())),
            _ => Verdict::NotChecked("EC2 Auto Scaling has no dry run".to_owned()),
        }
    }
}

impl Region {
    async fn ask(&self, requests: &[CheckRequest]) -> Answers {
        let is_here =
            |request: &&CheckRequest| request.id.scope.as_deref() == Some(self.name.as_str());
        let here: Vec<&CheckRequest> = requests.iter().filter(is_here).collect();
        // Policies judge templates of one environment alike: one of them is asked about.
        let dry = async |exists: bool| {
            let is_one = |r: &&&CheckRequest| r.id.kind == "LaunchTemplate" && r.exists == exists;
            match here.iter().find(is_one) {
                Some(request) => {
                    let template = Template { region: self, id: &request.id };
                    let may = template.may_write(&request.body.value(), exists).await;
                    Some(may.unwrap_or_else(unchecked))
                }
                None => None,
            }
        };
        Answers {
            region: self.name.clone(),
            taken: self.taken(&here).await,
            make: dry(false).await,
            add: dry(true).await,
        }
    }

    /// What is there under the names of `requests` for new things.
    async fn taken(
        &self,
        requests: &[&CheckRequest],
    ) -> Result<BTreeMap<ResourceId, Live>, PortError> {
        let Some(mark) = requests.first().map(|request| mark(request)) else {
            return Ok(BTreeMap::new());
        };
        let new = |kind: &str| -> Vec<String> {
            let new = requests.iter().filter(|r| !r.exists && r.id.kind == kind);
            new.map(|request| request.id.name.clone()).collect()
        };
        let owner = |tags: &tags::Tags| tags::owner(&mark, tags);
        let mut taken = BTreeMap::new();
        for there in self.groups_named(&new("AutoScalingGroup")).await? {
            let live = group::live(&self.name, owner, &there, group::Beside::default());
            taken.insert(live.id.clone(), live);
        }
        for there in self.templates_named(&new("LaunchTemplate")).await? {
            let name = there.launch_template_name().unwrap_or_default();
            let id = ResourceId::launch_template(&self.name, name);
            let version = Template { region: self, id: &id }.version("$Default").await?;
            if let Some(version) = version {
                taken.insert(id, template::live(&self.name, owner, &there, &version));
            }
        }
        Ok(taken)
    }
}

/// Who may not write, or is not answered, does not know.
fn unchecked(error: PortError) -> Verdict {
    match error.kind {
        FailureKind::Denied | FailureKind::Transient | FailureKind::Unknown => {
            Verdict::NotChecked(error.message)
        }
        _ => Verdict::Rejected(error),
    }
}

fn mark(request: &CheckRequest) -> Mark {
    let tag = |key: &str| {
        let pointer = format!("/tags/{}", key.replace('/', "~1"));
        request.body.text_at(&pointer).unwrap_or_default()
    };
    Mark {
        environment: tag(marks::ENVIRONMENT),
        repository: tag(marks::REPOSITORY),
        file: tag(marks::FILE),
    }
}
