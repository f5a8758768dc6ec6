//! Things by their names, many in one call.

use super::account::Region;
use super::error::failed;
use crate::plan::{FailureKind, PortError};
use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_ec2::types::{Filter, LaunchTemplate};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Mutex as Turn, oneshot};

/// Names that one call can hold:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html>
const NAMES: usize = 50;

impl Region {
    /// The groups of these names that are there.
    pub(super) async fn groups_named(
        &self,
        names: &[String],
    ) -> Result<Vec<AutoScalingGroup>, PortError> {
        let mut found = Vec::new();
        for names in names.chunks(NAMES) {
            let asked = self.autoscaling.describe_auto_scaling_groups();
            let asked = asked.set_auto_scaling_group_names(Some(names.to_vec())).max_records(100);
            let answer = asked.send().await.map_err(|error| {
                let what = match names {
                    [one] => format!("group {one}"),
                    _ => self.about("groups"),
                };
                failed(error, "autoscaling:DescribeAutoScalingGroups", &what)
            })?;
            found.extend(answer.auto_scaling_groups.unwrap_or_default());
        }
        Ok(found)
    }

    /// The launch templates of these names that are there.
    pub(super) async fn templates_named(
        &self,
        names: &[String],
    ) -> Result<Vec<LaunchTemplate>, PortError> {
        let mut found = Vec::new();
        for names in names.chunks(NAMES) {
            let named = Filter::builder().name("launch-template-name");
            let named = named.set_values(Some(names.to_vec())).build();
            let answer = self.ec2.describe_launch_templates().filters(named).send().await;
            let answer = answer.map_err(|error| {
                failed(error, "ec2:DescribeLaunchTemplates", &self.about("launch templates"))
            })?;
            found.extend(answer.launch_templates.unwrap_or_default());
        }
        Ok(found)
    }

    /// One group as it is now. Groups that are asked for while a look is under way
    /// are looked at together by the next one.
    pub(super) async fn look(&self, name: &str) -> Result<Option<AutoScalingGroup>, PortError> {
        let (sender, mut answer) = oneshot::channel();
        self.looks.add(name, sender);
        tokio::select! {
            biased;
            answer = &mut answer => return answered(answer),
            _turn = self.looks.turn.lock() => self.look_for_all().await,
        }
        answered(answer.await)
    }

    async fn look_for_all(&self) {
        let asked = self.looks.take();
        let names: BTreeSet<&String> = asked.iter().map(|(name, _)| name).collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let found = self.groups_named(&names).await;
        for (name, sender) in asked {
            let one = found.as_ref().map_err(Clone::clone).map(|found| {
                let is = |group: &&AutoScalingGroup| group.auto_scaling_group_name() == Some(&name);
                found.iter().find(is).cloned()
            });
            // Who has gone meanwhile needs no answer.
            let _ = sender.send(one);
        }
    }
}

type Answer = Result<Option<AutoScalingGroup>, PortError>;

/// Who looked for all may have been stopped in the middle.
fn answered(answer: Result<Answer, oneshot::error::RecvError>) -> Answer {
    answer.unwrap_or_else(|_| {
        Err(PortError {
            kind: FailureKind::Transient,
            message: "a look at several groups was broken off".to_owned(),
            help: Some("try again".to_owned()),
        })
    })
}

/// Looks at groups that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Looks {
    waiting: Mutex<Vec<(String, oneshot::Sender<Answer>)>>,
    turn: Turn<()>,
}

impl Looks {
    fn add(&self, name: &str, sender: oneshot::Sender<Answer>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((name.to_owned(), sender));
    }

    fn take(&self) -> Vec<(String, oneshot::Sender<Answer>)> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
