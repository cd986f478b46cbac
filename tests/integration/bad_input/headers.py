"""Headers made wrong. Yields (place, mutation, change, outcome): `change` makes the wrong request from
a valid one."""
from .expectations import (ACCEPT, BAD_HTTP, BAD_INSTANCE, EITHER, HEADERS_TOO_LARGE, KEY_NOT_FOUND, MALFORMED, NO_TOKEN, TOO_LARGE,
                           UNREADABLE_TOKEN, refuse)
from .urls import FOREIGN

OVERSIZED = "a" * (33 * 1024)
OTHER_STATE = refuse(412, "PRECONDITION_FAILED_ERR")
CONTROL = [("with a control character", "\x01"), ("with NUL", "\0"), ("with a bare line feed", "\nX-Injected: 1"), ("with a bare return", "\rX")]


def lines(name, *values, spelt=None):
    """The header with these values, in this many lines; none: without it."""
    return lambda valid: valid.copy().without_header(name).with_header(spelt or name, *values)


def broken_lines(name, good):
    """What no header may hold; too much of it."""
    for mutation, text in CONTROL:
        yield name, mutation, lines(name, good + text), BAD_HTTP
    yield name, "33 KiB", lines(name, OVERSIZED), HEADERS_TOO_LARGE
    yield name, "folded", lines(name, "\r\n " + good), BAD_HTTP


def authorization(request, tokens):
    """`tokens`: name -> token, of those that must not be let in."""
    name, good = "Authorization", request.header("Authorization")
    token = good.partition(" ")[2]
    head, payload, signature = token.split(".")
    other = "A" if signature[10] != "A" else "B"
    yield name, "missing", lines(name), NO_TOKEN
    yield name, "empty", lines(name, ""), NO_TOKEN | UNREADABLE_TOKEN
    for mutation, text in (("only the scheme", "Bearer"), ("only the scheme and a blank", "Bearer "), ("only the token", token), ("Basic", "Basic Yng6Yng="),
                           ("another scheme", "Token " + token), ("scheme and token without blank", "Bearer" + token)):
        yield name, mutation, lines(name, text), UNREADABLE_TOKEN
    for mutation, text in (("no token", "garbage"), ("only dots", ".."), ("three letters", "a.b.c"), ("no base64", "!!!.???.***"), ("two parts", f"{head}.{payload}"),
                           ("four parts", token + "." + signature), ("without signature", f"{head}.{payload}."), ("alg none", f"eyJhbGciOiJub25lIn0.{payload}."),
                           ("signature changed", f"{head}.{payload}.{signature[:10]}{other}{signature[11:]}"), ("payload changed", f"{head}.{payload[:-4]}AAAA.{signature}"),
                           ("payload of another", f"{head}.eyJpYW1faWQiOiJJQk1pZC0xIn0.{signature}"), ("with a blank inside", token.replace(".", " .", 1)),
                           ("10,000 dots", "." * 10_000), ("Unicode", "schlüssel"), ("invalid UTF-8", "\udcff\udcfe"), ("quoted", f'"{token}"'),
                           ("and a parameter", token + ", realm=x"), ("JSON", '{"access_token":1}'), ("NUL as text", "\\0")):
        yield name, mutation, lines(name, "Bearer " + text), NO_TOKEN | UNREADABLE_TOKEN | BAD_HTTP
    for mutation, text in tokens.items():
        yield name, mutation, lines(name, "Bearer " + text), NO_TOKEN
    yield name, "doubled", lines(name, good, good), NO_TOKEN | UNREADABLE_TOKEN | BAD_HTTP
    yield name, "doubled, second wrong", lines(name, good, "Bearer x"), NO_TOKEN | UNREADABLE_TOKEN | BAD_HTTP
    yield name, "doubled, first wrong", lines(name, "Bearer x", good), NO_TOKEN | UNREADABLE_TOKEN | BAD_HTTP
    yield from broken_lines(name, good)
    yield name, "scheme in lower case", lines(name, "bearer " + token), ACCEPT
    yield name, "name in lower case", lines(name, good, spelt="authorization"), ACCEPT


def instance(request, foreign):
    """`foreign`: an instance that the caller has no right to does not exist for it; here: one that does not exist."""
    name, good = "Bluemix-Instance", request.header("Bluemix-Instance")
    yield name, "missing", lines(name), BAD_INSTANCE
    for mutation, text in (("empty", ""), ("a word", "payroll"), ("a letter missing", good[:-1]), ("a letter more", good + "0"), ("in braces", "{" + good + "}"),
                           ("without dashes", good.replace("-", "")), ("a g", "g" + good[1:]), ("two ids", f"{good},{good}"), ("a CRN", f"crn:v1:::{good}"), ("..", "../../x"),
                           ("quoted", f'"{good}"'), ("Unicode", "ü" * 36), ("SQL", "' OR '1'='1"), ("5,000 characters", "a" * 5000), ("urn", "urn:uuid:" + good)):
        yield name, mutation, lines(name, text), BAD_INSTANCE | BAD_HTTP if mutation == "Unicode" else BAD_INSTANCE
    yield name, "doubled", lines(name, good, good), BAD_INSTANCE
    yield name, "doubled, different", lines(name, good, foreign), BAD_INSTANCE
    yield name, "unknown", lines(name, foreign), NO_TOKEN
    yield name, "nil", lines(name, "00000000-0000-0000-0000-000000000000"), NO_TOKEN | BAD_INSTANCE
    yield from broken_lines(name, good)
    yield name, "in lower case", lines(name, good, spelt="bluemix-instance"), ACCEPT


def key_ring(kind):
    """`kind`: "key" the key must be in it, "create" the key goes there, "list" only what is there, "ignored"."""
    name = "X-Kms-Key-Ring"
    missing = {"key": KEY_NOT_FOUND, "create": refuse(404, "KEY_RING_NOT_FOUND_ERR"), "list": EITHER, "ignored": ACCEPT}[kind]
    if kind in ("key", "create"):
        missing = missing | refuse(400, "INVALID_FIELD_ERR", "INVALID_HEADER_ERR")
    for mutation, text in (("unknown", "no-such-ring"), ("no ring id", "a b/c"), ("101 characters", "a" * 101), ("..", "../../etc"), ("SQL", "' OR '1'='1"), ("in capitals", "DEFAULT"),
                           ("two rings", "default,default"), ("quoted", '"default"'), ("5,000 characters", "a" * 5000), ("*", "*")):
        yield name, mutation, lines(name, text), missing
    yield name, "Unicode", lines(name, "schlüssel"), missing if kind in ("list", "ignored") else missing | BAD_HTTP
    yield name, "doubled, different", lines(name, "default", "no-such-ring"), refuse(400, "INVALID_HEADER_ERR", "HTTP_ERR")
    yield name, "doubled, different, first unknown", lines(name, "no-such-ring", "default"), refuse(400, "INVALID_HEADER_ERR", "HTTP_ERR") | (
        missing if kind in ("key", "create") else BAD_HTTP)
    yield from broken_lines(name, "default")
    yield name, "empty", lines(name, ""), ACCEPT
    yield name, "right", lambda valid: valid.copy().with_header(name, valid.ring), ACCEPT


def common(has_body, knows_prefer):
    """Headers of every call."""
    name = "Correlation-Id"
    for mutation, values in (("missing", []), ("empty", [""]), ("a word", ["payroll"]), ("5,000 characters", ["a" * 5000]), ("markup", ["<script>"]),
                             ("in capitals", [FOREIGN.upper()]), ("doubled", [FOREIGN, FOREIGN[::-1]]), ("SQL", ["'; DROP TABLE keys;--"]), ("Unicode", ["schlüssel"])):
        yield name, mutation, lines(name, *values), ACCEPT
    yield from broken_lines(name, FOREIGN)
    for mutation, values in (("empty", [""]), ("a word", ["garbage"]), ("an image", ["image/png"]), ("nothing wanted", ["*/*;q=0"]), ("doubled", ["text/html", "x/y"]),
                             ("5,000 characters", ["a/" * 2500])):
        yield "Accept", mutation, lines("Accept", *values), ACCEPT
    yield from broken_lines("Accept", "*/*")
    if has_body:
        for mutation, values in (("missing", []), ("empty", [""]), ("a word", ["garbage"]), ("text", ["text/plain"]), ("multipart", ["multipart/form-data; boundary=x"]),
                                 ("doubled", ["application/json", "text/xml"]), ("UTF-16", ["application/json; charset=utf-16"])):
            yield "Content-Type", mutation, lines("Content-Type", *values), ACCEPT
        yield from broken_lines("Content-Type", "application/json")
    if knows_prefer:
        for mutation, values in (("empty", [""]), ("a word", ["garbage"]), ("return=nothing", ["return=nothing"]), ("async", ["respond-async, wait=5"]), ("5,000 characters", ["a" * 5000])):
            yield "Prefer", mutation, lines("Prefer", *values), ACCEPT
        yield from broken_lines("Prefer", "return=minimal")
    yield "any", "101 of them", lines("X-Any", *["1"] * 101), HEADERS_TOO_LARGE | BAD_HTTP
    yield "any", "blank in a name", lines("X Any", "1"), BAD_HTTP
    yield "any", "blank before the colon", lines("X-Any ", "1"), BAD_HTTP
    yield "any", "empty name", lines("", "1"), BAD_HTTP
    yield "any", "name of 33 KiB", lines(OVERSIZED, "1"), HEADERS_TOO_LARGE


def framing(request, body):
    """What tells where the request ends, and the host."""
    good = str(len(body or b""))
    for mutation, values in (("doubled", [good, good]), ("doubled, different", [good, "5"]), ("a list", [f"{good}, {good}"]), ("negative", ["-1"]), ("empty", [""]), ("a word", ["many"]),
                             ("hexadecimal", ["0x2"]), ("a plus", ["+2"]), ("a fraction", ["2.0"]), ("an exponent", ["1e1"])):
        yield "Content-Length", mutation, lines("Content-Length", *values), BAD_HTTP
    for mutation, values in (("1 MiB + 1", [str((1 << 20) + 1)]), ("2^63", [str(2**63)]), ("2^64", [str(2**64)]), ("10^100", ["1" + "0" * 100])):
        yield "Content-Length", mutation, lines("Content-Length", *values), BAD_HTTP | TOO_LARGE
    for mutation, values in (("gzip", ["gzip"]), ("identity", ["identity"]), ("gzip, chunked", ["gzip, chunked"]), ("doubled", ["chunked", "chunked"]), ("a word", ["xchunked"])):
        yield "Transfer-Encoding", mutation, lines("Transfer-Encoding", *values), BAD_HTTP
    yield "Transfer-Encoding", "and Content-Length", lambda valid: lines("Content-Length", good)(valid).with_header("Transfer-Encoding", "chunked"), BAD_HTTP
    yield "Host", "missing", lines("Host"), BAD_HTTP
    yield "Host", "doubled", lines("Host", request.header("Host"), request.header("Host")), BAD_HTTP
    yield "Expect", "a word", lines("Expect", "garbage"), refuse(417, "HTTP_ERR") | BAD_HTTP
    yield "Expect", "100-continue", lines("Expect", "100-continue"), ACCEPT
    if body:
        yield "Content-Length", "half of the body", half, MALFORMED


def half(valid):
    """The rest never comes: to the server it is a short body."""
    request = valid.copy()
    body = valid.body_bytes()
    request.body = body[:len(body) // 2]
    return request


def if_match(tag_of):
    """`tag_of`: a valid request -> the tag of its registration."""
    name = "If-Match"
    for mutation, text in (("another tag", '"0123456789abcdef"'), ("a list of others", '"a", W/"b"'), ("without quotes", "garbage"), ("an open quote", '"abc'),
                           ("5,000 characters", '"' + "a" * 5000 + '"'), ("only commas", ",,,"), ("SQL", "' OR '1'='1")):
        yield name, mutation, lines(name, text), OTHER_STATE | refuse(400, "INVALID_HEADER_ERR")
    for mutation, form in (("right", "{}"), ("right, weak", "W/{}"), ("in a list", '"x", {}'), ("*", "*")):
        yield name, mutation, lambda valid, form=form: valid.copy().with_header(name, form.format(tag_of(valid))), ACCEPT
    yield from broken_lines(name, '"a"')
