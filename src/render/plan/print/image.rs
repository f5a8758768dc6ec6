//! What another machine image brings, beneath the field that names it.

use crate::render::plan::view::{DiffersView, ImageView, PackageView};
use crate::render::style::Ink;
use crate::render::text::{Line, Screen, count};

/// Packages of one image, unless all are asked for.
const PACKAGES: usize = 12;
/// Hex digits of a digest that tell it from others.
const DIGITS: usize = 12;

/// Prints how the builds of two images differ.
pub(super) fn image(screen: &mut Screen<'_>, indent: usize, view: &ImageView, whole: bool) {
    let DiffersView { before, after } = &view.manifest;
    if before == after {
        let build = before.as_deref().map(|digest| short(digest, whole)).unwrap_or_default();
        let line = Line::of(Ink::Dim, format!("the same build, manifest {build}"));
        screen.hanging(indent, 4, &line);
        return;
    }
    let digest = |digest: &Option<String>| {
        digest.as_deref().map_or_else(|| "unknown".to_owned(), |digest| short(digest, whole))
    };
    let manifest = DiffersView { before: Some(digest(before)), after: Some(digest(after)) };
    differs(screen, indent, "manifest", &manifest);
    if !view.compared {
        let text = "what is in these builds is not known: no differences to show";
        screen.hanging(indent, 4, &Line::of(Ink::Dim, text));
        return;
    }
    for (what, one) in [("kernel", &view.kernel), ("driver", &view.driver)] {
        if let Some(one) = one {
            differs(screen, indent, what, one);
        }
    }
    let most = if whole { usize::MAX } else { PACKAGES };
    for package in view.packages.iter().take(most) {
        screen.hanging(indent, 4, &line(package));
    }
    let more = view.packages.len().saturating_sub(most);
    if more > 0 {
        let text = format!("and {}; --verbose shows them", count(more, "more package"));
        screen.hanging(indent, 4, &Line::of(Ink::Dim, text));
    }
    if view.kernel.is_none() && view.driver.is_none() && view.packages.is_empty() {
        let text = "the same kernel, driver and packages";
        screen.hanging(indent, 4, &Line::of(Ink::Dim, text));
    }
}

fn differs(screen: &mut Screen<'_>, indent: usize, what: &str, differs: &DiffersView) {
    let said = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
    let line = Line::from(format!("{what} "))
        .ink(Ink::Remove, said(&differs.before))
        .text(" → ")
        .ink(Ink::Add, said(&differs.after));
    screen.hanging(indent, 4, &line);
}

fn line(package: &PackageView) -> Line {
    let name = &package.name;
    match (&package.before, &package.after) {
        (Some(before), Some(after)) => Line::of(Ink::Change, "~")
            .text(format!(" {name} "))
            .ink(Ink::Remove, before)
            .text(" → ")
            .ink(Ink::Add, after),
        (Some(before), None) => Line::of(Ink::Remove, "-").text(format!(" {name} {before}")),
        (None, after) => {
            let after = after.as_deref().unwrap_or_default();
            Line::of(Ink::Add, "+").text(format!(" {name} {after}"))
        }
    }
}

fn short(digest: &str, whole: bool) -> String {
    if whole { digest.to_owned() } else { digest.chars().take(DIGITS).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;

    fn view() -> ImageView {
        let differs = |before: &str, after: &str| DiffersView {
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        };
        let package = |at: usize| PackageView {
            name: format!("p{at:02}"),
            before: (at > 0).then(|| "1".to_owned()),
            after: (at != 1).then(|| "2".to_owned()),
        };
        ImageView {
            manifest: differs(&"a".repeat(64), &"b".repeat(64)),
            compared: true,
            kernel: Some(differs("6.1.0-56", "6.1.0-57")),
            driver: None,
            packages: (0..15).map(package).collect(),
        }
    }

    fn printed(view: &ImageView, whole: bool) -> String {
        let style = Style::plain(80);
        let mut screen = Screen::new(&style);
        image(&mut screen, 2, view, whole);
        screen.finish()
    }

    #[test]
    fn a_dozen_packages_are_shown_and_the_others_counted() {
        let text = printed(&view(), false);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let begin = ["manifest aaaaaaaaaaaa → bbbbbbbbbbbb", "kernel 6.1.0-56 → 6.1.0-57"];
        assert_eq!(lines[..2], begin, "{text}");
        assert_eq!(lines[2..5], ["+ p00 2", "- p01 1", "~ p02 1 → 2"], "{text}");
        assert_eq!(lines[14..], ["and 3 more packages; --verbose shows them"], "{text}");
        let whole = printed(&view(), true);
        assert!(whole.contains(&"a".repeat(64)) && whole.contains("p14"), "{whole}");
    }

    #[test]
    fn what_is_not_known_is_said() {
        let unknown = ImageView {
            manifest: DiffersView { before: None, ..view().manifest },
            compared: false,
            ..view()
        };
        let text = printed(&unknown, false);
        assert!(text.contains("manifest unknown → bbbbbbbbbbbb"), "{text}");
        assert!(text.contains("is not known") && !text.contains("p00"), "{text}");
        let same = DiffersView { before: view().manifest.after, ..view().manifest };
        let text = printed(&ImageView { manifest: same, ..view() }, false);
        assert_eq!(text.trim(), "the same build, manifest bbbbbbbbbbbb");
    }
}
