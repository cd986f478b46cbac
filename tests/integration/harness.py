"""A real server with its unit, started and stopped by a test on a free loopback port; and a small HTTP client."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import uuid

KEY_TYPE = "application/vnd.ibm.kms.key+json"
ROOT = pathlib.Path(__file__).resolve().parents[2]
# Every answer is held against the API document; benchmarks switch it off.
CHECK_ANSWERS = os.environ.get("KH_OPENAPI_CHECK", "1") != "0"
if CHECK_ANSWERS:
    import openapi_check
BIN = pathlib.Path(os.environ.get("KH_BUILD", ROOT / "build/dev")) / "bin"


def ensure_users():
    """Root runs server and unit as users of their own; they exist on an installed machine."""
    if os.geteuid() != 0:
        return
    for user in ("keyhaven", "keyhaven-unit"):
        try:
            pwd.getpwnam(user)
        except KeyError:
            subprocess.run(["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent",
                            "--shell", "/usr/sbin/nologin", user], check=True)


def wait_until(condition, what, seconds=30):
    """Polls a condition of another process that offers no event to wait on."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def stop(pid):
    """Stops every thread of a process: the signal alone only asks for it."""
    os.kill(pid, signal.SIGSTOP)

    def stopped():
        states = [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
        return set(states) == {"T"}
    wait_until(stopped, f"process {pid} stands still")


def alive(pid):
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The reason code of an error body, or None."""
        with contextlib.suppress(Exception):
            return self.json["resources"][0]["reasons"][0]["code"]
        return None


class Deployment:
    """One keyhavend and its keyhaven-unit on a data directory of their own."""

    def __init__(self, **settings):
        ensure_users()
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="keyhaven-test-"))
        self.home.chmod(0o755)
        self.data = self.home / "data"
        self.settings = settings
        self.process = None
        self.log = self.home / "server.log"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    # --- life ---
    def command(self, *extra):
        command = [str(BIN / "keyhavend"), "--data-dir", str(self.data), "--listen", "127.0.0.1", "--port", "0"]
        for name, value in self.settings.items():
            command += ["--set", f"{name.replace('__', '.')}={value}"]
        return command + list(extra)

    def start(self):
        endpoint = self.data / "server/endpoint.json"
        endpoint.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"keyhavend ended with {self.process.returncode}:\n{self.log.read_text()}")
            return endpoint.exists() and self.call("GET", "/readyz", token=None).status == 200

        wait_until(ready, "server ready", 60)

    @property
    def endpoint(self):
        return json.loads((self.data / "server/endpoint.json").read_text())

    @property
    def url(self):
        return self.endpoint["url"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        if status != 0:
            raise AssertionError(f"keyhavend ended with {status}:\n{self.log.read_text()}")

    def kill_server(self):
        unit = self.endpoint["unit_pid"]
        self.process.kill()
        self.process.wait(60)
        wait_until(lambda: not alive(unit), "unit gone with its server")

    def kill_unit(self):
        unit = self.endpoint["unit_pid"]
        os.kill(unit, signal.SIGKILL)
        return unit

    def wait_unit_back(self, old):
        wait_until(lambda: self.endpoint["unit_pid"] not in (old, 0) and
                   self.call("GET", "/readyz", token=None).status == 200, "unit back")

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        shutil.rmtree(self.home, ignore_errors=True)

    # --- the API ---
    @property
    def ca(self):
        return str(self.data / "server/tls/ca.pem")

    @property
    def api_key(self):
        return (self.data / "server/admin-api-key").read_text().strip()

    def connect(self):
        parts = urllib.parse.urlsplit(self.url)
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60,
                                           context=ssl.create_default_context(cafile=self.ca))

    def call(self, method, path, body=None, token="admin", instance=None, headers=None, connection=None):
        """One call. `token`: "admin", None, or a token's text. `body`: an object (sent as JSON), bytes or None."""
        sent = dict(headers or {})
        if token == "admin":
            token = self.token()
        if token:
            sent.setdefault("Authorization", "Bearer " + token)
        if instance:
            sent.setdefault("Bluemix-Instance", instance)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        own = connection is None
        connection = connection or self.connect()
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            if own:
                connection.close()
        if CHECK_ANSWERS:
            openapi_check.checker().check(method, path, answer.status, answer.headers, body)
        return Answer(answer.status, answer.headers, body)

    def token(self, api_key=None):
        cached = getattr(self, "_tokens", None)
        if cached is None:
            cached = self._tokens = {}
        api_key = api_key or self.api_key
        if api_key not in cached:
            form = urllib.parse.urlencode({"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": api_key})
            answer = self.call("POST", "/identity/token", form.encode(), token=None,
                               headers={"Content-Type": "application/x-www-form-urlencoded"})
            assert answer.status == 200, answer.body
            cached[api_key] = answer.json["access_token"]
        return cached[api_key]

    def forget_tokens(self):
        self._tokens = {}

    # --- the command line ---
    def environment(self, **more):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("KH_", "KP_"))}
        environment |= {"KH_URL": self.url, "KH_IAM_URL": self.url, "KH_CA": self.ca,
                        "KH_API_KEY_FILE": str(self.data / "server/admin-api-key"),
                        "XDG_CONFIG_HOME": str(self.home / "config"), "CLOUDTKEFILES": str(self.home / "ceremony")}
        (self.home / "ceremony").mkdir(exist_ok=True, mode=0o700)
        return environment | more

    def cli(self, *arguments, expect=0, **more):
        done = subprocess.run([str(BIN / "keyhaven"), *map(str, arguments)], env=self.environment(**more),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert expect is None or done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def cli_json(self, *arguments):
        return json.loads(self.cli(*arguments, "--output", "json").stdout)

    # --- common steps ---
    def secret_file(self, name, content):
        path = self.home / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    def instance(self, name="test", initialise=True, plan="standard", rotation_interval=0):
        guid = self.cli_json("instance", "create", name, "--plan", plan, "--units", "2", "--rotation-interval",
                             rotation_interval)["guid"]
        if initialise:
            self.ceremony(guid)
        return guid

    def ceremony(self, guid, prefix=None):
        prefix = prefix or guid[:8]
        options = []
        for number in (1, 2):
            admin, part = f"{prefix}-admin{number}", f"{prefix}-part{number}"
            admin_password = self.secret_file(f"{admin}.password", secrets.token_hex(8).encode())
            part_password = self.secret_file(f"{part}.password", secrets.token_hex(8).encode())
            self.cli("tke", "sigkey-add", admin, "--password-file", admin_password)
            self.cli("tke", "mk-add", part, "--random", "--password-file", part_password)
            options += ["--admin", f"{admin}:{admin_password}", "--part", f"{part}:{part_password}"]
        self.cli("tke", "init", "--instance", guid, "--signature-threshold", 2, "--revocation-threshold", 2, *options,
                 "--trust-on-first-use", "--yes")

    def service_id(self, name, role, instance=None):
        """A new service id with one role; returns its API key."""
        identity = self.call("POST", "/v1/serviceids", {"name": name}).json
        iam_id = identity["iam_id"]
        scope = [{"name": "serviceInstance", "value": instance}] if instance else []
        answer = self.call("POST", "/v1/policies", {
            "subjects": [{"attributes": [{"name": "iam_id", "value": iam_id}]}],
            "roles": [{"display_name": role}], "resources": [{"attributes": scope}]})
        assert answer.status == 201, answer.body
        answer = self.call("POST", "/v1/apikeys", {"iam_id": iam_id, "name": name})
        assert answer.status == 201, answer.body
        return answer.json["apikey"]

    def create_key(self, instance, name="a-key", extractable=False, expect=201, **fields):
        resource = {"type": KEY_TYPE, "name": name, "extractable": extractable} | fields
        answer = self.call("POST", "/api/v2/keys", envelope(resource), instance=instance)
        assert answer.status == expect, answer.body
        return answer.json["resources"][0]

    def action(self, instance, key, action, body=None, **options):
        return self.call("POST", f"/api/v2/keys/{key}/actions/{action}", body, instance=instance, **options)

    def wrap(self, instance, key, dek, aad=None):
        answer = self.action(instance, key, "wrap", {"plaintext": b64(dek)} | ({"aad": aad} if aad else {}))
        assert answer.status == 200, answer.body
        return answer.json["ciphertext"]

    def audit_records(self):
        """Every record's event, from all streams, in order of sequence per stream."""
        events = []
        for path in sorted((self.data / "server/audit").rglob("*")):
            if path.is_file():
                for line in path.read_bytes().replace(b"\0", b"").splitlines():
                    with contextlib.suppress(ValueError):
                        record = json.loads(line)
                        if isinstance(record.get("event"), dict):
                            events.append(record["event"])
        return events


def envelope(*resources):
    """The body of a create call."""
    return {"metadata": {"collectionType": KEY_TYPE, "collectionTotal": len(resources)}, "resources": list(resources)}


def b64(data):
    return base64.b64encode(data).decode()


def add_to_plan(path, text):
    """Writes text into a plan of a migration, above the line that marks its end."""
    plan = path.read_text()
    assert plan.endswith("\n...\n"), plan[-200:]
    path.write_text(plan.removesuffix("...\n") + text + "...\n")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_uuid():
    return str(uuid.uuid4())
