"""botocore's service models: the one source of every name and shape here."""

import functools

import botocore.session

# What a request is signed for, and the model that describes it.
_BY_SIGNING_NAME = {
    "autoscaling": "autoscaling",
    "ec2": "ec2",
    "sts": "sts",
    "ssm": "ssm",
    "servicequotas": "service-quotas",
}


@functools.cache
def service(signing_name):
    """The model of a service that is answered here, or None."""
    name = _BY_SIGNING_NAME.get(signing_name)
    return name and botocore.session.get_session().get_service_model(name)


@functools.cache
def operation(signing_name, action):
    """The model of an action, or None if the service has none of that name."""
    model = service(signing_name)
    return model.operation_model(action) if model and action in model.operation_names else None
