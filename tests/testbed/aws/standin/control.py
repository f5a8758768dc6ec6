"""The control interface under /truth/, JSON both ways."""

import base64
import json
import traceback
from urllib.parse import parse_qs

from . import blocks, calls, constraints, dump, engine, models, moto_behind, outside, rules, seeds, wire, withheld
from .answers import AwsError, timestamp
from .handlers import HANDLERS
from .state import LOCK, Clock, Settings, Worlds


def _reset(_, __):
    withheld.release()
    rules.clear()
    calls.forget(also_violations=True)
    Worlds.reset()
    blocks.reset()
    Settings.reset()
    moto_behind.reset()
    return {}


def _add_rules(body, _):
    return {"ids": rules.add(body if isinstance(body, list) else [body])}


def _clear_rules(_, query):
    rules.clear([int(number) for number in query["id"]] if "id" in query else None)
    return {}


def _settings(body, _):
    for name, value in body.items():
        if name not in Settings.names():
            raise ValueError(f"no such setting: {name}")
        setattr(Settings, name, float(value))
    return {name: getattr(Settings, name) for name in Settings.names()}


def _clock(body, _):
    if "hold" in body:
        Clock.hold(body["hold"])
    Clock.offset += body.get("advance", 0.0)
    return {"now": timestamp(Clock.now())}


def _world(_, query):
    for region in list(Worlds.regions.values()):
        engine.settle(region)
    only = [query.get(name, [None])[0] for name in ("account", "region")]
    return dump.world(*only, stable="stable" in query)


def _do(body, _):
    """An action by someone else: no rule strikes it and no recorder sees it."""
    service, action = body["service"], body["action"]
    identity = Worlds.identity(body.get("access_key"))
    if "account" in body:
        identity = {**identity, "account": body["account"]}
    call = calls.Call(service, action, body.get("region", seeds.DEFAULT_REGION), body.get("access_key"), identity, {})
    call.plain = True
    call.parameters, problems = wire.from_json(service, action, body.get("parameters", {}))
    operation = models.operation(service, action)
    if problems or (service, action) not in HANDLERS:
        raise ValueError(f"{service} {action}: {problems or 'not answered here'}")
    problems = constraints.problems(operation.input_shape, call.parameters) if operation.input_shape else []
    if problems:
        raise ValueError(f"{service} {action}: {problems}")
    region = Worlds.region(identity["account"], call.region)
    engine.settle(region)
    try:
        return {"answer": HANDLERS[service, action](region, call.parameters, call) or {}}
    except AwsError as failure:
        return {"error": {"code": failure.code, "message": failure.message}}


def _forget(_, __):
    calls.forget()
    return {}


_ROUTES = {
    ("POST", "reset"): _reset,
    ("POST", "rules"): _add_rules,
    ("GET", "rules"): lambda _, __: rules.shown(),
    ("DELETE", "rules"): _clear_rules,
    ("GET", "calls"): lambda _, __: calls.listed(),
    ("DELETE", "calls"): _forget,
    ("GET", "violations"): lambda _, __: calls.violations(),
    ("GET", "withheld"): lambda _, __: withheld.shown(),
    ("POST", "release"): lambda _, __: {"released": withheld.release()},
    ("POST", "world"): lambda body, _: seeds.plant(body),
    ("GET", "world"): _world,
    ("POST", "instances"): lambda body, _: {"instances": outside.act(body)},
    ("POST", "do"): _do,
    ("POST", "settings"): _settings,
    ("POST", "clock"): _clock,
}


def _json(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return timestamp(value) if hasattr(value, "astimezone") else str(value)


def answer(request):
    """(status, content type, body)."""
    route = _ROUTES.get((request.method, request.path.removeprefix("/truth/").rstrip("/")))
    if route is None:
        return 404, "application/json", json.dumps({"error": f"no {request.method} {request.path}"}).encode()
    try:
        body = json.loads(request.body or b"{}")
        with LOCK:
            value = route(body, parse_qs(request.query))
        return 200, "application/json", json.dumps(value, default=_json).encode()
    except (KeyError, ValueError) as failure:  # the test's own mistake
        return 400, "application/json", json.dumps({"error": f"{type(failure).__name__}: {failure}"}).encode()
    except Exception as failure:  # noqa: BLE001 - whatever it is, the test must see it
        traceback.print_exc()
        return 400, "application/json", json.dumps({"error": f"{type(failure).__name__}: {failure}"}).encode()
