"""Ceremonies without key files: PKCS#11 tokens (SoftHSM2), a signing service, paper, shares; and drills."""
import json
import os
import pathlib
import secrets
import signal
import subprocess
import unittest

from harness import BIN, Deployment, wait_until
from signing_service import SigningService

MODULE = next(path for path in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
              if pathlib.Path(path).exists())
PIN = "273849"


class CeremonyTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Deployment()
        cls.d.start()
        cls.addClassCleanup(cls.d.close)
        tokens = cls.d.home / "tokens"
        tokens.mkdir()
        configuration = cls.d.home / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        cls.more = {"SOFTHSM2_CONF": str(configuration)}
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "ops", "--so-pin", "99887766", "--pin", PIN],
                       env=os.environ | cls.more, check=True, stdout=subprocess.DEVNULL)
        cls.pin_file = cls.d.secret_file("pin", PIN.encode() + b"\n")
        cls.service = SigningService(cls.d.home, {"carol": "token-of-carol", "dave": "token-of-dave"})
        cls.addClassCleanup(cls.service.close)
        cls.more |= {"TKE_SIGNSERV_URL": cls.service.url, "TKE_SIGNSERV_CA": str(cls.service.ca)}
        cls.carol = cls.d.secret_file("carol.token", b"token-of-carol\n")

    def tke(self, *arguments, instance=None, expect=0, **more):
        return self.d.cli("tke", *arguments, *(["--instance", instance] if instance else []), expect=expect, **(self.more | more))

    def tke_json(self, *arguments, **options):
        return json.loads(self.tke(*arguments, "--output", "json", **options).stdout)

    def refused(self, *arguments, says, **options):
        done = self.tke(*arguments, expect=None, **options)
        text = done.stderr + done.stdout
        self.assertNotEqual(done.returncode, 0, text)
        self.assertRegex(text, says)
        for secret in (PIN, "token-of-carol", "SECRET-DETAIL"):
            self.assertNotIn(secret, text)
        return text

    def password(self, name):
        return self.d.secret_file(f"{name}.password", secrets.token_hex(8).encode())

    def part(self, name):
        password = self.password(name)
        self.tke("mk-add", name, "--random", "--password-file", password)
        return f"{name}:{password}"

    def admin(self, name):
        password = self.password(name)
        self.tke("sigkey-add", name, "--password-file", password)
        return f"{name}:{password}"

    def init(self, instance, admins, parts, threshold=2, **options):
        return self.tke("init", "--signature-threshold", threshold, "--revocation-threshold", threshold, *flags("--admin", admins),
                        *flags("--part", parts), "--trust-on-first-use", "--yes", instance=instance, **options)

    def scratch(self):
        return [one["name"] for one in self.d.cli_json("instance", "list")["instances"] if one["name"].startswith("keyhaven-drill")]

    # --- tokens and the signing service ---
    def test_a_quorum_of_a_token_and_a_signing_service(self):
        uri = f"pkcs11:token=ops?module-path={MODULE}"
        made = self.tke_json("sigkey-add", "alice", "--token", uri, "--password-file", self.pin_file)
        self.assertEqual(made["kind"], "token")
        direct = f"pkcs11:module={MODULE};token=ops;object=alice;pin-source=file:{self.pin_file}"
        instance = self.d.instance("no files", initialise=False)
        parts = [self.part("token-1"), self.part("token-2")]
        self.init(instance, [f"alice:{self.pin_file}", f"Carol=service:carol:{self.carol}"], parts)
        self.d.create_key(instance, "works")
        names = self.tke("cryptounit-admins", instance=instance).stdout
        self.assertIn("alice", names)
        self.assertIn("Carol", names)
        # The service's key is pinned from now on.
        listed = self.tke_json("sigkeys")["signature_keys"]
        self.assertTrue(any(one["kind"] == "signing service" and one["key"] == "carol" for one in listed))
        self.service.lie = "key"
        self.addCleanup(setattr, self.service, "lie", None)
        thresholds = ["cryptounit-thrhld-set", "--signature-threshold", 2, "--revocation-threshold", 1]
        both = flags("--signer", [direct, f"service:carol:{self.carol}"])
        self.refused(*thresholds, *both, instance=instance, says="remembers")
        self.service.lie = "signature"
        self.refused(*thresholds, *both, instance=instance, says="does not verify")
        self.service.lie = None
        self.tke(*thresholds, *both, instance=instance)
        wrong = self.d.secret_file("wrong.token", b"not the token")
        self.refused(*thresholds, *flags("--signer", [direct, f"service:carol:{wrong}"]), instance=instance, says="token is refused")
        self.refused(*thresholds, *flags("--signer", ["service:nobody:" + str(self.carol)]), instance=instance, says="no such key")
        self.refused(*thresholds, *flags("--signer", ["service:../carol:" + str(self.carol)]), instance=instance, says="letters, digits")
        # Another CA than the service's: nothing is sent.
        signed = self.service.signed
        self.refused(*thresholds, *both, instance=instance, TKE_SIGNSERV_CA=self.d.ca, says="(?i)certificate")
        self.refused(*thresholds, *both, instance=instance, TKE_SIGNSERV_URL=self.service.url.replace("https", "http"), says="(?i)https")
        self.assertEqual(self.service.signed, signed)

    def test_one_login_try_for_a_wrong_pin(self):
        uri = f"pkcs11:token=ops?module-path={MODULE}"
        wrong = self.d.secret_file("wrong.pin", b"111111")
        for _ in range(2):
            self.refused("sigkey-add", "bad-pin", "--token", uri, "--password-file", wrong, says="(?i)PIN")
        self.refused("sigkey-add", "bad-uri", "--token", uri + "&pin-value=1234", says="pin-source")
        self.refused("sigkey-add", "bad-uri", "--token", "pkcs11:token=none?module-path=" + MODULE, "--password-file", self.pin_file, says="none|token")
        self.tke("sigkey-add", "good-pin", "--token", uri, "--password-file", self.pin_file)
        self.refused("sigkey-add", "good-pin", "--token", uri, "--password-file", self.pin_file, says="exists")

    # --- paper and shares ---
    def test_a_part_goes_to_paper_and_back(self):
        part = self.part("paper-1")
        page = self.d.home / "page.txt"
        self.refused("mk-print", part, "--out", page, says="--yes")
        self.tke("mk-print", part, "--out", page, "--yes")
        self.assertEqual(page.stat().st_mode & 0o777, 0o600)
        typed = lines_of(page.read_text())
        self.assertEqual(len(typed), 9)
        lines = self.d.secret_file("typed", "\n".join(typed).encode())
        new = self.password("paper-back")
        self.tke("mk-add", "paper-back", "--paper-file", lines, "--password-file", new)
        patterns = {one["name"]: one["verification_pattern"] for one in self.tke_json("mks")["key_parts"]}
        self.assertEqual(patterns["paper-1"], patterns["paper-back"])
        digit = "1" if typed[4][0] != "1" else "2"
        damaged = typed[:4] + [digit + typed[4][1:]] + typed[5:]
        text = self.refused("mk-add", "paper-bad", "--paper-file", self.d.secret_file("damaged", "\n".join(damaged).encode()),
                            "--password-file", new, says="line 5 does not fit its check")
        self.assertNotIn(damaged[4][:9], text)
        for path in self.d.home.rglob("*.log"):
            self.assertNotIn(typed[0][:9].encode(), path.read_bytes())

    def shares(self, part, signer, threshold=2, count=3, **options):
        passwords = [self.password(f"share{number}-{secrets.token_hex(3)}") for number in range(count)]
        made = self.tke_json("mk-share", part, "--threshold", threshold, "--shares", count, "--signer", signer,
                             *flags("--password-file", passwords), **options)
        return made, [f"{path}:{password}" for path, password in zip(made["files"], passwords)]

    def test_shares_give_a_part_back_and_name_what_is_wrong(self):
        part, signer = self.part("shared-1"), self.admin("sharer")
        made, shares = self.shares(part, signer)
        new = self.password("shared-back")
        self.refused("mk-combine", "x", "--share", shares[0], "--password-file", new, says="1 share is missing")
        self.refused("mk-combine", "x", *flags("--share", [shares[0], shares[0]]), "--password-file", new, says="share 1 .* given twice")
        other, foreign = self.shares(part, signer)
        self.refused("mk-combine", "x", *flags("--share", [shares[0], foreign[1]]), "--password-file", new, says="share 2 of set " + other["set"])
        # The transcript in a file is changed: its signature no longer verifies.
        path = pathlib.Path(made["files"][1])
        text = path.read_text()
        digit = text.split("commitment 3 ")[1][0]
        path.write_text(text.replace("commitment 3 " + digit, "commitment 3 " + ("0" if digit != "0" else "1"), 1))
        self.refused("mk-combine", "x", *flags("--share", [shares[1], shares[0]]), "--password-file", new, says="was changed")
        path.write_text(text)
        self.tke("mk-combine", "shared-back", *flags("--share", [shares[2], shares[1]]), "--password-file", new)
        patterns = {one["name"]: one["verification_pattern"] for one in self.tke_json("mks")["key_parts"]}
        self.assertEqual(patterns["shared-1"], patterns["shared-back"])
        listed = [one for one in self.tke_json("mk-shares")["shares"] if one["part"] == "shared-1"]
        self.assertEqual([one["share"] for one in listed if one["set"] == made["set"]], [1, 2, 3])
        self.assertEqual(len(listed), 6)
        # Signed by nobody that is known here: named, and trusted only when asked.
        self.tke("sigkey-rm", "sharer", "--yes")
        self.refused("mk-combine", "y", *flags("--share", shares[:2]), "--password-file", new, says=made["signers"][0]["ski"])
        self.tke("mk-combine", "y", *flags("--share", shares[:2]), "--trust-signer", made["signers"][0]["ski"], "--password-file", new)

    # --- drills ---
    def test_a_drill_with_every_kind_of_part_and_signer(self):
        uri = f"pkcs11:token=ops?module-path={MODULE}"
        self.tke("sigkey-add", "drill-token", "--token", uri, "--password-file", self.pin_file)
        signers = [f"drill-token:{self.pin_file}", self.admin("drill-file"), f"service:carol:{self.carol}"]
        parts = [self.part(f"drill-{number}") for number in (1, 2, 3)]
        instance = self.d.instance("drilled", initialise=False)
        self.init(instance, signers, parts)
        key = self.d.create_key(instance, "live")["id"]
        _, shares = self.shares(parts[1], signers[0])
        page = self.d.home / "drill-page.txt"
        self.tke("mk-print", parts[2], "--out", page, "--yes")
        typed = self.d.secret_file("drill-typed", "\n".join(lines_of(page.read_text())).encode())
        before = self.tke("cryptounit-mk", "--output", "json", instance=instance).stdout
        sources = ["--part", parts[0], "--part", f"paper:{typed}", *flags("--share", shares[1:])]
        result = self.tke_json("drill", *flags("--signer", signers), *sources, instance=instance)
        self.assertTrue(result["ok"])
        self.assertEqual(len(result["parts"]), 3)
        self.assertIn(result["verification_pattern"], before)
        self.assertEqual(self.scratch(), [])
        self.assertEqual(self.tke("cryptounit-mk", "--output", "json", instance=instance).stdout, before)
        self.d.wrap(instance, key, b"d" * 32)
        # What would not recover is told, and nothing stays behind.
        other = self.part("drill-other")
        for arguments, says in (
                ([*flags("--signer", signers), "--part", parts[0], "--part", parts[1], "--part", other], "give a master key with verification pattern"),
                ([*flags("--signer", signers), *flags("--part", parts[:2])], "give a master key with verification pattern"),
                ([*flags("--signer", signers[:1]), *flags("--part", parts)], "signatures of 2"),
                ([*flags("--signer", [signers[0], self.admin("stranger")]), *flags("--part", parts)], "no administrator"),
                ([*flags("--signer", signers), *sources[:4], "--share", shares[0]], "1 share is missing")):
            self.refused("drill", *arguments, instance=instance, says=says)
            self.assertEqual(self.scratch(), [])
        self.assertEqual(self.tke("cryptounit-mk", "--output", "json", instance=instance).stdout, before)

    def test_an_interrupted_drill_is_cleared_away(self):
        signers, parts = [self.admin("int-1"), self.admin("int-2")], [self.part("int-p1"), self.part("int-p2")]
        instance = self.d.instance("interrupted", initialise=False)
        self.init(instance, signers, parts)
        command = [str(BIN / "keyhaven"), "tke", "drill", *flags("--signer", signers), *flags("--part", parts), "--instance", instance]

        def start():
            return subprocess.Popen(command, env=self.d.environment(**self.more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)

        def until(process, words):
            for line in process.stderr:
                if words in line:
                    return
            self.fail(f"the drill ended before: {words}")

        process = start()
        until(process, "installing the administrators")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        self.assertTrue(process.returncode != 0 and "interrupted" in err or "succeeded" in out, err)
        self.assertEqual(self.scratch(), [])
        # Killed: the next one finds what is left; so does --clean-up.
        for finish in (["--clean-up"], flags("--part", parts)):
            process = start()
            until(process, "loading the key parts")
            process.kill()
            process.communicate()
            wait_until(lambda: process.poll() is not None, "drill gone")
            self.assertEqual(len(self.scratch()), 1)
            self.tke("drill", *flags("--signer", signers), *finish, instance=instance)
            self.assertEqual(self.scratch(), [])


def flags(name, values):
    return [word for value in values for word in (name, str(value))]


def lines_of(page):
    """The digits with their check of each line of a printed page."""
    rows = page.split("in words\n")[1].split("\n\n")[0].splitlines()
    return [row[6:21] for row in rows]


if __name__ == "__main__":
    unittest.main()
