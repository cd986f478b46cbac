"""Bodies made wrong: the whole, and each member that the schema of a request knows. Yields (place, mutation,
change, outcome): `change` makes the wrong body from a valid one."""
import copy
import json

from .expectations import ACCEPT, FIELD, FRAME, MALFORMED, NO_BODY, STRUCTURE, TOO_LARGE
from .request import Raw, at, has, put, remove, rename, repeat, to_json

MAX_BODY = 1 << 20
MAX_DEPTH, MAX_MEMBERS, MAX_ELEMENTS = 16, 64, 10_000  # the introduction of the document, "Limits"
WRONG = {"string": ("words", "a text"), "number": (12345, "a number"), "boolean": (True, "a boolean"),
         "object": ({"a": 1}, "an object"), "array": (["a"], "an array")}
JSON_KIND = {"integer": "number"}


def nested(depth):
    return Raw("[" * depth + "]" * depth)


# --- The whole body ---

def always(body):
    return lambda base: body


def of_text(change):
    return lambda base: change(to_json(base))


def whole(schema, required):
    """A body that has nothing is as good as none (K3.2)."""
    nothing = lacking(schema) if required else ACCEPT
    for name, body in (("absent", None), ("empty", b""), ("white space", b" \r\n\t "), ("null", b"null"), ("null with white space", b" null\n"), ("{}", b"{}"),
                       ("{} with white space", b"\t{ }\n")):
        yield "", name, always(body), nothing
    for name, body in (("[]", b"[]"), ("a string", b'"x"'), ("a number", b"1"), ("true", b"true"), ("NULL", b"NULL"), ("nul", b"nul"), ("nulll", b"nulll"), ("two nulls", b"null null"),
                       ("only {", b"{"), ("only }", b"}"), ("single quotes", b"{'a':1}"), ("unquoted name", b"{a:1}"), ("no colon", b'{"a" 1}'), ("no value", b'{"a":}'),
                       ("two commas", b'{"a":1,,"b":2}'), ("comma in front", b'{,"a":1}'), ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV\xaa\x05\x00"),
                       ("form", b"name=value&other=1"), ("XML", b"<a/>"), ("NULs", b"\0" * 64), ("invalid UTF-8", b'{"\xff":1}'), ("1,000 times [", b"[" * 1000),
                       ("65,536 times {", b'{"a":' * 65536), ("100,000 nested members", b'{"a":' * 100_000 + b"1" + b"}" * 100_000)):
        yield "", name, always(body), MALFORMED
    for name, change in (("in an array", lambda text: b"[" + text + b"]"), ("truncated by one", lambda text: text[:-1]), ("two documents", lambda text: text + b"\n" + text),
                         ("trailing garbage", lambda text: text + b"x"), ("trailing comma", lambda text: text + b","), ("trailing NUL", lambda text: text + b"\0"),
                         ("trailing null", lambda text: text + b"null"), ("one brace more", lambda text: text + b"}"), ("byte order mark", lambda text: b"\xef\xbb\xbf" + text),
                         ("UTF-16", lambda text: text.decode().encode("utf-16")), ("comment", lambda text: b"/* x */" + text), ("form feed in front", lambda text: b"\f" + text),
                         ("NUL in front", lambda text: b"\0" + text)):
        yield "", name, of_text(change), MALFORMED
    yield "", "white space around", of_text(lambda text: b"\n\t " + text + b" \r\n"), ACCEPT
    yield "", "as long as may be", of_text(lambda text: text + b" " * (MAX_BODY - len(text))), ACCEPT
    yield "", "1 MiB + 1", of_text(lambda text: text + b" " * (MAX_BODY + 1 - len(text))), TOO_LARGE
    yield "", "1 MiB + 1 of [", always(b"[" * (MAX_BODY + 1)), TOO_LARGE


def lacking(schema):
    """The outcome of a body without members."""
    if "metadata" in schema.get("required", []):
        return FRAME
    return NO_BODY | FIELD | MALFORMED


# --- Members ---

class Walker:
    """Visits each member of `schema` that `base` may hold. `resolve` follows a $ref."""

    def __init__(self, resolve, base):
        self.resolve, self.base = resolve, base

    def objects(self, schema, place=()):
        """(place, schema) of the body itself and each object below that the base holds."""
        schema = self.resolve(schema)
        if schema.get("type") == "object":
            yield place, schema
            for name, sub in schema.get("properties", {}).items():
                if has(self.base, place + (name,)):
                    yield from self.objects(sub, place + (name,))
        elif schema.get("type") == "array" and has(self.base, place + (0,)):
            yield from self.objects(schema["items"], place + (0,))

    def members(self, schema):
        """(place, schema, required) of each member of these objects, there or not."""
        for place, one in self.objects(schema):
            for name, sub in one.get("properties", {}).items():
                yield place + (name,), self.resolve(sub), name in one.get("required", [])


def setting(place, value):
    def change(base):
        body = copy.deepcopy(base)
        put(body, place, value)
        return body
    return change


def removing(place):
    def change(base):
        body = copy.deepcopy(base)
        remove(body, place)
        return body
    return change


def renaming(place, name):
    def change(base):
        body = copy.deepcopy(base)
        rename(body, place, name)
        return body
    return change


def repeating(place, name, change_value=lambda value: value):
    """The member twice, the second time as `name`."""
    return lambda base: repeat(copy.deepcopy(base), place, name, change_value(at(base, place)))


def repeating_escaped(place):
    """The second name spelt with an escape: the same name to a reader of JSON."""
    marker = "\x01twice\x01"
    escaped = b'"' + rf"\u{ord(place[-1][0]):04x}{place[-1][1:]}".encode() + b'"'
    twice = repeating(place, marker)
    return lambda base: to_json(twice(base)).replace(json.dumps(marker).encode(), escaped)


def is_frame(place):
    return place[0] in ("metadata", "resources") and not isinstance(place[-1], str) or place in (("metadata",), ("resources",))


def show(place):
    return "/".join("*" if isinstance(step, int) else step for step in place)


def members(base, schema, resolve):
    walker = Walker(resolve, base)
    for place, one, required in walker.members(schema):
        for mutation, value, outcome in values(place, one, required, resolve):
            yield show(place), mutation, setting(place, value), outcome
        if has(base, place):
            for mutation, body, outcome in names(base, place, required):
                yield show(place), mutation, body, outcome
    for place, one in walker.objects(schema):
        for mutation, body, outcome in additions(base, place, one):
            yield show(place), mutation, body, outcome


def names(base, place, required):
    """The member is missing, twice there, spelt in another case."""
    name = place[-1]
    if isinstance(at(base, place[:-1]), list):
        return
    yield "removed", removing(place), (FRAME if is_frame(place) else NO_BODY | FIELD | MALFORMED) if required else ACCEPT
    yield "twice", repeating(place, name), MALFORMED
    yield "twice, second in capitals", repeating(place, name.upper()), MALFORMED
    yield "twice, second null", repeating(place, name, lambda value: None), MALFORMED
    yield "twice, second escaped", repeating_escaped(place), MALFORMED
    for mutation, other in (("in capitals", name.upper()), ("in lower case", name.lower()), ("capitalised", name[:1].upper() + name[1:])):
        if other != name:
            yield mutation, renaming(place, other), ACCEPT


def additions(base, place, schema):
    """Members that the object does not know; too many of them; nested too deep."""
    ignored = MALFORMED if schema.get("additionalProperties") is False else ACCEPT
    unknown = place + ("no_such_member",)
    for mutation, name, value in (("unknown member", "no_such_member", 1), ("unknown member, null", "no_such_member", None),
                                  ("unknown member, object", "noSuchMember", {"a": [1, {"b": None}]}),
                                  ("unknown member, empty name", "", 1), ("unknown member, __proto__", "__proto__", {"a": 1}),
                                  ("unknown member, Unicode name", "schlüssel\U0001f511", "ü")):
        yield mutation, setting(place + (name,), value), ignored
    for mutation, value in (("unknown member, NaN", Raw("NaN")), ("unknown member, bad escape", Raw(r'"\x"')),
                            ("unknown member, bad UTF-8", Raw(b'"\xc0\xaf"')), ("unknown member, bad number", Raw("01")),
                            ("unknown member, bare word", Raw("undefined")), ("unknown member, raw control character", Raw('"\n"'))):
        yield mutation, setting(unknown, value), MALFORMED
    yield "unknown member twice", lambda base: repeat(setting(unknown, 1)(base), unknown, unknown[-1], 1), MALFORMED
    room = MAX_DEPTH - len(place) - 1
    yield "unknown member, 16 levels", setting(unknown, nested(room)), ignored
    yield "unknown member, 17 levels", setting(unknown, nested(room + 1)), MALFORMED
    yield "unknown member, 100,000 levels", setting(unknown, nested(100_000)), MALFORMED
    yield "unknown member, 10,000 elements", setting(unknown, [0] * MAX_ELEMENTS), ignored
    yield "unknown member, 10,001 elements", setting(unknown, [0] * (MAX_ELEMENTS + 1)), MALFORMED
    yield "65 members", crowding(place), MALFORMED


def crowding(place):
    def change(base):
        body = copy.deepcopy(base)
        target = at(body, place)
        for number in range(MAX_MEMBERS + 1 - len(target)):
            target[f"unknown{number}"] = 0
        return body
    return change


def is_unread(schema):
    return schema.get("description", "").startswith(("Ignored", "Not checked"))


def values(place, schema, required, resolve):
    """Values of a member: (mutation, value, outcome)."""
    kind = schema.get("type")
    frame = is_frame(place)
    bad = FRAME if frame else STRUCTURE if kind in ("object", "array") else FIELD
    missing = (FRAME if frame else NO_BODY | FIELD | MALFORMED) if required else ACCEPT
    yield "null", None, missing
    for other, (value, text) in WRONG.items():
        if other != JSON_KIND.get(kind, kind):
            yield f"{text} instead", value, ACCEPT if is_unread(schema) else bad
    for mutation, raw in (("NaN", "NaN"), ("Infinity", "-Infinity"), ("bare word", "yes"), ("empty value", ""), ("hexadecimal", "0x10"),
                          ("leading zero", "012"), ("plus sign", "+1"), ("no digits after the point", "1.")):
        yield mutation, Raw(raw), MALFORMED | FIELD
    if kind == "string":
        yield from texts(schema, required)
    elif kind == "integer":
        yield from integers(place, schema)
    elif kind == "array":
        yield from arrays(schema, required, bad, resolve)
    elif kind == "boolean":
        for mutation, value in (("the text true", "true"), ("0", 0), ("1", 1), ("empty text", "")):
            yield mutation, value, FIELD
        for mutation, raw in (("True", "True"), ("truex", "truex"), ("tru", "tru")):
            yield mutation, Raw(raw), MALFORMED | FIELD
    elif kind == "object":
        yield "empty object", {}, ACCEPT if is_unread(schema) else bad if frame or schema.get("required") else ACCEPT


def texts(schema, required):
    unread = is_unread(schema)
    fault = ACCEPT if unread else FIELD
    yield "empty text", "", FIELD if required or schema.get("minLength") else ACCEPT
    for mutation, raw in (("invalid UTF-8", b'"\xff\xfe"'), ("overlong UTF-8", b'"\xc0\xae\xc0\xae"'), ("encoded surrogate", b'"\xed\xa0\x80"'),
                          ("raw line break", b'"a\nb"'), ("raw NUL", b'"a\0b"'), ("bad escape", rb'"\x41"'), ("half an escape", rb'"\u12"'),
                          ("unclosed", b'"abc')):
        yield mutation, Raw(raw), MALFORMED | FIELD
    for mutation, raw in (("lone high surrogate", rb'"ab\ud800cd"'), ("lone low surrogate", rb'"ab\udc00cd"'),
                          ("reversed surrogates", rb'"\udc00\ud800"')):
        yield mutation, Raw(raw), MALFORMED | FIELD
    form = schema.get("format")
    longest = schema.get("maxLength")
    if longest:
        yield "too long", "a" * (longest + 1), fault
        yield "100,000 characters", "a" * 100_000, fault
        if not (form or schema.get("pattern") or schema.get("enum")):
            yield "as long as may be", "a" * longest, ACCEPT
            if longest <= 240:
                yield "as long as may be, in characters of four bytes", "\U0001f511" * longest, ACCEPT
                yield "too long, in characters of four bytes", "\U0001f511" * (longest + 1), FIELD
    if schema.get("minLength", 0) > 1:
        yield "too short", "a" * (schema["minLength"] - 1), FIELD
    if schema.get("pattern"):
        for mutation, value in (("with a blank", "a b"), ("with a slash", "a/b"), ("with ..", "../.."), ("with ü", "schlüssel"),
                                ("with NUL", "ab\0cd"), ("with a line break", "abc\n"), ("with markup", "<script>"), ("with a quote", "a'b\"c")):
            yield mutation, value, FIELD
    if schema.get("enum"):
        for mutation, value in (("none of the words", "no-such-word"), ("with a blank in front", " " + first_word(schema)),
                                ("the word in another case", first_word(schema).swapcase()), ("two words", first_word(schema) + ",x")):
            yield mutation, value, FIELD
    if form == "byte":
        for mutation, value in (("not base64", "not base64!"), ("without padding", "QUI"), ("too much padding", "QUJD=="), ("only padding", "===="),
                                ("with a line break", "QUJD\nREVG"), ("in the alphabet of URLs", "-_-_"), ("with a blank", "QUJD REVG"),
                                ("padding inside", "QQ==QUJD"), ("bits after the end", "QUJ="), ("with NUL", "QUJD\0"), ("with ü", "QUJü")):
            yield mutation, value, FIELD
    if form == "date-time":
        for mutation, value in (("no date", "yesterday"), ("month 13", "2046-13-01T00:00:00Z"), ("30 February", "2046-02-30T00:00:00Z"),
                                ("without zone", "2046-01-01T00:00:00"), ("only a day", "2046-01-01"), ("hour 25", "2046-01-01T25:00:00Z"),
                                ("a zone without colon", "2046-01-01T00:00:00+0000"), ("trailing text", "2046-01-01T00:00:00Zx"),
                                ("year 99999", "99999-01-01T00:00:00Z"), ("a number as text", "2366841600")):
            yield mutation, value, FIELD
    if form == "uuid":
        for mutation, value in (("no UUID", "no-uuid"), ("a UUID in braces", "{2291e4ae-a14c-4af9-88f0-27c0cb2739e2}"),
                                ("a UUID without dashes", "2291e4aea14c4af988f027c0cb2739e2"), ("a UUID and a blank", "2291e4ae-a14c-4af9-88f0-27c0cb2739e2 "),
                                ("a UUID with g", "g291e4ae-a14c-4af9-88f0-27c0cb2739e2")):
            yield mutation, value, FIELD


def first_word(schema):
    return next(word for word in schema["enum"] if word)


def integers(place, schema):
    low, high = schema.get("minimum"), schema.get("maximum")
    counted = place[-1] == "collectionTotal"  # must be the number of resources, which is 1
    fault = FIELD | MALFORMED | FRAME if counted else FIELD | MALFORMED
    good = 1 if counted else low
    for mutation, raw in (("a float without fraction", f"{good}.0"), ("with an exponent", f"{good}e0"), ("the least", f"{good}")):
        yield mutation, Raw(raw), ACCEPT
    yield "one below the least", low - 1, fault
    yield "-1", -1, fault
    yield "a fraction", Raw(f"{good}.5"), fault
    yield "a small fraction", Raw(f"{good}.0000001"), fault
    yield "the number as text", str(good), FIELD
    yield "empty text", "", FIELD
    if counted:
        yield "0 of 1", 0, fault
        yield "2 of 1", 2, fault
    if high:
        yield "the greatest", high, ACCEPT
        yield "one above the greatest", high + 1, FIELD
    for mutation, number in (("2^31", 2**31), ("2^32 + 1", 2**32 + 1), ("2^53 + 1", 2**53 + 1), ("2^63 - 1", 2**63 - 1), ("2^63", 2**63),
                             ("-2^63", -2**63), ("-2^63 - 1", -2**63 - 1), ("2^64", 2**64), ("2^64 + 1", 2**64 + 1), ("10^30", 10**30)):
        yield mutation, number, fault
    for raw in ("1e400", "-1e400", "1e18", "1e19", "9" * 5000, "0." + "1" * 5000, "1" + "0" * 400):
        yield f"{raw[:8]} ({len(raw)} characters)", Raw(raw), fault


def arrays(schema, required, bad, resolve):
    yield "empty array", [], bad if required or schema.get("minItems") else ACCEPT
    items = resolve(schema["items"])
    if items.get("type") == "object":
        for mutation, value in (("of a null", [None]), ("of a text", ["x"]), ("of an array", [[]]), ("of a number", [1])):
            yield mutation, value, bad
        yield "of an empty object", [{}], FRAME if items.get("required") else ACCEPT
        return
    for mutation, value in (("of a number", [1]), ("of an array", [[]]), ("of an object", [{}]), ("of a boolean", [True])):
        yield mutation, value, bad
    if "maxItems" in schema:
        yield "too many", [f"{number:05}" for number in range(schema["maxItems"] + 1)], FIELD
    yield "10,001 texts", [f"{number:05}" for number in range(MAX_ELEMENTS + 1)], bad
    if items.get("maxLength"):
        yield "of a text too long", ["a" * (items["maxLength"] + 1)], FIELD
        yield "of a text of 100,000", ["a" * 100_000], FIELD
    if items.get("minLength"):
        yield "of an empty text", [""], FIELD
    if items.get("pattern"):
        for mutation, text in (("of a text with <", "a<b"), ("of a text with |", "a|b"), ("of a text with a comma", "a,b"), ("of a text with :", "a:b")):
            yield mutation, [text], FIELD
    yield "of invalid UTF-8", [Raw(b'"\xff"')], MALFORMED
    yield "of a lone surrogate", [Raw(rb'"ab\ud800"')], MALFORMED | FIELD

