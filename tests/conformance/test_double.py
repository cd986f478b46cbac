"""The vendor double itself: its cryptography by published vectors, what it refuses, its clocks, and each fault it can make."""
import base64
import email.utils
import http.client
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from vendor_double import Double, Fault, Plan, Waits, aes, prepare_import_tokens, rsa  # noqa: E402

KEY = "application/vnd.ibm.kms.key+json"


def envelope(*resources):
    return {"metadata": {"collectionType": KEY, "collectionTotal": len(resources)}, "resources": list(resources)}


class Vectors(unittest.TestCase):
    def test_aes_block(self):  # FIPS 197, appendix C
        plain = bytes.fromhex("00112233445566778899aabbccddeeff")
        for size, text in ((16, "69c4e0d86a7b0430d8cdb78070b4c55a"), (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
                           (32, "8ea2b7ca516745bfeafc49904b496089")):
            cipher = aes.Aes(bytes(range(size)))
            self.assertEqual(cipher.encrypt(plain).hex(), text)
            self.assertEqual(cipher.decrypt(bytes.fromhex(text)), plain)

    def test_gcm(self):  # the GCM proposal's test cases 1 (no text), 2 and 14
        zeros = bytes(16)
        self.assertEqual(aes.gcm_decrypt(zeros, bytes(12), bytes.fromhex("58e2fccefa7e3061367f1d57a4e7455a")), b"")
        whole = bytes.fromhex("0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf")
        self.assertEqual(aes.gcm_decrypt(zeros, bytes(12), whole), zeros)
        self.assertIsNone(aes.gcm_decrypt(zeros, bytes(12), whole[:-1] + b"\0"))
        whole = bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
        self.assertEqual(aes.gcm_decrypt(bytes(32), bytes(12), whole), zeros)

    def test_cbc(self):  # against the openssl program
        key, iv = bytes(range(32)), bytes(range(16))
        for plain in (b"", b"twelve bytes", b"sixteen bytes ok", b"more than sixteen bytes"):
            text = rsa.openssl("enc", "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex(), data=plain)
            self.assertEqual(aes.cbc_decrypt(key, iv, text), plain)
        self.assertIsNone(aes.cbc_decrypt(key, iv, bytes(15)))

    def test_rsa(self):  # against the openssl program
        key, plain = rsa.RsaKey(2048), bytes(range(32))
        with tempfile.TemporaryDirectory() as directory:
            public, signature = pathlib.Path(directory, "public.pem"), pathlib.Path(directory, "signature")
            public.write_text(key.public_pem)
            for name in ("sha1", "sha256"):
                options = [word for option in ("rsa_padding_mode:oaep", f"rsa_oaep_md:{name}", f"rsa_mgf1_md:{name}")
                           for word in ("-pkeyopt", option)]
                text = rsa.openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", str(public), *options, data=plain)
                self.assertEqual(key.oaep_decrypt(text, name), plain)
                self.assertIsNone(key.oaep_decrypt(text[:-1] + bytes([text[-1] ^ 1]), name))
            signature.write_bytes(key.sign(b"text"))
            rsa.openssl("dgst", "-sha256", "-verify", str(public), "-signature", str(signature), data=b"text")


class Client:
    """A client without retries, on connections of its own."""

    def __init__(self, double, instance, api_key):
        self.double, self.instance, self.api_key = double, instance, api_key
        self.token = self.fetch_token()

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPSConnection("127.0.0.1", self.double.port, timeout=20,
                                                 context=ssl.create_default_context(cafile=self.double.ca))
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def fetch_token(self):
        form = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": self.api_key}
        return json.loads(self.request("POST", "/identity/token", urllib.parse.urlencode(form))[1])["access_token"]

    def __call__(self, method, path, body=None, **headers):
        """(status, JSON or None, reason code or None)."""
        headers = {"Authorization": "Bearer " + self.token, "Bluemix_Instance": self.instance} | headers
        answer, text = self.request(method, "/api/v2/" + path, None if body is None else json.dumps(body), **headers)
        value = json.loads(text) if text else None
        reasons = value["resources"][0].get("reasons") if answer.status >= 400 else None
        return answer.status, value, reasons[0]["code"] if reasons else None

    def create(self, **fields):
        return self("POST", "keys", envelope({"name": "a-key", "extractable": False} | fields))

    def names(self, query=""):
        return [key["name"] for key in self("GET", "keys" + query)[1]["resources"]]


class WithDouble(unittest.TestCase):
    def setUp(self):
        self.double = Double().start()
        self.addCleanup(self.double.close)
        self.instance = self.double.instance(waits=Waits(rotate=0))
        self.client = self.client_of("Manager", "KeyPurge")

    def client_of(self, *roles):
        return Client(self.double, self.instance, self.double.identity("who", roles, [self.instance]))

    def plan(self, **members):
        self.double.fault(Plan(**members))


class Strictness(WithDouble):
    def test_headers(self):
        for header, status in (({"Bluemix_Instance": ""}, 400), ({"Bluemix_Instance": "not-a-uuid"}, 400),
                               ({"Bluemix_Instance": "11111111-2222-4333-8444-555555555555"}, 401), ({"Authorization": ""}, 401)):
            got, body, code = self.client("GET", "keys", **header)
            self.assertEqual((got, code), (status, None), header)
            self.assertTrue(body["resources"][0]["errorMsg"].startswith(http.client.responses[status]))
        self.assertEqual(self.client("GET", "keys", Authorization="Bearer what")[2], "BEARER_SUB_EXTRACTION_ERR")

    def test_bodies(self):
        whole = envelope({"name": "a-key", "extractable": False})
        for body, code in ((None, "BAD_BODY_ERR"), ([], "BAD_BODY_ERR"), ({"resources": whole["resources"]}, "BAD_BODY_ERR"),
                           (whole | {"metadata": {"collectionType": KEY, "collectionTotal": 2}}, "COLLECTION_TOTAL_MISMATCH_ERR"),
                           (envelope({"name": "x"}), "INVALID_FIELD_ERR"), (envelope({"name": "two"}, {"name": "keys"}), "BAD_BODY_ERR"),
                           (envelope({"name": "ab", "extractable": "no"}), "BAD_BODY_ERR"),
                           (envelope({"name": "ab", "payload": "AA"}), "INVALID_FIELD_ERR")):
            self.assertEqual(self.client("POST", "keys", body)[2], code, body)
        self.assertEqual(self.client.names(), [])

    def test_unknown_fields(self):
        key = self.client.create(surprise=1)[1]["resources"][0]["id"]
        self.assertEqual(self.double.lints, ["POST /api/v2/keys: unknown field surprise"])
        policy = envelope({"rotation": {"enabled": True, "interval_month": 3, "surprise": 1}})
        self.assertEqual(self.client("PUT", f"keys/{key}/policies", policy)[2], "BAD_BODY_ERR")

    def test_wrapped_form(self):
        key = self.client.create(aliases=["one"])[1]["resources"][0]["id"]
        dek = base64.b64encode(b"a data encryption key").decode()
        text = self.client("POST", "keys/one/actions/wrap", {"plaintext": dek, "aad": ["a", "b"]})[1]["ciphertext"]
        self.assertEqual(json.loads(base64.b64decode(text))["handle"], key)
        self.client("POST", "keys/one/actions/rotate")
        opened = self.client("POST", "keys/one/actions/unwrap", {"ciphertext": text, "aad": ["a", "b"]})[1]
        self.assertEqual((opened["plaintext"], opened["keyVersion"]["id"]), (dek, key))
        newer = self.client("POST", "keys/one/actions/unwrap", {"ciphertext": opened["ciphertext"], "aad": ["a", "b"]})[1]
        self.assertEqual((newer["plaintext"], "ciphertext" in newer), (dek, False))
        for aad in ([], ["a"], ["b", "a"], ["ab"], ["a", "b", ""]):
            self.assertEqual(self.client("POST", "keys/one/actions/unwrap", {"ciphertext": text, "aad": aad})[2],
                             "UNPROCESSABLE_CIPHERTEXT_ERR", aad)
        other = self.client.create()[1]["resources"][0]["id"]
        self.assertEqual(self.client("POST", f"keys/{other}/actions/unwrap", {"ciphertext": text, "aad": ["a", "b"]})[0], 422)
        self.assertEqual(self.client("POST", "keys/one/actions/unwrap", {"ciphertext": "AAAA"})[2], "INVALID_FIELD_ERR")

    def test_roles(self):
        key = self.client.create(extractable=True)[1]["resources"][0]["id"]
        for role, create, read in (("Reader", 401, 401), ("ReaderPlus", 401, 200), ("Writer", 201, 200)):
            client = self.client_of(role)
            self.assertEqual((client.create()[0], client("GET", f"keys/{key}")[0]), (create, read), role)
        nobody = Client(self.double, self.instance, self.double.identity("nobody", [], []))
        self.assertEqual((nobody.names(), nobody("GET", f"keys/{key}/metadata")[0]), ([], 401))

    def test_clocks(self):
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
        key = self.client.create(expirationDate=later)[1]["resources"][0]["id"]
        text = self.client("POST", f"keys/{key}/actions/wrap")[1]["ciphertext"]
        self.double.advance(7201)
        self.assertEqual(self.client("GET", "keys")[0], 401, "tokens live an hour")
        self.client.token = self.client.fetch_token()
        self.assertEqual(self.client("POST", f"keys/{key}/actions/wrap")[2], "KEY_ACTION_INVALID_STATE_ERR")
        self.assertEqual(self.client("POST", f"keys/{key}/actions/unwrap", {"ciphertext": text})[0], 200)
        self.assertEqual(self.client("DELETE", f"keys/{key}")[0], 204)
        self.assertEqual(self.client("DELETE", f"keys/{key}")[2], "KEY_DELETED_ERR")
        self.assertEqual(self.client("DELETE", f"keys/{key}/purge")[2], "REQ_TOO_EARLY_ERR")
        self.double.advance(4 * 3600)
        self.client.token = self.client.fetch_token()
        self.assertEqual(self.client("DELETE", f"keys/{key}/purge")[0], 204)
        self.assertEqual(self.client("GET", f"keys/{key}")[2], "KEY_NOT_FOUND_ERR")

    def test_limits(self):
        self.double.instances[self.instance].max_keys = 2
        self.assertEqual([self.client.create()[2] for _ in range(3)], [None, None, "KEY_LIMIT_ERR"])

    def test_stopped_and_started(self):
        self.client.create(name="kept")
        self.double.stop()
        with self.assertRaises(OSError):
            self.client.names()
        self.double.start()
        self.assertEqual(self.client.names(), ["kept"])


class Kinds(unittest.TestCase):
    """What differs between the services that it can be."""

    @classmethod
    def setUpClass(cls):
        prepare_import_tokens(2, again=True)

    def client(self, **options):
        double = Double(**options).start()
        self.addCleanup(double.close)
        instance = double.instance()
        return Client(double, instance, double.identity("manager", ["Manager"], [instance]))

    def sealed(self, client, hash_name, cipher):
        """Imports a root key encrypted for an import token with the openssl program; returns (status, code)."""
        client("POST", "import_token", {})
        token, material, iv = client("GET", "import_token")[1], bytes(range(32)), bytes(range(16))
        with tempfile.NamedTemporaryFile() as public:
            public.write(base64.b64decode(token["payload"]))
            public.flush()
            options = [word for option in ("rsa_padding_mode:oaep", f"rsa_oaep_md:{hash_name}", f"rsa_mgf1_md:{hash_name}")
                       for word in ("-pkeyopt", option)]
            payload = rsa.openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", public.name, *options, data=material)
        nonce = rsa.openssl("enc", cipher, "-K", material.hex(), "-iv", iv.hex(), data=base64.b64decode(token["nonce"]))
        status, body, code = client.create(payload=base64.b64encode(payload).decode(), encryptedNonce=base64.b64encode(nonce).decode(),
                                           iv=base64.b64encode(iv).decode(),
                                           encryptionAlgorithm={"sha1": "RSAES_OAEP_SHA_1", "sha256": "RSAES_OAEP_SHA_256"}[hash_name])
        if status == 201:
            key = client.double.instances[client.instance].keys[body["resources"][0]["id"]]
            self.assertEqual((key.versions[0].material, key.imported), (material, True))
        return status, code

    def test_forms_of_a_secure_import(self):
        self.assertEqual(self.sealed(self.client(), "sha256", "-aes-256-cbc"), (201, None))
        own = self.client(imports="own")
        self.assertEqual(self.sealed(own, "sha1", "-aes-256-cbc"), (201, None))
        self.assertEqual(self.sealed(own, "sha256", "-aes-256-cbc"), (400, "INVALID_FIELD_ERR"))
        self.assertEqual(self.sealed(self.client(imports="own", service="kms"), "sha1", "-aes-256-cbc"), (400, "INVALID_FIELD_ERR"))
        self.assertEqual(self.client(imports="none")("POST", "import_token", {})[0], 404)

    def test_names_of_the_service(self):
        for service, algorithm in (("hs-crypto", "AES"), ("kms", "Deprecated")):
            key = self.client(service=service).create()[1]["resources"][0]
            self.assertEqual((key["crn"].split(":")[4], key["algorithmType"]), (service, algorithm))

    def test_migration_intents(self):
        for intents, status in ((True, 201), (False, 404)):
            client = self.client(intents=intents)
            key = client.create()[1]["resources"][0]
            body = envelope({"targetCRK": key["crn"]})
            self.assertEqual(client("POST", f"keys/{key['id']}/migrationIntent", body)[0], status)
            client("POST", f"keys/{key['id']}/actions/disable")
            self.assertEqual(client("GET", f"keys/{key['id']}/migrationIntent")[0], 200 if intents else 404)


class Faults(WithDouble):
    def test_answers(self):
        self.plan(faults=[Fault("answer", on="GET /api/v2/keys", at=(2,), status=429, retry_after=7)])
        self.assertEqual([self.client("GET", "keys")[2] for _ in range(3)], [None, "TOO_MANY_REQUESTS_ERR", None])
        self.assertEqual(self.double.plan.fired(), 1)
        self.plan(faults=[Fault("answer", every=1, status=503, html=True)])
        answer, text = self.client.request("GET", "/api/v2/keys")
        self.assertEqual((answer.status, text[:6]), (503, b"<html>"))

    def test_replies_lost_and_cut(self):
        for kind, error in (("lose_reply", http.client.RemoteDisconnected), ("cut_reply", http.client.IncompleteRead)):
            self.plan(faults=[Fault(kind, on="POST *", at=(1,))])
            with self.assertRaises(error):
                self.client.create(name=kind)
            self.assertEqual(self.client.names().count(kind), 1, "it was done")

    def test_reset(self):
        self.plan(faults=[Fault("reset", on="POST *", at=(1,))])
        with self.assertRaises(ConnectionError):
            self.client.create()
        self.assertEqual(self.client.names(), [], "nothing was done")

    def test_slow(self):
        self.plan(faults=[Fault("slow", seconds=0.3, at=(1,))])
        started = time.monotonic()
        self.client("GET", "keys")
        self.assertGreaterEqual(time.monotonic() - started, 0.3)

    def test_tokens(self):
        self.plan(faults=[Fault("expire_tokens", at=(2,))])
        self.assertEqual([self.client("GET", "keys")[0] for _ in range(3)], [200, 401, 401])
        self.client.token = self.client.fetch_token()
        self.assertEqual(self.client("GET", "keys")[0], 200)

    def test_pages_and_lists(self):
        for number in range(5):
            self.client.create(name=f"key-{number}")
        self.plan(short_pages=2)
        self.assertEqual([len(self.client.names(f"?limit=4&offset={offset}")) for offset in (0, 2, 4, 5)], [2, 2, 1, 0])
        self.plan(shrinking_pages=3)
        self.assertEqual([len(self.client.names()) for _ in range(4)], [3, 2, 1, 1])
        self.plan(list_delay=2)
        key = self.client.create(name="late", aliases=["late"])[1]["resources"][0]["id"]
        self.assertEqual(self.client("GET", "keys/late/metadata")[1]["resources"][0]["id"], key)
        self.assertEqual(["late" in self.client.names() for _ in range(3)], [False, False, True])

    def test_rate_and_seed(self):
        self.plan(requests_per_second=0.001)
        self.assertEqual([self.client("GET", "keys")[0] for _ in range(2)], [429, 429])
        rows = [[fault.decide("GET", "/api/v2/keys", plan.random.random) for _ in range(50)]
                for plan in (Plan(seed=3), Plan(seed=3), Plan(seed=4)) for fault in [Fault("reset", probability=0.5)]]
        self.assertTrue(rows[0] == rows[1] != rows[2])

    def test_clock_skew(self):
        self.plan(clock_skew=86400)
        answer, _ = self.client.request("GET", "/identity/keys")
        self.assertAlmostEqual(email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp(), time.time() + 86400, delta=30)

    def test_unknown_kind(self):
        with self.assertRaises(ValueError):
            Plan(faults=[Fault("something")])


class CommandLine(unittest.TestCase):
    def test_serves_what_it_prints(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
            json.dump({"short_pages": 1, "faults": [{"kind": "answer", "on": "GET /api/v2/key_rings", "at": [1], "status": 500}]}, plan)
            plan.flush()
            process = subprocess.Popen([sys.executable, "-B", "-m", "vendor_double", "--faults", plan.name], stdout=subprocess.PIPE,
                                       cwd=pathlib.Path(__file__).resolve().parents[1])
            self.addCleanup(process.stdout.close)
            self.addCleanup(process.wait)
            self.addCleanup(process.terminate)
            told = json.loads(process.stdout.readline())
            told["port"] = urllib.parse.urlsplit(told["url"]).port
            client = Client(type("Told", (), told), told["instances"][0], pathlib.Path(told["api_key_file"]).read_text())
            self.assertEqual([client("GET", "key_rings")[0] for _ in range(2)], [500, 200])
            self.assertEqual(client.create()[0], 201)
        process.terminate()
        self.assertEqual(process.wait(20), 0)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", told["port"]), 5)


if __name__ == "__main__":
    unittest.main()
