"""The API document as one page: no script, no other file, readable on a phone, in light and in dark."""
import html
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
STYLE = (ROOT / "api/page.css").read_text()
METHODS = ("get", "head", "post", "put", "patch", "delete")


def inline(text):
    """Text with `code` and **bold** as HTML."""
    out = html.escape(text, quote=False)
    out = re.sub(r"`([^`]+)`", r"<code>\1</code>", out)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", out)


def paragraphs(text):
    return "".join(f"<p>{inline(' '.join(part.split()))}</p>\n" for part in text.split("\n\n") if part.strip())


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def table(caption, heads, rows):
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "".join("<tr>" + "".join(f'<td data-head="{html.escape(heads[i])}">{cell}</td>' for i, cell in enumerate(row)) + "</tr>\n"
                   for row in rows)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>\n"


def error_table():
    """Code -> (statuses, meanings), from the table in docs/errors.md, which a test keeps equal to the server's."""
    out = {}
    rows = re.findall(r"^\| \w+ \| (\d+) \| `(\w+)` \| \w+ \| (.+) \|$", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    for status, code, meaning in rows:
        statuses, meanings = out.setdefault(code, ([], []))
        statuses += [status] if status not in statuses else []
        meanings.append(meaning)
    return out


class Page:
    def __init__(self, document):
        self.document = document
        self.table = error_table()

    def resolve(self, node):
        while "$ref" in node:
            kind, name = node["$ref"].split("/")[-2:]
            node = self.document["components"][kind][name]
        return node

    # --- Schemas ---
    def type_of(self, schema):
        """A schema in a few words, with a link to the one it names."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return f'<a href="#schema-{name}">{name}</a>'
        for word, joint in (("anyOf", " or "), ("oneOf", " or ")):
            if word in schema:
                return joint.join(self.type_of(one) for one in schema[word])
        if schema.get("type") == "array":
            return "array of " + self.type_of(schema["items"])
        if schema.get("type") == "object" or "properties" in schema:
            inner = ", ".join(self.member(name, one, name in schema.get("required", [])) for name, one in schema.get("properties", {}).items())
            return "object {" + inner + "}" if inner else "object"
        words = [schema.get("type", "any value")]
        if schema.get("format") in ("date-time", "uuid", "byte"):
            words[0] = {"date-time": "time", "uuid": "UUID", "byte": "base64"}[schema["format"]]
        return " ".join(words)

    def member(self, name, schema, required):
        return f"<code>{name}</code>{'' if required else '?'} {self.type_of(schema)}"

    def limits(self, schema):
        """What a value must keep to, in words."""
        out = []
        if "enum" in schema:
            values = [one for one in schema["enum"] if one not in (None, "")]
            out.append(("one of " if len(values) > 1 else "always ") + ", ".join(f"<code>{html.escape(str(one).lower() if isinstance(one, bool) else str(one))}</code>" for one in values))
        low, high = schema.get("minLength"), schema.get("maxLength")
        if low is not None and high is not None:
            out.append(f"{low} to {high:,} characters")
        elif high is not None:
            out.append(f"at most {high:,} characters")
        if "minimum" in schema and "maximum" in schema:
            out.append(f"{schema['minimum']:,} to {schema['maximum']:,}")
        elif "minimum" in schema:
            out.append(f"from {schema['minimum']:,}")
        if "maxItems" in schema:
            out.append("exactly one" if schema["maxItems"] == schema.get("minItems") == 1 else f"at most {schema['maxItems']:,}")
        if "pattern" in schema and "format" not in schema and not schema.get("description"):
            out.append(f"<code>{html.escape(schema['pattern'])}</code>")
        if "default" in schema:
            default = schema["default"]
            out.append(f"default <code>{html.escape(default if isinstance(default, str) else json.dumps(default))}</code>")
        if schema.get("nullable"):
            out.append("may be <code>null</code>")
        return out

    def meaning(self, schema, description=None):
        words = [inline(description)] if description else []
        if not words and schema.get("description"):
            words = [inline(schema["description"])]
        limits = self.limits(schema)
        if schema.get("type") == "array" and "$ref" not in schema["items"]:
            limits += ["each " + one for one in self.limits(schema["items"])]
            if schema["items"].get("description"):
                words.append(inline(schema["items"]["description"]))
        if limits:
            words.append(f'<span class="limits">{"; ".join(limits)}</span>')
        return " ".join(words)

    def fields(self, schema):
        """A table of the members of an object."""
        rows = []
        for name, one in schema.get("properties", {}).items():
            need = "required" if name in schema.get("required", []) else "optional"
            rows.append((f"<code>{name}</code>", self.type_of(one), need, self.meaning(one)))
        return table("Members", ("Name", "Type", "Needed", "Meaning"), rows)

    def schema_section(self, name, schema):
        out = f'<section class="schema" id="schema-{name}"><h3>{name}</h3>\n'
        if schema.get("description"):
            out += paragraphs(schema["description"])
        if schema.get("type") == "object":
            out += self.fields(schema)
            if schema.get("additionalProperties") is False:
                out += '<p class="note">No other members.</p>\n'
        else:
            out += f"<p>{self.type_of(schema)}. {'' if schema.get('description') else self.meaning(schema)}</p>\n"
            if "pattern" in schema:
                out += f"<p><code>{html.escape(schema['pattern'])}</code></p>\n"
        return out + "</section>\n"

    # --- Operations ---
    def parameters(self, item, operation):
        rows = []
        for one in item.get("parameters", []) + operation.get("parameters", []):
            one = self.resolve(one)
            schema = self.resolve(one["schema"])
            rows.append((f"<code>{one['name']}</code>", one["in"], "required" if one.get("required") else "optional", self.type_of(one["schema"]),
                         self.meaning(schema, one["description"])))
        return table("Parameters", ("Name", "In", "Needed", "Type", "Meaning"), rows)

    def example(self, content, what):
        example = content.get("example")
        if example is None:
            return ""
        return f'<details open><summary>{what}</summary><pre tabindex="0">{html.escape(json.dumps(example, indent=2, ensure_ascii=False), quote=False)}</pre></details>\n'

    def request(self, operation):
        request = operation.get("requestBody")
        if request is None:
            return ""
        out = "<h4>Request body</h4>\n"
        for mime, content in request["content"].items():
            form = ", as a form" if "form" in mime else ""
            out += f"<p>{self.type_of(content['schema'])}{form}; {'required' if request.get('required') else 'may be absent'}.</p>\n"
            out += self.example(content, "Example")
        return out

    def answers(self, operation):
        out = "<h4>Answers</h4>\n<dl class=\"answers\">\n"
        errors = operation["x-keyhaven-errors"]
        for status, response in operation["responses"].items():
            if status in errors:
                continue
            out += f'<dt><span class="status">{status}</span></dt><dd>{inline(response["description"])}'
            for mime, content in response.get("content", {}).items():
                kind = "" if mime == "application/json" else f" <code>{mime}</code>"
                out += f" Body: {self.type_of(content['schema'])}{kind}."
            if not response.get("content"):
                out += " No body."
            special = [name for name in response.get("headers", {}) if name != "Correlation-Id"]
            if special:
                out += " Headers: " + ", ".join(f"<code>{name}</code>" for name in special) + "."
            for content in response.get("content", {}).values():
                out += self.example(content, "Example")
            out += "</dd>\n"
        return out + "</dl>\n" + self.errors(operation)

    def errors(self, operation):
        rows = []
        for status, codes in operation["x-keyhaven-errors"].items():
            named = [f'<a href="#{code}"><code>{code}</code></a>' for code in codes if code in self.table]
            if named:
                rows.append((f'<span class="status">{status}</span>', ", ".join(named)))
        return table("Error codes", ("Status", "Codes"), rows)

    def operation(self, path, item, method, operation):
        name = operation["operationId"]
        gone = ' <span class="old">deprecated</span>' if operation.get("deprecated") else ""
        out = f'<article id="{name}"><h3><a class="anchor" href="#{name}">{inline(operation["summary"])}</a>{gone}</h3>\n'
        out += f'<p class="call"><span class="method {method}">{method.upper()}</span> <code>{breakable(path)}</code></p>\n'
        out += paragraphs(operation.get("description", ""))
        roles = operation.get("x-keyhaven-roles")
        if operation.get("security") == []:
            who = "Anybody, without a token."
        else:
            who = "Roles: " + ", ".join(roles) + "." if roles else "Any caller with a token."
        out += f'<p class="note">{who} Audited as <code>{operation["x-keyhaven-action"]}</code>.</p>\n'
        actions = operation.get("x-keyhaven-query-actions", {})
        rows = [(f"<code>{action}</code>", f"<a href=\"#{one['operation']}\">{one['operation']}</a>" if "operation" in one else "this call", f"<code>{one['action']}</code>")
                for action, one in actions.items()]
        out += table("Actions", ("Action", "The same as", "Audited as"), rows)
        return out + self.parameters(item, operation) + self.request(operation) + self.answers(operation) + "</article>\n"

    def error_section(self):
        used = {code for _, item in self.document["paths"].items() for method in METHODS if method in item
                for codes in item[method]["x-keyhaven-errors"].values() for code in codes}
        rows = [(f'<code id="{code}">{code}</code>', f'<span class="status">{", ".join(statuses)}</span>', inline(" ".join(meanings)))
                for code, (statuses, meanings) in sorted(self.table.items()) if code in used]
        return ('<section id="errors"><h2>Error codes</h2>\n<p>What each code means; the calls above say which of them they answer.</p>\n'
                + table("Codes", ("Code", "Status", "Meaning"), rows) + "</section>\n")

    # --- The page ---
    def by_tag(self):
        out = {tag["name"]: [] for tag in self.document["tags"]}
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    out[item[method]["tags"][0]].append((path, item, method, item[method]))
        return out

    def contents(self, calls):
        out = '<nav aria-labelledby="contents"><h2 id="contents">Contents</h2>\n<ul>\n<li><a href="#about">About this API</a></li>\n'
        for tag, rows in calls.items():
            out += f'<li><a href="#{slug(tag)}">{tag}</a>\n<ul>'
            for _, _, method, operation in rows:
                out += f'<li><a href="#{operation["operationId"]}"><span class="method {method}">{method.upper()}</span> {inline(operation["summary"])}</a></li>\n'
            out += "</ul></li>\n"
        return out + '<li><a href="#schemas">Schemas</a></li>\n<li><a href="#errors">Error codes</a></li>\n</ul></nav>\n'

    def text(self):
        info = self.document["info"]
        calls = self.by_tag()
        out = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{info['title']}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#about">Skip to the text</a>
<header><h1>{info['title']}</h1>
<p>Version {info['version']} · <a href="openapi.json">OpenAPI document</a></p></header>
<div class="columns">
{self.contents(calls)}<main>
<section id="about"><h2>About this API</h2>
{paragraphs(info['description'])}</section>
"""
        for tag in self.document["tags"]:
            out += f'<section id="{slug(tag["name"])}"><h2>{tag["name"]}</h2>\n{paragraphs(tag["description"])}'
            out += "".join(self.operation(*row) for row in calls[tag["name"]]) + "</section>\n"
        out += '<section id="schemas"><h2>Schemas</h2>\n'
        out += "".join(self.schema_section(name, schema) for name, schema in sorted(self.document["components"]["schemas"].items()))
        return out + "</section>\n" + self.error_section() + "</main>\n</div>\n</body>\n</html>\n"


def breakable(path):
    """A path that a narrow screen may break after a slash."""
    return html.escape(path).replace("/", "/<wbr>")


def page(document):
    """The page and the text of its style element, whose hash goes into the Content-Security-Policy."""
    return Page(document).text(), STYLE
