"""The clients of the Python driver, its refusal check, and what its cases share."""
import base64
import itertools
import os
import time

import redstone
import redstone.auth
import redstone.client
from suite import environment, equal, true

try:
    import keyprotect
    make_client = keyprotect.Client
except ImportError:  # redstone alone, as in its older versions

    def make_client(**options):
        return redstone.service("KeyProtect", **options)


Error = redstone.client.KeyProtect.KeyProtectError
# The code a refusal names; on 401 the service names none.
UNAUTHORIZED = None


class LocalSession(redstone.Session):
    """A session whose services are at our address: the only thing a user of redstone.crypto must change."""

    def __init__(self, credentials):
        super().__init__(region="local")
        self.credentials = credentials

    def service(self, service_name, **options):
        return super().service(service_name, endpoint_url=environment("KH_URL"), verify=environment("KH_CA"), **options)


class Context:
    def __init__(self):
        self.instance, self.rules_instance = environment("KH_INSTANCE"), environment("KH_INSTANCE_RULES")
        self.credentials = {name: redstone.auth.TokenManager(environment(variable), iam_endpoint=environment("KH_IAM_URL"))
                            for name, variable in (("manager", "KH_APIKEY"), ("second", "KH_APIKEY_2"), ("writer", "KH_APIKEY_WRITER"),
                                                   ("reader", "KH_APIKEY_READER"), ("purger", "KH_APIKEY_PURGE"), ("nobody", "KH_APIKEY_NOBODY"))}
        self.manager = self.client("manager")
        self.second = self.client("second")
        self.writer = self.client("writer")
        self.reader = self.client("reader")
        self.purger = self.client("purger")
        self.nobody = self.client("nobody")
        self.rules = self.client("manager", self.rules_instance)
        self._numbers = itertools.count(1)
        # Waiting for restore and enable starts before the first case, so that the run waits once.
        self.deleted = self.root("deleted-early")["id"]
        self.deleted_wrapped = self.manager.wrap(self.deleted, b"before the deletion")["ciphertext"]
        self.manager.delete(self.deleted)
        self.disabled = self.root("disabled-early")["id"]
        self.manager.disable_key(self.disabled)
        if hasattr(self.purger, "purge_key"):
            self.purged = self.root("to-purge")["id"]
            self.manager.delete(self.purged)
        waits = [float(environment(name)) for name in ("KH_RESTORE_WAIT", "KH_PURGE_WAIT")]
        self._waiting_over = time.monotonic() + max(waits) + 1.5

    def waiting_over(self):
        return self._waiting_over

    def client(self, who, instance=None):
        return make_client(credentials=self.credentials[who], region="local", service_instance_id=instance or self.instance,
                           endpoint_url=environment("KH_URL"), verify=environment("KH_CA"))

    def session(self, who="manager"):
        return LocalSession(self.credentials[who])

    def name(self, prefix="key"):
        return f"{prefix}-{next(self._numbers)}"

    def root(self, name=None, client=None, **fields):
        return (client or self.manager).create_key(name or self.name(), root=True, **fields)

    def standard(self, name=None, **fields):
        return self.manager.create_key(name or self.name(), root=False, **fields)


def refused(status, code, function, *arguments, target=None, **named):
    """The call must raise the SDK's error with this status and the code inside its text, as the vendor's own tests look for it."""
    try:
        answer = function(*arguments, **named)
    except Error as error:
        response = error.http_error.response
        equal(response.status_code, status, f"status ({error})")
        body = response.json()["resources"][0]
        equal(str(error), body["errorMsg"], "text of the exception")
        if code is UNAUTHORIZED:
            true(not body.get("reasons"), f"a 401 carries no reasons, got {body}")
            return error
        true(f"({code})" in str(error), f"({code}) is not in {error}")
        equal(body["reasons"][0]["code"], code, "reason")
        equal(body["reasons"][0]["status"], status, "status in the reason")
        if target:
            equal(body["reasons"][0].get("target"), target, "target")
        return error
    raise AssertionError(f"expected {status} {code}, but the call answered {answer!r}")


def new_bytes(size):
    return os.urandom(size)


def decode(text):
    return base64.b64decode(text, validate=True)
