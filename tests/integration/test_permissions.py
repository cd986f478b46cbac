"""GET /v1/permissions: what each caller may do, against what the server then lets it do."""
import json
import unittest

import openapi_check
from harness import Deployment, envelope, new_uuid

PATH = "/v1/permissions"


def setUpModule():
    global D, HERE, THERE
    D = Deployment()
    D.start()
    HERE = D.instance("here")
    THERE = D.instance("there", initialise=False)


def tearDownModule():
    D.close()


class Permissions(unittest.TestCase):
    def caller(self, name, *grants):
        """A service id with grants of a role on a dictionary of attributes; answers its iam id and token."""
        iam_id = D.call("POST", "/v1/serviceids", {"name": name}).json["iam_id"]
        for role, attributes in grants:
            self.grant(iam_id, role, attributes)
        key = D.call("POST", "/v1/apikeys", {"iam_id": iam_id, "name": name}).json["apikey"]
        return iam_id, D.token(key)

    def grant(self, iam_id, role, attributes):
        answer = D.call("POST", "/v1/policies", {
            "subjects": [{"attributes": [{"name": "iam_id", "value": iam_id}]}], "roles": [{"display_name": role}],
            "resources": [{"attributes": [{"name": name, "value": value} for name, value in attributes.items()]}]})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["id"]

    def read(self, token, instance=None):
        answer = D.call("GET", PATH + (f"?instance={instance}" if instance else ""), token=token)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        return answer.json

    def test_the_document_names_every_action_and_no_other(self):
        served = {action for one in self.read("admin")["requirements"] for action in one["actions"]}
        documented = openapi_check.checker().document["components"]["schemas"]["Action"]["enum"]
        self.assertEqual(served, set(documented))

    def test_of_an_administrator_and_manager_of_everything(self):
        found = self.read("admin", HERE)
        self.assertIn("iam-identity.create", found["account"])
        self.assertIn("secrets.delete", found["instance"]["actions"])
        self.assertNotIn("secrets.purge", found["instance"]["actions"])
        self.assertEqual(found["instance"]["parts"], [])

    def test_of_a_reader_of_one_ring_and_what_the_server_then_lets_it_do(self):
        self.assertEqual(D.call("POST", "/api/v2/key_rings/team", instance=HERE).status, 201)
        inside = D.call("POST", "/api/v2/keys", envelope({"name": "inside", "extractable": False}), instance=HERE,
                        headers={"X-Kms-Key-Ring": "team"}).json["resources"][0]["id"]
        outside = D.create_key(HERE, "outside")["id"]
        _, token = self.caller("ring-reader", ("Reader", {"serviceInstance": HERE, "keyRing": "team"}))
        found = self.read(token, HERE)
        self.assertEqual(found["account"], [])
        self.assertEqual(found["instance"]["actions"], [])
        self.assertEqual([part["places"] for part in found["instance"]["parts"]], [[{"key_ring": "team"}]])
        actions = found["instance"]["parts"][0]["actions"]
        for action, listed in (("secrets.wrap", True), ("secrets-metadata.read", True), ("secrets.create", False), ("secrets.delete", False)):
            self.assertEqual(action in actions, listed, action)

        def status(method, path, body=None):
            return D.call(method, path, body, token=token, instance=HERE).status
        self.assertEqual(status("POST", f"/api/v2/keys/{inside}/actions/wrap", {}), 200)
        self.assertEqual(status("POST", f"/api/v2/keys/{outside}/actions/wrap", {}), 401)
        self.assertEqual(status("DELETE", f"/api/v2/keys/{inside}"), 401)
        self.assertEqual(status("GET", "/api/v2/key_rings"), 401)

    def test_an_instance_of_others_and_none_at_all_are_answered_alike(self):
        _, token = self.caller("reader-there", ("Reader", {"serviceInstance": THERE}))
        answers = [self.read(token, guid) for guid in (HERE, new_uuid())]
        for found in answers:
            self.assertEqual(len(found["instance"].pop("id")), 36)
            self.assertEqual(found["instance"], {"actions": [], "parts": []})
        self.assertEqual(*answers)
        self.assertIn("secrets.wrap", self.read(token, THERE)["instance"]["actions"])

    def test_a_grant_counts_from_its_acknowledgement_to_that_of_its_end(self):
        iam_id, token = self.caller("changing")
        self.assertEqual(self.read(token, HERE)["instance"]["actions"], [])
        policy = self.grant(iam_id, "Writer", {"serviceInstance": HERE})
        self.assertIn("secrets.create", self.read(token, HERE)["instance"]["actions"])
        self.assertEqual(D.call("DELETE", f"/v1/policies/{policy}").status, 204)
        self.assertEqual(self.read(token, HERE)["instance"]["actions"], [])

    def test_the_command_line_tells_the_same(self):
        iam_id, _ = self.caller("at the command line", ("Reader", {"serviceInstance": HERE}), ("KeyPurge", {"serviceInstance": HERE, "keyRing": "team"}))
        key = D.secret_file("reader-key", D.call("POST", "/v1/apikeys", {"iam_id": iam_id, "name": "cli"}).json["apikey"].encode())
        mine = {"KH_API_KEY_FILE": str(key)}
        told = json.loads(D.cli("iam", "permissions", "--on-instance", HERE, "--output", "json", **mine).stdout)["permissions"]
        self.assertEqual([(one["on"], one["ring"], "secrets.wrap" in one["actions"], "secrets.purge" in one["actions"]) for one in told],
                         [("account", "", False, False), ("instance", "", True, False), ("part", "team", True, True)])
        self.assertRegex(D.cli("iam", "permissions", "--on-instance", HERE, **mine).stdout, r"(?m)^part +team +secrets\.purge")
        self.assertIn("UUID", D.cli("iam", "permissions", "--on-instance", "here", expect=None, **mine).stderr)

    def test_two_hundred_grants_are_all_told(self):
        keys = [new_uuid() for _ in range(100)]
        iam_id, token = self.caller("of-many")
        for number in range(100):
            self.grant(iam_id, "Reader", {"serviceInstance": HERE, "keyRing": f"ring-{number}"})
            self.grant(iam_id, "Manager", {"serviceInstance": HERE, "resourceType": "key", "resource": keys[number]})
        parts = self.read(token, HERE)["instance"]["parts"]
        self.assertEqual(sorted(len(part["places"]) for part in parts), [100, 100])
        self.assertEqual({place["key"] for part in parts for place in part["places"] if "key" in place}, set(keys))

    def test_what_is_no_instance_id_is_refused_and_each_call_leaves_one_record(self):
        self.assertEqual(D.call("GET", PATH, token=None).status, 401)
        for text in ("here", "", HERE[:-1], "00000000-0000-0000-0000-00000000000g"):
            answer = D.call("GET", f"{PATH}?instance={text}")
            self.assertEqual((answer.status, answer.code), (400, "INVALID_QUERY_PARAM_ERR"), answer.body)
        iam_id, token = self.caller("recorded")
        self.read(token, HERE)
        mine = [event for event in D.audit_records() if event["action"] == "hs-crypto.permissions.read" and event["initiator"].get("id") == iam_id]
        self.assertEqual(len(mine), 1)


if __name__ == "__main__":
    unittest.main()
