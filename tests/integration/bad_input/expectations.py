"""What must be answered, by the specification; the exceptions from the general rules, each with the section that says so.

The sections are those of the project's notes on the protocol: K is the key-management API, C the real clients.

    ACCEPT                    one of the operation's successes: real clients need it
    refuse(400, "CODE", …)    this status with one of these codes; nothing has changed
    EITHER                    the specification leaves it open; only for calls that change nothing
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Outcome:
    kind: str  # "accept", "refuse", "either"
    codes: tuple = ()  # (status, code)

    def __or__(self, other):
        return Outcome("refuse", self.codes + other.codes)

    def __str__(self):
        return self.kind if self.kind != "refuse" else " or ".join(f"{status} {code}" for status, code in self.codes)


ACCEPT = Outcome("accept")
EITHER = Outcome("either")


def refuse(status, *codes):
    return Outcome("refuse", tuple((status, code) for code in codes))


# --- General rules ---
FIELD = refuse(400, "INVALID_FIELD_ERR")                       # K17: a field violates its rule
MALFORMED = refuse(400, "BAD_BODY_ERR")                        # K17: malformed JSON, unknown policy field, no envelope
STRUCTURE = MALFORMED | FIELD                                  # an object or an array is something else
FRAME = STRUCTURE | refuse(400, "COLLECTION_TOTAL_MISMATCH_ERR", "NUM_COLLECTION_RESOURCE_ERR")
NO_BODY = refuse(400, "NO_BODY_ERR")                           # K6: a missing body on unwrap, rewrap
TOO_LARGE = refuse(413, "HTTP_ERR", "REQUEST_TOO_LARGE_ERR")   # K17: body too large
QUERY = refuse(400, "INVALID_QUERY_PARAM_ERR")                 # K17: limit, offset, state, sort, filter, action
BAD_HTTP = refuse(400, "HTTP_ERR")                             # RFC 9110, 9112: no request at all
HEADERS_TOO_LARGE = refuse(431, "HTTP_ERR")                    # the document's limits: 32 KiB of headers
NO_PATH = refuse(404, "PATH_NOT_FOUND_ERR") | refuse(405, "METHOD_NOT_ALLOWED_ERR")  # K3.6
NO_TOKEN = refuse(401, "UNAUTHORIZED_ERR")                     # K16: denied is 401
UNREADABLE_TOKEN = refuse(400, "BEARER_SUB_EXTRACTION_ERR")    # K2
BAD_INSTANCE = refuse(400, "INVALID_HEADER_ERR")               # K2: missing or not a UUID, without reasons
KEY_NOT_FOUND = refuse(404, "KEY_NOT_FOUND_ERR")               # K17: unknown id or alias, wrong ring header

# --- Path parameters: what a value that names nothing gets; what a value that breaks the rule gets ---
UNKNOWN_PARAMETER = {
    "key": KEY_NOT_FOUND,
    "alias": refuse(404, "KEY_ALIAS_NOT_FOUND_ERR") | FIELD,
    "ring": refuse(404, "KEY_RING_NOT_FOUND_ERR") | FIELD,
    "crn": FIELD | refuse(404, "REGISTRATION_NOT_FOUND_ERR"),
    "new crn": FIELD,                                              # K13.2: reaches the service-instance segment
    "instance": refuse(404, "INSTANCE_NOT_FOUND_ERR"),
    "hsm": refuse(404, "CRYPTO_UNIT_NOT_FOUND_ERR"),
    "proposal": refuse(404, "PROPOSAL_NOT_FOUND_ERR"),
    "new alias": FIELD,                                        # K9: the rule of aliases
    "new ring": FIELD,                                         # K10: the rule of ring ids
    "identity": refuse(404, "IDENTITY_NOT_FOUND_ERR", "NOT_FOUND_ERR"),
}

# Nothing between two slashes is as good as one slash (K3.6): another path, perhaps of another call.
EMPTY_SEGMENT = NO_PATH | KEY_NOT_FOUND | QUERY | MALFORMED | FIELD | NO_BODY | NO_TOKEN

# --- Exceptions: (operation, fixture or "any"; place or ""; mutation or "*") -> outcome ---
EXCEPTIONS = {}


def exception(outcome, why, operations, places, mutations):
    """`operations` and `places` with blanks between them, `mutations` with bars; `why` is for the reader."""
    assert why
    for operation in operations.split():
        for place in places.split() or [""]:
            for mutation in mutations.split("|"):
                EXCEPTIONS[operation, place, mutation] = outcome


def expected(fixture, operation, place, mutation, general):
    """The outcome of the table if it has one, else the general one."""
    for name in (fixture, operation, "any"):
        for what in (mutation, "*"):
            if (name, place, what) in EXCEPTIONS:
                return EXCEPTIONS[name, place, what]
    return general


NOTHING = "absent|empty|white space|null|null with white space|{}|{} with white space"
LENGTHS = "as long as may be|as long as may be, in characters of four bytes"
WRONG_AAD = refuse(422, "UNPROCESSABLE_CIPHERTEXT_ERR")
NO_PAYLOAD = refuse(400, "KEY_PAYLOAD_REQ_ERR")
NO_POLICY = MALFORMED | FIELD | refuse(400, "NUM_COLLECTION_RESOURCE_ERR", "BODY_QUERY_PARAM_MISMATCH_ERR")
NOBODY = refuse(404, "IDENTITY_NOT_FOUND_ERR")

exception(ACCEPT, "K5.2: no access at all is 200 with an empty list", "listKeys countKeys", "Authorization", "of a stranger")
exception(WRONG_AAD, "K6.1: other AAD than at wrap does not authenticate", "unwrapKey rewrapKey legacyKeyAction/unwrap legacyKeyAction/rewrap", "aad",
          "null|empty array|removed")
exception(NO_PAYLOAD, "K6.2: an imported key rotates with material only", "rotateKey/imported", "", NOTHING)
exception(NO_PAYLOAD, "K6.2: an imported key rotates with material only", "rotateKey/imported", "payload", "null|empty text|removed")
exception(refuse(400, "KEY_ROOT_REQ_ERR"), "K5.1: absent means a standard key, which has no rotation", "createKeyWithPolicyOverrides/generated",
          "resources/*/extractable", "null|removed")
exception(ACCEPT, "K13.2: no body is a registration without settings", "createRegistration", "", "absent|empty")
exception(ACCEPT, "K13.2: the Java SDK encodes a CRN twice", "replaceRegistration updateRegistration deleteRegistration createRegistration", "crn", "encoded twice")
exception(ACCEPT, "K13.2: another resource of the same service", "createRegistration", "crn", "a dot behind|a letter missing|a letter more")
exception(NO_PATH, "the document: POST on registrations is only this action", "deactivateRegistrations", "action", "*")
exception(ACCEPT, "K6: as of other doubled parameters, the first counts", "legacyKeyAction deactivateRegistrations", "action", "repeated, different")
exception(BAD_HTTP, "RFC 9112: no request", "deactivateRegistrations", "action", "raw control character|raw NUL|raw blank|raw tab")
exception(FRAME, "K3.1: once there is a body it is an envelope", "createRegistration", "", "white space|null|null with white space|{}|{} with white space")
exception(FIELD, "the document: counted in bytes", "acknowledgeEvent", "resources/*/adopterKeyState", "as long as may be, in characters of four bytes")
exception(FIELD, "K13.3: DEK_ENABLED needs the version", "acknowledgeEvent", "resources/*/keyStateData", "null|removed|empty object")
exception(FIELD, "K13.3: DEK_ENABLED needs the version", "acknowledgeEvent", "resources/*/keyStateData/rewrappedKeyVersion", "null|removed|empty text")

exception(refuse(409, "KEY_ALIAS_LIMIT_ERR"), "K9: the sixth alias", "createKey createKeyWithPolicyOverrides", "resources/*/aliases", "too many")

# Policies: a setting that is not understood must not pass for a protection.
exception(NO_POLICY, "K11: a resource without a policy", "setKeyPolicies/rotation", "resources/*/rotation", "null|removed")
exception(NO_POLICY, "K11: a resource without a policy", "setKeyPolicies/dualAuthDelete", "resources/*/dualAuthDelete", "null|removed")
exception(FIELD, "K11: no interval stored", "setKeyPolicies/dualAuthDelete", "resources/*/rotation", "empty object")
exception(NO_POLICY, "K11: a resource without a policy", "setKeyPolicies", "resources", "of an empty object")
exception(MALFORMED, "K12: sending attributes is an unknown field", "setInstancePolicies/dualAuthDelete setInstancePolicies/metrics",
          "resources/*/policy_data/attributes", "null|empty object")
exception(FIELD | MALFORMED, "K12: required when enabling", "setInstancePolicies/allowedIP setInstancePolicies/rotation", "resources/*/policy_data/attributes",
          "null|empty object|removed")
exception(FIELD, "K12: 1 to 1,000 subnets", "setInstancePolicies/allowedIP", "resources/*/policy_data/attributes/allowed_ip", "null|empty array|removed")
exception(FIELD, "K12: required when enabling", "setInstancePolicies/rotation", "resources/*/policy_data/attributes/interval_month", "null|removed")
ATTRIBUTES = {"allowedNetwork": ["allowed_network"], "allowedIP": ["allowed_ip"], "rotation": ["interval_month"],
              "keyCreateImportAccess": ["create_root_key", "create_standard_key", "import_root_key", "import_standard_key", "enforce_token"]}
for policy in ATTRIBUTES:
    others = " ".join(f"resources/*/policy_data/attributes/{name}" for other, names in ATTRIBUTES.items() if other != policy for name in names)
    exception(FIELD | MALFORMED, "K12: unknown fields of this policy", f"setInstancePolicies/{policy}", others, "*")
exception(FIELD, "the document: the id of a crypto unit", "createProposal", "hsm_id", LENGTHS)
exception(FIELD | MALFORMED, "the document: an unknown limit is refused by its name", "createInstance updateInstance", "parameters/limits", "*")
exception(ACCEPT, "nothing, or the same in another case", "createInstance updateInstance", "parameters/limits", "null|removed|empty object|in capitals|capitalised")
exception(MALFORMED, "a member twice", "createInstance updateInstance", "parameters/limits", "twice|twice, second in capitals|twice, second null|twice, second escaped")

# Identities: who is meant and to what must be said; what is not understood would widen a policy (the document).
exception(FIELD | MALFORMED, "the document: no member of an access policy may be null or empty", "createAccessPolicy",
          "resources subjects/*/attributes/*/operator resources/*/attributes/*/operator roles/*/display_name roles/*/role_id", "null|empty text|" + LENGTHS)
exception(FIELD | MALFORMED, "the document: a role", "createAccessPolicy", "roles/*/display_name", "removed")
exception(FIELD | MALFORMED, "the document: a role", "createAccessPolicy", "roles", "of an empty object")
exception(ACCEPT, "the document: no attributes stand for the account", "createAccessPolicy", "resources/*/attributes", "empty array")
exception(FIELD | MALFORMED | NOBODY, "the document: one subject", "createAccessPolicy", "subjects", "removed|empty array|null|of an empty object")
exception(FIELD | MALFORMED | NOBODY, "the document: one subject", "createAccessPolicy", "subjects/*/attributes", "removed|empty array|null|of an empty object")
exception(FIELD | MALFORMED | NOBODY, "the document: one subject", "createAccessPolicy", "subjects/*/attributes/*/value", "removed|empty text|null|" + LENGTHS)
exception(FIELD, "no such instance", "createAccessPolicy", "resources/*/attributes/*/value", LENGTHS)

# Long enough is not all: these name something.
exception(FIELD, "no CRN", "createIdentity", "service_crn", LENGTHS)
exception(FIELD, "of users only, and the fixture makes a service id", "createIdentity", "oidc_subject", "as long as may be")
exception(FIELD, "no CRN", "createMigrationIntent", "resources/*/targetCRK", LENGTHS)
exception(FIELD, "no CRN", "deactivateRegistrations", "resources/*/resourceCrn", LENGTHS)
exception(FIELD, "no such plan or region", "createInstance updateInstance", "resource_plan_id target", LENGTHS)
exception(FIELD, "the document: counted in bytes", "createInstance updateInstance createIdentity createApiKey", "name resource_group",
          "as long as may be, in characters of four bytes")
exception(refuse(400, "BXNIM0415E", "BXNIM0137E", "BAD_BODY_ERR", "INVALID_FIELD_ERR"), "K15: refused in the form of IAM", "createToken createTokenOidc",
          "Content-Length", "half of the body")
exception(FIELD, "the document: with file there is no reference; counted in bytes", "changeUnitSealing", "reference",
          "as long as may be|as long as may be, in characters of four bytes")
