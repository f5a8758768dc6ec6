use super::super::applying::block_on;
use super::super::exit::{Exit, Failure};
use super::super::schema::pretty;
use super::super::terminal::Terminal;
use super::around::Around;
use super::places::{name, now};
use crate::clock::Timestamp;
use crate::render::images::{AmiView, BuildView, BuildsView, ChannelInView, ImagesView, list_text};
use node_image::card::BootMode;
use node_image::publish::facts::ImageState;
use node_image::publish::list::{Build, ImageIn, Listed, list};
use node_image::publish::look::{Looked, look};
use std::collections::BTreeSet;

/// List published builds, the channels that mean them, and who uses them
///
/// Without --region it looks at all regions that the image's recipe or an environment here
/// names, and at those that what is known there of its builds names; which they are is told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The image; without it, all that Floodway has published
    #[arg(value_parser = name)]
    name: Option<String>,
    /// Print it as JSON (see `floodway schema images`)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    around: Around,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let at = now();
    let (looked, unread, regions) = block_on(async {
        let connected = args.around.connect(args.name.as_deref(), terminal).await?;
        // Without credentials each region would say so.
        connected.who().await?;
        let regions = connected.watched();
        let looked = look(&regions, args.name.as_deref(), at).await;
        Ok((looked, connected.unread, regions.len()))
    })?;
    let images = looked.surveys.iter().map(|survey| image(&list(&survey.facts), at)).collect();
    let unseen = unseen(&looked, unread);
    for why in &unseen {
        terminal.note(&format!("warning: {why}\n"));
    }
    let exit = match (unseen.is_empty(), looked.unread.len() < regions) {
        (true, _) => Exit::Done,
        // What nobody could see may be there.
        (false, true) => Exit::Partly,
        (false, false) => Exit::Failed,
    };
    let view = ImagesView::new(at.to_string(), images, unseen);
    if args.json {
        terminal.print(&pretty(&view));
    } else {
        terminal.print(&list_text(&view, &terminal.out));
    }
    Ok(exit)
}

/// What could not be read, each once; `unread` says where else there may be something.
fn unseen(looked: &Looked, unread: Vec<String>) -> Vec<String> {
    let of_channels = looked.surveys.iter().flat_map(|survey| &survey.channels_unread);
    let in_regions = looked.unread.iter().chain(of_channels).map(ToString::to_string);
    let each: BTreeSet<String> = in_regions.chain(unread).collect();
    each.into_iter().collect()
}

fn image(listed: &Listed, now: Timestamp) -> BuildsView {
    let builds = listed.builds.iter().map(|one| build(one, now)).collect();
    BuildsView { name: listed.image.clone(), builds }
}

fn build(build: &Build, now: Timestamp) -> BuildView {
    let age = now.as_second().saturating_sub(build.created.as_second());
    BuildView {
        manifest: build.manifest.clone(),
        created: build.created.to_string(),
        age_seconds: u64::try_from(age).unwrap_or(0),
        channels: build
            .channels
            .iter()
            .map(|one| ChannelInView { channel: one.channel.clone(), region: one.region.clone() })
            .collect(),
        amis: build.images.iter().map(ami).collect(),
    }
}

fn ami(image: &ImageIn) -> AmiView {
    AmiView {
        region: image.region.clone(),
        id: image.id.clone(),
        boot_mode: image.mode.map(BootMode::as_str).map(str::to_owned),
        state: match image.state {
            ImageState::Available => "available",
            ImageState::Pending => "pending",
            ImageState::Disabled => "disabled",
            ImageState::Failed => "failed",
        }
        .to_owned(),
        disabled_at: image.disabled_at.map(|at| at.to_string()),
        shared_with: image.shared.clone(),
        used_by: image.used_by.iter().cloned().collect(),
    }
}
