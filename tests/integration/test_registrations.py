"""Registrations of two services on a real server: what they prevent, what they are told, and what a crash leaves."""
import unittest
import urllib.parse

from harness import Deployment, new_uuid

INPUT = "application/vnd.ibm.kms.registration_input+json"


def body(**resource):
    return {"metadata": {"collectionType": INPUT, "collectionTotal": 1}, "resources": [resource]}


class Service:
    """A service id that owns the resources below its CRN."""

    def __init__(self, deployment, name, instance):
        self.deployment, self.instance = deployment, instance
        self.crn = f"crn:v1:bluemix:public:{name}:local:a/{'0' * 32}:{new_uuid()}"
        done = deployment.cli_json("iam", "service-id", "create", name, "--service-crn", self.crn)
        assert done["service_crn"] == self.crn, done
        deployment.cli("iam", "policy", "create", "--iam-id", done["iam_id"], "--role", "Reader", "--on-instance", instance)
        secret = deployment.home / f"{name}.key"
        deployment.cli("iam", "api-key", "create", name, "--iam-id", done["iam_id"], "--secret-out", secret)
        self.api_key = secret.read_text().strip()

    def call(self, method, path, content=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.deployment.call(method, path, content, token=self.deployment.token(self.api_key), instance=self.instance,
                                    headers=headers)

    def path(self, key, resource):
        return f"/api/v2/keys/{key}/registrations/" + urllib.parse.quote(f"{self.crn}:bucket:{resource}", safe="")

    def register(self, key, resource, **settings):
        answer = self.call("POST", self.path(key, resource), body(**settings))
        assert answer.status == 200, answer.body
        return answer

    def events(self, query=""):
        answer = self.call("GET", "/api/v2/lifecycle_events" + query)
        assert answer.status == 200, answer.body
        return answer.json["resources"]

    def acknowledge(self, event, state, **data):
        content = {"metadata": {"collectionTotal": 1},
                   "resources": [{"eventId": event, "adopterKeyState": state, "keyStateData": data}]}
        return self.call("POST", "/api/v2/event_ack", content)


class Registrations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Deployment(keys__restore_after_delete_seconds=0, keys__purge_after_delete_seconds=0)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.instance = cls.server.instance("registrations")
        cls.database = Service(cls.server, "database", cls.instance)
        cls.storage = Service(cls.server, "storage", cls.instance)

    def call(self, method, path, content=None, **headers):
        return self.server.call(method, path, content, instance=self.instance, headers=headers)

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)

    def key(self):
        return self.server.create_key(self.instance)["id"]

    def crash(self):
        self.server.kill_server()
        self.server.start()
        self.server.forget_tokens()

    def listed(self, key, query=""):
        answer = self.call("GET", f"/api/v2/keys/{key}/registrations?totalCount=true{query}")
        self.assertEqual(answer.status, 200)
        return answer.json["resources"]

    def test_deletion_is_prevented_forced_and_undone(self):
        key = self.key()
        self.database.register(key, "pay/roll:1", preventKeyDeletion=True, registrationMetadata="internal")
        self.storage.register(key, "logs", description="of storage")
        self.refused(self.call("DELETE", f"/api/v2/keys/{key}?force=true"), 409, "PREV_KEY_DEL_ERR")
        self.crash()
        self.refused(self.call("DELETE", f"/api/v2/keys/{key}?force=true"), 409, "PREV_KEY_DEL_ERR")
        released = self.database.call("PATCH", self.database.path(key, "pay/roll:1"), body(preventKeyDeletion=False))
        self.assertEqual(released.status, 200)
        self.assertEqual(released.json["resources"][0]["registrationMetadata"], "internal")
        self.refused(self.call("DELETE", f"/api/v2/keys/{key}"), 409, "PROTECTED_RESOURCE_ERR")
        self.assertEqual(self.call("DELETE", f"/api/v2/keys/{key}?force=true").status, 204)
        self.crash()
        shown = self.listed(key)
        self.assertEqual([one["resourceCrn"].rsplit(":bucket:")[1] for one in shown], ["pay/roll:1", "logs"])
        self.assertNotIn("registrationMetadata", shown[0])
        self.refused(self.storage.call("DELETE", self.storage.path(key, "logs")), 422, "KEY_INVALID_STATE_ERR")
        self.assertEqual(self.call("POST", f"/api/v2/keys/{key}/restore").status, 201)
        self.refused(self.call("DELETE", f"/api/v2/keys/{key}"), 409, "PROTECTED_RESOURCE_ERR")
        self.assertEqual([event["kind"] for event in self.database.events() if event["keyId"] == key],
                         ["delete", "restore"])
        self.assertEqual(self.call("DELETE", f"/api/v2/keys/{key}?force=true").status, 204)
        self.assertEqual(self.call("DELETE", f"/api/v2/keys/{key}/purge").status, 401)  # Manager does not include it
        purger = self.server.token(self.server.service_id("purger", "KMS Key Purge", self.instance))
        self.assertEqual(self.server.call("DELETE", f"/api/v2/keys/{key}/purge", token=purger,
                                          instance=self.instance).status, 204)
        for _ in range(2):
            self.assertEqual([e for e in self.database.events() if e["keyId"] == key], [])
            everything = self.call("GET", "/api/v2/keys/registrations?limit=5000").json["resources"]
            self.assertEqual([one for one in everything if one["keyId"] == key], [])
            self.crash()

    def test_services_do_not_touch_each_other(self):
        key = self.key()
        self.database.register(key, "a", registrationMetadata="secret of database")
        path = self.database.path(key, "a")
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            content = None if method == "DELETE" else body()
            self.refused(self.storage.call(method, path, content), 403, "RESOURCE_OWNER_ERR")
            self.refused(self.call(method, path, content), 403, "SERVICE_ONLY_ERR")
        self.assertEqual(self.storage.call("GET", f"/api/v2/keys/{key}/registrations").json["resources"], [])
        query = urllib.parse.quote(f"{self.database.crn}:*:*", safe="")
        found = self.call("GET", f"/api/v2/keys/registrations?urlEncodedResourceCRNQuery={query}").json["resources"]
        self.assertIn(key, [one["keyId"] for one in found])
        foreign = self.storage.call("GET", f"/api/v2/keys/registrations?urlEncodedResourceCRNQuery={query}").json["resources"]
        self.assertNotIn(key, [one["keyId"] for one in foreign])

    def test_tags_tell_of_another_change_also_after_a_crash(self):
        key = self.key()
        tag = self.database.register(key, "a").headers["ETag"]
        self.crash()
        path = self.database.path(key, "a")
        changed = self.database.call("PUT", path, body(description="two"), If_Match=f'"other", W/{tag}')
        self.assertEqual(changed.status, 200, changed.body)
        self.refused(self.database.call("PUT", path, body(description="three"), If_Match=tag), 412, "PRECONDITION_FAILED_ERR")
        read = self.database.call("GET", f"/api/v2/keys/{key}/registrations")
        self.assertEqual(read.headers["ETag"], changed.headers["ETag"])
        self.assertEqual(read.json["resources"][0]["description"], "two")

    def test_a_rotation_is_told_and_acknowledged(self):
        key = self.key()
        self.database.register(key, "a")
        self.storage.register(key, "b")
        self.assertEqual(self.server.action(self.instance, key, "rotate").status, 204)
        self.crash()
        event = next(one for one in self.database.events() if one["keyId"] == key)
        self.assertEqual(event["kind"], "rotate")
        version = event["keyVersion"]["id"]
        self.refused(self.storage.acknowledge(event["id"], "DEK_ENABLED", rewrappedKeyVersion=version), 404,
                     "EVENT_NOT_FOUND_ERR")
        self.refused(self.database.acknowledge(event["id"], "DEK_ENABLED"), 400, "INVALID_FIELD_ERR")
        for _ in range(2):
            answer = self.database.acknowledge(event["id"], "DEK_ENABLED", rewrappedKeyVersion=version)
            self.assertEqual(answer.status, 204, answer.body)
            self.crash()
        self.assertEqual([one for one in self.database.events() if one["keyId"] == key], [])
        self.assertEqual(len([one for one in self.storage.events() if one["keyId"] == key]), 1)
        versions = {one["resourceCrn"].rsplit(":", 1)[1]: one["keyVersion"]["id"] for one in self.listed(key)}
        self.assertEqual(versions, {"a": version, "b": key})
        done = self.database.events("?acknowledged=true")
        self.assertIn((event["id"], "DEK_ENABLED"), [(one["id"], one["adopterKeyState"]) for one in done])
        self.refused(self.server.action(self.instance, key, "sync"), 409, "REQ_TOO_EARLY_ERR")

    def test_migration_intent_survives_and_is_told(self):
        source, target = self.key(), self.key()
        self.database.register(source, "a")
        crn = self.server.create_key(self.instance)["crn"].rsplit(":", 1)[0] + ":" + target
        path = f"/api/v2/keys/{source}/migrationIntent"
        content = {"metadata": {"collectionTotal": 1}, "resources": [{"targetCRK": crn}]}
        made = self.call("POST", path, content)
        self.assertEqual(made.status, 201, made.body)
        self.crash()
        self.refused(self.call("POST", path, content), 409, "MIGRATION_INTENT_EXISTS_ERR")
        self.assertEqual(self.call("GET", path).json, made.json)
        told = [event["kind"] for event in self.database.events() if event["keyId"] == source]
        self.assertEqual(told, ["migrationIntent"])
        self.assertEqual(self.call("DELETE", path).status, 204)
        self.refused(self.call("GET", path), 404, "MIGRATION_INTENT_NOT_FOUND_ERR")

    def test_governance_describes_instance_and_keys(self):
        key = self.key()
        instances = self.server.call("GET", "/governance/v1/configs").json
        self.assertIn(self.instance, [one["additional_target_attributes"]["instance_id"] for one in instances["config_state"]])
        keys = self.server.call("GET", "/governance/v1/configs?resource_kind=key&limit=5000").json["config_state"]
        self.assertIn(key, [one["additional_target_attributes"]["resource_id"] for one in keys])


if __name__ == "__main__":
    unittest.main()
