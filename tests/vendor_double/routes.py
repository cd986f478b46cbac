"""Which path is which call, what right it needs, and the way of a call through the double."""
import re
import urllib.parse

from . import actions, keys, listing, material, policies, registrations, rings
from .calls import Reply
from .errors import Refusal, bad_query, unauthorized
from .fields import UUID4
from .iam import allowed


def compiled(pattern):
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))


# (methods, path under /api/v2, handler, right, lead-in of a refusal); the first that fits wins.
TABLE = [
    ("GET", "keys/registrations", registrations.of_instance, "registrations.list", "Registrations could not be retrieved"),
    ("HEAD", "keys", listing.count_keys, "secrets.list", "Keys could not be counted"),
    ("GET", "keys", listing.list_keys, "secrets.list", "Keys could not be retrieved"),
    ("POST", "keys", keys.create, "secrets.create", "Key could not be created"),
    ("POST", "keys_with_policy_overrides", keys.create_with_overrides, "secrets.override", "Key could not be created"),
    ("GET", "keys/{id}", keys.get, "secrets.read", "Key could not be retrieved"),
    ("PATCH", "keys/{id}", keys.patch, "secrets.patch", "Key could not be updated"),
    ("DELETE", "keys/{id}", keys.delete, "secrets.delete", "Key could not be deleted"),
    ("GET", "keys/{id}/metadata", keys.metadata, "secrets.readmetadata", "Key metadata could not be retrieved"),
    ("DELETE", "keys/{id}/purge", keys.purge, "secrets.purge", "Key could not be purged"),
    ("POST", "keys/{id}/restore", keys.restore, "secrets.restore", "Key could not be restored"),
    ("GET", "keys/{id}/versions", keys.versions, "secrets.listkeyversions", "KeyVersion(s) could not be retrieved"),
    ("POST", "keys/{id}/actions/sync", actions.sync, "secrets.sync", "Could not initiate sync requests to associated resources"),
    ("GET", "keys/{id}/policies", policies.get_key_policies, "policies.read", "Key policies could not be retrieved"),
    ("PUT", "keys/{id}/policies", policies.put_key_policies, "policies.write", "Key policy could not be created"),
    ("POST", "keys/{id}/aliases/{alias}", keys.create_alias, "secrets.createalias", "Key alias could not be created"),
    ("DELETE", "keys/{id}/aliases/{alias}", keys.delete_alias, "secrets.deletealias", "Key alias could not be deleted"),
    ("GET", "keys/{id}/registrations", registrations.of_key, "registrations.list", "Registrations could not be retrieved"),
    ("POST", "keys/{id}/registrations/{crn}", registrations.create, "registrations.write", "Registration could not be created"),
    ("PUT PATCH", "keys/{id}/registrations/{crn}", registrations.update, "registrations.write", "Registration could not be updated"),
    ("DELETE", "keys/{id}/registrations/{crn}", registrations.delete, "registrations.write", "Registration could not be deleted"),
    ("POST", "keys/{id}/migrationIntent", registrations.create_intent, "migrationintent.write", "Migration intent could not be created"),
    ("GET", "keys/{id}/migrationIntent", registrations.get_intent, "migrationintent.read", "Migration intent could not be retrieved"),
    ("DELETE", "keys/{id}/migrationIntent", registrations.delete_intent, "migrationintent.write", "Migration intent could not be deleted"),
    ("POST", "event_ack", registrations.acknowledge, "secrets.eventack", "Event could not be acknowledged"),
    ("POST", "import_token", material.create_token, "importtoken.create", "Import Token could not be created"),
    ("GET", "import_token", material.get_token, "importtoken.read", "Import Token could not be retrieved"),
    ("GET", "key_rings", rings.list_rings, "keyrings.list", "Key rings could not be retrieved"),
    ("POST", "key_rings/{ring}", rings.create, "keyrings.create", "Key ring could not be created"),
    ("DELETE", "key_rings/{ring}", rings.delete, "keyrings.delete", "Key ring could not be deleted"),
    ("GET", "instance/policies", policies.get_instance_policies, "instancepolicies.read", "Instance policy could not be retrieved"),
    ("PUT", "instance/policies", policies.put_instance_policies, "instancepolicies.write", "Instance policy could not be created"),
    ("GET", "instance/allowed_ip_port", policies.get_allowed_ip_port, "instance.readallowedipport", "Port could not be retrieved"),
]
TABLE += [("POST", f"keys/{{id}}/actions/{name}", handler, "secrets." + name.lower(), "Action could not be performed on key")
          for name, handler in actions.ACTIONS.items()]
ROUTES = [(methods.split(), compiled("/api/v2/" + path), *rest) for methods, path, *rest in TABLE]
OLD_ACTION = compiled("/api/v2/keys/{id}")
# Without any role a list is empty instead of refused.
EMPTY_WITHOUT_ROLE = (listing.list_keys, listing.count_keys)


def normal(path):
    return re.sub(r"/{2,}", "/", path).rstrip("/") or "/"


def find(method, path, query, intents):
    """(handler, parts, right, lead-in). Errors: Refusal 404, 405, or 400 for an unknown ?action."""
    literal, others = "/api/v2/keys/registrations", []
    if path.endswith("/migrationIntent") and not intents:
        raise Refusal("NOT_FOUND_ERR", "There is no such path")
    if method == "POST" and (match := OLD_ACTION.fullmatch(path)) and path != literal:
        name = query.get("action", [""])[0]
        if name not in actions.OLD_ACTIONS:
            raise bad_query("action", "action must be one of " + ", ".join(actions.OLD_ACTIONS))
        return actions.OLD_ACTIONS[name], match.groupdict(), "secrets." + name.lower(), "Action could not be performed on key"
    for methods, pattern, handler, right, lead in ROUTES:
        match = pattern.fullmatch(path)
        if match and method in methods and not (path == literal and "id" in match.groupdict()):
            return handler, match.groupdict(), right, lead
        others += methods if match else []
    if others:
        raise Refusal("METHOD_NOT_ALLOWED_ERR", f"{method} is not a method of this path", headers={"Allow": ", ".join(sorted(set(others)))})
    raise Refusal("NOT_FOUND_ERR", "There is no such path")


def decoded(parts):
    return {name: value if name == "crn" else urllib.parse.unquote(value) for name, value in parts.items()}


def admitted(call, handler, right):
    """The instance of a call and the caller's right to it. Errors: 400 for the header, 401 for all else."""
    guid = call.headers.get("bluemix-instance", "")
    if not UUID4.fullmatch(guid):
        raise Refusal(None, "The Bluemix-Instance header is missing or not a UUID", status=400)
    call.instance = call.service.instances.get(guid.lower())
    if call.instance is None:
        raise unauthorized()
    bypass = handler is policies.get_allowed_ip_port or call.is_service
    if not (bypass or policies.address_allowed(call.instance, call.address)) or not policies.network_allowed(call.instance, call.service.private):
        raise unauthorized("The network of the caller is not allowed")
    return allowed(call.caller, call.instance.guid, right)


def answer(call):
    """The whole way of one call. Returns a Reply; a refusal is one, too."""
    lead = "Request could not be processed"
    try:
        handler, parts, right, lead = find(call.method, normal(call.path), call.query, call.service.intents)
        call.caller, call.parts = call.service.iam.caller(call.headers.get("authorization")), decoded(parts)
        may = admitted(call, handler, right)
        with call.instance.lock:
            call.instance.apply_clocks(call.now)
            if not may:
                if handler in EMPTY_WITHOUT_ROLE and not call.caller.roles.get(call.instance.guid):
                    empty = {"metadata": {"collectionType": "application/vnd.ibm.kms.key+json", "collectionTotal": 0}, "resources": []}
                    return Reply(200, empty) if call.method == "GET" else Reply(200, None, {"Key-Total": "0"})
                raise unauthorized()
            return handler(call)
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body(lead), refusal.headers)
