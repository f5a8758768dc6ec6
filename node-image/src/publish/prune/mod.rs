//! Taking old builds away: first an AMI is disabled, so that nothing starts from it
//! and it can be brought back at once; after a declared time it goes, and its
//! snapshot with it. What anything uses, any channel means or is newest stays.

mod act;
mod decide;

pub use act::{Done, carry_out};
pub use decide::{Action, Kept, Options, Plan, Step, decide};

use super::error::{Error, Kind};
use super::look::Survey;

/// What would be done with what was seen.
///
/// # Errors
/// It is not known in every region what the channels mean: then nothing may go
/// anywhere.
pub fn plan(survey: &Survey, options: &Options) -> Result<Plan, Error> {
    match survey.channels_unread.as_slice() {
        [] => Ok(decide(&survey.facts, options)),
        unread => {
            let each: Vec<String> = unread.iter().map(ToString::to_string).collect();
            let message = format!(
                "what the channels of {} mean is not known, so nothing is pruned: {}",
                survey.facts.image,
                each.join("; ")
            );
            let kind = unread.first().map_or(Kind::Failed, |error| error.kind);
            let without = "name the regions to look at with --region";
            let help = match unread.iter().find_map(|error| error.help.as_deref()) {
                Some(help) => format!("{help}; or {without}"),
                None => without.to_owned(),
            };
            Err(Error::new(kind, message).help(help))
        }
    }
}
