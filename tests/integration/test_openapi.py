"""The API document is whole, says what the server has, and a checker that holds answers against it can fail."""
import json
import re
import subprocess
import unittest

from harness import BIN, Deployment
from openapi_check import Checker, Undocumented, api_docs, has_fallback

ERROR_STATUSES = range(400, 600)
# Made by net/ for requests that are not HTTP; it knows no codes of the table.
CODE_OF_NET = "HTTP_ERR"


def routes():
    done = subprocess.run([str(BIN / "keyhavend"), "--list-routes"], stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def anonymous(path):
    """A template without the names of its parameters."""
    return re.sub(r"\{[^}]+\}", "{}", path)


def server_codes():
    """Code -> statuses, of the server's table."""
    done = subprocess.run([str(BIN / "keyhavend"), "--document-errors"], stdout=subprocess.PIPE, check=True, text=True)
    out = {}
    for _, status, code in re.findall(r"^\| (\w+) \| (\d+) \| `(\w+)` \|", done.stdout, re.MULTILINE):
        out.setdefault(code, set()).add(status)
    return out


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = api_docs.load()
        cls.checker = Checker(cls.document)
        cls.calls = list(api_docs.operations(cls.document))

    def documented(self):
        """(method, path, query) -> (action, roles) of all that the document has."""
        out = {}
        for path, _, method, operation in self.calls:
            roles = operation.get("x-keyhaven-roles", [])
            key = method.upper(), anonymous(path)
            actions = operation.get("x-keyhaven-query-actions", {})
            for action, one in actions.items():
                meant = self.checker.by_id.get(one.get("operation"), operation)
                out[(*key, f"action={action}")] = one["action"], meant.get("x-keyhaven-roles", [])
            if has_fallback(operation):
                out[(*key, "")] = operation["x-keyhaven-action"], roles
        return out

    def served(self):
        return {(route["method"], anonymous(route["path"]), route.get("query", "")): (route["event"], route["roles"])
                for route in routes()}

    def test_document_has_every_route_of_the_server_and_no_other(self):
        documented, served = self.documented(), self.served()
        self.assertEqual(sorted(served.keys() - documented.keys()), [], "routes that the document lacks")
        self.assertEqual(sorted(documented.keys() - served.keys()), [], "documented calls that the server lacks")
        for key in served:
            self.assertEqual(documented[key], served[key], key)

    def test_open_calls_are_those_without_a_token(self):
        open_calls = {(route["method"], anonymous(route["path"])) for route in routes() if route["access"] == "open"}
        documented = {(method.upper(), anonymous(path)) for path, _, method, operation in self.calls if operation.get("security") == []}
        self.assertEqual(documented, open_calls)

    def test_every_code_of_the_document_is_in_the_table_of_the_server_with_its_status(self):
        table = server_codes()
        for path, _, method, operation in self.calls:
            for status, codes in operation["x-keyhaven-errors"].items():
                for code in codes:
                    if code != CODE_OF_NET:
                        self.assertIn(status, table.get(code, ()), f"{method.upper()} {path}: {code}")

    def test_every_call_can_fail_and_says_so(self):
        for path, _, method, operation in self.calls:
            statuses = {int(status) for status in operation["responses"]}
            self.assertTrue(statuses & set(ERROR_STATUSES), f"{method} {path}")
            if operation.get("security") != []:
                self.assertIn(401, statuses, f"{method} {path}")

    def test_examples_are_what_their_schemas_say(self):
        count = 0
        for path, _, method, operation in self.calls:
            places = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (one for place in places for one in place.get("content", {}).values() if "example" in one):
                self.assertEqual(self.checker.errors(content["schema"], content["example"]), [], f"{method.upper()} {path}")
                count += 1
        for name, schema in self.document["components"]["schemas"].items():
            if "example" in schema:
                self.assertEqual(self.checker.errors(schema, schema["example"]), [], name)
        self.assertGreater(count, 50)

    def test_our_answers_allow_no_other_members(self):
        """A schema that is only used in answers is closed, and says what must be there."""
        answers = set()
        for _, _, _, operation in self.calls:
            for response in operation["responses"].values():
                answers |= self.reached(response)
        requests = set()
        for _, _, _, operation in self.calls:
            requests |= self.reached(operation.get("requestBody", {}))
        self.assertEqual(sorted(answers & requests - {"Uuid", "Timestamp", "Alias", "RingId", "Crn"}), [], "a schema of both ways")
        for name in answers:
            for place, schema in self.objects(name, self.document["components"]["schemas"][name]):
                self.assertIn("additionalProperties", schema, place)
                self.assertIsNot(schema["additionalProperties"], True, place)

    def objects(self, place, schema):
        if schema.get("type") == "object":
            yield place, schema
        for name, one in schema.get("properties", {}).items():
            yield from self.objects(f"{place}.{name}", one)
        if "items" in schema:
            yield from self.objects(f"{place}[]", schema["items"])

    def reached(self, node):
        out, waiting = set(), [node]
        while waiting:
            for name in api_docs.each_ref(waiting.pop()):
                kind, short = name.split("/")[-2:]
                if kind == "schemas" and short not in out:
                    out.add(short)
                    waiting.append(self.document["components"]["schemas"][short])
        return out

    def test_structure_check_finds_faults(self):
        faults = [
            (lambda d: d["paths"]["/api/v2/keys"]["get"].update(operationId="createKey"), "no operationId of its own"),
            (lambda d: d["paths"]["/api/v2/keys"]["get"].update(tags=["Nothing"]), "needs one of the tags"),
            (lambda d: d["paths"]["/api/v2/keys"]["get"].pop("summary"), "needs summary"),
            (lambda d: d["components"]["schemas"].pop("Key"), "leads nowhere"),
            (lambda d: d["components"]["schemas"].update(Unused={"type": "string"}), "is used nowhere"),
            (lambda d: d["paths"]["/api/v2/keys/{id}"].update(parameters=[]), "path parameters differ"),
        ]
        for change, text in faults:
            document = json.loads(json.dumps(self.document))
            change(document)
            self.assertIn(text, "\n".join(api_docs.problems(document)))


class Answers(unittest.TestCase):
    """The checker refuses what it should; the answers are made up."""
    CORRELATION = "2291e4ae-a14c-4af9-88f0-27c0cb2739e2"

    @classmethod
    def setUpClass(cls):
        cls.checker = Checker(api_docs.load())
        cls.list_example = cls.example("listKeys")

    @classmethod
    def example(cls, operation, status="200"):
        return cls.checker.by_id[operation]["responses"][status]["content"]["application/json"]["example"]

    def check(self, method, target, status, body, **headers):
        sent = {"Correlation-Id": self.CORRELATION, "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.checker.check(method, target, status, sent, data)

    def refuse(self, text, *arguments, **headers):
        with self.assertRaises(Undocumented) as caught:
            self.check(*arguments, **headers)
        self.assertIn(text, str(caught.exception))

    def error(self, status, code, phrase="Not Found"):
        return {"metadata": {"collectionType": "application/vnd.ibm.kms.error+json", "collectionTotal": 1}, "resources": [
            {"errorMsg": f"{phrase}: what: why ({code})", "reasons": [{"code": code, "message": "why", "status": status, "moreInfo": "https://x"}]}]}

    def test_documented_answers_pass(self):
        self.check("GET", "/api/v2/keys", 200, self.list_example)
        self.check("GET", "//api/v2/keys/?limit=1", 200, self.list_example)
        self.check("GET", "/api/v2/keys/payroll", 404, self.error(404, "KEY_NOT_FOUND_ERR"))
        self.check("POST", "/api/v2/keys/payroll?action=wrap", 200, self.example("wrapKey"))
        self.check("POST", "/api/v2/keys/payroll/actions/rotate", 204, b"")
        self.check("GET", "/nowhere", 404, self.error(404, "PATH_NOT_FOUND_ERR"))

    def test_undocumented_ones_do_not(self):
        key = self.list_example["resources"][0]
        with_key = lambda one: {**self.list_example, "resources": [one]}  # noqa: E731
        self.refuse("Additional properties", "GET", "/api/v2/keys", 200, with_key({**key, "payload": "QUJD"}))
        self.refuse("'crn' is a required property", "GET", "/api/v2/keys", 200, with_key({n: v for n, v in key.items() if n != "crn"}))
        self.refuse("is not of type 'integer'", "GET", "/api/v2/keys", 200, with_key({**key, "state": "1"}))
        self.refuse("does not match", "GET", "/api/v2/keys", 200, with_key({**key, "creationDate": "2026-01-02T03:04:05+0000"}))
        self.refuse("is not one of", "GET", "/api/v2/keys", 200, with_key({**key, "state": 4}))
        self.refuse("collectionTotal is 1 for 0", "GET", "/api/v2/keys", 200, {**self.list_example, "resources": []})
        self.refuse("the statuses of listKeys", "GET", "/api/v2/keys", 202, self.list_example)
        self.refuse("Correlation-Id is missing", "GET", "/api/v2/keys", 200, self.list_example, Correlation_Id=None)
        self.refuse("Content-Type is text/plain", "GET", "/api/v2/keys", 200, self.list_example, Content_Type="text/plain")
        self.refuse("a body where there should be none", "POST", "/api/v2/keys/x/actions/rotate", 204, b"{}")
        self.refuse("not JSON", "GET", "/api/v2/keys", 200, b"{")
        self.refuse("a member occurs twice", "GET", "/api/v2/keys", 200, b'{"metadata":{},"metadata":{}}')
        self.refuse("not in the error form", "GET", "/nowhere", 200, {})
        self.refuse("is not in the document", "GET", "/nowhere", 404, self.error(404, "KEY_NOT_FOUND_ERR"))
        self.refuse("KEY_DELETED_ERR is not among", "GET", "/api/v2/keys/x", 404, self.error(404, "KEY_DELETED_ERR"))
        self.refuse("reasons have", "GET", "/api/v2/keys/x", 404, {**self.error(404, "KEY_NOT_FOUND_ERR"), "resources": [
            {"errorMsg": "Not Found: what: why (OTHER_ERR)", "reasons": self.error(404, "KEY_NOT_FOUND_ERR")["resources"][0]["reasons"]}]})
        self.refuse("ciphertext", "POST", "/api/v2/keys/x?action=wrap", 200, {"plaintext": "QUJD", "keyVersion": {"id": self.CORRELATION}})
        self.refuse("Key-Total is missing", "HEAD", "/api/v2/keys", 200, b"")
        self.refuse("Retry-After is missing", "GET", "/api/v2/keys", 429, self.error(429, "TOO_MANY_REQUESTS_ERR", "Too Many Requests"))


class Served(unittest.TestCase):
    def test_document_and_page_are_served_as_built(self):
        with Deployment() as deployment:
            page = deployment.call("GET", "/api/docs", token=None)
            self.assertEqual(page.status, 200)
            self.assertEqual(page.headers["Content-Type"], "text/html; charset=utf-8")
            self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
            text = page.body.decode()
            self.assertNotRegex(text, r"<script|https?://[^\"<]*\.(js|css)|\sstyle=|\son\w+=")
            document = deployment.call("GET", "/api/openapi.json", token=None)
            version = document.json["info"]["version"]
            self.assertTrue(document.json == api_docs.load(version), "the served document is not what api/ says; built from it?")
            for path, _, method, operation in api_docs.operations(document.json):
                self.assertIn(f'id="{operation["operationId"]}"', text, f"{method} {path}")
            targets = set(re.findall(r'href="#([^"]+)"', text))
            self.assertEqual(targets - set(re.findall(r'id="([^"]+)"', text)), set(), "links that lead nowhere")
            again = deployment.call("GET", "/api/docs", token=None, headers={"If-None-Match": page.headers["ETag"]})
            self.assertEqual((again.status, again.body), (304, b""))
            self.assertEqual(page.headers["Cache-Control"], "public, no-cache")


if __name__ == "__main__":
    unittest.main()
