"""What calls about parameters need.

Source: the Service Authorization Reference of AWS Systems Manager.
"""

from . import parameters as store
from .needed import Needed, request_tags, resource_tags


def needed(call, region, action, common):
    """All that the call must be allowed."""
    given = call.parameters
    if call.action == "DescribeParameters":
        return [Needed(action, "*", common)]
    if call.action == "GetParametersByPath":
        recursive = str(bool(given.get("Recursive"))).lower()
        path = region.arn("ssm", "parameter/" + given.get("Path", "").lstrip("/"))
        return [Needed(action, path, {**common, "ssm:Recursive": [recursive]})]
    names = given.get("Names") or [given.get("Name", "*")]
    found = []
    for name in [store.bare(name) for name in names]:
        held = region.parameters.get(name)
        context = {**common, **resource_tags("ssm", held.tags if held else {})}
        arn = region.arn("ssm", "parameter/" + name.lstrip("/"))
        if call.action == "PutParameter":
            tags = request_tags(given.get("Tags", []))
            context = {**context, **tags, "ssm:Overwrite": [str(bool(given.get("Overwrite"))).lower()]}
            if tags:  # User Guide "Tagging parameters": creating with tags takes this permission as well
                found.append(Needed("ssm:AddTagsToResource", arn, {**common, **tags}))
        found.insert(0, Needed(action, arn, context))
    return found
