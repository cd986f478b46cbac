"""Policies of keys and of instances. Unknown fields are refused."""
import ipaddress

from .calls import Reply
from .errors import Refusal, bad_body, bad_field, bad_query
from .fields import KMS, collection, envelope, flag, inner, integer, new_id, show, strings
from .model import ACTIVE, DEACTIVATED, SUSPENDED, Policy

KEY_POLICIES = ("dualAuthDelete", "rotation")
READ_ONLY = ("type", "id", "crn", "createdBy", "creationDate", "updatedBy", "lastUpdateDate")
ACCESS = {"create_root_key": True, "create_standard_key": True, "import_root_key": True, "import_standard_key": True,
          "enforce_token": False}
NETWORKS = ("public-and-private", "private-only")
SUBNETS_MOST = 1000


def wanted(call, known):
    """The ?policy parameter, or None."""
    name = call.one("policy")
    if name is not None and name not in known:
        raise bad_query("policy", "policy must be one of " + ", ".join(known))
    return name


# --- of a key ---
def show_key_policy(call, key, name):
    policy = key.policies[name]
    return {"type": f"{KMS}policy+json", "id": policy.id, "crn": key.crn.replace(f":key:{key.id}", f":policy:{policy.id}"),
            "createdBy": policy.created_by, "creationDate": show(policy.created), "updatedBy": policy.updated_by,
            "lastUpdateDate": show(policy.updated), name: policy.data}


def get_key_policies(call):
    name, key = wanted(call, KEY_POLICIES), call.key()
    return Reply(200, collection("policy", [show_key_policy(call, key, each) for each in KEY_POLICIES
                                            if each in key.policies and name in (None, each)]))


def read_rotation(key, data):
    data.only("enabled", "interval_month")
    if key.extractable:
        raise Refusal("KEY_ROOT_REQ_ERR", "A standard key cannot have a rotation policy")
    months, enabled = integer(data, "interval_month", 1, 12), flag(data, "enabled", True)
    if key.imported:
        raise Refusal("KEY_PAYLOAD_REQ_ERR", "An imported key cannot be rotated by a policy", {"type": "field", "name": "payload"})
    if months is None:
        if "enabled" not in data or "rotation" not in key.policies:
            raise bad_field("interval_month", "interval_month must be from 1 to 12")
        months = key.policies["rotation"].data["interval_month"]
    return {"enabled": enabled, "interval_month": months}


def read_dual_auth(key, data):
    data.only("enabled")
    enabled = flag(data, "enabled")
    if enabled is None:
        raise bad_field("enabled", "dualAuthDelete.enabled is required")
    if key.dual_auth and not enabled:
        raise Refusal("DUAL_AUTH_POLICY_ENABLED_ERR", "A dual authorization policy cannot be taken from a key")
    return {"enabled": enabled}


def put_key_policies(call):
    name, resources = wanted(call, KEY_POLICIES), envelope(call.body)
    key = call.key((ACTIVE, SUSPENDED, DEACTIVATED))
    if name is not None and len(resources) > 1:
        raise Refusal("NUM_COLLECTION_RESOURCE_ERR", "One policy is named, so one resource is expected")
    chosen = {}
    for resource in resources:
        resource.only(*READ_ONLY, *KEY_POLICIES)
        found = [each for each in KEY_POLICIES if each.lower() in resource]
        if not found:
            raise bad_body("A resource must have rotation or dualAuthDelete")
        for each in found:
            if name is not None and each != name:
                raise Refusal("BODY_QUERY_PARAM_MISMATCH_ERR", f"The parameter names {name}, the body {each}")
            if each in chosen:
                raise bad_body(f"The policy {each} is given twice")
            chosen[each] = (read_rotation if each == "rotation" else read_dual_auth)(key, inner(resource, each))
    for each, data in chosen.items():
        before = key.policies.get(each)
        created, creator, identifier = (before.created, before.created_by, before.id) if before else (call.now, call.caller.iam_id, new_id())
        key.policies[each] = Policy(data, created, creator, call.now, call.caller.iam_id, identifier)
    key.changed(call.now)
    return Reply(200, collection("policy", [show_key_policy(call, key, each) for each in chosen]))


# --- of an instance ---
def no_attributes(data, enabled, name):
    data.only("enabled")
    return None


def allowed_network(data, enabled, name):
    data.only("enabled", "attributes")
    attributes = inner(data, "attributes")
    if attributes is None or not attributes:
        return {"allowed_network": NETWORKS[0]} if enabled else None
    attributes.only("allowed_network")
    if attributes.get("allowed_network") not in NETWORKS:
        raise bad_field("allowed_network", "allowed_network must be one of " + ", ".join(NETWORKS))
    return {"allowed_network": attributes["allowed_network"]} if enabled else None


def given_attributes(data, enabled, name, *known):
    """The attributes of a policy that has them when it is enabled, and only then."""
    data.only("enabled", "attributes")
    attributes = inner(data, "attributes")
    if attributes is not None:
        attributes.only(*known)
    if not enabled and any((attributes or {}).values()):
        raise bad_body(f"A disabled {name} policy has no attributes")
    return attributes or {}


def allowed_ip(data, enabled, name):
    attributes = given_attributes(data, enabled, name, "allowed_ip")
    if not enabled:
        return None
    subnets = strings(attributes, "allowed_ip", SUBNETS_MOST, 64)
    if not subnets:
        raise bad_field("allowed_ip", f"allowed_ip must have 1 to {SUBNETS_MOST} subnets")
    for subnet in subnets:
        try:
            ipaddress.ip_network(subnet, strict=False)
        except ValueError:
            raise bad_field("allowed_ip", f"{subnet!r} is no subnet in CIDR notation") from None
    return {"allowed_ip": subnets}


def key_access(data, enabled, name):
    # The vendor's SDKs send the attributes also when they disable the policy.
    attributes = given_attributes(data, True, name, *ACCESS)
    return {each: flag(attributes, each, default) for each, default in ACCESS.items()} if enabled else None


def rotation_interval(data, enabled, name):
    attributes = given_attributes(data, enabled, name, "interval_month")
    if not enabled:
        return None
    months = integer(attributes, "interval_month", 1, 12)
    if months is None:
        raise bad_field("interval_month", "interval_month must be from 1 to 12")
    return {"interval_month": months}


INSTANCE_POLICIES = {"dualAuthDelete": no_attributes, "allowedNetwork": allowed_network, "allowedIP": allowed_ip,
                     "metrics": no_attributes, "keyCreateImportAccess": key_access, "rotation": rotation_interval}


def get_instance_policies(call):
    name, shown = wanted(call, INSTANCE_POLICIES), []
    for each in INSTANCE_POLICIES:
        policy = call.instance.policies.get(each)
        if policy and name in (None, each):
            shown.append({"creationDate": show(policy.created), "createdBy": policy.created_by, "updatedBy": policy.updated_by,
                          "lastUpdated": show(policy.updated), "policy_type": each, "policy_data": policy.data})
    return Reply(200, collection("policy", shown))


def put_instance_policies(call):
    name, resources, chosen = wanted(call, INSTANCE_POLICIES), envelope(call.body), {}
    for resource in resources:
        resource.only("policy_type", "policy_data", "creationDate", "createdBy", "updatedBy", "lastUpdated")
        kind, data = resource.get("policy_type"), inner(resource, "policy_data")
        if kind not in INSTANCE_POLICIES:
            raise bad_field("policy_type", "policy_type must be one of " + ", ".join(INSTANCE_POLICIES))
        if name is not None and kind != name:
            raise Refusal("BODY_QUERY_PARAM_MISMATCH_ERR", f"The parameter names {name}, the body {kind}")
        if kind in chosen or (name is not None and chosen):
            raise Refusal("NUM_COLLECTION_RESOURCE_ERR", f"The policy {kind} is given twice")
        enabled = flag(data, "enabled") if data is not None else None
        if enabled is None:
            raise bad_body("policy_data.enabled is required")
        attributes = INSTANCE_POLICIES[kind](data, enabled, kind)
        chosen[kind] = {"enabled": enabled} | ({"attributes": attributes} if attributes else {})
    for kind, data in chosen.items():
        before = call.instance.policies.get(kind)
        created, creator = (before.created, before.created_by) if before else (call.now, call.caller.iam_id)
        call.instance.policies[kind] = Policy(data, created, creator, call.now, call.caller.iam_id)
    return Reply(204)


def enabled_attributes(instance, kind):
    policy = instance.policies.get(kind)
    return policy.data.get("attributes", {}) if policy and policy.data["enabled"] else None


def address_allowed(instance, address):
    subnets = enabled_attributes(instance, "allowedIP")
    return subnets is None or any(ipaddress.ip_address(address) in ipaddress.ip_network(each, strict=False)
                                  for each in subnets["allowed_ip"])


def network_allowed(instance, private):
    network = enabled_attributes(instance, "allowedNetwork")
    return network is None or private or network["allowed_network"] == NETWORKS[0]


def get_allowed_ip_port(call):
    active = enabled_attributes(call.instance, "allowedIP") is not None
    return Reply(200, collection("allowed_ip_metadata", [{"private_endpoint_port": call.service.port}] if active else []))
