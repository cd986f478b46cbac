"""The server that the SDKs talk to, and for each SDK two instances, its identities and the environment of its driver."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import harness  # noqa: E402

ROLES = {"KH_APIKEY": ["Manager"], "KH_APIKEY_2": ["Manager"], "KH_APIKEY_WRITER": ["Writer"],
         "KH_APIKEY_READER": ["Reader"], "KH_APIKEY_PURGE": ["Reader", "KeyPurge"], "KH_APIKEY_NOBODY": []}
RESTORE_WAIT_SECONDS = 30  # restore after delete, enable after disable: key-management-api.md 7


class Deployment(harness.Deployment):
    """One server for a run of the suite."""

    def identity(self, name, roles, instances):
        """A new service id with roles on instances; returns its API key."""
        iam_id = self.call("POST", "/v1/serviceids", {"name": name}).json["iam_id"]
        for instance in instances if roles else ():
            answer = self.call("POST", "/v1/policies", {
                "subjects": [{"attributes": [{"name": "iam_id", "value": iam_id}]}],
                "roles": [{"display_name": role} for role in roles],
                "resources": [{"attributes": [{"name": "serviceInstance", "value": instance}]}]})
            assert answer.status == 201, answer.body
        answer = self.call("POST", "/v1/apikeys", {"iam_id": iam_id, "name": name})
        assert answer.status == 201, answer.body
        return answer.json["apikey"]

    def environment_for(self, folder):
        """What a driver is told. Each SDK has instances of its own, so that none sees another's keys."""
        instance = self.instance(f"{folder}-keys")
        rules = self.instance(f"{folder}-rules", rotation_interval=3600)
        environment = {"KH_URL": self.url, "KH_IAM_URL": self.url, "KH_CA": self.ca, "KH_INSTANCE": instance,
                       "KH_INSTANCE_RULES": rules, "KH_RESTORE_WAIT": str(RESTORE_WAIT_SECONDS)}
        for variable, roles in ROLES.items():
            name = f"{folder}-{variable.removeprefix('KH_').lower()}"
            environment[variable] = self.identity(name, roles, (instance, rules))
        return environment
