"""A migration whose tool, servers and units are killed again and again: no key twice, no DEK lost or different, the same end.

Moments are counted events, not times: the n-th request to a side before or after it is carried out, a named step's request, or the
n-th durable write of the tool. KH_SEED repeats a run's kills, KH_KILLS says how many (25; more in ./run-tests soak).
"""
import dataclasses
import json
import os
import random
import re
import signal
import sys
import threading
import time
import unittest

from migrate_world import ALL_VERBS, World

SEED = int(os.environ.get("KH_SEED", random.randrange(1 << 32)))
KILLS = int(os.environ.get("KH_KILLS", "25"))
# Whom a kill meets, and the kind of its moment. The tool dies as often as the two sides together need it.
VICTIMS = (("tool", "request"), ("source server", "request"), ("target unit", "request"), ("tool", "write"),
           ("target server", "request"), ("source unit", "request"))
# The requests that carry out a named step: side, method, end of the path.
DEKS = (("source", "POST", "/actions/unwrap"), ("target", "POST", "/actions/wrap"), ("source", "POST", "/actions/enable"),
        ("target", "POST", "/actions/enable"), ("source", "POST", "/actions/disable"), ("target", "POST", "/actions/disable"))
STEPS = {
    "apply": (("target", "POST", "/key_rings/team"), ("target", "POST", "/keys(_with_policy_overrides)?"),
              ("target", "POST", "/actions/rotate"), ("target", "DELETE", "/aliases/[^/]+"), ("target", "POST", "/aliases/[^/]+"),
              ("target", "POST", "/actions/disable"), ("target", "POST", "/import_token"), ("target", "GET", "/import_token"),
              ("source", "GET", "/keys/[0-9a-f-]{36}")),
    "file": DEKS, "directory": DEKS, "table": DEKS,
    "verify": (("source", "POST", "/actions/unwrap"), ("target", "POST", "/actions/unwrap"), ("source", "POST", "/actions/enable"),
               ("target", "POST", "/actions/disable"), ("target", "GET", "/keys/[0-9a-f-]{36}")),
    "cutover": (("source", "POST", "/migrationIntent"), ("source", "POST", "/actions/disable"), ("target", "PUT", "/policies"),
                ("target", "PUT", "/instance/policies")),
    "undo": (("source", "POST", "/actions/enable"), ("source", "DELETE", "/migrationIntent")),
}


@dataclasses.dataclass
class Moment:
    """When: at the `number`-th request to `side` whose line matches `step` (any: None), or at the tool's `number`-th write."""
    side: str | None
    step: tuple | None
    is_after: bool
    number: int

    def earlier(self):
        """Where a run that has less left to do comes by as well."""
        return dataclasses.replace(self, number=(self.number + 1) // 2, step=self.step if self.number > 1 else None)

    def __str__(self):
        if self.side is None:
            return f"write {self.number}"
        what = f"{self.step[1]} ...{self.step[2]}" if self.step else "request"
        return f"{'after' if self.is_after else 'before'} {what} {self.number} to the {self.side}"


class Kill:
    """One kill: armed for one run of a verb; `happened` when it was reached."""

    def __init__(self, world, victim, moment):
        self.world, self.victim, self.moment = world, victim, moment
        self.happened, self.problem, self.tool = False, None, None
        self.lock, self.started, self.over, self.seen = threading.Lock(), threading.Event(), threading.Event(), 0

    def hook(self, seen):
        """Of the relay of the moment's side. Only one request is the one."""
        with self.lock:
            if self.happened or seen.is_after != self.moment.is_after or not self.fits(seen):
                return False
            self.seen += 1
            if self.seen < self.moment.number:
                return False
            self.happened = True
        try:
            self.strike()
        except Exception as problem:  # shown by the test's thread
            self.problem = problem
        finally:
            self.over.set()
        return True

    def fits(self, seen):
        step = self.moment.step
        return step is None or (seen.method == step[1] and re.search(step[2] + "$", seen.path) is not None)

    def strike(self):
        self.started.wait(60)
        side, _, part = self.victim.partition(" ")
        if side == "tool":
            self.tool.kill()
            self.tool.wait(60)
            return
        deployment = self.world.sides()[side]
        if part == "unit":
            deployment.wait_unit_back(deployment.kill_unit())
        else:
            deployment.kill_server()
            deployment.start()

    def run(self, verb, jobs):
        """The verb with this kill in it; its exit status and what it said."""
        environment = {} if self.moment.side else {"KEYHAVEN_WRITES_KILL_AT": str(self.moment.number)}
        for name, relay in self.world.relays.items():
            relay.arm(self.hook if name == self.moment.side else None)
        self.tool = self.world.start(verb, jobs, **environment)
        self.started.set()
        said, _ = self.tool.communicate(timeout=300)
        if self.moment.side is None:
            self.happened = self.tool.returncode == -signal.SIGKILL
        elif self.happened and not self.over.wait(120):  # the tool may have ended before the server was up again
            raise AssertionError(f"{self.victim} did not come back")
        if self.problem:
            raise self.problem
        return self.tool.returncode, said


class Schedule:
    """Which kills are still to come, by verb: each verb meets each victim, the moments are the seed's."""

    def __init__(self, chance, moments, count):
        self.chance, self.moments = chance, moments
        self.left = {verb: [] for verb in ALL_VERBS}
        for number in range(count):
            verb = ALL_VERBS[number % len(ALL_VERBS)]
            victim, kind = VICTIMS[(number + number // (len(ALL_VERBS) * len(VICTIMS))) % len(VICTIMS)]
            self.left[verb].append((victim, self.moment(verb, victim, kind)))

    def moment(self, verb, victim, kind):
        chance = self.chance
        if kind == "write":
            return Moment(None, None, False, chance.randint(1, self.moments[verb]["writes"]))
        sides = ("source", "target") if victim == "tool" else (victim.split()[0],)
        steps = [step for step in STEPS[verb] if step[0] in sides]
        if steps and chance.random() < 0.5:
            step = chance.choice(steps)
            return Moment(step[0], step, chance.random() < 0.5, chance.randint(1, 3))
        side = chance.choice([side for side in sides if self.moments[verb][side] > 0] or list(sides))
        return Moment(side, None, chance.random() < 0.5, chance.randint(1, max(1, self.moments[verb][side])))

    def take(self, verb):
        """The kills of one run to the end: one or two."""
        some, self.left[verb] = self.left[verb][:2], self.left[verb][2:]
        return some

    def put_back(self, verb, victim, moment):
        self.left[verb].append((victim, moment.earlier()))

    def count(self):
        return sum(len(some) for some in self.left.values())


class Kills(unittest.TestCase):
    summary = ""

    @classmethod
    def tearDownClass(cls):
        print(cls.summary, file=sys.stderr, flush=True)

    def test_killed_at_any_moment_it_comes_to_the_same_end(self):
        with self.subTest(seed=SEED):  # a failure names it; KH_SEED repeats it
            self.world = World()
            self.addCleanup(self.world.close)
            self.migrate_with_kills(random.Random(SEED))

    def migrate_with_kills(self, chance):
        started, world = time.monotonic(), self.world
        self.source_before = world.source_states()
        world.begin()
        moments = {verb: self.finished(verb, lambda verb=verb: world.measured(verb)) for verb in ALL_VERBS}
        self.undisturbed = self.end
        schedule, self.done, rounds = Schedule(chance, moments, KILLS), [], 0
        while schedule.count():
            rounds += 1
            self.assertLess(rounds, 20 + KILLS, f"moments that never come: {schedule.left}")
            world.begin()
            for verb in ALL_VERBS:
                jobs = chance.choice((1, 4))
                for victim, moment in schedule.take(verb):
                    self.kill(schedule, verb, victim, moment, jobs)
                with self.subTest(after=self.done[-4:]):
                    self.finished(verb, lambda: world.run(verb))
            self.assertEqual(self.end, self.undisturbed, self.done[-len(ALL_VERBS) * 2:])
            world.forget()
        by_victim = {name: sum(line.startswith(name) for line in self.done) for name in ("tool", "source", "target")}
        type(self).summary = f"{len(self.done)} kills in {rounds} migrations, {by_victim}, " \
                             f"{time.monotonic() - started:.0f} s, seed {SEED}"
        self.assertEqual(len(self.done), KILLS)
        for deployment in world.sides().values():
            deployment.cli("audit", "verify", "--log", deployment.data / "server/audit", "--public-key",
                           deployment.data / "server/audit-public-key")

    def kill(self, schedule, verb, victim, moment, jobs):
        kill = Kill(self.world, victim, moment)
        status, said = kill.run(verb, jobs)
        name = f"{victim} in {verb} {moment} (jobs {jobs})"
        self.assertIn(status, (0, 1, -signal.SIGKILL), f"{name}: {said}")
        if status == -signal.SIGKILL:
            self.assertEqual(victim, "tool", said)
        if kill.happened:
            self.done.append(name)
        else:
            schedule.put_back(verb, victim, moment)

    # --- what must hold after each verb ---
    def finished(self, verb, run):
        """Runs a verb to its end and checks what it promises; returns what the run returned."""
        out = run()
        check = getattr(self, f"after_{verb}", None)
        if check:
            check()
        return out

    def nothing_left(self, verb):
        """The same command again changes nothing."""
        self.world.run(verb)
        for side, relay in self.world.relays.items():
            self.assertEqual(relay.changes(), [], f"{verb} has changed the {side} the second time")

    def after_apply(self):
        self.nothing_left("apply")
        self.assertEqual(self.world.open_steps(), [])

    def after_table(self):
        """All three forms are there: each is proved by verify, and by the test's own DEKs."""
        world = self.world
        self.assertFalse(list(world.work.glob("*.partial")), "a half output")
        self.assertEqual(world.lost(), [])
        for arguments in (["--table", "deks"], ["--inventory", world.directory, "--rewrapped", world.out_directory]):
            self.proved(world.verdict(*arguments))

    def after_verify(self):
        self.proved(json.loads(self.world.result.read_text()))
        self.assertEqual(self.world.source_states(), self.source_before, "verify or rewrap left a key in another state")

    def proved(self, verdict):
        counts = {name: verdict[name] for name in ("deks", "deks_equal", "deks_unverifiable", "deks_different", "deks_of_target",
                                                   "standard_equal", "keys_compared", "keys_missing", "still_enabled")}
        rows = len(self.world.rows)
        self.assertEqual(counts, {"deks": rows, "deks_equal": rows, "deks_unverifiable": 0, "deks_different": 0, "deks_of_target": 0,
                                  "standard_equal": 1, "keys_compared": 5, "keys_missing": 0, "still_enabled": 0})

    def after_cutover(self):
        self.nothing_left("cutover")
        self.assertEqual(self.world.open_steps(), [], "the journal is not complete")
        root = {"imported", "plain", "rotating", "asleep"}
        self.assertEqual({name for name, state in self.world.source_states().items() if state == 2}, root)
        self.end = self.world.state()

    def after_undo(self):
        self.assertEqual(self.world.source_states(), self.source_before)
        self.assertEqual(self.world.open_steps(), [])


if __name__ == "__main__":
    unittest.main()
