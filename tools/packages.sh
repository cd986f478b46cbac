#!/usr/bin/env bash
# Installs the Debian packages of the given sections of packages.txt that are missing: tools/packages.sh build [test] [bench]
# A line may name a program after the package: where it is in PATH, from whatever source, the package is not needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
missing=()
for section in "$@"; do
  while read -r package program; do
    [ -n "$program" ] && command -v "$program" >/dev/null && continue
    if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
      missing+=("$package")
    fi
  done < <(awk -v want="[$section]" '/^\[/ {on = ($0 == want); next} on && NF && $1 !~ /^#/ {print $1, $2}' "$here/packages.txt")
done
[ ${#missing[@]} -eq 0 ] && exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "packages: need root or sudo to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "packages: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -20 "$log" >&2
  echo "packages: installation failed (see above)" >&2
  exit 1
fi
