"""Crypto units of all types by the automatic verbs: initialise, rotate, recover, resize; and the tool killed at its requests."""
import os
import secrets
import signal
import subprocess
import unittest

from harness import BIN, Deployment, b64, wait_until
from relay import Relay

# A kill at every Nth request of a verb, first by first on fresh instances; 1 takes long and misses nothing.
STRIDE = int(os.environ.get("KH_KILL_STRIDE", "9"))
DEK = b"the data encryption key, 32 byte"


class Auto(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Deployment()
        cls.d.start()
        cls.relay = Relay(cls.d)
        cls.signers = [cls.signature_key(name) for name in ("alice", "bob")]

    @classmethod
    def tearDownClass(cls):
        cls.relay.close()
        cls.d.close()

    @classmethod
    def signature_key(cls, name):
        password = cls.d.secret_file(f"{name}.password", secrets.token_hex(8).encode())
        cls.d.cli("tke", "sigkey-add", name, "--password-file", password)
        return f"{name}:{password}"

    def tke(self, verb, *arguments, instance, **options):
        return self.d.cli("tke", verb, *arguments, "--instance", instance, **options)

    def signed(self, *more):
        return [word for signer in self.signers for word in ("--signer", signer)] + ["--trust-on-first-use", "--yes", *more]

    def auto_init_words(self):
        return ["auto-init", "--signature-threshold", "2", "--revocation-threshold", "2", *self.signed()]

    def create(self, units=2, recovery=1, failover=0):
        return self.d.cli_json("instance", "create", "auto", "--units", units, "--recovery-units", recovery,
                               "--failover-units", failover, "--rotation-interval", 0)["guid"]

    def initialised(self, **counts):
        instance = self.create(**counts)
        self.tke(*self.auto_init_words(), instance=instance)
        return instance

    def registers(self, instance):
        return self.d.cli_json("tke", "cryptounit-mk", "--instance", instance, "--trust-on-first-use")["crypto_units"]

    def pattern(self, instance):
        """The one master key of all units, and nothing else in any register."""
        units = self.registers(instance)
        self.assertEqual({unit["new_status"] for unit in units}, {"Empty"}, units)
        self.assertEqual({unit["current_status"] for unit in units}, {"Valid"}, units)
        patterns = {unit["current_pattern"] for unit in units}
        self.assertEqual(len(patterns), 1, units)
        return patterns.pop()

    def store(self, instance, count=3):
        """Keys with wrapped DEKs."""
        keys = [self.d.create_key(instance, f"key {number}")["id"] for number in range(count)]
        return [(key, self.d.wrap(instance, key, DEK)) for key in keys]

    def check_keys(self, instance, stored):
        for key, wdek in stored:
            answer = self.d.action(instance, key, "unwrap", {"ciphertext": wdek})
            self.assertEqual((answer.status, answer.json.get("plaintext")), (200, b64(DEK)), answer.body)

    def rotation(self, instance):
        return self.d.cli_json("tke", "rotation", "--instance", instance)

    def test_1_all_types_of_units_get_the_key_and_more_units_too(self):
        instance = self.create(units=2, recovery=2, failover=1)
        done = self.tke(*self.auto_init_words(), instance=instance)
        self.assertIn("Master key copied: crypto unit 4 of 4", done.stdout)
        first = self.pattern(instance)
        stored = self.store(instance)
        self.tke("cryptounit-compare", instance=instance)
        again = self.tke(*self.auto_init_words(), instance=instance)
        self.assertIn("initialised already", again.stdout)
        # More units: they wait, then join; the keys go on meanwhile.
        self.d.cli("instance", "update", instance, "--units", 3)
        units = self.d.cli_json("tke", "cryptounits", "--instance", instance)["crypto_units"]
        self.assertEqual([unit["membership"] for unit in units if unit["type"] == "operational"], ["joined", "joined", "waiting"])
        self.check_keys(instance, stored)
        self.tke("failover-enable", "--units", 3, "--yes", instance=instance)
        self.tke(*self.auto_init_words(), instance=instance)
        self.assertEqual(self.pattern(instance), first)
        units = self.d.cli_json("tke", "cryptounits", "--instance", instance)["crypto_units"]
        self.assertEqual(len(units), 8)
        self.assertEqual({unit["membership"] for unit in units if unit["type"] == "operational"}, {"joined"})
        self.check_keys(instance, stored)
        # Only units in imprint mode go away.
        kept = self.d.cli("instance", "update", instance, "--units", 2, expect=None)
        self.assertNotEqual(kept.returncode, 0)
        self.tke("cryptounit-cp-btc", *self.signed(), instance=instance)
        compared = self.tke("cryptounit-compare", instance=instance)
        self.assertRegex(compared.stdout, r"XCP_CPB_BTC +failover +\S+ +Set +yes")

    def test_2_recovery_units_are_added_when_there_are_none(self):
        instance = self.create(recovery=0)
        refused = self.tke(*self.auto_init_words(), instance=instance, expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("--add-recovery-units", refused.stderr)
        self.tke(*self.auto_init_words(), "--add-recovery-units", 1, instance=instance)
        self.pattern(instance)
        self.store(instance)

    def test_3_rotation_with_a_random_key(self):
        instance = self.initialised(failover=1)
        stored = self.store(instance, 30)
        before = self.pattern(instance)
        done = self.tke("auto-mk-rotate", *self.signed(), instance=instance)
        lines = done.stdout.splitlines()
        words = ["Master key rotation started", "KMS CRK rewrap successful, waiting on cryptounit-mk-setimm",
                 "Master key rotation successful"]
        self.assertEqual([line for line in lines if line in words], words)
        after = self.pattern(instance)
        self.assertNotEqual(after, before)
        self.check_keys(instance, stored)
        state = self.rotation(instance)
        self.assertEqual((state["phase"], [row["master_key"] for row in state["stored"]]), ("none", [after[:32]]))
        self.store(instance)

    def test_4_rotation_with_key_parts_turned_back_and_finished(self):
        instance = self.create(recovery=0)
        self.d.ceremony(instance, "parts")
        signers = [f"parts-admin{number}:{self.d.home}/parts-admin{number}.password" for number in (1, 2)]
        signed = [word for signer in signers for word in ("--signer", signer)] + ["--yes"]
        stored = self.store(instance)
        before = self.pattern(instance)
        parts = []
        for number in (1, 2):
            password = self.d.secret_file(f"next{number}.password", secrets.token_hex(8).encode())
            self.d.cli("tke", "mk-add", f"next{number}", "--random", "--password-file", password)
            parts += ["--part", f"next{number}:{password}"]
        missing = self.tke("cryptounit-mk-rotate", *signed, instance=instance, expect=None)
        self.assertIn("new register", missing.stderr)
        self.tke("cryptounit-mk-load", *parts, *signed, instance=instance)
        self.tke("cryptounit-mk-commit", *signed, instance=instance)
        # Set immediate would leave the stored keys behind: the server says no.
        early = self.tke("cryptounit-mk-setimm", *signed, instance=instance, expect=None)
        self.assertNotEqual(early.returncode, 0)
        self.check_keys(instance, stored)
        self.assertEqual(self.d.call("POST", f"/v1/tke/{instance}/rotation").status, 202)
        wait_until(lambda: self.rotation(instance)["phase"] == "resealed", "keys are sealed anew")
        again = self.tke("auto-mk-rotate", *signed, instance=instance, expect=None)
        self.assertIn("cryptounit-mk-rotate", again.stderr)
        self.check_keys(instance, stored)
        self.tke("rotation-abandon", "--yes", instance=instance)
        wait_until(lambda: self.rotation(instance)["phase"] == "none", "turned back")
        self.check_keys(instance, stored)
        done = self.tke("cryptounit-mk-rotate", *signed[:2], "--yes", instance=instance)
        self.assertIn("Master key rotation successful", done.stdout)
        self.assertNotEqual(self.pattern(instance), before)
        self.check_keys(instance, stored)

    def test_5_one_master_key_for_two_instances(self):
        source = self.initialised()
        target = self.with_administrators()
        self.tke("auto-mk-recover", "--target-instance", target, *self.signed(), instance=source)
        self.assertEqual(self.pattern(target), self.pattern(source))
        stored = self.store(target)
        self.check_keys(target, stored)
        again = self.tke("auto-recover", "--target-instance", target, *self.signed(), instance=source)
        self.assertIn("nothing was changed", again.stdout)

    def with_administrators(self):
        instance = self.create()
        for signer in self.signers:
            self.tke("cryptounit-admin-add", signer, "--trust-on-first-use", instance=instance)
        self.tke("cryptounit-thrhld-set", "--signature-threshold", 2, "--revocation-threshold", 2, *self.signed()[:4],
                 instance=instance)
        return instance

    def test_6_keys_are_lost_only_on_purpose(self):
        instance = self.initialised()
        stored = self.store(instance)
        refused = self.tke("cryptounit-zeroize", *self.signed(), instance=instance, expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("keys", refused.stderr)
        self.check_keys(instance, stored)
        # What was zeroized before the refusal gets the key back.
        self.tke(*self.auto_init_words(), instance=instance)
        self.check_keys(instance, stored)
        without = self.tke("cryptounit-zeroize", *self.signed("--accept-key-loss"), instance=instance, expect=2)
        self.assertIn("in full", without.stderr)
        self.check_keys(instance, stored)
        self.tke("cryptounit-zeroize", *self.signed(f"--accept-key-loss={instance}"), instance=instance)
        # The keys are there, sealed under a key that nobody has: no random one takes its place.
        lost = self.tke(*self.auto_init_words(), instance=instance, expect=None)
        self.assertIn("which no crypto unit holds", lost.stderr)

    # --- The tool killed ---
    def killed_at(self, number, words, instance):
        """The request is carried out, then the tool dies before it hears the answer. Whether it died."""
        environment = self.d.environment(KH_URL=self.relay.url)
        process = subprocess.Popen([str(BIN / "keyhaven"), "tke", *map(str, words), "--instance", instance],
                                   env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.relay.arm(lambda seen: seen.is_after and seen.number == number and (process.kill() or True))
        return process.wait(120) == -signal.SIGKILL

    def kill_everywhere(self, prepare, words, finish):
        """At every STRIDE-th request, each time on instances of their own."""
        instance = prepare()
        kills, number = 0, 1
        while self.killed_at(number, words(), instance):
            kills += 1
            finish(instance)
            instance, number = prepare(), number + STRIDE
        finish(instance)
        self.assertGreater(kills, 5)

    def test_7_auto_init_killed(self):
        def finish(instance):
            self.tke(*self.auto_init_words(), instance=instance)
            self.pattern(instance)
            self.check_keys(instance, self.store(instance, 1))

        self.kill_everywhere(self.create, self.auto_init_words, finish)

    def test_8_auto_rotate_killed(self):
        stored, before = {}, {}

        def prepare():
            instance = self.initialised()
            stored[instance] = self.store(instance, 5)
            before[instance] = self.pattern(instance)
            return instance

        def finish(instance):
            self.check_keys(instance, stored[instance])
            again = self.tke("auto-mk-rotate", *self.signed(), instance=instance, expect=None)
            if again.returncode != 0:
                self.assertIn("cryptounit-mk-rotate", again.stderr)
                self.tke("cryptounit-mk-rotate", *self.signed(), instance=instance)
            self.assertNotEqual(self.pattern(instance), before[instance])
            self.check_keys(instance, stored[instance])
            self.assertEqual(self.rotation(instance)["phase"], "none")

        self.kill_everywhere(prepare, lambda: ["auto-mk-rotate", *self.signed()], finish)

    def test_9_auto_recover_killed(self):
        source = self.initialised()
        stored = self.store(source, 3)
        master_key = self.pattern(source)

        def finish(target):
            self.tke(*self.recover_words(target), instance=source)
            self.assertEqual(self.pattern(target), master_key)
            self.check_keys(source, stored)
            self.check_keys(target, self.store(target, 1))

        target = self.with_administrators()
        kills, number = 0, 1
        while self.killed_at(number, self.recover_words(target), source):
            kills += 1
            finish(target)
            target, number = self.with_administrators(), number + STRIDE
        finish(target)
        self.assertGreater(kills, 5)

    def recover_words(self, target):
        return ["auto-mk-recover", "--target-instance", target, *self.signed()]


if __name__ == "__main__":
    unittest.main()
