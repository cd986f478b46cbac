"""The protocol models of docs/models, checked by Spin: the rules as they are must hold in every reachable state, and
each planted fault (a rule left out by -D) must break the invariant that the rule is there for."""
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile
import time

MODEL = pathlib.Path(__file__).resolve().parent.parent / "docs/models/master_key_rotation.pml"
LIMIT_MIB = 900  # of one search; two run at a time
DEPTH = 1_000_000  # steps; a search that would go deeper fails
SECONDS = 300  # of one search, on a busy machine; a quiet one takes a few

UNITS, RECOVERY = (), ("-DWITH_RECOVERY_UNIT",)  # what the model consists of: its own first comment
LIVENESS = ("-DLIVENESS", "-DBLOBS=2", "-DTROUBLE=6")

HOLDS = {"two operational units": UNITS, "with a recovery unit": RECOVERY, "rotations end": LIVENESS}

# Fault, what of the model shows it, and the invariants of which one must break (I4: a begun rotation ends).
FAULTS = [
    ("ABANDON_AFTER_RECOVERY_SWITCH", RECOVERY, "I6"),
    ("ABANDON_AFTER_SWITCH", LIVENESS, "I4"),
    ("ACK_BEFORE_COMMIT", UNITS, "I3"),
    ("ACK_BEFORE_SAVE", UNITS, "I1 I2"),
    ("BEGIN_BEFORE_ALL_COMMITTED", RECOVERY, "I1 I2"),
    ("BEGIN_WITHOUT_RECOVERY_UNIT", RECOVERY, "I6"),
    ("CENSUS_WITHOUT_GATE", UNITS, "I1 I2"),
    ("CLEAR_CURRENT_DURING_ROTATION", RECOVERY, "I6"),
    ("CLEAR_CURRENT_OF_LAST_UNIT", UNITS, "I2"),
    ("CLEAR_PENDING_DURING_RESEAL", UNITS, "I1 I2"),
    ("CLEAR_PENDING_OF_RECOVERY_UNIT", RECOVERY, "I6"),
    ("CLEAR_PENDING_WITHOUT_CENSUS", UNITS, "I1 I2"),
    ("CREATE_DURING_RESEAL", UNITS, "I7"),
    ("CREATE_WITHOUT_GATE", UNITS, "I1 I2"),
    ("EMPTY_UNIT_BLOCKS", LIVENESS, "I4"),
    ("FINALIZE_ANOTHER_KEY", LIVENESS, "I4"),
    ("FINALIZE_DURING_RESEAL", UNITS, "I1 I2"),
    ("FINALIZE_DURING_REVERT", UNITS, "I1 I2"),
    ("FINALIZE_WITHOUT_CENSUS", UNITS, "I1 I2"),
    ("KEEP_ZEROIZED_UNIT", UNITS, "I2"),
    ("LATE_FRAME", UNITS, "I1 I2"),
    ("NO_RESUME", LIVENESS, "I4"),
    ("RANDOM_OVER_FULL_PENDING", UNITS, "I1 I2"),
    ("RESEAL_WITHOUT_PHASE_CHECK", UNITS, "I1 I2"),
    ("RESEAL_WITHOUT_REVISION", UNITS, "I8"),
    ("RESUME_AS_DONE", UNITS, "I7"),
    ("SEAL_UNDER_OWN_CURRENT", UNITS, "I1 I2"),
    ("ZEROIZE_LAST_HOLDER", UNITS, "I1 I2"),
]


@dataclasses.dataclass
class Search:
    complete: bool  # every reachable state was visited, and nothing is wrong in any
    idle: int  # steps of the model that are never taken
    broken: str  # "I1" to "I8", or empty
    states: int
    output: str


def search(flags):
    """One search of the model under these -D flags."""
    liveness = "-DLIVENESS" in flags
    # Every state is kept whole: neither -DBITSTATE nor -DHC, which could miss one.
    kind = ["-DNFAIR=4"] if liveness else ["-DSAFETY"]
    with tempfile.TemporaryDirectory() as work:
        output = ""
        for command in (["spin", "-a", *flags, str(MODEL)],
                        [os.environ.get("CC", "cc"), "-O0", "-w", "-DNOREDUCE", f"-DMEMLIM={LIMIT_MIB}", *kind, "-o", "pan", "pan.c"],
                        ["./pan", f"-m{DEPTH}", *(["-a", "-f"] if liveness else [])]):
            try:
                done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
            except FileNotFoundError:
                return Search(False, 0, "", 0, f"{command[0]} is not installed")
            except subprocess.TimeoutExpired:
                return Search(False, 0, "", 0, f"{command[0]}: not done after {SECONDS} s")
            output += done.stdout
            if done.returncode != 0 or "Error:" in done.stdout:
                return Search(False, 0, "", 0, output + f"{command[0]}: exit status {done.returncode}")
    violated = re.search(r"assertion violated (I\d)_", output)
    broken = violated.group(1) if violated else "I4" if "acceptance cycle (at" in output else ""
    states = re.search(r"(\d+) states, stored", output)
    cut_short = re.search(r"Search not completed|max search depth too small|reached -DMEMLIM|out of memory", output)
    complete = re.search(r"errors: 0$", output, re.MULTILINE) is not None and not cut_short
    idle = len(re.findall(r'^\s.*:\d+, state \d+, "(?!-end-)', output, re.MULTILINE))
    return Search(complete, idle, broken, int(states.group(1)) if states else 0, output)


def unlisted():
    """Faults of the model that no line of FAULTS names, and the other way round."""
    planted = set(re.findall(r"#ifdef FAULT_(\w+)", MODEL.read_text()))
    return sorted(planted ^ {name for name, _, _ in FAULTS})


def check(result):
    """Fills a Result: one test for each way the model must hold, one for each fault."""
    jobs = [(name, flags, None) for name, flags in HOLDS.items()]
    jobs += [(name, (*flags, f"-DFAULT_{name}"), expected.split()) for name, flags, expected in FAULTS]

    def run(job):
        started = time.monotonic()
        return job, search(job[1]), time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (name, _, expected), found, seconds in pool.map(run, jobs):
            # A model whose steps are never taken would hold of nothing.
            good = found.complete and not found.idle if expected is None else found.broken in expected
            word = f"{found.idle} idle" if found.complete and found.idle else "holds" if found.complete else f"breaks {found.broken}" if found.broken else "no verdict"
            print(f"  {name:32} {word:12} {found.states:9} states {seconds:6.1f} s{'' if good else '  WRONG'}", flush=True)
            if good:
                result.passed += 1
            else:
                result.failed += 1
                result.failures.append(f"models.{name}: {word}, expected {' or '.join(expected) if expected else 'to hold'}")
                print(found.output[-2000:])
    for name in unlisted():
        result.failed += 1
        result.failures.append(f"models: FAULT_{name} is either in the model or in tools/models.py, not in both")
    return result
