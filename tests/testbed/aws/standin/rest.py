"""EBS direct's protocol, REST with JSON: path, query, headers and body to parameters, and values back to them.

Source: botocore.serialize.RestJSONSerializer and botocore.parsers.RestJSONParser.
"""

import base64
import functools
import hashlib
import json
import re
import uuid
from urllib.parse import parse_qsl, unquote

from . import models, wire
from .answers import plain
from .wire import Problem


class Payload:
    """A body that is data. Its checksum is taken here, where calls do not wait for each other."""

    def __init__(self, data):
        self.data = data
        self.checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()

    def __str__(self):
        return f"{len(self.data)} bytes"


def speaks(service):
    """Whether the service has this protocol."""
    model = models.service(service)
    return model is not None and model.protocol == "rest-json"


@functools.cache
def _routes(service):
    model = models.service(service)
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        routes.append((http["method"], re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", http["requestUri"])), name))
    return routes


def read(service, request):
    """(action, its parameters, what is wrong with them, the payload or None)."""
    for method, pattern, action in _routes(service):
        matched = pattern.fullmatch(request.path)
        if matched and method == request.method:
            return action, *_parameters(models.operation(service, action).input_shape, matched, request)
    action = f"{request.method} {request.path}"
    return action, {}, [Problem("unknown action", action, f"{service} has no action {action}")], None


def _parameters(shape, matched, request):
    given, problems, payload = {}, [], None
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    for name, member in shape.members.items():
        located, where = member.serialization.get("name", name), member.serialization.get("location")
        if name == shape.payload:
            payload = Payload(request.body)
            given[name] = str(payload)
            continue
        text = None
        if where == "uri":
            text = unquote(matched[located])
        elif where == "querystring":
            text = query.pop(located, None)
        elif where == "header":
            text = request.headers.get("HTTP_" + located.upper().replace("-", "_"))
        if text is not None:
            given[name] = wire.scalar(member, text, name, problems)
    problems += [Problem("unknown parameter", name, f"{shape.name} has no {name}") for name in query if name != "x-id"]
    if payload is None and request.body:
        try:
            given.update(wire.json_value(shape, json.loads(request.body), "", problems))
        except (ValueError, TypeError):
            problems.append(Problem("wrong type", "", "the body is no JSON object"))
    return given, problems, payload


def result(service, action, value):
    """(status, content type, body, headers) of an answer."""
    operation = models.operation(service, action)
    shape, headers = operation.output_shape, [("x-amzn-RequestId", str(uuid.uuid4()))]
    body, data = {}, None
    for name, item in plain(value or {}).items():
        member = shape.members[name]
        located = member.serialization.get("name", name)
        if name == shape.payload:
            data = item
        elif member.serialization.get("location") == "header":
            headers.append((located, str(item)))
        else:
            body[located] = item
    status = operation.http.get("responseCode", 200)
    if shape.payload:
        return status, "application/octet-stream", data, headers
    return status, "application/json", json.dumps(body).encode(), headers


def error(_service, failure):
    """(status, content type, body, headers) of an error."""
    headers = [("x-amzn-RequestId", str(uuid.uuid4())), ("x-amzn-ErrorType", failure.code)]
    body = {"Message": failure.message, **failure.members}
    return failure.status, "application/json", json.dumps(body).encode(), headers
