//! A disk, into every region.

use super::blocks::Blocks;
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
use crate::channel::Summary;
use aws_types::SdkConfig;
use futures::future::{join_all, try_join_all};
use std::collections::BTreeSet;
use std::path::Path;
use tokio::sync::OnceCell;

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
        others: others.len(),
        blocks: OnceCell::new(),
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
    work.summaries(&regions, &mut published).await?;
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
    /// Regions beside the first: together they read back as much at once as that one.
    others: usize,
    /// What the disk's blocks are, once somebody has asked.
    blocks: OnceCell<Blocks>,
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
        let encryption = self.options.encryption(&clients.region);
        if let Some(id) = image::snapshot(&images, self.identity, &self.manifest.boot_modes) {
            let found = persist(Patience::EC2, || snapshot::by_id(clients, id)).await?;
            let on_it = images.iter().filter(|image| image.snapshot.as_deref() == Some(id));
            let on_it: Vec<&str> = on_it.map(|image| image.id.as_str()).collect();
            let found = snapshot::under_amis(found, encryption, &on_it);
            let found = found.map_err(|error| error.in_region(&clients.region))?;
            if let Some(wanted) = &self.uefi_data {
                image::keys_fit(clients, self.identity, &images, wanted).await?;
            }
            return Ok(found);
        }
        let wanted = Wanted {
            identity: self.identity,
            disk: self.disk,
            // It is a snapshot of the first region.
            parent: self.options.parent.as_deref().filter(|_| source.is_none()),
            encryption,
            window: self.options.window,
            notes: self.notes,
            watch: self.watch,
        };
        if let Some((source, home)) = source
            && !source.encrypted
            && encryption == Encryption::Account
            && let Some(found) =
                copy(clients, self.identity, source, &home.region, self.watch).await?
        {
            let window = (self.options.window / self.others.max(1)).max(1);
            let wanted = Wanted { window, ..wanted };
            return snapshot::compared(clients, &wanted, found, &self.blocks).await;
        }
        snapshot::bring(clients, &wanted).await
    }

    /// All else there.
    async fn finish(&self, clients: &Clients, snapshot: &Found) -> Result<InRegion, Error> {
        let accounts = &self.options.share;
        // Whose key it is that was given by its ARN, AWS alone knows: it says so before an
        // AMI stands on what cannot be shared.
        if !accounts.is_empty() {
            share::snapshot(clients, &snapshot.id, accounts, self.watch).await?;
        }
        let shape = Shape { uefi_data: self.uefi_data.as_deref(), gib: self.options.gib };
        let shape = &shape;
        let one = |mode: BootMode| async move {
            let image =
                image::ensure(clients, self.identity, mode, snapshot, shape, self.watch).await?;
            Ok::<_, Error>((mode, image.id))
        };
        let images = try_join_all(self.manifest.boot_modes.iter().map(|mode| one(*mode))).await?;
        if !accounts.is_empty() {
            let each = images.iter().map(|(_, id)| share::image(clients, id, accounts, self.watch));
            try_join_all(each).await?;
        }
        Ok(InRegion { snapshot: snapshot.id.clone(), images: images.into_iter().collect() })
    }

    /// Writes down what is known of the build, wherever all of it is; `regions` begin with
    /// the first one.
    async fn summaries(&self, regions: &[Clients], published: &mut Published) -> Result<(), Error> {
        let names: BTreeSet<String> = published.regions.keys().cloned().collect();
        let there = regions.iter().filter(|clients| names.contains(&clients.region));
        let there: Vec<&Clients> = there.collect();
        let written = join_all(there.iter().map(|clients| self.summary(clients, &names))).await;
        for (clients, end) in there.into_iter().zip(written) {
            let Err(error) = end else { continue };
            if regions.first().is_some_and(|home| home.region == clients.region) {
                return Err(error);
            }
            published.regions.remove(&clients.region);
            published.failed.insert(clients.region.clone(), error);
        }
        Ok(())
    }

    /// Writes down what is known of the build, unless it stands there: also that it is in
    /// these regions, beside those to which it has been published before.
    async fn summary(&self, clients: &Clients, regions: &BTreeSet<String>) -> Result<(), Error> {
        let Identity { name, manifest } = self.identity;
        let is = ssm::summary(clients, name, manifest).await?;
        let before = is.as_deref().and_then(|text| Summary::regions(text, manifest).ok());
        let mut summary = Summary::of(self.manifest, manifest);
        summary.regions = regions.union(&before.unwrap_or_default()).cloned().collect();
        let first = summary.write().ok().and_then(|texts| texts.into_iter().next());
        if is.is_some() && is == first {
            return Ok(());
        }
        ssm::put_summary(clients, name, &summary).await
    }
}
