"""POST /truth/instances: what happens to instances and groups from outside."""

import math

from . import engine, refreshes
from .instances import kill
from .lifecycle import complete
from .state import Clock, Worlds


def act(spec):
    """Does one action; the ids of the instances it concerned."""
    account = spec.get("account") or Worlds.identity(None)["account"]
    region = Worlds.region(account, spec.get("region", "us-east-1"))
    engine.settle(region)
    chosen, action = _chosen(region, spec), spec["action"]
    if action == "alarm":
        group = region.groups[spec["group"]]
        refresh = group.refresh()
        if refresh is None:
            raise ValueError("no instance refresh is in progress")
        refreshes.fail(group, refresh, Clock.now(), "An alarm of the instance refresh went into the ALARM state.")
        engine.settle(region)
        return []
    done = []
    for instance in chosen:
        group = region.groups.get(instance.group_name)
        if action == "complete":
            names = [spec["hook"]] if "hook" in spec else list(instance.waits)
            for name in names:
                if name in instance.waits:
                    complete(group, instance, name, spec.get("result", "CONTINUE"), Clock.now())
                    done.append(instance.id)
        elif action == "kill":
            kill(region, instance, spec.get("after", 0.0))
            done.append(instance.id)
        elif action == "unhealthy":
            instance.health, group.due = "Unhealthy", 0.0
            done.append(instance.id)
        elif action == "spot-interrupt":
            if instance.market != "spot":
                continue
            # User Guide "Capacity Rebalancing": with it a replacement is started on the notice, as far
            # as there is time (`rebalance` false: there is none); without it the instance is replaced
            # once it is gone. EC2's notice is two minutes.
            if group is not None and group.config.get("CapacityRebalance") and spec.get("rebalance", True):
                instance.leaving = True
            instance.noticed_at = Clock.now()
            kill(region, instance, spec.get("after", 0.5))
            done.append(instance.id)
        else:
            raise ValueError(f"no such action: {action}")
    engine.settle(region)
    return sorted(set(done))


def _chosen(region, spec):
    if "instance" in spec:
        return [region.instances[spec["instance"]]]
    group = region.groups[spec["group"]]
    found = [i for i in group.instances.values() if spec.get("state") in (None, i.state)
             and spec.get("market") in (None, i.market) and spec.get("zone") in (None, i.zone)]
    count = math.ceil(len(found) * spec["share"]) if "share" in spec else spec.get("count", len(found))
    return found[:count]
