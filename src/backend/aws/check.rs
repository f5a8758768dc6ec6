//! What AWS says of changes before they are made: whether a name is taken, and,
//! of templates, whether the role may write them. Auto Scaling has no dry run.

use super::account::Account;
use super::error::{code, failed};
use super::group::{self, Group};
use super::template::{self, Template};
use crate::observe::{Mark, Ownership, ResourceId, marks};
use crate::plan::{CheckRequest, FailureKind, PortError, Verdict};
use crate::port::Check;
use async_trait::async_trait;
use aws_sdk_ec2::types::RequestLaunchTemplateData;
use futures::stream::{self, StreamExt};

/// Questions that may be under way.
const CALLS: usize = 8;

#[async_trait]
impl Check for Account {
    async fn check(&self, requests: &[CheckRequest]) -> Vec<Verdict> {
        let one = async |request: &CheckRequest| {
            self.ask(request).await.unwrap_or_else(|error| match error.kind {
                FailureKind::Denied | FailureKind::Transient | FailureKind::Unknown => {
                    Verdict::NotChecked(error.message)
                }
                _ => Verdict::Rejected(error),
            })
        };
        stream::iter(requests).map(one).buffered(CALLS).collect().await
    }
}

impl Account {
    async fn ask(&self, request: &CheckRequest) -> Result<Verdict, PortError> {
        let id = &request.id;
        let mark = mark(request);
        if id.kind == "LaunchTemplate" {
            return self.ask_about_template(request, id, &mark).await;
        }
        let region = self.region_of(id)?;
        if !request.exists
            && let Some(there) = (Group { region, id }).get().await?
        {
            let live = group::live(&region.name, &mark, &there, group::Beside::default());
            if live.ownership != Ownership::Ours {
                return Ok(Verdict::Taken(Box::new(live)));
            }
        }
        Ok(Verdict::NotChecked("EC2 Auto Scaling has no dry run".to_owned()))
    }

    async fn ask_about_template(
        &self,
        request: &CheckRequest,
        id: &ResourceId,
        mark: &Mark,
    ) -> Result<Verdict, PortError> {
        let region = self.region_of(id)?;
        let template = Template { region, id };
        if !request.exists
            && let Some(there) = template.get().await?
            && let Some(version) = template.version("$Default").await?
        {
            let live = template::live(&region.name, mark, &there, &version);
            if live.ownership != Ownership::Ours {
                return Ok(Verdict::Taken(Box::new(live)));
            }
        }
        // What a dry run judges is only whether we may.
        let image = request.body.text_at("/image").unwrap_or_default();
        let data = RequestLaunchTemplateData::builder().image_id(image).build();
        let (action, error) = if request.exists {
            let create = region.ec2.create_launch_template_version().dry_run(true);
            let asked = create.launch_template_name(&id.name).launch_template_data(data);
            let error = asked.send().await.err().map(|error| {
                (
                    code(&error).to_owned(),
                    failed(error, "ec2:CreateLaunchTemplateVersion", &id.name),
                )
            });
            ("ec2:CreateLaunchTemplateVersion", error)
        } else {
            let create = region.ec2.create_launch_template().dry_run(true);
            let asked = create.launch_template_name(&id.name).launch_template_data(data);
            let error = asked.send().await.err().map(|error| {
                (code(&error).to_owned(), failed(error, "ec2:CreateLaunchTemplate", &id.name))
            });
            ("ec2:CreateLaunchTemplate", error)
        };
        match error {
            Some((code, _)) if code == "DryRunOperation" => Ok(Verdict::Accepted),
            Some((_, error)) if error.kind == FailureKind::Denied => Ok(Verdict::Rejected(error)),
            Some((_, error)) => Err(error),
            None => Ok(Verdict::NotChecked(format!("{action} took no notice of the dry run"))),
        }
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
