#!/usr/bin/env python3
"""Holds the include direction of src/ (docs: ARCHITECTURE.md) and who may see OpenSSL, SQL and sockets.

Prints each violation as file:line and exits 1 if there is one.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# folder -> folders it may include, besides base/ and itself. Tests may include anything below layer 5.
ALLOWED = {
    "base": set(),
    "crypto": set(),
    "token": {"crypto"},
    "net": {"crypto"},  # certificates in tests; TLS keys come as PEM
    "tke": {"crypto"},
    "iam": {"crypto", "audit"},
    "oidc": {"iam", "net", "crypto"},
    "audit": {"crypto"},
    "unit": {"crypto", "tke"},
    "channel": {"unit", "net", "crypto"},
    "unitd": {"channel", "unit", "tke", "token", "crypto"},
    "keys": {"unit", "iam", "audit", "crypto"},
    "instances": {"unit", "iam", "audit", "tke", "crypto"},
    "store": {"keys", "instances", "unit", "iam", "audit", "crypto"},
    "web": {"net", "crypto"},
    "http": {"keys", "instances", "iam", "oidc", "audit", "net", "web", "unit", "tke", "crypto"},
    "server": {"http", "web", "keys", "instances", "iam", "oidc", "audit", "net", "store", "channel", "crypto", "unit"},
    "client": {"net", "crypto"},
    "console": {"client", "net", "web", "crypto"},
    "tables": set(),
    "migrate": {"client", "tables", "net", "crypto"},
    "cli": {"client", "console", "web", "migrate", "tables", "tke", "token", "net", "crypto", "audit"},
}
# `server` may use the interfaces of unit/ but neither its implementation nor its process.
SERVER_UNIT_HEADERS = {"unit/crypto_unit.h", "unit/async_unit.h", "unit/record_guard.h",
                       "unit/key_transfer.h"}

# Foreign headers and the only folders that may include them.
FOREIGN = {
    r"openssl/": {"crypto", "net", "base"},  # base: secret_bytes.cc borrows cleanse and constant-time compare
    r"p11-kit/": {"token"},
    r"tss2/": {"unitd"},
    r"argon2\.h": {"crypto"},
    r"sqlite3\.h": {"store", "migrate", "tables"},
    r"libpq-fe\.h": {"tables"},
    r"boost/(asio|beast)": {"net"},
    r"sys/socket\.h": {"net", "channel", "server", "unitd"},
    r"linux/landlock\.h": {"unitd", "server", "base"},
    r"toml\+\+": {"server"},
    r"CLI/": {"cli", "server", "migrate", "unitd"},
    r"yaml-cpp": {"migrate"},
    r"prometheus/": {"http"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def main() -> int:
    problems = []
    for path in sorted(SRC.rglob("*")):
        if path.suffix not in (".h", ".cc") or path.parent == SRC:
            continue
        folder = path.relative_to(SRC).parts[0]
        is_test = "test" in path.stem  # the tests themselves and what only they use
        if folder not in ALLOWED:
            problems.append(f"{path.relative_to(ROOT)}: folder {folder}/ is not in the layer table")
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, name = match.groups()
            where = f"{path.relative_to(ROOT)}:{number}"
            if quote == '"':
                target = name.split("/")[0]
                if "/" not in name:
                    problems.append(f'{where}: include "{name}" must name its folder')
                elif target not in ALLOWED:
                    problems.append(f'{where}: include "{name}": unknown folder {target}/')
                elif is_test:
                    continue
                elif target not in ALLOWED[folder] | {"base", folder}:
                    problems.append(f'{where}: {folder}/ must not include {target}/ ("{name}")')
                elif folder == "server" and target == "unit" and name not in SERVER_UNIT_HEADERS:
                    problems.append(f'{where}: server/ may use only the interfaces of unit/, not "{name}"')
            elif not is_test:
                for pattern, folders in FOREIGN.items():
                    if re.match(pattern, name) and folder not in folders:
                        problems.append(f"{where}: {folder}/ must not include <{name}>")
    for problem in problems:
        print(problem)
    print(f"layers: {len(problems)} problem(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
