"""Ceremonies around an instance's master key, and clients that use its keys meanwhile."""
import http.client
import json
import secrets
import threading

from harness import b64, envelope, wait_until


class MasterKey:
    """Loads, commits and sets master keys of one instance that Deployment.ceremony has initialised."""

    def __init__(self, deployment, instance):
        self.d, self.instance = deployment, instance
        self.signers = []
        for number in (1, 2):
            admin = f"{instance[:8]}-admin{number}"
            self.signers += ["--signer", f"{admin}:{deployment.home / admin}.password"]
        self.made = 0

    def tke(self, verb, *arguments, **options):
        return self.d.cli("tke", verb, *arguments, "--instance", self.instance, **options)

    def new_parts(self):
        """Two random key parts in files; what cryptounit-mk-load wants."""
        self.made += 1
        parts = []
        for number in (1, 2):
            name = f"{self.instance[:8]}-new{self.made}-{number}"
            password = self.d.secret_file(f"{name}.password", secrets.token_hex(8).encode())
            self.d.cli("tke", "mk-add", name, "--random", "--password-file", password)
            parts += ["--part", f"{name}:{password}"]
        return parts

    def load(self, parts):
        self.tke("cryptounit-mk-load", *parts, *self.signers, "--yes")
        self.tke("cryptounit-mk-commit", *self.signers, "--yes")

    def set_immediate(self, expect=0):
        return self.tke("cryptounit-mk-setimm", *self.signers[:2], "--yes", expect=expect)

    # --- The rotation, by its calls ---
    def rotation(self, method="GET", expect=None):
        answer = self.d.call(method, f"/v1/tke/{self.instance}/rotation")
        expect = expect or {"GET": 200}.get(method, 202)
        assert answer.status == expect, answer.body
        return answer.json

    def wait(self, phase, seconds=120):
        def there():
            state = self.rotation()
            return state if state["phase"] == phase else None
        return wait_until(there, f"phase {phase}", seconds)

    def patterns(self):
        """Master key -> number of key versions under it."""
        return {row["master_key"]: row["key_versions"] for row in self.rotation()["stored"]}


class User(threading.Thread):
    """Wraps and unwraps without a pause; every answer must be right. `tolerant`: while processes are killed, no answer and
    503 are right too."""

    def __init__(self, deployment, instance, wrapped, tolerant=False):
        super().__init__(daemon=True)
        self.d, self.instance, self.wrapped, self.tolerant = deployment, instance, dict(wrapped), tolerant
        self.stop = threading.Event()
        self.done = 0
        self.problem = None

    def run(self):
        connection = None
        while not self.stop.is_set():
            for key, (dek, ciphertext) in self.wrapped.items():
                if self.stop.is_set():
                    return
                try:
                    connection = connection or self.d.connect()
                    opened = self.d.action(self.instance, key, "unwrap", {"ciphertext": ciphertext}, connection=connection)
                    fresh = self.d.action(self.instance, key, "wrap", {"plaintext": b64(dek)}, connection=connection)
                except (OSError, http.client.HTTPException, ValueError):
                    connection = None
                    if self.tolerant:
                        continue
                    self.problem = "no answer"
                    return
                if self.tolerant and 503 in (opened.status, fresh.status):
                    continue
                if opened.status != 200 or opened.json["plaintext"] != b64(dek) or fresh.status != 200:
                    self.problem = (key, opened.status, opened.body, fresh.status, fresh.body)
                    return
                self.done += 2


def make_keys(deployment, instance, count, versions=1):
    """Root keys with a wrapped DEK each, of the first version: key -> (DEK, ciphertext)."""
    out = {}
    for number in range(count):
        key = deployment.create_key(instance, f"key-{number}")["id"]
        dek = secrets.token_bytes(32)
        out[key] = (dek, deployment.wrap(instance, key, dek))
        for _ in range(versions - 1):
            assert deployment.action(instance, key, "rotate").status == 204
    return out


def prove(test, deployment, instance, wrapped):
    """Every DEK from before comes back."""
    for key, (dek, ciphertext) in wrapped.items():
        answer = deployment.action(instance, key, "unwrap", {"ciphertext": ciphertext})
        test.assertEqual((answer.status, answer.json.get("plaintext")), (200, b64(dek)), answer.body)


def create_many(deployment, instance, count, threads=16):
    """Keys in parallel, quickly; their ids."""
    ids, lock = [], threading.Lock()
    numbers = iter(range(count))

    def work():
        connection = deployment.connect()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            answer = deployment.call("POST", "/api/v2/keys", envelope({"name": f"many-{number}", "extractable": False}),
                                     instance=instance, connection=connection)
            assert answer.status == 201, answer.body
            with lock:
                ids.append(json.loads(answer.body)["resources"][0]["id"])

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(ids) == count
    return ids
