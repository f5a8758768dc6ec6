"""The control interface under /truth/, JSON both ways."""

import json
import traceback
from urllib.parse import parse_qs

from . import calls, dump, engine, moto_behind, outside, rules, seeds, withheld
from .answers import timestamp
from .state import LOCK, Clock, Settings, Worlds


def _reset(_, __):
    withheld.release()
    rules.clear()
    calls.forget(also_violations=True)
    Worlds.reset()
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
    ("POST", "settings"): _settings,
    ("POST", "clock"): _clock,
}


def _json(value):
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
