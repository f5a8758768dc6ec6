use super::super::applying::block_on;
use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::moved::{left, told};
use super::places::{Goals, failed, name, now, quoted, reason};
use super::tested::unproved;
use super::watching::Watching;
use node_image::card::Manifest;
use node_image::channel::{check_reason, short};
use node_image::publish::channel::{Author, set};
use node_image::publish::{Clients, Identity, Options, Published, publish};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The disk in a build's folder.
const DISK: &str = "disk.raw";
/// Its manifest there.
const MANIFEST: &str = "manifest.json";

/// Bring a build into AWS, and put it into a channel
///
/// The disk is sent to the first region, only what is not zeros, and copied to the others (an
/// encrypted one is sent to each), and read back and compared in each; each gets a machine
/// image for UEFI and one for a BIOS, on one snapshot. Cut off at any moment, the same command
/// goes on where it was, and does nothing where all is done. When all regions have the build,
/// the channel means it. Without --region it goes to the regions that its recipe names. A build
/// that has not passed its boot test is refused.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of a build: disk.raw, manifest.json and boot.json
    dir: PathBuf,
    /// The channel that shall mean it
    #[arg(long, value_name = "CHANNEL", default_value = "candidate", value_parser = name)]
    channel: String,
    /// Why: the channel's history keeps it
    #[arg(long, value_name = "TEXT", value_parser = check_reason)]
    reason: Option<String>,
    /// An account that may use it; several are given one by one
    #[arg(long, value_name = "ACCOUNT")]
    share: Vec<String>,
    /// The ARN of the key that encrypts it, one for each region
    #[arg(long, value_name = "ARN")]
    kms_key: Vec<String>,
    /// A snapshot in the first region whose blocks need not be sent again: that of the
    /// build before
    #[arg(long, value_name = "SNAPSHOT")]
    parent: Option<String>,
    /// UEFI variables with the keys for secure boot, of an image that is signed
    #[arg(long, value_name = "FILE")]
    uefi_data: Option<PathBuf>,
    /// Publish it, though it has not passed its boot test
    #[arg(long)]
    untested: bool,
    #[command(flatten)]
    goals: Goals,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let manifest = read(&args.dir.join(MANIFEST))?;
    let uefi_data = args.uefi_data.as_deref().map(read).transpose()?;
    let keys = keys(&args.kms_key)?;
    let (_, declared) = Identity::read(&manifest).map_err(|error| failed(&error))?;
    let places = args.goals.or(&declared.regions)?;
    boots(args, &declared, terminal)?;
    block_on(async {
        let connected = places.connect().await?;
        let by = connected.who().await?;
        let options = Options {
            parent: args.parent.clone(),
            share: args.share.clone(),
            keys,
            uefi_data,
            ..Options::new(connected.regions.clone(), args.dir.clone())
        };
        let watching = Watching::new(terminal);
        let watch = |progress| watching.tell(progress);
        let disk = args.dir.join(DISK);
        let published = publish(&connected.config, &disk, &manifest, &options, &watch).await;
        watching.end();
        let published = published.map_err(|error| failed(&error))?;
        let again = again(args);
        for (region, there) in &published.regions {
            for (mode, image) in &there.images {
                let (mode, snapshot) = (mode.as_str(), &there.snapshot);
                terminal.print(&format!("{region}: {image} boots by {mode}, on {snapshot}\n"));
            }
        }
        if let Some(exit) = incomplete(&published, &again, terminal) {
            return Ok(exit);
        }
        let (image, channel) = (published.identity.name.as_str(), args.channel.as_str());
        let regions: Vec<(Clients, _)> = published
            .regions
            .iter()
            .map(|(region, there)| (Clients::new(&connected.config, region), there.images.clone()))
            .collect();
        let regions: Vec<(&Clients, _)> =
            regions.iter().map(|(clients, images)| (clients, images.clone())).collect();
        let author = Author { by: &by, reason: args.reason.as_deref(), at: now() };
        let manifest = &published.identity.manifest;
        let report = set(&regions, (image, channel), manifest, &author).await;
        Ok(told(&report, (image, channel), Some(&again), terminal))
    })
}

/// Whether it may be published by what is known of its boot tests.
fn boots(args: &Args, manifest: &Manifest, terminal: &Terminal) -> Result<(), Failure> {
    let Some(why) = unproved(&args.dir, manifest) else { return Ok(()) };
    let folder = args.dir.display().to_string();
    if args.untested {
        terminal.note(&format!("warning: {folder} is published untested: {why}\n"));
        return Ok(());
    }
    let message = format!("{folder} is not known to boot, so it is not published: {why}");
    let help = format!(
        "test it with `floodway image boot {}`, or publish it all the same with --untested",
        quoted(&folder)
    );
    Err(Failure::new(Exit::Refused, message).help(help))
}

/// Where something is missing: no channel means a build that not all regions have.
fn incomplete(published: &Published, again: &str, terminal: &Terminal) -> Option<Exit> {
    if published.failed.is_empty() {
        return None;
    }
    for error in published.failed.values() {
        terminal.complain(&failed(error));
    }
    let (there, missing) = (published.regions.len(), published.failed.len());
    let message = format!(
        "build {} is in {there} of {} regions, so no channel means it yet",
        short(&published.identity.manifest),
        there + missing
    );
    terminal.complain(&Failure::new(Exit::Partly, message));
    left(again, terminal);
    Some(Exit::Partly)
}

/// The same command.
fn again(args: &Args) -> String {
    let path = |path: &Path| quoted(&path.display().to_string());
    let mut text = format!("floodway image publish {}", path(&args.dir));
    if args.channel != "candidate" {
        text.push_str(&format!(" --channel {}", args.channel));
    }
    let more = [("--share", &args.share), ("--kms-key", &args.kms_key)];
    for (flag, value) in more.iter().flat_map(|(flag, all)| all.iter().map(move |v| (flag, v))) {
        text.push_str(&format!(" {flag} {}", quoted(value)));
    }
    if let Some(parent) = &args.parent {
        text.push_str(&format!(" --parent {}", quoted(parent)));
    }
    if let Some(file) = &args.uefi_data {
        text.push_str(&format!(" --uefi-data {}", path(file)));
    }
    if args.untested {
        text.push_str(" --untested");
    }
    text + &reason(args.reason.as_deref()) + &args.goals.arguments()
}

/// Keys by their regions, which their ARNs name.
fn keys(arns: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let one = |arn: &String| {
        let mut parts = arn.split(':');
        let is_key = parts.next() == Some("arn") && parts.nth(1) == Some("kms");
        let region = parts.next().filter(|region| is_key && !region.is_empty());
        let region = region.ok_or_else(|| {
            Failure::usage(format!("`{arn}` is no key's ARN"))
                .help("write it like arn:aws:kms:us-east-1:123456789012:key/…")
        })?;
        Ok((region.to_owned(), arn.clone()))
    };
    arns.iter().map(one).collect()
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure::file(file, "cannot be read", &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(Debug, clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn what_is_left_to_do_is_the_same_command_for_a_shell() {
        let given = [
            "publish",
            "my build/small",
            "--channel",
            "canary",
            "--share",
            "111122223333",
            "--uefi-data",
            "it's mine.bin",
            "--untested",
            "--reason",
            "kernel 6.1",
        ];
        let args = Command::try_parse_from(given).unwrap().args;
        let expected = "floodway image publish 'my build/small' --channel canary --share \
                        111122223333 --uefi-data 'it'\\''s mine.bin' --untested --reason \
                        'kernel 6.1'";
        assert_eq!(again(&args), expected);
        let with = ["publish", ".floodway/images/small", "--region", "us-east-1"];
        let args = Command::try_parse_from(with).unwrap().args;
        let expected = "floodway image publish .floodway/images/small --region us-east-1";
        assert_eq!(again(&args), expected);
    }

    #[test]
    fn a_key_is_of_the_region_that_its_arn_names() {
        let arn = "arn:aws:kms:eu-west-1:123456789012:key/0a".to_owned();
        let found = keys(std::slice::from_ref(&arn)).unwrap();
        assert_eq!(found, BTreeMap::from([("eu-west-1".to_owned(), arn)]));
        for wrong in ["alias/x", "arn:aws:ec2:eu-west-1:1:key/0a", "arn:aws:kms::1:key/0a"] {
            assert!(keys(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
