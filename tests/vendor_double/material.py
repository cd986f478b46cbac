"""Key material that a caller brings, plainly or under an import token; and the import token itself."""
import collections
import concurrent.futures
import dataclasses
import hmac
import secrets

from . import aes
from .calls import Reply
from .errors import Refusal, bad_field
from .fields import b64, binary, integer, parameters, show, text
from .rsa import RsaKey

ROOT_SIZES, STANDARD_MOST = (16, 24, 32), 7500
HASHES = {"RSAES_OAEP_SHA_1": "sha1", "RSAES_OAEP_SHA_256": "sha256"}
# The hash and the length of the IV (12: GCM, 16: CBC) that each service documents.
OWN_FORMS = {"hs-crypto": ("sha1", 16), "kms": ("sha256", 12)}
RETRIEVALS_MOST = 500
TOKEN_BITS = 4096
PAIRS, READY, KEPT = concurrent.futures.ThreadPoolExecutor(2, "rsa"), collections.deque(), collections.deque()


@dataclasses.dataclass
class ImportToken:
    pair: concurrent.futures.Future
    nonce: bytes
    created: float
    lifetime: int
    most: int
    remaining: int

    @property
    def expires(self):
        return self.created + self.lifetime

    def show(self):
        return {"creationDate": show(self.created), "expirationDate": show(self.expires), "maxAllowedRetrievals": self.most,
                "remainingRetrievals": self.remaining}


def prepare(count, again=False):
    """Makes key pairs of import tokens ahead: one takes seconds, and whoever retrieves a token waits for its pair. `again`: these
    serve by turns, for as long as the process lives; two or more, so that a token has another pair than the one it replaces. Returns the
    pairs in the making."""
    pairs = [PAIRS.submit(RsaKey, TOKEN_BITS) for _ in range(count)]
    (KEPT if again else READY).extend(pairs)
    return pairs


def next_pair(before):
    """Another pair than that of the token `before`, which may be None."""
    if KEPT:
        KEPT.rotate()
        return next(pair for pair in KEPT if before is None or pair is not before.pair)
    return READY.popleft() if READY else PAIRS.submit(RsaKey, TOKEN_BITS)


def create_token(call):
    if call.service.imports == "none":
        raise Refusal("NOT_FOUND_ERR", "There is no such path")
    fields = parameters(call.body)
    lifetime, most = integer(fields, "expiration", 300, 86400, 600), integer(fields, "maxAllowedRetrievals", 1, RETRIEVALS_MOST, 1)
    call.need_master_key()
    token = ImportToken(next_pair(call.instance.import_token), secrets.token_bytes(12), call.now, lifetime, most, most)
    call.instance.import_token = token
    return Reply(200, token.show())


def get_token(call):
    token = call.instance.import_token
    if token is None:
        raise Refusal("IMPORT_TOKEN_NOT_FOUND_ERR", "The instance has no import token")
    if token.expires <= call.now or token.remaining == 0:
        raise Refusal("IMPORT_TOKEN_EXPIRED_ERR", "The import token is expired or was retrieved as often as it may be")
    pem = token.pair.result().public_pem
    token.remaining -= 1
    return Reply(200, token.show() | {"payload": b64(pem.encode()), "nonce": b64(token.nonce)})


def given(call, fields, extractable):
    """The material in `fields`, or None when there is none. Errors: INVALID_FIELD_ERR and those of a secure import."""
    payload, nonce, iv = binary(fields, "payload"), binary(fields, "encryptedNonce"), binary(fields, "iv")
    if (nonce is None) != (iv is None):
        missing = "iv" if iv is None else "encryptedNonce"
        raise bad_field(missing, "encryptedNonce and iv come together or not at all")
    if payload is None:
        if nonce is not None:
            raise bad_field("payload", "encryptedNonce needs a payload")
        return None
    if nonce is not None:
        return unsealed(call, fields, payload, nonce, iv, extractable)
    policy = call.instance.policies.get("keyCreateImportAccess")
    if policy and policy.data["enabled"] and policy.data["attributes"]["enforce_token"]:
        raise Refusal("KEY_CREATE_IMPORT_ACCESS_ERR", "The instance policy keyCreateImportAccess demands an import token")
    if extractable and not 1 <= len(payload) <= STANDARD_MOST:
        raise bad_field("payload", f"A standard key has 1 to {STANDARD_MOST} bytes")
    if not extractable and len(payload) not in ROOT_SIZES:
        raise bad_field("payload", "A root key has 16, 24 or 32 bytes")
    return payload


def unsealed(call, fields, payload, nonce, iv, extractable):
    if extractable:
        raise Refusal("KEY_ROOT_REQ_ERR", "Only root keys can be imported with an import token")
    hash_name = HASHES.get(text(fields, "encryptionAlgorithm") or "RSAES_OAEP_SHA_256")
    if hash_name is None:
        raise bad_field("encryptionAlgorithm", "encryptionAlgorithm must be one of " + ", ".join(HASHES))
    if call.service.imports == "own" and (hash_name, len(iv)) != OWN_FORMS[call.service.kind]:
        raise bad_field("encryptionAlgorithm", "This service takes another hash or another cipher for the nonce")
    token = call.instance.import_token
    if token is None or token.expires <= call.now:
        raise Refusal("IMPORT_TOKEN_EXPIRED_ERR", "There is no import token that is not expired")
    content = token.pair.result().oaep_decrypt(payload, hash_name)
    wrong = Refusal("INCORRECT_NONCE_IV_ERR", "The nonce was not encrypted with the given material, or the IV is wrong")
    if content is None or len(content) not in ROOT_SIZES or len(iv) not in (12, 16):
        raise wrong
    found = (aes.gcm_decrypt if len(iv) == 12 else aes.cbc_decrypt)(content, iv, nonce)
    if found is None:
        raise wrong
    if not hmac.compare_digest(found, token.nonce):
        raise Refusal("INCORRECT_NONCE_ERR", "The nonce is not that of the import token")
    return content
