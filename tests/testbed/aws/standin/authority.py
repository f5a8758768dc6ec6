"""IAM: identity policies that a test gives an access key.

Source: IAM User Guide "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import fnmatch

from . import resources, rules
from .answers import AwsError


def check(call, region):
    """Raises what AWS answers if the caller may not do this."""
    documents = rules.policies(call)
    if not documents or (call.service, call.action) == ("sts", "GetCallerIdentity"):
        return  # STS API reference: GetCallerIdentity needs no permission
    for needed in resources.needed(call, region):
        allowed, denied = decide(documents, needed)
        if denied or not allowed:
            raise _refusal(call, needed, denied)


def _refusal(call, needed, denied):
    if needed.hidden:
        # Auto Scaling User Guide "Control launch template usage": the caller needs
        # ec2:RunInstances, and ec2:CreateTags and iam:PassRole for what the template has.
        return AwsError("AccessDenied", f"You are not authorized to use launch template: {needed.hidden}", 403)
    why = ("with an explicit deny in an identity-based policy" if denied
           else f"because no identity-based policy allows the {needed.action} action")
    text = (f"User: {call.identity['arn']} is not authorized to perform: {needed.action} "
            f"on resource: {needed.arn} {why}")
    if call.service == "ec2":
        return AwsError("UnauthorizedOperation", f"You are not authorized to perform this operation. {text}", 403)
    if call.service == "ebs":
        return AwsError("AccessDeniedException", text, 403, Reason="UNAUTHORIZED_ACCOUNT")
    code = "AccessDeniedException" if call.service in ("ssm", "servicequotas") else "AccessDenied"
    return AwsError(code, text, 403)


def decide(documents, needed):
    """(some statement allows it, some statement denies it)."""
    allowed = denied = False
    for document in documents:
        for statement in _list(document["Statement"]):
            if not (_names(statement, "Action", needed.action, fold=True)
                    and _names(statement, "Resource", needed.arn)):
                continue
            effect = statement["Effect"]
            held = _conditions(statement.get("Condition", {}), needed.context)
            if effect == "Allow" and held is True:
                allowed = True
            if effect == "Deny" and held is not False:  # what cannot be evaluated denies
                denied = True
    return allowed, denied


def _list(value):
    return value if isinstance(value, list) else [value]


def _names(statement, element, value, fold=False):
    patterns = statement.get(element, statement.get("Not" + element))
    if patterns is None:
        return False
    change = str.lower if fold else str
    found = any(fnmatch.fnmatchcase(change(value), change(_glob(pattern))) for pattern in _list(patterns))
    return found if element in statement else not found


def _glob(pattern):
    return pattern.replace("[", "[[]")


def _conditions(block, context):
    """True, False, or None if an operator is not known here."""
    result = True
    for operator, tests in block.items():
        for key, wanted in tests.items():
            held = _test(operator, _context(context, key), [str(w) for w in _list(wanted)])
            if held is None:
                return None
            result = result and held
    return result


def _context(context, key):
    # IAM: condition keys do not distinguish case; the tag's key after the slash does not either.
    folded = {name.lower(): value for name, value in context.items()}
    return folded.get(key.lower())


_MATCHES = {
    "StringEquals": lambda value, wanted: value in wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() in [w.lower() for w in wanted],
    "StringLike": lambda value, wanted: any(fnmatch.fnmatchcase(value, _glob(w)) for w in wanted),
    "ArnLike": lambda value, wanted: any(fnmatch.fnmatchcase(value, _glob(w)) for w in wanted),
    "ArnEquals": lambda value, wanted: any(fnmatch.fnmatchcase(value, _glob(w)) for w in wanted),
    "Bool": lambda value, wanted: value.lower() in [w.lower() for w in wanted],
}


def _test(operator, values, wanted):
    quantifier, _, operator = operator.rpartition(":")
    if operator == "Null":
        return (values is None) == (wanted[0].lower() == "true")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    negated = operator.startswith("StringNot")
    matches = _MATCHES.get(operator.replace("StringNot", "String"))
    if matches is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        return None
    if quantifier == "ForAllValues":  # true of no values at all
        return all(matches(value, wanted) != negated for value in values or [])
    if values is None:
        return if_exists or (negated and not quantifier)
    return any(matches(value, wanted) != negated for value in values)
