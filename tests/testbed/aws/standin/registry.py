"""Which function carries out which action."""

HANDLERS = {}


def handles(service, *actions):
    """Registers a function (region, parameters, call) -> the answer's members."""

    def register(function):
        for action in actions:
            HANDLERS[service, action] = function
        return function

    return register
