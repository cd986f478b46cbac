"""Commands that several administrators sign in turn and that are sent once; and the transcript of what units were told."""
import base64
import hashlib
import random
import threading
import time
import unittest
import uuid

from administrators import (COMMIT, CREATE_RANDOM_KEY, GENERATE_IMPORTER, RANDOM_KEY_ALLOWED, SET_ATTRIBUTES, ZEROIZE, Administrator, Unit,
                            b64, children, openssl, response_block, sequence)
from harness import Deployment

IMPORTER_P521 = bytes([0, 0, 0, 3])
KILLS = 6


class Proposals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Deployment(unit__call_timeout_ms=30000)
        cls.d.start()
        # Two people on two machines: each with a key of their own and a token of their own.
        cls.people = [Administrator(cls.d.home, name) for name in ("Ada", "Grace")]
        cls.stranger = Administrator(cls.d.home, "Mallory")

    @classmethod
    def tearDownClass(cls):
        cls.d.close()

    def get(self, method, path, body=None):
        answer = self.d.call(method, path, body)
        self.assertIn(answer.status, (200, 201, 204), answer.body)
        return answer.json if answer.body else None

    def made(self, recovery=False, permissions=0):
        """A new instance and its first unit (or recovery unit), with both administrators, whose threshold is 2."""
        parameters = {"units": 1} | ({"recovery_units": 1} if recovery else {})
        instance = self.get("POST", "/v2/resource_instances", {"name": "proposals", "parameters": parameters})["guid"]
        unit = Unit(self.get, instance, kind="source_hsms" if recovery else "hsms")
        unit.enroll(self.people, permissions=permissions)
        return instance, unit

    def tokens(self, instance):
        return [self.d.token(self.d.service_id(one.name, "Manager", instance)) for one in self.people]

    def propose(self, unit, block, **more):
        return self.get("POST", f"/v1/tke/{unit.instance}/proposals", {"hsm_id": unit.id, "block": b64(block)} | more)

    def path(self, unit, proposal, what=""):
        return f"/v1/tke/{unit.instance}/proposals/{proposal['id']}{what}"

    def sign(self, unit, proposal, administrator, token="admin", over=None):
        block = base64.b64decode(proposal["block"]) if over is None else over
        return self.d.call("POST", self.path(unit, proposal, "/signatures"), {"signer_info": b64(administrator.signer_info(block))}, token=token)

    def send(self, unit, proposal, **options):
        return self.d.call("POST", self.path(unit, proposal, "/send"), **options)

    def signed(self, unit, block):
        proposal = self.propose(unit, block)
        for one in self.people:
            self.assertEqual(self.sign(unit, proposal, one).status, 200)
        return proposal

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)

    # --- The walk ---
    def test_two_administrators_change_the_threshold_and_commit(self):
        instance, unit = self.made(recovery=True, permissions=RANDOM_KEY_ALLOWED)
        for _ in range(2):  # the current register, then the new one
            unit.run(CREATE_RANDOM_KEY, signers=self.people[:1])
        listed = self.get("GET", f"/v1/tke/{instance}/rotation")["units"]
        pattern = next(one for one in listed if one["hsm_id"] == unit.id)["new"]["verification_pattern"]
        tokens = self.tokens(instance)

        first = self.propose(unit, unit.block(SET_ATTRIBUTES, unit.attributes(1, 1)), note="one is enough")
        second = self.propose(unit, unit.block(COMMIT, bytes.fromhex(pattern), ahead=1))
        self.assertEqual((first["command"], first["details"]["signatureThreshold"], first["note"]), ("set attributes", "1", "one is enough"))
        self.assertEqual((first["signatures_needed"], first["commands_before"], second["commands_before"]), (2, 0, 1))
        self.assertEqual(second["details"], {"verificationPattern": pattern})
        for proposal in (first, second):
            self.assertEqual(proposal["block_sha512"], hashlib.sha512(base64.b64decode(proposal["block"])).hexdigest())
        for one, token in zip(self.people, tokens):
            for proposal in (first, second):
                # Each reads what the server shows, compares, signs on a machine of their own.
                seen = self.d.call("GET", self.path(unit, proposal), token=token).json
                self.assertEqual(seen["block"], proposal["block"])
                self.assertEqual(self.sign(unit, seen, one, token=token).status, 200)
        names = [one["name"] for one in self.get("GET", self.path(unit, first))["signatures"]]
        self.assertEqual(names, ["Ada", "Grace"])

        self.refused(self.send(unit, second), 409, "PROPOSAL_STATE_ERR")  # not its turn
        sent = self.send(unit, first, token=tokens[1]).json
        self.assertEqual((sent["state"], sent["result"]["accepted"], sent["result"]["return_code"]), ("sent", True, 0))
        sent = self.send(unit, second, token=tokens[0]).json
        self.assertTrue(sent["result"]["accepted"], sent["result"])
        self.assertNotIn("transcript_fault", sent)
        self.refused(self.send(unit, second), 409, "PROPOSAL_STATE_ERR")
        unit_now = next(one for one in self.get("GET", f"/v1/tke/{instance}/rotation")["units"] if one["hsm_id"] == unit.id)
        self.assertEqual(unit_now["new"]["state"], "Full committed")

        states = [(one["id"], one["state"]) for one in self.get("GET", f"/v1/tke/{instance}/proposals")["proposals"]]
        self.assertEqual(states, [(second["id"], "sent"), (first["id"], "sent")])
        self.assertEqual(self.d.call("DELETE", self.path(unit, first)).status, 204)
        self.refused(self.d.call("GET", self.path(unit, first)), 404, "PROPOSAL_NOT_FOUND_ERR")
        self.audited(instance, ["tke-proposal.create", "tke-proposal.sign", "tke-cryptounit-threshold.set",
                                "tke-cryptounit-master-key-register.commit", "tke-proposal.delete"])
        self.verify_transcript(instance, [SET_ATTRIBUTES, COMMIT])

    def audited(self, instance, actions):
        seen = {event["action"] for event in self.d.audit_records() if instance in str(event)}
        self.assertLessEqual({"hs-crypto." + action for action in actions}, seen)

    def verify_transcript(self, instance, last_commands):
        """With nothing but the answer and the attestation root: the chain, the units' and the administrators' signatures."""
        transcript = self.get("GET", f"/v1/tke/{instance}/transcript?limit=100")
        root = self.get("GET", "/v1/tke/attestation_root")
        entries = transcript["entries"]
        self.assertEqual((transcript["first"], transcript["last"]), (1, len(entries)))
        previous = bytes(32)
        commands = []
        for number, entry in enumerate(entries, 1):
            self.assertEqual((entry["sequence"], entry["previous"]), (number, previous.hex()))
            previous = self.hash_of(instance, entry)
            self.assertEqual(entry["hash"], previous.hex())
            key = self.module_key([base64.b64decode(one) for one in entry["certificates"]], root)
            fields = children(bytes.fromhex(entry["response"].rpartition(";")[2])[32:])
            self.verify(key, fields[3], children(fields[4])[4])
            request = children(bytes.fromhex(entry["request"].rpartition(";")[2])[32:])
            commands.append(int.from_bytes(children(request[2])[0], "big"))
        self.assertEqual(commands[-len(last_commands):], last_commands)
        # The last one was signed by both, over the block as it is in the entry.
        infos = children(sequence(request[3]))
        self.assertEqual(len(infos), 2)
        for one, info in zip(self.people, infos):
            fields = children(b"\x30\x82" + len(info).to_bytes(2, "big") + info)
            self.assertEqual(fields[1], one.ski)
            self.verify(one.spki, request[2], fields[4])
        # From the middle; beyond the end.
        part = self.get("GET", f"/v1/tke/{instance}/transcript?start=2&limit=1")["entries"]
        self.assertEqual(part, entries[1:2])
        self.assertEqual(self.get("GET", f"/v1/tke/{instance}/transcript?start=1000")["entries"], [])

    @staticmethod
    def hash_of(instance, entry):
        """As docs/operations/proposals.md says."""
        def text(value):
            value = value if isinstance(value, bytes) else value.encode()
            return len(value).to_bytes(4, "big") + value

        certificates = [base64.b64decode(one) for one in entry["certificates"]]
        return hashlib.sha256(b"".join([
            b"keyhaven transcript entry\0", b"\1", uuid.UUID(instance).bytes, entry["sequence"].to_bytes(8, "big"),
            bytes.fromhex(entry["previous"]), entry["time_us"].to_bytes(8, "big"), uuid.UUID(entry["hsm_id"]).bytes,
            *map(text, (entry["location"], entry["caller"], entry["request"], entry["response"])),
            len(certificates).to_bytes(4, "big"), *map(text, certificates)])).digest()

    def verify(self, spki, message, signature):
        (self.d.home / "spki.der").write_bytes(spki)
        (self.d.home / "signature").write_bytes(signature)
        openssl("dgst", "-sha512", "-verify", self.d.home / "spki.der", "-keyform", "DER", "-signature", self.d.home / "signature", data=message)

    def module_key(self, certificates, root):
        """The key of certificate 0, as a SubjectPublicKeyInfo; the chain itself is verified in src/instances/proposals_test.cc."""
        self.assertGreater(len(certificates), 0)
        head = base64.b64decode(root["spki"])[:-132]
        certificate = certificates[0]
        candidates = [head + certificate[at:at + 132] for at in range(len(certificate) - 131)]
        for candidate in candidates:
            if hashlib.sha256(candidate[-133:]).digest() in certificate:
                return candidate
        raise AssertionError("certificate 0 holds no key that its identifier belongs to")

    # --- Refusals ---
    def test_wrong_signers_and_blocks(self):
        instance, unit = self.made()
        block = unit.block(GENERATE_IMPORTER, IMPORTER_P521)
        proposal = self.propose(unit, block)
        self.refused(self.sign(unit, proposal, self.stranger), 400, "INVALID_FIELD_ERR")
        self.refused(self.sign(unit, proposal, self.people[0], over=block + b"x"), 400, "INVALID_FIELD_ERR")
        self.refused(self.send(unit, proposal), 409, "PROPOSAL_STATE_ERR")
        self.assertEqual(self.sign(unit, proposal, self.people[0]).status, 200)
        self.refused(self.sign(unit, proposal, self.people[0]), 409, "ALREADY_EXISTS_ERR")
        self.refused(self.d.call("POST", f"/v1/tke/{instance}/proposals", {"hsm_id": unit.id, "block": b64(block)}), 409, "ALREADY_EXISTS_ERR")
        self.refused(self.d.call("POST", f"/v1/tke/{instance}/proposals", {"hsm_id": unit.id, "block": b64(block[:-1])}), 400, "INVALID_FIELD_ERR")
        self.refused(self.d.call("POST", f"/v1/tke/{instance}/proposals", {"hsm_id": instance, "block": b64(block)}), 404, "CRYPTO_UNIT_NOT_FOUND_ERR")
        # Somebody who may not manage the instance sees and does nothing.
        writer = self.d.token(self.d.service_id("writer", "Writer", instance))
        for method, path in (("GET", "proposals"), ("GET", "transcript"), ("POST", f"proposals/{proposal['id']}/send"),
                             ("DELETE", f"proposals/{proposal['id']}")):
            answer = self.d.call(method, f"/v1/tke/{instance}/{path}", token=writer)
            self.assertEqual(answer.status, 401, answer.body)
        # Another instance's proposal is none of this one.
        other, _ = self.made()
        self.refused(self.d.call("GET", f"/v1/tke/{other}/proposals/{proposal['id']}"), 404, "PROPOSAL_NOT_FOUND_ERR")
        self.assertTrue(self.send(unit, proposal).json["result"]["accepted"])

    def test_another_command_makes_it_lapse(self):
        _, unit = self.made()
        proposal = self.signed(unit, unit.block(SET_ATTRIBUTES, unit.attributes(1, 1)))
        unit.run(GENERATE_IMPORTER, IMPORTER_P521, self.people[:1])
        self.refused(self.send(unit, proposal), 409, "PROPOSAL_STATE_ERR")
        seen = self.get("GET", self.path(unit, proposal))
        self.assertEqual(seen["state"], "lapsed")
        self.assertIn("counter", seen["cause"])
        proposal = self.signed(unit, unit.block(SET_ATTRIBUTES, unit.attributes(1, 1)))
        unit.run(ZEROIZE, signers=self.people)
        self.assertEqual(self.get("GET", f"/v1/tke/{unit.instance}/proposals")["proposals"][0]["state"], "lapsed")

    def test_of_many_senders_one_sends(self):
        instance, unit = self.made()
        proposal = self.signed(unit, unit.block(GENERATE_IMPORTER, IMPORTER_P521))
        before = self.get("GET", f"/v1/tke/{instance}/transcript")["last"]
        self.d.token()
        answers = []
        barrier = threading.Barrier(6)

        def one():
            barrier.wait()
            answers.append(self.send(unit, proposal))

        threads = [threading.Thread(target=one) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answer.status for answer in answers), [200] + [409] * 5)
        self.assertEqual({answer.code for answer in answers if answer.status == 409}, {"PROPOSAL_STATE_ERR"})
        self.assertEqual(self.get("GET", f"/v1/tke/{instance}/transcript")["last"], before + 1)

    def test_killed_while_sending_it_was_sent_or_is_open(self):
        self.d.settings["server__port"] = self.d.url.rpartition(":")[2]
        _, unit = self.made()
        seen = set()
        for _ in range(KILLS):
            proposal = self.signed(unit, unit.block(GENERATE_IMPORTER, IMPORTER_P521))
            counter = unit.moment()[2]
            thread = threading.Thread(target=self.send_and_forget, args=(unit, proposal))
            thread.start()
            time.sleep(random.uniform(0.002, 0.03))  # what is cut off is chance; either end must be whole
            self.d.kill_server()
            thread.join()
            self.d.start()
            state = self.get("GET", self.path(unit, proposal))["state"]
            seen.add(state)
            moved = unit.moment()[2] != counter
            self.assertEqual(state, "sent" if moved else "open")
            answer = self.send(unit, proposal)
            self.assertEqual(answer.status, 409 if moved else 200, answer.body)
            self.assertNotEqual(unit.moment()[2], counter)
        self.assertLessEqual(seen, {"sent", "open"})

    def send_and_forget(self, unit, proposal):
        try:
            self.send(unit, proposal)
        except OSError:
            pass  # killed
        except Exception as error:  # an answer cut off in its middle
            self.assertIn(type(error).__module__, ("http.client", "json.decoder"))

    def test_a_frame_sent_directly_is_in_the_transcript_and_a_refusal_too(self):
        instance, unit = self.made()
        before = self.get("GET", f"/v1/tke/{instance}/transcript")["last"]
        unit.moment()  # a query has no entry
        block = unit.block(GENERATE_IMPORTER, IMPORTER_P521)
        answer = unit.pass_block(block)
        self.assertNotEqual(answer[4], bytes(4))
        entries = self.get("GET", f"/v1/tke/{instance}/transcript?start={before + 1}")["entries"]
        self.assertEqual([entry["command"] for entry in entries], ["generate importer key"])
        self.assertEqual(response_block(entries[0]["response"])[4], answer[4])


if __name__ == "__main__":
    unittest.main()
