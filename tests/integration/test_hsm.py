"""Master keys in a PKCS#11 token with a real server: SoftHSM2 behind the shim (tests/support/token_shim.cc), which takes the token
away and back, hangs, and counts logins."""
import os
import secrets
import subprocess
import threading
import time
import unittest

from harness import BIN, Deployment, b64, wait_until

PIN = "31415926"
LABEL = "master keys"
SHIM = (BIN / "keyhaven-token-shim.so").resolve()
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"


class Hsm(Deployment):
    """A deployment whose operational units keep their master keys in a token."""

    def __init__(self, pin=PIN, **settings):
        super().__init__()
        self.hsm = self.home / "hsm"
        (self.hsm / "tokens").mkdir(parents=True)
        configuration = self.hsm / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {self.hsm}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "27182818"],
                       env=os.environ | {"SOFTHSM2_CONF": str(configuration)}, check=True, stdout=subprocess.DEVNULL)
        self.plan_file, self.logins, self.pin_file = self.hsm / "plan", self.hsm / "logins", self.home / "pin"
        self.plan("")
        self.logins.write_text("")
        self.set_pin(pin)
        self.give_to_unit(self.hsm)
        environment = [f"SOFTHSM2_CONF={configuration}", f"KEYHAVEN_SHIM_MODULE={SOFTHSM}", f"KEYHAVEN_SHIM_PLAN={self.plan_file}",
                       f"KEYHAVEN_SHIM_LOG={self.logins}"]
        self.settings = {
            "unit__backend": "pkcs11", "unit__pkcs11_module": SHIM, "unit__pkcs11_token": LABEL, "unit__pkcs11_pin_file": self.pin_file,
            "unit__pkcs11_paths": self.hsm, "unit__pkcs11_environment": ",".join(environment),
            "unit__sandbox": "required", "unit__pkcs11_call_deadline_ms": 1000, "unit__key_cache_seconds": 0} | settings

    @staticmethod
    def give_to_unit(path):
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "keyhaven-unit", str(path)], check=True)

    def set_pin(self, pin):
        self.pin_file.unlink(missing_ok=True)
        self.pin_file.write_text(pin + "\n")
        self.pin_file.chmod(0o600)
        self.give_to_unit(self.pin_file)

    def plan(self, text):
        """What the shim does from now on; whole or not at all."""
        new = self.plan_file.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o644)
        new.replace(self.plan_file)

    def login_count(self):
        return len(self.logins.read_text().splitlines())

    def objects(self):
        listed = subprocess.run(["pkcs11-tool", "--module", SOFTHSM, "--token-label", LABEL, "--pin", PIN, "--list-objects"],
                                env=os.environ | {"SOFTHSM2_CONF": str(self.hsm / "softhsm2.conf")}, check=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        return listed.count("keyhaven master key")

    def wrap_status(self, guid, key):
        return self.action(guid, key, "wrap", {"plaintext": b64(secrets.token_bytes(32))}).status


class HsmTest(unittest.TestCase):
    def test_keys_are_served_from_the_token_over_a_restart(self):
        with Hsm() as deployment:
            guid = deployment.instance()
            key = deployment.create_key(guid)["id"]
            dek = secrets.token_bytes(32)
            wrapped = deployment.wrap(guid, key, dek)
            # One key, held by two units, is one object, which does not leave.
            self.assertEqual(deployment.objects(), 1)
            deployment.stop()
            self.assertEqual(deployment.login_count(), 1)
            deployment.start()
            again = deployment.action(guid, key, "unwrap", {"ciphertext": wrapped})
            self.assertEqual(again.status, 200, again.body)
            self.assertEqual(again.json["plaintext"], b64(dek))
            self.assertEqual(deployment.login_count(), 2)
            log = deployment.log.read_text()
            self.assertIn("master keys are kept in token", log)
            self.assertNotIn(PIN, log)

    def test_a_token_that_goes_and_comes_back_under_load(self):
        with Hsm() as deployment:
            guid = deployment.instance()
            key = deployment.create_key(guid)["id"]
            seen, stop = [], threading.Event()

            def load():
                while not stop.is_set():
                    seen.append(deployment.wrap_status(guid, key))

            threads = [threading.Thread(target=load) for _ in range(4)]
            for thread in threads:
                thread.start()
            wait_until(lambda: seen.count(200) > 20, "wraps")
            deployment.plan("* 1+ fail 0xe0")
            wait_until(lambda: seen[-4:] == [503] * 4, "the token is away")
            # What needs no key is served.
            self.assertEqual(deployment.call("GET", "/api/v2/keys", instance=guid).status, 200)
            deployment.plan("")
            before = len(seen)
            wait_until(lambda: seen[before:].count(200) > 20, "the token is back")
            # Sessions lost, and the login with them: healed within the call.
            logins = deployment.login_count()
            deployment.plan("C_SignInit 3 lose\nC_SignInit 9 lose")
            wait_until(lambda: deployment.login_count() > logins, "logged in again")
            before = len(seen)
            wait_until(lambda: seen[before:].count(200) > 20, "wraps after the loss")
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(set(seen), {200, 503})

    def test_a_hanging_token_is_answered_503_in_time_and_used_again_when_it_returns(self):
        with Hsm() as deployment:
            guid = deployment.instance()
            key = deployment.create_key(guid)["id"]
            deployment.plan("C_Sign 1+ hang")
            for _ in range(6):  # more than threads that may be lost
                begun = time.monotonic()
                self.assertEqual(deployment.wrap_status(guid, key), 503)
                self.assertLess(time.monotonic() - begun, 4)
            self.assertEqual(deployment.call("GET", "/api/v2/keys", instance=guid).status, 200)
            deployment.plan("")
            wait_until(lambda: deployment.wrap_status(guid, key) == 200, "the token returned")

    def test_a_wrong_pin_is_tried_once_over_any_number_of_starts(self):
        deployment = Hsm(pin="99999999")
        try:
            said = [subprocess.run(deployment.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, timeout=60) for _ in range(3)]
            for done in said:
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertNotIn("99999999", done.stdout)
            self.assertIn("CKR_PIN_INCORRECT", said[0].stdout)
            self.assertIn("was refused before and is not tried again", said[1].stdout)
            self.assertEqual(deployment.logins.read_text(), "C_Login 0xa0\n")
            deployment.set_pin(PIN)
            deployment.start()
            self.assertEqual(deployment.login_count(), 2)
        finally:
            deployment.close()


if __name__ == "__main__":
    unittest.main()
