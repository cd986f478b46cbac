"""Policies, registrations and the switch from one instance to another, on a real server; nothing secret left behind."""
import base64
import csv
import json
import os
import pathlib
import subprocess
import unittest
import urllib.parse

from harness import BIN, Deployment, b64, envelope, new_uuid


def policy(**data):
    return envelope({"type": "application/vnd.ibm.kms.policy+json", **data})


class Cutover(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Deployment(keys__enable_after_disable_seconds=0)
        cls.addClassCleanup(cls.d.close)
        cls.d.start()

    def setUp(self):
        d = self.d
        self.source, self.target = d.instance("from"), d.instance("to")
        self.versions = [os.urandom(32) for _ in range(3)]
        self.payload = os.urandom(40)
        self.imported = d.create_key(self.source, "imported", payload=b64(self.versions[0]), aliases=["brought"])["id"]
        for version in self.versions[1:]:
            d.action(self.source, self.imported, "rotate", {"payload": b64(version)})
        self.generated = d.create_key(self.source, "generated", aliases=["made"])["id"]
        self.standard = d.create_key(self.source, "standard", extractable=True, payload=b64(self.payload))["id"]
        self.asleep = d.create_key(self.source, "asleep")["id"]
        d.action(self.source, self.asleep, "disable")
        answer = d.call("PUT", f"/api/v2/keys/{self.generated}/policies",
                        policy(rotation={"enabled": True, "interval_month": 3}, dualAuthDelete={"enabled": True}),
                        instance=self.source)
        self.assertEqual(answer.status, 200, answer.body)
        self.put_policy("metrics", enabled=True)
        self.put_policy("dualAuthDelete", enabled=True)
        self.material = d.secret_file(f"material-{self.source}.csv", "".join(
            ["id,payload\n"] + [f"{self.imported},{b64(one)}\n" for one in self.versions]).encode())
        self.plan = d.home / f"plan-{self.target}.yaml"

    def put_policy(self, kind, **data):
        answer = self.d.call("PUT", "/api/v2/instance/policies", envelope({"policy_type": kind, "policy_data": data}),
                             instance=self.source)
        self.assertEqual(answer.status, 204, answer.body)

    def register(self, key):
        """A service of its own, registered with the key; its API key."""
        crn = f"crn:v1:bluemix:public:database:local:a/{'0' * 32}:{new_uuid()}"
        name = f"database-{new_uuid()[:8]}"
        made = self.d.cli_json("iam", "service-id", "create", name, "--service-crn", crn)
        for instance in (self.source, self.target):
            self.d.cli("iam", "policy", "create", "--iam-id", made["iam_id"], "--role", "Manager", "--on-instance", instance)
        secret = self.d.home / f"{name}.key"
        self.d.cli("iam", "api-key", "create", name, "--iam-id", made["iam_id"], "--secret-out", secret)
        path = f"/api/v2/keys/{key}/registrations/" + urllib.parse.quote(f"{crn}:bucket:one", safe="")
        answer = self.d.call("POST", path, envelope({"description": "a bucket", "preventKeyDeletion": True}),
                             token=self.d.token(secret.read_text().strip()), instance=self.source)
        self.assertEqual(answer.status, 200, answer.body)
        return f"{crn}:bucket:one"

    def make_plan(self, *extra, expect=0):
        return self.d.cli("migrate", "plan", "--source-instance", self.source, "--target-instance", self.target,
                          "--material", self.material, "--out", self.plan, *extra, expect=expect)

    def migrate(self, verb, *extra, expect=0):
        return self.d.cli("migrate", verb, self.plan, *extra, expect=expect)

    def key(self, instance, ref):
        return self.d.call("GET", f"/api/v2/keys/{ref}/metadata", instance=instance).json["resources"][0]

    def status(self, *extra):
        return json.loads(self.migrate("status", "--output", "json", *extra).stdout)

    def test_policies_are_carried_and_the_switch_goes_both_ways(self):
        resource = self.register(self.generated)
        self.make_plan("--hold-aliases")
        self.migrate("apply", "--material", self.material)
        self.migrate("verify")
        made = self.status("--live")
        self.assertEqual(made["totals"], {"verified": 4})
        self.assertEqual((made["source_registrations"], made["target_registrations"]), (1, 0))
        target = {row["source"]: row["target"] for row in made["keys"]}
        generated = self.key(self.target, target[self.generated])
        self.assertEqual(generated["rotation"], {"enabled": True, "interval_month": 3})
        self.assertFalse(generated["dualAuthDelete"]["enabled"])
        self.assertNotIn("aliases", generated)

        mapping, pairs = self.d.home / "mapping.csv", self.d.home / "pairs.csv"
        self.migrate("cutover", "--disable-source", "--intents", "--mapping", mapping, "--pairs", pairs, expect=1)  # one held back
        self.assertEqual(self.key(self.source, self.generated)["state"], 1)
        self.assertEqual(self.key(self.source, self.imported)["state"], 2)
        self.migrate("cutover", "--disable-source", "--intents", "--despite-registrations")
        generated = self.key(self.target, "made")
        self.assertEqual(generated["id"], target[self.generated])
        self.assertTrue(generated["dualAuthDelete"]["enabled"])
        self.assertEqual(self.key(self.source, self.generated)["state"], 2)
        intent = self.d.call("GET", f"/api/v2/keys/{self.generated}/migrationIntent", instance=self.source).json["resources"][0]
        self.assertTrue(intent["targetCRK"].endswith(target[self.generated]))
        policies = self.d.call("GET", "/api/v2/instance/policies", instance=self.target).json["resources"]
        self.assertEqual({one["policy_type"] for one in policies if one["policy_data"]["enabled"]}, {"metrics", "dualAuthDelete"})
        self.migrate("verify")
        with open(mapping, newline="") as file:
            rows = {row["source_id"]: row for row in csv.DictReader(file)}
        self.assertEqual({name: row["target_id"] for name, row in rows.items()}, target)
        self.assertTrue(all(row["target_crn"].endswith(row["target_id"]) for row in rows.values()))
        self.assertEqual(len(pairs.read_text().splitlines()), 4)

        self.migrate("cutover", "--undo")
        self.assertEqual(self.key(self.source, self.generated)["state"], 1)
        self.assertEqual(self.key(self.source, self.asleep)["state"], 2, "it was disabled before")
        self.assertEqual(self.d.call("GET", f"/api/v2/keys/{self.generated}/migrationIntent", instance=self.source).status, 404)
        self.assertNotIn("aliases", self.key(self.target, target[self.generated]))
        for record in self.d.audit_records():
            self.assertFalse(record["action"].endswith("secrets.delete"), record)
        self.assertIn(resource, self.plan.read_text())

    def test_a_pair_file_moves_deks_to_keys_that_exist(self):
        theirs = self.d.create_key(self.target, "prepared by hand")
        pairs = self.d.home / "by-hand.csv"
        pairs.write_text(f"{self.key(self.source, self.generated)['crn']},{theirs['crn']}\n")
        inventory = self.d.home / "by-hand-deks.csv"
        inventory.write_text("key,wdek\n" + "".join(
            f"made,{self.d.wrap(self.source, self.generated, os.urandom(32))}\n" for _ in range(5)))
        done = self.d.cli("migrate", "plan", "--source-instance", self.source, "--target-instance", self.target,
                          "--pairs", pairs, "--inventory", inventory, "--out", self.plan)
        self.assertIn("existing", done.stdout)
        self.migrate("apply")
        out = self.d.home / "by-hand-new.csv"
        self.migrate("rewrap", "--inventory", inventory, "--out", out)
        self.assertIn(theirs["id"], out.read_text())
        self.migrate("verify", "--inventory", inventory, "--rewrapped", out)
        self.migrate("cutover", "--intents")
        self.assertEqual(self.key(self.target, theirs["id"])["name"], "prepared by hand")

    def test_material_from_standard_input(self):
        csv_text = self.material.read_text()
        command = [str(BIN / "keyhaven"), "migrate", "plan", "--source-instance", self.source, "--target-instance", self.target,
                   "--material", "-", "--out", str(self.plan)]
        done = subprocess.run(command, env=self.d.environment(), input=csv_text, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        apply = subprocess.run([*command[:2], "apply", str(self.plan), "--material", "-"], env=self.d.environment(), input=csv_text,
                               capture_output=True, text=True, timeout=120)
        self.assertEqual(apply.returncode, 0, apply.stderr)
        self.assertEqual(self.status()["totals"], {"done": 4})

    def test_nothing_secret_stays_behind(self):
        """Everything the tool wrote or printed, and its arguments while it runs, for material, payload, DEKs and API key."""
        deks = [os.urandom(32) for _ in range(3)]
        inventory = self.d.home / f"deks-{self.target}.csv"
        inventory.write_text("key,wdek\n" + "".join(f"{self.generated},{self.d.wrap(self.source, self.generated, dek)}\n" for dek in deks))
        out = self.d.home / f"new-{self.target}.csv"
        secrets = [*self.versions, self.payload, *deks, self.d.api_key.encode()]
        forms = [form for one in secrets
                 for form in (one, base64.b64encode(one).rstrip(b"=")[:40], base64.urlsafe_b64encode(one).rstrip(b"=")[:40],
                              one.hex().encode())]

        def clean(where, content):
            for number, form in enumerate(forms):
                self.assertNotIn(form, content, f"secret {number // 4} in {where}")

        for arguments in (["plan", "--source-instance", self.source, "--target-instance", self.target, "--inventory", inventory,
                           "--material", self.material, "--out", self.plan],
                          ["apply", self.plan, "--material", self.material],
                          ["rewrap", self.plan, "--inventory", inventory, "--out", out],
                          ["verify", self.plan, "--inventory", inventory, "--rewrapped", out],
                          ["cutover", self.plan, "--disable-source", "--mapping", self.d.home / "m.csv"],
                          ["status", self.plan, "--live"], ["cutover", self.plan, "--undo"]):
            process = subprocess.Popen([str(BIN / "keyhaven"), "migrate", *map(str, arguments)], env=self.d.environment(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            clean(f"arguments of {arguments[0]}", pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes())
            stdout, stderr = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, stderr)
            clean(f"output of {arguments[0]}", stdout + stderr)
        for path in self.d.home.rglob("*"):
            if path.is_file() and path != self.material and "server" not in path.parts and path.suffix != ".key":
                clean(path, path.read_bytes())


if __name__ == "__main__":
    unittest.main()
