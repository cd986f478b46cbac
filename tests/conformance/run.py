#!/usr/bin/env python3
"""Runs the vendor's SDKs against a real server and judges what their drivers print; see README.md beside this file."""
import argparse
import json
import os
import pathlib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import deployment
import sdks

DRIVER_SECONDS = 300  # a driver that is compiled the first time on a busy machine; a warm run takes a tenth of it
KINDS = ("success", "refusal")
RESULTS = ("pass", "fail", "skip")


class Malformed(Exception):
    """A line that is not of the protocol."""


def read_lines(text):
    """The methods and cases that a driver printed. Errors: Malformed."""
    methods, cases = None, []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(line)
        except ValueError:
            raise Malformed(f"line {number} is not JSON: {line[:200]}") from None
        if isinstance(entry, dict) and set(entry) == {"methods"} and methods is None:
            methods = entry["methods"]
        elif (isinstance(entry, dict) and set(entry) - {"why"} == {"call", "case", "kind", "result"} and
              entry["kind"] in KINDS and entry["result"] in RESULTS and (entry["result"] == "pass" or entry.get("why"))):
            cases.append(entry)
        else:
            raise Malformed(f"line {number} is neither methods nor a case: {line[:200]}")
    if not methods:
        raise Malformed("the driver did not print its methods")
    return methods, cases


def gaps(sdk, methods, cases):
    """What the driver left out, as sentences."""
    found = []
    called = {case["call"] for case in cases}
    shown = {(case["call"], case["kind"]) for case in cases if case["result"] != "skip"}
    for method in methods:
        if method in sdk.exempt:
            continue
        if method not in called:
            found.append(f"{method} is never called")
            continue
        for kind in KINDS:
            if (method, kind) not in shown and not (kind == "refusal" and method in sdk.no_refusal):
                found.append(f"{method} has no case of kind {kind}")
    found += [f"{call} is called but is no method of the SDK" for call in sorted(called - set(methods))]
    found += [f"{name} is excused in sdk.json but is no method of the SDK"
              for name in sorted((set(sdk.exempt) | set(sdk.no_refusal)) - set(methods))]
    seen = set()
    for case in cases:
        name = (case["call"], case["case"])
        if name in seen:
            found.append(f"{case['call']}: two cases are called {case['case']!r}")
        seen.add(name)
    return found


def run_driver(sdk, environment):
    """Runs one driver. Returns (methods, cases, standard error); the frame's own findings are cases too."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KH_", "KP_", "IBM"))}
    command = [sdk.fill(word, environment["KH_CA"]) for word in sdk.run]
    status, output, errors = sdks.run_bounded(command, DRIVER_SECONDS, cwd=sdk.cache,
                                              env=inherited | environment | sdk.variables(environment["KH_CA"]))
    complaints = []
    if status is None:
        complaints.append(f"the driver took more than {DRIVER_SECONDS} s")
    elif status != 0:
        complaints.append(f"the driver ended with status {status}")
    methods, cases = [], []
    try:
        methods, cases = read_lines(output)
        if not complaints:  # what an unfinished driver left out says nothing
            complaints += gaps(sdk, methods, cases)
    except Malformed as malformed:
        complaints.append(str(malformed))
    cases += [{"call": "frame", "case": f"complete, {number}", "kind": "success", "result": "fail", "why": why}
              for number, why in enumerate(complaints, 1)]
    return methods, cases, errors


class Server:
    """The deployment, started when the first SDK is installed: without any SDK none is needed. `make` makes it."""

    def __init__(self, make):
        self.make, self.lock, self.running = make, threading.Lock(), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.running:
            self.running.close()

    def environment_for(self, folder):
        with self.lock:
            if not self.running:
                self.running = self.make()
                self.running.start()
            return self.running.environment_for(folder)


def run_sdk(sdk, server):
    """One SDK from installation to its entry in the report."""
    started = time.monotonic()
    entry = {"folder": sdk.folder, "sdk": sdk.sdk, "language": sdk.language, "version": sdk.version, "methods": 0,
             "calls": 0, "passed": 0, "failed": 0, "skipped": 0, "why": "", "seconds": 0, "cases": []}
    try:
        sdk.ensure_installed()
        methods, cases, errors = run_driver(sdk, server.environment_for(sdk.folder))
        count = {result: sum(case["result"] == result for case in cases) for result in RESULTS}
        called = {case["call"] for case in cases if case["result"] != "skip"} & set(methods)
        entry |= {"methods": len(methods), "calls": len(called), "passed": count["pass"], "failed": count["fail"],
                  "skipped": count["skip"], "cases": cases}
        if count["fail"] and errors.strip():
            print(f"--- {sdk.folder}: standard error of the driver\n{errors.strip()[-4000:]}\n---", file=sys.stderr)
    except sdks.Unavailable as unavailable:
        entry |= {"skipped": 1, "why": str(unavailable)}
    except sdks.Altered as altered:
        entry |= {"failed": 1, "why": f"a download is not the pinned one: {altered}"}
    entry["seconds"] = round(time.monotonic() - started, 1)
    return entry


def table(entries):
    rows = [("SDK", "version", "calls", "passed", "failed", "skipped", "seconds")]
    rows += [(f"{entry['language']} {entry['sdk']}", entry["version"], f"{entry['calls']}/{entry['methods']}",
              *(str(entry[name]) for name in rows[0][3:])) for entry in entries]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) if column < 2 else cell.rjust(width)
                               for column, (cell, width) in enumerate(zip(row, widths))) for row in rows)


def main():
    known = sdks.every_sdk()
    parser = argparse.ArgumentParser(description="Runs the vendor's SDKs against a real server.")
    parser.add_argument("sdks", nargs="*", metavar="SDK", help="folders; default: " + " ".join(known))
    parser.add_argument("--json", metavar="FILE", help="write the report")
    parser.add_argument("--double", action="store_true", help="against the vendor double of tests/vendor_double, not Keyhaven")
    parser.add_argument("--require", action="store_true", help="fail when an SDK is skipped")
    parser.add_argument("--all", action="store_true", help="print every case, not only the failed and skipped ones")
    arguments = parser.parse_args()
    for folder in arguments.sdks:
        if folder not in known:
            parser.error(f"no SDK {folder!r}; there are: {' '.join(known)}")
    with Server(deployment.Double if arguments.double else deployment.Deployment) as server, ThreadPoolExecutor(len(known)) as pool:
        # At the same time: most of a driver's life is the one wait until a restore is not too early.
        entries = list(pool.map(lambda folder: run_sdk(known[folder], server), arguments.sdks or known))
    for entry in entries:
        for case in entry["cases"]:
            if arguments.all or case["result"] != "pass":
                print(f"{entry['folder']}: {case['result']}: {case['call']}, {case['case']}: {' '.join(case.get('why', '').split())}")
        if entry["why"]:
            print(f"{entry['folder']}: {'skipped' if entry['skipped'] else 'failed'}: {entry['why']}")
    print(table(entries))
    total = {name: sum(entry[name] for entry in entries) for name in ("passed", "failed", "skipped")}
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"sdks": entries} | total, indent=1) + "\n")
    skipped_whole = any(entry["skipped"] and not entry["cases"] for entry in entries)
    return 1 if total["failed"] or (arguments.require and skipped_whole) else 0


if __name__ == "__main__":
    sys.exit(main())
