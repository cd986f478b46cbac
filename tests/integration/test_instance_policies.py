"""Policies and limits of instances on a real server with a public and a private listener."""
import http.client
import json
import re
import ssl
import unittest
import urllib.parse

from harness import Deployment, b64, envelope

PATH = "/api/v2/instance/policies"
PORT_PATH = "/api/v2/instance/allowed_ip_port"


def setUpModule():
    global D, INSTANCE
    D = Deployment(server__private_listen="127.0.0.1", server__private_port="0", limits__key_rings="3")
    D.start()
    INSTANCE = D.instance("policies")


def tearDownModule():
    D.close()


def policy(policy_type, enabled, **attributes):
    data = {"enabled": enabled} | ({"attributes": attributes} if attributes else {})
    return {"policy_type": policy_type, "policy_data": data}


class Policies(unittest.TestCase):
    def tearDown(self):
        self.patch(allowed_ip=[], allowed_network="public-and-private")
        self.call("PUT", PATH, envelope(policy("keyCreateImportAccess", False), policy("dualAuthDelete", False),
                                        policy("rotation", False)))

    def connection(self, url, source="127.0.0.1"):
        parts = urllib.parse.urlsplit(url)
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60, source_address=(source, 0),
                                           context=ssl.create_default_context(cafile=D.ca))

    def call(self, method, path, body=None, source="127.0.0.1", private=False, **options):
        connection = self.connection(D.endpoint["private_url" if private else "url"], source)
        try:
            return D.call(method, path, body, instance=INSTANCE, connection=connection, **options)
        finally:
            connection.close()

    def set(self, *policies, private=False):
        answer = self.call("PUT", PATH, envelope(*policies), private=private)
        self.assertEqual(answer.status, 204, answer.body)
        self.assertEqual(answer.body, b"")
        return answer

    def patch(self, **parameters):
        answer = D.call("PATCH", f"/v2/resource_instances/{INSTANCE}", {"parameters": parameters})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def listed(self):
        return {one["policy_type"]: one["policy_data"] for one in self.call("GET", PATH).json["resources"]}

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)

    # --- network ---
    def test_allowed_ip_blocks_and_opens(self):
        self.set(policy("allowedIP", True, allowed_ip=["127.0.0.1/32", "2001:db8::/32"]))
        self.assertEqual(self.call("GET", "/api/v2/keys").status, 200)
        blocked = self.call("GET", "/api/v2/keys", source="127.0.0.2")
        self.assertEqual(blocked.status, 401)
        self.assertNotIn("reasons", blocked.json["resources"][0])
        port = self.call("GET", PORT_PATH, source="127.0.0.2")
        self.assertEqual(port.json["resources"],
                         [{"private_endpoint_port": urllib.parse.urlsplit(D.endpoint["private_url"]).port}])
        self.set(policy("allowedIP", True, allowed_ip=["127.0.0.0/8"]))
        self.assertEqual(self.call("GET", "/api/v2/keys", source="127.0.0.2").status, 200)
        self.set(policy("allowedIP", False))
        self.assertEqual(self.call("GET", PORT_PATH).json["resources"], [])

    def test_who_shuts_himself_out_is_told_and_comes_back(self):
        answer = self.set(policy("allowedIP", True, allowed_ip=["192.0.2.0/24"]))
        self.assertIn("PATCH /v2/resource_instances", answer.headers["Warning"])
        self.assertEqual(self.call("GET", PATH).status, 401)
        shown = D.call("GET", f"/v2/resource_instances/{INSTANCE}").json
        self.assertEqual(shown["parameters"]["allowed_ip"], ["192.0.2.0/24"])
        self.patch(allowed_ip=[])
        self.assertEqual(self.listed()["allowedIP"], {"enabled": False})

    def test_private_only(self):
        shown = D.call("GET", f"/crypto_v2/instances/{INSTANCE}").json["kms"]
        self.assertEqual("https://" + shown["private"], D.endpoint["private_url"])
        self.assertNotEqual(shown["private"], shown["public"])
        self.set(policy("allowedNetwork", True, allowed_network="private-only"))
        self.assertEqual(self.call("GET", PATH).status, 401)
        before = len(D.audit_records())
        self.assertEqual(self.call("GET", PATH, private=True).status, 200)
        mine = [event for event in D.audit_records()[before:] if event["action"] == "hs-crypto.instance-policies.read"]
        self.assertEqual([event for event in mine if "address" in event["initiator"].get("host", {})], [], mine)
        extensions = D.call("GET", f"/v2/resource_instances/{INSTANCE}").json
        self.assertEqual(extensions["parameters"]["allowed_network"], "private-only")
        self.assertEqual(extensions["extensions"]["endpoints"]["private"], D.endpoint["private_url"])
        # Opened from the private side, or by the administrator.
        self.set(policy("allowedNetwork", False), private=True)
        self.assertEqual(self.call("GET", PATH).status, 200)
        self.patch(allowed_network="private-only")
        self.assertEqual(self.call("GET", PATH).status, 401)
        self.patch(allowed_network="public-and-private")
        self.assertEqual(self.listed()["allowedNetwork"]["attributes"], {"allowed_network": "public-and-private"})

    # --- keys ---
    def create(self, extractable=False, payload=None):
        resource = {"type": "application/vnd.ibm.kms.key+json", "name": "a-key", "extractable": extractable}
        if payload:
            resource["payload"] = b64(payload)
        return self.call("POST", "/api/v2/keys", envelope(resource))

    def test_key_create_import_access(self):
        kinds = {"create_root_key": {}, "create_standard_key": {"extractable": True},
                 "import_root_key": {"payload": bytes(range(32))},
                 "import_standard_key": {"extractable": True, "payload": b"standard"}}
        for right, kind in kinds.items():
            with self.subTest(right):
                self.set(policy("keyCreateImportAccess", True, **{right: False}))
                for other, other_kind in kinds.items():
                    answer = self.create(**other_kind)
                    if other == right:
                        self.refused(answer, 409, "KEY_CREATE_IMPORT_ACCESS_ERR")
                    else:
                        self.assertEqual(answer.status, 201, answer.body)
        self.set(policy("keyCreateImportAccess", True, enforce_token=True))
        self.refused(self.create(payload=bytes(range(32))), 409, "KEY_CREATE_IMPORT_ACCESS_ERR")
        self.assertEqual(self.create().status, 201)
        self.set(policy("keyCreateImportAccess", False))
        self.assertEqual(self.create(payload=bytes(range(32))).status, 201)

    def test_new_keys_inherit(self):
        self.set(policy("dualAuthDelete", True), policy("rotation", True, interval_month=3))
        key = self.create().json["resources"][0]
        self.assertEqual(key["dualAuthDelete"]["enabled"], True)
        rotation = self.call("GET", f"/api/v2/keys/{key['id']}/policies?policy=rotation").json["resources"][0]
        self.assertEqual(rotation["rotation"]["interval_month"], 3)
        self.set(policy("dualAuthDelete", False), policy("rotation", False))
        self.assertEqual(self.create().json["resources"][0]["dualAuthDelete"]["enabled"], False)

    def test_policies_outlive_a_restart(self):
        self.set(policy("metrics", True), policy("rotation", True, interval_month=2))
        D.stop()
        D.start()
        D.forget_tokens()
        self.assertEqual(self.listed()["metrics"], {"enabled": True})
        self.assertEqual(self.listed()["rotation"], {"enabled": True, "attributes": {"interval_month": 2}})

    # --- metrics ---
    def scrape(self):
        """The calls of the instance by API and code, as a scraper reads them."""
        answer = D.call("GET", "/metrics")
        text = answer.body.decode()
        self.assertEqual(answer.status, 200, text)
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertIn(f'keyhaven_keys{{instance="{INSTANCE}"}} ', text)
        calls = re.findall(r'^ibm_kms_api_request_gauge\{instance="(.+)",api="(.+)",code="(.+)"\} (\d+)$', text, re.MULTILINE)
        means = re.findall(r'^ibm_kms_api_latency_gauge\{instance="(.+)",api="(.+)",code="(.+)"\} (\S+)$', text, re.MULTILINE)
        self.assertEqual([one[:3] for one in means], [one[:3] for one in calls])
        self.assertTrue(all(0 < float(one[3]) < 60000 for one in means), means)
        return {(api, int(code)): int(number) for instance, api, code, number in calls if instance == INSTANCE}

    def test_metrics_count_the_calls_since_the_policy_was_enabled(self):
        key = self.create().json["resources"][0]["id"]
        path = f"/api/v2/keys/{key}/actions/"
        self.set(policy("metrics", False))
        self.assertEqual(self.call("POST", path + "wrap", {}).status, 200)
        self.assertEqual(self.scrape(), {})
        self.set(policy("metrics", True))
        for _ in range(20):  # new connections, so several loops
            self.assertEqual(self.call("POST", path + "wrap", {}).status, 200)
        self.assertEqual(self.call("POST", path + "disable").status, 204)
        self.refused(self.call("POST", path + "wrap", {}), 409, "KEY_ACTION_INVALID_STATE_ERR")
        self.assertEqual(self.scrape(), {("secrets.wrap", 200): 20, ("secrets.disable", 204): 1, ("secrets.wrap", 409): 1})
        self.set(policy("metrics", False))
        self.assertEqual(self.scrape(), {})
        self.set(policy("metrics", True))
        self.assertEqual(self.scrape(), {})
        self.set(policy("metrics", False))

    # --- limits ---
    def test_limits_of_the_deployment_and_of_the_instance(self):
        shown = D.call("GET", f"/v2/resource_instances/{INSTANCE}").json["parameters"]["limits"]
        self.assertEqual((shown["key_rings"], shown["keys"]), (3, 50000))
        for number in range(2):
            self.assertEqual(self.call("POST", f"/api/v2/key_rings/limit-{number}").status, 201)
        self.refused(self.call("POST", "/api/v2/key_rings/limit-2"), 409, "KEY_RING_LIMIT_ERR")
        self.assertEqual(self.patch(limits={"key_rings": 4})["parameters"]["limits"]["key_rings"], 4)
        self.assertEqual(self.call("POST", "/api/v2/key_rings/limit-2").status, 201)
        # Below what is there: allowed, stops new ones, and the deployment's comes back with null.
        self.patch(limits={"key_rings": 1, "keys": 0})
        self.refused(self.create(), 409, "KEY_LIMIT_ERR")
        rings = self.call("GET", "/api/v2/key_rings").json["resources"]
        self.assertEqual(len(rings), 4)
        self.assertEqual(self.patch(limits={"key_rings": None, "keys": None})["parameters"]["limits"]["key_rings"], 3)
        self.assertEqual(self.create().status, 201)

    def test_the_limit_of_a_dek_stops_new_ones_only(self):
        key = self.create().json["resources"][0]["id"]
        path = f"/api/v2/keys/{key}/actions/"
        wrapped = self.call("POST", path + "wrap", {"plaintext": b64(bytes(33))}).json["ciphertext"]
        self.patch(limits={"dek_bytes": 32})
        refused = self.call("POST", path + "wrap", {"plaintext": b64(bytes(33))})
        self.refused(refused, 400, "INVALID_FIELD_ERR")
        self.assertIn("at most 32", refused.json["resources"][0]["errorMsg"])
        self.assertEqual(self.call("POST", path + "wrap", {"plaintext": b64(bytes(32))}).status, 200)
        self.assertEqual(self.call("POST", path + "wrap", {}).status, 200)
        self.assertEqual(self.call("POST", path + "unwrap", {"ciphertext": wrapped}).status, 200)
        self.patch(limits={"dek_bytes": None})

    def test_limits_of_aliases_and_standard_keys(self):
        self.addCleanup(self.patch, limits={"aliases": None, "aliases_per_key": None, "standard_key_bytes": None})
        key = self.create().json["resources"][0]["id"]
        self.patch(limits={"aliases_per_key": 1, "standard_key_bytes": 16})
        self.assertEqual(self.call("POST", f"/api/v2/keys/{key}/aliases/limit-first").status, 201)
        self.refused(self.call("POST", f"/api/v2/keys/{key}/aliases/limit-second"), 409, "KEY_ALIAS_LIMIT_ERR")
        self.patch(limits={"aliases": 0, "aliases_per_key": None})
        self.refused(self.call("POST", f"/api/v2/keys/{key}/aliases/limit-second"), 409, "KEY_ALIAS_LIMIT_ERR")
        for size, status in ((17, 400), (16, 201)):
            body = envelope({"name": "standard", "extractable": True, "payload": b64(bytes(size))})
            answer = self.call("POST", "/api/v2/keys", body)
            self.assertEqual(answer.status, status, answer.body)

    def test_requests_above_the_rate_are_told_to_wait(self):
        self.addCleanup(self.patch, limits={"requests_per_second": None, "request_burst": None})
        self.patch(limits={"requests_per_second": 1, "request_burst": 2})
        answers = [self.call("GET", "/api/v2/keys?limit=1") for _ in range(8)]
        self.assertEqual([answer.status for answer in answers[:2]], [200, 200])
        refused = next(answer for answer in answers if answer.status == 429)
        self.assertEqual((refused.code, refused.headers["Retry-After"]), ("TOO_MANY_REQUESTS_ERR", "1"))

    def test_every_bad_limit_names_what_is_allowed(self):
        for limits, says in (({"keys": 10000001}, "0 to 10000000"), ({"keyes": 1}, "the limits are keys"),
                             ({"keys": "1"}, "must be a number")):
            answer = D.call("PATCH", f"/v2/resource_instances/{INSTANCE}", {"parameters": {"limits": limits}})
            self.refused(answer, 400, "INVALID_FIELD_ERR")
            self.assertIn(says, json.dumps(answer.json))


    # --- the command line ---
    def test_the_command_line_sets_and_shows(self):
        cli = ("instance", "policy")
        D.cli(*cli, "set", "keyCreateImportAccess", "on", "--deny", "import_root_key", "--enforce-token", "-i", INSTANCE)
        D.cli(*cli, "set", "rotation", "on", "--months", "4", "-i", INSTANCE)
        shown = {one["policy_type"]: one for one in D.cli_json(*cli, "show", "-i", INSTANCE)["policies"]}
        self.assertEqual(shown["keyCreateImportAccess"]["attributes"],
                         {"create_root_key": True, "create_standard_key": True, "import_root_key": False,
                          "import_standard_key": True, "enforce_token": True})
        self.assertEqual(shown["rotation"]["attributes"], {"interval_month": 4})
        self.assertIn("rotation", D.cli(*cli, "show", "-i", INSTANCE).stdout)
        D.cli(*cli, "set", "rotation", "off", "-i", INSTANCE)
        self.assertEqual(self.listed()["rotation"], {"enabled": False})
        refused = D.cli(*cli, "set", "allowedIP", "on", "--allow", "10.1.2.3/8", "-i", INSTANCE, expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("10.0.0.0/8", refused.stdout + refused.stderr)
        warned = D.cli(*cli, "set", "allowedIP", "on", "--allow", "192.0.2.0/24", "-i", INSTANCE)
        self.assertIn("warning: ", warned.stderr)
        D.cli(*cli, "show", "-i", INSTANCE, expect=1)
        D.cli("instance", "update", INSTANCE, "--reset-allowed-ip", "--limit", "keys=123", "--limit", "aliases=7")
        limits = D.cli_json("instance", "show", INSTANCE)["limits"]
        self.assertEqual((limits["keys"], limits["aliases"]), (123, 7))
        D.cli("instance", "update", INSTANCE, "--limit", "keys=default", "--limit", "aliases=default")
        self.assertEqual(D.cli_json("instance", "show", INSTANCE)["limits"]["keys"], 50000)


class WithoutAPrivateListener(unittest.TestCase):
    def test_private_only_is_refused_with_the_remedy(self):
        with Deployment() as deployment:
            guid = deployment.instance("public", initialise=False)
            self.assertNotIn("private_url", deployment.endpoint)
            answer = deployment.call("PUT", PATH, envelope(policy("allowedNetwork", True, allowed_network="private-only")),
                                     instance=guid)
            self.assertEqual((answer.status, answer.code), (403, "FEATURE_RESTRICTED_ERR"), answer.body)
            self.assertIn("server.private_listen", answer.json["resources"][0]["errorMsg"])
            answer = deployment.call("POST", "/v2/resource_instances",
                                     {"name": "closed", "parameters": {"allowed_network": "private-only"}})
            self.assertEqual((answer.status, answer.code), (403, "FEATURE_RESTRICTED_ERR"), answer.body)


if __name__ == "__main__":
    unittest.main()
