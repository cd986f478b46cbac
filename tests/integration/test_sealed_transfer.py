"""Keys move between two deployments, sealed from crypto unit to crypto unit: everything arrives as it was, nobody sees a key on the
way, and whoever forges, alters, repeats or comes too late gets nothing. Kills: test_transfer_kills.py."""
import datetime
import json
import shutil
import unittest

from harness import Deployment, b64, new_uuid, wait_until
from transfer_world import SETTINGS, Bundle, Content, Party, fresh, many_keys, verify

VALID_SECONDS = 4  # of what shall expire: long enough for a command on a slow machine


def setUpModule():
    global A, B, C
    A, B, C = Deployment(**SETTINGS), Deployment(**SETTINGS), Deployment(**SETTINGS, keys__restorable_days=0)
    for deployment in (A, B, C):
        unittest.addModuleCleanup(deployment.close)
        deployment.start()
        deployment.settings["server__port"] = deployment.url.rpartition(":")[2]


class TheWholeWay(unittest.TestCase):
    """One transfer of everything a source can hold."""

    @classmethod
    def setUpClass(cls):
        cls.source, cls.target = Party(A, "source", "transfer-out"), Party(B, "target", "transfer-in")
        cls.content = Content(cls.source)
        cls.work = A.home / "whole"
        cls.work.mkdir()
        cls.offer, cls.bundle = cls.work / "offer.txt", cls.work / "keys.bundle"

    def test_everything_arrives_as_it_was(self):
        source, target = self.source, self.target
        before = source.keys()
        target.offer(source, self.offer)
        shown = json.loads(A.cli("transfer", "show", self.offer, "--target-root", target.root, "--output", "json").stdout)
        transfer = shown["transfer"]
        self.assertEqual((shown["target"], shown["source"]), (target.instance, source.instance))

        done = source.export(self.offer, target, self.bundle)
        self.assertIn(f"{len(before)} key(s)", done.stdout)
        self.assertIn(target.instance, done.stderr)  # what was signed, in words
        shown = json.loads(B.cli("transfer", "show", self.bundle, "--source-root", source.root, "--target-root", target.root,
                                 "--output", "json").stdout)
        self.assertEqual({key["id"] for key in shown["keys"]}, set(before))
        self.assertEqual({key["name"]: key["versions"] for key in shown["keys"]}["turned"], 4)

        target.consent(self.bundle, source)
        self.assertEqual(target.status()["incoming"][0]["manifest"], shown["manifest_sha256"])
        result = target.take(self.bundle)
        self.assertEqual((result["imported"], result["present"], result["refused"], result["closed"]), (len(before), 0, [], True))

        self.assertEqual(target.keys(), before)
        for key in before:
            for what in ("versions?allKeyStates=true", "policies", "registrations"):
                with self.subTest(key=before[key]["name"], what=what):
                    self.assertEqual(target.of_key(key, what), source.of_key(key, what))
        self.every_dek_opens()
        self.deleted_comes_back()
        self.proof_is_complete(before)
        self.audit_logs_name(transfer)
        self.nobody_saw_a_key()

    def every_dek_opens(self):
        c = self.content
        for key, dek, aad, wdek in c.deks:
            if key in (c.asleep, c.deleted):
                continue
            answer = B.action(self.target.instance, key, "unwrap", {"ciphertext": wdek} | ({"aad": aad} if aad else {}))
            self.assertEqual(answer.status, 200, (key, answer.body))
            self.assertEqual(answer.json["plaintext"], b64(dek))
        # What was disabled is disabled, and opens when it is enabled.
        key, dek, aad, wdek = next(one for one in c.deks if one[0] == c.asleep)
        body = {"ciphertext": wdek} | ({"aad": aad} if aad else {})
        self.assertEqual(B.action(self.target.instance, key, "unwrap", body).status, 409)
        self.assertEqual(B.action(self.target.instance, key, "enable").status, 204)
        self.assertEqual(B.action(self.target.instance, key, "unwrap", body).json["plaintext"], b64(dek))
        self.assertEqual(B.action(self.target.instance, key, "disable").status, 204)
        # Aliases lead to the same key.
        for alias, key in (("turned-b", c.turned), ("with-material", c.imported), ("standard-alias", c.standard)):
            self.assertEqual(self.target.call("GET", f"/api/v2/keys/{alias}/metadata").json["resources"][0]["id"], key)
        payloads = [party.call("GET", f"/api/v2/keys/{c.standard}").json["resources"][0]["payload"] for party in (self.source, self.target)]
        self.assertEqual(*payloads)

    def deleted_comes_back(self):
        c = self.content
        key, dek, aad, wdek = next(one for one in c.deks if one[0] == c.deleted)
        answer = self.target.call("POST", f"/api/v2/keys/{key}/restore")
        self.assertIn(answer.status, (200, 201), answer.body)
        opened = B.action(self.target.instance, key, "unwrap", {"ciphertext": wdek} | ({"aad": aad} if aad else {}))
        self.assertEqual(opened.json["plaintext"], b64(dek))
        self.assertIn(self.target.call("DELETE", f"/api/v2/keys/{key}").status, (200, 204))

    def proof_is_complete(self, before):
        c = self.content
        proof = verify(self.source, self.target, self.bundle, expect=None)
        results = {key["id"]: key for key in proof["keys"]}
        not_provable = {c.asleep, c.expired, c.deleted}
        for key in before:
            if key == c.deleted:
                continue  # deleted anew above: its date differs, and the proof says so
            self.assertEqual(results[key]["result"], "not provable" if key in not_provable else "equal", results[key])
        self.assertEqual(results[c.deleted]["differences"], ["date of deletion differs"])
        # A change at one side is found.
        self.assertEqual(B.action(self.target.instance, c.ringed, "rotate").status, 204)
        proof = verify(self.source, self.target, self.bundle, expect=1)
        differing = {key["id"] for key in proof["keys"] if key["result"] == "different"}
        self.assertEqual(differing, {c.ringed, c.deleted})

    def audit_logs_name(self, transfer):
        """Each step of it, at the side where it was made; the tool's calls are known by their correlation id."""
        for party, quorum, actions in ((self.source, {"authorize"}, {"transfer.export"}),
                                       (self.target, {"offer", "consent"}, {"transfer.import", "transfer.close"})):
            events = [(event["action"].partition(".")[2], json.dumps(event)) for event in party.d.audit_records()]
            self.assertLessEqual(actions, {action for action, text in events if transfer in text})
            self.assertLessEqual({"tke-cryptounit-transfer." + word for word in quorum},
                                 {action for action, text in events if party.instance in text})
            by_tool = [event for event in party.d.audit_records() if f'"{transfer[:8]}-' in json.dumps(event)]
            self.assertGreater(len(by_tool), 1)

    def nobody_saw_a_key(self):
        for deployment in (A, B):
            deployment.stop()  # what they hold back goes into files
        files = [path for deployment in (A, B) for path in deployment.home.rglob("*") if path.is_file()]
        self.assertIn(self.bundle, files)
        self.assertEqual(self.content.found_in(files), [])
        for deployment in (A, B):
            deployment.start()
            deployment.forget_tokens()


class Refused(unittest.TestCase):
    """Each test has a target instance of its own, and a source when it changes it or imports from it: in a deployment, an id is one key's."""

    @classmethod
    def setUpClass(cls):
        cls.source = Party(A, "source", "transfer-out")
        cls.keys = many_keys(cls.source, 2)

    def setUp(self):
        self.target = Party(B, "target", "transfer-in")
        self.work = A.home / self.id().rpartition(".")[2]
        self.work.mkdir()

    def source_of_its_own(self):
        self.source = Party(A, "source", "transfer-out")
        self.keys = many_keys(self.source, 2)

    def fresh(self, ending="bundle"):
        return fresh(self.work, ending)

    def refused(self, done, says, status=1):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertRegex(done.stderr + done.stdout, says)

    def offer_fails(self, out, **options):
        return self.target.signed("offer", "--source-root", self.source.root, "--source-instance", self.source.instance, "--out", out,
                                  expect=None, **options)

    def bundle(self, source=None, target=None):
        """Exported, not consented to."""
        source, target = source or self.source, target or self.target
        bundle = self.fresh()
        source.export(target.offer(source, self.fresh("txt")), target, bundle)
        return bundle

    def nothing_arrived(self, party=None):
        self.assertEqual((party or self.target).keys(), {})

    def test_without_the_control_points(self):
        self.source_of_its_own()
        self.target.forbid("transfer-in")
        offer = self.fresh("txt")
        self.refused(self.offer_fails(offer), "control point")
        self.assertFalse(offer.exists())
        self.target.allow("transfer-in")
        self.target.offer(self.source, offer)
        self.source.forbid("transfer-out")
        bundle = self.fresh()
        self.refused(self.source.export(offer, self.target, bundle, expect=None), "control point")
        self.assertFalse(bundle.exists())
        self.source.allow("transfer-out")
        self.source.export(offer, self.target, bundle)
        # Switched off in between, nothing more comes in.
        self.target.consent(bundle, self.source)
        self.target.forbid("transfer-in")
        self.refused(self.target.transfer("import", "--bundle", bundle, expect=None), "TRANSFER_NOT_ALLOWED")
        self.nothing_arrived()
        self.target.allow("transfer-in")
        self.assertEqual(self.target.take(bundle)["imported"], 2)

    def test_an_offer_for_another_instance_or_deployment(self):
        other = Party(A, "another", "transfer-out")
        many_keys(other, 1)
        offer = self.target.offer(self.source, self.fresh("txt"))
        self.refused(other.export(offer, self.target, self.fresh(), expect=None), "not of " + other.instance)
        # The target was given a third deployment's root: this source is none of its.
        third = Party(C, "third")
        wrong = self.target.offer(self.source, self.fresh("txt"), root=third.root)
        self.refused(self.source.export(wrong, self.target, self.fresh(), expect=None), "the deployment with attestation root")
        # The unit judges for itself, whatever the tool would have let pass.
        self.refused(self.propose_and_send(other, "transfer-authorize", "--offer", offer, "--target-root", self.target.root), "not of")

    def propose_and_send(self, party, *command):
        """The proposal's refusal, or that of the unit."""
        done = party.tke("propose", *command, *party.by(1), "--yes", "--output", "json", expect=None)
        if done.returncode:
            return done
        return party.send(json.loads(done.stdout.splitlines()[0])["proposals"][0], expect=None)

    def test_a_faked_target(self):
        faked = Party(C, "faked", "transfer-in")
        offer, before = faked.offer(self.source, self.fresh("txt")), self.source.status()
        self.refused(self.source.export(offer, self.target, self.fresh(), expect=None), "the offer, held against the root")
        self.assertEqual(self.source.status(), before)

    def test_a_faked_source(self):
        forger = Party(C, "forger", "transfer-out")
        many_keys(forger, 2)
        bundle = self.bundle(source=forger)
        self.refused(self.target.consent(bundle, self.source, expect=None), "held against the root")
        # An honest offer in the forger's bundle.
        honest = Bundle(self.bundle())
        forged = Bundle(bundle)
        forged.parts[0] = honest.parts[0]
        forged.write(bundle)
        self.refused(self.target.consent(bundle, forger, expect=None), "not what its source signed")
        self.refused(self.target.consent(bundle, self.source, expect=None), "held against the root")
        self.nothing_arrived()

    def test_an_altered_bundle(self):
        self.source_of_its_own()
        bundle = self.bundle()

        def altered(kind, number, at, again=False):
            parts = Bundle(bundle)
            content = parts.of(kind)[number]
            content[at] ^= 1
            if again:
                parts.digest_again(content)
            return parts.write(self.fresh())

        step = bytes(Bundle(bundle).of(Bundle.STEP)[0])
        chunk = Bundle.chunk_of(step)
        for what, path in (("transfer", altered(Bundle.HEAD, 0, 0)), ("source", altered(Bundle.HEAD, 0, 20)),
                           ("target", altered(Bundle.HEAD, 0, 40)), ("offer", altered(Bundle.HEAD, 0, 700)),
                           ("chunk", altered(Bundle.STEP, 0, chunk.start + 40)),
                           ("chunk and digest", altered(Bundle.STEP, 0, chunk.start + 40, True)),
                           ("last byte of the chunk", altered(Bundle.STEP, 0, chunk.stop - 1, True)),
                           ("manifest", altered(Bundle.MANIFEST, 0, 700)), ("signature", altered(Bundle.MANIFEST, 0, -1))):
            with self.subTest(what):
                self.assertNotEqual(self.target.consent(path, self.source, expect=None).returncode, 0)
        flipped = bytearray(bundle.read_bytes())
        flipped[len(flipped) // 2] ^= 1
        damaged = self.fresh()
        damaged.write_bytes(flipped)
        self.refused(self.target.consent(damaged, self.source, expect=None), "damaged", status=2)
        # The unit does not depend on the tool: it was told the true manifest.
        self.target.consent(bundle, self.source)
        for at in (chunk.start + 40, chunk.stop - 1):
            self.refused(self.target.transfer("import", "--bundle", altered(Bundle.STEP, 0, at, True), expect=None), "nothing was taken")
        self.refused(self.target.transfer("import", "--bundle", altered(Bundle.MANIFEST, 0, -1), expect=None), "TRANSFER_NOT_ALLOWED")
        self.nothing_arrived()
        self.assertEqual(self.target.take(bundle)["imported"], 2)

    def test_an_implanted_chunk(self):
        self.source_of_its_own()
        bundle, forger = self.bundle(), Party(A, "forger", "transfer-out")
        foreign_key = many_keys(forger, 1)[0]
        other_target = Party(B, "other", "transfer-in")
        foreign = Bundle(self.bundle(forger, other_target))
        exchanged = Bundle(bundle)
        exchanged.parts[1] = foreign.parts[1]
        path = exchanged.write(self.fresh())
        self.refused(self.target.consent(path, self.source, expect=None), "not what its source signed")
        self.target.consent(bundle, self.source)
        self.refused(self.target.transfer("import", "--bundle", path, expect=None), "nothing was taken")
        self.assertNotIn(foreign_key, self.target.keys())
        self.assertEqual(self.target.take(bundle)["imported"], 2)

    def test_a_bundle_again_and_elsewhere(self):
        self.source_of_its_own()
        bundle, elsewhere = self.bundle(), Party(B, "elsewhere", "transfer-in")
        elsewhere.offer(self.source, self.fresh("txt"))
        self.refused(elsewhere.consent(bundle, self.source, expect=None), "is for instance " + self.target.instance)
        self.refused(self.target.transfer("import", "--bundle", bundle, expect=None), "TRANSFER_NOT_ALLOWED")  # nobody has consented
        self.target.consent(bundle, self.source)
        self.assertIn("had consented already", self.target.consent(bundle, self.source).stdout)
        self.refused(elsewhere.transfer("import", "--bundle", bundle, expect=None), "is for instance", status=2)
        # What the server there says to somebody with another tool; likewise to the other's transfer.
        parts = Bundle(bundle)
        step = parts.of(Bundle.STEP)[0]
        body = {"manifest": b64(bytes(parts.of(Bundle.MANIFEST)[0])), "index": 0, "chunk": b64(bytes(step[Bundle.chunk_of(step)]))}
        for transfer in (self.target.status()["incoming"][0]["id"], elsewhere.status()["incoming"][0]["id"]):
            answer = elsewhere.call("POST", f"/v1/transfers/{transfer}/import", body)
            self.assertEqual((answer.status, answer.code), (409, "TRANSFER_NOT_ALLOWED_ERR"), answer.body)
        self.assertEqual(self.target.take(bundle)["closed"], True)
        # Replayed: a key that was purged does not come back.
        for key in self.keys:
            self.assertIn(self.target.call("DELETE", f"/api/v2/keys/{key}").status, (200, 204))
        self.refused(self.target.transfer("import", "--bundle", bundle, expect=None), "TRANSFER_NOT_ALLOWED")
        self.refused(self.target.consent(bundle, self.source, expect=None), "not open at the target")
        self.nothing_arrived(elsewhere)

    def test_a_second_bundle_for_an_offer(self):
        self.source_of_its_own()
        offer, first, second = self.target.offer(self.source, self.fresh("txt")), self.fresh(), self.fresh()
        self.source.export(offer, self.target, first)
        many_keys(self.source, 1)
        self.source.export(offer, self.target, second, signers=0)  # the permission stands
        self.target.consent(first, self.source)
        self.refused(self.target.consent(second, self.source, expect=None), "another bundle of this offer")
        # Without the tool's own look.
        self.refused(self.propose_and_send(self.target, "transfer-consent", "--bundle", second, "--source-root", self.source.root),
                     "(?i)refused")
        self.refused(self.target.transfer("import", "--bundle", second, expect=None), "TRANSFER_NOT_ALLOWED")
        self.nothing_arrived()
        self.assertEqual(self.target.take(first)["imported"], 2)

    def test_too_few_signatures(self):
        offer, bundle = self.fresh("txt"), self.fresh()
        self.refused(self.offer_fails(offer, signers=1), "signatures of 2", status=2)
        self.target.offer(self.source, offer)
        self.refused(self.source.export(offer, self.target, bundle, signers=1, expect=None), "signatures of 2", status=2)
        self.source.export(offer, self.target, bundle)
        self.refused(self.target.consent(bundle, self.source, signers=1, expect=None), "signatures of 2", status=2)
        self.assertNotIn("manifest", self.target.status()["incoming"][0])

    def test_what_has_expired(self):
        offer = self.fresh("txt")
        self.target.signed("offer", "--source-root", self.source.root, "--source-instance", self.source.instance, "--out", offer,
                           "--valid", f"{VALID_SECONDS}s")
        bundle = self.fresh()
        self.source.export(offer, self.target, bundle)
        self.target.consent(bundle, self.source)
        ends = datetime.datetime.fromisoformat(self.target.status()["incoming"][0]["expires"].replace("Z", "+00:00"))
        wait_until(lambda: datetime.datetime.now(datetime.timezone.utc) > ends, "the offer has ended")
        self.refused(self.target.transfer("import", "--bundle", bundle, expect=None), "TRANSFER_NOT_ALLOWED")
        self.refused(self.source.export(offer, self.target, self.fresh(), expect=None), "the offer ended at")
        self.nothing_arrived()

    def test_administrators_at_different_machines(self):
        self.source_of_its_own()
        source, target = self.source, self.target
        made = target.propose("transfer-offer", "--source-root", source.root, "--source-instance", source.instance)
        self.assertEqual(len(made), 1)  # one unit is told
        offer, bundle = self.fresh("txt"), self.fresh()
        self.refused(target.transfer("offer", "--proposal", made[0]["id"], "--out", offer, expect=None), "proposal is open")
        target.send(made[0])
        target.transfer("offer", "--proposal", made[0]["id"], "--out", offer, "--attestation-root", target.root)
        source.send(source.propose("transfer-authorize", "--offer", offer, "--target-root", target.root)[0])
        source.export(offer, target, bundle, signers=0)
        target.send(target.propose("transfer-consent", "--bundle", bundle, "--source-root", source.root)[0])
        self.assertEqual(target.take(bundle)["imported"], 2)
        self.assertEqual(target.keys(), source.keys())

    def test_keys_that_the_target_cannot_take(self):
        self.source_of_its_own()
        self.source.d.create_key(self.source.instance, "with-alias", aliases=["taken"])
        own = self.target.d.create_key(self.target.instance, "own", aliases=["taken"])["id"]
        bundle = self.bundle()
        self.target.consent(bundle, self.source)
        result = self.target.take(bundle, expect=1)
        self.assertEqual((result["imported"], result["closed"]), (2, False))
        self.assertEqual([(one["name"], one["code"]) for one in result["refused"]], [("with-alias", "KEY_ALIAS_NOT_UNIQUE_ERR")])
        # The remedy, and the same command again.
        self.assertEqual(self.target.call("DELETE", f"/api/v2/keys/{own}/aliases/taken").status, 204)
        result = self.target.take(bundle)
        self.assertEqual((result["imported"], result["present"], result["closed"]), (1, 2, True))

    def test_keys_that_cannot_leave(self):
        source, bundle = Party(C, "source", "transfer-out"), self.fresh()
        kept, gone = many_keys(source, 2)
        self.assertIn(source.call("DELETE", f"/api/v2/keys/{gone}").status, (200, 204))  # there, nobody can restore it
        offer = self.target.offer(source, self.fresh("txt"))
        for signers in (2, 0):  # a finished bundle is told again
            done = source.export(offer, self.target, bundle, "--output", "json", signers=signers, expect=1)
            told = json.loads(done.stdout.splitlines()[0])
            self.assertEqual([(key["id"], key["code"]) for key in told["left_out"]], [(gone, "KEY_RESTORE_EXPIRED")])
            self.assertIn("can no longer be restored", done.stderr)
        self.target.consent(bundle, source)
        self.assertEqual(self.target.take(bundle)["imported"], 1)
        self.assertEqual(list(self.target.keys()), [kept])

    def test_wrong_use(self):
        offer = self.target.offer(self.source, self.fresh("txt"))
        self.refused(self.target.transfer("offer", "--out", offer, "--proposal", new_uuid(), expect=None), "is there already", status=2)
        self.refused(self.target.transfer("offer", "--out", self.fresh("txt"), expect=None), "--source-root", status=2)
        self.refused(self.source.export(self.source.root, self.target, self.fresh(), expect=None), "BEGIN", status=2)
        self.refused(self.source.export(offer, self.source, self.fresh(), expect=None), "held against the root")
        self.refused(self.target.transfer("import", "--bundle", offer, expect=None), "no bundle", status=2)
        empty = Party(A, "empty", "transfer-out")
        to_empty = self.target.offer(empty, self.fresh("txt"))
        self.refused(empty.export(to_empty, self.target, self.fresh(), expect=None), "no key that can be transferred")
        closed = self.target.status()["incoming"][0]["id"]  # a later offer takes the place of the one before
        self.refused(self.target.transfer("close", closed, expect=None), "--yes", status=2)
        self.target.transfer("close", closed, "--yes")
        self.assertEqual(self.target.status()["incoming"], [])
        shutil.rmtree(self.work)


if __name__ == "__main__":
    unittest.main()
