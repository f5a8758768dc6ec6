"""Tags on what is held here."""

from . import images, snapshots
from .answers import AwsError
from .filters import select, tag_list
from .paging import page
from .registry import handles


def _holder(region, identifier):
    """The tags of something held here, or None."""
    held = region.templates.get(identifier) or region.instances.get(identifier)
    snapshot = region.snapshots.get(identifier)
    if snapshots.there(snapshot):
        held = snapshot
    if held is not None:
        return held.tags
    for items, key in ((region.images, "ImageId"), (region.subnets, "SubnetId"), (region.security_groups, "GroupId")):
        for item in items:
            if item[key] == identifier:
                return _ListedTags(item)
    return None


class _ListedTags:
    """The tags of a seeded thing, which are kept in EC2's own form."""

    def __init__(self, item):
        self.item = item

    def update(self, tags):
        kept = {t["Key"]: t["Value"] for t in self.item.get("Tags", [])}
        self.item["Tags"] = tag_list({**kept, **tags})

    def get(self, key):
        return next((t["Value"] for t in self.item.get("Tags", []) if t["Key"] == key), None)

    def pop(self, key, _=None):
        self.item["Tags"] = [t for t in self.item.get("Tags", []) if t["Key"] != key]

    def __contains__(self, key):
        return self.get(key) is not None


@handles("ec2", "CreateTags", "DeleteTags")
def tag(region, parameters, call):
    holders = [(identifier, _holder(region, identifier)) for identifier in parameters["Resources"]]
    unknown = [identifier for identifier, holder in holders if holder is None]
    if unknown:
        kind = unknown[0].partition("-")[0]
        if kind == "ami":
            raise images.not_found(unknown[0])
        if kind == "snap":
            raise AwsError("InvalidSnapshot.NotFound", f"The snapshot '{unknown[0]}' does not exist.")
        raise AwsError("InvalidID", f"The ID '{unknown[0]}' is not valid")
    for tag in parameters.get("Tags", []):
        if tag["Key"].startswith("aws:"):
            raise AwsError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        for _, holder in holders:
            if call.action == "CreateTags":
                holder.update({tag["Key"]: tag.get("Value", "")})
            # API_DeleteTags: with a value, only the tag that has it is deleted.
            elif tag["Key"] in holder and tag.get("Value") in (None, holder.get(tag["Key"])):
                holder.pop(tag["Key"], None)


@handles("ec2", "DescribeTags")
def describe_tags(region, parameters, _):
    found = []
    for kind, held in (("launch-template", region.templates), ("instance", region.instances),
                       ("snapshot", region.snapshots)):
        found += [{"ResourceId": identifier, "ResourceType": kind, "Key": key, "Value": value}
                  for identifier, one in held.items() for key, value in one.tags.items()]
    found += [{"ResourceId": image["ImageId"], "ResourceType": "image", **tag}
              for image in region.images for tag in image["Tags"]]
    found = select(found, parameters.get("Filters"), None, ("ResourceId", "ResourceType", "Key", "Value"))
    items, token = page(found, parameters, None, 1000, "MaxResults")
    return {"Tags": items, "NextToken": token}
