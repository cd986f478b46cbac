"""The server that the SDKs talk to, and for each SDK two instances, its identities and the environment of its driver."""
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import harness  # noqa: E402

ROLES = {"KH_APIKEY": ["Manager"], "KH_APIKEY_2": ["Manager"], "KH_APIKEY_WRITER": ["Writer"],
         "KH_APIKEY_READER": ["Reader"], "KH_APIKEY_PURGE": ["Reader", "KeyPurge"], "KH_APIKEY_NOBODY": []}
# Enable after disable, restore and purge after delete. Shorter than the defaults (30 s, 30 s, 4 h), so that a run sees their
# end; long enough for a refusal just before it on a busy machine.
WAIT_SECONDS = 8


class Deployment(harness.Deployment):
    """One server for a run of the suite."""

    def __init__(self):
        super().__init__(keys__enable_after_disable_seconds=WAIT_SECONDS, keys__restore_after_delete_seconds=WAIT_SECONDS,
                         keys__purge_after_delete_seconds=WAIT_SECONDS)

    def identity(self, name, roles, instances, **fields):
        """A new service id with roles on instances; returns its API key."""
        answer = self.call("POST", "/v1/serviceids", {"name": name} | fields)
        assert answer.status == 201, answer.body
        iam_id = answer.json["iam_id"]
        for instance in instances if roles else ():
            answer = self.call("POST", "/v1/policies", {
                "subjects": [{"attributes": [{"name": "iam_id", "value": iam_id}]}],
                "roles": [{"display_name": role} for role in roles],
                "resources": [{"attributes": [{"name": "serviceInstance", "value": instance}]}]})
            assert answer.status == 201, answer.body
        answer = self.call("POST", "/v1/apikeys", {"iam_id": iam_id, "name": name})
        assert answer.status == 201, answer.body
        return answer.json["apikey"]

    def registered_key(self, instance, service, crn, prevent):
        """A root key that a service has registered its resource with; returns the key's id."""
        key = self.create_key(instance, name="registered")["id"]
        body = {"metadata": {"collectionType": "application/vnd.ibm.kms.registration_input+json", "collectionTotal": 1},
                "resources": [{"description": "made by the conformance suite", "preventKeyDeletion": prevent}]}
        answer = self.call("POST", f"/api/v2/keys/{key}/registrations/{urllib.parse.quote(crn, safe='')}", body,
                           token=self.token(service), instance=instance)
        assert answer.status in (200, 201), answer.body
        return key

    def environment_for(self, folder):
        """What a driver is told. Each SDK has instances of its own, so that none sees another's keys."""
        keys = self.instance(f"{folder}-keys")
        rules = self.instance(f"{folder}-rules", rotation_interval=3600)
        closed = self.instance(f"{folder}-closed", initialise=False)
        environment = {"KH_URL": self.url, "KH_IAM_URL": self.url, "KH_CA": self.ca, "KH_INSTANCE": keys,
                       "KH_INSTANCE_RULES": rules, "KH_INSTANCE_CLOSED": closed, "KH_RESTORE_WAIT": str(WAIT_SECONDS),
                       "KH_PURGE_WAIT": str(WAIT_SECONDS)}
        for variable, roles in ROLES.items():
            name = f"{folder}-{variable.removeprefix('KH_').lower()}"
            environment[variable] = self.identity(name, roles, (keys, rules, closed))
        environment |= self.service(folder, keys)
        return environment

    def service(self, folder, keys):
        """A service that has registered two resources of its own."""
        owner = f"crn:v1:bluemix:public:cloud-storage:local:a/{'0' * 32}:{harness.new_uuid()}"
        service = self.identity(f"{folder}-service", ["Reader"], (keys,), service_crn=owner)
        environment = {"KH_APIKEY_SERVICE": service, "KH_SERVICE_CRN": owner}
        for name, prevent in (("REGISTERED", False), ("PROTECTED", True)):
            crn = f"{owner}:bucket:{name.lower()}"
            environment |= {f"KH_{name}_KEY": self.registered_key(keys, service, crn, prevent), f"KH_{name}_CRN": crn}
        return environment
