//! What there is of images.

use super::{FORMAT_VERSION, short};
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen, Table, count};
use schemars::JsonSchema;
use serde::Serialize;

/// All builds of some images. Also the document that `image list --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Floodway images")]
pub struct ImagesView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// When it was looked (RFC 3339).
    pub at: String,
    /// The images.
    pub images: Vec<BuildsView>,
    /// What could not be looked at, and why.
    pub unseen: Vec<String>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BuildsView {
    /// Its name.
    pub name: String,
    /// The newest first.
    pub builds: Vec<BuildView>,
}

/// One build, everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BuildView {
    /// The digest of its manifest.
    pub manifest: String,
    /// When it was first seen anywhere (RFC 3339).
    pub created: String,
    /// For how long it has been there, in seconds.
    pub age_seconds: u64,
    /// The channels that mean it.
    pub channels: Vec<ChannelInView>,
    /// Its machine images.
    pub amis: Vec<AmiView>,
}

/// A channel in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChannelInView {
    /// The channel.
    pub channel: String,
    /// The region.
    pub region: String,
}

/// A machine image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AmiView {
    /// Its region.
    pub region: String,
    /// Its ID.
    pub id: String,
    /// `uefi` or `legacy-bios`; absent where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_mode: Option<String>,
    /// `available`, `pending`, `disabled` or `failed`.
    pub state: String,
    /// Since when it is disabled (RFC 3339), as far as that was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<String>,
    /// Accounts and organisations that may use it; `all`: everybody.
    pub shared_with: Vec<String>,
    /// Who uses it in this account, in words.
    pub used_by: Vec<String>,
}

impl ImagesView {
    /// What was seen `at` a time.
    pub fn new(at: String, images: Vec<BuildsView>, unseen: Vec<String>) -> Self {
        Self { format_version: FORMAT_VERSION.into(), at, images, unseen }
    }
}

/// All of them as text.
pub fn text(view: &ImagesView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    for image in &view.images {
        screen.blank();
        let builds = count(image.builds.len(), "build");
        screen.line(0, Line::of(Ink::Strong, &image.name).ink(Ink::Dim, format!("  {builds}")));
        for build in &image.builds {
            screen.blank();
            print_build(&mut screen, build);
        }
    }
    if view.images.is_empty() {
        screen.line(0, "Floodway has published no image there.");
    }
    screen.finish()
}

fn print_build(screen: &mut Screen<'_>, build: &BuildView) {
    let head = Line::of(Ink::Strong, short(&build.manifest))
        .ink(Ink::Dim, format!("  {} old", age(build.age_seconds)));
    screen.hanging(2, 2, &head);
    for (channel, regions) in by_channel(&build.channels) {
        let line = Line::of(Ink::Add, channel).text(format!(" in {}", regions.join(", ")));
        screen.hanging(4, 2, &line);
    }
    let mut table = Table::new(&["    REGION", "AMI", "BOOTS BY", "STATE", "USED BY"]);
    for ami in &build.amis {
        let state = match ami.state.as_str() {
            "available" => Line::from("available"),
            other => Line::of(Ink::Warn, other),
        };
        let shared = match ami.shared_with.len() {
            0 => String::new(),
            number => format!(", shared with {number}"),
        };
        table.row([
            Line::from(format!("    {}", ami.region)),
            Line::from(ami.id.as_str()),
            Line::from(ami.boot_mode.as_deref().unwrap_or("–")),
            state.text(shared),
            Line::from(users(&ami.used_by)),
        ]);
    }
    screen.table(&table);
}

/// Channels with their regions, each once.
fn by_channel(channels: &[ChannelInView]) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in channels {
        match found.iter_mut().find(|(channel, _)| *channel == one.channel) {
            Some((_, regions)) => regions.push(&one.region),
            None => found.push((&one.channel, vec![&one.region])),
        }
    }
    found
}

/// The first, and how many more.
fn users(users: &[String]) -> String {
    match users {
        [] => "–".to_owned(),
        [one] => one.clone(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}

/// `5 days`, `3 h`, `12 min`.
fn age(seconds: u64) -> String {
    match seconds {
        0..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_told_with_their_channels_and_machine_images() {
        let ami = |region: &str, id: &str, state: &str| AmiView {
            region: region.into(),
            id: id.into(),
            boot_mode: Some("uefi".into()),
            state: state.into(),
            disabled_at: None,
            shared_with: vec!["111122223333".into()],
            used_by: vec!["instance i-1 (running)".into(), "launch template a, version 3".into()],
        };
        let channel = |channel: &str, region: &str| ChannelInView {
            channel: channel.into(),
            region: region.into(),
        };
        let build = BuildView {
            manifest: "a".repeat(64),
            created: "2026-11-20T00:00:00Z".into(),
            age_seconds: 6 * 86_400,
            channels: vec![channel("stable", "us-east-1"), channel("stable", "us-west-2")],
            amis: vec![
                ami("us-east-1", "ami-0a", "available"),
                ami("us-west-2", "ami-0b", "pending"),
            ],
        };
        let image = BuildsView { name: "gpu-inference".into(), builds: vec![build] };
        let view = ImagesView::new("2026-11-26T00:00:00Z".into(), vec![image], vec![]);
        let text = text(&view, &Style::plain(120));
        for said in [
            "gpu-inference  1 build",
            "  aaaaaaaaaaaa  6 days old",
            "    stable in us-east-1, us-west-2",
            "ami-0b",
            "instance i-1 (running) and 1 more",
        ] {
            assert!(text.contains(said), "{said}:\n{text}");
        }
        assert_eq!([age(59), age(7200), age(172_800)], ["0 min", "2 h", "2 days"]);
    }
}
