"""Creating, importing, reading and listing keys, and aliases."""
import base64

from context import UNAUTHORIZED, decode, new_bytes, refused
from suite import environment, equal, refusal, success, true

UNKNOWN = "0f5d9a51-0b0e-4a3c-9d0f-3f1c0e6e8a11"


@success("create_key", "a root key, with every field that the SDK's users read")
def create_root(kh):
    key = kh.manager.create_key("a-root-key", root=True)
    for field, value in {"type": "application/vnd.ibm.kms.key+json", "name": "a-root-key", "state": 1, "extractable": False,
                         "imported": False, "keyRingID": "default", "algorithmType": "AES",
                         "dualAuthDelete": {"enabled": False}}.items():
        equal(key.get(field), value, field)
    equal(key["keyVersion"]["id"], key["id"], "the first version's id")
    equal(key["crn"].split(":")[-2:], ["key", key["id"]], "end of the CRN")
    equal(key["crn"].split(":")[7], kh.instance, "instance of the CRN")
    true(key["creationDate"].endswith("Z"), "creationDate is RFC 3339 in UTC")
    true("payload" not in key and "lastUpdateDate" not in key, "neither payload nor lastUpdateDate in the answer to create")


@success("create_key", "a standard key")
def create_standard(kh):
    key = kh.manager.create_key("a-standard-key")
    equal((key["extractable"], key["imported"]), (True, False), "extractable, imported")
    equal(len(decode(kh.manager.get_key(key["id"])["payload"])), 32, "bytes of payload")


@success("create_key", "imports a standard key, read back to the byte")
def import_standard(kh):
    for size in (1, 7500):
        material = new_bytes(size)
        key = kh.manager.create_key("imported-standard", payload=material)
        equal(key["imported"], True, "imported")
        equal(decode(kh.manager.get_key(key["id"])["payload"]), material, f"payload of {size} bytes")


@success("create_key", "imports root keys of 16, 24 and 32 bytes")
def import_root(kh):
    for size in (16, 24, 32):
        key = kh.manager.create_key("imported-root", payload=new_bytes(size), root=True)
        equal((key["imported"], key["extractable"]), (True, False), "imported, extractable")
        equal(key["algorithmMetadata"]["bitLength"], str(8 * size), "bitLength, a string")
        equal(kh.manager.unwrap(key["id"], kh.manager.wrap(key["id"], b"text")["ciphertext"]), b"text")


@success("create_key", "raw_payload is sent as it is")
def import_raw(kh):
    material = new_bytes(24)
    key = kh.manager.create_key("raw", raw_payload=base64.b64encode(material).decode())
    equal(decode(kh.manager.get_key(key["id"])["payload"]), material, "payload")


@success("create_key", "two keys may have one name")
def same_name(kh):
    true(kh.root("twice")["id"] != kh.root("twice")["id"], "one id for two keys")


@refusal("create_key", "root material of 15, 31 or 33 bytes, standard of 7501")
def import_wrong_size(kh):
    for size in (15, 31, 33):
        refused(400, "INVALID_FIELD_ERR", kh.manager.create_key, "bad", payload=new_bytes(size), root=True)
    refused(400, "INVALID_FIELD_ERR", kh.manager.create_key, "bad", payload=new_bytes(7501))


@refusal("create_key", "material that is not base64")
def import_not_base64(kh):
    refused(400, "INVALID_FIELD_ERR", kh.manager.create_key, "bad", raw_payload="not base64!", root=True)


@refusal("create_key", "a name of one character, and of 91")
def bad_name(kh):
    refused(400, "INVALID_FIELD_ERR", kh.manager.create_key, "x", root=True)
    refused(400, "INVALID_FIELD_ERR", kh.manager.create_key, "x" * 91, root=True)


@success("get_key", "of a root key has no payload, of a standard key it has")
def get(kh):
    root = kh.root("to-get")
    got = kh.manager.get_key(root["id"])
    equal({name: got[name] for name in ("id", "name", "crn", "state")}, {name: root[name] for name in ("id", "name", "crn", "state")})
    true("payload" not in got, "a root key's payload")
    equal(got["deleted"], False, "deleted")
    equal(got["lastUpdateDate"], got["creationDate"], "lastUpdateDate")
    true("payload" in kh.manager.get_key(kh.standard()["id"]), "no payload of a standard key")


@refusal("get_key", "an unknown key")
def get_unknown(kh):
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.get_key, UNKNOWN)
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.get_key, "no-such-alias")


@success("list_keys", "gives all keys but destroyed ones, and never a payload")
def list_keys(kh):
    root, standard, gone = kh.root()["id"], kh.standard()["id"], kh.root()["id"]
    kh.manager.delete_key(gone)
    keys = {key["id"]: key for key in kh.manager.list_keys()}
    true(root in keys and standard in keys, "a key is missing")
    true(gone not in keys, "a destroyed key is listed")
    true(not any("payload" in key for key in keys.values()), "a payload is listed")
    equal(sorted(keys), list(keys), "order by id")


@success("keys", "the old name lists the same")
def old_list(kh):
    equal([key["id"] for key in kh.manager.keys()], [key["id"] for key in kh.manager.list_keys()])


@refusal("keys", "the old name raises the same")
def old_list_refused(kh):
    refused(401, UNAUTHORIZED, kh.client("manager", UNKNOWN).keys)


@success("create", "the old name creates")
def old_create(kh):
    equal(kh.manager.create(name="test-key", root=True)["state"], 1, "state")


@refusal("create", "the old name raises the same")
def old_create_refused(kh):
    refused(400, "INVALID_FIELD_ERR", kh.manager.create, "x", root=True)


@success("get", "the old name gets")
def old_get(kh):
    key = kh.root()
    equal(kh.manager.get(key["id"])["id"], key["id"])


@refusal("get", "the old name raises the same")
def old_get_refused(kh):
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.get, UNKNOWN)


@success("create_key_alias", "the key answers to it, first made first named")
def alias(kh):
    key, first, second = kh.root()["id"], kh.name("alias"), kh.name("Alias_")
    answer = kh.manager.create_key_alias(key, first)
    equal((answer["resources"][0]["keyId"], answer["resources"][0]["alias"]), (key, first), "keyId, alias")
    kh.manager.create_key_alias(key, second)
    got = kh.manager.get_key(first)
    equal((got["id"], got["aliases"]), (key, [first, second]))
    equal(kh.manager.unwrap(second, kh.manager.wrap(first, b"by alias")["ciphertext"]), b"by alias")


@refusal("create_key_alias", "one that is taken, reserved, badly spelled, or the sixth")
def alias_refused(kh):
    key, other, taken = kh.root()["id"], kh.root()["id"], kh.name("taken")
    kh.manager.create_key_alias(key, taken)
    refused(409, "KEY_ALIAS_NOT_UNIQUE_ERR", kh.manager.create_key_alias, other, taken)
    refused(400, "INVALID_FIELD_ERR", kh.manager.create_key_alias, other, "policies")
    refused(400, "INVALID_FIELD_ERR", kh.manager.create_key_alias, other, "a%20b")
    for _ in range(4):
        kh.manager.create_key_alias(key, kh.name("more"))
    refused(409, "KEY_ALIAS_LIMIT_ERR", kh.manager.create_key_alias, key, kh.name("more"))


@success("delete_key_alias", "frees it for another key")
def alias_deleted(kh):
    key, other, name = kh.root()["id"], kh.root()["id"], kh.name("moving")
    kh.manager.create_key_alias(key, name)
    equal(kh.manager.delete_key_alias(key, name), None)
    kh.manager.create_key_alias(other, name)
    equal(kh.manager.get_key(name)["id"], other)


@refusal("delete_key_alias", "one that the key does not have")
def alias_unknown(kh):
    key = kh.root()["id"]
    try:
        kh.manager.delete_key_alias(key, "not-there")
    except Exception as error:
        equal(error.http_error.response.status_code, 404, "status")
        return
    raise AssertionError("an unknown alias was deleted")


@success("get_registrations", "of a key without any, and of the instance")
def registrations(kh):
    one = kh.manager.get_registrations(kh.root()["id"])
    equal((one["metadata"]["collectionTotal"], one["resources"]), (0, []))
    every = kh.manager.get_registrations()
    equal(every["metadata"]["collectionTotal"], len(every["resources"]))


@success("get_registrations", "of a key that has one, and by the resource")
def registered(kh):
    key, crn = environment("KH_REGISTERED_KEY"), environment("KH_REGISTERED_CRN")
    registration = kh.reader.get_registrations(key)["resources"][0]
    equal((registration["keyId"], registration["resourceCrn"], registration["preventKeyDeletion"]), (key, crn, False))
    true("registrationMetadata" not in registration, "metadata of the service is shown")
    equal([each["keyId"] for each in kh.manager.get_registrations(crn=crn)["resources"]], [key], "by its CRN")
    equal(len(kh.manager.get_registrations(crn=crn[:crn.rindex(":") + 1] + "*")["resources"]), 2, "by the beginning of the CRN")


@refusal("delete_key", "with a registration, and with one that prevents deletion")
def registered_delete(kh):
    refused(409, "PROTECTED_RESOURCE_ERR", kh.manager.delete_key, environment("KH_REGISTERED_KEY"),
            target={"type": "query_param", "name": "force"})
    refused(409, "PREV_KEY_DEL_ERR", kh.manager.delete_key, environment("KH_PROTECTED_KEY"))
    equal(kh.manager.get_key(environment("KH_REGISTERED_KEY"))["state"], 1, "state")


@refusal("get_registrations", "of an unknown key")
def registrations_unknown(kh):
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.get_registrations, UNKNOWN)
