"""For each call of the document a valid request that succeeds, with a target of its own."""
import dataclasses
import urllib.parse

from .request import Request
from .world import KEY, POLICY, b64, envelope

REGISTRATION = "application/vnd.ibm.kms.registration_input+json"


@dataclasses.dataclass
class Fixture:
    name: str           # operation, and after a slash the variant
    make: object        # World -> Request
    spends: bool        # a success uses the target up: make it again
    who: str            # "admin", "purger", "service"
    where: str          # name of an instance of Shared, or "" for calls without
    kinds: dict         # path parameter -> kind
    ring: str           # what the key ring header means to this call
    most: int           # at most so many cases that succeed: they are slow

    @property
    def operation(self):
        return self.name.partition("/")[0]


FIXTURES = {}


def fixture(names, spends=False, who="admin", where="main", kinds=None, ring="key", most=10_000):
    def keep(make):
        for name in names.split():
            FIXTURES[name] = Fixture(name, make, spends, who, where, kinds or {}, ring, most)
        return make
    return keep


KEY_ID = {"id": "key"}


# --- Keys ---
@fixture("listKeys countKeys", ring="list")
def _(world, name):
    return {}


@fixture("createKey/generated createKeyWithPolicyOverrides/generated", spends=True, ring="create")
def _(world, name):
    more = {"rotation": {"enabled": True, "interval_month": 3}, "dualAuthDelete": {"enabled": False}} if "Overrides" in name else {}
    return {"body": envelope({"type": KEY, "name": world.name("key"), "extractable": False, "description": "of a test", "tags": ["a tag"],
                              "aliases": [world.name("alias")], "expirationDate": "2046-01-02T03:04:05Z"} | more)}


@fixture("createKey/imported createKeyWithPolicyOverrides/imported", spends=True, ring="create")
def _(world, name):
    return {"body": envelope({"name": world.name("key"), "extractable": False, "payload": b64(b"k" * 32)})}


@fixture("createKey/standard", spends=True, ring="create")
def _(world, name):
    return {"body": envelope({"name": world.name("key"), "extractable": True, "payload": b64(b"standard"), "encryptionAlgorithm": ""})}


@fixture("getKey getKeyMetadata listKeyVersions getKeyPolicies listKeyRegistrations", kinds=KEY_ID)
def _(world, name):
    return {"id": world.key()["id"]}


@fixture("patchKey", kinds=KEY_ID)
def _(world, name):
    return {"id": world.key()["id"], "body": {"keyRingID": "default"}}


@fixture("deleteKey", spends=True, kinds=KEY_ID)
def _(world, name):
    return {"id": world.key()["id"]}


@fixture("purgeKey", spends=True, who="purger", kinds=KEY_ID)
def _(world, name):
    return {"id": world.deleted()}


@fixture("restoreKey", spends=True, kinds=KEY_ID)
def _(world, name):
    return {"id": world.deleted(), "body": {}}


@fixture("restoreKey/material", spends=True, kinds=KEY_ID)
def _(world, name):
    key = world.imported()
    world.call("DELETE", f"/api/v2/keys/{key}", instance=world.shared.main)
    return {"id": key, "body": envelope({"payload": b64(b"m" * 32)})}


# --- Key actions ---
@fixture("wrapKey legacyKeyAction/wrap", kinds=KEY_ID)
def _(world, name):
    return {"id": world.key()["id"], "body": {"plaintext": b64(b"d" * 32), "aad": ["tenant"]}}


@fixture("unwrapKey rewrapKey legacyKeyAction/unwrap legacyKeyAction/rewrap", kinds=KEY_ID)
def _(world, name):
    key, ciphertext = world.wrapped()
    return {"id": key, "body": {"ciphertext": ciphertext, "aad": ["tenant"]}}


@fixture("rotateKey legacyKeyAction/rotate", spends=True, kinds=KEY_ID)
def _(world, name):
    return {"id": world.key()["id"], "body": {}}


@fixture("rotateKey/imported", spends=True, kinds=KEY_ID)
def _(world, name):
    return {"id": world.imported(), "body": {"payload": b64(b"n" * 32)}}


@fixture("disableKey syncKey legacyKeyAction/disable", spends=True, kinds=KEY_ID)
def _(world, name):
    return {"id": world.key()["id"], "body": {}}


@fixture("enableKey legacyKeyAction/enable", spends=True, kinds=KEY_ID)
def _(world, name):
    return {"id": world.disabled(), "body": {}}


@fixture("legacyKeyAction/restore", spends=True, kinds=KEY_ID)
def _(world, name):
    return {"id": world.deleted(), "body": {}}


@fixture("setKeyForDeletion unsetKeyForDeletion legacyKeyAction/setKeyForDeletion legacyKeyAction/unsetKeyForDeletion", kinds=KEY_ID)
def _(world, name):
    return {"id": world.dual(), "body": {}}


# --- Aliases and rings ---
@fixture("createAlias", spends=True, kinds=KEY_ID | {"alias": "new alias"})
def _(world, name):
    return {"id": world.key()["id"], "alias": world.name("alias")}


@fixture("deleteAlias", spends=True, kinds=KEY_ID | {"alias": "alias"})
def _(world, name):
    key, alias = world.alias()
    return {"id": key, "alias": alias}


@fixture("listKeyRings getInstancePolicies getAllowedIpPort listTransfers", ring="ignored")
def _(world, name):
    return {}


@fixture("createKeyRing", spends=True, kinds={"ring": "new ring"}, ring="ignored")
def _(world, name):
    return {"ring": world.name("ring")}


@fixture("deleteKeyRing", spends=True, kinds={"ring": "ring"}, ring="ignored")
def _(world, name):
    return {"ring": world.ring()}


# --- Policies and import tokens ---
@fixture("setKeyPolicies/rotation", kinds=KEY_ID)
def _(world, name):
    return {"id": world.key()["id"], "query": ["policy=rotation"], "body": envelope({"type": POLICY, "rotation": {"enabled": True, "interval_month": 3}}, kind=POLICY)}


@fixture("setKeyPolicies/dualAuthDelete", kinds=KEY_ID, spends=True)
def _(world, name):
    return {"id": world.key()["id"], "body": envelope({"type": POLICY, "dualAuthDelete": {"enabled": False}}, kind=POLICY)}


def instance_policy(kind, query=True, **data):
    @fixture(f"setInstancePolicies/{kind}", where=kind, ring="ignored")
    def _(world, name):
        return {"query": [f"policy={kind}"] if query else [], "body": envelope({"policy_type": kind, "policy_data": {"enabled": True} | data}, kind=POLICY)}


instance_policy("dualAuthDelete")
instance_policy("metrics", query=False)
instance_policy("allowedNetwork", attributes={"allowed_network": "public-and-private"})
instance_policy("allowedIP", attributes={"allowed_ip": ["127.0.0.0/8"]})
instance_policy("keyCreateImportAccess", attributes={"create_root_key": True, "create_standard_key": True, "import_root_key": True, "import_standard_key": True, "enforce_token": False})
instance_policy("rotation", query=False, attributes={"interval_month": 3})


@fixture("getImportToken", where="second", ring="ignored")
def _(world, name):
    return {}


@fixture("createImportToken", ring="ignored", most=12)
def _(world, name):
    return {"body": {"expiration": 1200, "maxAllowedRetrievals": 2}}


# --- Registrations and events ---
@fixture("listRegistrations", ring="list")
def _(world, name):
    return {}


@fixture("listLifecycleEvents", ring="list", who="service")
def _(world, name):
    return {}


@fixture("createRegistration", spends=True, who="service", kinds=KEY_ID | {"crn": "new crn"})
def _(world, name):
    return {"id": world.key()["id"], "crn": world.resource_crn(), "body": envelope({"description": "a bucket", "registrationMetadata": "m", "preventKeyDeletion": False}, kind=REGISTRATION)}


@fixture("replaceRegistration updateRegistration", spends=True, who="service", kinds=KEY_ID | {"crn": "crn"})
def _(world, name):
    key, crn, _ = world.registration()
    return {"id": key, "crn": crn, "body": envelope({"description": "another", "registrationMetadata": "m", "preventKeyDeletion": True}, kind=REGISTRATION)}


@fixture("replaceRegistration/version updateRegistration/version", spends=True, who="service", kinds=KEY_ID | {"crn": "crn"})
def _(world, name):
    key, crn, version = world.registration(rotated=True)
    return {"id": key, "crn": crn, "body": envelope({"keyVersionId": version}, kind=REGISTRATION)}


@fixture("deleteRegistration", spends=True, who="service", kinds=KEY_ID | {"crn": "crn"})
def _(world, name):
    key, crn, _ = world.registration()
    return {"id": key, "crn": crn}


@fixture("deactivateRegistrations", spends=True, who="service", kinds=KEY_ID)
def _(world, name):
    key, crn, _ = world.registration()
    return {"id": key, "query": ["action=deactivate"], "body": envelope({"resourceCrn": urllib.parse.unquote(crn)}, kind="application/vnd.ibm.kms.resource_crn+json")}


@fixture("acknowledgeEvent", spends=True, who="service", ring="list")
def _(world, name):
    event, version = world.event()
    return {"body": envelope({"eventId": event, "adopterKeyState": "DEK_ENABLED", "timestamp": "2026-01-02T03:04:05Z", "keyStateData": {"rewrappedKeyVersion": version}},
                             kind="application/vnd.ibm.kms.event_acknowledge+json")}


@fixture("getMigrationIntent", kinds=KEY_ID)
@fixture("deleteMigrationIntent", kinds=KEY_ID, spends=True)
def _(world, name):
    return {"id": world.intent()}


@fixture("createMigrationIntent", kinds=KEY_ID, spends=True)
def _(world, name):
    return {"id": world.key()["id"], "body": envelope({"targetCRK": world.shared.target_key}, kind="application/vnd.ibm.kms.migration_intent_input+json")}


# --- Identity, instances, operation ---
@fixture("createToken createTokenOidc", where="")
def _(world, name):
    return {"body": b"grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=" + world.shared.deployment.api_key.encode(), "form": True}


@fixture("getTokenKeys getTokenKeysWellKnown getAttestationRoot getHealth getReadiness getDocumentPage getDocument "
         "listIdentities listApiKeys listAccessPolicies listInstances getMetrics getAuditPublicKey createAuditCheckpoint getGovernanceConfigs getUnitSealing "
         "getStoreVerification getAuditStatus searchAuditRecords getPermissions", where="")
def _(world, name):
    return {}


@fixture("changeUnitSealing", where="", most=20)
def _(world, name):
    return {"body": {"method": "file", "reference": ""}}


@fixture("verifyStore startAuditCheck", where="", most=20)
def _(world, name):
    return {}


@fixture("recordMigrationReport", most=200)
def _(world, name):
    digest = "3b" * 32
    return {"body": {"plan_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "report_sha256": digest, "plan_sha256": digest, "journal_sha256": digest,
                     "result": "verified", "source_instance": "11111111-2222-4333-8444-555555555555"}}


@fixture("createIdentity", where="", spends=True)
def _(world, name):
    return {"body": {"name": world.name("service"), "description": "of a test", "type": "serviceid"}}


@fixture("deleteIdentity", where="", spends=True, kinds={"id": "identity"})
def _(world, name):
    return {"id": world.identity()}


@fixture("createApiKey", where="", spends=True)
def _(world, name):
    return {"body": {"name": "of a test", "iam_id": world.identity()}}


@fixture("deleteApiKey", where="", spends=True, kinds={"id": "identity"})
def _(world, name):
    return {"id": world.api_key()["id"]}


@fixture("createAccessPolicy", where="", spends=True)
def _(world, name):
    return {"body": world.access_policy_body()}


@fixture("deleteAccessPolicy", where="", spends=True, kinds={"id": "identity"})
def _(world, name):
    return {"id": world.access_policy()}


@fixture("createInstance", where="")
def _(world, name):
    return {"body": {"name": "of a test", "resource_plan_id": "standard", "parameters": {"units": 6, "failover_units": 1, "recovery_units": 1, "rotation_interval_seconds": 60, "limits": {"keys": 5, "key_rings": 2}}}}


@fixture("getInstance getEndpoints getFirstEndpoints", where="", kinds={"id": "instance"})
def _(world, name):
    return {"id": world.shared.main}


@fixture("updateInstance", where="", kinds={"id": "instance"})
def _(world, name):
    return {"id": world.instance(), "body": {"name": "another", "parameters": {"units": 6, "failover_units": 1, "recovery_units": 1, "rotation_interval_seconds": 60, "limits": {"keys": 5, "key_rings": 2}}}}


@fixture("deleteInstance", where="", spends=True, kinds={"id": "instance"})
def _(world, name):
    return {"id": world.instance()}


@fixture("listCryptoUnits", where="", kinds={"instance": "instance"})
def _(world, name):
    return {"instance": world.shared.main}


@fixture("getMasterKeyRotation abandonMasterKeyRotation", where="", kinds={"instance": "instance"})
def _(world, name):
    return {"instance": world.shared.main}


@fixture("startMasterKeyRotation", where="", kinds={"instance": "instance"})
def _(world, name):
    return {"instance": world.shared.rotating}


@fixture("listProposals getTranscript", where="", kinds={"instance": "instance"})
def _(world, name):
    return {"instance": world.proposing().instance}


@fixture("createProposal", where="", spends=True, kinds={"instance": "instance"}, most=60)
def _(world, name):
    unit = world.proposing()
    return {"instance": unit.instance, "body": {"hsm_id": unit.id, "block": b64(world.command_block()), "note": "of a test"}}


@fixture("getProposal", where="", kinds={"instance": "instance", "proposal": "proposal"}, most=60)
def _(world, name):
    return {"instance": world.proposing().instance, "proposal": world.proposal()[0]}


@fixture("deleteProposal sendProposal", where="", spends=True, kinds={"instance": "instance", "proposal": "proposal"}, most=60)
def _(world, name):
    return {"instance": world.proposing().instance, "proposal": world.proposal()[0]}


@fixture("signProposal", where="", spends=True, kinds={"instance": "instance", "proposal": "proposal"}, most=60)
def _(world, name):
    unit = world.proposing()
    proposal, block = world.proposal()
    return {"instance": unit.instance, "proposal": proposal, "body": {"signer_info": b64(world.administrator.signer_info(block))}}


@fixture("administerCryptoUnit", where="", kinds={"instance": "instance", "hsm": "hsm"})
def _(world, name):
    unit = world.hsm()
    return {"instance": world.shared.main, "hsm": unit["hsm_id"], "body": {"request": domain_query(unit["location"])}}


def domain_query(location):
    """The frame of a query that needs no signature: information about the domain (docs/protocols/tke.md)."""
    module, domain = (int(part.strip("[]")) for part in location.split(".")[2:])
    number = domain.to_bytes(4, "big")
    fields = b"".join(b"\x04\x04" + one for one in (bytes.fromhex("00010026"), number, b"\0\0\0\3", b"\0\0\0\0"))
    payload = b"\x30" + bytes([len(fields)]) + fields
    cprb = bytes.fromhex("0020040000") + b"\x80T4" + bytes(4) + number + bytes(12) + len(payload).to_bytes(4, "big") + payload
    rest = f";PCI request;XPNUM   ;{module};        ;{cprb.hex().upper()}"
    return f"{len(rest)}{rest}"


# --- The request ---
def request_of(world, fixture, operation_row):
    """A valid request of a fixture, complete with its headers. `operation_row`: (path, method)."""
    path, method = operation_row
    parts = fixture.make(world, fixture.name)
    query, body, form = parts.pop("query", []), parts.pop("body", None), parts.pop("form", False)
    if fixture.operation == "legacyKeyAction":
        query = ["action=" + fixture.name.partition("/")[2]]
    token = {"admin": world.shared.admin, "purger": world.shared.purger, "service": world.shared.service}[fixture.who]
    instance = getattr(world.shared, fixture.where) if fixture.where in ("main", "second") else world.shared.instances.get(fixture.where)
    request = Request(fixture.operation, method.upper(), path, parts, list(query), world.headers(token, instance), body)
    if body is not None:
        request.headers.append(("Content-Type", "application/x-www-form-urlencoded" if form else "application/json"))
    return request
