"""Lists of keys: state, ring, filter, search, sort and pages; and the count."""
import re

from .calls import BOOLEANS, Reply
from .errors import Refusal, bad_query
from .fields import UUID4, collection, parse_date

STATES = {"0", "1", "2", "3", "5"}
SEARCHABLE_MOST, DAY = 5000, 86400
DATES = {"creationDate": lambda key: key.created, "lastUpdateDate": lambda key: key.updated or key.created,
         "lastRotateDate": lambda key: key.rotated, "deletionDate": lambda key: key.deleted, "expirationDate": lambda key: key.expires}
SORTS = DATES | {"id": lambda key: key.id, "state": lambda key: key.state, "extractable": lambda key: key.extractable,
                 "imported": lambda key: key.imported}
OPTIONS, SCOPES = ("not", "exact", "escape"), ("alias", "name")


def states_of(text, name):
    values = text.split(",")
    if not set(values) <= STATES:
        raise bad_query(name, "state must be a list of 0, 1, 2, 3 and 5")
    return {int(value) for value in values}


def date_condition(name, text):
    """A predicate for one date property: none, a date, or a comparison with one."""
    take = DATES[name]
    if text.lower() == "none":
        return lambda key: take(key) is None
    match = re.fullmatch(r'(?:(lt|lte|gt|gte):)?"([^"]*)"', text)
    moment = parse_date(match[2]) if match else None
    if moment is None:
        raise bad_query("filter", f"{name} must be none or a date in double quotes, after lt:, lte:, gt: or gte: if need be")
    length = DAY if moment % DAY == 0 else 1  # a bare date at midnight means the day, else the second
    moment = int(moment) if not match[1] else moment
    tests = {None: lambda when: moment <= when < moment + length, "lt": lambda when: int(when) < moment,
             "lte": lambda when: int(when) <= moment, "gt": lambda when: int(when) > moment, "gte": lambda when: int(when) >= moment}
    test = tests[match[1]]
    return lambda key: take(key) is not None and test(take(key))


def filter_conditions(call):
    """(predicates, whether the filter names a state)."""
    text, found, counts = call.one("filter"), [], {}
    for word in re.findall(r'(?:[^\s"]|"[^"]*")+', text or ""):
        name, equals, value = word.partition("=")
        counts[name] = counts.get(name, 0) + 1
        if not equals or counts[name] > 3:
            raise bad_query("filter", "A filter is a list of property=value, each property at most three times")
        if name in ("state", "extractable") and name in call.query:
            raise bad_query("filter", f"{name} is given in the filter and as a parameter")
        if name in DATES:
            found.append(date_condition(name, value))
        elif name == "state":
            found.append(lambda key, states=states_of(value, "filter"): key.state in states)
        elif name == "extractable" and value.lower() in BOOLEANS:
            found.append(lambda key, wanted=BOOLEANS[value.lower()]: key.extractable == wanted)
        else:
            raise bad_query("filter", f"The filter {word!r} is not known")
    return found, "state" in counts


def selected(call, hide_new=False):
    """The keys of a list before search and order."""
    conditions, by_filter = filter_conditions(call)
    given = ",".join(call.query["state"]) if "state" in call.query else None
    states = states_of(given, "state") if given is not None else {0, 1, 2, 3, 5} if by_filter else {0, 1, 2, 3}
    extractable = call.boolean("extractable")
    keys = []
    for key in list(call.instance.keys.values()):
        if key.lists_until_shown > 0:  # a list that is not consistent yet
            key.lists_until_shown -= int(hide_new)
            continue
        if (key.state in states and (call.ring is None or key.ring == call.ring) and
                (extractable is None or key.extractable == extractable) and all(test(key) for test in conditions)):
            keys.append(key)
    return keys


def parse_search(text):
    """(text, scopes, not, exact)."""
    chosen, rest = set(), text.removesuffix(",")
    while (prefix := rest.partition(":"))[1] and prefix[0] in OPTIONS + SCOPES and "escape" not in chosen:
        chosen.add(prefix[0])
        rest = prefix[2]
    scopes = [scope for scope in ("name", "alias") if scope in chosen] or ["name", "alias"]
    return rest, scopes, "not" in chosen, "exact" in chosen


def searched(call, keys, text):
    """(keys that match, metadata of the search)."""
    wanted, scopes, inverted, exact = parse_search(text)
    note = {"searchQuery": {"query": wanted, "scopes": scopes, "not": inverted, "exact": exact}}
    direct = call.instance.keys.get(wanted.lower()) if UUID4.fullmatch(wanted) else None
    if direct is None and "alias" in scopes:
        direct = call.instance.keys.get(call.instance.aliases.get(wanted))
    if direct is not None and (direct not in keys or inverted):
        direct = None
    if len(keys) > SEARCHABLE_MOST:
        if direct is None:
            raise Refusal("KEY_SEARCH_TOO_BROAD", f"The search covers more than {SEARCHABLE_MOST} keys",
                          {"type": "query_param", "name": "search"})
        return [direct], note | {"incompleteSearch": True}

    def matches(key):
        words = ([key.name] if "name" in scopes else []) + (list(key.aliases) if "alias" in scopes else [])
        hit = any(wanted.lower() == word.lower() if exact else wanted.lower() in word.lower() for word in words)
        return hit != inverted

    found = [key for key in keys if matches(key) and key is not direct]
    return ([direct] if direct else []) + found, note


def ordered(keys, text):
    keys.sort(key=lambda key: key.id)
    for word in reversed(text.split(",")):
        name = word.removeprefix("-")
        if name not in SORTS:
            raise bad_query("sort", f"{word!r} is no property to sort by")
        take, descending = SORTS[name], word.startswith("-")
        # An absent date is last in ascending order and first in descending order.
        keys.sort(key=lambda key: (take(key) is None, 0 if take(key) is None else take(key)), reverse=descending)
    return keys


def list_keys(call):
    keys = ordered(selected(call, hide_new=True), call.one("sort") or "id")
    note = {}
    if call.one("search"):
        keys, note = searched(call, keys, call.one("search"))
    page, _ = call.page(keys)
    return Reply(200, collection("key", [call.show(key) for key in page], **note))


def count_keys(call):
    return Reply(200, None, {"Key-Total": str(len(selected(call)))})
