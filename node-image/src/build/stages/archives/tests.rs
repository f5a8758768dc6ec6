use super::*;
use crate::build::recipe::read;
use common::diag::Look;

const RECIPE: &str = r#"
[image]
name = "x"
time = "2026-11-01T00:00:00Z"

[base]
suite = "bookworm"
mirror = "http://deb.example/debian"
security = "http://deb.example/debian-security"

[repositories.vendor]
uri = "http://vendor.example/a_b/"
suite = "./"
key = "vendor.asc"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"

[packages]

[kernel]

[limits]
disk = "210Mi"
"#;

fn recipe(text: &str) -> Read {
    let (read, found) = read("images/x.toml", text.as_bytes());
    read.unwrap_or_else(|| panic!("{}", found.render(Look::PLAIN)))
}

fn told(error: Error) -> String {
    match error {
        Error::Recipe(found) => found.render(Look { width: 200, ..Look::PLAIN }),
        other => panic!("{other:?}"),
    }
}

/// As apt ends when it has said `lines`.
fn failed(read: &Read, lines: &str) -> Error {
    let (program, status) = ("apt-get".to_owned(), "exit status: 100".to_owned());
    unreadable(read, Error::Program { program, status, output: lines.to_owned() })
}

#[test]
fn an_index_is_called_as_apt_calls_it() {
    let name = |uri: &str, suite: &str| {
        let mut repository = recipe(RECIPE).recipe.repositories.into_values().next().unwrap();
        (repository.uri, repository.suite) = (uri.to_owned(), suite.to_owned());
        index_name(&repository)
    };
    assert_eq!(name("http://h:80/a/", "./"), "h:80_a_._InRelease");
    assert_eq!(name("https://h/x86_64", "/"), "h_x86%5f64_InRelease");
    assert_eq!(name("http://h/~me/deb", "stable"), "h_%7eme_deb_dists_stable_InRelease");
    assert_eq!(name("http://h", "a/updates"), "h_dists_a_updates_InRelease");
}

#[test]
fn only_what_is_pinned_or_of_the_past_may_have_expired() {
    let lines = |text: &str| {
        let key = |name: &str, _: &Repository| Ok(format!("/keys/{name}.asc"));
        sources(&recipe(text).recipe, key).unwrap()
    };
    let said = lines(RECIPE);
    let lines_of: Vec<_> = said.lines().collect();
    assert_eq!(lines_of.len(), 4, "{said}");
    assert!(lines_of[..3].iter().all(|line| !line.contains("check-valid-until")), "{said}");
    assert_eq!(
        lines_of[3],
        "deb [signed-by=/keys/vendor.asc check-valid-until=no] http://vendor.example/a_b/ ./ "
    );
    let past = "http://snapshot.debian.org/archive/debian/20261101T000000Z";
    let said = lines(&RECIPE.replace("http://deb.example/debian\"", &format!("{past}\"")));
    let expires = |line: &&str| !line.contains("check-valid-until=no");
    assert_eq!(said.lines().filter(expires).count(), 1, "{said}");
}

#[test]
fn an_archive_that_cannot_be_read_is_told_where_it_is_named_in_apts_words() {
    let read = recipe(RECIPE);
    let gone = "E: Failed to fetch http://deb.example/debian-security/dists/x/InRelease  404\n\
                E: Some index files failed to download.";
    let said = told(failed(&read, gone));
    assert!(said.contains("images/x.toml:9:"), "{said}");
    assert!(said.contains("http://deb.example/debian-security cannot be read"), "{said}");
    assert!(said.contains("apt: Failed to fetch http://deb"), "{said}");
    let signature = "W: GPG error: http://vendor.example/a_b ./ InRelease: The following \
                     signatures couldn't be verified because the public key is not available: \
                     NO_PUBKEY 0123\nE: The repository 'http://vendor.example/a_b ./ InRelease' \
                     is not signed.";
    let said = told(failed(&read, signature));
    assert!(said.contains("images/x.toml:14:"), "{said}");
    assert!(said.contains("`vendor` is not signed by a key in vendor.asc"), "{said}");
    assert!(matches!(failed(&read, "E: no room\n"), Error::Program { .. }));
}

#[test]
fn an_index_that_is_not_as_pinned_is_told_at_the_pin_with_what_it_is() {
    let lists = tempfile::tempdir().unwrap();
    let read = recipe(RECIPE);
    let said = told(check_pins(&read, lists.path()).unwrap_err());
    assert!(said.contains("images/x.toml:15:") && said.contains("has no InRelease"), "{said}");
    let index = lists.path().join("vendor.example_a%5fb_._InRelease");
    std::fs::write(&index, "abc").unwrap();
    // Another archive's index is no excuse.
    std::fs::write(lists.path().join("deb.example_debian_dists_x_InRelease"), "").unwrap();
    let said = told(check_pins(&read, lists.path()).unwrap_err());
    let offered = hash::of_bytes(b"abc");
    assert!(said.contains("images/x.toml:15:") && said.contains(&offered), "{said}");
    let pinned = recipe(&RECIPE.replace(&"0".repeat(64), &offered.to_uppercase()));
    check_pins(&pinned, lists.path()).unwrap();
}
