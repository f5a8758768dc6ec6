//! Reservations: named in one way, and beside nothing that AWS refuses there.

use super::Rules;
use super::burst::is_id;
use crate::diag::Diagnostic;
use crate::spec::model::{BurstPool, Reservation};

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(aws) = &rules.environment.aws else { return };
    for (name, pool) in &aws.pools {
        if let Some(reservation) = &pool.reservation {
            let path = format!("aws.pools.{name}");
            named(rules, &format!("{path}.reservation"), reservation);
            beside(rules, &path, pool, reservation);
        }
    }
}

/// Which one it is.
fn named(rules: &mut Rules<'_>, path: &str, reservation: &Reservation) {
    let (id, group) = (format!("{path}.id"), format!("{path}.group"));
    match (&reservation.id, &reservation.group) {
        (Some(_), Some(_)) => rules.report(
            Diagnostic::error("one reservation and a group of them").help("remove one"),
            &[(&id, ""), (&group, "")],
        ),
        (None, None) if rules.is_absent(&id) && rules.is_absent(&group) => {
            let help = "add `id = \"cr-…\"`, or `group` with the ARN of a resource group";
            rules.error(path, "it does not say which reservation is meant", help);
        }
        _ => {}
    }
    if let Some(text) = reservation.id.as_ref().filter(|text| !is_id(text, "cr-")) {
        let help = "write it like \"cr-0a1b2c3d4e5f67890\"";
        rules.error(&id, format!("`{text}` is no capacity reservation"), help);
    }
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsresourcegroups.html
    let is_group = |text: &&String| {
        text.starts_with("arn:") && text.contains(":resource-groups:") && text.contains(":group/")
    };
    if let Some(text) = reservation.group.as_ref().filter(|text| !is_group(text)) {
        let help = "write it like \"arn:aws:resource-groups:us-east-1:123456789012:group/gpus\"";
        rules.error(&group, format!("`{text}` is no resource group's ARN"), help);
    }
    if reservation.block && reservation.group.is_some() {
        rules.report(
            Diagnostic::error("a capacity block is named by its ID").help("write its `id`"),
            &[(&format!("{path}.block"), ""), (&group, "")],
        );
    }
    if reservation.usd_per_hour.is_some() && !reservation.block {
        let help = "remove it; where AWS's list has no price, write it in `[aws.prices]`";
        let message = "what is reserved on demand is paid as on demand";
        rules.error(&format!("{path}.usd_per_hour"), message, help);
    }
}

/// What AWS takes beside it. Reservations are of on-demand capacity:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservationSpecification.html>;
/// a capacity block is of one type, and takes no warm pool:
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-capacity-blocks.html>
fn beside(rules: &mut Rules<'_>, path: &str, pool: &BurstPool, reservation: &Reservation) {
    let own = format!("{path}.reservation");
    let what = if reservation.block { "a capacity block" } else { "a reservation" };
    if pool.spot.is_some() {
        rules.report(
            Diagnostic::error(format!("spot instances do not start in {what}"))
                .help("remove `spot`, or make a pool of its own for it"),
            &[(&format!("{path}.spot"), ""), (&own, "reserved")],
        );
    }
    if reservation.id.is_some() && pool.instance_types.len() > 1 {
        rules.report(
            Diagnostic::error(format!("{what} is of one instance type")).help(
                "name that type alone; several reservations can be named as a `group` of them",
            ),
            &[(&format!("{path}.instance_types"), ""), (&own, "reserved")],
        );
    }
    if reservation.block && pool.warm_pool > 0 {
        rules.report(
            Diagnostic::error("a warm pool in a capacity block")
                .help("AWS keeps none there: remove `warm_pool`"),
            &[(&format!("{path}.warm_pool"), ""), (&own, "reserved")],
        );
    }
}
