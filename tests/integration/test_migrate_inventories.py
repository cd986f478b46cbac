"""Inventories of every form: a million rows in flat memory, runs that are killed and go on, a program of the owner's, bad input."""
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
import unittest

from harness import BIN, Deployment, b64, wait_until

# Stores each row in a file, one line per ref, and answers when it is on disk; may die at a row, once.
PROGRAM = """
import json, os, sys
store, die_at = sys.argv[1], int(sys.argv[2])
marker = store + ".died"
out = open(store, "a")
for number, line in enumerate(sys.stdin, 1):
    row = json.loads(line)
    if number == die_at and not os.path.exists(marker):
        open(marker, "w").close()
        sys.exit(5)
    assert set(row) == {"seq", "line", "ref", "aad", "key", "wdek", "new_key", "new_wdek"}, row
    assert row["seq"] == number
    out.write(json.dumps({name: row[name] for name in ("ref", "new_key", "new_wdek", "aad")}) + "\\n")
    out.flush()
    print(json.dumps({"seq": number, "ok": True}), flush=True)
"""


def peak_kib(pid):
    """The most memory that a process has had resident so far; 0 when it is gone or not yet itself."""
    try:
        if not os.readlink(f"/proc/{pid}/exe").endswith("/keyhaven"):
            return 0
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


class Inventories(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("KH_TEST_SEED", time.time_ns() % 1_000_000))
        cls.deployment = Deployment()
        cls.deployment.start()
        cls.source = cls.deployment.instance("source")
        cls.target = cls.deployment.instance("target")
        cls.key = cls.deployment.create_key(cls.source, "a key", aliases=["the-alias"])["id"]
        cls.plan = cls.deployment.home / "plan.yaml"
        cls.deployment.cli("migrate", "plan", "--source-instance", cls.source, "--target-instance", cls.target, "--out", cls.plan)
        cls.deployment.cli("migrate", "apply", cls.plan)
        cls.deks = [os.urandom(32) for _ in range(200)]
        cls.wdeks = [cls.deployment.wrap(cls.source, cls.key, dek) for dek in cls.deks]

    @classmethod
    def tearDownClass(cls):
        cls.deployment.close()

    def path(self, name):
        return self.deployment.home / name

    def inventory(self, name, rows, good_in=1):
        """`rows` rows of which one in `good_in` can be moved; the others name a key that nobody has."""
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("key,wdek,aad,ref\n")
            for number in range(rows):
                key = "the-alias" if number % good_in == 0 else "nobody"
                file.write(f"{key},{self.wdeks[number % 200]},,r{number}\n")
        return path

    def start(self, inventory, out, *more):
        return subprocess.Popen([str(BIN / "keyhaven"), "migrate", "rewrap", str(self.plan), "--inventory", str(inventory), "--out",
                                 str(out), *map(str, more)], env=self.deployment.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def check(self, out, count):
        with open(out, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["ref"] for row in rows], [f"r{number}" for number in range(count)])
        for number in range(0, count, max(1, count // 50)):
            answer = self.deployment.action(self.target, rows[number]["key"], "unwrap", {"ciphertext": rows[number]["wdek"]})
            self.assertEqual(answer.json["plaintext"], b64(self.deks[number % 200]))

    def peak_kib(self, inventory, out):
        """Peak resident memory of a rewrap, and its exit status. (ru_maxrss of a child begins with what its parent had.)"""
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            tool = subprocess.Popen([str(BIN / "keyhaven"), "migrate", "rewrap", str(self.plan), "--inventory", str(inventory),
                                     "--out", str(out)], env=self.deployment.environment(), stdin=subprocess.DEVNULL,
                                    stdout=nowhere, stderr=nowhere)
            peak = 0
            while tool.poll() is None:
                peak = max(peak, peak_kib(tool.pid))
                time.sleep(0.005)  # a reading of a process that is about to end; its peak only grows
        self.assertGreater(peak, 0)
        return peak, tool.returncode

    def test_1_a_million_rows_need_no_more_memory_than_ten_thousand(self):
        few, status = self.peak_kib(self.inventory("few.csv", 10_000, 100), self.path("few-new.csv"))
        self.assertEqual(status, 1)  # refused rows are listed
        many, status = self.peak_kib(self.inventory("many.csv", 1_000_000, 100), self.path("many-new.csv"))
        self.assertEqual(status, 1)
        print(f"peak memory: {few} KiB at 10,000 rows, {many} KiB at 1,000,000", file=sys.stderr)
        self.assertLess(many, few + 4096)
        self.assertLess(many, 100 * 1024)
        with open(self.path("many-new.csv"), encoding="utf-8") as file:
            self.assertEqual(sum(1 for _ in file), 10_001)
        with open(str(self.path("many-new.csv")) + ".errors.csv", encoding="utf-8") as file:
            self.assertEqual(sum(1 for _ in file), 990_001)

    def test_2_killed_at_any_moment_it_goes_on(self):
        inventory, out = self.inventory("kill.csv", 15_000), self.path("kill-new.csv")
        chance = random.Random(self.seed)
        kills, went_on = 0, 0
        partial = out.with_name(out.name + ".partial")
        for number in range(40):
            tool = self.start(inventory, out)
            if number == 0:  # in any case while it is at work
                wait_until(lambda: partial.exists() or tool.poll() is not None, "the first output")
            try:
                _, said = tool.communicate(timeout=chance.uniform(0.5, 2.5) if number > 0 else 0.01)
            except subprocess.TimeoutExpired:
                tool.kill()
                _, said = tool.communicate()
            went_on += "going on after row" in said
            if tool.returncode == 0:
                break
            self.assertEqual(tool.returncode, -signal.SIGKILL, said)
            self.assertFalse(out.exists(), f"a half output (seed {self.seed})")
            kills += 1
        else:
            self.fail(f"40 runs did not come to the end: nothing is gone on with (seed {self.seed})")
        self.assertGreater(kills, 0, f"seed {self.seed}")
        if kills > 1:
            self.assertGreater(went_on, 0, f"seed {self.seed}")
        self.check(out, 15_000)
        self.assertFalse(partial.exists())

    def test_3_a_program_of_the_owners(self):
        program, store = self.path("program.py"), self.path("stored")
        program.write_text(PROGRAM)
        inventory, out = self.inventory("exec.csv", 3000), self.path("exec-new.csv")
        arguments = ["--exec", sys.executable, "--exec-arg", program, "--exec-arg", store, "--exec-arg", "2500",
                     "--exec-timeout", "30"]
        tool = self.start(inventory, out, *arguments)
        _, said = tool.communicate(timeout=300)
        self.assertEqual(tool.returncode, 1)
        self.assertIn("the program ended after", said)
        self.assertFalse(out.exists())
        tool = self.start(inventory, out, *arguments)
        _, said = tool.communicate(timeout=300)
        self.assertEqual(tool.returncode, 0, said)
        self.assertIn("going on after row", said)
        self.check(out, 3000)
        stored = [json.loads(line) for line in store.read_text().splitlines()]
        self.assertGreaterEqual(len(stored), 3000)
        self.assertLess(len(stored), 3000 + 1024 + 256)  # at least once, never from the beginning
        last = {row["ref"]: row for row in stored}
        self.assertEqual(len(last), 3000)
        with open(out, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self.assertEqual(last[row["ref"]]["new_wdek"], row["wdek"])
        content = store.read_text()
        self.assertFalse(any(b64(dek) in content for dek in self.deks))

    def test_4_each_bad_row_is_named_and_the_rest_goes_on(self):
        good = self.wdeks[0]
        with_aad = self.deployment.wrap(self.source, self.key, b"d" * 32, ["a,b", 'say "hi"'])
        quoted = '"[""a,b"",""say \\""hi\\""""]"'
        cases = [  # bytes of a line, and a word of its problem; None: it is good
            (f"the-alias,{good},,one".encode(), None),
            (f"no-such-key,{good},,x".encode(), "no such key"),
            (f"the-alias,{good[:-10]},,x".encode(), "source: |not whole base64"),
            (f"the-alias,{good[:-3]},,x".encode(), "not whole base64"),
            (f"the-alias,{with_aad},{quoted},two".encode(), None),
            (f"the-alias,{with_aad},,x".encode(), "check key and aad"),
            (f"the-alias,{good},a;b,x".encode(), "not JSON"),
            (f"the-alias,{good},,M\u00fcller".encode("latin-1"), "not UTF-8"),
            (f"the-alias,{good},,M\u00fcller".encode(), None),
            (f"the-alias,{good},,one".encode(), None),  # twice: each line has its own new one
            (f"the-alias,{good},,crlf\r".encode(), None),
            (b"the-alias," + b"A" * 300_000 + b",,x", "more than 262144 bytes"),
            (f"{good}".encode(), "wdek is empty"),
            (f"the-alias,\"{good},,open".encode(), "quote|field"),
            (f"the-alias,{good},,last".encode(), None),
        ]
        inventory, out = self.path("bad.csv"), self.path("bad-new.csv")
        inventory.write_bytes(b"\xef\xbb\xbfkey,wdek,aad,ref\r\n" + b"\n".join(line for line, _ in cases) + b"\n")
        tool = self.start(inventory, out)
        _, said = tool.communicate(timeout=120)
        self.assertEqual(tool.returncode, 1, said)
        with open(str(out) + ".errors.csv", newline="", encoding="utf-8") as file:
            errors = {int(row["line"]): row["problem"] for row in csv.DictReader(file)}
        for number, (line, problem) in enumerate(cases, 2):
            with self.subTest(line=line[:60]):
                if problem is None:
                    self.assertNotIn(number, errors)
                else:
                    self.assertRegex(errors.get(number, "nothing"), problem)
        with open(out, newline="", encoding="utf-8") as file:
            self.assertEqual([row["ref"] for row in csv.DictReader(file)], ["one", "two", "M\u00fcller", "one", "crlf", "last"])
        self.deployment.cli("migrate", "verify", self.plan, "--inventory", inventory, "--rewrapped", out, expect=1)

    def test_5_whole_files_that_are_none(self):
        cases = {"utf16.csv": ("key,wdek\n".encode("utf-16"), "UTF-16"), "empty.csv": (b"", "is empty"),
                 "columns.csv": (b"key,wdek,owner\n", "unknown column"), "none": (None, "cannot read")}
        for name, (content, word) in cases.items():
            with self.subTest(name):
                if content is not None:
                    self.path(name).write_bytes(content)
                tool = self.start(self.path(name), self.path("never.csv"))
                _, said = tool.communicate(timeout=60)
                self.assertNotEqual(tool.returncode, 0)
                self.assertIn(word, said)
                self.assertFalse(self.path("never.csv").exists())

    def test_6_a_line_of_a_gibibyte_is_passed_over(self):
        inventory, out = self.path("huge.csv"), self.path("huge-new.csv")
        with open(inventory, "wb") as file:
            file.write(f"key,wdek,aad,ref\nthe-alias,{self.wdeks[0]},,r0\n".encode())
            for _ in range(1024):
                file.write(b"A" * (1 << 20))
            file.write(f"\nthe-alias,{self.wdeks[1]},,r1\n".encode())
        try:
            peak, status = self.peak_kib(inventory, out)
        finally:
            inventory.unlink()
        self.assertEqual(status, 1)
        self.assertLess(peak, 100 * 1024)
        self.check(out, 2)

    def test_7_a_directory(self):
        old, new = self.path("in"), self.path("out")
        for number in range(50):
            folder = old / f"tenant-{number % 5}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.wdek").write_text(self.wdeks[number] + "\n")
            (folder / f"{number}.wdek.json").write_text(json.dumps({"key": self.key, "tenant": number}))
        self.deployment.cli("migrate", "rewrap", self.plan, "--inventory", old, "--out", new)
        self.deployment.cli("migrate", "verify", self.plan, "--inventory", old, "--rewrapped", new)
        for number in range(50):
            file = new / f"tenant-{number % 5}" / f"{number}.wdek"
            sidecar = json.loads(file.with_name(file.name + ".json").read_text())
            self.assertEqual(sidecar["tenant"], number)
            answer = self.deployment.action(self.target, sidecar["key"], "unwrap", {"ciphertext": file.read_text().strip()})
            self.assertEqual(answer.json["plaintext"], b64(self.deks[number]))


if __name__ == "__main__":
    unittest.main()
