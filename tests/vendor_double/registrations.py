"""Registrations of resources, acknowledgement of events, and migration intents in our form of the vendor's withdrawn one."""
import re
import urllib.parse

from .calls import Reply
from .errors import Refusal, bad_body, bad_field, bad_query
from .fields import Fields, collection, envelope, flag, new_id, show, text
from .model import ACTIVE, DEACTIVATED, Registration

OWNER_SEGMENTS, ALL_SEGMENTS = 8, 10
KEY_CRN = re.compile(r"crn:v1:[^:]*:[^:]*:[^:]+:[^:]*:a/[^:]+:[0-9a-f-]{36}:key:[0-9a-f-]{36}")


def decode_crn(value):
    """A CRN that may be encoded more than once."""
    for _ in range(3):
        if value.startswith("crn:"):
            break
        value = urllib.parse.unquote(value)
    return value


def shown(call, key, registration):
    view = {"keyId": key.id, "keyName": key.name, "resourceCrn": registration.crn, "createdBy": registration.created_by,
            "creationDate": show(registration.created), "updatedBy": registration.updated_by, "lastUpdated": show(registration.updated),
            "description": registration.data["description"] or "", "preventKeyDeletion": registration.data["preventKeyDeletion"],
            "keyVersion": registration.version.show()}
    if call.is_service and registration.data["registrationMetadata"]:
        view["registrationMetadata"] = registration.data["registrationMetadata"]
    return view


def crn_matches(pattern, crn):
    parts, wanted = crn.split(":"), pattern.split(":")
    parts += [""] * (len(wanted) - len(parts))
    for number, (part, want) in enumerate(zip(parts, wanted)):
        last = number == len(wanted) - 1
        if not (want == "*" or part == want or (last and want.endswith("*") and part.startswith(want[:-1]))):
            return False
    return len(parts) == len(wanted)


def listed(call, keys):
    pattern, prevents = call.one("urlEncodedResourceCRNQuery"), call.boolean("preventKeyDeletion")
    if pattern is not None:
        pattern = decode_crn(pattern)
        if len(pattern.split(":")) != ALL_SEGMENTS:
            raise bad_query("urlEncodedResourceCRNQuery", f"A CRN query has {ALL_SEGMENTS} segments")
        if call.is_service:
            pattern = ":".join([call.caller.service_crn, *pattern.split(":")[OWNER_SEGMENTS:]])
    rows = [(registration.created, registration.crn, key, registration) for key in keys for registration in key.registrations.values()
            if (pattern is None or crn_matches(pattern, registration.crn)) and
            (prevents is None or registration.data["preventKeyDeletion"] == prevents) and (call.ring is None or key.ring == call.ring)]
    page, total = call.page(sorted(rows, key=lambda row: row[:2]))
    return Reply(200, collection("registration", [shown(call, key, registration) for _, _, key, registration in page], **total))


def of_key(call):
    return listed(call, [call.key()])


def of_instance(call):
    return listed(call, call.instance.keys.values())


def service_crn(call):
    """The CRN in the path, which must belong to the calling service."""
    crn = decode_crn(call.parts["crn"])
    if not call.is_service:
        raise Refusal("SERVICE_ONLY_ERR", "Only services may write registrations")
    if crn.count(":") < OWNER_SEGMENTS - 1 or not crn.startswith("crn:v1:"):
        raise bad_field("resourceCrn", "The CRN must name at least a service instance")
    if not (crn == call.caller.service_crn or crn.startswith(call.caller.service_crn + ":")):
        raise Refusal("RESOURCE_OWNER_ERR", "The resource belongs to another service")
    return crn


def registrable(call):
    key = call.key()
    if key.extractable:
        raise Refusal("KEY_ROOT_REQ_REG_ERR", "Only root keys are registered")
    if key.state != ACTIVE:
        raise Refusal("KEY_INVALID_STATE_ERR", "Key is not in active state")
    return key


def read_body(call, updating=False):
    resources = envelope(call.body)
    if len(resources) != 1:
        raise Refusal("NUM_COLLECTION_RESOURCE_ERR", "One registration is expected")
    fields = resources[0]
    fields.only("description", "registrationMetadata", "preventKeyDeletion", *(["keyVersionId"] if updating else []))
    return fields


def answer(call, key, registration):
    return Reply(200, collection("registration", [shown(call, key, registration)]), {"ETag": f'"{registration.etag}"'})


def create(call):
    crn, key, fields = service_crn(call), registrable(call), read_body(call)
    if crn in key.registrations:
        raise Refusal("REGISTRATION_EXISTS_ERR", "The resource is registered with the key")
    data = {"description": text(fields, "description", 2, 240), "registrationMetadata": text(fields, "registrationMetadata"),
            "preventKeyDeletion": flag(fields, "preventKeyDeletion", False)}
    key.registrations[crn] = Registration(crn, data, key.versions[-1], call.now, call.caller.iam_id, call.now, call.caller.iam_id)
    return answer(call, key, key.registrations[crn])


def existing(call, key, crn):
    if crn not in key.registrations:
        raise Refusal("REGISTRATION_NOT_FOUND_ERR", "The resource is not registered with the key")
    registration = key.registrations[crn]
    condition = call.headers.get("if-match")
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")} if condition else None
    if tags is not None and "*" not in tags and registration.etag not in tags:
        raise Refusal("PRECONDITION_FAILED_ERR", "The registration was changed meanwhile")
    return registration


def update(call):
    """PUT replaces everything, PATCH what is given."""
    crn, key, fields = service_crn(call), registrable(call), read_body(call, updating=True)
    registration = existing(call, key, crn)
    version = text(fields, "keyVersionId")
    if version is not None:
        identifiers = [each.id for each in key.versions]
        if version not in identifiers or identifiers.index(version) <= identifiers.index(registration.version.id):
            raise Refusal("KEY_VERSION_INVALID", "The version must be newer than the registered one")
        registration.version = key.versions[identifiers.index(version)]
    readers = {"description": text, "registrationMetadata": text, "preventKeyDeletion": flag}
    for name, reader in readers.items():
        if call.method == "PUT" or name.lower() in fields:
            registration.data[name] = reader(fields, name) or (False if reader is flag else None)
    registration.updated, registration.updated_by, registration.etag = call.now, call.caller.iam_id, new_id()
    return answer(call, key, registration)


def delete(call):
    crn, key = service_crn(call), call.key()
    registration = existing(call, key, crn)
    reply = answer(call, key, registration) if call.full else Reply(204)
    del key.registrations[crn]
    return reply


def acknowledge(call):
    if not call.is_service:
        raise Refusal("SERVICE_ONLY_ERR", "Only services acknowledge events")
    for fields in envelope(call.body):
        fields.only("eventId", "adopterKeyState", "timestamp", "keyStateData")
        text(fields, "eventId", 1, 100, required=True)
        state, data = text(fields, "adopterKeyState", 1, 100, required=True), fields.get("keystatedata")
        if state == "DEK_ENABLED" and not (isinstance(data, Fields) and data.get("rewrappedkeyversion")):
            raise bad_field("rewrappedKeyVersion", "rewrappedKeyVersion is required with DEK_ENABLED")
    return Reply(204)


# --- migration intents ---
def create_intent(call):
    resources = envelope(call.body)
    if len(resources) != 1:
        raise bad_body("One migration intent is expected")
    resources[0].only("targetCRK")
    target = text(resources[0], "targetCRK", required=True)
    if not KEY_CRN.fullmatch(target):
        raise bad_field("targetCRK", "targetCRK must be the full CRN of a key")
    key = call.key((ACTIVE, DEACTIVATED), root=True)
    if key.intent:
        raise Refusal("MIGRATION_INTENT_EXISTS_ERR", "The key has a migration intent")
    key.intent = {"id": new_id(), "sourceCRK": key.crn, "targetCRK": target, "creationDate": show(call.now),
                  "createdBy": call.caller.iam_id}
    key.lifecycle = call.now
    return Reply(201, collection("migration_intent", [key.intent]))


def with_intent(call):
    key = call.key(root=True)
    if not key.intent:
        raise Refusal("MIGRATION_INTENT_NOT_FOUND_ERR", "The key has no migration intent")
    return key


def get_intent(call):
    return Reply(200, collection("migration_intent", [with_intent(call).intent]))


def delete_intent(call):
    with_intent(call).intent = None
    return Reply(204)
