"""An application's PostgreSQL and SQLite tables of wrapped DEKs, migrated in place while the application writes them."""
import base64
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

from harness import BIN, Deployment, add_to_plan, b64
from postgresql import Postgresql

ROWS = 600
QUERY = "SELECT id, key_id AS key, wdek, aad::text AS aad FROM tenants"
UPDATE = "UPDATE tenants SET wdek = :new_wdek, key_id = :new_key WHERE id = :id AND wdek = :old_wdek"


def literal(text):
    return "'" + text.replace("'", "''") + "'"


class Application(threading.Thread):
    """Inserts and updates rows under the source's key until it is told to stop; knows every DEK that it has stored."""

    def __init__(self, test, deks):
        super().__init__()
        self.test, self.deks, self.ended, self.problem, self.writes = test, deks, threading.Event(), None, 0
        self.random = random.Random(test.seed)

    def run(self):
        try:
            with self.test.database.session() as session:
                while not self.ended.is_set():
                    self.write(session)
        except BaseException as problem:  # told to the test's own thread
            self.problem = problem

    def write(self, session):
        dek = os.urandom(32)
        number = self.random.randrange(ROWS)
        new = self.random.random() < 0.3
        tenant = f"new-{self.writes:05}-{number:04}" if new else f"tenant-{number:04}"
        wdek = self.test.deployment.wrap(self.test.source, self.test.key, dek, [tenant])
        if new:
            session.sql(f"INSERT INTO tenants VALUES ({literal(tenant)}, {literal(self.test.key)}, {literal(wdek)}, "
                        f"{literal(json.dumps([tenant]))})")
        else:
            session.sql(f"UPDATE tenants SET wdek = {literal(wdek)}, key_id = {literal(self.test.key)} "
                        f"WHERE id = {literal(tenant)}")
        self.deks[tenant] = dek
        self.writes += 1

    def stop(self):
        self.ended.set()
        self.join(60)
        if self.problem:
            raise self.problem


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("KH_TEST_SEED", time.time_ns() % 1_000_000))
        cls.deployment = Deployment()
        cls.deployment.start()
        cls.source = cls.deployment.instance("source")
        cls.database = Postgresql()
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.database.close()
        cls.deployment.close()

    def setUp(self):
        type(self).number += 1
        self.target = self.deployment.instance(f"target-{self.number}")
        self.key = self.deployment.create_key(self.source, f"tenant key {self.number}")["id"]
        self.plan = self.deployment.home / f"plan-{self.number}.yaml"
        self.deployment.cli("migrate", "plan", "--source-instance", self.source, "--target-instance", self.target, "--out",
                            self.plan)
        self.deployment.cli("migrate", "apply", self.plan)

    def add_table(self, **table):
        add_to_plan(self.plan, "tables:\n  - " + "\n    ".join(f"{name}: {json.dumps(value)}" for name, value in table.items()) + "\n")

    def add_postgresql(self):
        password = self.deployment.secret_file(f"password-{self.number}", (self.database.password + "\n").encode())
        self.add_table(name="tenants", kind="postgresql", connection=self.database.connection, password_file=str(password),
                       query=QUERY, update=UPDATE, batch=50)

    def fill(self, count=ROWS):
        self.database.sql("DROP TABLE IF EXISTS tenants; CREATE TABLE tenants (id text PRIMARY KEY, key_id text NOT NULL, "
                          "wdek text NOT NULL, aad jsonb)")
        deks = {f"tenant-{number:04}": os.urandom(32) for number in range(count)}
        values = [f"({literal(tenant)}, {literal(self.key)}, "
                  f"{literal(self.deployment.wrap(self.source, self.key, dek, [tenant]))}, {literal(json.dumps([tenant]))})"
                  for tenant, dek in deks.items()]
        with self.database.session() as session:
            for at in range(0, count, 100):
                session.sql("INSERT INTO tenants VALUES " + ",".join(values[at:at + 100]))
        return deks

    def start(self):
        return subprocess.Popen([str(BIN / "keyhaven"), "migrate", "rewrap", str(self.plan), "--table", "tenants"],
                                env=self.deployment.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def check(self, instance, deks):
        rows = self.database.sql("SELECT id, key_id, wdek FROM tenants")
        self.assertEqual({row[0] for row in rows}, set(deks))
        for tenant, key, wdek in rows:
            answer = self.deployment.action(instance, key, "unwrap", {"ciphertext": wdek, "aad": [tenant]})
            self.assertEqual(answer.status, 200, f"{tenant}: {answer.body} (seed {self.seed})")
            self.assertEqual(answer.json["plaintext"], b64(deks[tenant]), f"{tenant} (seed {self.seed})")

    def verify(self):
        report = self.deployment.home / f"verify-{self.number}.json"
        self.deployment.cli("migrate", "verify", self.plan, "--table", "tenants", "--json", report)
        return json.loads(report.read_text())

    def test_1_in_place_with_writers_and_kills(self):
        deks = self.fill()
        self.add_postgresql()
        writer = Application(self, deks)
        writer.start()
        chance = random.Random(self.seed)
        kills = runs = 0
        while runs < 6 or (writer.writes < 20 and writer.is_alive()):  # on a slow machine the writer needs its time, too
            runs += 1
            tool = self.start()
            try:
                tool.wait(chance.uniform(0.05, 0.6) if runs > 1 else 0.05)
            except subprocess.TimeoutExpired:
                tool.kill()
            tool.communicate()
            kills += tool.returncode == -signal.SIGKILL
        writer.stop()
        self.assertGreater(kills, 0)
        # Whoever looks now finds each row whole, either under the source or under the target.
        tool = self.start()
        output, _ = tool.communicate(timeout=300)
        self.assertEqual(tool.returncode, 0, output)
        self.check(self.target, deks)
        result = self.verify()
        self.assertEqual((result["deks"], result["deks_equal"], result["deks_of_target"]), (len(deks), len(deks), 0))
        done = json.loads(self.deployment.cli("migrate", "rewrap", self.plan, "--table", "tenants", "--output", "json").stdout)
        self.assertEqual((done["rewrapped"], done["done_before"]), (0, len(deks)))
        self.deployment.cli("migrate", "rewrap", self.plan, "--table", "tenants", "--undo")
        self.check(self.source, deks)

    def test_2_the_database_goes_away_and_comes_back(self):
        deks = self.fill(200)
        self.add_postgresql()
        tool = self.start()
        self.database.sql("SELECT 1")
        self.database.stop("immediate")
        self.database.start()
        output, _ = tool.communicate(timeout=120)
        if tool.returncode != 0:  # it was away when the tool first came
            self.assertIn("run the same command again", output)
            self.deployment.cli("migrate", "rewrap", self.plan, "--table", "tenants")
        self.check(self.target, deks)

    def test_3_refusals_change_nothing_and_say_why(self):
        deks = self.fill(20)
        self.database.sql("ALTER TABLE tenants ADD CHECK (id <> 'tenant-0007' OR key_id = " + literal(self.key) + ")")
        self.database.sql("UPDATE tenants SET aad = '[\"other\"]' WHERE id = 'tenant-0003'")
        self.add_postgresql()
        done = self.deployment.cli("migrate", "rewrap", self.plan, "--table", "tenants", expect=1)
        self.assertIn("2 row(s) are refused", done.stderr)
        errors = (self.deployment.home / f"plan-{self.number}.yaml.tenants.record.errors.csv").read_text()
        self.assertRegex(errors, "tenant-0003,.*source: ")
        self.assertRegex(errors, "tenant-0007,.*the database refuses: .*check constraint")
        left = self.database.sql("SELECT id FROM tenants WHERE key_id = " + literal(self.key) + " ORDER BY id")
        self.assertEqual(left, [["tenant-0003"], ["tenant-0007"]])
        self.assertEqual(len(deks), 20)

    def test_4_no_password_anywhere(self):
        self.fill(60)
        self.add_postgresql()
        tool = self.start()
        seen = b""
        while tool.poll() is None:
            try:
                with open(f"/proc/{tool.pid}/cmdline", "rb") as file:
                    seen += file.read()
            except OSError:
                break
        output, _ = tool.communicate(timeout=120)
        self.assertEqual(tool.returncode, 0, output)
        files = [path for path in self.deployment.home.glob(f"plan-{self.number}.yaml*") if path.is_file()]
        self.assertGreater(len(files), 2)
        for content in [seen, output.encode(), *(path.read_bytes() for path in files)]:
            self.assertNotIn(self.database.password.encode(), content)
        text = self.plan.read_text().replace("user=app", "user=app password=hunter22")
        self.plan.write_text(text)
        done = self.deployment.cli("migrate", "rewrap", self.plan, "--table", "tenants", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("holds a password", done.stderr)
        self.assertNotIn("hunter22", done.stderr + done.stdout)

    def test_6_usage(self):
        for arguments, said in ((["--table", "none"], "the plan has no table none"), ([], "--inventory and --out, or --table"),
                                (["--table", "x", "--inventory", "y"], "--table takes no --inventory"),
                                (["--inventory", "x", "--out", "y", "--undo"], "belong to --table"),
                                (["--inventory", "x", "--out", "y", "--exec-arg", "z"], "belongs to --exec")):
            done = self.deployment.cli("migrate", "rewrap", self.plan, *arguments, expect=2)
            self.assertIn(said, done.stderr)

    def test_5_sqlite_with_bytes(self):
        path = self.deployment.home / f"app-{self.number}.db"
        deks = {number: os.urandom(32) for number in range(1, 121)}
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE deks (id INTEGER PRIMARY KEY, wdek BLOB)")
        for number, dek in deks.items():
            wdek = self.deployment.wrap(self.source, self.key, dek)
            database.execute("INSERT INTO deks VALUES (?, ?)", (number, base64.b64decode(wdek)))
        database.commit()
        self.add_table(name="tenants", kind="sqlite", connection=str(path),
                       query=f"SELECT id, '{self.key}' AS key, to_base64(wdek) AS wdek FROM deks",
                       update="UPDATE deks SET wdek = from_base64(:new_wdek) WHERE id = :id AND wdek = from_base64(:old_wdek)")
        self.deployment.cli("migrate", "rewrap", self.plan, "--table", "tenants")
        self.assertEqual(self.verify()["deks_equal"], len(deks))
        keys = self.deployment.call("GET", "/api/v2/keys", instance=self.target).json["resources"]
        key = next(key["id"] for key in keys if key["name"] == f"tenant key {self.number}")
        for number, wdek in database.execute("SELECT id, wdek FROM deks"):
            answer = self.deployment.action(self.target, key, "unwrap", {"ciphertext": b64(wdek)})
            self.assertEqual(answer.json["plaintext"], b64(deks[number]))


if __name__ == "__main__":
    unittest.main()
