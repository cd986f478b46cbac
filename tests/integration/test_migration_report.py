"""The report of a migration: recorded by the target's audit log, checked by somebody who has only the page and the audit key."""
import base64
import csv
import json
import os
import pathlib
import unittest

from harness import Deployment


def b64(data):
    return base64.b64encode(data).decode()


class MigrationReport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Deployment()
        cls.d.start()
        d = cls.d
        cls.source, cls.target = d.instance("source"), d.instance("target")
        cls.root = d.create_key(cls.source, "<b>payroll</b>", aliases=["pay"])["id"]
        d.create_key(cls.source, "licence", extractable=True, payload=b64(b"standard payload"))
        cls.inventory, cls.rewrapped = d.home / "deks.csv", d.home / "deks-new.csv"
        with open(cls.inventory, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["key", "wdek"])
            for _ in range(20):
                writer.writerow([cls.root, d.wrap(cls.source, cls.root, os.urandom(32))])
        cls.plan = d.home / "plan.yaml"
        d.cli("migrate", "plan", "--source-instance", cls.source, "--target-instance", cls.target, "--inventory", cls.inventory, "--out", cls.plan)
        d.cli("migrate", "apply", cls.plan)
        d.cli("migrate", "rewrap", cls.plan, "--inventory", cls.inventory, "--out", cls.rewrapped)
        cls.key = d.cli("audit", "public-key").stdout.strip()

    @classmethod
    def tearDownClass(cls):
        cls.d.close()

    def verify(self):
        self.d.cli("migrate", "verify", self.plan, "--inventory", self.inventory, "--rewrapped", self.rewrapped)

    def report(self, name, *more, expect=0, by="Ada"):
        page, data = self.d.home / f"{name}.html", self.d.home / f"{name}.json"
        self.d.cli("migrate", "report", self.plan, "--out", page, "--json-out", data, "--by", by, *more, expect=expect)
        return page, data

    def check(self, path, *more, expect=0):
        return self.d.cli("migrate", "report", "--check", path, *more, expect=expect)

    def test_1_without_a_verification_it_is_incomplete(self):
        page, data = self.report("early", expect=1)
        document = json.loads(data.read_text())["report"]
        self.assertEqual(document["result"], "incomplete")
        self.assertIn("nothing was verified", " ".join(document["why"]))
        self.assertIn("Incomplete", page.read_text())
        self.assertIn("incomplete", self.check(page, "--audit-key", self.key).stdout)  # a true report of an unfinished migration

    def test_2_recorded_and_checked(self):
        self.verify()
        page, data = self.report("report")
        document = json.loads(data.read_text())
        self.assertEqual(document["report"]["result"], "verified", document["report"]["why"])
        self.assertEqual(document["report"]["verify"]["deks_equal"], 20)
        self.assertEqual(document["report"]["totals"]["carried"], 2)
        text = page.read_text()
        self.assertNotIn("<b>payroll", text)
        self.assertNotIn("http://", text.replace("http://www.w3.org", ""))
        for path in (page, data):
            self.assertIn("verified", self.check(path, "--audit-key", self.key, "--output", "json").stdout)
        self.assertIn("compare it with the key", self.check(page).stdout)
        # The audit log holds the hash, once, and is whole.
        events = [event for event in self.d.audit_records() if "migration-report.record" in str(event)]
        self.assertEqual(len(events), 2)
        self.assertEqual(events[-1]["requestData"]["planId"], document["report"]["plan"]["id"])
        self.d.cli("audit", "verify", "--log", self.d.data / "server/audit", "--public-key", self.key)

    def test_3_whatever_is_altered_shows(self):
        self.verify()
        page, data = self.report("altered")
        text, document = page.read_text(), data.read_text()
        changed = self.d.home / "changed.html"
        for old, new in (("Verified</strong>", "Verified </strong>"), (">20<", ">21<"), ("payroll", "payrol1"), ("\\u003cb>", "\\u003ci>")):
            self.assertIn(old, text)
            changed.write_text(text.replace(old, new))
            self.check(changed, "--audit-key", self.key, expect=1)
        changed = self.d.home / "changed.json"
        for old, new in (('"deks_equal":20', '"deks_equal":21'), ('"result":"verified"', '"result":"verified" '), ('"made_by":"Ada"', '"made_by":"Eve"')):
            self.assertIn(old, document)
            changed.write_text(document.replace(old, new))
            self.check(changed, "--audit-key", self.key, expect=0 if new.endswith(" ") else 1)
        # The receipt of another report; another audit key; another plan; no receipt.
        other = json.loads(self.report("other", by="Grace")[1].read_text())
        mixed = json.loads(document) | {"receipt": other["receipt"]}
        changed.write_text(json.dumps(mixed))
        self.check(changed, "--audit-key", self.key, expect=1)
        self.check(data, "--audit-key", "00" * 32, expect=1)
        self.check(data, "--audit-key", "no key", expect=2)
        edited = self.d.home / "edited.yaml"
        edited.write_text(self.plan.read_text() + "# later\n")
        self.d.cli("migrate", "report", edited, "--check", data, "--audit-key", self.key, expect=1)
        self.d.cli("migrate", "report", self.plan, "--check", data, "--audit-key", self.key)
        bare = self.report("bare", "--no-record")[0]
        self.assertIn("nothing proves it", self.check(bare, "--audit-key", self.key, expect=1).stderr)

    def test_4_wrong_use(self):
        self.d.cli("migrate", "report", self.plan, expect=2)
        self.check(self.plan, expect=1)
        self.check(self.d.home / "absent.html", expect=2)
        reader = self.d.service_id("reader", "Reader", self.target)
        answer = self.d.call("POST", "/api/v2/migration_reports", {}, instance=self.target, token=self.d.token(reader))
        self.assertEqual(answer.status, 401, answer.body)


if __name__ == "__main__":
    unittest.main()
