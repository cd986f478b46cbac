"""The main job, as quickstart runs it, in the test's own deployment; then a search for what must not be left behind."""
import base64
import csv
import json
import os
import pathlib
import subprocess
import sys
import unittest

from harness import BIN, ROOT, Deployment


class MainJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployment = Deployment()
        cls.deployment.start()
        cls.work = cls.deployment.home / "work"
        cls.work.mkdir(mode=0o700)
        cls.result_file = cls.deployment.home / "result.json"
        cls.done = subprocess.run(
            [sys.executable, str(ROOT / "tools/main_job.py"), "--keyhaven", str(BIN / "keyhaven"), "--work", str(cls.work),
             "--json", str(cls.result_file)], env=cls.deployment.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @classmethod
    def tearDownClass(cls):
        cls.deployment.close()

    def test_everything_is_moved_and_proved_equal(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout)
        result = json.loads(self.result_file.read_text())
        self.assertEqual((result["deks"], result["deks_equal"]), (1000, 1000))
        self.assertEqual((result["standard_keys"], result["standard_equal"]), (5, 5))
        self.assertEqual(result["metadata_differences"], 0)
        self.assertGreater(result["imported_reopened"], 300)

    def test_material_is_in_no_file_of_server_unit_or_tool(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout)
        canaries = []
        with open(self.work / "material.csv", newline="") as file:
            canaries += [base64.b64decode(row["payload"]) for row in csv.DictReader(file)]
        for secret in self.work.glob("standard*.b64"):
            canaries.append(base64.b64decode(secret.read_bytes()))
        self.assertEqual(len(canaries), 6)
        forms = [form for canary in canaries for form in (canary, base64.b64encode(canary).rstrip(b"=")[:40],
                                                          canary.hex().encode())]
        owners = {"material.csv", "imported.b64"} | {path.name for path in self.work.glob("standard*.b64")}
        searched = 0
        for path in self.deployment.home.rglob("*"):
            if path.is_file() and path.name not in owners:
                content = path.read_bytes()
                searched += 1
                for form in forms:
                    self.assertNotIn(form, content, path)
        self.assertGreater(searched, 10)

    def test_audit_log_is_whole(self):
        self.deployment.cli("audit", "verify", "--log", self.deployment.data / "server/audit", "--public-key",
                            self.deployment.data / "server/audit-public-key")


if __name__ == "__main__":
    unittest.main()
