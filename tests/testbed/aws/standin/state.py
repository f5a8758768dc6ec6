"""What there is, by account and region, and the clock it all follows."""

import threading
import time
import uuid

LOCK = threading.RLock()
DEFAULT_ACCOUNT = "123456789012"


class Settings:
    """How long things take here; each can be set on the command line and by POST /truth/settings."""

    launch_seconds = 0.2  # from Pending to InService
    terminate_seconds = 0.2  # from Terminating to gone
    heartbeat_scale = 1.0  # how long a second of a hook's heartbeat lasts
    warmup_scale = 0.01  # how long a second of instance warm-up or checkpoint delay lasts
    retry_seconds = 1.0  # until Auto Scaling tries again what failed
    refresh_wait_seconds = 3.0  # AWS: an hour, until a refresh gives up on what it may not replace
    snapshot_seconds = 0.2  # from CompleteSnapshot or CopySnapshot to completed
    snapshot_unseen_seconds = 0.0  # from StartSnapshot until any other action finds it
    snapshot_unread_seconds = 0.0  # from completed until its blocks can be read
    image_seconds = 0.2  # from RegisterImage or CopyImage to available
    blocks_per_page = 10000.0  # the most that a list of blocks has, whatever is asked for

    @classmethod
    def names(cls):
        return [name for name, value in vars(cls).items() if isinstance(value, float)]

    @classmethod
    def begin(cls, values):
        """Takes the values of the command line, to which a reset returns."""
        cls.initial = dict(values)
        cls.reset()

    @classmethod
    def reset(cls):
        for name, value in cls.initial.items():
            setattr(cls, name, value)


class Clock:
    """Real time, which a test may move ahead or hold still."""

    offset = 0.0
    held_at = None

    @classmethod
    def now(cls):
        return (time.time() if cls.held_at is None else cls.held_at) + cls.offset

    @classmethod
    def hold(cls, still):
        """Stops it, or lets it go on from where it stands."""
        now = cls.now()
        cls.held_at = time.time() if still else None
        cls.offset = now - time.time()


class Region:
    """One account's things in one region."""

    def __init__(self, account, name):
        self.account, self.name = account, name
        self.groups = {}
        self.deleted_groups_activities = []
        self.templates = {}  # by id
        self.instances = {}  # by id, those of groups
        self.images, self.subnets, self.security_groups = [], [], []
        self.parameters, self.prices, self.quotas = {}, [], []
        self.instance_types = {}
        self.addresses = []  # that the next instances have
        self.capacity_reservations = []
        self.template_tokens, self.version_tokens = {}, {}
        self.snapshots = {}  # by id
        self.snapshot_tokens, self.image_tokens = {}, {}
        self.deregistered = set()  # ids of images
        self.encryption_by_default, self.default_kms_key = False, None

    def zones(self):
        """The zones of the seeded subnets, or the region's first three."""
        seeded = sorted({subnet["AvailabilityZone"] for subnet in self.subnets})
        return seeded or [self.name + letter for letter in "abc"]

    def subnet(self, subnet_id):
        return next((s for s in self.subnets if s["SubnetId"] == subnet_id), None)

    def arn(self, service, rest):
        return f"arn:aws:{service}:{self.name}:{self.account}:{rest}"


class Worlds:
    """All accounts and regions, made when first asked for."""

    regions = {}
    keys = {}  # access key -> {"account", "arn", "user_id"}

    @classmethod
    def region(cls, account, name):
        key = (account, name)
        if key not in cls.regions:
            cls.regions[key] = Region(account, name)
        return cls.regions[key]

    @classmethod
    def identity(cls, access_key):
        return cls.keys.get(access_key) or {
            "account": DEFAULT_ACCOUNT,
            "arn": f"arn:aws:iam::{DEFAULT_ACCOUNT}:user/floodway",
            "user_id": "AIDAFLOODWAYSTANDIN00",
        }

    @classmethod
    def reset(cls):
        cls.regions.clear()
        cls.keys.clear()
        Clock.offset, Clock.held_at = 0.0, None


def new_id(prefix):
    """An id as EC2 makes them: `i-0123456789abcdef0`."""
    return f"{prefix}-{uuid.uuid4().hex[:17]}"
