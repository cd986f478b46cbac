"""Logging in to the console at an OpenID provider: the certified package oidc-provider against a real server."""
import json
import subprocess
import tempfile
import unittest
import urllib.parse

from harness import BIN, Deployment, new_uuid, wait_until
from openid_provider import OpenIdProvider, Visitor

MARK = {"X-Keyhaven-Console": "1"}
START, CALLBACK = "/v1/console/oidc/start", "/v1/console/oidc/callback"
STATE_COOKIE, SESSION_COOKIE = "__Host-keyhaven-openid", "__Host-keyhaven"


class Browser:
    """The cookies of one person at the server, and their session at the provider."""

    def __init__(self, deployment, provider):
        self.d, self.cookies, self.visitor = deployment, {}, Visitor(provider)

    def get(self, url, headers=None):
        parts = urllib.parse.urlsplit(url)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} | (headers or {})
        answer = self.d.call("GET", parts.path + ("?" + parts.query if parts.query else ""), token=None, headers=sent)
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    def begin(self, back="/console/instances?x=1"):
        answer = self.get(f"{START}?{urllib.parse.urlencode({'return': back})}")
        assert answer.status == 302, (answer.status, answer.headers["Location"])
        return answer.headers["Location"]

    def at_provider(self, login="ann", then="login", back="/console/instances?x=1"):
        """From the log-in page to where the provider leads back to."""
        return self.visitor.log_in(self.begin(back), login, then)

    def log_in(self, login="ann", **options):
        return self.get(self.at_provider(login, **options))

    def session(self):
        return self.get("/v1/console/session", MARK)


def trouble(answer):
    """The word and the other parts that the log-in page is told."""
    assert answer.status == 303, answer.status
    path, _, fragment = answer.headers["Location"].partition("#")
    return path, dict(urllib.parse.parse_qsl(fragment))


class LogIn(unittest.TestCase):
    SECRET, ALGORITHM, SETTINGS = None, "RS256", {}

    @classmethod
    def setUpClass(cls):
        cls.provider = OpenIdProvider(cls.SECRET, cls.ALGORITHM)
        cls.addClassCleanup(cls.provider.close)
        cls.d = cls.enterClassContext(Deployment(iam__token_lifetime_seconds=120, **cls.provider.settings(), **cls.SETTINGS))
        cls.start_provider()
        cls.ann = cls.user("Ann", "ann")

    @classmethod
    def start_provider(cls):
        cls.provider.start(cls.d.url + CALLBACK)

    @classmethod
    def user(cls, name, subject=None):
        body = {"name": name, "type": "user"} | ({"oidc_subject": subject} if subject else {})
        answer = cls.d.call("POST", "/v1/serviceids", body)
        assert answer.status == 201, answer.body
        return answer.json["iam_id"]

    def link(self, iam_id, subject):
        return self.d.call("PATCH", f"/v1/serviceids/{iam_id}", {"oidc_subject": subject})

    def browser(self):
        return Browser(self.d, self.provider)

    def events(self, correlation):
        return [event for event in self.d.audit_records() if event.get("correlationId") == correlation]

    def refused(self, answer, word):
        path, told = trouble(answer)
        self.assertEqual(told["openid"], word, told)
        self.assertNotIn(SESSION_COOKIE + "=", "".join(answer.headers.get_all("Set-Cookie") or []))
        events = self.events(told["id"])
        self.assertEqual([event["outcome"] for event in events], ["failure"])
        self.assertTrue(events[0]["reason"], events)
        return path, told


class Good(LogIn):
    def test_the_linked_person_has_a_session_like_any_other(self):
        browser, sent = self.browser(), new_uuid()
        address = browser.at_provider()
        answer = browser.get(address, {"Correlation-Id": sent})
        self.assertEqual((answer.status, answer.headers["Location"], answer.body), (303, "/console/instances?x=1", b""))
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        state, session = answer.headers.get_all("Set-Cookie")
        self.assertEqual(state, f"{STATE_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
        self.assertRegex(session, rf"^{SESSION_COOKIE}=[^;]+; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=120$")
        self.assertEqual(browser.session().json["id"], self.ann)
        event, = self.events(sent)
        self.assertEqual((event["action"], event["outcome"]), ("hs-crypto.console-oidc.finish", "success"))
        self.assertEqual(event["initiator"]["id"], self.ann)
        text = json.dumps(event)
        self.assertIn('"oidc"', text)
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))["code"]
        everything = json.dumps(self.d.audit_records()) + self.d.log.read_text()
        for secret in (code, browser.cookies[SESSION_COOKIE], session.partition(";")[0]):
            self.assertNotIn(secret, everything)

    def test_log_out_ends_the_session(self):
        browser = self.browser()
        browser.log_in()
        cookie = browser.cookies[SESSION_COOKIE]
        self.assertEqual(self.d.call("DELETE", "/v1/console/session", token=None, headers=MARK | {"Cookie": f"{SESSION_COOKIE}={cookie}"}).status, 204)
        self.assertEqual(browser.session().status, 401)

    def test_the_page_is_told_what_the_provider_is_called(self):
        self.assertEqual(self.d.call("GET", "/console/environment.json", token=None).json["openid"], "the tests")

    def test_the_way_back_is_only_into_the_console(self):
        for back in ("https://evil.example/", "//evil.example/", "/console/../v1/x", "/console/%2e%2e/x", "/console/a\\b", "/api/v2/keys", "/console/a#b", "",
                     "/console/" + "a" * 600):
            self.assertEqual(self.browser().log_in(back=back).headers["Location"], "/console/", back)


class WithASecret(Good):
    SECRET, ALGORITHM = "s3cret:/+ of the tests", "ES256"


class Pss(LogIn):
    ALGORITHM = "PS256"

    def test_log_in(self):
        browser = self.browser()
        browser.log_in()
        self.assertEqual(browser.session().json["id"], self.ann)


class EdDsa(Pss):
    ALGORITHM = "EdDSA"


class Refusals(LogIn):
    def test_cancelled_at_the_provider(self):
        browser = self.browser()
        path, _ = self.refused(browser.log_in(then="cancel"), "cancelled")
        self.assertEqual(path, "/console/instances?x=1")
        self.assertNotIn(STATE_COOKIE, browser.cookies)

    def test_who_is_not_linked_is_told_the_subject_to_give_to_an_administrator(self):
        hostile = 'zoe & "<b>#'
        browser = self.browser()
        _, told = self.refused(browser.log_in(hostile), "unlinked")
        self.assertEqual(told["subject"], hostile)
        self.assertEqual(browser.session().status, 401)
        self.assertIn(json.dumps(hostile), json.dumps(self.events(told["id"])))

    def test_an_answer_counts_only_in_the_browser_that_began_and_once(self):
        victim, attacker = self.browser(), self.browser()
        address = attacker.at_provider()
        self.refused(victim.get(address), "state")  # no cookie
        victim.begin()
        self.refused(victim.get(address), "state")  # a cookie of another log-in
        cookie = attacker.cookies[STATE_COOKIE]
        self.assertEqual(attacker.get(address).headers["Location"], "/console/instances?x=1")
        self.refused(attacker.get(address), "state")  # the cookie went
        self.refused(attacker.get(address, {"Cookie": f"{STATE_COOKIE}={cookie}"}), "state")  # a copy of it

    def test_junk_is_refused_before_anybody_is_asked(self):
        browser = self.browser()
        begun = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(browser.begin()).query))
        cookie = f"{STATE_COOKIE}={browser.cookies[STATE_COOKIE]}"
        cases = {
            "state": ["", "?code=x", "?state=&code=x", "?state=x&code=x", f"?state={begun['state'][:-1]}&code=x",
                      f"?state={begun['state']}&state={begun['state']}&code=x"],
            "refused": [f"?state={begun['state']}", f"?state={begun['state']}&code=", f"?state={begun['state']}&code={'x' * 3000}",
                        f"?state={begun['state']}&code=x&code=y", f"?state={begun['state']}&code=x&iss=https%3A%2F%2Fevil.example",
                        f"?state={begun['state']}&code=x&iss=", f"?state={begun['state']}&error=a&error=b"],
        }
        for word, queries in cases.items():
            for query in queries:
                self.refused(self.browser().get(CALLBACK + query, {"Cookie": cookie}), word)
        for cookies in (f"{cookie}; {cookie}", f"{STATE_COOKIE}=x", f"{STATE_COOKIE}=", cookie[:-2]):
            self.refused(self.browser().get(f"{CALLBACK}?state={begun['state']}&code=x", {"Cookie": cookies}), "state")
        # The log-in itself still stands; a code that the provider did not give ends it.
        good = f"{CALLBACK}?state={begun['state']}&code=x&iss={urllib.parse.quote(self.provider.issuer, safe='')}"
        _, told = self.refused(self.browser().get(good, {"Cookie": cookie}), "refused")
        self.assertIn("invalid_grant", json.dumps(self.events(told["id"])))

    def test_an_error_of_the_provider_is_a_word_and_never_its_text(self):
        browser = self.browser()
        begun = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(browser.begin()).query))
        answer = browser.get(f"{CALLBACK}?state={begun['state']}&error=%3Cscript%3E&error_description=EVIL")
        _, told = self.refused(answer, "refused")
        self.assertNotIn("EVIL", answer.headers["Location"] + json.dumps(self.events(told["id"])))

    def test_another_site_cannot_begin_and_other_addresses_say_where(self):
        for headers, word in (({"Sec-Fetch-Site": "cross-site"}, "begin"), ({"Sec-Fetch-Site": "same-site"}, "begin"),
                              ({"Origin": "https://evil.example"}, "begin"), ({"Host": "other.example"}, "address")):
            answer = self.browser().get(START, headers)
            self.refused(answer, word)
        for site in ("same-origin", "none"):
            self.assertEqual(self.browser().get(START, {"Sec-Fetch-Site": site}).status, 302)


class Links(LogIn):
    def test_unlinking_relinking_and_deleting_end_the_session_at_once(self):
        for end in (lambda who: self.link(who, None), lambda who: self.link(who, "bob-2"),
                    lambda who: self.d.call("DELETE", f"/v1/serviceids/{who}")):
            bob = self.user("Bob", "bob")
            browser = self.browser()
            browser.log_in("bob")
            self.assertEqual(browser.session().json["id"], bob)
            self.assertIn(end(bob).status, (200, 204))
            self.assertEqual(browser.session().status, 401)
            self.refused(browser.log_in("bob"), "unlinked")
            self.d.call("DELETE", f"/v1/serviceids/{bob}")

    def test_one_subject_is_one_user(self):
        eve = self.user("Eve")
        again = self.link(eve, "ann")
        self.assertEqual((again.status, again.code), (409, "ALREADY_EXISTS_ERR"))
        self.assertEqual(self.d.call("POST", "/v1/serviceids", {"name": "x", "type": "user", "oidc_subject": "ann"}).status, 409)
        service = self.d.call("POST", "/v1/serviceids", {"name": "job", "oidc_subject": "job"})
        self.assertEqual((service.status, service.code), (400, "INVALID_FIELD_ERR"))
        linked = self.link(eve, "eve")
        self.assertEqual((linked.json["oidc_subject"], linked.json["oidc_issuer"]), ("eve", self.provider.issuer))
        listed = {one["iam_id"]: one.get("oidc_subject") for one in self.d.call("GET", "/v1/serviceids").json["serviceids"]}
        self.assertEqual((listed[eve], listed[self.ann]), ("eve", "ann"))

    def test_bad_links_are_refused_with_words(self):
        eve = self.user("Eve")
        for body in ({}, {"oidc_subject": ""}, {"oidc_subject": 7}, {"oidc_subject": "a" * 256}, {"oidc_subject": " a"}, {"oidc_subject": "ä"},
                     {"oidc_subject": "a\nb"}, {"oidc_subject": "a", "name": "b"}, [], None, {"oidc_subject": ["a"]}):
            answer = self.d.call("PATCH", f"/v1/serviceids/{eve}", body)
            self.assertEqual(answer.status, 400, body)
        self.assertEqual(self.link("IBMid-none", "x").status, 404)
        self.assertEqual(self.d.call("PATCH", f"/v1/serviceids/{eve}", {"oidc_subject": "x"}, token=None).status, 401)
        reader = self.d.token(self.d.service_id("reader", "Reader"))
        self.assertIn(self.d.call("PATCH", f"/v1/serviceids/{eve}", {"oidc_subject": "x"}, token=reader).status, (401, 403))

    def test_the_last_administrator_with_an_api_key_stays(self):
        answer = self.d.call("POST", "/v1/policies", {"subjects": [{"attributes": [{"name": "iam_id", "value": self.ann}]}],
                                                      "roles": [{"display_name": "Administrator"}], "resources": [{"attributes": []}]})
        self.assertEqual(answer.status, 201)
        first = next(one for one in self.d.call("GET", "/v1/serviceids").json["serviceids"] if one["name"] == "administrator")
        answer = self.d.call("DELETE", f"/v1/serviceids/{first['iam_id']}")
        self.assertEqual((answer.status, answer.code), (409, "CONFLICT_ERR"))

    def test_the_command_line_links(self):
        made = self.d.cli_json("iam", "user", "create", "Uli", "--oidc-subject", "uli")
        self.assertEqual(made["oidc_subject"], "uli")
        self.assertIn("uli", self.d.cli("iam", "user", "list").stdout)
        browser = self.browser()
        browser.log_in("uli")
        self.assertEqual(browser.session().json["id"], made["iam_id"])
        self.d.cli("iam", "user", "unlink", made["iam_id"])
        self.assertEqual(browser.session().status, 401)
        self.d.cli("iam", "user", "link", made["iam_id"], "--oidc-subject", "uli-2")
        self.assertIn("IDENTITY_NOT_FOUND_ERR", self.d.cli("iam", "user", "link", "IBMid-none", "--oidc-subject", "x", expect=None).stderr)
        self.refused(self.browser().log_in("uli"), "unlinked")
        browser.visitor.cookies.clear()
        browser.log_in("uli-2")
        self.assertEqual(browser.session().json["id"], made["iam_id"])
        self.d.cli("iam", "user", "delete", made["iam_id"])
        self.assertEqual(browser.session().status, 401)


class ProviderTrouble(LogIn):
    """The server starts, and serves, whether or not there is a provider."""

    @classmethod
    def start_provider(cls):
        """Later."""

    def test_down_up_with_other_keys_and_down_again(self):
        self.assertEqual(self.d.call("GET", "/readyz", token=None).status, 200)
        answer = self.browser().get(START)
        _, told = self.refused(answer, "unreachable")
        self.assertIn(f"localhost:{self.provider.port}", json.dumps(self.events(told["id"])))
        self.provider.start(self.d.url + CALLBACK)
        wait_until(lambda: self.browser().get(START).status == 302, "the provider is asked again after its pause")
        browser = self.browser()
        browser.log_in()
        self.assertEqual(browser.session().json["id"], self.ann)
        self.provider.rotate()
        # Keys are read anew at most every 30 seconds.
        wait_until(lambda: "#" not in self.browser().log_in().headers["Location"], "the new key is known", 60)
        late = self.browser()
        address = late.at_provider()
        self.provider.stop()
        self.refused(late.get(address), "unreachable")
        self.assertEqual(browser.session().json["id"], self.ann, "who is logged in stays so")

    def test_a_restart_with_another_provider_or_none_ends_the_sessions(self):
        with OpenIdProvider() as provider, Deployment(**provider.settings()) as deployment:
            provider.start(deployment.url + CALLBACK)
            user = deployment.call("POST", "/v1/serviceids", {"name": "Ann", "type": "user", "oidc_subject": "ann"}).json["iam_id"]
            browser = Browser(deployment, provider)
            browser.log_in()
            self.assertEqual(browser.session().json["id"], user)
            deployment.stop()
            deployment.settings = {}
            deployment.start()
            self.assertEqual(browser.session().status, 401)
            answer = browser.get(START)
            self.assertEqual((answer.status, answer.code), (403, "FEATURE_RESTRICTED_ERR"))
            self.assertEqual(browser.get(CALLBACK).status, 403)
            self.assertNotIn("openid", deployment.call("GET", "/console/environment.json", token=None).json)
            link = deployment.call("PATCH", f"/v1/serviceids/{user}", {"oidc_subject": "x"})
            self.assertEqual((link.status, link.code), (403, "FEATURE_RESTRICTED_ERR"))
            self.assertEqual(deployment.call("PATCH", f"/v1/serviceids/{user}", {"oidc_subject": None}).status, 200)


class Configuration(unittest.TestCase):
    def check(self, **settings):
        command = [str(BIN / "keyhavend"), "--data-dir", "/nonexistent", "--check-config"]
        for name, value in settings.items():
            command += ["--set", f"oidc.{name}={value}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def test_mistakes_are_told_at_the_start_in_words(self):
        good = {"issuer": "https://id.example", "client_id": "keyhaven"}
        self.assertEqual(self.check(**good)[0], 0)
        for wrong, word in (({"issuer": "http://id.example"}, "oidc.issuer"), ({"issuer": "https://id.example/?x"}, "oidc.issuer"),
                            ({"issuer": "", "client_id": "x"}, "oidc.issuer"), ({"client_id": ""}, "oidc.client_id"), ({"client_id": "ä"}, "oidc.client_id"),
                            ({"scopes": "profile"}, "oidc.scopes"), ({"title": "x" * 61}, "oidc.title"), ({"max_age_seconds": -1}, "oidc.max_age_seconds"),
                            ({"acr_values": "a b"}, "oidc.acr_values")):
            status, text = self.check(**(good | wrong))
            self.assertNotEqual(status, 0, wrong)
            self.assertIn(word, text)

    def test_bad_files_keep_the_server_from_starting(self):
        with tempfile.NamedTemporaryFile() as file:
            for content, mode, key, word in ((b"x\n", 0o640, "client_secret_file", "chmod 600"), (b"\n", 0o600, "client_secret_file", "is empty"),
                                             (b"a\nb\n", 0o600, "client_secret_file", "more than one line"), (b"", 0o644, "ca_file", "no PEM"),
                                             (b"text", 0o644, "ca_file", "no PEM")):
                with open(file.name, "wb") as out:
                    out.write(content)
                subprocess.run(["chmod", f"{mode:o}", file.name], check=True)
                deployment = Deployment(oidc__issuer="https://id.example", oidc__client_id="keyhaven", **{f"oidc__{key}": file.name})
                try:
                    with self.assertRaisesRegex(AssertionError, word):
                        deployment.start()
                finally:
                    deployment.close()


del LogIn  # what its children share is no test

if __name__ == "__main__":
    unittest.main()
