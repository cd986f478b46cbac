#!/usr/bin/env bash
# Installs the Python SDK into a virtual environment in the current directory: install.sh REQUIREMENTS
set -euo pipefail
python3 -m venv venv || { echo "python3 cannot make a virtual environment (Debian package: python3-venv)"; exit 1; }
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --retries 2 --only-binary :all: --require-hashes -r "$1"
