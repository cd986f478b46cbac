#!/usr/bin/env python3
"""Joins the parts of the API document in api/ and writes what the server serves of it.

  tools/api_docs.py --check            join and check; prints what is wrong
  tools/api_docs.py --output FOLDER    FOLDER/keyhaven.openapi.json, FOLDER/api_docs.html and FOLDER/api_documents.cc,
                                       which holds both as texts (CMake calls this)

What joining adds to the parts is said in api/README.md. Only the standard library is used: the build calls this.
"""
import argparse
import base64
import copy
import hashlib
import json
import pathlib
import sys

import api_page

ROOT = pathlib.Path(__file__).resolve().parent.parent
API = ROOT / "api"
METHODS = ("get", "head", "post", "put", "patch", "delete")
# Answered without `reasons`: refusals of the caller, of a header, and of net/, which knows no codes.
PLAIN_CODES = {"UNAUTHORIZED_ERR", "INVALID_HEADER_ERR", "HTTP_ERR"}


class Wrong(Exception):
    """The parts do not make a document; the text says which and why."""


def ref(kind, name):
    return {"$ref": f"#/components/{kind}/{name}"}


def resolve(document, node):
    """What a {"$ref": "#/a/b"} names; anything else is itself."""
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def merge(into, part, where):
    for name, value in part.items():
        if name not in into:
            into[name] = value
        elif isinstance(into[name], dict) and isinstance(value, dict):
            merge(into[name], value, f"{where}/{name}")
        else:
            raise Wrong(f"{where}/{name} is in two files")


def unique_members(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Wrong(f"a member occurs twice: {sorted(n for n in names if names.count(n) > 1)[0]}")
    return dict(pairs)


def read_parts():
    document = {}
    files = sorted(API.glob("*.json"), key=lambda path: (path.name != "keyhaven.openapi.json", path.name))
    for path in files:
        try:
            merge(document, json.loads(path.read_text(), object_pairs_hook=unique_members), "")
        except (ValueError, Wrong) as error:
            raise Wrong(f"{path.name}: {error}") from error
    document["info"]["description"] = (API / document["info"]["description"]).read_text()
    return document


def operations(document):
    """(path, path item, method, operation) of each call."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, item, method, item[method]


def parameters_of(document, item, operation):
    return [resolve(document, one) for one in item.get("parameters", []) + operation.get("parameters", [])]


def extend_schemas(schemas):
    for schema in schemas.values():
        base = schema.pop("x-keyhaven-extends", None)
        if base is None:
            continue
        whole = copy.deepcopy(schemas[base])
        for name in ("properties", "required"):
            more = schema.pop(name, None)
            if isinstance(more, dict):
                whole[name] |= more
            elif more:
                whole[name] = whole[name] + more
        whole |= schema
        schema.update(whole)


def errors_of(document, item, operation):
    """Status -> codes: the operation's own and those that its kind of call has in common."""
    parameters = parameters_of(document, item, operation)
    kinds = ["every call"]
    if any(one["in"] == "query" for one in parameters):
        kinds.append("with a query")
    if "requestBody" in operation:
        kinds.append("with a body")
    if operation.get("security") != []:
        kinds.append("with a token")
    if any(one["name"] == "Bluemix-Instance" for one in parameters):
        kinds.append("with an instance")
    out = {}
    for codes in [operation.get("x-keyhaven-errors", {}), *(document["x-keyhaven-common-errors"][kind] for kind in kinds)]:
        for status, names in codes.items():
            known = out.setdefault(status, [])
            known += [name for name in names if name not in known]
    return dict(sorted(out.items()))


def error_response(status, codes):
    plain, full = ref("schemas", "PlainError"), ref("schemas", "Error")
    named = [code for code in codes if code not in PLAIN_CODES]
    if not named:
        schema = plain
    else:
        schema = {"anyOf": [full, plain]} if len(named) < len(codes) else full
    headers = {"Correlation-Id": ref("headers", "CorrelationIdOfError")}
    if status in ("429", "503"):
        headers["Retry-After"] = ref("headers", "RetryAfter")
    return {"description": ", ".join(codes), "headers": headers, "content": {"application/json": {"schema": schema}}}


def complete(document):
    extend_schemas(document["components"]["schemas"])
    for _, item, _, operation in operations(document):
        errors = errors_of(document, item, operation)
        operation["x-keyhaven-errors"] = errors
        operation.setdefault("parameters", []).append(ref("parameters", "CorrelationId"))
        for response in operation["responses"].values():
            response.setdefault("headers", {}).setdefault("Correlation-Id", ref("headers", "CorrelationId"))
        for status, codes in errors.items():
            operation["responses"].setdefault(status, error_response(status, codes))
        operation["responses"] = dict(sorted(operation["responses"].items()))


def load(version=None):
    """The one document that the parts make. Errors: Wrong."""
    document = read_parts()
    complete(document)
    if version:
        document["info"]["version"] = version
    found = problems(document)
    if found:
        raise Wrong("\n".join(found))
    return document


# --- Checks ---

def each_ref(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from each_ref(value)
    elif isinstance(node, list):
        for value in node:
            yield from each_ref(value)


def problems(document):
    """What is wrong with its structure, as sentences."""
    out = []
    used = set()
    for name in each_ref(document):
        used.add(name)
        try:
            resolve(document, {"$ref": name})
        except (KeyError, TypeError):
            out.append(f"{name} leads nowhere")
    for kind in ("schemas", "parameters", "headers"):
        out += [f"#/components/{kind}/{name} is used nowhere" for name in document["components"][kind]
                if f"#/components/{kind}/{name}" not in used]
    seen = set()
    tags = {tag["name"] for tag in document["tags"]}
    for path, item, method, operation in operations(document):
        where = f"{method.upper()} {path}"
        if operation.get("operationId") in seen or not operation.get("operationId"):
            out.append(f"{where}: no operationId of its own")
        seen.add(operation.get("operationId"))
        if len(operation.get("tags", [])) != 1 or operation["tags"][0] not in tags:
            out.append(f"{where}: needs one of the tags")
        if not operation.get("summary") or not operation.get("x-keyhaven-action"):
            out.append(f"{where}: needs summary and x-keyhaven-action")
        if not any(status[0] in "23" for status in operation["responses"]):
            out.append(f"{where}: no success")
        in_path = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        parameters = parameters_of(document, item, operation)
        if in_path != {one["name"] for one in parameters if one["in"] == "path"}:
            out.append(f"{where}: path parameters differ from the path")
        for one in parameters:
            if not one.get("description") or "schema" not in one:
                out.append(f"{where}: parameter {one['name']} needs description and schema")
    return out


# --- What the server serves ---

def source_text(texts):
    """A C++ file that defines each text; raw literals, so that a reader of the build tree can read them."""
    out = ["// Made by tools/api_docs.py from api/.\n", '#include "http/api_documents.h"\n\n', "namespace keyhaven::http {\n"]
    for name, text in texts.items():
        assert ')kh"' not in text
        out.append(f'const std::string_view {name} = R"kh({text})kh";\n')
    out.append("}  // namespace keyhaven::http\n")
    return "".join(out)


def style_hash(style):
    return "'sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() + "'"


def write_if_changed(path, text):
    """Keeps the time of a file that says the same, so that nothing is compiled anew."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    arguments = argparse.ArgumentParser(description="Joins the API document and writes what the server serves of it.")
    arguments.add_argument("--check", action="store_true", help="join and check only")
    arguments.add_argument("--output", type=pathlib.Path, help="folder to write to")
    arguments.add_argument("--version", help="version of the program")
    chosen = arguments.parse_args()
    try:
        document = load(chosen.version)
    except Wrong as error:
        print(f"api: {error}", file=sys.stderr)
        return 1
    if chosen.check or not chosen.output:
        print(f"api: ok ({sum(1 for _ in operations(document))} operations, {len(document['components']['schemas'])} schemas)")
        return 0
    page, style = api_page.page(document)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
    chosen.output.mkdir(parents=True, exist_ok=True)
    (chosen.output / "keyhaven.openapi.json").write_text(text)
    (chosen.output / "api_docs.html").write_text(page)
    write_if_changed(chosen.output / "api_documents.cc",
                     source_text({"kApiDocument": text, "kApiPage": page, "kApiPageStyleHash": style_hash(style)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
