//! What Floodway puts into the root: its programs, their units, the network, and the
//! recipe's own files.

use crate::build::error::Error;
use crate::build::recipe::{ExtraFile, Read, Recipe, holds_secret};
use crate::build::stages::programs::Programs;
use crate::build::{files, hash};
use common::diag::Diagnostic;
use std::path::Path;

/// A file to put into the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Put {
    /// Content, and permissions.
    File(Vec<u8>, u32),
    /// A link, and where it leads.
    Link(&'static str),
}

/// Units that would ask for a login, or do what an image that never changes, and a
/// node that nobody logs in to, has no use for. Each is a process that a start waits
/// for; what is mounted or loaded on demand still is.
const MASKED: [&str; 45] = [
    "apt-daily-upgrade.service",
    "apt-daily-upgrade.timer",
    "apt-daily.service",
    "apt-daily.timer",
    "autovt@.service",
    "console-getty.service",
    "container-getty@.service",
    "dev-mqueue.mount",
    "dpkg-db-backup.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty-static.service",
    "getty.target",
    "getty@.service",
    "ldconfig.service",
    "modprobe@.service",
    "proc-sys-fs-binfmt_misc.automount",
    "serial-getty@.service",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-binfmt.service",
    "systemd-firstboot.service",
    "systemd-hwdb-update.service",
    "systemd-initctl.socket",
    "systemd-journal-catalog-update.service",
    "systemd-journald-audit.socket",
    "systemd-logind.service",
    "systemd-machine-id-commit.service",
    "systemd-networkd-wait-online.service",
    "systemd-pcrphase-sysinit.service",
    "systemd-pcrphase.service",
    "systemd-pstore.service",
    "systemd-remount-fs.service",
    "systemd-repart.service",
    "systemd-sysusers.service",
    "systemd-update-done.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-update-utmp.service",
    "systemd-user-sessions.service",
];

/// What writes units at each start: here they are the image's.
const GENERATORS: [&str; 12] = [
    "systemd-cryptsetup-generator",
    "systemd-debug-generator",
    "systemd-fstab-generator",
    "systemd-getty-generator",
    "systemd-gpt-auto-generator",
    "systemd-hibernate-resume-generator",
    "systemd-integritysetup-generator",
    "systemd-rc-local-generator",
    "systemd-run-generator",
    "systemd-system-update-generator",
    "systemd-sysv-generator",
    "systemd-veritysetup-generator",
];

/// What nobody waits for: it starts when the network does, not beside it.
const LATER: [&str; 2] = ["systemd-resolved.service", "systemd-timesyncd.service"];
const AFTER_NETWORK: &str = "[Unit]\nAfter=systemd-networkd.service\n";

/// Services that are started.
const STARTED: [(&str, &str); 3] = [
    ("systemd-networkd.service", "multi-user.target"),
    ("systemd-resolved.service", "multi-user.target"),
    ("systemd-timesyncd.service", "sysinit.target"),
];

/// All of it, by path.
pub(super) fn overlay(
    read: &Read,
    programs: &Programs,
    beside: &Path,
) -> Result<Vec<(String, Put)>, Error> {
    let recipe = &read.recipe;
    let text = |text: &str| Put::File(text.as_bytes().to_vec(), 0o644);
    let mut all = vec![
        ("/etc/machine-id".to_owned(), text("")),
        ("/etc/hosts".to_owned(), text("127.0.0.1 localhost\n::1 localhost\n")),
        ("/etc/fstab".to_owned(), text("")),
        ("/etc/resolv.conf".to_owned(), Put::Link("/run/systemd/resolve/stub-resolv.conf")),
        ("/etc/systemd/network/80-dhcp.network".to_owned(), text(NETWORK)),
        ("/etc/modprobe.d/10-instance.conf".to_owned(), text(NOT_LOADED)),
        ("/etc/systemd/resolved.conf.d/10-quiet.conf".to_owned(), text(NAMES)),
        ("/etc/systemd/timesyncd.conf.d/10-ec2.conf".to_owned(), text(CLOCK)),
        (
            "/etc/systemd/system/default.target".to_owned(),
            Put::Link("/usr/lib/systemd/system/floodway.target"),
        ),
        ("/usr/lib/systemd/system/floodway.target".to_owned(), text(FIRST)),
        ("/usr/lib/systemd/system/floodway-rest.service".to_owned(), text(REST)),
        ("/usr/lib/systemd/system/floodway-node.service".to_owned(), text(&agent(recipe))),
        ("/usr/lib/systemd/system/floodway-probe.service".to_owned(), text(PROBE)),
        ("/usr/lib/udev/rules.d/60-floodway-probe.rules".to_owned(), text(PROBE_RULE)),
    ];
    for unit in MASKED {
        all.push((format!("/etc/systemd/system/{unit}"), Put::Link("/dev/null")));
    }
    for unit in LATER {
        all.push((format!("/etc/systemd/system/{unit}.d/10-later.conf"), text(AFTER_NETWORK)));
    }
    for generator in GENERATORS {
        all.push((format!("/etc/systemd/system-generators/{generator}"), Put::Link("/dev/null")));
    }
    for (unit, target) in STARTED {
        let link = format!("/etc/systemd/system/{target}.wants/{unit}");
        all.push((link, Put::Link(path_of(unit))));
    }
    for (name, path) in [("floodway-node", &programs.node), ("floodway-probe", &programs.probe)] {
        all.push((format!("/usr/bin/{name}"), Put::File(files::read(path)?, 0o755)));
    }
    for (at, file) in recipe.file.iter().enumerate() {
        let Put::File(bytes, mode) = extra(file, beside)? else { continue };
        if holds_secret(&bytes) {
            let what = Diagnostic::error("a secret cannot stand in an image");
            let what = what.help("let the node fetch it by its instance's role");
            let spot = format!("file.{at}.source");
            return Err(read.not_so([(spot, what, "it looks like one".to_owned())]));
        }
        all.push((file.path.clone(), Put::File(bytes, mode)));
    }
    Ok(all)
}

/// What a key takes of it.
pub(super) fn digest(all: &[(String, Put)]) -> String {
    let line = |(path, put): &(String, Put)| match put {
        Put::File(bytes, mode) => format!("{path} {mode:o} {}", hash::of_bytes(bytes)),
        Put::Link(to) => format!("{path} -> {to}"),
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn path_of(unit: &str) -> &'static str {
    match unit {
        "systemd-networkd.service" => "/lib/systemd/system/systemd-networkd.service",
        "systemd-resolved.service" => "/lib/systemd/system/systemd-resolved.service",
        _ => "/lib/systemd/system/systemd-timesyncd.service",
    }
}

fn extra(file: &ExtraFile, beside: &Path) -> Result<Put, Error> {
    let mode = u32::from_str_radix(&file.mode, 8).unwrap_or(0o644);
    let bytes = match (&file.text, &file.source) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(source)) => files::read(&beside.join(source))?,
        (None, None) => Vec::new(),
    };
    Ok(Put::File(bytes, mode))
}

/// Any card, by DHCP; whatever comes first serves. The initrd has asked already, as the
/// same client, and what it was given stays while it is asked for again.
const NETWORK: &str = "\
[Match]
Type=ether

[Network]
DHCP=yes
KeepConfiguration=dhcp
LinkLocalAddressing=ipv6
IPv6AcceptRA=yes

[DHCPv4]
ClientIdentifier=mac
UseHostname=yes
";

/// Modules that udev would load for the processor alone, while the network waits: an
/// instance starts no machines of its own and sets no frequencies, and what the kernel
/// would encrypt, it does without them. `autofs4` and `ip_tables` systemd would load
/// before it does anything; who needs them by name still gets them.
const NOT_LOADED: &str = "\
blacklist acpi_cpufreq
blacklist aesni_intel
blacklist amd64_edac
blacklist autofs4
blacklist crc32_pclmul
blacklist ghash_clmulni_intel
blacklist ip_tables
blacklist kvm_amd
blacklist kvm_intel
blacklist powernow_k8
";

/// Names are asked for, and nobody in the subnet is answered.
const NAMES: &str = "\
[Resolve]
LLMNR=no
MulticastDNS=no
";

/// Amazon's own clock, which every instance reaches:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/set-time.html>
const CLOCK: &str = "\
[Time]
NTP=169.254.169.123
FallbackNTP=
";

fn agent(recipe: &Recipe) -> String {
    let options: String = recipe.agent.options.iter().map(|option| format!(" {option}")).collect();
    format!(
        "\
[Unit]
Description=Floodway's agent of this node
Documentation=https://github.com/floodway/floodway/blob/main/docs/node-protocol.md
DefaultDependencies=no
Wants=systemd-journald.socket
After=systemd-journald.socket
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=exec
ExecStart=/usr/bin/floodway-node{options}
Restart=always
RestartSec=1
DynamicUser=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateDevices=yes
TimeoutStopSec=15min
"
    )
}

/// What is started first: the agent, for which the initrd has left an address. To read
/// the units of all the rest, and to start them, takes longer than the agent does.
const FIRST: &str = "\
[Unit]
Description=What a burst node is there for
DefaultDependencies=no
Wants=floodway-node.service floodway-rest.service
Conflicts=shutdown.target
";

/// All the rest, as soon as the agent runs, whatever has become of it.
const REST: &str = "\
[Unit]
Description=Start what is not needed first
DefaultDependencies=no
After=floodway-node.service
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
ExecStart=/usr/bin/systemctl --no-block start multi-user.target
";

/// Started by [`PROBE_RULE`]: the port exists where the image is tested, and nowhere
/// else.
const PROBE: &str = "\
[Unit]
Description=What the boot test asks of this image
ConditionPathExists=/dev/virtio-ports/dev.floodway.probe
After=floodway-node.service
FailureAction=poweroff-force

[Service]
Type=oneshot
ExecStart=/usr/bin/floodway-probe
TimeoutStartSec=180
";

/// When the port appears, however late.
const PROBE_RULE: &str = "\
SUBSYSTEM==\"virtio-ports\", ATTR{name}==\"dev.floodway.probe\", TAG+=\"systemd\", \
ENV{SYSTEMD_WANTS}+=\"floodway-probe.service\"
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::recipe::read;
    use std::fs;

    /// What becomes of a file beside the recipe that holds this.
    fn with(text: &[u8]) -> Result<Vec<(String, Put)>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["init", "node", "probe"] {
            fs::write(at(name), "\x7fELF").unwrap();
        }
        fs::write(at("app.conf"), text).unwrap();
        let recipe = "[image]\nname = \"x\"\ntime = \"2026-11-01T00:00:00Z\"\n\
            [base]\nsuite = \"bookworm\"\n[kernel]\npackage = \"linux-image-cloud-amd64\"\n\
            [limits]\ndisk = \"210Mi\"\n\
            [[file]]\npath = \"/etc/app.conf\"\nsource = \"app.conf\"\n";
        let (read, wrong) = read("x.toml", recipe.as_bytes());
        let read = read.unwrap_or_else(|| panic!("{wrong:?}"));
        let (init, node, probe) = (at("init"), at("node"), at("probe"));
        let programs = Programs { init, node, probe, linked: None };
        overlay(&read, &programs, folder.path())
    }

    #[test]
    fn a_file_beside_the_recipe_that_holds_a_secret_is_refused_where_it_is_named() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq98D\n";
        for secret in ["a = 1\nkey = AKIAIOSFODNN7EXAMPLE\n", key, &format!("\u{7f}\0\n{key}")] {
            let Err(Error::Recipe(wrong)) = with(secret.as_bytes()) else {
                panic!("{secret:?} was taken")
            };
            let first = wrong.iter().next().unwrap();
            assert_eq!(first.message, "a secret cannot stand in an image");
            assert_eq!(first.labels.len(), 1, "it stands at `source`: {first:?}");
        }
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let indented = format!("ca: |\n  {}", certificate.replace('\n', "\n  "));
        // What reads keys has their first words in it.
        let program = "\x7fELF\0-----BEGIN RSA PRIVATE KEY-----\0-----END\0eyJhbGciOi\n";
        for text in ["a = 1\n", certificate, &indented, program] {
            let put = with(text.as_bytes()).unwrap();
            assert!(put.iter().any(|(path, _)| path == "/etc/app.conf"));
        }
    }
}
