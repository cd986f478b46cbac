"""Wrap, unwrap, rewrap, rotate, and the SDK's envelope encryption on top of them."""
import redstone
from context import decode, new_bytes, refused
from suite import equal, refusal, success, true

MESSAGE = b"This is a really important message."


@success("wrap", "35 bytes come back, and the answer does not repeat them")
def wrap(kh):
    key = kh.root()["id"]
    wrapped = kh.manager.wrap(key, MESSAGE)
    true("plaintext" not in wrapped, "the plaintext is in the answer")
    equal(wrapped["keyVersion"]["id"], key, "version")
    equal(kh.manager.unwrap(key, wrapped["ciphertext"]), MESSAGE)
    true(kh.manager.wrap(key, MESSAGE)["ciphertext"] != wrapped["ciphertext"], "two wraps are equal")


@success("wrap", "makes a DEK of 32 bytes when none is given")
def generate(kh):
    key = kh.root()["id"]
    wrapped = kh.manager.wrap(key, b"")
    equal(len(decode(wrapped["plaintext"])), 32, "bytes")
    equal(kh.manager.unwrap(key, wrapped["ciphertext"]), decode(wrapped["plaintext"]))


@success("wrap", "binds additional data, in order")
def aad(kh):
    key = kh.root()["id"]
    wrapped = kh.manager.wrap(key, MESSAGE, aad=["python-keyprotect", "zwei", "\u00e9\u6f22"])
    equal(kh.manager.unwrap(key, wrapped["ciphertext"], aad=["python-keyprotect", "zwei", "\u00e9\u6f22"]), MESSAGE)


@refusal("wrap", "with a standard key, 256 strings of additional data, or one of 256 characters")
def wrap_refused(kh):
    refused(400, "KEY_ROOT_REQ_ERR", kh.manager.wrap, kh.standard()["id"], MESSAGE)
    key = kh.root()["id"]
    refused(400, "INVALID_FIELD_ERR", kh.manager.wrap, key, MESSAGE, aad=["x"] * 256)
    refused(400, "INVALID_FIELD_ERR", kh.manager.wrap, key, MESSAGE, aad=["x" * 256])
    kh.manager.wrap(key, MESSAGE, aad=["x" * 255] * 255)


@success("unwrap", "takes the ciphertext as bytes too")
def unwrap_bytes(kh):
    key = kh.root()["id"]
    equal(kh.manager.unwrap(key, kh.manager.wrap(key, MESSAGE)["ciphertext"].encode()), MESSAGE)


@success("unwrap", "after five rotations, with every version's ciphertext")
def unwrap_old(kh):
    key, texts = kh.root()["id"], []
    for _ in range(5):
        texts.append(kh.manager.wrap(key, MESSAGE)["ciphertext"])
        rotate_with(kh.manager, key)
    for text in texts:
        equal(kh.manager.unwrap(key, text), MESSAGE)


@success("unwrap", "keys with the same material open each other's DEKs")
def same_material(kh):
    material = new_bytes(32)
    one = kh.manager.create_key("one", payload=material, root=True)["id"]
    two = kh.manager.create_key("two", payload=material, root=True)["id"]
    equal(kh.manager.unwrap(two, kh.manager.wrap(one, MESSAGE)["ciphertext"]), MESSAGE)


@refusal("unwrap", "other additional data, another key, an altered and a foreign text")
def unwrap_refused(kh):
    key = kh.root()["id"]
    text = kh.manager.wrap(key, MESSAGE, aad=["one", "two"])["ciphertext"]
    for aad in (None, ["one"], ["two", "one"], ["onetwo"]):
        refused(422, "UNPROCESSABLE_CIPHERTEXT_ERR", kh.manager.unwrap, key, text, aad=aad)
    refused(422, "UNPROCESSABLE_CIPHERTEXT_ERR", kh.manager.unwrap, kh.root()["id"], text, aad=["one", "two"])
    altered = text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]
    refused(422, "UNPROCESSABLE_CIPHERTEXT_ERR", kh.manager.unwrap, key, altered, aad=["one", "two"])
    refused(400, "INVALID_FIELD_ERR", kh.manager.unwrap, key, "not base64!")


@success("rewrap", "moves a DEK to the newest version without showing it")
def rewrap(kh):
    key = kh.root()["id"]
    old = kh.manager.wrap(key, MESSAGE, aad=["kept"])
    rotate_with(kh.manager, key)
    new = kh.manager.rewrap(key, old["ciphertext"], aad=["kept"])
    true("plaintext" not in new, "the plaintext is in the answer")
    equal(new["keyVersion"]["id"], old["keyVersion"]["id"], "version of the input")
    equal(new["rewrappedKeyVersion"]["id"], kh.manager.wrap(key, b"x")["keyVersion"]["id"], "version of the output")
    equal(kh.manager.unwrap(key, new["ciphertext"], aad=["kept"]), MESSAGE)


@refusal("rewrap", "without the additional data, and with a text of another key")
def rewrap_refused(kh):
    key = kh.root()["id"]
    text = kh.manager.wrap(key, MESSAGE, aad=["kept"])["ciphertext"]
    refused(422, "UNPROCESSABLE_CIPHERTEXT_ERR", kh.manager.rewrap, key, text)
    refused(422, "UNPROCESSABLE_CIPHERTEXT_ERR", kh.manager.rewrap, kh.root()["id"], text.encode(), aad=["kept"])


def rotate_with(client, key, name="rotate_key", **fields):
    """Rotates. redstone before 0.5 reads JSON out of every answer to an action, so its own error follows the success of a 204."""
    if hasattr(client, "rewrap"):
        equal(getattr(client, name)(key, **fields), None, "answer to rotate")
        return
    try:
        getattr(client, name)(key, **fields)
    except ValueError as error:
        true("Expecting value" in str(error), f"unexpected: {error}")


def shows_rotation(kh, name):
    key = kh.root()["id"]
    old = kh.manager.wrap(key, MESSAGE)
    rotate_with(kh.manager, key, name)
    got = kh.manager.get_key(key)
    true(got["keyVersion"]["id"] != old["keyVersion"]["id"], "the version stayed")
    equal(got["lastRotateDate"], got["lastUpdateDate"], "lastRotateDate")
    equal(kh.manager.wrap(key, MESSAGE)["keyVersion"]["id"], got["keyVersion"]["id"], "version of a new wrap")
    equal(kh.manager.unwrap(key, old["ciphertext"]), MESSAGE)


@success("rotate_key", "a generated key")
def rotate(kh):
    shows_rotation(kh, "rotate_key")


@success("rotate_key", "an imported key, with new material of another size")
def rotate_imported(kh):
    key = kh.manager.create_key("imported", payload=new_bytes(16), root=True)["id"]
    old = kh.manager.wrap(key, MESSAGE)["ciphertext"]
    rotate_with(kh.manager, key, payload=new_bytes(32))
    equal(kh.manager.unwrap(key, old), MESSAGE)


@refusal("rotate_key", "without material, with material, twice in an hour, a standard key")
def rotate_refused(kh):
    imported = kh.manager.create_key("imported", payload=new_bytes(32), root=True)["id"]
    refused(400, "KEY_PAYLOAD_REQ_ERR", kh.manager.rotate_key, imported, target={"type": "field", "name": "payload"})
    refused(400, "INVALID_QUERY_PARAM_ERR", kh.manager.rotate_key, kh.root()["id"], payload=new_bytes(32),
            target={"type": "query_param", "name": "payload"})
    refused(400, "KEY_ROOT_REQ_ERR", kh.manager.rotate_key, kh.standard()["id"])
    hourly = kh.root(client=kh.rules)["id"]
    rotate_with(kh.rules, hourly)
    refused(409, "KEY_ROTATION_NOT_PERMITTED", kh.rules.rotate_key, hourly)


@success("rotate", "the old name rotates")
def old_rotate(kh):
    shows_rotation(kh, "rotate")


@refusal("rotate", "the old name raises the same")
def old_rotate_refused(kh):
    refused(400, "KEY_ROOT_REQ_ERR", kh.manager.rotate, kh.standard()["id"])


@success("crypto.encrypt", "under two keys, by their CRNs")
def encrypt(kh):
    crns = [kh.root()["crn"], kh.root()["crn"]]
    message, header = redstone.crypto.encrypt(MESSAGE, crns, aad="bound", session=kh.session())
    equal([entry["key_crn"] for entry in header.data_keys], crns)
    true(MESSAGE not in message, "the text is readable")
    kh.manager.delete_key(crns[0].rsplit(":", 1)[1])
    equal(redstone.crypto.decrypt(message, session=kh.session())[0], MESSAGE, "opened with the second key")


@success("crypto.decrypt", "a message without additional data, for which the SDK sends a null string")
def decrypt(kh):
    message, _ = redstone.crypto.encrypt(MESSAGE, [kh.root()["crn"]], session=kh.session())
    equal(redstone.crypto.decrypt(message, session=kh.session())[0], MESSAGE)


@refusal("crypto.encrypt", "under a key that is not there")
def encrypt_refused(kh):
    refused(404, "KEY_NOT_FOUND_ERR", redstone.crypto.encrypt, MESSAGE, [kh.root()["crn"][:-4] + "0000"], aad="bound", session=kh.session())


@refusal("crypto.decrypt", "when no key is left")
def decrypt_refused(kh):
    crn = kh.root()["crn"]
    message, _ = redstone.crypto.encrypt(MESSAGE, [crn], aad="bound", session=kh.session())
    kh.manager.delete_key(crn.rsplit(":", 1)[1])
    try:
        redstone.crypto.decrypt(message, session=kh.session())
    except Exception as error:
        true("Failed to unwrap any keys" in str(error), f"unexpected: {error}")
        return
    raise AssertionError("a message was opened without its key")
