//! What has become of a channel, region by region.

use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::places::failed;
use node_image::channel::short;
use node_image::publish::channel::{Moved, Report};

/// Tells it; `again` is the command that does what is left, if one can.
pub(super) fn told(
    report: &Report,
    (image, channel): (&str, &str),
    again: Option<&str>,
    terminal: &Terminal,
) -> Exit {
    let build = short(&report.manifest);
    for one in &report.regions {
        let region = &one.region;
        match &one.moved {
            Ok(Moved::Already) => {
                terminal
                    .print(&format!("{region}: {channel} of {image} is build {build} already\n"));
            }
            Ok(Moved::Written { version, before, raced }) => {
                let before = before.as_deref().map_or("nothing", short);
                terminal.print(&format!(
                    "{region}: {channel} of {image} is build {build} now, and was {before} before \
                     (version {version})\n"
                ));
                if *raced {
                    terminal.note(&format!(
                        "warning: {region}: somebody else wrote {channel} of {image} just before; \
                         aws ssm get-parameter-history tells what\n"
                    ));
                }
            }
            Err(error) => terminal.complain(&failed(error)),
        }
    }
    let (all, wrong) = (report.regions.len(), report.failed().count());
    if wrong == 0 {
        return Exit::Done;
    }
    let message =
        format!("{channel} of {image} is build {build} in {} of {all} regions", all - wrong);
    let exit = if wrong == all { Exit::Failed } else { Exit::Partly };
    terminal.complain(&Failure::new(exit, message));
    if let Some(again) = again {
        left(again, terminal);
    }
    exit
}

/// Tells what to run next, on one line: it is copied.
pub(super) fn left(again: &str, terminal: &Terminal) {
    terminal.note(&format!("what is left to do:\n  {again}\n"));
}
