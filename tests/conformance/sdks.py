"""Reads the SDK folders and installs each SDK, as its user would, into a cache directory outside the tracked tree."""
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / "build/conformance"
INSTALL_SECONDS = 600
# What npm, pip, go and mvn say when a download is not the one that was pinned.
ALTERED = re.compile(r"EINTEGRITY|DO NOT MATCH THE HASHES|checksum mismatch|SECURITY ERROR|checksum validation failed", re.I)


class Unavailable(Exception):
    """The SDK cannot be installed here; the text says why."""


class Altered(Exception):
    """What was fetched is not what was pinned."""


def run_bounded(command, seconds, **options):
    """Runs a command without input in a process group of its own, which is killed as a whole when it takes too long.
    Returns (status, or None when it was killed; standard output; standard error)."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace",
                               start_new_session=True, **({"stderr": subprocess.PIPE} | options))
    try:
        output, errors = process.communicate(timeout=seconds)
        return process.returncode, output, errors
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, *process.communicate()


@dataclasses.dataclass
class Sdk:
    folder: str
    sdk: str
    language: str
    version: str
    tools: list
    packages: str
    locked: list
    install: list
    run: list
    environment: dict = dataclasses.field(default_factory=dict)
    exempt: dict = dataclasses.field(default_factory=dict)
    no_refusal: dict = dataclasses.field(default_factory=dict)

    @property
    def here(self):
        return HERE / self.folder

    @property
    def cache(self):
        return CACHE / self.folder

    def fill(self, text, ca=""):
        values = {"{here}": self.here, "{cache}": self.cache, "{root}": ROOT, "{ca}": ca}
        for name, value in values.items():
            text = text.replace(name, str(value))
        return text

    def variables(self, ca=""):
        return {name: self.fill(value, ca) for name, value in self.environment.items()}

    def fingerprint(self):
        """Changes when the SDK must be installed anew."""
        digest = hashlib.sha256(json.dumps([self.install, {tool: shutil.which(tool) for tool in self.tools}]).encode())
        for name in self.locked:
            digest.update(name.encode() + b"\0" + hashlib.sha256((self.here / name).read_bytes()).digest())
        return digest.hexdigest()

    def ensure_installed(self):
        missing = [tool for tool in self.tools if not shutil.which(tool)]
        if missing:
            raise Unavailable(f"{', '.join(missing)} not found (Debian packages: {self.packages})")
        stamp = self.cache / ".installed"
        if stamp.exists() and stamp.read_text() == self.fingerprint():
            return
        shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir(parents=True)
        status, output, _ = run_bounded([self.fill(word) for word in self.install], INSTALL_SECONDS, cwd=self.cache,
                                        env=dict(os.environ) | self.variables(), stderr=subprocess.STDOUT)
        if status is None:
            raise Unavailable(f"installation took more than {INSTALL_SECONDS} s")
        if status != 0:
            lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
            (self.cache / "install.log").write_text(output)
            if altered := next((line for line in lines if ALTERED.search(line)), None):
                raise Altered(altered)
            raise Unavailable(f"installation failed: {lines[-1]}")
        stamp.write_text(self.fingerprint())


def every_sdk():
    """All SDKs by folder name, in order."""
    found = {}
    for path in sorted(HERE.glob("*/sdk.json")):
        found[path.parent.name] = Sdk(folder=path.parent.name, **json.loads(path.read_text()))
    return found
