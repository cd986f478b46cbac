"""Two parties of a sealed transfer: a deployment each, an instance with its administrators, and what a source may hold."""
import datetime
import hashlib
import json
import os
import secrets
import struct

from harness import b64, envelope, wait_until
from test_registrations import Service

POLICY = "application/vnd.ibm.kms.policy+json"
# Fast clocks, and a deleted key that can be purged and restored at once.
SETTINGS = {"keys__sweep_period_seconds": 1, "keys__enable_after_disable_seconds": 0, "keys__purge_after_delete_seconds": 0,
            "keys__restore_after_delete_seconds": 0}
EVERY_STATE = "/api/v2/keys?state=0,1,2,3,5&limit=5000"
OF_ITS_OWN = ("crn", "lastUpdateDate")  # what each side says for itself


class Party:
    """An instance that its two administrators have initialised; commands on its own deployment."""

    def __init__(self, deployment, name, control_point=None):
        self.d, self.instance = deployment, deployment.instance(name)
        self.signers = [f"{self.instance[:8]}-admin{number}:{deployment.home}/{self.instance[:8]}-admin{number}.password"
                        for number in (1, 2)]
        self.root = deployment.home / "root"
        if not self.root.exists():
            shown = self.tke("attestation").stdout
            self.root.write_text("\n".join(line for line in shown.splitlines() if line[:2] in ("SK", "X:", "Y:")) + "\n")
        if control_point:
            self.allow(control_point)

    def by(self, count=2):
        return [part for signer in self.signers[:count] for part in ("--signer", signer)]

    def tke(self, *arguments, **options):
        return self.d.cli("tke", *arguments, "--instance", self.instance, **options)

    def allow(self, control_point):
        self.tke(f"cryptounit-cp-{control_point}", *self.by(), "--yes")

    def forbid(self, control_point):
        for proposal in self.propose("control-points-off", control_point):
            self.send(proposal)

    def propose(self, *command):
        """With the first administrator's signature."""
        done = self.tke("propose", *command, *self.by(1), "--yes", "--output", "json")
        return json.loads(done.stdout.splitlines()[0])["proposals"]

    def send(self, proposal, **options):
        self.tke("proposal-sign", proposal["id"], "--signer", self.signers[1], "--yes")
        return self.tke("proposal-send", proposal["id"], "--yes", **options)

    def transfer(self, verb, *arguments, **options):
        return self.d.cli("transfer", verb, *arguments, "--instance", self.instance, **options)

    def signed(self, verb, *arguments, signers=2, **options):
        """offer, export, consent: against this deployment's pinned root."""
        return self.transfer(verb, *arguments, "--attestation-root", self.root, *self.by(signers), "--yes", **options)

    def offer(self, source, out, root=None, instance=None, **options):
        self.signed("offer", "--source-root", root or source.root, "--source-instance", instance or source.instance, "--out", out,
                    **options)
        return out

    def export(self, offer, target, bundle, *more, **options):
        return self.signed("export", "--offer", offer, "--target-root", target.root, "--bundle", bundle, *more, **options)

    def consent(self, bundle, source, **options):
        return self.signed("consent", "--bundle", bundle, "--source-root", source.root, **options)

    def take(self, bundle, *more, **options):
        return json.loads(self.transfer("import", "--bundle", bundle, *more, "--output", "json", **options).stdout.splitlines()[0])

    def status(self):
        return json.loads(self.transfer("status", "--output", "json").stdout)

    def call(self, method, path, body=None):
        return self.d.call(method, path, body, instance=self.instance)

    def keys(self):
        """Every key by its id, as far as both sides must say the same."""
        listed = self.call("GET", EVERY_STATE).json.get("resources", [])
        out = {key["id"]: {name: value for name, value in key.items() if name not in OF_ITS_OWN} for key in listed}
        assert len(out) == len(listed), "a key is there twice"
        return out

    def of_key(self, key, what):
        answer = self.call("GET", f"/api/v2/keys/{key}/{what}")
        if answer.status != 200:
            return answer.code  # standard keys have no versions to tell
        rows = answer.json.get("resources", [])
        return sorted(json.dumps({name: value for name, value in row.items() if name not in OF_ITS_OWN}, sort_keys=True) for row in rows)

    def audit_text(self):
        return "\n".join(json.dumps(event) for event in self.d.audit_records())


def verify(source, target, bundle, **options):
    """As somebody does who reaches both."""
    sides = []
    for name, party in (("source", source), ("target", target)):
        sides += [f"--{name}-url", party.d.url, f"--{name}-ca", party.d.ca, f"--{name}-api-key-file", party.d.data / "server/admin-api-key"]
    done = target.d.cli("transfer", "verify", "--bundle", bundle, *sides, "--output", "json", **options)
    return json.loads(done.stdout.splitlines()[0])


class Content:
    """One key of each kind in a source; WDEKs of every version, and the material that nobody may find."""

    def __init__(self, party):
        self.party, self.d, self.i = party, party.d, party.instance
        self.canaries, self.deks = [], []  # (key, DEK, AAD, WDEK)
        assert party.call("POST", "/api/v2/key_rings/team").status == 201
        self.turned = self.key("turned", aliases=["turned-a", "turned-b"], description="what it is for", tags=["x", "y z"])
        for _ in range(3):
            self.rotate(self.turned)
        self.imported = self.key("imported", payload=self.canary(), aliases=["with-material"])
        self.rotate(self.imported, {"payload": self.canary()})
        self.ringed = self.key("ringed", policies=False)
        assert party.call("PATCH", f"/api/v2/keys/{self.ringed}", {"keyRingID": "team"}).status == 200
        self.standard = self.key("standard", extractable=True, payload=self.canary(48), aliases=["standard-alias"])
        self.made = self.key("made", extractable=True)
        self.governed = self.key("governed")
        self.put_policies(self.governed, {"rotation": {"enabled": True, "interval_month": 3}}, {"dualAuthDelete": {"enabled": True}})
        self.registered = self.key("registered")
        service = Service(self.d, f"bucket-{self.i[:8]}", self.i)
        service.register(self.registered, "one", preventKeyDeletion=True)
        service.register(self.registered, "two", description="the second")
        self.asleep = self.key("asleep")
        self.act(self.asleep, "disable")
        self.deleted = self.key("deleted", aliases=["was-here"])
        assert party.call("DELETE", f"/api/v2/keys/{self.deleted}").status in (200, 204)
        # Last: by the time it has expired it is carried as expired.
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
        self.expired = self.key("expired", expirationDate=end.isoformat())
        wait_until(lambda: self.state(self.expired) == 3, "the key has expired")

    def canary(self, size=32):
        self.canaries.append(os.urandom(size))
        return b64(self.canaries[-1])

    def key(self, name, policies=None, **fields):
        key = self.d.create_key(self.i, name, **fields)["id"]
        if not fields.get("extractable"):
            self.wrap(key)
        return key

    def wrap(self, key):
        dek, aad = os.urandom(32), [[], ["one"], ["a, \"b\"", "2"]][len(self.deks) % 3]
        self.deks.append((key, dek, aad, self.d.wrap(self.i, key, dek, aad)))

    def rotate(self, key, body=None):
        self.act(key, "rotate", body)
        self.wrap(key)

    def act(self, key, action, body=None):
        answer = self.d.action(self.i, key, action, body)
        assert answer.status == 204, answer.body

    def put_policies(self, key, *policies):
        answer = self.party.call("PUT", f"/api/v2/keys/{key}/policies", envelope(*({"type": POLICY} | one for one in policies)))
        assert answer.status == 200, answer.body

    def state(self, key):
        return self.party.call("GET", f"/api/v2/keys/{key}/metadata").json["resources"][0]["state"]

    def found_in(self, paths):
        """Where material stands in clear, in any of the forms it could have."""
        out = []
        needles = [form for one in self.canaries for form in (one, b64(one).encode(), one.hex().encode(), one.hex().upper().encode())]
        for path in paths:
            content = path.read_bytes()
            out += [str(path) for needle in needles if needle in content]
        return out


def many_keys(party, count):
    """Root keys of one version each."""
    out, connection = [], party.d.connect()
    for number in range(count):
        answer = party.d.call("POST", "/api/v2/keys", envelope({"name": f"many-{number}", "extractable": False}), instance=party.instance,
                              connection=connection)
        assert answer.status == 201, answer.body
        out.append(answer.json["resources"][0]["id"])
    connection.close()
    return out


class Bundle:
    """A bundle taken apart, as somebody does who wants to alter it: checksums come out right again."""
    MAGIC = b"keyhaven transfer bundle 1\n"
    HEAD, STEP, MANIFEST = 1, 2, 3

    def __init__(self, path):
        data = path.read_bytes()
        assert data.startswith(self.MAGIC)
        self.parts, at = [], len(self.MAGIC)
        while at < len(data):
            kind, size = struct.unpack_from(">BI", data, at)
            content = data[at + 5:at + 5 + size]
            assert hashlib.sha256(data[at:at + 5 + size]).digest() == data[at + 5 + size:at + 37 + size]
            self.parts.append([kind, bytearray(content)])
            at += 37 + size

    def of(self, kind):
        return [content for part, content in self.parts if part == kind]

    def write(self, path):
        out = bytearray(self.MAGIC)
        for kind, content in self.parts:
            part = struct.pack(">BI", kind, len(content)) + bytes(content)
            out += part + hashlib.sha256(part).digest()
        path.write_bytes(out)
        return path

    @staticmethod
    def chunk_of(step):
        return slice(8, 8 + struct.unpack_from(">I", step, 4)[0])

    @classmethod
    def digest_again(cls, step):
        where = cls.chunk_of(step)
        step[where.stop:where.stop + 32] = hashlib.sha256(step[where]).digest()


def fresh(directory, ending):
    return directory / f"{secrets.token_hex(6)}.{ending}"
