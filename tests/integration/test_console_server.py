"""The console as keyhavend serves it: files and their headers, the cookie session, and who may not use it."""
import gzip
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import BIN, Deployment, new_uuid

PAGE = b"<!DOCTYPE html><title>console</title><script type=module src=/console/assets/index-DiwrgTda.js></script>"
SCRIPT = b"console.log('a page of the test');" * 50
MARK = {"X-Keyhaven-Console": "1"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")


def build_of_a_test():
    """A directory as the build of web/ leaves it."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="keyhaven-web-"))
    directory.chmod(0o755)
    (directory / "assets").mkdir()
    (directory / "index.html").write_bytes(PAGE)
    (directory / "assets/index-DiwrgTda.js").write_bytes(SCRIPT)
    (directory / "assets/index-DiwrgTda.js.gz").write_bytes(gzip.compress(SCRIPT))
    (directory / "favicon.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (directory / "outside.txt").symlink_to("/etc/hostname")
    return directory


class Console(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.web = build_of_a_test()
        cls.addClassCleanup(shutil.rmtree, cls.web)
        cls.d = cls.enterClassContext(Deployment(server__web_dir=str(cls.web), iam__token_lifetime_seconds=120))

    def get(self, path, headers=None, method="GET"):
        return self.d.call(method, path, token=None, headers=headers)

    def log_in(self, headers=None, apikey=None):
        body = {"apikey": apikey or self.d.api_key}
        return self.d.call("POST", "/v1/console/session", body, token=None, headers=MARK if headers is None else headers)

    def cookie(self):
        answer = self.log_in()
        self.assertEqual(answer.status, 201, answer.body)
        return answer.headers["Set-Cookie"].partition(";")[0]

    def origin(self):
        return self.d.url.rstrip("/")


class Files(Console):
    def test_page_and_assets_with_the_headers_that_bind_the_browser(self):
        for path, body, mime, cache in (
                ("/console/", PAGE, "text/html; charset=utf-8", "no-cache"),
                ("/console/keys/" + new_uuid(), PAGE, "text/html; charset=utf-8", "no-cache"),
                ("/console/assets/index-DiwrgTda.js", SCRIPT, "text/javascript; charset=utf-8",
                 "public, max-age=31536000, immutable"),
                ("/console/favicon.svg", (self.web / "favicon.svg").read_bytes(), "image/svg+xml", "no-cache")):
            answer = self.get(path)
            self.assertEqual((answer.status, answer.body), (200, body), path)
            self.assertEqual(answer.headers["Content-Type"], mime)
            self.assertEqual(answer.headers.get_all("Cache-Control"), [cache], path)
            self.assertEqual(answer.headers.get_all("Content-Security-Policy"), [POLICY])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(answer.headers["Cross-Origin-Opener-Policy"], "same-origin")
            self.assertIn("camera=()", answer.headers["Permissions-Policy"])

    def test_root_leads_to_the_console(self):
        for method in ("GET", "HEAD"):
            answer = self.get("/", method=method)
            self.assertEqual((answer.status, answer.headers["Location"], answer.body), (302, "/console/", b""))

    def test_compressed_form_tag_and_head(self):
        path = "/console/assets/index-DiwrgTda.js"
        answer = self.get(path, {"Accept-Encoding": "gzip, br"})
        self.assertEqual((answer.headers["Content-Encoding"], gzip.decompress(answer.body)), ("gzip", SCRIPT))
        again = self.get(path, {"Accept-Encoding": "gzip, br", "If-None-Match": answer.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        head = self.get(path, method="HEAD")
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, str(len(SCRIPT)), b""))

    def test_hostile_paths_lead_nowhere(self):
        for path in ("/console/../etc/passwd", "/console/..%2f..%2fetc/passwd.txt", "/console/%2e%2e/%2e%2e/etc/passwd",
                     "/console/assets/../../../etc/passwd", "/console/outside.txt", "/console/assets/index-DiwrgTda.js.gz",
                     "/console/assets/none.js", "/console/.git/config", "/console/%00", "/console//..//x", "/console/a%5c..%5cb.js",
                     "/console/" + "a/" * 40, "/console/%zz"):
            answer = self.get(path)
            self.assertEqual((answer.status, answer.code), (404, "PATH_NOT_FOUND_ERR"), path)
            self.assertNotIn(b"root:", answer.body)
        self.assertEqual(self.d.call("POST", "/console/", b"x", token=None).status, 405)

    def test_environment_says_where_the_page_runs(self):
        answer = self.get("/console/environment.json")
        version = subprocess.run([str(BIN / "keyhavend"), "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1]
        self.assertEqual(answer.json, {"mode": "server", "version": version, "server": self.d.url, "migrations": False})

    def test_files_leave_no_audit_records_and_a_log_in_leaves_one(self):
        sent = {name: new_uuid() for name in ("file", "environment", "login")}
        self.get("/console/", {"Correlation-Id": sent["file"]})
        self.get("/console/environment.json", {"Correlation-Id": sent["environment"]})
        self.log_in(MARK | {"Correlation-Id": sent["login"]})
        events = [event for event in self.d.audit_records() if event.get("correlationId") in sent.values()]
        self.assertEqual([event["action"] for event in events], ["hs-crypto.console-session.create"])
        self.assertNotIn(self.d.api_key, json.dumps(self.d.audit_records()))


class NotInstalled(unittest.TestCase):
    def test_without_files_the_server_serves_keys_and_a_page_says_what_is_missing(self):
        with Deployment(server__web_dir="/nonexistent/web") as deployment:
            page = deployment.call("GET", "/console/", token=None)
            self.assertEqual((page.status, page.headers["Content-Type"]), (404, "text/html; charset=utf-8"))
            self.assertIn(b"--target web", page.body)
            self.assertEqual(deployment.call("GET", "/readyz", token=None).status, 200)
            self.assertIn("no console", deployment.log.read_text())


class Session(Console):
    def test_log_in_sets_a_cookie_of_this_host_only(self):
        answer = self.log_in(MARK | {"Origin": self.origin(), "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.headers.get_all("Cache-Control"), ["no-store"])
        value, *attributes = answer.headers["Set-Cookie"].split("; ")
        self.assertEqual(attributes, ["Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=120"])
        token = value.partition("=")[2]
        self.assertNotIn(token.encode(), answer.body)
        self.assertLess(len(value), 4096)
        me = self.d.call("GET", "/v1/console/session")  # by bearer token
        self.assertEqual({name: value for name, value in me.json.items() if name != "expires_at"},
                         {name: value for name, value in answer.json.items() if name != "expires_at"})

    def test_cookie_takes_the_place_of_the_token_in_every_call(self):
        headers = MARK | {"Cookie": self.cookie()}
        for path in ("/v1/console/session", "/v2/resource_instances", "/v1/serviceids"):
            self.assertEqual(self.get(path, headers).status, 200, path)
        made = self.d.call("POST", "/v1/serviceids", {"name": "made by the console"}, token=None,
                           headers=headers | {"Origin": self.origin()})
        self.assertEqual(made.status, 201)

    def test_no_other_site_can_use_it(self):
        cookie = self.cookie()
        host = self.origin().partition("://")[2]
        for headers in ({}, {"X-Keyhaven-Console": "true"}, MARK | {"Origin": "https://evil.example"}, MARK | {"Origin": "null"},
                        MARK | {"Origin": "http://" + host}, MARK | {"Origin": f"https://{host}.evil.example"},
                        MARK | {"Origin": "https://" + host.partition(":")[0]}, MARK | {"Sec-Fetch-Site": "cross-site"},
                        MARK | {"Sec-Fetch-Site": "same-site"}, MARK | {"Host": "evil.example", "Origin": self.origin()}):
            for method, path, body in (("GET", "/v1/console/session", None), ("DELETE", "/v1/console/session", None),
                                       ("POST", "/v1/serviceids", {"name": "forged"})):
                answer = self.d.call(method, path, body, token=None, headers=headers | {"Cookie": cookie})
                self.assertEqual(answer.status, 401, (method, path, headers))
        self.assertEqual(self.get("/v1/console/session", MARK | {"Cookie": cookie}).status, 200, "still good for the page")
        self.assertNotIn("forged", [one["name"] for one in self.d.call("GET", "/v1/serviceids").json["serviceids"]])
        twice = self.get("/v1/console/session", MARK | {"Cookie": f"{cookie}; {cookie}"})
        self.assertEqual(twice.status, 401)

    def test_log_in_of_another_site_or_with_a_wrong_key_is_refused(self):
        for status, headers, apikey in ((401, {}, None), (401, MARK | {"Origin": "https://evil.example"}, None),
                                        (400, MARK, "wrong"), (400, MARK, "x" * 257)):
            answer = self.log_in(headers, apikey)
            self.assertEqual((answer.status, answer.headers["Set-Cookie"]), (status, None), (headers, apikey))
        self.assertEqual(self.log_in(apikey="wrong").code, "UNKNOWN_API_KEY_ERR")
        huge = self.d.call("POST", "/v1/console/session", b'{"apikey":"' + b"x" * 2_000_000 + b'"}', token=None, headers=MARK)
        self.assertEqual(huge.status, 413)

    def test_log_out_ends_the_token_itself(self):
        cookie, other = self.cookie(), self.cookie()
        out = self.d.call("DELETE", "/v1/console/session", token=None, headers=MARK | {"Cookie": cookie})
        self.assertEqual((out.status, out.body), (204, b""))
        self.assertTrue(out.headers["Set-Cookie"].endswith("Max-Age=0"))
        self.assertEqual(self.get("/v1/console/session", MARK | {"Cookie": cookie}).status, 401)
        self.assertEqual(self.d.call("GET", "/v1/serviceids", token=cookie.partition("=")[2]).status, 401)
        if cookie != other:
            self.assertEqual(self.get("/v1/console/session", MARK | {"Cookie": other}).status, 200)

    def test_a_deleted_api_key_ends_its_sessions(self):
        api_key = self.d.service_id("leaver", "Manager")
        answer = self.log_in(apikey=api_key)
        headers = MARK | {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
        self.assertEqual(self.get("/v1/console/session", headers).json["name"], "leaver")
        ids = [key["id"] for key in self.d.call("GET", f"/v1/apikeys?iam_id={answer.json['id']}").json["apikeys"]]
        for one in ids:
            self.assertEqual(self.d.call("DELETE", f"/v1/apikeys/{one}").status, 204)
        self.assertEqual(self.get("/v1/console/session", headers).status, 401)

    def test_cookie_survives_a_restart_and_nothing_else_does(self):
        cookie = self.cookie()
        self.d.stop()
        self.d.start()
        self.assertEqual(self.get("/v1/console/session", MARK | {"Cookie": cookie}).status, 200)
        self.assertEqual(self.get("/v1/console/session", MARK | {"Cookie": cookie[:-4] + "AAAA"}).status, 401)


if __name__ == "__main__":
    unittest.main()
