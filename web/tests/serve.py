"""A real Keyhaven deployment for the browser tests: prints one JSON line about it and ends when its input is closed.

  KH_BUILD=build/dev python3 web/tests/serve.py --web web/dist [--keys N] [--uninitialised] [--openid]

Commands, one JSON object a line on standard input, each answered by one JSON line:
  {"do": "keys", "instance": guid, "keys": [{"name": …, …}, …]}   create keys; fields as tests/integration create_key
  {"do": "many", "instance": guid, "count": N}                       N keys, on several connections
  {"do": "service_id", "name": …, "role": …, "instance": guid}      a service id; answers its API key
  {"do": "register", "service": name, "key": id, "resources": […]}  a service that protects resources with a key
  {"do": "instance", "name": …, "initialise": true}                  a further instance
  {"do": "call", "method": …, "path": …, "instance": …, "body": …} any call as the administrator
  {"do": "openid", "is": "down"}                                     with --openid: stop the provider, or start it ("up")
  {"do": "restart"}                                                  stop and start the server on the same port
"""
import argparse
import contextlib
import concurrent.futures
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
import harness  # noqa: E402
import openid_provider  # noqa: E402
import test_registrations  # noqa: E402


class OneAddress(harness.Deployment):
    """Keeps its port over a restart: the page of a test has one address."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.port = str(harness.free_port())

    def command(self, *extra):
        command = super().command(*extra)
        command[command.index("--port") + 1] = self.port
        return command


def perform(deployment, command):
    kind = command.pop("do")
    if kind == "keys":
        return [deployment.create_key(command["instance"], **key)["id"] for key in command["keys"]]
    if kind == "many":
        return many_keys(deployment, command["instance"], command["count"])
    if kind == "service_id":
        return deployment.service_id(command["name"], command["role"], command.get("instance"))
    if kind == "register":
        service = test_registrations.Service(deployment, command["service"], command["instance"])
        for resource in command["resources"]:
            service.register(command["key"], resource, preventKeyDeletion=command.get("prevents", False))
        return service.crn
    if kind == "instance":
        return deployment.instance(command["name"], command.get("initialise", True))
    if kind == "call":
        answer = deployment.call(command["method"], command["path"], command.get("body"), instance=command.get("instance"),
                                 headers=command.get("headers"))
        return {"status": answer.status, "body": answer.body.decode()}
    if kind == "openid":
        if command["is"] == "up":
            deployment.provider.start(f"{deployment.url}/v1/console/oidc/callback")
        else:
            deployment.provider.stop()
        return None
    if kind == "restart":
        deployment.stop()
        deployment.start()
        return deployment.url
    raise ValueError(f"unknown command {kind}")


CONNECTIONS = 8


def many_keys(deployment, instance, count):
    token = deployment.token()

    def create(share):
        connection = deployment.connect()
        for number in range(share, count, CONNECTIONS):
            aliases = {"aliases": [f"alias-{number}"]} if number % 7 == 0 and number < 5000 else {}
            body = harness.envelope({"type": harness.KEY_TYPE, "name": f"key {number:05d}", "extractable": number % 5 == 0} | aliases)
            answer = deployment.call("POST", "/api/v2/keys", body, token=token, instance=instance, connection=connection)
            assert answer.status == 201, answer.body
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(create, range(CONNECTIONS)))
    return count


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--web", type=pathlib.Path)
    arguments.add_argument("--uninitialised", action="store_true")
    arguments.add_argument("--openid", action="store_true")
    options = arguments.parse_args()
    settings = {"server__web_dir": str(options.web.resolve())} if options.web else {}
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(openid_provider.OpenIdProvider()) if options.openid else None
        if provider:
            settings |= provider.settings()
        deployment = stack.enter_context(OneAddress(**settings))
        deployment.provider = provider
        guid = deployment.instance("payroll", not options.uninitialised)
        print(json.dumps({"url": deployment.url, "ca": deployment.ca, "apiKey": deployment.api_key, "instance": guid,
                          "home": str(deployment.home), "bin": str(harness.BIN)}), flush=True)
        for line in sys.stdin:
            try:
                answer = {"ok": perform(deployment, json.loads(line))}
            except Exception as error:  # pylint: disable=broad-except
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
