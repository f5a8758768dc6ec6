"""Which network interfaces an instance type takes."""

from .catalogue import instance_types


def refusal(kind, wanted):
    """Why EC2 would not start a `kind` with these, or None. Of a type that moto does not know nothing is said.

    Source: EC2 User Guide "Maximize network bandwidth on Amazon EC2 instances with multiple network cards" and
    API_NetworkCardInfo. An EFA-only interface is never the primary one.
    """
    if not wanted or kind not in instance_types():
        return None
    cards = {card["NetworkCardIndex"]: card for card in instance_types()[kind]["NetworkInfo"]["NetworkCards"]}
    slots = [(one.get("NetworkCardIndex", 0), one.get("DeviceIndex", 0)) for one in wanted]
    if (0, 0) not in slots or len(set(slots)) != len(slots):
        return "Each network interface requires a device index of its own, and one of them is the primary"
    for one, slot in zip(wanted, slots):
        index, interface = slot[0], one.get("InterfaceType", "interface")
        if index not in cards:
            return f"The instance type {kind} has no network card {index}"
        if interface not in cards[index].get("InterfaceTypes", ["interface"]):
            return f"Network card {index} of the instance type {kind} does not support interface type {interface}"
        if interface == "efa-only" and slot == (0, 0):
            return "An EFA-only network interface cannot be the primary network interface"
    return None
