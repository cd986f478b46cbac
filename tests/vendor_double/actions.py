"""What is done with a key: wrap, unwrap, rewrap, rotate, disable, enable, sync; in the new and in the old spelling of the path."""
import secrets

from . import keys, material, wrapping
from .calls import Reply, too_early
from .errors import Refusal, bad_field, bad_query
from .fields import b64, binary, decode, parameters, show, strings, text
from .model import ACTIVE, DEACTIVATED, SUSPENDED

PLAINTEXT_MOST = 7500


def aad_of(fields):
    return strings(fields, "aad", wrapping.AAD_MOST, wrapping.AAD_LONGEST)


def ciphertext_of(call):
    if decode(call.body) is None:
        raise Refusal("NO_BODY_ERR", "The action needs a body")
    fields = parameters(call.body)
    wrapped = binary(fields, "ciphertext")
    if wrapped is None:
        raise bad_field("ciphertext", "ciphertext is required")
    return wrapped, aad_of(fields)


def usable(key, now):
    """A key that expires at this moment does not wrap any more, whenever its state follows."""
    if key.expires is not None and key.expires <= now:
        raise Refusal("KEY_ACTION_INVALID_STATE_ERR", "Key is not in active state")


def wrap(call):
    fields = parameters(call.body)
    key = call.key((ACTIVE,), root=True)
    usable(key, call.now)
    call.need_master_key()
    plaintext, aad = binary(fields, "plaintext"), aad_of(fields)
    if plaintext is not None and len(plaintext) > PLAINTEXT_MOST:
        raise bad_field("plaintext", f"plaintext has more than {PLAINTEXT_MOST} bytes")
    version = key.versions[-1]
    answer = {}
    if plaintext is None:
        plaintext = secrets.token_bytes(32)
        answer["plaintext"] = b64(plaintext)
    return Reply(200, answer | {"ciphertext": wrapping.wrap(version, plaintext, aad), "keyVersion": {"id": version.id}})


def unwrap(call):
    key = call.key((ACTIVE, DEACTIVATED), root=True)
    call.need_master_key()
    wrapped, aad = ciphertext_of(call)
    plaintext, version = wrapping.unwrap(key.versions, wrapped, aad)
    answer, newest = {"plaintext": b64(plaintext), "keyVersion": {"id": version.id}}, key.versions[-1]
    if version is not newest:
        answer |= {"ciphertext": wrapping.wrap(newest, plaintext, aad), "rewrappedKeyVersion": {"id": newest.id}}
    return Reply(200, answer)


def rewrap(call):
    key = call.key((ACTIVE, DEACTIVATED), root=True)
    call.need_master_key()
    wrapped, aad = ciphertext_of(call)
    plaintext, version = wrapping.unwrap(key.versions, wrapped, aad)
    newest = key.versions[-1]
    return Reply(200, {"ciphertext": wrapping.wrap(newest, plaintext, aad), "keyVersion": {"id": version.id},
                       "rewrappedKeyVersion": {"id": newest.id}})


def rotate(call):
    fields = parameters(call.body)
    key = call.key((ACTIVE, DEACTIVATED), root=True)
    call.need_master_key()
    if text(fields, "payload") and not key.imported:
        raise bad_query("payload", "A key that was generated is rotated without a payload")
    if not text(fields, "payload") and key.imported:
        raise Refusal("KEY_PAYLOAD_REQ_ERR", "An imported key is rotated with new material", {"type": "field", "name": "payload"})
    if key.rotated is not None and call.now < key.rotated + call.instance.waits.rotate:
        raise Refusal("KEY_ROTATION_NOT_PERMITTED", "A key can be rotated once an hour")
    call.instance.rotate(key, material.given(call, fields, False), call.now)
    return Reply(204)


def disable(call):
    key = call.key((ACTIVE,), root=True)
    key.state, key.disabled = SUSPENDED, call.now
    key.updated = key.lifecycle = call.now
    return Reply(204)


def enable(call):
    key = call.key((SUSPENDED,), root=True)
    too_early(call.instance.waits.enable, key.disabled, call.now, "Key was disabled too short a time ago to be enabled")
    key.state, key.disabled = ACTIVE, None
    key.updated = key.lifecycle = call.now
    return Reply(204)


def sync(call):
    key, wait = call.key(root=True), call.instance.waits.sync
    if key.lifecycle is not None:
        too_early(wait, key.lifecycle, call.now, f"Sync is permitted at {show(key.lifecycle + wait)}")
    key.lifecycle = call.now
    return Reply(204)


ACTIONS = {"wrap": wrap, "unwrap": unwrap, "rewrap": rewrap, "rotate": rotate, "disable": disable, "enable": enable,
           "setKeyForDeletion": keys.set_for_deletion, "unsetKeyForDeletion": keys.unset_for_deletion}
OLD_ACTIONS = ACTIONS | {"restore": keys.restore}
