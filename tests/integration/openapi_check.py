"""Holds every answer of a server against the API document in api/: path, status, headers, body, error code.

    checker().check("GET", "/api/v2/keys?limit=1", status, headers, body)

raises Undocumented when the document does not allow the answer. What is not documented is a fault of one of the two: the
server or the document. The harness calls this for each answer it gets; KH_OPENAPI_CHECK=0 switches that off.
"""
import functools
import json
import pathlib
import re
import sys
import urllib.parse

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import api_docs  # noqa: E402

# What net/ and the router answer before a call is known: no operation lists these.
UNROUTED = {404: "PATH_NOT_FOUND_ERR", 405: "METHOD_NOT_ALLOWED_ERR"}
# Errors of these have no `reasons`; their code stands at the end of errorMsg.
WITHOUT_REASONS = {"UNAUTHORIZED_ERR", "INVALID_HEADER_ERR", "HTTP_ERR"}
LARGE_LIST = 50  # of a longer list only its ends are held against the schema


class Undocumented(AssertionError):
    """The server answered something that the document does not allow."""


def as_json_schema(node):
    """OpenAPI 3.0 schemas in the words of JSON Schema."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    out = {name: as_json_schema(value) for name, value in node.items() if name not in ("nullable", "example")}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        out["type"] = [node["type"], "null"]
    return out


def segments_of(path):
    """The decoded segments of a path, as the router sees them; None for a broken escape."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", path):
        return None
    return [urllib.parse.unquote(part, errors="replace") for part in path.split("/") if part]


def has_fallback(operation):
    """Whether a call with ?action= also takes actions that it does not know (to refuse them itself)."""
    actions = operation.get("x-keyhaven-query-actions", {})
    return operation["x-keyhaven-action"] not in [one["action"] for one in actions.values()]


class Checker:
    def __init__(self, document):
        self.document = document
        self.components = as_json_schema(document["components"])
        self.templates = sorted((([part for part in template.split("/") if part], template) for template in document["paths"]),
                                key=lambda row: [part.startswith("{") for part in row[0]])
        self.open_ended = {path for path, item, _, operation in api_docs.operations(document)
                           if any(one.get("x-keyhaven-many-segments") for one in api_docs.parameters_of(document, item, operation))}
        self.by_id = {operation["operationId"]: operation for _, _, _, operation in api_docs.operations(document)}
        self.validators = {}
        self.seen = set()  # (operationId, status) of the answers so far

    # --- Schemas ---
    def errors(self, schema, value):
        """Why `value` is not what `schema` (of the document) says; at most three reasons."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator({**as_json_schema(schema), "components": self.components})
        found = sorted(self.validators[key].iter_errors(value), key=jsonschema.exceptions.relevance, reverse=True)
        return [describe(error) for error in found[:3]]

    # --- Finding the operation ---
    def template_of(self, path):
        segments = segments_of(path)
        if segments is None:
            return None
        for parts, template in self.templates:
            known = segments[:len(parts)] if template in self.open_ended else segments
            if len(parts) == len(known) and all(part.startswith("{") or part == segment for part, segment in zip(parts, known)):
                return template
        return None

    def operation_of(self, method, path, query):
        """The operation; for a legacy form, the one it stands for. None: the server has no such call."""
        template = self.template_of(path)
        operation = self.document["paths"].get(template, {}).get(method.lower())
        if operation is None:
            return None
        actions = operation.get("x-keyhaven-query-actions", {})
        action = urllib.parse.parse_qs(query).get("action", [""])[0]
        if actions and action not in actions and not has_fallback(operation):
            return None
        meant = actions.get(action, {}).get("operation")
        return self.by_id[meant] if meant else operation

    # --- Checking ---
    def check(self, method, target, status, headers, body):
        path, _, query = target.partition("?")
        problem = self.problem(method, path, query, status, headers, body)
        if problem:
            raise Undocumented(f"{method} {target} answered {status}, which the API document does not allow: {problem}\n{body[:1000]!r}")

    def problem(self, method, path, query, status, headers, body):
        operation = self.operation_of(method, path, query)
        if operation is None:
            return self.unrouted_problem(method, status, headers, body)
        response = operation["responses"].get(str(status))
        if response is None:
            return f"the statuses of {operation['operationId']} are {', '.join(operation['responses'])}"
        self.seen.add((operation["operationId"], status))
        return self.headers_problem(response, headers) or self.body_problem(method, operation, response, status, headers, body)

    def unrouted_problem(self, method, status, headers, body):
        if status == 405 and not headers.get("Allow"):
            return "405 needs the header Allow"
        if method == "HEAD":
            return "a body where there should be none" if body else None
        expected = UNROUTED.get(status, "HTTP_ERR")
        code, problem = self.error_code(body)
        if problem or code == expected:
            return problem
        return f"this call is not in the document, so only {expected} is right, not {code}"

    def headers_problem(self, response, headers):
        for name, header in response.get("headers", {}).items():
            header = api_docs.resolve(self.document, header)
            value = headers.get(name)
            if value is None:
                if header.get("required"):
                    return f"the header {name} is missing"
                continue
            schema = api_docs.resolve(self.document, header["schema"])
            found = self.errors(schema, int(value) if schema["type"] == "integer" and value.isdigit() else value)
            if found:
                return f"header {name}: {found[0]}"
        return None

    def body_problem(self, method, operation, response, status, headers, body):
        content = response.get("content")
        if content is None or method == "HEAD":
            return "a body where there should be none" if body else None
        mime = (headers.get("Content-Type") or "").partition(";")[0].strip()
        if mime not in content:
            return f"Content-Type is {mime or 'missing'}, not {' or '.join(content)}"
        if mime != "application/json":
            return None if body else "the body is empty"
        try:
            value = json.loads(body, object_pairs_hook=api_docs.unique_members)
        except (ValueError, api_docs.Wrong) as error:
            return f"the body is not JSON: {error}"
        found = self.errors(content[mime]["schema"], shortened(value))
        if found:
            return "; ".join(found)
        total = value.get("metadata", {}).get("collectionTotal") if isinstance(value.get("resources"), list) else None
        if total is not None and total != len(value["resources"]):
            return f"collectionTotal is {total} for {len(value['resources'])} resources"
        return self.code_problem(operation, status, body)

    def code_problem(self, operation, status, body):
        allowed = operation["x-keyhaven-errors"].get(str(status))
        if status < 400 or allowed is None or "resources" not in json.loads(body):
            return None
        code, problem = self.error_code(body)
        if problem or code in allowed:
            return problem
        return f"{code} is not among the {status} codes of {operation['operationId']}: {', '.join(allowed)}"

    def error_code(self, body):
        """The code of an error body, or what is wrong with it."""
        try:
            error = json.loads(body)["resources"][0]
        except (ValueError, KeyError, IndexError, TypeError):
            return None, "the error is not in the error form"
        found = self.errors({"anyOf": [api_docs.ref("schemas", "Error"), api_docs.ref("schemas", "PlainError")]}, json.loads(body))
        if found:
            return None, found[0]
        code = error["errorMsg"].rpartition("(")[2].rstrip(")")
        reasons = [one["code"] for one in error.get("reasons", [])]
        if reasons != ([] if code in WITHOUT_REASONS else [code]):
            return code, f"errorMsg ends with {code}, reasons have {reasons}"
        return code, None


def shortened(value):
    """A long list by its ends: its elements come from one writer, and a page of 5,000 keys is slow to check."""
    if isinstance(value, dict) and isinstance(value.get("resources"), list) and len(value["resources"]) > LARGE_LIST:
        return {**value, "resources": value["resources"][:LARGE_LIST // 2] + value["resources"][-LARGE_LIST // 2:]}
    return value


def describe(error):
    """One line: where and what. Of alternatives, the reasons of the one that came closest."""
    if error.context:
        error = min(error.context, key=lambda one: (len(one.absolute_path) * -1, str(one.message)))
    place = "/".join(str(step) for step in error.absolute_path) or "the body"
    return f"{place}: {error.message[:300]}"


@functools.lru_cache(maxsize=1)
def checker():
    """The checker of this process."""
    return Checker(api_docs.load())
