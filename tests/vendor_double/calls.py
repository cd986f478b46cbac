"""One call on its way through the double, and what the handlers share."""
import dataclasses
import re

from .errors import Refusal, bad_query
from .model import DESTROYED

BOOLEANS = {"true": True, "false": False}


@dataclasses.dataclass
class Reply:
    status: int
    body: object = None  # None: an empty body
    headers: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Call:
    """`query`: name -> list of values; `headers`: names in lower case; `parts`: what the path's pattern captured."""
    service: object
    instance: object
    caller: object
    method: str
    path: str
    parts: dict
    query: dict
    headers: dict
    body: bytes
    address: str = "127.0.0.1"
    now: float = 0
    lints: list = dataclasses.field(default_factory=list)

    @property
    def ring(self):
        return self.headers.get("x-kms-key-ring") or None

    @property
    def minimal(self):
        return "return=minimal" in self.headers.get("prefer", "")

    @property
    def full(self):
        return "return=representation" in self.headers.get("prefer", "")

    @property
    def is_service(self):
        return self.caller.service_crn is not None

    def show(self, key, **options):
        """A key as this caller sees it."""
        shown = key.show(self.instance.algorithm, service=self.is_service, **options)
        if key.state == DESTROYED:
            shown |= key.show_deletion(self.now, self.instance.waits.purge)
        return shown

    # --- the query ---
    def one(self, name):
        """The value of a parameter that may be given once, or None."""
        values = self.query.get(name, [])
        if len(values) > 1:
            raise bad_query(name, f"{name} is given more than once")
        return values[0] if values else None

    def number(self, name, low, high, default):
        value = self.one(name)
        if value is None:
            return default
        if not re.fullmatch(r"-?\d{1,9}", value) or not low <= int(value) <= high:
            raise bad_query(name, f"{name} must be from {low} to {high}")
        return int(value)

    def boolean(self, name, default=None):
        value = self.one(name)
        if value is None:
            return default
        if value.lower() not in BOOLEANS:
            raise bad_query(name, f"{name} must be true or false")
        return BOOLEANS[value.lower()]

    def page(self, items, most=5000, default=200):
        """The page that was asked for, and the totalCount if that was."""
        limit, offset = self.number("limit", 1, most, default), self.number("offset", 0, 10**9 - 1, 0)
        total = {"totalCount": len(items)} if self.boolean("totalCount") else {}
        return items[offset:offset + self.service.page_limit(limit)], total

    # --- keys ---
    def key(self, states=None, root=False):
        """The key that the path names. Errors: KEY_NOT_FOUND_ERR, KEY_ROOT_REQ_ERR, KEY_DELETED_ERR and
        KEY_ACTION_INVALID_STATE_ERR when its state is none of `states`."""
        key = self.instance.find(self.parts["id"])
        if key is None or (self.ring and key.ring != self.ring):
            raise Refusal("KEY_NOT_FOUND_ERR", "Key does not exist")
        if root and key.extractable:
            raise Refusal("KEY_ROOT_REQ_ERR", "The action needs a root key; this one is a standard key")
        if states is not None and key.state not in states:
            if key.state == DESTROYED:
                raise Refusal("KEY_DELETED_ERR", "Key has already been deleted")
            raise Refusal("KEY_ACTION_INVALID_STATE_ERR", f"Key is not in {' or '.join(STATE_NAMES[each] for each in states)} state")
        return key

    def need_master_key(self):
        if not self.instance.initialised:
            raise Refusal("INSTANCE_NOT_INITIALIZED", "The instance has no master key: CKR_IBM_WK_NOT_INITIALIZED")


STATE_NAMES = {0: "pre-active", 1: "active", 2: "suspended", 3: "deactivated", 5: "destroyed"}


def too_early(wait, since, now, what):
    """Errors: REQ_TOO_EARLY_ERR when `wait` seconds have not passed."""
    if since is not None and now < since + wait:
        raise Refusal("REQ_TOO_EARLY_ERR", what)


def go_duration(seconds):
    seconds = int(seconds)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds % 60}s"
