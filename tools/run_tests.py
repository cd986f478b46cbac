#!/usr/bin/env python3
"""The test runner behind ./run-tests: builds what a suite needs, runs it, counts, and says what was skipped and why.

A suite is a function that returns a Result. Default suites run in order; the others run when named.
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import build_web
import models

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Begun first, so that none of them is left alone at the end.
LONGEST = ["test_vendor_double", "test_bad_input", "test_auto", "test_migrate", "ceremony-commands", "ceremony", "keys", "audit"]
WEB = ROOT / "web"
JOBS = str(os.cpu_count() or 2)


@dataclasses.dataclass
class Result:
    passed: int = 0
    failed: int = 0
    skipped: list = dataclasses.field(default_factory=list)  # "what: why"
    failures: list = dataclasses.field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures


def run(command, **kwargs):
    return subprocess.run(command, **({"cwd": ROOT} | kwargs))


def build(preset, targets=()):
    """Configures and builds; output is shown only when it fails."""
    environment = dict(os.environ, CCACHE_NOHASHDIR="1", CCACHE_BASEDIR=str(ROOT))
    for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "-j", JOBS,
                                                    *(["--target", *targets] if targets else [])]):
        done = run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            print(done.stdout[-8000:])
            raise SystemExit(f"build of preset {preset} failed\n0 passed, 1 failed")


def gtest(program, environment=None, timeout=900):
    """Runs one GoogleTest program and reads its own report."""
    result = Result()
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory) / "report.json"
        try:
            done = run([str(program), f"--gtest_output=json:{report}"],
                       env=dict(os.environ, **(environment or {})), stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
            output, status = done.stdout.decode(errors="replace"), done.returncode
        except subprocess.TimeoutExpired as late:
            output, status = (late.stdout or b"").decode(errors="replace"), "timeout"
        reasons = {name: why for why, name in re.findall(r"Skipped\n(.+)\n+\[  SKIPPED \] ([\w./]+)", output)}
        if report.exists():
            for suite in json.loads(report.read_text())["testsuites"]:
                for test in suite["testsuite"]:
                    name = f"{suite['name']}.{test['name']}"
                    if test.get("failures"):
                        result.failed += 1
                        result.failures.append(name)
                    elif test.get("result") == "SKIPPED":
                        result.skipped.append(f"{name}: {reasons.get(name, 'the test does not say why')}")
                    elif test.get("status") == "RUN":
                        result.passed += 1
        if status != 0 and result.failed == 0:
            result.failed += 1
            result.failures.append(f"{pathlib.Path(program).name}: exit status {status}")
        if result.failed:
            print(output[-6000:])
    return result


def gtest_programs(preset, label):
    """Programs that ctest knows under `label`, in its order."""
    done = run(["ctest", "--test-dir", f"build/{preset}", "-L", f"^{label}$", "--show-only=json-v1"],
               stdout=subprocess.PIPE, check=True)
    return [test["command"][0] for test in json.loads(done.stdout)["tests"] if test.get("command")]


def run_labelled(preset, label, environment=None):
    result = Result()
    for program in gtest_programs(preset, label):
        started = time.monotonic()
        one = gtest(program, environment)
        print(f"  {pathlib.Path(program).name:24} {one.passed:5} passed {one.failed:3} failed "
              f"{len(one.skipped):3} skipped  {time.monotonic() - started:6.1f} s", flush=True)
        result.add(one)
    return result


def suite_check():
    """Include direction, formatting, no words of unfinished work."""
    done = run(["bash", "tools/check.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print("  " + done.stdout.strip().replace("\n", "\n  "))
    return Result(passed=int(done.returncode == 0), failed=int(done.returncode != 0),
                  failures=[] if done.returncode == 0 else ["tools/check.sh"])


def suite_models():
    """Models of our protocols in every reachable state, and that each planted fault is found."""
    return models.check(Result())


def suite_unit():
    """Tests beside the code."""
    build("dev")
    return run_labelled("dev", "unit")


def suite_vectors():
    """Public test vectors through our own API."""
    build("dev")
    return run_labelled("dev", "vectors")


def suite_contract():
    """One suite for every store backend, with crashes."""
    build("dev")
    return run_labelled("dev", "contract")


def longest_first(scripts):
    """By LONGEST, then by name."""
    def place(script):
        name = script.name.split(".")[0]
        return LONGEST.index(name) if name in LONGEST else len(LONGEST), name
    return sorted(scripts, key=place)


def side_by_side(work, items):
    """Runs `work` on each, as many at once as there are cores: most of these tests wait for a server or a browser. Each has
    servers, ports and folders of its own. KH_TEST_JOBS=1 for one after another."""
    result = Result()
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("KH_TEST_JOBS", JOBS))) as pool:
        for done in concurrent.futures.as_completed([pool.submit(work, item) for item in items]):
            one, lines = done.result()
            print(lines, flush=True)
            result.add(one)
    return result


def told(name, one, started, output):
    """A file's result with its line, behind what it printed when it failed."""
    line = (f"  {name:24} {one.passed:5} passed {one.failed:3} failed {len(one.skipped):3} skipped "
            f" {time.monotonic() - started:6.1f} s")
    return one, output[-8000:] + "\n" + line if one.failed else line


def python_tests(folder, preset, only=(), environment=None):
    """Every test script of a folder, or `only` some tests: names as unittest takes them."""
    environment = dict(os.environ, KH_BUILD=str(ROOT / "build" / preset), PYTHONDONTWRITEBYTECODE="1",
                       PYTHONPATH=str(ROOT / folder), **(environment or {}))
    names = only or [script.stem for script in longest_first((ROOT / folder).glob("test_*.py"))]
    return side_by_side(lambda name: python_test(name, environment), names)


def python_test(name, environment):
    """One script, counted from what unittest prints."""
    started, one = time.monotonic(), Result()
    done = run([sys.executable, "-W", "ignore::ResourceWarning", "-m", "unittest", "-v", name], env=environment,
               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    for line in done.stdout.splitlines():
        match = re.match(r"^(\w+) \(([\w.]+)\).*\.\.\. (ok|FAIL|ERROR|skipped .*)$", line)
        if not match:
            match = re.match(r"^(.*?)()\s*\.\.\. (ok|FAIL|ERROR|skipped .*)$", line)
        if not match:
            continue
        test, verdict = f"{name}.{match.group(1)}", match.group(3)
        if verdict == "ok":
            one.passed += 1
        elif verdict.startswith("skipped"):
            one.skipped.append(f"{test}: {verdict[8:]}")
        else:
            one.failed += 1
            one.failures.append(test)
    # A test's own lines may stand between its name and its verdict; the last lines have the true numbers.
    ran = re.search(r"^Ran (\d+) tests? in", done.stdout, re.M)
    if ran:
        one.passed = max(int(ran.group(1)) - one.failed - len(one.skipped), 0)
    if done.returncode != 0 and one.failed == 0:
        one.passed = max(one.passed - 1, 0)
        one.failed += 1
        one.failures.append(f"{name}: exit status {done.returncode}")
    return told(name, one, started, done.stdout)


def suite_integration():
    """Real servers and units, started and stopped by the tests on free loopback ports."""
    build("dev")
    return python_tests("tests/integration", "dev")


def suite_web():
    """The console: types and texts checked, built within its size, then every page in a real browser on a real server."""
    build("dev", ["keyhavend", "keyhaven-unit", "keyhaven", "web"])
    build_web.install_packages()  # what is built may be older than a fresh copy of the tree
    result = Result()
    checked = run(["npm", "run", "--silent", "check"], cwd=WEB, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                  stderr=subprocess.STDOUT, text=True, errors="replace")
    if checked.returncode == 0:
        result.passed += 1
    else:
        print(checked.stdout[-4000:])
        result.failed += 1
        result.failures.append("web.check")
    result.add(side_by_side(node_tests, longest_first((WEB / "tests").glob("*.test.mjs"))))
    return result


def node_tests(script):
    """One file of tests, counted from what node's own runner reports."""
    started, result = time.monotonic(), Result()
    environment = dict(os.environ, KH_BUILD=str(ROOT / "build/dev"), KH_WEB_DIST=str(ROOT / "build/dev/share/keyhaven/web"),
                       PYTHONDONTWRITEBYTECODE="1")
    done = run(["node", "--test", "--test-reporter=tap", str(script)], cwd=WEB, env=environment, stdin=subprocess.DEVNULL,
               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    name = f"web.{script.name.removesuffix('.test.mjs')}"
    # A group of tests, and in older versions the file around them, have a line of their own, too.
    verdicts = re.findall(r"^ *(ok|not ok) \d+ - (.*?)(?: # (SKIP.*))?$(?!\n *---\n *duration_ms:.*\n *type: 'suite')",
                          done.stdout, re.M)
    for verdict, test, remark in verdicts:
        if test.endswith(script.name):
            continue
        if remark:
            result.skipped.append(f"{name}.{test}: {remark}")
        elif verdict == "ok":
            result.passed += 1
        else:
            result.failed += 1
            result.failures.append(f"{name}.{test}")
    if done.returncode != 0 and result.failed == 0 or done.returncode == 0 and result.passed == 0:
        result.failed += 1
        result.failures.append(f"{name}: exit status {done.returncode}, {result.passed} passed")
    return told(name, result, started, done.stdout)


def suite_soak():
    """Kill tests at length: 200 kills each of rotations and of migrations, the automatic verbs at each request."""
    build("dev")
    kills = python_tests("tests/integration", "dev", only=["test_master_key_rotation.Kills", "test_migrate_kills.Kills"],
                         environment={"KH_KILLS": os.environ.get("KH_KILLS", "200")})
    kills.add(python_tests("tests/integration", "dev", only=["test_auto"],
                           environment={"KH_KILL_STRIDE": os.environ.get("KH_KILL_STRIDE", "1")}))
    return kills


def suite_conformance():
    """The vendor's own SDKs, installed as their users do, against a real server and against the vendor double."""
    build("dev", ["keyhavend", "keyhaven-unit", "keyhaven"])
    # Where the tool chains cannot be installed the suite says which SDK it skipped for want of which program.
    run(["bash", "tools/packages.sh", "conformance"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    result = python_tests("tests/conformance", "dev")
    result.add(sdks_against("conformance"))
    result.add(sdks_against("conformance-double", "--double"))
    return result


def sdks_against(suite, *options):
    """One run of the SDKs' drivers."""
    result = Result()
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory) / "report.json"
        environment = dict(os.environ, KH_BUILD=str(ROOT / "build/dev"), PYTHONDONTWRITEBYTECODE="1")
        done = run([sys.executable, "tests/conformance/run.py", *options, "--json", str(report)], env=environment,
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        print("  " + done.stdout.strip()[-12000:].replace("\n", "\n  "), flush=True)
        sdks = json.loads(report.read_text())["sdks"] if report.exists() else []
    for sdk in sdks:
        result.passed += sdk["passed"]
        result.failed += sdk["failed"]
        name = f"{suite}.{sdk['folder']}"
        if sdk["why"]:
            (result.failures if sdk["failed"] else result.skipped).append(f"{name}: {sdk['why']}")
        for case in sdk["cases"]:
            line = f"{name}.{case['call']}: {case['case']}"
            if case["result"] == "fail":
                result.failures.append(line)
            elif case["result"] == "skip":
                result.skipped.append(f"{line}: {case['why']}")
    if done.returncode != 0 and result.failed == 0:
        result.failed += 1
        result.failures.append(f"{suite}: exit status {done.returncode}")
    return result


def sanitizer_environment(preset):
    return {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
            "LSAN_OPTIONS": f"suppressions={ROOT / 'tools/lsan.supp'}:print_suppressions=0",
            "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"} | {"KH_PRESET": preset}


def sanitized(preset):
    build(preset)
    result = run_labelled(preset, "unit", sanitizer_environment(preset))
    result.add(run_labelled(preset, "contract", sanitizer_environment(preset)))
    return result


def suite_asan():
    """Unit and contract tests under the address and undefined behaviour sanitizers."""
    return sanitized("asan")


def suite_tsan():
    """Unit and contract tests under the thread sanitizer."""
    return sanitized("tsan")


def suite_fuzz():
    """Each decoder's fuzz target: its corpus, then ten seconds of new inputs."""
    build("fuzz", ["fuzz_all"])
    result = Result()
    environment = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1")
    for program in sorted((ROOT / "build/fuzz/bin").glob("fuzz_*")):
        corpus = ROOT / "fuzz/corpus" / program.name.removeprefix("fuzz_")
        with tempfile.TemporaryDirectory() as work:
            seconds = os.environ.get("KH_FUZZ_SECONDS", "10")
            done = run([str(program), "-max_total_time=" + seconds, "-timeout=5", "-rss_limit_mb=2048",
                        f"-artifact_prefix={work}/", "-print_final_stats=1", work, *([str(corpus)] if corpus.is_dir() else [])],
                       env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        executed = re.search(r"number_of_executed_units:\s*(\d+)", done.stdout)
        print(f"  {program.name:24} {executed.group(1) if executed else '?':>9} inputs, exit status {done.returncode}", flush=True)
        if done.returncode == 0:
            result.passed += 1
        else:
            result.failed += 1
            result.failures.append(program.name)
            print(done.stdout[-4000:])
    return result


DEFAULT = {"check": suite_check, "models": suite_models, "unit": suite_unit, "vectors": suite_vectors, "contract": suite_contract,
           "integration": suite_integration, "web": suite_web, "conformance": suite_conformance}
NAMED = {"asan": suite_asan, "tsan": suite_tsan, "fuzz": suite_fuzz, "soak": suite_soak}


def main():
    parser = argparse.ArgumentParser(prog="./run-tests", description="Runs Keyhaven's tests.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="default: " + " ".join(DEFAULT))
    parser.add_argument("--json", metavar="FILE", help="write one JSON object with the counts per suite")
    parser.add_argument("--list", action="store_true", help="list the suites")
    arguments = parser.parse_args()
    every = DEFAULT | NAMED
    if arguments.list:
        for name, function in every.items():
            print(f"{name:12} {function.__doc__.splitlines()[0]}{'' if name in DEFAULT else ' (only when named)'}")
        return 0
    for name in arguments.suites:
        if name not in every:
            parser.error(f"no suite {name!r}; there are: {' '.join(every)}")
    chosen = arguments.suites or list(DEFAULT)
    report, total = [], Result()
    for name in chosen:
        print(f"{name}: {every[name].__doc__.splitlines()[0]}", flush=True)
        started = time.monotonic()
        result = every[name]()
        seconds = round(time.monotonic() - started, 1)
        print(f"{name}: {result.passed} passed, {result.failed} failed, {len(result.skipped)} skipped, {seconds} s", flush=True)
        report.append({"suite": name, "passed": result.passed, "failed": result.failed,
                       "skipped": result.skipped, "failures": result.failures, "seconds": seconds})
        total.add(result)
    for line in total.skipped:
        print(f"skipped: {line}")
    if not arguments.suites:
        for name, function in NAMED.items():
            print(f"not run: {name} ({function.__doc__.splitlines()[0]} Takes a build of its own: ./run-tests {name})")
    for line in total.failures:
        print(f"FAILED: {line}")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(
            {"suites": report, "passed": total.passed, "failed": total.failed, "skipped": len(total.skipped)}, indent=2) + "\n")
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
