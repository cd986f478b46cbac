"""Policies of keys and of the instance. Instance policies are set on an instance of their own and disabled again."""
from context import UNAUTHORIZED, new_bytes, refused
from suite import environment, equal, refusal, success, true

PRIVATE, BOTH = "private-only", "public-and-private"


@success("set_key_rotation_policy", "answers with the policy of the request")
def rotation(kh):
    key = kh.root()["id"]
    answer = kh.manager.set_key_rotation_policy(key, rotation_interval=2)
    equal(len(answer["resources"]), 1, "resources")
    equal(answer["resources"][0]["rotation"], {"enabled": True, "interval_month": 2})
    equal(kh.manager.get_key(key)["rotation"], {"enabled": True, "interval_month": 2}, "rotation of the key")


@refusal("set_key_rotation_policy", "of 0 or 13 months, of a standard key, of an imported key")
def rotation_refused(kh):
    key = kh.root()["id"]
    for months in (-1, 0, 13):
        refused(400, "INVALID_FIELD_ERR", kh.manager.set_key_rotation_policy, key, months, target={"type": "field", "name": "interval_month"})
    refused(400, "KEY_ROOT_REQ_ERR", kh.manager.set_key_rotation_policy, kh.standard()["id"], 2)
    imported = kh.manager.create_key("imported", payload=new_bytes(32), root=True)["id"]
    refused(400, "KEY_PAYLOAD_REQ_ERR", kh.manager.set_key_rotation_policy, imported, 2)
    equal(kh.manager.get_key_policies(key)["resources"], [])


@success("set_key_dual_auth_policy", "can be set to disabled and then to enabled")
def dual(kh):
    key = kh.root()["id"]
    equal(kh.manager.set_key_dual_auth_policy(key, dual_auth_enable=False)["resources"][0]["dualAuthDelete"]["enabled"], False)
    equal(kh.manager.set_key_dual_auth_policy(key, True)["resources"][0]["dualAuthDelete"]["enabled"], True)
    equal(kh.manager.get_key(key)["dualAuthDelete"]["enabled"], True, "enabled on the key")


@refusal("set_key_dual_auth_policy", "cannot be switched off again; a Writer may not")
def dual_refused(kh):
    key = kh.root()["id"]
    refused(401, UNAUTHORIZED, kh.writer.set_key_dual_auth_policy, key, True)
    kh.manager.set_key_dual_auth_policy(key, True)
    refused(409, "DUAL_AUTH_POLICY_ENABLED_ERR", kh.manager.set_key_dual_auth_policy, key, False)
    equal(kh.manager.get_key(key)["dualAuthDelete"]["enabled"], True)


@success("get_key_policies", "none for a fresh key; then one for each type that was set")
def policies(kh):
    key = kh.root()["id"]
    empty = kh.manager.get_key_policies(key)
    equal((empty["resources"], empty["metadata"]["collectionTotal"]), ([], 0))
    kh.manager.set_key_rotation_policy(key, 2)
    kh.manager.set_key_dual_auth_policy(key, False)
    answer = kh.manager.get_key_policies(key)
    equal(answer["metadata"]["collectionTotal"], 2, "collectionTotal")
    by_type = {name: policy for policy in answer["resources"] for name in ("rotation", "dualAuthDelete") if name in policy}
    equal(by_type["rotation"]["rotation"]["interval_month"], 2)
    equal(by_type["dualAuthDelete"]["dualAuthDelete"]["enabled"], False)
    true(all(policy["createdBy"] and policy["creationDate"].endswith("Z") and ":policy:" in policy["crn"] for policy in answer["resources"]),
         "creator, date or CRN")


@refusal("get_key_policies", "of an unknown key; a Reader may not")
def policies_refused(kh):
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.get_key_policies, "0f5d9a51-0b0e-4a3c-9d0f-3f1c0e6e8a11")
    refused(401, UNAUTHORIZED, kh.reader.get_key_policies, kh.root()["id"])


def listed(kh):
    return {policy["policy_type"]: policy["policy_data"] for policy in kh.rules.get_instance_policies()["resources"]}


@success("set_instance_dual_auth_policy", "is inherited by keys made afterwards")
def instance_dual(kh):
    before = kh.root(client=kh.rules)["id"]
    equal(kh.rules.set_instance_dual_auth_policy(True), None)
    try:
        after = kh.root(client=kh.rules)["id"]
        equal(kh.rules.get_key(before)["dualAuthDelete"]["enabled"], False, "the key made before")
        equal(kh.rules.get_key(after)["dualAuthDelete"]["enabled"], True, "the key made after")
        refused(409, "AUTHORIZATIONS_NOT_MET", kh.rules.delete_key, after)
    finally:
        kh.rules.set_instance_dual_auth_policy(False)
    equal(listed(kh)["dualAuthDelete"], {"enabled": False})


@refusal("set_instance_dual_auth_policy", "a Writer may not")
def instance_dual_refused(kh):
    refused(401, UNAUTHORIZED, kh.client("writer", kh.rules_instance).set_instance_dual_auth_policy, True)


@success("set_instance_allowed_network_policy", "both networks, enabled and disabled")
def network(kh):
    kh.rules.set_instance_allowed_network_policy(allowed_network_enable=True, network_type=BOTH)
    equal(listed(kh)["allowedNetwork"], {"enabled": True, "attributes": {"allowed_network": BOTH}})
    kh.rules.set_instance_allowed_network_policy(False, BOTH)
    equal(listed(kh)["allowedNetwork"]["enabled"], False)


@refusal("set_instance_allowed_network_policy", "an unknown network")
def network_refused(kh):
    refused(400, "INVALID_FIELD_ERR", kh.rules.set_instance_allowed_network_policy, True, "everywhere")


@success("set_instance_allowed_ip_policy", "lets us in by our address, and is disabled by the SDK's empty list")
def allowed_ip(kh):
    kh.rules.set_instance_allowed_ip_policy(True, ["127.0.0.0/8", "192.0.2.0/24"])
    try:
        equal(listed(kh)["allowedIP"]["attributes"]["allowed_ip"], ["127.0.0.0/8", "192.0.2.0/24"])
    finally:
        kh.rules.set_instance_allowed_ip_policy(False, [])
    equal(listed(kh)["allowedIP"], {"enabled": False})


@success("set_instance_allowed_ip_policy", "shuts out every other address")
def allowed_ip_elsewhere(kh):
    closed = kh.client("manager", environment("KH_INSTANCE_CLOSED"))
    equal(closed.list_keys(), [])
    closed.set_instance_allowed_ip_policy(True, ["192.0.2.0/24"])
    refused(401, UNAUTHORIZED, closed.list_keys)
    refused(401, UNAUTHORIZED, closed.get_instance_policies)


@refusal("set_instance_allowed_ip_policy", "what is no network, and no network at all")
def allowed_ip_refused(kh):
    refused(400, "INVALID_FIELD_ERR", kh.rules.set_instance_allowed_ip_policy, True, ["not-a-network"])
    refused(400, "INVALID_FIELD_ERR", kh.rules.set_instance_allowed_ip_policy, True, [])


def access(kh, enabled=True, **changed):
    values = {"create_root_key": True, "create_standard_key": True, "import_root_key": True, "import_standard_key": True,
              "enforce_token": False} | changed
    return kh.rules.set_instance_key_create_import_access_policy(enabled, **values)


@success("set_instance_key_create_import_access_policy", "forbids what it names, and nothing when disabled")
def key_access(kh):
    try:
        for field, options in {"create_root_key": {"root": True}, "create_standard_key": {"root": False},
                               "import_root_key": {"root": True, "payload": new_bytes(32)},
                               "import_standard_key": {"root": False, "payload": new_bytes(32)},
                               "enforce_token": {"root": True, "payload": new_bytes(32)}}.items():
            access(kh, **{field: field == "enforce_token"})
            equal(listed(kh)["keyCreateImportAccess"]["attributes"][field], field == "enforce_token", field)
            refused(409, "KEY_CREATE_IMPORT_ACCESS_ERR", kh.rules.create_key, "forbidden", **options)
    finally:
        access(kh, enabled=False)
    equal(listed(kh)["keyCreateImportAccess"], {"enabled": False})
    kh.rules.create_key("allowed", root=True, payload=new_bytes(32))


@refusal("set_instance_key_create_import_access_policy", "a Writer may not")
def key_access_refused(kh):
    writer = kh.client("writer", kh.rules_instance)
    refused(401, UNAUTHORIZED, writer.set_instance_key_create_import_access_policy, True, True, True, True, True, False)


@success("set_instance_metrics_policy", "on and off")
def metrics(kh):
    kh.rules.set_instance_metrics_policy(metrics_enable=True)
    equal(listed(kh)["metrics"], {"enabled": True})
    kh.rules.set_instance_metrics_policy(False)
    equal(listed(kh)["metrics"], {"enabled": False})


@refusal("set_instance_metrics_policy", "a Reader may not")
def metrics_refused(kh):
    refused(401, UNAUTHORIZED, kh.client("reader", kh.rules_instance).set_instance_metrics_policy, True)


@success("get_instance_policies", "none before any was set")
def none_yet(kh):
    answer = kh.manager.get_instance_policies()
    equal((answer["resources"], answer["metadata"]["collectionTotal"]), ([], 0))


@success("get_instance_policies", "each with its creator and dates")
def creators(kh):
    kh.rules.set_instance_dual_auth_policy(False)
    kh.rules.set_instance_allowed_network_policy(False, BOTH)
    policies = kh.rules.get_instance_policies()["resources"]
    true({"dualAuthDelete", "allowedNetwork"} <= {policy["policy_type"] for policy in policies}, "a policy is missing")
    true(all(policy["createdBy"] and policy["creationDate"].endswith("Z") and policy["lastUpdated"].endswith("Z") for policy in policies),
         f"creator or dates in {policies}")


@success("set_instance_metrics_policy", "beside the three others of the vendor's own test")
def four(kh):
    kh.rules.set_instance_dual_auth_policy(False)
    kh.rules.set_instance_allowed_network_policy(True, BOTH)
    kh.rules.set_instance_metrics_policy(True)
    access(kh)
    policies = kh.rules.get_instance_policies()["resources"]
    by_type = {policy["policy_type"]: policy["policy_data"] for policy in policies}
    equal(by_type["allowedNetwork"]["attributes"]["allowed_network"], BOTH)
    equal(by_type["keyCreateImportAccess"]["attributes"], {"create_root_key": True, "create_standard_key": True, "import_root_key": True,
                                                           "import_standard_key": True, "enforce_token": False})
    access(kh, enabled=False)
    kh.rules.set_instance_allowed_network_policy(False, BOTH)


@refusal("get_instance_policies", "a Reader may not")
def get_refused(kh):
    refused(401, UNAUTHORIZED, kh.client("reader", kh.rules_instance).get_instance_policies)
