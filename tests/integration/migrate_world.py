"""Two deployments with a migration between them, each behind a relay; what the source holds, the verbs, and what must hold after them."""
import csv
import json
import os
import shutil
import sqlite3
import subprocess

from harness import BIN, Deployment, add_to_plan, b64, envelope
from relay import Relay

ROWS = 20
SHIM = BIN / "keyhaven-write-shim.so"
POLICY = "application/vnd.ibm.kms.policy+json"
EVERY_STATE = "/api/v2/keys?state=0,1,2,3,5&limit=5000"
OF_A_KEY = ("name", "description", "tags", "state", "extractable", "imported", "keyRingID", "rotation", "dualAuthDelete")
ALL_VERBS = ("apply", "file", "directory", "table", "verify", "cutover", "undo")


class World:
    """The source's content is made once; `begin` gives a fresh target and plan. Not thread-safe."""

    def __init__(self):
        assert SHIM.exists(), f"{SHIM} is not built"
        settings = {"keys__enable_after_disable_seconds": 0}  # a disabled key may be enabled at once
        self.source, self.target = Deployment(**settings), Deployment(**settings)
        self.relays, self.deks, self.rows, self.number = {}, [], [], 0
        try:
            for name, deployment in self.sides().items():
                deployment.start()
                deployment.settings["server__port"] = deployment.url.rpartition(":")[2]  # after a restart, too
                self.relays[name] = Relay(deployment)
            self.home = self.source.home
            self.fill()
        except BaseException:
            self.close()
            raise

    def close(self):
        for relay in self.relays.values():
            relay.close()
        for deployment in self.sides().values():
            deployment.close()

    def sides(self):
        return {"source": self.source, "target": self.target}

    # --- what the source holds ---
    def fill(self):
        d = self.source
        self.instance = i = d.instance("source")
        self.material, self.payload = [os.urandom(32), os.urandom(16)], os.urandom(60)
        self.imported = d.create_key(i, "imported", payload=b64(self.material[0]), aliases=["imp"])["id"]
        d.call("POST", "/api/v2/key_rings/team", instance=i)
        self.plain = d.create_key(i, "plain", aliases=["one", "two", "three", "four", "five"], description="what it is for",
                                  tags=["a", "b c"])["id"]
        d.call("PATCH", f"/api/v2/keys/{self.plain}", {"keyRingID": "team"}, instance=i)
        self.rotating = d.create_key(i, "rotating", aliases=["turning"])["id"]
        self.asleep = d.create_key(i, "asleep")["id"]
        d.create_key(i, "standard", extractable=True, payload=b64(self.payload))
        d.call("DELETE", f"/api/v2/keys/{d.create_key(i, 'destroyed')['id']}", instance=i)
        names = ["imp", self.plain, self.rotating, self.asleep]
        self.rows = [self.row(number, names[number % 4]) for number in range(ROWS)]
        d.action(i, self.imported, "rotate", {"payload": b64(self.material[1])})
        d.action(i, self.rotating, "rotate")
        d.action(i, self.asleep, "disable")
        self.put(f"/api/v2/keys/{self.rotating}/policies",
                 envelope({"type": POLICY, "rotation": {"enabled": True, "interval_month": 3}, "dualAuthDelete": {"enabled": True}}))
        self.put("/api/v2/instance/policies", envelope({"policy_type": "metrics", "policy_data": {"enabled": True}}))
        self.material_file = d.secret_file("material.csv", ("id,payload\n" + "".join(
            f"{self.imported},{b64(one)}\n" for one in self.material)).encode())
        self.write_inventories()

    def put(self, path, body):
        answer = self.source.call("PUT", path, body, instance=self.instance)
        assert answer.status in (200, 204), answer.body

    def row(self, number, key):
        aad = [[], ["one"], ["a, \"b\"", str(number)]][number % 3]
        self.deks.append(os.urandom(32))
        return {"key": key, "wdek": self.source.wrap(self.instance, key, self.deks[-1], aad), "aad": json.dumps(aad) if aad else "",
                "ref": f"r{number}"}

    def write_inventories(self):
        """The same DEKs as a file, a directory and a table."""
        self.inventory, self.directory = self.home / "deks.csv", self.home / "deks"
        with open(self.inventory, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        self.directory.mkdir()
        for row in self.rows:
            (self.directory / f"{row['ref']}.wdek").write_text(row["wdek"] + "\n")
            (self.directory / f"{row['ref']}.wdek.json").write_text(json.dumps({"key": row["key"], "aad": json.loads(row["aad"] or "[]")}))

    # --- one migration ---
    def begin(self, *options, api_key_file=None, target=None, expect=0):
        """A fresh target (or `target`) and its plan, with nothing done. `api_key_file`: of the source, instead of the administrator's."""
        self.number += 1
        for relay in self.relays.values():
            relay.arm()
        self.target_instance = target or self.target.instance(f"target-{self.number}")
        work = self.work = self.home / f"run-{self.number}"
        work.mkdir()
        self.plan, self.out, self.out_directory, self.result, self.database = (
            work / name for name in ("plan.yaml", "new.csv", "new", "verify.json", "app.db"))
        with sqlite3.connect(self.database) as database:
            database.execute("CREATE TABLE deks (ref TEXT PRIMARY KEY, key TEXT, wdek TEXT, aad TEXT)")
            database.executemany("INSERT INTO deks VALUES (:ref, :key, :wdek, nullif(:aad, ''))", self.rows)
        database.close()
        self.plan_for(api_key_file, *options, expect=expect)
        add_to_plan(self.plan, f"tables:\n  - name: deks\n    kind: sqlite\n    connection: {self.database}\n    batch: 10\n"
                               "    query: SELECT ref AS id, key, wdek, aad FROM deks\n"
                               "    update: UPDATE deks SET wdek = :new_wdek, key = :new_key WHERE ref = :id AND wdek = :old_wdek\n")

    def plan_for(self, api_key_file, *options, expect=0):
        """The verb plan, for the target at hand."""
        sides = []
        for name, instance in (("source", self.instance), ("target", self.target_instance)):
            deployment = self.sides()[name]
            sides += [f"--{name}-instance", instance, f"--{name}-url", self.relays[name].url, f"--{name}-ca", deployment.ca,
                      f"--{name}-api-key-file", str(deployment.data / "server/admin-api-key")]
        if api_key_file:
            sides[sides.index("--source-api-key-file") + 1] = str(api_key_file)
        return self.source.cli("migrate", "plan", *sides, "--material", self.material_file, "--inventory", self.inventory, "--out",
                               self.plan, *options, expect=expect)

    def arguments(self, verb, jobs=1):
        enable, plan = "--enable-suspended", str(self.plan)
        arguments = {
            "apply": ["apply", plan, "--material", self.material_file],
            "file": ["rewrap", plan, "--inventory", self.inventory, "--out", self.out, enable],
            "directory": ["rewrap", plan, "--inventory", self.directory, "--out", self.out_directory, enable],
            "table": ["rewrap", plan, "--table", "deks", enable],
            "verify": ["verify", plan, "--inventory", self.inventory, "--rewrapped", self.out, "--json", self.result, enable],
            "cutover": ["cutover", plan, "--disable-source", "--intents", "--mapping", self.work / "mapping.csv"],
            "undo": ["cutover", plan, "--undo"]}[verb]
        return [str(one) for one in (*arguments, "--jobs", jobs)]

    def start(self, verb, jobs=1, **environment):
        """The tool at work, its output in one pipe."""
        if environment:
            environment["LD_PRELOAD"] = str(SHIM)
        return subprocess.Popen([str(BIN / "keyhaven"), "migrate", *self.arguments(verb, jobs)],
                                env=self.source.environment(**environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run(self, verb, jobs=1, **environment):
        """Undisturbed: one run must do all that is left. Returns what it said."""
        for relay in self.relays.values():
            relay.arm()
        tool = self.start(verb, jobs, **environment)
        said, _ = tool.communicate(timeout=300)
        assert tool.returncode == 0, f"{verb}: exit status {tool.returncode}\n{said}"
        return said

    def measured(self, verb):
        """Runs a verb undisturbed and tells how many moments it has: requests to each side, points of its durable writes."""
        count = self.work / "points"
        self.run(verb, KEYHAVEN_WRITES_COUNT=str(count))
        return {"source": self.relays["source"].requests, "target": self.relays["target"].requests, "writes": int(count.read_text())}

    def verdict(self, *arguments):
        """What verify finds for another inventory, as JSON."""
        self.source.cli("migrate", "verify", self.plan, *arguments, "--json", self.result, "--enable-suspended")
        return json.loads(self.result.read_text())

    def forget(self):
        """The files of a migration that is over."""
        shutil.rmtree(self.work)

    # --- what is there ---
    def keys(self, side):
        deployment, instance = (self.source, self.instance) if side == "source" else (self.target, self.target_instance)
        return deployment.call("GET", EVERY_STATE, instance=instance).json["resources"]

    def state(self):
        """All of the target that does not differ from run to run, by name. A key that is there twice is an error."""
        call, out = self.target.call, {}
        for key in self.keys("target"):
            assert key["name"] not in out, f"key {key['name']} exists twice"
            one = {field: key.get(field) for field in OF_A_KEY}
            one["aliases"] = sorted(key.get("aliases", []))
            versions = call("GET", f"/api/v2/keys/{key['id']}/versions?allKeyStates=true", instance=self.target_instance)
            one["versions"] = len(versions.json["resources"])
            if key["extractable"]:
                one["payload"] = call("GET", f"/api/v2/keys/{key['id']}", instance=self.target_instance).json["resources"][0]["payload"]
            out[key["name"]] = one
        policies = call("GET", "/api/v2/instance/policies", instance=self.target_instance).json.get("resources", [])
        rings = call("GET", "/api/v2/key_rings", instance=self.target_instance).json["resources"]
        return {"keys": out, "policies": sorted((one["policy_type"], json.dumps(one["policy_data"], sort_keys=True)) for one in policies),
                "rings": sorted(ring["id"] for ring in rings)}

    def source_states(self):
        return {key["name"]: key["state"] for key in self.keys("source")}

    def rewrapped(self):
        """ref -> (key, wdek), for each of the three forms of inventory."""
        with open(self.out, newline="", encoding="utf-8") as file:
            from_file = {row["ref"]: (row["key"], row["wdek"]) for row in csv.DictReader(file)}
        from_directory = {}
        for path in self.out_directory.glob("*.wdek"):
            from_directory[path.stem] = (json.loads(path.with_name(path.name + ".json").read_text())["key"], path.read_text().strip())
        database = sqlite3.connect(self.database)
        from_table = {ref: (key, wdek) for ref, key, wdek in database.execute("SELECT ref, key, wdek FROM deks")}
        database.close()
        return {"file": from_file, "directory": from_directory, "table": from_table}

    def lost(self):
        """DEKs that the target does not give back as they were: (form, ref). Disabled keys are enabled for the look."""
        asleep = next(key["id"] for key in self.keys("target") if key["name"] == "asleep")
        self.target.action(self.target_instance, asleep, "enable")
        connection, lost = self.target.connect(), []
        for form, rows in self.rewrapped().items():
            assert len(rows) == ROWS, f"{form}: {len(rows)} rows"
            for number, row in enumerate(self.rows):
                key, wdek = rows[row["ref"]]
                body = {"ciphertext": wdek} | ({"aad": json.loads(row["aad"])} if row["aad"] else {})
                answer = self.target.action(self.target_instance, key, "unwrap", body, connection=connection)
                if answer.status != 200 or answer.json["plaintext"] != b64(self.deks[number]):
                    lost.append((form, row["ref"]))
        connection.close()
        self.target.action(self.target_instance, asleep, "disable")
        return lost

    def open_steps(self):
        """Acts of the journal that are begun and have no result."""
        journal = sqlite3.connect(f"file:{self.plan}.journal?mode=ro", uri=True)
        rows = journal.execute("SELECT key, step FROM steps WHERE done = 0").fetchall()
        journal.close()
        return rows
