"""Versions of launch templates."""

import copy

from . import models
from .answers import AwsError
from .fit import fit
from .paging import page
from .registry import handles
from .templates import checked_data, find, once


def shown(template, number):
    version = template.versions[number]
    shape = models.service("ec2").shape_for("ResponseLaunchTemplateData")
    return {
        "LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": number,
        "VersionDescription": version["description"], "CreateTime": version["created"],
        "CreatedBy": template.created_by, "DefaultVersion": number == template.default,
        "LaunchTemplateData": fit(shape, version["data"]),
    }


@handles("ec2", "CreateLaunchTemplateVersion")
def create(region, parameters, _):
    def make():
        template = find(region, parameters)
        data = checked_data(parameters["LaunchTemplateData"])
        source = parameters.get("SourceVersion")
        if source:
            # API_CreateLaunchTemplateVersion: the new version inherits the launch parameters
            # of the source, and what is specified overwrites them.
            inherited = template.data(source)
            if inherited is None:
                raise AwsError("InvalidLaunchTemplateId.VersionNotFound", "Could not find launch template version")
            data = {**copy.deepcopy(inherited), **data}
        number = template.add(data, parameters.get("VersionDescription"))
        return {"LaunchTemplateVersion": shown(template, number)}

    return once(region.version_tokens, parameters, make)


@handles("ec2", "DescribeLaunchTemplateVersions")
def describe(region, parameters, _):
    wanted = parameters.get("Versions", [])
    found = []
    if parameters.get("LaunchTemplateId") or parameters.get("LaunchTemplateName"):
        template = find(region, parameters)
        numbers = sorted(template.versions, reverse=True)
        if wanted:
            numbers = []
            for version in wanted:
                number = template.number(version)
                if number is None:
                    raise AwsError("InvalidLaunchTemplateId.VersionNotFound",
                                   f"Could not find the specified version {version} for the launch template with ID "
                                   f"{template.id}.")
                if number not in numbers:
                    numbers.append(number)
        least, most = int(parameters.get("MinVersion", 0)), int(parameters.get("MaxVersion", 10**9))
        found = [shown(template, number) for number in numbers if least <= number <= most]
    else:
        # API_DescribeLaunchTemplateVersions, parameter Versions: across all templates only $Latest and $Default.
        if not wanted or set(wanted) - {"$Latest", "$Default"}:
            raise AwsError("MissingParameter",
                           "Either a launch template ID or a launch template name must be specified in the request.")
        for template in region.templates.values():
            for number in sorted({template.number(version) for version in wanted}):
                found.append(shown(template, number))
    found = _filtered(found, parameters.get("Filters", []))
    items, token = page(found, parameters, None, 200, "MaxResults")
    return {"LaunchTemplateVersions": items, "NextToken": token}


def _filtered(found, given):
    picks = {
        "is-default-version": lambda item: "true" if item["DefaultVersion"] else "false",
        "image-id": lambda item: item["LaunchTemplateData"].get("ImageId"),
        "instance-type": lambda item: item["LaunchTemplateData"].get("InstanceType"),
        "create-time": lambda item: str(item["CreateTime"]),
    }
    for one in given:
        if one["Name"] not in picks:
            raise AwsError("InvalidParameterValue", f"The filter '{one['Name']}' is invalid")
        found = [item for item in found if picks[one["Name"]](item) in one["Values"]]
    return found


@handles("ec2", "DeleteLaunchTemplateVersions")
def delete(region, parameters, _):
    template = find(region, parameters)
    done, failed = [], []
    for version in parameters["Versions"]:
        number = template.number(version)
        named = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name}
        if number is None:
            failed.append({**named, "VersionNumber": int(version) if version.isdigit() else 0, "ResponseError": {
                "Code": "launchTemplateVersionDoesNotExist", "Message": "Could not find launch template version"}})
        elif number == template.default:
            # API_DeleteLaunchTemplateVersions: the default version cannot be deleted.
            failed.append({**named, "VersionNumber": number, "ResponseError": {
                "Code": "unexpectedError", "Message": "The default version cannot be deleted"}})
        else:
            del template.versions[number]
            done.append({**named, "VersionNumber": number})
    return {"SuccessfullyDeletedLaunchTemplateVersions": done,
            "UnsuccessfullyDeletedLaunchTemplateVersions": failed}
