//! Root volumes: what gp3 has, alone and together.
//! <https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html#gp3-ebs-volume-type>

use super::{Rules, text};
use crate::diag::Diagnostic;
use crate::spec::model::{Aws, BurstPool, Volume};
use std::ops::RangeInclusive;

/// Operations per second that a gp3 volume may have; the least, each has.
const IOPS: RangeInclusive<u32> = 3_000..=80_000;
/// MiB per second that a gp3 volume may have; the least, each has.
const THROUGHPUT: RangeInclusive<u32> = 125..=2_000;
/// Operations per second that a GiB carries.
const OPERATIONS_PER_GIB: u64 = 500;
/// Operations per second that a MiB per second needs.
const OPERATIONS_PER_MIB: u64 = 4;

/// Each value by itself.
pub(super) fn alone(rules: &mut Rules<'_>, path: &str, volume: &Volume) {
    let limits = [
        ("iops", volume.iops, IOPS, "operations per second"),
        ("throughput", volume.throughput, THROUGHPUT, "MiB per second"),
    ];
    for (key, value, limit, unit) in limits {
        if let Some(value) = value.filter(|value| !limit.contains(value)) {
            let message = format!("a gp3 volume does not have {value} {unit}");
            let help = format!("write {} to {}", limit.start(), limit.end());
            rules.error(&format!("{path}.{key}"), message, &help);
        }
    }
    if let Some(size) = gibibytes(volume).filter(|size| !(1..=65_536).contains(size)) {
        let message = format!("a gp3 volume does not have {size} GiB");
        rules.error(&format!("{path}.size"), message, "write 1Gi to 64Ti");
    }
    if let Some(key) = &volume.kms_key {
        let path = format!("{path}.kms_key");
        text::check(rules, &path, key);
        if !is_key(key) {
            let help = "write its ID, \"alias/…\" or its ARN";
            rules.error(&path, format!("`{key}` is no KMS key"), help);
        }
    }
}

/// The volume that instances of a pool get, of what it and `[aws.launch]` say.
pub(super) fn together(rules: &mut Rules<'_>, aws: &Aws, path: &str, pool: &BurstPool) {
    let volume = aws.launch_of(pool).volume;
    let own = &pool.launch.volume;
    let iops = volume.iops.unwrap_or(*IOPS.start());
    let throughput = volume.throughput.unwrap_or(*THROUGHPUT.start());
    if !IOPS.contains(&iops) || !THROUGHPUT.contains(&throughput) {
        return;
    }
    let place = |key: &str, is_own: bool| match is_own {
        true => format!("{path}.launch.volume.{key}"),
        false => format!("aws.launch.volume.{key}"),
    };
    let size_at = place("size", own.size.is_some());
    let iops_at = place("iops", own.iops.is_some());
    let throughput_at = place("throughput", own.throughput.is_some());
    if let Some(size) = gibibytes(&volume)
        && volume.iops.is_some()
        && u64::from(iops) > size.saturating_mul(OPERATIONS_PER_GIB)
    {
        let message = format!("{iops} operations per second are too many for {size} GiB");
        let help = "a gp3 volume has at most 500 for each GiB";
        rules.report(Diagnostic::error(message).help(help), &[(&iops_at, ""), (&size_at, "")]);
    }
    let needed = u64::from(throughput) * OPERATIONS_PER_MIB;
    if volume.throughput.is_some() && needed > u64::from(iops) {
        let message = format!("{throughput} MiB per second need {needed} operations per second");
        let help = format!("write `iops = {needed}` or more: a gp3 volume has 0.25 MiB for each");
        let mut places = vec![(throughput_at.as_str(), "")];
        if volume.iops.is_some() {
            places.push((iops_at.as_str(), "too few"));
        }
        rules.report(Diagnostic::error(message).help(help), &places);
    }
}

fn gibibytes(volume: &Volume) -> Option<u64> {
    volume.size.map(|size| size.bytes().div_ceil(1 << 30))
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>
fn is_key(text: &str) -> bool {
    let is_id = |id: &str| {
        let digits = id.strip_prefix("mrk-").unwrap_or(id);
        digits.len() >= 32 && digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    };
    let is_named = |name: &str| name.strip_prefix("alias/").is_some_and(|rest| !rest.is_empty());
    match text.strip_prefix("arn:") {
        None => is_id(text) || is_named(text),
        Some(arn) => {
            let name = arn.splitn(5, ':').nth(4).unwrap_or_default();
            arn.contains(":kms:")
                && (name.strip_prefix("key/").is_some_and(is_id) || is_named(name))
        }
    }
}
