"""What an instance holds, and how a key is shown."""
import dataclasses
import secrets
import threading

from .fields import KMS, b64, new_id, show

ACTIVE, SUSPENDED, DEACTIVATED, DESTROYED = 1, 2, 3, 5
HOUR, DAY = 3600, 86400
MONTH = 30 * DAY
RESTORABLE, PURGED_AFTER, AUTHORIZED_FOR = 30 * DAY, 90 * DAY, 7 * DAY


@dataclasses.dataclass
class Waits:
    """Least times, in seconds; those of the service by default."""
    enable: float = 30
    restore: float = 30
    purge: float = 4 * HOUR
    rotate: float = HOUR
    sync: float = HOUR


@dataclasses.dataclass
class Version:
    id: str
    material: bytes
    created: float

    def show(self):
        return {"id": self.id, "creationDate": show(self.created)}


@dataclasses.dataclass
class Policy:
    """A policy of a key (`data` is rotation or dualAuthDelete) or of an instance."""
    data: dict
    created: float
    created_by: str
    updated: float
    updated_by: str
    id: str = dataclasses.field(default_factory=new_id)


@dataclasses.dataclass
class Registration:
    crn: str
    data: dict  # description, registrationMetadata, preventKeyDeletion
    version: Version
    created: float
    created_by: str
    updated: float
    updated_by: str
    etag: str = dataclasses.field(default_factory=new_id)


@dataclasses.dataclass
class Key:
    id: str
    crn: str
    name: str
    extractable: bool
    imported: bool
    ring: str
    created: float
    created_by: str
    versions: list  # oldest first; a standard key has one, too
    description: str = None
    tags: list = None
    expires: float = None
    state: int = ACTIVE
    updated: float = None
    rotated: float = None
    aliases: dict = dataclasses.field(default_factory=dict)  # alias -> (creator, time), in order of creation
    policies: dict = dataclasses.field(default_factory=dict)
    registrations: dict = dataclasses.field(default_factory=dict)
    set_for_deletion: tuple = None  # (identity, end of the authorization)
    deleted: float = None
    deleted_by: str = None
    disabled: float = None
    lifecycle: float = None  # the last event that services were told of
    intent: dict = None
    lists_until_shown: int = 0

    def changed(self, now):
        self.updated = now

    @property
    def dual_auth(self):
        policy = self.policies.get("dualAuthDelete")
        return bool(policy and policy.data["enabled"])

    def show(self, algorithm, created=False, service=False):
        """The key without its payload. `created`: as the answer to its creation, which has no lastUpdateDate."""
        bits = 256 if self.extractable else 8 * len(self.versions[-1].material)
        shown = {"type": f"{KMS}key+json", "id": self.id, "name": self.name}
        if self.aliases:
            shown["aliases"] = list(self.aliases)
        if self.description:
            shown["description"] = self.description
        if self.tags:
            shown["tags"] = self.tags
        shown |= {"state": self.state, "extractable": self.extractable, "crn": self.crn, "imported": self.imported,
                  "keyRingID": self.ring, "creationDate": show(self.created), "createdBy": self.created_by,
                  "algorithmType": algorithm[0], "algorithmMetadata": {"bitLength": str(bits), "mode": algorithm[1]},
                  "algorithmBitSize": bits, "algorithmMode": algorithm[1], "deleted": self.state == DESTROYED}
        if not created:
            shown["lastUpdateDate"] = show(self.updated or self.created)
        for name, value in (("expirationDate", self.expires), ("lastRotateDate", self.rotated)):
            if value is not None:
                shown[name] = show(value)
        if not self.extractable:
            shown["keyVersion"] = self.versions[-1].show()
        shown["dualAuthDelete"] = self.show_dual_auth()
        if "rotation" in self.policies:
            shown["rotation"] = self.policies["rotation"].data
        if service and self.intent:
            shown["migrationIntent"] = self.intent
        return shown

    def show_dual_auth(self):
        shown = {"enabled": self.dual_auth}
        if self.dual_auth:
            shown["keySetForDeletion"] = self.set_for_deletion is not None
            if self.set_for_deletion:
                shown["authExpiration"] = show(self.set_for_deletion[1])
        return shown

    def show_deletion(self, now, purge):
        return {"deletionDate": show(self.deleted), "deletedBy": self.deleted_by, "restoreAllowed": now < self.deleted + RESTORABLE,
                "restoreExpirationDate": show(self.deleted + RESTORABLE), "purgeAllowed": now >= self.deleted + purge,
                "purgeAllowedFrom": show(self.deleted + purge), "purgeScheduledOn": show(self.deleted + PURGED_AFTER)}

    def payload(self):
        return b64(self.versions[-1].material)


class Instance:
    """One service instance. Its lock is held for the length of a call."""

    def __init__(self, guid, account, service="hs-crypto", region="eu-de", initialised=True, waits=None, max_keys=50_000):
        self.guid, self.initialised, self.waits, self.max_keys = guid, initialised, waits or Waits(), max_keys
        self.crn = f"crn:v1:bluemix:public:{service}:{region}:a/{account}:{guid}"
        self.algorithm = ("AES", "CBC_PAD") if service == "hs-crypto" else ("Deprecated", "Deprecated")
        self.lock = threading.RLock()
        self.keys, self.aliases = {}, {}  # id -> Key, alias -> id
        self.rings = {"default": None}  # id -> (creation, creator)
        self.policies = {}
        self.import_token = None

    def find(self, name):
        return self.keys.get(self.aliases.get(name, name.lower()))

    def remove(self, key):
        del self.keys[key.id]
        for alias in key.aliases:
            del self.aliases[alias]

    def apply_clocks(self, now):
        """What time alone does to keys: expiry, lapse of authorizations, scheduled rotation, purge."""
        for key in list(self.keys.values()):
            if key.expires is not None and key.expires <= now and key.state in (ACTIVE, SUSPENDED):
                key.state, key.updated = DEACTIVATED, key.expires
            if key.set_for_deletion and key.set_for_deletion[1] <= now:
                key.set_for_deletion = None
            if key.state == DESTROYED and key.deleted + PURGED_AFTER <= now:
                self.remove(key)
            policy = key.policies.get("rotation")
            if policy and policy.data["enabled"] and key.state == ACTIVE:
                due = (key.rotated or key.created) + policy.data["interval_month"] * MONTH
                if due <= now:
                    self.rotate(key, None, now)

    def rotate(self, key, material, now):
        key.versions.append(Version(new_id(), material or secrets.token_bytes(32), now))
        key.rotated = key.updated = key.lifecycle = now
