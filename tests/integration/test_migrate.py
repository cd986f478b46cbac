"""Migration that is cut short: the tool killed at every request, replies lost, servers killed; nothing twice, nothing lost."""
import csv
import json
import os
import signal
import subprocess
import threading
import unittest

from harness import BIN, Deployment, b64
from relay import Relay


class Migration(unittest.TestCase):
    """Two instances of one deployment; the tool talks to the target through a relay."""

    @classmethod
    def setUpClass(cls):
        cls.deployment = Deployment()
        cls.deployment.start()
        cls.relay = Relay(cls.deployment)
        cls.source = cls.deployment.instance("source")
        cls.number = 0
        d = cls.deployment
        cls.material = os.urandom(32), os.urandom(16)
        cls.imported = d.create_key(cls.source, "imported key", payload=b64(cls.material[0]), aliases=["imp"])["id"]
        d.action(cls.source, cls.imported, "rotate", {"payload": b64(cls.material[1])})
        d.call("POST", "/api/v2/key_rings/team", instance=cls.source)
        cls.plain = d.create_key(cls.source, "plain key", aliases=["one", "two", "three", "four", "five"], description="what it is for", tags=["a", "b c"])["id"]
        d.call("PATCH", f"/api/v2/keys/{cls.plain}", {"keyRingID": "team"}, instance=cls.source)
        cls.suspended = d.create_key(cls.source, "suspended key")["id"]
        cls.suspended_wdek = d.wrap(cls.source, cls.suspended, b"s" * 32)
        d.action(cls.source, cls.suspended, "disable")
        cls.standard = d.create_key(cls.source, "standard key", extractable=True, payload=b64(b"standard payload"))["id"]
        cls.destroyed = d.create_key(cls.source, "destroyed key")["id"]
        d.call("DELETE", f"/api/v2/keys/{cls.destroyed}", instance=cls.source)
        cls.material_file = d.secret_file("material.csv", "".join(
            ["id,payload\n"] + [f"{cls.imported},{b64(version)}\n" for version in cls.material]).encode())
        cls.inventory = d.home / "deks.csv"
        with open(cls.inventory, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["key", "wdek", "aad", "ref"])
            for number in range(40):
                key, aad = (("imp", []), (cls.plain, ["a", str(number)]))[number % 2]
                writer.writerow([key, d.wrap(cls.source, key, os.urandom(32), aad), json.dumps(aad) if aad else "", f"r{number}"])

    @classmethod
    def tearDownClass(cls):
        cls.relay.close()
        cls.deployment.close()

    def target(self):
        type(self).number += 1
        return self.deployment.instance(f"target-{self.number}")

    def plan(self, target, *extra, through=True):
        self.relay.arm()
        path = self.deployment.home / f"plan-{self.number}.yaml"
        endpoint = ["--target-url", self.relay.url, "--target-ca", self.deployment.ca] if through else []
        done = self.deployment.cli("migrate", "plan", "--source-instance", self.source, "--target-instance", target,
                                   *endpoint, "--target-api-key-file", self.deployment.data / "server/admin-api-key",
                                   "--material", self.material_file, "--inventory", self.inventory, "--out", path, *extra)
        self.assertNotIn(b64(self.material[0]), path.read_text() + done.stdout + done.stderr)
        return path

    def apply(self, plan, **options):
        return self.deployment.cli("migrate", "apply", plan, "--material", self.material_file, "--jobs", "1", **options)

    def check(self, target, plan):
        """Both instances compared: each key once, whole; the source untouched."""
        keys = self.deployment.call("GET", "/api/v2/keys?state=0,1,2,3,5&limit=5000", instance=target).json["resources"]
        by_name = {}
        for key in keys:
            self.assertNotIn(key["name"], by_name, "a key exists twice")
            by_name[key["name"]] = key
        self.assertEqual(set(by_name), {"imported key", "plain key", "suspended key", "standard key"})
        self.assertEqual(by_name["imported key"].get("aliases"), ["imp"])
        self.assertEqual(sorted(by_name["plain key"]["aliases"]), sorted(["one", "two", "three", "four", "five"]))
        self.assertEqual(by_name["plain key"]["keyRingID"], "team")
        self.assertEqual(by_name["plain key"]["description"], "what it is for")
        self.assertEqual(by_name["plain key"]["tags"], ["a", "b c"])
        self.assertEqual(by_name["suspended key"]["state"], 2)
        versions = self.deployment.call("GET", "/api/v2/keys/imp/versions", instance=target).json["resources"]
        self.assertEqual(len(versions), 2)
        payload = self.deployment.call("GET", f"/api/v2/keys/{by_name['standard key']['id']}", instance=target).json["resources"][0]["payload"]
        self.assertEqual(payload, b64(b"standard payload"))
        # Old wrapped DEKs of the imported key open unchanged.
        with open(self.inventory, newline="") as file:
            row = next(row for row in csv.DictReader(file) if row["key"] == "imp")
        self.assertEqual(self.deployment.action(target, "imp", "unwrap", {"ciphertext": row["wdek"]}).status, 200)
        source = self.deployment.call("GET", "/api/v2/keys?state=0,1,2,3,5&limit=5000", instance=self.source).json["resources"]
        self.assertEqual(len(source), 5)

    def finish(self, target, plan):
        self.relay.arm()
        self.apply(plan)
        out = self.deployment.home / f"deks-{self.number}.csv"
        self.deployment.cli("migrate", "rewrap", plan, "--inventory", self.inventory, "--out", out)
        report = self.deployment.home / "verify.json"
        self.deployment.cli("migrate", "verify", plan, "--inventory", self.inventory, "--rewrapped", out, "--json", report)
        result = json.loads(report.read_text())
        self.assertEqual((result["deks"], result["deks_equal"], result["metadata_differences"]), (40, 40, 0))
        self.check(target, plan)

    def requests_of_an_apply(self):
        target = self.target()
        plan = self.plan(target)
        self.relay.arm()
        self.apply(plan)
        total = self.relay.requests
        self.finish(target, plan)
        return total

    def test_1_straight_and_repeated(self):
        target = self.target()
        plan = self.plan(target)
        self.apply(plan)
        self.apply(plan)
        self.finish(target, plan)
        before = plan.read_bytes()
        done = self.deployment.cli("migrate", "plan", "--source-instance", self.source, "--target-instance", target, "--out", plan, expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(plan.read_bytes(), before, "a plan is never overwritten")

    def killed_at(self, plan, number):
        """The number-th request of an apply is carried out, then the tool dies before it hears the answer. Whether it died."""
        tool, started = [], threading.Event()

        def kill(seen):
            if not seen.is_after or seen.number != number:
                return False
            started.wait(60)
            tool[0].kill()
            return True

        self.relay.arm(kill)
        tool.append(subprocess.Popen([str(BIN / "keyhaven"), "migrate", "apply", str(plan), "--material", str(self.material_file), "--jobs", "1"],
                                     env=self.deployment.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL))
        started.set()
        return tool[0].wait(120) == -signal.SIGKILL

    def test_2_tool_killed_at_every_request(self):
        total = self.requests_of_an_apply()
        self.assertGreater(total, 10)
        target = self.target()
        plan = self.plan(target)
        kills = sum(self.killed_at(plan, number) for number in range(1, total + 1))
        self.assertGreater(kills, 3)
        self.finish(target, plan)
        # The same for a fresh target each time, so that every step is met in its first try.
        for number in range(2, total + 1, max(1, total // 8)):
            target = self.target()
            plan = self.plan(target)
            self.killed_at(plan, number)
            self.finish(target, plan)

    def test_3_replies_lost(self):
        total = self.requests_of_an_apply()
        for number in range(1, total + 1, max(1, total // 12)):
            target = self.target()
            plan = self.plan(target)
            self.relay.arm(cut_at=number)
            self.apply(plan, expect=None)
            self.finish(target, plan)

    def test_4_server_and_unit_killed_while_rewrapping(self):
        target = self.target()
        plan = self.plan(target, through=False)
        self.apply(plan)
        old = self.deployment.kill_unit()
        out = self.deployment.home / "cut.csv"
        self.deployment.cli("migrate", "rewrap", plan, "--inventory", self.inventory, "--out", out, expect=None)
        self.deployment.wait_unit_back(old)
        self.finish(target, plan)

    def test_5_bad_rows_are_listed_and_the_rest_goes_on(self):
        target = self.target()
        plan = self.plan(target)
        self.apply(plan)
        good = self.inventory.read_text().splitlines()
        bad = self.deployment.home / "bad.csv"
        rows = [good[0], good[1], "nobody,AAAA,,unknown", good[2].replace(",r1", ",wrong-aad").replace('""1""', '""2""'),
                good[3][:-20] + ",,cut", "imp,!!,,garbage", f"{self.suspended},{self.suspended_wdek},,suspended", good[4]]
        bad.write_text("\n".join(rows) + "\n")
        out = self.deployment.home / "bad-out.csv"
        done = self.deployment.cli("migrate", "rewrap", plan, "--inventory", bad, "--out", out, expect=1)
        with open(str(out) + ".errors.csv", newline="") as file:
            errors = {int(row["line"]): row for row in csv.DictReader(file)}
        self.assertEqual(sorted(errors), [3, 4, 5, 6, 7])
        self.assertTrue(all(row["problem"] for row in errors.values()))
        with open(out, newline="") as file:
            self.assertEqual(len(list(csv.DictReader(file))), 2)
        self.assertIn("errors.csv", done.stderr + done.stdout)

    def test_6_verify_finds_a_dek_that_differs(self):
        target = self.target()
        plan = self.plan(target)
        self.apply(plan)
        out = self.deployment.home / "planted.csv"
        self.deployment.cli("migrate", "rewrap", plan, "--inventory", self.inventory, "--out", out)
        with open(out, newline="") as file:
            rows = list(csv.DictReader(file))
        rows[5]["wdek"] = self.deployment.wrap(target, rows[5]["key"], b"another DEK of the same size....", json.loads(rows[5]["aad"] or "[]"))
        with open(out, "w", newline="") as file:
            writer = csv.DictWriter(file, ["key", "wdek", "aad", "ref"])
            writer.writeheader()
            writer.writerows(rows)
        report = self.deployment.home / "planted.json"
        self.deployment.cli("migrate", "verify", plan, "--inventory", self.inventory, "--rewrapped", out, "--json", report, expect=1)
        result = json.loads(report.read_text())
        self.assertEqual((result["deks_equal"], result["deks_different"]), (39, 1))

    def test_7_json_lines(self):
        target = self.target()
        plan = self.plan(target)
        self.apply(plan)
        lines = self.deployment.home / "deks.jsonl"
        with open(self.inventory, newline="") as file, open(lines, "w") as out:
            for row in csv.DictReader(file):
                out.write(json.dumps({"key": row["key"], "wdek": row["wdek"], "aad": json.loads(row["aad"] or "[]"), "ref": row["ref"]}) + "\n")
        after = self.deployment.home / "deks-new.jsonl"
        self.deployment.cli("migrate", "rewrap", plan, "--inventory", lines, "--out", after)
        self.deployment.cli("migrate", "verify", plan, "--inventory", lines, "--rewrapped", after)
        first = json.loads(after.read_text().splitlines()[0])
        self.assertEqual(first["ref"], "r0")


if __name__ == "__main__":
    unittest.main()
