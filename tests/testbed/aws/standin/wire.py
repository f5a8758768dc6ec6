"""From the wire to parameters: the query, EC2 and JSON protocols as botocore's serializers write them."""

import base64
import datetime
import json
from urllib.parse import parse_qsl

from . import models


class Problem(dict):
    """A parameter that the service's model does not have so."""

    def __init__(self, kind, path, message):
        super().__init__(kind=kind, path=path, message=message)


def action_of(service, headers, body):
    """The action's name, and the raw parameters in the protocol's own form."""
    target = headers.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.rpartition(".")[2], json.loads(body or b"{}")
    flat = dict(parse_qsl(body.decode(), keep_blank_values=True))
    action = flat.pop("Action", None)
    flat.pop("Version", None)
    return action, flat


def parameters(service, action, raw):
    """The parameters by the model's own names, and what is wrong with them."""
    model = models.operation(service, action)
    if model is None:
        return raw, [Problem("unknown action", action, f"{service} has no action {action}")]
    problems = []
    if model.input_shape is None:
        if raw:
            problems.append(Problem("unknown parameter", ",".join(raw), "the action takes none"))
        return {}, problems
    protocol = model.service_model.protocol
    if protocol == "json":
        parsed = json_value(model.input_shape, raw, "", problems)
    else:
        parsed = _structure(model.input_shape, _tree(raw), "", problems, protocol == "ec2")
    return parsed, problems


def from_json(service, action, given):
    """The parameters from JSON, whatever the service's protocol, and what is wrong with them."""
    model = models.operation(service, action)
    if model is None:
        return given, [Problem("unknown action", action, f"{service} has no action {action}")]
    problems = []
    parsed = json_value(model.input_shape, given, "", problems) if model.input_shape else {}
    return parsed, problems


def _tree(flat):
    """`A.B.1=x` as `{"A": {"B": {"1": "x"}}}`."""
    root = {}
    for name, value in flat.items():
        parts = name.split(".")
        node = root
        for part in parts[:-1]:
            child = node.get(part)
            if not isinstance(child, dict):
                child = node[part] = {}
            node = child
        node[parts[-1]] = value
    return root


def _wire_name(name, shape, ec2):
    # botocore.serialize.EC2Serializer._get_serialized_name and QuerySerializer's.
    if ec2:
        if "queryName" in shape.serialization:
            return shape.serialization["queryName"]
        if "name" in shape.serialization:
            located = shape.serialization["name"]
            return located[0].upper() + located[1:]
        return name
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return shape.member.serialization.get("name", shape.serialization.get("name", name))
    return shape.serialization.get("name", name)


def _structure(shape, node, path, problems, ec2):
    if not isinstance(node, dict):
        if node != "":
            problems.append(Problem("wrong type", path, "a structure is expected"))
        return {}
    names = {_wire_name(name, member, ec2): (name, member) for name, member in shape.members.items()}
    parsed = {}
    for wire, value in node.items():
        if wire not in names:
            problems.append(Problem("unknown parameter", f"{path}{wire}", f"{shape.name} has no {wire}"))
            continue
        name, member = names[wire]
        parsed[name] = _value(member, value, f"{path}{name}", problems, ec2)
    return parsed


def _value(shape, node, path, problems, ec2):
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, node, f"{path}.", problems, ec2)
    if kind == "list":
        return _list(shape, node, path, problems, ec2)
    if kind == "map":
        return _map(shape, node, path, problems, ec2)
    if isinstance(node, dict):
        problems.append(Problem("wrong type", path, f"a {kind} is expected"))
        return None
    return scalar(shape, node, path, problems)


def _list(shape, node, path, problems, ec2):
    if node == "":
        return []
    if isinstance(node, dict) and not ec2 and not shape.serialization.get("flattened"):
        member_name = shape.member.serialization.get("name", "member")
        for name in node:
            if name != member_name:
                problems.append(Problem("unknown parameter", f"{path}.{name}", f"{member_name} is expected"))
        node = node.get(member_name, {})
    if not isinstance(node, dict):
        problems.append(Problem("wrong type", path, "a list is expected"))
        return []
    items = []
    for index in node:
        if not index.isdigit():
            problems.append(Problem("unknown parameter", f"{path}.{index}", "a number is expected"))
    for index in sorted((i for i in node if i.isdigit()), key=int):
        items.append(_value(shape.member, node[index], f"{path}[{len(items)}]", problems, ec2))
    return items


def _map(shape, node, path, problems, ec2):
    if isinstance(node, dict) and not shape.serialization.get("flattened"):
        node = node.get("entry", {})
    entries = {}
    for entry in node.values() if isinstance(node, dict) else ():
        key = entry.get(shape.key.serialization.get("name", "key"))
        value = entry.get(shape.value.serialization.get("name", "value"))
        entries[key] = _value(shape.value, value, f"{path}.{key}", problems, ec2)
    return entries


def scalar(shape, text, path, problems):
    """A value that was sent as text."""
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind == "timestamp":
            return _time(text)
        if kind == "blob":
            return base64.b64decode(text, validate=True).decode()
    except (ValueError, KeyError):
        problems.append(Problem("wrong type", path, f"{text!r} is no {kind}"))
        return None
    return text


def json_value(shape, node, path, problems):
    """A value that was sent as JSON."""
    kind = shape.type_name
    if kind == "structure" and isinstance(node, dict):
        parsed = {}
        for name, value in node.items():
            if name not in shape.members:
                problems.append(Problem("unknown parameter", f"{path}{name}", f"{shape.name} has no {name}"))
            elif value is not None:
                parsed[name] = json_value(shape.members[name], value, f"{path}{name}.", problems)
        return parsed
    if kind == "list" and isinstance(node, list):
        return [json_value(shape.member, item, f"{path}[{index}].", problems) for index, item in enumerate(node)]
    if kind == "map" and isinstance(node, dict):
        return {key: json_value(shape.value, value, f"{path}{key}.", problems) for key, value in node.items()}
    wanted = {"string": str, "integer": int, "long": int, "boolean": bool, "float": (int, float),
              "double": (int, float), "timestamp": (int, float, str), "blob": str}.get(kind, ())
    if not isinstance(node, wanted) or (kind in ("integer", "long") and isinstance(node, bool)):
        problems.append(Problem("wrong type", path.rstrip("."), f"a {kind} is expected"))
    if kind == "timestamp" and isinstance(node, (str, int, float)):
        return _time(node)
    return node


def _time(value):
    if isinstance(value, str):
        return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
