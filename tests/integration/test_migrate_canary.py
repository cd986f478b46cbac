"""Nothing secret of a migration stays behind: DEKs, standard keys and material are searched for in every file of both deployments, in
what the tool says, in its arguments and environment, and in its memory while it works (locked memory apart) and when it is done.
"""
import base64
import os
import pathlib
import re
import signal
import threading
import unittest

from harness import alive
from migrate_world import ALL_VERBS, World

MARK = b"KEYHAVEN_STOP_AT_EXIT"  # is in the tool's memory for certain: a search that does not find it proves nothing


def forms_of(secret):
    """How a secret may be written: raw, base64 of both alphabets, hexadecimal of both cases."""
    return {secret, base64.b64encode(secret).rstrip(b"=")[:40], base64.urlsafe_b64encode(secret).rstrip(b"=")[:40],
            secret.hex().encode(), secret.hex().upper().encode()}


def regions(pid):
    """(name, is locked, content) of each readable mapping of a stopped process that is no file's unchanged content."""
    text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for part in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", text)[1:]:
            first, flags = part.split("\n", 1)[0].split(), re.search(r"VmFlags: (.*)", part).group(1).split()
            name = first[5] if len(first) > 5 else "anonymous"
            if "w" not in first[1] or name.startswith(("[vvar", "[vsyscall")):
                continue
            begin, end = (int(number, 16) for number in first[0].split("-"))
            try:
                memory.seek(begin)
                yield name, "lo" in flags, memory.read(end - begin)
            except OSError:
                continue  # secret memory: not even the kernel reads it for us


class Canary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.secrets = {f"DEK {number}": dek for number, dek in enumerate(cls.world.deks)}
        cls.secrets |= {"a standard key": cls.world.payload}
        cls.secrets |= {f"material {number}": one for number, one in enumerate(cls.world.material)}
        cls.needles = [(name, form) for name, secret in cls.secrets.items() for form in forms_of(secret)]

    def found_in(self, content):
        return sorted({name for name, form in self.needles if form in content})

    def clean(self, where, content):
        self.assertEqual(self.found_in(content), [], where)

    def check_memory(self, pid, when):
        """Of a stopped process. What is in use stands in locked memory only; `when` done, not even there."""
        marked, size = False, 0
        for name, is_locked, content in regions(pid):
            marked, size = marked or MARK in content, size + len(content)
            if not is_locked or when == "done":
                self.clean(f"{name} of the tool's memory, {when}", content)
            else:
                self.in_locked_memory += len(self.found_in(content))
        self.assertTrue(marked, "the search does not see the tool's memory")
        return size

    def stopped(self, pid):
        """Waits until the tool has stopped itself, or ended. True: it stands."""
        state = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return state.si_code == os.CLD_STOPPED

    def run_searched(self, verb):
        """One verb: arguments, environment, memory at each 8th request and at the end, and what it said."""
        world, problems = self.world, []
        started, lock = threading.Event(), threading.Lock()
        tool = None

        def look(seen):
            if seen.is_after and seen.number % 8 == 0:
                started.wait(60)
                with lock:  # one look at a time
                    try:
                        os.kill(tool.pid, signal.SIGSTOP)
                        while self.state_of(tool.pid) not in "TZ":
                            pass
                        self.check_memory(tool.pid, "at work")
                    except BaseException as problem:  # shown by the test's thread
                        problems.append(problem)
                    finally:
                        os.kill(tool.pid, signal.SIGCONT)
            return False

        for relay in world.relays.values():
            relay.arm(look)
        tool = world.start(verb, KEYHAVEN_STOP_AT_EXIT="1")
        for name in ("cmdline", "environ"):
            self.clean(f"{name} of {verb}", pathlib.Path(f"/proc/{tool.pid}/{name}").read_bytes())
        started.set()
        said = []
        reader = threading.Thread(target=lambda: said.append(tool.stdout.read()))
        reader.start()
        while alive(tool.pid) and not self.is_at_its_end(tool.pid, lock):
            pass
        self.check_memory(tool.pid, "done")
        tool.send_signal(signal.SIGCONT)
        status = tool.wait(60)
        reader.join(60)
        self.assertEqual(problems, [])
        self.assertEqual(status, 0, said)
        self.clean(f"output of {verb}", said[0].encode())

    @staticmethod
    def state_of(pid):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    def is_at_its_end(self, pid, lock):
        """Whether the tool has stopped by itself: not while a look holds it."""
        if not self.stopped(pid):
            return False
        with lock:
            return self.state_of(pid) == "T"

    def test_nothing_secret_is_found(self):
        if os.geteuid() != 0:
            self.skipTest("another process's memory is for root to read")
        world = self.world
        world.begin()
        self.in_locked_memory = 0
        for verb in ALL_VERBS:
            with self.subTest(verb):
                self.run_searched(verb)
        self.assertGreater(self.in_locked_memory, 0, "no look met the tool with a DEK in its hands")
        world.source.cli("migrate", "report", world.plan, "--out", world.work / "report.html", "--json-out", world.work / "report.json",
                         "--by", "the test")
        files = 0
        for deployment in world.sides().values():
            for path in deployment.home.rglob("*"):
                if path.is_file() and path != world.material_file:
                    files += 1
                    self.clean(path, path.read_bytes())
        self.assertGreater(files, 100)
        # The search finds what is there.
        self.assertEqual(self.found_in(world.material_file.read_bytes()), ["material 0", "material 1"])


if __name__ == "__main__":
    unittest.main()
