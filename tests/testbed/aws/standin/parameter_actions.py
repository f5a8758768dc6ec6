"""SSM: put, get, list, label and delete parameters.

Source: AWS Systems Manager API Reference.
"""

import base64
import re

from . import parameters as store
from .answers import AwsError
from .paging import page
from .parameters import Parameter
from .registry import handles


def invalid(message):
    return AwsError("ValidationException", message)


def _shown(held, version, given, selector=None):
    value = version.value
    if version.kind == "SecureString" and not given.get("WithDecryption"):
        value = base64.b64encode(f"encrypted {held.name} {version.number}".encode()).decode()
    return {"Name": held.name, "Type": version.kind, "Value": value, "Version": version.number, "Selector": selector,
            "LastModifiedDate": version.at, "ARN": held.arn, "DataType": version.data_type}


@handles("ssm", "GetParameter")
def get(region, parameters, _):
    held, version, selector = store.select(region, parameters["Name"])
    return {"Parameter": _shown(held, version, parameters, selector)}


@handles("ssm", "GetParameters")
def get_several(region, parameters, _):
    """API_GetParameters: in alphabetical order."""
    found, missing = [], []
    for name in sorted(set(parameters["Names"])):
        try:
            held, version, selector = store.select(region, name)
            found.append(_shown(held, version, parameters, selector))
        except AwsError:
            missing.append(name)
    return {"Parameters": found, "InvalidParameters": missing}


@handles("ssm", "GetParametersByPath")
def get_below(region, parameters, _):
    path = parameters["Path"]
    if not path.startswith("/"):
        raise invalid("The parameter doesn't meet the parameter name requirements. The parameter name must begin with "
                      'a forward slash "/".')
    path = path.rstrip("/") + "/"
    found = [(held, held.latest) for name, held in sorted(region.parameters.items()) if name.startswith(path)
             and (parameters.get("Recursive") or "/" not in name.removeprefix(path))]
    for one in parameters.get("ParameterFilters", []):
        if one["Key"] == "Label":
            found = [(held, version) for held, _ in found for version in held.versions
                     if set(version.labels) & set(one.get("Values", []))]
        elif one["Key"] == "Type":
            found = [each for each in found if each[1].kind in one.get("Values", [])]
        else:
            raise AwsError("InvalidFilterKey", f"The following filter key is not valid: {one['Key']}.")
    # API_GetParametersByPath, MaxResults: at most 10.
    items, token = page(found, parameters, 10, 10, "MaxResults")
    return {"Parameters": [_shown(held, version, parameters) for held, version in items], "NextToken": token}


@handles("ssm", "GetParameterHistory")
def history(region, parameters, _):
    held = store.find(region, parameters["Name"])
    items, token = page(held.versions, parameters, 50, 50, "MaxResults")
    return {"NextToken": token, "Parameters": [{
        "Name": held.name, "Type": one.kind, "KeyId": one.key, "LastModifiedDate": one.at, "LastModifiedUser": one.by,
        "Description": one.description, "Value": _shown(held, one, parameters)["Value"],
        "AllowedPattern": one.pattern, "Version": one.number, "Labels": list(one.labels), "Tier": one.tier,
        "Policies": [], "DataType": one.data_type} for one in items]}


def _checked_name(name):
    """API_PutParameter, Name."""
    if not re.fullmatch(r"[a-zA-Z0-9_.\-/]+", name) or ("/" in name and not name.startswith("/")):
        raise invalid("Parameter name must be a fully qualified name; it can only include a-zA-Z0-9_.- and, between "
                      "its parts, the forward slash, with which it must then begin.")
    if name.lower().startswith("/aws/"):
        raise AwsError("AccessDeniedException", f"No access to reserved parameter name: {name}.")
    if name.lower().lstrip("/").startswith(("aws", "ssm")):
        raise invalid('Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
    if name.count("/") > 15:
        raise AwsError("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of 15 levels.")
    return name


@handles("ssm", "PutParameter")
def put(region, parameters, call):
    name, value = _checked_name(parameters["Name"]), parameters["Value"]
    held, overwrite = region.parameters.get(name), parameters.get("Overwrite", False)
    if held and not overwrite:
        raise AwsError("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the "
                       "overwrite option in the request to true.")
    if overwrite and parameters.get("Tags"):
        raise invalid("Invalid request: tags and overwrite can't be used together.")
    before = held.latest if held else None
    kind = parameters.get("Type") or (before and before.kind)
    if kind is None:
        raise invalid("A parameter type is required when you create a parameter.")
    if before and kind != before.kind:
        raise AwsError("HierarchyTypeMismatchException", "Parameter Store doesn't support changing a parameter type.")
    if not value:
        raise invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have "
                      "length greater than or equal to 1.")
    if re.search(r"\{\{.*\}\}", value, re.DOTALL):  # API_PutParameter, Value
        raise invalid("Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.")
    pattern = parameters.get("AllowedPattern", before and before.pattern)
    if pattern and not re.search(pattern, value):
        raise AwsError("ParameterPatternMismatchException", "Parameter value, cannot be validated against "
                       f"allowedPattern: {pattern}")
    data_type = parameters.get("DataType", before.data_type if before else "text")
    tier = store.tier_of(parameters.get("Tier"), value, before and before.tier, data_type)
    if held is None:
        held = Parameter(region, name, {tag["Key"]: tag["Value"] for tag in parameters.get("Tags", [])})
    made = held.add(value, kind, call.identity["arn"], tier=tier, pattern=pattern, data_type=data_type,
                    description=parameters.get("Description", before and before.description),
                    key=parameters.get("KeyId", before and before.key))
    region.parameters[name] = held
    return {"Version": made.number, "Tier": tier}


def _labelled(region, parameters):
    held, number = store.find(region, parameters["Name"]), parameters.get("ParameterVersion")
    version = held.latest if number is None else next((one for one in held.versions if one.number == number), None)
    if version is None:
        raise store.version_not_found(held.name, number)
    return held, version


@handles("ssm", "LabelParameterVersion")
def label(region, parameters, _):
    held, version = _labelled(region, parameters)
    good = [one for one in parameters["Labels"] if store.valid_label(one)]
    if len(set(version.labels) | set(good)) > store.LABELS:
        raise AwsError("ParameterVersionLabelLimitExceeded", "An error occurred (ParameterVersionLabelLimitExceeded) "
                       "when calling the LabelParameterVersion operation: A parameter version can have maximum 10 "
                       "labels.Move one or more labels to another version and try again.")
    for one in good:
        held.label(version, one)
    return {"InvalidLabels": [one for one in parameters["Labels"] if one not in good],
            "ParameterVersion": version.number}


@handles("ssm", "UnlabelParameterVersion")
def unlabel(region, parameters, _):
    _, version = _labelled(region, parameters)
    removed = [one for one in parameters["Labels"] if one in version.labels]
    version.labels = [one for one in version.labels if one not in removed]
    return {"RemovedLabels": removed, "InvalidLabels": [one for one in parameters["Labels"] if one not in removed]}


@handles("ssm", "DescribeParameters")
def describe(region, parameters, _):
    found = [held for _, held in sorted(region.parameters.items())]
    for one in parameters.get("ParameterFilters", []):
        found = [held for held in found if _passes(held, one)]
    items, token = page(found, parameters, 10, 50, "MaxResults")
    return {"NextToken": token, "Parameters": [{
        "Name": held.name, "ARN": held.arn, "Type": held.latest.kind, "KeyId": held.latest.key,
        "LastModifiedDate": held.latest.at, "LastModifiedUser": held.latest.by,
        "Description": held.latest.description, "AllowedPattern": held.latest.pattern, "Version": held.latest.number,
        "Tier": held.latest.tier, "Policies": [], "DataType": held.latest.data_type} for held in items]}


def _passes(held, one):
    """API_ParameterStringFilter."""
    key, option, values, latest = one["Key"], one.get("Option", "Equals"), one.get("Values", []), held.latest
    if key == "Path":
        option = one.get("Option", "OneLevel")
        for value in values:
            rest = held.name.removeprefix(value.rstrip("/") + "/")
            if rest != held.name and (option == "Recursive" or "/" not in rest):
                return True
        return False
    if key.startswith("tag:"):
        return key[4:] in held.tags and (not values or held.tags[key[4:]] in values)
    known = {"Name": held.name, "Type": latest.kind, "KeyId": latest.key, "Tier": latest.tier,
             "DataType": latest.data_type}
    if key not in known:
        raise AwsError("InvalidFilterKey", f"The following filter key is not valid: {key}.")
    test = {"Equals": lambda value: known[key] == value, "Contains": lambda value: value in (known[key] or ""),
            "BeginsWith": lambda value: (known[key] or "").startswith(value)}.get(option)
    if test is None or (option == "Contains" and key != "Name"):
        raise AwsError("InvalidFilterOption", f"The following filter option is not valid: {option}.")
    return any(test(value) for value in values)


@handles("ssm", "DeleteParameter")
def delete(region, parameters, _):
    if parameters["Name"] not in region.parameters:
        raise store.not_found()
    del region.parameters[parameters["Name"]]


@handles("ssm", "DeleteParameters")
def delete_several(region, parameters, _):
    deleted = [name for name in parameters["Names"] if region.parameters.pop(name, None)]
    return {"DeletedParameters": deleted,
            "InvalidParameters": [name for name in parameters["Names"] if name not in deleted]}
