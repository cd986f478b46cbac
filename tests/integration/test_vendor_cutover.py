"""Cutover of migrations from and to the vendor double, and its way back: intents, keys disabled, policies, the mapping."""
import csv
import unittest
import urllib.parse

from harness import new_uuid
from vendor_migration import INSTANCE_POLICIES, SEED, Ends, Side
from vendor_double import Fault, Plan, Waits


class Cutover(Ends):
    """The switch and the way back, with lost replies on the double's side of it."""

    def states(self, side):
        return {key["id"]: key["state"] for key in side.keys()}

    def switch(self, plan, *options, **faults):
        self.double.fault(Plan(seed=SEED, **faults))
        self.double.requests.clear()
        self.verb("cutover", plan, *options, once=not faults)
        self.double.fault(Plan())

    def there_and_back(self, source, target):
        content, plan = self.migrate(source, target)
        home, faults = self.deployment.home, {"faults": [Fault("lose_reply", probability=0.15, times=8)]}
        mapping, pairs = home / f"{self.number}.map.csv", home / f"{self.number}.pairs.csv"
        before = self.states(source)
        self.switch(plan, "--mapping", mapping, "--pairs", pairs, "--intents", "--disable-source", **faults)
        with open(mapping, newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), sum(content.expected.values()))
        crns = {key["id"]: key["crn"] for key in target.keys()}
        self.assertEqual([line.split(",") for line in pairs.read_text().splitlines()],
                         [[row["source_crn"], row["target_crn"]] for row in rows])
        self.assertEqual({row["target_id"]: row["target_crn"] for row in rows}, crns)
        targets = {row["source_id"]: row["target_crn"] for row in rows}
        roots = {key["id"] for key in content.before if not key["extractable"] and key["state"] == 1}
        self.assertEqual(self.states(source), before | {key: 2 for key in roots})
        for key in roots:
            intents = source.call("GET", f"/api/v2/keys/{key}/migrationIntent")["resources"]
            self.assertEqual([each["targetCRK"] for each in intents], [targets[key]])
        dual = {key["aliases"][0] for key in target.keys() if key["dualAuthDelete"]["enabled"]}
        self.assertEqual((dual, target.instance_policies()), ({"plain-4"}, INSTANCE_POLICIES))
        self.deleted_nothing(source)
        self.switch(plan, "--undo", **faults)
        self.assertEqual(self.states(source), before)
        for key in roots:
            status, value = source.send("GET", f"/api/v2/keys/{key}/migrationIntent", None,
                                        {"Authorization": "Bearer " + source.token, "Bluemix-Instance": source.instance})
            self.assertEqual(status, 404, value)
        self.deleted_nothing(source)

    def deleted_nothing(self, source):
        gone = {seen.path for seen in self.double.requests if seen.instance == source.instance and seen.method == "DELETE"}
        self.assertEqual({path for path in gone if not path.endswith("/migrationIntent")}, set())

    def test_from_the_double(self):
        self.there_and_back(self.double_side(waits=Waits(rotate=0, enable=0)), self.keyhaven_side())

    def test_to_the_double(self):
        self.there_and_back(self.keyhaven_side(), self.double_side())

    def test_source_without_intents(self):
        self.double.intents = False
        source = self.double_side()
        content, plan = self.migrate(source, self.keyhaven_side())
        done = self.deployment.cli("migrate", "cutover", plan, "--intents")
        self.assertIn("no intents", done.stdout + done.stderr)
        self.assertEqual(source.keys(), content.before)

    def test_registered_key_is_not_disabled(self):
        source = self.double_side()
        content, plan = self.migrate(source, self.keyhaven_side())
        owner = f"crn:v1:bluemix:public:cloud-storage:global:a/{'1' * 32}:{new_uuid()}"
        service = Side(source.url, source.ca, None, source.instance)
        service.api_key_file = self.deployment.secret_file(f"{self.number}.service",
                                                           self.double.identity("cos", ["Reader"], [source.instance], owner).encode())
        body = {"metadata": {"collectionType": "application/vnd.ibm.kms.registration_input+json", "collectionTotal": 1},
                "resources": [{"preventKeyDeletion": True}]}
        path = f"/api/v2/keys/plain-5/registrations/{urllib.parse.quote(owner + ':bucket:one', safe='')}"
        service.call("POST", path, body)
        state = {"plain-5": 1, "plain-6": 2}
        self.deployment.cli("migrate", "cutover", plan, "--disable-source", expect=1)
        self.assertEqual({name: source.call("GET", f"/api/v2/keys/{name}/metadata")["resources"][0]["state"] for name in state}, state)
        service.call("DELETE", path)
        self.deployment.cli("migrate", "cutover", plan, "--disable-source")
        self.assertEqual(source.call("GET", "/api/v2/keys/plain-5/metadata")["resources"][0]["state"], 2)


if __name__ == "__main__":
    unittest.main()
