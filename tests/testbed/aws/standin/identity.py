"""STS and SSM: who calls, and parameters."""

import time
import uuid

from .answers import AwsError
from .paging import page
from .registry import handles
from .state import Clock, Worlds


@handles("sts", "GetCallerIdentity")
def caller(_region, _parameters, call):
    return {"UserId": call.identity["user_id"], "Account": call.identity["account"], "Arn": call.identity["arn"]}


@handles("sts", "AssumeRole")
def assume_role(_region, parameters, _):
    role, session = parameters["RoleArn"], parameters["RoleSessionName"]
    account, name = role.split(":")[4], role.rpartition("/")[2]
    key = "ASIA" + uuid.uuid4().hex[:16].upper()
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
    user_id = f"AROA{uuid.uuid4().hex[:17].upper()}:{session}"
    Worlds.keys[key] = {"account": account, "arn": arn, "user_id": user_id}
    return {
        "Credentials": {"AccessKeyId": key, "SecretAccessKey": uuid.uuid4().hex, "SessionToken": uuid.uuid4().hex,
                        "Expiration": time.time() + parameters.get("DurationSeconds", 3600)},
        "AssumedRoleUser": {"AssumedRoleId": user_id, "Arn": arn},
    }


def _parameter(region, name):
    held = region.parameters.get(name)
    if held is None:
        return None
    return {"Name": name, "Type": held["Type"], "Value": held["Value"], "Version": held["Version"],
            "LastModifiedDate": held["At"], "ARN": region.arn("ssm", "parameter/" + name.lstrip("/")),
            "DataType": "text"}


def put(region, name, value, kind="String"):
    """Sets a parameter; its version counts up."""
    version = region.parameters.get(name, {"Version": 0})["Version"] + 1
    region.parameters[name] = {"Value": value, "Type": kind, "Version": version, "At": Clock.now()}
    return version


@handles("ssm", "GetParameters")
def parameters_of(region, parameters, _):
    found = {name: _parameter(region, name) for name in parameters["Names"]}
    return {"Parameters": [one for one in found.values() if one],
            "InvalidParameters": [name for name, one in found.items() if not one]}


@handles("ssm", "GetParameter")
def parameter(region, parameters, _):
    found = _parameter(region, parameters["Name"])
    if found is None:
        raise AwsError("ParameterNotFound", "")
    return {"Parameter": found}


@handles("ssm", "GetParametersByPath")
def parameters_below(region, parameters, _):
    path = parameters["Path"].rstrip("/") + "/"
    names = [name for name in sorted(region.parameters) if name.startswith(path)
             and (parameters.get("Recursive") or "/" not in name.removeprefix(path))]
    items, token = page(names, parameters, 10, 10, "MaxResults")
    return {"Parameters": [_parameter(region, name) for name in items], "NextToken": token}


@handles("ssm", "PutParameter")
def put_parameter(region, parameters, _):
    if parameters["Name"] in region.parameters and not parameters.get("Overwrite"):
        raise AwsError("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the "
                       "overwrite option in the request to true.")
    version = put(region, parameters["Name"], parameters["Value"], parameters.get("Type", "String"))
    return {"Version": version, "Tier": "Standard"}
