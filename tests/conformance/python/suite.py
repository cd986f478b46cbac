"""Collects cases, runs them in order, and prints the lines that the frame reads."""
import json
import os
import sys
import time
import traceback

CASES = []


class Skip(Exception):
    """The case cannot be shown here; the text says why."""


def success(call, case, late=False):
    """Declares a case in which `call` works. `late`: run after the waiting times are over."""
    return _declare(call, case, "success", late)


def refusal(call, case, late=False):
    """Declares a case in which `call` must raise the SDK's error."""
    return _declare(call, case, "refusal", late)


def _declare(call, case, kind, late):
    def keep(function):
        CASES.append((late, call, case, kind, function))
        return function
    return keep


def equal(got, want, what="value"):
    if got != want:
        raise AssertionError(f"{what}: expected {want!r}, got {got!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def run(methods, context):
    """Runs every case whose call the installed SDK has."""
    print(json.dumps({"methods": sorted(methods)}), flush=True)
    for late in (False, True):
        if late:
            time.sleep(max(0.0, context.waiting_over() - time.monotonic()))
        for is_late, call, case, kind, function in CASES:
            if is_late != late or call not in methods:
                continue
            line = {"call": call, "case": case, "kind": kind, "result": "pass"}
            try:
                function(context)
            except Skip as skip:
                line |= {"result": "skip", "why": str(skip)}
            except Exception as error:
                line |= {"result": "fail", "why": f"{type(error).__name__}: {error}"[:600]}
                print(f"{call}, {case}", file=sys.stderr)
                traceback.print_exc()
            print(json.dumps(line), flush=True)


def environment(name):
    return os.environ[name]
