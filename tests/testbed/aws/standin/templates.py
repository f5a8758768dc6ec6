"""Launch templates: names, tokens, tags, the default version."""

import base64
import binascii
import copy
import re

from . import filters
from .answers import AwsError
from .paging import page
from .registry import handles
from .state import Clock, new_id


class Template:
    """One launch template with its versions, which never change once made."""

    def __init__(self, region, name, tags, created_by):
        self.id, self.name, self.tags, self.created_by = new_id("lt"), name, tags, created_by
        self.region, self.created = region, Clock.now()
        self.versions, self.default, self.next = {}, 1, 1

    def add(self, data, description):
        number = self.next
        self.next += 1
        self.versions[number] = {"data": data, "description": description, "created": Clock.now()}
        return number

    @property
    def latest(self):
        return max(self.versions)

    def number(self, version):
        """The number that `$Default`, `$Latest` or a number stands for, or None."""
        if version in (None, "", "$Default"):
            return self.default
        if version == "$Latest":
            return self.latest
        return int(version) if str(version).isdigit() and int(version) in self.versions else None

    def data(self, version):
        number = self.number(version)
        return None if number is None else self.versions[number]["data"]

    def shown(self):
        return {
            "LaunchTemplateId": self.id, "LaunchTemplateName": self.name, "CreateTime": self.created,
            "CreatedBy": self.created_by, "DefaultVersionNumber": self.default,
            "LatestVersionNumber": self.latest, "Tags": filters.tag_list(self.tags),
        }


def find(region, parameters):
    """The template named by id or name."""
    wanted, name = parameters.get("LaunchTemplateId"), parameters.get("LaunchTemplateName")
    if bool(wanted) == bool(name):
        raise AwsError("MissingParameter" if not wanted else "InvalidParameterCombination",
                       "Either a launch template ID or a launch template name must be specified, and not both.")
    if wanted:
        if wanted in region.templates:
            return region.templates[wanted]
        raise AwsError("InvalidLaunchTemplateId.NotFound",
                       f"The specified launch template, with template ID {wanted}, does not exist.")
    for template in region.templates.values():
        if template.name == name:
            return template
    raise AwsError("InvalidLaunchTemplateName.NotFoundException",
                   f"The specified launch template, with template name {name}, does not exist.")


def once(tokens, parameters, make):
    """Makes it, or answers what the same token made before.

    Source: EC2 API Reference "Ensuring idempotency in Amazon EC2 API requests".
    """
    token = parameters.get("ClientToken")
    given = {key: value for key, value in parameters.items() if key not in ("ClientToken", "DryRun")}
    if token and token in tokens:
        before, answer = tokens[token]
        if before != given:
            raise AwsError("IdempotentParameterMismatch",
                           "Arguments on this idempotent request are inconsistent with arguments used in previous "
                           "request(s).")
        return answer
    answer = make()
    if token:
        tokens[token] = (given, answer)
    return answer


def checked_data(data):
    """Template data, refused where EC2 refuses it."""
    text = data.get("UserData")
    if text:
        try:
            plain = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise AwsError("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from None
        # EC2 User Guide "Run commands when you launch": 16 KB, raw form, before it is base64-encoded.
        if len(plain) > 16384:
            raise AwsError("InvalidUserData.Malformed", "User data is limited to 16384 bytes")
    if not data:
        raise AwsError("MissingParameter", "The request must contain the parameter launchTemplateData")
    return copy.deepcopy(data)


@handles("ec2", "CreateLaunchTemplate")
def create(region, parameters, call):
    def make():
        name = parameters["LaunchTemplateName"]
        # API_CreateLaunchTemplate, parameter LaunchTemplateName: 3 to 128 characters of these.
        if not re.fullmatch(r"[a-zA-Z0-9().\-/_]{3,128}", name):
            raise AwsError("InvalidLaunchTemplateName.MalformedException",
                           "A launch template name must be between 3 and 128 characters, and may contain letters, "
                           "numbers, and the following characters: - ( ) . / _.")
        if any(template.name == name for template in region.templates.values()):
            raise AwsError("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
        tags = {}
        for specification in parameters.get("TagSpecifications", []):
            if specification.get("ResourceType") not in (None, "launch-template"):
                raise AwsError("InvalidParameterValue", f"'{specification['ResourceType']}' is not a valid taggable "
                               "resource type for this operation.")
            tags.update({tag["Key"]: tag.get("Value", "") for tag in specification.get("Tags", [])})
        template = Template(region, name, tags, call.identity["arn"])
        template.add(checked_data(parameters["LaunchTemplateData"]), parameters.get("VersionDescription"))
        region.templates[template.id] = template
        return {"LaunchTemplate": template.shown()}

    return once(region.template_tokens, parameters, make)


@handles("ec2", "ModifyLaunchTemplate")
def modify(region, parameters, _):
    template = find(region, parameters)
    number = template.number(parameters.get("DefaultVersion") or str(template.default))
    if number is None:
        raise AwsError("InvalidLaunchTemplateId.VersionNotFound", "Could not find launch template version")
    template.default = number
    return {"LaunchTemplate": template.shown()}


@handles("ec2", "DeleteLaunchTemplate")
def delete(region, parameters, _):
    template = find(region, parameters)
    shown = template.shown()
    del region.templates[template.id]
    return {"LaunchTemplate": shown}


@handles("ec2", "DescribeLaunchTemplates")
def describe(region, parameters, _):
    found = list(region.templates.values())
    for wanted in parameters.get("LaunchTemplateIds", []):
        find(region, {"LaunchTemplateId": wanted})
    for wanted in parameters.get("LaunchTemplateNames", []):
        find(region, {"LaunchTemplateName": wanted})
    if parameters.get("LaunchTemplateIds"):
        found = [template for template in found if template.id in parameters["LaunchTemplateIds"]]
    if parameters.get("LaunchTemplateNames"):
        found = [template for template in found if template.name in parameters["LaunchTemplateNames"]]
    shown = filters.select([template.shown() for template in found], parameters.get("Filters"),
                           {"launch-template-name": lambda item: [item["LaunchTemplateName"]]}, ())
    # API_DescribeLaunchTemplates, parameter MaxResults: between 1 and 200.
    items, token = page(shown, parameters, None, 200, "MaxResults")
    return {"LaunchTemplates": items, "NextToken": token}
