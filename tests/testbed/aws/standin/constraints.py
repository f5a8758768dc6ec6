"""Parsed parameters against the constraints of the models: required members, enums, lengths, ranges, patterns."""

import functools
import re

from .wire import Problem


@functools.cache
def _pattern(text):
    # Smithy's patterns are searched for, not anchored; surrogate pairs are Java's.
    text = text.replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")
    try:
        return re.compile(text if text.startswith("^") else f"^(?:{text})$", re.DOTALL)
    except re.error:
        return None


def problems(shape, value, path=""):
    """All that is wrong with a value of this shape."""
    found = []
    _check(shape, value, path, found)
    return found


def _check(shape, value, path, found):
    if value is None:
        return
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                found.append(Problem("missing", f"{path}{name}", f"{shape.name} needs {name}"))
        for name, member in value.items():
            _check(shape.members[name], member, f"{path}{name}.", found)
        return
    here = path.rstrip(".")
    if kind == "list":
        _size(shape, len(value), here, "items", found)
        for index, item in enumerate(value):
            _check(shape.member, item, f"{here}[{index}].", found)
    elif kind == "map":
        for key, item in value.items():
            _check(shape.value, item, f"{path}{key}.", found)
    elif kind == "string" and isinstance(value, str):
        if shape.enum and value not in shape.enum:
            found.append(Problem("enum", here, f"{value!r} is none of {', '.join(shape.enum)}"))
        _size(shape, len(value), here, "characters", found)
        pattern = shape.metadata.get("pattern")
        compiled = pattern and _pattern(pattern)
        if compiled and not compiled.search(value):
            found.append(Problem("pattern", here, f"{value!r} does not match {pattern}"))
    elif kind in ("integer", "long", "float", "double"):
        _size(shape, value, here, "", found)


def _size(shape, size, path, unit, found):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < float(least)) or (most is not None and size > float(most)):
        found.append(Problem("range", path, f"{size} {unit}".strip() + f" is not within {least}..{most}"))
