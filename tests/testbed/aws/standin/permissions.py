"""Who besides its owner may use an image or a snapshot.

Source: API_ModifyImageAttribute and API_ModifySnapshotAttribute.
"""

import re

from .answers import AwsError

EVERYBODY = {"Group": "all"}
_LISTS = {"UserIds": "UserId", "UserGroups": "Group", "GroupNames": "Group", "OrganizationArns": "OrganizationArn",
          "OrganizationalUnitArns": "OrganizationalUnitArn"}


def changes(parameters, member):
    """(what is to be added, what is to be removed), from either of the two forms of a request."""
    given = parameters.get(member) or {}
    added, removed = (list(given.get(name, [])) for name in ("Add", "Remove"))
    listed = [{key: value} for name, key in _LISTS.items() for value in parameters.get(name, [])]
    if listed:
        if "OperationType" not in parameters:
            raise AwsError("MissingParameter", "The request must contain the parameter operationType")
        (added if parameters["OperationType"] == "add" else removed).extend(listed)
    for one in added + removed:
        account = one.get("UserId")
        # API errors: InvalidAMIAttributeItemValue, a userId must be an account ID without hyphens.
        if account is not None and not re.fullmatch(r"\d{12}", account):
            raise _invalid(account, "userId")
        if one.get("Group", "all") != "all":
            raise _invalid(one["Group"], "group")
    return added, removed


def _invalid(value, kind):
    return AwsError("InvalidAMIAttributeItemValue", f'Invalid attribute item value "{value}" for {kind} item type.')


def change(held, added, removed):
    """Adds to and removes from a list of permissions; what is there, or is not, already is no error."""
    held += [one for one in added if one not in held]
    held[:] = [one for one in held if one not in removed]


def includes(held, account):
    """Whether the account is named, or everybody is."""
    return EVERYBODY in held or {"UserId": account} in held
