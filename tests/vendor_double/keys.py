"""Creating, reading, moving, deleting, purging and restoring keys; their versions and aliases."""
import re
import secrets

from . import material
from .calls import Reply, go_duration, too_early
from .errors import Refusal, bad_body, bad_field
from .fields import KMS, UUID4, Fields, collection, date, decode, envelope, flag, inner, integer, new_id, show, strings, text
from .model import ACTIVE, AUTHORIZED_FOR, DEACTIVATED, DESTROYED, RESTORABLE, SUSPENDED, Key, Policy, Version

ALIAS = re.compile(r"[A-Za-z0-9_-]{2,90}")
RESERVED = set("allowed_ip key keys metadata policy policies registration registrations ring rings rotate wrap unwrap rewrap "
               "version versions".split())
ALIASES_PER_KEY, ALIASES_PER_INSTANCE = 5, 1000
FIELDS = ("type", "name", "description", "tags", "aliases", "expirationDate", "extractable", "payload", "encryptedNonce", "iv",
          "encryptionAlgorithm", "rotation", "dualAuthDelete")


def check_alias(alias):
    if not ALIAS.fullmatch(alias) or alias in RESERVED or UUID4.fullmatch(alias):
        raise bad_field("aliases", f"The alias {alias!r} is not allowed: 2 to 90 of A-Z a-z 0-9 _ -, not reserved, not a UUID")


def check_alias_free(instance, *aliases):
    for alias in aliases:
        if alias in instance.aliases:
            raise Refusal("KEY_ALIAS_NOT_UNIQUE_ERR", "One or more aliases are already associated with a key in the instance")
    if len(instance.aliases) + len(aliases) > ALIASES_PER_INSTANCE:
        raise Refusal("KEY_ALIAS_LIMIT_ERR", f"An instance has at most {ALIASES_PER_INSTANCE} aliases")


def check_ring(instance, ring):
    if ring not in instance.rings:
        raise Refusal("KEY_RING_NOT_FOUND_ERR", "Key ring does not exist")
    return ring


def check_access(call, extractable, imported):
    """The instance policy keyCreateImportAccess. Errors: KEY_CREATE_IMPORT_ACCESS_ERR."""
    policy = call.instance.policies.get("keyCreateImportAccess")
    if policy and policy.data["enabled"]:
        name = ("import" if imported else "create") + ("_standard_key" if extractable else "_root_key")
        if not policy.data["attributes"][name]:
            raise Refusal("KEY_CREATE_IMPORT_ACCESS_ERR", f"The instance policy keyCreateImportAccess does not allow {name}")


def described(call, fields):
    """The attributes of a new key, checked."""
    aliases = strings(fields, "aliases", ALIASES_PER_KEY, 90)
    for alias in aliases:
        check_alias(alias)
    if len(set(aliases)) != len(aliases):
        raise bad_field("aliases", "An alias is given twice")
    expires = date(fields, "expirationDate")
    if expires is not None and expires <= call.now:
        raise bad_field("expirationDate", "expirationDate must be in the future")
    kind = text(fields, "type")
    if kind not in (None, f"{KMS}key+json"):
        raise bad_field("type", f"type must be {KMS}key+json")
    return {"name": text(fields, "name", 2, 90, required=True), "description": text(fields, "description", 2, 240),
            "tags": strings(fields, "tags", 30, 30, "<>,:&|"), "expires": expires}, aliases


def initial_policies(call, key, overrides):
    """Policies of a new key: its own overrides, or what the instance's policies say."""
    instance, chosen = call.instance, {}
    if overrides is not None:
        chosen = overrides
    else:
        policy = instance.policies.get("dualAuthDelete")
        if policy and policy.data["enabled"]:
            chosen["dualAuthDelete"] = {"enabled": True}
        policy = instance.policies.get("rotation")
        if policy and policy.data["enabled"] and not key.extractable and not key.imported:
            chosen["rotation"] = {"enabled": True, "interval_month": policy.data["attributes"]["interval_month"]}
    for name, data in chosen.items():
        key.policies[name] = Policy(data, call.now, call.caller.iam_id, call.now, call.caller.iam_id)


def read_overrides(fields, extractable, imported):
    chosen, rotation, dual = {}, inner(fields, "rotation"), inner(fields, "dualAuthDelete")
    if rotation is not None:
        rotation.only("enabled", "interval_month")
        if extractable:
            raise Refusal("KEY_ROOT_REQ_ERR", "A standard key cannot have a rotation policy")
        months, enabled = integer(rotation, "interval_month", 1, 12), flag(rotation, "enabled", True)
        if months is None:
            raise bad_field("interval_month", "interval_month must be from 1 to 12")
        if imported and enabled:
            raise Refusal("KEY_PAYLOAD_REQ_ERR", "An imported key cannot be rotated by a policy", {"type": "field", "name": "payload"})
        chosen["rotation"] = {"enabled": enabled, "interval_month": months}
    if dual is not None:
        dual.only("enabled")
        enabled = flag(dual, "enabled")
        if enabled is None:
            raise bad_field("enabled", "dualAuthDelete.enabled is required")
        chosen["dualAuthDelete"] = {"enabled": enabled}
    return chosen


def create(call, with_overrides=False):
    resources = envelope(call.body)
    if len(resources) > 1:
        raise bad_body("Only one key can be created in a request")
    fields, instance = resources[0], call.instance
    extractable, imported = flag(fields, "extractable", True), bool(text(fields, "payload"))
    call.lints += [f"unknown field {name}" for lower, name in fields.spelled.items() if lower not in {each.lower() for each in FIELDS}]
    call.need_master_key()
    check_access(call, extractable, imported)
    attributes, aliases = described(call, fields)
    overrides = read_overrides(fields, extractable, imported) if with_overrides else None
    ring = check_ring(instance, call.ring or "default")
    check_alias_free(instance, *aliases)
    if len(instance.keys) >= instance.max_keys:
        raise Refusal("KEY_LIMIT_ERR", f"The instance holds {instance.max_keys} keys, which is its limit")
    content = material.given(call, fields, extractable) or secrets.token_bytes(32)
    identifier = new_id()
    key = Key(identifier, f"{instance.crn}:key:{identifier}", extractable=extractable, imported=imported, ring=ring, created=call.now,
              created_by=call.caller.iam_id, versions=[Version(identifier, content, call.now)],
              lists_until_shown=call.service.list_delay, **attributes)
    initial_policies(call, key, overrides)
    instance.keys[key.id] = key
    for alias in aliases:
        add_alias(call, key, alias)
    if call.minimal:
        return Reply(201, collection("key", [{"type": f"{KMS}key+json", "id": key.id, "crn": key.crn}]))
    shown = call.show(key, created=True)
    if call.full and extractable:
        shown["payload"] = key.payload()
    return Reply(201, collection("key", [shown]))


def create_with_overrides(call):
    return create(call, with_overrides=True)


def get(call):
    key = call.key()
    shown = call.show(key)
    if key.extractable and key.state != DESTROYED:
        call.need_master_key()
        shown["payload"] = key.payload()
    return Reply(200, collection("key", [shown]))


def metadata(call):
    return Reply(200, collection("key", [call.show(call.key())]))


def patch(call):
    fields = decode(call.body)
    if not isinstance(fields, Fields):
        raise bad_body("The body must be an object with keyRingID")
    ring = text(fields, "keyRingID", required=True)
    key = call.key((ACTIVE, SUSPENDED, DEACTIVATED))
    check_ring(call.instance, ring)
    if ring != key.ring:
        key.ring = ring
        key.changed(call.now)
    return Reply(200, collection("key", [call.show(key)]))


def delete(call):
    force, key = call.boolean("force", False), call.key((ACTIVE, SUSPENDED, DEACTIVATED))
    if call.is_service:
        raise Refusal("RESOURCE_OWNER_ERR", "A service cannot delete a key of a customer")
    if key.dual_auth and (not key.set_for_deletion or key.set_for_deletion[0] == call.caller.iam_id):
        raise Refusal("AUTHORIZATIONS_NOT_MET", "Number of authorizations required to delete the key is not met: 1 prior authorization missing")
    if any(each.data["preventKeyDeletion"] for each in key.registrations.values()):
        raise Refusal("PREV_KEY_DEL_ERR", "A registered resource does not permit the deletion of the key")
    if key.registrations and not force:
        raise Refusal("PROTECTED_RESOURCE_ERR", "The key protects one or more cloud resources", {"type": "query_param", "name": "force"})
    key.state, key.deleted, key.deleted_by, key.set_for_deletion = DESTROYED, call.now, call.caller.iam_id, None
    key.updated = key.lifecycle = call.now
    return Reply(200, collection("key", [call.show(key)])) if call.full else Reply(204)


def purge(call):
    key = call.key()
    if key.state != DESTROYED:
        raise Refusal("KEY_ACTION_INVALID_STATE_ERR", "Key is not in destroyed state")
    wait = call.instance.waits.purge
    too_early(wait, key.deleted, call.now, f"Purge operation is allowed {go_duration(wait)} after key is deleted")
    shown = call.show(key)
    call.instance.remove(key)
    return Reply(200, collection("key", [shown])) if call.full else Reply(204)


def restore(call):
    key = call.key()
    body = decode(call.body)
    given = body["resources"][0] if isinstance(body, Fields) and isinstance(body.get("resources"), list) and body["resources"] else body
    if key.state != DESTROYED:
        raise Refusal("KEY_ACTION_INVALID_STATE_ERR", "Key is not in destroyed state")
    too_early(call.instance.waits.restore, key.deleted, call.now, "Key was deleted too short a time ago to be restored")
    if call.now > key.deleted + RESTORABLE:
        raise Refusal("KEY_RESTORE_EXPIRED", "Key was deleted more than 30 days ago")
    if key.expires is not None and key.expires <= call.now:
        raise Refusal("KEY_EXPIRED_ERR", f"Key expired at {show(key.expires)}")
    if isinstance(given, Fields) and text(given, "payload"):
        if material.given(call, given, key.extractable) != key.versions[-1].material:
            raise bad_field("payload", "The material is not that of the key")
    key.state, key.deleted, key.deleted_by = ACTIVE, None, None
    key.updated = key.lifecycle = call.now
    return Reply(201, collection("key", [call.show(key)]))


def versions(call):
    every = call.boolean("allKeyStates", False)
    key = call.key(root=True)
    if key.state != ACTIVE and not every:
        raise Refusal("KEY_ACTION_INVALID_STATE_ERR", "Key is not in active state")
    page, total = call.page(key.versions[::-1])
    return Reply(200, collection("key.version", [each.show() for each in page], **total))


def add_alias(call, key, alias):
    key.aliases[alias] = (call.caller.iam_id, call.now)
    call.instance.aliases[alias] = key.id


def create_alias(call):
    alias, key = call.parts["alias"], call.key((ACTIVE, SUSPENDED, DEACTIVATED))
    check_alias(alias)
    check_alias_free(call.instance, alias)
    if len(key.aliases) >= ALIASES_PER_KEY:
        raise Refusal("KEY_ALIAS_LIMIT_ERR", f"A key has at most {ALIASES_PER_KEY} aliases")
    add_alias(call, key, alias)
    key.changed(call.now)
    return Reply(201, collection("alias", [{"keyId": key.id, "alias": alias, "createdBy": call.caller.iam_id,
                                            "creationDate": show(call.now)}]))


def delete_alias(call):
    alias, key = call.parts["alias"], call.key()
    if alias not in key.aliases:
        raise Refusal("KEY_ALIAS_NOT_FOUND_ERR", "The key has no such alias")
    del key.aliases[alias], call.instance.aliases[alias]
    key.changed(call.now)
    return Reply(204)


def set_for_deletion(call):
    key = call.key((ACTIVE,))
    if not key.dual_auth:
        raise Refusal("NOT_DUAL_AUTH_ERR", "The key does not have a dual authorization policy")
    key.set_for_deletion = (call.caller.iam_id, call.now + AUTHORIZED_FOR)
    key.changed(call.now)
    return Reply(204)


def unset_for_deletion(call):
    key = call.key((ACTIVE,))
    if not key.dual_auth:
        raise Refusal("NOT_DUAL_AUTH_ERR", "The key does not have a dual authorization policy")
    key.set_for_deletion = None
    key.changed(call.now)
    return Reply(204)
