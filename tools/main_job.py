#!/usr/bin/env python3
"""The main job, end to end: two instances, ceremonies, keys, DEKs, migration, proof.

Run by ./quickstart and by tests/integration/test_main_job.py. Every step is a command that a user would type; it is
printed with its result. The service is named by KH_URL, KH_IAM_URL, KH_CA and KH_API_KEY_FILE in the environment.

  main_job.py --keyhaven PROGRAM --work DIRECTORY [--deks 1000] [--json FILE]
"""
import argparse
import base64
import csv
import json
import os
import pathlib
import secrets
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Job:
    def __init__(self, keyhaven, work, deks):
        self.keyhaven, self.work, self.deks = keyhaven, pathlib.Path(work), deks
        self.environment = dict(os.environ, CLOUDTKEFILES=str(self.work / "ceremony"))
        (self.work / "ceremony").mkdir(parents=True, exist_ok=True, mode=0o700)

    # --- running and showing commands ---
    def show(self, command):
        names = {self.keyhaven: "keyhaven", sys.executable: "python3"}
        shown = [names.get(part, part).replace(f"{self.work}/", "").replace(f"{ROOT}/", "") for part in command]
        print("$ " + " ".join(map(shlex.quote, shown)), flush=True)

    def run(self, *command, expect=0, quiet=False):
        command = [str(part) for part in command]
        self.show(command)
        done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, cwd=self.work)
        if done.returncode != expect:
            raise SystemExit(f"exit status {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
        if not quiet:
            for line in done.stdout.strip().splitlines():
                print("  " + line, flush=True)
        return done.stdout

    def kh(self, *arguments, **options):
        return self.run(self.keyhaven, *arguments, **options)

    def kh_json(self, *arguments):
        answer = json.loads(self.kh(*arguments, "--output", "json", quiet=True))
        return answer

    def secret_file(self, name, content):
        path = self.work / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    # --- the steps ---
    def new_instance(self, name, plan):
        instance = self.kh_json("instance", "create", name, "--plan", plan, "--units", "2")
        guid = instance["guid"]
        print(f"  {name}: {guid}, {instance['state']}")
        admins, parts = [], []
        for number in (1, 2):
            admin, part = f"{name}-admin{number}", f"{name}-part{number}"
            self.secret_file(f"ceremony/{admin}.password", secrets.token_hex(12).encode())
            self.secret_file(f"ceremony/{part}.password", secrets.token_hex(12).encode())
            self.kh("tke", "sigkey-add", admin, "--password-file", f"ceremony/{admin}.password")
            self.kh("tke", "mk-add", part, "--random", "--password-file", f"ceremony/{part}.password")
            admins += ["--admin", f"{admin}:ceremony/{admin}.password"]
            parts += ["--part", f"{part}:ceremony/{part}.password"]
        self.kh("tke", "init", "--instance", guid, "--signature-threshold", "2", "--revocation-threshold", "2", *admins,
                *parts, "--trust-on-first-use", "--yes")
        return guid

    def key(self, instance, name, *options):
        key = self.kh_json("key", "create", name, "--instance", instance, *options)
        print(f"  {key['id']} {name}")
        return key["id"]

    def make_keys(self, beta):
        material = secrets.token_bytes(32)
        payload = self.secret_file("imported.b64", base64.b64encode(material))
        keys = {}
        keys["imported"] = self.key(beta, "orders-imported", "--payload-file", payload, "--description", "brought along",
                                    "--expires", "2036-01-01T00:00:00Z")
        self.kh("key-ring", "create", "finance", "--instance", beta)
        keys["rotated"] = self.key(beta, "orders-rotated")
        keys["ringed"] = self.key(beta, "payroll-root", "--alias", "payroll", "--ring", "finance")
        standard = []
        for number in range(5):
            secret = self.secret_file(f"standard{number}.b64", base64.b64encode(secrets.token_bytes(32 + number)))
            standard.append(self.key(beta, f"service-secret-{number}", "--standard", "--payload-file", secret))
        with open(self.work / "material.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "payload"])
            writer.writerow([keys["imported"], base64.b64encode(material).decode()])
        (self.work / "material.csv").chmod(0o600)
        return keys, standard

    def wrap_deks(self, beta, keys):
        application = [sys.executable, str(ROOT / "examples/application.py"), "--instance", beta, "wrap", "--out", "deks.csv"]
        names = [keys["imported"], keys["rotated"], "payroll"]
        half = self.deks // 2
        self.run(*application, "--count", half, "--keys", ",".join(names))
        self.kh("key", "rotate", keys["rotated"], "--instance", beta)
        self.run(*application, "--count", self.deks - half, "--first", half, "--keys", ",".join(names), "--append")

    def migrate(self, beta, production):
        self.kh("migrate", "plan", "--source-instance", beta, "--target-instance", production, "--inventory", "deks.csv",
                "--material", "material.csv", "--out", "plan.yaml")
        self.kh("migrate", "apply", "plan.yaml", "--material", "material.csv")
        self.kh("migrate", "rewrap", "plan.yaml", "--inventory", "deks.csv", "--out", "deks-new.csv")
        self.kh("migrate", "verify", "plan.yaml", "--inventory", "deks.csv", "--rewrapped", "deks-new.csv", "--json",
                "verify.json")
        self.kh("migrate", "status", "plan.yaml")
        return json.loads((self.work / "verify.json").read_text())

    def imported_still_opens(self, production, keys):
        mapping = {row["source"]: row["target"] for row in
                   json.loads(self.kh("migrate", "status", "plan.yaml", "--output", "json", quiet=True))["keys"]}
        out = self.run(sys.executable, ROOT / "examples/application.py", "--instance", production, "check", "--inventory",
                       "deks.csv", "--only-key", keys["imported"], "--with-key", mapping[keys["imported"]])
        opened, _, total = out.split()[:3]
        return int(opened), int(total)

    def disable_source(self, beta, production, keys):
        for key in keys.values():
            self.kh("key", "disable", key, "--instance", beta)
        self.run(sys.executable, ROOT / "examples/application.py", "--instance", beta, "check", "--inventory", "deks.csv",
                 "--quiet", expect=1)
        self.run(sys.executable, ROOT / "examples/application.py", "--instance", production, "check", "--inventory",
                 "deks-new.csv")

    def everything(self):
        started = time.monotonic()
        beta = self.new_instance("beta", "beta")
        production = self.new_instance("production", "standard")
        keys, standard = self.make_keys(beta)
        self.wrap_deks(beta, keys)
        verified = self.migrate(beta, production)
        opened, total = self.imported_still_opens(production, keys)
        self.disable_source(beta, production, keys)
        result = {"deks": verified["deks"], "deks_equal": verified["deks_equal"],
                  "standard_keys": verified["standard_keys"], "standard_equal": verified["standard_equal"],
                  "metadata_differences": verified["metadata_differences"],
                  "imported_reopened": opened, "seconds": round(time.monotonic() - started, 1),
                  "url": os.environ["KH_URL"]}
        complete = (result["deks"] == result["deks_equal"] == self.deks and result["metadata_differences"] == 0 and
                    result["standard_keys"] == result["standard_equal"] == len(standard) and opened == total > 0)
        print(f"{result['deks_equal']} of {result['deks']} DEKs equal, {result['standard_equal']} of "
              f"{result['standard_keys']} standard keys equal, {result['metadata_differences']} metadata differences, "
              f"{opened} of {total} old wrapped DEKs of the imported key open in production unchanged, "
              f"{result['seconds']} s")
        return result, complete


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keyhaven", required=True, help="the keyhaven program")
    parser.add_argument("--work", required=True, help="directory for ceremony files, plan, journal and inventories")
    parser.add_argument("--deks", type=int, default=1000)
    parser.add_argument("--json", help="write the result as one JSON object")
    arguments = parser.parse_args()
    os.umask(0o077)
    job = Job(str(pathlib.Path(arguments.keyhaven).resolve()), pathlib.Path(arguments.work).resolve(), arguments.deks)
    result, complete = job.everything()
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result) + "\n")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
