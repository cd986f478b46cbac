"""The double as a test holds it: started and stopped in the test's process, its faults and clock in the test's hand."""
import collections
import dataclasses
import pathlib
import shutil
import tempfile
import threading
import time

from . import certificates, server
from .fields import new_id
from .faults import Plan
from .iam import Iam
from .model import Instance, Waits

KEPT = 200_000  # requests that are remembered


@dataclasses.dataclass
class Seen:
    """One request as the double saw it; status 0: it was not carried out and not answered."""
    method: str
    path: str
    instance: str
    status: int
    faults: tuple
    correlation: str
    retry_after: float  # seconds, as the answer asked for
    time: float  # of the answer, of a monotonic clock


class Double:
    """A key-management service and its identity service on one loopback port. Thread-safe.

    `service`: hs-crypto or kms. `imports` with an import token: "any" form, the service's "own" only, or "none" (as Key Protect
    Dedicated, which has no import tokens). `intents`: whether keys have migration intents, whose path the vendor does not publish.
    """

    def __init__(self, plan=None, service="hs-crypto", port=0, waits=None, imports="any", intents=True):
        self.plan, self.kind, self.waits, self.imports, self.intents = plan or Plan(), service, waits, imports, intents
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vendor-double-"))
        self.offset, self.wanted_port, self.server, self.private = 0.0, port, None, False
        self.account, self.instances = "d" * 32, {}
        self.watch = None  # (requests to come, event)
        self.requests, self.lints = collections.deque(maxlen=KEPT), []
        self.iam = Iam(self.now, self.account, self.plan.token_lifetime)
        certificates.make(self.directory)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # --- life ---
    def start(self):
        self.server = server.Server(("127.0.0.1", self.wanted_port), self, server.context(self.directory))
        self.wanted_port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """As a crash: connections end at once. What the instances hold stays; start() serves it on the same port."""
        self.server.shutdown()
        self.server.server_close()
        self.server.close_connections()

    def close(self):
        if self.server:
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def port(self):
        return self.wanted_port

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self):
        return str(self.directory / "ca.pem")

    # --- what a test arranges ---
    def instance(self, initialised=True, waits=None, max_keys=None):
        """A new service instance; returns its id."""
        guid = new_id()
        self.instances[guid] = Instance(guid, self.account, self.kind, initialised=initialised, waits=waits or self.waits or Waits(),
                                        max_keys=max_keys or self.plan.max_keys)
        return guid

    def identity(self, name, roles, instances, service_crn=None):
        """A new identity with roles on instances; returns its API key."""
        return self.iam.add(name, {instance: roles for instance in instances}, service_crn)[1]

    def advance(self, seconds):
        """Sets the service's clock forward."""
        self.offset += seconds

    def settle(self):
        """Every list shows every key, whatever delay it was made with."""
        for instance in self.instances.values():
            for key in instance.keys.values():
                key.lists_until_shown = 0

    def at_request(self, count):
        """An event that is set when so many requests from now on have come."""
        event = threading.Event()
        self.watch = (count, event)
        return event

    def fault(self, plan):
        """Another plan from now on; the old one's clock skew and limits of what exists stay as they are."""
        self.plan = plan
        self.iam.lifetime = plan.token_lifetime

    # --- what the service asks ---
    def now(self):
        return time.time() + self.offset + self.plan.clock_skew

    def page_limit(self, limit):
        return self.plan.page_limit(limit)

    @property
    def list_delay(self):
        return self.plan.list_delay

    def note(self, handler, path, status, fired, retry_after=0):
        watch = self.watch
        if watch:
            self.watch = (watch[0] - 1, watch[1]) if watch[0] > 1 else watch[1].set()
        self.requests.append(Seen(handler.command, path, handler.headers.get("Bluemix-Instance", ""), status, tuple(fired),
                                  handler.headers.get("Correlation-Id", ""), float(retry_after), time.monotonic()))

    def lint(self, method, path, findings):
        self.lints += [f"{method} {path}: {finding}" for finding in findings]
