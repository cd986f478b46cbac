"""The server that the SDKs talk to, or the vendor double in its place; for each SDK its instances, its identities and the
environment of its driver."""
import concurrent.futures
import http.client
import json
import pathlib
import ssl
import sys
import urllib.parse

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "integration"), str(pathlib.Path(__file__).resolve().parents[1])]
import harness  # noqa: E402
import vendor_double  # noqa: E402

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
        answer = self.call("POST", registration_path(key, crn), registration(prevent), token=self.token(service), instance=instance)
        assert answer.status in (200, 201), answer.body
        return key

    def instances(self, folder):
        """Initialised without a least time between rotations; initialised with it; not initialised."""
        return (self.instance(f"{folder}-keys"), self.instance(f"{folder}-rules", rotation_interval=3600),
                self.instance(f"{folder}-closed", initialise=False))

    def environment_for(self, folder):
        return environment(self, folder)


class Double:
    """The vendor double with the same interface."""

    def __init__(self):
        waits = {"enable": WAIT_SECONDS, "restore": WAIT_SECONDS, "purge": WAIT_SECONDS}
        self.waits = vendor_double.Waits(**waits, rotate=0), vendor_double.Waits(**waits)
        self.pairs = vendor_double.prepare_import_tokens(2, again=True)
        self.double = vendor_double.Double()
        self.url, self.ca = self.double.url, self.double.ca

    def start(self):
        self.double.start()
        self.url = self.double.url
        concurrent.futures.wait(self.pairs)  # a driver does not wait for the making of a key pair

    def close(self):
        self.double.close()

    def identity(self, name, roles, instances, service_crn=None):
        return self.double.identity(name, roles, instances, service_crn)

    def instances(self, folder):
        return (self.double.instance(waits=self.waits[0]), self.double.instance(waits=self.waits[1]),
                self.double.instance(waits=self.waits[1], initialised=False))

    def call(self, path, body, instance=None, token=None):
        headers = {"Bluemix-Instance": instance, "Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPSConnection("127.0.0.1", self.double.port, timeout=30,
                                                 context=ssl.create_default_context(cafile=self.ca))
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        value = json.loads(answer.read())
        connection.close()
        assert answer.status in (200, 201), value
        return value

    def registered_key(self, instance, service, crn, prevent):
        manager = self.double.identity("registrar", ["Manager"], [instance])
        tokens = [self.call("/identity/token", urllib.parse.urlencode(
            {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": each}))["access_token"] for each in (manager, service)]
        resource = {"type": harness.KEY_TYPE, "name": "registered", "extractable": False}
        key = self.call("/api/v2/keys", json.dumps(harness.envelope(resource)), instance, tokens[0])["resources"][0]["id"]
        self.call(registration_path(key, crn), json.dumps(registration(prevent)), instance, tokens[1])
        return key

    def environment_for(self, folder):
        return environment(self, folder)


def registration_path(key, crn):
    return f"/api/v2/keys/{key}/registrations/{urllib.parse.quote(crn, safe='')}"


def registration(prevent):
    return {"metadata": {"collectionType": "application/vnd.ibm.kms.registration_input+json", "collectionTotal": 1},
            "resources": [{"description": "made by the conformance suite", "preventKeyDeletion": prevent}]}


def environment(deployment, folder):
    """What a driver is told. Each SDK has instances of its own, so that none sees another's keys."""
    keys, rules, closed = deployment.instances(folder)
    variables = {"KH_URL": deployment.url, "KH_IAM_URL": deployment.url, "KH_CA": deployment.ca, "KH_INSTANCE": keys,
                 "KH_INSTANCE_RULES": rules, "KH_INSTANCE_CLOSED": closed, "KH_RESTORE_WAIT": str(WAIT_SECONDS),
                 "KH_PURGE_WAIT": str(WAIT_SECONDS)}
    for variable, roles in ROLES.items():
        name = f"{folder}-{variable.removeprefix('KH_').lower()}"
        variables[variable] = deployment.identity(name, roles, (keys, rules, closed))
    return variables | registering_service(deployment, folder, keys)


def registering_service(deployment, folder, keys):
    """A service that has registered two resources of its own."""
    owner = f"crn:v1:bluemix:public:cloud-storage:local:a/{'0' * 32}:{harness.new_uuid()}"
    service = deployment.identity(f"{folder}-service", ["Reader"], (keys,), service_crn=owner)
    variables = {"KH_APIKEY_SERVICE": service, "KH_SERVICE_CRN": owner}
    for name, prevent in (("REGISTERED", False), ("PROTECTED", True)):
        crn = f"{owner}:bucket:{name.lower()}"
        variables |= {f"KH_{name}_KEY": deployment.registered_key(keys, service, crn, prevent), f"KH_{name}_CRN": crn}
    return variables
