"""All actions that are answered here; moto answers the others."""

from . import (  # noqa: F401 - each registers its own
    engine, group_actions, group_describe, group_parts, identity, instance_actions, instances, places, prices,
    refresh_actions, requirements, reservations, schedules, spot, template_versions, templates, warm_pools,
)
from .registry import HANDLERS  # noqa: F401 - what the front asks
