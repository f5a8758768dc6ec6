"""Parameter Store: parameters, their versions, labels and tiers.

Source: AWS Systems Manager API Reference, PutParameter and LabelParameterVersion; User Guide "AWS Systems Manager
Parameter Store".
"""

import re

from .answers import AwsError
from .state import Clock

VERSIONS = 100  # ParameterMaxVersionLimitExceeded
LABELS = 10  # API_LabelParameterVersion
BYTES = {"Standard": 4096, "Advanced": 8192}  # User Guide "Managing parameter tiers"


class Version:
    """One version of a parameter, which never changes but for its labels."""

    def __init__(self, number, value, kind, by, **more):
        self.number, self.value, self.kind, self.by, self.at = number, value, kind, by, Clock.now()
        self.tier, self.description, self.pattern, self.key, self.data_type = (
            more.get("tier", "Standard"), more.get("description"), more.get("pattern"), more.get("key"),
            more.get("data_type", "text"))
        self.labels = []


class Parameter:
    """A parameter with its versions, the oldest first."""

    def __init__(self, region, name, tags=None):
        self.region, self.name, self.tags, self.versions = region, name, tags or {}, []

    @property
    def arn(self):
        return self.region.arn("ssm", "parameter/" + self.name.lstrip("/"))

    @property
    def latest(self):
        return self.versions[-1]

    def add(self, value, kind, by, **more):
        """Adds a version. Without room for it the oldest goes, unless it has labels."""
        number = self.latest.number + 1 if self.versions else 1
        if len(self.versions) >= VERSIONS:
            oldest = self.versions[0]
            if oldest.labels:
                raise AwsError("ParameterMaxVersionLimitExceeded", "You attempted to create a new version of "
                               f"{self.name} by calling the PutParameter API with the overwrite flag. Version "
                               f"{oldest.number}, the oldest version, can't be deleted because it has a label "
                               "associated with it. Move the label to another version of the parameter, and try again.")
            del self.versions[0]
        self.versions.append(Version(number, value, kind, by, **more))
        return self.latest

    def version(self, selector):
        """The version of a number or a label, or None."""
        return next((one for one in self.versions if selector in one.labels or selector == str(one.number)), None)

    def label(self, version, label):
        """A label is at one version of a parameter at most: it moves."""
        for one in self.versions:
            if label in one.labels and one is not version:
                one.labels.remove(label)
        if label not in version.labels:
            version.labels.append(label)

    def dumped(self):
        """As GET /truth/world tells it."""
        latest = self.latest
        labels = {label: one.number for one in self.versions for label in one.labels}
        return {"Value": latest.value, "Type": latest.kind, "Version": latest.number, "At": latest.at,
                "Tier": latest.tier, "Labels": labels}


def not_found():
    return AwsError("ParameterNotFound", "")


def version_not_found(name, selector):
    return AwsError("ParameterVersionNotFound", f"Systems Manager could not find version {selector} of {name}. Verify "
                    "the version and try again.")


def bare(given):
    """The name in a name or an ARN, without a selector."""
    if given.startswith("arn:"):
        given = given.split(":", 5)[5].removeprefix("parameter")
    return given.partition(":")[0]


def find(region, name):
    """The parameter of a name or an ARN."""
    name = bare(name)
    # The ARN of a name without a slash in front has one as well.
    held = region.parameters.get(name) or region.parameters.get(name.removeprefix("/"))
    if held is None:
        raise not_found()
    return held


def select(region, given):
    """(parameter, version, selector or None) of `name`, `name:version` or `name:label`."""
    selector = given.split(":", 5)[5] if given.startswith("arn:") else given
    selector = selector.partition(":")[2]
    held = find(region, given)
    version = held.version(selector) if selector else held.latest
    if version is None:
        raise version_not_found(held.name, selector)
    return held, version, f":{selector}" if selector else None


def put(region, name, value, kind="String"):
    """What a test seeds; its version counts up."""
    held = region.parameters.setdefault(name, Parameter(region, name))
    return held.add(value, kind, f"arn:aws:iam::{region.account}:user/floodway").number


def tier_of(asked, value, before, data_type):
    """The tier that a version gets. An advanced parameter never becomes standard again."""
    size, advanced = len(value.encode()), before == "Advanced"
    if asked == "Standard" and advanced:
        raise AwsError("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade a "
                       "parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you "
                       "can delete the advanced parameter and recreate it as a standard parameter.")
    needed = size > BYTES["Standard"] or data_type in ("json", "jsonc", "url")  # API_PutParameter, Tier
    if asked == "Advanced" or advanced or (asked == "Intelligent-Tiering" and needed):
        tier = "Advanced"
    else:
        tier = "Standard"
    if tier == "Standard" and data_type != "text" and needed:
        raise AwsError("ValidationException", f"The data type {data_type} requires the advanced-parameter tier.")
    if size > BYTES[tier]:
        upgrade = " To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
        raise AwsError("ValidationException", f"{tier} tier parameters support a maximum parameter value of "
                       f"{BYTES[tier]} characters.{upgrade if tier == 'Standard' else ''}")
    return tier


def valid_label(label):
    """API_LabelParameterVersion: what a label may be."""
    return bool(re.fullmatch(r"[A-Za-z_.\-][A-Za-z0-9_.\-]{0,99}", label)
                and not label.lower().startswith(("aws", "ssm")))
