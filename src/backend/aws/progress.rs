//! How far a group has come.

use super::account::Account;
use super::group::{Group, workload};
use super::template::Template;
use crate::observe::{ResourceId, Workload};
use crate::plan::PortError;
use crate::port::Progress;
use async_trait::async_trait;

#[async_trait]
impl Progress for Account {
    async fn progress(&self, id: &ResourceId) -> Result<Option<Workload>, PortError> {
        let region = self.region_of(id)?;
        if id.kind == "LaunchTemplate" {
            let found = Template { region, id }.get().await?;
            return Ok(found.map(|_| Workload { observed: true, ..Workload::default() }));
        }
        if id.kind == "InstanceRefresh" {
            let id = id.refreshed_group();
            return Group { region, id: &id }.refresh_progress().await;
        }
        let Some(group) = region.look(&id.name).await? else { return Ok(None) };
        let mut workload = workload(&group);
        if workload.pending > 0 {
            // Whether it is there yet is told without.
            let _ = region.explain(&id.name, &mut workload).await;
        }
        Ok(Some(workload))
    }
}
