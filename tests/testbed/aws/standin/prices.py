"""Spot prices and quotas, from what a test seeded."""

from .answers import AwsError
from .filters import select
from .paging import page
from .registry import handles


@handles("ec2", "DescribeSpotPriceHistory")
def spot_price_history(region, parameters, _):
    """Newest first; of what changed before StartTime the price in force then.

    Source: API_DescribeSpotPriceHistory: "When you specify a start and end time, the
    operation returns the prices of the instance types within that time range. It also
    returns the last price change before the start time".
    """
    found = list(region.prices)
    for member, name in (("InstanceTypes", "InstanceType"), ("ProductDescriptions", "ProductDescription")):
        if parameters.get(member):
            found = [price for price in found if price[name] in parameters[member]]
    if parameters.get("AvailabilityZone"):
        found = [price for price in found if price["AvailabilityZone"] == parameters["AvailabilityZone"]]
    found = select(found, parameters.get("Filters"), None,
                   ("AvailabilityZone", "InstanceType", "ProductDescription", "SpotPrice"))
    found.sort(key=lambda price: price["Timestamp"], reverse=True)
    begin = parameters["StartTime"].timestamp() if parameters.get("StartTime") else None
    end = parameters["EndTime"].timestamp() if parameters.get("EndTime") else None
    kept, in_force = [], set()
    for price in found:
        pool = (price["InstanceType"], price["AvailabilityZone"], price["ProductDescription"])
        if end is not None and price["Timestamp"] > end:
            continue
        if begin is None or price["Timestamp"] >= begin or pool not in in_force:
            kept.append(price)
        if begin is not None and price["Timestamp"] < begin:
            in_force.add(pool)
    items, token = page(kept, parameters, 1000, 1000, "MaxResults")
    return {"SpotPriceHistory": items, "NextToken": token or ""}


def _quota(region, quota):
    return {
        "ServiceCode": quota.get("ServiceCode", "ec2"),
        "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
        "QuotaArn": region.arn("servicequotas", f"{quota.get('ServiceCode', 'ec2')}/{quota['QuotaCode']}"),
        "Unit": "None", "Adjustable": True, "GlobalQuota": False, **quota,
    }


@handles("servicequotas", "GetServiceQuota", "GetAWSDefaultServiceQuota")
def quota(region, parameters, _):
    for one in region.quotas:
        known = _quota(region, one)
        if (known["ServiceCode"], known["QuotaCode"]) == (parameters["ServiceCode"], parameters["QuotaCode"]):
            return {"Quota": known}
    raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")


@handles("servicequotas", "ListServiceQuotas", "ListAWSDefaultServiceQuotas")
def quotas(region, parameters, _):
    known = [_quota(region, one) for one in region.quotas]
    found = [one for one in known if one["ServiceCode"] == parameters["ServiceCode"]]
    items, token = page(found, parameters, 100, 100, "MaxResults", "InvalidPaginationTokenException")
    return {"Quotas": items, "NextToken": token}
