"""`keyhaven console`: who gets in, what is passed on to the server, and what a server cannot do to the page."""
import http.client
import http.server
import json
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest

from harness import BIN, Deployment, Answer, b64, free_port, new_uuid
from test_console_server import MARK, PAGE, POLICY, build_of_a_test


class LocalConsole:
    """The program itself, as an administrator starts it, with the environment of a deployment."""

    def __init__(self, deployment, web, *options, **environment):
        command = [str(BIN / "keyhaven"), "console", "--web-dir", str(web), "--output", "json", *map(str, options)]
        self.process = subprocess.Popen(command, env=deployment.environment(**environment), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read())
        self.start = json.loads(line)
        self.port = self.start["port"]
        self.host = f"127.0.0.1:{self.port}"
        self.token = self.start["url"].partition("#start=")[2]

    def call(self, method, path, body=None, headers=None):
        """One request with exactly these headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {"Host": self.host} | (headers or {})
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            for name, value in sent.items():
                connection.putheader(name, value)
            if data is not None:
                connection.putheader("Content-Type", "application/json")
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def open(self):
        """Exchanges the start token; returns the headers of the page's own calls."""
        answer = self.call("POST", "/local/session", {"token": self.token}, MARK)
        assert answer.status == 201, answer.body
        return MARK | {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}

    def end(self):
        self.process.terminate()
        output = self.process.communicate(timeout=60)
        return self.process.returncode, *output

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Local(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.web = build_of_a_test()
        cls.addClassCleanup(shutil.rmtree, cls.web)
        cls.d = cls.enterClassContext(Deployment())

    def console(self, *options, **environment):
        console = LocalConsole(self.d, self.web, *options, **environment)
        self.addCleanup(console.close)
        return console


class Entering(Local):
    def test_page_and_environment_need_no_session(self):
        console = self.console()
        page = console.call("GET", "/console/crypto-units")
        self.assertEqual((page.status, page.body, page.headers["Content-Security-Policy"]), (200, PAGE, POLICY))
        self.assertEqual(console.call("GET", "/console/none.js").status, 404)
        self.assertEqual(console.call("GET", "/console/../../etc/passwd").status, 404)
        self.assertEqual(console.call("POST", "/console/").status, 405)
        self.assertEqual(console.call("GET", "/").headers["Location"], "/console/")
        environment = console.call("GET", "/console/environment.json").json
        self.assertEqual((environment["mode"], environment["server"], environment["migrations"]), ("local", self.d.url, False))

    def test_start_token_is_taken_once_from_our_page_only(self):
        console = self.console()
        self.assertRegex(console.start["url"], rf"^http://127\.0\.0\.1:{console.port}/console/#start=[\w-]{{44}}$")
        for status, body, headers in (
                (401, {"token": console.token}, {}),
                (401, {"token": console.token}, MARK | {"Origin": "https://evil.example"}),
                (401, {"token": console.token}, MARK | {"Sec-Fetch-Site": "cross-site"}),
                (401, {"token": "A" * 44}, MARK), (401, {"token": ""}, MARK), (400, {}, MARK), (400, b"", MARK), (400, b"x" * 2000, MARK)):
            answer = console.call("POST", "/local/session", body, headers)
            self.assertEqual((answer.status, answer.headers["Set-Cookie"]), (status, None), (body, headers))
        answer = console.call("POST", "/local/session", {"token": console.token}, MARK | {
            "Origin": f"http://{console.host}", "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(answer.status, 201)
        self.assertRegex(answer.headers["Set-Cookie"],
                         rf"^keyhaven-local-{console.port}=[\w-]{{44}}; Path=/; HttpOnly; SameSite=Strict$")
        self.assertNotIn(console.token, answer.headers["Set-Cookie"])
        again = console.call("POST", "/local/session", {"token": console.token}, MARK)
        self.assertEqual(again.status, 401)
        self.assertIn("start it again", again.json["resources"][0]["errorMsg"])

    def test_other_names_for_this_address_are_refused(self):
        console = self.console()
        headers = console.open()
        for host in ("evil.example", f"evil.example:{console.port}", "127.0.0.1", f"127.0.0.1:{console.port + 1}",
                     f"[::1]:{console.port}", f"127.0.0.2:{console.port}", f"localhost.evil.example:{console.port}"):
            for path in ("/console/", "/v1/console/session"):
                answer = console.call("GET", path, None, headers | {"Host": host})
                self.assertEqual((answer.status, answer.code), (403, "HOST_NOT_ALLOWED_ERR"), (host, path))
        good = console.call("GET", "/v1/console/session", None, headers | {"Host": f"localhost:{console.port}",
                                                                          "Origin": f"http://localhost:{console.port}"})
        self.assertEqual(good.status, 200)

    def test_without_cookie_or_header_nothing_is_answered(self):
        console = self.console()
        headers = console.open()
        cookie = {"Cookie": headers["Cookie"]}
        for sent in ({}, MARK, cookie, headers | {"Cookie": headers["Cookie"][:-1] + "-"}, headers | {"Origin": "null"},
                     headers | {"Origin": "https://evil.example"}, headers | {"Origin": f"https://{console.host}"},
                     headers | {"Sec-Fetch-Site": "same-site"}, headers | {"Cookie": f"{headers['Cookie']}; {headers['Cookie']}"},
                     MARK | {"Authorization": "Bearer " + self.d.token()}):
            for method, path in (("GET", "/v1/console/session"), ("GET", "/v1/serviceids"), ("POST", "/v1/serviceids"),
                                 ("GET", "/local/attestation-root"), ("GET", "/no/such/path")):
                self.assertEqual(console.call(method, path, None, sent).status, 401, (method, path, sent))

    def test_log_out_ends_the_session(self):
        console = self.console()
        headers = console.open()
        out = console.call("DELETE", "/v1/console/session", None, headers)
        self.assertEqual(out.status, 204)
        self.assertIn("Max-Age=0", out.headers["Set-Cookie"])
        self.assertEqual(console.call("GET", "/v1/console/session", None, headers).status, 401)
        self.assertEqual(console.call("POST", "/local/session", {"token": console.token}, MARK).status, 401)


class PassingOn(Local):
    def test_calls_reach_the_server_with_the_login_of_the_profile(self):
        console = self.console()
        headers = console.open()
        me = console.call("GET", "/v1/console/session", None, headers)
        self.assertEqual((me.status, me.json["name"]), (200, "administrator"))
        guid = self.d.instance("console", initialise=False)
        listed = console.call("GET", "/v2/resource_instances", None, headers)
        self.assertIn(guid, [one["guid"] for one in listed.json["resources"]])
        correlation = new_uuid()
        keys = console.call("HEAD", "/api/v2/keys?state=1", None, headers | {"Bluemix-Instance": guid, "Correlation-Id": correlation})
        self.assertEqual((keys.status, keys.headers["Key-Total"], keys.headers["Correlation-Id"]), (200, "0", correlation))
        made = console.call("POST", "/v1/serviceids", {"name": "by way of the console"}, headers)
        self.assertEqual(made.status, 201)
        self.assertEqual(console.call("DELETE", f"/v1/serviceids/{made.json['iam_id']}", None, headers).status, 204)
        refused = console.call("GET", "/api/v2/keys/none", None, headers | {"Bluemix-Instance": guid})
        self.assertEqual(refused.status, 404)
        self.assertEqual(refused.code, "KEY_NOT_FOUND_ERR")

    def test_the_page_never_gets_a_token(self):
        console = self.console()
        headers = console.open()
        form = b"grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey=" + self.d.api_key.encode()
        for path in ("/identity/token", "/oidc/token", "//identity/token", "/api/%2e%2e/identity/token"):
            self.assertEqual(console.call("POST", path, form, headers).status, 404, path)
        self.assertEqual(console.call("POST", "/v1/console/session", {"apikey": self.d.api_key}, headers).status, 405)
        everything = b"".join(console.call("GET", path, None, headers).body for path in (
            "/v1/console/session", "/v1/apikeys", "/readyz", "/metrics"))
        self.assertNotIn(self.d.api_key.encode(), everything)
        self.assertNotIn(b"eyJ", everything)

    def test_a_page_of_the_server_is_only_bytes_here(self):
        console = self.console()
        headers = console.open()
        page = console.call("GET", "/api/docs", None, headers)
        self.assertEqual((page.status, page.headers["Content-Type"]), (200, "application/octet-stream"))
        self.assertEqual(page.headers.get_all("Content-Security-Policy"), ["default-src 'none'; sandbox"])
        self.assertEqual(page.headers["X-Content-Type-Options"], "nosniff")

    def test_server_down_and_back(self):
        with Deployment() as deployment:
            console = LocalConsole(deployment, self.web)
            self.addCleanup(console.close)
            headers = console.open()
            self.assertEqual(console.call("GET", "/v1/console/session", None, headers).status, 200)
            deployment.stop()
            down = console.call("GET", "/v1/serviceids", None, headers)
            self.assertEqual((down.status, down.code), (502, "SERVER_UNREACHABLE_ERR"))
            self.assertTrue(down.json["resources"][0]["errorMsg"].startswith("Bad Gateway: "))
            self.assertEqual(console.call("GET", "/console/").status, 200)

    def test_a_server_with_another_certificate_gets_nothing(self):
        with Deployment() as other:
            console = self.console("--url", other.url)  # with the CA of the first
            headers = console.open()
            answer = console.call("GET", "/v2/resource_instances", None, headers)
            self.assertEqual((answer.status, answer.code), (502, "SERVER_UNREACHABLE_ERR"))
            self.assertNotIn("eyJ", other.log.read_text())


class HostileServer(http.server.BaseHTTPRequestHandler):
    """Answers every call with a page, headers that would bind the browser to it, and what it was sent."""
    seen = []

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"access_token": "eyJ.a.b", "expires_in": 3600, "expiration": 4102444800, "token_type": "Bearer"}).encode()
        self.answer(body, "application/json")

    def do_GET(self):
        self.seen.append(dict(self.headers))
        self.answer(b"<script>alert(1)</script>", "text/html")

    def answer(self, body, mime):
        self.send_response(200)
        for name, value in (("Content-Type", mime), ("Content-Length", str(len(body))), ("Set-Cookie", "x=y"),
                            ("Access-Control-Allow-Origin", "*"), ("Content-Security-Policy", "script-src *"), ("Service-Worker-Allowed", "/"),
                            ("Refresh", "0; url=https://evil.example")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Hostile(Local):
    def test_what_a_hostile_server_sends_is_neither_page_nor_cookie(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HostileServer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.d.data / "server/tls/server.pem", self.d.data / "server/tls/server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        console = self.console("--url", f"https://127.0.0.1:{server.server_port}", "--iam-url", f"https://127.0.0.1:{server.server_port}")
        headers = console.open()
        answer = console.call("GET", "/api/v2/keys", None, headers)
        self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
        self.assertEqual(answer.headers.get_all("Content-Security-Policy"), ["default-src 'none'; sandbox"])
        for name in ("Set-Cookie", "Access-Control-Allow-Origin", "Service-Worker-Allowed", "Refresh"):
            self.assertIsNone(answer.headers[name], name)
        for name in ("Cookie", "Origin", "X-Keyhaven-Console"):
            self.assertNotIn(name, HostileServer.seen[-1])


class Roots(Local):
    def test_root_is_the_pinned_one_and_not_what_the_server_says(self):
        claimed = self.d.call("GET", "/v1/tke/attestation_root").json
        with Deployment() as other:
            foreign = other.call("GET", "/v1/tke/attestation_root").json
        pinned = self.d.secret_file("root.txt", "".join(f"{name.upper()}: {foreign[name]}\n" for name in ("ski", "x", "y")).encode())
        console = self.console("--attestation-root", pinned)
        answer = console.call("GET", "/local/attestation-root", None, console.open())
        self.assertEqual(answer.json, foreign)
        self.assertNotEqual(answer.json, claimed)

    def test_root_pinned_by_a_ceremony_and_none(self):
        directory = self.d.home / "pins"
        directory.mkdir(mode=0o700, exist_ok=True)
        console = self.console(CLOUDTKEFILES=str(directory))
        missing = console.call("GET", "/local/attestation-root", None, console.open())
        self.assertEqual(missing.status, 404)
        self.assertIn("--attestation-root", missing.json["resources"][0]["errorMsg"])
        guid = self.d.instance("roots", initialise=False)
        self.d.cli("tke", "attestation", "--instance", guid, "--trust-on-first-use", CLOUDTKEFILES=str(directory))
        console = self.console(CLOUDTKEFILES=str(directory))
        answer = console.call("GET", "/local/attestation-root", None, console.open())
        self.assertEqual(answer.json, self.d.call("GET", "/v1/tke/attestation_root").json)


class Shown(Local):
    def test_plan_status_and_report_of_a_migration(self):
        source, target = self.d.instance("source"), self.d.instance("target")
        key = self.d.create_key(source, "standard", extractable=True, payload=b64(b"k" * 32))
        directory = pathlib.Path(tempfile.mkdtemp(prefix="keyhaven-migration-"))
        self.addCleanup(shutil.rmtree, directory)
        plan = directory / "plan.yaml"
        api_key = str(self.d.data / "server/admin-api-key")
        side = lambda name, guid: ["--" + name + "-instance", guid]  # noqa: E731
        self.d.cli("migrate", "plan", *side("source", source), *side("target", target), "--out", plan, KH_API_KEY_FILE=api_key)
        console = self.console("--migration", directory)
        headers = console.open()
        self.assertTrue(console.call("GET", "/console/environment.json").json["migrations"])
        get = lambda path: console.call("GET", "/local/migrations" + path, None, headers)  # noqa: E731
        (directory / "other.yaml").write_text("not: a plan\n")
        self.assertEqual(get("").json, {"migrations": ["plan.yaml"]})
        shown = get("/plan.yaml/plan").json
        self.assertEqual((shown["name"], shown["text"], shown["mistake"]), ("plan.yaml", plan.read_text(), None))
        self.assertEqual([key_of_plan["source"] for key_of_plan in shown["plan"]["keys"]], [key["id"]])
        self.assertEqual(get("/plan.yaml/status").json, json.loads(self.d.cli("migrate", "status", plan, "--output", "json").stdout))
        self.assertEqual(get("/plan.yaml/report").status, 404)
        self.d.cli("migrate", "apply", plan)
        status = get("/plan.yaml/status").json
        self.assertEqual(status, json.loads(self.d.cli("migrate", "status", plan, "--output", "json").stdout))
        self.assertEqual(status["keys"][0]["source"], key["id"])
        self.d.cli("migrate", "report", plan, "--out", directory / "report.html", expect=None)
        self.assertEqual(get("/plan.yaml/report").json["report"]["plan"]["id"], status["plan"])
        for path in ("/other.yaml/plan", "/../plan.yaml/plan", "/%2e%2e%2fplan.yaml/plan", "/plan.yaml", "/plan.yaml/journal", "/x/plan",
                     "/plan.yaml.journal/plan", "s/plan.yaml/plan"):
            self.assertEqual(get(path).status, 404, path)
        self.assertEqual(console.call("DELETE", "/local/migrations/plan.yaml/plan", None, headers).status, 405)


class Program(Local):
    def test_it_ends_by_a_signal_and_leaves_nothing_secret(self):
        console = self.console()
        arguments = pathlib.Path(f"/proc/{console.process.pid}/cmdline").read_bytes()
        headers = console.open()
        console.call("GET", "/v1/serviceids", None, headers)
        status, out, err = console.end()
        self.assertEqual((status, out, err), (0, "", ""))
        for secret in (self.d.api_key, console.token, headers["Cookie"].partition("=")[2]):
            self.assertNotIn(secret.encode(), arguments)
            self.assertNotIn(secret, self.d.log.read_text())

    def test_it_listens_on_loopback_only(self):
        console = self.console()
        sockets = [line.split() for line in pathlib.Path(f"/proc/{console.process.pid}/net/tcp").read_text().splitlines()[1:]]
        mine = [row[1] for row in sockets if row[3] == "0A" and row[1].endswith(f":{console.port:04X}")]
        self.assertEqual(mine, [f"0100007F:{console.port:04X}"])

    def test_wrong_use_says_what_is_wrong(self):
        busy = self.console()
        for text, status, options in (("is in use", 1, ["--web-dir", self.web, "--port", busy.port]),
                                      ("--target web", 2, ["--web-dir", "/nonexistent"]),
                                      ("no such directory", 2, ["--web-dir", self.web, "--migration", "/nonexistent"]),
                                      ("root", 2, ["--web-dir", self.web, "--attestation-root", "/etc/hostname"]),
                                      ("idle", 2, ["--web-dir", self.web, "--idle", "0"])):
            done = self.d.cli("console", *options, expect=None)
            self.assertEqual(done.returncode, status, (options, done.stderr))
            self.assertIn(text, done.stderr)

    def test_people_get_the_address_in_words(self):
        process = subprocess.Popen([str(BIN / "keyhaven"), "console", "--web-dir", str(self.web), "--port", str(free_port())],
                                   env=self.d.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "The console is at\n")
        process.stdout.readline()
        self.assertRegex(process.stdout.readline(), r"^  http://127\.0\.0\.1:\d+/console/#start=\S+\n$")


if __name__ == "__main__":
    unittest.main()
