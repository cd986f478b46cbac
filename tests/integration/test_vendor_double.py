"""Migration from and to another implementation of the API (tests/vendor_double), straight and with everything a service and a
network can do wrong: no key twice, no DEK lost or different, nothing deleted in the source, nothing said that a vendor would refuse.

KH_SEED repeats a run's faults, KH_DOUBLE_FAULT names faults (with commas) to run alone.
"""
import csv
import dataclasses
import os
import re
import threading
import unittest

from harness import b64
from vendor_migration import SEED, Content, Ends
from vendor_double import Double, Fault, Plan, Waits

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


def plan_of(name):
    """A fresh copy: faults count what they have seen."""
    members = FAULTS[name][0]
    copies = [dataclasses.replace(fault) for fault in members.get("faults", [])]
    return Plan(seed=SEED, **members | ({"faults": copies} if copies else {}))


class VendorDouble(Ends):
    """One migration per fault and direction; its tests are made below from FAULTS."""


class OtherEnds(Ends):
    """Rules and ends that only another service has."""

    def test_between_two_services_of_others(self):
        # From Hyper Protect Crypto Services to Key Protect; Keyhaven is neither end.
        with Double(service="kms") as other:
            source, first = self.double_side(), self.double
            self.double = other
            target = self.double_side()
            self.double = first
            self.migrate(source, target)
            self.assertEqual(other.lints, [])

    def test_one_rotation_an_hour(self):
        source, target = self.keyhaven_side(), self.double_side(waits=Waits())
        material = [os.urandom(32) for _ in range(3)]
        key = source.create("three versions", payload=b64(material[0]), aliases=["three"])
        for each in material[1:]:
            source.action(key, "rotate", payload=b64(each))
        plan = self.deployment.home / f"{self.number}.yaml"
        file = self.deployment.secret_file(f"{self.number}-material.csv",
                                           ("id,payload\n" + "".join(f"{key},{b64(each)}\n" for each in material)).encode())
        self.verb("plan", *source.options("source"), *target.options("target"), "--material", file, "--out", plan, once=True)
        apply = ["migrate", "apply", plan, "--material", file, "--no-wait"]
        self.deployment.cli(*apply, expect=1)
        self.assertEqual(len(target.call("GET", "/api/v2/keys")["resources"]), 1)
        self.double.advance(3601)
        target.token = None
        self.deployment.cli(*apply)
        versions = target.call("GET", "/api/v2/keys/three/versions")["resources"]
        held = self.double.instances[target.instance].find("three").versions
        self.assertEqual((len(versions), [each.material for each in held]), (3, material), "oldest first")

    def test_forms_of_a_secure_import(self):
        for service, imports, form in (("hs-crypto", "own", "sha1-cbc"), ("kms", "own", "sha256-gcm"), ("kms", "none", "plain")):
            with self.subTest(service=service, imports=imports), Double(service=service, imports=imports) as self.double:
                type(self).number += 1
                source, target = self.keyhaven_side(), self.double_side()
                content = Content(source, self.deployment.home, f"{self.number}")
                plan = self.planned(source, target, content)
                plan.write_text(re.sub(r"(?m)^import_form: .*$", f"import_form: {form}", plan.read_text()))
                self.verb("apply", plan, "--material", content.material_file, once=True)
                held = self.double.instances[target.instance].find("imp").versions
                self.assertEqual([each.material for each in held], content.material)
                tokens = [seen.path for seen in self.double.requests if seen.path.endswith("/import_token") and seen.method == "POST"]
                self.assertEqual(bool(tokens), form != "plain")

    def test_another_form_of_import_is_not_taken(self):
        with Double(service="kms", imports="none") as self.double:
            source, target = self.keyhaven_side(), self.double_side()
            content = Content(source, self.deployment.home, f"{self.number}")
            plan = self.planned(source, target, content)
            done = self.deployment.cli("migrate", "apply", plan, "--material", content.material_file, expect=1)
            self.assertIn("import_form", done.stdout + done.stderr, "the remedy is named")
            self.assertNotIn("imp", self.double.instances[target.instance].aliases)

    def test_disabled_key_is_enabled_for_its_deks(self):
        source, target = self.double_side(waits=Waits(rotate=0, enable=1)), self.keyhaven_side()
        key = source.create("resting", aliases=["resting"])
        inventory, out = (self.deployment.home / f"{self.number}.{kind}" for kind in ("csv", "new.csv"))
        inventory.write_text(f"key,wdek\nresting,{source.wrap('resting', b'a DEK at rest', [])}\n")
        source.action(key, "disable")
        plan = self.deployment.home / f"{self.number}.yaml"
        self.double.advance(2)
        self.verb("plan", *source.options("source"), *target.options("target"), "--inventory", inventory, "--out", plan, once=True)
        self.verb("apply", plan, once=True)
        self.verb("rewrap", plan, "--inventory", inventory, "--out", out, "--enable-suspended", once=True)
        self.assertEqual([side.call("GET", "/api/v2/keys/resting/metadata")["resources"][0]["state"] for side in (source, target)], [2, 2])
        with open(out, newline="") as file:
            wdek = next(csv.DictReader(file))["wdek"]
        target.action("resting", "enable")
        self.assertEqual(target.action("resting", "unwrap", ciphertext=wdek)["plaintext"], b64(b"a DEK at rest"))


class Refusals(Ends):
    """What the other service refuses is told in its own words, and what was done stays done."""

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
        self.migrate(self.double_side(), self.keyhaven_side(), plan_of(fault), direction.isupper())

    def to_double(self):
        self.migrate(self.keyhaven_side(), self.double_side(), plan_of(fault), direction.isupper())

    setattr(VendorDouble, f"test_{direction.lower()}_{fault}", from_double if direction.lower() == "from" else to_double)


for each in FAULTS if "KH_DOUBLE_FAULT" not in os.environ else os.environ["KH_DOUBLE_FAULT"].split(","):
    for way in FAULTS[each][1].split():
        add_case(each, way)


if __name__ == "__main__":
    unittest.main()
