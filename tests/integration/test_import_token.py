"""Import tokens over the wire: secure import with an independent implementation, and what kills do to tokens."""
import base64
import contextlib
import http.client
import json
import pathlib
import re
import secrets
import subprocess
import tempfile
import threading
import time
import unittest

from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness import ROOT, Deployment, b64, envelope, wait_until

PATH = "/api/v2/import_token"
HASHES = {"RSAES_OAEP_SHA_1": hashes.SHA1, "RSAES_OAEP_SHA_256": hashes.SHA256}


def setUpModule():
    global D, INSTANCE
    D = Deployment(keys__restore_after_delete_seconds=1)
    D.start()
    INSTANCE = D.instance("tokens")


def tearDownModule():
    D.close()


def new_token(retrievals=1, expiration=600):
    answer = D.call("POST", PATH, {"expiration": expiration, "maxAllowedRetrievals": retrievals}, instance=INSTANCE)
    assert answer.status == 200, answer.body
    return answer.json


def retrieve():
    answer = D.call("GET", PATH, instance=INSTANCE)
    assert answer.status == 200, answer.body
    return answer.json


class Sender:
    """Encrypts keys for a token as a customer does: base64, PEM, OAEP; then the nonce under the key itself."""

    def __init__(self, token):
        pem = base64.b64decode(token["payload"], validate=True)
        self.public_key = serialization.load_pem_public_key(pem)
        self.nonce = base64.b64decode(token["nonce"], validate=True)

    def fields(self, key, algorithm="RSAES_OAEP_SHA_256", cipher="gcm", nonce=None):
        iv, encrypted = self.encrypt(key, nonce or self.nonce, cipher)
        return {"payload": self.payload(key, algorithm), "encryptedNonce": b64(encrypted), "iv": b64(iv),
                "encryptionAlgorithm": algorithm}

    def payload(self, key, algorithm="RSAES_OAEP_SHA_256"):
        digest = HASHES[algorithm]
        oaep = rsa_padding.OAEP(rsa_padding.MGF1(digest()), digest(), None)
        return b64(self.public_key.encrypt(key, oaep))

    @staticmethod
    def encrypt(key, nonce, cipher):
        if cipher == "gcm":
            iv = secrets.token_bytes(12)
            return iv, AESGCM(key).encrypt(iv, nonce, None)
        iv = secrets.token_bytes(16)
        padder = padding.PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        return iv, encryptor.update(padder.update(nonce) + padder.finalize()) + encryptor.finalize()


def create(**fields):
    return D.call("POST", "/api/v2/keys", envelope({"name": "a-key", "extractable": False} | fields),
                  instance=INSTANCE)


class SecureImport(unittest.TestCase):
    def opens_what_the_plain_key_wrapped(self, key, material):
        plain = create(payload=b64(material)).json["resources"][0]["id"]
        dek = secrets.token_bytes(32)
        for wraps, unwraps in ((plain, key), (key, plain)):
            ciphertext = D.wrap(INSTANCE, wraps, dek, ["a"])
            answer = D.action(INSTANCE, unwraps, "unwrap", {"ciphertext": ciphertext, "aad": ["a"]})
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(base64.b64decode(answer.json["plaintext"]), dek)

    def test_every_combination_imports_the_key_that_was_sent(self):
        new_token()
        sender = Sender(retrieve())
        self.assertEqual(sender.public_key.key_size, 4096)
        self.assertEqual(len(sender.nonce), 12)
        sizes = [16, 24, 32, 32]
        for algorithm in HASHES:
            for cipher in ("gcm", "cbc"):
                with self.subTest(algorithm=algorithm, cipher=cipher):
                    material = secrets.token_bytes(sizes.pop())
                    answer = create(**sender.fields(material, algorithm, cipher))
                    self.assertEqual(answer.status, 201, answer.body)
                    key = answer.json["resources"][0]
                    self.assertTrue(key["imported"])
                    self.assertEqual(key["algorithmMetadata"]["bitLength"], str(8 * len(material)))
                    self.assertNotIn("payload", key)
                    self.opens_what_the_plain_key_wrapped(key["id"], material)

    def test_the_lines_of_the_document_import_a_key(self):
        document = (ROOT / "docs/protocols/import-token.md").read_text()
        lines = re.search(r"```sh\n(.*?)```", document, re.S).group(1)
        new_token()
        material = secrets.token_bytes(32)
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "token.json").write_text(json.dumps(retrieve()))
            pathlib.Path(directory, "key.bin").write_bytes(material)
            done = subprocess.run(["bash", "-euc", lines + 'echo "$PAYLOAD $ENCRYPTED_NONCE $IV"'], cwd=directory,
                                  check=True, stdout=subprocess.PIPE, text=True)
        payload, nonce, iv = done.stdout.split()
        answer = create(payload=payload, encryptedNonce=nonce, iv=iv, encryptionAlgorithm="RSAES_OAEP_SHA_1")
        self.assertEqual(answer.status, 201, answer.body)
        self.opens_what_the_plain_key_wrapped(answer.json["resources"][0]["id"], material)

    def test_restore_with_encrypted_material(self):
        new_token()
        sender = Sender(retrieve())
        material = secrets.token_bytes(24)
        key = create(payload=b64(material)).json["resources"][0]["id"]
        self.assertEqual(D.call("DELETE", f"/api/v2/keys/{key}", instance=INSTANCE).status, 204)
        time.sleep(1.1)  # the waiting time of this deployment
        answer = D.call("POST", f"/api/v2/keys/{key}/restore", envelope(sender.fields(material, cipher="cbc")),
                        instance=INSTANCE)
        self.assertEqual(answer.status, 201, answer.body)
        self.opens_what_the_plain_key_wrapped(key, material)

    def test_rotation_with_encrypted_material(self):
        new_token()
        sender = Sender(retrieve())
        key = create(payload=b64(secrets.token_bytes(32))).json["resources"][0]["id"]
        old = D.wrap(INSTANCE, key, b"d" * 32)
        material = secrets.token_bytes(32)
        answer = D.action(INSTANCE, key, "rotate", sender.fields(material, "RSAES_OAEP_SHA_1", "cbc"))
        self.assertEqual(answer.status, 204, answer.body)
        self.opens_what_the_plain_key_wrapped(key, material)
        answer = D.action(INSTANCE, key, "unwrap", {"ciphertext": old})
        self.assertEqual(base64.b64decode(answer.json["plaintext"]), b"d" * 32)

    def test_refusals_name_their_code_and_make_no_key(self):
        new_token()
        sender = Sender(retrieve())
        keys = D.call("HEAD", "/api/v2/keys", instance=INSTANCE).headers["Key-Total"]
        good = sender.fields(secrets.token_bytes(32))
        other = sender.fields(secrets.token_bytes(32))
        rows = [
            ("another nonce", sender.fields(b"k" * 32, nonce=b"n" * 12), "INCORRECT_NONCE_ERR"),
            ("another nonce, CBC", sender.fields(b"k" * 32, cipher="cbc", nonce=b"n" * 12), "INCORRECT_NONCE_ERR"),
            ("nonce under another key", good | {"payload": other["payload"]}, "INCORRECT_NONCE_IV_ERR"),
            ("another iv", good | {"iv": other["iv"]}, "INCORRECT_NONCE_IV_ERR"),
            ("the wrong hash", good | {"encryptionAlgorithm": "RSAES_OAEP_SHA_1"}, "INCORRECT_NONCE_IV_ERR"),
            ("not encrypted for the token", good | {"payload": b64(secrets.token_bytes(512))},
             "INCORRECT_NONCE_IV_ERR"),
            ("no size of a key", good | {"payload": sender.payload(b"k" * 17)},
             "INVALID_FIELD_ERR"),
        ]
        for what, fields, code in rows:
            with self.subTest(what=what):
                answer = create(**fields)
                self.assertEqual(answer.status, 400, answer.body)
                self.assertEqual(answer.code, code)
        self.assertEqual(D.call("HEAD", "/api/v2/keys", instance=INSTANCE).headers["Key-Total"], keys)

    def test_a_new_token_ends_the_old_one(self):
        new_token()
        old = Sender(retrieve()).fields(secrets.token_bytes(32))
        new_token()
        self.assertEqual(create(**old).code, "INCORRECT_NONCE_IV_ERR")

    def test_neither_key_nor_nonce_is_written_anywhere(self):
        new_token()
        token = retrieve()
        sender = Sender(token)
        material = secrets.token_bytes(32)
        self.assertEqual(create(**sender.fields(material)).status, 201)
        wanted = [material, material.hex().encode(), b64(material).encode(), token["nonce"].encode(),
                  token["payload"][100:180].encode()]
        for path in [D.log, *(p for p in D.data.rglob("*") if p.is_file())]:
            content = path.read_bytes()
            for number, text in enumerate(wanted):
                self.assertNotIn(text, content, f"canary {number} in {path}")


class Endurance(unittest.TestCase):
    def test_a_kill_may_lose_a_retrieval_but_gives_none_twice(self):
        allowed = 12
        new_token(allowed)
        answered, lock, stop = [], threading.Lock(), threading.Event()

        def retrieve_until_stopped():
            while not stop.is_set():
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AssertionError):
                    answer = D.call("GET", PATH, instance=INSTANCE)
                    if answer.status == 200:
                        with lock:
                            answered.append(answer.json["remainingRetrievals"])
                    if answer.code == "IMPORT_TOKEN_EXPIRED_ERR":
                        return
                    time.sleep(0.02)  # so that kills fall between retrievals too

        for round_number in range(3):
            threads = [threading.Thread(target=retrieve_until_stopped) for _ in range(3)]
            stop.clear()
            seen = len(answered)
            for thread in threads:
                thread.start()
            wait_until(lambda: len(answered) > seen or not any(t.is_alive() for t in threads), "a retrieval")
            D.kill_server()
            stop.set()
            for thread in threads:
                thread.join()
            D.start()
        stop.clear()
        retrieve_until_stopped()
        self.assertLessEqual(len(answered), allowed)
        self.assertEqual(len(set(answered)), len(answered), answered)
        self.assertIn(0, answered)
        self.assertEqual(D.call("GET", PATH, instance=INSTANCE).code, "IMPORT_TOKEN_EXPIRED_ERR")

    def test_a_token_survives_a_restart(self):
        new_token(5)
        sender = Sender(retrieve())
        D.kill_server()
        D.start()
        self.assertEqual(create(**sender.fields(secrets.token_bytes(32))).status, 201)
        self.assertEqual(retrieve()["remainingRetrievals"], 3)

    def test_other_calls_go_on_while_key_pairs_are_made(self):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(D.call("POST", PATH, instance=INSTANCE)))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            key = create().json["resources"][0]["id"]
            D.wrap(INSTANCE, key, b"d" * 32)
        self.assertLess(len(answers), 4, "four key pairs were made before ten keys")
        for thread in threads:
            thread.join()
        self.assertEqual([a.status for a in answers], [200] * 4)
        token = retrieve()
        self.assertIn(token["id"], [a.json["id"] for a in answers])
        self.assertEqual(create(**Sender(token).fields(secrets.token_bytes(16))).status, 201)

    def test_a_unit_that_dies_leaves_the_old_token(self):
        new_token(5)
        sender = Sender(retrieve())
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(D.call("POST", PATH, instance=INSTANCE)))
                   for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)  # the three take seconds
        old = D.kill_unit()
        for thread in threads:
            thread.join()
        self.assertIn(503, [a.status for a in answers])
        D.wait_unit_back(old)
        if all(a.status == 503 for a in answers):
            self.assertEqual(create(**sender.fields(secrets.token_bytes(32))).status, 201)
        new_token()
        self.assertEqual(create(**Sender(retrieve()).fields(secrets.token_bytes(32))).status, 201)

    def test_a_server_that_dies_amid_a_key_pair_starts_again_at_once(self):
        unit = D.endpoint["unit_pid"]

        def post():
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                D.call("POST", PATH, instance=INSTANCE)
        threads = [threading.Thread(target=post) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        began = time.monotonic()
        D.kill_server()
        self.assertLess(time.monotonic() - began, 1.5, "the unit went on with a key pair for nobody")
        for thread in threads:
            thread.join()
        D.start()
        self.assertNotEqual(D.endpoint["unit_pid"], unit)
        new_token()

    def test_a_stop_does_not_wait_for_key_pairs(self):
        deployment = Deployment(server__drain_timeout_seconds=1)
        try:
            deployment.start()
            instance = deployment.instance("stopping")
            threads = []
            for _ in range(4):
                def post():
                    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                        deployment.call("POST", PATH, instance=instance)
                threads.append(threading.Thread(target=post))
                threads[-1].start()
            time.sleep(0.1)
            began = time.monotonic()
            deployment.stop()
            self.assertLess(time.monotonic() - began, 10)
            for thread in threads:
                thread.join()
        finally:
            deployment.close()


if __name__ == "__main__":
    unittest.main()
