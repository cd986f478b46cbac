"""Disable, enable, delete, restore, purge, sync, and deletion that takes two."""
from context import UNAUTHORIZED, refused
from suite import equal, refusal, success, true


@success("disable_key", "stops wrap and unwrap")
def disable(kh):
    key = kh.root()["id"]
    text = kh.manager.wrap(key, b"text")["ciphertext"]
    equal(kh.manager.disable_key(key), None)
    equal(kh.manager.get_key(key)["state"], 2, "state")
    refused(409, "KEY_ACTION_INVALID_STATE_ERR", kh.manager.wrap, key, b"text")
    refused(409, "KEY_ACTION_INVALID_STATE_ERR", kh.manager.unwrap, key, text)


@refusal("disable_key", "twice, and a standard key")
def disable_refused(kh):
    key = kh.root()["id"]
    kh.manager.disable_key(key)
    refused(409, "KEY_ACTION_INVALID_STATE_ERR", kh.manager.disable_key, key)
    refused(400, "KEY_ROOT_REQ_ERR", kh.manager.disable_key, kh.standard()["id"])


@refusal("enable_key", "an active key, and one disabled just now")
def enable_refused(kh):
    key = kh.root()["id"]
    refused(409, "KEY_ACTION_INVALID_STATE_ERR", kh.manager.enable_key, key)
    kh.manager.disable_key(key)
    refused(409, "REQ_TOO_EARLY_ERR", kh.manager.enable_key, key)


@success("enable_key", "when its time has come", late=True)
def enable(kh):
    equal(kh.manager.enable_key(kh.disabled), None)
    equal(kh.manager.get_key(kh.disabled)["state"], 1, "state")
    equal(kh.manager.unwrap(kh.disabled, kh.manager.wrap(kh.disabled, b"again")["ciphertext"]), b"again")


@success("delete_key", "by alias; the key stays readable and its dates are exact")
def delete(kh):
    key, alias = kh.root()["id"], kh.name("to-delete")
    kh.manager.create_key_alias(key, alias)
    equal(kh.manager.delete_key(alias), None)
    got = kh.manager.get_key(key)
    equal((got["state"], got["deleted"], got["purgeAllowed"]), (5, True, False), "state, deleted, purgeAllowed")
    true("restoreAllowed" in got, "restoreAllowed")
    true(got["deletedBy"] and got["deletionDate"] < got["purgeAllowedFrom"] < got["restoreExpirationDate"] < got["purgeScheduledOn"],
         f"order of the dates in {got}")


@refusal("delete_key", "twice is gone; unknown is missing")
def delete_refused(kh):
    key = kh.root()["id"]
    kh.manager.delete_key(key)
    refused(410, "KEY_DELETED_ERR", kh.manager.delete_key, key)
    refused(410, "KEY_DELETED_ERR", kh.manager.wrap, key, b"text")
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.delete_key, "0f5d9a51-0b0e-4a3c-9d0f-3f1c0e6e8a11")


@success("delete", "the old name deletes")
def old_delete(kh):
    key = kh.root()["id"]
    equal(kh.manager.delete(key), None)
    equal(kh.manager.get_key(key)["state"], 5, "state")


@refusal("delete", "the old name raises the same")
def old_delete_refused(kh):
    refused(410, "KEY_DELETED_ERR", kh.manager.delete, kh.deleted)


@refusal("restore_key", "a key deleted just now, and one that is not deleted")
def restore_refused(kh):
    key = kh.root()["id"]
    refused(409, "KEY_ACTION_INVALID_STATE_ERR", kh.manager.restore_key, key)
    kh.manager.delete_key(key)
    refused(409, "REQ_TOO_EARLY_ERR", kh.manager.restore_key, key)


@success("restore_key", "when its time has come it opens what it wrapped before", late=True)
def restore(kh):
    equal(kh.manager.restore_key(kh.deleted), None)
    equal(kh.manager.get_key(kh.deleted)["state"], 1, "state")
    equal(kh.manager.unwrap(kh.deleted, kh.deleted_wrapped), b"before the deletion")


@success("purge_key", "when its time has come, for good", late=True)
def purge(kh):
    equal(kh.purger.purge_key(kh.purged), None)
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.get_key, kh.purged)


@refusal("purge_key", "a key deleted just now, an active one, and by a Manager")
def purge_refused(kh):
    key = kh.root()["id"]
    refused(409, "KEY_ACTION_INVALID_STATE_ERR", kh.purger.purge_key, key)
    kh.manager.delete_key(key)
    refused(401, UNAUTHORIZED, kh.manager.purge_key, key)
    refused(409, "REQ_TOO_EARLY_ERR", kh.purger.purge_key, key)
    equal(kh.manager.get_key(key)["state"], 5, "state")


@success("sync_associated_resources", "of a key without registrations")
def sync(kh):
    equal(kh.manager.sync_associated_resources(kh.root()["id"]), None)


@refusal("sync_associated_resources", "right after a deletion")
def sync_refused(kh):
    key = kh.root()["id"]
    kh.manager.delete_key(key)
    refused(409, "REQ_TOO_EARLY_ERR", kh.manager.sync_associated_resources, key)


def dual_key(kh):
    key = kh.root()["id"]
    kh.manager.set_key_dual_auth_policy(key, True)
    return key


@success("initiate_dual_auth_delete", "one sets, another deletes")
def dual(kh):
    key = dual_key(kh)
    refused(409, "AUTHORIZATIONS_NOT_MET", kh.manager.delete_key, key)
    equal(kh.manager.initiate_dual_auth_delete(key), None)
    set_for = kh.manager.get_key(key)
    equal((set_for["state"], set_for["dualAuthDelete"]["enabled"], set_for["dualAuthDelete"]["keySetForDeletion"]), (1, True, True))
    true(set_for["dualAuthDelete"]["authExpiration"].endswith("Z"), "authExpiration")
    kh.manager.wrap(key, b"still usable")
    refused(409, "AUTHORIZATIONS_NOT_MET", kh.manager.delete_key, key)
    kh.second.delete_key(key)
    equal(kh.manager.get_key(key)["state"], 5, "state")


@refusal("initiate_dual_auth_delete", "without the policy, and by a Reader")
def dual_refused(kh):
    refused(409, "NOT_DUAL_AUTH_ERR", kh.manager.initiate_dual_auth_delete, kh.root()["id"])
    refused(401, UNAUTHORIZED, kh.reader.initiate_dual_auth_delete, dual_key(kh))


@success("cancel_dual_auth_delete", "takes the authorization back")
def cancel(kh):
    key = dual_key(kh)
    kh.writer.initiate_dual_auth_delete(key)
    equal(kh.writer.cancel_dual_auth_delete(key), None)
    equal(kh.manager.get_key(key)["dualAuthDelete"].get("keySetForDeletion"), False, "keySetForDeletion")
    refused(409, "AUTHORIZATIONS_NOT_MET", kh.second.delete_key, key)


@refusal("cancel_dual_auth_delete", "without the policy")
def cancel_refused(kh):
    refused(409, "NOT_DUAL_AUTH_ERR", kh.manager.cancel_dual_auth_delete, kh.root()["id"])
