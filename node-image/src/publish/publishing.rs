//! A disk, into every region.

use super::clients::Clients;
use super::copy::copy;
use super::disk::Disk;
use super::error::{Error, Kind};
use super::image::{self, Shape};
use super::names::Identity;
use super::notes::Notes;
use super::options::{InRegion, Options, Published};
use super::progress::{Progress, Watch};
use super::retry::{Patience, persist};
use super::snapshot::{self, Encryption, Found, Wanted};
use super::{share, ssm};
use crate::card::{BootMode, Manifest};
use crate::channel::{Summary, summary_parameter};
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_types::SdkConfig;
use futures::future::{join_all, try_join_all};
use std::path::Path;

/// Publishes the disk in the file `disk`, of which `manifest` is the `manifest.json`:
/// a snapshot that has been compared with it block by block, an AMI for each way to
/// boot, and what is known of the build, in every region; shared, where that is asked
/// for.
///
/// All of it is found again by names and tags: done again it does nothing, and after
/// a kill at any moment only what was missing.
///
/// # Errors
/// What was given does not fit, or the first region fails. That another region does,
/// stands in [`Published::failed`].
pub async fn publish(
    config: &SdkConfig,
    disk: &Path,
    manifest: &[u8],
    options: &Options,
    watch: &Watch<'_>,
) -> Result<Published, Error> {
    let (identity, manifest) = Identity::read(manifest)?;
    options.check(&manifest)?;
    let regions: Vec<Clients> =
        options.regions.iter().map(|region| Clients::new(config, region)).collect();
    let Some((home, others)) = regions.split_first() else {
        return Err(Error::new(Kind::Invalid, "no region is given"));
    };
    let disk = Disk::open(disk)?;
    watch(Progress::Checking);
    disk.check(&manifest.disk).await?;
    // Before anything is written anywhere.
    try_join_all(regions.iter().map(|clients| {
        share::may_share(clients, options.encryption(&clients.region), &options.share)
    }))
    .await?;

    let work = Work {
        identity: &identity,
        manifest: &manifest,
        disk: &disk,
        options,
        notes: &Notes::in_folder(&options.notes),
        uefi_data: options.uefi_text(),
        watch,
    };
    let source = work.snapshot(home, None).await?;
    let at_home = work.finish(home, &source).await?;
    let elsewhere = join_all(others.iter().map(|clients| async {
        let snapshot = work.snapshot(clients, Some((&source, home))).await?;
        work.finish(clients, &snapshot).await
    }));
    let mut published =
        Published { identity: identity.clone(), regions: [].into(), failed: [].into() };
    published.regions.insert(home.region.clone(), at_home);
    for (clients, end) in others.iter().zip(elsewhere.await) {
        let region = clients.region.clone();
        match end {
            Ok(there) => _ = published.regions.insert(region, there),
            Err(error) => _ = published.failed.insert(region, error),
        }
    }
    Ok(published)
}

/// What is published.
struct Work<'w> {
    identity: &'w Identity,
    manifest: &'w Manifest,
    disk: &'w Disk,
    options: &'w Options,
    notes: &'w Notes,
    uefi_data: Option<String>,
    watch: &'w Watch<'w>,
}

impl Work<'_> {
    /// The image's snapshot there: that of an AMI which it has already, else one that
    /// is copied from `source`, or sent.
    async fn snapshot(
        &self,
        clients: &Clients,
        source: Option<(&Found, &Clients)>,
    ) -> Result<Found, Error> {
        let images = image::of_image(clients, self.identity).await?;
        if let Some(id) = image::snapshot(&images, self.identity, &self.manifest.boot_modes) {
            return persist(Patience::EC2, || snapshot::by_id(clients, id)).await;
        }
        let encryption = self.options.encryption(&clients.region);
        match source {
            Some((source, home)) if !source.encrypted && encryption == Encryption::Account => {
                copy(clients, self.identity, source, &home.region, self.watch).await
            }
            _ => {
                // It is a snapshot of the first region.
                let parent = self.options.parent.as_deref().filter(|_| source.is_none());
                let wanted = Wanted {
                    identity: self.identity,
                    disk: self.disk,
                    parent,
                    encryption,
                    window: self.options.window,
                    notes: self.notes,
                    watch: self.watch,
                };
                snapshot::bring(clients, &wanted).await
            }
        }
    }

    /// All else there.
    async fn finish(&self, clients: &Clients, snapshot: &Found) -> Result<InRegion, Error> {
        let shape = Shape { uefi_data: self.uefi_data.as_deref(), gib: self.options.gib };
        let shape = &shape;
        let one = |mode: BootMode| async move {
            let image =
                image::ensure(clients, self.identity, mode, snapshot, shape, self.watch).await?;
            Ok::<_, Error>((mode, image.id))
        };
        let images = try_join_all(self.manifest.boot_modes.iter().map(|mode| one(*mode))).await?;
        let accounts = &self.options.share;
        if !accounts.is_empty() {
            share::snapshot(clients, &snapshot.id, accounts, self.watch).await?;
            let each = images.iter().map(|(_, id)| share::image(clients, id, accounts, self.watch));
            try_join_all(each).await?;
        }
        self.summary(clients).await?;
        Ok(InRegion { snapshot: snapshot.id.clone(), images: images.into_iter().collect() })
    }

    /// Writes down what is known of the build, unless it stands there.
    async fn summary(&self, clients: &Clients) -> Result<(), Error> {
        let name = summary_parameter(&self.identity.name, &self.identity.manifest, 0);
        let summary = Summary::of(self.manifest, &self.identity.manifest);
        match clients.ssm.get_parameter().name(&name).send().await {
            Ok(answer) => {
                let is = answer.parameter().and_then(|found| found.value());
                let first = summary.write().ok().and_then(|texts| texts.into_iter().next());
                if is == first.as_deref() {
                    return Ok(());
                }
            }
            Err(error) if error.code() == Some("ParameterNotFound") => {}
            Err(error) => {
                let region = &clients.region;
                let call = super::error::Call { action: "ssm:GetParameter", region, thing: &name };
                return Err(call.failed(&error));
            }
        }
        ssm::put_summary(clients, &self.identity.name, &summary).await
    }
}
