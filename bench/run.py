"""Measures a release build of the server on a deployment of its own; started by bench/run. See README.md."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/integration"))
os.environ.setdefault("KH_OPENAPI_CHECK", "0")  # the harness would hold every answer against the API document
from harness import BIN, ROOT, Deployment, b64  # noqa: E402
import large  # noqa: E402
import migration  # noqa: E402
import rotation  # noqa: E402

SUITES = ("wrap", "unwrap", "create", "steps", "list", "million", "rotation", "migrate")
OF_ALL = ("wrap", "unwrap", "create", "steps")  # the others take minutes each
DEK = bytes(range(32))
KEY_TYPE = "application/vnd.ibm.kms.key+json"
MAX_CREATES = 40_000  # an instance holds 50,000 keys


# --- What was measured, where ---
def first_line(*command):
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else ""
    except OSError:
        return ""


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def environment():
    status = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "cpu": cpu_model(), "cores": os.cpu_count(), "kernel": platform.release(),
            "load_average": round(os.getloadavg()[0], 2),
            "keyhaven": first_line(str(BIN / "keyhavend"), "--version"),
            "revision": first_line("git", "rev-parse", "--short=12", "HEAD"),
            "modified": bool(status.stdout), "openssl": first_line("openssl", "version"),
            "compiler": first_line("c++", "--version")}


def memory_kib(pid):
    """Memory of a process: resident now and at its peak, and locked."""
    values = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM", "VmLck"):
            values[name] = int(value.split()[0])
    return {"resident": values.get("VmRSS", 0), "peak": values.get("VmHWM", 0), "locked": values.get("VmLck", 0)}


# --- One measurement ---
class Bench:
    def __init__(self, deployment, options):
        self.deployment, self.options = deployment, options
        self.directory = tempfile.TemporaryDirectory(prefix="keyhaven-bench-")
        self.url = urllib.parse.urlsplit(deployment.url)
        self.instance = deployment.instance("bench")
        self.key = deployment.create_key(self.instance, "bench-root")["id"]
        self.results = []

    def moved(self):
        """The server was started anew, on another port."""
        self.url = urllib.parse.urlsplit(self.deployment.url)

    def pids(self):
        return {"server": self.deployment.process.pid, "unit": self.deployment.endpoint["unit_pid"]}

    def memory(self):
        return {process: memory_kib(pid) for process, pid in self.pids().items()}

    def request(self, method, path, body=None, instance=None, value_size=len("{value}")):
        """The bytes of a request as clients send it. {value} in it will be replaced by values of `value_size`."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.url.netloc}", "User-Agent: keyhaven-bench",
                 "Accept: application/json", "Authorization: Bearer " + self.deployment.token(),
                 "Bluemix-Instance: " + instance]
        payload = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            length = len(payload) + payload.count(b"{value}") * (value_size - len("{value}"))
            lines += ["Content-Type: application/json", f"Content-Length: {length}"]
        return "\r\n".join(lines + ["", ""]).encode() + payload

    def measure(self, name, connections, request, status=200, text="", most=0, values=(), seconds=None, warmup=None,
                label=None):
        path = pathlib.Path(self.directory.name) / "request"
        path.touch(0o600)
        path.write_bytes(request)
        values_path = pathlib.Path(self.directory.name) / "values"
        values_path.write_text("".join(value + "\n" for value in values))
        more = ["--values", str(values_path)] if values else []
        pids = self.pids()
        seconds = self.options.seconds if seconds is None else seconds
        warmup = self.options.warmup if warmup is None else warmup
        done = subprocess.run(
            [str(BIN / "keyhaven-bench-load"), "--port", str(self.url.port), "--ca", self.deployment.ca,
             "--server-name", self.url.hostname, "--request", str(path), "--expect-status", str(status),
             "--expect-text", text, "--connections", str(connections), "--seconds", str(seconds), "--warmup", str(warmup),
             "--tls", self.options.tls, "--max-requests", str(most),
             "--server-pid", str(pids["server"]), "--unit-pid", str(pids["unit"]), *more],
            stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{name}: the load generator failed; server's log:\n"
                             + self.deployment.log.read_text()[-2000:])
        result = {"name": name} | json.loads(done.stdout)
        result["memory_kib"] = self.memory()
        self.results.append(result)
        print_row(result, label or name)
        return result

    # --- Suites ---
    def floor(self, connections):
        """TLS and HTTP without the service: an open call, with the headers of the others."""
        return self.measure("healthz", connections, self.request("GET", "/healthz", instance=self.instance))

    def action(self, action, body):
        return self.request("POST", f"/api/v2/keys/{self.key}/actions/{action}", body, self.instance)

    def wrap(self):
        for connections in self.options.connections:
            floor = self.floor(connections)
            result = self.measure("wrap", connections, self.action("wrap", {"plaintext": b64(DEK)}),
                                  text='"ciphertext":"')
            compare_with_floor(result, floor)

    def unwrap(self):
        wrapped = self.deployment.wrap(self.instance, self.key, DEK)
        for connections in self.options.connections:
            floor = self.floor(connections)
            result = self.measure("unwrap", connections, self.action("unwrap", {"ciphertext": wrapped}),
                                  text=f'"plaintext":"{b64(DEK)}"')
            compare_with_floor(result, floor)

    def sync_us(self):
        """How long the disk of the data directory takes to make 4 KiB durable; the floor of a create."""
        path = self.deployment.home / "sync-probe"
        with open(path, "wb", buffering=0) as file:
            begin, writes = time.monotonic(), 0
            while time.monotonic() - begin < 0.5:
                os.pwrite(file.fileno(), bytes(4096), writes % 256 * 4096)
                os.fdatasync(file.fileno())
                writes += 1
            elapsed = time.monotonic() - begin
        path.unlink()
        return round(elapsed / writes * 1e6, 1)

    def create(self):
        body = {"metadata": {"collectionType": KEY_TYPE, "collectionTotal": 1},
                "resources": [{"type": KEY_TYPE, "name": "bench", "extractable": False}]}
        for connections in self.options.connections:
            instance = self.deployment.instance(f"creates-{connections}")
            request = self.request("POST", "/api/v2/keys", body, instance)
            sync_us = self.sync_us()
            result = self.measure("create", connections, request, status=201, text='"id":"', most=MAX_CREATES)
            result["fdatasync_4k_us"] = round((sync_us + self.sync_us()) / 2, 1)
            print(f"{'':16}fdatasync of 4 KiB on this disk: {result['fdatasync_4k_us']:.0f} us, just before and after")
            count = self.deployment.call("HEAD", "/api/v2/keys", instance=instance)
            result["keys_found"] = int(count.headers["Key-Total"])
            if result["keys_found"] != result["acknowledged"]:
                raise SystemExit(f"{result['acknowledged']} creates acknowledged, {result['keys_found']} keys found")

    def steps(self):
        """The shares of one wrap: each step alone, and what the whole costs in the two processes."""
        connections = max(self.options.connections)
        floor = self.floor(connections)
        wrap = self.measure("wrap", connections, self.action("wrap", {"plaintext": b64(DEK)}), text='"ciphertext":"')
        compare_with_floor(wrap, floor)
        directory = pathlib.Path(self.directory.name) / "steps"
        directory.mkdir(exist_ok=True)
        done = subprocess.run([str(BIN / "keyhaven-bench-steps"), "--directory", str(directory), "--seconds",
                               str(min(self.options.seconds / 5, 1))], stdout=subprocess.PIPE, text=True, check=True)
        alone = json.loads(done.stdout)["steps_us"]
        shares = shares_of_wrap(floor, wrap, alone)
        print_shares(shares, alone)
        return {"steps_us": alone, "wrap_shares_us": shares}


    def list(self):
        return large.measure_lists(self)

    def million(self):
        return large.measure_million(self)

    def rotation(self):
        return rotation.measure(self)

    def migrate(self):
        return migration.measure(self)


def both(result):
    cpu = result["cpu_us_per_request"]
    return cpu["server"] + cpu["unit"]


def compare_with_floor(result, floor):
    result["cpu_ratio_to_healthz"] = round(both(result) / both(floor), 3) if both(floor) else None
    result["rate_ratio_to_healthz"] = round(result["requests_per_second"] / floor["requests_per_second"], 3)


def shares_of_wrap(floor, wrap, alone):
    """Where the CPU time of a wrap goes, in microseconds; 'other' is what no step explains."""
    channel = max(0, alone["channel_wrap_batch_32"] - alone["unit_wrap"])
    shares = {"tls_and_http": both(floor), "unit_engine": alone["unit_wrap"], "channel_both_ends": channel,
              "audit_record": alone["audit_batch_32"], "token_and_right": alone["token_cache_hit"] + alone["authorize"],
              "key_look_up": alone["key_look_up"], "json": alone["json_read_wrap"] + alone["json_write_wrap"]}
    shares["other"] = both(wrap) - sum(shares.values())
    shares["total"] = both(wrap)
    return {name: round(value, 2) for name, value in shares.items()}


# --- For people ---
def print_header():
    print(f"{'call':40}{'conns':>6}{'req/s':>10}{'p50 us':>9}{'p99 us':>9}{'server us':>11}{'unit us':>9}"
          f"{'client us':>11}{'server MiB':>12}{'unit MiB':>10}", flush=True)


def print_row(result, label):
    cpu, memory = result["cpu_us_per_request"], result["memory_kib"]
    print(f"{label:40}{result['connections']:>6}{result['requests_per_second']:>10.0f}"
          f"{result['latency_us']['p50']:>9.0f}{result['latency_us']['p99']:>9.0f}{cpu['server']:>11.1f}"
          f"{cpu['unit']:>9.1f}{cpu['client']:>11.1f}{memory['server']['peak'] / 1024:>12.1f}"
          f"{memory['unit']['peak'] / 1024:>10.1f}", flush=True)


def print_shares(shares, alone):
    print("\nshares of a wrap (CPU us, server and unit)")
    for name, value in shares.items():
        print(f"  {name:24}{value:>8.2f}{value / shares['total']:>8.0%}")
    print("\nsteps alone (CPU us, fdatasync: elapsed us)")
    for name, value in alone.items():
        print(f"  {name:24}{value:>8.2f}")


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("suite", nargs="*", default=["all"], help="of: " + ", ".join(SUITES) + "; all: " + ", ".join(OF_ALL))
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement (default 5)")
    parser.add_argument("--warmup", type=float, default=1, help="seconds before each (default 1)")
    parser.add_argument("--connections", type=numbers, default=[1, 64], metavar="N,N", help="default 1,64")
    parser.add_argument("--tls", choices=("1.2", "1.3"), default="1.3")
    options = parser.parse_args()
    unknown = set(options.suite) - {"all", *SUITES}
    if unknown:
        parser.error("no such suite: " + ", ".join(sorted(unknown)))
    wanted = {*options.suite, *(OF_ALL if "all" in options.suite else ())}
    suites = [suite for suite in SUITES if suite in wanted]

    report = {"format": 1, "environment": environment(), "suites": list(suites)}
    with Deployment() as deployment:
        bench = Bench(deployment, options)
        print_header()
        for suite in suites:
            report |= getattr(bench, suite)() or {}
        report["measurements"] = bench.results
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=2) + "\n")


main()
