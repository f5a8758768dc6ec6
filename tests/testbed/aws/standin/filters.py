"""EC2's filters: values of one are alternatives, filters hold together, `*` and `?` are wildcards.

Source: EC2 User Guide "List and filter your resources".
"""

import fnmatch

from .answers import AwsError


def _camel(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


def select(items, filters, special=None, members=()):
    """The items, dicts of an output shape, that pass all filters."""
    special = special or {}
    for one in filters or []:
        name, wanted = one.get("Name"), one.get("Values") or []
        if name.startswith("tag:"):
            key = name[4:]
            pick = lambda item, key=key: [t["Value"] for t in item.get("Tags", []) if t["Key"] == key]  # noqa: E731
        elif name == "tag-key":
            pick = lambda item: [t["Key"] for t in item.get("Tags", [])]  # noqa: E731
        elif name in special:
            pick = special[name]
        elif _camel(name) in members:
            pick = lambda item, key=_camel(name): [item.get(key)]  # noqa: E731
        else:
            raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")
        items = [item for item in items if any(_passes(value, wanted) for value in pick(item))]
    return items


def _passes(value, wanted):
    if value is None:
        return False
    if isinstance(value, bool):
        value = "true" if value else "false"
    return any(fnmatch.fnmatchcase(str(value), pattern.replace("[", "[[]")) for pattern in wanted)


def tag_list(tags):
    """{key: value} as EC2 lists tags."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
