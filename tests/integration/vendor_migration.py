"""What the tests of migration from and to the vendor double share: the two ends, what a source holds, the verbs with faults on,
and every promise checked. KH_SEED repeats a run's faults.
"""
import csv
import http.client
import json
import os
import pathlib
import ssl
import sys
import unittest
import urllib.parse

from harness import KEY_TYPE, Deployment, b64, envelope

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from vendor_double import Double, Plan, Waits, prepare_import_tokens  # noqa: E402

SEED = int(os.environ.get("KH_SEED", "1"))
ROWS, PLAIN_KEYS = 36, 9
ALL = "/api/v2/keys?state=0,1,2,3,5&limit=5000"
INSTANCE_POLICIES = {"metrics": {"enabled": True}, "rotation": {"enabled": True, "attributes": {"interval_month": 2}},
                     "keyCreateImportAccess": {"enabled": True, "attributes": {
                         "create_root_key": True, "create_standard_key": False, "import_root_key": True, "import_standard_key": False,
                         "enforce_token": False}}}
MOST_RUNS = 12  # of one verb, when a fault may stop it


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

    def put_policies(self, path, *resources):
        self.call("PUT", path, {"metadata": {"collectionType": "application/vnd.ibm.kms.policy+json",
                                             "collectionTotal": len(resources)}, "resources": list(resources)})

    def instance_policies(self):
        return {each["policy_type"]: each["policy_data"] for each in self.call("GET", "/api/v2/instance/policies")["resources"]}

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
        side.put_policies(f"/api/v2/keys/{plain[2]}/policies", {"rotation": {"enabled": True, "interval_month": 5}})
        side.put_policies(f"/api/v2/keys/{plain[4]}/policies", {"dualAuthDelete": {"enabled": True}})
        self.standard = os.urandom(100)
        side.create("standard", extractable=True, payload=b64(self.standard))
        side.action(side.create("suspended"), "disable")
        side.call("DELETE", f"/api/v2/keys/{side.create('destroyed')}")
        side.put_policies("/api/v2/instance/policies", *({"policy_type": name, "policy_data": data}
                                                         for name, data in INSTANCE_POLICIES.items()))
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


class Ends(unittest.TestCase):
    """One Keyhaven for all tests, one double for each; what a migration is, and what must hold after it."""

    @classmethod
    def setUpClass(cls):
        print(f"KH_SEED={SEED}", flush=True)
        prepare_import_tokens(2, again=True)
        cls.deployment = Deployment(keys__enable_after_disable_seconds=0)
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

    def migrate(self, source, target, faults=None, once=True):
        """All verbs with a plan of faults on, and every promise checked with the faults off. Returns (content, plan file)."""
        home = self.deployment.home
        content = Content(source, home, f"{self.number}")
        plan, out, result = (home / f"{self.number}.{kind}" for kind in ("yaml", "new.csv", "json"))
        material = ["--material", content.material_file]
        self.double.requests.clear()
        self.double.fault(faults or Plan())
        self.verb("plan", *source.options("source"), *target.options("target"), *material, "--inventory", content.inventory,
                  "--out", plan, once=once)
        planning = len(self.double.requests)
        self.verb("apply", plan, *material, once=once)
        self.verb("rewrap", plan, "--inventory", content.inventory, "--out", out, once=once)
        self.verb("verify", plan, "--inventory", content.inventory, "--rewrapped", out, "--json", result, once=once)
        requests, fired = list(self.double.requests), self.double.plan.fired()
        marks = {seen.correlation[:8] for seen in requests[planning:] if seen.path.startswith("/api/")}
        self.assertEqual(len(marks), 1, "not every call carries the plan's id")
        self.check_patience(requests)
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
        return content, plan

    def planned(self, source, target, content, *, once=True):
        plan = self.deployment.home / f"{self.number}.yaml"
        self.verb("plan", *source.options("source"), *target.options("target"), "--material", content.material_file,
                  "--inventory", content.inventory, "--out", plan, once=once)
        return plan

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
        self.assertEqual(by_alias["plain-2"]["rotation"], {"enabled": True, "interval_month": 5})
        self.assertEqual([key.get("rotation") for key in keys].count(None), len(keys) - 1, "a policy that the source's key does not have")
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

    def check_patience(self, requests):
        """Whoever is asked to wait waits so long before the same call is tried again."""
        asked = [(number, seen) for number, seen in enumerate(requests) if seen.retry_after and seen.correlation]
        waits = []
        for number, seen in asked:
            again = next((each for each in requests[number + 1:] if each.correlation == seen.correlation), None)
            if again:
                waits.append(again.time - seen.time)
                self.assertGreaterEqual(waits[-1], seen.retry_after, f"{seen.method} {seen.path} came again too early")
        self.assertEqual(bool(waits), bool(asked), "no call that was asked to wait came again")

    def check_source(self, content, source, requests):
        self.assertEqual(source.keys(), content.before, "the source was changed")
        changes = {f"{seen.method} {seen.path}" for seen in requests if seen.instance == source.instance and
                   seen.method not in ("GET", "HEAD") and not seen.path.endswith("/actions/unwrap")}
        self.assertEqual(changes, set(), "the source was told to do more than unwrap")
