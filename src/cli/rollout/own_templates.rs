//! The templates that an environment has in place of the shipped ones.

use crate::cli::exit::{Exit, Failure};
use crate::cli::repository::Located;
use crate::diag::nearest;
use crate::render::rollout::{EMBEDDED, Templates};
use crate::spec::Loader as _;
use std::collections::BTreeMap;

/// More files than any rollout needs.
const MOST: usize = 64;

/// Those in the folder beside the environment's file: `environments/prod/rollout/`.
pub(super) fn read(located: &Located) -> Result<Templates, Failure> {
    let Some(stem) = located.path.strip_suffix(".toml") else { return Ok(Templates::shipped()) };
    let folder = format!("{stem}/rollout");
    let mut names = located.files.siblings(&format!("{folder}/report.md"));
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    if names.len() > MOST {
        let message = format!("{folder} has more than {MOST} files");
        return Err(Failure::new(Exit::Invalid, message));
    }
    let mut own = BTreeMap::new();
    for name in names {
        let path = format!("{folder}/{name}");
        let shipped = || EMBEDDED.iter().map(|(known, _)| *known);
        if !name.starts_with('_') && !shipped().any(|known| known == name) {
            let failure =
                Failure::new(Exit::Invalid, format!("`{path}` stands in for no template"));
            return Err(failure.help(match nearest(&name, shipped()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "there are {}; a part that only they include begins with `_`",
                    shipped().collect::<Vec<_>>().join(", ")
                ),
            }));
        }
        let cannot =
            |why: String| Failure::new(Exit::Invalid, format!("`{path}` cannot be read: {why}"));
        let loaded = located.files.load(&path).map_err(|error| cannot(error.to_string()))?;
        let text = String::from_utf8(loaded.bytes).map_err(|_| cannot("it is not UTF-8".into()))?;
        own.insert(name, text);
    }
    Ok(Templates::with(&folder, own))
}
