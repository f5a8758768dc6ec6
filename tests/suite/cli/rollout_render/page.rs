//! The page: whole in itself, well-formed, and printed.

use super::{rendered, repository};
use crate::support::programs::program;
use std::fs;
use std::process::Command;

const VOID: [&str; 9] = ["meta", "link", "br", "hr", "img", "input", "path", "line", "rect"];

#[test]
fn the_page_needs_nothing_else() {
    let page = rendered(&repository(), "html");
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for reference in
        ["http://", "https://", "src=", "@import", "url(", "<link", "<iframe", " style="]
    {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("unsafe-inline"));
}

#[test]
fn nothing_of_a_file_is_taken_for_more_than_text() {
    let repository = repository();
    let page = rendered(&repository, "html");
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"));
    let text = rendered(&repository, "md");
    assert!(!text.contains("<script>") && text.contains("&lt;script&gt;"));
    assert!(text.contains(r"The autoscaler \| flaps") && text.contains(r"we \| begin"));
}

#[test]
fn every_part_of_the_page_ends_where_it_should() {
    let repository = repository();
    balanced(&rendered(&repository, "html"));
    balanced(&rendered(&repository, "svg"));
}

/// Ends the test unless every element that begins also ends, in order.
#[track_caller]
fn balanced(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let (tag, after) = rest.split_once('>').unwrap();
        rest = after;
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap();
        if tag.starts_with('!')
            || tag.ends_with('/')
            || VOID.contains(&name) && !tag.starts_with('/')
        {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{}", &after[..after.len().min(200)]);
        } else {
            open.push(name);
            if ["script", "style"].contains(&name) {
                rest = &rest[rest.find(&format!("</{name}>")).unwrap()..];
            }
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn the_page_is_printed_with_every_part_open() {
    let repository = repository();
    let (page, print) = (repository.path().join("page.html"), repository.path().join("page.pdf"));
    fs::write(&page, rendered(&repository, "html")).unwrap();
    let printed = Command::new(program("chromium"))
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"])
        .arg(format!("--user-data-dir={}", repository.path().join("profile").display()))
        .arg(format!("--print-to-pdf={}", print.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let pdf = fs::read(&print).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    let pages = String::from_utf8_lossy(&pdf).matches("/Type /Page\n").count();
    // The first tells where it stands, each phase begins one of its own.
    assert!(pages >= 4, "{pages} pages");
}
