"""The protocol models of docs/models, checked by Spin: the rules as they are must hold in every reachable state, and
each planted fault (a rule left out by -D) must break the invariant that the rule is there for."""
import concurrent.futures
import dataclasses
import pathlib
import re
import subprocess
import tempfile
import time

MODELS = pathlib.Path(__file__).resolve().parent.parent / "docs/models"
ROTATION = MODELS / "master_key_rotation.pml"
JOURNAL = MODELS / "migration_journal.pml"
LIMIT_MIB = 900  # of one search; two run at a time
DEPTH = 1_000_000  # steps; a search that would go deeper fails
SECONDS = 300  # of one search, on a busy machine; a quiet one takes a few

# What the model consists of in a search.
UNITS = ()  # two operational units
RECOVERY = ("-DONE_OPERATIONAL", "-DWITH_RECOVERY_UNIT")
LOSS = ("-DLOSS",)
LIVENESS = ("-DLIVENESS", "-DBLOBS=2", "-DTROUBLE=6")

HOLDS = {"two operational units": UNITS, "one, and a recovery unit": RECOVERY, "two, keys lost and got back": LOSS,
         "one and recovery, keys lost": (*RECOVERY, *LOSS), "a begun rotation ends": LIVENESS}

# What must be found, the search that finds it, and the invariants of which one must break: I4 is that a begun rotation
# ends; a model in which W1 and W2 do not break never gets to the end of a rotation and would hold of nothing.
FAULTS = [
    ("WITNESS_ROTATED", UNITS, "W1"),
    ("WITNESS_ROTATED", RECOVERY, "W1"),
    ("WITNESS_REVERTED", UNITS, "W2"),
    ("WITNESS_REVERTED", RECOVERY, "W2"),
    ("FAULT_ABANDON_AFTER_RECOVERY_SWITCH", RECOVERY, "I6"),
    ("FAULT_ABANDON_AFTER_SWITCH", LIVENESS, "I4"),
    ("FAULT_ACK_BEFORE_COMMIT", UNITS, "I3"),
    ("FAULT_ACK_BEFORE_SAVE", UNITS, "I1 I2"),
    ("FAULT_BEGIN_BEFORE_ALL_COMMITTED", UNITS, "I1 I2 I5"),
    ("FAULT_BEGIN_DESPITE_THIRD_KEY", LOSS, "I5"),
    ("FAULT_BEGIN_WITHOUT_RECOVERY_UNIT", RECOVERY, "I6"),
    ("FAULT_CENSUS_WITHOUT_GATE", UNITS, "I1 I2"),
    ("FAULT_CLEAR_CURRENT_DURING_ROTATION", RECOVERY, "I6"),
    ("FAULT_CLEAR_CURRENT_OF_LAST_UNIT", UNITS, "I2"),
    ("FAULT_CLEAR_PENDING_DURING_RESEAL", LIVENESS, "I4"),
    ("FAULT_CLEAR_PENDING_OF_RECOVERY_UNIT", RECOVERY, "I6"),
    ("FAULT_CLEAR_PENDING_WITHOUT_CENSUS", UNITS, "I1 I2"),
    ("FAULT_CREATE_DURING_RESEAL", UNITS, "I7"),
    ("FAULT_CREATE_WITHOUT_GATE", UNITS, "I1 I2"),
    ("FAULT_EMPTY_UNIT_BLOCKS", LIVENESS, "I4"),
    ("FAULT_FINALIZE_ANOTHER_KEY", LIVENESS, "I4"),
    ("FAULT_FINALIZE_DURING_RESEAL", LIVENESS, "I4"),
    ("FAULT_FINALIZE_DURING_REVERT", LIVENESS, "I4"),
    ("FAULT_FINALIZE_WITHOUT_CENSUS", UNITS, "I1 I2"),
    ("FAULT_KEEP_ZEROIZED_UNIT", UNITS, "I2"),
    ("FAULT_LATE_FRAME", UNITS, "I1 I2"),
    ("FAULT_NO_RESUME", LIVENESS, "I4"),
    ("FAULT_RANDOM_OVER_FULL_PENDING", UNITS, "I1 I2"),
    ("FAULT_RESEAL_GATE_FOR_COMMIT_ONLY", LOSS, "I1 I2"),
    ("FAULT_RESEAL_WITHOUT_GATE", UNITS, "I1 I2"),
    ("FAULT_RESEAL_WITHOUT_REVISION", UNITS, "I8"),
    ("FAULT_RESUME_AS_DONE", UNITS, "I7"),
    ("FAULT_SEAL_UNDER_OWN_CURRENT", UNITS, "I1 I2"),
    ("FAULT_ZEROIZE_LAST_HOLDER", UNITS, "I1 I2"),
]


# The journal of a migration: the same, of the other model.
JOURNAL_HOLDS = {"a migration, died and lost anywhere": ()}
JOURNAL_FAULTS = [
    ("WITNESS_UNDONE", (), "W1"),
    ("WITNESS_LEFT_ALONE", (), "W2"),
    ("FAULT_CREATE_WITHOUT_ALIAS", (), "I1"),
    ("FAULT_RELEASE_BEFORE_RESULT", (), "I1"),
    ("FAULT_REPEAT_ROTATION", (), "I2"),
    ("FAULT_ROTATE_BEFORE_INTENT", (), "I4"),
    ("FAULT_SET_WITHOUT_LOOK", (), "I6"),
    ("FAULT_SET_BEFORE_INTENT", (), "I6"),
    ("FAULT_UNSET_BEFORE_INTENT", (), "I5"),
]


@dataclasses.dataclass
class Search:
    complete: bool  # every reachable state was visited, and nothing is wrong in any
    broken: str  # "I1" and so on, or empty
    states: int
    output: str


def search(model, flags):
    """One search of a model under these -D flags."""
    liveness = "-DLIVENESS" in flags
    # Every state is kept whole: neither -DBITSTATE nor -DHC, which could miss one.
    kind = ["-DNFAIR=4"] if liveness else ["-DSAFETY"]
    with tempfile.TemporaryDirectory() as work:
        output = ""
        for command in (["spin", "-a", *flags, str(model)],
                        ["cc", "-O0", "-w", "-DNOREDUCE", f"-DMEMLIM={LIMIT_MIB}", *kind, "-o", "pan", "pan.c"],
                        ["./pan", f"-m{DEPTH}", *(["-a", "-f"] if liveness else [])]):
            try:
                done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
            except FileNotFoundError:
                return Search(False, "", 0, f"{command[0]} is not installed")
            except subprocess.TimeoutExpired:
                return Search(False, "", 0, f"{command[0]}: not done after {SECONDS} s")
            output += done.stdout
            if done.returncode != 0 or "Error:" in done.stdout:
                return Search(False, "", 0, output + f"{command[0]}: exit status {done.returncode}")
    violated = re.search(r"assertion violated ([IW]\d)_", output)
    broken = violated.group(1) if violated else "I4" if "acceptance cycle (at" in output else ""
    states = re.search(r"(\d+) states, stored", output)
    cut_short = re.search(r"Search not completed|max search depth too small|reached -DMEMLIM|out of memory", output)
    complete = re.search(r"errors: 0$", output, re.MULTILINE) is not None and not cut_short
    return Search(complete, broken, int(states.group(1)) if states else 0, output)


def unlisted(model, faults):
    """Faults of the model that no line of `faults` names, and the other way round."""
    conditions = "\n".join(re.findall(r"^#if.*", model.read_text(), re.MULTILINE))
    planted = set(re.findall(r"\b(?:FAULT|WITNESS)_[A-Z_]+", conditions))
    return sorted(planted ^ {name for name, _, _ in faults})


def check(result):
    """Fills a Result: one test for each way a model must hold, one for each fault."""
    jobs = []
    for model, holds, faults in ((ROTATION, HOLDS, FAULTS), (JOURNAL, JOURNAL_HOLDS, JOURNAL_FAULTS)):
        jobs += [(model, name, flags, None) for name, flags in holds.items()]
        jobs += [(model, name, (*flags, f"-D{name}"), expected.split()) for name, flags, expected in faults]

    def run(job):
        started = time.monotonic()
        return job, search(job[0], job[2]), time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (_, name, _, expected), found, seconds in pool.map(run, jobs):
            good = found.complete if expected is None else found.broken in expected
            word = "holds" if found.complete else f"breaks {found.broken}" if found.broken else "no verdict"
            print(f"  {name:34} {word:10} {found.states:9} states {seconds:6.1f} s{'' if good else '  WRONG'}", flush=True)
            if good:
                result.passed += 1
            else:
                result.failed += 1
                result.failures.append(f"models.{name}: {word}, expected {' or '.join(expected) if expected else 'to hold'}")
                print(found.output[-2000:])
    for name in (*unlisted(ROTATION, FAULTS), *unlisted(JOURNAL, JOURNAL_FAULTS)):
        result.failed += 1
        result.failures.append(f"models: {name} is either in a model or in tools/models.py, not in both")
    return result
