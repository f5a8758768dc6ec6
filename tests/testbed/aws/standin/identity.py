"""STS: who calls."""

import time
import uuid

from .registry import handles
from .state import Worlds


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
