"""An SDK's call from its arrival to its answer: recorded, struck by rules, authorised, then carried out."""

import datetime
import re
import time
import traceback

from . import answers, authority, calls, constraints, models, moto_behind, rest, rules, wire, withheld
from .answers import AwsError
from .handlers import HANDLERS
from .state import LOCK, Worlds

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


def answer(request):
    """(status, content type, body, headers), or None to close without a word."""
    signed = _CREDENTIAL.search(request.headers.get("HTTP_AUTHORIZATION", ""))
    access_key, region, service = signed.groups() if signed else (None, "us-east-1", "")
    payload = None
    if rest.speaks(service):
        action, parsed, problems, payload = rest.read(service, request)
    elif models.service(service) is None:
        parsed, problems, action = {"query": request.query}, [], f"{request.method} {request.path}"
        if "HTTP_X_AMZ_TARGET" in request.headers:
            action = request.headers["HTTP_X_AMZ_TARGET"].rpartition(".")[2]
    else:
        action, raw = wire.action_of(service, request.headers, request.body)
        parsed, problems = wire.parameters(service, action, raw)
    operation = models.operation(service, action)
    if operation is not None and operation.input_shape is not None:
        problems += constraints.problems(operation.input_shape, parsed)
    call = calls.Call(service, action, region, access_key, Worlds.identity(access_key), parsed,
                      request.headers.get("HTTP_AMZ_SDK_REQUEST"), _signed_at(request))
    call.record(problems)
    call.payload = payload
    try:
        return _through_rules(call, problems, request)
    finally:
        call.payload = None  # the recorder keeps the call, but not its data


def _signed_at(request):
    date = request.headers.get("HTTP_X_AMZ_DATE")
    return datetime.datetime.strptime(date, "%Y%m%dT%H%M%S%z").timestamp() if date else None


def _through_rules(call, problems, request):
    after = []
    for rule in rules.striking(call):
        if rule.kind == "delay":
            time.sleep(rule.spec["seconds"])
        elif rule.kind == "withhold" and rule.spec.get("phase", "before") == "before":
            # A client that went away before the effect never had one.
            if not withheld.hold(call, "before", request.connection):
                return _cut(call, "cut before the effect")
        elif rule.kind == "outage" and rule.spec.get("how") == "reset":
            return _cut(call, "reset")
        elif rule.kind in ("lose", "withhold"):
            after.append(rule)
        else:
            given = _refused(call, rule.failure(call))
            call.request_id = given[3][0][1]
            return given
    given = _carried_out(call, problems, request)
    for rule in after:
        if rule.kind == "lose":
            return _cut(call, "lost")
        if not withheld.hold(call, "after", request.connection):
            return _cut(call, "cut after the effect")
    call.request_id = next((v for k, v in given[3] if k.lower() == "x-amzn-requestid"), None)
    return given


def _cut(call, how):
    call.status, call.code = call.status or 0, call.code or how
    return None


def _refused(call, failure):
    call.status, call.code = failure.status, failure.code
    return _written(call).error(call.service, failure)


def _written(call):
    return rest if rest.speaks(call.service) else answers


def _carried_out(call, problems, request):
    try:
        with LOCK:
            region = Worlds.region(call.identity["account"], call.region)
            handler = HANDLERS.get((call.service, call.action))
            if call.service in ("autoscaling", "ec2"):
                HANDLERS["settle"](region)
            authority.check(call, region)
            _refuse_malformed(call, problems)
            if call.service == "ec2" and call.parameters.get("DryRun"):
                # EC2 API Reference, common parameter DryRun: this error says that the caller may.
                raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
            if handler is not None:
                value = handler(region, call.parameters, call)
                given = _written(call).result(call.service, call.action, value)
                call.status = given[0]
                return given
        given = moto_behind.forward(request)
        call.status = given[0]
        call.code = None if given[0] < 400 else "answered by moto"
        return given
    except AwsError as failure:
        return _refused(call, failure)
    except Exception as failure:  # noqa: BLE001 - a fault of the stand-in must show as one
        traceback.print_exc()
        return _refused(call, AwsError("InternalFailure", f"the stand-in failed: {failure!r}", 500))


def _refuse_malformed(call, problems):
    # EC2 and Auto Scaling "common errors": MissingParameter, UnknownParameter,
    # InvalidParameterValue; ValidationError, with the member's name.
    for problem in problems:
        kind, text = problem["kind"], f"{problem['path']}: {problem['message']}"
        if kind == "unknown action" and call.service == "ebs":
            raise AwsError("UnknownOperationException", f"There is no {call.action}.", 404)
        if kind == "unknown action":
            raise AwsError("InvalidAction", f"The action {call.action} is not valid for this web service.")
        if call.service == "ec2":
            code = {"missing": "MissingParameter", "unknown parameter": "UnknownParameter"}.get(
                kind, "InvalidParameterValue")
            raise AwsError(code, text)
        if kind == "unknown parameter":
            continue  # the query services ignore what they do not know
        if call.service in ("autoscaling", "sts"):
            raise AwsError("ValidationError", f"1 validation error detected: {text}")
        members = {"Reason": "INVALID_PARAMETER_VALUE"} if call.service == "ebs" else {}
        raise AwsError("ValidationException", f"1 validation error detected: {text}", **members)
