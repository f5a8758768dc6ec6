"""EBS encryption: the account's default key, encryption by default, and the key that a copy gets.

Source: EBS User Guide "Enable Amazon EBS encryption by default" and "How Amazon EBS encryption works".
"""

import uuid

from .answers import AwsError
from .registry import handles

MANAGED = "alias/aws/ebs"


def managed_key(region):
    """The key that AWS keeps for the account. What is encrypted under it cannot be shared."""
    return key_arn(region, MANAGED)


def default_key(region):
    """The key of what is encrypted without one being named."""
    return key_arn(region, region.default_kms_key or MANAGED)


def key_arn(region, identifier):
    """The key's ARN, from any of the four forms in which API_CopySnapshot takes it (KmsKeyId)."""
    if identifier.startswith("arn:"):
        name = identifier.split(":", 5)[5]
        if name.startswith("key/"):
            return identifier
        identifier = name
    if identifier.startswith("alias/"):
        identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{region.account} {region.name} {identifier}"))
    return region.arn("kms", f"key/{identifier}")


def accessible(region, key):
    """API_CopyImage, KmsKeyId: the key must be in the destination's region; that is found out later."""
    return key is None or key.split(":")[3] == region.name


def key_of_copy(region, source_key, parameters, default=None):
    """The key of a copy in this region, or None.

    Source: API_CopySnapshot and API_CopyImage, parameters Encrypted and KmsKeyId; EBS User Guide
    "Copy an Amazon EBS snapshot".
    """
    encrypted, named = parameters.get("Encrypted"), parameters.get("KmsKeyId")
    if named and not encrypted:
        raise AwsError("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be "
                       "set.")
    if encrypted is False and source_key:
        raise AwsError("InvalidRequest", "Creating an unencrypted copy from an encrypted snapshot is not supported.")
    if named:
        return key_arn(region, named)
    if encrypted or source_key or region.encryption_by_default:
        return default or default_key(region)
    return None


@handles("ec2", "GetEbsEncryptionByDefault")
def by_default(region, _parameters, _call):
    return {"EbsEncryptionByDefault": region.encryption_by_default}


@handles("ec2", "EnableEbsEncryptionByDefault", "DisableEbsEncryptionByDefault")
def switch(region, _parameters, call):
    region.encryption_by_default = call.action.startswith("Enable")
    return {"EbsEncryptionByDefault": region.encryption_by_default}


@handles("ec2", "GetEbsDefaultKmsKeyId")
def default_key_id(region, _parameters, _call):
    # The example of the CLI's reference, get-ebs-default-kms-key-id: the alias, where nobody has set another.
    return {"KmsKeyId": region.default_kms_key or MANAGED}


@handles("ec2", "ModifyEbsDefaultKmsKeyId")
def set_default_key(region, parameters, _):
    region.default_kms_key = key_arn(region, parameters["KmsKeyId"])
    return {"KmsKeyId": region.default_kms_key}


@handles("ec2", "ResetEbsDefaultKmsKeyId")
def reset_default_key(region, _parameters, _call):
    region.default_kms_key = None
    return {"KmsKeyId": MANAGED}
