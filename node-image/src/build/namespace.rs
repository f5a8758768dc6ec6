//! Whether somebody who is not root can be it in a user namespace, and what stands in
//! the way: <https://man7.org/linux/man-pages/man7/user_namespaces.7.html>

use super::command::Run;
use super::error::Error;
use std::fs;

/// Users and groups that packages give files to: the last is `nobody`, 65534.
const NEEDED: u64 = 65_535;
/// Where ranges that users are given begin, and how long they are, as adduser has it.
const FIRST: u64 = 100_000;
const RANGE: u64 = 65_536;

/// What may forbid it, what it says then, and what allows it.
const SETTINGS: [(&str, &str, &str); 3] = [
    ("user.max_user_namespaces", "0", "15000"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
];

/// The caller is root there, has the users that /etc/subuid and /etc/subgid give him, and
/// may mount, `/proc` too: what installs packages does. All of it ends together.
const HOW: [&str; 6] =
    ["--map-root-user", "--map-auto", "--mount", "--pid", "--fork", "--kill-child"];

/// `program`, run as root there.
pub(super) fn enter(program: &str) -> Run {
    Run::new("unshare").args(HOW).args(["--", program]).called(program)
}

/// Tries it.
///
/// # Errors
/// What stands in the way, with the command that takes it away.
pub(super) fn check() -> Result<(), Error> {
    let maps = ["/proc/self/uid_map", "/proc/self/gid_map"];
    let tried = maps.map(|map| enter("cat").arg(map).run());
    if tried.iter().all(|map| map.as_ref().is_ok_and(|map| mapped(map) >= NEEDED)) {
        return Ok(());
    }
    let said = tried.into_iter().find_map(Result::err);
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let user = Run::new("id").arg("-un").run().unwrap_or_default();
    Err(Tried {
        user: user.trim(),
        id: rustix::process::getuid().as_raw(),
        users: &text("/etc/subuid"),
        groups: &text("/etc/subgid"),
        setting: &|name| text(&format!("/proc/sys/{}", name.replace('.', "/"))),
        said: said.map(|error| error.to_string()).unwrap_or_default(),
    }
    .why())
}

/// How many users a map of the kernel's holds.
fn mapped(map: &str) -> u64 {
    let lengths = map.lines().filter_map(|line| line.split_whitespace().nth(2));
    lengths.filter_map(|length| length.parse::<u64>().ok()).fold(0, u64::saturating_add)
}

/// A try that failed.
struct Tried<'t> {
    user: &'t str,
    id: u32,
    /// /etc/subuid and /etc/subgid.
    users: &'t str,
    groups: &'t str,
    /// What a setting of the kernel's says; one that it does not have, nothing.
    setting: &'t dyn Fn(&str) -> String,
    said: String,
}

impl Tried<'_> {
    fn why(&self) -> Error {
        let what = "you are not root, and cannot be it in a user namespace: ";
        let lists = [("/etc/subuid", self.users, "u"), ("/etc/subgid", self.groups, "g")];
        let short: Vec<_> = lists.iter().filter(|(_, list, _)| self.given(list) < NEEDED).collect();
        if let Some((file, list, _)) = short.first() {
            let (user, given) = (self.user, self.given(list));
            let start = self.free();
            let end = start + RANGE - 1;
            let add = short.iter().map(|(_, _, kind)| format!(" --add-sub{kind}ids {start}-{end}"));
            return Error::refused(
                format!("{what}{file} gives {user} {given} ids, and packages have {NEEDED}"),
                format!("give them: sudo usermod{} {user}", add.collect::<String>()),
            );
        }
        for (name, forbids, allows) in SETTINGS {
            if (self.setting)(name).trim() == forbids {
                return Error::refused(
                    format!("{what}{name} is {forbids}"),
                    format!("allow it: sudo sysctl -w {name}={allows}"),
                );
            }
        }
        Error::refused(
            format!("{what}{}", self.said),
            format!("run it as root, or where `unshare {} true` works", HOW.join(" ")),
        )
    }

    /// How many ids a list gives the user, whom it names or numbers.
    fn given(&self, list: &str) -> u64 {
        let id = self.id.to_string();
        let own = ranges(list).filter(|(who, ..)| *who == self.user || *who == id);
        own.fold(0, |sum, (_, _, length)| sum.saturating_add(length))
    }

    /// Where ids begin that nobody was given.
    fn free(&self) -> u64 {
        let all = ranges(self.users).chain(ranges(self.groups));
        let ends = all.map(|(_, start, length)| start.saturating_add(length));
        ends.fold(FIRST, u64::max)
    }
}

/// The lines of a list: who, from where, how many.
fn ranges(list: &str) -> impl Iterator<Item = (&str, u64, u64)> {
    list.lines().filter_map(|line| {
        let mut parts = line.trim().split(':');
        let who = parts.next()?;
        Some((who, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(users: &str, groups: &str, setting: &dyn Fn(&str) -> String) -> (String, String) {
        let said = "unshare failed (exit status: 1)".to_owned();
        let error = Tried { user: "bob", id: 1001, users, groups, setting, said }.why();
        (error.to_string(), error.help().unwrap())
    }

    fn none(_: &str) -> String {
        String::new()
    }

    #[test]
    fn who_was_given_no_ids_is_told_the_command_that_gives_him_free_ones() {
        let (what, help) = why("ann:100000:65536\n", "bob:100000:65536\n", &none);
        assert!(what.ends_with("/etc/subuid gives bob 0 ids, and packages have 65535"), "{what}");
        assert_eq!(help, "give them: sudo usermod --add-subuids 165536-231071 bob");
        let (what, help) = why("bob:100000:1000", "", &none);
        assert!(what.contains("gives bob 1000 ids"), "{what}");
        let both = "--add-subuids 101000-166535 --add-subgids 101000-166535 bob";
        assert!(help.ends_with(both), "{help}");
    }

    #[test]
    fn a_setting_that_forbids_it_is_named_with_the_one_that_allows_it() {
        let list = "1001:100000:65536\n";
        let setting = |forbids: &'static str, says: &'static str| {
            move |name: &str| if name == forbids { format!("{says}\n") } else { String::new() }
        };
        let of_apparmor = setting("kernel.apparmor_restrict_unprivileged_userns", "1");
        let (what, help) = why(list, list, &of_apparmor);
        assert!(what.ends_with("kernel.apparmor_restrict_unprivileged_userns is 1"), "{what}");
        assert!(help.ends_with("-w kernel.apparmor_restrict_unprivileged_userns=0"), "{help}");
        let (what, _) = why(list, list, &setting("kernel.unprivileged_userns_clone", "1"));
        assert!(what.ends_with("unshare failed (exit status: 1)"), "{what}");
    }

    #[test]
    fn a_map_holds_what_its_lines_say() {
        assert_eq!(
            mapped("         0       1000          1\n         1     100000      65535\n"),
            65_536
        );
        assert_eq!(mapped("         0          0 4294967295\n"), 4_294_967_295);
        assert_eq!(mapped(""), 0);
    }
}
