"""What EC2's DescribeInstanceTypes tells, as moto holds it."""

import functools
import gzip
import importlib.resources
import json


@functools.cache
def instance_types():
    """{type: what is told of it}."""
    held = importlib.resources.files("moto") / "ec2/resources/instance_types.json.gz"
    return json.loads(gzip.decompress(held.read_bytes()))
