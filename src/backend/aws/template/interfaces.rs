//! The network interfaces of instances with Elastic Fabric Adapters. Which card
//! takes which kind at which device index:
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html>

use crate::spec::EfaCards;
use aws_sdk_ec2::types::{
    LaunchTemplateInstanceNetworkInterfaceSpecification as Specified,
    LaunchTemplateInstanceNetworkInterfaceSpecificationRequest as Request,
};

/// What one interface is.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Interface<'a> {
    card: u32,
    kind: &'a str,
}

/// The first card carries the instance's own address, beside EFA where it has
/// it. On all others EFA stands alone: a second address in one subnet would only
/// confuse the routing.
fn layout(cards: EfaCards) -> Vec<Interface<'static>> {
    let first = if cards.indices().next() == Some(0) { "efa" } else { "interface" };
    let others = cards.indices().filter(|card| *card > 0);
    let others = others.map(|card| Interface { card, kind: "efa-only" });
    [Interface { card: 0, kind: first }].into_iter().chain(others).collect()
}

/// As EC2 takes them. It refuses security groups beside them.
pub(super) fn requested(cards: EfaCards, security_groups: Option<&[String]>) -> Vec<Request> {
    let one = |interface: Interface<'_>| {
        Request::builder()
            .network_card_index(i32::try_from(interface.card).unwrap_or(i32::MAX))
            .device_index(0)
            .interface_type(interface.kind)
            .set_groups(security_groups.map(<[String]>::to_vec))
            .delete_on_termination(true)
            .build()
    };
    layout(cards).into_iter().map(one).collect()
}

/// The cards with EFA and the sorted security groups; none, where interfaces are
/// not as [`requested`] makes them.
pub(super) fn read(interfaces: &[Specified]) -> Option<(EfaCards, Vec<String>)> {
    let card = |one: &Specified| u32::try_from(one.network_card_index().unwrap_or(0)).ok();
    let kind = |one: &Specified| one.interface_type().unwrap_or("interface").starts_with("efa");
    let with_efa = || interfaces.iter().filter(|one| kind(one)).filter_map(card);
    let cards = EfaCards::between(with_efa().min()?, with_efa().max()?)?;
    let groups = |one: &Specified| {
        let mut groups = one.groups().to_vec();
        groups.sort();
        groups
    };
    let shared = groups(interfaces.first()?);
    let plain = |one: &Specified| {
        one.device_index().unwrap_or(0) == 0
            && one.delete_on_termination() == Some(true)
            && one.associate_public_ip_address() != Some(true)
            && one.associate_carrier_ip_address() != Some(true)
            && one.network_interface_id().is_none()
            && one.subnet_id().is_none()
            && one.private_ip_address().is_none()
            && groups(one) == shared
    };
    let mut there: Vec<Interface<'_>> = interfaces
        .iter()
        .filter(|one| plain(one))
        .filter_map(|one| {
            Some(Interface { card: card(one)?, kind: one.interface_type().unwrap_or("interface") })
        })
        .collect();
    there.sort();
    (there.len() == interfaces.len() && there == layout(cards)).then_some((cards, shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As EC2 shows what was asked for.
    fn shown(cards: &str, groups: &[&str]) -> Vec<Specified> {
        let groups: Vec<String> = groups.iter().map(|&id| id.to_owned()).collect();
        let groups = (!groups.is_empty()).then_some(groups.as_slice());
        let asked = requested(cards.parse().unwrap(), groups);
        let one = |asked: &Request| {
            Specified::builder()
                .set_network_card_index(asked.network_card_index())
                .set_device_index(asked.device_index())
                .set_interface_type(asked.interface_type().map(str::to_owned))
                .set_groups(Some(asked.groups().iter().rev().cloned().collect()))
                .set_delete_on_termination(asked.delete_on_termination())
                .build()
        };
        asked.iter().map(one).collect()
    }

    #[test]
    fn what_was_asked_for_is_read_back_whatever_its_order() {
        for cards in ["0", "0-3", "1-16"] {
            let mut interfaces = shown(cards, &["sg-1", "sg-2"]);
            interfaces.reverse();
            let (read, groups) = read(&interfaces).unwrap();
            assert_eq!(read.to_string(), cards);
            assert_eq!(groups, ["sg-1", "sg-2"]);
        }
        assert_eq!(read(&shown("0", &[])).unwrap().1, Vec::<String>::new());
    }

    #[test]
    fn the_first_card_always_has_the_address() {
        let kinds = |cards: &str| -> Vec<String> {
            let kind = |one: &Specified| one.interface_type().unwrap().to_owned();
            shown(cards, &[]).iter().map(kind).collect()
        };
        assert_eq!(kinds("0-2"), ["efa", "efa-only", "efa-only"]);
        assert_eq!(kinds("1-2"), ["interface", "efa-only", "efa-only"]);
    }

    #[test]
    fn what_somebody_else_arranged_is_not_taken_for_ours() {
        let changed = |change: fn(&mut Specified)| {
            let mut interfaces = shown("0-3", &["sg-1"]);
            change(&mut interfaces[2]);
            read(&interfaces)
        };
        assert!(changed(|_| {}).is_some());
        let strangers: [fn(&mut Specified); 6] = [
            |one| one.associate_public_ip_address = Some(true),
            |one| one.groups = Some(vec!["sg-9".to_owned()]),
            |one| one.delete_on_termination = Some(false),
            |one| one.device_index = Some(1),
            |one| one.interface_type = Some("efa".to_owned()),
            |one| one.subnet_id = Some("subnet-1".to_owned()),
        ];
        for (at, change) in strangers.into_iter().enumerate() {
            assert_eq!(changed(change), None, "{at}");
        }
        assert_eq!(read(&shown("0-3", &[])[1..]), None, "no card of its own");
        assert_eq!(read(&[]), None);
    }
}
