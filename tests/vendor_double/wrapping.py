"""The wrapped form of a DEK: base64 of a JSON object as Key Protect's (handle, version, iv, ciphertext), not Keyhaven's form.

Encrypt-then-MAC with HMAC-SHA-256 under keys derived from a root key's material. The AAD is authenticated, the handle (the id of
the version that wrapped) is only a hint: a key with equal material opens the same text.
"""
import base64
import hashlib
import hmac
import json
import os

from .errors import Refusal, bad_field

FORMAT, BEGINNING = "4.0.0", b'{"handle":"'
AAD_MOST, AAD_LONGEST = 255, 255


def derive(material, purpose):
    return hmac.new(material, b"vendor double, " + purpose, hashlib.sha256).digest()


def stream(material, iv, text):
    key, out = derive(material, b"encrypt"), bytearray()
    for number in range(-(-len(text) // 32)):
        out += hmac.new(key, iv + number.to_bytes(4, "big"), hashlib.sha256).digest()
    return bytes(a ^ b for a, b in zip(text, out))


def tag(material, iv, text, aad):
    mac = hmac.new(derive(material, b"authenticate"), iv, hashlib.sha256)
    for part in [*(each.encode() for each in aad), text]:
        mac.update(len(part).to_bytes(8, "big") + part)
    mac.update(len(aad).to_bytes(8, "big"))
    return mac.digest()


def wrap(version, plaintext, aad):
    iv = os.urandom(12)
    text = stream(version.material, iv, plaintext)
    form = {"handle": version.id, "version": FORMAT, "iv": base64.b64encode(iv).decode(),
            "ciphertext": base64.b64encode(text + tag(version.material, iv, text, aad)).decode()}
    return base64.b64encode(json.dumps(form, separators=(",", ":")).encode()).decode()


def unwrap(versions, wrapped, aad):
    """(plaintext, version that wrapped it). `wrapped`: the decoded base64. Errors: INVALID_FIELD_ERR for what does not begin as
    this form does, UNPROCESSABLE_CIPHERTEXT_ERR when it is damaged or no version of the key authenticates it."""
    if not wrapped.startswith(BEGINNING):
        raise bad_field("ciphertext", "The ciphertext is not one of this service")
    wrong = Refusal("UNPROCESSABLE_CIPHERTEXT_ERR", "The ciphertext was not made by this key with this additional authenticated data")
    try:
        form = json.loads(wrapped)
        whole, iv = (base64.b64decode(form[name], validate=True) for name in ("ciphertext", "iv"))
        if set(form) != {"ciphertext", "iv", "version", "handle"} or form["version"] != FORMAT or len(iv) != 12 or len(whole) < 32:
            raise ValueError("another form")
    except (ValueError, KeyError, TypeError):
        raise wrong from None
    text, mac = whole[:-32], whole[-32:]
    for version in sorted(versions, key=lambda each: each.id != form["handle"]):
        if hmac.compare_digest(tag(version.material, iv, text, aad), mac):
            return stream(version.material, iv, text), version
    raise wrong
