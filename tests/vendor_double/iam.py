"""Identities with roles on instances, API keys and tokens."""
import base64
import dataclasses
import json
import secrets
import threading

from .errors import Refusal, unauthorized
from .fields import new_id
from .rsa import RsaKey

READ, WRITE, MANAGE = {"Reader", "ReaderPlus", "Writer", "Manager"}, {"Writer", "Manager"}, {"Manager"}
# Which roles may do what; the names are the service's.
ROLES = {
    "secrets.list": READ, "secrets.create": WRITE, "secrets.override": MANAGE, "secrets.read": READ - {"Reader"},
    "secrets.readmetadata": READ, "secrets.patch": MANAGE, "secrets.delete": MANAGE, "secrets.purge": {"KeyPurge"},
    "secrets.restore": MANAGE, "secrets.listkeyversions": READ, "secrets.wrap": READ, "secrets.unwrap": READ, "secrets.rewrap": READ,
    "secrets.rotate": WRITE, "secrets.disable": MANAGE, "secrets.enable": MANAGE, "secrets.setkeyfordeletion": WRITE,
    "secrets.unsetkeyfordeletion": WRITE, "secrets.sync": WRITE, "secrets.eventack": READ, "policies.read": MANAGE,
    "policies.write": MANAGE, "instancepolicies.read": MANAGE, "instancepolicies.write": MANAGE, "instance.readallowedipport": MANAGE,
    "importtoken.create": WRITE, "importtoken.read": WRITE, "secrets.createalias": WRITE, "secrets.deletealias": MANAGE,
    "keyrings.list": READ, "keyrings.create": WRITE, "keyrings.delete": MANAGE, "registrations.list": READ,
    "registrations.write": READ, "migrationintent.write": MANAGE, "migrationintent.read": READ,
}
APIKEY_GRANT = "urn:ibm:params:oauth:grant-type:apikey"


@dataclasses.dataclass
class Identity:
    iam_id: str
    name: str
    roles: dict  # instance -> set of role names
    service_crn: str = None  # the eight segments of a service that registers resources


@dataclasses.dataclass
class Token:
    identity: Identity
    expires: float


class TokenRefused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


def segment(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unsegment(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Iam:
    """`now` is the service's clock, in seconds; `lifetime` of tokens likewise."""

    def __init__(self, now, account, lifetime=3600):
        self.now, self.account, self.lifetime = now, account, lifetime
        self.lock, self.signer, self.kid = threading.Lock(), RsaKey(2048), "double-1"
        self.api_keys, self.tokens, self.refresh_tokens = {}, {}, {}
        self.tokens_made = 0

    def add(self, name, roles, service_crn=None):
        """A new identity; returns (identity, API key)."""
        identity = Identity(f"iam-ServiceId-{new_id()}", name, {instance: set(each) for instance, each in roles.items()}, service_crn)
        api_key = secrets.token_urlsafe(33)
        with self.lock:
            self.api_keys[api_key] = identity
        return identity, api_key

    def grant(self, form):
        """The answer to a token call. `form`: name -> value. Errors: TokenRefused."""
        kind = form.get("grant_type")
        if kind == APIKEY_GRANT:
            identity = self.api_keys.get(form.get("apikey", ""))
            refusal = TokenRefused("BXNIM0415E", "Provided API key could not be found.")
        elif kind == "refresh_token":
            identity = self.refresh_tokens.get(form.get("refresh_token", ""))
            refusal = TokenRefused("BXNIM0408E", "Provided refresh_token is unknown.")
        else:
            raise TokenRefused("BXNIM0109E", "Property grant_type is missing or not supported.")
        if identity is None:
            raise refusal
        return self.issue(identity, kind)

    def issue(self, identity, kind):
        now = int(self.now())
        claims = {"iam_id": identity.iam_id, "id": identity.iam_id, "realmid": "iam", "jti": new_id(), "identifier": identity.iam_id,
                  "sub": identity.iam_id, "sub_type": "ServiceId", "name": identity.name, "unique_instance_crns": [],
                  "account": {"valid": True, "bss": self.account}, "iat": now, "exp": now + self.lifetime,
                  "iss": "https://vendor-double.example/identity", "grant_type": kind, "scope": "ibm openid", "client_id": "default",
                  "acr": 1, "amr": ["pwd"]}
        text = segment(json.dumps({"kid": self.kid, "alg": "RS256"}).encode()) + b"." + segment(json.dumps(claims).encode())
        token, refresh = (text + b"." + segment(self.signer.sign(text))).decode(), secrets.token_urlsafe(48)
        with self.lock:
            self.tokens[token] = Token(identity, now + self.lifetime)
            self.refresh_tokens[refresh] = identity
            self.tokens_made += 1
        return {"access_token": token, "refresh_token": refresh, "token_type": "Bearer", "expires_in": self.lifetime,
                "expiration": now + self.lifetime, "ims_user_id": 1, "scope": "ibm openid"}

    def expire_all(self):
        """Every token given so far is expired from now on; refresh tokens and API keys stay good."""
        with self.lock:
            self.tokens.clear()

    def caller(self, header):
        """The identity of an Authorization header. Errors: Refusal, 401 or BEARER_SUB_EXTRACTION_ERR."""
        if not header:
            raise unauthorized("The Authorization header is missing")
        kind, _, token = header.partition(" ")
        try:
            if kind.lower() != "bearer":
                raise ValueError("not a bearer token")
            head, body, _ = token.strip().split(".")
            json.loads(unsegment(head))["alg"]
            json.loads(unsegment(body))["sub"]
        except (ValueError, KeyError, TypeError):
            raise Refusal("BEARER_SUB_EXTRACTION_ERR", "The subject of the bearer token cannot be read") from None
        with self.lock:
            known = self.tokens.get(token.strip())
        if known is None or known.expires <= self.now():
            raise unauthorized("The token is expired or not valid")
        return known.identity

    def key_set(self):
        def number(value):
            return segment(value.to_bytes(-(-value.bit_length() // 8), "big")).decode()

        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid, "n": number(self.signer.n),
                          "e": number(self.signer.e)}]}


def allowed(identity, instance, action):
    return bool(ROLES[action] & identity.roles.get(instance, set()))
