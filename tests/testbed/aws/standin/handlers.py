"""All actions that are answered here; moto answers the others."""

from . import (  # noqa: F401 - each registers its own
    encryption, engine, group_actions, group_describe, group_parts, identity, image_actions, image_describe,
    image_register, instance_actions, instances, parameter_actions, places, prices, refresh_actions, requirements,
    reservations, schedules, snapshot_actions, snapshot_reading, snapshot_writing, spot, tags, template_versions,
    templates, warm_pools,
)
from .registry import HANDLERS  # noqa: F401 - what the front asks
