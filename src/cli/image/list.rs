use super::super::applying::block_on;
use super::super::exit::{Exit, Failure};
use super::super::schema::pretty;
use super::super::terminal::Terminal;
use super::places::{Places, name, now};
use crate::clock::Timestamp;
use crate::render::images::{AmiView, BuildView, BuildsView, ChannelInView, ImagesView, list_text};
use node_image::card::BootMode;
use node_image::publish::Error;
use node_image::publish::facts::ImageState;
use node_image::publish::list::{Build, ImageIn, Listed, list};
use node_image::publish::look::{Survey, look};
use std::collections::BTreeSet;

/// List published builds, the channels that mean them, and who uses them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The image; without it, all that Floodway has published
    #[arg(value_parser = name)]
    name: Option<String>,
    /// Print it as JSON (see `floodway schema images`)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let at = now();
    let surveys = block_on(async {
        let connected = args.places.connect().await?;
        // Without credentials each region would say so.
        connected.who().await?;
        Ok(look(&connected.watched(), args.name.as_deref(), at).await)
    })?;
    let images = surveys.iter().map(|survey| image(&list(&survey.facts), at)).collect();
    let unseen = unseen(&surveys);
    for why in &unseen {
        terminal.note(&format!("warning: {why}\n"));
    }
    let complete = unseen.is_empty();
    let view = ImagesView::new(at.to_string(), images, unseen);
    if args.json {
        terminal.print(&pretty(&view));
    } else {
        terminal.print(&list_text(&view, &terminal.out));
    }
    // What nobody could see may be there.
    Ok(if complete { Exit::Done } else { Exit::Failed })
}

/// What could not be read, each once.
pub(super) fn unseen(surveys: &[Survey]) -> Vec<String> {
    let of = |survey: &Survey| -> Vec<Error> {
        survey.unread.iter().chain(&survey.channels_unread).cloned().collect()
    };
    let each: BTreeSet<String> =
        surveys.iter().flat_map(of).map(|error| error.to_string()).collect();
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
