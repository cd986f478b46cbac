"""What time does to keys on a real server, with months of seconds: policies rotate, keys expire, authorizations lapse,
through crashes of the server and of its unit."""
import datetime
import json
import unittest

from harness import Deployment, b64, wait_until

MONTH_SECONDS = 2
POLICY_TYPE = "application/vnd.ibm.kms.policy+json"


def setUpModule():
    global D, INSTANCE
    D = Deployment(keys__rotation_month_seconds=MONTH_SECONDS, keys__rotation_window_seconds=0, keys__sweep_period_seconds=1,
                   keys__deletion_authorization_seconds=1)
    D.start()
    INSTANCE = D.instance("clocks")


def tearDownModule():
    D.close()


def put_policies(key, *policies):
    resources = [{"type": POLICY_TYPE} | policy for policy in policies]
    body = {"metadata": {"collectionType": POLICY_TYPE, "collectionTotal": len(resources)}, "resources": resources}
    answer = D.call("PUT", f"/api/v2/keys/{key}/policies", body, instance=INSTANCE)
    assert answer.status == 200, answer.body
    return answer.json["resources"]


def versions(key):
    return D.call("GET", f"/api/v2/keys/{key}/versions?limit=5000", instance=INSTANCE).json["resources"]


def metadata(key):
    return D.call("GET", f"/api/v2/keys/{key}/metadata", instance=INSTANCE).json["resources"][0]


def own_events(key, action):
    """Events about the key that Keyhaven caused by itself."""
    return [event for event in D.audit_records() if event.get("action") == action and
            event.get("initiator", {}).get("name") == "Keyhaven" and key in json.dumps(event)]


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Rotation(unittest.TestCase):
    def rotate_until(self, key, count):
        wait_until(lambda: len(versions(key)) >= count, f"{count} versions")

    def test_a_policy_rotates_through_crashes_each_time_once(self):
        key = D.create_key(INSTANCE)["id"]
        wrapped = D.wrap(INSTANCE, key, b"d" * 32)
        put_policies(key, {"rotation": {"enabled": True, "interval_month": 1}})
        self.rotate_until(key, 2)
        D.kill_server()
        D.start()
        self.rotate_until(key, 4)
        D.wait_unit_back(D.kill_unit())
        self.rotate_until(key, 6)
        put_policies(key, {"rotation": {"enabled": False}})
        settled = versions(key)
        # Never more often than the policy says (dates are whole seconds), and each with its one event.
        dates = sorted(moment(version["creationDate"]) for version in settled)
        for earlier, later in zip(dates, dates[1:]):
            self.assertGreaterEqual((later - earlier).total_seconds(), MONTH_SECONDS - 1)
        wait_until(lambda: len(own_events(key, "hs-crypto.secrets.rotate")) >= len(settled) - 1, "events")
        events = own_events(key, "hs-crypto.secrets.rotate")
        told = [event["responseData"]["keyVersionId"] for event in events]
        self.assertEqual(sorted(told), sorted(version["id"] for version in settled if version["id"] != key))
        self.assertEqual(len(versions(key)), len(settled))
        answer = D.action(INSTANCE, key, "unwrap", {"ciphertext": wrapped})
        self.assertEqual(answer.json["plaintext"], b64(b"d" * 32))


class Others(unittest.TestCase):
    def test_a_key_expires(self):
        date = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
        key = D.create_key(INSTANCE, expirationDate=date.isoformat())["id"]
        wait_until(lambda: own_events(key, "hs-crypto.secrets.expire"), "expired")
        self.assertEqual(metadata(key)["state"], 3)
        self.assertEqual(D.action(INSTANCE, key, "wrap", {}).status, 409)

    def test_an_authorization_lapses_and_the_policy_stays(self):
        key = D.create_key(INSTANCE)["id"]
        put_policies(key, {"dualAuthDelete": {"enabled": True}})
        self.assertEqual(D.action(INSTANCE, key, "setKeyForDeletion").status, 204)
        wait_until(lambda: own_events(key, "hs-crypto.secrets.unsetkeyfordeletion"), "lapsed")
        shown = metadata(key)["dualAuthDelete"]
        self.assertTrue(shown["enabled"])
        self.assertFalse(shown.get("keySetForDeletion"))
