"""GET /truth/world: all there is, for tests to compare."""

import json

from . import blocks, refresh_actions, schedules
from .instances import state_of
from .state import Worlds


def _instance(instance):
    return {
        "id": instance.id, "type": instance.type, "market": instance.market, "zone": instance.zone,
        "subnet": instance.subnet, "state": instance.state, "ec2_state": state_of(instance),
        "health": instance.health, "protected": instance.protected, "image": instance.image,
        "template": instance.template["LaunchTemplateName"], "version": int(instance.template["Version"]),
        "tags": instance.tags, "waits": {n: w["token"] for n, w in instance.waits.items() if w["result"] is None},
    }


def _group(group):
    return {
        "name": group.name, "arn": group.arn, "min": group.min, "max": group.max, "desired": group.desired,
        "config": group.config, "tags": {k: {"value": t["Value"], "propagate": t["PropagateAtLaunch"]}
                                         for k, t in sorted(group.tags.items())},
        "instances": [_instance(i) for i in group.instances.values()],
        "hooks": {name: hook for name, hook in sorted(group.hooks.items())},
        "warm_pool": group.warm_pool, "suspended": sorted(group.suspended), "metrics": sorted(group.metrics),
        "scheduled": [schedules.shown(group, action) for _, action in sorted(group.scheduled.items())],
        "refreshes": [refresh_actions.shown(group, refresh) for refresh in group.refreshes],
        "activities": group.activities, "deleting": group.deleting,
    }


def _template(template):
    return {"id": template.id, "name": template.name, "tags": template.tags, "default": template.default,
            "latest": template.latest,
            "versions": {str(n): {"data": v["data"], "description": v["description"]}
                         for n, v in sorted(template.versions.items())}}


def _snapshot(snapshot):
    return {**snapshot.shown(), "CreateVolumePermissions": snapshot.permissions, "Parent": snapshot.parent,
            "Blocks": len(snapshot.blocks), "Written": len(snapshot.written), "Sealed": snapshot.sealed,
            "Checksum": blocks.linear(snapshot.blocks)}


def _without(value, *names):
    """The same without members of these names, wherever they are."""
    if isinstance(value, dict):
        return {key: _without(item, *names) for key, item in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(item, *names) for item in value]
    return value


def _stable_group(group):
    """What two runs to the same end have in common: no ids and no times that AWS makes."""
    whole = _without(_group(group), "arn", "activities", "LaunchTemplateId", "id", "ScheduledActionARN", "waits")
    for action in whole["scheduled"]:
        if "Recurrence" in action:
            action.pop("StartTime"), action.pop("Time")
    whole["refreshes"] = [refresh.status for refresh in group.refreshes]
    for instance in whole["instances"]:
        instance["tags"] = {k: v for k, v in sorted(instance["tags"].items()) if not k.startswith("aws:")}
    whole["instances"].sort(key=lambda i: json.dumps(i, sort_keys=True, default=str))
    return whole


def world(account=None, name=None, stable=False):
    """`{"accounts": {ACCOUNT: {REGION: {...}}}}`, everything in the order of names."""
    found = {}
    for (owner, where), region in sorted(Worlds.regions.items()):
        if account not in (None, owner) or name not in (None, where):
            continue
        if stable:
            found.setdefault(owner, {})[where] = {
                "groups": [_stable_group(group) for _, group in sorted(region.groups.items())],
                "templates": [_without(_template(t), "id")
                              for t in sorted(region.templates.values(), key=lambda t: t.name)],
            }
            continue
        found.setdefault(owner, {})[where] = {
            "groups": [_group(group) for _, group in sorted(region.groups.items())],
            "templates": [_template(t) for t in sorted(region.templates.values(), key=lambda t: t.name)],
            "terminated": [i.id for i in region.instances.values() if i.gone_at is not None],
            "images": [{**image, "LaunchPermissions": image.permissions} for image in region.images],
            "deregistered": sorted(region.deregistered),
            "snapshots": [_snapshot(snapshot) for snapshot in region.snapshots.values()],
            "subnets": region.subnets, "security_groups": region.security_groups,
            "parameters": {name: held.dumped() for name, held in sorted(region.parameters.items())},
            "quotas": region.quotas, "prices": region.prices,
        }
    return {"accounts": found}
