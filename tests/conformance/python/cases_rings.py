"""Key rings, and secure import with a token."""
import base64
import json

from context import UNAUTHORIZED, decode, new_bytes, refused
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from suite import equal, refusal, success, true


def ring_ids(kh):
    return [ring["id"] for ring in kh.manager.get_key_rings()["resources"]]


@success("create_key_ring", "is listed after the default ring")
def create(kh):
    name = kh.name("ring")
    equal(kh.manager.create_key_ring(name), None)
    equal(ring_ids(kh)[0], "default", "first ring")
    true(name in ring_ids(kh), "the ring is missing")


@refusal("create_key_ring", "one that exists, the default one, and a bad name")
def create_refused(kh):
    name = kh.name("ring")
    kh.manager.create_key_ring(name)
    refused(409, "KEY_RING_RESOURCE_EXISTS_ERR", kh.manager.create_key_ring, name)
    for bad in ("default", "x", "a" * 101):
        try:
            kh.manager.create_key_ring(bad)
        except Exception as error:
            true(error.http_error.response.status_code in (400, 409), f"status {error.http_error.response.status_code} for {bad}")
        else:
            raise AssertionError(f"the ring {bad} was created")


@success("get_key_rings", "counts what it lists; only the default ring has no creator")
def rings(kh):
    kh.manager.create_key_ring(kh.name("ring"))
    answer = kh.manager.get_key_rings()
    equal(answer["metadata"]["collectionTotal"], len(answer["resources"]), "collectionTotal")
    true("creationDate" not in answer["resources"][0], "the default ring has a date")
    true(all(ring["creationDate"].endswith("Z") and ring["createdBy"] for ring in answer["resources"][1:]), "a ring without date or creator")


@refusal("get_key_rings", "nobody's")
def rings_refused(kh):
    refused(401, UNAUTHORIZED, kh.nobody.get_key_rings)


@success("delete_key_ring", "an empty one")
def delete(kh):
    name = kh.name("ring")
    kh.manager.create_key_ring(name)
    equal(kh.manager.delete_key_ring(name), None)
    true(name not in ring_ids(kh), "the ring is still there")


@success("set_key_ring", "moves a key there and back")
def move(kh):
    name, key = kh.name("ring"), kh.root()["id"]
    kh.manager.create_key_ring(name)
    kh.manager.set_key_ring(key_id=key, key_ring_id="default", new_key_ring_id=name)
    equal(kh.manager.get_key(key)["keyRingID"], name)
    kh.manager.set_key_ring(key, name, "default")
    equal(kh.manager.get_key(key)["keyRingID"], "default")


@refusal("set_key_ring", "an unknown ring, and a key that is not in the ring named")
def move_refused(kh):
    name, key = kh.name("ring"), kh.root()["id"]
    refused(404, "KEY_RING_NOT_FOUND_ERR", kh.manager.set_key_ring, key, "default", "no-such-ring")
    kh.manager.create_key_ring(name)
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.set_key_ring, key, name, "default")
    refused(401, UNAUTHORIZED, kh.writer.set_key_ring, key, "default", name)
    equal(kh.manager.get_key(key)["keyRingID"], "default")


@refusal("delete_key_ring", "one with a key, the default one")
def delete_refused(kh):
    name, key = kh.name("ring"), kh.root()["id"]
    kh.manager.create_key_ring(name)
    if hasattr(kh.manager, "set_key_ring"):
        kh.manager.set_key_ring(key, "default", name)
        refused(409, "KEY_RING_NOT_EMPTY_ERR", kh.manager.delete_key_ring, name)
    try:
        kh.manager.delete_key_ring("default")
    except Exception as error:
        true(error.http_error.response.status_code in (400, 409), "status for the default ring")
    else:
        raise AssertionError("the default ring was deleted")


@success("create_import_token", "with the longest life and 50 retrievals")
def create_token(kh):
    token = kh.manager.create_import_token(expiration=86400, max_allowed_retrievals=50)
    equal((token["maxAllowedRetrievals"], token["remainingRetrievals"]), (50, 50))
    equal(kh.manager.get_import_token()["remainingRetrievals"], 49, "after one retrieval")


@success("create_import_token", "without anything: ten minutes, one retrieval")
def default_token(kh):
    token = kh.manager.create_import_token()
    equal((token["maxAllowedRetrievals"], token["remainingRetrievals"]), (1, 1))


@refusal("create_import_token", "of 299 s, of 86401 s")
def token_refused(kh):
    for seconds in (299, 86401):
        refused(400, "INVALID_FIELD_ERR", kh.manager.create_import_token, expiration=seconds)


@success("get_import_token", "is an RSA key of 4096 bits that a library reads, and a nonce")
def get_token(kh):
    kh.manager.create_import_token(expiration=300, max_allowed_retrievals=1)
    token = kh.manager.get_import_token()
    key = serialization.load_pem_public_key(decode(token["payload"]))
    equal(key.key_size, 4096, "bits")
    equal(len(decode(token["nonce"])), 12, "bytes of nonce")
    equal(token["remainingRetrievals"], 0)


@refusal("get_import_token", "after the last retrieval")
def token_used_up(kh):
    kh.manager.create_import_token(expiration=300, max_allowed_retrievals=1)
    kh.manager.get_import_token()
    refused(409, "IMPORT_TOKEN_EXPIRED_ERR", kh.manager.get_import_token)


def sealed(token, material, algorithm="RSAES_OAEP_SHA_256", mode="gcm", nonce=None):
    """The four fields of a secure import, made as the vendor's documentation tells."""
    digest = hashes.SHA1() if algorithm == "RSAES_OAEP_SHA_1" else hashes.SHA256()
    public = serialization.load_pem_public_key(decode(token["payload"]))
    payload = public.encrypt(material, rsa_padding.OAEP(rsa_padding.MGF1(digest), digest, None))
    nonce = nonce or decode(token["nonce"])
    if mode == "gcm":
        iv = new_bytes(12)
        text = AESGCM(material).encrypt(iv, nonce, None)
    else:
        iv, padder = new_bytes(16), padding.PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(material), modes.CBC(iv)).encryptor()
        text = encryptor.update(padder.update(nonce) + padder.finalize()) + encryptor.finalize()
    return {"payload": base64.b64encode(payload).decode(), "encryptedNonce": base64.b64encode(text).decode(),
            "iv": base64.b64encode(iv).decode(), "encryptionAlgorithm": algorithm}


def adding(kh, fields):
    """The SDK has no parameter for the nonce: its hook adds the fields to the body, as its users must."""
    client = kh.client("manager")

    def add(request):
        body = json.loads(request.body)
        body["resources"][0] |= fields
        request.prepare_body(None, None, json=body)
        return request

    client.set_pre_send_fn(add)
    return client


@success("set_pre_send_fn", "carries a secure import, both hashes with both ciphers")
def secure_import(kh):
    kh.manager.create_import_token(expiration=300, max_allowed_retrievals=1)
    token = kh.manager.get_import_token()
    for algorithm in ("RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"):
        for mode in ("gcm", "cbc"):
            for size in (16, 24, 32):
                material = new_bytes(size)
                key = adding(kh, sealed(token, material, algorithm, mode)).create_key("secure", root=True)
                equal(key["imported"], True, "imported")
                twin = kh.manager.create_key("twin", payload=material, root=True)["id"]
                equal(kh.manager.unwrap(twin, kh.manager.wrap(key["id"], b"the same material")["ciphertext"]), b"the same material",
                      f"{algorithm} {mode} {size}")


@refusal("set_pre_send_fn", "carries a secure import with a wrong nonce, a wrong IV, and one without the other")
def secure_import_refused(kh):
    kh.manager.create_import_token(expiration=300, max_allowed_retrievals=1)
    token = kh.manager.get_import_token()
    wrong_nonce = sealed(token, new_bytes(32), nonce=new_bytes(12))
    refused(400, "INCORRECT_NONCE_ERR", adding(kh, wrong_nonce).create_key, "bad", root=True)
    wrong_iv = sealed(token, new_bytes(32)) | {"iv": base64.b64encode(new_bytes(12)).decode()}
    refused(400, "INCORRECT_NONCE_IV_ERR", adding(kh, wrong_iv).create_key, "bad", root=True)
    for missing in ("iv", "encryptedNonce"):
        fields = sealed(token, new_bytes(32))
        del fields[missing]
        refused(400, "INVALID_FIELD_ERR", adding(kh, fields).create_key, "bad", root=True)
    refused(400, "INVALID_FIELD_ERR", adding(kh, sealed(token, new_bytes(32))).create_key, "bad", root=False)
