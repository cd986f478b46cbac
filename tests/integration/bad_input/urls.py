"""Paths and queries made wrong. Yields (place, mutation, change, outcome): `change` makes the wrong request from a valid one."""
import urllib.parse

from .expectations import ACCEPT, BAD_HTTP, EITHER, EMPTY_SEGMENT, FIELD, NO_PATH, QUERY, UNKNOWN_PARAMETER, refuse

FOREIGN = "0f0e0d0c-0b0a-4908-8706-050403020100"  # no id of anything here

# As sent in a path: (mutation, text). All decode to something that names nothing.
NAMES_NOTHING = [
    ("..", ".."), (".", "."), ("...", "..."), ("%2e%2e%2f", "%2e%2e%2f"), ("%2e%2e", "%2E%2E"), ("..%2f..%2fetc%2fpasswd", "..%2f..%2fetc%2fpasswd"),
    ("..%5c..%5cboot.ini", "..%5c..%5cboot.ini"), ("%2fetc%2fpasswd", "%2fetc%2fpasswd"), ("slash inside", "aa%2fbb"), ("only a slash", "%2f"),
    ("double encoding", "%252e%252e%252f"), ("overlong UTF-8", "%c0%ae%c0%ae%c0%af"), ("invalid UTF-8", "%ff%fe%fd"), ("NUL", "%00"),
    ("NUL inside", "ab%00cd"), ("blank", "%20"), ("blanks", "%20%20%20"), ("tab", "%09"), ("line break", "ab%0d%0aX-Injected:%201"),
    ("DEL", "%7f%7f"), ("Unicode", "schl%C3%BCssel"), ("full-width letters", "%EF%BC%A1%EF%BC%A2"), ("right-to-left mark", "ab%E2%80%8Fcd"),
    ("SQL", "x'%20OR%20'1'%3D'1"), ("SQL, several statements", "x%27%3B%20DROP%20TABLE%20keys%3B--"), ("SQL wildcard", "%25%25"), ("glob", "**"),
    ("format", "%25s%25n%25x"), ("template", "%24%7B7*7%7D"), ("shell", "%60id%60%7Cid"), ("markup", "%3Cscript%3E"), ("quote", "%22%22"),
    ("semicolon", "aa;bb=1"), ("comma", "aa,bb"), ("colon", "aa:bb"), ("at", "a@b"), ("plus", "aa+bb"), ("percent", "%25"), ("braces", "%7Bid%7D"),
    ("5,000 characters", "a" * 5000), ("30,000 escapes", "%41" * 10_000), ("one letter", "a"), ("CRN of nothing", "crn%3Av1"),
]
# Letters, digits, - and _ only: a rule about letters does not refuse these.
NAMES_NOTHING_IN_WORDS = [("no such name", "no-such-name-here"), ("null", "null"), ("undefined", "undefined"), ("NaN", "NaN"), ("-1", "-1"),
                          ("zeros", "00"), ("a number", "18446744073709551616"), ("a UUID of nothing", FOREIGN), ("a nil UUID", "00000000-0000-0000-0000-000000000000")]
UUIDS = ("key", "instance", "hsm", "proposal")  # read in any case, as RFC 9562 section 4 says
BROKEN = [("%zz", "%zz"), ("% at the end", "ab%"), ("%2 at the end", "ab%2"), ("%u0041", "%u0041"), ("% and a letter", "%g1")]
NOT_HTTP = [("raw control character", "ab\x01cd"), ("raw NUL", "ab\0cd"), ("raw blank", "ab cd"), ("raw tab", "ab\tcd")]
RAW_BYTES = [("raw Unicode", "schlüssel"), ("raw invalid UTF-8", "ab\udcff\udcfecd")]


def percent_encode_all(text):
    return "".join(f"%{byte:02X}" for byte in urllib.parse.unquote_to_bytes(text))


# --- Path parameters ---

def paths(kinds, is_read):
    """`kinds`: parameter -> kind (a word of UNKNOWN_PARAMETER). `is_read`: GET or HEAD."""
    for name, kind in kinds.items():
        unknown = UNKNOWN_PARAMETER[kind]
        for mutation, text in NAMES_NOTHING:
            yield name, mutation, param(name, text), unknown | NO_PATH_IF.get(mutation, unknown)
        for mutation, text in NAMES_NOTHING_IN_WORDS:
            outcome = ACCEPT if kind in ("new alias", "new ring") else unknown
            yield name, mutation, param(name, text), FIELD if kind == "new alias" and text == FOREIGN else outcome
        for mutation, text in BROKEN:
            yield name, mutation, param(name, text), NO_PATH | BAD_HTTP
        for mutation, text in NOT_HTTP:
            yield name, mutation, param(name, text), BAD_HTTP
        for mutation, text in RAW_BYTES:
            yield name, mutation, param(name, text), BAD_HTTP | unknown
        for mutation, form in (("a blank behind", "{}%20"), ("a blank in front", "%20{}"), ("NUL behind", "{}%00"), ("a dot behind", "{}."),
                               ("../ in front", "..%2f{}"), ("in quotes", "%22{}%22")):
            yield name, mutation, param(name, form.format), unknown
        for mutation, change in (("encoded twice", lambda good: percent_encode_all(good).replace("%", "%25")), ("a letter missing", lambda good: good[:-1]),
                                 ("a letter more", lambda good: good + "x"), ("in capitals", str.upper)):
            fine = kind in ("new alias", "new ring") and mutation != "encoded twice" or kind in UUIDS and mutation == "in capitals"
            yield name, mutation, param(name, change), ACCEPT if fine else unknown
        yield name, "empty", param(name, ""), EITHER if is_read else EMPTY_SEGMENT
        yield name, "every letter encoded", param(name, percent_encode_all), ACCEPT


# Longer than a request line may be.
NO_PATH_IF = {"30,000 escapes": refuse(414, "HTTP_ERR") | refuse(431, "HTTP_ERR")}


def param(name, text):
    """`text`: as sent, or a function of what the valid request has there."""
    def change(valid):
        request = valid.copy()
        request.params[name] = text(valid.params[name]) if callable(text) else text
        return request
    return change


def whole_path():
    """Forms of the same path: K3.6 tolerates a trailing and a doubled slash."""
    def change_of(form):
        def change(valid):
            request = valid.copy()
            request.path = form(valid.path)
            return request
        return change

    for mutation, form in (("doubled slashes", lambda path: path.replace("/", "//")), ("a trailing slash", lambda path: path + "/"),
                           ("a hundred slashes", lambda path: "/" * 100 + path)):
        yield "", mutation, change_of(form), ACCEPT
    for mutation, form in (("in capitals", lambda path: "/" + path.split("/")[1].swapcase() + path[1 + len(path.split("/")[1]):]),
                           ("a segment more", lambda path: path + "/no-such-segment/x/y"), ("a segment in front", lambda path: "/x" + path),
                           ("backslashes", lambda path: "/" + path[1:].replace("/", "\\") + "\\x"), ("no slash in front", lambda path: path[1:])):
        yield "", mutation, change_of(form), NO_PATH | BAD_HTTP


# --- Query parameters ---

def without(query, name):
    return [part for part in query if part.partition("=")[0] != name]


def sent(name, *parts):
    """The parameter as these parts of the query; of a function: of the part that the valid request has."""
    def change(valid):
        request = valid.copy()
        given = next((part for part in valid.query if part.partition("=")[0] == name), None)
        request.query = without(valid.query, name) + [part(given) if callable(part) else part for part in parts]
        return request
    return change


def queries(parameters, resolve):
    for one in parameters:
        schema, name = resolve(one["schema"]), one["name"]
        for mutation, text, outcome in query_values(schema):
            yield name, mutation, sent(name, f"{name}={text}"), outcome
        for mutation, text in BROKEN:
            yield name, mutation, sent(name, f"{name}={text}"), EITHER if is_free_text(schema) else QUERY | BAD_HTTP
        for mutation, text in NOT_HTTP:
            yield name, mutation, sent(name, f"{name}={text}"), BAD_HTTP
        if one.get("required"):
            yield name, "missing", sent(name), QUERY
            yield name, "name in capitals", sent(name, str.upper), QUERY
            yield name, "repeated, different", sent(name, str, f"{name}=no-such-word"), QUERY
        else:
            yield name, "name in capitals", sent(name, f"{name.upper()}=no-such-value"), ACCEPT
    for mutation, part in (("unknown", "no_such_parameter=1"), ("unknown, empty", "no_such_parameter="), ("without value", "no_such_parameter"),
                           ("only &", "&&&"), ("only =", "="), ("name is NUL", "%00=1"), ("name is Unicode", "schl%C3%BCssel=1"),
                           ("1,000 of them", "&".join(f"p{number}=1" for number in range(1000))), ("10,000 characters", "p=" + "a" * 10_000)):
        yield "", mutation, lambda valid, part=part: added(valid, part), ACCEPT


def added(valid, part):
    request = valid.copy()
    request.query.append(part)
    return request


def is_free_text(schema):
    """Any text is right; one that is sent wrongly is as good as another text."""
    return schema.get("type") == "string" and "enum" not in schema and "pattern" not in schema


def query_values(schema):
    """(mutation, text as sent, outcome)."""
    kind = schema.get("type")
    if kind == "integer":
        low, high = schema["minimum"], schema["maximum"]
        for mutation, text in (("a word", "many"), ("one below the least", low - 1), ("-1", -1), ("one above the greatest", high + 1), ("2^31", 2**31),
                               ("2^32", 2**32), ("2^63", 2**63), ("2^64", 2**64), ("-2^63 - 1", -2**63 - 1), ("10^5000", "1" + "0" * 5000), ("a fraction", f"{low}.5"),
                               ("hexadecimal", "0x10"), ("1e2", "1e2"), ("a plus", "%2B1"), ("a blank in front", "%201"), ("a blank behind", "1%20"), ("NUL behind", "1%00"),
                               ("NaN", "NaN"), ("digits of another script", "%D9%A1%D9%A2"), ("two numbers", "1,2"), ("quoted", "%221%22"), ("null", "null")):
            yield mutation, text, QUERY
        for mutation, text in (("the least", low), ("the greatest", high), ("encoded digits", "%31")):
            yield mutation, text, ACCEPT
        yield "empty", "", EITHER
    elif kind == "boolean":
        for mutation, text in (("a word", "maybe"), ("yes", "yes"), ("2", "2"), ("-1", "-1"), ("true and a blank", "true%20"), ("two values", "true,false"), ("null", "null"),
                               ("NUL behind", "true%00"), ("quoted", "%22true%22")):
            yield mutation, text, QUERY
        for mutation, text in (("true", "true"), ("True", "True"), ("false", "false"), ("False", "False"), ("encoded", "%66alse")):
            yield mutation, text, ACCEPT
    elif "enum" in schema:
        word = schema["enum"][0]
        for mutation, text in (("none of the words", "no-such-word"), ("in capitals", word.upper()), ("a blank behind", word + "%20"), ("NUL behind", word + "%00"),
                               ("two words", word + "," + word), ("a number", "1"), ("10,000 characters", "a" * 10_000), ("null", "null")):
            yield mutation, text, QUERY
    elif kind == "array":
        for mutation, text in (("4", "4"), ("6", "6"), ("-1", "-1"), ("a word", "active"), ("a gap", "1,,2"), ("with a semicolon", "1;2"), ("a fraction", "1.0"),
                               ("a word among them", "1,a"), ("256", "256"), ("2^64 + 1", 2**64 + 1), ("hexadecimal", "0x1"), ("10,000 numbers", ",".join(["1"] * 9000) + ",x")):
            yield mutation, text, QUERY
        for mutation, text in (("all", "0,1,2,3,5"), ("encoded commas", "1%2C2"), ("one", "5")):
            yield mutation, text, ACCEPT
    elif kind == "string":
        for mutation, text in (("NUL", "%00"), ("SQL", "x'%20OR%20'1'%3D'1"), ("markup", "%3Cscript%3E"), ("invalid UTF-8", "%ff%fe"), ("Unicode", "schl%C3%BCssel")):
            yield mutation, text, EITHER
        if schema.get("maxLength"):
            yield "too long", "a" * (schema["maxLength"] + 1), QUERY
