"""Somebody with full rights on the database revives keys, moves aliases, takes grants away; and a backup is restored on purpose."""
import contextlib
import hashlib
import json
import shutil
import sqlite3
import unittest
import urllib.parse
import uuid

from harness import Deployment


def checksum(table, record):
    """As src/store/rows.h says: no secret in it, so an attacker makes it too."""
    return hashlib.sha256(table.encode() + b"\0" + record).digest()[:8]


class Records(unittest.TestCase):
    def setUp(self):
        self.d = Deployment()
        self.addCleanup(self.d.close)
        self.d.start()
        self.instance = self.d.instance()
        self.key = self.d.create_key(self.instance, "payroll", aliases=["pay"])["id"]
        self.other = self.d.create_key(self.instance, "other")["id"]
        self.wdek = self.d.wrap(self.instance, self.key, b"d" * 32)

    # --- The attacker ---
    @contextlib.contextmanager
    def store(self):
        """The stopped server's database, with full rights; started again after it."""
        self.d.stop()
        connection = sqlite3.connect(self.d.data / "server/keyhaven.db")
        try:
            yield connection
            connection.commit()
        finally:
            connection.close()
        self.d._tokens = {}
        self.d.start()

    def row(self, db, key):
        return db.execute("SELECT * FROM keys WHERE id = ?", (uuid.UUID(key).bytes,)).fetchone()

    def put(self, db, row):
        db.execute(f"INSERT OR REPLACE INTO keys VALUES ({','.join('?' * len(row))})", row)

    # --- What is seen ---
    def unwrap(self, key):
        return self.d.action(self.instance, key, "unwrap", {"ciphertext": self.wdek})

    def verify(self, *more, expect=1):
        lines = self.d.cli("store", "verify", "--output", "json", *more, expect=expect).stdout.splitlines()
        return json.loads(lines[0])  # the second says why the status is not 0

    def difference(self, instance=None):
        found = self.verify("--at-start")["differences"]
        return next(one["difference"] for one in found if one.get("instance_id") == instance)

    def assert_refused(self, key, fault):
        for action, body in (("unwrap", {"ciphertext": self.wdek}), ("wrap", {"plaintext": "AAAA"}), ("enable", None)):
            answer = self.d.action(self.instance, key, action, body)
            self.assertEqual((answer.status, answer.code), (409, "RECORD_NOT_AUTHENTIC_ERR"), answer.body)
            self.assertIn(fault, answer.json["resources"][0]["errorMsg"] + answer.body.decode())
        for found in (self.verify(), self.verify("--at-start")):
            self.assertIn(("keys", self.instance, key, fault),
                          [(one["table"], one.get("instance_id"), one["id"], one["fault"]) for one in found["suspects"]])

    def assert_others_served(self):
        self.assertEqual(self.d.action(self.instance, self.other, "wrap", {}).status, 200)
        ready = self.d.call("GET", "/readyz", token=None)
        self.assertEqual(ready.status, 200)
        self.assertIn("not in use", json.dumps(ready.json))

    def accept(self, difference, expect=0):
        signers = []
        for number in (1, 2):
            name = f"{self.instance[:8]}-admin{number}"
            signers += ["--signer", f"{name}:{self.d.home / (name + '.password')}"]
        return self.d.cli("tke", "records-accept", "--instance", self.instance, "--difference", difference, "--trust-on-first-use", "--yes", *signers, expect=expect)

    # --- Attacks ---
    def test_a_disabled_key_cannot_be_revived(self):
        self.d.stop()
        shutil.copy(self.d.data / "server/keyhaven.db", self.d.home / "before.db")
        self.d.start()
        self.assertEqual(self.d.action(self.instance, self.key, "disable").status, 204)
        self.assertEqual(self.unwrap(self.key).status, 409)
        with self.store() as db:
            before = sqlite3.connect(self.d.home / "before.db")
            self.put(db, self.row(before, self.key))
            before.close()
        self.assert_refused(self.key, "old")
        self.assert_others_served()
        self.assertEqual(self.d.call("GET", "/api/v2/keys/pay/metadata", instance=self.instance).status, 404)
        events = [event for event in self.d.audit_records() if event["action"] == "hs-crypto.store.verify"]
        self.assertTrue(any(event["outcome"] == "failure" for event in events))
        # A rotation of the master key would leave it behind.
        started = self.d.call("POST", f"/v1/tke/{self.instance}/rotation")
        self.assertEqual((started.status, started.code), (409, "RECORD_NOT_AUTHENTIC_ERR"), started.body)

    def test_an_edited_record_is_forged_and_a_removed_one_is_missing(self):
        with self.store() as db:
            names = [column[1] for column in db.execute("PRAGMA table_info(keys)")]
            row = dict(zip(names, self.row(db, self.key)))
            record = bytearray(row["record"])
            record[4] ^= 3  # the state: docs/protocols/key-record.md
            row |= {"record": bytes(record), "checksum": checksum("keys", bytes(record))}
            self.put(db, tuple(row[name] for name in names))
        self.assert_refused(self.key, "forged")
        self.assert_others_served()
        with self.store() as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("DELETE FROM keys WHERE id = ?", (uuid.UUID(self.key).bytes,))
        self.assert_refused(self.key, "missing")
        self.assert_others_served()

    def test_an_alias_cannot_be_moved(self):
        with self.store() as db:
            db.execute("UPDATE aliases SET key = ? WHERE alias = 'pay'", (uuid.UUID(self.other).bytes,))
        self.assertEqual(self.d.call("GET", "/api/v2/keys/pay/metadata", instance=self.instance).json["resources"][0]["id"], self.key)
        found = self.verify("--at-start")["suspects"]
        self.assertEqual({one["fault"] for one in found}, {"stray alias"})  # the one that is, and the one that is not
        self.assertEqual(self.verify(expect=0)["faults"], 0)  # the index was mended

    def test_a_taken_grant_gives_no_right_and_no_second_administrator_is_made(self):
        api_key = self.d.service_id("app", "Reader", self.instance)
        unit_files = sorted(path.name for path in (self.d.data / "server").glob("*"))
        first = self.d.api_key
        with self.store() as db:
            db.execute("DELETE FROM grants")
            db.execute("DELETE FROM api_keys")
            db.execute("DELETE FROM identities")
        self.assertEqual(self.d.api_key, first, "a new administrator was made")
        self.assertEqual(sorted(path.name for path in (self.d.data / "server").glob("*")), unit_files)
        for key in (api_key, first):
            form = urllib.parse.urlencode({"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": key})
            answer = self.d.call("POST", "/identity/token", form.encode(), token=None, headers={"Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual(answer.status, 400, answer.body)
        self.assertIn("not in use", json.dumps(self.d.call("GET", "/readyz", token=None).json))

    # --- A backup, on purpose ---
    def test_an_older_store_is_accepted_by_the_quorum_and_the_machine(self):
        self.d.stop()
        shutil.copy(self.d.data / "server/keyhaven.db", self.d.home / "backup.db")
        self.d.start()
        self.assertEqual(self.d.action(self.instance, self.key, "rotate").status, 204)
        late = self.d.create_key(self.instance, "late")["id"]
        self.d.service_id("late", "Reader", self.instance)
        self.d.stop()
        for extra in ("-wal", "-shm"):
            (self.d.data / f"server/keyhaven.db{extra}").unlink(missing_ok=True)
        shutil.copyfile(self.d.home / "backup.db", self.d.data / "server/keyhaven.db")
        self.d._tokens = {}
        self.d.start()
        self.assert_refused(self.key, "old")
        self.assert_refused(late, "missing")
        wrong = "00" * 32
        self.accept(wrong, expect=1)
        self.accept(self.difference(self.instance))
        self.assertEqual(self.unwrap(self.key).status, 409)  # from the next start on
        machine = self.difference()
        self.d.settings = {"unit__accept_records": machine}
        self.d.stop()
        self.d.start()
        self.assertEqual(self.verify(expect=0)["faults"], 0)
        self.assertEqual(self.unwrap(self.key).status, 200)
        self.assertEqual(self.d.action(self.instance, late, "wrap", {}).status, 404)
        self.d.settings = {}
        self.d.stop()
        self.d.start()
        self.assertEqual(self.verify(expect=0)["faults"], 0)
        self.assertEqual(self.d.action(self.instance, self.key, "rotate").status, 204)
        self.d.cli("tke", "transcript", "--instance", self.instance, "--trust-on-first-use", "--verify")


if __name__ == "__main__":
    unittest.main()
