"""The audit log of a real server: searched over the API and by the command line, checked under load, and damage in it found."""
import json
import threading
import unittest

from harness import Deployment, new_uuid, wait_until


class AuditSearch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Deployment()
        cls.addClassCleanup(cls.d.close)
        cls.d.start()
        cls.instance = cls.d.instance()
        cls.key = cls.d.create_key(cls.instance, "payroll")["id"]

    def search(self, query="", expect=200):
        answer = self.d.call("GET", f"/v1/audit/records{query}")
        self.assertEqual(answer.status, expect, answer.body)
        return answer.json

    def status(self):
        answer = self.d.call("GET", "/v1/audit/status")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def check(self):
        self.assertEqual(self.d.call("POST", "/v1/audit/check").status, 202)
        return wait_until(lambda: (lambda check: check if check["state"] != "running" else None)(self.status()["check"]), "the check ends")

    def test_a_call_is_found_by_its_correlation_id_with_its_record(self):
        correlation = new_uuid()
        self.d.call("GET", f"/api/v2/keys/{self.key}/metadata", instance=self.instance, headers={"Correlation-Id": correlation})
        found = self.search(f"?correlation_id={correlation}")
        self.assertTrue(found["complete"])
        self.assertEqual(found["findings"], [])
        [record] = found["records"]
        self.assertEqual(record["event"]["action"], "hs-crypto.secrets-metadata.read")
        self.assertEqual(record["event"]["requestData"]["instanceID"], self.instance)
        lines = [json.loads(line) for line in (self.d.data / f"server/audit/{record['stream']}.00000001.log").read_text().splitlines()]
        written = next(line for line in lines if line["seq"] == record["seq"])
        self.assertEqual((written["hash"], written["prev"], written["event"]), (record["hash"], record["prev"], record["event"]))

    def test_pages_are_the_whole_log_in_its_order(self):
        seen, cursor = [], ""
        while True:
            page = self.search(f"?limit=3&cursor={cursor}")
            seen += [(record["stream"], record["seq"]) for record in page["records"]]
            self.assertEqual(page["complete"], "cursor" not in page)
            if page["complete"]:
                break
            cursor = page["cursor"]
        self.assertEqual(len(seen), len(set(seen)))
        for stream in {stream for stream, _ in seen}:
            numbers = [seq for name, seq in seen if name == stream]
            self.assertEqual(numbers, list(range(numbers[0], 0, -1)))

    def test_filters_reach_instance_key_and_caller(self):
        for query, action in ((f"?instance={self.instance}&action=secrets.create", "hs-crypto.secrets.create"),
                              (f"?target={self.key}&action=secrets.", "hs-crypto.secrets.create"),
                              ("?action=instances.*&outcome=success", "hs-crypto.instances.create")):
            actions = {record["event"]["action"] for record in self.search(query)["records"]}
            self.assertIn(action, actions, query)

    def test_others_than_administrators_are_refused(self):
        reader = self.d.token(self.d.service_id("reader", "Manager", self.instance))
        for method, path in (("GET", "/v1/audit/records"), ("GET", "/v1/audit/status"), ("POST", "/v1/audit/check")):
            self.assertEqual(self.d.call(method, path, token=reader).status, 401)

    def test_a_bad_query_is_told_in_words(self):
        for query, word in (("?limit=0", "limit"), ("?cursor=!", "cursor"), ("?from=x", "from"), ("?outcome=good", "outcome")):
            answer = self.d.call("GET", f"/v1/audit/records{query}")
            self.assertEqual((answer.status, answer.code), (400, "INVALID_QUERY_PARAM_ERR"))
            self.assertIn(word, answer.body.decode())

    def test_checks_under_load_raise_no_false_alarm(self):
        stop = threading.Event()

        def load(number):
            connection = self.d.connect()
            while not stop.is_set():
                self.d.call("GET", "/api/v2/keys", instance=self.instance, connection=connection)
                if number == 0:
                    self.d.call("POST", "/v1/audit/checkpoint", connection=connection)
        threads = [threading.Thread(target=load, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            before = 0
            for _ in range(8):
                check = self.check()
                self.assertEqual((check["state"], check["result"]["problems"]), ("finished", []))
                self.assertGreater(check["result"]["records"], before)
                before = check["result"]["records"]
                self.assertEqual(self.search("?limit=500")["findings"], [])
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_the_command_line_searches_shows_and_checks(self):
        found = self.d.cli_json("audit", "search", "--action", "secrets.create", "--in-instance", self.instance)
        self.assertEqual({record["event"]["action"] for record in found["records"]}, {"hs-crypto.secrets.create"})
        self.assertIn("the whole log was looked through", self.d.cli("audit", "search", "--action", "no.such").stdout)
        self.assertEqual(len(self.d.cli_json("audit", "search", "--limit", "2")["records"]), 2)
        self.assertIn("management", self.d.cli("audit", "status").stdout)
        self.assertIn("OK: the log is whole", self.d.cli("audit", "check").stdout)
        self.assertIn("signed checkpoints", self.d.cli("audit", "status").stdout)
        self.assertIn("limit", self.d.cli("audit", "search", "--limit", "0", expect=2).stderr)


class AuditTampering(unittest.TestCase):
    def test_a_changed_record_is_found_by_check_search_and_command_line(self):
        with Deployment() as d:
            d.instance()
            d.call("POST", "/v1/audit/checkpoint")
            path = d.data / "server/audit/management.00000001.log"
            text = path.read_bytes()
            at = text.index(b'"outcome":"success"')
            with open(path, "r+b") as file:  # behind the server's back, in place
                file.seek(at)
                file.write(b'"outcome":"failure"')
            printed = d.cli("audit", "check", expect=1).stdout
            self.assertIn("PROBLEM stream management: record ", printed)
            self.assertIn("content and hash differ", printed)
            self.assertIn("PROBLEM", d.cli("audit", "status", expect=1).stdout)
            self.assertIn("DAMAGE stream management", d.cli("audit", "search").stdout)
            event = d.cli_json("audit", "search", "--action", "hs-crypto.audit.check")["records"][0]["event"]
            self.assertEqual((event["outcome"], event["severity"], event["details"]["problems"]), ("failure", "critical", "1"))


if __name__ == "__main__":
    unittest.main()
