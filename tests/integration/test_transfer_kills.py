"""kill -9 of the tool, the source and the target in the middle of a sealed transfer: the same command goes on, signatures are asked for
once, no key is there twice, and everything arrives."""
import json
import subprocess
import threading
import unittest

from harness import BIN, Deployment, alive, b64, wait_until
from relay import Relay
from transfer_world import SETTINGS, Party, fresh, many_keys

KEYS = 150  # three chunks
MOST_RUNS = 6  # of one verb, until it comes through


class Kills(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployments = {name: Deployment(**SETTINGS) for name in ("source", "target")}
        cls.relays = {}
        for name, deployment in cls.deployments.items():
            cls.addClassCleanup(deployment.close)
            deployment.start()
            deployment.settings["server__port"] = deployment.url.rpartition(":")[2]
            cls.relays[name] = Relay(deployment)
            cls.addClassCleanup(cls.relays[name].close)
        cls.work = cls.deployments["source"].home / "work"
        cls.work.mkdir()

    def setUp(self):
        self.source = Party(self.deployments["source"], "source", "transfer-out")
        self.ids = many_keys(self.source, KEYS)
        self.wrapped = {key: self.source.d.wrap(self.source.instance, key, key.encode()[:32]) for key in self.ids[::15]}
        self.target = Party(self.deployments["target"], "target", "transfer-in")
        self.offer = self.target.offer(self.source, fresh(self.work, "txt"))

    # --- runs ---
    def run_verb(self, side, verb, *arguments, signers=0, at=None):
        """One run through the relay of its side. `at(seen, process)` is told of each request; True ends that connection."""
        party, relay = getattr(self, side), self.relays[side]
        process, begun = None, threading.Event()

        def hook(seen):
            begun.wait(60)
            return at(seen, process)

        relay.arm(hook if at else None)
        command = [str(BIN / "keyhaven"), "transfer", verb, *map(str, arguments), "--instance", party.instance]
        if verb != "import":
            command += ["--attestation-root", str(party.root), "--yes", *party.by(signers)]
        process = subprocess.Popen(command, env=party.d.environment(KH_URL=relay.url, KH_IAM_URL=relay.url), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun.set()
        out, err = process.communicate(timeout=180)
        relay.arm()
        return process.returncode, out + err

    def export(self, bundle, **options):
        return self.run_verb("source", "export", "--offer", self.offer, "--target-root", self.target.root, "--bundle", bundle, **options)

    def take(self, bundle, **options):
        return self.run_verb("target", "import", "--bundle", bundle, "--output", "json", **options)

    @staticmethod
    def kill_tool_at(number, is_after):
        def at(seen, process):
            if (seen.number, seen.is_after) != (number, is_after):
                return False
            process.kill()
            return True
        return at

    def complete(self, verb, bundle):
        """The same command until it comes through."""
        for _ in range(MOST_RUNS):
            status, text = verb(bundle)
            if status == 0:
                return text
        self.fail(text)

    def is_right(self, bundle):
        """What stands in the bundle is whole, signed, and all of the instance, each key once."""
        shown = json.loads(self.target.d.cli("transfer", "show", bundle, "--source-root", self.source.root, "--target-root", self.target.root,
                                             "--output", "json").stdout)
        self.assertEqual(sorted(key["id"] for key in shown["keys"]), sorted(self.ids))
        self.assertFalse(bundle.with_name(bundle.name + ".partial").exists())
        return shown

    def all_arrived(self):
        self.assertEqual(self.target.keys(), self.source.keys())  # and no id is there twice
        for key, ciphertext in self.wrapped.items():
            opened = self.target.d.action(self.target.instance, key, "unwrap", {"ciphertext": ciphertext})
            self.assertEqual(opened.json.get("plaintext"), b64(key.encode()[:32]), opened.body)

    # --- the tool ---
    def test_the_tool_while_signatures_are_given(self):
        to_units = [number for number, (method, path) in enumerate(self.clean_log(), 1) if method == "POST" and "/hsms/" in path]
        command = to_units[-1]  # the signed one
        for is_after in (False, True):
            self.offer = self.target.offer(self.source, fresh(self.work, "txt"))
            bundle = fresh(self.work, "bundle")
            status, _ = self.export(bundle, signers=2, at=self.kill_tool_at(command, is_after))
            self.assertEqual(status, -9)
            # Heard by the unit or not: only then must they sign again.
            status, text = self.export(bundle)
            self.assertEqual(status == 0, is_after, text)
            if not is_after:
                self.assertIn("signatures of 2", text)
                self.assertEqual(self.export(bundle, signers=2)[0], 0)
            self.is_right(bundle)

    def clean_log(self):
        """The requests of an export that nothing disturbs."""
        seen_all = []

        def at(seen, _process):
            if not seen.is_after:
                seen_all.append((seen.method, seen.path))
            return False

        status, text = self.export(fresh(self.work, "bundle"), signers=2, at=at)
        self.assertEqual(status, 0, text)
        return seen_all

    def test_the_tool_at_every_request(self):
        self.assertEqual(self.export(fresh(self.work, "bundle"), signers=2)[0], 0)
        killed, number = 0, 0
        bundle = None
        while True:
            number += 1
            done = 0
            for is_after in (False, True):
                bundle = fresh(self.work, "bundle")
                status, text = self.export(bundle, at=self.kill_tool_at(number, is_after))
                done += status == 0
                if status != 0:
                    self.assertEqual(status, -9, text)
                    self.assertFalse(bundle.exists())
                    killed += 1
                    status, text = self.export(bundle)  # nobody signs again
                    self.assertEqual(status, 0, text)
                self.is_right(bundle)
            if done == 2:  # it has fewer requests than that
                break
        self.assertGreater(killed, 10)
        self.target.consent(bundle, self.source)
        number = killed = 0
        while True:
            number += 1
            status, text = self.take(bundle, at=self.kill_tool_at(number, False))
            if status == 0:
                break
            self.assertEqual(status, -9, text)
            killed += 1
        self.assertGreater(killed, 3)
        self.all_arrived()

    def test_the_tool_when_the_import_is_done(self):
        bundle = fresh(self.work, "bundle")
        self.assertEqual(self.export(bundle, signers=2)[0], 0)
        self.target.consent(bundle, self.source)

        def at(seen, process):
            if seen.method != "DELETE" or not seen.is_after:
                return False
            process.kill()
            return True

        self.assertEqual(self.take(bundle, at=at)[0], -9)
        self.assertEqual(self.target.status()["incoming"], [])
        self.all_arrived()
        self.assertIn("TRANSFER_NOT_ALLOWED", self.take(bundle)[1])  # closed is closed
        self.all_arrived()

    # --- the services ---
    def kill_at(self, deployment, path, is_after, what):
        """Kills server or unit at the second such request, once, and has them back before the connection ends."""
        count = [0]

        def at(seen, _process):
            if not seen.path.endswith(path) or seen.is_after != is_after:
                return False
            count[0] += 1
            if count[0] != 2:
                return False
            if what == "unit":
                deployment.wait_unit_back(deployment.kill_unit())
            else:
                deployment.kill_server()
                deployment.start()
            return True
        return at

    def test_the_source(self):
        # The permission outlives server and unit.
        self.assertEqual(self.export(fresh(self.work, "bundle"), signers=2)[0], 0)
        for what in ("server", "unit"):
            for is_after in (False, True):
                with self.subTest(what=what, is_after=is_after):
                    bundle = fresh(self.work, "bundle")
                    pid = self.source.d.endpoint["unit_pid"]
                    at = self.kill_at(self.source.d, "/chunks", is_after, what)
                    self.export(bundle, at=at)
                    wait_until(lambda: not alive(pid), "it was killed")
                    self.complete(self.export, bundle)
                    self.is_right(bundle)
        self.target.consent(bundle, self.source)
        self.complete(self.take, bundle)
        self.all_arrived()

    def test_the_target(self):
        bundle = fresh(self.work, "bundle")
        self.assertEqual(self.export(bundle, signers=2)[0], 0)
        self.target.consent(bundle, self.source)
        for number, (what, is_after) in enumerate((what, is_after) for what in ("server", "unit") for is_after in (False, True)):
            pid = self.target.d.endpoint["unit_pid"]
            at = self.kill_at(self.target.d, "/import", is_after, what)
            # The tool does not come to the end in these: its connection is cut at the last chunk, too.
            status, text = self.take(bundle, at=lambda seen, process, at=at: at(seen, process) or self.ends(seen, process))
            self.assertNotEqual(status, 0, (number, text))
            wait_until(lambda pid=pid: not alive(pid), "it was killed")
            self.target.d.forget_tokens()
        result = json.loads(self.complete(self.take, bundle).splitlines()[0])
        self.assertEqual((result["imported"] + result["present"], result["refused"]), (KEYS, []))
        self.all_arrived()

    @staticmethod
    def ends(seen, process):
        if seen.method == "DELETE":
            process.kill()
            return True
        return False


if __name__ == "__main__":
    unittest.main()
