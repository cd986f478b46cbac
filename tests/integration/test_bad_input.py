"""Bad input against a real server: each request of the API document made wrong in one place, thousands of times.

Expected is what the specification says (bad_input/expectations.py), never what the server does. A refusal changes nothing:
after each one the store's commit counter is looked at, and its rows when that moved. Nothing is ever answered 5xx.
"""
import collections
import concurrent.futures
import json
import sys
import threading
import time
import unittest
import uuid

import openapi_check
from bad_input.fixtures import FIXTURES, request_of
from bad_input.generator import Generator
from bad_input.store_watch import StoreWatch
from bad_input.wire import CONNECTION_LOST, request_bytes
from bad_input.world import Shared, World
from harness import Deployment, alive

api_docs = openapi_check.api_docs
THREADS = 24
SHOWN = 20
LEAST_CASES = 5000
# Calls whose bad input is tried elsewhere, and where.
ELSEWHERE = {
    # A valid request takes two deployments and the word of both quorums.
    "src/http/transfer_routes_test.cc, test_sealed_transfer.py": "exportTransferChunk signTransferManifest importTransferChunk closeTransfer",
    # What a browser sends: cookies, Origin; and files that are the same for everybody.
    "test_console_server.py": "createConsoleSession getConsoleSession deleteConsoleSession getConsoleEnvironment leadToConsole leadToConsoleHead "
                              "getConsole headConsole getConsoleFile headConsoleFile",
    "test_oidc.py": "startConsoleOidc finishConsoleOidc updateIdentity",
}
SETTINGS = {"keys__enable_after_disable_seconds": 0, "keys__restore_after_delete_seconds": 0, "keys__purge_after_delete_seconds": 0,
            "keys__sync_interval_seconds": 0, "keys__sweep_period_seconds": 1800, "limits__keys": 1_000_000, "limits__key_rings": 10_000,
            "limits__aliases": 1_000_000}


class Run:
    """All cases, once; the tests below tell what they found."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.checker = openapi_check.checker()
        self.shared = Shared(deployment)
        self.generator = Generator(api_docs, self.checker.document, self.shared)
        self.failures = collections.defaultdict(list)  # tag -> texts
        self.counts = collections.Counter()
        self.titles = {}  # correlation id -> request, status
        self.expected_audit = {}  # correlation id -> least and most records
        self.local = threading.local()
        self.lock = threading.Lock()
        self.open = []  # to be closed at the end
        self.numbers = iter(range(1, 1_000_000))
        self.times = {}

    # --- One request ---
    def world(self):
        if not hasattr(self.local, "world"):
            self.local.world = World(self.shared)
            self.open.append(self.local.world)
        return self.local.world

    def watch(self):
        if not hasattr(self.local, "watch"):
            self.local.watch = StoreWatch(self.deployment.data / "server/keyhaven.db")
            self.local.watch.begin()
            self.open.append(self.local.watch)
        return self.local.watch

    def tag(self, fixture):
        return self.generator.rows[fixture.operation][2]["tags"][0]

    def send(self, request):
        """(answer, problem) of a request; the answer is held against the document."""
        if not any(name.lower() == "correlation-id" for name, _ in request.headers) and getattr(request, "correlate", True):
            request.headers.append(("Correlation-Id", request.correlation))
        body = request.body_bytes()
        framed = any(name in ("Content-Length", "Transfer-Encoding") for name, _ in request.headers)
        if not framed and (body is not None or request.method not in ("GET", "HEAD")):
            request.headers.append(("Content-Length", str(len(body or b""))))
        data = request_bytes(request.method, request.target, request.headers, body)
        wire = self.world().wire
        try:
            reply = wire.send(data, request.method == "HEAD")
        except CONNECTION_LOST as error:
            return None, f"no answer: {error!r}"
        if framed:
            wire.close()  # what the server took for the end may not be the end
        if reply.status >= 500:
            return reply, "5xx"
        path, _, query = request.target.partition("?")
        query = query.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return reply, self.checker.problem(request.method, path, query, reply.status, reply.headers, reply.body)

    def outcome_problem(self, case, reply, request):
        """Why this answer is not what the table says, or None."""
        outcome = case.outcome
        if reply.status < 300:
            return None if outcome.kind in ("accept", "either") else "accepted"
        if outcome.kind == "accept":
            return "refused"
        if outcome.kind == "either":
            return None
        code = None if request.method == "HEAD" else self.checker.error_code(reply.body)[0] or json.loads(reply.body).get("errorCode")
        for status, name in outcome.codes:
            if reply.status == status and (code == name or request.method == "HEAD"):
                return None
        return f"refused with {reply.status} {code}"

    def run_case(self, case, valid, unchanged):
        with self.lock:
            number = next(self.numbers)
        request = case.change(valid)
        request.correlation = str(uuid.UUID(int=number, version=4))
        if any(name.lower() == "correlation-id" for name, _ in valid.headers):
            raise AssertionError("a fixture has a Correlation-Id of its own")
        request.correlate = not (case.part == "header" and case.place == "Correlation-Id")
        reply, problem = self.send(request)
        found = []
        if reply is None or problem:
            found.append(problem)
        if reply is not None:
            wrong = self.outcome_problem(case, reply, request)
            if wrong:
                found.append(wrong)
            if (reply.status >= 300 or unchanged) and (changed := self.watch().changes() if unchanged else []):
                found.append(f"the store changed in {', '.join(changed)}")
            if request.correlate:
                self.note_audit(request, reply)
                if reply.headers.get("Correlation-Id") not in (None, request.correlation):  # where it must be, the document says
                    found.append("another Correlation-Id than was sent")
        self.counts[self.tag(case.fixture)] += 1
        if found:
            got = "nothing" if reply is None else f"{reply.status} {reply.body[:300]!r}"
            self.failures[self.tag(case.fixture)].append(
                f"{case.title}\n    {request.method} {request.target[:160]!r}\n    expected {case.outcome}\n    got {got}\n    {'; '.join(map(str, found))[:700]}")

    def note_audit(self, request, reply):
        code = b"" if reply.status < 400 else reply.body
        # Never became a call; of a HEAD nobody can tell.
        unread = b"(HTTP_ERR)" in code
        hidden = request.method == "HEAD" and reply.status >= 400
        is_open = self.generator.rows[request.operation][2].get("security") == []
        # Without a caller a flood of records is cut short (audit/flood_guard.h).
        anonymous = reply.status in (401, 405) or is_open or any(word in code for word in (b"(BEARER_SUB_EXTRACTION_ERR)", b"(PATH_NOT_FOUND_ERR)"))
        probe = request.operation in ("getHealth", "getReadiness")  # not recorded, unless the wrong path is no probe's
        self.titles[request.correlation] = f"{request.method} {request.target[:80]!r} {reply.status}"
        self.expected_audit[request.correlation] = (0 if unread or hidden or anonymous or probe else 1, 0 if unread or probe and reply.status != 404 else 1)

    # --- Phases ---
    def prove(self):
        """Each fixture's request succeeds; a second one is the target of the refusals."""
        self.valid = {}
        for fixture in FIXTURES.values():
            request = self.fresh(fixture)
            request.correlation = str(uuid.uuid4())
            reply, problem = self.send(request)
            if problem or reply.status >= 300:
                raise AssertionError(f"{fixture.name}: the valid request {request.method} {request.target} {request.body_bytes()!r} answered "
                                     f"{reply and reply.status} {reply and reply.body[:500]!r}: {problem}")
            self.valid[fixture.name] = self.fresh(fixture)

    def fresh(self, fixture):
        path, method, _, _ = self.generator.rows[fixture.operation]
        request = request_of(self.world(), fixture, (path, method))
        if "crn" in request.params and fixture.operation != "createRegistration":
            request.tag = self.world().tag(request.params["id"])
        return request

    def parallel(self, function, items):
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(function, one) for one in items]:
                done.result()

    def execute(self):
        start = time.monotonic()
        self.prove()
        self.times["fixtures"] = time.monotonic() - start
        refusals, successes = [], collections.defaultdict(list)
        for fixture in FIXTURES.values():
            for case in self.generator.cases(fixture, self.valid[fixture.name]):
                harmless = case.outcome.kind == "refuse" or case.outcome.kind == "either"
                (refusals if harmless else successes[fixture.name]).append(case)
        self.times["generated"] = time.monotonic() - start
        before = self.watch().digest()
        self.parallel(lambda case: self.run_case(case, self.valid[case.fixture.name], True), refusals)
        self.changed_by_refusals = [table for table, sums in self.watch().digest().items() if sums != before[table]]
        self.times["refusals"] = time.monotonic() - start
        self.parallel(self.run_successes, successes.values())
        self.times["successes"] = time.monotonic() - start
        self.seconds = time.monotonic() - start
        for one in self.open:
            one.close()

    def run_successes(self, cases):
        fixture = cases[0].fixture
        step = max(1, -(-len(cases) // fixture.most))
        for case in cases[::step]:
            self.run_case(case, self.fresh(fixture) if fixture.spends else self.valid[fixture.name], False)


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Deployment(**SETTINGS)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.run_ = Run(cls.server)
        cls.pids = (cls.server.process.pid, cls.server.endpoint["unit_pid"])
        cls.run_.execute()
        total = sum(cls.run_.counts.values())
        phases = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in cls.run_.times.items())
        print(f"\n{total} cases of bad input in {cls.run_.seconds:.0f} s ({phases})", file=sys.stderr)

    def test_every_call_of_the_document_has_a_fixture(self):
        elsewhere = {operation for names in ELSEWHERE.values() for operation in names.split()}
        fixtures = {fixture.operation for fixture in FIXTURES.values()}
        self.assertEqual(set(self.run_.generator.rows), fixtures | elsewhere)
        self.assertEqual(fixtures & elsewhere, set())

    def test_there_are_enough_cases(self):
        self.assertGreaterEqual(sum(self.run_.counts.values()), LEAST_CASES)

    def test_the_store_is_the_same_after_all_refusals(self):
        self.assertEqual(self.run_.changed_by_refusals, [])

    def test_server_and_unit_live_and_logged_nothing_fatal(self):
        self.assertEqual((self.server.process.pid, self.server.endpoint["unit_pid"]), self.pids)
        self.assertTrue(all(map(alive, self.pids)))
        self.assertEqual(self.server.call("GET", "/readyz", token=None).status, 200)
        self.assertNotIn("fatal", self.server.log.read_text().lower())

    def test_each_call_left_one_audit_record(self):
        records = collections.Counter(event.get("correlationId") for event in self.server.audit_records())
        wrong = [f"{self.run_.titles[name]}: {records[name]} records, not {least} to {most}" for name, (least, most) in self.run_.expected_audit.items()
                 if not least <= records[name] <= most]
        self.assertEqual(wrong[:SHOWN], [], f"{len(wrong)} calls")


def test_of(tag):
    def test(self):
        found = self.run_.failures[tag]
        text = "\n".join(found[:SHOWN])
        self.assertEqual(len(found), 0, f"{len(found)} of {self.run_.counts[tag]} cases of \"{tag}\":\n{text}")
    return test


for one in openapi_check.checker().document["tags"]:
    name = one["name"].lower().replace(" ", "_")
    setattr(BadInput, f"test_{name}", test_of(one["name"]))


if __name__ == "__main__":
    unittest.main()
