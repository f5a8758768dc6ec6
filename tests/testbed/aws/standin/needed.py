"""One authorisation, and the tags among its condition keys."""


class Needed:
    """An action on a resource in a context."""

    def __init__(self, action, arn="*", context=None, hidden=None):
        self.action, self.arn, self.context, self.hidden = action, arn, context or {}, hidden


def request_tags(tags):
    """The keys of tags that a request gives."""
    context = {f"aws:RequestTag/{tag['Key']}": [tag.get("Value", "")] for tag in tags}
    if tags:
        context["aws:TagKeys"] = [tag["Key"] for tag in tags]
    return context


def resource_tags(prefix, tags):
    """The keys of tags, {key: value}, that a resource has."""
    context = {}
    for key, value in tags.items():
        context[f"aws:ResourceTag/{key}"] = context[f"{prefix}:ResourceTag/{key}"] = [value]
    return context
