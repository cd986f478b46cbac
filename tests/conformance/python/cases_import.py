"""Import tokens, and secure import with them. The key pair behind a token takes the service seconds to make, so the cases share
one; the last cases replace it."""
import base64
import json

from context import UNAUTHORIZED, decode, new_bytes, refused
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from suite import equal, refusal, success, true


def shared_token(kh):
    if not hasattr(kh, "token"):
        kh.manager.create_import_token(expiration=86400, max_allowed_retrievals=50)
        kh.token = kh.manager.get_import_token()
    return kh.token


@success("create_import_token", "with the longest life and 50 retrievals")
def create_token(kh):
    token = kh.manager.create_import_token(expiration=86400, max_allowed_retrievals=50)
    equal((token["maxAllowedRetrievals"], token["remainingRetrievals"]), (50, 50))
    kh.token = kh.manager.get_import_token()
    equal((kh.token["maxAllowedRetrievals"], kh.token["remainingRetrievals"]), (50, 49), "after one retrieval")


@refusal("create_import_token", "of 299 s, of 86401 s; a Reader may not")
def token_refused(kh):
    for seconds in (299, 86401):
        refused(400, "INVALID_FIELD_ERR", kh.manager.create_import_token, expiration=seconds)
    refused(401, UNAUTHORIZED, kh.reader.create_import_token)


@success("get_import_token", "is an RSA key of 4096 bits that a library reads, and a nonce")
def get_token(kh):
    token = shared_token(kh)
    key = serialization.load_pem_public_key(decode(token["payload"]))
    equal(key.key_size, 4096, "bits")
    equal(len(decode(token["nonce"])), 12, "bytes of nonce")


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
    token = shared_token(kh)
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
    token = shared_token(kh)
    wrong_nonce = sealed(token, new_bytes(32), nonce=new_bytes(12))
    refused(400, "INCORRECT_NONCE_ERR", adding(kh, wrong_nonce).create_key, "bad", root=True)
    wrong_iv = sealed(token, new_bytes(32)) | {"iv": base64.b64encode(new_bytes(12)).decode()}
    refused(400, "INCORRECT_NONCE_IV_ERR", adding(kh, wrong_iv).create_key, "bad", root=True)
    for missing in ("iv", "encryptedNonce"):
        fields = sealed(token, new_bytes(32))
        del fields[missing]
        refused(400, "INVALID_FIELD_ERR", adding(kh, fields).create_key, "bad", root=True)
    refused(400, "KEY_ROOT_REQ_ERR", adding(kh, sealed(token, new_bytes(32))).create_key, "bad", root=False)


@success("create_import_token", "without anything: ten minutes, one retrieval")
def default_token(kh):
    token = kh.manager.create_import_token()
    equal((token["maxAllowedRetrievals"], token["remainingRetrievals"]), (1, 1))


@refusal("get_import_token", "after the last retrieval")
def token_used_up(kh):
    equal(kh.manager.get_import_token()["remainingRetrievals"], 0)
    refused(409, "IMPORT_TOKEN_EXPIRED_ERR", kh.manager.get_import_token)
