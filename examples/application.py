#!/usr/bin/env python3
"""What an application does with Keyhaven, with nothing but Python's standard library.

  application.py wrap --count N --keys key,key,... --out deks.csv [--append]   wraps N new DEKs, writes the inventory
  application.py check --inventory deks.csv [--key KEY]                        unwraps every row, prints how many opened

The service is named by the environment: KH_URL, KH_IAM_URL, KH_CA, KH_API_KEY (or KH_API_KEY_FILE), KH_INSTANCE
(`eval "$(./quickstart --env)"`).
The inventory has the columns key, wdek, aad (a JSON list or empty) and ref (the application's own reference).
"""
import argparse
import base64
import csv
import hashlib
import http.client
import json
import os
import ssl
import sys
import urllib.parse


def api_key():
    """KH_API_KEY, or the content of the file that KH_API_KEY_FILE names."""
    if "KH_API_KEY" in os.environ:
        return os.environ["KH_API_KEY"]
    with open(os.environ["KH_API_KEY_FILE"], encoding="ascii") as file:
        return file.read().strip()


class Service:
    """One keep-alive connection to the key-management API."""

    def __init__(self, instance=None):
        self.instance = instance or os.environ["KH_INSTANCE"]
        self.context = ssl.create_default_context(cafile=os.environ["KH_CA"])
        form = urllib.parse.urlencode({"grant_type": "urn:ibm:params:oauth:grant-type:apikey",
                                       "apikey": api_key()})
        iam = self._connect(os.environ.get("KH_IAM_URL") or os.environ["KH_URL"])
        iam.request("POST", "/identity/token", form, {"Content-Type": "application/x-www-form-urlencoded",
                                                      "Accept": "application/json"})
        answer = iam.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(f"token: {answer.status} {body.get('errorMessage')}")
        self.token = body["access_token"]
        self.connection = self._connect(os.environ["KH_URL"])

    def _connect(self, url):
        parts = urllib.parse.urlsplit(url)
        return http.client.HTTPSConnection(parts.hostname, parts.port or 443, context=self.context, timeout=60)

    def call(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {"Authorization": "Bearer " + self.token, "Bluemix-Instance": self.instance,
                                 "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def action(self, key, action, body):
        return self.call("POST", f"/api/v2/keys/{urllib.parse.quote(key)}/actions/{action}", body)


def aad_for(number):
    """Various additional authenticated data, as applications have them: none, one string, several, Unicode."""
    return [[], [f"tenant-{number % 7}"], [f"tenant-{number % 7}", "orders", str(number)], ["Ünïcode ✓", ""]][number % 4]


def wrap(arguments):
    service = Service(arguments.instance)
    keys = arguments.keys.split(",")
    with open(arguments.out, "a" if arguments.append else "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if not arguments.append:
            writer.writerow(["key", "wdek", "aad", "ref"])
        for number in range(arguments.first, arguments.first + arguments.count):
            key, aad = keys[number % len(keys)], aad_for(number)
            # Half of the DEKs come from the application, half from the service.
            dek = os.urandom((16, 32, 24, 35)[number % 4]) if number % 2 else b""
            body = {"aad": aad} if aad else {}
            if dek:
                body["plaintext"] = base64.b64encode(dek).decode()
            status, answer = service.action(key, "wrap", body)
            if status != 200:
                raise SystemExit(f"wrap with {key}: {status} {answer}")
            writer.writerow([key, answer["ciphertext"], json.dumps(aad, ensure_ascii=False) if aad else "", f"row-{number}"])
    print(f"{arguments.count} DEKs wrapped under {len(keys)} keys into {arguments.out}")


def check(arguments):
    service = Service(arguments.instance)
    opened, digest = 0, hashlib.sha256()
    with open(arguments.inventory, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not arguments.only_key or row["key"] == arguments.only_key]
    for row in rows:
        status, answer = service.action(arguments.with_key or row["key"], "unwrap",
                                        {"ciphertext": row["wdek"], "aad": json.loads(row["aad"] or "[]")})
        opened += status == 200
        if status == 200:
            digest.update(base64.b64decode(answer["plaintext"]))
        elif not arguments.quiet:
            print(f"{row['ref']}: {status} {answer['resources'][0]['errorMsg']}", file=sys.stderr)
    print(f"{opened} of {len(rows)} wrapped DEKs opened")
    return 0 if opened == len(rows) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instance", help="instead of KH_INSTANCE")
    verbs = parser.add_subparsers(required=True)
    wrapping = verbs.add_parser("wrap", help="wrap new DEKs")
    wrapping.add_argument("--count", type=int, required=True)
    wrapping.add_argument("--first", type=int, default=0, help="number of the first row")
    wrapping.add_argument("--keys", required=True, help="ids or aliases, separated by commas")
    wrapping.add_argument("--out", required=True)
    wrapping.add_argument("--append", action="store_true")
    wrapping.set_defaults(run=wrap)
    checking = verbs.add_parser("check", help="unwrap every row of an inventory")
    checking.add_argument("--inventory", required=True)
    checking.add_argument("--only-key", help="only the rows of this key")
    checking.add_argument("--with-key", help="unwrap with this key instead of the row's")
    checking.add_argument("--quiet", action="store_true")
    checking.set_defaults(run=check)
    arguments = parser.parse_args()
    return arguments.run(arguments) or 0


if __name__ == "__main__":
    sys.exit(main())
