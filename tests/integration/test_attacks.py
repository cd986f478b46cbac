"""Attacker code in the server's place: every attempt of tests/attacks/ is as expected, and no key is in what it obtained.

`python3 test_attacks.py --write` renews the table in docs/operations/sandbox.md.
"""
import base64
import ctypes
import errno
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, ROOT, ensure_users

DOCUMENT = ROOT / "docs/operations/sandbox.md"
BEGIN, END = "<!-- attempts: begin -->\n", "<!-- attempts: end -->\n"
ORDINARY_USER = 61010  # only used when root runs the tests; needs no entry anywhere
WORDS = {"R": "refused", "W": "works", "?": "up to the kernel"}
# Clear only in the unit. The standard key and the DEK are handed out on purpose while the attacker is in control.
ONLY_IN_THE_UNIT = ("master-key", "key-part-1", "key-part-2", "root-key", "sealing-key")


def attempts():
    done = subprocess.run([str(BIN / "keyhaven-attacker"), "list"], stdout=subprocess.PIPE, text=True, check=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def forms(secret):
    """How a secret could show: raw, either half, hexadecimal, base64."""
    half = len(secret) // 2
    yield from (secret, secret[:half], secret[half:], secret.hex().encode(), secret.hex().upper().encode())
    yield from (base64.b64encode(secret).rstrip(b"="), base64.urlsafe_b64encode(secret).rstrip(b"="))


def found(canaries, content, names=None):
    return [name for name, secret in canaries.items() if names is None or name in names
            for form in forms(secret) if form in content]


class Mapping:
    def __init__(self, header):
        fields = header.split(None, 5)
        self.begin, self.end = (int(part, 16) for part in fields[0].split("-"))
        self.rights, self.name = fields[1], fields[5] if len(fields) > 5 else ""
        self.flags = set()

    @property
    def is_locked(self):
        return {"lo", "dd"} <= self.flags


def mappings(pid):
    out = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
            out.append(Mapping(line))
        elif line.startswith("VmFlags:"):
            out[-1].flags = set(line.split()[1:])
    return out


def readable_memory(pid):
    """Each mapping of a process with its bytes, as far as root can read them and they are not all zero."""
    step = 1 << 16
    nothing = bytes(step)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for mapping in mappings(pid):
            if "r" not in mapping.rights or mapping.name in ("[vvar]", "[vsyscall]"):
                continue
            content = bytearray()
            for at in range(mapping.begin, mapping.end, step):
                try:
                    memory.seek(at)
                    piece = memory.read(min(step, mapping.end - at))
                except OSError:
                    continue
                if piece != nothing[:len(piece)]:
                    content += piece
            yield mapping, bytes(content)


def without_secret_memory():
    """Before the start of a program: memfd_secret is answered ENOSYS, as on a kernel that has it not or switched off."""
    program = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, 447, 0x06, 0, 0, 0x00050000 | errno.ENOSYS,
                          0x06, 0, 0, 0x7FFF0000)
    buffer = ctypes.create_string_buffer(program, len(program))
    filters = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer)))
    if ctypes.CDLL(None).prctl(22, 2, filters, 0, 0) != 0:  # PR_SET_SECCOMP; root needs no no_new_privs
        raise OSError("no seccomp filter")


class Scene:
    """A prepared deployment, attacked once; `mode`: 0 by root, 1 that without the call filter, 2 and 3 one ordinary user."""

    def __init__(self, mode):
        self.mode = mode
        ensure_users()
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="keyhaven-attack-"))
        self.home.chmod(0o755)
        for name in ("keyhaven-attacker", "keyhaven-unit"):
            shutil.copy2(BIN / name, self.home)
        self.data = self.home / "data"
        self.identity = {}
        if mode >= 2 and os.geteuid() == 0:
            self.identity = {"user": ORDINARY_USER, "group": ORDINARY_USER, "extra_groups": []}
            os.chown(self.home, ORDINARY_USER, ORDINARY_USER)
        self.outcomes, self.pids = {}, {}

    def command(self, verb, *more):
        return [str(self.home / "keyhaven-attacker"), verb, str(self.data), str(self.home / "keyhaven-unit"), *map(str, more)]

    def prepare(self):
        done = subprocess.run(self.command("prepare", self.home / "canaries"), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, **self.identity)
        assert done.returncode == 0, done.stdout
        lines = (self.home / "canaries").read_text().split()
        self.canaries = dict(zip(lines[::2], map(bytes.fromhex, lines[1::2])))
        self.canaries["sealing-key"] = (self.data / "unit/sealing.key").read_bytes()

    def attack(self, while_paused):
        daemon = socket.socket(socket.AF_UNIX)
        daemon.bind(str(self.data / "daemon"))
        os.chmod(self.data / "daemon", 0o777)
        daemon.listen(4)
        more = ["without-filter"] if self.mode in (1, 3) else []
        with daemon, subprocess.Popen(self.command("attack", self.home / "loot", *more), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **self.identity) as process:
            self.printed = ""
            for line in process.stdout:
                self.printed += line
                fields = line.rstrip("\n").split("\t")
                if fields[0] == "pids":
                    self.pids = dict(zip(("server", "launcher", "unit"), map(int, fields[1:])))
                elif fields[0] == "pause":
                    try:
                        while_paused(self)
                    finally:
                        process.stdin.write("\n")
                        process.stdin.flush()
                else:
                    self.outcomes[tuple(fields[:2])] = fields[2:]
            self.errors = process.stderr.read()
        assert process.returncode == 0, self.errors
        self.loot = (self.home / "loot").read_bytes()

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)


def expected(letter):
    return ("works", "refused") if letter == "?" else (WORDS[letter],)


class Attacks(unittest.TestCase):
    def run_scene(self, mode):
        scene = Scene(mode)
        self.addCleanup(scene.close)
        scene.prepare()
        for form in forms(scene.canaries["root-key"]):  # the search itself must be able to find
            self.assertEqual(found(scene.canaries, b"before" + form + b"after")[:1], ["root-key"])
        scene.attack(self.look_at_processes)
        wrong = []
        print(f"\nattacks as {'root' if mode < 2 else 'one ordinary user'}{', without the call filter' if mode % 2 else ''}:")
        for number, (group, what, letters, _) in enumerate(attempts(), 1):
            verdict, seen, loot = scene.outcomes.get((group, what), ("missing", "", "0"))
            print(f"{number:4} {what:66} expected {WORDS[letters[mode]]:16} seen {verdict}: {seen}")
            if verdict not in expected(letters[mode]):
                wrong.append((group, what, verdict, seen))
        self.assertEqual(wrong, [])
        self.assertEqual(len(scene.outcomes), len(attempts()))
        self.assertGreater(len(scene.loot), 10_000)  # answers and messages were collected
        for name, content in (("what it obtained", scene.loot), ("what was printed", (scene.printed + scene.errors).encode())):
            self.assertEqual(found(scene.canaries, content), [], name)
        for path in (scene.data / "server").rglob("*"):
            if path.is_file():
                self.assertEqual(found(scene.canaries, path.read_bytes()), [], str(path))
        return scene

    def look_at_processes(self, scene):
        """As root: keys are in no memory but the unit's, and there only in pages that are locked and never dumped."""
        if os.geteuid() != 0:
            return
        for process in ("server", "launcher"):
            for mapping, content in readable_memory(scene.pids[process]):
                self.assertEqual(found(scene.canaries, content, ONLY_IN_THE_UNIT), [], f"{process}: {mapping.name}")
        unit = scene.pids["unit"]
        everything = b""
        for mapping, content in readable_memory(unit):
            everything += content
            if not mapping.is_locked:
                self.assertEqual(found(scene.canaries, content), [], f"unit: {mapping.begin:x} {mapping.name}")
        self.assertIn(str(scene.data / "unit").encode(), everything)  # the search reads its memory indeed
        secret = [mapping for mapping in mappings(unit) if mapping.name.startswith("/secretmem")]
        self.assertEqual([f"{mapping.begin:x}" for mapping in secret if not mapping.is_locked], [])
        locked = sum(mapping.end - mapping.begin for mapping in mappings(unit) if mapping.is_locked)
        self.assertGreater(locked, 1 << 20)  # after thousands of keys; where the kernel has it, all of it is secret memory
        if secret:
            self.assertEqual(sum(mapping.end - mapping.begin for mapping in secret), locked)

    @unittest.skipUnless(os.geteuid() == 0, "needs a start by root")
    def test_started_by_root(self):
        self.run_scene(0)

    @unittest.skipUnless(os.geteuid() == 0, "needs a start by root")
    def test_started_by_root_the_users_alone_hold(self):
        self.run_scene(1)

    @unittest.skipUnless(os.geteuid() == 0, "reading the unit's memory needs root")
    def test_without_secret_memory_keys_lie_in_locked_pages_only(self):
        scene = Scene(0)
        self.addCleanup(scene.close)
        scene.identity = {"preexec_fn": without_secret_memory}
        scene.prepare()
        seen = []

        def look(scene):
            self.look_at_processes(scene)
            for mapping, content in readable_memory(scene.pids["unit"]):
                if mapping.is_locked:
                    seen.extend(found(scene.canaries, content))
        scene.attack(look)
        self.assertIn("offers no memfd_secret", scene.errors)
        # Here root can read them: so the search finds what is there, and the other tests prove something. The sealing key
        # is used at the start and not kept.
        self.assertIn("master-key", seen)
        self.assertNotIn("sealing-key", seen)
        self.assertEqual(found(scene.canaries, scene.loot), [])

    def test_as_one_ordinary_user(self):
        self.run_scene(2)

    def test_as_one_ordinary_user_landlock_alone_holds(self):
        self.run_scene(3)

    def test_the_table_in_the_documentation(self):
        text = DOCUMENT.read_text()
        written = text[text.index(BEGIN) + len(BEGIN):text.index(END)]
        # What was seen names errors of one kernel; everything else must be equal.
        without_seen = [tuple(cell.strip() for column, cell in enumerate(line.split("|")) if column not in (4, 5))
                        for line in written.splitlines() if line.startswith("| ")]
        fresh = [tuple(cell.strip() for column, cell in enumerate(line.split("|")) if column not in (4, 5))
                 for line in table({}, {}).splitlines() if line.startswith("| ")]
        self.assertEqual(without_seen, fresh)
        self.assertGreaterEqual(len(attempts()), 60)


def both(first, second):
    return WORDS[first] if first == second else f"{WORDS[first]} / {WORDS[second]}"


def table(by_root, by_user):
    """Outcomes by (group, what) for both ways of starting."""
    lines, last = [], None
    for number, (group, what, letters, note) in enumerate(attempts(), 1):
        if group != last:
            lines += ["", f"**{group[0].upper()}{group[1:]}**", "",
                      "| # | attempt | expected | seen: by root | seen: one user | without the call filter | remark |",
                      "|---|---|---|---|---|---|---|"]
            last = group
        seen = [outcomes.get((group, what), ("", ""))[1].replace("|", "/") for outcomes in (by_root, by_user)]
        lines.append(f"| {number} | {what} | {both(letters[0], letters[2])} | {seen[0]} | {seen[1]} | "
                     f"{both(letters[1], letters[3])} | {note} |")
    return "\n".join(lines[1:]) + "\n"


def write():
    outcomes = []
    for mode in (0, 2):
        scene = Scene(mode)
        try:
            scene.prepare()
            scene.attack(lambda _: None)
            outcomes.append(scene.outcomes)
        finally:
            scene.close()
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(text[:text.index(BEGIN) + len(BEGIN)] + table(*outcomes) + text[text.index(END):])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        unittest.main()
