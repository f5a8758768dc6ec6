"""Rules that tests post: what goes wrong, for which calls, how often."""

import datetime
import fnmatch
import json
import random
import threading
import time

from .answers import AwsError

_LOCK = threading.Lock()
_RULES = []
_NEXT_ID = 1
KINDS = ("error", "throttle", "delay", "lose", "withhold", "outage", "skew", "capacity", "policy")
_NEEDED = {"error": ["code"], "throttle": ["rate", "burst"], "delay": ["seconds"], "outage": ["seconds"],
           "skew": ["seconds"], "capacity": ["instance_type", "instances"], "policy": ["document"]}
_KNOWN = {"kind", "service", "action", "resource", "region", "access_key", "nth", "every", "times", "probability",
          "seed", "code", "message", "status", "rate", "burst", "seconds", "phase", "how", "instance_type", "market",
          "zone", "instances", "document", "principal", "reason"}
# How old a signature may be, or how far ahead:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (RequestExpired)
_SIGNATURE_SECONDS = 15 * 60


class Rule:
    """One rule and how often it has matched."""

    def __init__(self, number, spec):
        unknown = set(spec) - _KNOWN
        if spec.get("kind") not in KINDS or unknown:
            raise ValueError(f"no such rule: kind {spec.get('kind')!r}, unknown keys {sorted(unknown)}")
        missing = [name for name in _NEEDED.get(spec["kind"], []) if name not in spec]
        if missing:
            raise ValueError(f"a rule of kind {spec['kind']} needs {', '.join(missing)}")
        self.id, self.spec, self.kind = number, spec, spec["kind"]
        self.seen = self.done = 0
        self.random = random.Random(spec.get("seed", number))
        self.began = time.monotonic()
        self.buckets = {}

    def concerns(self, call):
        """Whether the rule speaks of such calls at all."""
        spec = self.spec
        for name, value in (("service", call.service), ("region", call.region), ("access_key", call.access_key)):
            if spec.get(name) not in (None, value):
                return False
        actions = spec.get("action")
        if actions is not None:
            wanted = [actions] if isinstance(actions, str) else actions
            if not any(fnmatch.fnmatchcase(call.action, pattern) for pattern in wanted):
                return False
        resource = spec.get("resource")
        return resource is None or resource in json.dumps(call.parameters, default=str)

    def strikes(self, call):
        """Whether it acts on this call; counts."""
        if not self.concerns(call):
            return False
        self.seen += 1
        spec = self.spec
        if "nth" in spec and self.seen != spec["nth"]:
            return False
        if "every" in spec and self.seen % spec["every"]:
            return False
        if "times" in spec and self.done >= spec["times"]:
            return False
        if "probability" in spec and self.random.random() >= spec["probability"]:
            return False
        if self.kind == "outage" and time.monotonic() - self.began > spec["seconds"]:
            return False
        if self.kind == "throttle" and self._takes_token(call):
            return False
        if self.kind == "skew" and not self._is_askew(call):
            return False
        self.done += 1
        return True

    def _takes_token(self, call):
        # EC2 User Guide "Request throttling": token buckets per account, region and
        # kind of action; reads and writes have buckets of their own.
        reads = call.action.startswith(("Describe", "Get", "List"))
        key = (call.identity["account"], call.region, call.service, reads)
        now = time.monotonic()
        tokens, at = self.buckets.get(key, (float(self.spec["burst"]), now))
        tokens = min(float(self.spec["burst"]), tokens + (now - at) * self.spec["rate"])
        granted = tokens >= 1
        self.buckets[key] = (tokens - 1 if granted else tokens, now)
        return granted

    def _is_askew(self, call):
        now = time.time() + self.spec["seconds"]
        return call.signed_at is not None and abs(call.signed_at - now) > _SIGNATURE_SECONDS

    def _askew(self, call):
        # RequestExpired is a common error of EC2 and of Auto Scaling (400). The words of
        # the other are those of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
        if self.spec.get("code") == "RequestExpired":
            return AwsError("RequestExpired", "Request has expired.", 400)
        now = time.time() + self.spec["seconds"]
        late = call.signed_at < now
        bound = now - _SIGNATURE_SECONDS if late else now + _SIGNATURE_SECONDS
        signed, bound, now = (_stamp(seconds) for seconds in (call.signed_at, bound, now))
        words = (f"Signature expired: {signed} is now earlier than {bound} ({now} - 15 min.)" if late else
                 f"Signature not yet current: {signed} is still later than {bound} ({now} + 15 min.)")
        in_json = call.service in ("ssm", "servicequotas", "ebs")
        code = "InvalidSignatureException" if in_json else "SignatureDoesNotMatch"
        return AwsError(code, words, 403)

    def failure(self, call):
        """The error that this rule answers, if it answers one."""
        spec, service = self.spec, call.service
        if self.kind == "skew":
            return self._askew(call)
        if self.kind == "error":
            members = {"Reason": spec["reason"]} if "reason" in spec else {}
            return AwsError(spec["code"], spec.get("message", f"{spec['code']} by a rule of the test"),
                            spec.get("status", 400), **members)
        if self.kind == "throttle":
            # EC2 API errors: RequestLimitExceeded is answered with 503; Auto Scaling's
            # common errors: Throttling with 400.
            if service == "ec2":
                return AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
            if service == "ebs":  # API_PutSnapshotBlock, errors
                return AwsError("RequestThrottledException", "Rate exceeded", 400, Reason="ACCOUNT_THROTTLED")
            code = "ThrottlingException" if service in ("ssm", "servicequotas") else "Throttling"
            return AwsError(code, "Rate exceeded", 400)
        if self.kind == "outage":
            code = "Unavailable" if service == "ec2" else "ServiceUnavailable"
            return AwsError(code, "The service is unavailable. Please try again shortly.", 503)
        return None


def _stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def add(specs):
    """Adds rules behind those that are there; their ids."""
    global _NEXT_ID
    with _LOCK:
        made = [Rule(_NEXT_ID + index, spec) for index, spec in enumerate(specs)]
        _NEXT_ID += len(made)
        _RULES.extend(made)
        return [rule.id for rule in made]


def clear(ids=None):
    with _LOCK:
        _RULES[:] = [rule for rule in _RULES if ids is not None and rule.id not in ids]


def shown():
    with _LOCK:
        return [{"id": rule.id, "seen": rule.seen, "done": rule.done, **rule.spec} for rule in _RULES]


def striking(call):
    """The rules that act on a call, in order."""
    with _LOCK:
        struck = [rule for rule in _RULES if rule.kind not in ("capacity", "policy") and rule.strikes(call)]
    call.rules = [rule.id for rule in struck]
    return struck


def skew():
    """By how many seconds AWS's clock is ahead of the one here."""
    with _LOCK:
        return sum(rule.spec["seconds"] for rule in _RULES if rule.kind == "skew")


def capacity():
    with _LOCK:
        return [rule.spec for rule in _RULES if rule.kind == "capacity"]


def policies(call):
    """The policies of the caller: of its access key, of its ARN, of everybody."""
    with _LOCK:
        return [rule.spec["document"] for rule in _RULES if rule.kind == "policy"
                and rule.spec.get("access_key") in (None, call.access_key)
                and fnmatch.fnmatchcase(call.identity["arn"], rule.spec.get("principal", "*"))]
