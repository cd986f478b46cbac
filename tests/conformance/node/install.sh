#!/usr/bin/env bash
# Installs the Node SDK into the current directory, exactly as locked: install.sh FOLDER
set -euo pipefail
cp "$1/package.json" "$1/package-lock.json" "$1/.npmrc" .
npm ci --ignore-scripts
