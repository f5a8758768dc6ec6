"""From values to the wire: answers and errors in the query, EC2 and JSON protocols, by botocore's output shapes."""

import datetime
import functools
import json
import uuid
from xml.sax.saxutils import escape

from . import models


class AwsError(Exception):
    """An error as AWS answers it."""

    def __init__(self, code, message, status=400, **members):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.members = members  # what else the error's shape has


def validation_error(message):
    """Auto Scaling's general refusal."""
    return AwsError("ValidationError", message)


def error(service, failure):
    """(status, content type, body, headers) of an error."""
    model = models.service(service)
    protocol = model.protocol if model else "query"
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    code, message = escape(failure.code), escape(failure.message)
    if protocol == "json":
        body = json.dumps({"__type": failure.code, "message": failure.message})
        return failure.status, "application/x-amz-json-1.1", body.encode(), headers
    if service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    elif protocol == "ec2":
        body = (f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
                f"<RequestID>{request_id}</RequestID></Response>")
    else:
        side = "Sender" if failure.status < 500 else "Receiver"
        body = (f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>")
    return failure.status, "text/xml", ('<?xml version="1.0" encoding="UTF-8"?>' + body).encode(), headers


def result(service, action, value):
    """(status, content type, body, headers) of an answer."""
    model = models.operation(service, action)
    protocol = model.service_model.protocol
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    if protocol == "json":
        return 200, "application/x-amz-json-1.1", json.dumps(plain(value or {})).encode(), headers
    namespace = model.service_model.metadata["xmlNamespace"]
    out = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{action}Response xmlns="{namespace}">']
    shape = model.output_shape
    if protocol == "ec2":
        out.append(f"<requestId>{request_id}</requestId>")
        if shape is not None:
            _writer(shape, True)(value or {}, out)
    else:
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{action}Result")
            out.append(f"<{wrapper}>")
            _writer(shape, False)(value or {}, out)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
    out.append(f"</{action}Response>")
    return 200, "text/xml", "".join(out).encode(), headers


class Rendered(str):
    """A list's item that is on the wire's form already."""


def rendered(service, shape_name, value):
    """An item of a list, written once and kept by whoever asked."""
    shape = models.service(service).shape_for(shape_name)
    out = []
    _item("member", shape, False)(value, out)
    return Rendered("".join(out))


_WRITERS = {}


def _writer(shape, ec2):
    """A function that appends a structure's members; made once per shape, since pages are large."""
    key = shape.identity
    if key not in _WRITERS:
        table = {}
        _WRITERS[key] = functools.partial(_write_members, table)
        for name, member in shape.members.items():
            table[name] = _member(name, member, ec2)
    return _WRITERS[key]


def _write_members(table, value, out):
    for name, item in value.items():
        if item is not None:
            table[name](item, out)


def _member(name, shape, ec2):
    tag = shape.serialization.get("name", name)
    opening, closing = f"<{tag}>", f"</{tag}>"
    kind = shape.type_name
    if kind == "list":
        item_tag = shape.member.serialization.get("name", "item" if ec2 else "member")
        if shape.serialization.get("flattened"):
            return _flattened(_item(tag, shape.member, ec2))
        write = _item(item_tag, shape.member, ec2)

        def write_list(items, out):
            out.append(opening)
            for item in items:
                if type(item) is Rendered:
                    out.append(item)
                else:
                    write(item, out)
            out.append(closing)

        return write_list
    if kind == "structure":
        def write_structure(value, out, nested=[]):
            if not nested:
                nested.append(_writer(shape, ec2))
            out.append(opening)
            nested[0](value, out)
            out.append(closing)

        return write_structure
    if kind == "boolean":
        yes, no = f"{opening}true{closing}", f"{opening}false{closing}"
        return lambda value, out: out.append(yes if value else no)
    if kind == "timestamp":
        return lambda value, out: out.append(f"{opening}{timestamp(value)}{closing}")
    if kind == "string":
        return lambda value, out: out.append(f"{opening}{escape(str(value))}{closing}")
    return lambda value, out: out.append(f"{opening}{value}{closing}")


def _item(tag, shape, ec2):
    return _member("", _Renamed(shape, tag), ec2)


class _Renamed:
    """A shape under the name of a list's items."""

    def __init__(self, shape, tag):
        self._shape = shape
        self.serialization = {**shape.serialization, "name": tag}

    def __getattr__(self, name):
        return getattr(self._shape, name)


def _flattened(write):
    def write_all(items, out):
        for item in items:
            write(item, out)

    return write_all


def timestamp(value):
    """Seconds since the epoch, or a time, as AWS writes it."""
    if isinstance(value, (int, float)):
        value = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def plain(value):
    """A value as JSON has it: without what is None, with times in seconds."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return value
