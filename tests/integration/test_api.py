"""The key-management API over the wire: happy paths, the oddities of real clients, and bad input of every kind."""
import base64
import json
import os
import re
import ssl
import socket
import subprocess
import time
import unittest
import urllib.parse

from harness import BIN, Deployment, b64, envelope, new_uuid



def setUpModule():
    global D, INSTANCE, OTHER, RAW
    D = Deployment()
    D.start()
    INSTANCE = D.instance("first")
    OTHER = D.instance("second")
    RAW = D.instance("raw", initialise=False)


def tearDownModule():
    D.close()


class Api(unittest.TestCase):
    def expect(self, answer, status, code=None):
        self.assertEqual(answer.status, status, answer.body)
        if code:
            self.assertEqual(answer.code, code, answer.body)
            self.assertTrue(answer.json["resources"][0]["errorMsg"].endswith(f"({code})"), answer.body)
        return answer

    def key(self, **fields):
        return D.create_key(INSTANCE, fields.pop("name", "some-key"), **fields)

    def action(self, key, action, body=None, instance=None):
        return D.action(instance or INSTANCE, key, action, body)


class Keys(Api):
    def test_create_answers_the_full_key(self):
        key = self.key(name="payroll-root", aliases=["payroll"], description="for tests", tags=["a b"])
        self.assertEqual(key["state"], 1)
        self.assertFalse(key["imported"])
        self.assertEqual(key["aliases"], ["payroll"])
        self.assertEqual(key["keyVersion"]["id"], key["id"])
        self.assertEqual(key["algorithmMetadata"], {"bitLength": "256", "mode": "CBC_PAD"})
        self.assertEqual(key["dualAuthDelete"], {"enabled": False})
        self.assertEqual(key["keyRingID"], "default")
        self.assertRegex(key["crn"], rf"^crn:v1:bluemix:public:hs-crypto:local:a/[0-9a-f]{{32}}:{INSTANCE}:key:{key['id']}$")
        self.assertRegex(key["creationDate"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertNotIn("lastUpdateDate", key)
        self.assertNotIn("payload", key)
        again = D.call("GET", f"/api/v2/keys/{key['id']}", instance=INSTANCE).json["resources"][0]
        self.assertEqual(again["lastUpdateDate"], key["creationDate"])
        self.assertFalse(again["deleted"])
        by_alias = D.call("GET", "/api/v2/keys/payroll/metadata", instance=INSTANCE).json["resources"][0]
        self.assertEqual(by_alias["id"], key["id"])

    def test_prefer_minimal_and_representation(self):
        body = envelope({"name": "std", "extractable": True, "payload": b64(b"secret!")})
        minimal = D.call("POST", "/api/v2/keys", body, instance=INSTANCE, headers={"Prefer": "return=minimal"})
        self.expect(minimal, 201)
        self.assertNotIn("name", minimal.json["resources"][0])
        full = D.call("POST", "/api/v2/keys", body, instance=INSTANCE, headers={"Prefer": "return=representation"})
        self.assertEqual(full.json["resources"][0]["payload"], b64(b"secret!"))

    def test_import_sizes(self):
        for size, status in ((15, 400), (16, 201), (24, 201), (31, 400), (32, 201), (33, 400)):
            answer = D.call("POST", "/api/v2/keys", envelope({"name": "imp", "extractable": False, "payload": b64(b"k" * size)}),
                            instance=INSTANCE)
            self.assertEqual(answer.status, status, (size, answer.body))
            if status == 201:
                self.assertEqual(answer.json["resources"][0]["algorithmMetadata"]["bitLength"], str(size * 8))
            else:
                self.assertEqual(answer.code, "INVALID_FIELD_ERR")
        for size, status in ((1, 201), (7500, 201), (7501, 400)):
            answer = D.call("POST", "/api/v2/keys", envelope({"name": "std", "extractable": True, "payload": b64(b"k" * size)}),
                            instance=INSTANCE)
            self.assertEqual(answer.status, status, (size, answer.body))

    def test_standard_key_payload_only_from_get(self):
        payload = os.urandom(50)
        key = self.key(extractable=True, payload=b64(payload))
        self.assertNotIn("payload", key)
        self.assertEqual(D.call("GET", f"/api/v2/keys/{key['id']}", instance=INSTANCE).json["resources"][0]["payload"], b64(payload))
        self.assertNotIn("payload", D.call("GET", f"/api/v2/keys/{key['id']}/metadata", instance=INSTANCE).json["resources"][0])
        listed = D.call("GET", "/api/v2/keys?extractable=true", instance=INSTANCE).json["resources"]
        self.assertTrue(listed)
        self.assertTrue(all("payload" not in one for one in listed))

    def test_aliases_are_atomic_with_the_key(self):
        self.key(aliases=["taken"])
        before = D.call("HEAD", "/api/v2/keys", instance=INSTANCE).headers["Key-Total"]
        answer = D.call("POST", "/api/v2/keys", envelope({"name": "xx", "extractable": False, "aliases": ["fresh", "taken"]}),
                        instance=INSTANCE)
        self.expect(answer, 409, "KEY_ALIAS_NOT_UNIQUE_ERR")
        self.assertEqual(D.call("HEAD", "/api/v2/keys", instance=INSTANCE).headers["Key-Total"], before)
        self.expect(D.call("GET", "/api/v2/keys/fresh/metadata", instance=INSTANCE), 404, "KEY_NOT_FOUND_ERR")
        for alias in ("keys", "wrap", new_uuid(), "x", "a b", "a" * 91):
            answer = D.call("POST", "/api/v2/keys", envelope({"name": "xx", "extractable": False, "aliases": [alias]}), instance=INSTANCE)
            self.assertEqual(answer.status, 400, (alias, answer.body))

    def test_alias_calls(self):
        key = self.key()["id"]
        for number in range(5):
            self.assertEqual(D.call("POST", f"/api/v2/keys/{key}/aliases/al-{key[:8]}-{number}", instance=INSTANCE).status, 201)
        self.assertEqual(D.call("POST", f"/api/v2/keys/{key}/aliases/al-{key[:8]}-5", instance=INSTANCE).status, 409)
        self.assertEqual(D.call("DELETE", f"/api/v2/keys/{key}/aliases/al-{key[:8]}-0", instance=INSTANCE).status, 204)
        self.assertEqual(D.call("DELETE", f"/api/v2/keys/{key}/aliases/al-{key[:8]}-0", instance=INSTANCE).status, 404)

    def test_rings(self):
        created = D.call("POST", "/api/v2/key_rings/team-1", instance=INSTANCE)
        self.expect(created, 201)
        self.assertEqual(created.body, b"")
        self.assertEqual(D.call("POST", "/api/v2/key_rings/team-1", instance=INSTANCE).status, 409)
        key = D.call("POST", "/api/v2/keys", envelope({"name": "in ring", "extractable": False}), instance=INSTANCE,
                     headers={"X-Kms-Key-Ring": "team-1"}).json["resources"][0]
        self.assertEqual(key["keyRingID"], "team-1")
        self.expect(D.call("GET", f"/api/v2/keys/{key['id']}/metadata", instance=INSTANCE, headers={"X-Kms-Key-Ring": "default"}),
                    404, "KEY_NOT_FOUND_ERR")
        self.expect(D.call("DELETE", "/api/v2/key_rings/team-1", instance=INSTANCE), 409, "KEY_RING_NOT_EMPTY_ERR")
        moved = D.call("PATCH", f"/api/v2/keys/{key['id']}", {"KeyRingID": "default"}, instance=INSTANCE)
        self.expect(moved, 200)
        self.assertEqual(moved.json["resources"][0]["keyRingID"], "default")
        self.expect(D.call("PATCH", f"/api/v2/keys/{key['id']}", {"keyRingID": "nowhere"}, instance=INSTANCE), 404, "KEY_RING_NOT_FOUND_ERR")
        self.assertEqual(D.call("DELETE", "/api/v2/key_rings/team-1", instance=INSTANCE).status, 204)
        self.assertIn(D.call("DELETE", "/api/v2/key_rings/default", instance=INSTANCE).status, (400, 409))
        self.assertEqual(D.call("GET", "/api/v2/key_rings", instance=INSTANCE).json["resources"][0]["id"], "default")

    def test_list_pages_and_counts(self):
        for number in range(5):
            D.create_key(OTHER, f"page-{number}")
        total = int(D.call("HEAD", "/api/v2/keys", instance=OTHER).headers["Key-Total"])
        seen = []
        for offset in range(0, total + 2, 2):
            page = D.call("GET", f"/api/v2/keys?limit=2&offset={offset}", instance=OTHER).json
            self.assertEqual(page["metadata"]["collectionTotal"], len(page["resources"]))
            seen += [key["id"] for key in page["resources"]]
        self.assertEqual(len(seen), total)
        self.assertEqual(seen, sorted(set(seen)))
        for query in ("limit=0", "limit=5001", "limit=x", "offset=-1", "state=9", "sort=nothing"):
            self.expect(D.call("GET", "/api/v2/keys?" + query, instance=OTHER), 400, "INVALID_QUERY_PARAM_ERR")
        self.assertEqual(D.call("GET", "/api/v2/keys?limit=5000&offset=100000", instance=OTHER).json["resources"], [])


class Actions(Api):
    def test_wrap_and_unwrap_with_aad(self):
        key = self.key()["id"]
        text = "a sentence of thirty-five bytes ok."
        wrapped = self.expect(self.action(key, "wrap", {"plaintext": b64(text.encode()), "aad": ["a", "b"]}), 200).json
        self.assertNotIn("plaintext", wrapped)
        self.assertEqual(wrapped["keyVersion"]["id"], key)
        opened = self.expect(self.action(key, "unwrap", {"ciphertext": wrapped["ciphertext"], "aad": ["a", "b"]}), 200).json
        self.assertEqual(base64.b64decode(opened["plaintext"]).decode(), text)
        self.assertNotIn("ciphertext", opened)
        for aad in (None, [], ["b", "a"], ["a"], ["ab"], ["a", "b", ""]):
            body = {"ciphertext": wrapped["ciphertext"]} | ({} if aad is None else {"aad": aad})
            self.expect(self.action(key, "unwrap", body), 422, "UNPROCESSABLE_CIPHERTEXT_ERR")

    def test_wrap_without_plaintext_generates_a_dek(self):
        key = self.key()["id"]
        for body in (None, {}, b"null", b""):
            answer = self.expect(self.action(key, "wrap", body), 200).json
            self.assertEqual(len(base64.b64decode(answer["plaintext"])), 32)
            opened = self.action(key, "unwrap", {"ciphertext": answer["ciphertext"]}).json
            self.assertEqual(opened["plaintext"], answer["plaintext"])

    def test_legacy_spelling_is_the_same(self):
        key = self.key()["id"]
        wrapped = self.expect(D.call("POST", f"/api/v2/keys/{key}?action=wrap", {"plaintext": b64(b"x" * 32)}, instance=INSTANCE), 200).json
        opened = self.expect(D.call("POST", f"/api/v2/keys/{key}?action=unwrap", {"ciphertext": wrapped["ciphertext"]}, instance=INSTANCE), 200)
        self.assertEqual(opened.json["plaintext"], b64(b"x" * 32))
        for query in ("", "?action=nothing", "?action="):
            self.expect(D.call("POST", f"/api/v2/keys/{key}{query}", {}, instance=INSTANCE), 400, "INVALID_QUERY_PARAM_ERR")
        self.assertEqual(self.action(key, "nothing").status, 404)

    def test_rotation_keeps_old_versions_readable(self):
        key = self.key()["id"]
        olds = []
        for number in range(4):
            olds.append(self.action(key, "wrap", {"plaintext": b64(bytes([number]) * 32)}).json["ciphertext"])
            self.assertEqual(self.action(key, "rotate", b"null").status, 204)
        newest = D.call("GET", f"/api/v2/keys/{key}/versions", instance=INSTANCE).json["resources"]
        self.assertEqual(len(newest), 5)
        self.assertEqual(newest[-1]["id"], key)
        for number, old in enumerate(olds):
            answer = self.expect(self.action(key, "unwrap", {"ciphertext": old}), 200).json
            self.assertEqual(answer["plaintext"], b64(bytes([number]) * 32))
            self.assertEqual(answer["rewrappedKeyVersion"]["id"], newest[0]["id"])
            again = self.action(key, "unwrap", {"ciphertext": answer["ciphertext"]}).json
            self.assertEqual(again["plaintext"], answer["plaintext"])
            self.assertNotIn("ciphertext", again)
            rewrapped = self.expect(self.action(key, "rewrap", {"ciphertext": old}), 200).json
            self.assertNotIn("plaintext", rewrapped)
            self.assertEqual(rewrapped["rewrappedKeyVersion"]["id"], newest[0]["id"])
        self.expect(self.action(key, "rotate", {"payload": b64(b"k" * 32)}), 400, "INVALID_QUERY_PARAM_ERR")
        imported = self.key(payload=b64(b"i" * 32))["id"]
        self.expect(self.action(imported, "rotate"), 400, "KEY_PAYLOAD_REQ_ERR")
        self.assertEqual(self.action(imported, "rotate", {"payload": b64(b"j" * 16), "name": "ignored"}).status, 204)

    def test_hourly_rule_is_a_setting_of_the_instance(self):
        slow = D.instance("slow", rotation_interval=3600)
        key = D.create_key(slow, "slow")["id"]
        self.assertEqual(D.action(slow, key, "rotate").status, 204)
        self.expect(D.action(slow, key, "rotate"), 409, "KEY_ROTATION_NOT_PERMITTED")

    def test_equal_material_opens_equal_ciphertexts_across_instances(self):
        material = b64(os.urandom(32))
        first = self.key(payload=material)["id"]
        second = D.create_key(OTHER, "same material", payload=material)["id"]
        wdek = self.action(first, "wrap", {"plaintext": b64(b"d" * 32), "aad": ["x"]}).json["ciphertext"]
        self.assertEqual(self.action(second, "unwrap", {"ciphertext": wdek, "aad": ["x"]}, OTHER).json["plaintext"], b64(b"d" * 32))
        third = self.key()["id"]
        self.expect(self.action(third, "unwrap", {"ciphertext": wdek, "aad": ["x"]}), 422, "UNPROCESSABLE_CIPHERTEXT_ERR")

    def test_damaged_wrapped_deks(self):
        key = self.key()["id"]
        wdek = base64.b64decode(self.action(key, "wrap", {"plaintext": b64(b"d" * 32)}).json["ciphertext"])
        for position in range(0, len(wdek)):
            damaged = bytearray(wdek)
            damaged[position] ^= 1
            answer = self.action(key, "unwrap", {"ciphertext": b64(bytes(damaged))})
            self.assertIn((answer.status, answer.code), ((422, "UNPROCESSABLE_CIPHERTEXT_ERR"), (400, "INVALID_FIELD_ERR")), position)
        for size in (0, 1, 35, 36, 60, 75, 76, len(wdek) - 1):
            answer = self.action(key, "unwrap", {"ciphertext": b64(wdek[:size])})
            self.assertIn(answer.status, (400, 422), size)
        self.expect(self.action(key, "unwrap", {"ciphertext": "not base64!"}), 400, "INVALID_FIELD_ERR")
        self.expect(self.action(key, "unwrap"), 400, "NO_BODY_ERR")

    def test_standard_keys_do_not_wrap(self):
        key = self.key(extractable=True)["id"]
        for action, body in (("wrap", {}), ("unwrap", {"ciphertext": "AAAA"}), ("rewrap", {"ciphertext": "AAAA"}), ("rotate", {}),
                             ("disable", None), ("enable", None)):
            self.expect(self.action(key, action, body), 400, "KEY_ROOT_REQ_ERR")

    def test_states(self):
        key = self.key()["id"]
        wdek = self.action(key, "wrap", {}).json["ciphertext"]
        self.assertEqual(self.action(key, "disable").status, 204)
        self.expect(self.action(key, "disable"), 409, "KEY_ACTION_INVALID_STATE_ERR")
        self.expect(self.action(key, "wrap", {}), 409, "KEY_ACTION_INVALID_STATE_ERR")
        self.expect(self.action(key, "unwrap", {"ciphertext": wdek}), 409, "KEY_ACTION_INVALID_STATE_ERR")
        self.expect(self.action(key, "enable"), 409, "REQ_TOO_EARLY_ERR")
        self.expect(D.call("GET", f"/api/v2/keys/{key}/versions", instance=INSTANCE), 409, "KEY_ACTION_INVALID_STATE_ERR")
        self.assertEqual(D.call("GET", f"/api/v2/keys/{key}/versions?allKeyStates=true", instance=INSTANCE).status, 200)
        deleted = D.call("DELETE", f"/api/v2/keys/{key}", instance=INSTANCE, headers={"Prefer": "return=representation"})
        self.assertEqual(self.expect(deleted, 200).json["resources"][0]["state"], 5)
        self.expect(D.call("DELETE", f"/api/v2/keys/{key}", instance=INSTANCE), 410, "KEY_DELETED_ERR")
        self.expect(self.action(key, "unwrap", {"ciphertext": wdek}), 410, "KEY_DELETED_ERR")
        self.expect(D.call("POST", f"/api/v2/keys/{key}/restore", instance=INSTANCE), 409, "REQ_TOO_EARLY_ERR")
        ids = [one["id"] for one in D.call("GET", "/api/v2/keys?limit=5000", instance=INSTANCE).json["resources"]]
        self.assertNotIn(key, ids)
        ids = [one["id"] for one in D.call("GET", "/api/v2/keys?state=5", instance=INSTANCE).json["resources"]]
        self.assertIn(key, ids)
        self.expect(D.call("DELETE", f"/api/v2/keys/{key}/purge", instance=INSTANCE), 401)  # Manager may not

    def test_expired_key_unwraps_but_does_not_wrap(self):
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        key = self.key(expirationDate=soon)["id"]
        wdek = self.action(key, "wrap", {}).json["ciphertext"]
        end = time.monotonic() + 10
        while self.action(key, "wrap", {}).status == 200 and time.monotonic() < end:
            pass
        self.expect(self.action(key, "wrap", {}), 409, "KEY_ACTION_INVALID_STATE_ERR")
        self.assertEqual(self.action(key, "unwrap", {"ciphertext": wdek}).status, 200)
        self.expect(D.call("POST", "/api/v2/keys", envelope({"name": "past", "extractable": False,
                                                             "expirationDate": "2020-01-01T00:00:00Z"}), instance=INSTANCE), 400)

    def test_uninitialised_instance_answers_409_with_the_reason(self):
        answer = D.call("POST", "/api/v2/keys", envelope({"name": "xx", "extractable": False}), instance=RAW)
        self.expect(answer, 409, "INSTANCE_NOT_INITIALIZED")
        self.assertIn(b"CKR_IBM_WK_NOT_INITIALIZED", answer.body)
        self.assertEqual(D.call("GET", "/api/v2/keys", instance=RAW).json["resources"], [])


class BadInput(Api):
    def test_missing_or_foreign_instance(self):
        for value in (None, "", "not-a-uuid", "0" * 300):
            answer = D.call("GET", "/api/v2/keys", headers={} if value is None else {"Bluemix-Instance": value})
            self.expect(answer, 400)
            self.assertNotIn("reasons", answer.json["resources"][0])
        unknown = D.call("GET", "/api/v2/keys", instance=new_uuid())
        self.expect(unknown, 401)
        self.assertNotIn("reasons", unknown.json["resources"][0])
        self.assertTrue(unknown.json["resources"][0]["errorMsg"].endswith("(UNAUTHORIZED_ERR)"), unknown.body)

    def test_tokens(self):
        good = D.token()
        header, payload, signature = good.split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        for token in ("x", "a.b.c", good[:-4], good + "A", f"{none}.{payload}.", f"{header}.{payload}.{signature[::-1]}", "é".encode().decode("latin-1")):
            answer = D.call("GET", "/api/v2/keys", token=token, instance=INSTANCE)
            self.assertIn(answer.status, (400, 401), token)
        for value in ("", "Bearer", "Basic Yng6Yng=", "Bearer a b"):
            answer = D.call("GET", "/api/v2/keys", token=None, instance=INSTANCE, headers={"Authorization": value})
            self.assertIn(answer.status, (400, 401), value)
        self.expect(D.call("GET", "/api/v2/keys", token=None, instance=INSTANCE), 401)

    def test_ids_of_the_other_instance_are_absent(self):
        key = D.create_key(OTHER, "theirs", aliases=["theirs"])["id"]
        for name in (key, "theirs", new_uuid()):
            self.expect(D.call("GET", f"/api/v2/keys/{name}", instance=INSTANCE), 404, "KEY_NOT_FOUND_ERR")
            self.expect(self.action(name, "wrap", {}), 404, "KEY_NOT_FOUND_ERR")
            self.expect(D.call("DELETE", f"/api/v2/keys/{name}", instance=INSTANCE), 404, "KEY_NOT_FOUND_ERR")

    def test_roles_and_foreign_callers(self):
        reader = D.token(D.service_id("reader", "Reader", INSTANCE))
        key = self.key()["id"]
        standard = self.key(extractable=True)["id"]
        self.assertEqual(D.call("POST", f"/api/v2/keys/{key}/actions/wrap", {}, token=reader, instance=INSTANCE).status, 200)
        self.assertEqual(D.call("GET", f"/api/v2/keys/{standard}/metadata", token=reader, instance=INSTANCE).status, 200)
        refusals = [D.call("GET", f"/api/v2/keys/{standard}", token=reader, instance=INSTANCE),
                    D.call("DELETE", f"/api/v2/keys/{key}", token=reader, instance=INSTANCE),
                    D.call("DELETE", f"/api/v2/keys/{new_uuid()}", token=reader, instance=INSTANCE),
                    D.call("POST", "/api/v2/keys", envelope({"name": "xx", "extractable": False}), token=reader, instance=INSTANCE),
                    D.call("POST", f"/api/v2/keys/{key}/actions/wrap", {}, token=reader, instance=OTHER),
                    D.call("POST", f"/api/v2/keys/{key}/actions/rotate", token=reader, instance=INSTANCE)]
        for answer in refusals:
            self.expect(answer, 401)
            self.assertNotIn("reasons", answer.json["resources"][0])
        # Absent and forbidden look alike.
        self.assertEqual(re.sub(rb"[0-9a-f-]{36}", b"", refusals[1].body), re.sub(rb"[0-9a-f-]{36}", b"", refusals[2].body))
        purger = D.token(D.service_id("purger", "KMS Key Purge", INSTANCE))
        D.call("DELETE", f"/api/v2/keys/{key}", instance=INSTANCE)
        self.expect(D.call("DELETE", f"/api/v2/keys/{key}/purge", token=purger, instance=INSTANCE), 409, "REQ_TOO_EARLY_ERR")
        self.expect(D.call("GET", f"/api/v2/keys/{key}", token=purger, instance=INSTANCE), 401)

    def test_hostile_json(self):
        cases = [b"{", b"[]", b'"x"', b"{}", b"null", b'{"metadata":{},"resources":{}}', b'{"resources":[]}', b"\xff\xfe", b"{" * 100000,
                 b'{"resources":[{"name":"a","name":"b"}]}', b'{"metadata":{"collectionTotal":2},"resources":[{"name":"aa"}]}',
                 b'{"resources":[{"name":"aa"},{"name":"bb"}]}', b'{"resources":[{"name":5}]}', b'{"resources":[{"name":"a"}]}',
                 b'{"resources":[{"name":"' + b"n" * 91 + b'"}]}', b'{"resources":[{"name":"aa","extractable":"no"}]}',
                 b'{"resources":[{"name":"aa","extractable":false,"payload":"!!"}]}', b'{"resources":[{"name":"aa","tags":["' + b"t" * 31 + b'"]}]}',
                 b'{"resources":[{"name":"aa","expirationDate":"tomorrow"}]}', b'{"resources":[{"name":"aa","aliases":"x"}]}',
                 json.dumps({"resources": [{"name": "\ud800"}]}).encode(), b'{"resources":[{"name":"aa\x00b"}]}']
        before = D.call("HEAD", "/api/v2/keys", instance=INSTANCE).headers["Key-Total"]
        for body in cases:
            answer = D.call("POST", "/api/v2/keys", body, instance=INSTANCE)
            self.assertEqual(answer.status, 400, (body[:80], answer.body))
            self.assertIn("errorMsg", answer.json["resources"][0])
        self.assertEqual(D.call("HEAD", "/api/v2/keys", instance=INSTANCE).headers["Key-Total"], before)

    def test_sizes(self):
        self.assertEqual(D.call("POST", "/api/v2/keys", b"x" * (2 << 20), instance=INSTANCE).status, 413)
        key = self.key()["id"]
        self.expect(self.action(key, "wrap", {"plaintext": b64(b"x" * 7501)}), 400, "INVALID_FIELD_ERR")
        self.expect(self.action(key, "wrap", {"aad": ["x" * 256]}), 400, "INVALID_FIELD_ERR")
        self.expect(self.action(key, "wrap", {"aad": ["x"] * 256}), 400, "INVALID_FIELD_ERR")
        self.assertEqual(self.action(key, "wrap", {"aad": ["x" * 255] * 255}).status, 200)
        self.assertEqual(D.call("GET", "/api/v2/keys", instance=INSTANCE, headers={"X-Long": "x" * 40000}).status, 431)

    def test_paths_and_methods(self):
        for path in ("/api", "/api/v2", "/api/v2/secrets", "/api/v1/keys", "/api/v2/keys/../keys", "/api/v2/keys/%2e%2e/x", "/%00", "/api/v2/keys/%zz"):
            answer = D.call("GET", path, instance=INSTANCE)
            self.assertIn(answer.status, (400, 404), path)
            self.assertIn(b"errorMsg", answer.body, path)
        self.expect(D.call("GET", "/api/v2/secrets", instance=INSTANCE), 404, "PATH_NOT_FOUND_ERR")
        answer = self.expect(D.call("PUT", "/api/v2/keys", {}, instance=INSTANCE), 405, "METHOD_NOT_ALLOWED_ERR")
        self.assertIn("GET", answer.headers["Allow"])
        self.assertEqual(D.call("GET", "//api/v2//keys/", instance=INSTANCE).status, 200)

    def test_correlation_id(self):
        mine = new_uuid()
        for path in ("/api/v2/keys", "/api/v2/keys/absent", "/nothing"):
            answer = D.call("GET", path, instance=INSTANCE, headers={"Correlation-Id": mine})
            self.assertEqual(answer.headers["Correlation-Id"], mine)
        self.assertRegex(D.call("GET", "/api/v2/keys", instance=INSTANCE).headers["Correlation-Id"], r"^[0-9a-f-]{36}$")

    def test_raw_sockets(self):
        """Malformed HTTP is answered 400 or closed; the server goes on."""
        parts = urllib.parse.urlsplit(D.url)
        context = ssl.create_default_context(cafile=D.ca)
        for text in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
                     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"):
            with socket.create_connection((parts.hostname, parts.port), timeout=10) as raw:
                with context.wrap_socket(raw, server_hostname=parts.hostname) as tls:
                    tls.sendall(text)
                    answer = tls.recv(4096)
                    self.assertTrue(answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413", b"HTTP/1.1 505")), (text, answer))
        self.assertEqual(D.call("GET", "/healthz", token=None).status, 200)

    def test_unknown_api_key_is_an_error_that_go_decodes(self):
        form = urllib.parse.urlencode({"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": "nonsense"}).encode()
        for path in ("/identity/token", "/oidc/token"):
            answer = D.call("POST", path, form, token=None, headers={"Content-Type": "application/x-www-form-urlencoded",
                                                                     "Authorization": "Basic Yng6Yng="})
            self.assertEqual(answer.status, 400)
            self.assertEqual(answer.json["errorCode"], "BXNIM0415E")


class Audit(Api):
    def test_every_route_yields_exactly_one_record(self):
        routes = json.loads(subprocess.run([str(BIN / "keyhavend"), "--list-routes"], stdout=subprocess.PIPE,
                                           check=True, text=True).stdout)
        self.assertGreater(len(routes), 40)
        sent = {}
        for route in routes:
            if not route["audited"]:
                continue
            path = re.sub(r"\{[^}]+\}", lambda _: new_uuid(), route["path"])
            if route.get("query"):
                path += "?" + route["query"]
            for token in ("admin", None):
                correlation = new_uuid()
                answer = D.call(route["method"], path, b"{}" if route["method"] in ("POST", "PUT", "PATCH") else None, token=token,
                                instance=INSTANCE, headers={"Correlation-Id": correlation})
                self.assertLess(answer.status, 500, (route, answer.body))
                sent[correlation] = (route, token, answer.status)
        unknown = new_uuid()
        D.call("GET", "/no/such/route", instance=INSTANCE, headers={"Correlation-Id": unknown})
        sent[unknown] = ({"path": "/no/such/route"}, "admin", 404)
        counts = {}
        for event in D.audit_records():
            counts[event.get("correlationId")] = counts.get(event.get("correlationId"), 0) + 1
        wrong = [(what, counts.get(correlation, 0)) for correlation, what in sent.items() if counts.get(correlation, 0) != 1]
        self.assertEqual(wrong, [])

    def test_records_say_who_did_what_and_hold_no_secret(self):
        canary = os.urandom(32)
        key = self.key(payload=b64(canary))
        correlation = new_uuid()
        D.call("POST", f"/api/v2/keys/{key['id']}/actions/wrap", {"plaintext": b64(canary)}, instance=INSTANCE,
               headers={"Correlation-Id": correlation})
        event = next(event for event in D.audit_records() if event.get("correlationId") == correlation)
        self.assertEqual(event["action"], "hs-crypto.secrets.wrap")
        self.assertEqual(event["outcome"], "success")
        self.assertIn(key["id"], json.dumps(event["target"]))
        self.assertTrue(event["initiator"]["id"].startswith("iam-ServiceId-"))
        text = json.dumps(D.audit_records())
        self.assertNotIn(b64(canary), text)
        self.assertNotIn(D.token(), text)
        self.assertNotIn(D.api_key, text)


if __name__ == "__main__":
    unittest.main()
