"""What the fixtures stand on: a deployment, its instances and identities, and the calls that make targets."""
import base64
import itertools
import json
import urllib.parse
import uuid

from administrators import ADD_ADMINISTRATOR, Administrator, Unit
from master_keys import MasterKey

from .request import to_json
from .wire import Wire, request_bytes

KEY, POLICY = "application/vnd.ibm.kms.key+json", "application/vnd.ibm.kms.policy+json"
ACCOUNT = "a/" + "0" * 32
POLICIES = ("dualAuthDelete", "metrics", "allowedNetwork", "allowedIP", "keyCreateImportAccess", "rotation")


def envelope(*resources, kind=KEY):
    return {"metadata": {"collectionType": kind, "collectionTotal": len(resources)}, "resources": list(resources)}


def b64(data):
    return base64.b64encode(data).decode()


class Shared:
    """Made once; read by all threads."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.url, self.ca = deployment.url, deployment.ca
        self.numbers = itertools.count(1)
        self.admin = deployment.token()
        self.main = deployment.instance("main", rotation_interval=0)
        self.second = deployment.instance("second", rotation_interval=0)  # where somebody else works, and import tokens are read
        self.rotating = deployment.instance("rotating", rotation_interval=0)  # holds a committed new master key
        master = MasterKey(deployment, self.rotating)
        master.load(master.new_parts())
        self.purger = self.token_of("purger", "KMS Key Purge")
        self.stranger = self.token_of("stranger", "Manager", self.second)
        self.crn = f"crn:v1:bluemix:public:object-storage:local:{ACCOUNT}:{uuid.UUID(int=1)}"
        self.service = self.service_token()
        self.revoked = self.revoked_token()
        first = World(self)
        # One for each instance policy: they are set one after the other while other calls run.
        self.instances = {kind: first.instance() for kind in POLICIES}
        self.target_key = first.key()["crn"]
        first.call("POST", "/api/v2/import_token", {"expiration": 86400, "maxAllowedRetrievals": 500}, instance=self.second)
        first.close()

    def token_of(self, name, role, instance=None):
        return self.deployment.token(self.deployment.service_id(name, role, instance or self.main))

    def service_token(self):
        """A service that owns the resources below its CRN."""
        d = self.deployment
        iam_id = d.call("POST", "/v1/serviceids", {"name": "storage", "service_crn": self.crn}).json["iam_id"]
        done = d.call("POST", "/v1/policies", {"subjects": [{"attributes": [{"name": "iam_id", "value": iam_id}]}], "roles": [{"display_name": "Reader"}],
                                               "resources": [{"attributes": [{"name": "serviceInstance", "value": self.main}]}]})
        assert done.status == 201, done.body
        return d.token(d.call("POST", "/v1/apikeys", {"name": "storage", "iam_id": iam_id}).json["apikey"])

    def revoked_token(self):
        """Of an identity that is gone."""
        d = self.deployment
        token = self.token_of("gone", "Manager")
        gone = next(one["id"] for one in d.call("GET", "/v1/serviceids").json["serviceids"] if one["name"] == "gone")
        assert d.call("DELETE", f"/v1/serviceids/{gone}").status == 204
        return token


class World:
    """One thread's view, with a connection of its own."""

    def __init__(self, shared):
        self.shared = shared
        self.wire = Wire(shared.url, shared.ca)
        self.unit = self.administrator = None  # of proposing()
        self.blocks = 0

    def close(self):
        self.wire.close()

    def name(self, prefix):
        """A name of its own that stays one with a letter more or less at its end."""
        return f"{prefix}-{next(self.shared.numbers)}-x"

    def headers(self, token=None, instance=None, body=None):
        out = [("Host", self.wire.host)]
        if token:
            out.append(("Authorization", "Bearer " + token))
        if instance:
            out.append(("Bluemix-Instance", instance))
        if body is not None:
            out += [("Content-Type", "application/json")]
        return out

    def call(self, method, target, body=None, token=None, instance=None, expect=(200, 201, 204)):
        """A call that must succeed; its JSON."""
        headers = self.headers(token or self.shared.admin, instance, body)
        data = None if body is None else to_json(body)
        if method not in ("GET", "HEAD"):
            headers.append(("Content-Length", str(len(data or b""))))
        reply = self.wire.send(request_bytes(method, target, headers, data), method == "HEAD")
        assert reply.status in expect, f"fixture: {method} {target} {body} answered {reply.status} {reply.body[:500]!r}"
        return json.loads(reply.body) if reply.body else None

    # --- Targets ---
    def key(self, overrides=None, **fields):
        resource = {"type": KEY, "name": self.name("key"), "extractable": False} | fields
        path = "/api/v2/keys"
        if overrides is not None:
            path, resource = "/api/v2/keys_with_policy_overrides", resource | overrides
        return self.call("POST", path, envelope(resource), instance=self.shared.main)["resources"][0]

    def act(self, key, action, body=None):
        return self.call("POST", f"/api/v2/keys/{key}/actions/{action}", body, instance=self.shared.main)

    def imported(self):
        return self.key(payload=b64(b"m" * 32))["id"]

    def dual(self):
        return self.key(overrides={"dualAuthDelete": {"enabled": True}})["id"]

    def deleted(self):
        key = self.key()["id"]
        self.call("DELETE", f"/api/v2/keys/{key}", instance=self.shared.main)
        return key

    def disabled(self):
        key = self.key()["id"]
        self.act(key, "disable")
        return key

    def wrapped(self):
        key = self.key()["id"]
        return key, self.act(key, "wrap", {"plaintext": b64(b"d" * 32), "aad": ["tenant"]})["ciphertext"]

    def alias(self):
        name = self.name("alias")
        return self.key(aliases=[name])["id"], name

    def ring(self):
        name = self.name("ring")
        self.call("POST", f"/api/v2/key_rings/{name}", instance=self.shared.main)
        return name

    def resource_crn(self):
        return urllib.parse.quote(f"{self.shared.crn}:bucket:{self.name('bucket')}", safe="")

    def registration(self, rotated=False):
        """Key, CRN as in a path, tag, newest version."""
        key, crn = self.key()["id"], self.resource_crn()
        body = envelope({"description": "made by a fixture"}, kind="application/vnd.ibm.kms.registration_input+json")
        path = f"/api/v2/keys/{key}/registrations"
        self.call("POST", f"{path}/{crn}", body, token=self.shared.service, instance=self.shared.main)
        version = key
        if rotated:
            self.act(key, "rotate")
            version = self.call("GET", f"/api/v2/keys/{key}/versions", instance=self.shared.main)["resources"][0]["id"]
        return key, crn, version

    def tag(self, key):
        reply = self.wire.send(request_bytes("GET", f"/api/v2/keys/{key}/registrations", self.headers(self.shared.service, self.shared.main), None))
        return reply.headers.get("ETag")

    def event(self):
        """An unacknowledged rotation: event and version."""
        key, _, version = self.registration(rotated=True)
        events = self.call("GET", "/api/v2/lifecycle_events?limit=5000", token=self.shared.service, instance=self.shared.main)
        return next(one["id"] for one in events["resources"] if one["keyId"] == key), version

    def intent(self):
        key = self.key()["id"]
        self.call("POST", f"/api/v2/keys/{key}/migrationIntent", envelope({"targetCRK": self.shared.target_key}), instance=self.shared.main)
        return key

    def identity(self):
        return self.call("POST", "/v1/serviceids", {"name": self.name("service")})["iam_id"]

    def api_key(self):
        return self.call("POST", "/v1/apikeys", {"name": self.name("api-key"), "iam_id": self.identity()})

    def access_policy(self):
        return self.call("POST", "/v1/policies", self.access_policy_body())["id"]

    def access_policy_body(self):
        return {"subjects": [{"attributes": [{"name": "iam_id", "value": self.identity()}]}], "roles": [{"display_name": "Writer"}],
                "resources": [{"attributes": [{"name": "serviceInstance", "value": self.shared.main}]}]}

    def instance(self):
        return self.call("POST", "/v2/resource_instances", {"name": self.name("instance"), "parameters": {"units": 1}})["guid"]

    def proposing(self):
        """A unit in imprint mode, of this world alone, with one administrator who can sign."""
        if self.unit is None:
            guid = self.instance()
            self.administrator = Administrator(self.shared.deployment.home, self.name("administrator")[:30])
            self.unit = Unit(self.call, guid)
            self.unit.run(ADD_ADMINISTRATOR, self.administrator.certificate())
        return self.unit

    def command_block(self):
        """Another one each time; the unit refuses to carry it out, so the next is for the same counter."""
        self.blocks += 1
        unit = self.proposing()
        if self.blocks % 50 == 0:  # at most 100 are open
            for one in self.call("GET", f"/v1/tke/{unit.instance}/proposals")["proposals"]:
                self.call("DELETE", f"/v1/tke/{unit.instance}/proposals/{one['id']}")
        return unit.block(ADD_ADMINISTRATOR, self.blocks.to_bytes(4, "big"))

    def proposal(self):
        unit = self.proposing()
        block = self.command_block()
        made = self.call("POST", f"/v1/tke/{unit.instance}/proposals", {"hsm_id": unit.id, "block": b64(block)})
        return made["id"], block

    def hsm(self):
        return self.call("GET", f"/v1/tke/{self.shared.main}/hsms")["hsms"][0]
