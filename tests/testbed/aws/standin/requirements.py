"""Instance types by what they have."""

import fnmatch
import functools
import math

from .catalogue import instance_types
from .paging import page
from .registry import handles


@functools.cache
def _shipped():
    """What AWS says of its types, as moto ships it: the answers of DescribeInstanceTypes."""
    return {kind: _known(told) for kind, told in instance_types().items()
            if "x86_64" in told["ProcessorInfo"]["SupportedArchitectures"] and not told.get("BareMetal")}


def _known(told):
    gpus = told.get("GpuInfo", {}).get("Gpus", [])
    return {"vcpus": told["VCpuInfo"]["DefaultVCpus"], "memory_mib": told["MemoryInfo"]["SizeInMiB"],
            "gpus": sum(gpu["Count"] for gpu in gpus), "gpu": gpus[0]["Name"].lower() if gpus else None,
            "maker": gpus[0]["Manufacturer"].lower() if gpus else None}


def matching(region, requirements):
    """Types with these attributes, in the order of their names: of those that a test seeded, or else of AWS's.

    Source: API_InstanceRequirements (EC2 Auto Scaling) and API_InstanceRequirementsRequest (EC2): bounds
    without a value do not count, `*` stands for anything in names, bare metal is excluded by default. Price
    protection is not done here.
    """
    found = []
    for kind, known in sorted((region.instance_types or _shipped()).items()):
        def within(name, value):
            bounds = requirements.get(name, {})
            return bounds.get("Min", 0) <= value <= bounds.get("Max", math.inf)

        def like(name):
            return any(fnmatch.fnmatchcase(kind, pattern) for pattern in requirements[name])

        if (within("VCpuCount", known.get("vcpus", 0)) and within("MemoryMiB", known.get("memory_mib", 0))
                and within("AcceleratorCount", known.get("gpus", 0))
                and known.get("gpu") in (requirements.get("AcceleratorNames") or [known.get("gpu")])
                and known.get("maker", "nvidia") in (requirements.get("AcceleratorManufacturers")
                                                     or [known.get("maker", "nvidia")])
                and (not requirements.get("AllowedInstanceTypes") or like("AllowedInstanceTypes"))
                and not (requirements.get("ExcludedInstanceTypes") and like("ExcludedInstanceTypes"))):
            found.append(kind)
    return found


@handles("ec2", "GetInstanceTypesFromInstanceRequirements")
def instance_types_from_requirements(region, parameters, _):
    found = [{"InstanceType": kind} for kind in matching(region, parameters["InstanceRequirements"])]
    items, token = page(found, parameters, 1000, 1000, "MaxResults")
    return {"InstanceTypes": items, "NextToken": token or ""}
