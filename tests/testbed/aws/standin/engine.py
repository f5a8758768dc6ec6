"""Lets time pass: before each answer, every group that is due takes its steps in the order of their times."""

from . import images, lifecycle, refreshes, scaling, schedules, warm_pools
from .registry import HANDLERS
from .state import Clock

NEVER = float("inf")


def settle(region):
    """Brings all of a region's images and groups to now."""
    images.settle(region)
    now = Clock.now()
    for group in list(region.groups.values()):
        rounds = 0
        while group.due <= now and rounds < 10_000:
            _step(group, group.due or now)
            rounds += 1
        if group.deleting and not group.instances:
            remove(region, group)


def remove(region, group):
    """The group is no more; what it did is still told."""
    region.groups.pop(group.name, None)
    region.deleted_groups_activities[:0] = group.activities


def _step(group, now):
    group.rendered = None
    for _ in range(200):
        changed = schedules.run_due(group, now)
        changed |= lifecycle.time_out(group, now)
        changed |= lifecycle.pass_by(group, now)
        changed |= scaling.replace_unhealthy(group, now)
        changed |= refreshes.advance(group, now)
        changed |= scaling.reconcile(group, now, refreshes.surge(group))
        changed |= warm_pools.reconcile(group, now)
        if not changed:
            break
    group.due = _next(group, now)


def _next(group, now):
    """When something happens next, if nobody asks for anything."""
    times = [NEVER]
    for instance in group.instances.values():
        times += [t for t in (instance.ready_at, instance.killed_at) if t is not None]
        times += [min(w["deadline"], w["last"]) for w in instance.waits.values() if w["result"] is None]
    if group.retry_at > now:
        times.append(group.retry_at)
    times += [action["next"] for action in group.scheduled.values() if action["next"] is not None]
    refresh = group.refresh()
    if refresh is not None:
        times += [t for t in refresh.times(group) if t > now]
    return max(min(times), now + 1e-6)


HANDLERS["settle"] = settle
