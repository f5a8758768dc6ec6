//! What kernel and system must be like.

use super::agent::waits_for_engine;
use super::{Evidence, Verdict};
use crate::card::BootMode;
use crate::facts::{Seen, Write};

/// The clock of a machine that has only its hardware's may differ by this much.
const CLOCK: f64 = 5.0;
/// Where the agent answers.
const AGENT_PORT: u16 = 9470;
/// What waits on the machine itself alone: the resolver.
const LOCAL: [u16; 1] = [53];
/// What may wait for answers from the network: DHCP, by both versions of IP.
const DHCP: [u16; 2] = [68, 546];
/// What the kernel gives to who asks and waits for an answer, as the clock does.
/// <https://docs.kernel.org/networking/ip-sysctl.html>
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32768..=60999;
/// The most seconds from the probe's last word until the machine is off: a service that
/// does not end when it is told to is killed after 90, and every node that goes waits for
/// that as well. Emulated, systemd alone takes some of them.
const OFF_BY_KVM: f64 = 20.0;
const OFF_EMULATED: f64 = 60.0;
/// The seconds that an agent waits beside, by its own clock, whose engine does not say what
/// it has in flight; here no engine does. It is the agent's `--grace`, unless a recipe says
/// another one.
const GRACE: f64 = 30.0;
/// The partition that is made on the first boot.
const VAR: &str = "floodway-var";

pub(super) fn firmware(e: &Evidence<'_>) -> Option<Verdict> {
    let booted = if e.facts.uefi { BootMode::Uefi } else { BootMode::LegacyBios };
    let said = booted.as_str().to_owned();
    Some(if booted == e.options.boot_mode { Ok(said) } else { Err(format!("it booted by {said}")) })
}

pub(super) fn secure_boot(e: &Evidence<'_>) -> Option<Verdict> {
    e.options.secure_boot.as_ref()?;
    Some(match e.facts.secure_boot {
        true => Ok("on".to_owned()),
        false => Err("the firmware says that it is off".to_owned()),
    })
}

pub(super) fn kernel(e: &Evidence<'_>) -> Option<Verdict> {
    let runs = e.facts.kernel.clone();
    Some(match &e.options.expected {
        Some(manifest) if manifest.kernel != runs => {
            Err(format!("{runs} runs, and the manifest says {}", manifest.kernel))
        }
        _ => Ok(runs),
    })
}

pub(super) fn verity(e: &Evidence<'_>) -> Option<Verdict> {
    Some(e.facts.root.clone().and_then(|targets| {
        let [target] = targets.as_slice() else {
            return Err(format!("the root is made of {} targets, not one", targets.len()));
        };
        let said = format!("{} {} {}", target.kind, target.status, target.table);
        let hash = e.options.expected.as_ref().map(|manifest| &manifest.root_hash);
        let has = |hash: &String| target.table.split(' ').any(|word| word == hash);
        match hash {
            _ if target.kind != "verity" => Err(format!("the root is under no verity: {said}")),
            _ if !target.status.starts_with('V') => Err(format!("something was changed: {said}")),
            Some(hash) if !has(hash) => Err(format!("another root than {hash}: {said}")),
            _ => Ok(said),
        }
    }))
}

pub(super) fn root(e: &Evidence<'_>) -> Option<Verdict> {
    let writes = ["/", "/usr"].map(|folder| (folder, e.facts.writes.get(folder)));
    let wrong = writes.iter().find(|(_, write)| *write != Some(&Write::ReadOnly));
    Some(match wrong {
        Some((folder, write)) => Err(format!("a write to {folder}: {write:?}")),
        None => Ok(format!("read-only, {}", mounted(e, "/").unwrap_or_default())),
    })
}

pub(super) fn etc(e: &Evidence<'_>) -> Option<Verdict> {
    let said = match mounted(e, "/etc") {
        Ok(said) if said.starts_with("overlay ") => said,
        Ok(said) => return Some(Err(format!("it is no overlay: {said}"))),
        Err(why) => return Some(Err(why)),
    };
    Some(written(e, "/etc", said))
}

pub(super) fn var(e: &Evidence<'_>) -> Option<Verdict> {
    let said = match mounted(e, "/var") {
        Ok(said) => said,
        Err(why) => return Some(Err(why)),
    };
    let right = match e.volume_gib.is_some() {
        true => said.starts_with("ext4 ") && said.ends_with(VAR),
        // Where there is no room behind the image, it lies in memory.
        false => said.starts_with("overlay "),
    };
    Some(if right { written(e, "/var", said) } else { Err(format!("it is {said}")) })
}

pub(super) fn modules(e: &Evidence<'_>) -> Option<Verdict> {
    let failed = e.facts.modules.iter().find_map(|(name, loaded)| {
        loaded.as_ref().err().map(|why| format!("{name} does not load: {why}"))
    });
    let names: Vec<_> = e.facts.modules.keys().map(String::as_str).collect();
    Some(failed.map_or_else(|| Ok(names.join(", ")), Err))
}

pub(super) fn gpu(e: &Evidence<'_>) -> Option<Verdict> {
    let expected = e.options.expected.as_ref().map(|manifest| manifest.driver.as_ref());
    let gpu = match (&e.facts.gpu, expected) {
        (None, Some(Some(driver))) => {
            let version = &driver.version;
            return Some(Err(format!("there is no module, and the manifest says {version}")));
        }
        (None, _) => return None,
        (Some(_), Some(None)) => {
            return Some(Err("there is a module, and the manifest says nothing of it".to_owned()));
        }
        (Some(gpu), _) => gpu,
    };
    let version = gpu.version.as_deref().unwrap_or("of no version");
    // No device, and nothing worse: its symbols and its kernel are right.
    let no_device = matches!(&gpu.load, Err(why) if why.contains("No such device"));
    let no_gpu = gpu.log.iter().any(|line| line.contains("NVRM: No NVIDIA GPU found"));
    let said = match &gpu.load {
        Ok(()) => "the module loads where there is no GPU".to_owned(),
        Err(why) => why.clone(),
    };
    Some(match expected.flatten() {
        Some(driver) if driver.version != version => {
            Err(format!("the module is {version}, and the manifest says {}", driver.version))
        }
        _ if !no_device => Err(format!("{version}: {said}; {}", gpu.log.join("; "))),
        _ if !no_gpu => Err(format!("{version}: the driver does not say that it found no GPU")),
        _ => Ok(format!("{version}: no device, as there is none")),
    })
}

pub(super) fn clock(e: &Evidence<'_>) -> Option<Verdict> {
    let off = e.facts.wall_seconds - e.wall_seconds;
    let said = format!("{off:+.1} s from the testing machine's");
    Some(if off.abs() <= CLOCK { Ok(said) } else { Err(said) })
}

pub(super) fn entropy(e: &Evidence<'_>) -> Option<Verdict> {
    let ready = e.facts.random_ready_seconds;
    let said = ready.map_or_else(String::new, |ready| format!(" {ready:.1} s after the kernel"));
    Some(e.facts.random.clone().map(|()| format!("ready{said}")))
}

pub(super) fn units(e: &Evidence<'_>) -> Option<Verdict> {
    let started = e.facts.started.clone().and_then(|()| e.facts.failed_units.clone());
    Some(started.and_then(|failed| match failed.as_slice() {
        [] => Ok("all started, none failed".to_owned()),
        failed => Err(format!("failed: {}", failed.join(", "))),
    }))
}

pub(super) fn kernel_log(e: &Evidence<'_>) -> Option<Verdict> {
    Some(e.facts.complaints.clone().and_then(|lines| match lines.as_slice() {
        [] => Ok("tells of no fault".to_owned()),
        lines => Err(lines.join("; ")),
    }))
}

pub(super) fn machine_id(e: &Evidence<'_>) -> Option<Verdict> {
    let is = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(match (&e.facts.machine_id_built, &e.facts.machine_id) {
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
        (Ok(built), _) if !matches!(built.as_str(), "" | "uninitialized") => {
            Err(format!("every instance has the image's own, {built}"))
        }
        (_, Ok(now)) if !is(now) => Err(format!("the instance has none: {now:?}")),
        // `/etc` forgets it, and nothing else may know it.
        (_, Ok(now)) if e.before.iter().any(|before| before.machine_id.as_ref() == Ok(now)) => {
            Err(format!("{now} was that of a start before"))
        }
        (_, Ok(now)) => Ok(format!("none in the image, {now} here")),
    })
}

pub(super) fn login(e: &Evidence<'_>) -> Option<Verdict> {
    let keys = &e.facts.host_keys;
    Some(e.facts.logins.clone().and_then(|runs| match (runs.as_slice(), keys.as_slice()) {
        ([], []) => Ok("no getty, no sshd, no host keys".to_owned()),
        ([], keys) => Err(format!("host keys: {}", keys.join(", "))),
        (runs, _) => Err(format!("these run: {}", runs.join(", "))),
    }))
}

pub(super) fn ports(e: &Evidence<'_>) -> Option<Verdict> {
    Some(e.facts.listens.clone().and_then(|sockets| {
        let may = |protocol: &str, local: bool, port: u16| match (protocol, local) {
            ("tcp", false) => port == AGENT_PORT,
            (_, true) => LOCAL.contains(&port) || port == AGENT_PORT,
            _ => DHCP.contains(&port) || (protocol == "udp" && EPHEMERAL.contains(&port)),
        };
        let wrong = sockets.iter().filter(|s| !may(&s.protocol, s.address.is_loopback(), s.port));
        let wrong: Vec<_> =
            wrong.map(|s| format!("{} {} {}", s.protocol, s.address, s.port)).collect();
        match wrong.as_slice() {
            [] => Ok("the agent's alone".to_owned()),
            wrong => Err(format!("these wait as well: {}", wrong.join(", "))),
        }
    }))
}

pub(super) fn power_off(e: &Evidence<'_>) -> Option<Verdict> {
    let off = e.power_off;
    let took = format!("{:.1} s after the probe's last word", off.took_seconds);
    let most = off_within(e);
    Some(match (off.reason.as_deref(), off.exit_code) {
        (Some("guest-shutdown"), Some(0)) if off.took_seconds > most => Err(format!(
            "{took}, and {most:.0} s are enough where all ends that is told to; an agent with a \
             longer --grace is given its time by --power-off-limit"
        )),
        (Some("guest-shutdown"), Some(0)) => Ok(took),
        (_, None) => Err(format!("the machine did not go off; it was ended {took}")),
        (reason, Some(code)) => {
            let reason = reason.unwrap_or("for no reason that QEMU told");
            Err(format!("it ended by {reason}, QEMU with {code}, {took}"))
        }
    })
}

/// The most seconds that the machine may take to go off.
fn off_within(e: &Evidence<'_>) -> f64 {
    if let Some(limit) = e.options.power_off_limit {
        return limit.as_secs_f64();
    }
    let machine = if e.kvm { OFF_BY_KVM } else { OFF_EMULATED };
    machine + if waits_for_engine(e) { GRACE } else { 0.0 }
}

/// What is mounted at `place`: its kind, what it is, and its partition.
fn mounted(e: &Evidence<'_>, place: &str) -> Seen<String> {
    let mounts = e.facts.mounts.as_ref().map_err(Clone::clone)?;
    let mount = mounts.get(place).ok_or_else(|| format!("nothing is mounted at {place}"))?;
    let partition = mount.partition.as_deref().map_or_else(String::new, |p| format!(" {p}"));
    Ok(format!("{} {}{partition}", mount.kind, mount.source))
}

/// `said`, where a write to `folder` succeeded.
fn written(e: &Evidence<'_>, folder: &str, said: String) -> Verdict {
    match e.facts.writes.get(folder) {
        Some(Write::Done) => Ok(said),
        write => Err(format!("a write to {folder}: {write:?}; {said}")),
    }
}
