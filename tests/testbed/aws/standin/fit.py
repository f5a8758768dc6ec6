"""Values cut to what another shape has: requests and answers name the same things in different shapes."""


def fit(shape, value):
    """The members of `value` that `shape` has."""
    if value is None:
        return None
    kind = shape.type_name
    if kind == "structure":
        return {name: fit(shape.members[name], item) for name, item in value.items() if name in shape.members}
    if kind == "list":
        return [fit(shape.member, item) for item in value]
    return value
