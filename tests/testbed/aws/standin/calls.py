"""The recorder: every SDK call with its parameters and outcome, and what was wrong with its parameters."""

import threading
import time

_LOCK = threading.Lock()
_CALLS = []
_VIOLATIONS = []
_COUNT = 0


class Call:
    """One request of an SDK."""

    def __init__(self, service, action, region, access_key, identity, parameters, attempt=None, signed_at=None):
        self.service, self.action, self.region = service, action, region
        self.access_key, self.identity, self.parameters = access_key, identity, parameters
        self.attempt = attempt  # the SDK's own count of its tries, `attempt=1; max=3`
        self.signed_at = signed_at  # by the caller's clock
        self.request_id = None
        self.payload = None  # data in the body, for as long as the call is carried out
        self.plain = False  # whether the answer stays out of the wire's form
        self.at = time.time()  # when it came, by the clock of the machine
        self.n, self.status, self.code, self.rules = 0, None, None, []

    def record(self, problems):
        """Takes a number."""
        global _COUNT
        with _LOCK:
            _COUNT += 1
            self.n = _COUNT
            _CALLS.append(self)
            for problem in problems:
                _VIOLATIONS.append({"call": self.n, "service": self.service, "action": self.action, **problem})

    def shown(self):
        token = self.parameters.get("ClientToken") if isinstance(self.parameters, dict) else None
        return {
            "n": self.n, "at": self.at, "service": self.service, "action": self.action, "region": self.region,
            "access_key": self.access_key, "account": self.identity["account"],
            "parameters": self.parameters, "status": self.status, "error": self.code,
            "client_token": token, "attempt": self.attempt,
            "request_id": self.request_id, "rules": self.rules,
        }


def listed():
    with _LOCK:
        return [call.shown() for call in _CALLS]


def violations():
    with _LOCK:
        return list(_VIOLATIONS)


def forget(also_violations=False):
    with _LOCK:
        _CALLS.clear()
        if also_violations:
            _VIOLATIONS.clear()
