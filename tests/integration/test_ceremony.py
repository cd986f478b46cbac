"""Ceremonies by the command line, verb by verb, with what goes wrong in them; and the end of an instance."""
import json
import secrets
import unittest

from harness import Deployment, b64, envelope


class Ceremony(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Deployment()
        cls.d.start()

    @classmethod
    def tearDownClass(cls):
        cls.d.close()

    def tke(self, *arguments, instance=None, **options):
        return self.d.cli("tke", *arguments, *(["--instance", instance] if instance else []), **options)

    def files(self, prefix, count=2):
        """Signature keys and key parts with passwords; their KEY:PASSWORDFILE forms."""
        signers, parts = [], []
        for number in range(1, count + 1):
            for verb, extra, out in (("sigkey-add", [], signers), ("mk-add", ["--random"], parts)):
                name = f"{prefix}-{verb[:3]}{number}"
                password = self.d.secret_file(f"{name}.password", secrets.token_hex(8).encode())
                self.tke(verb, name, *extra, "--password-file", password)
                out.append(f"{name}:{password}")
        return signers, parts

    @staticmethod
    def signed(*signers):
        return [word for signer in signers for word in ("--signer", signer)]

    def patterns(self, instance):
        units = json.loads(self.tke("cryptounit-mk", "--output", "json", instance=instance).stdout)
        return json.dumps(units)

    def test_verb_by_verb_with_every_refusal(self):
        instance = self.d.instance("by hand", initialise=False)
        signers, parts = self.files("hand")
        wrong = self.d.secret_file("wrong.password", b"not the password")
        # In imprint mode no key part can be loaded.
        refused = self.tke("cryptounit-mk-load", *sum((["--part", part] for part in parts), []), *self.signed(*signers),
                           "--trust-on-first-use", "--yes", instance=instance, expect=None)
        self.assertNotEqual(refused.returncode, 0)
        for signer in signers:
            self.tke("cryptounit-admin-add", signer, "--trust-on-first-use", instance=instance)
        # An administrator is installed once.
        again = self.tke("cryptounit-admin-add", signers[0], instance=instance, expect=None)
        self.assertNotEqual(again.returncode, 0)
        self.tke("cryptounit-thrhld-set", "--signature-threshold", 2, "--revocation-threshold", 2, *self.signed(*signers), instance=instance)
        # One signature is not enough for what needs two.
        few = self.tke("cryptounit-thrhld-set", "--signature-threshold", 1, "--revocation-threshold", 1, *self.signed(signers[0]), instance=instance, expect=None)
        self.assertNotEqual(few.returncode, 0)
        self.assertRegex((few.stderr + few.stdout).lower(), "signature")
        # A wrong password opens nothing, and says so without a trace of the password.
        name = parts[0].split(":")[0]
        bad = self.tke("cryptounit-mk-load", "--part", f"{name}:{wrong}", "--part", parts[1], *self.signed(*signers), "--yes", instance=instance, expect=None)
        self.assertNotEqual(bad.returncode, 0)
        self.assertIn("password", (bad.stderr + bad.stdout).lower())
        self.assertNotIn("not the password", bad.stderr + bad.stdout)
        self.tke("cryptounit-mk-load", *sum((["--part", part] for part in parts), []), *self.signed(*signers), "--yes", instance=instance)
        # Loaded is not initialised.
        answer = self.d.call("POST", "/api/v2/keys", envelope({"name": "too early", "extractable": False}), instance=instance)
        self.assertEqual((answer.status, answer.code), (409, "INSTANCE_NOT_INITIALIZED"))
        one = self.tke("cryptounit-mk-commit", *self.signed(signers[0]), "--yes", instance=instance, expect=None)
        self.assertNotEqual(one.returncode, 0)
        self.tke("cryptounit-mk-commit", *self.signed(*signers), "--yes", instance=instance)
        self.tke("cryptounit-mk-setimm", *self.signed(signers[0]), "--yes", instance=instance)
        self.tke("cryptounit-compare", instance=instance)
        self.d.create_key(instance, "now it works")

    def test_same_parts_give_the_same_master_key_and_a_restart_keeps_it(self):
        first = self.d.instance("first", initialise=False)
        signers, parts = self.files("same")
        init = ["--signature-threshold", 2, "--revocation-threshold", 2, *sum((["--admin", s] for s in signers), []),
                *sum((["--part", p] for p in parts), []), "--trust-on-first-use", "--yes"]
        self.tke("init", *init, instance=first)
        key = self.d.create_key(first, "kept")["id"]
        wdek = self.d.wrap(first, key, b"d" * 32)
        before = self.patterns(first)
        self.d.settings["server__port"] = self.d.url.rpartition(":")[2]  # the root is pinned per address
        self.d.stop()
        self.d.start()
        self.assertEqual(self.patterns(first), before)
        self.assertEqual(self.d.action(first, key, "unwrap", {"ciphertext": wdek}).json["plaintext"], b64(b"d" * 32))
        # Zeroize, with the loss accepted: the key is gone until the same parts are loaded again; then everything opens as before.
        self.tke("zeroize", *self.signed(*signers), f"--accept-key-loss={first}", "--yes", instance=first)
        answer = self.d.action(first, key, "unwrap", {"ciphertext": wdek})
        self.assertEqual((answer.status, answer.code), (409, "INSTANCE_NOT_INITIALIZED"))
        self.assertEqual(self.d.call("GET", f"/api/v2/keys/{key}/metadata", instance=first).status, 200)
        self.tke("init", *init, instance=first)
        self.assertEqual(self.d.action(first, key, "unwrap", {"ciphertext": wdek}).json["plaintext"], b64(b"d" * 32))
        # Other parts: another master key, which is refused as long as keys of the first are stored.
        self.tke("zeroize", *self.signed(*signers), f"--accept-key-loss={first}", "--yes", instance=first)
        with self.assertRaisesRegex(AssertionError, "1 key is sealed under master key.*MASTER_KEY_STILL_NEEDED_ERR"):
            self.d.ceremony(first, "other")
        answer = self.d.action(first, key, "unwrap", {"ciphertext": wdek})
        self.assertEqual((answer.status, answer.code), (409, "INSTANCE_NOT_INITIALIZED"))

    def test_an_instance_ends_only_without_keys_and_zeroized(self):
        instance = self.d.instance("short life", initialise=False)
        signers, parts = self.files("short")
        self.tke("init", "--signature-threshold", 2, "--revocation-threshold", 2, *sum((["--admin", s] for s in signers), []),
                 *sum((["--part", p] for p in parts), []), "--trust-on-first-use", "--yes", instance=instance)
        key = self.d.create_key(instance, "last key")["id"]
        self.assertEqual(self.d.call("DELETE", f"/v2/resource_instances/{instance}").status, 409)
        self.assertEqual(self.d.call("DELETE", f"/api/v2/keys/{key}", instance=instance).status, 204)
        self.assertEqual(self.d.call("DELETE", f"/v2/resource_instances/{instance}").status, 409)
        self.tke("zeroize", *self.signed(*signers), "--yes", instance=instance)
        self.d.cli("instance", "delete", instance, expect=None)
        self.assertEqual(self.d.call("GET", f"/v2/resource_instances/{instance}").status, 404)
        self.assertEqual(self.d.call("GET", "/api/v2/keys", instance=instance).status, 401)

    def test_one_administrator_cannot_sign_both_parts_unless_asked(self):
        instance = self.d.instance("one hand", initialise=False)
        signers, parts = self.files("one")
        options = ["--signature-threshold", 1, "--revocation-threshold", 1, "--admin", signers[0],
                   *sum((["--part", p] for p in parts), []), "--trust-on-first-use", "--yes"]
        refused = self.tke("init", *options, instance=instance, expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("allow-same-administrator", refused.stderr + refused.stdout)


if __name__ == "__main__":
    unittest.main()
