//! From another image of a plan, what readers are told about it.

use crate::plan::{Differences, Differs, ImageChange};
use crate::render::plan::view::{DiffersView, ImageView, PackageView};

impl From<&ImageChange> for ImageView {
    fn from(change: &ImageChange) -> Self {
        let made_of = change.made_of.as_ref();
        let differs =
            |of: fn(&Differences) -> Option<&Differs>| made_of.and_then(of).map(DiffersView::from);
        let packages = made_of.map(|made_of| made_of.packages.as_slice()).unwrap_or_default();
        Self {
            manifest: (&change.manifest).into(),
            compared: made_of.is_some(),
            kernel: differs(|made_of| made_of.kernel.as_ref()),
            driver: differs(|made_of| made_of.driver.as_ref()),
            packages: packages
                .iter()
                .map(|package| PackageView {
                    name: package.name.clone(),
                    before: package.version.before.clone(),
                    after: package.version.after.clone(),
                })
                .collect(),
        }
    }
}

impl From<&Differs> for DiffersView {
    fn from(differs: &Differs) -> Self {
        Self { before: differs.before.clone(), after: differs.after.clone() }
    }
}
