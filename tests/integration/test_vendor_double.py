"""Migration from and to another implementation of the API (tests/vendor_double), straight and with everything a service and a
network can do wrong: no key twice, no DEK lost or different, nothing deleted in the source, nothing said that a vendor would refuse.

KH_SEED repeats a run's faults, KH_DOUBLE_FAULT names one fault to run alone.
"""
import csv
import dataclasses
import http.client
import json
import os
import pathlib
import ssl
import sys
import threading
import unittest
import urllib.parse

from harness import KEY_TYPE, Deployment, b64, envelope

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from vendor_double import Double, Fault, Plan, Waits, prepare_import_tokens  # noqa: E402

SEED = int(os.environ.get("KH_SEED", "1"))
ROWS, PLAIN_KEYS = 36, 9
ALL = "/api/v2/keys?state=0,1,2,3,5&limit=5000"
POLICY_TYPE = "application/vnd.ibm.kms.policy+json"


class Side:
    """One end of a migration: an instance of Keyhaven or of the double, spoken to by a client of the test's own."""

    def __init__(self, url, ca, api_key_file, instance):
        self.url, self.ca, self.api_key_file, self.instance = url, ca, api_key_file, instance
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60,
                                                      context=ssl.create_default_context(cafile=ca))
        self.token = None

    def send(self, method, path, body, headers):
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def sign_in(self):
        form = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": pathlib.Path(self.api_key_file).read_text().strip()}
        self.token = self.send("POST", "/identity/token", urllib.parse.urlencode(form), {})[1]["access_token"]

    def call(self, method, path, body=None):
        if self.token is None:
            self.sign_in()
        status, value = self.send(method, path, None if body is None else json.dumps(body),
                                  {"Authorization": "Bearer " + self.token, "Bluemix-Instance": self.instance})
        assert status < 300, (method, path, status, value)
        return value

    def create(self, name, extractable=False, **fields):
        resource = {"type": KEY_TYPE, "name": name, "extractable": extractable} | fields
        return self.call("POST", "/api/v2/keys", envelope(resource))["resources"][0]["id"]

    def action(self, key, action, **body):
        return self.call("POST", f"/api/v2/keys/{key}/actions/{action}", body)

    def wrap(self, key, dek, aad):
        return self.action(key, "wrap", plaintext=b64(dek), **({"aad": aad} if aad else {}))["ciphertext"]

    def keys(self):
        return self.call("GET", ALL)["resources"]

    def options(self, role):
        return [f"--{role}-url", self.url, f"--{role}-iam-url", self.url, f"--{role}-ca", self.ca,
                f"--{role}-api-key-file", self.api_key_file, f"--{role}-instance", self.instance]


class Content:
    """What a source holds, and what the test knows about it: every DEK, every material."""

    def __init__(self, side, home, tag):
        self.side, self.material, self.deks = side, [os.urandom(32), os.urandom(16)], []
        imported = side.create("imported", payload=b64(self.material[0]), aliases=["imp"])
        plain = [side.create("plain", aliases=[f"plain-{number}"], description="what it is for", tags=["a", "b c"])
                 for number in range(PLAIN_KEYS)]  # names are not unique
        side.call("POST", "/api/v2/key_rings/team")
        side.call("PATCH", f"/api/v2/keys/{plain[0]}", {"keyRingID": "team"})
        rows = [self.row(number, [imported, "imp", *plain][number % (PLAIN_KEYS + 2)]) for number in range(ROWS // 2)]
        side.action(imported, "rotate", payload=b64(self.material[1]))
        side.action(plain[1], "rotate")
        rows += [self.row(number, [imported, "imp", *plain][number % (PLAIN_KEYS + 2)]) for number in range(ROWS // 2, ROWS)]
        self.standard = os.urandom(100)
        side.create("standard", extractable=True, payload=b64(self.standard))
        side.action(side.create("suspended"), "disable")
        side.call("DELETE", f"/api/v2/keys/{side.create('destroyed')}")
        self.expected = {"imported": 1, "plain": PLAIN_KEYS, "standard": 1, "suspended": 1}
        self.inventory, self.material_file = home / f"{tag}.csv", home / f"{tag}-material.csv"
        self.material_file.write_text("id,payload\n" + "".join(f"{imported},{b64(each)}\n" for each in self.material))
        self.material_file.chmod(0o600)
        with open(self.inventory, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["key", "wdek", "aad", "ref"])
            writer.writerows(rows)
        self.before = side.keys()

    def row(self, number, key):
        aad = [[], ["one"], ["a, \"b\"", str(number)]][number % 3]
        self.deks.append(os.urandom(16 + number % 17))
        return [key, self.side.wrap(key, self.deks[number], aad), json.dumps(aad) if aad else "", f"r{number}"]


# What may go wrong: name -> (members of a fault plan, directions). A direction in capitals: one run of each verb must get through;
# else the verb may say that it did not, and the same command again goes on. A reply that never came, or a 5xx, may stop a call
# whose repetition could act twice.
FAULTS = {
    "straight": ({}, "FROM TO"),
    "too_many_requests": ({"faults": [Fault("answer", every=5, status=429, retry_after=1, times=8)]}, "FROM TO"),
    "rate_limit": ({"requests_per_second": 40}, "FROM TO"),
    "unavailable": ({"faults": [Fault("answer", every=7, status=503, retry_after=0, times=10)]}, "FROM to"),
    "server_errors": ({"faults": [Fault("answer", probability=0.1, status=500, times=6),
                                  Fault("answer", probability=0.05, status=504, html=True, times=4)]}, "FROM to"),
    "slow": ({"faults": [Fault("slow", every=6, seconds=0.4, times=12)]}, "FROM TO"),
    "lost_replies": ({"faults": [Fault("lose_reply", probability=0.12, times=10)]}, "FROM to"),
    "lost_creations": ({"faults": [Fault("lose_reply", on="POST /api/v2/keys", every=2, times=6)]}, "to"),
    "cut_replies": ({"faults": [Fault("cut_reply", probability=0.12, times=10)]}, "FROM to"),
    "resets": ({"faults": [Fault("reset", probability=0.12, times=10)]}, "FROM to"),
    "identity_errors": ({"faults": [Fault("answer", on="POST /*/token", at=(1, 2), status=503, retry_after=0)]}, "FROM TO"),
    "expired_tokens": ({"faults": [Fault("expire_tokens", every=25, times=4)]}, "from to"),  # a refused token under a minute old is final
    "short_tokens": ({"token_lifetime": 2}, "FROM TO"),
    "short_pages": ({"short_pages": 3}, "FROM TO"),
    "shrinking_pages": ({"shrinking_pages": 4}, "FROM TO"),
    "late_lists": ({"list_delay": 3}, "FROM TO"),
    "clock_ahead": ({"clock_skew": 86400}, "FROM TO"),
    "clock_behind": ({"clock_skew": -86400}, "FROM TO"),
    "everything": ({"short_pages": 4, "list_delay": 2, "faults": [
        Fault("answer", probability=0.05, status=429, retry_after=0, times=8), Fault("lose_reply", probability=0.04, times=5),
        Fault("reset", probability=0.04, times=5), Fault("answer", probability=0.04, status=502, html=True, times=5),
        Fault("expire_tokens", probability=0.02, times=3)]}, "from to"),
}
MOST_RUNS = 12  # of one verb, when a fault may stop it


def plan_of(name):
    """A fresh copy: faults count what they have seen."""
    members = FAULTS[name][0]
    copies = [dataclasses.replace(fault) for fault in members.get("faults", [])]
    return Plan(seed=SEED, **members | ({"faults": copies} if copies else {}))


class Ends(unittest.TestCase):
    """One Keyhaven for all tests, one double for each; what a migration is, and what must hold after it."""

    @classmethod
    def setUpClass(cls):
        prepare_import_tokens(2, again=True)
        cls.deployment = Deployment()
        cls.deployment.start()
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.deployment.close()

    def setUp(self):
        type(self).number += 1
        self.double = Double().start()
        self.addCleanup(self.double.close)

    # --- the two ends ---
    def keyhaven_side(self):
        deployment = self.deployment
        return Side(deployment.url, deployment.ca, str(deployment.data / "server/admin-api-key"),
                    deployment.instance(f"i-{self.number}"))

    def double_side(self, **options):
        instance = self.double.instance(**{"waits": Waits(rotate=0)} | options)
        key_file = self.double.directory / "api-key"
        key_file.write_text(self.double.identity("mover", ["Manager"], [instance]))
        key_file.chmod(0o600)
        return Side(self.double.url, self.double.ca, str(key_file), instance)

    # --- the verbs ---
    def verb(self, *arguments, once):
        """Runs a verb until it has done all, at once when no fault may stop it. Returns what it printed."""
        for _ in range(1 if once else MOST_RUNS):
            done = self.deployment.cli("migrate", *arguments, expect=0 if once else None)
            if done.returncode == 0:
                return done.stdout + done.stderr
            if arguments[0] == "plan":
                arguments[-1].unlink(missing_ok=True)  # a plan is never overwritten, not even a blocked one
        self.fail(f"{arguments[0]} did not get through in {MOST_RUNS} runs:\n{done.stdout}{done.stderr}")

    def migrate(self, source, target, fault="straight", once=True):
        """All verbs with the faults on, and every promise checked with the faults off."""
        home = self.deployment.home
        content = Content(source, home, f"{self.number}")
        plan, out, result = (home / f"{self.number}.{kind}" for kind in ("yaml", "new.csv", "json"))
        material = ["--material", content.material_file]
        self.double.requests.clear()
        self.double.fault(plan_of(fault))
        self.verb("plan", *source.options("source"), *target.options("target"), *material, "--inventory", content.inventory,
                  "--out", plan, once=once)
        self.verb("apply", plan, *material, once=once)
        self.verb("rewrap", plan, "--inventory", content.inventory, "--out", out, once=once)
        self.verb("verify", plan, "--inventory", content.inventory, "--rewrapped", out, "--json", result, once=once)
        requests, fired = list(self.double.requests), self.double.plan.fired()
        if self.double.plan.faults:
            self.assertGreater(fired, 0, "no fault came to pass")
        self.double.fault(Plan())
        self.double.settle()
        source.token = target.token = None  # a clock went back
        verdict = json.loads(result.read_text())
        self.assertEqual((verdict["deks"], verdict["deks_equal"], verdict["metadata_differences"]), (ROWS, ROWS, 0))
        self.check_target(content, target, out)
        self.check_source(content, source, requests)
        self.assertEqual(self.double.lints, [])
        return requests

    # --- the promises ---
    def check_target(self, content, target, out):
        keys = target.keys()
        counts = {}
        for key in keys:
            counts[key["name"]] = counts.get(key["name"], 0) + 1
        self.assertEqual(counts, content.expected, "a key is missing or there twice")
        by_alias = {alias: key for key in keys for alias in key.get("aliases", [])}
        self.assertEqual(set(by_alias), {"imp"} | {f"plain-{number}" for number in range(PLAIN_KEYS)})
        self.assertEqual(by_alias["plain-0"]["keyRingID"], "team")
        self.assertEqual((by_alias["plain-3"]["description"], by_alias["plain-3"]["tags"]), ("what it is for", ["a", "b c"]))
        self.assertEqual(len(target.call("GET", "/api/v2/keys/imp/versions")["resources"]), 2)
        named = {key["name"]: key for key in keys}
        self.assertEqual(named["suspended"]["state"], 2)
        self.assertEqual(target.call("GET", f"/api/v2/keys/{named['standard']['id']}")["resources"][0]["payload"], b64(content.standard))
        with open(out, newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["ref"] for row in rows], [f"r{number}" for number in range(ROWS)])
        for row, dek in zip(rows, content.deks):
            aad = {"aad": json.loads(row["aad"])} if row["aad"] else {}
            self.assertEqual(target.action(row["key"], "unwrap", ciphertext=row["wdek"], **aad)["plaintext"], b64(dek), row["ref"])

    def check_source(self, content, source, requests):
        self.assertEqual(source.keys(), content.before, "the source was changed")
        changes = {f"{seen.method} {seen.path}" for seen in requests if seen.instance == source.instance and
                   seen.method not in ("GET", "HEAD") and not seen.path.endswith("/actions/unwrap")}
        self.assertEqual(changes, set(), "the source was told to do more than unwrap")


class VendorDouble(Ends):
    """One migration per fault and direction; its tests are made below from FAULTS."""


class Refusals(Ends):
    """What the other service refuses is told in its own words, and what was done stays done."""

    def planned(self, source, target, content, *, once=True):
        plan = self.deployment.home / f"{self.number}.yaml"
        self.verb("plan", *source.options("source"), *target.options("target"), "--material", content.material_file,
                  "--inventory", content.inventory, "--out", plan, once=once)
        return plan

    def test_target_is_full(self):
        source, target = self.keyhaven_side(), self.double_side(max_keys=5)
        content = Content(source, self.deployment.home, f"{self.number}")
        plan = self.planned(source, target, content)
        done = self.deployment.cli("migrate", "apply", plan, "--material", content.material_file, expect=1)
        self.assertIn("KEY_LIMIT_ERR", done.stdout + done.stderr)
        self.assertEqual(len(target.keys()), 5)
        self.double.instances[target.instance].max_keys = 50
        self.verb("apply", plan, "--material", content.material_file, once=True)
        self.assertEqual(len(target.keys()), sum(content.expected.values()))

    def test_permission_is_lost_and_found(self):
        source, target = self.double_side(), self.keyhaven_side()
        content = Content(source, self.deployment.home, f"{self.number}")
        plan, out = self.planned(source, target, content), self.deployment.home / f"{self.number}.new.csv"
        self.verb("apply", plan, "--material", content.material_file, once=True)
        self.double.fault(Plan(faults=[Fault("answer", on="POST *unwrap", every=1, after=10, status=401)]))
        done = self.deployment.cli("migrate", "rewrap", plan, "--inventory", content.inventory, "--out", out, expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("401", done.stdout + done.stderr + "".join(each.read_text() for each in out.parent.glob(out.name + ".errors*")))
        self.double.fault(Plan())
        out.unlink(missing_ok=True)
        self.verb("rewrap", plan, "--inventory", content.inventory, "--out", out, once=True)
        self.verb("verify", plan, "--inventory", content.inventory, "--rewrapped", out, once=True)

    def test_rows_that_the_source_refuses(self):
        source, target = self.double_side(), self.keyhaven_side()
        content = Content(source, self.deployment.home, f"{self.number}")
        plan, out = self.planned(source, target, content), self.deployment.home / f"{self.number}.new.csv"
        self.verb("apply", plan, "--material", content.material_file, once=True)
        lines = content.inventory.read_text().splitlines()
        other = target.wrap("imp", b"wrapped by Keyhaven", [])
        bad = self.deployment.home / f"{self.number}-bad.csv"
        bad.write_text("\n".join([lines[0], lines[1], 'imp,' + lines[1].split(",")[1] + ',"[""other""]",wrong-aad', f"imp,{other},,foreign"]) + "\n")
        self.deployment.cli("migrate", "rewrap", plan, "--inventory", bad, "--out", out, expect=1)
        with open(f"{out}.errors.csv", newline="") as file:
            problems = {row["ref"]: row["problem"] for row in csv.DictReader(file)}
        self.assertEqual(set(problems), {"wrong-aad", "foreign"})
        self.assertIn("UNPROCESSABLE_CIPHERTEXT_ERR", problems["wrong-aad"])
        self.assertIn("INVALID_FIELD_ERR", problems["foreign"])

    def test_ca_is_not_trusted(self):
        source, target = self.double_side(), self.keyhaven_side()
        source.ca, requests = target.ca, len(self.double.requests)
        done = self.deployment.cli("migrate", "plan", *source.options("source"), *target.options("target"),
                                   "--out", self.deployment.home / f"{self.number}.yaml", expect=1)
        self.assertIn("certificate", done.stderr.lower())
        self.assertEqual(len(self.double.requests), requests, "something was said to a server that is not trusted")

    def crash(self, source, target, verb, after):
        """`verb` runs while the double goes away at its `after`-th request and comes back."""
        content = Content(source, self.deployment.home, f"{self.number}")
        plan, out = self.planned(source, target, content), self.deployment.home / f"{self.number}.new.csv"
        commands = {"apply": ["apply", plan, "--material", content.material_file],
                    "rewrap": ["rewrap", plan, "--inventory", content.inventory, "--out", out]}
        if verb == "rewrap":
            self.verb(*commands["apply"], once=True)
        reached = self.double.at_request(after)
        crasher = threading.Thread(target=lambda: (reached.wait(60), self.double.stop(), self.double.start()))
        crasher.start()
        self.deployment.cli("migrate", *commands[verb], expect=None)
        crasher.join(60)
        self.assertTrue(reached.is_set())
        for side in (source, target):
            side.connection.close()  # it was cut; the next call opens another
        for each in ("apply", "rewrap"):
            self.verb(*commands[each], once=False)
        self.check_target(content, target, out)
        self.assertEqual(source.keys(), content.before)

    def test_target_crashes_while_keys_are_made(self):
        for after in (3, 17, 31):
            with self.subTest(after=after):
                self.setUp()
                self.crash(self.keyhaven_side(), self.double_side(), "apply", after)

    def test_source_crashes_while_deks_move(self):
        self.crash(self.double_side(), self.keyhaven_side(), "rewrap", 12)


def add_case(fault, direction):
    def from_double(self):
        self.migrate(self.double_side(), self.keyhaven_side(), fault, direction.isupper())

    def to_double(self):
        self.migrate(self.keyhaven_side(), self.double_side(), fault, direction.isupper())

    setattr(VendorDouble, f"test_{direction.lower()}_{fault}", from_double if direction.lower() == "from" else to_double)


for each in FAULTS if "KH_DOUBLE_FAULT" not in os.environ else os.environ["KH_DOUBLE_FAULT"].split(","):
    for way in FAULTS[each][1].split():
        add_case(each, way)


if __name__ == "__main__":
    unittest.main()
