"""Faults on demand: what goes wrong, at which request, and how often."""
import dataclasses
import fnmatch
import json
import random
import threading

# What a fault may do. Those before "slow" end the request without its being carried out.
KINDS = ("reset", "answer", "slow", "lose_reply", "cut_reply", "expire_tokens")


@dataclasses.dataclass
class Fault:
    """It fires at a request that `on` matches ("METHOD path pattern") when that is the n-th match for an n of `at`, or each
    `every`-th, or with `probability`; not before `after` matches, and at most `times` times."""
    kind: str
    on: str = "* /api/v2/*"
    at: tuple = ()
    every: int = 0
    probability: float = 0
    after: int = 0
    times: int = 10**9
    status: int = 503  # of an answer
    retry_after: int = None  # header of an answer, seconds
    html: bool = False  # an answer as a proxy gives it, not in the official form
    seconds: float = 1  # of a slow answer
    seen: int = 0
    fired: int = 0

    def matches(self, method, path):
        wanted, _, pattern = self.on.partition(" ")
        return fnmatch.fnmatchcase(method, wanted) and fnmatch.fnmatchcase(path, pattern)

    def decide(self, method, path, chance):
        if not self.matches(method, path):
            return False
        self.seen += 1
        due = self.seen in self.at or (self.every and self.seen % self.every == 0) or (self.probability and chance() < self.probability)
        if not due or self.seen <= self.after or self.fired >= self.times:
            return False
        self.fired += 1
        return True


@dataclasses.dataclass
class Plan:
    """`short_pages`: no page is longer. `shrinking_pages`: the same, and each page is one shorter than the last, down to 1.
    `list_delay`: a new key is shown by lists only after so many of them. `clock_skew`: seconds by which the service's clock is
    ahead. `requests_per_second`: above it 429. The rest: limits of new instances and tokens."""
    faults: list = dataclasses.field(default_factory=list)
    seed: int = 1
    short_pages: int = 0
    shrinking_pages: int = 0
    list_delay: int = 0
    clock_skew: float = 0
    requests_per_second: float = 0
    max_keys: int = 50_000
    token_lifetime: int = 3600

    def __post_init__(self):
        self.lock, self.random, self.credit, self.credited = threading.Lock(), random.Random(self.seed), None, 0.0
        for fault in self.faults:
            if fault.kind not in KINDS:
                raise ValueError(f"no fault of kind {fault.kind!r}; there are: {', '.join(KINDS)}")

    @classmethod
    def read(cls, path):
        with open(path) as file:
            value = json.load(file)
        return cls(**value | {"faults": [Fault(**fault) for fault in value.get("faults", [])]})

    def decide(self, method, path):
        """The faults that fire at this request, by kind."""
        with self.lock:
            return {fault.kind: fault for fault in self.faults if fault.decide(method, path, self.random.random)}

    def fired(self):
        return sum(fault.fired for fault in self.faults)

    def page_limit(self, limit):
        with self.lock:
            if self.shrinking_pages:
                limit, self.shrinking_pages = min(limit, self.shrinking_pages), max(self.shrinking_pages - 1, 1)
            return min(limit, self.short_pages or limit)

    def over_rate(self, now):
        """Whether a request at `now` (seconds of a monotonic clock) is one too many; bursts of a second's worth are allowed."""
        if not self.requests_per_second:
            return False
        with self.lock:
            if self.credit is None:
                self.credit, self.credited = self.requests_per_second, now
            self.credit = min(self.requests_per_second, self.credit + (now - self.credited) * self.requests_per_second)
            self.credited = now
            if self.credit < 1:
                return True
            self.credit -= 1
            return False
