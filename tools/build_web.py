#!/usr/bin/env python3
"""Builds the console (web/) with npm and puts its files where keyhavend looks: --output BUILD/share/keyhaven/web.

Packages are installed anew only when web/package-lock.json has changed, and nothing is built while no source is newer than
the output. Several build trees share web/node_modules and web/dist, so one build runs at a time. --optional: a failure is
told and no error (a machine without network must still build the server). --stamp FILE is touched on success.
"""
import argparse
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
SOURCES = ("src", "public", "tools", "index.html", "vite.config.ts", "tsconfig.json", "package.json", "package-lock.json")


class Failed(Exception):
    """Why the console could not be built, and the remedy."""


def newest(path):
    """When the newest file of a file or folder was changed; 0 for none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return max((one.stat().st_mtime for one in files if one.is_file()), default=0)


def npm(*arguments):
    program = shutil.which("npm")
    if program is None:
        raise Failed("npm is not installed; tools/packages.sh build installs Debian's")
    environment = dict(os.environ, npm_config_update_notifier="false", npm_config_fund="false", npm_config_audit="false")
    done = subprocess.run([program, *arguments], cwd=WEB, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        raise Failed(f"npm {' '.join(arguments)} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def install_packages():
    """What npm ci leaves in node_modules says from when it is."""
    installed = newest(WEB / "node_modules/.package-lock.json")
    if installed < newest(WEB / "package-lock.json"):
        npm("ci")
        os.utime(WEB / "node_modules/.package-lock.json")


def publish(output):
    """Replaces the output as a whole: a server that starts meanwhile finds the old or the new files."""
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = pathlib.Path(tempfile.mkdtemp(prefix=".web-", dir=output.parent))
    shutil.copytree(WEB / "dist", fresh, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for path in (fresh, *fresh.rglob("*")):  # the server's user reads them
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(output, ignore_errors=True)
    fresh.rename(output)


def build(output):
    changed = max(newest(WEB / name) for name in SOURCES)
    if newest(output / "index.html") >= changed:
        return
    install_packages()
    if newest(WEB / "dist/index.html") < changed:
        shown = npm("run", "build").strip()
        print("\n".join(shown.splitlines()[-12:]), flush=True)
    publish(output)


def main():
    parser = argparse.ArgumentParser(description="Builds the console.")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--stamp", type=pathlib.Path)
    parser.add_argument("--optional", action="store_true")
    chosen = parser.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build/.web.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            build(chosen.output.absolute())
        except (Failed, OSError) as failure:
            print(f"console: not built: {failure}", file=sys.stderr)
            return 0 if chosen.optional else 1
    if chosen.stamp:
        chosen.stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
