"""Reading of bodies and dates as the service reads them: field names in any case, integers as floats, null as absent."""
import base64
import binascii
import datetime
import json
import re
import uuid

from .errors import Refusal, bad_body, bad_field

KMS = "application/vnd.ibm.kms."
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.I)
DATE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class Fields(dict):
    """A JSON object under lower-case names; `spelled` has the names as they were sent."""

    def __init__(self, pairs):
        super().__init__((name.lower(), value) for name, value in pairs if value is not None)
        self.spelled = {name.lower(): name for name, _ in pairs}

    def only(self, *names):
        """Refuses a field that is none of `names`, in the words of the service's decoder."""
        allowed = {name.lower() for name in names}
        for lower, name in self.spelled.items():
            if lower not in allowed:
                raise bad_body(f'json: unknown field "{name}"')


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def decode(body):
    """The body's value; None for an absent body and for null."""
    if not body.strip():
        return None
    try:
        return json.loads(body, object_pairs_hook=Fields, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise bad_body(f"The body is not JSON: {error}") from None


def parameters(body):
    """The body of an action: an object, empty when nothing was sent."""
    value = decode(body)
    if value is None:
        return Fields([])
    if not isinstance(value, Fields):
        raise bad_body("The body must be a JSON object")
    return value


def envelope(body):
    """The resources of a collection. Errors: BAD_BODY_ERR, COLLECTION_TOTAL_MISMATCH_ERR."""
    value = decode(body)
    if not isinstance(value, Fields):
        raise bad_body("The body must be a collection with metadata and resources")
    metadata, resources = value.get("metadata"), value.get("resources")
    if not isinstance(metadata, Fields) or not isinstance(metadata.get("collectiontype"), str):
        raise bad_body("metadata.collectionType is missing")
    if not isinstance(resources, list) or not resources or not all(isinstance(each, Fields) for each in resources):
        raise bad_body("resources must be an array of at least one object")
    total = metadata.get("collectiontotal")
    if isinstance(total, bool) or not isinstance(total, (int, float)):
        raise bad_body("metadata.collectionTotal is missing")
    if total != len(resources):
        raise Refusal("COLLECTION_TOTAL_MISMATCH_ERR", f"collectionTotal is {total}, but there are {len(resources)} resources")
    return resources


def collection(kind, resources, **metadata):
    return {"metadata": {"collectionType": f"{KMS}{kind}+json", "collectionTotal": len(resources)} | metadata, "resources": resources}


def text(fields, name, low=None, high=None, required=False):
    """A string, or None when absent or empty."""
    value = fields.get(name.lower())
    if value is not None and not isinstance(value, str):
        raise bad_body(f"json: {name} must be a string")
    if not value:
        if required or (value == "" and low and name == "name"):
            raise bad_field(name, f"{name} is required")
        return None
    if (low and len(value) < low) or (high and len(value) > high):
        raise bad_field(name, f"{name} must have {low} to {high} characters")
    return value


def flag(fields, name, default=None):
    value = fields.get(name.lower(), default)
    if value is not default and not isinstance(value, bool):
        raise bad_body(f"json: {name} must be true or false")
    return value


def integer(fields, name, low, high, default=None):
    """An integer within limits; a float without fraction is one."""
    value = fields.get(name.lower())
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad_body(f"json: {name} must be a number")
    if value != int(value) or not low <= value <= high:
        raise bad_field(name, f"{name} must be an integer from {low} to {high}")
    return int(value)


def inner(fields, name):
    """A nested object, or None."""
    value = fields.get(name.lower())
    if value is not None and not isinstance(value, Fields):
        raise bad_body(f"json: {name} must be an object")
    return value


def binary(fields, name):
    """Decoded base64, or None when absent or empty. Errors: INVALID_FIELD_ERR."""
    value = text(fields, name)
    if value is None:
        return None
    try:
        if re.search(r"\s", value):
            raise binascii.Error("line breaks")
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        offset = re.match(r"[A-Za-z0-9+/]*", value).end()
        raise bad_field(name, f"illegal base64 data at input byte {offset} ({error})") from None


def strings(fields, name, most, longest, forbidden=""):
    """A list of strings, [] when absent."""
    value = fields.get(name.lower(), [])
    if isinstance(value, list):  # a null is an empty string to the service's decoder
        value = ["" if each is None else each for each in value]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise bad_body(f"json: {name} must be an array of strings")
    if len(value) > most:
        raise bad_field(name, f"{name} must have at most {most} entries")
    for each in value:
        if len(each) > longest or any(character in each for character in forbidden):
            raise bad_field(name, f"an entry of {name} is longer than {longest} characters or has a character that is not allowed")
    return value


def parse_date(value):
    """Seconds since the epoch of an RFC 3339 date, or None."""
    match = DATE.fullmatch(value)
    if not match:
        return None
    zone = "+00:00" if match[4] in "Zz" else match[4]
    try:
        whole = datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").timestamp()
    except ValueError:
        return None
    return whole + float("0" + (match[3] or ".0"))


def date(fields, name):
    value = text(fields, name)
    if value is None:
        return None
    seconds = parse_date(value)
    if seconds is None:
        raise bad_field(name, f"{name} must be a date such as 2026-01-02T03:04:05Z")
    return seconds


def show(seconds):
    """A date as the service writes it."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_id():
    return str(uuid.uuid4())


def b64(data):
    return base64.b64encode(data).decode()
