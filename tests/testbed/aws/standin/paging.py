"""Pages and their tokens."""

import base64

from .answers import AwsError


def page(items, parameters, default, maximum, size_name="MaxRecords", token_code="InvalidNextToken"):
    """(the items of the page asked for, the next token or None)."""
    size = parameters.get(size_name) or default or len(items) or 1
    if maximum is not None and size > maximum:
        raise AwsError("ValidationError" if size_name == "MaxRecords" else "InvalidParameterValue",
                       f"The value {size} for {size_name} is more than {maximum}.")
    begin = 0
    if parameters.get("NextToken"):
        try:
            begin = int(base64.urlsafe_b64decode(parameters["NextToken"]).decode().removeprefix("from "))
        except (ValueError, UnicodeDecodeError):
            raise AwsError(token_code, "The token is invalid.") from None
    end = begin + size
    token = base64.urlsafe_b64encode(f"from {end}".encode()).decode() if end < len(items) else None
    return items[begin:end], token
