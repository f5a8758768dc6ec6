"""botocore's service models: the one source of every name and shape here.

They are read as botocore.model reads them, without importing botocore, which takes most of a second.
"""

import functools
import gzip
import importlib.util
import json
import pathlib

# What a request is signed for, and the model that describes it.
_BY_SIGNING_NAME = {
    "autoscaling": "autoscaling",
    "ec2": "ec2",
    "sts": "sts",
    "ssm": "ssm",
    "servicequotas": "service-quotas",
    "ebs": "ebs",
}
_SERIALIZATION = {"locationName": "name", "queryName": "queryName", "flattened": "flattened",
                  "resultWrapper": "resultWrapper", "location": "location"}
_METADATA = ("min", "max", "pattern")


class Shape:
    """A shape, with what its reference adds (botocore.model.Shape)."""

    def __init__(self, service_model, name, reference=None):
        raw = {**service_model.raw_shapes[name], **(reference or {})}
        self._service, self._raw, self.name, self.type_name = service_model, raw, name, raw["type"]
        self.serialization = {new: raw[old] for old, new in _SERIALIZATION.items() if old in raw}
        self.metadata = {key: raw[key] for key in _METADATA if key in raw}
        self.enum = raw.get("enum", [])
        self.required_members = raw.get("required", [])
        self.payload = raw.get("payload")  # the member that is the whole body

    def _of(self, reference):
        rest = {key: value for key, value in reference.items() if key != "shape"}
        return Shape(self._service, reference["shape"], rest)

    @functools.cached_property
    def members(self):
        return {name: self._of(reference) for name, reference in self._raw.get("members", {}).items()}

    @functools.cached_property
    def member(self):
        return self._of(self._raw["member"])

    @functools.cached_property
    def key(self):
        return self._of(self._raw["key"])

    @functools.cached_property
    def value(self):
        return self._of(self._raw["value"])

    @property
    def identity(self):
        """The same for every reference to the shape."""
        return id(self._service), self.name


class Operation:
    """An action (botocore.model.OperationModel)."""

    def __init__(self, service_model, name, raw):
        self.service_model, self.name, self.http = service_model, name, raw["http"]

        def shape(member):
            reference = raw.get(member)
            if reference is None:
                return None
            return Shape(service_model, reference["shape"], {k: v for k, v in reference.items() if k != "shape"})

        self.input_shape, self.output_shape = shape("input"), shape("output")


class Service:
    """A service (botocore.model.ServiceModel)."""

    def __init__(self, name):
        data = pathlib.Path(importlib.util.find_spec("botocore").submodule_search_locations[0], "data", name)
        newest = max(path for path in data.iterdir() if path.is_dir())
        document = json.loads(gzip.decompress((newest / "service-2.json.gz").read_bytes()))
        self.metadata, self.raw_shapes, self._operations = (
            document["metadata"], document["shapes"], document["operations"])
        self.protocol = self.metadata["protocol"]
        self.operation_names = self._operations.keys()

    @functools.cache
    def operation_model(self, name):
        return Operation(self, name, self._operations[name])

    @functools.cache
    def shape_for(self, name):
        return Shape(self, name)


def names():
    """The services that have a model, as requests are signed for them."""
    return _BY_SIGNING_NAME.keys()


@functools.cache
def service(signing_name):
    """The model of a service that is answered here, or None."""
    name = _BY_SIGNING_NAME.get(signing_name)
    return name and Service(name)


@functools.cache
def operation(signing_name, action):
    """The model of an action, or None if the service has none of that name."""
    model = service(signing_name)
    return model.operation_model(action) if model and action in model.operation_names else None
