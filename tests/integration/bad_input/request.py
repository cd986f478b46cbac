"""A request in parts that can each be made wrong, and JSON text that Python's json cannot write."""
import copy
import dataclasses
import json


class Raw:
    """Text that goes into the JSON as it is. A str is sent as UTF-8, bytes as they are."""

    def __init__(self, text):
        self.data = text if isinstance(text, bytes) else text.encode()


class Members(list):
    """An object as (name, value) pairs, so that a name can come twice."""


def to_json(value):
    if isinstance(value, Raw):
        return value.data
    if isinstance(value, (dict, Members)):
        pairs = value.items() if isinstance(value, dict) else value
        return b"{" + b",".join(json.dumps(name).encode() + b":" + to_json(one) for name, one in pairs) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(to_json, value)) + b"]"
    return json.dumps(value, ensure_ascii=False).encode()


@dataclasses.dataclass
class Request:
    """`path` is a template; `params` are percent-encoded as sent; `query` is a list of "name=value" as sent."""
    operation: str
    method: str
    path: str
    params: dict = dataclasses.field(default_factory=dict)
    query: list = dataclasses.field(default_factory=list)
    headers: list = dataclasses.field(default_factory=list)
    body: object = None  # an object (sent as JSON), bytes, or None
    ring: str = "default"  # of its key
    tag: str = ""  # of its registration
    correlation: str = ""
    correlate: bool = True

    def copy(self):
        return copy.deepcopy(self)

    @property
    def target(self):
        path = self.path
        for name, value in self.params.items():
            path = path.replace("{" + name + "}", value)
        return path + ("?" + "&".join(self.query) if self.query else "")

    def header(self, name):
        return next(value for known, value in self.headers if known.lower() == name.lower())

    def without_header(self, name):
        self.headers = [one for one in self.headers if one[0].lower() != name.lower()]
        return self

    def with_header(self, name, *values):
        """The header with these values, in this many lines."""
        self.without_header(name)
        self.headers += [(name, value) for value in values]
        return self

    def body_bytes(self):
        return self.body if self.body is None or isinstance(self.body, bytes) else to_json(self.body)


# --- Places in a body: a tuple of member names and indices ---

def at(body, place):
    for step in place:
        body = body[step]
    return body


def has(body, place):
    try:
        at(body, place)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def put(body, place, value):
    at(body, place[:-1])[place[-1]] = value


def remove(body, place):
    del at(body, place[:-1])[place[-1]]


def rename(body, place, name):
    """The member under another name, in its old position."""
    parent = at(body, place[:-1])
    pairs = [(name if known == place[-1] else known, value) for known, value in parent.items()]
    parent.clear()
    parent.update(pairs)


def repeat(body, place, name, value):
    """The object that holds the member holds one more, of that name."""
    parent = Members(at(body, place[:-1]).items())
    parent.append((name, value))
    if len(place) == 1:
        return parent
    put(body, place[:-1], parent)
    return body
