"""The command line's walk of proposals: two administrators on two machines, each with keys and an API key of their own; and
the check of the transcript, by the units, by the attestation root alone, and after somebody changed it."""
import hashlib
import json
import secrets
import sqlite3
import unittest

from harness import Deployment


class CommandLineProposals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Deployment()
        cls.d.start()
        cls.addClassCleanup(cls.d.close)
        cls.d.settings["server__port"] = cls.d.url.rpartition(":")[2]  # roots are pinned by address
        cls.homes, cls.signers = {}, {}
        for name in ("ada", "grace"):
            home = cls.d.home / name
            home.mkdir(mode=0o700)
            key = cls.d.secret_file(f"{name}.key", cls.d.service_id(name, "Manager").encode())
            cls.homes[name] = {"CLOUDTKEFILES": str(home), "KH_API_KEY_FILE": str(key), "XDG_CONFIG_HOME": str(home / "config")}
            password = cls.d.secret_file(f"{name}.password", secrets.token_hex(8).encode())
            cls.signers[name] = f"{name}:{password}"
            cls.cli(name, "sigkey-add", name, "--password-file", password)

    @classmethod
    def cli(cls, who, *arguments, **options):
        return cls.d.cli("tke", *arguments, **options, **cls.homes[who])

    def tke(self, who, *arguments, **options):
        """As `who`, on the instance of the test."""
        return self.cli(who, *arguments, "--instance", self.instance, **options)

    def tke_json(self, who, *arguments, **options):
        return json.loads(self.tke(who, *arguments, "--output", "json", **options).stdout.splitlines()[0])

    def refused(self, who, *arguments, says, status=1):
        done = self.tke(who, *arguments, expect=status)
        self.assertRegex(done.stderr + done.stdout, says)
        return done.stderr

    def made(self):
        """Two units with both administrators; each installed theirs, and both signed the thresholds."""
        self.instance = self.d.instance("proposals", initialise=False)
        for who in self.homes:
            self.tke(who, "cryptounit-admin-add", self.signers[who], "--trust-on-first-use")
        self.through("thresholds", "--signature-threshold", 2, "--revocation-threshold", 2)

    def propose(self, who, *arguments):
        return self.tke_json(who, "propose", *arguments)["proposals"]

    def sign(self, who, proposal, *more, **options):
        return self.tke(who, "proposal-sign", proposal["id"], "--signer", self.signers[who], "--yes", *more, **options)

    def through(self, *command, signers=("ada", "grace")):
        """Proposed and signed by Ada, signed by the others, sent by Grace; for each unit."""
        proposals = self.propose("ada", *command, "--signer", self.signers["ada"], "--yes", "--note", "as agreed")
        for proposal in proposals:
            for who in signers[1:]:
                self.sign(who, proposal)
            self.tke("grace", "proposal-send", proposal["id"], "--yes")
        return proposals

    def load_key(self):
        parts = []
        for number in (1, 2):
            password = self.d.secret_file(f"part{number}.password", secrets.token_hex(8).encode())
            self.cli("ada", "mk-add", f"{self.instance[:8]}-{number}", "--random", "--password-file", password)
            parts += ["--part", f"{self.instance[:8]}-{number}:{password}"]
        # For this once Grace brings her key file along.
        grace = f"{self.homes['grace']['CLOUDTKEFILES']}/grace.sigkey:{self.signers['grace'].partition(':')[2]}"
        self.tke("ada", "cryptounit-mk-load", *parts, "--signer", self.signers["ada"], "--signer", grace, "--yes")

    def test_the_walk(self):
        self.made()
        self.load_key()
        # A series: commit, and set immediate behind it.
        commits = self.propose("ada", "commit", "--signer", self.signers["ada"], "--yes", "--note", "new master key")
        self.assertEqual(len(commits), 2)
        activations = self.propose("ada", "activate", "--ahead", 1, "--signer", self.signers["ada"], "--yes")
        commit, activate = commits[0], activations[0]
        listed = self.tke_json("grace", "proposals")["proposals"]
        self.assertEqual({one["id"] for one in listed}, {one["id"] for one in commits + activations})

        # Grace decodes it on her machine and compares.
        seen = self.tke_json("grace", "proposal", commit["id"])
        block = next(one for one in seen["about"] if one["name"] == "verification pattern")
        registers = self.tke_json("grace", "cryptounit-mk")["crypto_units"]
        self.assertEqual({one["new_pattern"] for one in registers}, {block["value"]})
        self.assertEqual((seen["command"], seen["block_sha512"], seen["note"]), ("commit new master key", commit["block_sha512"], "new master key"))
        self.assertEqual((seen["signatures_needed"], seen["commands_before"], seen["contradictions"]), (2, 0, []))
        self.assertEqual([(one["name"], one["verified"]) for one in seen["signatures"]], [("ada", True)])
        text = self.tke("grace", "proposal", commit["id"]).stdout
        self.assertIn(block["value"], text)
        self.assertIn("it is the unit's next command", text)

        # Not without a yes, not too early, not twice.
        self.refused("grace", "proposal-sign", commit["id"], "--signer", self.signers["grace"], says="--yes", status=2)
        self.refused("grace", "proposal-sign", commit["id"], "--yes", says="--signer", status=2)
        self.refused("grace", "proposal-send", commit["id"], "--yes", says="1 of 2 signatures")
        self.refused("grace", "proposal-send", activate["id"], "--yes", says="1 other commands must be sent")
        self.assertIn("has signed it already", self.sign("ada", commit).stderr)
        self.assertIn("It can be sent", self.sign("grace", commit).stdout)
        sent = self.tke_json("grace", "proposal-send", commit["id"], "--yes")
        self.assertEqual((sent["ok"], sent["transcript_fault"]), (True, ""))
        self.refused("grace", "proposal-send", commit["id"], "--yes", says="proposal is sent")
        self.tke("ada", "proposal-send", activate["id"], "--yes")
        for more in (commits[1:], activations[1:]):
            for proposal in more:
                self.sign("grace", proposal)
                self.tke("grace", "proposal-send", proposal["id"], "--yes")
        self.d.create_key(self.instance, "works")

        # One that was overtaken lapses; a refusal by the unit is an error, and names the remedy.
        late = self.propose("ada", "control-points-on", "btc", "--signer", self.signers["ada"], "--yes")[0]
        self.through("control-points-on", "eddsa", "sig-other")
        self.refused("grace", "proposal-sign", late["id"], "--signer", self.signers["grace"], "--yes", says="lapsed|anew")
        twice = self.propose("ada", "admin-add", self.signers["ada"], "--signer", self.signers["ada"], "--yes")[0]
        self.sign("grace", twice)
        self.refused("grace", "proposal-send", twice["id"], "--yes", says="(?i)refused")
        self.tke("ada", "proposal-rm", twice["id"], "--yes")
        states = {one["state"] for one in self.tke_json("ada", "proposals", "--all")["proposals"]}
        self.assertEqual(states, {"open", "sent", "lapsed"})

        # Mallory is nobody's administrator.
        password = self.d.secret_file("mallory.password", b"some password")
        self.cli("ada", "sigkey-add", "mallory", "--password-file", password)
        mallory = f"mallory:{password}"
        self.refused("ada", "propose", "clear-new", "--signer", mallory, "--yes", says="no administrator", status=2)
        waiting = self.propose("ada", "admin-rm", "grace")[0]
        self.assertEqual(waiting["signatures"], 0)
        self.refused("ada", "proposal-sign", waiting["id"], "--signer", mallory, "--yes", says="no administrator", status=2)
        self.refused("ada", "propose", "records-accept", "--difference", "12", says="64 hex digits", status=2)
        self.refused("ada", "proposal", "no-such-id", says="no such proposal")

    def test_the_transcript_holds_and_a_changed_row_is_found(self):
        self.made()
        self.through("control-points-on", "btc")
        listed = self.tke_json("ada", "transcript")["entries"]
        # Each unit: two administrators, thresholds, control points.
        self.assertEqual(len(listed), 8)
        self.assertEqual([one["command"] for one in listed[-2:]], ["enable control points"] * 2)
        self.assertTrue(all(one["accepted"] for one in listed))
        self.assertEqual(len(listed[-1]["signers"]), 2)
        self.assertEqual(self.tke_json("ada", "transcript", "--start", 3, "--limit", 2)["entries"], listed[2:4])

        root = self.d.home / "root"
        attestation = self.tke("ada", "attestation").stdout
        root.write_text("\n".join(line for line in attestation.splitlines() if line[:2] in ("SK", "X:", "Y:")))
        saved = self.d.home / "transcript.json"
        found = self.tke_json("grace", "transcript", "--verify", "--save", saved)
        self.assertEqual((found["ok"], found["entries"], found["crypto_units"], found["faults"]), (True, 8, 2, []))
        self.tke("grace", "transcript", "--verify", "--known", found["newest"])
        # On a machine that knows neither service nor keys.
        alone = {"KH_URL": "", "CLOUDTKEFILES": ""}
        self.d.cli("tke", "transcript", "--from", saved, "--verify", "--attestation-root", root, **alone)
        changed = json.loads(saved.read_text())
        changed["entries"][4]["caller"] = "somebody else"
        saved.write_text(json.dumps(changed))
        done = self.d.cli("tke", "transcript", "--from", saved, "--verify", "--attestation-root", root, expect=1, **alone)
        self.assertRegex(done.stdout, r"(?m)^5 +FAILS: the hash")

        self.d.stop()
        self.change_row(4)
        self.d.start()
        done = self.tke("grace", "transcript", "--verify", expect=1)
        self.assertRegex(done.stdout, r"(?m)^5 +FAILS: it does not follow the entry before")
        self.assertNotRegex(done.stdout, r"(?m)^6 +FAILS")
        self.assertRegex(done.stderr, "does not verify")
        self.refused("grace", "transcript", "--verify", "--known", found["newest"], says="FAILS")

    def change_row(self, sequence):
        """Somebody with the database in hand changes who sent an entry, and its checksum."""
        database = sqlite3.connect(self.d.data / "server/keyhaven.db")
        instance = bytes.fromhex(self.instance.replace("-", ""))
        where = (instance, sequence)
        record = database.execute("SELECT record FROM tke_transcript WHERE instance = ? AND sequence = ?", where).fetchone()[0]
        at = record.index(b"iam-")
        record = record[:at] + b"IAM-" + record[at + 4:]
        size = len(database.execute("SELECT checksum FROM tke_transcript WHERE instance = ? AND sequence = ?", where).fetchone()[0])
        checksum = hashlib.sha256(b"tke_transcript\0" + record).digest()[:size]
        database.execute("UPDATE tke_transcript SET record = ?, checksum = ? WHERE instance = ? AND sequence = ?", (record, checksum, *where))
        database.commit()
        database.close()


if __name__ == "__main__":
    unittest.main()
