"""What can be wrong around a migration between two real servers: each is refused with the documented exit status and the remedy, changes
nothing that was not asked for, and the same command goes on when it is put right. What only another service does: test_vendor_double.
"""
import json
import re
import unittest

from migrate_world import World

DONE, REFUSED, USAGE = 0, 1, 2  # docs/migrating.md

# Plans edited to nonsense: name -> (edit of the text, exit status, a word of the refusal).
NONSENSE = {
    "no plan": (lambda text: "nonsense", USAGE, "must be a map"),
    "nothing": (lambda text: "", USAGE, "must be a map"),
    "bytes": (lambda text: "\0\1\2", USAGE, "plan.yaml: line 1: "),
    "a list": (lambda text: "- one\n- two\n", USAGE, "must be a map"),
    "no YAML": (lambda text: text.replace("keys:\n", "\tkeys:\n"), USAGE, "line [0-9]+: not YAML"),
    "an unknown member": (lambda text: "surprise: 1\n" + text, USAGE, "unknown member surprise"),
    "an unknown action": (lambda text: text.replace("action: import", "action: destroy"), USAGE, "action must be import, generate"),
    "a member twice": (lambda text: text.replace("action: copy", "action: copy\n    action: copy"), USAGE, "action is there twice"),
    "a key twice": (lambda text: re.sub(r"(?ms)^(  - source: .*?)(?=^  - source: )", r"\1\1", text, count=1), USAGE, "twice"),
    "another format": (lambda text: text.replace("format: 1", "format: 9"), USAGE, "format"),
    "no instance": (lambda text: re.sub(r'  instance: ".*"\n', "", text), USAGE, "instance"),
    "no address": (lambda text: text.replace("https://", "ftp://"), USAGE, "https"),
    "an end in the middle": (lambda text: text[:len(text) // 2], USAGE, "plan.yaml: "),
    "an end behind the first key": (lambda text: re.sub(r"(?ms)^(keys:\n  - source: .*?)^  - source: .*", r"\1", text), USAGE, "may have been cut short"),
}


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)

    def verb(self, verb, expect, *words):
        """One run of a verb: its exit status and each word in what it says."""
        for relay in self.world.relays.values():
            relay.hook = None
        return self.verb_with_hooks(verb, expect, *words)

    def verb_with_hooks(self, verb, expect, *words):
        tool = self.world.start(verb)
        said, _ = tool.communicate(timeout=300)
        self.assertEqual(tool.returncode, expect, f"{verb}: {said}")
        for word in words:
            self.assertRegex(said, word)
        return said

    def stages(self):
        return json.loads(self.world.source.cli("migrate", "status", self.world.plan, "--output", "json").stdout)["totals"]

    def limit_target(self, **limits):
        """The target's server with other limits, from its next start on."""
        self.world.target.stop()
        self.world.target.settings.update(limits)
        self.world.target.start()

    def all_through(self):
        """The rest of the migration, undisturbed; every DEK is proved."""
        for verb in ("apply", "file", "directory", "table", "verify"):
            self.verb(verb, DONE)
        rows = len(self.world.rows)
        verdict = json.loads(self.world.result.read_text())
        self.assertEqual((verdict["deks"], verdict["deks_equal"], verdict["metadata_differences"]), (rows, rows, 0))
        self.assertEqual(self.world.lost(), [])
        self.assertEqual(len(self.world.state()["keys"]), 5)


class Plans(Base):
    def test_a_plan_edited_to_nonsense(self):
        world = self.world
        world.begin()
        good = world.plan.read_text()
        for relay in world.relays.values():
            relay.arm()
        for name, (edit, status, word) in NONSENSE.items():
            with self.subTest(name):
                self.assertNotEqual(edit(good), good)
                world.plan.write_text(edit(good))
                for verb in ("apply", "file", "cutover"):
                    self.verb(verb, status, word)
        self.assertEqual([relay.requests for relay in world.relays.values()], [0, 0], "something was asked for a plan that is none")
        world.plan.unlink()
        self.verb("apply", REFUSED, "no file")
        world.plan.write_text(good)
        self.verb("apply", DONE)

    def test_a_plan_of_another_instance(self):
        world = self.world
        world.begin()
        self.verb("apply", DONE)
        good, before = world.plan.read_text(), world.state()
        other = world.target.instance("another")
        for edit, word in ((lambda text: text.replace(world.target_instance, other), "is of a migration from instance .*make a new plan"),
                           (lambda text: text.replace(world.instance, other), "is of a migration from instance .*make a new plan"),
                           (lambda text: re.sub(r'(?m)^plan: ".{8}', 'plan: "01234567', text), "belongs to|is of")):
            world.plan.write_text(edit(good))
            for verb in ("apply", "file", "verify", "cutover", "undo"):
                self.verb(verb, REFUSED, word)
        world.plan.write_text(good)
        self.assertEqual(world.state(), before)
        self.assertEqual(world.target.call("GET", "/api/v2/keys", instance=other).json.get("resources", []), [])


class Sides(Base):
    def test_a_ca_that_is_not_trusted(self):
        world = self.world
        world.begin()
        good = world.plan.read_text()
        world.plan.write_text(good.replace(world.source.ca, world.target.ca))
        for relay in world.relays.values():
            relay.arm()
        self.verb("apply", REFUSED, "certificate")
        self.assertEqual(world.relays["source"].requests, 0, "something was said to a server that is not trusted")
        world.plan.write_text(good)
        self.all_through()

    def test_the_rate_limit_of_a_server(self):
        world = self.world
        self.limit_target(limits__requests_per_second=15, limits__request_burst=5)
        world.begin()
        refused = 0
        for verb in ("apply", "file", "verify", "cutover", "undo"):
            world.run(verb, jobs=8)
            refused += world.relays["target"].statuses.count(429)
        self.assertGreater(refused, 10, "the limit was not met")
        self.limit_target(limits__requests_per_second=0)
        self.all_through()

    def test_a_target_that_is_full(self):
        world = self.world
        self.limit_target(limits__keys=3)
        world.begin()
        self.verb("apply", REFUSED, "the target is full: no further key is begun; make room there and run again", "KEY_LIMIT_ERR")
        self.assertEqual(len(world.keys("target")), 3)
        self.limit_target(limits__keys=50_000)
        self.all_through()

    def test_an_alias_that_is_taken_in_the_target(self):
        world = self.world
        world.begin()
        thief = world.target.create_key(world.target_instance, "another's", aliases=["one"])["id"]
        self.verb("apply", REFUSED, "FAILED .*plain.*alias one.*KEY_ALIAS_NOT_UNIQUE_ERR")
        self.assertEqual(self.stages(), {"done": 4, "failed": 1, "reported": 1})
        self.verb("file", REFUSED, "listed with line and reason")  # the other keys' DEKs have moved
        self.assertEqual(world.target.call("DELETE", f"/api/v2/keys/{thief}/aliases/one", instance=world.target_instance).status, 204)
        self.verb("apply", DONE)
        self.assertEqual(self.stages(), {"done": 5, "reported": 1})
        # Who plans when it is taken already is told so before anything is done.
        world.begin(target=world.target_instance, expect=REFUSED)
        self.assertIn("alias one is taken in the target; remove it from aliases here, or free it there", world.plan.read_text())

    def test_the_source_takes_the_permission_away_in_the_middle(self):
        world, d = self.world, self.world.source
        identity = d.call("POST", "/v1/serviceids", {"name": "mover"}).json["iam_id"]
        key = d.secret_file("mover.key", d.call("POST", "/v1/apikeys", {"iam_id": identity, "name": "mover"}).json["apikey"].encode())

        def permit():
            answer = d.call("POST", "/v1/policies", {
                "subjects": [{"attributes": [{"name": "iam_id", "value": identity}]}], "roles": [{"display_name": "Manager"}],
                "resources": [{"attributes": [{"name": "serviceInstance", "value": world.instance}]}]})
            self.assertEqual(answer.status, 201, answer.body)
            return answer.json["id"]

        for verb in ("file", "directory", "table", "verify", "apply"):
            with self.subTest(verb):
                policy = permit()
                world.begin(api_key_file=key)
                for before in () if verb == "apply" else ("apply", *({"verify": ("file",)}.get(verb, ()))):
                    self.verb(before, DONE)
                calls = []

                def take_away(seen, policy=policy, calls=calls):
                    if not seen.is_after and seen.path.endswith("/actions/unwrap"):
                        calls.append(seen.number)
                        if len(calls) == 7:
                            d.call("DELETE", f"/v1/policies/{policy}")
                    return False

                world.relays["source"].arm(take_away)
                if verb == "apply":  # one request of it asks the source: it is not permitted from the beginning
                    d.call("DELETE", f"/v1/policies/{policy}")
                self.verb_with_hooks(verb, REFUSED, "40[13]|errors.csv|not verifiable")
                policy = permit()
                self.all_through()
                d.call("DELETE", f"/v1/policies/{policy}")
                world.forget()


if __name__ == "__main__":
    unittest.main()
