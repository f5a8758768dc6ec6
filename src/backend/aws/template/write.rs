//! Writes to launch templates. A version never changes: another content is
//! another version, and the default says which one starts instances. The SDK gives
//! each call a token of its own for its own repeats; a later try finds by its name
//! and content what an earlier one has made.

use super::read::{shape, tags_of, uid};
use super::shape::{Shape, ec2_tags};
use crate::backend::aws::account::{Region, required, stale};
use crate::backend::aws::error::{code, failed};
use crate::backend::aws::tags::{self, Tags};
use crate::observe::{Mark, ResourceId, marks};
use crate::plan::{FailureKind, PortError, Precondition, Verdict, applied_digest};
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{
    LaunchTemplate, LaunchTemplateVersion, RequestLaunchTemplateData, ResourceType,
    TagSpecification,
};
use serde_json::Value;

/// One launch template, to be written.
pub(in crate::backend::aws) struct Template<'a> {
    pub(in crate::backend::aws) region: &'a Region,
    pub(in crate::backend::aws) id: &'a ResourceId,
}

impl Template<'_> {
    /// The live template; none: there is none of that name.
    pub(in crate::backend::aws) async fn get(&self) -> Result<Option<LaunchTemplate>, PortError> {
        let asked = self.region.ec2.describe_launch_templates();
        match asked.launch_template_names(&self.id.name).send().await {
            Ok(answer) => Ok(answer.launch_templates.unwrap_or_default().into_iter().next()),
            Err(error) if is_absent(code(&error)) => Ok(None),
            Err(error) => Err(self.failed(error, "DescribeLaunchTemplates")),
        }
    }

    /// One version, by number, `$Default` or `$Latest`.
    pub(in crate::backend::aws) async fn version(
        &self,
        version: &str,
    ) -> Result<Option<LaunchTemplateVersion>, PortError> {
        let asked = self.region.ec2.describe_launch_template_versions();
        let asked = asked.launch_template_name(&self.id.name).versions(version);
        match asked.send().await {
            Ok(answer) => {
                Ok(answer.launch_template_versions.unwrap_or_default().into_iter().next())
            }
            Err(error) if is_absent(code(&error)) => Ok(None),
            Err(error) => Err(self.failed(error, "DescribeLaunchTemplateVersions")),
        }
    }

    /// Whether the role may make it, or a version of it: all that a dry run of EC2
    /// judges. It has the tags of the call that is meant, which policies ask for.
    pub(in crate::backend::aws) async fn may_write(
        &self,
        body: &Value,
        exists: bool,
    ) -> Result<Verdict, PortError> {
        // What cannot be looked up is not there yet.
        let part = |name: &str| body.get(name).cloned().unwrap_or_default();
        let image = part("image").as_str().unwrap_or_default().to_owned();
        let tags: Tags = serde_json::from_value(part("tags")).unwrap_or_default();
        let data = RequestLaunchTemplateData::builder().image_id(image).build();
        let (name, ec2) = (&self.id.name, &self.region.ec2);
        if exists {
            let add = ec2.create_launch_template_version().dry_run(true);
            let asked = add.launch_template_name(name).launch_template_data(data).send().await;
            self.judged(asked.err(), "CreateLaunchTemplateVersion")
        } else {
            let make = ec2.create_launch_template().dry_run(true).launch_template_name(name);
            let make = make.launch_template_data(data).tag_specifications(tagged(&tags));
            self.judged(make.send().await.err(), "CreateLaunchTemplate")
        }
    }

    /// What a dry run tells, which never succeeds.
    fn judged<E>(
        &self,
        error: Option<SdkError<E, HttpResponse>>,
        call: &str,
    ) -> Result<Verdict, PortError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            Some(error) if code(&error) == "DryRunOperation" => Ok(Verdict::Accepted),
            Some(error) => Err(self.failed(error, call)),
            None => Ok(Verdict::NotChecked(format!("ec2:{call} took no notice of the dry run"))),
        }
    }

    /// Makes its default version be `body`.
    pub(in crate::backend::aws) async fn apply(
        &self,
        mark: &Mark,
        body: &Value,
        precondition: &Precondition,
    ) -> Result<(), PortError> {
        let wanted = Shape::of(body)?;
        // Last of all the note that all of it was done.
        let mut noted = wanted.tags.clone();
        noted.insert(marks::APPLIED.to_owned(), applied_digest(&body.into()));
        if *precondition == Precondition::Absent && self.create(&wanted, &noted).await? {
            return Ok(());
        }
        let facts = |live: &_| (uid(live), tags::owner(mark, &tags_of(live)));
        let live = required(self.id, precondition, self.get().await?, facts)?;
        self.make_default(&wanted).await?;
        self.tag(&noted, &live).await
    }

    /// Whether it has been made: one of its name may be there, by an earlier try
    /// that was cut off.
    async fn create(&self, wanted: &Shape, tags: &Tags) -> Result<bool, PortError> {
        let digest = version_digest(wanted);
        let made = self
            .region
            .ec2
            .create_launch_template()
            .launch_template_name(&self.id.name)
            .version_description(described(&digest))
            .launch_template_data(wanted.data(&self.root_device(&wanted.image).await?))
            .tag_specifications(tagged(tags))
            .send()
            .await;
        match made {
            Ok(_) => Ok(true),
            Err(error) if code(&error) == "InvalidLaunchTemplateName.AlreadyExistsException" => {
                Ok(false)
            }
            Err(error) => Err(self.failed(error, "CreateLaunchTemplate")),
        }
    }

    /// The version that has what is wanted, made if there is none, becomes the
    /// default.
    async fn make_default(&self, wanted: &Shape) -> Result<(), PortError> {
        let default = self.version("$Default").await?;
        let says = |version: &LaunchTemplateVersion| {
            shape(version, Tags::new()).version() == wanted.version()
        };
        if default.as_ref().is_some_and(says) {
            return Ok(());
        }
        // An earlier try may have made it and no more.
        let latest = self.version("$Latest").await?.filter(says);
        let number = match latest.and_then(|version| version.version_number()) {
            Some(number) => number,
            None => self.add_version(wanted).await?,
        };
        let modify = self.region.ec2.modify_launch_template();
        modify
            .launch_template_name(&self.id.name)
            .default_version(number.to_string())
            .send()
            .await
            .map_err(|error| self.failed(error, "ModifyLaunchTemplate"))?;
        Ok(())
    }

    async fn add_version(&self, wanted: &Shape) -> Result<i64, PortError> {
        let digest = version_digest(wanted);
        let answer = self
            .region
            .ec2
            .create_launch_template_version()
            .launch_template_name(&self.id.name)
            .version_description(described(&digest))
            .launch_template_data(wanted.data(&self.root_device(&wanted.image).await?))
            .send()
            .await
            .map_err(|error| self.failed(error, "CreateLaunchTemplateVersion"))?;
        let number = answer.launch_template_version().and_then(|made| made.version_number());
        number.ok_or_else(|| stale(self.id))
    }

    async fn tag(&self, wanted: &Tags, live: &LaunchTemplate) -> Result<(), PortError> {
        let there = tags_of(live);
        let new: Tags = wanted
            .iter()
            .filter(|(key, value)| there.get(*key) != Some(*value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !new.is_empty() {
            let create = self.region.ec2.create_tags().resources(uid(live));
            let created = create.set_tags(Some(ec2_tags(&new))).send().await;
            created.map_err(|error| self.failed(error, "CreateTags"))?;
        }
        let outdated = tags::outdated(&there, wanted);
        if !outdated.is_empty() {
            let gone: Tags = outdated.into_iter().map(|key| (key, String::new())).collect();
            let keys = gone.keys().map(|key| aws_sdk_ec2::types::Tag::builder().key(key).build());
            let delete = self.region.ec2.delete_tags().resources(uid(live));
            let deleted = delete.set_tags(Some(keys.collect())).send().await;
            deleted.map_err(|error| self.failed(error, "DeleteTags"))?;
        }
        Ok(())
    }

    /// The name of the image's root device, which its volume must have. It never
    /// changes.
    async fn root_device(&self, image: &str) -> Result<String, PortError> {
        let mut known = self.region.root_devices.lock().await;
        if let Some(root) = known.get(image) {
            return Ok(root.clone());
        }
        let answer = self.region.ec2.describe_images().image_ids(image).send().await;
        let answer = answer.map_err(|error| self.failed(error, "DescribeImages"))?;
        let found = answer.images().first();
        let Some(root) = found.and_then(|image| image.root_device_name()) else {
            return Err(PortError {
                kind: FailureKind::Rejected,
                message: format!("image {image} is not there, or has no root device"),
                help: Some("plan again: the image may have been taken back".to_owned()),
            });
        };
        known.insert(image.to_owned(), root.to_owned());
        Ok(root.to_owned())
    }

    /// Deletes it with all its versions.
    pub(in crate::backend::aws) async fn delete(&self, planned: &str) -> Result<(), PortError> {
        let delete = self.region.ec2.delete_launch_template().launch_template_id(planned);
        match delete.send().await {
            // Gone; what has its name now is another one.
            Err(error) if is_absent(code(&error)) => match self.get().await? {
                Some(_) => Err(stale(self.id)),
                None => Ok(()),
            },
            Err(error) => Err(self.failed(error, "DeleteLaunchTemplate")),
            Ok(_) => Ok(()),
        }
    }

    fn failed<E>(&self, error: SdkError<E, HttpResponse>, call: &str) -> PortError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        failed(error, &format!("ec2:{call}"), &self.id.to_string())
    }
}

fn tagged(tags: &Tags) -> TagSpecification {
    let kind = ResourceType::LaunchTemplate;
    TagSpecification::builder().resource_type(kind).set_tags(Some(ec2_tags(tags))).build()
}

/// What EC2 says of a template, or a version, that is not there.
pub(in crate::backend::aws) fn is_absent(code: &str) -> bool {
    code.starts_with("InvalidLaunchTemplate") && code.contains("NotFound")
}

fn version_digest(wanted: &Shape) -> String {
    tags::digest(&wanted.version().into())
}

/// For whoever looks at the versions in the console.
fn described(digest: &str) -> String {
    format!("floodway {digest}")
}
