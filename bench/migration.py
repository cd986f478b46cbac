"""Suite `migrate` of bench/run: DEKs re-wrapped between two servers over loopback TLS, and then compared."""
import json
import os
import pathlib
import time

from harness import BIN, Deployment

DEKS = int(os.environ.get("KH_BENCH_DEKS", "100000"))
DISTINCT = 1000  # the inventory repeats these; each row is unwrapped and wrapped all the same
FEW = 10_000     # for the peak of memory at fewer rows
JOBS = 8


def cpu_seconds(pid):
    """User and kernel time of all threads of a process."""
    total = 0
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        total += int(path.read_text().split()[0])
    return total / 1e9


class Side:
    """A server with its unit, and what they have used since the last look."""

    def __init__(self, deployment):
        self.pids = {"server": deployment.process.pid, "unit": deployment.endpoint["unit_pid"]}
        self.before = {}

    def begin(self):
        self.before = {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def used(self):
        return {name: round(cpu_seconds(pid) - self.before[name], 2) for name, pid in self.pids.items()}


def peak_kib(pid):
    """The most memory that a process has had resident so far; 0 when it is gone or not yet itself."""
    try:
        if not os.readlink(f"/proc/{pid}/exe").endswith("/keyhaven"):
            return 0
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def run_tool(environment, *arguments):
    """Elapsed and CPU seconds, and peak memory in KiB, of one run of the tool."""
    begin = time.monotonic()
    pid = os.posix_spawn(str(BIN / "keyhaven"), ["keyhaven", "migrate", *map(str, arguments)], environment,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                                       (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
    peak = 0
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended == pid:
            break
        peak = max(peak, peak_kib(pid))
        time.sleep(0.02)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"keyhaven migrate {arguments[0]} failed")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, peak


def write_inventory(path, rows, wdeks):
    with open(path, "w", encoding="utf-8") as file:
        file.write("key,wdek,aad,ref\n")
        for number in range(rows):
            file.write(f"bench-dek-key,{wdeks[number % DISTINCT]},,{number}\n")
    return path


def measured(verb, source, target, environment, *arguments, deks=DEKS):
    source.begin()
    target.begin()
    seconds, tool, peak = run_tool(environment, verb, *arguments)
    used = {"tool": round(tool, 2), "source": source.used(), "target": target.used()}
    services = sum(used["source"].values()) + sum(used["target"].values())
    result = {"deks": deks, "seconds": round(seconds, 2), "deks_per_second": round(deks / seconds), "cpu_seconds": used,
              "tool_by_services": round(tool / services, 3), "tool_peak_kib": peak}
    print(f"{'migrate ' + verb:16}{deks:,} DEKs in {seconds:.1f} s: {deks / seconds:,.0f} DEKs/s; CPU s: tool {tool:.1f}, "
          f"source {used['source']}, target {used['target']}; tool by services {tool / services:.2f}; peak {peak / 1024:.1f} MiB",
          flush=True)
    return result


def measure(bench):
    with Deployment() as other:
        here, home = bench.deployment, bench.deployment.home
        source_id, target_id = here.instance("migrate-source"), other.instance("migrate-target")
        key = here.create_key(source_id, "bench dek key", aliases=["bench-dek-key"])["id"]
        wdeks = [here.wrap(source_id, key, os.urandom(32)) for _ in range(DISTINCT)]
        plan, environment = home / "bench-plan.yaml", here.environment()
        run_tool(environment, "plan", "--source-instance", source_id, "--target-url", other.url, "--target-ca", other.ca,
                 "--target-api-key-file", other.data / "server/admin-api-key", "--target-instance", target_id, "--out", plan)
        run_tool(environment, "apply", plan)
        many, few = home / "bench.csv", home / "bench-few.csv"
        write_inventory(many, DEKS, wdeks)
        write_inventory(few, FEW, wdeks)
        source, target = Side(here), Side(other)
        report = {"jobs": JOBS}
        report["few"] = measured("rewrap", source, target, environment, plan, "--inventory", few, "--out", home / "few-new.csv",
                                 "--jobs", JOBS, deks=FEW)
        report["rewrap"] = measured("rewrap", source, target, environment, plan, "--inventory", many, "--out", home / "new.csv",
                                    "--jobs", JOBS)
        report["verify"] = measured("verify", source, target, environment, plan, "--inventory", many, "--rewrapped",
                                    home / "new.csv", "--json", home / "proof.json", "--jobs", JOBS)
        proof = json.loads((home / "proof.json").read_text())
        if proof["deks_equal"] != DEKS:
            raise SystemExit(f"not every DEK is equal: {proof}")
    return {"migrate": report}
